"""What staff did to the graph is kept: one contract for the log in a file and the one in Redis, on the real Valkey."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pytest
from fakes import Clock
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

from bot.adapters.valkey import private_valkey
from retrieval.adapters.file_edit_log import FileEditLog
from retrieval.adapters.redis_edit_log import RedisEditLog
from retrieval.edits import Edit
from retrieval.errors import StoreError
from retrieval.ports import EditLog

MERGE = Edit("merge", "osmosis", "osmotic flow", "slack:U0123", "2026-09-14T08:00:00+00:00")
HIDE = Edit("hide", "lab safety", "", "discord:77", "2026-09-14T08:00:01+00:00")
CUT = Edit("cut_prerequisite", "turgor", "lab safety", "slack:U0123", "2026-09-14T08:00:02+00:00")

HOSTILE = ["", "\x00", "line\nbreak\r\n", "\u2028\x85", '"}\n{"', "\ud800", "<!channel> **x**", "Übung ½", "x" * 10_000]

UNREADABLE = [
    b"not JSON",
    b"[]",
    b"7",
    b"{}",
    b'{"action": "explode", "concept": "x"}',
    b'{"action": "hide", "concept": 7}',
    b'{"action": "hide", "concept": "x", "colour": "red"}',
    b"\xff\xfe",
    b"\x00\x00\x00\x00",
    b"[" * 100_000,
]


@dataclass
class Place:
    """Where a log is kept: `log` as one Erica sees it, `another` as the next one does."""

    log: EditLog
    another: Callable[[], EditLog]
    put: Callable[[bytes], Awaitable[None]]
    """Add something behind the log's back."""


@pytest.fixture
async def store(url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(url) as client:
        yield client


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "graph" / "edits.jsonl"


@pytest.fixture(params=["file", "redis"])
def place(request: pytest.FixtureRequest, file: Path, store: Redis) -> Place:
    async def put_line(entry: bytes) -> None:
        with file.open("ab") as stream:
            stream.write(entry + b"\n")

    async def put_entry(entry: bytes) -> None:
        await store.rpush("erica:{edits:bio}", entry)

    if request.param == "file":
        return Place(FileEditLog(file), lambda: FileEditLog(file), put_line)
    return Place(RedisEditLog(store, "bio"), lambda: RedisEditLog(store, "bio"), put_entry)


def written(file: Path, content: bytes) -> Path:
    """The file, with this in it and nothing else."""
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    return file


def content(file: Path) -> bytes:
    return file.read_bytes()


# The contract


async def test_a_new_log_is_empty_and_has_no_version(place: Place) -> None:
    assert await place.log.edits() == ()
    assert await place.log.version() == ""


async def test_edits_come_back_oldest_first_and_to_every_erica(place: Place) -> None:
    for edit in (MERGE, HIDE, CUT):
        await place.log.append(edit)
    assert await place.log.edits() == (MERGE, HIDE, CUT)
    assert await place.another().edits() == (MERGE, HIDE, CUT)


async def test_every_append_makes_another_version(place: Place) -> None:
    words = [await place.log.version()]
    for edit in (MERGE, HIDE, HIDE, MERGE):
        await place.log.append(edit)
        words.append(await place.log.version())
    assert len(set(words)) == len(words)
    assert "" not in words[1:]


async def test_every_erica_has_the_same_word_for_the_same_log(place: Place) -> None:
    await place.log.append(MERGE)
    await place.another().append(HIDE)
    assert await place.another().version() == await place.another().version() != ""


async def test_the_same_decision_twice_is_kept_twice(place: Place) -> None:
    for edit in (HIDE, MERGE, HIDE):
        await place.log.append(edit)
    assert await place.log.edits() == (HIDE, MERGE, HIDE)


@pytest.mark.parametrize("text", HOSTILE)
async def test_any_text_comes_back_as_it_was(place: Place, text: str) -> None:
    edit = Edit("rename", text, text, text, text)
    await place.log.append(edit)
    await place.log.append(HIDE)
    assert await place.another().edits() == (edit, HIDE)


async def test_appends_at_once_are_all_kept(place: Place) -> None:
    edits = {Edit("hide", f"concept {number}") for number in range(30)}
    logs = [place.another() for _ in range(3)]
    await asyncio.gather(*(logs[number % 3].append(edit) for number, edit in enumerate(edits)))
    found = await place.log.edits()
    assert len(found) == len(edits)
    assert set(found) == edits


@pytest.mark.parametrize("entry", UNREADABLE)
async def test_what_cannot_be_read_is_left_out_and_said(
    place: Place, entry: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await place.log.append(MERGE)
    await place.put(entry)
    await place.log.append(HIDE)
    assert await place.another().edits() == (MERGE, HIDE)
    assert "1 of 3" in caplog.text


# In a file


async def test_reading_creates_nothing(file: Path) -> None:
    log = FileEditLog(file)
    assert await log.edits() == ()
    assert await log.version() == ""
    assert not file.parent.exists()


@pytest.mark.parametrize("cut", [1, 10, 60])
async def test_a_line_torn_by_a_crash_is_ignored_and_mended(file: Path, cut: int) -> None:
    log = FileEditLog(file)
    await log.append(MERGE)
    await log.append(HIDE)
    written(file, content(file)[: -1 - cut])
    assert await log.edits() == (MERGE,)
    await log.append(CUT)
    assert await log.edits() == (MERGE, CUT)
    assert content(file).count(b"\n") == 2


@pytest.mark.parametrize("tail", [b"\x00" * 500, b"{", b"\xff"])
async def test_a_first_line_torn_by_a_crash_is_mended_too(file: Path, tail: bytes) -> None:
    log = FileEditLog(written(file, tail))
    assert await log.edits() == ()
    await log.append(HIDE)
    assert await log.edits() == (HIDE,)
    assert content(file).startswith(b"{")


async def test_a_last_line_that_only_lacks_its_end_counts(file: Path) -> None:
    log = FileEditLog(written(file, MERGE.to_json().encode()))
    assert await log.edits() == (MERGE,)
    await log.append(HIDE)
    assert await log.edits() == (MERGE, HIDE)


async def test_blank_lines_and_foreign_line_ends_do_no_harm(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    written(file, f"\n{MERGE.to_json()}\r\n\r\n{HIDE.to_json()}\r\n".encode())
    assert await FileEditLog(file).edits() == (MERGE, HIDE)
    assert not caplog.records


async def test_a_full_disk_takes_back_what_was_written_of_a_line(small_disk: Callable[[int], Path]) -> None:
    folder = small_disk(1)
    log = FileEditLog(folder / "edits.jsonl")
    await log.append(MERGE)
    (folder / "film").write_bytes(b"x" * 900_000)
    with pytest.raises(StoreError, match="No space left") as failure:
        await log.append(Edit("rename", "x", "x" * 400_000))
    assert "space" in failure.value.hint
    assert (folder / "edits.jsonl").read_text() == f"{MERGE.to_json()}\n"
    await log.append(HIDE)
    assert await log.edits() == (MERGE, HIDE)


async def test_a_path_that_cannot_be_used_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "folder", tmp_path / "file" / "edits.jsonl"):
        log = FileEditLog(path)
        with pytest.raises(StoreError, match="could not be read"):
            await log.edits()
        with pytest.raises(StoreError, match="could not be written") as failure:
            await log.append(HIDE)
        assert failure.value.hint


APPENDING = """
import asyncio, sys
from pathlib import Path
from retrieval.adapters.file_edit_log import FileEditLog
from retrieval.edits import Edit

async def main():
    log = FileEditLog(Path(sys.argv[1]))
    for number in range(20):
        await log.append(Edit("hide", sys.argv[2], str(number)))

asyncio.run(main())
"""


def test_processes_do_not_write_into_each_others_lines(file: Path) -> None:
    names = ["biology", "law"]
    command = [sys.executable, "-c", APPENDING, str(file)]
    running = [subprocess.Popen([*command, name], cwd=Path(__file__).parents[1]) for name in names]
    assert [process.wait() for process in running] == [0, 0]
    edits = asyncio.run(FileEditLog(file).edits())
    for name in names:
        assert [edit.other for edit in edits if edit.concept == name] == [str(number) for number in range(20)]


# In Redis


async def calls(store: Redis, command: str) -> int:
    stats = await store.info("commandstats")
    return int(stats.get(f"cmdstat_{command}", {"calls": 0})["calls"])


async def test_redis_is_asked_for_the_version_every_five_seconds_at_most(store: Redis) -> None:
    clock = Clock()
    log, another = RedisEditLog(store, "bio", clock=clock), RedisEditLog(store, "bio")
    assert await log.version() == ""
    await another.append(MERGE)
    await store.config_resetstat()
    clock.now += 4.9
    assert await log.version() == ""
    assert await calls(store, "llen") == 0
    clock.now += 0.1
    assert await log.version() == await another.version() != ""


async def test_many_who_ask_for_the_version_at_once_are_one_question(store: Redis) -> None:
    log = RedisEditLog(store, "bio", clock=Clock())
    await store.config_resetstat()
    assert set(await asyncio.gather(*(log.version() for _ in range(20)))) == {""}
    assert await calls(store, "llen") == 1


async def test_an_own_append_is_seen_at_once(store: Redis) -> None:
    log = RedisEditLog(store, "bio", clock=Clock())
    before = await log.version()
    await log.append(MERGE)
    assert await log.version() != before


async def test_the_log_is_one_list_that_never_expires(store: Redis) -> None:
    for name in ("bio", "", "{x}:*\r\n", "y" * 10_000):
        log = RedisEditLog(store, name)
        await log.append(Edit("hide", name))
        assert await log.edits() == (Edit("hide", name),)
    assert await store.lrange("erica:{edits:bio}", 0, -1) == [Edit("hide", "bio").to_json().encode()]
    lists = [key for key in await store.keys("*") if await store.type(key) == b"list"]
    assert [await store.ttl(key) for key in lists] == [-1] * 4
    for key in set(await store.keys("*")) - set(lists):
        assert await store.ttl(key) > 0


async def test_a_client_that_decodes_will_do(url: str) -> None:
    async with Redis.from_url(url, decode_responses=True) as client:
        log = RedisEditLog(client, "bio")
        await log.append(MERGE)
        assert await log.edits() == (MERGE,)
        assert await log.version() != ""


async def test_an_append_whose_reply_is_lost_is_kept_once(url: str, tmp_path: Path, store: Redis) -> None:
    lost = 0

    async def lose_first_reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal lost
        to_server, answer = await asyncio.open_unix_connection(unquote(url.removeprefix("unix://")))
        while request := await reader.read(65536):
            answer.write(request)
            reply = await to_server.read(65536)
            if b"RPUSH" in request and not lost:
                lost += 1
                break
            writer.write(reply)
        answer.close()
        writer.close()

    path = tmp_path / "lossy.sock"
    async with (
        await asyncio.start_unix_server(lose_first_reply, path),
        Redis.from_url(f"unix://{path}", retry=Retry(ConstantBackoff(0.01), 3)) as client,
    ):
        await RedisEditLog(client, "bio").append(MERGE)
    assert lost == 1
    assert await RedisEditLog(store, "bio").edits() == (MERGE,)


async def test_a_key_of_another_kind_is_a_store_error(store: Redis) -> None:
    await store.set("erica:{edits:bio}", "not a list")
    log = RedisEditLog(store, "bio")
    for attempt in (log.edits, log.version, lambda: log.append(HIDE)):
        with pytest.raises(StoreError):
            await attempt()
    assert await store.get("erica:{edits:bio}") == b"not a list"


async def test_no_redis_is_a_store_error_that_names_the_setting(tmp_path: Path) -> None:
    async with Redis.from_url(f"unix://{tmp_path}/nothing.sock") as client:
        log = RedisEditLog(client, "bio", patience=0.1)
        for attempt in (log.edits, log.version, log.version, lambda: log.append(HIDE)):
            with pytest.raises(StoreError) as failure:
                await attempt()
            assert "ERICA_REDIS_URL" in failure.value.hint


async def test_the_version_that_was_known_holds_while_redis_is_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    async with private_valkey(tmp_path) as url:
        client = Redis.from_url(url)
        log = RedisEditLog(client, "bio", clock=clock)
        await log.append(MERGE)
        known = await log.version()
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            clock.now += 5
            assert await log.version() == known
    assert len(caplog.records) == 1
    async with private_valkey(tmp_path):
        await log.append(HIDE)
        assert await log.version() not in ("", known)
        assert await log.edits() == (MERGE, HIDE)
    await client.aclose()
