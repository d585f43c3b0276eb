"""The readers on a real course, where the shared material is at hand: nothing crashes, little is lost."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from retrieval.errors import UnreadableFile
from retrieval.passage import Document
from retrieval.sources.formats import reader_for

SHARED = Path(os.environ.get("ERICA_SHARED") or Path(__file__).parents[2] / "shared")
pytestmark = pytest.mark.skipif(not (SHARED / "course").is_dir(), reason="the shared course is not here")


def course_files() -> Iterator[tuple[str, bytes]]:
    for file in sorted((SHARED / "course").rglob("*")):
        path = file.relative_to(SHARED / "course")
        if file.suffix in (".md", ".ipynb") and not any(part.startswith(".") for part in path.parts):
            yield path.as_posix(), file.read_bytes()


def read(path: str, data: bytes, kind: str = "folder") -> Document | str:
    reader = reader_for(path, kind, data[:300])
    assert reader is not None
    try:
        return reader(path, data)
    except UnreadableFile as error:
        return str(error)


def test_every_page_of_the_course_is_read_quickly_or_has_only_titles() -> None:
    files = [*course_files()]
    start = time.perf_counter()
    pages = {path: read(path, data) for path, data in files}
    seconds = time.perf_counter() - start
    refused = {path: page for path, page in pages.items() if isinstance(page, str)}
    assert len(files) == 297
    assert set(refused.values()) == {"empty: only titles, no text"}
    assert len(refused) == 4, refused
    assert seconds < 6, f"{seconds:.1f} s for all pages, about 1 s is usual"


def test_no_addresses_tags_or_open_fences_are_left() -> None:
    for path, data in course_files():
        page = read(path, data)
        for section in page.sections if isinstance(page, Document) else ():
            fences = [line for line in section.text.split("\n") if line.lstrip("> ").startswith("```")]
            assert len(fences) % 2 == 0, (path, section.headings)
            prose = "".join(section.text.split("```")[::2])
            for trace in ("](http", "{{<", "```{", "<iframe", "<img", "<!--", "![["):
                assert trace not in prose, (path, section.headings, trace)


def test_the_seed_documents_are_read_as_what_they_are() -> None:
    pages = {}
    for file in sorted((SHARED / "seeds").glob("*.txt")):
        pages[file.name[:3]] = read(file.name, file.read_bytes(), "notes")
    assert pages["000"] == pages["002"] == "answers of an earlier tutor, not course material"
    cards, note, questions = (pages[name] for name in ("001", "003", "004"))
    assert isinstance(cards, Document)
    assert isinstance(note, Document)
    assert isinstance(questions, Document)
    assert len(cards.sections) == 45
    assert len(questions.sections) == 13
    assert note.links == (
        "Lesson 14 - Seqeuential Models and Gated RNN#Encoder-Decoder architectures",
        "Lesson 11 - Attention and Transformers",
    )
    assert "\\(" not in "".join(section.text for section in cards.sections)
