"""What a citation shows: the page's link and title, and the sentence of it that the answer leans on."""

import pytest
from fakes import passage
from hostile_text import LINKS, MENTIONS, found, readings
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_text import HOSTILE, ODD

from bot.citations import citations

ATTENTION = """## Scaled dot-product attention

Queries are compared with all keys. The scores are divided by $\\sqrt{d_k}$, so that the *softmax* keeps useful
gradients [12, 13]. What happens without it?

- Each head has **its own** `W_q` projection.
- Values are mixed by their weights, see [the paper](https://evil.com/x) or https://evil.com.

```python
weights = scores.softmax(dim=-1)
```
"""


def quote(answer: str, text: str = ATTENTION) -> str:
    (citation,) = citations([passage(text)], (1,), answer)
    return citation.quote


def test_numbers_lead_to_their_pages_in_order() -> None:
    passages = [
        passage("One.", page=1),
        passage("Two.", page=2, headings=("Deep", "Deeper")),
        passage("Three.", page=3),
    ]
    first, second = citations(passages, (3, 2), "So [1] and so [2].")
    assert (first.n, first.url, first.title) == (1, "https://example.edu/3#0", "Lecture")
    assert (second.n, second.url, second.title) == (2, "https://example.edu/2#0", "Lecture › Deeper")


def test_notes_are_marked() -> None:
    (citation,) = citations([passage("One.", trust="notes")], (1,), "So [1].")
    assert citation.title == "Lecture (notes)"


def test_numbers_of_no_passage_lead_nowhere() -> None:
    assert citations([passage("One.")], (2, 0, -1), "So [1].") == ()
    assert citations([], (), "So.") == ()


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (
            "The scores are scaled so that gradients of the softmax stay useful [1].",
            "The scores are divided by \\sqrt{d_k}, so that the softmax keeps useful gradients.",
        ),
        ("Every head projects with a matrix of its own [1].", "Each head has its own W_q projection."),
        ("Gradients vanish [2]. Keys are compared with each query [1].", "Queries are compared with all keys."),
        ("1. softmax\n2. the heads project separately [1]", "Each head has its own W_q projection."),
        ("- It mixes values.\n- The projection of a head [1]", "Each head has its own W_q projection."),
        ("**Lecture** [1]\n\n> Each head has its own projection.\n", "Each head has its own W_q projection."),
        ("Not `[1] + softmax(gradients)[1]`. All heads project [1].", "Each head has its own W_q projection."),
    ],
)
def test_the_quote_is_what_the_answer_says(answer: str, sentence: str) -> None:
    assert quote(answer) == sentence


def test_all_places_of_a_number_count() -> None:
    assert quote("It is so [1]. Each head has a projection [1].") == "Each head has its own W_q projection."


def test_without_anything_in_common_the_first_whole_sentence_is_quoted() -> None:
    assert quote("Zebra [1].") == quote("no number at all") == quote("[1]")
    assert (
        quote("[1]", "Why?\n\nA first whole sentence stands here. And more.") == "A first whole sentence stands here."
    )


def test_the_quote_is_plain_and_safe() -> None:
    shown = quote("Values are mixed by their weights [1].")
    assert shown == "Values are mixed by their weights, see the paper or ‹link removed›."
    assert quote("x [1]", "Hi <!channel> and @everyone, &lt;@U1&gt; <b>see</b> ![x](https://evil.com/i.png) here.") == (
        "Hi ‹mention removed› and everyone, ‹mention removed› see here."
    )


def test_a_hostile_title_is_safe() -> None:
    (citation,) = citations([passage("x", title="<b>@everyone</b>\n[a](https://evil.com)")], (1,), "x [1]")
    assert found(LINKS + MENTIONS, readings(citation.title)) == []
    assert "\n" not in citation.title


def test_a_long_sentence_is_cut_between_words() -> None:
    shown = quote("It is long [1].", "It is long " * 60 + "and ends.")
    assert 200 < len(shown) <= 240
    assert f"{shown.removesuffix('…')} " in "It is long " * 60


def test_a_passage_of_nothing_but_code_is_quoted_too() -> None:
    assert quote("x [1]", "```python\nweights = scores.softmax(dim=-1)\n```") == "weights = scores.softmax(dim=-1)"


@settings(max_examples=300, deadline=None, derandomize=True)
@given(ODD, st.text(max_size=200))
def test_any_passage_has_a_short_quote_on_one_line(text: str, answer: str) -> None:
    shown = quote(answer + " [1]", text)
    assert len(shown) <= 240
    assert "\n" not in shown
    assert found(MENTIONS + LINKS[:2], readings(shown)[:3]) == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_takes_long(text: str) -> None:
    quote("softmax [1]", text[:20_000])
    quote(text[:20_000] + " [1]")
