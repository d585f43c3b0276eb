"""What threads remember, kept in any Redis or Valkey: one capped list of turns a thread, with an expiry.

Knows nothing of platforms, and nothing of which Redis it talks to.
"""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Self

from redis.asyncio import Redis

from bot.adapters.redis_client import connect
from bot.adapters.redis_stored import key_part, storable
from bot.adapters.redis_translated import translated
from bot.errors import MemoryFailed
from bot.ports import Turn

_log = logging.getLogger(__name__)

MOST_TURNS = 20
MOST_CHARACTERS = 4_000  # of a question, and of an answer
LIFETIME = timedelta(days=30)  # after the last turn


class RedisMemory:
    """Implements `bot.ports.Memory`. One round trip a call; safe to share between tasks of one event loop."""

    def __init__(self, client: Redis, patience: float = 3.0) -> None:
        """`patience`: the most seconds a call may take, since somebody's answer waits for it."""
        self._client = client
        self._patience = patience

    @classmethod
    def from_url(cls, url: str, patience: float = 3.0) -> Self:
        """Memory in the Redis at a `redis://`, `rediss://` or `unix://` URL; connects on first use.

        Raises ConfigError for a URL that is none.
        """
        return cls(connect(url), patience)

    async def recall(self, thread: str) -> tuple[Turn, ...]:
        """The thread's last turns, at most MOST_TURNS, oldest first. Raises MemoryFailed."""
        async with self._translated("read"):
            entries = await self._client.lrange(_key(thread), -MOST_TURNS, -1)
        return tuple(turn for entry in entries if (turn := _decoded(entry)) is not None)

    async def remember(self, thread: str, turn: Turn) -> None:
        """Add a turn, drop the oldest beyond MOST_TURNS, and start LIFETIME anew. Raises MemoryFailed."""
        key, entry = _key(thread), _encoded(turn)
        async with self._translated("written"), self._client.pipeline(transaction=True) as pipeline:
            # Removed before it is added: when the reply is lost and the client tries again, it is there once.
            pipeline.lrem(key, -1, entry)
            pipeline.rpush(key, entry)
            pipeline.ltrim(key, -MOST_TURNS, -1)
            pipeline.expire(key, LIFETIME)
            await pipeline.execute()

    async def close(self) -> None:
        """Close the client's connections. Raises MemoryFailed."""
        async with self._translated("closed"):
            await self._client.aclose()

    @asynccontextmanager
    async def _translated(self, done: str) -> AsyncIterator[None]:
        async with translated(
            lambda reason: MemoryFailed(f"a thread's memory could not be {done}: {reason}"), self._patience
        ):
            yield


def _key(thread: str) -> str:
    return f"erica:thread:{key_part(thread)}"


def _encoded(turn: Turn) -> str:
    return json.dumps({"question": _kept(turn.question), "answer": _kept(turn.answer)}, ensure_ascii=False)


def _kept(text: str) -> str:
    if len(text) > MOST_CHARACTERS:
        text = text[: MOST_CHARACTERS - 1] + "…"
    return storable(text)  # an event's JSON may bring half a surrogate pair


def _decoded(entry: bytes | str) -> Turn | None:
    try:
        match json.loads(entry):
            case {"question": str(question), "answer": str(answer)}:
                return Turn(question, answer)
    except ValueError:
        pass
    _log.warning("a remembered turn is not in a form that this version reads; left out")
    return None
