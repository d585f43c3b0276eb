"""Pure: a map as boxes and lines in pixels. Knows the size of letters, but neither colours nor how to draw."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from bot.rendering.concept_map import columns, labels, legend, lettering, routes, rows
from bot.rendering.concept_map.geometry import Area, Box, Layout, Lettering, Point, Route
from retrieval.concepts.views import ConceptMap, MapEdge, MapNode, Role

MARGIN = 24.0
MOST_CONCEPTS = 600
"""Of more no one would find their way, and drawing takes seconds."""

_NARROWEST, _WIDEST = 320, 8000
_HIGHEST = 1200.0  # for pictures in a chat; maps of a course may be higher
_LEAST_WIDTH = 540.0  # the whole legend in one line
_HEADING, _HEADING_LINES = 20.0, 2
_AROUND_ROWS = 76.0  # the legend, and the space between it, the rows and the heading
_LEFT_FOR_LINES = 12.0  # beside a box that fills its row
_NOTHING = "Nothing to show here yet."


@dataclass(frozen=True, slots=True)
class _Style:
    """Letters, padding and gaps in pixels; `focus` is the size of the letters of what the map is about."""

    letters: float
    focus: float
    line: float
    padding: tuple[float, float]
    gap: tuple[float, float]


_ROOMY = _Style(letters=14, focus=16, line=150, padding=(13, 9), gap=(42, 26))
_DENSE = _Style(letters=12, focus=14, line=240, padding=(12, 4), gap=(34, 12))


@dataclass(frozen=True, slots=True)
class _Label:
    """A concept's title in lines, and the size of its box."""

    lines: tuple[str, ...]
    letters: float
    bold: bool
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class _Placed:
    """Rows of a map in their final order, at a height that begins with 0."""

    grid: rows.Grid
    x: dict[int, float]
    areas: list[Area]
    bands: list[routes.Band]

    @property
    def height(self) -> float:
        return self.bands[-1].bottom if self.bands else 0.0


def layout(map: ConceptMap, width: int = 800) -> Layout:
    """At most `width` pixels wide, as high as need be; a picture that fits a chat is kept below 1200 if possible.

    Repeated concepts, and edges that lead nowhere, are left out. An edge against the levels is a line upwards.
    Raises ValueError for a width outside 320 to 8000 and for more than 600 concepts.
    """
    if not _NARROWEST <= width <= _WIDEST:
        raise ValueError(f"a map is {_NARROWEST} to {_WIDEST} pixels wide, not {width}")
    nodes = list({node.id: node for node in reversed(map.nodes)}.values())[::-1]
    if len(nodes) > MOST_CONCEPTS:
        raise ValueError(f"a map shows {MOST_CONCEPTS} concepts at most, not {len(nodes)}")
    room = width - 2 * MARGIN
    heading = _heading(map.title, room)
    if not nodes:
        return _nothing(heading, width)
    numbers = {node.id: number for number, node in enumerate(nodes)}
    edges = [edge for edge in dict.fromkeys(map.edges) if _leads_somewhere(edge, numbers)]
    links = [rows.Link(numbers[edge.source], numbers[edge.target], _group(edge, nodes, numbers)) for edge in edges]
    frame = 2 * MARGIN + len(heading) * _HEADING * lettering.LINE_HEIGHT + _AROUND_ROWS
    placed = _placed(nodes, edges, links, room, _ROOMY, _HIGHEST - frame)
    if placed[0].height + frame > _HIGHEST and len(nodes) <= 60:
        placed = min(
            placed, _placed(nodes, edges, links, room, _DENSE, _HIGHEST - frame), key=lambda one: one[0].height
        )
    return _composed(heading, nodes, edges, links, placed, room)


def _leads_somewhere(edge: MapEdge, numbers: dict[str, int]) -> bool:
    return edge.source in numbers and edge.target in numbers and edge.source != edge.target


def _group(edge: MapEdge, nodes: Sequence[MapNode], numbers: dict[str, int]) -> Role:
    """What colour a line has: that of where it comes from, so that lines which share their way look the same."""
    if edge.type != "prereq_of":
        return "related"
    role = nodes[numbers[edge.source]].role
    return {"focus": "leads_to", "related": "concept"}.get(role, role)  # type: ignore[return-value]


def _heading(title: str, room: float) -> tuple[Lettering, ...]:
    if not title.strip():
        return ()
    lines = lettering.wrapped(title, room, _HEADING, bold=True, lines=_HEADING_LINES)
    height = _HEADING * lettering.LINE_HEIGHT
    return tuple(
        Lettering(line, MARGIN, MARGIN + _HEADING * 0.9 + number * height, _HEADING, bold=True)
        for number, line in enumerate(lines)
    )


def _nothing(heading: tuple[Lettering, ...], width: int) -> Layout:
    top = MARGIN + len(heading) * _HEADING * lettering.LINE_HEIGHT
    note = Lettering(_NOTHING, MARGIN, top + 30, _ROOMY.letters)
    room = _widest((*heading, note), width - 2 * MARGIN)
    return Layout(round(room + 2 * MARGIN), round(top + 30 + MARGIN + 8), (*heading, note), (), (), ())


def _widest(heading: Sequence[Lettering], room: float) -> float:
    widths = (lettering.text_width(line.text, line.size, line.bold) for line in heading)
    return min(room, max(_LEAST_WIDTH - 2 * MARGIN, *widths, 0.0))


def _label(node: MapNode, style: _Style, room: float) -> _Label:
    focus = node.role == "focus"
    letters = style.focus if focus else style.letters
    across, down = style.padding
    # Round ends take room from the letters.
    across += {"leads_to": 5.0, "focus": 4.0}.get(node.role, 0.0)
    widest = room - _LEFT_FOR_LINES
    lines = lettering.wrapped(node.title, min(style.line * (1.4 if focus else 1), widest - 2 * across), letters, focus)
    width = max(lettering.text_width(line, letters, focus) for line in lines)
    height = len(lines) * letters * lettering.LINE_HEIGHT + 2 * (down + (2 if focus else 0))
    return _Label(lines, letters, focus, min(widest, max(48.0, width + 2 * across)), height)


def _placed(
    nodes: Sequence[MapNode],
    edges: Sequence[MapEdge],
    links: Sequence[rows.Link],
    room: float,
    style: _Style,
    highest: float,
) -> tuple[_Placed, list[_Label]]:
    found = [_label(node, style, room) for node in nodes]
    widths = [label.width for label in found]
    spacing = columns.Spacing()
    down = [
        (link.source, link.target)
        for link, edge in zip(links, edges, strict=True)
        if edge.type == "prereq_of" and nodes[link.source].level < nodes[link.target].level
    ]
    sideways = [(link.source, link.target) for link, edge in zip(links, edges, strict=True) if edge.type != "prereq_of"]
    levels = rows.assigned([max(0, node.level) for node in nodes], down, sideways)
    kinds = [0.0] * len(nodes)
    for link, edge in zip(links, edges, strict=True):
        outer = link.target if nodes[link.source].role == "focus" else link.source
        kinds[outer] = max(kinds[outer], labels.label_width(edge.kind))
    levels = rows.split(levels, links, [width + 18 + kind for width, kind in zip(widths, kinds, strict=True)], room)
    grid = rows.laid(levels, links)
    rows.put_in_order(grid)
    beside = {
        (min(link.source, link.target), max(link.source, link.target)): labels.label_width(edge.kind) + 20
        for link, edge in zip(links, edges, strict=True)
    }
    x = columns.middles(grid, widths, room, beside, spacing)
    bands = _bands(grid, x, [label.height for label in found], style, highest)
    areas = []
    for node, label in enumerate(found):
        band = bands[levels[node]]
        top = (band.top + band.bottom - label.height) / 2
        areas.append(Area(x[node] - label.width / 2, top, x[node] + label.width / 2, top + label.height))
    return _Placed(grid, x, areas, bands), found


def _bands(
    grid: rows.Grid, x: dict[int, float], heights: Sequence[float], style: _Style, highest: float
) -> list[routes.Band]:
    """Rows with gaps between them: wider where lines go far to the side, narrow where the map gets too high."""
    tall = [max((heights[item] for item in row if item < grid.nodes), default=0.0) for row in grid.rows]
    extra, around = [], []
    for row in grid.rows:
        far = max((abs(x[item] - x[end]) for item in row for end in grid.down[item]), default=0.0)
        extra.append(min(36.0, max(0.0, far - 100) * 0.07))
        neighbours = set(pairwise(row))
        leaps = any({(item, end), (end, item)}.isdisjoint(neighbours) for item in row for end in grid.beside[item])
        around.append(routes.AROUND if leaps else 0.0)
    comfortable, narrow = style.gap
    # Between rows that no line joins there is nothing to see.
    wider = [
        comfortable - narrow + more if any(grid.down[item] for item in row) else 0.0
        for row, more in zip(grid.rows, extra, strict=True)
    ]
    needed = sum(tall) + sum(around) + narrow * (len(tall) - 1)
    wanted = sum(wider)
    share = min(1.0, max(0.0, (highest - needed) / wanted)) if wanted > 0 else 1.0
    bands = []
    top = 0.0
    for height, more, below in zip(tall, wider, around, strict=True):
        bands.append(routes.Band(top, top + height))
        top += height + below + narrow + share * more
    if bands and around[-1]:
        # What goes around below the last row is inside the picture too.
        bands.append(routes.Band(bands[-1].bottom + around[-1], bands[-1].bottom + around[-1]))
    return bands


def _composed(
    heading: tuple[Lettering, ...],
    nodes: Sequence[MapNode],
    edges: Sequence[MapEdge],
    links: Sequence[rows.Link],
    placed: tuple[_Placed, list[_Label]],
    room: float,
) -> Layout:
    """Everything moved to where it stands in the picture, which is cut to what is in it."""
    place, found = placed
    ends = [area.left for area in place.areas] + list(place.x.values())
    far_ends = [area.right for area in place.areas] + list(place.x.values())
    content = max(far_ends) - min(ends)
    inner = max(content, _widest(heading, room))
    across = MARGIN + (inner - content) / 2 - min(ends)
    top = MARGIN + (len(heading) * _HEADING * lettering.LINE_HEIGHT + 14 if heading else 0)
    areas = [Area(area.left + across, area.top + top, area.right + across, area.bottom + top) for area in place.areas]
    x = {item: middle + across for item, middle in place.x.items()}
    bands = [routes.Band(band.top + top, band.bottom + top) for band in place.bands]
    deepest = max(1, *(node.level for node in nodes))
    boxes = tuple(
        Box(node.id, node.role, max(0, node.level) / deepest, area, _lettered(label, area))
        for node, label, area in zip(nodes, found, areas, strict=True)
    )
    ways = routes.routed(place.grid, links, x, areas, bands)
    drawn = tuple(
        _route(edge, link, owner, nodes, points)
        for edge, link, owner, points in zip(edges, links, place.grid.owners, ways, strict=True)
    )
    bottom = top + place.height
    drawn = labels.labelled(drawn, [edge.kind for edge in edges], areas, Area(4, top, inner + 2 * MARGIN - 4, bottom))
    entries, height = legend.entries(nodes, edges, MARGIN, bottom + 22, inner)
    return Layout(round(inner + 2 * MARGIN), round(bottom + 22 + height + MARGIN - 6), heading, boxes, drawn, entries)


def _lettered(label: _Label, area: Area) -> tuple[Lettering, ...]:
    height = label.letters * lettering.LINE_HEIGHT
    first = (area.top + area.bottom - len(label.lines) * height) / 2 + label.letters * lettering.BASELINE
    middle = (area.left + area.right) / 2
    return tuple(
        Lettering(line, middle, first + number * height, label.letters, label.bold, "center")
        for number, line in enumerate(label.lines)
    )


def _route(edge: MapEdge, link: rows.Link, family: int, nodes: Sequence[MapNode], points: tuple[Point, ...]) -> Route:
    strong = "focus" in (nodes[link.source].role, nodes[link.target].role)
    arrow = "full" if edge.type == "prereq_of" else "open" if edge.kind in ("is-a", "part-of") else "none"
    return Route(edge.source, edge.target, link.group, points, arrow, family, strong)  # type: ignore[arg-type]
