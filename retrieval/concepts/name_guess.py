"""Pure: which concepts a name may mean that is none: a part or the beginning of one, a slip of the keyboard.

Works on the names of a `NameFinder`; concepts are their places in its table. What it needs is made when first asked.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from retrieval.cards import ConceptName
from retrieval.concepts.name_finder import GENERAL, Name, NameFinder, joins, pieces
from retrieval.concepts.names import is_acronym
from retrieval.question import own_words
from retrieval.vocabulary import rarity

_SHORTEST_MISSPELT = 4
_SHORTEST_BEGINNING = 3
_SHORTEST_JOINED = 8
_KNOWN_TO_ENGLISH = 2.0
_COMMON_ENGLISH = 3.5
_ALIKE = 70.0
_LAST = "\U0010ffff"


class NameGuess:
    """Every list it returns begins with the most central concept unless it says otherwise."""

    def __init__(self, concepts: Sequence[ConceptName], finder: NameFinder) -> None:
        self._concepts, self._finder = concepts, finder

    def containing(self, name: str) -> list[int]:
        """The concepts one of whose names holds all these words."""
        words = set(pieces(name))
        if not words or not own_words(name):
            return []
        rarest = min((self._with_word.get(word, []) for word in words), key=len)
        return self.ordered({one.concept for one in rarest if words.issubset(one.pieces)})

    def beginning(self, name: str) -> list[int]:
        """The concepts that are called so and further; a common word stands for itself and begins no other word."""
        said = pieces(name)
        key = "".join(said)
        if len(key) < _SHORTEST_BEGINNING or not own_words(name):
            return []
        if 6.0 - rarity(said[-1]) >= _COMMON_ENGLISH:
            begun = self._with_word.get(said[0], [])
            return self.ordered({one.concept for one in begun if one.pieces[: len(said)] == said})
        return self.ordered({*_range(self._titles, key), *_range(self._aliases, key)})

    def misspelt(self, name: str) -> list[int]:
        """The concepts whose names are this one but for one edit up to five letters, two beyond.

        An edit is one of optimal string alignment. The first letter and all digits must be right, acronyms
        and words of three letters must be whole, and a lone word that English knows is no typo.
        """
        said, key = pieces(name), "".join(pieces(name))
        if len(key) < _SHORTEST_MISSPELT or is_acronym(name) or (len(said) == 1 and _is_english(name)):
            return []
        near: dict[int, int] = {}
        same_letter = self._by_letter.get(key[0], [])
        for _, distance, place in process.extract(
            key, [known for known, _ in same_letter], scorer=OSA.distance, score_cutoff=_edits(key), limit=None
        ):
            one = same_letter[place][1]
            if _is_slip(said, one.pieces):
                near[one.concept] = min(distance, near.get(one.concept, distance))
        best = min(near.values(), default=0)
        return self.ordered(concept for concept, distance in near.items() if distance == best)

    def repaired(self, name: str) -> str | None:
        """The name with its misspelt words replaced by words that names are made of; None if that cannot be done."""
        said = pieces(name)
        mended = [word if word in self._with_word else self._nearest_word(word) for word in said]
        kept = [word for word in mended if word]
        return " ".join(kept) if len(kept) == len(said) and tuple(kept) != said and not is_acronym(name) else None

    def _nearest_word(self, word: str) -> str | None:
        if len(word) < _SHORTEST_MISSPELT or not word.isalpha() or _is_english(word):
            return None
        known = [other for other in self._with_word if other[0] == word[0] and other.isalpha()]
        near = process.extract(word, known, scorer=OSA.distance, score_cutoff=_edits(word), limit=2)
        return near[0][0] if near and (len(near) == 1 or near[0][1] < near[1][1]) else None

    def similar(self, name: str, limit: int) -> list[int]:
        """What somebody may have meant, likeliest first: what begins so, shares telling words or looks alike."""
        said = pieces(name)
        key = "".join(said)
        shared: dict[int, float] = defaultdict(float)
        for word in set(said) - GENERAL:
            concepts = {one.concept for one in self._with_word.get(word, ())} if own_words(word) else set()
            for concept in concepts:
                shared[concept] += 1 / len(concepts)
        alike = process.extract(
            key, [one[0] for one in self._titles], scorer=fuzz.ratio, score_cutoff=_ALIKE, limit=limit
        )
        begun = self.ordered(_range(self._titles, key)) if len(key) >= _SHORTEST_BEGINNING and own_words(name) else []
        by_words = sorted(self.ordered(shared), key=lambda concept: -shared[concept])
        return list(dict.fromkeys([*begun, *by_words, *(self._titles[place][1] for _, _, place in alike)]))[:limit]

    def complete(self, prefix: str, limit: int) -> list[int]:
        """What a prefix may become: a title, an alias, a word in a title, else what nearly begins so."""
        key = "".join(pieces(prefix))
        if not key:
            return [] if prefix.strip() else self._order[: max(limit, 0)]
        whole = {one.concept for one in self._finder.by_key.get(key, ())}
        found = dict.fromkeys(self.ordered(whole))
        for tier in (self._titles, self._aliases, self._inner_words):
            if len(found) >= limit:
                break
            found |= dict.fromkeys(self.ordered(set(_range(tier, key))))
        if not found and len(key) >= _SHORTEST_MISSPELT:
            found = dict.fromkeys(self.ordered(self._nearly_beginning(key)))
        return list(found)[: max(limit, 0)]

    def _nearly_beginning(self, key: str) -> set[int]:
        edits = _edits(key)
        tiers = (self._titles, self._aliases, self._inner_words)
        names = [one for tier in tiers for one in _entries(tier, key[0])]
        near: set[int] = set()
        for length in range(len(key) - edits, len(key) + edits + 1):
            cut = [known[:length] for known, _ in names]
            hits = process.extract(key, cut, scorer=OSA.distance, score_cutoff=edits, limit=None)
            near.update(names[place][1] for _, _, place in hits)
        return near

    def ordered(self, concepts: Iterable[int]) -> list[int]:
        """Most central first; ties by title."""
        return sorted(concepts, key=self._place.__getitem__)

    @cached_property
    def _order(self) -> list[int]:
        def centrality(place: int) -> tuple[float, str, str]:
            concept = self._concepts[place]
            return -concept.weight, concept.title, concept.id

        return sorted(range(len(self._concepts)), key=centrality)

    @cached_property
    def _place(self) -> dict[int, int]:
        return {concept: place for place, concept in enumerate(self._order)}

    @cached_property
    def _with_word(self) -> dict[str, list[Name]]:
        names: dict[str, list[Name]] = defaultdict(list)
        for name in self._finder.names:
            for word in set(name.pieces):
                names[word].append(name)
        return dict(names)

    @cached_property
    def _by_letter(self) -> dict[str, list[tuple[str, Name]]]:
        names: dict[str, list[tuple[str, Name]]] = defaultdict(list)
        for key, those in self._finder.by_key.items():
            names[key[0]] += [(key, name) for name in those if not is_acronym(name.written)]
        return dict(names)

    @cached_property
    def _titles(self) -> list[tuple[str, int]]:
        return sorted(("".join(name.pieces), name.concept) for name in self._finder.names if name.is_title)

    @cached_property
    def _aliases(self) -> list[tuple[str, int]]:
        return sorted(("".join(name.pieces), name.concept) for name in self._finder.names if not name.is_title)

    @cached_property
    def _inner_words(self) -> list[tuple[str, int]]:
        titles = [name for name in self._finder.names if name.is_title]
        return sorted(
            ("".join(name.pieces[start:]), name.concept) for name in titles for start in range(1, len(name.pieces))
        )


def _entries(names: list[tuple[str, int]], prefix: str) -> list[tuple[str, int]]:
    return names[bisect_left(names, (prefix, -1)) : bisect_left(names, (prefix + _LAST, -1))]


def _range(names: list[tuple[str, int]], prefix: str) -> list[int]:
    return [concept for _, concept in _entries(names, prefix)]


def _edits(key: str) -> int:
    return 1 if len(key) <= 5 else 2


def _is_english(word: str) -> bool:
    return 6.0 - rarity(word.lower()) >= _KNOWN_TO_ENGLISH


def _is_slip(said: tuple[str, ...], named: tuple[str, ...]) -> bool:
    """Whether what differs are slips within words. A word that English knows may be one beside a word that fits."""
    if re.findall(r"\d+", " ".join(said)) != re.findall(r"\d+", " ".join(named)):
        return False
    if len(said) != len(named):
        return len("".join(said)) >= _SHORTEST_JOINED and joins(named, said)
    differ = [(one, other) for one, other in zip(said, named, strict=True) if one != other]
    anchored = len(differ) < len(said)
    return all(
        min(len(one), len(other)) >= _SHORTEST_MISSPELT
        and one[0] == other[0]
        and OSA.distance(one, other) <= _edits(one)
        and (anchored or not _is_english(one))
        for one, other in differ
    )
