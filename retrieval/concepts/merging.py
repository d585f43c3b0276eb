"""Pure: names of one thing become one concept; look-alikes stay apart.

Names are merged where the course says so, where an acronym's letters leave no other choice, or where they
differ only in words that name nothing. What each has a heading of its own for, and what the course compares,
is two things.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from retrieval.concepts.acronyms import resolve
from retrieval.concepts.candidates import Candidates
from retrieval.concepts.frequency import commonness
from retrieval.concepts.phrases import Phrases
from retrieval.concepts.termhood import Scored
from retrieval.concepts.variants import EMPTY_ENDINGS, spelled_out, variants

_EVERYDAY = 3.7
"""Zipf frequency from which a word alone is too general to be another name for something."""


@dataclass(frozen=True, slots=True)
class Group:
    """Keys of one concept, the leading name first. `loose` are acronyms that other concepts share;
    `spelled_out` names with their acronyms written out, in folded words."""

    keys: tuple[str, ...]
    loose: tuple[str, ...] = ()
    spelled_out: tuple[str, ...] = ()


def merge(scored: Mapping[str, Scored], candidates: Candidates, phrases: Phrases) -> list[Group]:
    """Group the keys of scored names, the most central concepts first."""
    sets = _Sets(scored, candidates.apart)
    acronyms = resolve(scored, candidates, phrases)
    for short, name in acronyms.sure.items():
        if short in scored or name in scored:
            sets.join(name, short)
    for one, other in variants(scored, acronyms.sure):
        sets.join(one, other)
    for one, other in _also(scored, candidates):
        # Whoever gives both a heading teaches two things.
        if not (sets.has_heading(one) and sets.has_heading(other)):
            sets.join(one, other)
    shared: dict[str, set[str]] = defaultdict(set)
    for short, names in acronyms.loose.items():
        for name in names:
            shared[sets.root(name)].add(short)
    groups = [
        Group(_ordered(keys, scored), tuple(sorted(shared[root])), spelled_out(keys, scored, acronyms.sure))
        for root, keys in sets.groups()
        if keys & scored.keys()
    ]
    return sorted(groups, key=lambda group: (-max(scored[k].score for k in group.keys if k in scored), group.keys))


def _ordered(keys: Iterable[str], scored: Mapping[str, Scored]) -> tuple[str, ...]:
    """Full names before acronyms, then by how much speaks for them."""

    def rank(key: str) -> tuple[bool, bool, float, str]:
        found = scored.get(key)
        if found is None:
            return (True, True, 0.0, key)
        words = found.candidate.words
        longer = words[-1] in EMPTY_ENDINGS and "".join(words[:-1]) in scored
        return (found.candidate.is_short, longer, -found.score, key)

    return tuple(sorted(keys, key=rank))


def _also(scored: Mapping[str, Scored], candidates: Candidates) -> Iterator[tuple[str, str]]:
    """Pairs of which the course says that they are two names of one thing."""
    for (one, other, how), _ in sorted(candidates.same.items()):
        if how == "acronym" or one not in scored or other not in scored:
            continue
        first, second = scored[one], scored[other]
        if _everyday(first) or _everyday(second):
            continue
        if how == "also" and not (_established(first) and _established(second)):
            continue
        words, others = set(first.candidate.words), set(second.candidate.words)
        if not (words < others or others < words):  # else a special case, not another name
            yield one, other


def _established(found: Scored) -> bool:
    """Whether more speaks for a name than the one sentence that gives it as another name."""
    return found.candidate.marks.keys() - {"named", "called"} != set() or bool(found.phrase and found.phrase.count >= 2)


def _everyday(found: Scored) -> bool:
    words = found.candidate.words
    return len(words) == 1 and commonness(words[0]) >= _EVERYDAY and not found.candidate.is_short


class _Sets:
    """Disjoint sets of keys, none of which holds two that are told apart."""

    def __init__(self, scored: Mapping[str, Scored], apart: Iterable[frozenset[str]]) -> None:
        self._parent = {key: key for key in scored}
        self._headed = {key for key, found in scored.items() if found.candidate.sections}
        self._apart = [tuple(pair) for pair in apart if len(pair) == 2]

    def root(self, key: str) -> str:
        self._parent.setdefault(key, key)
        while self._parent[key] != key:
            self._parent[key] = self._parent[self._parent[key]]
            key = self._parent[key]
        return key

    def join(self, one: str, other: str) -> None:
        first, second = self.root(one), self.root(other)
        if first != second and {first, second} not in ({self.root(a), self.root(b)} for a, b in self._apart):
            self._parent[second] = first
            if second in self._headed:
                self._headed.add(first)

    def has_heading(self, key: str) -> bool:
        """Whether any name of the set is a heading or a title."""
        return self.root(key) in self._headed

    def groups(self) -> list[tuple[str, set[str]]]:
        found: dict[str, set[str]] = defaultdict(set)
        for key in list(self._parent):
            found[self.root(key)].add(key)
        return sorted((root, keys) for root, keys in found.items())
