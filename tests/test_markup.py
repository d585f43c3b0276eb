"""What must not be cut stays whole: fences, tables, formulas, sentences; and no text, however odd, is lost or hangs."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd_text import HOSTILE, ODD, squeezed

from retrieval.markup import blocks, list_items, mask, sentences


def kinds(text: str) -> list[str]:
    return [block.kind for block in blocks(text)]


def texts(text: str) -> list[str]:
    return [block.text for block in blocks(text)]


# --- blocks


def test_paragraphs_end_at_blank_lines() -> None:
    assert texts("one\ntwo\n\n\nthree\n") == ["one\ntwo", "three"]


def test_a_fence_is_one_block_with_its_blank_lines() -> None:
    text = "before\n```python\na = 1\n\n\nb = 2\n```\nafter"
    assert texts(text) == ["before", "```python\na = 1\n\n\nb = 2\n```", "after"]
    assert kinds(text) == ["prose", "code", "prose"]


@pytest.mark.parametrize(
    "fence",
    [
        "~~~\n```\nnot the end\n```\n~~~",
        "````md\n```python\ninner\n```\n````",
        "  ```\n  indented\n  ```",
        "> ```\n> quoted\n> ```",
        "```\n| a | b |\n|---|---|\n$$\n```",
    ],
)
def test_a_fence_ends_where_its_own_mark_closes_it(fence: str) -> None:
    assert texts(f"{fence}\n\nafter") == [fence.rstrip(), "after"]


def test_a_fence_that_nobody_closes_reaches_to_the_end() -> None:
    assert texts("text\n\n```\ncode\n\nmore") == ["text", "```\ncode\n\nmore"]


def test_a_line_that_begins_with_a_code_span_opens_no_fence() -> None:
    assert texts("```x = 1``` sets x.\n\nNext paragraph.") == ["```x = 1``` sets x.", "Next paragraph."]


@pytest.mark.parametrize("table", ["| a | b |\n|---|---|\n| 1 | 2 |", "a | b\n-- | :--:\n1 | 2", "|a|\n|-|\n|1|"])
def test_a_table_is_one_block_even_right_below_a_paragraph(table: str) -> None:
    text = f"The results:\n{table}\n\nafter"
    assert texts(text) == ["The results:", table, "after"]
    assert kinds(text) == ["prose", "table", "prose"]


def test_a_pipe_in_prose_makes_no_table() -> None:
    assert kinds("P(a | b) is a conditional\nprobability of a | b") == ["prose"]


@pytest.mark.parametrize(
    "formula",
    [
        "$$\na = b\n\n+ c\n$$",
        "\\[\na\n\n= b\n\\]",
        "\\begin{align}\na &= b \\\\\n\n- c\n\\end{align}",
        "$$\n\\begin{bmatrix}\n1 & 2 \\\\[4pt]\n\n3 & 4\n\\end{bmatrix}\n$$",
    ],
)
def test_a_display_formula_is_whole_even_with_blank_lines(formula: str) -> None:
    assert texts(f"before\n\n{formula}\n\nafter") == ["before", formula, "after"]
    assert kinds(formula) == ["math"]
    assert texts(f"so that\n{formula}\nholds") == [f"so that\n{formula}\nholds"]


def test_row_spacing_in_a_matrix_opens_no_formula() -> None:
    text = "$$\\begin{bmatrix}1 \\\\[2pt] 2\\end{bmatrix}$$\n\nafter\n\nlast"
    assert texts(text)[1:] == ["after", "last"]


@pytest.mark.parametrize("opening", ["It costs $$ in the US.", "\\[ was here", "\\begin{align} was here"])
def test_what_looks_like_a_formula_and_never_ends_swallows_neither_paragraphs_nor_fences(opening: str) -> None:
    text = f"{opening}\n\nnext\n\n~~~\ncode. More\n~~~\n\n| a | b |\n|---|---|"
    assert texts(text) == [opening, "next", "~~~\ncode. More\n~~~", "| a | b |\n|---|---|"]


@given(ODD)
def test_blocks_hold_every_character(text: str) -> None:
    assert squeezed("".join(texts(text))) == squeezed(text)
    assert all(block.text.strip() for block in blocks(text))


@given(st.text())
def test_no_text_is_too_odd(text: str) -> None:
    assert squeezed("".join(texts(text))) == squeezed(text)
    assert squeezed("".join(sentences(text))) == squeezed(text)
    assert squeezed("".join(list_items(text))) == squeezed(text)


# --- sentences and items


def test_sentences_end_at_full_stops_and_questions() -> None:
    prose = 'It works. Does it? Yes! "So he said." Then came 2 more.'
    assert sentences(prose) == ["It works.", "Does it?", "Yes!", '"So he said."', "Then came 2 more."]


@pytest.mark.parametrize(
    "whole",
    [
        "See Fig. 3 and Eq. 4, i.e. the loss of Dr. Smith et al. (2015) vs. Adam.",
        "The value 0.5 and sklearn.svm. are no ends",
        "Use `a. B` and `` c. `D. E` `` here",
        "With $x. Y$ and $$p. Q$$ and \\(r. S\\) and \\[t. U\\] done",
        "So \\begin{align}a. B\\end{align} holds",
    ],
)
def test_abbreviations_numbers_formulas_and_code_end_no_sentence(whole: str) -> None:
    assert sentences(whole) == [whole]


@given(ODD)
def test_sentences_hold_every_character(text: str) -> None:
    assert squeezed("".join(sentences(text))) == squeezed(text)


@given(ODD)
def test_masking_keeps_every_place(text: str) -> None:
    masked = mask(text)
    assert len(masked) == len(text)
    assert all(now in (before, "x") for before, now in zip(text, masked, strict=True))


def test_masking_hides_spans_and_nothing_else() -> None:
    assert mask("a `b` $c$ $$d$$ e") == "a xxx xxx xxxxx e"
    assert mask("costs \\$5 and `open, ``x`` $y") == "costs \\$5 and `open, xxxxx $y"


def test_items_keep_what_continues_them() -> None:
    text = "- one\n  more of it\n    - nested\n2. two\n* three"
    assert list_items(text) == ["- one\n  more of it\n    - nested", "2. two", "* three"]


def test_a_formula_inside_an_item_is_not_taken_for_items() -> None:
    text = "- the loss\n$$\na\n- b\n+ c\n$$\n- next"
    assert list_items(text) == ["- the loss\n$$\na\n- b\n+ c\n$$", "- next"]


# --- time


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_takes_a_moment_and_no_more(name: str) -> None:
    start = time.process_time()
    for block in blocks(HOSTILE[name]):
        sentences(block.text)
        list_items(block.text)
    # Backtracking or rescanning would take minutes here.
    assert time.process_time() - start < 5
