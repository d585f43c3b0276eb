"""Shows answers, search results and progress on a terminal, or as plain lines where there is none."""

import sys
import time
from collections.abc import AsyncIterator
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markdown import Markdown
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.style import Style
from rich.text import Text

from bot.foreign import visible
from bot.messages import Answer, Delta, Event, Replace, Status
from bot.phrases import WANTED_FIRST
from bot.rendering.console_markdown import readable

_REFRESHES_PER_SECOND = 8


class ConsoleReply:
    """Renders one answer after the other."""

    def __init__(self, console: Console) -> None:
        self._console = console

    async def show(self, events: AsyncIterator[Event]) -> Answer | None:
        """Stream the answer to a terminal, or print it once it is whole; returned for those who go on."""
        if not self._console.is_terminal:
            return await self._print(events)
        text, status, answer = "", "", None
        with Live(console=self._console, refresh_per_second=_REFRESHES_PER_SECOND, transient=True) as live:
            async for event in events:
                match event:
                    case Status(text=line):
                        status = line
                    case Delta(text=piece):
                        text, status = text + piece, ""
                    case Replace():
                        text = ""
                    case Answer():
                        answer = event
                # Taller than the screen cannot be redrawn in place: while it streams, the end is shown.
                live.update(_tail(text, self._console.height - 4, status), refresh=isinstance(event, Status))
            live.update(Text(""), refresh=True)  # rich draws the last frame in full, and could not take it back
        if answer is not None:
            self._console.print(_rendered(answer))
        return answer

    async def _print(self, events: AsyncIterator[Event]) -> Answer | None:
        answer = None
        async for event in events:
            if isinstance(event, Answer):
                answer = event
        if answer is not None:
            self._console.print(_plain(answer), markup=False, highlight=False, soft_wrap=True)
        return answer


def _tail(text: str, lines: int, status: str) -> RenderableType:
    shown = "\n".join(text.splitlines()[-max(lines, 5) :])
    return Group(Markdown(readable(shown)), Text(status, style="dim"))


def _rendered(answer: Answer) -> RenderableType:
    parts: list[RenderableType] = [Markdown(readable(answer.text))]
    if answer.prerequisites:
        first = Text(f"\n{WANTED_FIRST} ", style="bold")
        for number, wanted in enumerate(answer.prerequisites):
            first.append(" · " if number else "", style="not bold")
            first.append(visible(wanted.title), style=Style(bold=False, link=wanted.url))
            first.append(f" ({wanted.url})", style="not bold dim")
        parts.append(first)
    if answer.citations:
        sources = Text("\n").append("Sources\n", style="bold")
        for citation in answer.citations:
            sources.append(f"[{citation.n}] ", style="cyan")
            sources.append(citation.title, style=Style(link=citation.url))
            sources.append(f"\n    {citation.url}\n", style="dim")
        parts.append(sources)
    return Group(*parts, Text(_footer(answer), style="dim"))


def _plain(answer: Answer) -> str:
    lines = [answer.text]
    if answer.prerequisites:
        wanted = " · ".join(f"{visible(one.title)} ({one.url})" for one in answer.prerequisites)
        lines += ["", f"{WANTED_FIRST} {wanted}"]
    if answer.citations:
        lines += ["", "Sources"]
        lines += [f"[{citation.n}] {citation.title}\n    {citation.url}" for citation in answer.citations]
    return "\n".join([*lines, "", _footer(answer)])


def _footer(answer: Answer) -> str:
    who = answer.model or "no model"
    cost = f", ${answer.cost_usd:.4f}" if answer.cost_usd else ""
    return f"{answer.outcome}, confidence {answer.confidence:.2f}, {who}{cost}, {answer.ms.get('total', 0):.0f} ms"


class ConsoleProgress:
    """A `retrieval.ports.Progress`: bars with rate and time left on a terminal, else a line a stage.

    Goes to standard error, so that standard output stays free for results.
    """

    def __init__(self, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._bars = Bars(
            TextColumn("{task.description:<10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=self._console,
            disable=quiet or not self._console.is_terminal,
        )
        self._task = self._bars.add_task("", total=None, visible=False, rate="")
        self._name, self._done, self._start = "", 0, time.monotonic()

    def __enter__(self) -> "ConsoleProgress":
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_stage()
        self._bars.stop()

    def stage(self, name: str, total: int | None) -> None:
        """Close the stage before and begin this one."""
        self._end_stage()
        self._name, self._done, self._start = name, 0, time.monotonic()
        self._task = self._bars.add_task(name, total=total, rate="")

    def advance(self, steps: int = 1) -> None:
        """Move on, and show the rate."""
        self._done += steps
        seconds = max(time.monotonic() - self._start, 1e-6)
        self._bars.update(self._task, advance=steps, rate=f"{self._done / seconds:,.0f}/s")

    def _end_stage(self) -> None:
        if not self._name:
            return
        self._bars.update(self._task, total=self._done, completed=self._done)
        if not self._console.is_terminal:
            seconds = time.monotonic() - self._start
            self._console.print(f"{self._name}: {self._done} in {seconds:.1f} s", highlight=False)
        self._name = ""


def notice(line: str) -> None:
    """One line on standard error."""
    print(line, file=sys.stderr)  # noqa: T201
