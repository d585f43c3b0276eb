"""Slash commands and buttons on real indexes: the demo course, and a small one with odd names and no web address."""

import asyncio
import logging
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from fakes import SilentProgress, retriever_of
from hypothesis import given, settings
from matplotlib.image import imread
from odd_text import ODD

from bot.commands import LONGEST_ARGUMENT, Commands
from bot.conversation import demo_course
from bot.course import Course, load_course
from bot.errors import RetrievalFailed, TooLong
from bot.messages import Choice, Page
from bot.rendering import concept_map
from bot.rendering.discord_markdown import discord_text
from bot.rendering.slack_markdown import mrkdwn_text, slack_text
from retrieval.adapters.bm25 import Bm25Encoder
from retrieval.adapters.file_edit_log import FileEditLog
from retrieval.adapters.qdrant_edge import EdgeIndexStore
from retrieval.edits import Edit, EditAction
from retrieval.ingest import Material, ingest
from retrieval.results import Options
from retrieval.retriever import LONGEST_QUESTION

ODD_PAGES = {
    "gels.md": """# Separating DNA

**Gel electrophoresis** is a method that separates DNA by its length in a gel. Gel electrophoresis takes an hour.

## Capillary electrophoresis

**Capillary electrophoresis** is a method that separates DNA in a thin tube. Capillary electrophoresis takes minutes.

## Polymerase chain reaction

The **polymerase chain reaction (PCR)** is a way to copy DNA. See [marks](https://evil.example/a).
""",
    "cloning.md": """# Cloning

## DNA ligase

**DNA ligase** is a protein that joins two pieces of DNA. DNA ligase needs energy.

## Cloning vector

A **cloning vector** is a small DNA that carries a foreign piece into a cell. DNA ligase closes a cloning vector.

## Plasmid

A **plasmid** is a ring of DNA in a bacterium. A plasmid is copied with the cell.

## Promoter

A **promoter** is a stretch of DNA where copying into RNA begins. A promoter comes before its gene.

## Restriction enzyme

A **restriction enzyme** is a protein that cuts DNA. Bacteria make a restriction enzyme.
""",
    "wolves.md": """# Lone wolves

A **lone wolf** is an animal without a pack. The lone wolf *walks* `far_away` [x] <!channel>.
""",
}
EDITS: tuple[tuple[EditAction, str, str], ...] = (
    ("rename", "plasmid", "*loud* `ring_x` [y]"),
    ("rename", "restriction enzyme", "wild type > mutant"),
    ("rename", "promoter", "RNA to protein"),
    ("add_prerequisite", "cloning vector", "DNA ligase"),
    ("add_prerequisite", "cloning vector", "*loud* `ring_x` [y]"),
)
ODD_COURSE = """[course]
id = "odd"
title = "Cloning *DNA*"

[[sources]]
path = "pages"
"""


def indexed(course: Course, folder: Path) -> EdgeIndexStore:
    store = EdgeIndexStore(folder / "index")
    asyncio.run(ingest(Material(course.id, course.sources, course.root), store, Bm25Encoder(), None, SilentProgress()))
    return store


def commands_on(course: Course, store: EdgeIndexStore, folder: Path, options: Options = Options()) -> Commands:
    retriever = retriever_of(store, lambda _: None, lambda: date(2026, 10, 1), folder / "edits.jsonl")
    return Commands(course, retriever, options)


@pytest.fixture(scope="module")
def demo_index(tmp_path_factory: pytest.TempPathFactory) -> tuple[Course, EdgeIndexStore, Path]:
    folder = tmp_path_factory.mktemp("demo")
    course = load_course(demo_course())
    return course, indexed(course, folder), folder


@pytest.fixture
def demo(demo_index: tuple[Course, EdgeIndexStore, Path]) -> Commands:
    return commands_on(*demo_index)


@pytest.fixture(scope="module")
def odd_index(tmp_path_factory: pytest.TempPathFactory) -> tuple[Course, EdgeIndexStore, Path]:
    folder = tmp_path_factory.mktemp("odd")
    (folder / "pages").mkdir()
    for name, text in ODD_PAGES.items():
        (folder / "pages" / name).write_text(text)
    (folder / "course.toml").write_text(ODD_COURSE)
    course = load_course(folder / "course.toml")
    log = FileEditLog(folder / "edits.jsonl")
    for action, concept, other in EDITS:
        asyncio.run(log.append(Edit(action, concept, other, "ta", "2026-10-01T00:00:00+00:00")))
    return course, indexed(course, folder), folder


@pytest.fixture
def odd(odd_index: tuple[Course, EdgeIndexStore, Path]) -> Commands:
    return commands_on(*odd_index)


def labels(page: Page, command: str = "concept") -> list[str]:
    return [choice.label for choice in page.choices if choice.command == command]


def said(page: Page) -> str:
    """What is read on Slack, after checking what holds for every page on every platform."""
    for shown in (slack_text(page.text), discord_text(page.text), mrkdwn_text(page.text)):
        assert "".join(shown).strip()
        assert "file:" not in "".join(shown)
        assert "evil" not in "".join(shown)
    assert len({(choice.command, choice.argument) for choice in page.choices}) == len(page.choices) <= 25
    assert all(0 < len(choice.argument) <= LONGEST_ARGUMENT and 0 < len(choice.label) <= 65 for choice in page.choices)
    return "\n\n".join(mrkdwn_text(page.text))


# Concepts


async def test_a_concept_is_a_card_a_picture_and_ways_on(demo: Commands) -> None:
    page = await demo.run("concept", "attention")
    text = said(page)
    assert text.startswith("*attention*\n_Builds on")
    assert "weighted average" in text
    assert "<https://example.edu/demo/attention.md|" in text
    assert page.picture is not None
    assert page.picture.name == "attention.png"
    assert imread(BytesIO(page.picture.png), format="png").shape[1] <= 800
    assert page.picture.description.startswith("Concept map of attention: builds on ")
    assert page.picture.description.endswith(".")
    back = [label for label in labels(page) if label.startswith("← ")]
    assert len(back) == 4
    assert 1 <= sum(label.endswith((" →", " ↔")) for label in labels(page)) <= 3
    assert page.choices[-1] == Choice("Show the path", "path", "attention")


async def test_every_way_on_leads_to_the_concept_it_names(demo: Commands) -> None:
    for choice in (await demo.run("concept", "LSTM")).choices[:-1]:
        page = await demo.run(choice.command, choice.argument)
        assert said(page).lower().startswith(f"*{choice.argument.lower()}*")
        assert choice.argument in choice.label


async def test_a_typo_is_said_first(demo: Commands) -> None:
    page = await demo.run("concept", "backpropagtion")
    assert said(page).startswith("No “backpropagtion” here; this is “backpropagation”.\n\n*backpropagation*")


async def test_an_ambiguous_name_is_a_choice(odd: Commands) -> None:
    page = await odd.run("concept", "electrophoresis")
    assert "“electrophoresis” could mean: " in said(page)
    assert {label.lower() for label in labels(page)} == {"gel electrophoresis", "capillary electrophoresis"}
    assert page.picture is None
    for choice in page.choices:
        assert said(await odd.run(choice.command, choice.argument)).lower().startswith(f"*{choice.label.lower()}*")


async def test_an_unknown_name_suggests_what_is_like_it(odd: Commands) -> None:
    page = await odd.run("concept", "cloning machine")
    assert "no concept called “cloning machine”" in said(page)
    assert "cloning vector" in labels(page)
    assert (await odd.run("concept", "zeppelin")).choices == ()


async def test_without_a_name_an_example_of_this_course_is_given(demo: Commands, odd: Commands) -> None:
    for commands in (demo, odd):
        for command in ("concept", "path"):
            page = await commands.run(command, " ?! ")
            assert f"For example: `/{command} {page.choices[0].argument}`" in said(page)
            assert "No" not in said(await commands.run(command, page.choices[0].argument))[:3]


async def test_a_lone_concept_has_no_picture_and_no_choices(odd: Commands) -> None:
    page = await odd.run("concept", "lone wolf")
    assert (page.picture, page.choices) == (None, ())
    assert said(page) == (
        "*lone wolf*\n\nA lone wolf is an animal without a pack.\n\n*Where it is taught:*\n• Lone wolves (1 min read)"
    )


async def test_a_page_without_a_web_address_is_only_named(odd: Commands) -> None:
    text = said(await odd.run("concept", "PCR"))
    assert "Where it is taught" in text
    assert "min read)" in text
    assert "<" not in text


async def test_odd_titles_are_shown_as_they_are(odd: Commands) -> None:
    page = await odd.run("concept", "cloning vector")
    assert "∗loud∗ ˋring_xˋ [y]" in said(page)
    assert page.picture is not None
    assert "*loud* `ring_x` [y]" in page.picture.description
    assert {"← DNA ligase", "← *loud* `ring_x` [y]"} <= set(labels(page))
    [loud] = [choice for choice in page.choices if "loud" in choice.label]
    assert said(await odd.run(loud.command, loud.argument)).startswith("*∗loud∗ ˋring_xˋ [y]*")


async def test_the_depth_limits_what_is_needed_first(demo_index: tuple[Course, EdgeIndexStore, Path]) -> None:
    page = await commands_on(*demo_index, Options(prerequisite_depth=0)).run("concept", "LSTM")
    assert "want first" not in said(page)
    assert not [label for label in labels(page) if label.startswith("←")]


# Pictures


async def test_a_picture_is_drawn_once_for_all_who_ask(demo: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    draw = concept_map.draw

    def counted(*given: object) -> bytes:
        drawn.append("once")
        return draw(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(concept_map, "draw", counted)
    pages = await asyncio.gather(*(demo.run("concept", "softmax") for _ in range(8)))
    assert drawn == ["once"]
    assert len({page.picture for page in pages}) == 1
    await demo.run("concept", "attention")
    assert len(drawn) == 2


async def test_an_edit_by_staff_makes_another_picture(
    demo_index: tuple[Course, EdgeIndexStore, Path], tmp_path: Path
) -> None:
    course, store, _ = demo_index
    commands = commands_on(course, store, tmp_path)
    before = (await commands.run("concept", "softmax")).picture
    edit = Edit("rename", "softmax", "soft maximum", "ta", "2026-10-01T00:00:00+00:00")
    await FileEditLog(tmp_path / "edits.jsonl").append(edit)
    page = await commands.run("concept", "soft maximum")
    assert said(page).startswith("*soft maximum*")
    assert before is not None
    assert page.picture is not None
    assert page.picture.png != before.png


async def test_a_card_is_shown_without_a_picture_that_cannot_be_drawn(
    demo: Commands, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*given: object) -> bytes:
        raise MemoryError("no room")

    monkeypatch.setattr(concept_map, "draw", broken)
    with caplog.at_level(logging.WARNING):
        page = await demo.run("concept", "attention")
    assert page.picture is None
    assert said(page).startswith("*attention*")
    assert "cannot be drawn" in caplog.text


# Paths


async def test_a_path_is_numbered_drawn_and_leads_into_its_steps(demo: Commands) -> None:
    page = await demo.run("path", "LSTM")
    text = said(page)
    assert text.startswith("1. <https://example.edu/demo/")
    assert "steps, about" in text
    assert page.picture is not None
    assert page.picture.description.startswith("Learning path: ")
    assert page.picture.description.endswith(", then long short-term memory.")
    assert 3 <= len(page.choices) <= 5
    assert page.choices[0].label == f"1. {page.choices[0].argument}"
    assert {choice.command for choice in page.choices} == {"concept"}


@pytest.mark.parametrize("argument", ["{} > {}", "{} -> {}", "{} → {}", "{} to {}", "from {} to {}", "From {}  TO {}"])
async def test_a_path_may_start_somewhere(demo: Commands, argument: str) -> None:
    page = await demo.run("path", argument.format("vector", "attention"))
    expected = await demo.run("path", "vector > attention")
    assert page.text.endswith(expected.text)
    assert "1. <https://example.edu/demo/vectors-and-similarity.md|vector>" in said(page)
    assert page.text != (await demo.run("path", "attention")).text


async def test_a_start_that_the_course_does_not_have_is_not_passed_over(demo: Commands) -> None:
    assert "no concept called “zeppelin”" in said(await demo.run("path", "zeppelin to attention"))
    assert said(await demo.run("path", "backpropagtion to LSTM")).startswith("No “backpropagtion” here;")
    assert (await demo.run("path", "the way to attention")).text == (await demo.run("path", "attention")).text
    assert (await demo.run("path", "sequence to sequence")).choices[-1].command == "concept"


async def test_a_name_with_a_to_or_an_arrow_in_it_is_one_name(odd: Commands) -> None:
    assert "RNA to protein" in said(await odd.run("path", "RNA to protein"))
    assert "wild type &gt; mutant" in said(await odd.run("path", "wild type > mutant"))


async def test_a_short_path_has_no_picture(odd: Commands) -> None:
    page = await odd.run("path", "DNA ligase > cloning vector")
    assert page.picture is None
    assert said(page).startswith("1. DNA ligase (1 min)\n2. cloning vector (read with an earlier step)\n")
    assert labels(page) == ["1. DNA ligase", "2. cloning vector"]


async def test_of_a_path_both_ends_may_be_mistyped_or_ambiguous(odd: Commands) -> None:
    page = await odd.run("path", "DNA ligse > cloning vectr")
    assert said(page).startswith("No “DNA ligse” here; this is “DNA ligase”.\n\nNo “cloning vectr” here;")
    page = await odd.run("path", "electrophoresis > cloning vector")
    assert {choice.argument.lower() for choice in page.choices} == {
        "gel electrophoresis > cloning vector",
        "capillary electrophoresis > cloning vector",
    }
    assert said(await odd.run("path", page.choices[0].argument))
    page = await odd.run("path", "DNA ligase > zeppelin")
    assert "no concept called “zeppelin”" in said(page)


async def test_where_there_is_no_way_that_is_said(odd: Commands) -> None:
    assert said(await odd.run("path", "lone wolf > PCR")).startswith("I found nothing in the material that links “lone")


# Sources


async def test_sources_are_the_best_places_with_a_quote_of_each(demo: Commands) -> None:
    page = await demo.run("sources", "Why do gradients vanish in recurrent networks?")
    text = said(page)
    assert text.startswith("Where the course has something on “Why do gradients vanish in recurrent networks?”:\n1. <")
    assert text.count("”\n") + text.endswith("”") >= 5
    assert "vanish" in text.split("\n2. ")[0].split("“")[-1].lower()
    assert (page.picture, page.choices) == (None, ())


async def test_sources_say_when_the_course_does_not_cover_it(demo: Commands) -> None:
    text = said(await demo.run("sources", "How do I bake sourdough bread with rye?"))
    assert text.startswith("The course material does not seem to cover this.")
    assert "4. " not in text


@pytest.mark.parametrize("argument", ["", "  ", "thanks!", "???", "hello"])
async def test_sources_of_nothing_ask_for_a_question(demo: Commands, argument: str) -> None:
    text = said(await demo.run("sources", argument))
    assert "in your own words. For example: `/sources what is " in text


async def test_an_endless_question_is_refused(demo: Commands) -> None:
    with pytest.raises(TooLong):
        await demo.run("sources", "a " * LONGEST_QUESTION)
    for command in ("concept", "path"):
        for text in ("a ", "a to b ", "a > b "):
            assert len(said(await demo.run(command, text * LONGEST_QUESTION))) < 500


# Help, and what is no command


async def test_help_is_about_this_course(demo_index: tuple[Course, EdgeIndexStore, Path], demo: Commands) -> None:
    page = await demo.run("help", "")
    assert "*Deep Learning in Sixteen Pages*" in said(page)
    assert f"`/concept {(await demo.complete(''))[0]}`" in said(page)
    assert page.choices == ()
    course, store, folder = demo_index
    answers = course.answers.model_copy(update={"followups_without_mention": False})
    other = commands_on(course.model_copy(update={"answers": answers}), store, folder)
    assert said(await other.run("help", "")) != said(page)


async def test_an_unknown_command_gets_help(odd: Commands) -> None:
    text = said(await odd.run("/Quiz*", "me"))
    assert text.startswith("I do not know the command “quiz∗”. This is what I can do.")
    assert "/sources" in text


# Completion


async def test_names_are_completed(demo: Commands) -> None:
    assert (await demo.complete("atten"))[0] == "attention"
    assert "self-attention" in await demo.complete("attention")
    assert 5 < len(await demo.complete("")) <= 25
    assert await demo.complete("zeppelin") == ()
    assert await demo.complete("x" * 5000) == ()


async def test_what_is_completed_can_be_looked_up(odd: Commands) -> None:
    names = await odd.complete("")
    assert "RNA to protein" in names
    assert all(len(name) <= LONGEST_ARGUMENT for name in names)
    for name in names:
        assert "no concept" not in said(await odd.run("concept", name))


# On a bad day


async def test_without_an_index_it_says_so_and_help_is_still_there(
    tmp_path: Path, demo_index: tuple[Course, EdgeIndexStore, Path]
) -> None:
    commands = commands_on(demo_index[0], EdgeIndexStore(tmp_path / "none"), tmp_path)
    for command, argument in [("concept", "attention"), ("path", "attention"), ("sources", "what is attention?")]:
        with pytest.raises(RetrievalFailed):
            await commands.run(command, argument)
    with pytest.raises(RetrievalFailed):
        await commands.complete("a")
    assert "`/concept NAME`" in said(await commands.run("help", ""))


@given(ODD)
@settings(max_examples=25)
def test_nothing_that_is_typed_breaks_a_command(odd_index: tuple[Course, EdgeIndexStore, Path], text: str) -> None:
    async def all_of_them() -> None:
        commands = commands_on(*odd_index)
        for command in ("concept", "path", "sources", text[:20]):
            assert said(await commands.run(command, text))
        await commands.complete(text)

    asyncio.run(all_of_them())
