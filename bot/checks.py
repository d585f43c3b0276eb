"""What a look at something Erica needs came to. Knows nothing of what is looked at."""

from dataclasses import dataclass
from typing import Literal

from rich.markup import escape

State = Literal["ok", "note", "problem"]

_MARKS = {"ok": "[green]ok     [/green]", "note": "[yellow]note   [/yellow]", "problem": "[red]problem[/red]"}


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was looked at, how it is, and what to do about it."""

    name: str
    state: State
    detail: str
    advice: str = ""

    def line(self) -> str:
        """For a terminal, in rich's markup."""
        advice = f"\n        {escape(self.advice)}" if self.advice and self.state != "ok" else ""
        return f"{_MARKS[self.state]} {escape(self.name)}: {escape(self.detail)}{advice}"
