"""Pure: how fit a name is to stand for a concept, by the roles of its words: nouns are, verbs, products and labels
are not. Says nothing of how often the course says it.
"""

from collections.abc import Set
from dataclasses import dataclass

from retrieval.concepts.candidates import Candidate
from retrieval.concepts.frequency import RARE, commonness
from retrieval.concepts.linked import LINKS
from retrieval.concepts.names import is_acronym
from retrieval.concepts.noise import label, place_name
from retrieval.concepts.phrases import Phrase, Phrases
from retrieval.concepts.usage import Usage, is_abstract, is_inflected
from retrieval.concepts.wording import FUNCTION_WORDS, can_end

TAUGHT = frozenset(("title", "heading", "asked", "glossary", "called", "defined", "expanded", "extracted"))
"""Marks that a course gives to what it teaches, not to what it only mentions."""

_POINTED = ("title-", "heading-", "called-", "glossary-", "part", "part-", "marked", "marked-", "acronym", "acronym-")
"""Marks that at least point at a name."""

_TRAILING = frozenset("according iff respectively onwards apiece alike".split())
_HEADS = 0.3
"""The share of its sightings at the end of a noun phrase from which a name counts as a noun in full."""


@dataclass(frozen=True, slots=True)
class Prose:
    """What the prose of a course shows of its words: phrases, roles, names in its code (lower-case letters
    and digits), and how many pages there are."""

    phrases: Phrases
    usage: Usage
    code: Set[str] = frozenset()
    pages: int = 1


def is_taught(candidate: Candidate) -> bool:
    """Whether the course gives the name a heading, a definition or the like, on a page that explains."""
    return not TAUGHT.isdisjoint(candidate.marks)


def fitness(candidate: Candidate, phrase: Phrase | None, prose: Prose) -> float:
    """1 for what is used as a noun, less for what mostly qualifies other words, 0 for what is no name."""
    if len(candidate.words) == 1:
        return _alone(candidate, phrase, prose)
    words, marks = candidate.words, candidate.marks
    if marks["expanded"]:
        return 1.0  # an acronym vouches for it
    if label(candidate.spelling) or not _holds(candidate, prose):
        return 0.0
    fit = 1.0 if is_taught(candidate) else _unmarked(words, phrase, prose) if not marks else _mentioned(words, prose)
    if any(word in FUNCTION_WORDS for word in words) and not _is_linked(candidate, phrase):
        return 0.0
    if phrase is None or phrase.count < 3 or any(is_acronym(written) for written in candidate.written):
        return fit
    return fit * _headed(phrase)


def _is_linked(candidate: Candidate, phrase: Phrase | None) -> bool:
    """Whether a name with small words in it is more than two names side by side or a heading's turn of phrase."""
    words, marks = candidate.words, candidate.marks
    if marks["called"] or marks["defined"] or marks["glossary"]:
        return True
    small = {word for word in words if word in FUNCTION_WORDS}
    if not small <= LINKS or any(is_acronym(part) for part in candidate.spelling.split()):
        return False  # precision and recall; limitations of RNNs
    return (phrase is not None and phrase.count >= 2) or len(marks) >= 2


def _headed(phrase: Phrase) -> float:
    return min(1.0, phrase.heads / phrase.count / _HEADS)


def _holds(candidate: Candidate, prose: Prose) -> bool:
    """Whether the last word of a name is used as a noun, and the first one not as a verb."""
    first, last, taught = candidate.words[0], candidate.words[-1], is_taught(candidate)
    headed = any(candidate.marks[kind] for kind in ("title", "heading", "asked"))
    if last in _TRAILING or prose.usage.noun(last) < (0.2 if headed else 0.28):
        return False
    if taught:
        return True
    if first.endswith("ing") and not candidate.marks and not prose.usage.of(first).attributive:
        return False  # combating fraud
    return all(prose.usage.verb(word) < 0.5 for word in candidate.words[:-1])


def _mentioned(words: tuple[str, ...], prose: Prose) -> float:
    if words[0].isdigit() or (words[0].endswith("ing") and words not in prose.phrases.found):
        return 0.3  # "Computing the attention scores" is something to do
    return 1.0


def _unmarked(words: tuple[str, ...], phrase: Phrase | None, prose: Prose) -> float:
    """Of what only recurs: less for what qualifiers, numbers and letters are stuck to, for products and variables."""
    if phrase is None or words[0].isdigit() or place_name(words[-1]) or _is_name(words[-1], prose):
        return 0.0
    if len(words) > 2 and phrase.count < len(words):
        return 0.0
    fit = 1.0 if can_end(words[0]) else 0.6
    if len(words[-1]) == 1 or "".join(words) in prose.code:
        fit *= 0.7
    return fit


def _alone(candidate: Candidate, phrase: Phrase | None, prose: Prose) -> float:
    word, marks, taught = candidate.words[0], candidate.marks, is_taught(candidate)
    if word.endswith("star") or any(is_acronym(written) for written in candidate.written):
        return 1.0
    if not taught and (_is_scrap(word) or (not marks and any(map(str.isdigit, word)))):
        return 0.0
    fit = 1.0
    if not taught and (_is_proper(candidate, phrase, prose) or (_has_hump(candidate) and word in prose.code)):
        if not any(marks[kind] for kind in _POINTED):
            return 0.0
        fit = 0.5
    if not _is_noun(candidate, prose, taught):
        return 0.0
    if phrase is None or phrase.count < 3:
        return fit
    return fit * (1.0 if marks or is_abstract(word) else 0.75) * _headed(phrase)


def _is_noun(candidate: Candidate, prose: Prose, taught: bool) -> bool:
    word, seen = candidate.words[0], prose.usage.of(candidate.words[0])
    share = 0.3 if candidate.marks else 0.5
    if is_inflected(word) and not taught:
        share = 0.55 if candidate.marks else 0.65
    if prose.usage.noun(word) <= share or prose.usage.verb(word) > 0.4:
        return False
    return bool(candidate.marks) or seen.noun >= 1.5


def _is_scrap(word: str) -> bool:
    """Short for something, and hardly a word: obj, src."""
    return len(word) <= 3 and commonness(word) < RARE


def _is_proper(candidate: Candidate, phrase: Phrase | None, prose: Prose) -> bool:
    """A person, a place, a product: always with a capital, and never with an article before it."""
    if phrase is None:
        return not candidate.marks and all(written[:1].isupper() for written in candidate.written)
    return phrase.capitals >= 0.5 * phrase.count and prose.usage.of(candidate.words[0]).article == 0


def _is_name(word: str, prose: Prose) -> bool:
    """The same of the last word of a longer name: Apache Kafka, Sebastian Thrun."""
    alone = prose.phrases.found.get((word,))
    return (
        alone is not None
        and alone.capitals >= 0.6 * alone.count
        and prose.usage.of(word).article == 0
        and commonness(word) < RARE
        and len(word) > 3
    )


def _has_hump(candidate: Candidate) -> bool:
    return any(any(character.isupper() for character in written[1:]) for written in candidate.written)
