"""Pure: which words the corpus knows, how rare they are, and which known word a typo was meant to be."""

import math
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

_SHORTEST_REPAIRED = 4
_KNOWN_TO_ENGLISH = 2.0
"""Zipf frequency, that is log10 of occurrences per 10^9 words, from which a word is not a typo."""

_REPAIR_TARGET_PASSAGES = 2


@lru_cache(maxsize=20_000)
def rarity(word: str) -> float:
    """How special a word is in general English, from 0 (among the most frequent) to 6 (unknown).

    6 minus the Zipf frequency of wordfreq's frozen data.
    """
    from wordfreq import zipf_frequency  # takes longer to load than it takes to look up a concept

    return max(0.0, 6.0 - float(zipf_frequency(word, "en")))


class Vocabulary:
    """The words and terms of one index."""

    def __init__(self, words: Mapping[str, int], terms: Mapping[int, int], passages: int) -> None:
        self._words, self._terms, self._passages = words, terms, passages
        self._targets: dict[tuple[str, int], list[str]] = defaultdict(list)
        for word, count in words.items():
            if len(word) >= _SHORTEST_REPAIRED and count >= _REPAIR_TARGET_PASSAGES and word.isalpha():
                self._targets[word[0], len(word)].append(word)

    @property
    def highest_idf(self) -> float:
        """What a term that occurs nowhere would weigh."""
        return self._idf(0)

    def idf(self, term: int) -> float:
        """Qdrant's inverse document frequency, ln(1 + (N - n + 1/2) / (n + 1/2))."""
        return self._idf(self._terms.get(term, 0))

    def _idf(self, n: int) -> float:
        return math.log(1 + (self._passages - n + 0.5) / (n + 0.5))

    def knows(self, term: int) -> bool:
        """Whether any passage holds the term."""
        return term in self._terms

    def repair(self, word: str) -> str | None:
        """The corpus word that an unknown word was meant to be, None if there is no near one.

        Near is one edit (optimal string alignment) up to five letters and two beyond, with the first
        letter right, as it is in nearly all typos. Words that English knows are left alone: they are
        outside the course, not misspelt.
        """
        if len(word) < _SHORTEST_REPAIRED or not word.isalpha() or word in self._words:
            return None
        if 6.0 - rarity(word) >= _KNOWN_TO_ENGLISH:
            return None
        edits = 1 if len(word) <= 5 else 2
        lengths = range(len(word) - edits, len(word) + edits + 1)
        near = [
            (distance, -self._words[target], target)
            for length in lengths
            for target, distance, _ in process.extract(
                word,
                self._targets.get((word[0], length), ()),
                scorer=OSA.distance,
                score_cutoff=edits,
                limit=None,
            )
        ]
        return min(near)[2] if near else None
