"""Reads a dump of an earlier tutor: sections "Nodes:" and "Edges:", one or several amid questions and answers.

    Nodes:
    - Concept: Title ()
      Definition: One sentence.
    - Resource: web_page
      URL: https://example.edu/page
    Edges:
    - id_of_one --[TYPE]--> id_of_another

Whatever stands outside of these sections was written by a model or a student and is never used.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from retrieval.concepts.importing.cleaning import clean
from retrieval.concepts.importing.model import (
    ImportedGraph,
    ListedConcept,
    ListedEdge,
    ListedResource,
    Listing,
)
from retrieval.errors import UnreadableFile
from retrieval.sources.text import decode

_NODE = re.compile(r"- (Concept|Resource|Example):(.*)", re.IGNORECASE)
_FIELD = re.compile(r"\s+(Definition|URL|Title|Span|Time|Time code|Aliases):(.*)", re.IGNORECASE)
_EMPTY_BRACKETS = re.compile(r"\s*\(\s*\)\s*$")
_LONGEST_LINE = 20_000


@dataclass(slots=True)
class _Node:
    """A node whose lines are being read."""

    kind: str
    name: str
    fields: dict[str, str] = field(default_factory=dict)
    last: str = ""


def read_dump(data: bytes, taught: Collection[str] = frozenset()) -> ImportedGraph:
    """Read and clean a dump; `taught` as in `cleaning.clean`.

    Raises UnreadableFile where there is no text, or no section of nodes or edges in it.
    """
    return clean(list_dump(decode(data)), taught)


def list_dump(text: str) -> Listing:
    """What the sections of a dump list, of all its sections together."""
    concepts: list[ListedConcept] = []
    resources: list[ListedResource] = []
    ignored: list[str] = []
    edges: list[ListedEdge] = []
    sections = 0
    for heading, lines in _sections(text):
        sections += 1
        if heading == "edges:":
            edges += (edge for line in lines if (edge := _edge(line)))
            continue
        for node in _nodes(lines):
            if node.kind == "concept":
                concepts.append(_concept(node))
            elif node.kind == "resource":
                resources.append(_resource(node))
            else:
                ignored.append(node.name)
    if not sections:
        raise UnreadableFile('no section "Nodes:" or "Edges:" in it')
    return Listing(tuple(concepts), tuple(resources), tuple(edges), tuple(ignored))


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    """A section's lines are its items and what is indented below them; the first other line ends it."""
    heading, lines = "", list[str]()
    for line in text.splitlines():
        if line.strip().lower() in ("nodes:", "edges:"):
            if heading:
                yield heading, lines
            heading, lines = line.strip().lower(), []
        elif heading and line.strip():
            if line.startswith(("- ", " ", "\t")):
                lines.append(line[:_LONGEST_LINE])
            else:
                yield heading, lines
                heading = ""
    if heading:
        yield heading, lines


def _nodes(lines: Iterable[str]) -> Iterator[_Node]:
    node: _Node | None = None
    for line in lines:
        if found := _NODE.fullmatch(line):
            if node:
                yield node
            node = _Node(found[1].lower(), found[2].strip())
        elif line.startswith("- "):  # an item of another kind
            if node:
                yield node
            node = None
        elif node and (part := _FIELD.fullmatch(line)):
            node.last = part[1].lower()
            node.fields.setdefault(node.last, part[2].strip())
        elif node and node.last:
            node.fields[node.last] = f"{node.fields[node.last]} {line.strip()}"[:_LONGEST_LINE]
    if node:
        yield node


def _concept(node: _Node) -> ListedConcept:
    aliases = tuple(name.strip() for name in re.split(r"[;,]", node.fields.get("aliases", "")) if name.strip())
    return ListedConcept("", _EMPTY_BRACKETS.sub("", node.name), node.fields.get("definition", ""), aliases)


def _resource(node: _Node) -> ListedResource:
    url = node.fields.get("url", "")
    span = next((node.fields[name] for name in ("span", "time", "time code") if name in node.fields), "")
    return ListedResource(url, url, node.name, node.fields.get("title", ""), span)


def _edge(line: str) -> ListedEdge | None:
    source, opened, rest = line.removeprefix("- ").partition(" --[")
    type_, closed, target = rest.partition("]--> ")
    if not opened or not closed:
        return None
    return ListedEdge(source.strip(), target.strip(), type_)
