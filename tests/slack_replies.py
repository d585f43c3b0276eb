"""Erica's replies in a loopback Slack, with a real intake and journal, for tests."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import pytest
from loopback_slack import LoopbackSlack
from redis.asyncio import Redis

from bot.adapters.redis_client import connect
from bot.adapters.redis_intake import RedisIntake
from bot.adapters.redis_journal import RedisJournal
from bot.adapters.slack_client import SlackClients
from bot.adapters.slack_pace import SlackPace
from bot.adapters.slack_reply import SlackReplies, SlackReply
from bot.intake import Delivery, Incoming, Progress
from bot.messages import Answer, Citation
from bot.metrics import Metrics

CITED = Citation(1, "https://course.test/bfs#queue", "BFS", "A queue.")
ANSWER = Answer("answered", "BFS uses a **queue** [1].", (CITED,))
SHOWN = "BFS uses a queue [1] (https://course.test/bfs#queue).\nSources\n[1] BFS (https://course.test/bfs#queue)"


@dataclass
class Desk:
    """Where questions of the channel C1 are answered."""

    slack: LoopbackSlack
    intake: RedisIntake
    journal: RedisJournal
    clients: SlackClients
    metrics: Metrics
    pace: SlackPace
    consumers: int = 0

    async def question(self, text: str = "What is BFS?", **other: object) -> Delivery:
        """Somebody asks in the channel, and a worker takes it."""
        ts = await self.slack.mention("C1", "U1", text)
        incoming = Incoming("slack", "T1", "C1", ts, None, "U1", text, "mention", 0.0, f"Ev{ts}")
        return await self.take(replace(incoming, **other))  # type: ignore[arg-type]

    async def command(self, command: str, text: str, **other: object) -> Delivery:
        """Somebody gives a command in the channel."""
        url = self.slack.response_url(self.slack.channels["C1"], "U1")
        incoming = Incoming(
            "slack", "T1", "C1", "", None, "U1", text, "command", 0.0, "trigger1", command=command, reply_to=url
        )
        return await self.take(replace(incoming, **other))  # type: ignore[arg-type]

    async def take(self, incoming: Incoming) -> Delivery:
        assert await self.intake.put(incoming)
        return await self.next()

    async def next(self) -> Delivery:
        self.consumers += 1
        delivery = await self.intake.take(f"worker{self.consumers}", wait=5)
        assert delivery is not None
        return delivery

    async def reclaimed(self, delivery: Delivery) -> Delivery:
        """Another worker gets what a dead one had."""
        await self.intake.release(delivery)
        return await self.next()

    def reply(self, delivery: Delivery, earlier: Progress = Progress()) -> SlackReply:
        """A process of its own, as far as replies can tell, but with the same pace."""
        replies = SlackReplies(self.clients, self.intake, self.journal, self.metrics, self.pace)
        return replies.to(delivery, earlier)

    async def answered(self, delivery: Delivery, answer: Answer = ANSWER) -> str:
        """A whole answer without anything before."""
        reply = self.reply(delivery)
        await reply.begin("Searching …")
        link = await reply.finish(answer)
        await reply.close()
        return link

    async def shown(self, reply: SlackReply, text: str, seen: Callable[[], bool]) -> None:
        """Show a text, and wait until it is seen."""
        reply.show(text)
        await self.slack.until(seen)

    def texts(self, delivery: Delivery) -> list[str]:
        """What Erica says in a question's thread."""
        return [each.text for each in self.slack.answers("C1", delivery.incoming.message)]

    def counted(self, name: str) -> float:
        """A metric's samples in all."""
        families = self.metrics.registry.collect()
        return sum(each.value for family in families for each in family.samples if each.name == name)


class Hurry(SlackPace):
    """Nobody in a test waits between two calls."""

    def append_rest(self, team: str) -> float:
        return 0.01

    def preview_rest(self, team: str) -> float:
        return 0.01


@pytest.fixture(name="desk")
async def desk_fixture(slack: LoopbackSlack, url: str) -> AsyncIterator[Desk]:
    """A channel with a student, and all that is needed to answer there."""
    slack.channel("C1", members=["U1"])
    client: Redis = connect(url)
    metrics = Metrics()

    async def token_of(team: str) -> str:
        return slack.workspace(team).bot_token

    clients = SlackClients(token_of, slack.api_url, metrics)
    yield Desk(slack, RedisIntake(client), RedisJournal(client), clients, metrics, Hurry())
    await clients.close()
    await client.aclose()
    assert {task for task in asyncio.all_tasks() if "SlackStream" in repr(task.get_coro())} == set()
