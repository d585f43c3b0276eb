"""How concepts, choices and learning paths read at the console, and their JSON."""

import json
from collections.abc import Sequence
from datetime import date
from io import StringIO

import pytest
from hypothesis import given
from odd_text import HOSTILE, ODD
from rich.console import Console, RenderableType

from bot.rendering.concept_reports import (
    choices_text,
    concept_card,
    concept_json,
    graph_json,
    lookup_note,
    path_json,
    path_text,
)
from retrieval.cards import Card, CardExample, CardResource, ConceptName, Neighbour
from retrieval.concepts.lookup import Lookup
from retrieval.concepts.paths import Step
from retrieval.graph import Concept, ConceptGraph, Edge, Evidence, Example, Resource

LONG = "https://example.edu/biology/lectures/cell-division/a/page/with/a/very/long/address/indeed#meiosis-one"


def printed(shown: RenderableType, terminal: bool = False) -> str:
    console = Console(file=StringIO(), width=80, force_terminal=terminal, color_system="standard" if terminal else None)
    console.print(shown, soft_wrap=True)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def near(title: str, depth: int = 0, kind: str = "") -> Neighbour:
    return Neighbour(title.lower(), title, f"https://example.edu/{title.replace(' ', '-')}", depth, kind)


MEIOSIS = Card(
    id="meiosis",
    title="Meiosis",
    aliases=("reduction division",),
    definition="Meiosis is the division of a germ cell that halves its chromosomes from $2n$ to $n$, in two rounds.",
    definition_url=LONG,
    difficulty=3,
    prerequisites=(near("DNA", 2), near("chromosome", 1), near("mitosis", 1)),
    leads_to=(near("recombination", 1), near("heredity", 1)),
    related=(
        near("mitosis", kind="contrast"),
        near("cell division", kind="is-a"),
        near("oogenesis", kind="kinds"),
        near("spermatogenesis", kind="kinds"),
        near("sexual reproduction", kind="part-of"),
        near("crossing-over", kind="parts"),
        near("budding", kind="sibling"),
    ),
    examples=(CardExample("def divide(cell):\n\n\treturn cell.halved()[0]\n", "https://example.edu/lab#1"),),
    resources=(
        CardResource("web_page", "https://example.edu/division#two", "Cell division", "Meiosis I", 4.2, (7,)),
        CardResource("video", "https://example.edu/film?t=750", "Film 7", "12:30", 0.2),
    ),
)


def test_a_card_reads_like_a_summary_by_a_teacher() -> None:
    assert printed(concept_card(MEIOSIS)) == (
        "Meiosis (also: reduction division)\n"
        "Builds on 3 concepts · intermediate\n"
        "\n"
        "Meiosis is the division of a germ cell that halves its chromosomes from 2n to n,\n"
        "in two rounds.\n"
        f"{LONG}\n"
        "\n"
        "You'll want first: DNA, chromosome, mitosis\n"
        "Leads to: recombination, heredity\n"
        "Related: a kind of cell division; kinds of it: oogenesis, spermatogenesis; part\n"
        "of sexual reproduction; has parts: crossing-over; often contrasted with:\n"
        "mitosis; similar: budding\n"
        "\n"
        "Where it is taught\n"
        "  Cell division › Meiosis I (4 min read)\n"
        "    https://example.edu/division#two\n"
        "  Film 7 › 12:30 (1 min video)\n"
        "    https://example.edu/film?t=750\n"
        "\n"
        "Example\n"
        "    def divide(cell):\n"
        "\n"
        "        return cell.halved()[0]\n"
        "    https://example.edu/lab#1\n"
    )


def test_what_the_course_does_not_say_leaves_no_trace() -> None:
    assert printed(concept_card(Card("tort", "Tort"))) == "Tort\n"


def test_a_definition_without_a_link_and_a_place_without_a_title_are_shown_alone() -> None:
    card = Card("tort", "Tort", definition="A tort is a civil wrong.", resources=(CardResource("pdf", "", "", "", 3),))
    assert printed(concept_card(card)) == (
        "Tort\n\nA tort is a civil wrong.\n\nWhere it is taught\n  3 min read, PDF\n"
    )


def test_names_lead_to_their_pages_on_a_terminal() -> None:
    shown = printed(concept_card(MEIOSIS), terminal=True)
    assert ";https://example.edu/chromosome\x1b\\chromosome" in shown
    assert f";{LONG}\x1b\\" in shown


def test_code_is_coloured_on_a_terminal_only() -> None:
    assert "def divide" in printed(concept_card(MEIOSIS))
    assert "def divide" not in printed(concept_card(MEIOSIS), terminal=True)


def test_long_lists_are_cut_and_counted_nearest_first() -> None:
    many = tuple(near(f"step {place}", 30 - place) for place in range(30))
    card = Card("x", "X", prerequisites=many, leads_to=(), resources=(MEIOSIS.resources[0],) * 9)
    shown = " ".join(printed(concept_card(card)).split())
    assert "You'll want first: step 22, step 23, step 24, step 25, step 26, step 27, step 28, step 29 and 22" in shown
    assert shown.count("Meiosis I") == 3
    assert "Builds on 30 concepts ·" in shown


def test_a_long_example_is_cut() -> None:
    code = "\n".join([f"x{line} = {line}" for line in range(40)] + ["y" * 10_000])
    shown = printed(concept_card(Card("x", "X", examples=(CardExample(code, ""),))))
    assert "    x14 = 14\n    … 26 more lines\n" in shown
    assert max(map(len, shown.splitlines())) < 140


HOSTILE_NAME = "[bold red]x[/] [link=https://evil.example]y[/link] \x1b[31m\x9b2J\u202e\nz [/nothing]"


def all_hostile(text: str) -> Card:
    neighbour = Neighbour(text, text, text, 1, text)
    return Card(
        text,
        text,
        (text, text),
        text,
        text,
        99,
        (neighbour,),
        (neighbour,),
        (neighbour,),
        (CardExample(text, text),),
        (CardResource(text, text, text, text, 2),),
    )


def test_markup_is_shown_as_it_is_and_control_characters_are_not() -> None:
    shown = printed(concept_card(all_hostile(HOSTILE_NAME)))
    assert shown.startswith("[bold red]x[/] [link=https://evil.example]y[/link] [31m2J z [/nothing] (also:\n")
    assert not {"\x1b", "\x9b", "\u202e"} & set(shown)


@given(ODD)
def test_no_text_breaks_a_card(text: str) -> None:
    printed(concept_card(all_hostile(text)))
    printed(path_text([Step(text, text, text, 1)], text))
    printed(choices_text(Lookup("none", None, (ConceptName(text, text),)), text))


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_makes_no_endless_card(kind: str) -> None:
    card = all_hostile(HOSTILE[kind])
    assert "introductory" not in printed(concept_card(card)).lower()
    assert len(printed(concept_card(card))) < 10_000


def test_a_link_cannot_leave_its_escape_sequence() -> None:
    card = Card("x", "X", leads_to=(Neighbour("y", "Y", "https://e.edu/\x1b\\\x1b]0;owned\x07 z"),))
    shown = printed(concept_card(card), terminal=True)
    assert "\x1b]0;" not in shown
    assert "\x07" not in shown


def test_an_ambiguous_name_offers_its_meanings() -> None:
    lookup = Lookup("ambiguous", None, (ConceptName("a", "self-attention"), ConceptName("b", "cross-attention")))
    assert choices_text(lookup, "attention").plain == (
        "“attention” could mean: self-attention, cross-attention.\nWhich one?"
    )


def test_an_unknown_name_is_said_to_be_unknown() -> None:
    none = Lookup("none", None, (ConceptName("a", "meiosis"),))
    assert choices_text(none, "mitosis").plain == "The course has no concept called “mitosis”. Nearest: meiosis."
    assert choices_text(Lookup("none"), "paxos").plain == "The course has no concept called “paxos”."
    assert choices_text(Lookup("none"), " \x00").plain.startswith("Which concept?")


def test_a_card_that_was_not_quite_asked_for_says_so() -> None:
    assert lookup_note(Lookup("exact", "m"), "meiosis", "Meiosis").plain == ""
    assert lookup_note(Lookup("typo", "m"), "meitosis", "Meiosis").plain == "No “meitosis” here; this is “Meiosis”."
    lookup = Lookup("nearest", "m", (ConceptName("d", "cell division"),))
    assert lookup_note(lookup, "halving", "Meiosis").plain == (
        "The course has no concept called “halving”. The nearest in meaning is “Meiosis”. Also near: cell division."
    )


STEPS = (
    Step("dna", "DNA", "https://example.edu/dna", 3.4),
    Step("chromosome", "Chromosome", "https://example.edu/dna", 0),
    Step("mitosis", "Mitosis", "", 0),
    Step("meiosis", "Meiosis", LONG, 61),
)


def test_a_path_is_numbered_with_links_and_time() -> None:
    assert printed(path_text(STEPS, "“Meiosis” does not build on “Algae”.")) == (
        "“Meiosis” does not build on “Algae”.\n"
        "\n"
        "1. DNA (3 min)\n"
        "   https://example.edu/dna\n"
        "2. Chromosome (read with an earlier step)\n"
        "   https://example.edu/dna\n"
        "3. Mitosis\n"
        "4. Meiosis (61 min)\n"
        f"   {LONG}\n"
        "\n"
        "4 steps, about 1 h 4 min of reading.\n"
    )


@pytest.mark.parametrize(
    ("steps", "note", "lines"),
    [
        (STEPS[:1], "", ["1. DNA (3 min)", "   https://example.edu/dna"]),
        ((), "The course has no concept “x”.", ["The course has no concept “x”."]),
        ((), "", []),
    ],
)
def test_a_short_path_says_no_more_than_there_is(steps: Sequence[Step], note: str, lines: list[str]) -> None:
    assert printed(path_text(steps, note)).splitlines() == lines


# For machines


def test_a_card_as_json_has_the_stable_form() -> None:
    told = concept_json(Lookup("typo", "meiosis"), MEIOSIS)
    assert list(told) == ["match", "card", "choices"]
    assert (told["match"], told["choices"]) == ("typo", [])
    card = told["card"]
    assert list(card) == [
        *("id", "title", "aliases", "definition", "definition_url", "difficulty"),
        *("prerequisites", "leads_to", "related", "examples", "resources"),
    ]
    assert card["aliases"] == ["reduction division"]
    assert card["prerequisites"][0] == {"id": "dna", "title": "DNA", "url": "https://example.edu/DNA", "depth": 2}
    assert card["leads_to"][0]["depth"] == 1
    assert card["related"][2] == {
        "id": "oogenesis",
        "title": "oogenesis",
        "url": "https://example.edu/oogenesis",
        "kind": "kinds",
    }
    assert card["examples"] == [{"code": MEIOSIS.examples[0].code, "url": "https://example.edu/lab#1"}]
    assert card["resources"][0] == {
        "type": "web_page",
        "url": "https://example.edu/division#two",
        "title": "Cell division",
        "span": "Meiosis I",
        "minutes": 4.2,
    }
    assert json.loads(json.dumps(told)) == told


def test_choices_as_json_have_no_card() -> None:
    lookup = Lookup("ambiguous", None, (ConceptName("a", "A", ("alias",), 0.5),))
    assert concept_json(lookup, None) == {"match": "ambiguous", "card": None, "choices": [{"id": "a", "title": "A"}]}


def test_a_path_as_json() -> None:
    step = {"id": "dna", "title": "DNA", "url": "https://example.edu/dna", "minutes": 3.4}
    assert path_json(STEPS[:1]) == {"steps": [step]}
    assert path_json((), "no way") == {"steps": [], "note": "no way"}


def test_the_graph_as_json_has_the_stable_form() -> None:
    held_back = date(2030, 1, 1)
    evidence = Evidence("https://example.edu/1", "Meiosis builds on mitosis.", held_back)
    graph = ConceptGraph(
        (Concept("a", "A", ("b",), "A is a letter.", evidence, 2, 0.5),),
        (Resource("r", "pdf", "https://example.edu/r.pdf#page=3", "r.pdf", "R", "page 3", (1,), 2.0, held_back),),
        (Example("e", "x = 1", "https://example.edu/e", held_back),),
        (
            Edge("a", "c", "prereq_of", "", 0.123456, evidence),
            Edge("a", "c", "near_transfer", "part-of"),
        ),
    )
    assert graph_json(graph) == {
        "concepts": [{"id": "a", "title": "A", "aliases": ["b"], "definition": "A is a letter.", "difficulty": 2}],
        "resources": [
            {
                "id": "r",
                "type": "pdf",
                "url": "https://example.edu/r.pdf#page=3",
                "path": "r.pdf",
                "title": "R",
                "span": "page 3",
            }
        ],
        "examples": [{"id": "e", "code": "x = 1", "url": "https://example.edu/e"}],
        "edges": [
            {
                "source": "a",
                "target": "c",
                "type": "prereq_of",
                "kind": "",
                "confidence": 0.1235,
                "evidence": {"url": "https://example.edu/1", "sentence": "Meiosis builds on mitosis."},
            },
            {
                "source": "a",
                "target": "c",
                "type": "near_transfer",
                "kind": "part-of",
                "confidence": 1.0,
                "evidence": None,
            },
        ],
    }
    assert graph_json(ConceptGraph()) == {"concepts": [], "resources": [], "examples": [], "edges": []}
