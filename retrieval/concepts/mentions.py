"""Pure: where in the sentences of a course each concept is named; the longest name wins."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from retrieval.concepts.corpus import Corpus, plain
from retrieval.concepts.frequency import commonness
from retrieval.concepts.names import is_acronym
from retrieval.concepts.phrases import Worded
from retrieval.concepts.terms import Mention
from retrieval.concepts.wording import wording

_ORDINARY = 3.0
"""Zipf frequency from which a word is no acronym unless it is written like one: MAP and map."""


@dataclass(frozen=True, slots=True)
class Name:
    """One name of a term: folded words, and whether it only counts in capitals."""

    term: int
    words: tuple[str, ...]
    capitals: bool = False


def name_of(term: int, words: tuple[str, ...], short: bool) -> Name:
    """`short` for acronyms; those that are ordinary words in lower case need their capitals."""
    return Name(term, words, short and len(words) == 1 and (len(words[0]) <= 2 or commonness(words[0]) >= _ORDINARY))


class NameFinder:
    """Finds names in worded sentences."""

    def __init__(self, names: Iterable[Name]) -> None:
        self._called: dict[tuple[str, ...], list[Name]] = defaultdict(list)
        lengths: dict[str, set[int]] = defaultdict(set)
        for name in names:
            self._called[name.words].append(name)
            lengths[name.words[0]].add(len(name.words))
        self._lengths = {first: sorted(found, reverse=True) for first, found in lengths.items()}

    def find(self, folded: Sequence[str], written: Sequence[str]) -> Iterator[tuple[Name, int]]:
        """Names with the place of their first word, in order, none inside of another."""
        free = 0
        for place in [place for place, word in enumerate(folded) if word in self._lengths]:
            if place >= free and (name := self._longest(folded, written, place)):
                yield name, place
                free = place + len(name.words)

    def _longest(self, folded: Sequence[str], written: Sequence[str], place: int) -> Name | None:
        for length in self._lengths[folded[place]]:
            for name in self._called.get(tuple(folded[place : place + length]), ()):
                if not name.capitals or is_acronym(written[place]):
                    return name
        return None


@dataclass(frozen=True, slots=True)
class Found:
    """All mentions in order of sections; the terms of each section's innermost heading (of its title, at a
    page's top); and how each term is written in prose, with counts."""

    mentions: tuple[Mention, ...]
    headed: tuple[frozenset[int], ...]
    spelled: Mapping[int, Mapping[str, int]]


def find_mentions(corpus: Corpus, worded: Worded, finder: NameFinder) -> Found:
    """Look through titles, headings and sentences."""
    mentions: list[Mention] = []
    headed: list[frozenset[int]] = []
    spelled: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))

    @cache
    def terms_in(heading: str) -> frozenset[int]:
        read = wording(plain(heading))
        return frozenset(name.term for name, _ in finder.find(read.folded, read.written))

    for section, sentences in zip(corpus.sections, worded, strict=True):
        around = [terms_in(heading) for heading in (section.title, *section.headings)]
        headed.append(around[-1])
        mentions += [Mention(term, section.number, -1) for term in sorted(frozenset().union(*around))]
        for number, sentence in enumerate(sentences):
            for name, place in finder.find(sentence.folded, sentence.written):
                mentions.append(Mention(name.term, section.number, number))
                spelled[name.term][" ".join(sentence.written[place : place + len(name.words)])] += 1
    return Found(tuple(mentions), tuple(headed), spelled)
