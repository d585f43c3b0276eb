"""What became of each question, in any Redis or Valkey (6.2 or later).

Knows nothing of platforms' libraries or of what is done with a question. All keys are in one slot of a cluster:

    entry:QUESTION, halt:QUESTION, earlier:FINGERPRINT, held:CONVERSATION    JSON
    claim:MESSAGE       the delivery whose message it is
    course:CONVERSATION the course of one of Erica's own conversations
    seen:CHANNEL        the id of the last message that arrived
    working:CONVERSATION  sorted set, by the millisecond of Redis' clock, of who works on what: `delivery question`
"""

import logging
from collections.abc import Awaitable, Sequence
from datetime import timedelta
from functools import cache
from typing import Any
from urllib.parse import quote

from pydantic import TypeAdapter
from redis.asyncio import Redis

from bot.adapters import redis_journal_scripts as scripts
from bot.adapters.redis_stored import from_stored, key_part, milliseconds, storable, text_of, to_stored
from bot.adapters.redis_translated import HINT, translated
from bot.errors import JournalFailed
from bot.intake import Incoming, UnreadableIncoming, from_json, to_json
from bot.journal import Earlier, Entry, Halt

_log = logging.getLogger(__name__)

QUESTION_KEPT = timedelta(days=2)  # entries, halts and claims; no platform sends again for that long
CONVERSATION_KEPT = timedelta(days=30)  # after its last question
EARLIER_KEPT = timedelta(days=30)
HELD = timedelta(hours=1)
SEEN_KEPT = timedelta(days=7)
WORKING = timedelta(minutes=10)  # after the last `write`; for what a dead worker left

_PREFIX = "erica:{journal}:"


class RedisJournal:
    """Implements `bot.journal.Journal`. One round trip a call; safe to share between tasks of one event loop.

    Every call may be sent again after a lost reply without harm.
    """

    def __init__(self, client: Redis, patience: float = 2.0) -> None:
        """The client stays the caller's to close. `patience`: the most seconds a call may take."""
        self._client, self._patience = client, patience
        self._write = client.register_script(scripts.WRITE)
        self._under_way = client.register_script(scripts.UNDER_WAY)
        self._halt = client.register_script(scripts.HALT)
        self._seen = client.register_script(scripts.SEEN)

    async def entry(self, question: str) -> Entry | None:
        """What is known of a question. Raises JournalFailed."""
        return from_stored(_entries(), await self._get("entry", question))

    async def write(self, question: str, entry: Entry, conversation: str = "") -> None:
        """Keep what is known now, for QUESTION_KEPT; `working` counts for WORKING. Raises JournalFailed."""
        member = _member(entry.delivery, question) if conversation else b""
        kept, counts = milliseconds(QUESTION_KEPT), milliseconds(WORKING)
        arguments: list[str | int | bytes] = [to_stored(entry), kept, entry.state, member, counts]
        keys = [_key("entry", question), _key("working", conversation)]
        await self._run(self._write(keys=keys, args=arguments))

    async def under_way(self, conversation: str) -> tuple[str, ...]:
        """The questions that are being worked on, the one longest silent first. Raises JournalFailed."""
        members = await self._run(self._under_way(keys=[_key("working", conversation)], args=[milliseconds(WORKING)]))
        return tuple(dict.fromkeys(_question_of(member) for member in members))

    async def halt(self, question: str, halt: Halt) -> None:
        """Whoever works on the question is to stop; nothing replaces `deleted`. Raises JournalFailed."""
        arguments: list[str | int] = [
            to_stored(halt),
            milliseconds(QUESTION_KEPT),
            halt.reason,
            storable(halt.revision),
        ]
        await self._run(self._halt(keys=[_key("halt", question)], args=arguments))

    async def halts(self, questions: Sequence[str]) -> dict[str, Halt]:
        """Which of these are to end; one round trip for all of them. Raises JournalFailed."""
        if not questions:
            return {}
        stored = await self._run(self._client.mget([_key("halt", question) for question in questions]))
        halts = zip(questions, (from_stored(_halts(), halt) for halt in stored), strict=True)
        return {question: halt for question, halt in halts if halt is not None}

    async def claim(self, message: str, delivery: str) -> bool:
        """Whether a message of Erica's is this delivery's; the first one has it. Raises JournalFailed."""
        key = _key("claim", message)
        async with translated(_failure, self._patience), self._client.pipeline(transaction=False) as pipeline:
            pipeline.set(key, storable(delivery), nx=True, px=QUESTION_KEPT)
            pipeline.get(key)
            _, owner = await pipeline.execute()
        return owner is not None and text_of(owner) == storable(delivery)

    async def open(self, conversation: str, course: str) -> None:
        """From now on this conversation is Erica's own, and about that course. Raises JournalFailed."""
        await self._set("course", conversation, storable(course), CONVERSATION_KEPT)

    async def course_of(self, conversation: str) -> str | None:
        """The course of one of Erica's own conversations, which is kept on then. Raises JournalFailed."""
        course = await self._run(self._client.getex(_key("course", conversation), px=CONVERSATION_KEPT))
        return None if course is None else text_of(course)

    async def answered(self, same: str, earlier: Earlier) -> None:
        """Remember where a question with that fingerprint was answered. Raises JournalFailed."""
        await self._set("earlier", same, to_stored(earlier), EARLIER_KEPT)

    async def earlier(self, same: str) -> Earlier | None:
        """Where a question with that fingerprint was answered. Raises JournalFailed."""
        return from_stored(_earlier_ones(), await self._get("earlier", same))

    async def hold(self, conversation: str, incoming: Incoming) -> None:
        """Keep a question until its author has said which course it is about. Raises JournalFailed."""
        await self._set("held", conversation, to_json(incoming), HELD)

    async def held(self, conversation: str) -> Incoming | None:
        """The question that is held there, for an hour. Raises JournalFailed."""
        stored = await self._run(self._client.get(_key("held", conversation)))
        try:
            return None if stored is None else from_json(stored)
        except UnreadableIncoming as error:
            _log.warning("a held question is left out: %s", error)
            return None

    async def seen(self, channel: str, message: str) -> None:
        """A message has arrived; an older one than the last changes nothing. Raises JournalFailed."""
        await self._run(self._seen(keys=[_key("seen", channel)], args=[storable(message), milliseconds(SEEN_KEPT)]))

    async def last_seen(self, channel: str) -> str | None:
        """The last message of a channel that arrived. Raises JournalFailed."""
        message = await self._get("seen", channel)
        return None if message is None else text_of(message)

    async def _get(self, kind: str, name: str) -> bytes | str | None:
        stored: bytes | str | None = await self._run(self._client.get(_key(kind, name)))
        return stored

    async def _set(self, kind: str, name: str, value: str, lifetime: timedelta) -> None:
        await self._run(self._client.set(_key(kind, name), value, px=lifetime))

    async def _run(self, command: Awaitable[Any]) -> Any:
        async with translated(_failure, self._patience):
            return await command


def _failure(reason: str) -> JournalFailed:
    return JournalFailed(f"Redis failed the journal: {reason}", HINT)


def _key(kind: str, name: str) -> str:
    return f"{_PREFIX}{kind}:{key_part(name)}"


def _member(delivery: str, question: str) -> bytes:
    return f"{quote(delivery.encode('utf-8', 'surrogatepass'))} {question}".encode("utf-8", "surrogatepass")


def _question_of(member: bytes | str) -> str:
    whole = member.decode("utf-8", "surrogatepass") if isinstance(member, bytes) else member
    return whole.partition(" ")[2]


@cache
def _entries() -> TypeAdapter[Entry]:
    return TypeAdapter(Entry)


@cache
def _halts() -> TypeAdapter[Halt]:
    return TypeAdapter(Halt)


@cache
def _earlier_ones() -> TypeAdapter[Earlier]:
    return TypeAdapter(Earlier)
