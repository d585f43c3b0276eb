"""Pure: which concepts a course needs before which, from who refers to whom and what sentences say outright."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from retrieval.concepts.acyclic import acyclic
from retrieval.concepts.corpus import Corpus
from retrieval.concepts.cues import Cue, Names, by_first_word, lexicon, mark, named, read_cues
from retrieval.concepts.references import NamedIn, Pair, references
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
    refers: float = 2.0  # its pages refer to the other, the other's not to it
    refers_near: float = 0.5  # the same of its sections
    refers_within: float = 2.0  # the same where both are taught on one page
    earlier: float = 0.5  # the other is taught first on the page of both
    introduced: float = 0.8  # the other is taught on the introductory page of the folder of both
    numbered: float = 1.5  # the other's file or folder has the lower number
    assumed: float = 1.2  # the other is spoken of on many pages, yet in few headings

    named_often: float = 4.0  # how much of what the term's pages say is about the other
    together: float = 3.5  # share of pages that name both
    special: float = 0.8  # the other is not on every page
    near: float = 0.3  # taught on one page, or in one folder
    compared: float = -0.7
    siblings: float = -0.8
    bias: float = -3.6

    least_lead: float = 0.2  # by so much must one direction be likelier
    least_named: float = 0.08  # below that the other is only mentioned
    least_close: float = -2.0  # below that they have too little to do with each other, unless something is said
    most: int = 4  # prerequisites of one term


def prerequisites(
    corpus: Corpus,
    terms: Sequence[Term],
    mentions: Sequence[Mention],
    cues: Sequence[Cue] | None = None,
    weights: Weights = Weights(),
) -> tuple[tuple[Edge, ...], tuple[Cut, ...]]:
    """`prereq_of` edges that form a directed acyclic graph, and what was cut for that; few and rather sure.

    `cues` are those of `read_cues`, where they were read already. The core is reference distance (RefD; Liang,
    Wu, Huang, Giles: Measuring Prerequisite Relations Among Concepts, EMNLP 2015), with the course's sections
    and pages in place of linked articles.
    """
    names = lexicon(terms)
    if cues is None:
        cues = read_cues(corpus, mentions, names)
    named_in = NamedIn(corpus, terms, mentions, cues)
    kinds = parents(terms, names)
    said = _said(terms, cues, names, kinds, named_in, weights)
    likely = _Likelihood(named_in, said, kinds, cues, weights).chosen()
    evidence = EvidenceFinder(corpus, terms, mentions, cues)
    return acyclic(
        Edge(terms[other].id, terms[term].id, "prereq_of", "", round(sure, 3), evidence.of(term, other))
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
    """Weighs all evidence for each pair of terms of which one's pages name the other."""

    def __init__(
        self,
        named_in: NamedIn,
        said: Mapping[Pair, float],
        kinds: Mapping[int, int],
        cues: Iterable[Cue],
        weights: Weights,
    ) -> None:
        self._named_in, self._said, self._kinds, self._weights = named_in, said, kinds, weights
        contrasts = [(cue.first, cue.second) for cue in cues if cue.kind == "contrast"]
        self._compared = {*contrasts, *((second, first) for first, second in contrasts)}
        self._refers, self._part = references(named_in.taught_on, named_in.by_page)
        self._refers_near, _ = references(named_in.taught, named_in.by_section)
        self._assumed = [named_in.assumed(term) for term in range(len(named_in.pages))]
        self._special = [named_in.special(term) for term in range(len(named_in.pages))]
        self._places = [_Place.of(named_in, home) for home in named_in.home]

    def chosen(self) -> Iterator[tuple[Pair, float]]:
        """The likeliest prerequisites of each term that are likelier than not, with their probability."""
        by_term: dict[int, list[tuple[float, int]]] = defaultdict(list)
        pairs = {pair for pair, part in self._part.items() if part >= self._weights.least_named}
        for term, other in pairs | {pair for pair, odds in self._said.items() if odds > 0}:
            if term != other and (odds := self._odds(term, other)) > 0:
                by_term[term].append((-odds, other))
        for term, found in sorted(by_term.items()):
            for odds, other in sorted(found)[: self._weights.most]:
                yield (term, other), min(1 / (1 + math.exp(odds)), 0.99)

    def _odds(self, term: int, other: int) -> float:
        weights = self._weights
        near = self._closeness(term, other)
        if near < weights.least_close and (term, other) not in self._said:
            return near
        lead = self._lead(term, other)
        return near + lead if lead >= weights.least_lead else -math.inf

    def _closeness(self, term: int, other: int) -> float:
        weights, here, there = self._weights, self._places[term], self._places[other]
        odds = weights.bias + weights.special * self._special[other]
        odds += weights.named_often * self._part.get((term, other), 0.0)
        odds += weights.together * self._named_in.together(term, other)
        if here and there and (here.page == there.page or here.folder == there.folder):
            odds += weights.near
        if (term, other) in self._compared:
            odds += weights.compared
        if term in self._kinds and self._kinds[term] == self._kinds.get(other):
            odds += weights.siblings
        return odds

    def _lead(self, term: int, other: int) -> float:
        """How much likelier it is that the term needs the other than the other way round."""
        weights, here, there = self._weights, self._places[term], self._places[other]
        same_page = here is not None and there is not None and here.page == there.page
        lead = self._said.get((term, other), 0.0) - self._said.get((other, term), 0.0)
        near = _difference(self._refers_near, term, other)
        if same_page:
            lead += weights.refers_within * near
        else:
            lead += weights.refers * _difference(self._refers, term, other) + weights.refers_near * near
            if here and there and self._refers.get((term, other), 0.0) >= _REFERS:
                lead += weights.numbered * here.after(there)
        if lead <= 0:  # order and standing only add to what is said and referred to: siblings have an order, too
            return lead
        lead += weights.assumed * max(-_MOST_ASSUMED, min(self._assumed[other] - self._assumed[term], _MOST_ASSUMED))
        if here is None or there is None:
            return lead
        if same_page:
            return lead + weights.earlier * ((here.section > there.section) - (here.section < there.section))
        if here.folder == there.folder:
            lead += weights.introduced * (there.introduces - here.introduces)
        return lead


_MOST_ASSUMED = 1.5
_REFERS = 0.25
"""From here on a term's pages refer to another rather than list it."""


def _difference(measure: Mapping[Pair, float], one: int, other: int) -> float:
    return measure.get((one, other), 0.0) - measure.get((other, one), 0.0)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a term is taught best."""

    section: int
    page: int
    folder: tuple[str, ...]
    parts: tuple[str, ...]
    introduces: bool

    @classmethod
    def of(cls, named_in: NamedIn, home: int | None) -> "_Place | None":
        if home is None:
            return None
        section = named_in.sections[home]
        parts = tuple(section.path.split("/"))
        # In a/topic/index.md the page is the folder, and what stands beside it is a/.
        return cls(home, section.page, parts[:-2] or parts[:-1], parts, bool(_INTRODUCTION.search(section.path)))

    def after(self, other: "_Place") -> int:
        """1 if this file or folder has the higher number of two that differ in it, -1 if the lower, else 0."""
        mine, theirs = next(((a, b) for a, b in zip(self.parts, other.parts, strict=False) if a != b), ("", ""))
        my_number, their_number = _NUMBERED.match(mine), _NUMBERED.match(theirs)
        if not my_number or not their_number:
            return 0
        return (int(my_number[1]) > int(their_number[1])) - (int(my_number[1]) < int(their_number[1]))
