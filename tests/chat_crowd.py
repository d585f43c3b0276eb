"""Students who ask a real `erica run` on a loopback Slack and Discord, and a loopback model that answers in 60 pieces.

Knows what each of them was shown, how often and when; what that should be is for benchmarks to say.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from aiohttp import web
from discord_records import Message as DiscordMessage
from loopback_discord import LoopbackDiscord
from loopback_model import LoopbackModel, Seen
from loopback_slack import LoopbackSlack
from running_erica import DISCORD_CHANNEL, GUILD, SLACK_CHANNEL, EricaProcess, Surroundings
from slack_records import Message as SlackMessage

PIECES = 60
SUBJECTS = ("attention", "gradient descent", "backpropagation", "a variational autoencoder", "CLIP", "dropout")
_NUMBER = re.compile(r"example number (\d+)")
_SENTENCE = re.compile(r"Example (\d+), sentence (\d+)\.")
_LOOK_SECONDS = 0.05

Way = Literal["slack", "discord", "discord /ask"]


@dataclass(eq=False, slots=True)
class Asked:
    """A question and what became of it; times in seconds since the epoch, 0 for what has not happened."""

    number: int
    way: Way
    id: str = ""  # of the message; of the interaction where it was a command
    sent: float = 0.0  # when the platform told Erica first
    requests: list[float] = field(default_factory=list)  # when the model was asked
    first_piece: float = 0.0  # when the model had said the first words


@dataclass(frozen=True, slots=True)
class Shown:
    """One message of Erica's as it came to be; `states` are its texts with when each stood there, the last one's too.

    `place` is where it stands: the thread's first message in Slack, the thread in Discord.
    """

    way: Way
    place: str
    states: tuple[tuple[float, str], ...]
    streamed: bool

    @property
    def text(self) -> str:
        """What it says in the end."""
        return self.states[-1][1]


class Crowd:
    """The platforms and the model, up while it is entered. Everybody asks one question only."""

    def __init__(self, students: int, pause: float = 0.0) -> None:
        """`pause`: seconds before each piece that the model says."""
        self.slack, self.discord = LoopbackSlack(), LoopbackDiscord()
        self.model = LoopbackModel(self._reply)
        self.pause = pause
        self.asked: list[Asked] = []
        self.most_streaming = 0
        self._students, self._streaming = students, 0
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for server in (self.slack, self.discord, self.model):
            await self._stack.enter_async_context(server)
        self.slack.channel(SLACK_CHANNEL, ["U0"])
        self.discord.guild(GUILD, [DISCORD_CHANNEL], [f"student{n}" for n in range(self._students)])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @asynccontextmanager
    async def erica(self, data: Path, course: Path, embedding: Path | None) -> AsyncIterator[EricaProcess]:
        """Erica among them, connected everywhere; without `embedding` she searches by words alone."""
        more = {"ERICA_DISCORD_TOKEN": self.discord.token}
        more |= {"ERICA_EMBEDDING_PATH": str(embedding)} if embedding else {}
        surroundings = Surroundings(data, course, self.slack, self.discord, self.model, more)
        async with EricaProcess(surroundings) as process:
            await self.slack.until(lambda: self.slack.socket_mode.sockets, within=30)
            await self.discord.until(lambda: self.discord.sessions and any(self.discord.commands.values()), within=30)
            yield process

    async def ask(self, way: Way) -> Asked:
        """The next student asks what nobody has asked before."""
        asked = Asked(len(self.asked), way)
        self.asked.append(asked)
        text = f"What is {SUBJECTS[asked.number % len(SUBJECTS)]}? Explain it with example number {asked.number}."
        student = f"student{asked.number}"
        if way == "slack":
            asked.id = await self.slack.mention(SLACK_CHANNEL, f"U{asked.number}", text)
        elif way == "discord":
            message = await self.discord.mention(DISCORD_CHANNEL, student, text)
            asked.id, asked.sent = message.id, message.at
        else:
            interaction = await self.discord.slash("ask", student, DISCORD_CHANNEL, question=text)
            asked.id, asked.sent = interaction.id, interaction.at
        return asked

    async def answered(self, asked: Sequence[Asked], within: float) -> list[Asked]:
        """Wait until all have a finished answer; those that have none after so many seconds."""
        until = time.monotonic() + within
        open_ = list(asked)
        while open_ and time.monotonic() < until:
            await asyncio.sleep(_LOOK_SECONDS)
            open_ = [one for one in open_ if not self._is_finished(one)]
        return open_

    async def _reply(self, request: web.Request, seen: Seen) -> web.StreamResponse:
        """Sixty pieces, each with the number of its question, so that none can be taken for another's."""
        now = time.time()
        [number] = {*_NUMBER.findall(seen.question)}
        asked = self.asked[int(number)]
        asked.requests.append(now)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        self._streaming += 1
        self.most_streaming = max(self.most_streaming, self._streaming)
        try:
            for sentence in range(1, PIECES + 1):
                await asyncio.sleep(self.pause)
                end = " [1]\n" if sentence == PIECES else " "
                await stream.write(_said({"content": f"Example {number}, sentence {sentence}.{end}"}))
                asked.first_piece = asked.first_piece or time.time()
            await stream.write(_said({}, "stop") + b"data: [DONE]\n\n")
        finally:
            self._streaming -= 1
        return stream

    # What they saw.

    def shown(self) -> Iterator[Shown]:
        """Every message of Erica's that is there now."""
        for place in self.slack.channels.values():
            for message in place.messages.values():
                if message.bot_id and message.deleted_at is None:
                    yield _in_slack(message)
        for channel in self.discord.channels.values():
            for said in channel.alive:
                if said.author is self.discord.bot and said.type != 21:
                    yield _in_discord(said)

    def sent(self, asked: Asked) -> float:
        """When the platform told Erica first; in Slack that is when the first of two events was on the socket."""
        if asked.way != "slack":
            return asked.sent
        return min(each.attempts[0].at for each in self.slack.deliveries(asked.id))

    def place(self, asked: Asked) -> str:
        """Where its answer belongs; "" as long as there is no such place."""
        if asked.way != "discord /ask":
            return asked.id
        root = self.discord.interactions[asked.id].original
        return root.thread.id if root and root.thread else ""

    def _is_finished(self, asked: Asked) -> bool:
        place = self.place(asked)
        if asked.way == "slack":
            replies = self.slack.channels[SLACK_CHANNEL].replies.get(place, ())
            texts = [message.shown for message in replies if message.bot_id and message.deleted_at is None]
        else:
            thread = self.discord.channels.get(place)
            texts = [message.content for message in thread.alive] if thread else []
        answer = "\n".join(texts)
        return asked.number in last_words(answer) and "Sources" in answer


def sentences(text: str) -> list[tuple[int, int]]:
    """Which sentences of whose answers a text is made of: (question, sentence)."""
    return [(int(number), int(sentence)) for number, sentence in _SENTENCE.findall(text)]


def last_words(text: str) -> list[int]:
    """The questions whose answers end in this text."""
    return [number for number, sentence in sentences(text) if sentence == PIECES]


def _in_slack(message: SlackMessage) -> Shown:
    if message.grew:
        states = [(message.grew[0][0], message.markdown[: message.grew[0][1]])]
    else:
        begun = [message.at, *(edit.at for edit in message.edits)]
        states = list(zip(begun, (edit.text for edit in message.edits), strict=False))
    last = message.edits[-1].at if message.edits else message.at
    return Shown("slack", message.thread_ts, (*states, (last, message.shown)), bool(message.grew))


def _in_discord(message: DiscordMessage) -> Shown:
    states = [(edit.at, edit.content) for edit in message.edits]
    return Shown("discord", message.channel.id, (*states, (message.at, message.content)), streamed=False)


def _said(delta: Mapping[str, Any], finish: str | None = None) -> bytes:
    """A chunk as OpenAI sends it."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "chatcmpl-loopback", "object": "chat.completion.chunk", "created": 1, "model": "loopback"}
    return f"data: {json.dumps({**chunk, 'choices': [choice]})}\n\n".encode()
