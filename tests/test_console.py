"""What a person at a console sees: plain text in a pipe, links and readable formulas on a terminal."""

import io
import re
import time
from collections.abc import AsyncIterator, Sequence

import pytest
from fakes import passage
from hypothesis import given
from odd_text import HOSTILE, ODD
from rich.console import Console
from rich.markdown import Markdown

from bot.adapters.console import ConsoleProgress, ConsoleReply, notice
from bot.checks import Check
from bot.messages import Answer, Citation, Delta, Event, Replace, Status
from bot.rendering.console_markdown import readable
from bot.rendering.reports import ingest_summary, search_table
from retrieval.ingest import IngestReport
from retrieval.results import Found, Retrieval

ESCAPE = re.compile(r"\x1b\][^\x1b]*\x1b\\|\x1b\[[0-9;?]*[a-zA-Z]")
MARKUP = "[bold]not bold[/bold] [/] [red] [link=https://evil.example]x[/link] \\"
HEAP = Citation(1, "https://course.test/heap.md#basics", "Heaps › Basics", "A heap is a tree.")


def answer(text: str, *citations: Citation) -> Answer:
    return Answer("answered", text, citations, confidence=0.8, model="openai/a", cost_usd=0.0012, ms={"total": 1234.5})


async def replay(events: Sequence[Event]) -> AsyncIterator[Event]:
    for event in events:
        yield event


async def shown(*events: Event, terminal: bool = False, width: int = 100) -> str:
    """Everything that was written."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=width, height=30, color_system="truecolor")
    await ConsoleReply(console).show(replay(events))
    return file.getvalue()


def whole(output: str) -> str:
    """What stays on a terminal: the print after the live display, without its escape sequences."""
    return ESCAPE.sub("", output.rpartition("\x1b[?25h")[2])


# In a pipe


async def test_a_pipe_gets_the_answer_its_sources_and_one_line_about_it() -> None:
    text = "A heap is a *tree* [1].\n\n```python\nx = [1]\n```"
    output = await shown(Status("…"), Delta(text[:9]), Delta(text[9:]), answer(text, HEAP))
    assert output == (
        f"{text}\n\nSources\n[1] Heaps › Basics\n    https://course.test/heap.md#basics\n\n"
        "answered, confidence 0.80, openai/a, $0.0012, 1234 ms\n"
    )


async def test_a_pipe_gets_long_lines_whole() -> None:
    text = "word " * 100 + "[1]"
    assert text in await shown(answer(text, HEAP), width=40)


async def test_an_answer_without_sources_names_none() -> None:
    assert "Sources" not in await shown(answer("I would rather not guess."))


async def test_who_shows_an_answer_gets_it_back() -> None:
    reply, end = ConsoleReply(Console(file=io.StringIO())), answer("Yes.")
    assert await reply.show(replay([Delta("Yes."), end])) is end
    assert await reply.show(replay([Status("…")])) is None


# On a terminal


async def test_a_terminal_says_what_is_going_on() -> None:
    output = await shown(Status("Searching …"), terminal=True)
    assert "Searching …" in output
    assert whole(output).strip() == ""


async def test_a_terminal_shows_text_and_links() -> None:
    output = await shown(
        Status("Searching …"),
        Delta("A heap is "),
        Delta("a tree [1]."),
        answer("A heap is a tree [1].", HEAP),
        terminal=True,
    )
    assert re.search(
        r"\x1b\]8;[^;]*;https://course\.test/heap\.md#basics\x1b\\[^\x1b]*(\x1b\[[0-9;]*m)?Heaps › Basics", output
    )
    last = whole(output)
    assert "A heap is a tree [1]." in last
    assert "Heaps › Basics" in last
    assert "https://course.test/heap.md#basics" in last
    assert "answered, confidence 0.80" in last
    assert "Searching" not in last


async def test_what_was_replaced_does_not_stay() -> None:
    events: list[Event] = [Delta("A stack of nonsense"), Replace("it broke off"), Delta("A heap."), answer("A heap.")]
    output = await shown(*events, terminal=True)
    assert "broke off" not in output
    assert "nonsense" not in whole(output)
    assert whole(output).count("A heap.") == 1


async def test_an_error_in_the_middle_leaves_the_terminal_usable() -> None:
    async def breaks() -> AsyncIterator[Event]:
        yield Delta("A heap is")
        raise RuntimeError("gone")

    file = io.StringIO()
    with pytest.raises(RuntimeError, match="gone"):
        await ConsoleReply(Console(file=file, force_terminal=True)).show(breaks())
    assert file.getvalue().rstrip().rfind("\x1b[?25h") > file.getvalue().rfind("\x1b[?25l"), "the cursor is back"


async def test_an_answer_taller_than_the_screen_is_shown_whole_in_the_end() -> None:
    text = "\n\n".join(f"Paragraph {n}." for n in range(100))
    last = whole(await shown(Delta(text), answer(text), terminal=True))
    assert all(f"Paragraph {n}." in last for n in range(100))


async def test_code_on_a_terminal_is_whole() -> None:
    last = whole(
        await shown(answer("Look [1]:\n\n```python\nqueue = [5, 1]\nprint(queue[0])\n```", HEAP), terminal=True)
    )
    assert "queue = [5, 1]" in last
    assert "print(queue[0])" in last


# Nothing is taken for markup


@pytest.mark.parametrize("terminal", [False, True])
async def test_brackets_of_a_course_style_nothing_and_crash_nothing(terminal: bool) -> None:
    title = Citation(1, "https://course.test/a?x=[b]&y=red blue", f"Title {MARKUP}", "")
    output = await shown(Delta(MARKUP), answer(f"Text {MARKUP} [1]", title), terminal=terminal, width=200)
    plain = whole(output) if terminal else output
    assert "Title [bold]not bold[/bold] [/] [red]" in plain
    assert "Text [bold]not bold[/bold] [/] [red]" in plain
    assert "8;;https://evil" not in output


def rendered(renderable: object) -> str:
    file = io.StringIO()
    Console(file=file, width=200, force_terminal=True).print(renderable)
    return file.getvalue()


def test_search_results_show_what_a_page_says_and_nothing_else() -> None:
    hostile = f"{MARKUP} \x1b[2J\x1b]0;owned\x07\u202e"
    one = passage(hostile, title=f"Title {hostile}", headings=(f"Heading {hostile}",))
    output = rendered(search_table(f"What {hostile}", Retrieval((Found(1, 0.5, one, hostile),), 0.5, False)))
    for part in ("What", "Title", "Heading"):
        assert f"{part} [bold]not bold[/bold] [/] [red]" in ESCAPE.sub("", output)
    assert "\x1b[2J" not in output
    assert "\x1b]0;" not in output
    assert "\u202e" not in output
    assert "would answer" in output


def test_skipped_files_are_listed_by_reason_and_their_names_do_no_harm() -> None:
    skipped = [(0, f"{MARKUP}.md", "empty"), (0, "b\x1b[2J.md", "empty"), (1, "c.bin", "no reader for .bin")]
    report = IngestReport("cs", files=5, pages=2, passages=3, skipped=skipped, seconds={"read": 1.0})
    output = rendered(ingest_summary(report))
    assert "2 pages, 3 passages, lexical search only, 1.0 s" in ESCAPE.sub("", output)
    assert "empty: [bold]not bold[/bold] [/]" in ESCAPE.sub("", output)
    assert "no reader for .bin: c.bin" in ESCAPE.sub("", output)
    assert "\x1b[2J" not in output


def test_a_check_says_what_it_found_and_what_to_do() -> None:
    output = ESCAPE.sub("", rendered(Check("index", "problem", MARKUP, "Run it [again].").line()))
    assert output.startswith("problem index: [bold]not bold[/bold] [/]")
    assert "Run it [again]." in output
    assert "Run" not in rendered(Check("index", "ok", "fine", "Run it.").line())


# Formulas


@pytest.mark.parametrize(
    ("latex", "seen"),
    [
        ("the rate $\\alpha^2$ here", "the rate `α²` here"),
        ("$x_1 \\in \\mathbb{R}^n$", "`x₁ ∈ Rⁿ`"),
        ("\\(\\nabla f\\)", "`∇ f`"),
        ("$\\frac{a}{b}$", "`(a)/(b)`"),
        ("$\\log p$", "`log p`"),
        ("it costs $5 and $6", "it costs $5 and $6"),
        ("\\$5", "\\$5"),
    ],
)
def test_inline_formulas_become_letters(latex: str, seen: str) -> None:
    assert readable(latex) == seen


@pytest.mark.parametrize("written", ["$$\nE = \\alpha\n$$", "\\[E = \\alpha\\]", "$$E = \\alpha$$"])
def test_display_formulas_stand_alone(written: str) -> None:
    assert readable(f"so\n{written}\nthen").split("\n\n") == ["so", "\n```\nE = α\n```", "\nthen"]


@pytest.mark.parametrize("code", ["```python\ncost = '$x$ [1] \\alpha'\n```", "`$x$ [1]`", "```\n$$x$$"])
def test_code_is_left_alone(code: str) -> None:
    assert code in readable(f"Look: {code}")


def test_numbers_stand_out_and_are_no_links() -> None:
    assert readable("A tree [1], a list [2](x) a[3] [text]") == "A tree **\\[1]**, a list **\\[2]**(x) a[3] [text]"


@given(ODD)
def test_any_text_can_be_shown(text: str) -> None:
    file = io.StringIO()
    Console(file=file, force_terminal=True, width=60).print(Markdown(readable(text)))
    assert file.getvalue().endswith("\n") or not file.getvalue()


@pytest.mark.parametrize("name", HOSTILE)
def test_odd_text_is_made_readable_in_no_time(name: str) -> None:
    start = time.perf_counter()
    readable(HOSTILE[name][:20_000])
    assert time.perf_counter() - start < 1


# Progress


def test_progress_goes_to_standard_error_a_line_a_stage(capsys: pytest.CaptureFixture[str]) -> None:
    with ConsoleProgress() as progress:
        progress.stage("Reading", None)
        progress.advance()
        progress.advance(2)
        progress.stage("Storing", 7)
        progress.advance(7)
    out, err = capsys.readouterr()
    assert out == ""
    assert [re.sub(r"\d+\.\d", "0.0", line) for line in err.splitlines()] == [
        "Reading: 3 in 0.0 s",
        "Storing: 7 in 0.0 s",
    ]


def test_quiet_progress_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with ConsoleProgress(quiet=True) as progress:
        progress.stage("Reading", None)
        progress.advance()
    assert capsys.readouterr() == ("", "")


def test_a_notice_is_a_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    notice("Lexical search only [bold]")
    assert capsys.readouterr() == ("", "Lexical search only [bold]\n")
