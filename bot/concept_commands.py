"""The commands of `erica` that look into the concept graph, draw it, and let staff put it right."""

import asyncio
import getpass
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from bot.command_options import AsJson, CourseFile, Depth, out, print_json, wired
from bot.concept_pictures import known, picture
from bot.course import Course, load_course
from bot.errors import EricaError
from bot.foreign import visible
from bot.rendering.concept_reports import (
    choices_text,
    concept_card,
    concept_json,
    graph_json,
    lookup_note,
    path_json,
    path_text,
)
from bot.rendering.paragraphs import Line, clean, sentence
from bot.shell import until_stopped
from bot.wiring import Wiring
from retrieval.cards import Card
from retrieval.concepts.catalog import Concepts
from retrieval.concepts.guidance import within_depth
from retrieval.concepts.lookup import Lookup
from retrieval.concepts.paths import LearningPath, learning_path
from retrieval.edits import Edit, EditAction
from retrieval.ports import EditLog


class Theme(StrEnum):
    """What the picture is shown on."""

    light = "light"
    dark = "dark"


class Action(StrEnum):
    """What staff can do to a concept."""

    merge = "merge"
    rename = "rename"
    hide = "hide"
    show = "show"
    add_prerequisite = "add-prerequisite"
    cut_prerequisite = "cut-prerequisite"


_NEEDS_ANOTHER = {Action.merge, Action.rename, Action.add_prerequisite, Action.cut_prerequisite}


class EditRefused(EricaError):
    """An edit that would change nothing, or that names nothing."""

    code = "edit_refused"


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(concept)
    app.command()(path)
    app.command()(graph)
    app.command()(edit)


def concept(
    course: CourseFile,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    depth: Depth = None,
    as_json: AsJson = False,
) -> None:
    """Look up a concept: what it is, what it needs first, where it leads, where it is taught."""
    loaded, wiring = load_course(course), wired()
    lookup, card = until_stopped(_look_up(wiring, loaded, name))
    if card is not None:
        card = within_depth(card, loaded.answers.prerequisite_depth if depth is None else depth)
    if as_json:
        print_json(concept_json(lookup, card))
    elif card is None:
        out.print(Line(choices_text(lookup, name)))
    else:
        if note := lookup_note(lookup, name, card.title):
            out.print(Line(note))
        out.print(concept_card(card), soft_wrap=True)


async def _look_up(wiring: Wiring, course: Course, name: str) -> tuple[Lookup, Card | None]:
    async with wiring.redis() as redis:
        return await wiring.retriever(course, redis).concept(name)


@asynccontextmanager
async def _concepts(wiring: Wiring, course: Course) -> AsyncIterator[tuple[Concepts, EditLog]]:
    async with wiring.redis() as redis:
        yield await wiring.retriever(course, redis).concepts(), wiring.edit_log(course, redis)


def path(
    course: CourseFile,
    names: Annotated[list[str], typer.Argument(metavar="[FROM] TO", help="Where to start, if anywhere; where to go.")],
    as_json: AsJson = False,
) -> None:
    """Show the way to a concept, step by step in learning order, with one link a step."""
    if len(names) > 2:
        raise typer.TyperException(
            "give one concept, or two: where to start and where to go; a name of several words in quotes"
        )
    loaded, wiring = load_course(course), wired()

    async def go() -> LearningPath:
        async with _concepts(wiring, loaded) as (concepts, _):
            return await _way(concepts, names)

    way = until_stopped(go())
    if as_json:
        print_json(path_json(way.steps, way.note))
    else:
        out.print(path_text(way.steps, way.note), soft_wrap=True)


async def _way(concepts: Concepts, names: Sequence[str]) -> LearningPath:
    """The way to one concept, or from one to another. Raises UnknownConcept, StoreError."""
    ids = [known(concepts, name) for name in names]
    return learning_path(await concepts.graph(), ids[-1], ids[0] if len(ids) == 2 else None)


def graph(
    course: CourseFile,
    as_json: AsJson = False,
    png: Annotated[Path | None, typer.Option(help="Draw a picture into this file.", metavar="FILE")] = None,
    concept: Annotated[str | None, typer.Option(help="Draw the neighbourhood of this concept.")] = None,
    path: Annotated[
        tuple[str, str] | None, typer.Option(help="Draw the way from one concept to another.", metavar="FROM TO")
    ] = None,
    theme: Annotated[Theme, typer.Option(help="Colours for a light or a dark background.")] = Theme.light,
) -> None:
    """Export the concept graph as JSON, or draw it: all of it, around a concept, or along a path."""
    if not as_json and png is None:
        raise typer.TyperException("give --json, --png FILE, or both")
    if png is None and (concept or path):
        raise typer.TyperException("--concept and --path say what to draw: they need --png FILE")
    if concept and path:
        raise typer.TyperException("give either --concept or --path")
    loaded, wiring = load_course(course), wired()
    until_stopped(_graph(wiring, loaded, as_json, png, concept, path, theme))


async def _graph(
    wiring: Wiring,
    course: Course,
    as_json: bool,
    png: Path | None,
    concept: str | None,
    path: tuple[str, str] | None,
    theme: Theme,
) -> None:
    async with _concepts(wiring, course) as (concepts, _):
        if png is not None:
            way = await _way(concepts, path) if path else None
            await _write(png, await picture(concepts, course.course.title, concept, way, theme.value))
            if not as_json:
                if way is not None and way.note:
                    out.print(Line(Text(sentence(way.note))))
                out.print(f"Drawn into {visible(str(png))}.", soft_wrap=True, markup=False)
        if as_json:
            print_json(graph_json(await concepts.graph()))


async def _write(file: Path, drawn: bytes) -> None:
    try:
        await asyncio.to_thread(file.write_bytes, drawn)
    except OSError as error:
        raise EricaError(
            f"the picture cannot be written to {file}: {error.strerror}",
            "Give a file in a folder that exists and has room, and that you may write to.",
        ) from error


def edit(
    course: CourseFile,
    action: Annotated[Action | None, typer.Argument(help="Left out, the edits so far are listed.")] = None,
    concept: Annotated[str | None, typer.Argument(metavar="CONCEPT")] = None,
    other: Annotated[
        str | None,
        typer.Argument(metavar="OTHER", help="The concept that merges into it, its new name, or its prerequisite."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put the concept graph right: merge, rename, hide, show, add or cut a prerequisite. It outlives every ingest."""
    loaded, wiring = load_course(course), wired()
    if action is None:
        until_stopped(_list_edits(wiring, loaded, as_json))
        return
    if concept is None or (other is None) == (action in _NEEDS_ANOTHER):
        raise typer.TyperException(
            f"{action} takes " + ("two names" if action in _NEEDS_ANOTHER else "the name of one concept")
        )
    done: EditAction = action.value.replace("-", "_")  # type: ignore[assignment]
    made = Edit(done, concept, other or "", _who(), datetime.now(UTC).isoformat(timespec="seconds"))
    until_stopped(_edit(wiring, loaded, made, as_json))


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in a container a process may run as a number that nobody has named
        return f"user {os.getuid()}"


async def _edit(wiring: Wiring, course: Course, made: Edit, as_json: bool) -> None:
    async with _concepts(wiring, course) as (concepts, log):
        if reason := await concepts.refusal(made):
            hint = "`erica concept NAME` shows what the course has, `erica edit` what staff did."
            raise EditRefused(f"this cannot be done: {reason}", hint)
        await log.append(made)
    if as_json:
        print_json({"done": True})
    else:
        out.print("Done. Answers follow it within seconds, and every later ingest keeps it.")


async def _list_edits(wiring: Wiring, course: Course, as_json: bool) -> None:
    async with _concepts(wiring, course) as (concepts, log):
        edits = await log.edits()
        idle = dict((await concepts.edited())[1])
    if as_json:
        print_json([_edit_json(edit, idle.get(edit)) for edit in edits])
        return
    if not edits:
        out.print("Nobody has edited the concepts of this course.")
    for edit in edits:
        names = [f"“{clean(name)}”" for name in (edit.concept, edit.other) if name]
        line = " ".join([clean(edit.at), clean(edit.by), edit.action.replace("_", "-"), *names])
        note = f" (has no effect now: {idle[edit]})" if edit in idle else ""
        out.print(line + note, soft_wrap=True, markup=False)


def _edit_json(edit: Edit, idle: str | None) -> dict[str, Any]:
    return {
        "action": edit.action,
        "concept": edit.concept,
        "other": edit.other,
        "by": edit.by,
        "at": edit.at,
        "without_effect": idle,
    }
