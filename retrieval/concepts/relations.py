"""Pure: how concepts are related besides being needed: kinds, parts, contrasts and siblings; and what shows it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date

from retrieval.concepts.corpus import Corpus, Section, plain
from retrieval.concepts.cues import Cue, Names, lexicon, read_cues
from retrieval.concepts.names import tokens
from retrieval.concepts.terms import Mention, Term
from retrieval.graph import Edge, Evidence, Kind

_LONGEST_NAME = 12
"""Words of the longest name whose parts are looked at."""
_LONGEST_EVIDENCE = 600
"""Characters of a sentence that is shown."""
_LARGEST_FAMILY = 6
"""So many kinds of one thing, or headings below one, are siblings worth naming; of more, each would have too many."""
_MOST = 6
"""Relations of one kind at one concept."""
_CONFIDENCE: Mapping[Kind, float] = {"is-a": 0.8, "part-of": 0.7, "contrast": 0.75, "sibling": 0.6}
_BY_NAME = 0.85
_BY_HEADINGS = 0.55


_Spot = tuple[int, int]
"""A section and the place of a sentence in it, -1 for its heading."""


class EvidenceFinder:
    """Finds the sentence that shows best how two terms are connected."""

    def __init__(self, corpus: Corpus, terms: Sequence[Term], mentions: Iterable[Mention], cues: Iterable[Cue]) -> None:
        self._sections, self._terms = corpus.sections, terms
        self._named: dict[int, set[_Spot]] = defaultdict(set)
        self._in_sentences: dict[int, set[_Spot]] = defaultdict(set)
        self._in_section: dict[tuple[int, int], set[_Spot]] = defaultdict(set)
        for mention in mentions:
            spot = mention.section, mention.sentence
            self._named[mention.term].add(spot)
            if mention.sentence >= 0:
                self._in_sentences[mention.term].add(spot)
                self._in_section[mention.term, mention.section].add(spot)
        # Of terms, the places in the order of `taught`; of sections, what was never held back first.
        self._rank = [{section: place for place, (section, _) in enumerate(term.taught)} for term in terms]
        self._standing = [(section.trust == "notes", section.release or date.min) for section in corpus.sections]
        self._cues: dict[frozenset[int], list[Cue]] = defaultdict(list)
        for cue in cues:
            if cue.first >= 0:
                self._cues[frozenset((cue.first, cue.second))].append(cue)

    def of(self, term: int, other: int) -> Evidence | None:
        """A sentence that says it, else one that names both, else one that names the other where `term` is
        taught, else one that names `term`. What was never held back comes first.
        """
        said = [
            (cue.section, cue.sentence) for cue in self._cues.get(frozenset((term, other)), ()) if cue.sentence >= 0
        ]
        if said:
            return self.at(*self._best(term, said))
        here = (
            self._in_sentences[term] & self._in_sentences[other]
            or set().union(*(self._in_section.get((other, section), ()) for section in self._rank[term]))
            or self._on_pages_of(term, other) | (self._named[term] & self._named[other])
            or self._named[term]  # of names that say it themselves
        )
        return self.at(*self._best(term, here)) if here else self._terms[term].defined

    def together(self, term: int, other: int) -> Evidence | None:
        """A sentence that names both, None where there is none."""
        both = self._in_sentences[term] & self._in_sentences[other]
        return self.at(*self._best(term, both)) if both else None

    def _on_pages_of(self, term: int, other: int) -> set[_Spot]:
        """Where the other is named on the pages that teach a term."""
        pages = {self._sections[section].page for section in self._rank[term]}
        return {spot for spot in self._named[other] if self._sections[spot[0]].page in pages}

    def at(self, section: int, sentence: int) -> Evidence:
        """A sentence as evidence, or a heading where `sentence` is -1."""
        where = self._sections[section]
        text = where.said[sentence] if sentence >= 0 else plain(where.heading or where.title)
        return Evidence(where.url, text[:_LONGEST_EVIDENCE], where.release)

    def _best(self, term: int, spots: Collection[_Spot]) -> _Spot:
        rank = self._rank[term]
        return min(spots, key=lambda spot: (self._standing[spot[0]], rank.get(spot[0], len(rank)), spot))


def parents(terms: Sequence[Term], names: Names) -> dict[int, int]:
    """The term that each term is a kind of by its name: the one called by its last words, as many as possible."""
    found: dict[int, int] = {}
    for term in terms:
        for words in worded(term):
            general = (names.get(words[start:], term.number) for start in range(1, len(words)))
            if (parent := next((number for number in general if number != term.number), None)) is not None:
                found[term.number] = parent
                break
    return found


def worded(term: Term) -> Iterator[tuple[str, ...]]:
    """The folded words of each of its names that is not too long to be one."""
    for name in (term.title, *term.aliases):
        words = tokens(name[:200])
        if len(words) <= _LONGEST_NAME:
            yield words


def relations(
    corpus: Corpus,
    terms: Sequence[Term],
    mentions: Sequence[Mention],
    cues: Sequence[Cue] | None = None,
    evidence: EvidenceFinder | None = None,
) -> list[Edge]:
    """`near_transfer` edges, one for two concepts at most, sorted; at most six of a kind at each concept.

    `cues` are those of `read_cues`, where they were read already, and `evidence` finds what is shown. What a
    sentence says comes before what names say, and that before what stands side by side.
    """
    names = lexicon(terms)
    if cues is None:
        cues = read_cues(corpus, mentions, names)
    evidence = evidence or EvidenceFinder(corpus, terms, mentions, cues)
    general = parents(terms, names)
    found = _Found(terms)
    for kind in ("contrast", "is-a", "part-of"):
        _said(kind, cues, general, found, evidence)
    for number, parent in sorted(general.items()):
        found.add("is-a", number, parent, _BY_NAME, evidence.of(number, parent))
    _siblings(general, found, evidence)
    _neighbours(corpus, terms, found, evidence)
    return found.edges()


class _Found:
    """Relations as they are found: the first between two terms is kept."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self._terms = terms
        self._edges: dict[frozenset[int], Edge] = {}
        self._count: Counter[tuple[Kind, int]] = Counter()

    def add(self, kind: Kind, first: int, second: int, confidence: float, evidence: Evidence | None) -> None:
        pair = frozenset((first, second))
        if len(pair) < 2 or pair in self._edges:
            return
        # Any number of kinds may belong to one thing, but no thing to any number of kinds.
        counted = (first,) if kind in ("is-a", "part-of") else (first, second)
        if any(self._count[kind, number] >= _MOST for number in counted):
            return
        self._count.update((kind, number) for number in counted)
        source, target = self._terms[first].id, self._terms[second].id
        if kind in ("sibling", "contrast") and source > target:
            source, target = target, source
        self._edges[pair] = Edge(source, target, "near_transfer", kind, round(confidence, 3), evidence)

    def edges(self) -> list[Edge]:
        return sorted(self._edges.values(), key=lambda edge: (edge.source, edge.target))


def _said(kind: Kind, cues: Iterable[Cue], general: Mapping[int, int], found: _Found, evidence: EvidenceFinder) -> None:
    """What sentences say, unless others say it the other way round as often, or a name says it."""
    of_kind = [cue for cue in cues if cue.kind == kind]
    times = Counter((cue.first, cue.second) for cue in of_kind)
    for cue in of_kind:
        reverse = times[cue.second, cue.first] if kind != "contrast" else 0
        if reverse < times[cue.first, cue.second] and general.get(cue.second) != cue.first:
            sure = 1 - (1 - _CONFIDENCE[kind]) ** min(times[cue.first, cue.second], 3)
            found.add(kind, cue.first, cue.second, sure, evidence.at(cue.section, cue.sentence))


def _siblings(general: Mapping[int, int], found: _Found, evidence: EvidenceFinder) -> None:
    """Kinds of one thing."""
    families: dict[int, list[int]] = defaultdict(list)
    for number, parent in sorted(general.items()):
        families[parent].append(number)
    for family in families.values():
        if len(family) <= _LARGEST_FAMILY:
            for first, second in _pairs(family):
                found.add("sibling", first, second, _CONFIDENCE["sibling"], evidence.of(first, second))


def _neighbours(corpus: Corpus, terms: Sequence[Term], found: _Found, evidence: EvidenceFinder) -> None:
    """Concepts that are taught one after the other, each below its own heading, below the same one."""
    owner: dict[int, int] = {}
    for term in terms:
        home = term.taught[0][0] if term.taught else None
        if home is not None and _is_headed(corpus.sections[home], term):
            owner[home] = -1 if home in owner else term.number
    for home, first in owner.items():
        second = owner.get(home + 1, -1)
        if first >= 0 and second >= 0 and _side_by_side(corpus.sections[home], corpus.sections[home + 1]):
            found.add("sibling", first, second, _BY_HEADINGS, evidence.at(home, -1))


def _is_headed(section: Section, term: Term) -> bool:
    heading = tokens(section.heading[:200])
    return any(heading == words for words in worded(term))


def _side_by_side(one: Section, next_: Section) -> bool:
    return one.page == next_.page and len(one.headings) > 1 and one.headings[:-1] == next_.headings[:-1]


def _pairs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    return ((first, second) for place, first in enumerate(numbers) for second in numbers[place + 1 :])
