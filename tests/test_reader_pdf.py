"""PDF files: a section a page, with wrapped lines joined and running heads gone."""

import io
import logging
from collections.abc import Sequence

import pytest
from pypdf import PdfReader, PdfWriter

from retrieval.errors import UnreadableFile
from retrieval.passage import Document
from retrieval.sources.pdf import read_pdf
from retrieval.sources.reflow import paragraphs_of


def pdf(*pages: Sequence[str]) -> bytes:
    """A file with these lines of text on its pages, written by hand so that nothing is laid out for us."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for n, lines in enumerate(pages):
        shown = "".join(f"1 0 0 1 40 {780 - 14 * row} Tm ({line}) Tj\n" for row, line in enumerate(lines))
        content = f"BT /F1 10 Tf\n{shown}ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {5 + 2 * n} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
    body, places = b"%PDF-1.4\n", []
    for number, text in enumerate(objects, start=1):
        places.append(len(body))
        body += f"{number} 0 obj\n{text}\nendobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    tail = (
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer << /Size {len(objects) + 1} /Root 1 0 R >>\n"
    )
    return body + f"{tail}startxref\n{len(body)}\n%%EOF".encode()


def rewritten(
    data: bytes, title: str | None = None, bookmarks: Sequence[tuple[str, int, int]] = (), password: str = ""
) -> bytes:
    """The file with a title, with bookmarks (title, page, level 0 or 1), or with a password."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    if title:
        writer.add_metadata({"/Title": title})
    above = None
    for name, page, level in bookmarks:
        added = writer.add_outline_item(title=name, page_number=page, parent=above if level else None)
        above = above if level else added
    if password:
        writer.encrypt(password if password != "owner" else "", owner_password="owner", algorithm="RC4-128")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


PROSE = (
    "Backpropagation applies the chain rule from the loss down to the first lay-",
    "er of the network, and every weight learns how much it is to blame for it.",
    "It needs one forward pass.",
)


def read(*pages: Sequence[str], path: str = "slides/04-back_propagation.pdf") -> Document:
    return read_pdf(path, pdf(*pages))


def test_each_page_is_a_section_with_its_number() -> None:
    page = read(("Training networks", *PROSE), (), ("The last page says goodbye to all readers.",))
    assert [section.locator.page for section in page.sections] == [1, 3]
    assert page.sections[0].locator.link("https://x.org/a.pdf") == "https://x.org/a.pdf#page=1"
    assert "first layer of the network" in page.sections[0].text
    assert page.title == "Training networks"


@pytest.mark.parametrize(
    ("declared", "first_line", "title"),
    [
        ("Deep learning, week 4", "x", "Deep learning, week 4"),
        ("Microsoft Word - draft3.docx", "Chain rules", "Chain rules"),
        ("untitled", "It is a sentence that ends here.", "Back propagation"),
        ("PowerPoint Presentation", "12", "Back propagation"),
    ],
)
def test_titles_that_programs_put_there_are_passed_over(declared: str, first_line: str, title: str) -> None:
    data = rewritten(pdf((first_line, *PROSE)), title=declared)
    assert read_pdf("slides/04-back_propagation.pdf", data).title == title


def test_bookmarks_are_the_headings_of_their_pages() -> None:
    data = rewritten(
        pdf(*((f"Page {name} speaks of {name}.", *PROSE, f"So much for {name}.") for name in "abcd")),
        title="Course notes",
        bookmarks=[("Course notes", 0, 0), ("Gradients", 1, 0), ("Chain rule", 2, 1)],
    )
    assert [section.headings for section in read_pdf("a.pdf", data).sections] == [
        (),
        ("Gradients",),
        ("Gradients", "Chain rule"),
        ("Gradients", "Chain rule"),
    ]


def test_a_page_with_several_bookmarks_stands_below_what_they_share() -> None:
    bookmarks = [("Search", 0, 0), ("Trees", 0, 1), ("Graphs", 0, 1), ("Games", 1, 0), ("Plans", 1, 0)]
    page = read_pdf("a.pdf", rewritten(pdf(PROSE, PROSE, PROSE), bookmarks=bookmarks))
    assert [section.headings for section in page.sections] == [("Search",), ("Games",), ("Plans",)]


def test_running_heads_and_page_numbers_go() -> None:
    pages = [
        ("AI 101 - Spring", f"Topic {name} has a text of its own.", f"Lecture 4, {n} / 5")
        for n, name in enumerate("abcde")
    ]
    texts = [section.text for section in read(*pages).sections]
    assert texts == [f"Topic {name} has a text of its own." for name in "abcde"]


def test_pages_that_are_all_alike_are_not_emptied() -> None:
    assert len(read(*(PROSE for _ in range(4))).sections) == 4


def test_lines_repeated_on_few_pages_stay() -> None:
    pages = [("Summary", "one thing"), ("Summary", "another thing"), ("Close", "the end of it")]
    assert [section.text.split("\n")[0] for section in read(*pages).sections] == ["Summary", "Summary", "Close"]


def test_hyphens_go_only_where_the_line_break_put_them() -> None:
    (text,) = paragraphs_of(
        [
            "The model uses self-attention, and after many steps of optimization the self-\n"
            "attention weights settle while the optimiz-\n"
            "ation of the rest goes on, a long time with a non-\n"
            "linear rate."
        ]
    )
    assert text == (
        "The model uses self-attention, and after many steps of optimization the self-attention weights settle "
        "while the optimization of the rest goes on, a long time with a non-linear rate."
    )


def test_bullets_become_list_items_and_short_lines_stay_apart() -> None:
    (text,) = paragraphs_of(
        ["Kinds of search\n• depth first, which goes\ndown before it goes wide\n• breadth first\n1. numbered\nEnd"]
    )
    assert text == (
        "Kinds of search\n\n- depth first, which goes down before it goes wide\n- breadth first\n\n1. numbered\n\nEnd"
    )


def test_ligatures_and_italic_letters_of_formulas_are_ordinary_letters() -> None:
    assert paragraphs_of(["eﬃcient ﬁlters of 𝑥 and 𝐖"]) == ["efficient filters of x and W"]


def test_a_file_that_opens_without_a_password_is_read_and_another_is_not() -> None:
    assert read_pdf("a.pdf", rewritten(pdf(PROSE), password="owner")).sections
    with pytest.raises(UnreadableFile, match="encrypted"):
        read_pdf("a.pdf", rewritten(pdf(PROSE), password="secret"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a PDF"),
        (b"<html>sign in</html>", "not a PDF"),
        (b"%PDF-1.7\n" + b"garbage " * 40, "damaged PDF"),
        (pdf((), ()), "no text: scanned pages need OCR"),
        (pdf(("7",)), "no text: scanned pages need OCR"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        read_pdf("a.pdf", data)


def test_damage_is_repaired_silently(capfd: pytest.CaptureFixture[str]) -> None:
    level = logging.getLogger("pypdf").level
    assert read_pdf("a.pdf", pdf(PROSE).replace(b"startxref\n", b"startxref\n9")).sections
    assert capfd.readouterr().err == ""
    assert logging.getLogger("pypdf").level == level


@pytest.mark.parametrize("cut", range(50, 900, 50))
def test_a_cut_off_file_is_read_or_refused_but_never_crashes(cut: int) -> None:
    try:
        page = read_pdf("a.pdf", pdf(PROSE, PROSE)[:cut])
    except UnreadableFile:
        return
    assert page.sections
