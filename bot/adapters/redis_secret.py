"""The secret that all processes of one Erica share through their Redis or Valkey. Knows nothing of what it hides."""

import secrets

from redis.asyncio import Redis

from bot.adapters.redis_stored import text_of
from bot.adapters.redis_translated import HINT, translated
from bot.errors import ConfigError, JournalFailed

_KEY = "erica:pseudonym-key"
_BYTES = 32


async def shared_key(client: Redis, patience: float = 2.0) -> bytes:
    """The key of pseudonyms, 32 random bytes: the first process that asks makes it, and it is kept for ever.

    Raises JournalFailed, and ConfigError where something else is in its place: another key would make everybody a
    stranger, so it is not replaced.
    """
    async with translated(_failure, patience), client.pipeline(transaction=False) as pipeline:
        pipeline.set(_KEY, secrets.token_hex(_BYTES), nx=True)  # in hexadecimal, for clients that decode what they get
        pipeline.get(_KEY)
        _, stored = await pipeline.execute()
    try:
        key = bytes.fromhex(text_of(stored or ""))
    except ValueError:
        key = b""
    if len(key) != _BYTES:
        raise ConfigError(
            f"what Redis holds as {_KEY} is no key",
            f"Restore Redis from a backup, or delete {_KEY}: then ratings and limits start anew for every student.",
        )
    return key


def _failure(reason: str) -> JournalFailed:
    return JournalFailed(f"Redis failed to hand out the key of pseudonyms: {reason}", HINT)
