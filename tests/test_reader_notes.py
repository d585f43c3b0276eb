"""Question-and-answer notes between ruler lines."""

import pytest

from retrieval.errors import UnreadableFile
from retrieval.passage import Document, Section
from retrieval.sources.notes import read_question_notes

RULER = "# " + "-" * 60


def notes(*entries: str, opening: str = "Week 2 notes\nMay 3, 2024\n") -> Document:
    return read_question_notes("notes/w2.txt", f"\n{RULER}\n".join([opening, *entries]).encode())


def test_each_entry_is_a_section_headed_by_its_question() -> None:
    page = notes(
        "What is a prior?\n\nA belief held\nbefore data.\n\n",
        "Q2: **Why \\(p(x)\\)?**\n\nA: It *normalises* \\(p(x)\\).\n",
    )
    assert page.title == "Week 2 notes"
    assert page.sections == (
        Section(("What is a prior?",), "A belief held\nbefore data."),
        Section(("Why $p(x)$?",), "It *normalises* $p(x)$."),
    )


def test_placeholders_and_unanswered_questions_are_skipped() -> None:
    page = notes("x\n\n", "What is left?\n\nThis.\n", "And this?\n", "\n")
    assert [section.headings for section in page.sections] == [("What is left?",)]


def test_an_answer_right_below_its_question_counts() -> None:
    assert notes("Is it convex?\nYes, it is.", "y\n\nz").sections[0] == Section(("Is it convex?",), "Yes, it is.")


def test_a_long_remark_is_kept_whole_without_heading() -> None:
    remark = "There are similarities between the two models, " * 5 + "in short."
    page = notes(f"{remark}\n\nBoth predict tokens.", "y\n\nz")
    assert page.sections[0] == Section((), f"{remark}\n\nBoth predict tokens.")


def test_rulers_inside_code_do_not_divide() -> None:
    page = notes(f"How to print?\n\n```python\nx = 1\n{RULER}\ny = 2\n```\n", "Next?\n\nYes.")
    assert [section.headings for section in page.sections] == [("How to print?",), ("Next?",)]
    assert RULER in page.sections[0].text


def test_code_that_never_closes_ends_at_the_next_ruler() -> None:
    page = notes("How to print?\n\n```python\nx = 1\n", "Next?\n\nYes.")
    assert [section.headings for section in page.sections] == [("How to print?",), ("Next?",)]
    assert page.sections[0].text == "```python\nx = 1\n```"


def test_an_opening_paragraph_is_kept_and_a_date_is_not() -> None:
    assert len(notes("a?\n\nb", opening="Week 3\nMay 3, 2024\n").sections) == 1
    long_opening = "Week 3\nThese notes cover the second week and were corrected by the teaching staff.\n"
    assert notes("a?\n\nb", opening=long_opening).sections[0].text.startswith("These notes")


def test_without_an_opening_the_file_names_the_notes() -> None:
    assert notes("a?\n\nb", opening="").title == "W2"


def test_rulers_without_answers_say_why() -> None:
    with pytest.raises(UnreadableFile, match="no question with an answer"):
        notes("x", "y")
