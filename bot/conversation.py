"""Question after question at the console, and the demonstration that begins with one."""

import asyncio
import os
import shutil
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from bot.adapters.console import ConsoleReply
from bot.concept_pictures import picture
from bot.course import Course
from bot.errors import EricaError, QuestionRejected
from bot.messages import Question
from bot.rendering.concept_reports import choices_text, concept_card
from bot.tutor import Tutor
from bot.wiring import Wiring
from retrieval.concepts.guidance import within_depth
from retrieval.results import Options

if TYPE_CHECKING:
    from redis.asyncio import Redis

DEMO_CONCEPT = "attention"
DEMO_QUESTION = "What is attention in transformers and can you provide a python example of how it is used?"

_HELP = """Ask in your own words; a follow-up such as "and in python?" knows what came before.
An empty line, `quit` or Ctrl-D ends the conversation."""
_ASKS_FOR_HELP = frozenset({"help", "/help", "?"})
_ENDS = frozenset({"", "quit", "exit", "q", ":q", "/quit", "/exit"})


async def converse(wiring: Wiring, course: Course, options: Options, out: Console) -> None:
    """Until an empty line; what was asked before is remembered so long."""
    await (await wiring.store(course).open()).close()  # that there is no index is better said before a question
    async with _redis(wiring) as redis:
        await _exchange(wiring.tutor(course, redis, options), course, f"console-{uuid.uuid4()}", out)


async def demonstrate(wiring: Wiring, course: Course, out: Console) -> None:
    """Ask the demo question; then, if somebody sits there, it is their turn in the same conversation."""
    async with _redis(wiring) as redis:
        out.print(f"\n[bold cyan]you[/bold cyan] {DEMO_QUESTION}\n", soft_wrap=True)
        tutor, thread = wiring.tutor(course, redis), f"demo-{uuid.uuid4()}"
        await ConsoleReply(out).show(tutor.answer(Question(DEMO_QUESTION, thread=thread)))
        await _show_concept(wiring, course, redis, out)
        if sys.stdin.isatty() and out.is_terminal:
            out.print()
            await _exchange(tutor, course, thread, out)
        else:
            out.print(f"\nAsk more: {_ask_command()} 'What is CLIP and how is it used?'", soft_wrap=True)


async def _show_concept(wiring: Wiring, course: Course, redis: "Redis | None", out: Console) -> None:
    """The card of the concept that the demo asks about, and a picture of what is around it."""
    retriever = wiring.retriever(course, redis)
    lookup, card = await retriever.concept(DEMO_CONCEPT)
    if card is None:
        out.print(choices_text(lookup, DEMO_CONCEPT))
        return
    out.print(f"\n[bold cyan]you[/bold cyan] erica concept {DEMO_CONCEPT}\n")
    out.print(concept_card(within_depth(card, course.answers.prerequisite_depth)), soft_wrap=True)
    file = wiring.settings.data_dir / f"{card.id}.png"
    drawn = await picture(await retriever.concepts(), course.course.title, DEMO_CONCEPT)
    await asyncio.to_thread(file.write_bytes, drawn)
    out.print(f"\nA picture of what is around it: {file}", soft_wrap=True, markup=False)


async def _exchange(tutor: Tutor, course: Course, thread: str, out: Console) -> None:
    reply = ConsoleReply(out)
    out.print(f"Ask about [bold]{escape(course.course.title)}[/bold]. An empty line or Ctrl-D ends.")
    while (text := _next_line(out).strip()).lower() not in _ENDS:
        if text.lower() in _ASKS_FOR_HELP:
            out.print(_HELP)
            continue
        try:
            await reply.show(tutor.answer(Question(text, thread=thread)))
        except QuestionRejected as error:
            out.print(error.user_message)


def _next_line(out: Console) -> str:
    # Not in a thread, though it blocks: a thread that waits for the keyboard cannot be ended by Ctrl-C.
    try:
        return out.input("\n[bold cyan]you[/bold cyan] ")
    except EOFError:
        return ""


@asynccontextmanager
async def _redis(wiring: Wiring) -> AsyncIterator["Redis | None"]:
    """Answers do not need it: where it cannot be had, that is said and the conversation goes on."""
    connection = wiring.redis(private=True)
    try:
        entered = await connection.__aenter__()
    except EricaError as error:
        wiring.notice(f"Follow-ups will not be understood: {error}. {error.hint}")
        yield None
        return
    try:
        yield entered
    finally:
        await connection.__aexit__(None, None, None)


def _ask_command() -> str:
    """How to ask the demo course from here, as short as it can be written."""
    program = Path(sys.argv[0])
    found = shutil.which(program.name)
    if program.name == "__main__.py":
        called = "python -m bot"
    elif found and program.exists() and Path(found).samefile(program):
        called = program.name
    else:
        called = os.path.relpath(program)
    course = demo_course()
    return f"{called} ask --course {min(os.path.relpath(course), str(course), key=len)}"


def demo_course() -> Path:
    """The bundled course: inside the installed package, or in a checkout's `deploy/demo`."""
    installed = Path(__file__).parent / "_demo" / "course.toml"
    return installed if installed.exists() else Path(__file__).parent.parent / "deploy" / "demo" / "course.toml"
