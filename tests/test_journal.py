"""What became of each question: the contract of `bot.journal.Journal`, on the real private Valkey."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot
from redis.exceptions import ConnectionError as RedisConnectionError

from bot.adapters.redis_client import connect
from bot.adapters.redis_journal import (
    CONVERSATION_KEPT,
    EARLIER_KEPT,
    HELD,
    QUESTION_KEPT,
    SEEN_KEPT,
    WORKING,
    RedisJournal,
)
from bot.adapters.redis_translated import translated
from bot.adapters.valkey import private_valkey
from bot.errors import JournalFailed
from bot.intake import Attachment, Incoming, Progress
from bot.journal import Earlier, Entry, Halt, Journal

PREFIX = "erica:{journal}:"
HOSTILE_NAMES = [
    "",
    " ",
    "*",
    "a:b",
    "a%3Ab",
    "{slot}",
    "}{",
    "x\r\nFLUSHALL\r\n",
    "\x00",
    "\ud800",
    "Übung",
    "x" * 9_000,
]
ASKED = Incoming(
    platform="slack",
    workspace="T1",
    channel="D1",
    message="1700000000.000100",
    thread=None,
    author="U1",
    text="what is \x00 attention? ∑",
    kind="direct",
    received=1_700_000_000.5,
    attachments=(Attachment("a.py", "https://files.example/a", 120, "text/x-python"),),
    private=True,
)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Redis]:
    """The Redis of the journal, also for looking behind its back."""
    async with connect(url) as client:
        yield client


@pytest.fixture
def journal(store: Redis) -> Journal:
    return RedisJournal(store)


async def names_in(store: Redis) -> list[str]:
    return sorted(name.decode() for name in await store.keys("*") if isinstance(name, bytes))


# Questions


async def test_nothing_is_known_of_a_question_that_nobody_asked(journal: Journal) -> None:
    assert await journal.entry("question") is None


async def test_what_is_known_of_a_question_is_what_was_written_last(journal: Journal) -> None:
    entry = Entry("1-0", "2", "working", Progress("P1", "nonce", "T1", ("P2", "P3")))
    await journal.write("question", Entry("1-0"))
    await journal.write("question", entry)
    assert await journal.entry("question") == entry
    assert await journal.entry("other question") is None


async def test_questions_of_any_name_are_kept_apart(journal: Journal) -> None:
    for number, name in enumerate(HOSTILE_NAMES):
        await journal.write(name, Entry(str(number)), f"in {name}")
    for number, name in enumerate(HOSTILE_NAMES):
        assert await journal.entry(name) == Entry(str(number))
        assert await journal.under_way(f"in {name}") == (name,)


async def test_a_question_is_under_way_until_it_has_ended(journal: Journal) -> None:
    await journal.write("one", Entry("1-0"), "thread")
    await journal.write("two", Entry("2-0"), "thread")
    await journal.write("elsewhere", Entry("3-0"), "other thread")
    assert await journal.under_way("thread") == ("one", "two")
    await journal.write("one", Entry("1-0", state="ended"), "thread")
    assert await journal.under_way("thread") == ("two",)


async def test_the_end_of_one_revision_is_not_the_end_of_another(journal: Journal) -> None:
    await journal.write("question", Entry("1-0"), "thread")
    await journal.write("question", Entry("2-0", "2"), "thread")
    assert await journal.under_way("thread") == ("question",)
    await journal.write("question", Entry("1-0", state="ended"), "thread")
    assert await journal.under_way("thread") == ("question",)
    await journal.write("question", Entry("2-0", "2", "ended"), "thread")
    assert await journal.under_way("thread") == ()


async def test_what_a_dead_worker_left_is_under_way_no_longer_after_ten_minutes(journal: Journal, store: Redis) -> None:
    await journal.write("left", Entry("1-0"), "thread")
    await journal.write("renewed", Entry("2-0"), "thread")
    members: Any = await store.zrange(PREFIX + "working:thread", 0, -1)
    for member in members:
        await store.zincrby(PREFIX + "working:thread", -WORKING.total_seconds() * 1000, member)
    await journal.write("renewed", Entry("2-0"), "thread")
    assert await journal.under_way("thread") == ("renewed",)
    assert 0 < await store.ttl(PREFIX + "working:thread") <= WORKING.total_seconds()


async def test_without_a_conversation_a_question_is_only_written_down(journal: Journal, store: Redis) -> None:
    await journal.write("question", Entry("1-0"))
    assert await journal.under_way("") == ()
    assert await names_in(store) == [PREFIX + "entry:question"]


# Halts


async def test_halts_are_found_for_many_questions_at_once(journal: Journal) -> None:
    await journal.halt("one", Halt("stopped"))
    await journal.halt("two", Halt("edited", "7"))
    assert await journal.halts(["zero", "one", "two"]) == {"one": Halt("stopped"), "two": Halt("edited", "7")}
    assert await journal.halts([]) == {}


async def test_what_is_deleted_stays_deleted(journal: Journal) -> None:
    for halt in (Halt("stopped"), Halt("deleted"), Halt("edited", "7"), Halt("stopped"), Halt("deleted")):
        await journal.halt("question", halt)
    assert await journal.halts(["question"]) == {"question": Halt("deleted")}


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("9", "10"),
        ("1700000000.000100", "1700000000.000200"),
        ("9007199254740992", "9007199254740993"),
        ("2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00.000123+00:00"),
        ("2026-01-01T00:00:09.999999+00:00", "2026-01-01T00:00:10+00:00"),
        ("", "1"),
    ],
)
async def test_the_newest_edit_counts_in_whatever_order_they_come(journal: Journal, older: str, newer: str) -> None:
    for revision in (older, newer, older):
        await journal.halt("question", Halt("edited", revision))
    assert await journal.halts(["question"]) == {"question": Halt("edited", newer)}


async def test_a_question_that_was_stopped_can_be_edited_and_stopped_again(journal: Journal) -> None:
    for halt in (Halt("stopped"), Halt("edited", "7"), Halt("stopped")):
        await journal.halt("question", halt)
        assert await journal.halts(["question"]) == {"question": halt}


# Claims


async def test_of_many_deliveries_that_claim_a_message_exactly_one_has_it(journal: Journal, url: str) -> None:
    async with connect(url) as other_client:
        journals = (journal, RedisJournal(other_client))
        claims = [journals[number % 2].claim("message", f"{number}-0") for number in range(50)]
        granted = await asyncio.gather(*claims)
        assert granted.count(True) == 1
        winner = f"{granted.index(True)}-0"
        assert await journals[1].claim("message", winner)
        assert await journals[0].claim("other message", "99-0")


# Conversations


async def test_a_conversation_is_about_the_course_that_was_opened_last(journal: Journal) -> None:
    assert await journal.course_of("thread") is None
    await journal.open("thread", "ai")
    await journal.open("thread", "Übung: {1}")
    assert await journal.course_of("thread") == "Übung: {1}"


async def test_a_conversation_in_use_is_not_forgotten(journal: Journal, store: Redis) -> None:
    await journal.open("thread", "ai")
    await store.expire(PREFIX + "course:thread", 60)
    assert await journal.course_of("thread") == "ai"
    assert await store.ttl(PREFIX + "course:thread") > CONVERSATION_KEPT.total_seconds() - 60


async def test_the_same_question_leads_to_where_it_was_answered_last(journal: Journal) -> None:
    assert await journal.earlier("fingerprint") is None
    await journal.answered("fingerprint", Earlier("one", "https://slack.example/1"))
    await journal.answered("fingerprint", Earlier("two", "https://slack.example/2"))
    assert await journal.earlier("fingerprint") == Earlier("two", "https://slack.example/2")


async def test_of_held_questions_the_last_one_counts(journal: Journal) -> None:
    await journal.hold("line", replace(ASKED, text="first"))
    await journal.hold("line", ASKED)
    assert await journal.held("line") == ASKED
    assert await journal.held("line") == ASKED  # asking it again is safe, forgetting it early is not
    assert await journal.held("another") is None


# What arrived


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("9", "10"),
        ("1700000000.000100", "1700000000.000200"),
        ("9007199254740992", "9007199254740993"),  # the same as floating-point numbers
        ("999999999999999999", "1000000000000000000"),
        ("18446744073709551614", "18446744073709551615"),
        ("0", "1"),
    ],
)
async def test_the_last_message_is_the_one_with_the_largest_number(journal: Journal, older: str, newer: str) -> None:
    assert await journal.last_seen("channel") is None
    for message in (older, newer, older):
        await journal.seen("channel", message)
    assert await journal.last_seen("channel") == newer
    assert await journal.last_seen("other channel") is None


async def test_messages_that_arrive_at_once_leave_the_last_one(journal: Journal) -> None:
    await asyncio.gather(*(journal.seen("channel", str(number)) for number in [*range(50), *range(99, 49, -1)]))
    assert await journal.last_seen("channel") == "99"


# How it is stored


async def write_everything(journal: Journal, name: str) -> None:
    await journal.write(name, Entry("1-0"), name)
    await journal.halt(name, Halt("stopped"))
    await journal.claim(name, "1-0")
    await journal.open(name, "ai")
    await journal.answered(name, Earlier(name, "https://example.edu"))
    await journal.hold(name, replace(ASKED, text=name))
    await journal.seen(name, "1")


async def test_everything_is_forgotten_after_a_while(journal: Journal, store: Redis) -> None:
    await write_everything(journal, "name")
    lifetimes = {
        "entry": QUESTION_KEPT,
        "halt": QUESTION_KEPT,
        "claim": QUESTION_KEPT,
        "course": CONVERSATION_KEPT,
        "earlier": EARLIER_KEPT,
        "held": HELD,
        "seen": SEEN_KEPT,
        "working": WORKING,
    }
    assert await names_in(store) == sorted(f"{PREFIX}{kind}:name" for kind in lifetimes)
    for kind, lifetime in lifetimes.items():
        left = await store.ttl(f"{PREFIX}{kind}:name")
        assert lifetime.total_seconds() - 60 < left <= lifetime.total_seconds()


async def test_keys_are_short_and_plain_and_in_one_slot_of_a_cluster(journal: Journal, store: Redis) -> None:
    hostile = [name for name in HOSTILE_NAMES if name]
    for name in hostile:
        await write_everything(journal, name)
    names = await names_in(store)
    assert len(names) == 8 * len(hostile)
    assert all(len(name) < 300 and name.isascii() and name.isprintable() for name in names)
    assert len({key_slot(name.encode()) for name in names}) == 1


@pytest.mark.parametrize("damage", ["", "no JSON", "[]", "7", "{}", '{"v": 99}', '{"v": 1, "delivery": 7}', "\x00\xff"])
async def test_what_another_version_wrote_is_left_out_and_written_anew(
    journal: Journal, store: Redis, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    for kind in ("entry", "halt", "earlier", "held", "seen"):
        await store.set(f"{PREFIX}{kind}:name", damage)
    assert await journal.entry("name") is None
    assert await journal.halts(["name"]) == {}
    assert await journal.earlier("name") is None
    assert await journal.held("name") is None
    assert len(caplog.records) == 4
    await write_everything(journal, "name")
    await journal.seen("name", "100")
    assert await journal.entry("name") == Entry("1-0")
    assert await journal.halts(["name"]) == {"name": Halt("stopped")}
    assert await journal.last_seen("name") == "100"


async def test_a_field_that_a_newer_version_added_is_no_damage(journal: Journal, store: Redis) -> None:
    await store.set(
        PREFIX + "entry:question", '{"v": 1, "delivery": "1-0", "progress": {"placeholder": "P", "x": 1}, "y": 2}'
    )
    assert await journal.entry("question") == Entry("1-0", progress=Progress("P"))


async def test_half_a_surrogate_pair_does_no_harm(journal: Journal) -> None:
    await journal.write("question", Entry("\ud83d", progress=Progress("\ud83d")), "thread")
    await journal.open("thread", "\ud83d")
    await journal.halt("question", Halt("edited", "\ud83d"))
    assert await journal.entry("question") == Entry("?", progress=Progress("?"))
    assert await journal.course_of("thread") == "?"
    assert await journal.claim("message", "\ud83d")
    assert await journal.claim("message", "\ud83d")


async def test_a_client_that_decodes_what_it_gets_does_as_well(url: str) -> None:
    async with Redis.from_url(url, decode_responses=True) as client:
        journal = RedisJournal(client)
        await write_everything(journal, "Übung")
        assert await journal.entry("Übung") == Entry("1-0")
        assert await journal.under_way("Übung") == ("Übung",)
        assert await journal.claim("Übung", "1-0")
        assert await journal.course_of("Übung") == "ai"
        assert await journal.held("Übung") == replace(ASKED, text="Übung")
        assert await journal.last_seen("Übung") == "1"


# When Redis has a bad day


def every_call(journal: Journal) -> list[Coroutine[Any, Any, object]]:
    return [
        journal.entry("name"),
        journal.write("name", Entry("1-0"), "thread"),
        journal.under_way("thread"),
        journal.halt("name", Halt("stopped")),
        journal.halts(["name"]),
        journal.claim("name", "1-0"),
        journal.open("thread", "ai"),
        journal.course_of("thread"),
        journal.answered("same", Earlier("name", "")),
        journal.earlier("same"),
        journal.hold("thread", ASKED),
        journal.held("thread"),
        journal.seen("channel", "1"),
        journal.last_seen("channel"),
    ]


async def test_without_redis_every_call_is_a_journal_failure(tmp_path: Path) -> None:
    async with connect(f"unix://{tmp_path}/nothing.sock") as client:
        outcomes = await asyncio.gather(*every_call(RedisJournal(client)), return_exceptions=True)
    assert len(outcomes) == 14
    for outcome in outcomes:
        assert isinstance(outcome, JournalFailed)
        assert "ERICA_REDIS_URL" in outcome.hint


async def test_a_silent_redis_is_given_up_in_time(url: str, store: Redis) -> None:
    async with connect(url) as client:
        journal = RedisJournal(client, patience=0.2)
        await journal.open("thread", "ai")
        await store.client_pause(400)
        with pytest.raises(JournalFailed, match=r"no answer in 0\.2 s"):
            await journal.course_of("thread")
        await store.client_unpause()
        assert await journal.course_of("thread") == "ai"


async def test_a_key_of_another_kind_is_a_journal_failure(journal: Journal, store: Redis) -> None:
    await store.set(PREFIX + "working:thread", "no set")
    with pytest.raises(JournalFailed):
        await journal.under_way("thread")


async def test_everything_is_there_after_a_restart_of_redis(tmp_path: Path) -> None:
    async with private_valkey(tmp_path) as address:
        client = connect(address)
        journal = RedisJournal(client)
        await write_everything(journal, "1")
    with pytest.raises(JournalFailed):
        await journal.entry("1")
    async with private_valkey(tmp_path):
        assert await journal.entry("1") == Entry("1-0")
        assert await journal.under_way("1") == ("1",)
        assert await journal.halts(["1"]) == {"1": Halt("stopped")}
        assert not await journal.claim("1", "2-0")
        assert await journal.course_of("1") == "ai"
        assert await journal.held("1") == replace(ASKED, text="1")
        await journal.seen("1", "2")
        assert await journal.last_seen("1") == "2"
        await client.aclose()


async def test_a_cancellation_that_the_client_swallows_is_one_all_the_same() -> None:
    reached = asyncio.Event()

    async def swallow() -> None:
        async with translated(JournalFailed, patience=60):
            reached.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise RedisConnectionError("closed") from None

    task = asyncio.create_task(swallow())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
