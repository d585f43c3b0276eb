"""Pure: from a graph to the cards that readers see, and what of a graph may be seen today.

Nothing here knows where graphs and cards are kept.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from retrieval.cards import Card, CardExample, CardResource, ConceptName, Neighbour
from retrieval.concepts.paths import LearningOrder, unit
from retrieval.graph import Concept, ConceptGraph, Edge, Evidence, Example

_DEPTH, _PREREQUISITES = 5, 12
_LEADS_TO, _RELATED, _EXAMPLES, _RESOURCES = 10, 12, 3, 8

_SEEN_FROM_THE_GENERAL = {"is-a": "kinds", "part-of": "parts"}


def withheld(graph: ConceptGraph, today: date) -> bool:
    """Whether something of the graph is not to be shown today."""
    return any(release is not None and release > today for release in _releases(graph))


def released(graph: ConceptGraph, today: date) -> ConceptGraph:
    """What may be shown today, as if the rest did not exist.

    Resources, examples, definitions, edges and cuts that are held back are gone, and with them every edge at one.
    A concept is gone with the last place that speaks of it: its resources and its definition, or its examples
    where it has only those. One that no place ever spoke of stays.
    """
    if not withheld(graph, today):
        return graph
    resources = tuple(resource for resource in graph.resources if not _held(resource.release, today))
    examples = tuple(example for example in graph.examples if not _held(example.release, today))
    shown = {resource.id for resource in resources} | {example.id for example in examples}
    speaking = [edge for edge in graph.edges if edge.type in ("explains", "exemplifies")]
    heard = [edge for edge in speaking if edge.source in shown and not _held_evidence(edge.evidence, today)]
    concepts = _spoken_of(graph.concepts, speaking, heard, today)
    shown |= {concept.id for concept in concepts}
    return ConceptGraph(
        concepts,
        resources,
        examples,
        tuple(edge for edge in graph.edges if _visible(edge, shown, today)),
        tuple(cut for cut in graph.cuts if _visible(cut.edge, shown, today)),
    )


def _spoken_of(
    concepts: Sequence[Concept], speaking: Sequence[Edge], heard: Sequence[Edge], today: date
) -> tuple[Concept, ...]:
    taught, taught_now = _targets(speaking, "explains"), _targets(heard, "explains")
    shown, shown_now = _targets(speaking, "exemplifies"), _targets(heard, "exemplifies")
    kept: list[Concept] = []
    for concept in concepts:
        defined = bool(concept.definition)
        if _held_evidence(concept.defined, today):
            concept = replace(concept, definition="", defined=None)
        if concept.id in taught or defined:
            stays = concept.id in taught_now or bool(concept.definition)
        else:
            stays = concept.id in shown_now or concept.id not in shown
        if stays:
            kept.append(concept)
    return tuple(kept)


def _targets(edges: Sequence[Edge], type_: str) -> set[str]:
    return {edge.target for edge in edges if edge.type == type_}


def _visible(edge: Edge, shown: set[str], today: date) -> bool:
    return edge.source in shown and edge.target in shown and not _held_evidence(edge.evidence, today)


def _held(release: date | None, today: date) -> bool:
    return release is not None and release > today


def _held_evidence(evidence: Evidence | None, today: date) -> bool:
    return evidence is not None and _held(evidence.release, today)


def _releases(graph: ConceptGraph) -> Iterator[date | None]:
    yield from (resource.release for resource in graph.resources)
    yield from (example.release for example in graph.examples)
    yield from (concept.defined.release for concept in graph.concepts if concept.defined)
    yield from (edge.evidence.release for edge in graph.edges if edge.evidence)
    yield from (cut.edge.evidence.release for cut in graph.cuts if cut.edge.evidence)


class GraphDeck:
    """Every card of a graph, made when it is asked for; what they are made from is looked up once.

    Only what the graph holds is shown: give it the graph that `released` made.
    """

    def __init__(self, graph: ConceptGraph) -> None:
        self._order = LearningOrder(graph)
        self._made: dict[str, Card | None] = {}
        self._related: dict[str, list[tuple[float, str, str]]] = defaultdict(list)
        self._examples: dict[str, list[tuple[float, int, Example]]] = defaultdict(list)
        examples = {example.id: (place, example) for place, example in enumerate(graph.examples)}
        for edge in graph.edges:
            if edge.type == "exemplifies" and edge.source in examples:
                self._examples[edge.target].append((-unit(edge.confidence), *examples[edge.source]))
            elif edge.type == "near_transfer" and edge.source != edge.target:
                sure = -unit(edge.confidence)
                self._related[edge.source].append((sure, edge.target, edge.kind))
                self._related[edge.target].append((sure, edge.source, _SEEN_FROM_THE_GENERAL.get(edge.kind, edge.kind)))

    def names(self) -> tuple[ConceptName, ...]:
        """The alias table, by id."""
        concepts = self._order.concepts
        return tuple(
            ConceptName(id_, concepts[id_].title, concepts[id_].aliases, concepts[id_].weight)
            for id_ in sorted(concepts)
        )

    def card(self, id_: str) -> Card | None:
        """None where there is no such concept."""
        if id_ not in self._made:
            self._made[id_] = self._make(id_)
        return self._made[id_]

    def _make(self, id_: str) -> Card | None:
        concept = self._order.concepts.get(id_)
        if concept is None:
            return None
        return Card(
            id=id_,
            title=concept.title,
            aliases=concept.aliases,
            definition=concept.definition,
            definition_url=concept.defined.url if concept.definition and concept.defined else "",
            difficulty=concept.difficulty,
            prerequisites=self._prerequisites(id_),
            leads_to=self._leads_to(id_),
            related=self._relations(id_),
            examples=self._worked(id_),
            resources=self._taught(id_),
        )

    def _prerequisites(self, id_: str) -> tuple[Neighbour, ...]:
        order = self._order
        needed = order.needed(id_, _DEPTH, _PREREQUISITES)
        depths = order.depths(id_, needed)
        return tuple(self._neighbour(one, depth=depths[one]) for one in sorted(needed, key=order.place.__getitem__))

    def _leads_to(self, id_: str) -> tuple[Neighbour, ...]:
        order = self._order
        later = sorted(
            order.after[id_].items(), key=lambda item: (-item[1] * order.importance(item[0]), order.place[item[0]])
        )
        return tuple(self._neighbour(one) for one, _ in later[:_LEADS_TO])

    def _relations(self, id_: str) -> tuple[Neighbour, ...]:
        """Each related concept once, by the surest of its relations; the surest first."""
        order = self._order
        surest: dict[str, tuple[float, str]] = {}
        for sure, other, kind in sorted(self._related.get(id_, ())):
            if other in order.concepts and other != id_:
                surest.setdefault(other, (sure, kind))
        ranked = sorted(surest, key=lambda other: (surest[other][0] * order.importance(other), order.place[other]))
        return tuple(self._neighbour(other, kind=surest[other][1]) for other in ranked[:_RELATED])

    def _worked(self, id_: str) -> tuple[CardExample, ...]:
        ranked = sorted(self._examples.get(id_, ()), key=lambda entry: entry[:2])
        distinct: dict[str, CardExample] = {}
        for _, _, example in ranked:
            distinct.setdefault(example.code, CardExample(example.code, example.url))
        return tuple(distinct.values())[:_EXAMPLES]

    def _taught(self, id_: str) -> tuple[CardResource, ...]:
        places: dict[tuple[str, str], CardResource] = {}
        for resource in self._order.resources.get(id_, ()):
            if len(places) == _RESOURCES:
                break
            card = CardResource(
                resource.type, resource.url, resource.title, resource.span, resource.minutes, resource.passages
            )
            places.setdefault((resource.url, resource.span), card)
        return tuple(places.values())

    def _neighbour(self, id_: str, depth: int = 0, kind: str = "") -> Neighbour:
        taught = self._order.resources.get(id_)
        url, passages = (taught[0].url, taught[0].passages) if taught else ("", ())
        return Neighbour(id_, self._order.concepts[id_].title, url, depth, kind, passages)
