"""Pure: where in its row an item stands, so that lines run straight and nothing overlaps. Knows no titles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bot.rendering.concept_map.rows import Grid

# Bends in the middle of a long line are worse than at its ends (Gansner et al. 1993).
_NODE_NODE, _NODE_POINT, _POINT_POINT = 1.0, 2.0, 8.0
_SWEEPS, _SWEEPS_OF_SMALL = 12, 40
_SMALL = 500  # items


@dataclass(frozen=True, slots=True)
class Spacing:
    """Pixels between the borders of neighbours: what is wanted, and what is enough where the row is full."""

    boxes: tuple[float, float] = (20.0, 12.0)
    box_and_line: tuple[float, float] = (12.0, 6.0)
    lines: tuple[float, float] = (9.0, 0.0)


def middles(
    grid: Grid, widths: Sequence[float], room: float, beside: Mapping[tuple[int, int], float], spacing: Spacing
) -> dict[int, float]:
    """The x of every item's middle, between 0 and `room`; `beside` asks for more space between two neighbours."""
    half = {item: widths[item] / 2 if item < grid.nodes else 0.0 for row in grid.rows for item in row}
    steps = [_steps(row, half, grid.nodes, room, beside, spacing) for row in grid.rows]
    x: dict[int, float] = {}
    for row, step in zip(grid.rows, steps, strict=True):
        begin = (room - sum(step)) / 2
        x.update(_fitted([begin] * len(row), [1.0] * len(row), row, step, half, room))
    sweeps = _SWEEPS_OF_SMALL if len(x) <= _SMALL else _SWEEPS
    for sweep in range(sweeps):
        ends = [grid.up] if sweep % 2 == 0 else [grid.down]
        if sweep >= sweeps - 2:
            ends = [grid.up, grid.down]
        numbers = range(len(grid.rows))
        for number in numbers if sweep % 2 == 0 else reversed(numbers):
            row = grid.rows[number]
            pulls = [
                _pull(item, [end for side in ends for end in side[item]], grid.beside[item], x, grid.nodes)
                for item in row
            ]
            wanted = [place for place, _ in pulls]
            x.update(_fitted(wanted, [weight for _, weight in pulls], row, steps[number], half, room))
    return x


def _pull(
    item: int, ends: Sequence[int], beside: Sequence[int], x: Mapping[int, float], nodes: int
) -> tuple[float, float]:
    """Where an item would like to be, and how much."""
    if not ends:
        return sum(x[end] for end in beside) / len(beside) if beside else x[item], 0.1
    # Many boxes at one point of a line pull no more than one: a trunk stays straight, however many branches it has.
    branches = sum(end < nodes for end in ends) if item >= nodes else 1
    weights = [
        _NODE_NODE
        if max(item, end) < nodes
        else _POINT_POINT
        if min(item, end) >= nodes
        else _NODE_POINT / max(1, branches)
        for end in ends
    ]
    total = sum(weights)
    return sum(x[end] * weight for end, weight in zip(ends, weights, strict=True)) / total, total


def _steps(
    row: Sequence[int],
    half: Mapping[int, float],
    nodes: int,
    room: float,
    beside: Mapping[tuple[int, int], float],
    spacing: Spacing,
) -> list[float]:
    """From each item's middle to the next one's; as wide as wanted, or shrunk so that the row fits."""
    wanted: list[float] = []
    enough: list[float] = []
    for one, other in pairwise(row):
        boxes = (one < nodes) + (other < nodes)
        much, little = (spacing.lines, spacing.box_and_line, spacing.boxes)[boxes]
        wanted.append(max(much, beside.get((min(one, other), max(one, other)), 0.0)))
        enough.append(little)
    filled = sum(2 * half[item] for item in row)
    spare = room - filled - sum(enough)
    extra = sum(wanted) - sum(enough)
    share = min(1.0, max(0.0, spare / extra)) if extra > 0 else 1.0
    return [
        half[one] + half[other] + low + share * (high - low)
        for one, other, high, low in zip(row, row[1:], wanted, enough, strict=False)
    ]


def _fitted(
    wanted: Sequence[float],
    weights: Sequence[float],
    row: Sequence[int],
    steps: Sequence[float],
    half: Mapping[int, float],
    room: float,
) -> dict[int, float]:
    """The places in this order, no nearer than the steps, that are least squares away from the wanted ones.

    Without the steps this is isotonic regression, solved by pooling adjacent violators (Ayer et al. 1955).
    """
    offsets = [0.0]
    for step in steps:
        offsets.append(offsets[-1] + step)
    pools: list[tuple[float, float, int]] = []
    for place, weight, offset in zip(wanted, weights, offsets, strict=False):
        pools.append((place - offset, weight, 1))
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            (left, much, many), (right, more, others) = pools[-2:]
            pools[-2:] = [((left * much + right * more) / (much + more), much + more, many + others)]
    flat = [place for place, _, count in pools for _ in range(count)]
    if not row:
        return {}
    least, most = half[row[0]], room - half[row[-1]] - offsets[len(row) - 1]
    return {
        item: max(least, min(most, place)) + offset for item, place, offset in zip(row, flat, offsets, strict=False)
    }
