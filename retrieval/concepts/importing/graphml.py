"""Reads GraphML, as networkx, yEd and Gephi write it. Entities are refused, nothing is ever fetched."""

from collections.abc import Collection
from xml.parsers import expat

from retrieval.concepts.importing.attributes import edge, listing, node
from retrieval.concepts.importing.cleaning import clean
from retrieval.concepts.importing.model import ImportedGraph, ListedConcept, ListedEdge, ListedResource, Listing
from retrieval.errors import UnreadableFile

_DEEPEST = 100
_LONGEST_TEXT = 20_000
_MOST_KEYS = 1000
_LABELS = frozenset({"NodeLabel", "EdgeLabel"})


def read_graphml(data: bytes, taught: Collection[str] = frozenset()) -> ImportedGraph:
    """Read and clean a GraphML file; `taught` as in `cleaning.clean`. Raises UnreadableFile."""
    return clean(list_graphml(data), taught)


def list_graphml(data: bytes) -> Listing:
    """What a GraphML file lists, of all graphs in it. Raises UnreadableFile."""
    reader = _Reader()
    try:
        return reader.read(data)
    except expat.ExpatError as error:
        raise UnreadableFile(f"broken XML: {error}") from error
    except (LookupError, ValueError) as error:
        raise UnreadableFile(f"XML that cannot be decoded: {error}") from error


class _Reader:
    def __init__(self) -> None:
        self._depth = 0
        self._names: dict[str, str] = {}
        self._nodes: list[ListedConcept | ListedResource | str] = []
        self._edges: list[ListedEdge] = []
        self._directed = True
        self._open: list[tuple[str, dict[str, str]]] = []
        self._field, self._text, self._length = "", list[str](), 0
        self._is_graph = False

    def read(self, data: bytes) -> Listing:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.EntityDeclHandler = self._entity
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.Parse(data, True)
        if not self._is_graph:
            raise UnreadableFile("XML, but no GraphML")
        return listing(self._nodes, self._edges)

    def _entity(self, *_: object) -> None:
        raise UnreadableFile("XML that defines entities")

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise UnreadableFile("XML nested too deeply")
        tag = qualified.rpartition(" ")[2]
        if tag == "graphml":
            self._is_graph = True
        elif tag == "key" and len(self._names) < _MOST_KEYS:
            self._names[attributes.get("id", "")] = attributes.get("attr.name", "").lower()
        elif tag == "graph":
            self._directed = attributes.get("edgedefault", "directed") != "undirected"
        elif tag in ("node", "edge"):
            self._open.append((tag, {f" {name}": value for name, value in attributes.items()}))
        elif tag == "data" and self._open:
            self._begin(self._names.get(attributes.get("key", ""), ""))
        elif tag in _LABELS and self._open:
            self._begin("label")

    def _begin(self, field: str) -> None:
        self._field, self._text, self._length = field, [], 0

    def _characters(self, text: str) -> None:
        if self._field and self._length < _LONGEST_TEXT:
            self._text.append(text)
            self._length += len(text)

    def _end(self, qualified: str) -> None:
        self._depth -= 1
        tag = qualified.rpartition(" ")[2]
        if (tag == "data" or tag in _LABELS) and self._open:
            if self._field:
                self._open[-1][1].setdefault(self._field, "".join(self._text)[:_LONGEST_TEXT])
            self._field = ""
        elif tag in ("node", "edge") and self._open:
            self._finish(*self._open.pop())

    def _finish(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "node":
            if id_ := attributes.get(" id", ""):
                self._nodes.append(node(id_, attributes))
            return
        written = attributes.get(" directed")
        directed = written == "true" if written else self._directed
        self._edges.append(edge(attributes.get(" source", ""), attributes.get(" target", ""), attributes, directed))
