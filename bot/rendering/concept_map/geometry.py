"""The nouns of a map that has its place: lengths in pixels, y downwards from the top. No logic but edges of boxes."""

from dataclasses import dataclass
from typing import Literal

from retrieval.concepts.views import Role

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Lettering:
    """One line of text; `x` is its left end or its middle, `y` the baseline, `size` the em."""

    text: str
    x: float
    y: float
    size: float
    bold: bool = False
    align: Literal["left", "center"] = "left"


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Area", distance: float = 0.0) -> bool:
        """Whether less than `distance` is between them."""
        return (
            self.left < other.right + distance
            and other.left < self.right + distance
            and self.top < other.bottom + distance
            and other.top < self.bottom + distance
        )


@dataclass(frozen=True, slots=True)
class Box:
    """A concept in its place. `depth` is its level's share of the deepest level, from 0 to 1."""

    id: str
    role: Role
    depth: float
    area: Area
    lines: tuple[Lettering, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """A line from the border of one box to that of another. `group` names its colour: what role it belongs to.

    `family` is a number that lines which share a part of their way have in common.
    `arrow` is full at the end of a prerequisite, open at the end of is-a and part-of. `label` and where it
    stands are None where there was no room.
    """

    source: str
    target: str
    group: Role
    points: tuple[Point, ...]
    arrow: Literal["full", "open", "none"]
    family: int = 0
    strong: bool = False
    label: Lettering | None = None
    label_area: Area | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """Of the legend: a sample beside its meaning."""

    sample: Role | Literal["arrow", "depth"]
    area: Area
    meaning: Lettering


@dataclass(frozen=True, slots=True)
class Layout:
    """All that is drawn, and where."""

    width: int
    height: int
    heading: tuple[Lettering, ...]
    boxes: tuple[Box, ...]
    routes: tuple[Route, ...]
    legend: tuple[Entry, ...]
