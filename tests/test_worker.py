"""The worker takes questions from the real intake, holds its claims, gives up in order, and drains."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from bot.adapters.redis_client import connect
from bot.adapters.redis_intake import RedisIntake
from bot.errors import ClaimLost
from bot.intake import Delivery, Incoming, Intake
from bot.worker import Handle, Worker

LONG = 3600.0


def asked(text: str, author: str = "U1") -> Incoming:
    return Incoming("slack", "T1", "C1", f"message of {text}", None, author, text, "mention", 0.0, f"event of {text}")


@pytest.fixture
async def store(url: str) -> AsyncIterator[Redis]:
    async with connect(url) as client:
        yield client


@pytest.fixture
def intake(store: Redis) -> Intake:
    return RedisIntake(store, lease=LONG, rests=(0, 0))


@asynccontextmanager
async def running(intake: Intake, handle: Handle, slots: int = 10, drain: float = 30.0) -> AsyncIterator[asyncio.Event]:
    """A worker that is told to stop when the block ends, and is waited for."""
    stopping = asyncio.Event()
    run = asyncio.create_task(Worker(intake, handle, "one", slots).run(stopping, drain))
    try:
        yield stopping
    finally:
        stopping.set()
        await asyncio.wait_for(run, 20)


def never_ending() -> tuple[Handle, asyncio.Event, asyncio.Event]:
    """A handler that ends only when it is stopped, and the events of its beginning and its end."""
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def handle(delivery: Delivery) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    return handle, begun, stopped


async def test_a_question_is_handled_once_and_forgotten(intake: Intake) -> None:
    handled: list[str] = []
    seen = asyncio.Event()

    async def handle(delivery: Delivery) -> None:
        handled.append(delivery.incoming.text)
        seen.set()

    await intake.put(asked("what is attention?"))
    async with running(intake, handle):
        await asyncio.wait_for(seen.wait(), 10)
    assert handled == ["what is attention?"]
    backlog = await intake.backlog()
    assert (backlog.waiting, backlog.under_way, backlog.dead) == (0, 0, 0)


async def test_what_fails_three_times_becomes_a_dead_letter_with_its_reason(intake: Intake) -> None:
    attempts: list[int] = []
    third = asyncio.Event()

    async def handle(delivery: Delivery) -> None:
        attempts.append(delivery.attempt)
        if len(attempts) == 3:
            third.set()
        raise ValueError("the platform said no")

    await intake.put(asked("why?"))
    async with running(intake, handle):
        await asyncio.wait_for(third.wait(), 15)
    assert attempts == [1, 2, 3]
    (dead,) = await intake.dead()
    assert "the platform said no" in dead.reason
    assert dead.incoming is not None
    assert dead.incoming.text == "why?"


async def test_what_a_library_cancels_has_failed(intake: Intake) -> None:
    attempts: list[int] = []
    third = asyncio.Event()

    async def handle(delivery: Delivery) -> None:
        attempts.append(delivery.attempt)
        if len(attempts) == 3:
            third.set()
        raise asyncio.CancelledError

    await intake.put(asked("why?"))
    async with running(intake, handle):
        await asyncio.wait_for(third.wait(), 15)
    assert attempts == [1, 2, 3]
    assert [letter.reason for letter in await intake.dead()] == ["DeliveryFailed: its handling was cancelled"]


async def test_no_more_than_its_slots_are_under_way(intake: Intake) -> None:
    under_way = most = 0
    both, go_on, all_done = asyncio.Event(), asyncio.Event(), asyncio.Event()
    done: list[str] = []

    async def handle(delivery: Delivery) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if under_way == 2:
            both.set()
        await go_on.wait()
        under_way -= 1
        done.append(delivery.incoming.text)
        if len(done) == 5:
            all_done.set()

    for number in range(5):
        await intake.put(asked(f"question {number}", author=f"U{number}"))
    async with running(intake, handle, slots=2):
        await asyncio.wait_for(both.wait(), 10)
        assert (await intake.backlog()).waiting == 3
        go_on.set()
        await asyncio.wait_for(all_done.wait(), 10)
    assert most == 2
    assert sorted(done) == [f"question {number}" for number in range(5)]


async def test_a_worker_that_is_told_to_stop_finishes_what_it_has_begun(intake: Intake) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    done: list[str] = []

    async def handle(delivery: Delivery) -> None:
        begun.set()
        await go_on.wait()
        done.append(delivery.incoming.text)

    await intake.put(asked("first"))
    async with running(intake, handle) as stopping:
        await asyncio.wait_for(begun.wait(), 10)
        stopping.set()
        await intake.put(asked("too late", author="U2"))
        go_on.set()
    assert done == ["first"]
    later = await intake.take("two", wait=0)
    assert later is not None
    assert later.incoming.text == "too late"


async def test_what_does_not_finish_in_time_is_given_back_for_another(intake: Intake) -> None:
    handle, begun, stopped = never_ending()
    await intake.put(asked("slow"))
    async with running(intake, handle, drain=0.05):
        await asyncio.wait_for(begun.wait(), 10)
    assert stopped.is_set()
    again = await intake.take("two", wait=0)
    assert again is not None
    assert again.incoming.text == "slow"


async def test_a_worker_that_lost_its_claim_stops_and_leaves_the_question_to_the_other(store: Redis) -> None:
    handle, begun, stopped = never_ending()
    mine, other = RedisIntake(store, lease=0.6, rests=()), RedisIntake(store, lease=LONG, rests=())
    await mine.put(asked("whose?"))
    async with running(mine, handle, slots=1):  # so that it cannot take the question once more
        await asyncio.wait_for(begun.wait(), 10)
        # As after a long pause of the whole machine: the claim has been given to somebody else.
        await mine.leave("one")
        taken = await other.take("two", wait=5)
        assert taken is not None
        await asyncio.wait_for(stopped.wait(), 10)
        await other.done(taken)
    assert (await other.backlog()).under_way == 0


async def test_a_handler_that_finds_its_claim_lost_is_no_failure(intake: Intake) -> None:
    seen = asyncio.Event()

    async def handle(delivery: Delivery) -> None:
        seen.set()
        raise ClaimLost("another worker has it")

    await intake.put(asked("lost"))
    async with running(intake, handle):
        await asyncio.wait_for(seen.wait(), 10)
    assert await intake.dead() == ()
