"""Whoever works on a question learns that it is to stop, also when somebody else has just stopped listening."""

import asyncio
from collections.abc import Sequence

from redis.asyncio import Redis

from bot.adapters.redis_client import connect
from bot.adapters.redis_journal import RedisJournal
from bot.halts import Halts
from bot.intake import Incoming
from bot.journal import Halt


class AtOnce(RedisJournal):
    """Tells without waiting for Redis, so that nothing else happens in between."""

    def __init__(self, client: Redis) -> None:
        super().__init__(client)
        self.told: dict[str, Halt] = {}

    async def halts(self, questions: Sequence[str]) -> dict[str, Halt]:
        return {question: halt for question, halt in self.told.items() if question in questions}


def asked(message: str) -> Incoming:
    return Incoming("slack", "T1", "C1", message, None, "U1", "why?", "mention", 0.0)


async def test_who_comes_as_the_last_one_leaves_can_be_stopped(url: str) -> None:
    async with connect(url) as client:
        journal = AtOnce(client)
        halts = Halts(journal)
        async with halts.watch(asked("1.0")):
            await asyncio.sleep(0)  # the look has begun
        async with halts.watch(asked("2.0")) as watched:
            journal.told[asked("2.0").question] = Halt("stopped")
            assert await asyncio.wait_for(watched.halted, 5) == Halt("stopped")
