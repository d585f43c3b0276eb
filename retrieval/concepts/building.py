"""Pure: from the passages of a course, and what others say of its concepts, to its concept graph."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from retrieval.concepts.acyclic import acyclic
from retrieval.concepts.corpus import Corpus
from retrieval.concepts.cues import lexicon, read_cues
from retrieval.concepts.difficulty import difficulty
from retrieval.concepts.hints import believed, hinted_relations, hints_of
from retrieval.concepts.importing.model import ImportedGraph
from retrieval.concepts.mining import mine
from retrieval.concepts.places import examples, explains, resources
from retrieval.concepts.prerequisites import prerequisites
from retrieval.concepts.relations import EvidenceFinder, relations
from retrieval.graph import Concept, ConceptGraph, Cut, Edge
from retrieval.ports import Extraction


def build_graph(
    corpus: Corpus,
    imported: Sequence[ImportedGraph] = (),
    extracted: Mapping[int, Extraction] | None = None,
) -> ConceptGraph:
    """The graph of a corpus; empty for an empty one. `extracted` is by section number.

    What was imported or extracted takes part only where the course itself names it, and every edge shows a
    sentence of the course.
    """
    extracted = extracted or {}
    mined = mine(corpus, hints_of(imported, extracted))
    terms, mentions = mined.terms, mined.mentions
    cues = read_cues(corpus, mentions, lexicon(terms), mined.worded)
    evidence = EvidenceFinder(corpus, terms, mentions, cues)
    own, cuts = prerequisites(corpus, terms, mentions, cues, evidence=evidence)
    near = relations(corpus, terms, mentions, cues, evidence)
    said = believed(hinted_relations(imported, extracted, corpus), terms, evidence)
    needs, more_cuts = acyclic([*own, *(edge for edge in said if edge.type == "prereq_of")])
    places = resources(corpus, terms)
    listings, exemplified = examples(corpus, terms)
    grades = difficulty(terms, needs)
    # What stands only inside of longer names has no place that a card could show.
    shown = {term.id for term in terms if term.taught}
    needs = tuple(edge for edge in needs if {edge.source, edge.target} <= shown)
    near = [edge for edge in near if {edge.source, edge.target} <= shown]
    return ConceptGraph(
        concepts=tuple(
            Concept(term.id, term.title, term.aliases, term.definition, term.defined, grade, term.weight)
            for term, grade in zip(terms, grades, strict=True)
            if term.id in shown
        ),
        resources=tuple(places.values()),
        examples=tuple(listings),
        edges=(*needs, *explains(corpus, terms, mentions, places), *exemplified, *_once(near, said)),
        cuts=_cuts(cuts, more_cuts),
    )


def _once(near: Sequence[Edge], said: Sequence[Edge]) -> list[Edge]:
    """The course's own relations, and those of others between concepts that have none yet."""
    related = {frozenset((edge.source, edge.target)) for edge in near}
    found = list(near)
    for edge in said:
        ends = frozenset((edge.source, edge.target))
        if edge.type == "near_transfer" and ends not in related:
            related.add(ends)
            source, target = edge.source, edge.target
            if edge.kind in ("sibling", "contrast"):
                source, target = sorted((source, target))
            found.append(replace(edge, source=source, target=target))
    return found


def _cuts(*groups: Sequence[Cut]) -> tuple[Cut, ...]:
    return tuple(cut for group in groups for cut in group)
