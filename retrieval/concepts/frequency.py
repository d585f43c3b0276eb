"""Pure: how common a word is in general English."""

import math
from functools import lru_cache

from wordfreq import get_frequency_dict

RARE = 3.4
"""Zipf frequency below which a word is technical."""


@lru_cache(maxsize=50_000)
def commonness(word: str) -> float:
    """Zipf frequency of a folded word in general English: log10 of occurrences per 10^9 words, 0 where unknown.

    Of its singular and its plural the more frequent: folding makes words that nobody writes.
    """
    plural = f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
    # The table itself: words are cut already, and a thousand of them are asked for.
    known = get_frequency_dict("en")
    share = max(known.get(word, 0.0), known.get(plural, 0.0) if len(word) > 2 else 0.0)
    return round(math.log10(share) + 9, 2) if share > 0 else 0.0
