"""Pure: which names are concepts of this course: how much speaks for each, against how common it is in English."""

import math
from dataclasses import dataclass
from functools import lru_cache

from wordfreq import zipf_frequency

from retrieval.concepts.candidates import Candidate, Candidates
from retrieval.concepts.names import is_acronym
from retrieval.concepts.noise import generality, noise
from retrieval.concepts.phrases import Phrase, Phrases
from retrieval.concepts.wording import FUNCTION_WORDS, can_be_alone

_SPOKEN = {"title": 0.5, "heading": 0.3, "asked": 0.7, "part": 0.3}
"""What of a mark is left for names of several words that stand in headings and nowhere in the prose: labels."""


_RARE, _UNHEARD = 3.4, 1.2
"""Zipf frequencies below which a word is technical, and below which it may be a slip of the pen."""


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
    threshold: float = 2.6
    technical: float = 1.5
    """The threshold for names with a word that is rare in general English: few other things are called so."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with its termhood and what recurs of it, None where the prose never says it."""

    candidate: Candidate
    score: float
    phrase: Phrase | None


@lru_cache(maxsize=50_000)
def commonness(word: str) -> float:
    """Zipf frequency of a word in general English: log10 of occurrences per 10^9 words, 0 where unknown."""
    return float(zipf_frequency(word, "en"))


def score(candidates: Candidates, phrases: Phrases, weights: Weights = Weights()) -> dict[str, Scored]:
    """Every candidate and every recurring phrase that reaches the threshold, by key."""
    names = {candidate.words: candidate for candidate in candidates.by_key.values()}
    scored: dict[str, Scored] = {}
    for words in {**names, **phrases.found}:
        candidate = names.get(words) or Candidate(words)
        phrase = phrases.found.get(words)
        if phrase is None and candidate.marks.keys() == {"imported"}:
            continue  # somebody else's word for it, and no word of this course
        points = _score(candidate, phrase, phrases, weights)
        if points < (weights.technical if _technical(candidate, phrase) else weights.threshold):
            continue
        key = "".join(words)
        if (key not in scored or points > scored[key].score) and not _is_noise(candidate, phrase):
            scored[key] = Scored(candidate, points, phrase)
    return scored


def _technical(candidate: Candidate, phrase: Phrase | None) -> bool:
    """Whether a name has a word that hardly any other subject uses, and is no proper name or slip of the pen."""
    words = [word for word in candidate.words if word not in FUNCTION_WORDS and word.isalpha() and len(word) > 1]
    if not words or min(map(commonness, words)) >= _RARE:
        return False
    if candidate.marks:
        return True
    if phrase is None or (min(map(commonness, words)) < _UNHEARD and phrase.count < 4):
        return False
    proper = phrase.capitals >= 0.8 * phrase.count
    return phrase.whole > 0 and phrase.heads >= 0.5 * phrase.count and (len(words) > 1 or not proper)


def _is_noise(candidate: Candidate, phrase: Phrase | None) -> bool:
    written = candidate.written.most_common(1)[0][0] if candidate.written else " ".join(candidate.words)
    if noise(written) not in (None, "a generality"):
        return True
    return (generality(written) or generality(" ".join(candidate.words))) and not _defines(candidate)


def _defines(candidate: Candidate) -> bool:
    """Whether the course itself says what a very general word means to it."""
    marks = candidate.marks
    return marks["asked"] > 0 or marks["defined"] + marks["called"] + marks["glossary"] >= 2


def _score(candidate: Candidate, phrase: Phrase | None, phrases: Phrases, weights: Weights) -> float:
    words = candidate.words
    role = _role(words, phrase, candidate)
    if role == 0.0:
        return 0.0
    marks = 0.0
    for kind, count in candidate.marks.items():
        bare = kind.removesuffix("-")
        worth = getattr(weights, bare) * min(count, 2) * (weights.exercise if kind != bare else 1.0)
        if len(words) > 1 and (phrase is None or phrase.count < 2):
            worth *= _SPOKEN.get(bare, 1.0) / min(count, 2)  # sibling notebooks share their labels
        marks += worth
    free = max(phrase.count - phrase.nested * 0.8, 0.0) if phrase else 0.0
    spread = len(phrase.pages) if phrase else 0
    usage = weights.repeated * math.log2(1 + free) + weights.spread * math.log2(1 + spread)
    return role * (marks * _speciality(candidate) + usage * _binding(words, phrase, phrases))


def _role(words: tuple[str, ...], phrase: Phrase | None, candidate: Candidate) -> float:
    """1 for what is used as a noun, less for what mostly qualifies other words, or is a verb."""
    if len(words) > 1 and any(word in FUNCTION_WORDS for word in words) and phrase is None:
        # `phrases` knows no names with "of" in them; an acronym proves them, a heading hardly.
        return 1.0 if candidate.marks["expanded"] else 0.6
    if len(words) > 1 and words[0].endswith("ing") and (phrase is None or phrase.count < 2):
        return 0.3  # "Computing the attention scores" is something to do
    if phrase is None or phrase.count < 3 or any(is_acronym(written) for written in candidate.written):
        return 1.0
    heads = phrase.heads / phrase.count
    verbs = phrase.verbs / phrase.count
    if len(words) == 1 and (verbs > 0.5 or (not candidate.marks and _inflected(words[0], verbs))):
        return 0.0
    return min(1.0, heads / 0.3) * (1.0 if candidate.marks or len(words) > 1 else 0.75)


def _inflected(word: str, verbs: float) -> bool:
    """Whether a word is a form of a verb; clustering and padding have become nouns."""
    return word.endswith("ed") or (word.endswith("ing") and (verbs > 0.2 or commonness(word) >= 3.6))


def _speciality(candidate: Candidate) -> float:
    """How little a name says outside of the course: 1 for technical words, less for everyday ones."""
    if len(candidate.words) > 1:
        return 1.0
    word = candidate.words[0]
    if any(is_acronym(written) for written in candidate.written):
        return 1.0
    return min(1.0, max(0.0, (5.8 - commonness(word)) / 1.6)) if can_be_alone(word) else 0.0


def _binding(words: tuple[str, ...], phrase: Phrase | None, phrases: Phrases) -> float:
    """How much the words of a phrase belong together, from 0 to 1: normalised pointwise mutual information
    (Bouma 2009). Of a single word: how special it is in general English."""
    if len(words) == 1:
        word = words[0]
        if not can_be_alone(word):
            return 0.0
        # Weirdness (Ahmad et al. 1999): how much likelier the word is here than in English at large.
        here = math.log10(phrase.count / phrases.words) + 9 if phrase else 0.0
        return min(1.0, max(0.0, (4.6 - commonness(word)) / 1.6, (here - commonness(word) - 0.5) / 2))
    if phrase is None:
        return 0.0
    joint = math.log(phrase.count / phrases.words)
    expected = 0.0
    for word in words:
        single = phrases.found.get((word,))
        expected += math.log((single.count if single else phrase.count) / phrases.words)
    npmi = (joint - expected) / -joint / (len(words) - 1)
    return min(1.0, max(0.0, (npmi - 0.1) / 0.4))
