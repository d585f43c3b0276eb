"""Reads PDF files page by page, so that a citation opens the page. Text only: scans need OCR first."""

import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from typing import Any

from pypdf import PdfReader
from pypdf.errors import DependencyError, FileNotDecryptedError

from retrieval.errors import UnreadableFile
from retrieval.passage import Document, Locator, Section
from retrieval.sources.reflow import paragraphs_of, readable_letters
from retrieval.sources.text import LONGEST_HEADING, name_of, tidy, usable_title

# Fewer letters than this in a whole file are stamps on scanned pages.
_FEWEST_LETTERS = 20


def read_pdf(path: str, data: bytes) -> Document:
    """Read one PDF: a section for each page with text, below the bookmarks that lead to it.

    Raises UnreadableFile when it is encrypted, damaged, or holds only pictures of text.
    """
    with _quiet():
        try:
            reader = _opened(data)
            raw = [_text_of(page) for page in reader.pages]
            declared = usable_title(reader.metadata.title if reader.metadata else None)
            bookmarks = [*_bookmarks(reader)]
        except UnreadableFile:
            raise
        except (FileNotDecryptedError, DependencyError) as error:
            raise UnreadableFile("encrypted: save it without a password") from error
        except Exception as error:
            # A damaged file makes pypdf fail in any way; the operator only needs to know which file.
            raise UnreadableFile(f"damaged PDF ({type(error).__name__})") from error
    if sum(char.isalpha() for page in raw for char in page) < _FEWEST_LETTERS:
        raise UnreadableFile("no text: scanned pages need OCR")
    pages = paragraphs_of(raw)
    title = declared or _first_line(raw) or name_of(path)
    return Document(path, title, tuple(_sections(pages, bookmarks, title)))


@contextmanager
def _quiet() -> Iterator[None]:
    """pypdf logs every oddity that it repairs; stderr is for people."""
    logger = logging.getLogger("pypdf")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


def _opened(data: bytes) -> PdfReader:
    # Some programs put a mail header or a blank line before the file proper; beyond a kilobyte it is no PDF.
    if b"%PDF-" not in data[:1024]:
        raise UnreadableFile("not a PDF")
    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise UnreadableFile("encrypted: save it without a password")
    return reader


def _text_of(page: Any) -> str:
    """The raw text of one page; a page that cannot be read does not cost the others."""
    try:
        return tidy(page.extract_text())
    except (FileNotDecryptedError, DependencyError):
        raise
    except Exception:
        return ""


def _first_line(pages: Sequence[str]) -> str | None:
    lines = (" ".join(readable_letters(line).split()) for page in pages[:1] for line in page.split("\n"))
    first = next((line for line in lines if line), "")
    return usable_title(first) if not first.endswith((".", ",", ";")) else None


def _bookmarks(reader: PdfReader) -> Iterator[tuple[int, int, str]]:
    """(page from 0, level from 0, title) of each bookmark; none when they are damaged."""
    pending: list[tuple[int, Any]] = [(0, item) for item in reversed(_outline(reader))]
    while pending:
        level, item = pending.pop()
        if isinstance(item, list):
            pending += [(level + 1, inner) for inner in reversed(item)]
            continue
        title = " ".join(tidy(str(item.title or "")).split())
        page = _page_of(reader, item)
        if page is not None and 0 < len(title) <= LONGEST_HEADING:
            yield page, level, title


def _outline(reader: PdfReader) -> list[Any]:
    try:
        return [*reader.outline]
    except Exception:
        return []


def _page_of(reader: PdfReader, bookmark: Any) -> int | None:
    try:
        page = reader.get_destination_page_number(bookmark)
    except Exception:
        return None
    return page if page is not None and page >= 0 else None


def _sections(pages: Sequence[str], bookmarks: Sequence[tuple[int, int, str]], title: str) -> Iterator[Section]:
    """A page where several bookmarks lead stands below what they share, or below the first of them."""
    path: list[tuple[int, str]] = []
    ordered = sorted(bookmarks, key=lambda bookmark: bookmark[0])
    for number, text in enumerate(pages):
        starting: list[list[tuple[int, str]]] = []
        while ordered and ordered[0][0] <= number:
            _, level, heading = ordered.pop(0)
            path = [*(outer for outer in path if outer[0] < level), (level, heading)]
            starting.append(path)
        shared = _common(starting) if starting else path
        headings = tuple(heading for _, heading in shared if heading.lower() != title.lower())
        if text.strip():
            yield Section(headings, text, Locator(page=number + 1))


def _common(paths: list[list[tuple[int, str]]]) -> list[tuple[int, str]]:
    """The headings that all paths begin with; the first path where they have none in common."""
    shared = [steps[0] for steps in takewhile(lambda steps: len(set(steps)) == 1, zip(*paths, strict=False))]
    return shared or paths[0]
