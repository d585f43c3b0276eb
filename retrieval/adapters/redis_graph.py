"""The graph cache in any Redis or Valkey: a hash per version of a course's graph, filled by whoever finds it missing.

Nothing here is precious: whatever Redis does, the answer comes from the deck instead.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import lru_cache
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from retrieval.adapters.local_graph import LocalGraphCache
from retrieval.adapters.redis_graph_fields import (
    FORMAT,
    MARKER,
    NAMES,
    card_field,
    chunks_of,
    decoded_card,
    decoded_names,
)
from retrieval.adapters.redis_text import as_bytes, key_part
from retrieval.cards import Card, ConceptName, Deck
from retrieval.ports import DeckLoader

_log = logging.getLogger(__name__)

LIFETIME = timedelta(days=7)  # of a version, from its filling; one that is still in use is filled again
KEPT_VERSIONS = 2  # the current one, and the one before for those who have not noticed yet

_REST_SECONDS = 5.0  # without a word to Redis after it failed, so that not every question waits for it
_LONG_REST_SECONDS = 60.0  # after a filling failed, which may have taken long
_FILL_SECONDS = 5.0  # the most that a filling may take
_WAIT_SECONDS = 1.0  # for somebody else's filling
_LOOK_AGAIN_SECONDS = 0.02
_LOCK_SECONDS = 10  # a filler that says nothing for so long is dead
_DRAFT_SECONDS = 60
_COMPLAINT_SECONDS = 60.0
_DECODED = 4096  # cards kept decoded, about 10 kB each: decoding takes longer than fetching
_LONGEST_DECODED = 16 << 10  # bytes of a card that is worth keeping

_TROUBLE = (RedisError, OSError, UnicodeError)

# Publishes a draft if all of it is there: a flush in the middle of a filling takes its beginning away. Returns the
# versions that are too old to keep.
_PUBLISH = """
if redis.call('HLEN', KEYS[1]) ~= tonumber(ARGV[1]) then return false end
redis.call('RENAME', KEYS[1], KEYS[2])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
if redis.call('TYPE', KEYS[3]).ok ~= 'list' then redis.call('DEL', KEYS[3]) end
redis.call('LREM', KEYS[3], 0, ARGV[3])
redis.call('LPUSH', KEYS[3], ARGV[3])
local old = redis.call('LRANGE', KEYS[3], ARGV[4], -1)
redis.call('LTRIM', KEYS[3], 0, ARGV[4] - 1)
redis.call('PEXPIRE', KEYS[3], ARGV[2])
return old
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

_T = TypeVar("_T")


class RedisGraphCache:
    """Implements `retrieval.ports.GraphCache`; safe to share between tasks of one event loop.

    Keys of a course, all in one slot of a cluster, each with an expiry:

        erica:{graph:COURSE}:FORMAT:VERSION        hash: a field a card, the alias table, and the mark of a full one
        erica:{graph:COURSE}:FORMAT:VERSION:lock   the token of who fills it
        erica:{graph:COURSE}:draft:TOKEN           what is being filled; takes the version's name when it is complete
        erica:{graph:COURSE}:versions              list: the versions that are kept, last filled first
    """

    def __init__(
        self, client: Redis, course: str, patience: float = 0.5, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """The client stays the caller's to close; others may share it. `patience`: seconds a read may take."""
        self._client, self._patience, self._clock = client, patience, clock
        self._prefix = f"erica:{{graph:{key_part(course)}}}:"
        self._own = LocalGraphCache()
        self._tables: dict[str, _AliasTable] = {}
        self._remembered = lru_cache(_DECODED)(decoded_card)
        self._resting_until = self._silent_until = float("-inf")

    async def names(self, version: str, deck: DeckLoader) -> tuple[ConceptName, ...]:
        """The alias table; asked for once a version. Raises what `deck` raises."""
        if (table := self._tables.get(version)) is None:
            found = await self._asked(version, [NAMES], lambda values: decoded_names(values[0]), deck)
            table = _AliasTable(await self._own.names(version, deck) if found is None else found)
            self._tables[version] = table
            while len(self._tables) > KEPT_VERSIONS:
                del self._tables[next(iter(self._tables))]
        return table.names

    async def cards(self, version: str, ids: Sequence[str], deck: DeckLoader) -> Mapping[str, Card]:
        """The cards with these ids that exist, in the order they were asked for. Raises what `deck` raises."""
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return {}
        table = self._tables.get(version)

        def understood(values: Sequence[bytes | None]) -> Mapping[str, Card] | None:
            cards: dict[str, Card] = {}
            for id_, value in zip(wanted, values, strict=True):
                if value is None and table is not None and id_ in table.ids:
                    return None
                if value:
                    card = self._remembered(value) if len(value) <= _LONGEST_DECODED else decoded_card(value)
                    if card is None:
                        return None
                    cards[id_] = card
            return cards

        found = await self._asked(version, [card_field(id_) for id_ in wanted], understood, deck)
        return await self._own.cards(version, wanted, deck) if found is None else found

    async def _asked(
        self,
        version: str,
        wanted: Sequence[bytes],
        understood: Callable[[Sequence[bytes | None]], _T | None],
        load: DeckLoader,
    ) -> _T | None:
        """What Redis holds in these fields, made sense of; None where the deck has to answer."""
        if self._clock() < self._resting_until:
            return None
        with suppress(_OutOfReach):
            for _ in range(2):
                marker, values = await self._read(version, wanted)
                if marker is not None:
                    if (found := understood(values)) is not None:
                        return found
                    self._complain(f"what it holds of version {version!r} is damaged, and filled again")
                if not await self._made_ready(version, marker, load):
                    break
        return None

    async def _read(self, version: str, wanted: Sequence[bytes]) -> tuple[bytes | None, list[bytes | None]]:
        """The mark of a full version, None where it is not there or is something else; and the fields."""
        async with self._speaking(self._patience):
            try:
                marker, *values = await self._client.hmget(self._key(version), [MARKER, *wanted])
            except ResponseError as error:
                if not _is_wrong_type(error):
                    raise
                return None, []
        return _bytes_or_none(marker), [_bytes_or_none(value) for value in values]

    async def _made_ready(self, version: str, damaged: bytes | None, load: DeckLoader) -> bool:
        """Fill the version, or wait for who does: True once it is there with another mark than `damaged`.

        False where the deck should answer: it is at hand, or the other one takes too long.
        """
        token = secrets.token_hex(8)
        now = asyncio.get_running_loop().time
        give_up = now() + _WAIT_SECONDS
        try:
            while True:
                ours, marker = await self._claim(version, token)
                if marker is not None and marker != damaged:
                    return True
                if ours:
                    await self._fill(version, token, await self._own.deck(version, load))
                    return False
                if self._own.holds(version) or now() >= give_up:
                    return False
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        finally:
            await self._release(version, token)

    async def _claim(self, version: str, token: str) -> tuple[bool, bytes | None]:
        """Whether it is now ours to fill, and the mark as it was after that was decided."""
        lock = self._lock(version)
        async with self._speaking(self._patience):
            async with self._client.pipeline(transaction=False) as pipeline:
                pipeline.set(lock, token, nx=True, ex=_LOCK_SECONDS)
                pipeline.hget(self._key(version), MARKER)
                pipeline.pttl(lock)
                taken, marker, left = await pipeline.execute(raise_on_error=False)
            for answer in (taken, marker, left):
                if isinstance(answer, Exception) and not _is_wrong_type(answer):
                    raise answer
            if left == -1:  # a lock that would never end is none of ours
                await self._client.unlink(lock)
        return bool(taken), None if isinstance(marker, Exception) else _bytes_or_none(marker)

    async def _fill(self, version: str, token: str, deck: Deck) -> None:
        """Write a draft in chunks, then give it the version's name. Loses nothing but time if it is stopped."""
        began, draft, written = time.perf_counter(), self._draft(token), 0
        async with self._speaking(_FILL_SECONDS, _LONG_REST_SECONDS):
            for chunk in chunks_of(token, deck):
                async with self._client.pipeline(transaction=True) as pipeline:
                    pipeline.hset(draft, mapping=chunk)  # type: ignore[arg-type]
                    pipeline.expire(draft, _DRAFT_SECONDS)
                    pipeline.expire(self._lock(version), _LOCK_SECONDS)
                    await pipeline.execute()
                written += len(chunk)
            keys = (draft, self._key(version), f"{self._prefix}versions")
            lifetime = int(LIFETIME.total_seconds() * 1000)
            old: Any = await self._client.eval(
                _PUBLISH, len(keys), *keys, written, lifetime, self._name(version), KEPT_VERSIONS
            )
            if old is None:
                return  # flushed meanwhile; the next one who asks fills it
            for name in old:
                await self._client.unlink(self._prefix + as_bytes(name).decode(errors="replace"))
        spent = time.perf_counter() - began
        _log.info("filled the graph cache: %d fields of version %s in %.2f s", written, version, spent)

    async def _release(self, version: str, token: str) -> None:
        """Give up the lock, if it is ours, and what was not finished; where Redis fails, both expire."""
        if self._clock() < self._resting_until:
            return
        with suppress(_OutOfReach):
            async with self._speaking(self._patience):
                await self._client.eval(_RELEASE, 1, self._lock(version), token)
                await self._client.unlink(self._draft(token))

    @asynccontextmanager
    async def _speaking(self, patience: float, rest: float = _REST_SECONDS) -> AsyncIterator[None]:
        """Raise _OutOfReach for all that Redis may do, and leave it alone for a while."""
        try:
            async with asyncio.timeout(patience):
                yield
        except _TROUBLE as error:
            self._resting_until = self._clock() + rest
            self._complain(str(error) or f"no answer in {patience:g} s")
            raise _OutOfReach from error

    def _complain(self, reason: str) -> None:
        if self._clock() >= self._silent_until:
            self._silent_until = self._clock() + _COMPLAINT_SECONDS
            _log.warning("the graph cache in Redis is no help, concepts are read from the index: %s", reason)

    def _name(self, version: str) -> str:
        return f"{FORMAT}:{key_part(version)}"

    def _key(self, version: str) -> str:
        return self._prefix + self._name(version)

    def _lock(self, version: str) -> str:
        return f"{self._key(version)}:lock"

    def _draft(self, token: str) -> str:
        return f"{self._prefix}draft:{token}"


class _OutOfReach(Exception):
    """Redis is of no use now; has been logged."""


class _AliasTable:
    """The names of one version, and the ids that must have a field there."""

    def __init__(self, names: tuple[ConceptName, ...]) -> None:
        self.names = names
        self.ids = frozenset(name.id for name in names)


def _bytes_or_none(value: bytes | str | None) -> bytes | None:
    return None if value is None else as_bytes(value)


def _is_wrong_type(error: Exception) -> bool:
    return isinstance(error, ResponseError) and str(error).startswith("WRONGTYPE")
