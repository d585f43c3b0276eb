"""Pure: names that differ only in words that name nothing, in their order around "of", or in how a part is written."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from retrieval.concepts.candidates import Candidate
from retrieval.concepts.frequency import commonness
from retrieval.concepts.names import is_acronym
from retrieval.concepts.termhood import Scored

EMPTY_ENDINGS = frozenset("algorithm method technique mechanism approach procedure framework".split())
_EMPTY_BEHIND_SHORT = frozenset("model architecture network classifier".split())
"""What an acronym's last letter, or a coined name, has in it already."""
_LAWS = frozenset("rule theorem law formula".split())
_OF = frozenset({"of", "between"})
_SMALL = frozenset({"the", "and", "an", "a"})
# A recommender system is a recommendation system.
_DERIVED = re.compile(r"(\w{6,}?)(?:er|or|ation|ion)")
_PLURAL = re.compile(r"\w*[A-Z]s")
_STEM = 6
_EVERYDAY = 3.7
_RARE = 2.0


def variants(scored: Mapping[str, Scored], long_of: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Pairs of keys that are one name."""
    yield from _beginnings(scored)
    yield from _doubled(scored)
    for key, found in scored.items():  # ReLUs; but no AIS, which are no AIs
        if _is_short(scored, key[:-1]) and any(_PLURAL.fullmatch(written) for written in found.candidate.written):
            yield key[:-1], key
    normal: dict[tuple[str, ...], str] = {}
    for key, found in sorted(scored.items(), key=lambda item: (-item[1].score, item[0])):
        for form in _forms(found.candidate, scored, long_of):
            first = normal.setdefault(form, key)
            if first != key:
                yield first, key


def spelled_out(keys: Iterable[str], scored: Mapping[str, Scored], long_of: Mapping[str, str]) -> tuple[str, ...]:
    """Deep RL is deep reinforcement learning too."""
    found = (scored[key].candidate for key in sorted(keys) if key in scored)
    return tuple(" ".join(written) for one in found if (written := _written_out(one, scored, long_of)) != one.words)


def _beginnings(scored: Mapping[str, Scored]) -> Iterator[tuple[str, str]]:
    """Backprop is backpropagation: a long word and its beginning, which is no English word."""
    singles = sorted(key for key, found in scored.items() if len(found.candidate.words) == 1 and len(key) >= _STEM)
    for key, longer in pairwise(singles):
        if longer.startswith(key) and len(longer) >= len(key) + 4 and commonness(key) < _RARE:
            yield longer, key


def _doubled(scored: Mapping[str, Scored]) -> Iterator[tuple[str, str]]:
    """Allignment is alignment: equal but for a doubled letter, and no English word."""
    plain: dict[str, list[str]] = {}
    for key in scored:
        if len(key) >= _STEM:
            plain.setdefault(re.sub(r"(.)\1+", r"\1", key), []).append(key)
    for keys in plain.values():
        right, *wrong = sorted(keys, key=lambda key: (-_heard(scored[key]), -scored[key].score, key))
        yield from ((right, key) for key in wrong if _heard(scored[key]) == 0.0 < _heard(scored[right]))


def _is_short(scored: Mapping[str, Scored], key: str) -> bool:
    return key in scored and scored[key].candidate.is_short


def _heard(found: Scored) -> float:
    return min(map(commonness, found.candidate.words))


def _written_out(candidate: Candidate, scored: Mapping[str, Scored], long_of: Mapping[str, str]) -> tuple[str, ...]:
    if len(candidate.words) == 1:
        return candidate.words
    capitals = {
        part.rstrip("s").lower() for written in candidate.written for part in written.split() if is_acronym(part)
    }
    spelled: list[str] = []
    for word in candidate.words:
        name = long_of.get(word, "") if word in capitals and len(word) > 1 else ""
        spelled += scored[name].candidate.words if name in scored else (word,)
    return tuple(spelled)


def _forms(candidate: Candidate, scored: Mapping[str, Scored], long_of: Mapping[str, str]) -> list[tuple[str, ...]]:
    """What a name is compared by: equal forms are one name."""
    spelled = _written_out(candidate, scored, long_of)
    forms = [spelled]
    if len(spelled) == 1:
        return forms
    *base, last = spelled
    short = candidate.words[:-1]
    bare = scored.get("".join(base))
    if (
        last in EMPTY_ENDINGS
        and bare
        and (len(base) > 1 or commonness(base[0]) < _EVERYDAY or _is_short_for(bare, last))
    ):
        forms.append(tuple(base))
    elif last in _EMPTY_BEHIND_SHORT and len(short) == 1 and _is_short(scored, short[0]):
        forms += [tuple(base), short]
    if last in _LAWS:
        forms.append((*base, "rule"))
    if last == "function" and (
        (len(base) == 1 and commonness(base[0]) < 2.8) or (len(base) > 1 and base[-1] in ("loss", "value", "density"))
    ):
        forms.append(tuple(base))
    if last.endswith("ing") and len(last) > 5:
        forms.append((*base, last[:-3]))
    if any(_DERIVED.fullmatch(word) for word in base):
        forms.append((*(_DERIVED.sub(r"\1", word) for word in base), last))
    forms += _turned(spelled)
    return forms


def _turned(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """A mixture of Gaussians is a Gaussian mixture; bias and variance decomposition, bias-variance decomposition."""
    content = tuple(word for word in words if word not in _SMALL)
    if joint := next((place for place, word in enumerate(content) if word in _OF and place > 0), 0):
        yield (*content[joint + 1 :], *content[:joint])
    elif content != words and len(content) > 1:
        yield content


def _is_short_for(everyday: Scored, ending: str) -> bool:
    """Whether a course says an everyday word for what it also calls a mechanism: headings speak of attention."""
    marks = everyday.candidate.marks
    return ending in ("mechanism", "method", "technique") and marks["title"] + marks["heading"] + marks["part"] > 1
