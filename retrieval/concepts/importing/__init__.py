"""Concept graphs that others made: read in the common forms, cleaned, and never believed beyond that."""

from collections.abc import Collection

from retrieval.concepts.importing.model import ImportedGraph
from retrieval.errors import UnreadableFile
from retrieval.sources.text import decode

LARGEST = 32 << 20
"""Bytes. 100,000 concepts with definitions and 200,000 edges just fit."""


def read_graph(path: str, data: bytes, taught: Collection[str] = frozenset()) -> ImportedGraph:
    """Read a foreign graph, in GraphML, node-link JSON, Erica's own JSON or a dump, recognised by its content.

    `taught` are keys (`names.key`) of what the course itself teaches; see `cleaning.clean`. Raises
    UnreadableFile where the file, of which `path` is the name, holds no graph that can be read.
    """
    if len(data) > LARGEST:
        raise UnreadableFile(f"larger than {LARGEST >> 20} MB")
    # The readers take a tenth of a second to load, and most courses have no such file.
    from retrieval.concepts.importing.cleaning import clean
    from retrieval.concepts.importing.dump import list_dump
    from retrieval.concepts.importing.graphml import read_graphml
    from retrieval.concepts.importing.node_link import list_node_link

    start = data[:4096].replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if start.startswith(b"<") and b"Nodes:" not in start:
        return read_graphml(data, taught)
    text = decode(data)
    if start.startswith((b"{", b"[")) or path.lower().endswith(".json"):
        return clean(list_node_link(text), taught)
    return clean(list_dump(text), taught)
