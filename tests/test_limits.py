"""How much a student may ask: the contract of `bot.ports.Limits`, on the real private Valkey."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot

from bot.adapters.redis_client import connect
from bot.adapters.redis_limits import ADMITTED_KEPT, RedisLimits
from bot.adapters.valkey import private_valkey
from bot.errors import JournalFailed, RateLimited
from bot.ports import Limits

TODAY = "2026-10-05"
ANY = 1_000_000
ASKED = "erica:limits:{student}:asked"


@pytest.fixture
async def store(url: str) -> AsyncIterator[Redis]:
    async with connect(url) as client:
        yield client


@pytest.fixture
def limits(store: Redis) -> Limits:
    return RedisLimits(store)


async def ask(
    limits: Limits, *deliveries: str, student: str = "student", today: str = TODAY, day: int = ANY, minute: int = ANY
) -> None:
    for delivery in deliveries:
        await limits.admit(student, delivery, today, day, minute)


async def refusal(limits: Limits, delivery: str, today: str = TODAY, day: int = ANY, minute: int = ANY) -> str:
    """What the student is told."""
    with pytest.raises(RateLimited) as refused:
        await limits.admit("student", delivery, today, day, minute)
    return refused.value.user_message


async def let_pass(store: Redis, time: timedelta) -> None:
    """Time goes by for what the student has asked so far."""
    deliveries: Any = await store.zrange(ASKED, 0, -1)
    for delivery in deliveries:
        await store.zincrby(ASKED, -time.total_seconds() * 1000, delivery)


# By the day


async def test_a_student_may_ask_so_many_questions_a_day(limits: Limits) -> None:
    await ask(limits, "1", "2", "3", day=3)
    told = await refusal(limits, "4", day=3)
    assert told == (
        "I am sorry, those were your 3 questions for today. Ask me again tomorrow; "
        "until then, your course staff can help you."
    )


async def test_tomorrow_is_another_day(limits: Limits) -> None:
    await ask(limits, "1", day=1)
    assert "that was your one question for today" in await refusal(limits, "2", day=1)
    await ask(limits, "2", today="2026-10-06", day=1)


async def test_students_do_not_share_their_limits(limits: Limits) -> None:
    for student in ("a", "b", "a:b", "a%3Ab", "{a}", "", "\ud800", "x" * 9_000):
        await ask(limits, "1", student=student, day=1, minute=1)


# By the minute


async def test_a_student_may_ask_so_many_questions_a_minute(limits: Limits) -> None:
    await ask(limits, *"123456", minute=6)
    told = await refusal(limits, "7", minute=6)
    assert told == "You have asked me 6 questions within the last minute. Please ask again in about 60 seconds."


async def test_one_question_a_minute_is_said_in_the_singular(limits: Limits) -> None:
    await ask(limits, "1", minute=1)
    assert (await refusal(limits, "2", minute=1)).startswith("You have asked me a question within the last minute.")


async def test_the_minute_slides_along(limits: Limits, store: Redis) -> None:
    await ask(limits, "1")
    await let_pass(store, timedelta(seconds=41))
    await ask(limits, "2", minute=2)
    assert "again in about 20 seconds" in await refusal(limits, "3", minute=2)
    await let_pass(store, timedelta(seconds=19))
    await ask(limits, "3", minute=2)
    assert "again in about 45 seconds" in await refusal(limits, "4", minute=2)


async def test_the_wait_lasts_until_there_is_room_where_the_limit_was_lowered(limits: Limits, store: Redis) -> None:
    for delivery in "123":
        await let_pass(store, timedelta(seconds=10))
        await ask(limits, delivery)
    assert "again in about 60 seconds" in await refusal(limits, "4", minute=1)
    assert "again in about 50 seconds" in await refusal(limits, "4", minute=2)


async def test_a_refused_question_does_not_count(limits: Limits, store: Redis) -> None:
    await ask(limits, "1", day=2, minute=1)
    for _ in range(5):
        assert "within the last minute" in await refusal(limits, "2", day=2, minute=1)
    await let_pass(store, timedelta(seconds=60))
    await ask(limits, "2", day=2, minute=1)


async def test_a_clock_that_was_set_back_locks_nobody_out(limits: Limits, store: Redis) -> None:
    await ask(limits, *"123", minute=3)
    await let_pass(store, -timedelta(hours=5))
    await ask(limits, "4", minute=3)


# Again


async def test_a_delivery_counts_once_however_often_it_is_tried(limits: Limits) -> None:
    await ask(limits, *["1"] * 5, day=2, minute=2)
    await ask(limits, "2", day=2, minute=2)
    await refusal(limits, "3", day=2, minute=2)


async def test_what_was_admitted_is_never_refused(limits: Limits, store: Redis) -> None:
    await ask(limits, "1", "2", day=2, minute=2)
    await ask(limits, "1", day=1, minute=1)
    await let_pass(store, timedelta(hours=20))
    await ask(limits, "3", today="2026-10-06", day=1)
    await ask(limits, "2", today="2026-10-06", day=1)


@pytest.mark.parametrize(("day", "minute"), [(7, ANY), (ANY, 7)])
async def test_of_questions_that_come_at_once_only_so_many_are_admitted(url: str, day: int, minute: int) -> None:
    async with connect(url) as one, connect(url) as other:
        processes = (RedisLimits(one), RedisLimits(other))
        # Each comes twice, as if the first one's reply had been lost.
        tries = [processes[n % 2].admit("student", str(n // 2), TODAY, day, minute) for n in range(60)]
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
    admitted = {n // 2 for n, outcome in enumerate(outcomes) if outcome is None}
    assert len(admitted) == 7
    assert sum(isinstance(outcome, RateLimited) for outcome in outcomes) == 60 - 2 * 7


# How it is stored


async def test_what_a_student_asked_is_forgotten_after_two_days(limits: Limits, store: Redis) -> None:
    await ask(limits, "1")
    await let_pass(store, ADMITTED_KEPT + timedelta(seconds=1))
    await ask(limits, "2")
    assert await store.zrange(ASKED, 0, -1) == [b"2"]
    keys: Any = await store.keys("*")
    names = sorted(name.decode() for name in keys)
    assert names == [ASKED, f"erica:limits:{{student}}:day:{TODAY}"]
    for name in names:
        assert ADMITTED_KEPT.total_seconds() - 60 < await store.ttl(name) <= ADMITTED_KEPT.total_seconds()


async def test_a_student_is_in_one_slot_of_a_cluster(limits: Limits, store: Redis) -> None:
    await ask(limits, "1", student="}{x", today="{today}")
    names: Any = await store.keys("*")
    assert len(names) == 2
    assert len({key_slot(name) for name in names}) == 1


async def test_a_damaged_count_starts_anew(limits: Limits, store: Redis) -> None:
    await store.set(f"erica:limits:{{student}}:day:{TODAY}", "damaged")
    await ask(limits, "1", day=1)
    await refusal(limits, "2", day=1)


# When Redis has a bad day


async def test_without_redis_it_is_a_journal_failure(tmp_path: Path) -> None:
    async with connect(f"unix://{tmp_path}/nothing.sock") as client:
        with pytest.raises(JournalFailed, match="limits"):
            await ask(RedisLimits(client), "1")


async def test_a_restart_of_redis_forgets_no_question(tmp_path: Path) -> None:
    async with private_valkey(tmp_path) as address, connect(address) as client:
        await ask(RedisLimits(client), "1", "2", day=2)
    async with private_valkey(tmp_path) as address, connect(address) as client:
        await refusal(RedisLimits(client), "3", day=2)
        await ask(RedisLimits(client), "2", day=2)
