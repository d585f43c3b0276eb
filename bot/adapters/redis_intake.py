"""The durable intake in any Redis or Valkey (6.2 or later): puts events, hands them out fairly, buries what fails.

Knows nothing of platforms' libraries or of what a worker does with an event; `redis_intake_scripts.py` has the steps.
"""

import asyncio
import hashlib
import json
import logging
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from redis.asyncio import Redis

from bot.adapters import redis_intake_scripts as scripts
from bot.adapters.redis_intake_fields import dead_letter_from, is_entry_id, progress_from
from bot.adapters.redis_intake_lua import KEYS
from bot.adapters.redis_stored import key_part, milliseconds, storable, text_of
from bot.adapters.redis_translated import HINT, translated
from bot.errors import ClaimLost, IntakeFailed
from bot.intake import (
    MOST_ATTEMPTS,
    Backlog,
    DeadLetter,
    Delivery,
    Incoming,
    UnreadableIncoming,
    from_json,
    keys,
    to_json,
)

_log = logging.getLogger(__name__)

REMEMBERED = timedelta(days=1)  # what tells an event from another; Slack sends again for minutes, Discord for less
DEAD_KEPT = timedelta(days=30)
MOST_DEAD = 10_000
MOST_OF_AUTHOR = 4  # under way at once

_PREFIX = "erica:{intake}:"
_KEYS = tuple(_PREFIX + name for name in KEYS)
_BELL = _PREFIX + "bell"
_LONGEST_REASON = 500
_LOOK_AGAIN = 0.5  # seconds; for what comes due without a bell, and below every socket's timeout
_DEAD = (milliseconds(DEAD_KEPT), MOST_DEAD)
_WORKERS_DIED = "every worker that tried it died or fell silent"

_Claim = tuple[str, int, str]  # event, claim, consumer


class RedisIntake:
    """Implements `bot.intake.Intake`; safe to share between tasks of one event loop.

    Every step is one script, so an event is in one place at any time, whoever crashes. It is as safe as Redis is:
    with an append-only file that is synced always, as Erica's private Valkey has it, nothing that `put` took is lost.
    """

    def __init__(
        self,
        client: Redis,
        lease: float = 30.0,
        rests: tuple[float, ...] = (2.0, 15.0),
        most_of_author: int = MOST_OF_AUTHOR,
        most_of_course: int = 0,
        patience: float = 2.0,
    ) -> None:
        """The client stays the caller's to close; its socket timeout must be 1 s or more.

        `rests`: seconds before the second attempt, the third, ... after one that failed. `most_of_author` and
        `most_of_course`: how many of one student, of one course may be under way at once; 0 means any number.
        `patience`: the most seconds a call may take; a platform waits 3 s for what `put` says.
        """
        self._client, self._lease, self._rests, self._patience = client, lease, rests, patience
        self._most_of_author = most_of_author or 1_000_000
        self._most_of_course = most_of_course
        self._scripts: dict[str, Any] = {}

    @property
    def lease(self) -> float:
        """Seconds after which a delivery that is not renewed goes to somebody else."""
        return self._lease

    async def put(self, incoming: Incoming) -> bool:
        """Keep an event; False if it has been kept before. Raises IntakeFailed: then it may be sent again.

        False, too, when Redis kept it but its reply was lost and the client asked again: it is kept all the same.
        """
        course = incoming.course or f"{incoming.platform}:{incoming.workspace}"
        lane = [key_part(name, safe="") for name in (course, f"{incoming.platform}:{incoming.author}")]
        seen = [f"{_PREFIX}seen:{hashlib.sha256(key.encode()).hexdigest()[:32]}" for key in keys(incoming)]
        return bool(await self._run(scripts.PUT, milliseconds(REMEMBERED), *lane, to_json(incoming), more=seen))

    async def take(self, consumer: str, wait: float = 1.0) -> Delivery | None:
        """The next event in fair order, or None after `wait` seconds without one. Raises IntakeFailed.

        Looks twice a second, besides whenever an event is put, for what a dead consumer left and what has rested.
        If it is cancelled, whatever it had just been given goes back.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + wait
        while True:
            rung, delivery = await self._claim(consumer)
            left = until - loop.time()
            if delivery is not None or left <= 0:
                return delivery
            await self._listen(rung, min(left, _LOOK_AGAIN))

    async def renew(self, delivery: Delivery) -> None:
        """Keep a delivery for another lease. Raises ClaimLost, IntakeFailed."""
        await self._step(scripts.RENEW, _claim_of(delivery))

    async def record(
        self,
        delivery: Delivery,
        *,
        placeholder: str | None = None,
        nonce: str | None = None,
        thread: str | None = None,
        further: tuple[str, ...] | None = None,
    ) -> Delivery:
        """Keep what was posted; what is not given stays as it is. Raises ClaimLost, IntakeFailed."""
        given = {"placeholder": placeholder, "nonce": nonce, "thread": thread, "further": further}
        new: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        await self._step(scripts.RECORD, _claim_of(delivery), json.dumps(new))
        return replace(delivery, progress=replace(delivery.progress, **new))

    async def done(self, delivery: Delivery) -> None:
        """It has its end; forget it. Raises ClaimLost, IntakeFailed."""
        await self._step(scripts.DONE, _claim_of(delivery))

    async def failed(self, delivery: Delivery, reason: str, final: bool = False) -> bool:
        """It went wrong: it rests and is tried again, or is buried, which is True. Raises ClaimLost, IntakeFailed."""
        return await self._fail(_claim_of(delivery), delivery.attempt, reason, final)

    async def release(self, delivery: Delivery) -> None:
        """Give it back as if it had never been taken. Raises ClaimLost, IntakeFailed."""
        await self._step(scripts.RELEASE, _claim_of(delivery))

    async def leave(self, consumer: str) -> int:
        """Release whatever the consumer still holds; how many that were. Raises IntakeFailed."""
        return int(await self._run(scripts.LEAVE, consumer))

    async def dead(self, most: int = 100) -> tuple[DeadLetter, ...]:
        """The dead letters, last one first. Raises IntakeFailed."""
        async with translated(_failure, self._patience):
            entries: Any = await self._client.xrevrange(_PREFIX + "dead", count=most)
        return tuple(dead_letter_from(text_of(name), fields) for name, fields in entries)

    async def replay(self, dead_id: str) -> bool:
        """Put a dead letter back into the queue; False if there is none of that id. Raises IntakeFailed."""
        return is_entry_id(dead_id) and bool(await self._run(scripts.REPLAY, dead_id))

    async def backlog(self) -> Backlog:
        """For gauges and alarms. Raises IntakeFailed."""
        waiting, under_way, dead, oldest = await self._run(scripts.BACKLOG)
        return Backlog(waiting, under_way, dead, max(oldest, 0) / 1000)

    async def _claim(self, consumer: str) -> tuple[str, Delivery | None]:
        """The bell's last entry, and a delivery. Seen through to its end, so that no claim is left unnoticed."""
        claiming = asyncio.ensure_future(self._claim_now(consumer))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            with suppress(IntakeFailed, ClaimLost):
                if (delivery := (await claiming)[1]) is not None:
                    await self.release(delivery)
            raise

    async def _claim_now(self, consumer: str) -> tuple[str, Delivery | None]:
        limits = (MOST_ATTEMPTS, self._most_of_author, self._most_of_course)
        answer = await self._run(scripts.TAKE, consumer, _milliseconds(self._lease), *limits, _WORKERS_DIED, *_DEAD)
        for name in answer[1]:
            _log.error("event %s is a dead letter: %s", text_of(name), _WORKERS_DIED)
        rung = text_of(answer[0])
        if len(answer) < 3:
            return rung, None
        name, number, attempt, body, progress, age = answer[2]
        claim = (text_of(name), number, consumer)
        try:
            incoming = from_json(body)
        except UnreadableIncoming as error:
            # A newer Erica may have written it, and may read it when it is tried again.
            _log.error("event %s cannot be read: %s", claim[0], error)
            with suppress(ClaimLost):
                await self._fail(claim, attempt, str(error), final=False)
            return rung, None
        farewell, waited = attempt > MOST_ATTEMPTS, max(age, 0) / 1000
        progress = progress_from(progress)
        return rung, Delivery(claim[0], incoming, consumer, number, attempt, progress, farewell, waited)

    async def _fail(self, claim: _Claim, attempt: int, reason: str, final: bool) -> bool:
        bury = final or attempt >= MOST_ATTEMPTS
        rest = _milliseconds(self._rests[min(attempt, len(self._rests)) - 1]) if self._rests else 0
        reason = storable(reason)[:_LONGEST_REASON]
        return bool(await self._step(scripts.FAILED, claim, int(bury), reason, rest))

    async def _listen(self, rung: str, wait: float) -> None:
        """Until the bell rings again after `rung`, but not longer than `wait` seconds."""
        async with translated(_failure, self._patience + wait):
            await self._client.xread({_BELL: rung}, count=1, block=max(_milliseconds(wait), 1))

    async def _step(self, script: str, claim: _Claim, *arguments: str | int) -> int:
        outcome = int(await self._run(script, *claim, *arguments))
        if outcome < 0:
            raise ClaimLost("event {0} is no longer {2}'s (claim {1})".format(*claim))
        return outcome

    async def _run(self, script: str, *arguments: str | int, more: list[str] | None = None) -> Any:
        if script not in self._scripts:
            self._scripts[script] = self._client.register_script(script)
        async with translated(_failure, self._patience):
            return await self._scripts[script](keys=[*_KEYS, *(more or ())], args=arguments)


def _failure(reason: str) -> IntakeFailed:
    return IntakeFailed(f"Redis failed the intake: {reason}", HINT)


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def _claim_of(delivery: Delivery) -> _Claim:
    return delivery.id, delivery.claim, delivery.consumer
