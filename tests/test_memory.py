"""What a thread remembers: the contract of `bot.ports.Memory`, on the real private Valkey."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.adapters.redis_memory import LIFETIME, MOST_CHARACTERS, MOST_TURNS, RedisMemory
from bot.adapters.valkey import private_valkey
from bot.errors import ConfigError, MemoryFailed
from bot.ports import Memory, Turn

HOSTILE_THREADS = [
    "",
    " ",
    "*",
    "a:b",
    "a%3Ab",
    "a/b",
    "{slot}",
    "thread\r\nFLUSHALL\r\n",
    "\x00",
    "\ud800",
    "Übung",
    "x" * 10_000,
    "x" * 10_001,
    "slack:T0123:C0123:1700000000.000100",
]


@pytest.fixture
async def memory(url: str) -> AsyncIterator[Memory]:
    remembered = RedisMemory.from_url(url)
    yield remembered
    await remembered.close()


@pytest.fixture
async def store(url: str) -> AsyncIterator[Redis]:
    """The same Redis, for looking behind the memory's back."""
    async with Redis.from_url(url, decode_responses=True) as client:
        yield client


# The contract


async def test_an_unknown_thread_is_empty(memory: Memory) -> None:
    assert await memory.recall("nobody") == ()


async def test_turns_come_back_oldest_first(memory: Memory) -> None:
    turns = tuple(Turn(f"question {n}", f"answer {n}") for n in range(3))
    for turn in turns:
        await memory.remember("thread", turn)
    assert await memory.recall("thread") == turns


async def test_the_oldest_turns_are_forgotten(memory: Memory) -> None:
    for number in range(MOST_TURNS + 3):
        await memory.remember("thread", Turn(f"question {number}", "answer"))
    remembered = await memory.recall("thread")
    assert len(remembered) == MOST_TURNS
    assert remembered[0].question == "question 3"
    assert remembered[-1].question == f"question {MOST_TURNS + 2}"


async def test_a_long_text_is_cut_and_says_so(memory: Memory) -> None:
    await memory.remember("thread", Turn("q" * 100_000, "a" * MOST_CHARACTERS))
    (turn,) = await memory.recall("thread")
    assert turn.question == "q" * (MOST_CHARACTERS - 1) + "…"
    assert turn.answer == "a" * MOST_CHARACTERS


@pytest.mark.parametrize("text", ["", "\x00\r\n", '"}{', "∑ λ 😀", "```python\nprint('hi')\n```"])
async def test_any_text_comes_back_as_it_was(memory: Memory, text: str) -> None:
    await memory.remember("thread", Turn(text, text))
    assert await memory.recall("thread") == (Turn(text, text),)


async def test_half_a_surrogate_pair_does_no_harm(memory: Memory) -> None:
    await memory.remember("thread", Turn("what is \ud83d", "an answer"))
    assert await memory.recall("thread") == (Turn("what is ?", "an answer"),)


async def test_a_turn_that_is_remembered_again_after_a_lost_reply_is_there_once(memory: Memory) -> None:
    for turn in (Turn("first", "1"), Turn("second", "2"), Turn("second", "2")):
        await memory.remember("thread", turn)
    assert await memory.recall("thread") == (Turn("first", "1"), Turn("second", "2"))


async def test_threads_of_any_name_are_kept_apart(memory: Memory) -> None:
    for number, thread in enumerate(HOSTILE_THREADS):
        await memory.remember(thread, Turn(str(number), "answer"))
    for number, thread in enumerate(HOSTILE_THREADS):
        assert await memory.recall(thread) == (Turn(str(number), "answer"),)


async def test_turns_that_come_at_once_are_all_kept(memory: Memory) -> None:
    turns = {Turn(f"question {n}", "answer") for n in range(MOST_TURNS)}
    await asyncio.gather(*(memory.remember("thread", turn) for turn in turns))
    assert set(await memory.recall("thread")) == turns


# How it is stored


async def test_every_thread_has_one_short_key_of_ours(memory: Memory, store: Redis) -> None:
    for thread in HOSTILE_THREADS:
        await memory.remember(thread, Turn("question", "answer"))
    keys = [str(key) for key in await store.keys("*")]
    assert len(keys) == len(HOSTILE_THREADS)
    for key in keys:
        assert key.startswith("erica:thread:")
        assert len(key) < 250
        assert key.isascii()
        assert key.isprintable()
    assert "erica:thread:slack:T0123:C0123:1700000000.000100" in keys


async def test_a_thread_is_forgotten_a_lifetime_after_its_last_turn(memory: Memory, store: Redis) -> None:
    await memory.remember("thread", Turn("first", "1"))
    await store.expire("erica:thread:thread", 60)
    await memory.remember("thread", Turn("second", "2"))
    left = await store.ttl("erica:thread:thread")
    assert LIFETIME.total_seconds() - 60 < left <= LIFETIME.total_seconds()
    assert len(await memory.recall("thread")) == 2


@pytest.mark.parametrize("entry", ["", "not JSON", "[]", "7", '{"question": 7, "answer": "x"}', '{"question": "x"}'])
async def test_what_another_version_wrote_is_left_out(memory: Memory, store: Redis, entry: str) -> None:
    await store.rpush("erica:thread:thread", entry)
    await memory.remember("thread", Turn("question", "answer"))
    assert await memory.recall("thread") == (Turn("question", "answer"),)


# When Redis has a bad day


async def test_a_redis_that_is_not_there_is_a_memory_failure(tmp_path: Path) -> None:
    memory = RedisMemory.from_url(f"unix://{tmp_path}/nothing.sock")
    with pytest.raises(MemoryFailed, match="could not be read") as failure:
        await memory.recall("thread")
    assert failure.value.__cause__ is not None
    with pytest.raises(MemoryFailed, match="could not be written"):
        await memory.remember("thread", Turn("question", "answer"))
    await memory.close()


async def test_a_key_of_another_kind_is_a_memory_failure(memory: Memory, store: Redis) -> None:
    await store.set("erica:thread:thread", "not a list")
    with pytest.raises(MemoryFailed):
        await memory.recall("thread")
    with pytest.raises(MemoryFailed):
        await memory.remember("thread", Turn("question", "answer"))


async def test_a_silent_redis_is_given_up_in_time(tmp_path: Path) -> None:
    async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    path = tmp_path / "silent.sock"
    async with await asyncio.start_unix_server(never_answer, path):
        memory = RedisMemory.from_url(f"unix://{path}", patience=0.3)
        began = asyncio.get_running_loop().time()
        with pytest.raises(MemoryFailed, match=r"no answer in 0\.3 s"):
            await memory.recall("thread")
        assert asyncio.get_running_loop().time() - began < 2
        await memory.close()


async def test_memory_works_again_once_redis_is_back(tmp_path: Path) -> None:
    async with private_valkey(tmp_path) as address:
        memory = RedisMemory.from_url(address)
        await memory.remember("thread", Turn("question", "answer"))
    with pytest.raises(MemoryFailed):
        await memory.recall("thread")
    async with private_valkey(tmp_path):
        assert await memory.recall("thread") == (Turn("question", "answer"),)
    await memory.close()


async def test_a_call_that_is_given_up_does_not_answer_the_next_one(url: str, store: Redis) -> None:
    memory = RedisMemory.from_url(url, patience=0.2)
    await memory.remember("one", Turn("one", "1"))
    await memory.remember("two", Turn("two", "2"))
    await store.client_pause(400)
    with pytest.raises(MemoryFailed):
        await memory.recall("one")
    await store.client_unpause()
    assert await memory.recall("two") == (Turn("two", "2"),)
    await memory.close()


@pytest.mark.parametrize("address", ["", "localhost", "http://:secret@localhost", "redis://:secret/@localhost"])
def test_an_address_that_is_none_names_the_setting_and_no_password(address: str) -> None:
    with pytest.raises(ConfigError) as failure:
        RedisMemory.from_url(address)
    assert "ERICA_REDIS_URL" in failure.value.hint
    assert "secret" not in str(failure.value)
