"""Pure: the word beside a line that says how two concepts are related, where there is room for it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from math import hypot

import numpy as np
from numpy.typing import NDArray

from bot.rendering.concept_map import lettering
from bot.rendering.concept_map.geometry import Area, Lettering, Point, Route
from retrieval.graph import Kind

_SIZE = 11.0
_HEIGHT = 15.0
_WORDS: dict[Kind, str] = {
    "": "", "sibling": "sibling", "contrast": "contrast", "is-a": "is a", "part-of": "part of",
}  # fmt: skip
_TRIED = (0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82)


def label_width(kind: Kind) -> float:
    """What its label takes on a line, in pixels."""
    return lettering.text_width(_WORDS[kind], _SIZE) + 8 if _WORDS[kind] else 0.0


def labelled(routes: Sequence[Route], kinds: Sequence[Kind], boxes: Sequence[Area], inside: Area) -> tuple[Route, ...]:
    """The routes with their labels; one that would lie on a box, another label or another line is left out."""
    if not any(kinds):
        return tuple(routes)
    lines = [np.array(list(_dotted(route.points, 4.0))) for route in routes]
    taken: list[Area] = list(boxes)
    found = []
    for number, (route, kind) in enumerate(zip(routes, kinds, strict=True)):
        area = None
        if kind:
            others = np.concatenate([np.empty((0, 2)), *lines[:number], *lines[number + 1 :]])
            area = _free(route.points, label_width(kind), taken, others, inside)
        if area is not None:
            taken.append(area)
            baseline = (area.top + area.bottom) / 2 + _SIZE * 0.36
            label = Lettering(_WORDS[kind], (area.left + area.right) / 2, baseline, _SIZE, align="center")
            route = replace(route, label=label, label_area=area)
        found.append(route)
    return tuple(found)


def _free(
    points: Sequence[Point], width: float, taken: Sequence[Area], others: NDArray[np.float64], inside: Area
) -> Area | None:
    dots = list(_dotted(points, 4.0))
    for share in _TRIED:
        x, y = dots[min(len(dots) - 1, int(share * len(dots)))]
        area = Area(x - width / 2, y - _HEIGHT / 2, x + width / 2, y + _HEIGHT / 2)
        if area.left < inside.left or area.right > inside.right or area.top < inside.top or area.bottom > inside.bottom:
            continue
        if any(area.overlaps(other, 2.0) for other in taken):
            continue
        hit = (
            (others[:, 0] > area.left - 2)
            & (others[:, 0] < area.right + 2)
            & (others[:, 1] > area.top - 1)
            & (others[:, 1] < area.bottom + 1)
        )
        if not hit.any():
            return area
    return None


def _dotted(points: Sequence[Point], step: float) -> Iterator[Point]:
    """Points of a line, no farther apart than `step`."""
    for (x, y), (to_x, to_y) in pairwise(points):
        count = max(1, int(hypot(to_x - x, to_y - y) / step) + 1)
        for number in range(count):
            yield x + (to_x - x) * number / count, y + (to_y - y) * number / count
    yield points[-1]
