"""Pure: how common a word is in general English."""

from functools import cache, lru_cache

from wordfreq import get_frequency_list

RARE = 3.4
"""Zipf frequency below which a word is technical."""


@lru_cache(maxsize=50_000)
def commonness(word: str) -> float:
    """Zipf frequency of a folded word in general English: log10 of occurrences per 10^9 words, 0 where unknown.

    Of its singular and its plural the more frequent: folding makes words that nobody writes.
    """
    plural = f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
    # The table itself: words are cut already, and a thousand of them are asked for.
    known = _table()
    return max(known.get(word, 0.0), known.get(plural, 0.0) if len(word) > 2 else 0.0)


def zipf(word: str) -> float:
    """Zipf frequency of a lower-case word as it is written; 0 where unknown."""
    return _table().get(word, 0.0)


@cache
def _table() -> dict[str, float]:
    """Zipf frequency by word, from the frozen data of wordfreq."""
    table: dict[str, float] = {}
    # Words by how rare they are, in steps of 10^0.01.
    for rarity, bucket in enumerate(get_frequency_list("en")):
        table.update(dict.fromkeys(bucket, (900 - rarity) / 100))
    return table
