"""The nouns of the concept graph, as it is built, stored with an index and exported. No logic but their JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Literal, TypeVar

from retrieval.errors import IndexDamaged

GRAPH, VECTORS = "graph", "concepts"
"""Names of what is attached to an index: its concept graph, and the vectors of the concepts' names."""

EdgeType = Literal["prereq_of", "explains", "exemplifies", "near_transfer"]
Kind = Literal["", "sibling", "contrast", "is-a", "part-of"]
ResourceType = Literal["web_page", "pdf", "slide", "video", "notes"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where something is said: the page's link and the sentence, as plain text.

    `release` is the day from which it may be shown, None when it was never held back.
    """

    url: str
    sentence: str
    release: date | None = None


@dataclass(frozen=True, slots=True)
class Concept:
    """Something the course teaches.

    `id` is a slug of the title, unique in its graph and stable while the title stays. `aliases` are other
    names as they are written, without the title. `definition` is a sentence of the course, empty where it
    never defines the concept; `defined` says where it stands. `difficulty` counts from 1 (needs nothing)
    to 5. `weight` says how central the concept is to the course, from 0 to 1.
    """

    id: str
    title: str
    aliases: tuple[str, ...] = ()
    definition: str = ""
    defined: Evidence | None = None
    difficulty: int = 1
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class Resource:
    """A part of a page that teaches something: what stands below one heading, on one PDF page, in one minute.

    `path` is the file's path inside its source; `span` names the part for people: a heading, `page 3` or
    `12:30`, empty for the page's beginning. `passages` are the ids of its passages in the index, in order.
    `minutes` is the estimated reading time.
    """

    id: str
    type: ResourceType
    url: str
    path: str
    title: str
    span: str = ""
    passages: tuple[int, ...] = ()
    minutes: float = 1.0
    release: date | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A worked snippet: code of the course, with the link to where it stands."""

    id: str
    code: str
    url: str
    release: date | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """`prereq_of` runs from the prerequisite to what needs it, `explains` from a resource and `exemplifies`
    from an example to a concept. `near_transfer` has a `kind`; is-a and part-of run from the special to the
    general and from the part to the whole, the others from the lower id to the higher.

    `confidence` lies between 0 and 1.
    """

    source: str
    target: str
    type: EdgeType
    kind: Kind = ""
    confidence: float = 1.0
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """A prerequisite that was taken out because it contradicted stronger ones, and why."""

    edge: Edge
    reason: str


@dataclass(frozen=True, slots=True)
class ConceptGraph:
    """All of one course. The `prereq_of` edges form a directed acyclic graph, always."""

    concepts: tuple[Concept, ...] = ()
    resources: tuple[Resource, ...] = ()
    examples: tuple[Example, ...] = ()
    edges: tuple[Edge, ...] = ()
    cuts: tuple[Cut, ...] = ()

    def to_bytes(self) -> bytes:
        """For storing with an index."""
        return json.dumps(self, default=_plain, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "ConceptGraph":
        """Raises IndexDamaged where these are not the bytes of a graph."""
        try:
            parts = json.loads(data)
            return cls(
                concepts=tuple(_read(Concept, part) for part in parts["concepts"]),
                resources=tuple(_read(Resource, part) for part in parts["resources"]),
                examples=tuple(_read(Example, part) for part in parts["examples"]),
                edges=tuple(_read(Edge, part) for part in parts["edges"]),
                cuts=tuple(Cut(_read(Edge, part["edge"]), part["reason"]) for part in parts["cuts"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise IndexDamaged(f"the concept graph is damaged: {error}", "Run `erica ingest --force`.") from error


_Noun = TypeVar("_Noun", Concept, Resource, Example, Edge, Evidence)

_FIELDS: Mapping[type[object], tuple[str, ...]] = {
    noun: tuple(field.name for field in fields(noun))
    for noun in (Concept, Resource, Example, Edge, Evidence, Cut, ConceptGraph)
}


def _read(noun: type[_Noun], part: Mapping[str, Any]) -> _Noun:
    known = {name: part[name] for name in _FIELDS[noun]}
    for name, value in known.items():
        if name in ("defined", "evidence") and value is not None:
            known[name] = _read(Evidence, value)
        elif name == "release" and value is not None:
            known[name] = date.fromisoformat(value)
        elif isinstance(value, list):
            known[name] = tuple(value)
    return noun(**known)


def _plain(value: object) -> str | dict[str, object]:
    if (names := _FIELDS.get(type(value))) is not None:
        return {name: getattr(value, name) for name in names}
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a graph")
