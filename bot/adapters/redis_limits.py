"""How much each student has asked lately, in any Redis or Valkey (6.2 or later). Knows nobody but by pseudonym.

erica:limits:{STUDENT}:asked      sorted set of admitted deliveries by the millisecond of Redis' clock
erica:limits:{STUDENT}:day:TODAY  how many were admitted on that day
"""

import math
from datetime import timedelta

from redis.asyncio import Redis

from bot.adapters.redis_stored import key_part, milliseconds, storable
from bot.adapters.redis_translated import HINT, translated
from bot.errors import JournalFailed, RateLimited

ADMITTED_KEPT = timedelta(days=2)  # for as long as the intake may try a delivery again
MINUTE = timedelta(minutes=1)

# Keys: asked, day. ARGV: delivery, per day, per minute, a minute (ms), how long it is kept (ms).
# Returns 'admitted', 'day', or for how many milliseconds there is no room in the minute.
# What the clock says is still to come, since it was set back, is in nobody's way.
_ADMIT = """
local asked, day = KEYS[1], KEYS[2]
local minute, kept = tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function at(moment) return string.format('%.0f', moment) end

if redis.call('ZSCORE', asked, ARGV[1]) then return 'admitted' end
local today = tonumber(redis.call('GET', day) or 0) or 0
if today >= tonumber(ARGV[2]) then return 'day' end
local since = '(' .. at(now - minute)
local lately = redis.call('ZCOUNT', asked, since, at(now))
local over = lately - tonumber(ARGV[3])
if over >= 0 then
  local first = redis.call('ZRANGEBYSCORE', asked, since, at(now), 'WITHSCORES', 'LIMIT', over, 1)
  return at(tonumber(first[2]) + minute - now)
end
redis.call('ZREMRANGEBYSCORE', asked, '-inf', '(' .. at(now - kept))
redis.call('ZADD', asked, at(now), ARGV[1])
redis.call('PEXPIRE', asked, kept)
redis.call('SET', day, at(today + 1), 'PX', kept)
return 'admitted'
"""


class RedisLimits:
    """Implements `bot.ports.Limits`. Goes by Redis' clock alone, so machines may disagree on the time."""

    def __init__(self, client: Redis, patience: float = 2.0) -> None:
        """The client stays the caller's to close. `patience`: the most seconds a call may take."""
        self._patience = patience
        self._admit = client.register_script(_ADMIT)

    async def admit(self, student: str, delivery: str, today: str, per_day: int, per_minute: int) -> None:
        """Count a question, once for each delivery. Raises RateLimited, JournalFailed.

        What was admitted is never refused later, also on the next day or beyond a limit that was lowered; what was
        refused may be admitted when it is tried again.
        """
        prefix = f"erica:limits:{{{key_part(student)}}}:"
        keys = [f"{prefix}asked", f"{prefix}day:{key_part(today)}"]
        lifetimes = [milliseconds(MINUTE), milliseconds(ADMITTED_KEPT)]
        async with translated(_failure, self._patience):
            answer = await self._admit(keys=keys, args=[storable(delivery), per_day, per_minute, *lifetimes])
        match answer.decode() if isinstance(answer, bytes) else str(answer):
            case "admitted":
                return
            case "day":
                raise RateLimited(
                    f"a student has asked {per_day} questions on {today}", user_message=_day_over(per_day)
                )
            case wait:
                raise RateLimited(
                    f"a student has asked {per_minute} questions within a minute",
                    user_message=_too_fast(per_minute, int(wait) / 1000),
                )


def _failure(reason: str) -> JournalFailed:
    return JournalFailed(f"Redis failed the limits: {reason}", HINT)


def _too_fast(per_minute: int, wait: float) -> str:
    asked = f"{per_minute} questions" if per_minute > 1 else "a question"
    seconds = max(math.ceil(wait / 5) * 5, 5)
    return f"You have asked me {asked} within the last minute. Please ask again in about {seconds} seconds."


def _day_over(per_day: int) -> str:
    asked = f"those were your {per_day} questions" if per_day > 1 else "that was your one question"
    return f"I am sorry, {asked} for today. Ask me again tomorrow; until then, your course staff can help you."
