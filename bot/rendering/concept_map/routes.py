"""Pure: the lines between boxes. They cross rows only where the grid keeps a way free, so they never cross a box."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bot.rendering.concept_map.geometry import Area, Point
from bot.rendering.concept_map.rows import Grid, Link

_PORT_STEP = 13.0
STUB = 8.0
"""The last straight pixels before a box: what an arrow head needs."""

AROUND = 22.0
"""How deep below its row a line between two boxes of it may go."""


@dataclass(frozen=True, slots=True)
class Band:
    """The top and bottom of a row."""

    top: float
    bottom: float


def routed(
    grid: Grid, links: Sequence[Link], x: Mapping[int, float], areas: Sequence[Area], bands: Sequence[Band]
) -> list[tuple[Point, ...]]:
    """The points of every link from its source to its target."""
    row_of = {item: number for number, row in enumerate(grid.rows) for item in row}
    neighbours = {(one, other) for row in grid.rows for one, other in pairwise(row)}
    ports = _ports(grid, links, x, areas, row_of, neighbours)
    routes = []
    for link, chain in zip(links, grid.chains, strict=True):
        points = _route(chain, link.group, x, areas, bands, row_of, neighbours, ports, grid.nodes)
        points = _distinct(points)
        routes.append(tuple(points if chain[0] == link.source else reversed(points)))
    return routes


def _distinct(points: Sequence[Point]) -> list[Point]:
    """Without what floating point makes of one place: the last step of a line tells where its arrow head points."""
    kept = [points[0]]
    for point in points[1:-1]:
        if all(abs(point[0] - x) + abs(point[1] - y) > 0.5 for x, y in (kept[-1], points[-1])):
            kept.append(point)
    return [*kept, points[-1]]


_Ports = Mapping[tuple[int, bool, int, str], float]
_Pairs = set[tuple[int, int]]


def _ports(
    grid: Grid,
    links: Sequence[Link],
    x: Mapping[int, float],
    areas: Sequence[Area],
    row_of: Mapping[int, int],
    neighbours: _Pairs,
) -> _Ports:
    """Where lines leave and enter a box: side by side, in the order of where they go to."""
    wishes: dict[tuple[int, bool], set[tuple[float, int, str]]] = defaultdict(set)
    for link, chain in zip(links, grid.chains, strict=True):
        upper, lower = chain[0], chain[-1]
        if row_of[upper] == row_of[lower]:
            if not neighbours & {(upper, lower), (lower, upper)}:
                wishes[upper, True].add((x[lower], lower, link.group))
                wishes[lower, True].add((x[upper], upper, link.group))
        else:
            wishes[upper, True].add((x[chain[1]], chain[1], link.group))
            wishes[lower, False].add((x[chain[-2]], chain[-2], link.group))
    ports = {}
    for (node, below), wished in wishes.items():
        area = areas[node]
        # The ends of round boxes are no place to land on.
        flat = max(0.0, 0.9 * (area.right - area.left - (area.bottom - area.top)))
        step = min(_PORT_STEP, flat / len(wished))
        for number, (_, item, group) in enumerate(sorted(wished)):
            ports[node, below, item, group] = x[node] + (number - (len(wished) - 1) / 2) * step
    return ports


def _route(
    chain: Sequence[int],
    group: str,
    x: Mapping[int, float],
    areas: Sequence[Area],
    bands: Sequence[Band],
    row_of: Mapping[int, int],
    neighbours: _Pairs,
    ports: _Ports,
    nodes: int,
) -> list[Point]:
    first, last = chain[0], chain[-1]
    if row_of[first] == row_of[last]:
        if (first, last) in neighbours:
            return _across(areas[first], areas[last])
        if (last, first) in neighbours:
            return _across(areas[last], areas[first])[::-1]
        begin, end = ports[first, True, last, group], ports[last, True, first, group]
        return [
            (begin, areas[first].bottom),
            *_around(begin, end, bands[row_of[first]].bottom),
            (end, areas[last].bottom),
        ]
    points: list[Point] = [(ports[first, True, chain[1], group], areas[first].bottom)]
    for one, other in pairwise(chain):
        upper, lower = bands[row_of[one]], bands[row_of[other]]
        begin = x[one] if one >= nodes else ports[one, True, other, group]
        end = x[other] if other >= nodes else ports[other, False, one, group]
        points += _curve((begin, upper.bottom), (end, lower.top - STUB))
    points.append((ports[last, False, chain[-2], group], areas[last].top))
    return points


def _across(left: Area, right: Area) -> list[Point]:
    height = (left.top + left.bottom) / 2
    return [(left.right, height), (right.left, height)]


def _around(begin: float, end: float, bottom: float) -> list[Point]:
    """Below what stands between two boxes of a row; `AROUND` deep at most."""
    return [_bezier((begin, bottom), (end, bottom), AROUND / 0.75, AROUND / 0.75, step / 16) for step in range(17)]


def _curve(begin: Point, end: Point) -> list[Point]:
    """From one height to a lower one, upright at both ends."""
    if abs(begin[0] - end[0]) < 0.5:
        return [begin, end]
    pull = (end[1] - begin[1]) / 2
    steps = min(32, 8 + int(abs(begin[0] - end[0]) / 10))
    return [_bezier(begin, end, pull, -pull, step / steps) for step in range(steps + 1)]


def _bezier(begin: Point, end: Point, first: float, second: float, t: float) -> Point:
    """A cubic curve whose inner points stand straight below or above its ends."""
    a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
    x = (a + b) * begin[0] + (c + d) * end[0]
    y = a * begin[1] + b * (begin[1] + first) + c * (end[1] + second) + d * end[1]
    return x, y
