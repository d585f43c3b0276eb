"""A document becomes passages: along its headings, of a size that can be quoted, with nothing lost and nothing torn."""

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd_text import HOSTILE, ODD, squeezed

from retrieval.chunking import Chunking, Placement, chunk, chunk_text
from retrieval.markup import blocks, mask
from retrieval.passage import Document, Locator, Section, page_and_position, passage_id

HERE = Placement(source=2, page=7, url="https://example.edu/rnn/")
SMALL = Chunking(target=200, smallest=40)
LONG = "The gradient vanishes over many steps. " * 10


def document(*sections: Section, title: str = "Recurrent networks") -> Document:
    return Document(path="lectures/rnn.md", title=title, sections=sections)


def section(text: str, *headings: str, locator: Locator = Locator()) -> Section:
    return Section(headings, text, locator)


# --- documents


def test_a_passage_says_where_it_stands() -> None:
    [passage] = chunk(document(section("An LSTM has gates.", "Networks", "LSTM", locator=Locator(anchor="lstm"))), HERE)
    assert passage.text == "An LSTM has gates."
    assert (passage.title, passage.heading, passage.path) == (
        "Recurrent networks",
        "Networks > LSTM",
        "lectures/rnn.md",
    )
    assert (passage.page, passage.position, passage.source) == (7, 0, 2)
    assert passage.url == "https://example.edu/rnn/#lstm"
    assert page_and_position(passage.id) == (7, 0)


@pytest.mark.parametrize(
    ("locator", "link"),
    [
        (Locator(), "https://example.edu/rnn/"),
        (Locator(anchor="größe (n)"), "https://example.edu/rnn/#gr%C3%B6%C3%9Fe%20(n)"),
        (Locator(page=3), "https://example.edu/rnn/#page=3"),
        (Locator(seconds=75.9), "https://example.edu/rnn/#t=75"),
        (Locator(seconds=0.0), "https://example.edu/rnn/#t=0"),
    ],
)
def test_links_open_at_the_place(locator: Locator, link: str) -> None:
    assert chunk(document(section("text", locator=locator)), HERE)[0].url == link


def test_sections_are_never_mixed_once_they_are_large_enough() -> None:
    passages = chunk(document(section(LONG, "One"), section(LONG, "Two")), HERE)
    assert {p.headings for p in passages} == {("One",), ("Two",)}
    assert all(p.text.count("gradient") * 38 >= len(p.text) - 38 for p in passages)


def test_a_section_too_small_to_stand_alone_goes_with_the_next_and_links_to_the_larger() -> None:
    summary = section("In short:", "Summary", locator=Locator(anchor="summary"))
    gates = section("Gates help.", "Summary", "Gates", locator=Locator(anchor="gates"))
    [passage] = chunk(document(summary, gates), HERE)
    assert passage.text == "**Summary**\n\nIn short:\n\n**Gates**\n\nGates help."
    assert (passage.headings, passage.url) == (("Summary", "Gates"), "https://example.edu/rnn/#gates")
    [passage] = chunk(document(replace(summary, text="In short, all of this:"), gates), HERE)
    assert passage.text == "In short, all of this:\n\n**Gates**\n\nGates help."
    assert (passage.headings, passage.url) == (("Summary",), "https://example.edu/rnn/#summary")


def test_what_stands_before_the_first_heading_goes_with_it() -> None:
    [passage] = chunk(document(section("Hello."), section("Gates help.", "Gates", locator=Locator(anchor="g"))), HERE)
    assert (passage.text, passage.url) == ("Hello.\n\n**Gates**\n\nGates help.", "https://example.edu/rnn/#g")


@pytest.mark.parametrize(
    "pieces",
    [
        [section(f"Slide {n}", locator=Locator(page=n)) for n in (1, 2, 3)],
        [section(f"Minute {n}", locator=Locator(seconds=60.0 * n)) for n in (0, 1, 2)],
        [section(f"Flashcard {n}", f"Question {n}") for n in (1, 2, 3)],
    ],
)
def test_slides_spoken_minutes_and_flashcards_are_one_thing_each(pieces: list[Section]) -> None:
    assert [p.text for p in chunk(document(*pieces), HERE)] == [piece.text for piece in pieces]


def test_empty_sections_make_no_passages() -> None:
    assert chunk(document(section(""), section(" \n\t"), section("\u00a0")), HERE) == []
    assert chunk(document(), HERE) == []


def test_equal_content_has_an_equal_hash_wherever_it_stands_and_other_content_another() -> None:
    def hash_of(text: str, *headings: str, title: str = "T", placement: Placement = HERE) -> str:
        return chunk(document(section(text, *headings), title=title), placement)[0].content_hash

    moved = Placement(source=0, page=1, url="https://elsewhere.edu", trust="notes")
    assert hash_of("text", "A", placement=moved) == hash_of("text", "A")
    variants = [hash_of("text", "A"), hash_of("text!", "A"), hash_of("text", "B"), hash_of("text", "A", title="U")]
    variants += [hash_of("text", "A", "B"), hash_of("text"), hash_of("B\x1ftext", "A")]
    assert len(set(variants)) == len(variants)


@given(st.lists(st.tuples(ODD, st.lists(st.text(max_size=5), max_size=3)), max_size=6))
def test_positions_are_consecutive_and_no_text_is_lost(sections: list[tuple[str, list[str]]]) -> None:
    passages = chunk(document(*(section(text, *headings) for text, headings in sections)), HERE, SMALL)
    assert [p.position for p in passages] == list(range(len(passages)))
    assert [p.id for p in passages] == [passage_id(7, n) for n in range(len(passages))]
    everything = squeezed("".join(p.text for p in passages))
    place = 0
    for text, _ in sections:
        place = everything.index(squeezed(text), place) + len(squeezed(text))


# --- pieces


def test_a_short_text_is_one_piece() -> None:
    assert chunk_text("one\n\ntwo\n\n- three") == ["one\n\ntwo\n\n- three"]


def test_a_long_text_is_cut_between_paragraphs() -> None:
    paragraphs = [f"{n} " + "word " * 20 + "end." for n in range(6)]
    pieces = chunk_text("\n\n".join(paragraphs), SMALL)
    assert "\n\n".join(pieces) == "\n\n".join(paragraphs)
    assert all(piece.endswith("end.") for piece in pieces)


def test_a_long_paragraph_is_cut_between_sentences_and_its_lines_stay_lines() -> None:
    paragraph = "Three things matter here:\n- the first one of them\n- the second one\n" + "It is so. " * 20
    pieces = chunk_text(paragraph, SMALL)
    assert pieces[0].startswith("Three things matter here:\n- the first one of them\n- the second one\nIt is so.")
    assert all(piece.endswith("It is so.") for piece in pieces)


def test_a_long_list_is_cut_between_items() -> None:
    items = [f"- item {n} with some words" for n in range(20)]
    pieces = chunk_text("\n".join(items), SMALL)
    assert len(pieces) > 2
    assert [line for piece in pieces for line in piece.splitlines()] == items


def test_a_transcript_without_full_stops_is_cut_between_words() -> None:
    pieces = chunk_text("so then we take the gradient " * 50, SMALL)
    assert all(150 < len(piece) <= 200 for piece in pieces[:-1])
    assert " ".join(pieces).split() == ("so then we take the gradient " * 50).split()


def test_a_small_rest_joins_the_piece_before_it() -> None:
    pieces = chunk_text("word " * 38 + "end.\n\nA rest.", SMALL)
    assert pieces == [("word " * 38 + "end.\n\nA rest.")]


FENCES = [
    "```python\n" + "x = 1\n\n" * 60 + "```",
    "~~~\n- a\n\n| b | c |\n|---|---|\n~~~",
]
TABLES = ["| a | b |\n|---|---|\n" + "| 1. A | 2. B |\n" * 30 + "| 3 | 4 |", "x | y\n--|--\n1 | 2"]
FORMULAS = [
    "$$\n" + "a &= b. C \\\\\n\n- d\n" * 20 + "$$",
    "\\[\nx = \\begin{bmatrix} 1 \\\\[2pt] 2 \\end{bmatrix}\n\n+ 1. A\n\\]",
    "\\begin{align}\n" + "a. B \\\\\n" * 40 + "\\end{align}",
]
WHOLE = FENCES + TABLES + FORMULAS
LOOSE = [
    "Some words. And more of them, with $x. Y$ inside.",
    LONG,
    "- one\n- two\n  - three",
    "1. " + LONG,
    "# Heading",
]


@given(st.lists(st.sampled_from(WHOLE + LOOSE), min_size=1, max_size=10), st.sampled_from([SMALL, Chunking()]))
def test_no_fence_table_or_formula_is_ever_cut_and_pieces_keep_their_size(parts: list[str], chunking: Chunking) -> None:
    text = "\n\n".join(parts)
    pieces = chunk_text(text, chunking)
    assert squeezed("".join(pieces)) == squeezed(text)
    for part in parts:
        if part in WHOLE:
            assert any(part in piece for piece in pieces)
    for piece in pieces:
        alone = piece in WHOLE
        assert alone or len(piece) <= chunking.target * 1.25


@given(st.sampled_from(FORMULAS), st.integers(0, 6), st.integers(0, 6))
def test_a_formula_in_the_middle_of_a_long_list_or_paragraph_is_not_cut(formula: str, before: int, after: int) -> None:
    for around in ("- an item of the list\n", "Words of a paragraph. They go on\n"):
        text = around * before + f"and this\n{formula}\n" + around * after
        assert any(formula in piece for piece in chunk_text(text, SMALL))


@given(ODD, st.integers(20, 120))
def test_of_any_text_nothing_is_lost_and_only_what_cannot_be_cut_is_too_long(text: str, target: int) -> None:
    pieces = chunk_text(text, Chunking(target=target, smallest=10))
    assert squeezed("".join(pieces)) == squeezed(text)
    assert all(piece.strip() for piece in pieces)
    for piece in pieces:
        if len(piece) > target * 1.25:
            [block] = blocks(piece)
            assert block.kind in ("code", "table", "math") or has_a_long_span(piece, target)


def has_a_long_span(piece: str, target: int) -> bool:
    """A word, a formula or a code span that leaves no place to cut within the target."""
    return any(len(word) > target / 2 for word in mask(piece).split())


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_cut_in_a_moment(name: str) -> None:
    start = time.process_time()
    pieces = chunk_text(HOSTILE[name])
    assert time.process_time() - start < 5
    assert squeezed("".join(pieces)) == squeezed(HOSTILE[name])
