"""What the commands of `erica` share: their options, JSON on standard output, and where the parts come from."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bot.adapters.console import notice
from bot.settings import read_settings
from bot.shell import log_to
from bot.wiring import Wiring

out = Console(highlight=False)


class Switch(StrEnum):
    """On or off."""

    on = "on"
    off = "off"


class Role(StrEnum):
    """A part of `erica run` that a process can be limited to."""

    slack = "slack"
    discord = "discord"
    worker = "worker"


CourseFile = Annotated[Path, typer.Option("--course", help="The course's TOML file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output on standard output.")]
Passages = Annotated[int | None, typer.Option(min=1, max=50, help="How many passages an answer may stand on.")]
Depth = Annotated[int | None, typer.Option(min=0, max=5, help="How many steps of prerequisites to go back.")]
MaxConcepts = Annotated[int | None, typer.Option(min=0, max=50, help="How many concepts of the question count.")]
Graph = Annotated[Switch, typer.Option(help="Whether the concept graph takes part.")]
Previous = Annotated[list[str] | None, typer.Option(help="An earlier question of the conversation; repeatable.")]


def wired() -> Wiring:
    """The parts, from the environment. Raises ConfigError."""
    settings = read_settings()
    log_to(settings.data_dir)
    return Wiring(settings, notice)


def print_json(fields: Any) -> None:
    """One line, which whoever waits for it gets at once."""
    sys.stdout.write(json.dumps(fields, ensure_ascii=False) + "\n")
    sys.stdout.flush()
