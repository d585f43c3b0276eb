"""What a student sees in Slack and in Discord, written down: `python tests/transcripts.py FOLDER`.

A student asks, goes on, looks something up, asks what the course does not cover, and meets two outages. For each
platform the folder gets the conversation as JSON, as text and as a page to look at, and its pictures.
"""

import argparse
import asyncio
import json
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from discord_records import Seen as DiscordSeen
from discord_records import render_transcript
from erica_command import erica
from loopback_discord import LoopbackDiscord
from loopback_model import LoopbackModel, Reply, ok, status
from loopback_slack import LoopbackSlack
from running_erica import DISCORD_CHANNEL, GUILD, SLACK_CHANNEL, Surroundings, chat_course, running_here
from slack_records import Seen as SlackSeen
from transcript_page import discord_page, slack_page

QUESTION = "Why is scaled dot-product attention scaled, and how do I compute it in NumPy?"
FOLLOW_UP = "and with a mask, so that a token cannot look ahead?"
UNCOVERED = "How does AlphaFold predict the structure of a protein?"
QUOTED = "What is a residual connection good for?"
UNSEARCHED = "What does layer normalization do?"
CONCEPT, WALKED_FROM = "attention", "softmax"

ANSWERS = Path(__file__).parent / "data"

SCENES = {
    "question": "a question with code and math",
    "follow-up": "a follow-up without a mention",
    "lookup": "a lookup with a picture, and a button of it",
    "abstention": "what the course does not cover",
    "model outage": "the model is down",
    "search outage": "the index is gone",
}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Transcript:
    """One platform's conversation. `scenes` has what Erica said in each, as it is shown; `raw` all that was sent."""

    platform: str
    entries: list[Json]
    text: str
    page: str
    scenes: dict[str, list[str]]
    raw: list[str]
    pings: list[str]
    pictures: dict[str, bytes]


class Student(ABC):
    """Somebody on one platform, and what can be seen there."""

    def __init__(self) -> None:
        self.scenes: dict[str, list[str]] = {}

    @abstractmethod
    async def ask(self, text: str, rated: bool = True) -> list[str]:
        """What a mention is answered with at the end, below which there are buttons if it can be `rated`."""

    @abstractmethod
    async def go_on(self, text: str) -> list[str]:
        """What a follow-up in the thread of the last question is answered with."""

    @abstractmethod
    async def look_up(self, name: str) -> str:
        """A concept's card."""

    @abstractmethod
    async def walk(self) -> str:
        """The card that the first button of the last card leads to, in whose place it comes."""

    @abstractmethod
    def transcript(self) -> Transcript:
        """Everything so far."""


class InSlack(Student):
    """A student in the loopback Slack."""

    def __init__(self, slack: LoopbackSlack) -> None:
        super().__init__()
        self._slack, self._thread = slack, ""
        slack.channel(SLACK_CHANNEL, ["U1"])

    async def ask(self, text: str, rated: bool = True) -> list[str]:
        self._thread = await self._slack.mention(SLACK_CHANNEL, "U1", text)
        return await self._answered(0, rated)

    async def go_on(self, text: str) -> list[str]:
        before = len(self._answers())
        await self._slack.reply(SLACK_CHANNEL, self._thread, "U1", text)
        return await self._answered(before)

    async def look_up(self, name: str) -> str:
        before = self._cards()
        await self._slack.slash("/concept", name, user="U1", channel=SLACK_CHANNEL)
        await self._slack.until(lambda: len(self._cards()) > len(before))
        return self._cards()[-1].text

    async def walk(self) -> str:
        card = self._cards()[-1]
        buttons = [button for block in card.blocks if block["type"] == "actions" for button in block["elements"]]
        await self._slack.press(SLACK_CHANNEL, card.ts, buttons[0]["action_id"], user="U1")
        await self._slack.until(lambda: self._cards()[-1].text != card.text)
        return self._cards()[-1].text

    def _cards(self) -> list[SlackSeen]:
        messages = self._slack.channels[SLACK_CHANNEL].messages.values()
        return [self._slack.seen(SLACK_CHANNEL, one.ts) for one in messages if one.ephemeral_to]

    def _answers(self) -> list[SlackSeen]:
        return self._slack.answers(SLACK_CHANNEL, self._thread)

    async def _answered(self, before: int, rated: bool = True) -> list[str]:
        def done() -> list[str]:
            new = [one.text for one in self._answers()[before:]]
            return new if new and (not rated or "[Helpful]" in new[-1]) else []

        return await self._slack.until(done, within=60)

    def transcript(self) -> Transcript:
        slack = self._slack
        seen = [slack.seen(SLACK_CHANNEL, one.ts) for one in slack.channels[SLACK_CHANNEL].messages.values()]
        mine = [one for one in seen if slack.users[one.who].bot_id]
        names = {one.id: f"slack-{number}-{one.name}" for number, one in enumerate(slack.files.values(), 1)}
        return Transcript(
            "slack",
            slack.transcript(SLACK_CHANNEL),
            slack.render_transcript(SLACK_CHANNEL),
            slack_page(seen, names),
            self.scenes,
            [text for one in mine for text in (one.text, *one.edits, *one.content.raw)],
            [name for one in mine for name in one.pings],
            {names[one.id]: one.data for one in slack.files.values()},
        )


class InDiscord(Student):
    """A student in the loopback Discord."""

    def __init__(self, discord: LoopbackDiscord) -> None:
        super().__init__()
        self._discord, self._thread = discord, ""
        discord.guild(GUILD, [DISCORD_CHANNEL], ["ada"])

    async def ask(self, text: str, rated: bool = True) -> list[str]:
        self._thread = (await self._discord.mention(DISCORD_CHANNEL, "ada", text)).id
        return await self._answered(0, rated)

    async def go_on(self, text: str) -> list[str]:
        before = len(self._answers())
        await self._discord.reply(self._thread, "ada", text)
        return await self._answered(before)

    async def look_up(self, name: str) -> str:
        before = self._cards()
        await self._discord.slash("concept", name=name)
        await self._discord.until(lambda: len(self._cards()) > len(before))
        return self._cards()[-1].content

    async def walk(self) -> str:
        card = self._cards()[-1]
        await self._discord.press(card.components[0])
        await self._discord.until(lambda: self._cards()[-1].content != card.content)
        return self._cards()[-1].content

    def _cards(self) -> list[DiscordSeen]:
        return [one for one in self._discord.thread(DISCORD_CHANNEL) if one.ephemeral_to and not one.thinking]

    def _answers(self) -> list[DiscordSeen]:
        return [one for one in self._discord.thread(self._thread) if one.author == self._discord.bot.name]

    async def _answered(self, before: int, rated: bool = True) -> list[str]:
        def done() -> list[str]:
            new = self._answers()[before:]
            over = new and (new[-1].components if rated else "again" in new[-1].content)
            return [one.content for one in new] if over else []

        return await self._discord.until(done, within=60)

    def transcript(self) -> Transcript:
        discord, entries = self._discord, _with_thumbs(self._discord.transcript(DISCORD_CHANNEL))
        seen: list[tuple[DiscordSeen, bool]] = []
        for one in discord.thread(DISCORD_CHANNEL):
            seen += [(one, False), *((each, True) for each in (discord.thread(one.thread) if one.thread else ()))]
        names = {file.id: f"discord-{number}-{file.name}" for number, file in enumerate(discord.files.values(), 1)}
        mine = [one for one, _ in seen if one.author == discord.bot.name]
        return Transcript(
            "discord",
            entries,
            render_transcript(entries).replace(f"<@{discord.bot.id}>", "@Erica") + "\n",
            discord_page(seen, names),
            self.scenes,
            [text for one in mine for text in (one.content, *(edit.content for edit in one.edits))],
            [name for one in mine for name in one.pings],
            {names[file.id]: file.data for file in discord.files.values()},
        )


def _with_thumbs(entries: list[Json]) -> list[Json]:
    """The two buttons that have an emoji for a label."""
    shown = [{**one, "thread": _with_thumbs(one["thread"])} if "thread" in one else one for one in entries]
    return [{**one, "components": ["👍", "👎"]} if one.get("components") == ["", ""] else one for one in shown]


# Playing.


def _written(file: str) -> Reply:
    """An answer as a model writes it, some words at a time."""
    text = (ANSWERS / file).read_text(encoding="utf-8")
    return ok(*re.findall(r"(?:\S*\s+){1,6}|\S+", text), usage=(1800, 600), pause=0.02)


async def played(folder: Path, course: Path) -> list[Transcript]:
    """All scenes on both platforms, between loopback servers, with the index of the course in `folder`/indexes."""
    async with LoopbackSlack() as slack, LoopbackDiscord() as discord, LoopbackModel() as model:
        students = [InSlack(slack), InDiscord(discord)]
        async with running_here(Surroundings(folder, course, slack, discord, model)):
            await _play(students, model, folder / "indexes")
        return [student.transcript() for student in students]


async def _play(students: Sequence[Student], model: LoopbackModel, index: Path) -> None:
    async def scene(name: str, act: Callable[[Student], Awaitable[list[str]]]) -> None:
        for student, said in zip(students, await asyncio.gather(*map(act, students)), strict=True):
            student.scenes[name] = said

    async def lookup(student: Student) -> list[str]:
        return [await student.look_up(CONCEPT), await student.look_up(WALKED_FROM), await student.walk()]

    model.script = [_written("teaching_answer.md")]
    await scene("question", lambda student: student.ask(QUESTION))
    model.script = [_written("teaching_follow_up.md")]
    await scene("follow-up", lambda student: student.go_on(FOLLOW_UP))
    await scene("lookup", lookup)
    await scene("abstention", lambda student: student.ask(UNCOVERED))
    model.script = [status(500, "boom")]
    await scene("model outage", lambda student: student.ask(QUOTED))
    await asyncio.to_thread(index.rename, index.with_name("gone"))
    await scene("search outage", lambda student: student.ask(UNSEARCHED, rated=False))


def write(transcript: Transcript, folder: Path) -> None:
    """The conversation as JSON, text and page, and its pictures."""
    name = transcript.platform
    (folder / f"{name}.json").write_text(json.dumps(transcript.entries, indent=1, ensure_ascii=False) + "\n")
    (folder / f"{name}.txt").write_text(transcript.text)
    (folder / f"{name}.html").write_text(transcript.page)
    for file, data in transcript.pictures.items():
        (folder / file).write_bytes(data)


def main() -> None:
    """Play and write."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="erica-transcripts-") as kept:
        course = chat_course(Path(kept))
        done = erica("ingest", str(course), data=Path(kept))
        assert done.code == 0, done.err
        for transcript in asyncio.run(played(Path(kept), course)):
            write(transcript, folder)
    sys.stdout.write(f"{folder}\n")


if __name__ == "__main__":
    main()
