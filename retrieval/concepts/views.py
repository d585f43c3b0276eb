"""Pure: which part of a concept graph is shown, and how its concepts stand to each other. Knows no drawing."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from heapq import heappop, heappush
from itertools import islice
from math import ceil
from typing import Literal

from retrieval.graph import Concept, ConceptGraph, Edge, EdgeType, Kind

Role = Literal["focus", "prerequisite", "leads_to", "related", "concept"]

_STEPS_BACK, _STEPS_AHEAD = 3, 2
# What is far from the concept in question must be this much more central to be preferred to what is near.
_FADING = 0.5
_SHARE_BACK, _SHARE_AHEAD = 0.5, 0.3

_Parents = Mapping[str, Collection[str]]


@dataclass(frozen=True, slots=True)
class MapNode:
    """A concept on a map. `level` counts from 0: the longest way of prerequisites that leads to it on this map.

    `focus` is what the map is about, `concept` one of many.
    """

    id: str
    title: str
    level: int
    role: Role


@dataclass(frozen=True, slots=True)
class MapEdge:
    """As in `retrieval.graph.Edge`: a prerequisite leads to what needs it."""

    source: str
    target: str
    type: EdgeType
    kind: Kind = ""


@dataclass(frozen=True, slots=True)
class ConceptMap:
    """A part of a concept graph, ready to be drawn: no edge that others imply, nodes by level and id."""

    title: str
    nodes: tuple[MapNode, ...] = ()
    edges: tuple[MapEdge, ...] = ()


def neighbourhood(graph: ConceptGraph, id: str, limit: int = 30) -> ConceptMap:
    """A concept, its prerequisites up to three steps back, what it leads to up to two ahead, and what is related.

    Of more than `limit` concepts the near, well-founded and central ones are shown. A related concept without
    prerequisites on the map stands at the level of the concept itself. Raises KeyError for an unknown id.
    """
    concepts = {concept.id: concept for concept in graph.concepts}
    focus = concepts[id]
    limit = max(limit, 1)
    edges = [edge for edge in _edges(graph, "prereq_of") if edge.source in concepts and edge.target in concepts]
    relations = {
        other: edge
        for edge in sorted(_edges(graph, "near_transfer"), key=lambda edge: (edge.confidence, edge.source, edge.target))
        if id in (edge.source, edge.target) and (other := edge.target if edge.source == id else edge.source) in concepts
    }
    back = list(islice(_nearest(id, concepts, edges, "source", _STEPS_BACK), limit))
    ahead = list(islice(_nearest(id, concepts, edges, "target", _STEPS_AHEAD), limit))
    needed = {end for edge in edges if id in (edge.source, edge.target) for end in (edge.source, edge.target)}
    beside = sorted(
        relations.keys() - needed,
        key=lambda other: (-relations[other].confidence * (0.5 + concepts[other].weight), other),
    )
    roles: dict[str, Role] = {focus.id: "focus"}
    roles.update(_shared_out(back, ahead, beside, limit - 1))
    steps = _without_implied(roles, _parents(edges, roles))
    joined = {frozenset(step) for step in steps}
    shown = [relations[other] for other in roles if other in relations and frozenset((id, other)) not in joined]
    levels = _levels(roles, steps)
    placed = {end for step in steps for end in step}
    levels.update({other: levels[id] for other, role in roles.items() if role == "related" and other not in placed})
    return _map(focus.title, concepts, roles, levels, steps, shown)


def along(graph: ConceptGraph, ids: Sequence[str]) -> ConceptMap:
    """A learning path: these concepts and who of them needs whom, be it by way of concepts that are not shown.

    The last one is the goal, the focus of the map. Raises KeyError for an unknown id.
    """
    concepts = {concept.id: concept for concept in graph.concepts}
    path = [concepts[id_] for id_ in dict.fromkeys(ids)]
    if not path:
        return ConceptMap("")
    goal = concepts[ids[-1]]
    roles: dict[str, Role] = {concept.id: "focus" if concept is goal else "prerequisite" for concept in path}
    steps = _without_implied(roles, _parents(_edges(graph, "prereq_of")))
    title = goal.title if len(path) == 1 else f"{path[0].title} → {goal.title}"
    return _map(title, concepts, roles, _levels(roles, steps), steps)


def whole(graph: ConceptGraph, limit: int = 400, title: str = "Concept map") -> ConceptMap:
    """The map of a course: every concept with a prerequisite edge, of more than `limit` the most central ones.

    Where a concept between two others is left out, the later one is shown to need the earlier one.
    """
    concepts = {concept.id: concept for concept in graph.concepts}
    edges = [edge for edge in _edges(graph, "prereq_of") if edge.source in concepts and edge.target in concepts]
    connected = {end for edge in edges for end in (edge.source, edge.target)}
    central = sorted(connected, key=lambda id_: (-concepts[id_].weight, id_))[: max(limit, 0)]
    roles: dict[str, Role] = dict.fromkeys(central, "concept")
    steps = _without_implied(roles, _parents(edges))
    return _map(title, concepts, roles, _levels(roles, steps), steps)


def _edges(graph: ConceptGraph, type_: EdgeType) -> list[Edge]:
    return [edge for edge in graph.edges if edge.type == type_ and edge.source != edge.target]


def _nearest(
    start: str, concepts: Mapping[str, Concept], edges: Iterable[Edge], end: Literal["source", "target"], steps: int
) -> Iterator[str]:
    """What is reached against the arrows ("source") or along them, best first; never something before its way."""
    beyond: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for edge in edges:
        near, far = (edge.target, edge.source) if end == "source" else (edge.source, edge.target)
        beyond[near].append((far, edge.confidence))
    queue = [(0.0, 0, start, 1.0)]
    done: set[str] = set()
    while queue:
        _, step, here, sure = heappop(queue)
        if here in done:
            continue
        done.add(here)
        if step:
            yield here
        if step < steps:
            for far, confidence in beyond[here]:
                surely = sure * confidence
                worth = surely * (0.5 + concepts[far].weight) * _FADING**step
                heappush(queue, (-worth, step + 1, far, surely))


def _shared_out(back: list[str], ahead: list[str], beside: list[str], room: int) -> dict[str, Role]:
    """Each side gets its share first; what one does not need is the others'."""
    wishes: tuple[tuple[Role, list[str], int], ...] = (
        ("prerequisite", back, ceil(room * _SHARE_BACK)),
        ("leads_to", ahead, ceil(room * _SHARE_AHEAD)),
        ("related", beside, ceil(room * (1 - _SHARE_BACK - _SHARE_AHEAD))),
    )
    first = [(id_, role) for role, ids, share in wishes for id_ in ids[: max(share, 0)]]
    then = [(id_, role) for role, ids, _ in wishes for id_ in ids]
    roles: dict[str, Role] = {}
    for id_, role in (*first, *then):
        if len(roles) < room:
            roles.setdefault(id_, role)
    return roles


def _parents(edges: Iterable[Edge], among: Collection[str] | None = None) -> _Parents:
    parents: dict[str, set[str]] = defaultdict(set)
    for edge in edges:
        if among is None or (edge.source in among and edge.target in among):
            parents[edge.target].add(edge.source)
    return parents


def _without_implied(shown: Collection[str], parents: _Parents) -> list[tuple[str, str]]:
    """The transitive reduction over the concepts shown, in teaching order (Aho, Garey and Ullman 1972).

    Sets of concepts are bits of integers: a course of 100,000 edges takes a blink.
    """
    numbers = {id_: number for number, id_ in enumerate(sorted(shown))}
    ids = list(numbers)
    before: dict[str, int] = {}  # which of the concepts shown come anywhere before
    steps: list[tuple[str, str]] = []
    for id_ in TopologicalSorter({id_: sorted(parents[id_]) for id_ in sorted(parents)}).static_order():
        above = 0
        for parent in parents.get(id_, ()):
            above |= before[parent] | (1 << numbers[parent] if parent in numbers else 0)
        before[id_] = above
        if id_ in numbers and above:
            ancestors = list(_bits(above))
            implied = 0
            for number in ancestors:
                implied |= before[ids[number]]
            steps += [(ids[number], id_) for number in ancestors if not implied >> number & 1]
    return steps


def _bits(number: int) -> Iterator[int]:
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest


def _levels(ids: Iterable[str], steps: Iterable[tuple[str, str]]) -> dict[str, int]:
    """The steps come in teaching order: all that lead to a concept before any that leave it."""
    levels = dict.fromkeys(ids, 0)
    for source, target in steps:
        levels[target] = max(levels[target], levels[source] + 1)
    return levels


def _map(
    title: str,
    concepts: Mapping[str, Concept],
    roles: Mapping[str, Role],
    levels: Mapping[str, int],
    steps: Iterable[tuple[str, str]],
    relations: Iterable[Edge] = (),
) -> ConceptMap:
    nodes = [MapNode(id_, concepts[id_].title, levels[id_], role) for id_, role in roles.items()]
    prerequisites = [MapEdge(source, target, "prereq_of") for source, target in sorted(steps)]
    related = [MapEdge(edge.source, edge.target, "near_transfer", edge.kind) for edge in relations]
    return ConceptMap(
        title,
        tuple(sorted(nodes, key=lambda node: (node.level, node.id))),
        (*prerequisites, *sorted(related, key=lambda edge: (edge.source, edge.target))),
    )
