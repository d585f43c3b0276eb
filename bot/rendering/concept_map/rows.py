"""Pure: in which row a concept stands and in which order, so that lines are short and cross little.

Layered drawing after Sugiyama, Tagawa and Toda (1981). Knows sizes only where a row would grow too wide.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

Pairs = Sequence[tuple[int, int]]

_SWEEPS = 14
_SIDEWAYS_PULL = 1.5
_LANE = 9.0  # pixels that a line passing through a row takes
_ROOM_FOR_LANES = 0.4  # of the width at most
_FEW = 400  # so many items can be put in order with patience


@dataclass(frozen=True, slots=True)
class Link:
    """An edge between nodes by number. Long ones of one `group` that share an end may share their way."""

    source: int
    target: int
    group: str


@dataclass(slots=True)
class Grid:
    """Items in rows from top to bottom, each from left to right.

    Items below `nodes` are nodes, the others points where a long line passes through a row. `chains[i]` are
    the items that link i leads along, from the upper to the lower end; a chain inside one row has two.
    `owners[i]` is the end of it whose other lines may share its way.
    """

    nodes: int
    rows: list[list[int]]
    chains: list[list[int]]
    owners: list[int] = field(default_factory=list)
    up: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    down: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    beside: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))


def assigned(levels: Sequence[int], down: Pairs, sideways: Pairs) -> list[int]:
    """A row for each node: prerequisites stay above what needs them, and near it where that costs nothing.

    Nodes without any line come last, if others have some.
    """
    rows = list(levels)
    parents, children, others = _ends(down, True), _ends(down, False), _ends(sideways, True)
    for one, other in sideways:
        others[one].append(other)
    order = sorted(range(len(rows)), key=lambda node: (-rows[node], node))
    for _ in range(4):
        for node in order:
            least = max((rows[parent] + 1 for parent in parents[node]), default=0)
            most = min((rows[child] - 1 for child in children[node]), default=max(levels))
            choices = {least, most, rows[node], *(rows[other] for other in others[node])}
            rows[node] = min(
                (row for row in choices if least <= row <= most),
                key=lambda row: (
                    sum(row - rows[parent] for parent in parents[node])
                    + sum(rows[child] - row for child in children[node])
                    + _SIDEWAYS_PULL * sum(abs(row - rows[other]) for other in others[node]),
                    abs(row - levels[node]),
                ),
            )
    tied = {end for pair in (*down, *sideways) for end in pair}
    last = max((rows[node] for node in tied), default=-1) + 1
    return [row if node in tied else last for node, row in enumerate(rows)]


def split(rows: Sequence[int], links: Iterable[Link], widths: Sequence[float], room: float) -> list[int]:
    """Rows that are too wide become several; `widths` are in pixels with the space between boxes."""
    links = [link for link in links if rows[link.source] != rows[link.target]]
    balance = [0] * len(rows)
    for link in links:
        upper, lower = sorted((link.source, link.target), key=lambda node: rows[node])
        balance[upper] += 1
        balance[lower] -= 1
    members: dict[int, list[int]] = defaultdict(list)
    for node in _roughly_ordered(rows, links):
        members[rows[node]].append(node)
    split_rows = [0] * len(rows)
    above = 0
    for row in sorted(members):
        passing = [link for link in links if _passes(link, rows, row)]
        ways = min(len({link.source for link in passing}), len({link.target for link in passing}))
        free = room - min(_LANE * ways, _ROOM_FOR_LANES * room)
        parts = _parts(members[row], widths, free, balance)
        for number, part in enumerate(parts):
            for node in part:
                split_rows[node] = above + number
        above += len(parts)
    return split_rows


def laid(rows: Sequence[int], links: Sequence[Link]) -> Grid:
    """The grid of these rows, in the order of the nodes' numbers; long lines pass where their owners stand."""
    grid = Grid(len(rows), [[] for _ in range(max(rows, default=-1) + 1)], [])
    for node, row in enumerate(rows):
        grid.rows[row].append(node)
    long = [0] * len(rows)
    for link in links:
        if abs(rows[link.source] - rows[link.target]) > 1:
            long[link.source] += 1
            long[link.target] += 1
    points: dict[tuple[int, str, bool, int], int] = {}
    segments: dict[tuple[int, int], None] = {}
    places: dict[int, float] = {}
    for link in links:
        upper, lower = sorted((link.source, link.target), key=lambda node: rows[node])
        # The busier end lends its way: of many lines from one concept, or into one, a single one is drawn.
        owner = upper if long[upper] >= long[lower] else lower
        chain = [upper]
        for row in range(rows[upper] + 1, rows[lower]):
            point = (owner, link.group, owner == upper, row)
            if point not in points:
                points[point] = len(rows) + len(points)
                grid.rows[row].append(points[point])
            chain.append(points[point])
        chain.append(lower)
        grid.chains.append(chain)
        grid.owners.append(owner if len(chain) > 2 else upper)
        if rows[upper] == rows[lower]:
            grid.beside[upper].append(lower)
            grid.beside[lower].append(upper)
        else:
            segments.update(dict.fromkeys(pairwise(chain)))
    for one, other in segments:
        grid.down[one].append(other)
        grid.up[other].append(one)
    for line in grid.rows:
        places.update(_place([item for item in line if item < grid.nodes]))
    for chain, owner in zip(grid.chains, grid.owners, strict=True):
        places.update(dict.fromkeys(chain[1:-1], places[owner]))
    for line in grid.rows:
        line.sort(key=lambda item: places[item])
    return grid


def put_in_order(grid: Grid) -> None:
    """Fewer crossings by barycenters (Sugiyama et al. 1981), then, in small maps, by swapping neighbours."""
    best, fewest = [list(row) for row in grid.rows], _crossings(grid)
    places = _places(grid)
    items = sum(len(row) for row in grid.rows)
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        for row in grid.rows if downwards else reversed(grid.rows):
            ends = grid.up if downwards else grid.down
            wanted = {item: _mean([places[end] for end in ends[item]], places[item]) for item in row}
            for item in row:
                if grid.beside[item]:
                    wanted[item] = (wanted[item] + _mean([wanted[end] for end in grid.beside[item]], 0)) / 2
            row.sort(key=lambda item: (wanted[item], places[item]))
            places.update(_place(row))
        if items <= _FEW:
            _swap_neighbours(grid, places)
        crossings = _crossings(grid)
        if crossings < fewest:
            best, fewest = [list(row) for row in grid.rows], crossings
        if not fewest:
            break
    grid.rows = best


def _ends(pairs: Pairs, first: bool) -> dict[int, list[int]]:
    """The first ends of each second end's pairs, or the other way round."""
    found: dict[int, list[int]] = defaultdict(list)
    for one, other in pairs:
        if first:
            found[other].append(one)
        else:
            found[one].append(other)
    return found


def _passes(link: Link, rows: Sequence[int], row: int) -> bool:
    one, other = rows[link.source], rows[link.target]
    return min(one, other) < row < max(one, other)


def _roughly_ordered(rows: Sequence[int], links: Sequence[Link]) -> list[int]:
    """Nodes so that those with lines between them stand at about the same place in their rows."""
    near: dict[int, list[int]] = defaultdict(list)
    for link in links:
        near[link.source].append(link.target)
        near[link.target].append(link.source)
    members: dict[int, list[int]] = defaultdict(list)
    for node, row in enumerate(rows):
        members[row].append(node)
    places = {node: place for row in members.values() for node, place in _place(row).items()}
    for _ in range(6):
        for row in sorted(members):
            wanted = {node: _mean([places[end] for end in near[node]], places[node]) for node in members[row]}
            members[row].sort(key=lambda node: (wanted[node], places[node]))
            places.update(_place(members[row]))
    return [node for row in sorted(members) for node in members[row]]


def _parts(nodes: Sequence[int], widths: Sequence[float], room: float, balance: Sequence[int]) -> list[list[int]]:
    """As few rows as there is room for; what is needed below stands in the lower ones, nearer to it."""
    for count in range(1, len(nodes) + 1):
        parts: list[list[int]] = [[] for _ in range(count)]
        for start in range(0, len(nodes), count):
            together = sorted(nodes[start : start + count], key=lambda node: balance[node])
            for number, node in enumerate(together):
                parts[number].append(node)
        if all(len(part) == 1 or sum(widths[node] for node in part) <= room for part in parts):
            return parts
    return [[node] for node in nodes]


def _place(row: Sequence[int]) -> dict[int, float]:
    return {item: (number + 0.5) / len(row) for number, item in enumerate(row)}


def _places(grid: Grid) -> dict[int, float]:
    return {item: place for row in grid.rows for item, place in _place(row).items()}


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _crossings(grid: Grid) -> int:
    number = {item: place for row in grid.rows for place, item in enumerate(row)}
    crossings = 0
    for row in grid.rows:
        ends: list[int] = []
        for item in row:
            below = sorted(number[end] for end in grid.down[item])
            crossings += sum(len(ends) - bisect_right(ends, end) for end in below)
            for end in below:
                insort(ends, end)
        # A line beside something that stands between its ends goes around it.
        crossings += sum(abs(number[item] - number[other]) - 1 for item in row for other in grid.beside[item])
    return crossings


def _swap_neighbours(grid: Grid, places: dict[int, float]) -> None:
    for row in grid.rows:
        for left in range(len(row) - 1):
            one, other = row[left], row[left + 1]
            if grid.beside[one] or grid.beside[other]:
                continue
            now = sum(_inversions(ends[one], ends[other], places) for ends in (grid.up, grid.down))
            then = sum(_inversions(ends[other], ends[one], places) for ends in (grid.up, grid.down))
            if then < now:
                row[left], row[left + 1] = other, one
        places.update(_place(row))


def _inversions(left: Iterable[int], right: Sequence[int], places: dict[int, float]) -> int:
    return sum(places[one] > places[other] for one in left for other in right)
