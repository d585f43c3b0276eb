"""Pure: who refers to whom. Counts over sections and pages; knows no language and draws no conclusions."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.concepts.corpus import Corpus
from retrieval.concepts.cues import Cue
from retrieval.concepts.terms import Mention, Term

Pair = tuple[int, int]
"""Two terms, by number: the one that refers, and the one that is referred to."""
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]

_MOST_NAMED = 300
"""Of a page that names more terms, such as an index, only the most frequent count."""
_CELLS = 1 << 20
_PAIRS = 1 << 15
"""So many cells of a matrix of terms, and so many pairs, are held in memory at a time."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A number for each of some pairs of `terms` terms, and 0 for all others.

    `codes` are first * terms + second, ascending, and `values` the numbers; both have shape (pairs,).
    """

    terms: int
    codes: Ints
    values: Floats

    @classmethod
    def over(cls, terms: int, pairs: Mapping[Pair, float]) -> "Measure":
        """From pairs as they are found."""
        known = sorted(pairs.items())
        codes = np.array([first * terms + second for (first, second), _ in known], np.int64)
        return cls(terms, codes, np.array([value for _, value in known], np.float64))

    def of(self, first: Ints, second: Ints) -> Floats:
        """The numbers of these pairs, in their shape."""
        found, places = self._found(first, second)
        values = np.zeros(len(first))
        values[found] = self.values[places[found]]
        return values

    def has(self, first: Ints, second: Ints) -> Truths:
        """Whether these pairs have a number."""
        return self._found(first, second)[0]

    def lead(self, first: Ints, second: Ints) -> Floats:
        """By how much the numbers of these pairs exceed those with the terms exchanged."""
        return self.of(first, second) - self.of(second, first)

    def _found(self, first: Ints, second: Ints) -> tuple[Truths, Ints]:
        wanted = first * self.terms + second
        if not len(self.codes):
            return np.zeros(len(wanted), np.bool_), np.zeros(len(wanted), np.int64)
        places = np.minimum(np.searchsorted(self.codes, wanted), len(self.codes) - 1)
        return self.codes[places] == wanted, places


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

    def together(self, first: Ints, second: Ints) -> Floats:
        """The share of pages that name both terms of each pair, of those that name one."""
        column = {page: place for place, page in enumerate(self.by_page)}
        named = np.zeros((len(self.pages), len(column)), np.bool_)
        for term, pages in enumerate(self.pages):
            named[term, [column[page] for page in pages]] = True
        count = named.sum(axis=1)
        bits = np.packbits(named, axis=1)
        both = np.zeros(len(first), np.int64)
        for start in range(0, len(first), _PAIRS):
            part = slice(start, start + _PAIRS)
            both[part] = np.bitwise_count(bits[first[part]] & bits[second[part]]).sum(axis=1)
        share: Floats = both / np.maximum(count[first] + count[second] - both, 1)
        return share

    def assumed(self, term: int) -> float:
        """High for what is spoken of on many pages but in few headings: a course builds on it."""
        return math.log((len(self.pages[term]) + 1) / (len(self.headed[term]) + 1))

    def special(self, term: int) -> float:
        """From 0, named on every page, to 1, named on one."""
        pages = len(self.by_page)
        return math.log(pages / (len(self.pages[term]) or 1)) / math.log(pages) if pages > 1 else 0.0


def _share(share: float) -> float:
    return min(max(share, 0.01), 1.0)


@dataclass(frozen=True, slots=True)
class _Lists:
    """What is named at each place, one list after the other: `term` with its two numbers, shapes (entries,).

    The list of `place` begins at `begin[row[place]]` and has `length[row[place]]` entries.
    """

    row: Mapping[int, int]
    begin: Ints
    length: Ints
    term: Ints
    strength: Floats
    of_all: Floats

    @classmethod
    def of(cls, taught: Sequence[Mapping[int, float]], counts: Mapping[int, Counter[int]]) -> "_Lists":
        lists = [_most_named(count, place, taught) for place, count in counts.items()]
        length = np.array([len(found) for found in lists], np.int64)
        term, strength, of_all = _columns([entry for found in lists for entry in found])
        row = {place: number for number, place in enumerate(counts)}
        return cls(row, np.cumsum(length) - length, length, term.astype(np.int64), strength, of_all)


def references(taught: Sequence[Mapping[int, float]], counts: Mapping[int, Counter[int]]) -> tuple[Measure, Measure]:
    """How much the places that teach a term refer to another, by two measures from 0 to 1.

    `taught` holds each term's places, sections or pages, and their shares; `counts` what is named there. The
    first measure saturates with the number of mentions and leaves out what teaches the other as well, which
    speaks of it on its own account. The second is how much of all that is said there is about the other.
    """
    size, lists = len(taught), _Lists.of(taught, counts)
    refers, part = [Measure.over(size, {})], [Measure.over(size, {})]
    step = max(1, _CELLS // max(size, 1))
    for first in range(0, size, step):
        spots = [
            (term, lists.row[place], share / whole)
            for term, places in enumerate(taught[first : first + step])
            for whole in (sum(places.values()),)
            for place, share in places.items()
            if place in lists.row
        ]
        term, row, share = _columns(spots)
        rows = row.astype(np.int64)
        length = lists.length[rows]
        # Each entry of the list of each of these places, and the cell (term, other) that it adds to.
        entry = np.arange(length.sum()) + np.repeat(lists.begin[rows] - (np.cumsum(length) - length), length)
        cell = np.repeat(term.astype(np.int64) * size, length) + lists.term[entry]
        weight = np.repeat(share, length)
        for found, numbers in ((refers, lists.strength), (part, lists.of_all)):
            sums = np.bincount(cell, weight * numbers[entry]).astype(np.float64, copy=False)
            codes = np.flatnonzero(sums > 0)
            found.append(Measure(size, codes + first * size, sums[codes]))
    return _joined(refers), _joined(part)


def _joined(parts: Sequence[Measure]) -> Measure:
    codes, values = [part.codes for part in parts], [part.values for part in parts]
    return Measure(parts[0].terms, np.concatenate(codes), np.concatenate(values))


def _columns(rows: Sequence[tuple[float, float, float]]) -> tuple[Floats, Floats, Floats]:
    table = np.array(rows, np.float64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def _most_named(
    count: Counter[int], place: int, taught: Sequence[Mapping[int, float]]
) -> list[tuple[int, float, float]]:
    whole = math.log1p(sum(times for times in count.values() if times > 0)) or 1.0
    return [
        (other, (1 - 0.5**times) * (1 - taught[other].get(place, 0.0)), math.log1p(times) / whole)
        for other, times in (count.most_common(_MOST_NAMED) if len(count) > _MOST_NAMED else count.items())
        if times > 0
    ]
