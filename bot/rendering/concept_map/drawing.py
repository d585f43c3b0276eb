"""Draws a laid out map with matplotlib's Agg canvas: no window, no global state, the same bytes for the same map."""

import io
from collections.abc import Iterable
from functools import cache

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyBboxPatch, Polygon, Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, IdentityTransform, Transform

from bot.rendering.concept_map.geometry import Area, Box, Entry, Layout, Lettering, Point, Route
from bot.rendering.concept_map.layout import layout
from bot.rendering.concept_map.lettering import font_path
from bot.rendering.concept_map.routes import STUB
from bot.rendering.concept_map.theme import Paint, Palette, Theme, palette
from retrieval.concepts.views import ConceptMap, Role

_DPI = 72  # a point is a pixel
_DASHES = (0.0, (4.0, 3.0))


def draw(map: ConceptMap, theme: Theme = "light", width: int = 800) -> bytes:
    """A PNG of at most `width` pixels across. Raises ValueError as `layout` does, and for an unknown theme."""
    return drawn(layout(map, width), palette(theme))


def drawn(plan: Layout, colours: Palette) -> bytes:
    """The PNG of a map that has its place."""
    # The hundredth keeps a size that floating point puts just below a pixel from losing it.
    size = ((plan.width + 0.01) / _DPI, (plan.height + 0.01) / _DPI)
    figure = Figure(figsize=size, dpi=_DPI, facecolor=colours.background, edgecolor=colours.background)
    canvas = FigureCanvasAgg(figure)
    pen = _Pen(figure, plan.height, colours)
    pen.routes(plan.routes)
    for box in plan.boxes:
        pen.box(box)
    for route in plan.routes:
        pen.label(route)
    for line in plan.heading:
        pen.text(line, colours.text)
    for entry in plan.legend:
        pen.entry(entry)
    picture = io.BytesIO()
    canvas.print_png(picture, metadata={"Software": None})  # type: ignore[no-untyped-call]
    figure.clear()
    return picture.getvalue()


@cache
def _font(bold: bool) -> FontProperties:
    return FontProperties(fname=font_path(bold))


class _Pen:
    """Puts shapes on one figure, in pixels from its top left corner."""

    def __init__(self, figure: Figure, height: int, colours: Palette) -> None:
        self._figure, self._colours = figure, colours
        self._place: Transform = Affine2D().scale(1, -1).translate(0, height)

    def text(self, line: Lettering, colour: str) -> None:
        font = _font(line.bold).copy()
        font.set_size(line.size)
        # Whole pixels for the baseline keep letters crisp.
        x, y = self._place.transform((line.x, round(line.y)))
        artist = Text(x, y, line.text, color=colour, fontproperties=font, ha=line.align, va="baseline",
                      parse_math=False, usetex=False, transform=IdentityTransform(),
                      zorder=4)  # fmt: skip
        self._figure.add_artist(artist)

    def routes(self, routes: Iterable[Route]) -> None:
        """Quiet ones first, so that what concerns the focus lies on top."""
        for route in sorted(routes, key=lambda route: route.strong):
            width = 2.0 if route.strong else 1.3
            families = self._colours.families
            one_of_many = route.group == "concept"
            colour = families[route.family % len(families)] if one_of_many else self._colours.lines[route.group]
            points = _shortened(route.points) if route.arrow == "full" else route.points
            self._line(points, colour, width, dashed=route.group == "related")
            if route.arrow != "none":
                self._head(route.points, colour, full=route.arrow == "full")

    def _line(self, points: Iterable[Point], colour: str, width: float, dashed: bool = False) -> None:
        style = _DASHES if dashed else "solid"
        lines = LineCollection(
            [list(points)], colors=[colour], linewidths=[width], linestyles=[style], transform=self._place,
            capstyle="butt", joinstyle="round", zorder=1,
        )  # fmt: skip
        self._figure.add_artist(lines)

    def _head(self, points: tuple[Point, ...], colour: str, full: bool) -> None:
        (from_x, from_y), (x, y) = points[-2], points[-1]
        # Ways end upright or level, except for the last bend of a curve.
        across, down = (
            (0, 1 if y > from_y else -1) if abs(y - from_y) >= abs(x - from_x) else (1 if x > from_x else -1, 0)
        )
        tail = STUB
        wing = 4.0
        corners = [
            (x, y),
            (x - across * tail + down * wing, y - down * tail + across * wing),
            (x - across * tail - down * wing, y - down * tail - across * wing),
        ]
        inside = colour if full else self._colours.background
        self._figure.add_artist(
            Polygon(
                corners, closed=True, facecolor=inside, edgecolor=colour, linewidth=0.8, transform=self._place, zorder=2
            )
        )

    def box(self, box: Box) -> None:
        paint = self._paint(box.role, box.depth)
        self._shape(box.role, box.area, paint)
        for line in box.lines:
            self.text(line, paint.text)

    def _paint(self, role: Role, depth: float) -> Paint:
        paint = self._colours.boxes[role]
        if role != "concept":
            return paint
        shades = self._colours.depths
        return Paint(shades[min(len(shades) - 1, int(depth * len(shades)))], paint.border, paint.text)

    def _shape(self, role: Role, area: Area, paint: Paint) -> None:
        """Each role has its own outline, for those who do not see its colour."""
        width, height = area.right - area.left, area.bottom - area.top
        radius = {"leads_to": height / 2, "related": 0.5, "focus": 10.0}.get(role, 7.0)
        shape = FancyBboxPatch(
            (area.left, area.top), width, height,
            boxstyle=f"round,pad=0,rounding_size={min(radius, height / 2)}", mutation_scale=1,
            facecolor=paint.fill, edgecolor=paint.border, linewidth=2.5 if role == "focus" else 1.3,
            linestyle=_DASHES if role == "related" else "solid", transform=self._place, zorder=3,
        )  # fmt: skip
        self._figure.add_artist(shape)

    def label(self, route: Route) -> None:
        if route.label is None or route.label_area is None:
            return
        area = route.label_area
        plate = FancyBboxPatch(
            (area.left, area.top), area.right - area.left, area.bottom - area.top, boxstyle="square,pad=0",
            mutation_scale=1, facecolor=self._colours.background, edgecolor="none", transform=self._place, zorder=3,
        )  # fmt: skip
        self._figure.add_artist(plate)
        self.text(route.label, self._colours.quiet)

    def entry(self, entry: Entry) -> None:
        area = entry.area
        middle = (area.top + area.bottom) / 2
        if entry.sample == "arrow":
            colour = self._colours.quiet
            way = ((area.left, middle), (area.right, middle))
            self._line(_shortened(way), colour, 1.6)
            self._head(way, colour, full=True)
        elif entry.sample == "depth":
            self._ramp(area)
        else:
            self._shape(entry.sample, area, self._paint(entry.sample, 0.0))
        self.text(entry.meaning, self._colours.quiet)

    def _ramp(self, area: Area) -> None:
        """From the first level's colour to the last one's."""
        step = (area.right - area.left) / len(self._colours.depths)
        for number, shade in enumerate(self._colours.depths):
            corner = (area.left + number * step, area.top)
            part = Rectangle(
                corner, step, area.bottom - area.top, facecolor=shade, linewidth=0, transform=self._place, zorder=3
            )
            self._figure.add_artist(part)
        frame = Rectangle(
            (area.left, area.top), area.right - area.left, area.bottom - area.top, fill=False,
            edgecolor=self._colours.boxes["concept"].border, linewidth=1.0, transform=self._place, zorder=3,
        )  # fmt: skip
        self._figure.add_artist(frame)


def _shortened(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Ends inside the arrow head instead of at its tip."""
    (from_x, from_y), (x, y) = points[-2], points[-1]
    length = max(abs(x - from_x), abs(y - from_y)) or 1.0
    share = min(1.0, (STUB / 2) / length)
    return (*points[:-1], (x - (x - from_x) * share, y - (y - from_y) * share))
