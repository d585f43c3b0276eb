"""Reads graphs in JSON: networkx's node-link form (edges under "links" or "edges") and Erica's own export."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from retrieval.concepts.importing.attributes import edge, listing, node
from retrieval.concepts.importing.cleaning import clean
from retrieval.concepts.importing.model import ImportedGraph, ListedConcept, ListedResource, Listing
from retrieval.errors import UnreadableFile
from retrieval.sources.text import decode, tidy


def read_node_link(data: bytes, taught: Collection[str] = frozenset()) -> ImportedGraph:
    """Read and clean a graph in JSON; `taught` as in `cleaning.clean`. Raises UnreadableFile."""
    return clean(list_node_link(decode(data)), taught)


def list_node_link(text: str) -> Listing:
    """What a graph in JSON lists. Raises UnreadableFile where this is no JSON, or no graph."""
    try:
        graph = json.loads(text)
    except RecursionError as error:
        raise UnreadableFile("JSON nested too deeply") from error
    except ValueError as error:
        raise UnreadableFile(f"broken JSON: {error}") from error
    if isinstance(graph, dict) and isinstance(graph.get("concepts"), list):
        return _own(graph)
    if isinstance(graph, dict) and isinstance(graph.get("nodes"), list):
        return _networkx(graph)
    raise UnreadableFile('JSON, but no graph: neither "nodes" nor "concepts" in it')


def _networkx(graph: Mapping[str, Any]) -> Listing:
    nodes = _parts(graph, "nodes")
    links = _parts(graph, "links") or _parts(graph, "edges")
    ids = [_scalar(part.get("id", part.get("name"))) for part in nodes]
    known = set(ids)

    def end(value: object) -> str:
        # Older files number the nodes by their places.
        name = _scalar(value)
        placed = isinstance(value, int) and name not in known and 0 <= value < len(ids)
        return ids[value] if placed and isinstance(value, int) else name

    directed = graph.get("directed", True) is not False
    return listing(
        (node(id_, _texts(part)) for id_, part in zip(ids, nodes, strict=True) if id_),
        (edge(end(part.get("source")), end(part.get("target")), _texts(part), directed) for part in links),
    )


def _own(graph: Mapping[str, Any]) -> Listing:
    concepts = (
        ListedConcept(
            _scalar(part.get("id")),
            _scalar(part.get("title")),
            _scalar(part.get("definition")),
            _strings(part.get("aliases")),
        )
        for part in _parts(graph, "concepts")
    )
    resources = (
        ListedResource(*(_scalar(part.get(name)) for name in ("id", "url", "type", "title", "span")))
        for part in _parts(graph, "resources")
    )
    examples = (_scalar(part.get("id")) for part in _parts(graph, "examples"))
    edges = (
        edge(_scalar(part.get("source")), _scalar(part.get("target")), _texts(part)) for part in _parts(graph, "edges")
    )
    return listing((*concepts, *resources, *examples), edges)


def _parts(graph: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = graph.get(name)
    return [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []


def _texts(part: Mapping[str, Any]) -> dict[str, str]:
    """The attributes that are text or numbers; lists of text as lines."""
    found: dict[str, str] = {}
    for name, value in part.items():
        text = "\n".join(_strings(value)) if isinstance(value, list) else _scalar(value)
        if text:
            found.setdefault(name.lower(), text)
    return found


def _strings(value: object) -> tuple[str, ...]:
    return tuple(filter(None, map(_scalar, value))) if isinstance(value, list) else ()


def _scalar(value: object) -> str:
    if isinstance(value, str):
        # Escapes can name control characters and halves of surrogate pairs, which `decode` has not seen.
        return value if value.isprintable() else tidy(value)
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
