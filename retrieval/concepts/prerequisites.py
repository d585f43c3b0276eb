"""Pure: which concepts a course needs before which, from who refers to whom and what sentences say outright."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.concepts.acyclic import acyclic
from retrieval.concepts.corpus import Corpus
from retrieval.concepts.cues import Cue, Names, by_first_word, lexicon, mark, named, read_cues
from retrieval.concepts.references import Floats, Ints, Measure, NamedIn, Pair, Truths, references
from retrieval.concepts.relations import EvidenceFinder, parents, worded
from retrieval.concepts.terms import Mention, Term
from retrieval.graph import Cut, Edge

_INTRODUCTION = re.compile(
    r"(?<![a-z])(?:intro(?:duction)?|overview|basics|primer|foundations?)(?![a-z])", re.IGNORECASE
)
_NUMBERED = re.compile(
    r"(?:(?:lecture|lec|week|chapter|ch|part|unit|module|session|day|lesson|class|topic|section)[ _-]?)?"
    r"0*(\d{1,3})(?!\d)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Weights:
    """Log-odds that one term needs another; set by hand, roughly by how seldom each kind of evidence is wrong.

    Those of the first block count for one direction and, with the terms exchanged, as much against it.
    """

    head: float = 4.0  # "stochastic gradient descent" needs "gradient descent"
    inside: float = 1.5  # "policy iteration" needs "policy"
    defined_by: float = 1.5  # its definition names the other
    says: float = 1.5  # "builds on", "uses", "requires": for each of at most two sentences
    kind_of: float = 1.0  # "is a kind of", "is a"
    made_of: float = 0.3  # parts are as often explained from the whole
    recalled: float = 0.8  # "recall that", where the term is taught
    refers: float = 2.5  # its pages refer to the other, the other's not to it
    refers_near: float = 1.5  # the same of its sections
    refers_within: float = 2.0  # the same where both are taught on one page
    earlier: float = 0.5  # the other is taught first on the page of both
    introduced: float = 0.8  # the other is taught on the introductory page of the folder of both
    numbered: float = 1.5  # the other's file or folder has the lower number
    assumed: float = 0.2  # the other is spoken of on many pages, yet in few headings

    named_often: float = 4.0  # how much of what the term's pages say is about the other
    together: float = 3.5  # share of pages that name both
    special: float = 0.8  # the other is not on every page
    near: float = 0.3  # taught on one page, or in one folder
    compared: float = -0.7
    siblings: float = -0.8
    bias: float = -3.4

    least_lead: float = 0.6  # by so much must one direction be likelier
    least_named: float = 0.08  # below that the other is only mentioned
    least_close: float = -2.0  # below that they have too little to do with each other, unless something is said
    most: int = 5  # prerequisites of one term


def prerequisites(
    corpus: Corpus,
    terms: Sequence[Term],
    mentions: Sequence[Mention],
    cues: Sequence[Cue] | None = None,
    weights: Weights = Weights(),
    evidence: EvidenceFinder | None = None,
) -> tuple[tuple[Edge, ...], tuple[Cut, ...]]:
    """`prereq_of` edges that form a directed acyclic graph, and what was cut for that; few and rather sure.

    Only between subjects of the course: "sentence" is spoken of on many pages, and nobody has to learn it first.

    `cues` are those of `read_cues`, where they were read already, and `evidence` finds what is shown. The core is
    reference distance (RefD; Liang, Wu, Huang, Giles: Measuring Prerequisite Relations Among Concepts, EMNLP
    2015), with the course's sections and pages in place of linked articles.
    """
    names = lexicon(terms)
    if cues is None:
        cues = read_cues(corpus, mentions, names)
    named_in = NamedIn(corpus, terms, mentions, cues)
    kinds = parents(terms, names)
    said = _said(terms, cues, names, kinds, named_in, weights)
    likely = _Likelihood(named_in, said, kinds, cues, [term.subject for term in terms], weights).chosen()
    shown = evidence or EvidenceFinder(corpus, terms, mentions, cues)
    return acyclic(
        Edge(terms[other].id, terms[term].id, "prereq_of", "", round(sure, 3), shown.of(term, other))
        for (term, other), sure in likely
    )


def _said(
    terms: Sequence[Term],
    cues: Iterable[Cue],
    names: Names,
    kinds: Mapping[int, int],
    named_in: NamedIn,
    weights: Weights,
) -> dict[Pair, float]:
    """What names, definitions and sentences say for "the first needs the second", in log-odds."""
    said: dict[Pair, float] = defaultdict(float)
    for pair in _inside(terms, names):
        said[pair] = weights.inside
    for pair in kinds.items():
        said[pair] = weights.head
    index = by_first_word(names)
    for term in terms:
        if term.definition:
            for other in named(mark(term.definition, index)) - {term.number}:
                said[term.number, other] += weights.defined_by
    times = Counter((cue.kind, cue.first, cue.second) for cue in cues if cue.first >= 0)
    for (kind, first, second), count in times.items():
        if kind == "needs":
            said[first, second] += weights.says * min(count, 2)
        elif kind == "is-a":
            said[first, second] += weights.kind_of
        elif kind == "part-of":
            said[second, first] += weights.made_of
    subject = _subjects(named_in)
    recalled = {(subject[cue.section], cue.second) for cue in cues if cue.kind == "recalls" and cue.section in subject}
    for first, second in recalled:
        if first != second:
            said[first, second] += weights.recalled
    return said


def _inside(terms: Sequence[Term], names: Names) -> Iterator[Pair]:
    """Terms with those that are called by some of their words, side by side."""
    for term in terms:
        for words in worded(term):
            for start in range(len(words)):
                for end in range(start + 1, len(words) + 1):
                    if (other := names.get(words[start:end], term.number)) != term.number:
                        yield term.number, other


def _subjects(named_in: NamedIn) -> dict[int, int]:
    """What each section teaches most."""
    best: dict[int, tuple[float, int]] = {}
    for term, sections in enumerate(named_in.taught):
        for section, share in sections.items():
            best[section] = max(best.get(section, (0.0, 0)), (share, -term))
    return {section: -term for section, (_, term) in best.items()}


class _Likelihood:
    """Weighs all evidence for the pairs of terms of which one's pages name the other, all of them at once."""

    def __init__(
        self,
        named_in: NamedIn,
        said: Mapping[Pair, float],
        kinds: Mapping[int, int],
        cues: Iterable[Cue],
        subjects: Sequence[bool],
        weights: Weights,
    ) -> None:
        size = len(named_in.pages)
        self._named_in, self._weights = named_in, weights
        self._said = Measure.over(size, said)
        contrasts = [(cue.first, cue.second) for cue in cues if cue.kind == "contrast"]
        self._compared = Measure.over(size, {pair: 1.0 for one in contrasts for pair in (one, one[::-1])})
        self._refers, self._part = references(named_in.taught_on, named_in.by_page)
        self._refers_near, _ = references(named_in.taught, named_in.by_section)
        self._kind = np.array([kinds.get(term, -1 - term) for term in range(size)], np.int64)
        self._assumed = np.array([named_in.assumed(term) for term in range(size)], np.float64)
        self._special = np.array([named_in.special(term) for term in range(size)], np.float64)
        self._places = _Places.of(named_in)
        self._subject = np.array(subjects, np.bool_)

    def chosen(self) -> Iterator[tuple[Pair, float]]:
        """The likeliest prerequisites of each term that are likelier than not, with their probability."""
        named = self._part.codes[self._part.values >= self._weights.least_named]
        said = self._said.codes[self._said.values > 0]
        codes = np.concatenate((named, np.setdiff1d(said, named, assume_unique=True)))
        term, other = np.divmod(codes, max(len(self._special), 1))
        term, other = term[term != other], other[term != other]
        near = self._closeness(term, other)
        close = (near >= self._weights.least_close) | self._said.has(term, other)
        close &= self._subject[term] & self._subject[other]
        term, other, near = term[close], other[close], near[close]
        lead = self._lead(term, other)
        odds = near + lead
        likely = (lead >= self._weights.least_lead) & (odds > 0)
        term, other, odds = term[likely], other[likely], odds[likely]
        taken: Counter[int] = Counter()
        for place in np.lexsort((other, -odds, term)).tolist():
            pair = int(term[place]), int(other[place])
            taken[pair[0]] += 1
            if taken[pair[0]] <= self._weights.most:
                yield pair, min(1 / (1 + math.exp(-odds[place])), 0.99)

    def _closeness(self, term: Ints, other: Ints) -> Floats:
        """How likely it is, in log-odds, that the two have to do with each other as prerequisites do."""
        weights, places = self._weights, self._places
        odds: Floats = weights.bias + weights.special * self._special[other]
        odds += weights.named_often * self._part.of(term, other)
        odds += weights.together * self._named_in.together(term, other)
        odds += weights.near * (places.same(places.page, term, other) | places.same(places.folder, term, other))
        odds += weights.compared * self._compared.has(term, other)
        odds += weights.siblings * (self._kind[term] == self._kind[other])
        return odds

    def _lead(self, term: Ints, other: Ints) -> Floats:
        """How much likelier it is that the term needs the other than the other way round."""
        weights, places = self._weights, self._places
        same_page = places.same(places.page, term, other)
        refers, near = self._refers.lead(term, other), self._refers_near.lead(term, other)
        apart = weights.refers * refers + weights.refers_near * near
        lead: Floats = self._said.lead(term, other) + np.where(same_page, weights.refers_within * near, apart)
        known = ~same_page & (self._refers.of(term, other) >= _REFERS)
        lead[known] += weights.numbered * places.after(term[known], other[known])
        assumed = np.clip(self._assumed[other] - self._assumed[term], -_MOST_ASSUMED, _MOST_ASSUMED)
        later = np.where(same_page, weights.earlier * np.sign(places.section[term] - places.section[other]), 0.0)
        alike = ~same_page & places.same(places.folder, term, other)
        later += alike * weights.introduced * (places.introduces[other] - places.introduces[term])
        # Order and standing only add to what is said and referred to: siblings have an order, too.
        return np.where(lead > 0, lead + weights.assumed * assumed + later, lead)


_MOST_ASSUMED = 1.5
_REFERS = 0.25
"""From here on a term's pages refer to another rather than list it."""


@dataclass(frozen=True, slots=True)
class _Places:
    """Where each term is taught best: shapes (terms,), -1 for terms that nothing teaches.

    `page` and `folder` are numbered as they come; `introduces` is 1 on introductory pages. `parts` are the
    folders and file names of each term's page.
    """

    section: Ints
    page: Ints
    folder: Ints
    introduces: Ints
    parts: Sequence[tuple[str, ...]]

    @classmethod
    def of(cls, named_in: NamedIn) -> "_Places":
        rows: list[tuple[int, int, int, int]] = []
        parts: list[tuple[str, ...]] = []
        folders: dict[tuple[str, ...], int] = {}
        for home in named_in.home:
            if home is None:
                rows.append((-1, -1, -1, 0))
                parts.append(())
                continue
            section = named_in.sections[home]
            path = tuple(section.path.split("/"))
            # In a/topic/index.md the page is the folder, and what stands beside it is a/.
            folder = folders.setdefault(path[:-2] or path[:-1], len(folders))
            rows.append((home, section.page, folder, bool(_INTRODUCTION.search(section.path))))
            parts.append(path)
        table = np.array(rows, np.int64).reshape(-1, 4)
        return cls(table[:, 0], table[:, 1], table[:, 2], table[:, 3], parts)

    def same(self, of: Ints, term: Ints, other: Ints) -> Truths:
        """Whether two terms are taught at the same `page` or `folder`."""
        alike: Truths = (of[term] == of[other]) & (of[term] >= 0)
        return alike

    def after(self, term: Ints, other: Ints) -> Ints:
        """1 where the term's file or folder has the higher number of two that differ in it, -1 the lower, else 0."""
        known: dict[tuple[tuple[str, ...], tuple[str, ...]], int] = {}
        pairs = [(self.parts[one], self.parts[two]) for one, two in zip(term.tolist(), other.tolist(), strict=True)]
        for pair in set(pairs):
            known[pair] = _order(*pair)
        return np.array([known[pair] for pair in pairs], np.int64)


def _order(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    mine, theirs = next(((a, b) for a, b in zip(one, other, strict=False) if a != b), ("", ""))
    my_number, their_number = _NUMBERED.match(mine), _NUMBERED.match(theirs)
    if not my_number or not their_number:
        return 0
    return (int(my_number[1]) > int(their_number[1])) - (int(my_number[1]) < int(their_number[1]))
