"""The nouns of an import: what a file lists, as it stands there, and what is left of it once it is clean."""

from dataclasses import dataclass
from typing import Literal

from retrieval.graph import Kind, ResourceType


@dataclass(frozen=True, slots=True)
class ListedConcept:
    """A concept node as it is written. `title` is empty where the file gives only an id."""

    id: str
    title: str = ""
    definition: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedResource:
    """A resource node as it is written; `id` is the address where there is nothing else."""

    id: str
    url: str
    type: str = ""
    title: str = ""
    span: str = ""


@dataclass(frozen=True, slots=True)
class ListedEdge:
    """An edge as it is written, between ids or titles. `kind` is that of Erica's own export."""

    source: str
    target: str
    type: str
    kind: str = ""
    confidence: float = 1.0
    directed: bool = True


@dataclass(frozen=True, slots=True)
class Listing:
    """All that a file lists. `ignored` are the ids of nodes that are neither concepts nor resources."""

    concepts: tuple[ListedConcept, ...] = ()
    resources: tuple[ListedResource, ...] = ()
    edges: tuple[ListedEdge, ...] = ()
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportedConcept:
    """`key` is `names.key` of the title; `aliases` are other spellings and the acronym, without the title."""

    key: str
    title: str
    definition: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportedResource:
    """A web address; `span` names a part of the page or a time code where the file does."""

    url: str
    type: ResourceType = "web_page"
    title: str = ""
    span: str = ""


@dataclass(frozen=True, slots=True)
class ImportedRelation:
    """Between the titles of two concepts, directed as `retrieval.graph.Edge` is.

    `written` is the type's name in the file. `confidence`, from 0 to 1, is how far a relation of this type
    in a foreign graph is to be believed before the course has been looked at.
    """

    source: str
    target: str
    type: Literal["prereq_of", "near_transfer"]
    kind: Kind = ""
    confidence: float = 0.5
    written: str = ""


@dataclass(frozen=True, slots=True)
class ImportedExplains:
    """The page at `url` explains the concept of this title."""

    url: str
    title: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """A node, an edge (`a --[TYPE]--> b`) or a type of edges that was not taken over, and why.

    `name` is fit to be printed. `edges` is how many edges went with it, itself included.
    """

    name: str
    reason: str
    edges: int = 0


@dataclass(frozen=True, slots=True)
class ImportedGraph:
    """What a foreign graph says, cleaned. Its prerequisites may hold circles of three and more."""

    concepts: tuple[ImportedConcept, ...] = ()
    resources: tuple[ImportedResource, ...] = ()
    relations: tuple[ImportedRelation, ...] = ()
    explains: tuple[ImportedExplains, ...] = ()
    dropped: tuple[Dropped, ...] = ()
