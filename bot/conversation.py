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
from bot.concept_pictures import UnknownConcept, known, picture
from bot.course import Course
from bot.errors import EricaError, QuestionRejected
from bot.messages import Question
from bot.rendering.concept_reports import choices_text, concept_card, lookup_note, path_text
from bot.tutor import Tutor
from bot.wiring import Wiring
from retrieval.concepts.guidance import within_depth
from retrieval.concepts.paths import learning_path
from retrieval.results import Options
from retrieval.retriever import Retriever

if TYPE_CHECKING:
    from redis.asyncio import Redis

DEMO_CONCEPT = "attention"
DEMO_QUESTION = "What is attention in transformers and can you provide a python example of how it is used?"

_HELP = """Ask in your own words; a follow-up such as "and in python?" knows what came before.
/concept NAME shows a concept, /path TO or /path FROM > TO the way to one.
An empty line, `quit` or Ctrl-D ends the conversation."""
_ASKS_FOR_HELP = frozenset({"help", "/help", "?"})
_ENDS = frozenset({"", "quit", "exit", "q", ":q", "/quit", "/exit"})


async def converse(wiring: Wiring, course: Course, options: Options, out: Console) -> None:
    """Until an empty line; what was asked before is remembered so long."""
    await (await wiring.store(course).open()).close()  # that there is no index is better said before a question
    async with _redis(wiring) as redis:
        tutor, retriever = wiring.tutor(course, redis, options), wiring.retriever(course, redis)
        await _Conversation(tutor, retriever, course, out, f"console-{uuid.uuid4()}").exchange()


async def demonstrate(wiring: Wiring, course: Course, out: Console) -> None:
    """Ask the demo question and look up a concept; then, if somebody sits there, it is their turn."""
    async with _redis(wiring) as redis:
        tutor, retriever = wiring.tutor(course, redis), wiring.retriever(course, redis)
        conversation = _Conversation(tutor, retriever, course, out, f"demo-{uuid.uuid4()}")
        for line in (DEMO_QUESTION, f"/concept {DEMO_CONCEPT}"):
            out.print(f"\n[bold cyan]you[/bold cyan] {line}\n", soft_wrap=True)
            await conversation.take(line)
        file = wiring.settings.data_dir / f"{DEMO_CONCEPT}.png"
        drawn = await picture(await retriever.concepts(), course.course.title, DEMO_CONCEPT)
        await asyncio.to_thread(file.write_bytes, drawn)
        out.print(f"\nA picture of what is around it: {file}", soft_wrap=True, markup=False)
        if sys.stdin.isatty() and out.is_terminal:
            out.print()
            await conversation.exchange()
        else:
            out.print(f"\nAsk more: {_ask_command()} 'What is CLIP and how is it used?'", soft_wrap=True)


class _Conversation:
    """One thread at the console."""

    def __init__(self, tutor: Tutor, retriever: Retriever, course: Course, out: Console, thread: str) -> None:
        self._tutor, self._retriever, self._course = tutor, retriever, course
        self._out, self._thread, self._reply = out, thread, ConsoleReply(out)

    async def exchange(self) -> None:
        """Take line after line until an empty one."""
        title = escape(self._course.course.title)
        self._out.print(f"Ask about [bold]{title}[/bold]. /help tells more; an empty line or Ctrl-D ends.")
        while (text := _next_line(self._out).strip()).lower() not in _ENDS:
            try:
                await self.take(text)
            except QuestionRejected as error:
                self._out.print(error.user_message)
            except UnknownConcept as error:
                self._out.print(str(error), markup=False)

    async def take(self, text: str) -> None:
        """Answer a question, or do what a line says that begins with a slash."""
        command, _, rest = text.partition(" ")
        if text.lower() in _ASKS_FOR_HELP:
            self._out.print(_HELP, markup=False)
        elif command.lower() == "/concept" and rest:
            await self._show_concept(rest)
        elif command.lower() == "/path" and rest:
            await self._show_path(rest)
        else:
            await self._reply.show(self._tutor.answer(Question(text, thread=self._thread)))

    async def _show_concept(self, name: str) -> None:
        lookup, card = await self._retriever.concept(name)
        if card is None:
            self._out.print(choices_text(lookup, name))
            return
        if note := lookup_note(lookup, name, card.title):
            self._out.print(note)
        shown = within_depth(card, self._course.answers.prerequisite_depth)
        self._out.print(concept_card(shown), soft_wrap=True)

    async def _show_path(self, names: str) -> None:
        concepts = await self._retriever.concepts()
        *start, target = (known(concepts, name.strip()) for name in names.split(">", 1))
        way = learning_path(await concepts.graph(), target, start[0] if start else None)
        self._out.print(path_text(way.steps, way.note), soft_wrap=True)


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
