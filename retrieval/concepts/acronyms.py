"""Pure: what each acronym and clipped word of a course stands for: as the course says, or by its letters where
those leave no choice.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from retrieval.concepts.brackets import abbreviates
from retrieval.concepts.candidates import Candidate, Candidates
from retrieval.concepts.frequency import commonness
from retrieval.concepts.phrases import Phrase, Phrases
from retrieval.concepts.termhood import Scored
from retrieval.concepts.wording import FUNCTION_WORDS

_SURE = 3
"""Letters from which exact initials say enough without a page in common."""
_CLIP = 3
_UNHEARD = 2.6
"""Zipf frequency below which a word may be put together from pieces of others."""


@dataclass(frozen=True, slots=True)
class Acronyms:
    """The key that each short form's key stands for; and those that stand for several things about as often."""

    sure: Mapping[str, str]
    loose: Mapping[str, tuple[str, ...]]


def resolve(scored: Mapping[str, Scored], candidates: Candidates, phrases: Phrases) -> Acronyms:
    """Decide what every short form stands for."""
    said: dict[str, Counter[str]] = defaultdict(Counter)
    for (short, name, how), count in candidates.same.items():
        if how == "acronym":
            said[short][name] += count
    sure: dict[str, str] = {}
    loose: dict[str, tuple[str, ...]] = {}
    for short, names in said.items():
        # A name that nobody else uses is a slip of the pen: "maximizing the likelihood (ML)".
        real = {name: count for name, count in names.items() if name in scored} or dict(names)
        ranked = sorted(real, key=lambda name: (-real[name], -_points(scored, name), name))
        rivals = [name for name in ranked[1:] if real[name] * 3 >= real[ranked[0]] and not _alike(name, ranked[0])]
        if rivals:
            loose[short] = (ranked[0], *rivals)
        else:
            sure[short] = ranked[0]
    known = {*sure, *loose}
    sure |= {short: name for short, name in _by_letters(scored, candidates, phrases) if short not in known}
    return Acronyms(sure, loose)


def _by_letters(scored: Mapping[str, Scored], candidates: Candidates, phrases: Phrases) -> Iterator[tuple[str, str]]:
    """Short forms that nobody wrote out: the one name with these letters."""
    names = [found for found in scored.values() if len(found.candidate.words) > 1]
    by_letter: dict[str, list[Scored]] = defaultdict(list)
    for found in names:
        by_letter[found.candidate.words[0][:1]].append(found)
    by_initials = _initials(scored, candidates, phrases)
    for key, found in scored.items():
        candidate = found.candidate
        if len(candidate.words) != 1:
            continue
        fitting = sorted(
            (other for other in by_letter[key[:1]] if _together(found, other) and _fits(candidate, other.candidate)),
            key=lambda found: len(found.candidate.words),
        )
        if fitting and all(set(fitting[0].candidate.words) <= set(other.candidate.words) for other in fitting):
            fitting = [max(fitting, key=lambda found: found.score)]  # convolutional (neural) network
        if len(fitting) == 1:
            yield key, "".join(fitting[0].candidate.words)
        elif not fitting and (candidate.is_short or _in_capitals(found.phrase)) and len(by_initials.get(key, ())) == 1:
            yield key, next(iter(by_initials[key]))


def _fits(short: Candidate, long: Candidate) -> bool:
    if short.words[0] in long.words:
        return False
    written = short.spelling
    return abbreviates(written, " ".join(long.words)) or _is_pieced(written, long.words)


def _is_pieced(word: str, words: tuple[str, ...]) -> bool:
    """Convnet, from convolutional (neural) network; autodiff, from automatic differentiation. No English word."""
    if not 2 <= len(words) <= 3 or not word.isalpha() or not word.islower() or commonness(word) >= _UNHEARD:
        return False
    first, last = words[0], words[-1]
    return any(
        first.startswith(word[:cut]) and last.startswith(word[cut:].removesuffix("s")) and word != first + last
        for cut in range(_CLIP, len(word) - _CLIP + 1)
    )


def _initials(scored: Mapping[str, Scored], candidates: Candidates, phrases: Phrases) -> dict[str, set[str]]:
    """The keys of names of three words and more under their initials: of what the course marks or writes in
    capitals."""
    found: dict[str, set[str]] = defaultdict(set)
    everything = {**{found.words: found for found in candidates.by_key.values()}}
    for words in (*everything, *(other for other in phrases.found if other not in everything)):
        if len(words) < _SURE or any(word in FUNCTION_WORDS for word in words):
            continue
        key, phrase = "".join(words), phrases.found.get(words)
        marked = key in scored or (words in everything and any(_all_capitals(w) for w in everything[words].written))
        if marked or (phrase is not None and phrase.count >= _SURE):
            found["".join(word[0] for word in words)].add(key)
    return found


def _all_capitals(written: str) -> bool:
    return all(part[:1].isupper() for part in re.split(r"[\s-]+", written))


def _in_capitals(phrase: Phrase | None) -> bool:
    return phrase is not None and phrase.capitals * 2 > phrase.count


def _together(one: Scored, other: Scored) -> bool:
    return bool(one.phrase and other.phrase and one.phrase.pages & other.phrase.pages)


def _alike(one: str, other: str) -> bool:
    return one in other or other in one


def _points(scored: Mapping[str, Scored], key: str) -> float:
    return scored[key].score if key in scored else 0.0
