"""The durable intake on the real private Valkey: nothing kept is lost, nothing is done twice, everybody gets a turn."""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from redis.asyncio import Redis
from redis.crc import key_slot

from bot.adapters import redis_intake
from bot.adapters.redis_client import connect
from bot.adapters.redis_intake import DEAD_KEPT, REMEMBERED, RedisIntake
from bot.adapters.valkey import private_valkey, running_valkey
from bot.errors import ClaimLost, IntakeFailed
from bot.intake import (
    LONGEST_TEXT,
    MOST_ATTEMPTS,
    Attachment,
    Delivery,
    Incoming,
    Intake,
    Progress,
    UnreadableIncoming,
    from_json,
    keys,
    to_json,
)

LONG = 3600.0  # seconds of a lease that does not end during a test
PREFIX = "erica:{intake}:"
WORKER = Path(__file__).with_name("intake_worker.py")


def asked(text: str = "what is attention?", author: str = "U1", course: str = "ai", **other: object) -> Incoming:
    """An event like any other; its text tells it apart."""
    incoming = Incoming(
        "slack", "T1", "C1", f"message of {text}", None, author, text, "mention", 1_700_000_000.5, f"event of {text}"
    )
    return replace(incoming, course=course, **other)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Valkey for all tests, in a thread since every test has an event loop of its own."""
    found: Future[str] = Future()
    over = threading.Event()

    async def serve() -> None:
        try:
            async with private_valkey(tmp_path_factory.mktemp("intake")) as address:
                found.set_result(address)
                await asyncio.to_thread(over.wait)
        except BaseException as error:
            if not found.done():
                found.set_exception(error)
            raise

    server = threading.Thread(target=lambda: asyncio.run(serve()))
    server.start()
    try:
        yield found.result(timeout=60)
    finally:
        over.set()
        server.join()


@pytest.fixture
async def store(url: str) -> AsyncIterator[Redis]:
    """The Redis of the intake, empty; also for looking behind its back."""
    async with connect(url) as client:
        await client.flushall()
        yield client


@pytest.fixture
def intake(store: Redis) -> Intake:
    return RedisIntake(store, lease=LONG, rests=())


@pytest.fixture
def only_the_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits does not look again by itself."""
    monkeypatch.setattr(redis_intake, "_LOOK_AGAIN", 25.0)


async def taken(intake: Intake, consumer: str = "one") -> Delivery:
    delivery = await intake.take(consumer, wait=0)
    assert delivery is not None
    return delivery


async def taken_texts(intake: Intake, most: int = 1000) -> list[str]:
    """The texts in the order in which they are served, one at a time."""
    texts: list[str] = []
    while len(texts) < most and (delivery := await intake.take("one", wait=0)):
        texts.append(delivery.incoming.text)
        await intake.done(delivery)
    return texts


async def fall_silent(store: Redis, consumer: str) -> None:
    """Time goes by for what a consumer holds, as if nobody had renewed it for a day."""
    pending: Any = await store.xpending_range(f"{PREFIX}stream", "workers", "-", "+", 1000, consumer)
    if ids := [entry["message_id"] for entry in pending]:
        await store.xclaim(f"{PREFIX}stream", "workers", consumer, 0, ids, idle=86_400_000, justid=True)


async def somebody_waits(store: Redis) -> None:
    while not (await store.info("clients"))["blocked_clients"]:
        pass


async def names_in(store: Redis) -> list[str]:
    return [name.decode() for name in await store.keys("*") if isinstance(name, bytes)]


# The nouns


def test_an_event_survives_json() -> None:
    files = (Attachment("a.py", "https://files.example/a", 120, "text/x-python"),)
    incoming = asked(attachments=files, thread="170.1", kind="direct", revision="2")
    assert from_json(to_json(incoming)) == incoming


@given(st.text(), st.text(), st.text())
def test_any_text_survives_json_but_half_characters(text: str, author: str, name: str) -> None:
    incoming = asked(text, author=author, attachments=(Attachment(name, "", 0, ""),))
    assert from_json(to_json(incoming)) == incoming


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    assert from_json(to_json(asked("what is \ud83d"))).text == "what is ?"


def test_forty_thousand_characters_are_kept_and_no_more() -> None:
    assert from_json(to_json(asked("λ" * LONGEST_TEXT))).text == "λ" * LONGEST_TEXT
    assert from_json(to_json(asked("x" * 1_000_000))).text == "x" * LONGEST_TEXT


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "7", '{"v": 2, "text": "secret"}', '{"v": 1, "text": "secret"}', "[" * 9999]
)
def test_what_cannot_be_read_is_not_quoted(text: str) -> None:
    with pytest.raises(UnreadableIncoming) as failure:
        from_json(text)
    assert "secret" not in str(failure.value)


def test_a_field_that_a_newer_version_adds_is_no_obstacle() -> None:
    assert from_json(to_json(asked()).replace('{"v": 1', '{"v": 1, "mood": "curious"')) == asked()


def test_a_mention_and_its_twin_share_a_key_and_two_messages_do_not() -> None:
    mention = asked(event="Ev1")
    assert set(keys(mention)) & set(keys(replace(mention, kind="message", event="Ev2")))
    assert not set(keys(mention)) & set(keys(replace(mention, event="Ev2", message="other")))
    assert not set(keys(mention)) & set(keys(replace(mention, platform="discord")))
    assert not set(keys(mention)) & set(keys(replace(mention, event="Ev2", revision="edited")))


def test_shortcuts_about_one_message_are_many_questions() -> None:
    first = asked(kind="shortcut", event="1")
    assert not set(keys(first)) & set(keys(replace(first, event="2")))


def test_ids_cannot_be_made_up_to_look_like_others() -> None:
    assert not set(keys(asked(event="", channel="a:b", message="c"))) & set(
        keys(asked(event="", channel="a", message="b:c"))
    )


# Once


async def test_an_event_that_comes_five_times_is_kept_once(intake: Intake) -> None:
    kept = await asyncio.gather(*(intake.put(asked()) for _ in range(5)))
    assert sorted(kept) == [False, False, False, False, True]
    assert len(await taken_texts(intake)) == 1
    assert not await intake.put(asked())


async def test_a_mention_and_its_twin_are_kept_once(intake: Intake) -> None:
    assert await intake.put(asked(event="Ev1", kind="mention"))
    assert not await intake.put(asked(event="Ev2", kind="message"))
    assert (await intake.backlog()).waiting == 1


async def test_a_command_without_any_id_is_kept_each_time(intake: Intake) -> None:
    for _ in range(2):
        assert await intake.put(asked(event="", message="", kind="command"))
    assert (await intake.backlog()).waiting == 2


async def test_what_is_kept_is_delivered_as_it_came(intake: Intake) -> None:
    for number, text in enumerate(["x" * LONGEST_TEXT, "\x00\r\nFLUSHALL\r\n", "深 😀 λ", '"}]', "", "\ud83d"]):
        incoming = asked(text, event=str(number), message=str(number))
        assert await intake.put(incoming)
        delivery = await taken(intake)
        assert delivery.incoming == from_json(to_json(incoming))
        await intake.done(delivery)


async def test_courses_and_authors_of_any_name_are_served(intake: Intake) -> None:
    names = ["", ":", "a:b", "a", "b", "{x}", "%3A", "\x00", "\ud800", "é" * 1000, "[", "(", ";", "ab", "a;"]
    for number, name in enumerate(names * 2):
        assert await intake.put(asked(str(number), author=name, course=names[number // 2]))
    assert len(await taken_texts(intake)) == 2 * len(names)
    assert (await intake.backlog()).waiting == 0


async def test_after_the_end_only_expiring_keys_and_empty_ones_are_left(intake: Intake, store: Redis) -> None:
    await intake.put(asked())
    delivery = await intake.record(await taken(intake), placeholder="P1")
    await intake.done(delivery)
    await intake.leave("one")
    seen: set[str] = set()
    rest: set[str] = set()
    for name in await names_in(store):
        (seen if name.startswith(f"{PREFIX}seen:") else rest).add(name)
    assert rest == {f"{PREFIX}{name}" for name in ("stream", "bell", "turn")}
    assert len(seen) == 2
    for name in seen:
        assert 0 < await store.ttl(name) <= REMEMBERED.total_seconds()
    assert await store.xlen(f"{PREFIX}stream") == 0
    assert await store.xinfo_consumers(f"{PREFIX}stream", "workers") == []


async def test_a_cluster_would_keep_all_keys_in_one_slot(intake: Intake, store: Redis) -> None:
    for number in range(3):
        await intake.put(asked(str(number), author="{evil}", course="}{"))
    await intake.failed(await taken(intake), "broken", final=True)
    await intake.failed(await taken(intake), "broken")
    await taken(intake)
    names = await names_in(store)
    assert len(names) > 8
    assert len({key_slot(name.encode()) for name in names}) == 1


# Whose it is


async def test_two_workers_never_hold_the_same_event(intake: Intake) -> None:
    for number in range(40):
        await intake.put(asked(str(number), author=str(number)))
    deliveries = await asyncio.gather(*(intake.take(f"worker {n % 4}", wait=0) for n in range(60)))
    held = [delivery.id for delivery in deliveries if delivery]
    assert len(held) == len(set(held)) == 40


async def test_an_event_that_comes_wakes_who_waits(intake: Intake, store: Redis, only_the_bell: None) -> None:
    waiting = asyncio.create_task(intake.take("one", wait=30))
    await somebody_waits(store)
    await intake.put(asked())
    delivery = await waiting
    assert delivery is not None
    assert delivery.consumer == "one"
    assert 0 <= delivery.waited < 30


async def test_nothing_for_a_while_is_none(intake: Intake) -> None:
    assert await intake.take("one", wait=0.05) is None


async def test_what_a_silent_worker_leaves_is_taken_over_with_what_it_posted(intake: Intake, store: Redis) -> None:
    await intake.put(asked())
    lost = await taken(intake, "one")
    await intake.record(lost, placeholder="P1", nonce="N1")
    await intake.record(lost, thread="T1", further=("P2", "P3"))
    await fall_silent(store, "one")
    again = await taken(intake, "two")
    assert (again.id, again.incoming, again.attempt) == (lost.id, lost.incoming, 2)
    assert again.progress == Progress("P1", "N1", "T1", ("P2", "P3"))


async def test_who_lost_an_event_cannot_touch_it_any_more(intake: Intake, store: Redis) -> None:
    await intake.put(asked())
    lost = await taken(intake, "one")
    await fall_silent(store, "one")
    again = await taken(intake, "two")
    steps: list[Callable[[Delivery], Awaitable[object]]] = [
        intake.renew,
        intake.done,
        intake.release,
        lambda delivery: intake.failed(delivery, "late"),
        lambda delivery: intake.record(delivery, placeholder="late"),
    ]
    for step in steps:
        with pytest.raises(ClaimLost):
            await step(lost)
    await intake.renew(again)
    assert again.progress == Progress()
    await intake.done(again)
    with pytest.raises(ClaimLost):
        await intake.done(again)


async def test_an_event_that_comes_back_to_the_same_worker_is_not_its_old_one(intake: Intake, store: Redis) -> None:
    await intake.put(asked())
    lost = await taken(intake)
    await fall_silent(store, "one")
    again = await taken(intake)
    with pytest.raises(ClaimLost):
        await intake.renew(lost)
    await intake.release(again)
    last = await taken(intake)
    assert last.attempt == again.attempt
    with pytest.raises(ClaimLost):
        await intake.renew(again)
    await intake.renew(last)


async def test_who_renews_keeps_an_event(intake: Intake, store: Redis) -> None:
    await intake.put(asked())
    held = await taken(intake, "one")
    await fall_silent(store, "one")
    await intake.renew(held)
    assert await intake.take("two", wait=0) is None
    await intake.done(held)


async def test_a_lease_that_ends_is_noticed_though_nothing_else_happens(store: Redis) -> None:
    intake = RedisIntake(store, lease=0.2)
    await intake.put(asked())
    await taken(intake, "one")
    again = await intake.take("two", wait=30)
    assert again is not None
    assert again.attempt == 2


async def test_clocks_that_are_ten_minutes_off_change_nothing(store: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    intake, real = RedisIntake(store, lease=300), time.time
    await intake.put(asked(received=real() + 600))
    held = await taken(intake, "one")
    for off in (600, -600):
        monkeypatch.setattr(time, "time", lambda off=off: real() + off)
        assert await intake.take("two", wait=0) is None
        await intake.renew(held)
        assert 0 <= (await intake.backlog()).oldest_seconds < 300
    await fall_silent(store, "one")
    assert (await taken(intake, "two")).waited < 300


async def test_a_released_event_is_done_by_another_at_once_as_if_for_the_first_time(intake: Intake) -> None:
    await intake.put(asked())
    await intake.release(await taken(intake, "one"))
    assert (await taken(intake, "two")).attempt == 1


async def test_who_leaves_gives_everything_back_and_is_forgotten(intake: Intake, store: Redis) -> None:
    for number in range(5):
        await intake.put(asked(str(number), author=str(number)))
    for consumer in ("one", "one", "one", "two"):
        await taken(intake, consumer)
    assert await intake.leave("one") == 3
    backlog = await intake.backlog()
    assert (backlog.waiting, backlog.under_way) == (4, 1)
    assert [consumer["name"] for consumer in await store.xinfo_consumers(f"{PREFIX}stream", "workers")] == [b"two"]


async def test_a_cancellation_that_the_client_swallows_still_ends_the_take() -> None:
    began = asyncio.Event()

    class Swallowing:
        """As redis-py on Python 3.11 may be."""

        def register_script(self, script: str) -> Callable[..., Awaitable[object]]:
            return self.answer

        async def answer(self, **arguments: object) -> object:
            return [b"0-0", []]

        async def xread(self, *arguments: object, **more: object) -> None:
            assert not began.is_set(), "it goes on"
            began.set()
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    taking = asyncio.create_task(RedisIntake(Swallowing()).take("one", wait=3600))  # type: ignore[arg-type]
    await began.wait()
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking


async def test_a_cancelled_take_leaves_nothing_behind(intake: Intake) -> None:
    for rounds in range(30):
        taking = asyncio.create_task(intake.take("one", wait=30))
        putting = asyncio.create_task(intake.put(asked(str(rounds), author=str(rounds))))
        for _ in range(rounds):
            await asyncio.sleep(0)
        taking.cancel()
        (outcome,) = await asyncio.gather(taking, return_exceptions=True)
        await putting
        assert isinstance(outcome, asyncio.CancelledError | Delivery)
        if isinstance(outcome, Delivery):
            await intake.release(outcome)
    assert (await intake.backlog()).under_way == 0
    assert len(await taken_texts(intake)) == 30


# What goes wrong


async def test_three_failures_are_a_dead_letter_that_can_be_replayed(intake: Intake) -> None:
    await intake.put(asked())
    for attempt in range(1, MOST_ATTEMPTS + 1):
        delivery = await taken(intake)
        assert delivery.attempt == attempt
        await intake.record(delivery, placeholder="P1")
        assert await intake.failed(delivery, f"reason {attempt}") == (attempt == MOST_ATTEMPTS)
    assert await intake.take("one", wait=0) is None
    (letter,) = await intake.dead()
    assert (letter.incoming, letter.reason, letter.attempts) == (asked(), "reason 3", 3)
    assert letter.progress.placeholder == "P1"
    assert await intake.replay(letter.id)
    assert not await intake.replay(letter.id)
    assert await intake.dead() == ()
    again = await taken(intake)
    assert (again.incoming, again.attempt, again.progress.placeholder) == (asked(), 1, "P1")


async def test_after_three_deaths_a_worker_says_goodbye_and_it_is_a_dead_letter(intake: Intake, store: Redis) -> None:
    await intake.put(asked())
    for attempt in range(1, MOST_ATTEMPTS + 1):
        delivery = await taken(intake, f"worker {attempt}")
        assert not delivery.farewell
        await intake.record(delivery, placeholder="P1")
        await fall_silent(store, f"worker {attempt}")
    goodbye = await taken(intake)
    assert goodbye.farewell
    assert goodbye.progress.placeholder == "P1"
    assert await intake.failed(goodbye, "given up")
    assert [letter.reason for letter in await intake.dead()] == ["given up"]


async def test_what_kills_even_the_goodbye_is_buried(
    intake: Intake, store: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    await intake.put(asked())
    for _ in range(MOST_ATTEMPTS + 1):
        lost = await taken(intake)
        await fall_silent(store, "one")
    assert await intake.take("one", wait=0) is None
    assert [letter.incoming for letter in await intake.dead()] == [asked()]
    assert lost.id in caplog.text
    assert asked().text not in caplog.text


async def test_what_will_never_work_is_buried_at_once(intake: Intake) -> None:
    await intake.put(asked())
    assert await intake.failed(await taken(intake), "the channel \ud83d is archived" + "!" * 9999, final=True)
    (letter,) = await intake.dead()
    assert letter.reason.startswith("the channel ? is archived!")
    assert len(letter.reason) == 500


async def test_what_failed_rests_before_it_is_tried_again(store: Redis) -> None:
    intake = RedisIntake(store, lease=LONG, rests=(3600.0, 0.0))
    await intake.put(asked())
    await intake.failed(await taken(intake), "the platform is down")
    assert await intake.take("one", wait=0) is None
    assert (await intake.backlog()).waiting == 1
    resting: Any = await store.zrange(f"{PREFIX}resting", 0, -1, withscores=True)
    ((member, due),) = resting
    assert 3000 < due / 1000 - (await store.time())[0] <= 3601
    await store.zadd(f"{PREFIX}resting", {member: 0})
    second = await taken(intake)
    await intake.failed(second, "still")
    assert (await taken(intake)).attempt == 3


async def test_dead_letters_come_last_one_first_and_are_not_kept_for_ever(intake: Intake, store: Redis) -> None:
    for number in range(3):
        await intake.put(asked(str(number)))
        await intake.failed(await taken(intake), "broken", final=True)
    assert [letter.reason for letter in await intake.dead(most=2)] == ["broken", "broken"]
    assert [letter.incoming and letter.incoming.text for letter in await intake.dead()] == ["2", "1", "0"]
    (newest, *_) = await intake.dead()
    old = int(newest.buried * 1000) - int(DEAD_KEPT.total_seconds() * 1000) - 60_000
    await store.delete(f"{PREFIX}dead")
    fields = {"body": "{}", "lane": "a:b", "reason": "old", "attempts": 3, "progress": ""}
    await store.xadd(f"{PREFIX}dead", fields, id=f"{old}-0")  # type: ignore[arg-type]
    await intake.take("one", wait=0)
    assert await intake.dead() == ()


@pytest.mark.parametrize("name", ["", "-", "+", "0", "0-0", "1-1", "x-y", "9" * 30 + "-1", "1-1-1", "١-١", "*", "$"])
async def test_replaying_what_is_no_dead_letter_does_nothing(intake: Intake, name: str) -> None:
    assert not await intake.replay(name)


async def test_what_another_version_wrote_waits_for_that_version_and_stops_nobody(
    intake: Intake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await intake.put(asked("the only one that can be read", author="U2"))
    monkeypatch.setattr(redis_intake, "to_json", lambda incoming: '{"v": 2, "text": "secret"}')
    await intake.put(asked("secret", author="U1"))
    assert (await taken(intake)).incoming.author == "U2"
    assert [await intake.take("one", wait=0) for _ in range(4)] == [None] * 4
    assert "cannot be read" in caplog.text
    assert "secret" not in caplog.text
    (letter,) = await intake.dead()
    assert letter.incoming is None
    assert "form" in letter.reason


async def test_what_is_deleted_by_hand_stops_nobody(intake: Intake, store: Redis) -> None:
    for number in range(3):
        await intake.put(asked(str(number)))
    await store.xtrim(f"{PREFIX}stream", maxlen=2, approximate=False)
    assert await taken_texts(intake) == ["1", "2"]
    await intake.put(asked("before the flush"))
    await taken(intake)
    await store.flushall()
    assert await intake.take("one", wait=0) is None
    await intake.put(asked("after the flush"))
    assert await taken_texts(intake) == ["after the flush"]


# A bad day for Redis


async def test_without_redis_nothing_is_acknowledged(tmp_path: Path) -> None:
    async with connect(f"unix://{tmp_path}/nothing.sock") as client:
        intake = RedisIntake(client)
        with pytest.raises(IntakeFailed):
            await intake.put(asked())
        with pytest.raises(IntakeFailed):
            await intake.take("one")


async def test_a_redis_that_is_silent_is_given_up_before_the_platform_gives_up(url: str, store: Redis) -> None:
    async with Redis.from_url(url) as client:
        intake = RedisIntake(client, patience=0.2)
        await intake.backlog()
        await store.client_pause(400)
        with pytest.raises(IntakeFailed, match=r"no answer in 0\.2 s"):
            await intake.put(asked())
        await store.client_unpause()
        assert await intake.put(asked()) in {True, False}  # whether the first one came through, nobody knows
        assert (await intake.backlog()).waiting == 1


async def test_what_was_put_survives_a_stop_of_the_server_and_a_kill(tmp_path: Path) -> None:
    async with private_valkey(tmp_path) as address, connect(address) as client:
        intake = RedisIntake(client, lease=LONG)
        for number in range(3):
            assert await intake.put(asked(str(number), author=str(number)))
        held = await intake.record(await taken(intake), placeholder="P1")
    async with private_valkey(tmp_path) as address, connect(address) as client:
        intake = RedisIntake(client, lease=LONG)
        assert not await intake.put(asked("0"))
        await intake.renew(held)
        server = running_valkey(tmp_path)
        assert server is not None
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
    async with private_valkey(tmp_path) as address, connect(address) as client:
        intake = RedisIntake(client, lease=LONG)
        assert await taken_texts(intake) == ["1", "2"]
        await fall_silent(client, "one")
        again = await taken(intake)
        assert (again.incoming.text, again.attempt, again.progress.placeholder) == ("0", 2, "P1")


# Fair turns


async def test_a_flood_by_one_student_does_not_delay_another(intake: Intake) -> None:
    for number in range(50):
        await intake.put(asked(f"flood {number}", author="flooder"))
    await taken_texts(intake, most=3)
    await intake.put(asked("one question", author="other"))
    assert "one question" in await taken_texts(intake, most=2)


async def test_one_student_has_only_so_many_at_once_and_waits_for_one_to_end(store: Redis, only_the_bell: None) -> None:
    intake = RedisIntake(store, lease=LONG, most_of_author=2)
    for number in range(4):
        await intake.put(asked(f"flood {number}", author="flooder"))
    first, _ = await taken(intake), await taken(intake)
    assert await intake.take("one", wait=0) is None
    await intake.put(asked("one question", author="other"))
    assert (await taken(intake)).incoming.text == "one question"
    waiting = asyncio.create_task(intake.take("two", wait=30))
    await somebody_waits(store)
    await intake.done(first)
    third = await waiting
    assert third is not None
    assert third.incoming.text == "flood 2"
    await intake.failed(third, "broken", final=True)
    assert (await taken(intake)).incoming.text == "flood 3"


async def test_one_course_has_only_so_many_at_once(store: Redis) -> None:
    intake = RedisIntake(store, lease=LONG, most_of_course=2)
    for number in range(4):
        await intake.put(asked(f"large {number}", author=str(number), course="large"))
    await intake.put(asked("small", course="small"))
    texts = {(await taken(intake)).incoming.text for _ in range(3)}
    assert texts == {"large 0", "large 1", "small"}
    assert await intake.take("one", wait=0) is None


async def test_courses_take_turns_and_so_do_their_students(intake: Intake) -> None:
    for course, author in [("large", "a"), ("large", "b"), ("large", "c"), ("small", "d")]:
        for number in range(3):
            await intake.put(asked(f"{author}{number}", author=author, course=course))
    served = await taken_texts(intake)
    assert served == ["a0", "d0", "b0", "d1", "c0", "d2", "a1", "b1", "c1", "a2", "b2", "c2"]


async def test_a_students_questions_are_answered_in_order_and_an_interrupted_one_first(
    intake: Intake, store: Redis
) -> None:
    for number in range(30):
        await intake.put(asked(str(number)))
    await taken(intake, "dead")
    await fall_silent(store, "dead")
    assert await taken_texts(intake) == [str(number) for number in range(30)]


async def test_new_students_do_not_keep_a_waiting_one_waiting(intake: Intake) -> None:
    await intake.put(asked("first of a", author="a"))
    await intake.put(asked("second of a", author="a"))
    served = []
    for number in range(10):
        await intake.put(asked(f"new {number}", author=f"new {number}"))
        served += await taken_texts(intake, most=1)
    assert served.index("second of a") <= 3


async def test_the_backlog_counts_what_there_is(intake: Intake, store: Redis) -> None:
    assert (await intake.backlog()).oldest_seconds == 0
    for number in range(5):
        await intake.put(asked(str(number)))
    await intake.failed(await taken(intake), "broken", final=True)
    await taken(intake)
    backlog = await intake.backlog()
    assert (backlog.waiting, backlog.under_way, backlog.dead) == (3, 1, 1)
    assert 0 <= backlog.oldest_seconds < 60


# Workers as processes


@dataclass
class Process:
    process: asyncio.subprocess.Process

    async def line(self, *words: str) -> str:
        """The next line that begins with these words; fails if the worker goes without it."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            if (text := line.decode().strip()).startswith(" ".join(words)):
                return text
        raise AssertionError(f"the worker never said {words}")

    def end_what_it_holds(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")


@asynccontextmanager
async def worker(url: str, consumer: str, *how: str, lease: float = 0.3, slots: int = 4) -> AsyncIterator[Process]:
    command = (sys.executable, str(WORKER), url, consumer, str(lease), str(slots), *how)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    try:
        yield Process(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_another_worker_ends_what_a_killed_one_began(url: str, store: Redis) -> None:
    intake = RedisIntake(store, lease=0.3)
    await intake.put(asked("question"))
    async with worker(url, "killed") as killed:
        await killed.line("recorded", "question")
        killed.process.kill()
        await killed.process.wait()
        delivery = await intake.take("other", wait=30)
    assert delivery is not None
    assert (delivery.incoming.text, delivery.attempt) == ("question", 2)
    assert delivery.progress.placeholder == "from-killed"
    await intake.done(delivery)
    assert (await intake.backlog()).under_way == 0


async def test_a_worker_that_is_told_to_stop_takes_no_more_and_ends_what_it_has(url: str, store: Redis) -> None:
    intake = RedisIntake(store, lease=LONG)
    await intake.put(asked("under way"))
    async with worker(url, "drained", lease=LONG) as drained:
        await drained.line("recorded", "under way")
        drained.process.send_signal(signal.SIGTERM)
        await drained.line("stopping")
        await intake.put(asked("too late"))
        drained.end_what_it_holds()
        assert await drained.line("ended") == "ended under way"
        await drained.line("left")
        assert await drained.process.wait() == 0
    assert await store.lrange("answered", 0, -1) == [b"under way"]
    assert await taken_texts(intake) == ["too late"]


async def test_nothing_is_lost_while_workers_are_killed_under_load(url: str, store: Redis) -> None:
    intake = RedisIntake(store, lease=0.5)
    texts = [f"question-{number}" for number in range(120)]
    for killing in range(3):
        async with worker(url, f"a{killing}", "at-once") as first, worker(url, f"b{killing}", "at-once") as second:
            for text in texts[killing::3]:
                assert await intake.put(asked(text, author=text[-1]))
            took = [asyncio.create_task(one.line("took")) for one in (first, second)]
            await asyncio.wait(took, return_when=asyncio.FIRST_COMPLETED)
            for task in took:
                task.cancel()
            first.process.kill()
            second.process.kill()
    async with worker(url, "survivor", "at-once") as survivor:
        while (backlog := await intake.backlog()).waiting + backlog.under_way:
            await survivor.line("ended")
    answered: Any = await store.lrange("answered", 0, -1)
    assert {text.decode() for text in answered} == set(texts)
    assert backlog.dead == 0


# Anything in any order


@dataclass
class Known:
    """What the model knows of an event. `lost`: its worker fell silent, and nobody has noticed yet."""

    lane: tuple[str, str]
    state: Literal["waiting", "held", "lost", "dead", "done"] = "waiting"
    attempts: int = 0
    placeholder: str = ""
    delivery: Delivery | None = None
    old: list[Delivery] = field(default_factory=list)


class IntakeMachine(RuleBasedStateMachine):
    """Workers put, take, end, fail, fall silent and come back in any order; the model knows what must be where."""

    url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.events: dict[str, Known] = {}
        self.client = connect(self.url)
        self.intake = RedisIntake(self.client, lease=LONG, rests=(), most_of_author=2)
        self.runner.run(self.empty())

    async def empty(self) -> None:
        await self.client.flushall()

    def teardown(self) -> None:
        try:
            while delivery := self.take("last"):
                self.end(delivery)
            for consumer in ("one", "two"):
                self.fall_silent(consumer)
            while delivery := self.take("last"):
                self.end(delivery)
            assert {known.state for known in self.events.values()} <= {"done", "dead"}
        finally:
            self.runner.run(self.client.aclose())
            self.runner.close()

    def among(self, *states: str) -> list[Known]:
        return [known for known in self.events.values() if known.state in states]

    def held_by(self, consumer: str) -> list[Known]:
        return [known for known in self.among("held") if known.delivery and known.delivery.consumer == consumer]

    @rule(course=st.sampled_from("xy"), author=st.sampled_from("abc"))
    def put(self, course: str, author: str) -> None:
        text = str(len(self.events))
        assert self.runner.run(self.intake.put(asked(text, author=author, course=course)))
        self.events[text] = Known((course, author))

    @precondition(lambda self: self.events)
    @rule(data=st.data())
    def put_again(self, data: st.DataObject) -> None:
        text = data.draw(st.sampled_from(sorted(self.events)))
        assert not self.runner.run(self.intake.put(asked(text, event=data.draw(st.sampled_from(["", "twin"])))))

    @rule(consumer=st.sampled_from(["one", "two"]))
    def somebody_takes(self, consumer: str) -> None:
        self.take(consumer)

    def take(self, consumer: str) -> Delivery | None:
        for known in self.among("lost"):
            known.state = "waiting" if known.attempts <= MOST_ATTEMPTS else "dead"
        busy = [known.lane for known in self.among("held")]
        delivery = self.runner.run(self.intake.take(consumer, wait=0))
        if delivery is None:
            assert all(busy.count(known.lane) >= 2 for known in self.among("waiting"))
            return None
        known = self.events[delivery.incoming.text]
        assert known.state == "waiting"
        assert busy.count(known.lane) < 2
        known.state, known.attempts, known.delivery = "held", known.attempts + 1, delivery
        assert delivery.attempt == known.attempts
        assert delivery.farewell == (known.attempts > MOST_ATTEMPTS)
        assert delivery.progress.placeholder == known.placeholder
        return delivery

    def end(self, delivery: Delivery) -> None:
        self.runner.run(self.intake.done(delivery))
        self.events[delivery.incoming.text].state = "done"

    @precondition(lambda self: self.among("held"))
    @rule(data=st.data(), how=st.sampled_from(["done", "renew", "record", "failed", "failed", "release"]))
    def go_on(self, data: st.DataObject, how: str) -> None:
        known = data.draw(st.sampled_from(self.among("held")))
        delivery = known.delivery
        assert delivery is not None
        if how == "done":
            self.end(delivery)
        elif how == "renew":
            self.runner.run(self.intake.renew(delivery))
        elif how == "record":
            known.placeholder = f"P{known.attempts}"
            self.runner.run(self.intake.record(delivery, placeholder=known.placeholder))
        elif how == "failed":
            buried = self.runner.run(self.intake.failed(delivery, "broken"))
            assert buried == (known.attempts >= MOST_ATTEMPTS)
            known.state = "dead" if buried else "waiting"
        else:
            self.runner.run(self.intake.release(delivery))
            known.state, known.attempts = "waiting", known.attempts - 1

    @rule(consumer=st.sampled_from(["one", "two"]))
    def fall_silent(self, consumer: str) -> None:
        self.runner.run(fall_silent(self.client, consumer))
        for known in self.held_by(consumer):
            assert known.delivery is not None
            known.old.append(known.delivery)
            known.state = "lost"

    @rule(consumer=st.sampled_from(["one", "two"]))
    def leave(self, consumer: str) -> None:
        left = [known for known in self.among("held", "lost") if known.delivery and known.delivery.consumer == consumer]
        assert self.runner.run(self.intake.leave(consumer)) == len(left)
        for known in left:
            known.state, known.attempts = "waiting", known.attempts - 1

    @precondition(lambda self: any(known.old for known in self.among("waiting", "held", "dead", "done")))
    @rule(data=st.data())
    def come_back_too_late(self, data: st.DataObject) -> None:
        known = data.draw(st.sampled_from([k for k in self.among("waiting", "held", "dead", "done") if k.old]))
        late = data.draw(st.sampled_from(known.old))
        with pytest.raises(ClaimLost):
            self.runner.run(self.intake.done(late))

    @precondition(lambda self: self.among("dead"))
    @rule()
    def replay(self) -> None:
        letter, *_ = self.runner.run(self.intake.dead())
        assert letter.incoming is not None
        known = self.events[letter.incoming.text]
        assert known.state == "dead"
        assert letter.progress.placeholder == known.placeholder
        assert self.runner.run(self.intake.replay(letter.id))
        known.state, known.attempts = "waiting", 0

    @invariant()
    def everything_is_somewhere(self) -> None:
        backlog = self.runner.run(self.intake.backlog())
        assert backlog.waiting == len(self.among("waiting"))
        assert backlog.under_way == len(self.among("held", "lost"))
        assert backlog.dead == len(self.among("dead"))


def test_whatever_happens_in_whatever_order_nothing_is_lost_and_nothing_is_held_twice(url: str) -> None:
    IntakeMachine.url = url
    run_state_machine_as_test(IntakeMachine, settings=settings(max_examples=40, stateful_step_count=40))
