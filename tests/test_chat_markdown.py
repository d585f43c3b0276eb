"""What an answer's Markdown looks like in Slack and in Discord, and what must never get there."""

import re

import pytest
from hostile_text import HOSTILE_WORDS, TOKENS
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.messages import Answer, Citation, WantedFirst
from bot.rendering.discord_markdown import discord_pieces, discord_text
from bot.rendering.slack_markdown import mrkdwn_pieces, mrkdwn_text, slack_pieces, slack_text

PAGE = Citation(1, "https://example.edu/ai/attention.html#self", "Attention › Self-attention", "A quote.")
FILE = Citation(2, "file:///home/prof/rnn.md", "RNNs (notes)", "A quote.")
CITED = (PAGE, FILE)


def discord(markdown: str) -> str:
    return "\n---\n".join(discord_text(markdown, CITED))


def slack(markdown: str) -> str:
    return "\n---\n".join(slack_text(markdown, CITED))


def mrkdwn(markdown: str) -> str:
    return "\n---\n".join(mrkdwn_text(markdown, CITED))


# --- the three ways of writing -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markdown", "in_discord", "in_slack", "in_mrkdwn"),
    [
        ("**bold** *it* ~~no~~", "**bold** *it* ~~no~~", "**bold** *it* ~~no~~", "*bold* _it_ ~no~"),
        ("__bold words__ and _it_", "**bold words** and *it*", "**bold words** and *it*", "*bold words* and _it_"),
        ("***both***", "***both***", "***both***", "_*both*_"),
        ("`a < b`", "`a < b`", "`a < b`", "`a &lt; b`"),
        ("a < b & c > d", "a < b & c > d", "a &lt; b & c &gt; d", "a &lt; b &amp; c &gt; d"),
        ("- one\n- two\n  - three", "- one\n- two\n  - three", "- one\n- two\n  - three", "• one\n• two\n  • three"),
        ("3. three\n4. four", "3. three\n4. four", "3. three\n4. four", "3. three\n4. four"),
        ("- [ ] to do\n- [x] done", "- ☐ to do\n- ☑ done", "- ☐ to do\n- ☑ done", "• ☐ to do\n• ☑ done"),
        ("# One\n\ntext", "# One\ntext", "# One\n\ntext", "*One*\ntext"),
        ("#### Four **bold**", "**Four bold**", "#### Four **bold**", "*Four bold*"),
        ("So:\n\n- one\n\nSo:\n\ntwo", "So:\n- one\n\nSo:\n\ntwo", "So:\n\n- one\n\nSo:\n\ntwo",
         "So:\n• one\n\nSo:\n\ntwo"),
        ("> quoted\n>\n> more", "> quoted\n> \n> more", "> quoted\n> \n> more", "> quoted\n> \n> more"),
        ("one  \ntwo", "one\ntwo", "one  \ntwo", "one\ntwo"),
        ("![a picture](https://example.edu/x.png)", "a picture", "a picture", "a picture"),
        ("```python\nif a < b: pass\n```", "```python\nif a < b: pass\n```", "```python\nif a < b: pass\n```",
         "```\nif a &lt; b: pass\n```"),
        ("[page](https://example.edu/a_(b)?x=1&y=2)", "[page](<https://example.edu/a_%28b%29?x=1&y=2>)",
         "[page](https://example.edu/a_%28b%29?x=1&y=2)", "<https://example.edu/a_%28b%29?x=1&amp;y=2|page>"),
        ("See [1].", "See [[1]](<https://example.edu/ai/attention.html#self>).",
         "See [[1]](https://example.edu/ai/attention.html#self).",
         "See <https://example.edu/ai/attention.html#self|[1]>."),
        ("See [2].", "See [2].", "See [2].", "See [2]."),
    ],
)  # fmt: skip
def test_each_platform_is_spoken_to_in_its_own_dialect(markdown, in_discord, in_slack, in_mrkdwn):
    assert discord(markdown) == in_discord
    assert slack(markdown) == in_slack
    assert mrkdwn(markdown) == in_mrkdwn


@pytest.mark.parametrize(
    ("markdown", "in_discord", "in_slack"),
    [
        ("2\\*3\\*4 and 2*3*4", "2\\*3\\*4 and 2\\*3\\*4", "2\\*3\\*4 and 2\\*3\\*4"),
        ("snake_case and __init__", "snake_case and \\_\\_init\\_\\_", "snake_case and \\_\\_init\\_\\_"),
        ("the norm ||x||", "the norm \\|\\|x\\|\\|", "the norm ||x||"),
        ("the norm $||x||$", "the norm \\|\\|x\\|\\|", "the norm ||x||"),
        ("\\# no heading", "\\# no heading", "\\# no heading"),
        ("1\\. no list", "1\\. no list", "1\\. no list"),
        ("\\- no list", "\\- no list", "\\- no list"),
        ("a &amp;lt; b", "a &lt; b", "a &amp;lt; b"),
        ("[a](b)", "a", "a"),
        ("[2](https://example.edu)", "[2]\u200b(https://example.edu)", "[2]\u200b(https://example.edu)"),
        ("Wow![1]", "Wow!\u200b[[1]](<https://example.edu/ai/attention.html#self>)",
         "Wow!\u200b[[1]](https://example.edu/ai/attention.html#self)"),
        ("~~~\na ``` b\n~~~", "```\na `\u200b`\u200b` b\n```", "```\na `\u200b`\u200b` b\n```"),
        ("`` a`b ``", "`` a`b ``", "`` a`b ``"),
    ],
)  # fmt: skip
def test_what_was_meant_as_text_stays_text(markdown, in_discord, in_slack):
    assert discord(markdown) == in_discord
    assert slack(markdown) == in_slack


def test_numbers_that_index_something_are_not_citations():
    assert discord("`x[1]`, x[1] and a list is [1]") == "`x[1]`, x[1] and a list is [1]"


def test_a_table_becomes_aligned_code_where_there_are_no_tables_and_its_citations_stand_below():
    table = "| Model | Cost |\n|---|--:|\n| RNN | $O(n)$ |\n| 注意力 | **low** [1] |"
    aligned = "```\nModel   Cost\n──────  ───────\nRNN     O(n)\n注意力  low [1]\n```\n"
    assert discord(table) == f"{aligned}[[1]](<https://example.edu/ai/attention.html#self>)"
    assert mrkdwn(table) == f"{aligned}<https://example.edu/ai/attention.html#self|[1]>"
    assert slack(table).split("\n")[-1] == "| 注意力 | **low** [[1]](https://example.edu/ai/attention.html#self) |"


def test_a_table_that_is_too_wide_for_columns_becomes_a_list():
    table = f"| Model | Why |\n|---|---|\n| RNN | {'word ' * 20}[1] |"
    assert discord(table).startswith("- Model: RNN · Why: word word")
    assert discord(table).endswith("word [[1]](<https://example.edu/ai/attention.html#self>)")


def test_lines_that_a_page_wraps_run_on_and_lines_that_a_model_breaks_stay():
    wrapped = "This line of a page was wrapped at some eighty columns and so it\ngoes on here."
    assert discord(wrapped) == wrapped.replace("\n", " ")
    assert discord("Given: a list\nWanted: its length") == "Given: a list\nWanted: its length"


def test_code_in_a_list_stands_at_the_margin_and_the_list_goes_on():
    shown = discord("1. First:\n   ```python\n   x = 1\n   ```\n   then.\n2. Second")
    assert shown == "1. First:\n```python\nx = 1\n```\nthen.\n2. Second"


def test_a_citation_behind_a_formula_stays_with_the_text_before_it():
    pieces = discord_pieces(Answer("answered", "It is $$\\binom{n}{k}$$ [2].", CITED))
    assert pieces[0].text == "It is [2]"


# --- the end of an answer ----------------------------------------------------------------------------------------

ANSWER = Answer(
    "answered",
    "It looks at all others [1], unlike RNNs [2].",
    CITED,
    prerequisites=(
        WantedFirst("softmax", "Softmax", "https://example.edu/ai/softmax.html"),
        WantedFirst("dot", "Dot product", "file:///home/prof/dot.md"),
    ),
)


def test_an_answer_ends_with_what_one_should_know_first_and_its_sources():
    (piece,) = discord_pieces(ANSWER)
    assert piece.text.split("\n\n")[1:] == [
        "**You'll want first:** [Softmax](<https://example.edu/ai/softmax.html>) · Dot product",
        "-# **Sources**\n"
        "-# [[1] Attention › Self-attention](<https://example.edu/ai/attention.html#self>)\n"
        "-# [2] RNNs (notes)",
    ]
    assert slack_pieces(ANSWER)[0].text.endswith(
        "**Sources**  \n"  # a single line end is no line break in standard Markdown
        "[[1] Attention › Self-attention](https://example.edu/ai/attention.html#self)  \n"
        "[2] RNNs (notes)"
    )
    assert mrkdwn_pieces(ANSWER)[0].text.endswith(
        "*Sources*\n<https://example.edu/ai/attention.html#self|[1] Attention › Self-attention>\n[2] RNNs (notes)"
    )


def test_no_link_leads_to_a_file():
    for pieces in (discord_pieces(ANSWER), slack_pieces(ANSWER), mrkdwn_pieces(ANSWER)):
        assert not any("file:" in piece.text for piece in pieces)


def test_the_nearest_pages_are_not_listed_twice():
    answer = Answer("abstained", "I would rather not guess.\n\nClosest I have:\n- Attention [1]", (PAGE,))
    assert discord_pieces(answer)[0].text.count("example.edu") == 1


def test_a_long_title_is_cut_and_still_says_that_it_is_from_notes():
    citation = Citation(1, "https://example.edu/n", "word " * 60 + "(notes)", "")
    assert discord_pieces(Answer("answered", "x [1]", (citation,)))[0].text.endswith(
        "… (notes)](<https://example.edu/n>)"
    )


@pytest.mark.parametrize(
    "title", ["[click](https://evil.example)", "**bold** `x` ||s||", "a\n# b", "<@123> @everyone", "](x"]
)
def test_titles_cannot_inject_markdown(title):
    answer = Answer("answered", "x [1]", (Citation(1, "https://example.edu/n", title, ""),))
    last = discord_pieces(answer)[0].text.split("\n")[-1]
    assert re.fullmatch(r"-# \[\[1\] [^\[\]]*\]\(<https://example\.edu/n>\)", last)
    assert not re.search(r"(?<!\\)[*`|]|<@\d|@everyone", last)


# --- what must never be shown ------------------------------------------------------------------------------------

SLACK_MENTIONS = [r"<!(?:here|channel|everyone|subteam)", r"<@\w", r"<#\w", r"@(?:everyone|here|channel)\b"]
DISCORD_MENTIONS = [r"@(?:everyone|here)", r"<@[!&]?\w", r"<#\w", r"<a?:\w+:\d", r"</\w+:\d", r"<t:\d"]
MENTION_PARTS = st.sampled_from(
    ["<", "@", "!", "&", "#", ">", "|", "everyone", "here", "channel", "subteam^S1", "U123", "123", "C1", ":a:1", "t:1",
     "/x:1", "\u200b", "\u2060", "\\", "*", "**", "`", "```\n", "\n", " ", "[1]", "&lt;", "&#64;", "$", "~~", "_",
     "a" * 299, "| a |\n|---|\n", "> ", "- "]
)  # fmt: skip
MENTIONS_WRITTEN = st.lists(MENTION_PARTS, max_size=30).map("".join)


def mentions(patterns: list[str], messages: list[str]) -> list[str]:
    return [pattern for pattern in patterns for message in messages if re.search(pattern, message, re.IGNORECASE)]


@given(MENTIONS_WRITTEN)
@settings(max_examples=300, deadline=None)
def test_nobody_is_mentioned_whatever_is_written(markdown):
    assert not mentions(DISCORD_MENTIONS, discord_text(markdown, CITED))
    assert not mentions(SLACK_MENTIONS, [*slack_text(markdown, CITED), *mrkdwn_text(markdown, CITED)])


@pytest.mark.parametrize("word", HOSTILE_WORDS)
def test_what_students_and_pages_try_mentions_nobody(word):
    for markdown in (
        word,
        f"`{word}`",
        f"```\n{word}\n```",
        f"| {word} |\n|---|\n| {word} |",
        f"# {word}",
        f"**{word}**",
    ):
        assert not mentions(DISCORD_MENTIONS, discord_text(markdown))
        assert not mentions(SLACK_MENTIONS, [*slack_text(markdown), *mrkdwn_text(markdown)])
    answer = Answer("answered", "x [1]", (Citation(1, f"https://example.edu/{word}", word, word),),
                    prerequisites=(WantedFirst("x", word, word),))  # fmt: skip
    assert not mentions(DISCORD_MENTIONS, [piece.text for piece in discord_pieces(answer)])
    assert not mentions(
        SLACK_MENTIONS, [piece.text for make in (slack_pieces, mrkdwn_pieces) for piece in make(answer)]
    )


@given(st.lists(st.sampled_from(TOKENS), max_size=40).map("".join))
@settings(max_examples=200, deadline=None)
def test_slack_text_has_no_double_stars_and_nothing_in_angles_but_links(markdown):
    for message in mrkdwn_text(markdown, CITED):
        prose = re.sub(r"```.*?```|`[^`\n]*`", "", message, flags=re.DOTALL)
        assert "**" not in prose
        assert all(re.match(r"<https?://[^\s<>|]+\|", message[at.start() :]) for at in re.finditer("<", message))


@given(
    st.lists(st.sampled_from([*(token for token in TOKENS if "(" not in token), "word [1] "]), max_size=40).map("".join)
)
@settings(max_examples=200, deadline=None)
def test_links_lead_to_what_was_cited_and_nowhere_else(markdown):
    for message in discord_text(markdown, (PAGE,)):
        prose = re.sub(r"```.*?```|`[^`\n]*`", "", message, flags=re.DOTALL)
        assert set(re.findall(r"\]\(<?([^>)]*)", prose)) <= {PAGE.url}


CITING = st.sampled_from(
    ["word [1]", "Word. [1] ", "**bold** [1], ", "- item [1]\n", "> quote [1]\n\n", "$x$ [1] ", "\n\n", "`code` [1]; ",
     "## Head [1]\n\n", "(see [1]) ", "“a” [1][1] "]
)  # fmt: skip


@given(st.lists(CITING, max_size=20))
@settings(max_examples=100, deadline=None)
def test_no_number_is_left_dangling(parts):
    markdown = "".join(parts)
    message = "\n".join(discord_text(markdown, (PAGE,)))
    assert message.count("[1]") == message.count(f"[[1]](<{PAGE.url}>)") == markdown.count("[1]")
    message = "\n".join(mrkdwn_text(markdown, (PAGE,)))
    assert message.count("[1]") == message.count(f"<{PAGE.url}|[1]>") == markdown.count("[1]")
