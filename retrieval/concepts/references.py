"""Pure: who refers to whom. Counts over sections and pages; knows no language and draws no conclusions."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from retrieval.concepts.corpus import Corpus
from retrieval.concepts.cues import Cue
from retrieval.concepts.terms import Mention, Term

Pair = tuple[int, int]
"""Two terms, by number: the one that refers, and the one that is referred to."""

_MOST_NAMED = 300
"""Of a page that names more terms, such as an index, only the most frequent count."""


class NamedIn:
    """Where terms are taught and what is named there.

    `pages` and `headed` are the pages on which each term is named at all and in a heading; `by_section` counts
    mentions in sentences, without those in passing, `by_page` all. `home` is the section that teaches a term
    best, None where nothing teaches it. `taught` and `taught_on` are shares by section and by page.
    """

    def __init__(self, corpus: Corpus, terms: Sequence[Term], mentions: Iterable[Mention], cues: Iterable[Cue]) -> None:
        self.sections = corpus.sections
        self.pages: list[set[int]] = [set() for _ in terms]
        self.headed: list[set[int]] = [set() for _ in terms]
        self.by_section: dict[int, Counter[int]] = defaultdict(Counter)
        self.by_page: dict[int, Counter[int]] = defaultdict(Counter)
        for mention in mentions:
            page = self.sections[mention.section].page
            self.pages[mention.term].add(page)
            self.by_page[page][mention.term] += 1
            if mention.sentence < 0:
                self.headed[mention.term].add(page)
            else:
                self.by_section[mention.section][mention.term] += 1
        for cue in cues:
            if cue.kind == "passing" and cue.sentence >= 0:
                self.by_section[cue.section][cue.second] -= 1
        self.taught = [{section: _share(share) for section, share in term.taught} for term in terms]
        self.taught_on = [self._on_pages(shares) for shares in self.taught]
        self.home = [term.taught[0][0] if term.taught else None for term in terms]

    def _on_pages(self, taught: Mapping[int, float]) -> dict[int, float]:
        shares: dict[int, float] = defaultdict(float)
        for section, share in taught.items():
            shares[self.sections[section].page] += share
        return {page: min(share, 1.0) for page, share in shares.items()}

    def together(self, one: int, other: int) -> float:
        """The share of pages that name both, of those that name one."""
        both = len(self.pages[one] & self.pages[other])
        return both / ((len(self.pages[one]) + len(self.pages[other]) - both) or 1)

    def assumed(self, term: int) -> float:
        """High for what is spoken of on many pages but in few headings: a course builds on it."""
        return math.log((len(self.pages[term]) + 1) / (len(self.headed[term]) + 1))

    def special(self, term: int) -> float:
        """From 0, named on every page, to 1, named on one."""
        pages = len(self.by_page)
        return math.log(pages / (len(self.pages[term]) or 1)) / math.log(pages) if pages > 1 else 0.0


def _share(share: float) -> float:
    return min(max(share, 0.01), 1.0)


def references(
    taught: Sequence[Mapping[int, float]], counts: Mapping[int, Counter[int]]
) -> tuple[dict[Pair, float], dict[Pair, float]]:
    """How much the places that teach a term refer to another, by two measures from 0 to 1.

    `taught` holds each term's places, sections or pages, and their shares; `counts` what is named there. The
    first measure saturates with the number of mentions and leaves out what teaches the other as well, which
    speaks of it on its own account. The second is how much of all that is said there is about the other.
    """
    refers: dict[Pair, float] = defaultdict(float)
    part: dict[Pair, float] = defaultdict(float)
    lists = {place: _most_named(count, place, taught) for place, count in counts.items()}
    for term, places in enumerate(taught):
        whole = sum(places.values())
        for place, share in places.items():
            for other, strength, of_all in lists.get(place, ()):
                refers[term, other] += share / whole * strength
                part[term, other] += share / whole * of_all
    return refers, part


def _most_named(
    count: Counter[int], place: int, taught: Sequence[Mapping[int, float]]
) -> list[tuple[int, float, float]]:
    whole = math.log1p(sum(times for times in count.values() if times > 0)) or 1.0
    return [
        (other, (1 - 0.5**times) * (1 - taught[other].get(place, 0.0)), math.log1p(times) / whole)
        for other, times in count.most_common(_MOST_NAMED)
        if times > 0
    ]
