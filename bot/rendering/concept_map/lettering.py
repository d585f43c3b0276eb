"""Pure: titles as lines that fit, measured in the font they are drawn in. Knows no boxes and no colours."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

import matplotlib
from matplotlib.font_manager import get_font
from matplotlib.ft2font import FT2Font, LoadFlags

BOX = "□"
"""Stands for a letter that the font does not have."""

LINE_HEIGHT = 1.3
"""From one baseline to the next, in font sizes."""

BASELINE = 1.01
"""From the top of a line to its baseline, in font sizes: letters stand in the middle of their line."""

_LONGEST = 200
_MARKS_IN_A_ROW = 2
_BREAK = re.compile(r"(?<=[-_/–—.])(?=\w)")
_SURE = 3.0  # pixels; letters may reach beyond their advance, and kerning moves them


def font_path(bold: bool = False) -> Path:
    """DejaVu Sans, which comes with matplotlib: no machine draws another picture."""
    return Path(matplotlib.get_data_path(), "fonts", "ttf", f"DejaVuSans{'-Bold' if bold else ''}.ttf")


def drawable(title: str) -> str:
    """A title on one line with nothing that the font cannot draw, for whoever typed it and whatever it was.

    Control and formatting characters and emoji go, letters of other scripts become boxes, towers of accents
    are cut. At most 200 characters are read; nothing left makes one box.
    """
    # Longer titles are cut when lines are made; composing has its price by the character.
    text = unicodedata.normalize("NFC", title[: 4 * _LONGEST])
    kept: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if category.startswith("Z") or character in "\t\n\r\f\v":
            kept.append(" ")
        elif category.startswith("C") or marks > _MARKS_IN_A_ROW:
            continue
        elif ord(character) in _characters():
            kept.append(character)
        elif category.startswith(("L", "N")):
            kept.append(BOX)
    line = " ".join("".join(kept).split())
    return (f"{line[:_LONGEST].rstrip()}…" if len(line) > _LONGEST else line) or BOX


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Of one drawable line in pixels, at `size` pixels to the em."""
    return _width(text, size, bold) if text else 0.0


def wrapped(title: str, width: float, size: float, bold: bool = False, lines: int = 3) -> tuple[str, ...]:
    """A title in at most so many lines of at most `width` pixels and about the same length, with … for what is over."""
    pieces = list(_pieces(drawable(title), width, size, bold))
    found = _filled(pieces, width, size, bold)
    if len(found) > lines:
        return (*found[: lines - 1], _shortened(found[lines - 1], width, size, bold))
    narrow, wide = width / 3, width
    for _ in range(6):
        middle = (narrow + wide) / 2
        tried = _filled(pieces, middle, size, bold)
        if len(tried) > len(found) or any(_estimate(line, size, bold) > middle for line in tried):
            narrow = middle
        else:
            found, wide = tried, middle
    return tuple(found)


def _pieces(text: str, width: float, size: float, bold: bool) -> Iterator[str]:
    """What may not be broken, with the space that follows it; words too long for a line in parts."""
    for word in re.findall(r"\S+\s?", text):
        if _estimate(word.rstrip(), size, bold) <= width:
            yield word
            continue
        for part in _BREAK.split(word):
            begun = ""
            for character in part:
                if begun and _estimate(begun + character, size, bold) > width:
                    yield begun
                    begun = ""
                begun += character
            yield begun


def _filled(pieces: list[str], width: float, size: float, bold: bool) -> list[str]:
    lines = [""]
    for piece in pieces:
        if lines[-1] and _estimate((lines[-1] + piece).rstrip(), size, bold) > width:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def _shortened(line: str, width: float, size: float, bold: bool) -> str:
    while line and _estimate(f"{line}…", size, bold) > width:
        line = line[:-1]
    return f"{line.rstrip('… ')}…"


def _estimate(line: str, size: float, bold: bool) -> float:
    """The sum of the advances: quick, and good enough to break lines by."""
    return sum(_advance(character, size, bold) for character in line) + _SURE


# matplotlib keeps a font of its own for each thread.
@lru_cache(maxsize=8192)
def _advance(character: str, size: float, bold: bool) -> float:
    font = get_font(str(font_path(bold)))
    font.set_size(size, 72)
    return font.load_char(ord(character), flags=LoadFlags.FORCE_AUTOHINT).horiAdvance / 64


@lru_cache(maxsize=8192)
def _width(text: str, size: float, bold: bool) -> float:
    font = get_font(str(font_path(bold)))
    font.set_size(size, 72)
    font.set_text(text, 0.0, flags=LoadFlags.FORCE_AUTOHINT)
    width, _ = font.get_width_height()
    return width / 64


@cache
def _characters() -> frozenset[int]:
    bold, regular = (FT2Font(str(font_path(weight))).get_charmap() for weight in (True, False))
    return frozenset(bold.keys() & regular.keys())
