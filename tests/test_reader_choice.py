"""Which reader reads a file: by the source's kind, the ending and the text; and how bytes become text."""

import pytest

from retrieval.errors import UnreadableFile
from retrieval.passage import Document
from retrieval.sources.formats import reader_for
from retrieval.sources.text import decode, name_of, usable_title

DUMP = """Question 1: What is a kernel?
A kernel is a popcorn.

RAG Context:
Identified Concepts: kernel
Nodes:
- Concept: Kernel ()
  Definition: A function.
- Resource: web_page
  URL: https://example.org/
Edges:
- kernel --[prereq_of]--> svm
"""
SAVED_PAGE = """### Settings

Semantic search results
 5

Prerequisite depth
 2

Max concepts
 10

 Clear Chat

# A Tutor

A kernel is a popcorn.
"""
GRAPH = "Nodes:\n- Concept: Kernel ()\n- Concept: SVM ()\nEdges:\n- kernel --[prereq_of]--> svm\n"
ABOUT_GRAPHS = """# Knowledge graphs

Nodes: concepts. Edges: what links them, written `a --[r]--> b`. The maximum depth and
the number of semantic search results are settings; "Clear chat" is a button.
"""


def read(path: str, text: str | bytes, kind: str = "folder") -> Document:
    data = text.encode() if isinstance(text, str) else text
    reader = reader_for(path, kind, data[:300])
    assert reader is not None
    return reader(path, data)


@pytest.mark.parametrize(
    ("path", "text", "headings"),
    [
        ("a.md", "# T\n\n## H\n\nText", ("H",)),
        ("A.MARKDOWN", "# T\n\n## H\n\nText", ("H",)),
        ("a.qmd", "# T\n\n## H\n\nText", ("H",)),
        ("a.Rmd", "# T\n\n## H\n\nText", ("H",)),
        ("a.ipynb", '{"cells": [{"cell_type": "markdown", "source": "# T\\n\\n## H\\n\\nText"}]}', ("H",)),
        ("a.html", "<html><body><main><h1>T</h1><h2>H</h2><p>Text</p></main></body></html>", ("H",)),
        ("a.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\nText", ()),
        ("a.srt", "1\n00:00:01,000 --> 00:00:02,000\nText", ()),
        ("cards.txt", "#### H\n:p Q?\n??x\nText\nx??\n", ("H",)),
        ("cards.md", "#### H\n:p Q?\n??x\nText\nx??\n", ("H",)),
        ("anki.txt", "#separator:tab\n#html:true\nH\tText\n", ("H",)),
        ("qa.txt", f"Week\n# {'-' * 40}\nH\n\nText\n# {'-' * 40}\n", ("H",)),
        ("note.txt", "# T\n\n## H\n\nText about [[Another note]]", ("H",)),
        ("plain.txt", "Text, plain.\n\n\nAnd # more.", ()),
    ],
)
def test_a_folder_is_read_by_endings_and_text_files_by_their_form(
    path: str, text: str, headings: tuple[str, ...]
) -> None:
    (section,) = read(path, text).sections
    assert section.headings == headings
    assert "Text" in section.text


@pytest.mark.parametrize("path", ["a.png", "a.py", "a.zip", "a.docx", "a.ppt", "Makefile", "a.pdf.bak", ".txt"])
def test_other_endings_have_no_reader(path: str) -> None:
    assert reader_for(path, "folder", b"") is None


@pytest.mark.parametrize(
    ("kind", "taken", "left"),
    [
        ("markdown", "a.md", "a.txt"),
        ("notebook", "a.ipynb", "a.md"),
        ("html", "a.htm", "a.md"),
        ("pdf", "a.PDF", "a.pptx"),
        ("slides", "a.pptx", "a.pdf"),
        ("transcript", "a.srt", "a.txt"),
        ("flashcards", "a.tsv", "a.pdf"),
        ("notes", "a.txt", "a.ipynb"),
    ],
)
def test_a_named_kind_takes_only_its_own_endings(kind: str, taken: str, left: str) -> None:
    assert reader_for(taken, kind, b"") is not None
    assert reader_for(left, kind, b"") is None


def test_kinds_that_are_not_files_have_no_reader() -> None:
    assert reader_for("a.md", "site", b"") is None
    assert reader_for("a.txt", "graph", b"") is None


@pytest.mark.parametrize(
    "dump", [DUMP, SAVED_PAGE, GRAPH, "\ufeff" + DUMP, DUMP.replace("\n", "\r\n"), "# Notes\n" * 3 + DUMP]
)
@pytest.mark.parametrize("path", ["x.txt", "x.md"])
@pytest.mark.parametrize("kind", ["folder", "notes", "flashcards"])
def test_answers_of_an_earlier_tutor_never_become_passages(dump: str, path: str, kind: str) -> None:
    with pytest.raises(UnreadableFile, match="answers of an earlier tutor, not course material"):
        read(path, dump, kind)


def test_a_saved_page_of_a_tutor_is_refused_as_html_too() -> None:
    paragraphs = "".join(f"<p>{line}</p>" for line in SAVED_PAGE.split("\n") if line.strip())
    with pytest.raises(UnreadableFile, match="earlier tutor"):
        read("x.html", f"<html><body><main><h1>Tutor</h1>{paragraphs}</main></body></html>")


def test_an_answer_far_down_a_file_is_still_found() -> None:
    with pytest.raises(UnreadableFile, match="earlier tutor"):
        read("x.txt", "A long answer. " * 20_000 + "\n" + DUMP)


def test_a_lecture_about_graphs_is_not_taken_for_a_dump() -> None:
    assert read("x.md", ABOUT_GRAPHS).title == "Knowledge graphs"


def test_a_pointer_to_a_large_file_says_what_to_do() -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 99\n"
    with pytest.raises(UnreadableFile, match="git lfs pull"):
        read("a.pdf", pointer)


def test_tables_of_numbers_are_no_text() -> None:
    with pytest.raises(UnreadableFile, match="data, not text"):
        read("data.txt", "x y\n" + "0.13 5.1\n" * 50)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain\r\nlines\rhere", "plain\nlines\nhere"),
        ("naïve ∑".encode(), "naïve ∑"),
        ("\ufeffnaïve".encode(), "naïve"),
        ("naïve".encode("utf-16"), "naïve"),
        ("naïve".encode("utf-32"), "naïve"),
        ("Schrödinger’s – naïve".encode("cp1252"), "Schrödinger’s – naïve"),
        (
            "many ünïcödé wörds and one brökén býte ".encode() + b"\xe9.",
            "many ünïcödé wörds and one brökén býte \ufffd.",
        ),
        ("form\x0cfeed\u2028sep\x07bell".encode(), "form\nfeed\nsepbell"),
    ],
)
def test_bytes_become_text(data: bytes, text: str) -> None:
    assert decode(data) == text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n\t\r\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"PK\x03\x04\x00\x00", "binary"),
        (bytes(range(128, 256)) * 3, "binary"),
        (b"\x89PNG\r\n\x1a\n\xff\xd8\xff\xe0\x10JFIF\x01\x02", "binary"),
        (b"\xff\xfeabc", "broken UTF-16"),
    ],
)
def test_bytes_that_are_no_text_say_why(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        decode(data)


def test_names_of_files_are_readable() -> None:
    assert name_of("talks/07 - dynamic_programming.en-US.vtt") == "Dynamic programming"
    assert name_of("2024.md") == "2024"
    assert name_of("a/Index.html") == "A"


def test_titles_of_programs_are_not_used() -> None:
    assert usable_title("  Graph   search ") == "Graph search"
    assert [usable_title(title) for title in (None, "", "12", "Slide 1", "thesis.dvi", "x" * 200)] == [None] * 6
