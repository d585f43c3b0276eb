"""What staff did to the concept graph, in any Redis or Valkey: a list of edits as JSON, shared by every Erica there.

Unlike the graph cache this is precious: it never expires, and a failure to keep it is said.
"""

import asyncio
import hashlib
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.exceptions import RedisError

from retrieval.adapters.redis_text import as_bytes, key_part
from retrieval.edits import Edit
from retrieval.errors import StoreError

_log = logging.getLogger(__name__)

_REMEMBERED_SECONDS = 5.0
_PATIENCE_TO_LOOK = 0.5  # a question waits for it
_RETRY_SECONDS = 600  # how long a repeated append is known as such

# A client that lost the reply sends the same again; it must not be appended twice.
_APPEND = """
if redis.call('SET', KEYS[2], 1, 'NX', 'EX', ARGV[2]) then redis.call('RPUSH', KEYS[1], ARGV[1]) end
return redis.call('LLEN', KEYS[1])
"""


class RedisEditLog:
    """Implements `retrieval.ports.EditLog`; safe to share between tasks of one event loop.

    The list is `erica:{edits:COURSE}`, oldest first.
    """

    def __init__(
        self, client: Redis, course: str, patience: float = 3.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """The client stays the caller's to close; others may share it. `patience`: seconds a call may take."""
        self._client, self._patience, self._clock = client, patience, clock
        self._key = f"erica:{{edits:{key_part(course)}}}"
        self._word: str | None = None
        self._failure: StoreError | None = None
        self._looking = asyncio.Lock()
        self._look_from = float("-inf")
        self._appended = 0

    async def edits(self) -> tuple[Edit, ...]:
        """The whole log; entries that cannot be read are left out and counted in the log. Raises StoreError."""
        async with _translated("read", self._patience):
            entries = await self._client.lrange(self._key, 0, -1)
        edits = [_edit_in(entry) for entry in entries]
        if lost := edits.count(None):
            _log.warning("%d of %d entries of %s cannot be read and are left out", lost, len(edits), self._key)
        return tuple(edit for edit in edits if edit is not None)

    async def append(self, edit: Edit) -> None:
        """Add an entry. Raises StoreError; where Redis fell silent it may have been added all the same."""
        entry = as_bytes(edit.to_json())
        once = f"{self._key}:once:{secrets.token_hex(8)}"
        try:
            async with _translated("written", self._patience):
                await self._client.eval(_APPEND, 2, self._key, once, entry, _RETRY_SECONDS)
        finally:
            self._appended += 1
            self._look_from = float("-inf")

    async def version(self) -> str:
        """Length and a fingerprint of the last entry; Redis is asked at most every five seconds.

        While it does not answer, the last word known still holds. Raises StoreError where none is known.
        """
        async with self._looking:
            if self._clock() >= self._look_from:
                appended = self._appended
                try:
                    self._word, self._failure = await self._look(), None
                except StoreError as error:
                    if self._failure is None and self._word is not None:
                        _log.warning("%s; going on with the edits known so far", error)
                    self._failure = error
                if appended == self._appended:  # else the word may be the one before our own append
                    self._look_from = self._clock() + _REMEMBERED_SECONDS
            if self._word is None:
                raise StoreError("the edit log in Redis could not be read", _HINT) from self._failure
            return self._word

    async def _look(self) -> str:
        async with _translated("read", _PATIENCE_TO_LOOK), self._client.pipeline(transaction=True) as pipeline:
            pipeline.llen(self._key)
            pipeline.lindex(self._key, -1)
            length, last = await pipeline.execute()
        return f"{length}-{hashlib.blake2b(as_bytes(last), digest_size=8).hexdigest()}" if length else ""


_HINT = "Check ERICA_REDIS_URL, and that the Redis there is up and lets Erica write."


@asynccontextmanager
async def _translated(done: str, patience: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(patience):
            yield
    except (RedisError, OSError, UnicodeError) as error:
        reason = str(error) or f"no answer in {patience:g} s"
        raise StoreError(f"the edit log in Redis could not be {done}: {reason}", _HINT) from error


def _edit_in(entry: bytes | str) -> Edit | None:
    try:
        return Edit.from_json(as_bytes(entry))
    except (ValueError, RecursionError):
        return None
