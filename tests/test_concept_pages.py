"""How cards, choices, paths and sources read in Slack and Discord, whatever the course's pages hold."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from odd_text import HOSTILE, ODD, squeezed

from bot.messages import Citation
from bot.rendering.answer_parser import tokens
from bot.rendering.chat_text import plain
from bot.rendering.concept_pages import (
    asking_page,
    card_page,
    choices_page,
    map_description,
    path_description,
    path_page,
    sources_page,
)
from bot.rendering.concept_wording import note
from bot.rendering.discord_markdown import discord_text
from bot.rendering.help_page import help_page
from bot.rendering.own_markdown import markdown_escaped, markdown_link, markdown_listing
from bot.rendering.slack_markdown import mrkdwn_text, slack_text
from retrieval.cards import Card, CardExample, CardResource, ConceptName, Neighbour
from retrieval.concepts.lookup import Lookup
from retrieval.concepts.paths import Step
from retrieval.concepts.views import ConceptMap, MapNode

PLATFORMS: dict[str, Callable[[str], list[str]]] = {"slack": slack_text, "mrkdwn": mrkdwn_text, "discord": discord_text}


def on(platform: str, markdown: str) -> str:
    return "\n\n".join(PLATFORMS[platform](markdown))


def read(markdown: str) -> str:
    """The words of a text, as whoever reads it sees them."""
    return "\n".join(plain(token.children or []) for token in tokens(markdown) if token.type == "inline")


def near(title: str, depth: int = 0, kind: str = "") -> Neighbour:
    return Neighbour(title.lower(), title, f"https://example.edu/{title.replace(' ', '-')}", depth, kind)


MEIOSIS = Card(
    id="meiosis",
    title="Meiosis",
    aliases=("reduction division",),
    definition="Meiosis is the division of a germ cell that halves its chromosomes from $2n$ to $n$.",
    definition_url="https://example.edu/meiosis",
    difficulty=3,
    prerequisites=(near("DNA", 2), near("mitosis", 1)),
    leads_to=(near("heredity"),),
    related=(near("mitosis", kind="contrast"), near("cell division", kind="is-a")),
    examples=(CardExample("def divide(cell):\n\n\treturn cell.halved()[0]\n", "https://example.edu/lab#1"),),
    resources=(
        CardResource("web_page", "https://example.edu/division#two", "Cell division", "Meiosis I", 4.2),
        CardResource("video", "https://example.edu/film?t=750", "Film 7", "12:30", 0.2),
    ),
)


def test_a_card_on_discord() -> None:
    assert discord_text(card_page(MEIOSIS)) == [
        "**Meiosis** (also: reduction division)\n"
        "*Builds on 2 concepts · intermediate*\n"
        "\n"
        "Meiosis is the division of a germ cell that halves its chromosomes from 2n to n. "
        "([from the course](<https://example.edu/meiosis>))\n"
        "\n"
        "**You'll want first:** [DNA](<https://example.edu/DNA>), [mitosis](<https://example.edu/mitosis>)\n"
        "**Leads to:** heredity\n"
        "**Related:** a kind of cell division; often contrasted with: mitosis\n"
        "\n"
        "**Where it is taught:**\n"
        "- [Cell division › Meiosis I](<https://example.edu/division#two>) (4 min read)\n"
        "- [Film 7 › 12:30](<https://example.edu/film?t=750>) (1 min video)\n"
        "\n"
        "**Example** ([from the course](<https://example.edu/lab#1>)):\n"
        "```python\n"
        "def divide(cell):\n"
        "\n"
        "    return cell.halved()[0]\n"
        "```"
    ]


def test_a_card_in_slacks_text() -> None:
    [text] = mrkdwn_text(card_page(MEIOSIS))
    assert text.startswith("*Meiosis* (also: reduction division)\n_Builds on 2 concepts · intermediate_\n\nMeiosis is")
    assert "*You'll want first:* <https://example.edu/DNA|DNA>, <https://example.edu/mitosis|mitosis>\n" in text
    assert "• <https://example.edu/division#two|Cell division › Meiosis I> (4 min read)\n" in text
    assert text.endswith("```\ndef divide(cell):\n\n    return cell.halved()[0]\n```")


def test_a_card_in_slacks_blocks() -> None:
    [text] = slack_text(card_page(MEIOSIS))
    assert text.startswith("**Meiosis** (also: reduction division)  \n*Builds on 2 concepts · intermediate*\n\n")
    assert "- [Film 7 › 12:30](https://example.edu/film?t=750) (1 min video)" in text


def test_what_the_course_does_not_say_leaves_no_trace() -> None:
    assert card_page(Card("tort", "Tort")) == "**Tort**"


def test_a_page_without_a_web_address_is_named_and_reads_well_alone() -> None:
    local = "file:///home/teacher/course/a.md"
    card = Card(
        "tort", "Tort", definition="A tort is a civil wrong.", definition_url=local,
        prerequisites=(Neighbour("law", "Law", local, 1),), resources=(CardResource("pdf", local, "Torts", "p. 3", 3),),
        examples=(CardExample("x = 1", "javascript:alert(1)"),),
    )  # fmt: skip
    for platform in PLATFORMS:
        shown = on(platform, card_page(card))
        assert "file:" not in shown
        assert "javascript" not in shown
        assert "A tort is a civil wrong.\n" in shown
        assert "Torts › p. 3 (3 min read, PDF)" in shown
        assert "from the course" not in shown
    assert path_page([Step("law", "Law", local, 2)]) == "1. Law (2 min)"
    assert sources_page("torts", [Citation(1, local, "Torts", "A wrong.")], True).endswith("1. Torts  \n   “A wrong.”")


def test_long_lists_are_cut_and_counted() -> None:
    many = tuple(near(f"step {place}", 30 - place) for place in range(30))
    card = Card("x", "X", prerequisites=many, leads_to=many, resources=(MEIOSIS.resources[0],) * 9)
    shown = on("mrkdwn", card_page(card))
    assert "|step 29> and 25 more" in shown
    assert shown.count("Meiosis I") == 3


@pytest.mark.parametrize(
    "title",
    [
        *(
            "*args and **kwargs**",
            "[x] a_b __init__ `code` ~~old~~",
            "a | b",
            "# heading",
            "1. first",
            "- dash",
            "C++ > C",
        ),
        *(
            "x[1](y)",
            "$O(n)$ costs $5 and $6",
            "\\(x\\) \\[y\\]",
            "AT&T &amp; &#42;",
            "![i](u)",
            "> quote",
            "<T> x < y",
        ),
        *("=== x", "+ plus", "2) second", "| a | b |", "`", "a\\*b", "[^1]", "***"),
    ],
)
def test_a_title_is_shown_as_it_is(title: str) -> None:
    assert read(markdown_escaped(title)) == title
    assert read(f"**{markdown_escaped(title)}**") == title
    assert [token.type for token in tokens(f"- {markdown_escaped(title)}")].count("paragraph_open") == 1


def test_titles_with_marks_stay_literal_on_every_platform() -> None:
    card = Card("x", "snake_case_ *star* `tick`", prerequisites=(Neighbour("y", "*y*", "https://example.edu/", 1),))
    assert on("discord", card_page(card)).startswith("**snake_case\\_ \\*star\\* \\`tick\\`**")
    assert on("slack", card_page(card)).startswith("**snake_case\\_ \\*star\\* \\`tick\\`**")
    assert on("mrkdwn", card_page(card)).startswith("*snake_case_ ∗star∗ ˋtickˋ*")
    assert "[\\*y\\*](<https://example.edu/>)" in on("discord", card_page(card))


@given(ODD)
def test_escaped_text_is_read_as_it_was(text: str) -> None:
    line = " ".join(text.split())
    assert squeezed(read(markdown_escaped(line))) == squeezed(line)


def test_a_link_keeps_its_address() -> None:
    url = "https://example.edu/a_b*c(d)?x=1&copy=2&copy;=3&lt;#$p$"
    shown = on("discord", markdown_link("a ] b", url))
    assert shown == "[a ) b](<https://example.edu/a_b%2Ac%28d%29?x=1&copy=2&copy;=3&lt;#$p$>)"


@pytest.mark.parametrize("code", ["```\n@everyone\n```", "~~~~", "````js\n`", "a\n    ```"])
def test_code_cannot_leave_its_fence(code: str) -> None:
    found = tokens(markdown_listing(code, "python"))
    assert [token.type for token in found] == ["fence"]
    assert found[0].content == f"{code}\n"
    for platform in PLATFORMS:
        shown = on(platform, card_page(Card("x", "X", examples=(CardExample(code, ""),))))
        assert shown.count("```") == 2
        assert "@everyone" not in shown


def test_links_and_mentions_in_the_courses_words_go() -> None:
    bad = "See https://evil.example/x <!channel> @everyone [here](https://evil.example/y) www.evil.example"
    card = Card("x", f"Free {bad}", (bad,), bad, "https://example.edu/", prerequisites=(Neighbour("y", bad, "", 1),))
    page = card_page(card)
    page += path_page([Step("x", bad, "", 0)], [bad]) + sources_page(bad, [Citation(1, "", bad, bad)], True)
    page += choices_page(Lookup("none", None, (ConceptName("x", bad),)), bad)
    for platform in PLATFORMS:
        shown = on(platform, page)
        assert not re.search(r"evil\.example|<!|@everyone", shown)


@given(ODD)
def test_no_text_breaks_a_page(text: str) -> None:
    pages = hostile_pages(text)
    for shown in PLATFORMS.values():
        for page in pages:
            assert all(piece.count("```") % 2 == 0 for piece in shown(page))


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_makes_no_endless_page(kind: str) -> None:
    assert all(len("".join(discord_text(page))) < 12_000 for page in hostile_pages(HOSTILE[kind]))


def hostile_pages(text: str) -> list[str]:
    neighbour = Neighbour(text, text, text, 1, text)
    card = Card(
        text, text, (text,), text, text, 1, (neighbour,), (neighbour,), (neighbour,),
        (CardExample(text, text),), (CardResource(text, text, text, text, 1),),
    )  # fmt: skip
    lookup = Lookup("ambiguous", None, (ConceptName(text, text),))
    return [
        card_page(card, text), choices_page(lookup, text), path_page([Step(text, text, text, 1)], [text]),
        sources_page(text, [Citation(1, text, text, text)], True), help_page(text, text, text),
        asking_page("Which?", "concept", text),
    ]  # fmt: skip


# Around cards


def test_a_typo_is_said_before_the_card() -> None:
    said = note(Lookup("typo", "meiosis"), "me*osis", "Meiosis")
    assert read(card_page(MEIOSIS, said)).startswith("No “me*osis” here; this is “Meiosis”.\nMeiosis (also")


def test_an_ambiguous_name_offers_its_meanings() -> None:
    lookup = Lookup("ambiguous", None, (ConceptName("a", "self-attention"), ConceptName("b", "cross-attention")))
    assert choices_page(lookup, "attention") == (
        "“attention” could mean: self-attention, cross-attention.\n\nWhich one?"
    )


def test_an_unknown_name_is_said_to_be_unknown() -> None:
    assert choices_page(Lookup("none"), "paxos") == "The course has no concept called “paxos”."


def test_a_path_is_numbered_with_links_and_time() -> None:
    steps = [
        Step("dna", "DNA", "https://example.edu/dna", 3.4),
        Step("chromosome", "Chromosome", "https://example.edu/dna", 0),
        Step("meiosis", "Meiosis", "", 0),
    ]
    assert discord_text(path_page(steps, ["", "“Meiosis” does not build on “Algae”."])) == [
        "“Meiosis” does not build on “Algae”.\n"
        "\n"
        "1. [DNA](<https://example.edu/dna>) (3 min)\n"
        "2. [Chromosome](<https://example.edu/dna>) (read with an earlier step)\n"
        "3. Meiosis\n"
        "\n"
        "*3 steps, about 3 min of reading.*"
    ]
    assert path_description(steps) == "Learning path: DNA, then Chromosome, then Meiosis."


PLACES = [
    Citation(1, "https://example.edu/heap", "Heaps › Inserting", "The key rises past every larger parent."),
    Citation(2, "https://example.edu/notes", "Q&A (notes)", ""),
]


def test_sources_are_numbered_with_a_line_of_each() -> None:
    assert discord_text(sources_page("how do I insert?", PLACES, covered=True)) == [
        "Where the course has something on “how do I insert?”:\n"
        "1. [Heaps › Inserting](<https://example.edu/heap>)\n"
        "   “The key rises past every larger parent.”\n"
        "2. [Q&A (notes)](<https://example.edu/notes>)"
    ]


def test_sources_say_what_the_course_does_not_cover() -> None:
    shown = on("mrkdwn", sources_page("who won?", PLACES, covered=False))
    assert shown.startswith("The course material does not seem to cover this.\n\nClosest I have:\n1. <https://")
    assert sources_page("who won?", [], covered=False) == "The course material does not seem to cover this."


def test_a_picture_is_described_in_one_sentence() -> None:
    nodes = [MapNode("m", "Meiosis", 1, "focus"), MapNode("h", "heredity", 2, "leads_to")]
    nodes += [MapNode(str(place), f"step {place}", 0, "prerequisite") for place in range(7)]
    assert map_description(ConceptMap("Meiosis", tuple(nodes))) == (
        "Concept map of Meiosis: builds on step 0, step 1, step 2, step 3, step 4 and 2 more; leads to heredity."
    )


@pytest.mark.parametrize("platform", PLATFORMS)
def test_help_says_what_there_is(platform: str) -> None:
    shown = on(platform, help_page("Biology *101*", "meiosis"))
    for said in (
        "/ask",
        "/concept meiosis",
        "/path",
        "/sources",
        "/help",
        "threads",
        "Privacy",
        "Ask Erica about this",
    ):
        assert said in shown
    assert len(PLATFORMS[platform](help_page("Biology", "meiosis"))) == 1, "one message"
    assert "no mention, and direct" in shown
    assert "Mention me in follow-ups too" in on(platform, help_page("Biology", "meiosis", follow_ups=False))
