"""Pure: which names are concepts of this course: how much speaks for each, against how common it is in English."""

import math
from collections import Counter
from dataclasses import dataclass

from retrieval.concepts.candidates import Candidate, Candidates
from retrieval.concepts.fitness import Prose, fitness, is_taught
from retrieval.concepts.frequency import RARE, commonness
from retrieval.concepts.names import is_acronym
from retrieval.concepts.noise import generality, noise, person
from retrieval.concepts.phrases import Phrase
from retrieval.concepts.usage import is_abstract
from retrieval.concepts.wording import FUNCTION_WORDS, can_be_alone, can_end

_SPOKEN = {"title": 0.5, "heading": 0.85, "asked": 0.7, "part": 0.3}
"""What of a mark is left for names of several words that stand in headings and nowhere in the prose: labels."""

_SPECIAL = 0.4
"""Weirdness from which a word belongs to the course."""

_UNHEARD = 1.2
"""Zipf frequency below which a word may be a slip of the pen."""

_MANY_PAGES = 20
"""From so many on, what only one page says is an example there, unless it is marked."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What one mark of a kind is worth; a kind counts at most twice, and in exercises a third.

    Chosen by how sure a sign is: a page's title names what it teaches, words in bold are often just stressed.
    """

    title: float = 3.0
    heading: float = 2.0
    asked: float = 2.5
    glossary: float = 1.5
    called: float = 1.6
    defined: float = 1.2
    named: float = 1.0
    marked: float = 0.8
    part: float = 0.7
    expanded: float = 2.5
    acronym: float = 1.0
    imported: float = 1.0
    extracted: float = 1.5
    exercise: float = 0.33
    repeated: float = 0.5
    """For each doubling of the count in prose that is not inside of a longer phrase."""
    spread: float = 0.6
    """For each doubling of the pages."""
    family: float = 0.5
    """For each doubling of the marked names that end in the same word: kinds of search, of distribution."""
    threshold: float = 2.8
    taught: float = 2.2
    """The threshold for names of several words that a page explains: nobody sets everyday talk as a heading."""
    technical: float = 1.7
    """The threshold for names with a word that is rare in general English: few other things are called so."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with its termhood and what recurs of it, None where the prose never says it."""

    candidate: Candidate
    score: float
    phrase: Phrase | None


def score(candidates: Candidates, prose: Prose, weights: Weights = Weights()) -> dict[str, Scored]:
    """Every candidate and every recurring phrase that reaches the threshold, by key."""
    names = {candidate.words: candidate for candidate in candidates.by_key.values()}
    families = _families(candidates)
    judge = _Judge(prose, families, weights)
    scored: dict[str, Scored] = {}
    for words in {**names, **prose.phrases.found}:
        candidate = names.get(words) or Candidate(words)
        phrase = prose.phrases.found.get(words)
        points = judge.points(candidate, phrase)
        if points < weights.technical or points < judge.threshold(candidate, phrase):
            continue
        key = "".join(words)
        if (key not in scored or points > scored[key].score) and not _is_noise(candidate):
            scored[key] = Scored(candidate, points, phrase)
    return scored


def _families(candidates: Candidates) -> Counter[str]:
    """How many names of several words end in each word, of those that the course marks as taught."""
    return Counter(
        candidate.words[-1]
        for candidate in candidates.by_key.values()
        if len(candidate.words) > 1 and is_taught(candidate)
    )


def _is_noise(candidate: Candidate) -> bool:
    written = candidate.spelling
    if noise(written) not in (None, "a generality"):
        return True
    if person(written) and not any(candidate.marks[kind] for kind in ("title", "heading", "asked", "defined")):
        return True
    return (generality(written) or generality(" ".join(candidate.words))) and not _defines(candidate)


def _defines(candidate: Candidate) -> bool:
    """Whether the course itself says what a very general word means to it."""
    marks = candidate.marks
    said = marks["defined"] + marks["called"] + marks["glossary"]
    # Consideration is a general word, and a page of contract law that defines it.
    headed = marks["title"] > 0 or marks["heading"] > 0
    return marks["asked"] > 0 or said >= 2 or (headed and said > 0)


class _Judge:
    """Weighs what speaks for a name."""

    def __init__(self, prose: Prose, families: Counter[str], weights: Weights) -> None:
        self._prose, self._phrases = prose, prose.phrases
        self._families, self._weights = families, weights

    def points(self, candidate: Candidate, phrase: Phrase | None) -> float:
        """Termhood, 0 for what can be no concept's name here."""
        weights = self._weights
        if phrase is None and candidate.marks.keys() == {"imported"}:
            return 0.0  # somebody else's word for it, and no word of this course
        total = self._marks(candidate, phrase) + (self._use(candidate, phrase) if phrase is not None else 0.0)
        # Most phrases fall here, before anything looks at their words.
        return total * fitness(candidate, phrase, self._prose) if total >= weights.technical else 0.0

    def _use(self, candidate: Candidate, phrase: Phrase) -> float:
        """What its use in the prose says for a name."""
        words, weights = candidate.words, self._weights
        free, pages = max(phrase.count - phrase.nested * 0.8, 0.0), len(phrase.pages)
        if not candidate.marks and self._is_local(phrase):
            free = min(free, 3.0)
        use = weights.repeated * math.log2(1 + free) + weights.spread * math.log2(1 + pages)
        kin = weights.family * math.log2(1 + self._families[words[-1]]) if len(words) > 1 else 0.0
        if not candidate.marks and use + kin < (weights.technical if _is_rare(words) else weights.threshold):
            return 0.0
        use *= self._binding(words, phrase)
        if len(words) > 1 and (phrase.count > 1 or candidate.marks):
            use += kin * self._is_kin(words, bool(candidate.marks))
        return use

    def threshold(self, candidate: Candidate, phrase: Phrase | None) -> float:
        """What a name must reach."""
        weights = self._weights
        if self._technical(candidate, phrase):
            return weights.technical
        return weights.taught if len(candidate.words) > 1 and is_taught(candidate) else weights.threshold

    def _technical(self, candidate: Candidate, phrase: Phrase | None) -> bool:
        """Whether a name has a word that hardly any other subject uses, and is no proper name or slip of the pen."""
        words = [word for word in candidate.words if word not in FUNCTION_WORDS and word.isalpha() and len(word) > 1]
        if not words or min(map(commonness, words)) >= RARE:
            return False
        if candidate.marks:
            return True
        if (
            phrase is None
            or len(words) > 2
            or (len(words) == 2 and self._is_local(phrase))
            or (min(map(commonness, words)) < _UNHEARD and phrase.count < 4)
        ):
            return False
        proper = phrase.capitals >= 0.8 * phrase.count
        return phrase.whole > 0 and phrase.heads >= 0.5 * phrase.count and (len(words) > 1 or not proper)

    def _is_local(self, phrase: Phrase) -> bool:
        return len(phrase.pages) == 1 and self._prose.pages >= _MANY_PAGES

    def _is_kin(self, words: tuple[str, ...], marked: bool) -> bool:
        """Whether the marked names that end in the same word speak for this one: it does not only qualify it."""
        return marked or (can_end(words[0]) and self._weirdness(words[0]) >= _SPECIAL)

    def _marks(self, candidate: Candidate, phrase: Phrase | None) -> float:
        several = len(candidate.words) > 1
        unspoken = several and (phrase is None or phrase.count < 2)
        total = 0.0
        for kind, count in candidate.marks.items():
            bare = kind.removesuffix("-")
            worth = float(getattr(self._weights, bare)) * min(count, 2)
            worth *= self._weights.exercise if kind != bare else 1.0
            if unspoken:
                worth *= _SPOKEN.get(bare, 1.0) / min(count, 2)  # sibling notebooks share their labels
                worth *= 1.0 if self._families[candidate.words[-1]] > 2 or is_abstract(candidate.words[-1]) else 0.7
            total += worth
        return total if several else total * _speciality(candidate)

    def _binding(self, words: tuple[str, ...], phrase: Phrase) -> float:
        """How much the words of a phrase belong together, from 0 to 1: normalised pointwise mutual information
        (Bouma 2009), for words that this course uses more than others do. Of a single word: how special it is."""
        if len(words) == 1:
            word = words[0]
            if not can_be_alone(word):
                return 0.0
            return min(1.0, max(0.0, (4.6 - commonness(word)) / 1.6, (self._weirdness(word) - 0.5) / 2))
        joint = math.log(phrase.count / self._phrases.words)
        expected = 0.0
        for word in words:
            single = self._phrases.found.get((word,))
            expected += math.log((single.count if single else phrase.count) / self._phrases.words)
        npmi = (joint - expected) / -joint / (len(words) - 1)
        if min(map(commonness, words)) < RARE:
            return min(1.0, max(0.0, (npmi - 0.1) / 0.4))
        special = sum(min(2.0, max(0.0, self._weirdness(word))) for word in words) / len(words)
        return min(1.0, max(0.0, (npmi - 0.1) / 0.4)) * min(1.0, 0.4 + 0.6 * special)

    def _weirdness(self, word: str) -> float:
        """How much likelier a word is here than in English at large (Ahmad et al. 1999), as a logarithm to 10."""
        single = self._phrases.found.get((word,))
        return math.log10(single.count / self._phrases.words) + 9 - commonness(word) if single else 0.0


def _is_rare(words: tuple[str, ...]) -> bool:
    return any(commonness(word) < RARE for word in words)


def _speciality(candidate: Candidate) -> float:
    """How little a single word says outside of the course: 1 for technical words, less for everyday ones."""
    word = candidate.words[0]
    if any(is_acronym(written) for written in candidate.written):
        return 1.0
    return min(1.0, max(0.0, (5.8 - commonness(word)) / 1.6)) if can_be_alone(word) else 0.0
