"""The commands of `erica` for whoever runs it: start what is configured, and look whether all is well."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bot.checks import Check
from bot.command_options import AsJson, Role, out, print_json, wired
from bot.course import load_course
from bot.doctor import examine
from bot.shell import until_stopped


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(doctor)
    app.command()(run)


def doctor(
    course: Annotated[Path | None, typer.Option(help="Also check this course file and its index.")] = None,
    as_json: AsJson = False,
) -> int:
    """Check Python, stores, models, chat platforms and the course file, and say what to do."""

    async def go() -> list[Check]:
        checks = []
        async for check in examine(wired(), course):
            checks.append(check)
            if not as_json:
                out.print(check.line())
        return checks

    checks = until_stopped(go())
    if as_json:
        print_json([asdict(check) for check in checks])
    return int(any(check.state == "problem" for check in checks))


def run(
    course: Annotated[list[Path] | None, typer.Option(help="A course's TOML file; repeatable.")] = None,
    only: Annotated[Role | None, typer.Option(help="Run a part of it in this process.")] = None,
) -> None:
    """Answer in Slack and Discord, as far as they are configured, until SIGTERM or Ctrl-C."""
    # What only this command needs takes a second to load.
    from bot.logs import log_as_json
    from bot.running import serve, stopped_by_signals

    wiring = wired()
    courses = [load_course(file) for file in course or wiring.settings.course_files]
    log_as_json(secrets=wiring.settings.secrets)

    async def go() -> None:
        async with stopped_by_signals() as stopping:
            await serve(wiring, courses, only, stopping)

    asyncio.run(go())
