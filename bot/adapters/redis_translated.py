"""Turns what Redis and its client raise, or take too long for, into one of Erica's errors. Knows no key and no noun."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from redis.exceptions import RedisError

from bot.errors import EricaError

HINT = "Is the Redis of ERICA_REDIS_URL up?"


@asynccontextmanager
async def translated(failure: Callable[[str], EricaError], patience: float) -> AsyncIterator[None]:
    """Raises `failure(reason)` for errors of Redis and of the way to it, and after `patience` seconds."""
    task = asyncio.current_task()
    cancellations = task.cancelling() if task else 0
    cause: Exception | None = None
    try:
        async with asyncio.timeout(patience):
            yield
    except (RedisError, OSError) as error:  # TimeoutError is one of these
        cause = error
    if task and task.cancelling() > cancellations:
        raise asyncio.CancelledError from cause  # on Python 3.11 redis-py may swallow it
    if cause is not None:
        raise failure(str(cause) or f"no answer in {patience:g} s") from cause
