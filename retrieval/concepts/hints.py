"""Pure: what others say of a course's concepts, a foreign graph or a model, as far as the course bears it out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from retrieval.concepts.candidates import Candidates, teaches
from retrieval.concepts.corpus import Corpus
from retrieval.concepts.importing.model import ImportedGraph
from retrieval.concepts.names import is_acronym, key
from retrieval.concepts.relations import EvidenceFinder
from retrieval.concepts.terms import Term
from retrieval.graph import Edge, EdgeType, Evidence, Kind
from retrieval.ports import Extraction


@dataclass(frozen=True, slots=True)
class Hint:
    """A name for a concept of the course, with its other names, and who says so."""

    name: str
    aliases: tuple[str, ...]
    by: Literal["imported", "extracted"]
    sections: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class HintedRelation:
    """A relation between two names; `evidence` is None where nobody has looked at the course yet."""

    source: str
    target: str
    type: EdgeType
    kind: Kind
    confidence: float
    evidence: Evidence | None


_MODEL_CONFIDENCE = 0.7


def hints_of(graphs: Iterable[ImportedGraph], extracted: Mapping[int, Extraction]) -> list[Hint]:
    """The concepts that they name."""
    found = [Hint(concept.title, concept.aliases, "imported") for graph in graphs for concept in graph.concepts]
    sections: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for number, extraction in extracted.items():
        for concept in extraction.concepts:
            sections.setdefault((concept.name, concept.aliases), []).append(number)
    return [*found, *(Hint(*names, "extracted", tuple(numbers)) for names, numbers in sections.items())]


def mark_hints(candidates: Candidates, hints: Iterable[Hint], corpus: Corpus) -> None:
    """Let hints count among what speaks for a name; other names are other names only if they are acronyms."""
    for hint in hints:
        for number in hint.sections or (None,):
            exercise = number is not None and not teaches(corpus.sections[number])
            main = candidates.claim(hint.name, hint.by, exercise)
            for alias in hint.aliases:
                how = "acronym" if is_acronym(alias) else "also"
                other = candidates.claim(alias, hint.by, exercise)
                candidates.pair(*((other, main) if how == "acronym" else (main, other)), how)


def hinted_relations(
    graphs: Iterable[ImportedGraph], extracted: Mapping[int, Extraction], corpus: Corpus
) -> list[HintedRelation]:
    """The relations that they name; a model's come with the sentence of the section."""
    found = [
        HintedRelation(relation.source, relation.target, relation.type, relation.kind, relation.confidence, None)
        for graph in graphs
        for relation in graph.relations
    ]
    for number, extraction in extracted.items():
        section = corpus.sections[number]
        for relation in extraction.relations:
            evidence = Evidence(section.url, relation.sentence, section.release)
            if relation.kind == "prerequisite":
                hinted = HintedRelation(relation.source, relation.target, "prereq_of", "", _MODEL_CONFIDENCE, evidence)
            else:
                hinted = HintedRelation(
                    relation.source, relation.target, "near_transfer", relation.kind, _MODEL_CONFIDENCE, evidence
                )
            found.append(hinted)
    return found


def believed(relations: Sequence[HintedRelation], terms: Sequence[Term], evidence: EvidenceFinder) -> list[Edge]:
    """Those between concepts of the course that some sentence of the course names together.

    A prerequisite needs more: its place among the course's own edges is decided by its low confidence.
    """
    by_key = {key(name): term for term in reversed(terms) for name in (*term.aliases, term.title)}
    edges: list[Edge] = []
    for relation in relations:
        source, target = by_key.get(key(relation.source)), by_key.get(key(relation.target))
        if source is None or target is None or source.id == target.id:
            continue
        shown = relation.evidence or evidence.together(target.number, source.number)
        if shown is not None:
            edges.append(Edge(source.id, target.id, relation.type, relation.kind, relation.confidence, shown))
    return edges
