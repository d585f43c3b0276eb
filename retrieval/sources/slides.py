"""Reads PowerPoint files slide by slide: title, bullets, tables, code, formulas and speaker notes."""

import io
import re
from collections.abc import Iterable, Iterator
from typing import Any
from zipfile import BadZipFile

from retrieval.errors import UnreadableFile
from retrieval.passage import Document, Locator, Section
from retrieval.sources.markdown.blocks import fenced
from retrieval.sources.omml import latex_of, strip_namespace
from retrieval.sources.text import LONGEST_HEADING, name_of, tidy, usable_title

_OLE_MAGIC = b"\xd0\xcf\x11\xe0"
_CODE_FONT = re.compile(r"consolas|courier|menlo|monaco|mono\b|code\b|inconsolata", re.IGNORECASE)
# Placeholders of the layout that repeat on every slide.
_FURNITURE = frozenset({"DATE", "FOOTER", "SLIDE_NUMBER", "HEADER"})


def read_slides(path: str, data: bytes) -> Document:
    """Read one .pptx file: a section for each slide that is shown and has text.

    Raises UnreadableFile when it is damaged, protected, or holds only pictures.
    """
    deck = _opened(data)
    found = []
    for number, slide in enumerate(deck.slides, start=1):
        # A hidden slide is not shown to students: it may hold the solution.
        if slide.element.get("show") == "0":
            continue
        heading, text = _slide(slide)
        if text or heading:
            found.append((number, heading, text))
    if not found:
        raise UnreadableFile("no text on the slides: only pictures")
    declared = usable_title(deck.core_properties.title)
    title = declared or next((heading for _, heading, _ in found if heading), None) or name_of(path)
    return Document(path, title, tuple(_sections(found, title)))


def _opened(data: bytes) -> Any:
    if data.startswith(_OLE_MAGIC):
        raise UnreadableFile("protected by a password, or an old .ppt file: save it as .pptx without a password")
    # Importing python-pptx takes longer than most commands of Erica run.
    from pptx import Presentation

    try:
        return Presentation(io.BytesIO(data))
    except BadZipFile as error:
        raise UnreadableFile("not a .pptx file, or cut off") from error
    except Exception as error:
        # Damaged parts make python-pptx and lxml fail in many ways.
        raise UnreadableFile(f"damaged .pptx file ({type(error).__name__})") from error


def _sections(slides: Iterable[tuple[int, str, str]], title: str) -> Iterator[Section]:
    for number, heading, text in slides:
        if text:
            headings = (heading,) if heading and heading.lower() != title.lower() else ()
            yield Section(headings, text, Locator(page=number))


def _slide(slide: Any) -> tuple[str, str]:
    """The title of a slide, empty when it has none, and its text as Markdown; a damaged slide has neither."""
    try:
        title = slide.shapes.title
        heading = " ".join(tidy(_paragraphs_text(title)).split()) if title is not None else ""
        parts = [_shape(shape) for shape in _flat(slide.shapes) if title is None or shape.shape_id != title.shape_id]
        if notes := _notes(slide):
            parts.append(f"Notes: {notes}")
    except (AttributeError, KeyError, IndexError, ValueError, TypeError):
        return "", ""
    if len(heading) > LONGEST_HEADING:
        heading, parts = "", [heading, *parts]
    return heading, "\n\n".join(part for part in parts if part.strip())


def _flat(shapes: Iterable[Any]) -> Iterator[Any]:
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from _flat(shape.shapes)
        elif not (shape.is_placeholder and shape.placeholder_format.type.name in _FURNITURE):
            yield shape


def _shape(shape: Any) -> str:
    if getattr(shape, "has_table", False) and shape.has_table:
        return _table([[tidy(cell.text) for cell in row.cells] for row in shape.table.rows])
    if not shape.has_text_frame:
        return ""
    frame = shape.text_frame
    if _is_code(frame):
        return fenced("\n".join(_line(paragraph).replace("\v", "\n") for paragraph in frame.paragraphs).strip("\n"), "")
    lines = []
    several = sum(bool(_line(paragraph).strip()) for paragraph in frame.paragraphs) > 1
    for paragraph in frame.paragraphs:
        text = tidy(_line(paragraph)).strip()
        if text.startswith("$$") or (text and not several):
            lines.append(text)
        elif text:
            lines.append(f"{'  ' * paragraph.level}- {' '.join(text.split())}")
    return "\n".join(lines)


def _table(rows: list[list[str]]) -> str:
    if not any(cell.strip() for row in rows for cell in row):
        return ""
    lines = ["| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def _is_code(frame: Any) -> bool:
    """Whether every run of text is set in a font for code; a font from the layout does not show here."""
    fonts = [run.font.name for paragraph in frame.paragraphs for run in paragraph.runs if run.text.strip()]
    return bool(fonts) and all(font is not None and _CODE_FONT.search(font) for font in fonts)


def _line(paragraph: Any) -> str:
    """One paragraph's text in reading order, with its formulas as LaTeX; python-pptx leaves formulas out."""
    text = ""
    for child in paragraph._p.iterchildren():
        match strip_namespace(child.tag):
            case "r" | "fld":
                text += "".join(node.text or "" for node in child.iter() if strip_namespace(node.tag) == "t")
            case "br":
                text += "\v"
            case "AlternateContent" | "m":
                text += latex_of(child)
    return text


def _paragraphs_text(shape: Any) -> str:
    return " ".join(_line(paragraph) for paragraph in shape.text_frame.paragraphs)


def _notes(slide: Any) -> str:
    if not slide.has_notes_slide or slide.notes_slide.notes_text_frame is None:
        return ""
    return tidy(slide.notes_slide.notes_text_frame.text).strip()
