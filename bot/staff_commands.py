"""The commands of `erica` with which staff hear what students think, and see to the questions that were given up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer

from bot.command_options import AsJson, CourseFile, out, print_json, wired
from bot.course import load_course
from bot.errors import EricaError
from bot.feedback import Feedback
from bot.intake import Intake
from bot.rendering.staff_reports import feedback_json, feedback_text, letters_json, letters_text
from bot.shell import until_stopped
from bot.wiring import Wiring

_MOST_LETTERS = 10_000  # the intake keeps no more


class NoSuchLetter(EricaError):
    """There is no dead letter of that id, or not any more."""

    code = "no_letter"


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(feedback)
    app.command()(letters)


def feedback(course: CourseFile, as_json: AsJson = False) -> None:
    """List what students said of the answers they got, newest last, and count it."""
    id_ = load_course(course).course.id
    said = until_stopped(_said(wired(), id_))
    if as_json:
        print_json(feedback_json(id_, said))
    else:
        out.print(feedback_text(said), soft_wrap=True)


async def _said(wiring: Wiring, course: str) -> list[Feedback]:
    async with wiring.redis(private=True) as redis:
        assert redis is not None
        return [one async for one in wiring.feedback(redis).all(course)]


def letters(
    replay: Annotated[str | None, typer.Option(metavar="ID", help="Have this one answered after all.")] = None,
    replay_all: Annotated[bool, typer.Option("--replay-all", help="Have all of them answered after all.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=_MOST_LETTERS, help="How many to list, the last ones.")] = 100,
    text: Annotated[bool, typer.Option("--text", help="Show what was asked, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the questions that were given up after several attempts, newest last, or have them tried again."""
    if replay is not None and replay_all:
        raise typer.TyperException("give either --replay ID or --replay-all")
    wiring = wired()
    if replay is not None or replay_all:
        until_stopped(_replay(wiring, replay, as_json))
    else:
        until_stopped(_list(wiring, limit, text, as_json))


@asynccontextmanager
async def _intake(wiring: Wiring) -> AsyncIterator[Intake]:
    async with wiring.redis(private=True) as redis:
        assert redis is not None
        yield wiring.intake(redis)


async def _list(wiring: Wiring, limit: int, with_text: bool, as_json: bool) -> None:
    async with _intake(wiring) as intake:
        found, total = await intake.dead(limit), (await intake.backlog()).dead
    if as_json:
        print_json(letters_json(found, total, with_text))
    else:
        out.print(letters_text(found, total, with_text), soft_wrap=True)


async def _replay(wiring: Wiring, one: str | None, as_json: bool) -> None:
    """Put one back, or all of them, in the order in which they were given up. Raises NoSuchLetter."""
    async with _intake(wiring) as intake:
        names = [letter.id for letter in reversed(await intake.dead(_MOST_LETTERS))] if one is None else [one]
        done = sum([await intake.replay(name) for name in names])
    if one is not None and not done:
        raise NoSuchLetter(f"there is no dead letter {one!r}", "`erica letters` lists those there are.")
    if as_json:
        print_json({"replayed": done})
    elif done:
        out.print(f"{done} put back; a running worker answers {'it' if done == 1 else 'them'} now.")
    else:
        out.print("No question was given up.")
