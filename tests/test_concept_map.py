"""Pictures of the concept graph: nothing overlaps, nothing is cut off, and no title can break them."""

import gc
import io
import subprocess
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, pairwise
from typing import Any, get_args

import matplotlib
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.image import imread

from bot.rendering.concept_map import Layout, draw, layout
from bot.rendering.concept_map.geometry import Area, Lettering
from bot.rendering.concept_map.lettering import drawable, font_path, text_width, wrapped
from bot.rendering.concept_map.theme import Theme, palette
from retrieval.concepts.views import ConceptMap, MapEdge, MapNode, Role

HOSTILE = [
    "",
    " ",
    "\x00\x07\x1b[31m",
    "\u202edetrevni\u202c",
    "\ud800",
    "$\\frac{a$",
    "$$$",
    "\\undefined{",
    "<@U123> <!channel> *bold* `code`",
    "one\ntwo\r\nthree\ttabs",
    "梯度下降",
    "חלבון ואנזים",
    "الخلية والطاقة",
    "🎉 party 👩‍🔬",
    "Z" + "\u0301" * 500,
    "a" * 10_000,
    "word " * 2_000,
    "W" * 60 + " " + "i" * 60,
    "snake_case_name_of_a_function_that_never_ends",
    "\ufffe\uffff\U000e0001",
    "ﷺ" * 40,
]


def concept_map(
    count: int,
    edges: list[tuple[int, int]],
    related: list[tuple[int, int]] | None = None,
    roles: dict[int, Role] | None = None,
    titles: dict[int, str] | None = None,
    title: str = "Contract law",
) -> ConceptMap:
    """Nodes by number at the level of their longest way; edges lead from the lower to the higher number."""
    levels = [0] * count
    for source, target in sorted(edges):
        levels[target] = max(levels[target], levels[source] + 1)
    return ConceptMap(
        title,
        tuple(
            MapNode(
                str(number), (titles or {}).get(number, f"Clause {number}"), level, (roles or {}).get(number, "concept")
            )
            for number, level in enumerate(levels)
        ),
        (
            *(MapEdge(str(source), str(target), "prereq_of") for source, target in edges),
            *(MapEdge(str(one), str(other), "near_transfer", "contrast") for one, other in related or []),
        ),
    )


def contracts() -> ConceptMap:
    """A small neighbourhood with every role and kind of line."""
    titles = dict(enumerate("Offer,Acceptance,Consideration,Contract,Breach,Damages,Tort,Warranty".split(",")))
    roles: dict[int, Role] = dict.fromkeys(range(3), "prerequisite")
    roles.update({3: "focus", 4: "leads_to", 5: "leads_to", 6: "related", 7: "related"})
    return concept_map(8, [(0, 1), (1, 3), (2, 3), (3, 4), (4, 5)], [(3, 6), (3, 7)], roles, titles)


SHAPES = {
    "nothing": concept_map(0, []),
    "one": concept_map(1, [], roles={0: "focus"}),
    "contracts": contracts(),
    "thirty in one level": concept_map(30, []),
    "thirty levels": concept_map(30, list(pairwise(range(30)))),
    "a star": concept_map(30, [(0, leaf) for leaf in range(1, 30)], roles={0: "focus"}),
    "a star of prerequisites": concept_map(30, [(leaf, 29) for leaf in range(29)], roles={29: "focus"}),
    "a star of relations": concept_map(30, [], [(0, leaf) for leaf in range(1, 30)], roles={0: "focus"}),
    "several parts": concept_map(16, [(0, 1), (1, 2), (3, 4), (5, 6), (5, 7), (7, 8), (9, 10)]),
    "everything needs everything": concept_map(14, list(combinations(range(14), 2))),
    "hostile titles": concept_map(
        len(HOSTILE),
        [(n, n + 3) for n in range(len(HOSTILE) - 3)],
        titles=dict(enumerate(HOSTILE)),
        title="".join(HOSTILE),
    ),
    "a course": concept_map(
        400, sorted({(n * 7919 % max(1, n // 2) + n // 3, n) for n in range(2, 400)} - {(n, n) for n in range(400)})
    ),
}
shapes = pytest.mark.parametrize("shape", [pytest.param(shape, id=name) for name, shape in SHAPES.items()])


def line_area(line: Lettering) -> Area:
    """What a line of text covers at most, accents and descenders too."""
    width = text_width(line.text, line.size, line.bold)
    left = line.x - width / 2 if line.align == "center" else line.x
    return Area(left, line.y - 0.95 * line.size, left + width, line.y + 0.3 * line.size)


def lies_in(inner: Area, outer: Area, tolerance: float = 0.5) -> bool:
    return (
        inner.left >= outer.left - tolerance
        and inner.right <= outer.right + tolerance
        and inner.top >= outer.top - tolerance
        and inner.bottom <= outer.bottom + tolerance
    )


def shrunk(area: Area, by: float = 1.0) -> Area:
    return Area(area.left + by, area.top + by, area.right - by, area.bottom - by)


def check(plan: Layout) -> None:
    """What is true of every picture."""
    picture = Area(0, 0, plan.width, plan.height)
    labels = [route.label_area for route in plan.routes if route.label_area]
    texts = [line_area(line) for line in (*plan.heading, *(entry.meaning for entry in plan.legend))]
    everything = [*(box.area for box in plan.boxes), *labels, *texts, *(entry.area for entry in plan.legend)]
    assert all(lies_in(area, picture, 0) for area in everything)
    assert not any(one.overlaps(other, 2) for one, other in combinations([box.area for box in plan.boxes], 2))
    boxes = [box.area for box in plan.boxes]
    rest = [*texts, *(entry.area for entry in plan.legend)]
    assert not any(one.overlaps(other) for one in labels for other in (*boxes, *rest))
    assert not any(one.overlaps(other) for one, other in combinations(labels, 2))
    assert not any(one.overlaps(other) for one in boxes for other in rest)
    for box in plan.boxes:
        assert all(lies_in(line_area(line), box.area) for line in box.lines)
        assert all(line.size >= 11 for line in box.lines)
    check_routes(plan, picture)


def check_routes(plan: Layout, picture: Area) -> None:
    """Lines join the borders of their boxes, and cross no box."""
    areas = {box.id: box.area for box in plan.boxes}
    inner = [shrunk(box.area) for box in plan.boxes]
    lefts, tops, rights, bottoms = (
        np.array([getattr(area, side) for area in inner]) for side in ("left", "top", "right", "bottom")
    )
    for route in plan.routes:
        for id_, (x, y) in ((route.source, route.points[0]), (route.target, route.points[-1])):
            spot = Area(x, y, x, y)
            assert lies_in(spot, areas[id_])
            assert not spot.overlaps(shrunk(areas[id_]))
        assert all(lies_in(Area(x, y, x, y), picture, 0) for x, y in route.points)
        dots = np.array(route.points)
        dots = np.concatenate([dots[:-1] + (dots[1:] - dots[:-1]) * share for share in np.linspace(0, 1, 8)])
        xs, ys = dots[:, :1], dots[:, 1:]
        assert not ((xs > lefts) & (xs < rights) & (ys > tops) & (ys < bottoms)).any()


@shapes
@pytest.mark.parametrize("width", [320, 800, 2400])
def test_nothing_overlaps_and_nothing_is_cut_off(shape: ConceptMap, width: int) -> None:
    plan = layout(shape, width)
    assert plan.width <= width
    assert len(plan.boxes) == len(shape.nodes)
    assert len(plan.routes) == len(shape.edges)
    check(plan)


NODES = st.builds(
    lambda number, title, level, role: MapNode(str(number), title, level, role),
    st.integers(0, 20),
    st.text(max_size=60) | st.sampled_from(HOSTILE),
    st.integers(0, 6),
    st.sampled_from(get_args(Role)),
)
EDGES = st.builds(
    lambda source, target, kind: MapEdge(
        str(source), str(target), "near_transfer" if kind else "prereq_of", kind or ""
    ),
    st.integers(0, 22),
    st.integers(0, 22),
    st.sampled_from([None, None, None, "sibling", "contrast", "is-a", "part-of"]),
)
MAPS: st.SearchStrategy[ConceptMap] = st.builds(
    lambda title, nodes, edges: ConceptMap(title, tuple(nodes), tuple(edges)),
    st.text(max_size=30),
    st.lists(NODES, max_size=25),
    st.lists(EDGES, max_size=50),
)
DAGS: st.SearchStrategy[ConceptMap] = st.builds(
    lambda count, pairs: concept_map(count, sorted({(a, b) for a, b in pairs if a < b < count})),
    st.integers(0, 40),
    st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), max_size=120),
)


@settings(max_examples=60)
@given(DAGS, st.integers(320, 1200))
def test_any_acyclic_map_can_be_looked_at(shape: ConceptMap, width: int) -> None:
    plan = layout(shape, width)
    check(plan)
    tops = {box.id: box.area.top for box in plan.boxes}
    assert all(tops[edge.source] < tops[edge.target] for edge in shape.edges)


@settings(max_examples=60)
@given(MAPS, st.integers(320, 1200))
@example(
    ConceptMap("", (MapNode("a", "A", 0, "focus"), MapNode("b", "B", 0, "related")), (MapEdge("b", "a", "prereq_of"),)),
    400,
)
def test_maps_that_no_one_should_make_can_be_looked_at_too(shape: ConceptMap, width: int) -> None:
    check(layout(shape, width))


def test_learning_goes_downwards() -> None:
    tops = {box.lines[0].text: box.area.top for box in layout(contracts()).boxes}
    assert tops["Offer"] < tops["Acceptance"] < tops["Contract"] < tops["Breach"] < tops["Damages"]
    assert tops["Consideration"] == tops["Acceptance"], "near what needs it, not at the far top"


def test_relations_are_labelled_where_there_is_room() -> None:
    plan = layout(contracts())
    assert [route.label.text for route in plan.routes if route.label] == ["contrast", "contrast"]


def test_lines_of_one_concept_share_their_way() -> None:
    plan = layout(SHAPES["a star"])
    begins = {route.points[0] for route in plan.routes}
    assert len(begins) < 8, "one line to each of 29 would be a curtain"


def test_what_fits_a_chat_is_not_higher_than_a_screen() -> None:
    assert all(
        layout(SHAPES[name]).height <= 1200 for name in ("contracts", "thirty levels", "thirty in one level", "a star")
    )


def test_the_focus_stands_out() -> None:
    boxes = layout(contracts()).boxes
    focus = next(box for box in boxes if box.role == "focus")
    assert all(
        line.bold and line.size > max(other.lines[0].size for other in boxes if other is not focus)
        for line in focus.lines
    )


def test_the_legend_explains_what_is_there_and_no_more() -> None:
    assert [entry.sample for entry in layout(contracts()).legend] == ["prerequisite", "leads_to", "related", "arrow"]
    assert [entry.sample for entry in layout(SHAPES["thirty levels"]).legend] == ["arrow", "depth"]
    assert layout(SHAPES["one"]).legend == ()


def test_an_empty_map_says_so() -> None:
    assert [line.text for line in layout(ConceptMap("Torts")).heading] == ["Torts", "Nothing to show here yet."]


@pytest.mark.parametrize("width", [0, -5, 319, 8001])
def test_a_width_without_sense_is_a_value_error(width: int) -> None:
    with pytest.raises(ValueError, match="pixels wide"):
        layout(contracts(), width)


def test_too_much_for_one_picture_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="600 concepts at most"):
        layout(concept_map(601, []))


def test_an_unknown_theme_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="'sepia'"):
        draw(contracts(), "sepia")  # type: ignore[arg-type]


@pytest.mark.parametrize("title", HOSTILE)
def test_only_what_the_font_has_is_drawn(title: str) -> None:
    shown = drawable(title)
    assert shown.strip()
    assert len(shown) <= 201
    assert all(unicodedata.category(character)[0] != "C" for character in shown)
    assert all(ord(character) in matplotlib.ft2font.FT2Font(str(font_path())).get_charmap() for character in shown)


def test_letters_without_a_glyph_become_boxes_and_emoji_go() -> None:
    assert drawable("梯度 descent") == "□□ descent"
    assert drawable("🎉 party") == "party"
    assert drawable("Ångström ≤ π") == "Ångström ≤ π"


def test_titles_break_between_words_into_lines_of_about_one_length() -> None:
    assert wrapped("Offer and acceptance", 120, 14) == ("Offer and", "acceptance")
    assert wrapped("Consideration", 200, 14) == ("Consideration",)


def test_a_title_that_is_too_long_ends_in_an_ellipsis() -> None:
    lines = wrapped("The doctrine of frustration of purpose in the common law of contracts", 110, 14)
    assert len(lines) == 3
    assert lines[-1].endswith("…")
    assert all(text_width(line, 14) <= 110 for line in lines)


def picture(shape: ConceptMap, theme: Theme = "light", width: int = 800) -> Any:
    return imread(io.BytesIO(draw(shape, theme, width)))


@shapes
def test_every_map_can_be_drawn(shape: ConceptMap) -> None:
    plan = layout(shape)
    assert picture(shape).shape[:2] == (plan.height, plan.width)


@pytest.mark.parametrize(("theme", "background"), [("light", "#ffffff"), ("dark", "#313338")])
def test_the_background_is_that_of_the_chat(theme: Theme, background: str) -> None:
    corner = picture(contracts(), theme)[0, 0, :3]
    assert np.allclose(corner, matplotlib.colors.to_rgb(background), atol=1 / 255)


def test_letters_are_drawn_inside_their_boxes() -> None:
    """Without its boxes and lines, a picture has ink only where the layout says that text is."""
    plan = layout(SHAPES["hostile titles"])
    image = picture(SHAPES["hostile titles"])
    dark = image[..., :3].max(axis=2) < 0.25
    allowed = np.zeros_like(dark)
    areas = [box.area for box in plan.boxes] + [line_area(line) for line in plan.heading]
    areas += [area for entry in plan.legend for area in (entry.area, line_area(entry.meaning))]
    for area in areas:
        allowed[int(area.top) - 1 : int(area.bottom) + 2, int(area.left) - 1 : int(area.right) + 2] = True
    assert dark.any()
    assert not (dark & ~allowed).any()


def luminance(colour: str) -> float:
    channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in matplotlib.colors.to_rgb(colour)]
    return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]


def contrast(one: str, other: str) -> float:
    """As the Web Content Accessibility Guidelines define it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", get_args(Theme))
def test_everything_can_be_read_and_told_from_the_background(theme: Theme) -> None:
    colours = palette(theme)
    paints = colours.boxes.values()
    assert all(contrast(paint.text, paint.fill) >= 4.5 for paint in paints)
    assert all(contrast(colours.boxes["concept"].text, shade) >= 4.5 for shade in colours.depths)
    assert all(contrast(text, colours.background) >= 4.5 for text in (colours.text, colours.quiet))
    lines = (*colours.lines.values(), *colours.families)
    assert all(contrast(line, colours.background) >= 2.3 for line in lines)


def test_the_same_map_gives_the_same_bytes_in_every_thread() -> None:
    expected = draw(contracts())
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: draw(contracts()), range(8))) == {expected}


def test_no_figure_is_kept() -> None:
    draw(contracts())
    gc.collect()
    assert not any(isinstance(thing, Figure) for thing in gc.get_objects())


def test_no_window_system_is_asked_for_and_no_setting_changed() -> None:
    script = (
        "import sys, matplotlib\n"
        "def kept(): return {k: matplotlib.rcParams[k] for k in matplotlib.rcParams if k != 'backend'}\n"
        "before = kept()\n"
        "from bot.rendering.concept_map import draw\n"
        "from retrieval.concepts.views import ConceptMap\n"
        "draw(ConceptMap('Torts'))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert kept() == before\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, timeout=60)
