"""Display formulas as pictures. Knows no platform; where formulas stand in a text is for those who read Markdown."""

import asyncio
import logging
import re
import threading
import unicodedata
import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import resvg_py

if TYPE_CHECKING:
    from ziamath.zmath import Math

_log = logging.getLogger(__name__)

LONGEST_DRAWN = 1200
"""Characters of LaTeX that become a picture; longer ones stay text."""
_DRAWING_SECONDS = 5.0
"""How long an answer waits for its pictures."""
_MOST_WORK = 4000.0
"""In units of about 0.1 ms. Real formulas have up to 700; each level of nesting doubles what is inside."""
_STRETCHY_WORK = 6.0


@dataclass(frozen=True, slots=True)
class Formula:
    """A display formula: LaTeX without the marks around it, which is also its picture's alternative text."""

    latex: str


_FONT_SIZE = 16.0
_SCALE = 2.0
"""Pixels a unit: Discord shows pictures pixel by pixel beside text of 16 pixels, high-density screens twice that."""
_PADDING = 10.0
_SMALLEST_WIDTH = 60.0
_LARGEST = 1500.0
"""Units of width or height; nobody reads a larger picture in a chat."""
_INK, _CARD = "#1a1a1a", "#ffffff"
_TAG = re.compile(r"\\tag\*?\{([^{}]*)\}|\\(?:label|nonumber|notag)(?:\{[^{}]*\})?")
_STARRED_OPERATOR = re.compile(r"\\operatorname\*?\s*\{([^{}]*)\}")
_STARRED_LIMITS = re.compile(r"\\operatorname\*\s*\{([^{}]*)\}\s*_\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_ARG = re.compile(r"\\arg(max|min)(?![a-zA-Z])")
_ALIGNED_AT = re.compile(r"\{alignedat\}(?:\{\d+\})?")
_NOT_DRAWN = re.compile(r"\\(?:href|url|includegraphics|input|include|def|newcommand|require|html\w*)(?![a-zA-Z])")
_SIZE = re.compile(r'<svg xmlns="[^"]*" width="([\d.]+)" height="([\d.]+)"')

# ziamath shares fonts and numbering between all its formulas.
_drawing = threading.Lock()


@lru_cache(maxsize=256)
def draw(formula: Formula) -> bytes | None:
    """A PNG on a light card, readable on light and dark themes; None for what cannot be drawn faithfully.

    Takes 5 to 100 ms, 500 at the worst, so call it in a thread. Never raises; the same formula is drawn once.
    """
    latex = formula.latex
    if not latex.strip() or len(latex) > LONGEST_DRAWN or _NOT_DRAWN.search(latex):
        return None
    try:
        with _drawing:
            return _png(_prepared(latex))
    except Exception as error:  # ziamath and what it stands on raise whatever they stumble over
        _log.info("a formula of %d characters stays text: %s", len(latex), type(error).__name__)
        return None


async def draw_all(formulas: Collection[Formula], seconds: float = _DRAWING_SECONDS) -> dict[Formula, bytes | None]:
    """Pictures by formula, drawn beside the event loop; None where there is none after that many seconds."""
    pictures: dict[Formula, bytes | None] = dict.fromkeys(formulas)
    try:
        async with asyncio.timeout(seconds):
            for formula in pictures:
                pictures[formula] = await asyncio.to_thread(draw, formula)
    except TimeoutError:
        _log.warning("%d formulas were not all drawn in %g s", len(pictures), seconds)
    return pictures


@cache
def _library() -> tuple[Callable[[str], str], type["Math"]]:
    """ziamath's translator and drawer. Loaded with the first formula: that takes a third of a second."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # about how it opens its own fonts
        from ziamath.tex import tex2mml
        from ziamath.zmath import Math
    return tex2mml, Math


def _prepared(latex: str) -> str:
    """LaTeX as ziamath takes it: a number stands beside the formula, not at the edge of a page."""
    latex = _TAG.sub(lambda tag: rf"\qquad ({tag[1]})" if tag[1] else "", latex)
    latex = _STARRED_LIMITS.sub(r"\\underset{\2}{\\mathrm{\1}}\\,", _ARG.sub(r"\\operatorname*{arg\\,\1}", latex))
    return _ALIGNED_AT.sub("{aligned}", _STARRED_OPERATOR.sub(r"\\mathrm{\1}", latex))


def _work(element: ElementTree.Element, factor: float = 1.0) -> float:
    """How long ziamath will take, before it takes it: nothing can interrupt it, and it lays out nested rows twice."""
    tag = element.tag.rpartition("}")[2]
    if tag in ("mrow", "mtable"):
        factor *= 2
    if not len(element):
        return factor * (_STRETCHY_WORK if element.get("stretchy") == "true" else 1)
    return factor / 2 + sum(_work(child, factor) for child in element)


def _png(latex: str) -> bytes | None:
    if any(unicodedata.category(char) == "Lo" or char > "\U0001f000" for char in latex):
        return None  # the font has no such characters
    tex2mml, math = _library()
    mathml = tex2mml(latex)
    if "\\" in mathml:
        return None  # a command that is not known would be drawn by its name
    if _work(ElementTree.fromstring(mathml)) > _MOST_WORK:  # noqa: S314, it is tex2mml's own and declares nothing
        return None
    svg = math(mathml, size=_FONT_SIZE).svg()
    found = _SIZE.match(svg)
    if found is None:
        return None
    width, height = float(found[1]), float(found[2])
    if max(width, height) > _LARGEST:
        return None
    full = max(width, _SMALLEST_WIDTH) + 2 * _PADDING
    placed = svg.replace("<svg ", f'<svg x="{(full - width) / 2}" y="{_PADDING}" ', 1)
    card = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{full}" height="{height + 2 * _PADDING}">'
        f'<rect width="100%" height="100%" rx="6" fill="{_CARD}"/><g fill="{_INK}">{placed}</g></svg>'
    )
    return bytes(resvg_py.svg_to_bytes(svg_string=card, zoom=_SCALE, skip_system_fonts=True))
