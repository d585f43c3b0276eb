"""Flashcards: the `:p` form and the text export of Anki, a section a card."""

import pytest

from retrieval.errors import UnreadableFile
from retrieval.passage import Document, Section
from retrieval.sources.flashcards import read_flashcards

DECK = r"""# Sorting, part 2

**Chapter:** 3

---

#### Merging with `merge()`
Background context: two sorted runs of length \(n\).

:p How many comparisons does merging take?
??x
At most \(2n-1\):
\[
T(n) \le 2n - 1
\]
```python
# Walk both runs
:p = 1
x = [[1]](2)
```
x??

:p And in place?
??x
More. x??

---

#### Quicksort
:p What is a pivot,
and how is it chosen?
??x
An element.

#### Heaps
:p Unanswered?
??x
x??

:p Last?
??x
Yes.
"""


def deck(text: str, path: str = "cards/sorting.txt") -> Document:
    return read_flashcards(path, text.encode())


def test_each_card_is_a_section_below_its_topic() -> None:
    page = deck(DECK)
    assert page.title == "Sorting, part 2"
    assert [section.headings for section in page.sections] == [
        ("Merging with merge()",),
        ("Merging with merge()",),
        ("Quicksort",),
        ("Heaps",),
    ]


def test_a_card_reads_question_background_answer_with_code_and_formulas_whole() -> None:
    assert deck(DECK).sections[0].text == (
        "How many comparisons does merging take?\n\n"
        "two sorted runs of length $n$.\n\n"
        "At most $2n-1$:\n$$\nT(n) \\le 2n - 1\n$$\n"
        "```python\n# Walk both runs\n:p = 1\nx = [[1]](2)\n```"
    )


def test_a_card_without_its_end_mark_ends_at_the_next_topic() -> None:
    _, second, pivot, last = deck(DECK).sections
    assert second.text == "And in place?\n\nMore."
    assert pivot.text == "What is a pivot,\nand how is it chosen?\n\nAn element."
    assert last.text == "Last?\n\nYes."


def anki(body: str, head: str = "#separator:tab\n#html:true\n", path: str = "cards.txt") -> Document:
    return deck(head + body, path)


def test_a_short_front_is_the_heading_of_an_anki_card() -> None:
    assert anki("Backpropagation\tThe chain rule, applied backwards.\n").sections == (
        Section(("Backpropagation",), "The chain rule, applied backwards."),
    )


def test_decks_tags_and_identifiers_are_no_card_text() -> None:
    head = "#separator:semicolon\n#html:false\n#guid column:1\n#notetype column:2\n#deck column:3\n#tags column:6\n"
    page = anki("x9;Basic;AI::Search;A*;Best first with a heuristic.;exam hard\n", head)
    assert page.title == "AI"
    assert page.sections == (Section(("Search", "A*"), "Best first with a heuristic."),)


def test_quoted_fields_may_hold_lines_separators_and_quotes() -> None:
    page = anki('"Softmax"\t"exp ""normalised"",\tsummed\nto one"\n', "#separator:tab\n#html:false\n")
    assert page.sections[0].text == 'exp "normalised",\tsummed\nto one'


def test_html_in_fields_becomes_text() -> None:
    page = anki(
        '"ReLU<br>"\t"<div>max(0, x) &amp; <b>cheap</b></div><ul><li>sparse</li><li>fast</li></ul>'
        '<img src=""a.png"">[sound:a.mp3]<pre><code>y = x &lt; 0<br># stop</code></pre>"\n'
    )
    assert page.sections == (
        Section(("ReLU",), "max(0, x) & cheap\n\n- sparse\n- fast\n\n```\ny = x < 0\n# stop\n```"),
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"\(a &lt; b\)", "$a < b$"),
        (r"\[\sum_i x_i\]", r"$$\sum_i x_i$$"),
        ("[$]x^2[/$]", "$x^2$"),
        ("[$$]x^2[/$$]", "$$x^2$$"),
        ("<anki-mathjax>x_1</anki-mathjax>", "$x_1$"),
        ('<anki-mathjax block=""true"">x_1</anki-mathjax>', "$$x_1$$"),
    ],
)
def test_formulas_in_fields_come_out_between_dollars(written: str, read: str) -> None:
    assert anki(f'Front\t"{written}"\n').sections[0].text == read


def test_clozes_are_opened() -> None:
    page = anki("A {{c1::heap::which tree?}} keeps its {{c2::{{c3::largest}} key}} on top.\t\n")
    assert page.sections == (Section((), "A heap keeps its largest key on top."),)


def test_a_table_without_a_head_is_read_when_every_line_has_two_fields() -> None:
    page = deck("Epoch\tOne pass over the data\nBatch\tWhat one step sees\n", "cards/terms.tsv")
    assert [section.headings for section in page.sections] == [("Epoch",), ("Batch",)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("A page of prose.\n\nAnd more.", "no flashcards"),
        (":p Question?\n??x\nx??\n", "no flashcard with an answer"),
        ('#separator:tab\nfront\t"never closed\n', "broken table near line"),
        ("#separator:tab\nword\t\n", "no flashcards"),
        ("#separator:tab\n#html:true\n", "no flashcards"),
    ],
)
def test_what_holds_no_cards_says_why(text: str, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        deck(text)
