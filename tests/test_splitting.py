"""Long answers in messages of limited size, and answers that are still being written."""

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_text import HOSTILE, LENGTH, ODD

from bot.rendering.answer_parser import open_fence, segments, stable_prefix
from bot.rendering.discord_markdown import discord_preview, discord_text
from bot.rendering.formulas import Formula
from bot.rendering.slack_markdown import mrkdwn_text, rotation, slack_growth, slack_text
from bot.rendering.splitting import Drawn, Flow, Lines, Piece, grouped, pack, size


def paragraph(*words: str) -> tuple[Flow]:
    return (Flow(tuple(f"{word} " for word in words)),)


def listing(count: int, language: str = "python") -> str:
    return f"```{language}\n" + "\n".join(f"line_{n} = {n}" for n in range(count)) + "\n```"


def fences_are_balanced(text: str) -> bool:
    return text.count("```") % 2 == 0


def test_a_short_answer_is_one_message():
    assert discord_text("One.\n\nTwo.") == ["One.\n\nTwo."]


def test_nothing_gives_no_message():
    assert discord_text(" \n\n ") == []


def test_a_paragraph_that_does_not_fit_begins_the_next_message():
    first, second = "a " * 700, "b " * 700
    assert discord_text(f"{first}\n\n{second}") == [first.strip(), second.strip()]


def test_a_listing_stays_whole_where_it_fits_into_a_message():
    messages = discord_text(f"{'word ' * 300}\n\n{listing(60)}")
    assert messages[1] == listing(60)


def test_a_listing_longer_than_a_message_is_closed_and_opened_again_with_its_language():
    messages = discord_text(listing(400))
    assert len(messages) > 2
    assert all(message.startswith("```python\n") and message.endswith("\n```") for message in messages)
    lines = [line for message in messages for line in message.split("\n")[1:-1]]
    assert lines == [f"line_{n} = {n}" for n in range(400)]


def test_empty_lines_of_code_stay():
    assert discord_text("```\na\n\n\nb\n```") == ["```\na\n\n\nb\n```"]


def test_a_list_stays_whole_where_it_fits_into_a_message():
    items = "\n".join(f"- item number {n}" for n in range(80))
    messages = discord_text(f"{'word ' * 200}\n\n{items}")
    assert messages[1] == items


def test_a_list_longer_than_a_message_is_broken_between_its_items():
    items = [f"{n}. {'word ' * 30}".strip() for n in range(1, 41)]
    messages = discord_text("\n".join(items))
    assert [line for message in messages for line in message.split("\n")] == items


def test_a_table_longer_than_a_message_repeats_its_head():
    rows = "\n".join(f"| row {n} | {n} |" for n in range(300))
    messages = discord_text(f"| Name | Number |\n|---|---|\n{rows}")
    assert len(messages) > 1
    assert all(message.split("\n")[1].split() == ["Name", "Number"] for message in messages)
    assert sum(message.count("row ") for message in messages) == 300


def test_a_heading_is_never_the_last_of_a_message():
    messages = discord_text(f"{'word ' * 390}\n\n## Next\n\n{'more ' * 60}")
    assert messages[1].startswith("## Next\nmore")


def test_a_heading_stands_above_the_beginning_of_a_long_listing():
    messages = discord_text(f"{'word ' * 380}\n\n## Code\n\n{listing(300)}")
    assert messages[1].startswith("## Code\n```python\nline_0")


def test_a_paragraph_longer_than_a_message_is_broken_behind_a_sentence():
    text = " ".join(f"Sentence number {n} says little." for n in range(200))
    messages = discord_text(text)
    assert all(message.endswith("little.") for message in messages)
    assert " ".join(messages) == text


@pytest.mark.parametrize("whole", ["`some inline code`", "[some text](<https://example.edu/page>)", "**bold words**"])
def test_code_links_and_bold_text_are_not_broken(whole):
    text = " ".join([whole.replace("<", "").replace(">", "")] * 200)
    messages = discord_text(text, limit=300)
    assert " ".join(messages) == " ".join([whole] * 200)
    assert all(message.startswith(whole) and message.endswith(whole) for message in messages)


def test_emoji_count_as_the_two_units_they_are_and_are_not_torn():
    messages = discord_text("😀" * 3000)
    assert all(size(message) <= 2000 for message in messages)
    assert "".join(messages) == "😀" * 3000


def test_an_accent_stays_on_its_letter():
    messages = discord_text("e\u0301" * 1500)
    assert "".join(messages) == "e\u0301" * 1500
    assert not any(message.startswith("\u0301") for message in messages)


def test_bold_text_longer_than_a_message_loses_its_marks_and_no_word():
    words = [f"w{n}" for n in range(900)]
    messages = discord_text(f"**{' '.join(words)}**")
    assert " ".join(messages).split() == words


def test_a_quote_goes_on_as_a_quote_in_the_next_message():
    messages = discord_text("> " + "word " * 900)
    assert len(messages) > 1
    assert all(message.startswith("> word") for message in messages)


def test_a_message_ends_below_a_formula():
    drawn = Drawn(Formula("a"), "```latex\na\n```")
    pieces = pack([paragraph("before"), (drawn,), paragraph("after")], 100)
    assert pieces == [Piece("before", (Formula("a"),), ("```latex\na\n```",)), Piece("after")]


def test_formulas_without_words_between_them_share_a_message():
    first, second = (Drawn(Formula(name), name) for name in "ab")
    assert [piece.formulas for piece in pack([paragraph("x"), (first,), (second,)], 100)] == [
        (Formula("a"), Formula("b"))
    ]


def test_a_formula_that_cannot_be_drawn_always_fits_into_its_message_as_text():
    source = "s" * 60
    pieces = pack([paragraph("a" * 50), (Drawn(Formula("x"), source),)], 100)
    shown = [piece.undrawn(piece.formulas) for piece in pieces]
    assert [piece.text for piece in shown] == ["a" * 50, source]
    assert not any(piece.formulas for piece in shown)


def test_a_drawn_formula_leaves_its_source_out_of_the_text():
    formulas = (Formula("a"), Formula("b"))
    piece = Piece("text", formulas, ("A", "B"))
    assert piece.undrawn([Formula("b")]) == Piece("text\nB", (Formula("a"),), ("A",))


def test_pieces_that_fit_share_a_message_where_pictures_may_stand_between_them():
    pieces = [Piece("a" * 40, (Formula("x"),), ("s" * 9,)), Piece("b" * 40), Piece("c" * 40)]
    assert grouped(pieces, 100) == [(pieces[0], pieces[1]), (pieces[2],)]


def test_a_leaf_of_lines_with_nothing_around_them_is_just_lines():
    assert pack([(Lines(("a", "b")),)], 100) == [Piece("a\nb")]


# --- whatever is written -----------------------------------------------------------------------------------------

WORD = st.integers(0, 10_000).map("w{}".format)
SENTENCE = st.lists(WORD, min_size=1, max_size=60).map(" ".join)
MARKED = st.tuples(SENTENCE, st.sampled_from(["{}", "**{}**", "*{}*", "`{}`", "~~{}~~", "({})", "{} ."])).map(
    lambda pair: pair[1].format(pair[0])
)
TEXT = st.lists(MARKED, min_size=1, max_size=5).map(" ".join)
MARKDOWN_BLOCK = st.one_of(
    TEXT,
    SENTENCE.map("## {}".format),
    TEXT.map("> {}".format),
    st.lists(TEXT, min_size=1, max_size=8).map(lambda items: "\n".join(f"- {item}" for item in items)),
    st.lists(TEXT, min_size=1, max_size=8).map(lambda items: "\n".join(f"{n}. {t}" for n, t in enumerate(items, 1))),
    st.lists(SENTENCE, min_size=1, max_size=20).map(lambda lines: "```python\n" + "\n".join(lines) + "\n```"),
    st.lists(st.tuples(TEXT, WORD).map("| {0[0]} | {0[1]} |".format), min_size=2, max_size=8).map(
        lambda rows: "\n".join([rows[0], "|---|---|", *rows[1:]])
    ),
)  # fmt: skip
MARKDOWN = st.lists(MARKDOWN_BLOCK, min_size=1, max_size=6).map("\n\n".join)
LIMITS = st.sampled_from([700, 1000, 2000])
SHOWN_BY = st.sampled_from([discord_text, slack_text, mrkdwn_text])


@given(MARKDOWN, LIMITS, SHOWN_BY)
@settings(max_examples=60, deadline=None)
def test_no_word_is_lost(markdown, limit, shown_by):
    written = Counter(re.findall(r"w\d+", markdown))
    shown = Counter(re.findall(r"w\d+", "\n".join(shown_by(markdown, limit=limit))))
    assert not written - shown


@given(st.one_of(MARKDOWN, ODD, st.text(max_size=3000)), LIMITS, SHOWN_BY)
@settings(max_examples=120, deadline=None)
def test_no_message_is_too_long_or_leaves_a_fence_open(markdown, limit, shown_by):
    for message in shown_by(markdown, limit=limit):
        assert 0 < size(message) <= limit
        assert fences_are_balanced(message)


@pytest.mark.parametrize("name", HOSTILE)
def test_much_of_one_thing_is_shown_in_messages_too(name):
    messages = discord_text(HOSTILE[name][: LENGTH // 20])
    assert all(size(message) <= 2000 and fences_are_balanced(message) for message in messages)


# --- while an answer is written ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Some wor", "Some wor"),
        ("See [1", "See "),
        ("See [1]", "See [1]"),
        ("See [1][2]", "See [1][2]"),
        ("See [the page](https://exam", "See "),
        ("The **bold", "The "),
        ("The **bold**", "The **bold**"),
        ("The **bold*", "The "),
        ("Call `f(x", "Call "),
        ("With $x_1", "With "),
        ("With $x_1$", "With $x_1$"),
        ("As follows:\n\n$$\na = b\n", "As follows:\n\n"),
        ("As \\(x", "As "),
        ("2 * 3 is", "2 * 3 is"),
        ("a_b is", "a_b is"),
        ("One.\n\n##", "One.\n\n"),
        ("One.\n\n## Two", "One.\n\n## Two"),
        ("- a\n-", "- a\n"),
        ("- a\n- **b", "- a\n- "),
        ("One.\n\n| a | b |", "One.\n\n"),
        ("One.\n\n| a | b |\n|---", "One.\n\n"),
        ("| a | b |\n|---|---|\n| 1 |", "| a | b |\n|---|---|\n"),
        ("One.\n\n```py", "One.\n\n"),
        ("```python\nx = [1", "```python\nx = [1"),
        ("```python\nx = 1\n``", "```python\nx = 1\n"),
        ("a &am", "a "),
    ],
)
def test_nothing_is_shown_half(written, shown):
    assert stable_prefix(written) == shown


def test_an_open_fence_is_closed_for_the_time_being():
    assert discord_preview("Look:\n\n```python\nx = 1") == ["Look:\n```python\nx = 1\n```"]


@given(st.one_of(MARKDOWN, ODD), st.integers(0, 3000))
@settings(max_examples=60, deadline=None)
def test_a_preview_is_never_too_long_or_open(markdown, cut):
    text = markdown[:cut]
    assert text.startswith(stable_prefix(text))
    for message in discord_preview(text):
        assert size(message) <= 2000
        assert fences_are_balanced(message)


ANSWER = """## Attention

Each token **looks at** all others [1], with $d_k$ as `size`.

1. First *scores*:

```python
scores = q @ k.T
```

2. Then softmax [2].

| model | cost |
|---|---|
| RNN | low |

Done."""


@pytest.mark.parametrize("step", [1, 7, 60])
def test_a_stream_that_only_grows_shows_the_whole_answer(step):
    shown = ""
    for end in [*range(step, len(ANSWER), step), len(ANSWER)]:
        shown += slack_growth(shown, ANSWER[:end])
    assert shown == slack_text(ANSWER)[0]


@given(st.one_of(MARKDOWN, ODD), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_a_stream_never_takes_back_what_it_has_shown(markdown, step):
    shown = ""
    for end in range(step, len(markdown[:600]), step):
        grown = slack_growth(shown, markdown[:end])
        assert slack_growth(shown + grown, markdown[:end]) == ""
        shown += grown


def test_a_stream_that_rotates_inside_of_a_fence_closes_and_opens_it():
    assert rotation("Text\n\n```python\nx = 1") == ("\n```", "```python\n")
    assert rotation("Text\n\n```python\nx = 1\n```") == ("", "")


@given(st.one_of(MARKDOWN, ODD))
@settings(max_examples=50, deadline=None)
def test_segments_are_the_text_and_read_the_same_alone(markdown):
    assert "".join(segments(markdown)) == markdown


def test_an_open_fence_is_named_by_what_stands_behind_its_mark():
    assert open_fence("~~~ python title\nx") == "python title"
    assert open_fence("```\nx\n```\n") is None
