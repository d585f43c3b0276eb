"""Pure: what the shapes and lines of a map mean, as far as they are on it."""

from collections.abc import Iterator, Sequence
from typing import Literal

from bot.rendering.concept_map import lettering
from bot.rendering.concept_map.geometry import Area, Entry, Lettering
from retrieval.concepts.views import MapEdge, MapNode, Role

_SIZE = 12.0
_LINE = 22.0
_SAMPLE = (28.0, 15.0)
_BETWEEN = 22.0

_Sample = Role | Literal["arrow", "depth"]


def entries(
    nodes: Sequence[MapNode], edges: Sequence[MapEdge], left: float, top: float, room: float
) -> tuple[tuple[Entry, ...], float]:
    """The legend in lines of at most `room` pixels from (left, top) on, and how high it is."""
    found: list[Entry] = []
    x, y = left, top
    width, height = _SAMPLE
    for sample, words in _meanings(nodes, edges):
        needed = width + 7 + lettering.text_width(words, _SIZE)
        if x > left and x + needed > left + room:
            x, y = left, y + _LINE
        middle = y + _LINE / 2
        area = Area(x, middle - height / 2, x + width, middle + height / 2)
        found.append(Entry(sample, area, Lettering(words, x + width + 7, middle + _SIZE * 0.36, _SIZE)))
        x += needed + _BETWEEN
    return tuple(found), y + _LINE - top if found else 0.0


def _meanings(nodes: Sequence[MapNode], edges: Sequence[MapEdge]) -> Iterator[tuple[_Sample, str]]:
    roles = {node.role for node in nodes}
    if "prerequisite" in roles:
        yield "prerequisite", "needed first"
    if "leads_to" in roles:
        yield "leads_to", "leads to"
    if "related" in roles or any(edge.type != "prereq_of" for edge in edges):
        yield "related", "related"
    if any(edge.type == "prereq_of" for edge in edges):
        yield "arrow", "is needed for"
    if "concept" in roles and len({node.level for node in nodes}) > 1:
        yield "depth", "builds on little … on much"
