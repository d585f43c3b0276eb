"""Pure: from what a file lists to a graph worth having. Knows no file format and no course.

Nothing is believed for being written: noise, code and generalities go, with the edges at them; so do loops,
repetitions and what contradicts itself. Every loss is recorded with its reason.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

import networkx as nx

from retrieval.concepts.importing.edge_types import Meaning, is_a_by_name, meaning, type_name
from retrieval.concepts.importing.model import (
    Dropped,
    ImportedExplains,
    ImportedGraph,
    ImportedRelation,
    ImportedResource,
    ListedEdge,
    ListedResource,
    Listing,
)
from retrieval.concepts.importing.register import Refusal, Register, shown
from retrieval.concepts.noise import generality, noise
from retrieval.graph import ResourceType

_LONGEST_URL = 2000
_RESOURCE_TYPES: dict[str, ResourceType] = {
    "pdf": "pdf",
    "paper": "pdf",
    "slide": "slide",
    "slides": "slide",
    "video": "video",
    "youtube": "video",
    "notes": "notes",
}
_End = int | str | Refusal | None
"""Of an edge: a concept's number, a resource's address, what refused it, or unknown."""


def clean(listing: Listing, taught: Collection[str] = frozenset()) -> ImportedGraph:
    """Clean a listing.

    `taught` are keys (`names.key`) of what the course itself teaches: generalities and doubtful class names
    among them stay.
    """
    concepts = Register(taught)
    for node in listing.concepts:
        concepts.add(node)
    # A dump holds what was found for one question, and its edges lead out of that. What the course teaches may stay.
    ends = (name for edge in listing.edges for name in (edge.source, edge.target))
    for name in dict.fromkeys(ends) if taught else ():
        concepts.add_taught(name)
    concepts.join_acronyms()
    for id_ in listing.ignored:
        concepts.refuse(id_, id_, "neither a concept nor a resource")
    resources = _Resources(listing.resources, concepts)
    edges = _Edges(concepts, resources)
    for edge in listing.edges:
        edges.add(edge)
    relations = edges.consistent()
    return ImportedGraph(
        tuple(concepts.concepts()),
        resources.kept,
        tuple(relations),
        tuple(ImportedExplains(url, concepts.title(number)) for url, number in edges.explains),
        (*concepts.dropped(), *edges.dropped()),
    )


class _Resources:
    def __init__(self, listed: Iterable[ListedResource], concepts: Register) -> None:
        kept: dict[tuple[str, str], ImportedResource] = {}
        self._urls: dict[str, str] = {}
        for resource in listed:
            url = resource.url.strip()
            if not _is_web_address(url):
                concepts.refuse(resource.id, url or resource.id, "no web address")
                continue
            type_ = _RESOURCE_TYPES.get(resource.type.strip().lower(), "web_page")
            title, span = shown(resource.title, 200), shown(resource.span)
            kept.setdefault((url, span), ImportedResource(url, type_, title, span))
            self._urls[resource.id.strip()] = self._urls[url] = url
        self.kept = tuple(kept.values())

    def find(self, name: str) -> str | None:
        return self._urls.get(name.strip())


class _Edges:
    """Takes edges one by one, then leaves out those that contradict each other."""

    def __init__(self, concepts: Register, resources: _Resources) -> None:
        self._concepts, self._resources = concepts, resources
        self._relations: dict[tuple[int, int, str, str], ImportedRelation] = {}
        self._lost: list[Dropped] = []
        self._unlisted: Counter[str] = Counter()
        self._unused: Counter[str] = Counter()
        self._repeated = 0
        self.explains: dict[tuple[str, int], None] = {}

    def add(self, edge: ListedEdge) -> None:
        source, target = self._end(edge.source), self._end(edge.target)
        refusals = [end for end in (source, target) if isinstance(end, Refusal)]
        if refusals:
            refusals[0].edges += 1
        elif source is None or target is None:
            self._unlisted[edge.source if source is None else edge.target] += 1
        elif (means := meaning(edge.type[:80], edge.kind)) is None:
            self._unused[type_name(edge.type[:80])] += 1
        elif isinstance(source, int) and isinstance(target, int):
            self._relate(edge, means, source, target)
        else:
            self._explain(edge, means, source, target)

    def consistent(self) -> list[ImportedRelation]:
        """The relations without those that cannot be true together."""
        out = self._circular("is-a") | self._circular("part-of")
        for place in sorted(out):
            self._lose(self._relations[place], "goes round in a circle")
        for place in [place for place in self._relations if place[3] == "is-a" and place not in out]:
            if (place[1], place[0], "near_transfer", "part-of") in self._relations:
                out.add(place)
                self._lose(self._relations[place], "the general is said to be a part of the special")
        for place, relation in list(self._relations.items()):
            other = self._relations.get((place[1], place[0], *place[2:]))
            if relation.type == "prereq_of" and other and other.confidence >= relation.confidence:
                out.add(place)
                self._lose(relation, "the opposite is said as well")
        return [relation for place, relation in self._relations.items() if place not in out]

    def dropped(self) -> list[Dropped]:
        unlisted = [Dropped(shown(name), _why_unlisted(name), edges) for name, edges in self._unlisted.items()]
        unused = [
            Dropped(shown(name), "a kind of edge without use here", edges) for name, edges in self._unused.items()
        ]
        repeated = [Dropped("repeated edges", "said more than once", self._repeated)] if self._repeated else []
        return [*unlisted, *unused, *self._lost, *repeated]

    def _end(self, name: str) -> _End:
        return self._resources.find(name) or self._concepts.find(name)

    def _relate(self, edge: ListedEdge, means: Meaning, source: int, target: int) -> None:
        if means.type == "explains":
            self._unused[f"{type_name(edge.type[:80])} between concepts"] += 1
            return
        if means.turned:
            source, target = target, source
        if means.symmetric:
            source, target = sorted((source, target))
        first, second = self._concepts.title(source), self._concepts.title(target)
        confidence = means.confidence
        if means.kind == "is-a":
            confidence = is_a_by_name(first, second)
        relation = ImportedRelation(
            first, second, means.type, means.kind, confidence * _share(edge.confidence), type_name(edge.type[:80])
        )
        if source == target:
            self._lose(relation, "from a concept to itself")
        elif not edge.directed and not means.symmetric:
            self._lose(relation, "the graph gives its edges no direction")
        elif not confidence:
            self._lose(relation, "the names say the opposite")
        else:
            self._keep((source, target, means.type, means.kind), relation)

    def _keep(self, place: tuple[int, int, str, str], relation: ImportedRelation) -> None:
        known = self._relations.get(place)
        self._repeated += known is not None
        if known is None or known.confidence < relation.confidence:
            self._relations[place] = relation

    def _explain(self, edge: ListedEdge, means: Meaning, source: _End, target: _End) -> None:
        if means.turned:
            source, target = target, source
        if means.type != "explains" or not isinstance(source, str) or not isinstance(target, int):
            self._unused[f"{type_name(edge.type[:80])} at a resource"] += 1
            return
        self._repeated += (source, target) in self.explains
        self.explains[source, target] = None

    def _circular(self, kind: str) -> set[tuple[int, int, str, str]]:
        """The relations of a kind between concepts that all lead to each other."""
        places = [place for place in self._relations if place[3] == kind]
        graph = nx.DiGraph([place[:2] for place in places])
        circle = {
            node: number for number, nodes in enumerate(nx.strongly_connected_components(graph)) for node in nodes
        }
        return {place for place in places if circle[place[0]] == circle[place[1]]}

    def _lose(self, relation: ImportedRelation, reason: str) -> None:
        self._lost.append(Dropped(f"{relation.source} --[{relation.written}]--> {relation.target}", reason, 1))


def _why_unlisted(name: str) -> str:
    if _is_web_address(name):
        return "an address not among the nodes"
    if reason := noise(name.replace("_", " ")):
        return f"not among the nodes, and {reason}"
    return "not among the nodes, and a generality" if generality(name) else "not among the nodes"


def _share(confidence: float) -> float:
    return min(max(confidence, 0.0), 1.0) if math.isfinite(confidence) else 1.0


def _is_web_address(url: str) -> bool:
    if len(url) > _LONGEST_URL or not url.isprintable() or any(character in url for character in ' <>"\\|'):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False
