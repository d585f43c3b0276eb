"""Pure: names of one thing become one concept; look-alikes stay apart.

Names are merged where the course says so, where an acronym's letters leave no other choice, or where they
differ only in words that name nothing. What each has a heading of its own for is two things.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from retrieval.concepts.candidates import Candidates
from retrieval.concepts.names import is_acronym, is_clipped, stands_for
from retrieval.concepts.termhood import Scored, commonness

_EMPTY_ENDINGS = frozenset("algorithm method technique mechanism approach procedure framework scheme process".split())
_LAWS = frozenset("rule theorem law formula".split())
_OF = frozenset({"of", "and", "between", "for", "the", "in"})
# A recommender system is a recommendation system.
_DERIVED = re.compile(r"(\w{6,}?)(?:er|or|ation|ion)")
_STEM = 6
_EVERYDAY = 3.7
"""Zipf frequency from which a word alone is too general to be another name for something."""


@dataclass(frozen=True, slots=True)
class Group:
    """Keys of one concept, the leading name first. `loose` are acronyms that other concepts share;
    `spelled_out` names with their acronyms written out, in folded words."""

    keys: tuple[str, ...]
    loose: tuple[str, ...] = ()
    spelled_out: tuple[str, ...] = ()


def merge(scored: Mapping[str, Scored], candidates: Candidates) -> list[Group]:
    """Group the keys of scored names, the most central concepts first."""
    sets = _Sets(scored)
    long_of, loose = _acronyms(scored, candidates)
    for short, name in long_of.items():
        if short in scored or name in scored:
            sets.join(name, short)
    for one, other in _variants(scored, long_of):
        sets.join(one, other)
    for one, other in _also(scored, candidates):
        # Whoever gives both a heading teaches two things.
        if not (sets.has_heading(one, scored) and sets.has_heading(other, scored)):
            sets.join(one, other)
    shared: dict[str, list[str]] = defaultdict(list)
    for short, names in loose.items():
        for name in names:
            shared[sets.root(name)].append(short)
    groups = [
        Group(_ordered(keys, scored), tuple(sorted(set(shared[root]))), _spelled_out(keys, scored, long_of))
        for root, keys in sets.groups()
        if keys & scored.keys()
    ]
    return sorted(groups, key=lambda group: (-max(scored[k].score for k in group.keys if k in scored), group.keys))


def _ordered(keys: Iterable[str], scored: Mapping[str, Scored]) -> tuple[str, ...]:
    """Full names before acronyms, then by how much speaks for them."""

    def rank(key: str) -> tuple[bool, float, str]:
        found = scored.get(key)
        if found is None:
            return (True, 0.0, key)
        return (_is_short(found), -found.score, key)

    return tuple(sorted(keys, key=rank))


def _is_short(found: Scored) -> bool:
    written = found.candidate.written
    return len(found.candidate.words) == 1 and sum(n for w, n in written.items() if is_acronym(w)) * 2 > written.total()


def _acronyms(scored: Mapping[str, Scored], candidates: Candidates) -> tuple[dict[str, str], dict[str, list[str]]]:
    """What each acronym stands for; and acronyms that stand for several things about as often."""
    expansions: dict[str, Counter[str]] = defaultdict(Counter)
    for (short, name, how), count in candidates.same.items():
        if how == "acronym":
            expansions[short][name] += count
    sure: dict[str, str] = {}
    loose: dict[str, list[str]] = {}
    for short, names in expansions.items():
        # A name that nobody else uses is a slip of the pen: "maximizing the likelihood (ML)".
        real = {name: count for name, count in names.items() if name in scored} or dict(names)
        ranked = sorted(real, key=lambda name: (-real[name], -_points(scored, name), name))
        rivals = [name for name in ranked[1:] if real[name] * 3 >= real[ranked[0]] and not _alike(name, ranked[0])]
        if rivals:
            loose[short] = [ranked[0], *rivals]
        else:
            sure[short] = ranked[0]
    _guess(scored, sure, loose)
    return sure, loose


def _guess(scored: Mapping[str, Scored], sure: dict[str, str], loose: Mapping[str, list[str]]) -> None:
    """Acronyms that nobody wrote out: the one name with these initials that is used on the same pages."""
    names = [
        (found.candidate.words[0][:1], key, found) for key, found in scored.items() if len(found.candidate.words) > 1
    ]
    for key, found in scored.items():
        if key in sure or key in loose or len(found.candidate.words) != 1 or not found.candidate.written:
            continue
        written = found.candidate.written.most_common(1)[0][0]
        fits = stands_for if _is_short(found) else is_clipped
        fitting = [
            other
            for initial, other, long in names
            if initial == key[:1]
            and key not in long.candidate.words
            and fits(written, " ".join(long.candidate.words))
            and _together(found, long)
        ]
        if len(fitting) == 1:
            sure[key] = fitting[0]


def _together(one: Scored, other: Scored) -> bool:
    return bool(one.phrase and other.phrase and one.phrase.pages & other.phrase.pages)


def _also(scored: Mapping[str, Scored], candidates: Candidates) -> Iterable[tuple[str, str]]:
    """Pairs of which the course says that they are two names of one thing."""
    for (one, other, how), _ in candidates.same.items():
        if how == "acronym" or one not in scored or other not in scored:
            continue
        first, second = scored[one], scored[other]
        if _everyday(first) or _everyday(second):
            continue
        if how == "also" and not (_established(first) and _established(second)):
            continue
        if set(first.candidate.words) < set(second.candidate.words) or set(second.candidate.words) < set(
            first.candidate.words
        ):
            continue  # a special case, not another name
        yield one, other


def _established(found: Scored) -> bool:
    """Whether more speaks for a name than the one sentence that gives it as another name."""
    return found.candidate.marks.keys() - {"named", "called"} != set() or bool(found.phrase and found.phrase.count >= 2)


def _everyday(found: Scored) -> bool:
    words = found.candidate.words
    return len(words) == 1 and commonness(words[0]) >= _EVERYDAY and not _is_short(found)


def _variants(scored: Mapping[str, Scored], long_of: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Pairs that differ in words that name nothing, in word order around "of", or in a written-out acronym."""
    normal: dict[tuple[str, ...], str] = {}
    yield from _clipped(scored)
    for key, found in sorted(scored.items(), key=lambda item: (-item[1].score, item[0])):
        for form in _forms(found.candidate.words, scored, long_of):
            first = normal.setdefault(form, key)
            if first != key:
                yield first, key


def _clipped(scored: Mapping[str, Scored]) -> Iterable[tuple[str, str]]:
    """Backprop is backpropagation: a long word and its beginning, which is no English word."""
    singles = sorted(key for key, found in scored.items() if len(found.candidate.words) == 1 and len(key) >= _STEM)
    for key, longer in pairwise(singles):
        if longer.startswith(key) and len(longer) >= len(key) + 4 and commonness(key) < 2.0:
            yield longer, key


def _spelled_out(keys: Iterable[str], scored: Mapping[str, Scored], long_of: Mapping[str, str]) -> tuple[str, ...]:
    """Deep RL is deep reinforcement learning too."""
    found = (scored[key].candidate.words for key in sorted(keys) if key in scored)
    return tuple(" ".join(written) for words in found if (written := _written_out(words, scored, long_of)) != words)


def _written_out(words: tuple[str, ...], scored: Mapping[str, Scored], long_of: Mapping[str, str]) -> tuple[str, ...]:
    spelled: list[str] = []
    for word in words:
        name = long_of.get(word, "") if len(words) > 1 else ""
        spelled += scored[name].candidate.words if name in scored else (word,)
    return tuple(spelled)


def _forms(words: tuple[str, ...], scored: Mapping[str, Scored], long_of: Mapping[str, str]) -> list[tuple[str, ...]]:
    """What a name is compared by: equal forms are one name."""
    spelled = _written_out(words, scored, long_of)
    forms = [spelled]
    base = spelled[:-1]
    known = base and spelled[-1] in _EMPTY_ENDINGS and "".join(base) in scored
    if known and (len(base) > 1 or commonness(base[0]) < _EVERYDAY):
        forms.append(base)
    if len(spelled) > 1 and spelled[-1] in _LAWS:
        forms.append((*spelled[:-1], "rule"))
    if len(spelled) == 2 and spelled[1] == "function" and commonness(spelled[0]) < 2.8:
        forms.append((spelled[0],))
    if len(spelled) > 1 and spelled[-1].endswith("ing") and len(spelled[-1]) > 5:
        forms.append((*spelled[:-1], spelled[-1][:-3]))
    if any(_DERIVED.fullmatch(word) for word in base):
        forms.append((*(_DERIVED.sub(r"\1", word) for word in base), spelled[-1]))
    if len(spelled) > 2 and _OF & set(spelled):
        forms.append(tuple(sorted(word for word in spelled if word not in _OF)))
    elif len(spelled) > 1:
        forms.append(tuple(sorted(spelled)))
    return forms


def _alike(one: str, other: str) -> bool:
    return one in other or other in one


def _points(scored: Mapping[str, Scored], key: str) -> float:
    return scored[key].score if key in scored else 0.0


class _Sets:
    """Disjoint sets of keys."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._parent = {key: key for key in keys}

    def root(self, key: str) -> str:
        self._parent.setdefault(key, key)
        while self._parent[key] != key:
            self._parent[key] = self._parent[self._parent[key]]
            key = self._parent[key]
        return key

    def join(self, one: str, other: str) -> None:
        first, second = self.root(one), self.root(other)
        if first != second:
            self._parent[second] = first

    def has_heading(self, key: str, scored: Mapping[str, Scored]) -> bool:
        """Whether any name of the set is a heading or a title."""
        root = self.root(key)
        return any(found.candidate.sections for other, found in scored.items() if self.root(other) == root)

    def groups(self) -> list[tuple[str, set[str]]]:
        found: dict[str, set[str]] = defaultdict(set)
        for key in self._parent:
            found[self.root(key)].add(key)
        return sorted((root, keys) for root, keys in found.items())
