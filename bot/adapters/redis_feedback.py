"""Answers and what students said of them, in any Redis or Valkey (6.2 or later). Knows nobody but by pseudonym.

All keys are in one slot of a cluster:

    erica:{feedback}:answer:ANSWER  hash: `record` (JSON) and `place`; of each rater rating:STUDENT, reason:STUDENT
                                    and at:STUDENT, in milliseconds of Redis' clock
    erica:{feedback}:rated          sorted set by name of the rated answers' places, COURSE:MILLISECOND:ANSWER
"""

from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, get_args
from urllib.parse import quote, unquote

from pydantic import TypeAdapter
from redis.asyncio import Redis

from bot.adapters.redis_stored import from_stored, key_part, milliseconds, storable, text_of, to_stored
from bot.adapters.redis_translated import HINT, translated
from bot.errors import FeedbackFailed
from bot.feedback import AnswerRecord, Feedback, Rating

ANSWER_KEPT = timedelta(days=30)
RATED_KEPT = timedelta(days=365)  # after the first rating
LONGEST_QUESTION, LONGEST_ANSWER, LONGEST_REASON = 4_000, 8_000, 2_000  # characters

_PREFIX = "erica:{feedback}:"
_RATED = _PREFIX + "rated"
_AT_ONCE = 100

# Key: answer. ARGV: record, place, how long it is kept (ms). Kept again, it stays where and as long as it is.
_KEEP = """
redis.call('HSET', KEYS[1], 'record', ARGV[1])
redis.call('HSETNX', KEYS[1], 'place', ARGV[2])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
"""

# Keys: answer, rated. ARGV: student, rating, how long it is kept (ms). A reason goes with the rating that it was for.
_RATE = """
local place = redis.call('HGET', KEYS[1], 'place')
if not place then return 0 end
local time = redis.call('TIME')
local field = 'rating:' .. ARGV[1]
if redis.call('HGET', KEYS[1], field) ~= ARGV[2] then redis.call('HDEL', KEYS[1], 'reason:' .. ARGV[1]) end
redis.call('HSET', KEYS[1], field, ARGV[2])
redis.call('HSET', KEYS[1], 'at:' .. ARGV[1], string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)))
if redis.call('ZADD', KEYS[2], 0, place) == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
"""

# Key: answer. ARGV: student, reason.
_EXPLAIN = """
if redis.call('HEXISTS', KEYS[1], 'rating:' .. ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'reason:' .. ARGV[1], ARGV[2])
return 1
"""


class RedisFeedback:
    """Implements `bot.feedback.FeedbackBook`. One round trip a call; safe to share between tasks of one event loop."""

    def __init__(self, client: Redis, patience: float = 2.0) -> None:
        """The client stays the caller's to close. `patience`: the most seconds a round trip may take."""
        self._client, self._patience = client, patience
        self._keep = client.register_script(_KEEP)
        self._rate = client.register_script(_RATE)
        self._explain = client.register_script(_EXPLAIN)

    async def keep(self, record: AnswerRecord) -> None:
        """Keep an answer for ANSWER_KEPT, or RATED_KEPT once it is rated; long texts are cut. Raises FeedbackFailed."""
        question, answer = _cut(record.question, LONGEST_QUESTION), _cut(record.answer, LONGEST_ANSWER)
        stored = to_stored(replace(record, question=question, answer=answer))
        arguments: list[str | int] = [stored, _place(record), milliseconds(ANSWER_KEPT)]
        await self._run(self._keep(keys=[_key(record.id)], args=arguments))

    async def rate(self, answer: str, student: str, rating: Rating) -> bool:
        """Keep what a student thinks, instead of what they thought before; False: no such answer is kept any more.

        Raises FeedbackFailed.
        """
        arguments: list[str | int] = [storable(student), rating, milliseconds(RATED_KEPT)]
        return bool(await self._run(self._rate(keys=[_key(answer), _RATED], args=arguments)))

    async def explain(self, answer: str, student: str, reason: str) -> bool:
        """Add the reason; False: the student said nothing of it, or no such answer is kept. Raises FeedbackFailed."""
        arguments = [storable(student), storable(_cut(reason, LONGEST_REASON))]
        return bool(await self._run(self._explain(keys=[_key(answer)], args=arguments)))

    async def all(self, course: str) -> AsyncIterator[Feedback]:
        """Everything that was said of a course's answers, oldest answer first. Raises FeedbackFailed.

        It is read in batches; what is said meanwhile may or may not be among it.
        """
        lane = _lane(course)
        after, before = f"[{lane}:", f"({lane};"
        while places := await self._run(self._client.zrangebylex(_RATED, after, before, start=0, num=_AT_ONCE)):
            names = [text_of(place) for place in places]
            for name, fields in zip(names, await self._answers(names), strict=True):
                if not fields:
                    await self._run(self._client.zrem(_RATED, name))  # it has been kept long enough
                for feedback in _feedback(fields):
                    yield feedback
            after = f"({names[-1]}"

    async def _answers(self, places: list[str]) -> list[Mapping[bytes | str, bytes | str]]:
        async with translated(_failure, self._patience), self._client.pipeline(transaction=False) as pipeline:
            for place in places:
                pipeline.hgetall(_key(unquote(place.rpartition(":")[2], errors="surrogatepass")))
            return await pipeline.execute()

    async def _run(self, command: Awaitable[Any]) -> Any:
        async with translated(_failure, self._patience):
            return await command


def _failure(reason: str) -> FeedbackFailed:
    return FeedbackFailed(f"Redis failed the feedback: {reason}", HINT)


def _key(answer: str) -> str:
    return f"{_PREFIX}answer:{key_part(answer)}"


def _lane(course: str) -> str:
    return key_part(course, safe="")


def _place(record: AnswerRecord) -> str:
    """Sorts by course, then time, then answer."""
    try:
        at = datetime.fromisoformat(record.at)
        since_epoch = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        since_epoch = 0  # a place among the oldest, but not the loss of what was said
    answer = quote(record.id.encode("utf-8", "surrogatepass"), safe="")
    return f"{_lane(record.course)}:{max(since_epoch, 0):016d}:{answer}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _feedback(fields: Mapping[bytes | str, bytes | str]) -> list[Feedback]:
    """What was said of one answer, first one first."""
    known = {text_of(field): text_of(value) for field, value in fields.items()}
    record = from_stored(_records(), known.get("record"))
    if record is None:
        return []
    found = []
    for field, rating in known.items():
        kind, _, student = field.partition(":")
        if kind == "rating" and rating in get_args(Rating):
            at, reason = known.get(f"at:{student}", ""), known.get(f"reason:{student}", "")
            since_epoch = int(at) / 1000 if at.isascii() and at.isdigit() and len(at) < 15 else 0
            moment = datetime.fromtimestamp(since_epoch, UTC).isoformat(timespec="milliseconds")
            found.append(Feedback(record, student, "up" if rating == "up" else "down", reason, moment))
    return sorted(found, key=lambda feedback: (feedback.at, feedback.student))


@cache
def _records() -> TypeAdapter[AnswerRecord]:
    return TypeAdapter(AnswerRecord)
