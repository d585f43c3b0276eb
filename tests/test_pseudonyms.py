"""Who a student is without saying who, and the secret that it takes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.adapters.redis_client import connect
from bot.adapters.redis_secret import shared_key
from bot.adapters.valkey import private_valkey
from bot.errors import ConfigError, JournalFailed
from bot.pseudonyms import Pseudonyms

HOSTILE_USERS = ["", " ", "U1", "U1 ", "u1", '","', "a,b", "\x00", "\ud800", "Übung", "x" * 10_000]


@pytest.fixture
def pseudonyms() -> Pseudonyms:
    return Pseudonyms(b"k" * 32)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Redis]:
    async with connect(url) as client:
        yield client


# Pseudonyms


def test_a_student_has_one_pseudonym_in_a_course(pseudonyms: Pseudonyms) -> None:
    found = pseudonyms.student("ai", "slack", "U1")
    assert found == Pseudonyms(b"k" * 32).student("ai", "slack", "U1")
    assert len(found) == 32
    assert set(found) <= set("0123456789abcdef")


def test_a_student_has_others_elsewhere_and_with_another_key(pseudonyms: Pseudonyms) -> None:
    found = {
        pseudonyms.student("ai", "slack", "U1"),
        pseudonyms.student("ml", "slack", "U1"),
        pseudonyms.student("ai", "discord", "U1"),
        pseudonyms.student("ai", "slack", "U2"),
        pseudonyms.rater("slack", "U1"),
        pseudonyms.rater("discord", "U1"),
        Pseudonyms(b"K" * 32).student("ai", "slack", "U1"),
    }
    assert len(found) == 7


def test_no_two_people_share_a_pseudonym(pseudonyms: Pseudonyms) -> None:
    found = {pseudonyms.student(course, "slack", user) for course in HOSTILE_USERS for user in HOSTILE_USERS}
    assert len(found) == len(HOSTILE_USERS) ** 2


# The shared key


async def test_all_processes_of_an_erica_have_one_key(url: str) -> None:
    async with connect(url) as one, Redis.from_url(url, decode_responses=True) as other:
        keys = await asyncio.gather(*(shared_key(client) for client in [one, other] * 10))
    assert len(set(keys)) == 1
    assert len(keys[0]) == 32


async def test_the_key_is_kept_for_ever_and_through_a_restart_of_redis(tmp_path: Path) -> None:
    async with private_valkey(tmp_path) as address, connect(address) as client:
        key = await shared_key(client)
        assert await client.ttl("erica:pseudonym-key") == -1
    async with private_valkey(tmp_path) as address, connect(address) as client:
        assert await shared_key(client) == key


async def test_two_ericas_have_different_keys(tmp_path: Path) -> None:
    keys = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        async with private_valkey(tmp_path / name) as address, connect(address) as client:
            keys.add(await shared_key(client))
    assert len(keys) == 2


@pytest.mark.parametrize("damage", ["", "no hexadecimal", "00", "\x00\xff", "00" * 33])
async def test_a_damaged_key_is_not_replaced_unasked(store: Redis, damage: str) -> None:
    await store.set("erica:pseudonym-key", damage)
    with pytest.raises(ConfigError, match="is no key") as failure:
        await shared_key(store)
    assert "erica:pseudonym-key" in failure.value.hint
    assert await store.get("erica:pseudonym-key") == damage.encode()


async def test_without_redis_there_is_no_key(tmp_path: Path) -> None:
    async with connect(f"unix://{tmp_path}/nothing.sock") as client:
        with pytest.raises(JournalFailed) as failure:
            await shared_key(client)
    assert "ERICA_REDIS_URL" in failure.value.hint
