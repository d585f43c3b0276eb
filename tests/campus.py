"""A course on a loopback Slack and a loopback Discord at once, asked and read in the same way on both.

What a student sees is asked of the platforms; nothing here reaches into Erica.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

import pytest
from loopback_discord import LoopbackDiscord, discord_server_fixture
from loopback_model import LoopbackModel, model_server_fixture
from loopback_slack import LoopbackSlack, slack_fixture
from running_erica import DISCORD_CHANNEL, GUILD, SLACK_CHANNEL, Surroundings, surroundings_in

__all__ = ["campus_fixture", "discord_server_fixture", "model_server_fixture", "slack_fixture"]

T = TypeVar("T")
Where = Literal["slack", "discord"]
STUDENTS = 40


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: its message, or in Discord the thread that begins with it."""

    where: Where
    id: str


@dataclass(frozen=True, slots=True)
class Said:
    """One of Erica's messages as it stands now; `pings` are whom it notified."""

    id: str
    text: str
    pings: tuple[str, ...]


@dataclass(frozen=True)
class Campus:
    """Both platforms, the model behind Erica, and the settings of an Erica among them."""

    slack: LoopbackSlack
    discord: LoopbackDiscord
    model: LoopbackModel
    surroundings: Surroundings

    async def ask(self, where: Where, text: str, student: int = 0) -> Asked:
        """Mention Erica in the course's channel."""
        if where == "slack":
            return Asked(where, await self.slack.mention(SLACK_CHANNEL, f"U{student}", text))
        return Asked(where, (await self.discord.mention(DISCORD_CHANNEL, f"student{student}", text)).id)

    async def ask_both(self, text: str, student: int = 0) -> list[Asked]:
        return [await self.ask("slack", text, student), await self.ask("discord", text, student)]

    async def follow_up(self, asked: Asked, text: str, student: int = 0) -> None:
        """Write in the question's thread, without a mention."""
        if asked.where == "slack":
            await self.slack.reply(SLACK_CHANNEL, asked.id, f"U{student}", text)
        else:
            await self.discord.reply(asked.id, f"student{student}", text)

    async def edit(self, asked: Asked, text: str) -> None:
        if asked.where == "slack":
            await self.slack.edit(SLACK_CHANNEL, asked.id, f"<@{self.slack.workspace().bot_user}> {text}")
        else:
            await self.discord.edit(self.discord.find(asked.id), f"<@{self.discord.bot.id}> {text}")

    def said(self, asked: Asked) -> list[Said]:
        """Erica's messages in the question's thread."""
        if asked.where == "slack":
            return [Said(one.ts, one.text, one.pings) for one in self.slack.answers(SLACK_CHANNEL, asked.id)]
        bot = self.discord.bot.name
        seen = [one for one in self.discord.thread(asked.id) if one.author == bot and not one.thinking]
        return [Said(one.id, one.content, one.pings) for one in seen]

    def answers(self, asked: Asked) -> list[Said]:
        """Those that are finished and show their sources."""
        return [one for one in self.said(asked) if "Sources" in one.text]

    async def until(self, where: Where, happened: Callable[[], T], within: float = 20.0) -> T:
        """Wait until this is true on a platform."""
        world = self.slack if where == "slack" else self.discord
        return await world.until(happened, within)

    async def answered(self, questions: Sequence[Asked]) -> list[Said]:
        """Wait until each has its answer; they have just one."""
        for one in questions:
            await self.until(one.where, partial(self.answers, one))
        return [only(self.answers(one)) for one in questions]

    async def shown(self, questions: Sequence[Asked], words: str) -> list[Said]:
        """Wait until Erica says these words to each, and give the messages that do."""

        def find(asked: Asked) -> list[Said]:
            return [one for one in self.said(asked) if words in one.text]

        return [(await self.until(one.where, partial(find, one)))[0] for one in questions]

    async def whispered(self, where: Where, student: int) -> str:
        """Wait until Erica says something to one student alone."""

        def look() -> list[str]:
            if where == "slack":
                messages = self.slack.channels[SLACK_CHANNEL].messages.values()
                return [one.shown for one in messages if one.ephemeral_to == f"U{student}" and one.shown]
            seen = self.discord.thread(DISCORD_CHANNEL)
            return [one.content for one in seen if one.ephemeral_to == f"student{student}" and not one.thinking]

        return only(await self.until(where, look))

    async def told_by_ask(self, where: Where) -> Asked:
        """Wait until Erica tells everybody what somebody asked by command: the question's thread begins there."""

        def look() -> list[str]:
            if where == "slack":
                messages = self.slack.channels[SLACK_CHANNEL].messages.values()
                mine = [one for one in messages if one.bot_id and not one.ephemeral_to]
                return [one.ts for one in mine if one.thread_ts in ("", one.ts)]
            mine_there = [one for one in self.discord.thread(DISCORD_CHANNEL) if one.author == self.discord.bot.name]
            return [one.id for one in mine_there if one.thread and not one.thinking]

        return Asked(where, only(await self.until(where, look)))

    @property
    def repeated(self) -> list[object]:
        """What Erica said twice in one place."""
        return [*self.slack.duplicates(), *self.discord.repeated()]


def only(found: Sequence[T]) -> T:
    """The one there is."""
    assert len(found) == 1, found
    return found[0]


async def logged(caplog: pytest.LogCaptureFixture, words: str, times: int = 1) -> None:
    """Until the log has these words so many times."""
    async with asyncio.timeout(20):
        while caplog.text.count(words) < times:  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.02)


@pytest.fixture(name="campus")
async def campus_fixture(
    tmp_path: Path,
    demo_indexes: Path,
    slack: LoopbackSlack,
    discord_server: LoopbackDiscord,
    model_server: LoopbackModel,
) -> Campus:
    """The demo course in one channel of each platform, with students U0, U1, ... and student0, student1, ..."""
    slack.channel(SLACK_CHANNEL, [f"U{number}" for number in range(STUDENTS)])
    discord_server.guild(GUILD, [DISCORD_CHANNEL], [f"student{number}" for number in range(STUDENTS)])
    return Campus(
        slack,
        discord_server,
        model_server,
        surroundings_in(tmp_path, demo_indexes, slack=slack, discord=discord_server, model=model_server),
    )
