"""Pure: which phrases recur in a course, where, how often inside of longer ones, and in which role."""

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, field

from retrieval.concepts.corpus import Corpus
from retrieval.concepts.names import is_acronym
from retrieval.concepts.wording import Wording, can_begin, can_end, ends_phrase, wording

_LONGEST = 4
_RECURS = 2
_BEFORE_VERBS = frozenset(
    "to we you i they can will could would should must may might cannot it that which not then please us let".split()
)


@dataclass(slots=True)
class Phrase:
    """A phrase of the prose.

    `count` leaves out sentences that stood elsewhere word for word; `heads` of it were the end of a noun
    phrase, as names are and adjectives are not; `verbs` followed a word that verbs follow; `nested` were
    inside of the longer phrase that recurs most; `whole` were a noun phrase all by themselves, and
    `capitals` began with a capital inside of a sentence.
    """

    words: tuple[str, ...]
    count: int = 0
    heads: int = 0
    verbs: int = 0
    nested: int = 0
    whole: int = 0
    capitals: int = 0
    pages: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Phrases:
    """All that recur at least three times, and those that were asked for. `words` is the length of the prose."""

    found: dict[tuple[str, ...], Phrase]
    words: int


Worded = tuple[tuple[Wording, ...], ...]
"""The wording of every sentence of every section."""


def word_corpus(corpus: Corpus) -> Worded:
    """Read every sentence once."""
    return tuple(tuple(map(wording, section.said)) for section in corpus.sections)


def find_phrases(corpus: Corpus, worded: Worded, asked: Container[tuple[str, ...]]) -> Phrases:
    """Every phrase of one to four words that recurs, and those `asked` for if they occur at all."""
    found: dict[tuple[str, ...], Phrase] = {}
    places = _Places()
    seen: set[tuple[str, ...]] = set()
    total = 0
    for section, sentences in zip(corpus.sections, worded, strict=True):
        for sentence in sentences:
            if len(sentence.folded) > 4 and sentence.folded in seen:
                continue
            seen.add(sentence.folded)
            total += len(sentence.folded)
            _count(found, sentence, section.page, places)
    kept = {words: phrase for words, phrase in found.items() if phrase.count >= _RECURS or words in asked}
    for phrase in kept.values():
        for part in _parts(phrase.words):
            if part in kept:
                kept[part].nested = max(kept[part].nested, phrase.count)
    return Phrases(kept, total)


# What a word can be in a phrase, as one letter of a sentence's outline: nothing, inside, first, last, first and last.
_ENDS, _INSIDE, _FIRST, _LAST, _EITHER = "x-<>="
_RUN = re.compile(f"[^{_ENDS}]+")
"""The longest stretches of words that a name could be part of."""


class _Places(dict[str, str]):
    """The letter of each word, found out when it is first asked for."""

    def __missing__(self, word: str) -> str:
        ends = _ENDS if ends_phrase(word) else (_INSIDE, _FIRST, _LAST, _EITHER)[can_begin(word) + 2 * can_end(word)]
        self[word] = ends
        return ends


def _count(found: dict[tuple[str, ...], Phrase], sentence: Wording, page: int, places: _Places) -> None:
    words, written = sentence
    outline = "".join(map(places.__getitem__, words))
    for run in _RUN.finditer(outline):
        start, end = run.span()
        verbal = start > 0 and words[start - 1] in _BEFORE_VERBS
        for first in range(start, end):
            begins = outline[first] in "<="
            if not begins and not (first + 1 < end and is_acronym(written[first + 1])):
                continue
            capital = first > 0 and written[first][0].isupper()
            for last in range(first + 1, min(end, first + _LONGEST) + 1):
                if outline[last - 1] not in ">=":
                    continue
                name = words[first:last]
                phrase = found.get(name)
                if phrase is None:
                    phrase = found[name] = Phrase(name)
                phrase.count += 1
                phrase.pages.add(page)
                if capital:
                    phrase.capitals += 1
                if last == end:
                    phrase.heads += 1
                if first == start:
                    phrase.whole += last == end
                    phrase.verbs += verbal


def _parts(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for length in range(1, len(words)):
        for start in range(len(words) - length + 1):
            yield words[start : start + length]
