"""Ready cards, quickly: one contract for the cache in process and the one in Redis, on the real private Valkey."""

import asyncio
import logging
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import pytest
from fakes import Clock
from redis import Redis as BlockingRedis
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.crc import key_slot

from bot.adapters.valkey import private_valkey
from retrieval.adapters.local_graph import LocalGraphCache
from retrieval.adapters.redis_graph import LIFETIME, RedisGraphCache
from retrieval.adapters.redis_text import as_bytes
from retrieval.cards import Card, CardExample, CardResource, ConceptName, Neighbour
from retrieval.errors import StoreError
from retrieval.ports import GraphCache

HOSTILE = [
    "complete",
    "names",
    "card:osmosis",
    "",
    " ",
    "a:b",
    "{slot}",
    "id\r\nFLUSHALL\r\n",
    "\x00",
    "\ud800",
    "<@U0123> **bold**",
    "Osmose-Übung 😀",
    "x" * 10_000,
]


@dataclass
class Course:
    """A deck and its loader in one: cards by id, and how often they were loaded."""

    deck: dict[str, Card]
    loads: int = 0
    failures: list[Exception] = field(default_factory=list)
    """Raised by the next loads."""
    on_card: Callable[[int], None] = lambda _: None
    """Called with the number of cards dealt so far, before each one."""
    loading: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event | None = None
    """Where it is set, loading waits for it."""

    async def load(self) -> "Course":
        self.loads += 1
        self.loading.set()
        if self.gate:
            await self.gate.wait()
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop(0)
        self._dealt = 0
        return self

    def names(self) -> tuple[ConceptName, ...]:
        return tuple(ConceptName(c.id, c.title, c.aliases, 0.5) for c in self.deck.values())

    def card(self, id_: str) -> Card | None:
        self.on_card(self._dealt)
        self._dealt += 1
        return self.deck.get(id_)


def course(*ids: str, definition: str = "") -> Course:
    return Course({id_: Card(id_, id_.title(), (f"{id_} (n.)",), definition) for id_ in ids})


def biology() -> Course:
    """A small course with one card that has everything."""
    osmosis = Card(
        "osmosis",
        "Osmosis",
        ("osmotic flow", "Osmose"),
        "Osmosis is the flow of water through a membrane.",
        "https://example.edu/bio/3#osmosis",
        2,
        (Neighbour("diffusion", "Diffusion", "https://example.edu/bio/2", 1, "", (7, 9)),),
        (Neighbour("turgor", "Turgor"),),
        (Neighbour("dialysis", "Dialysis", kind="contrast"),),
        (CardExample("print('½ mol')\n", "https://example.edu/bio/3"),),
        (CardResource("pdf", "https://example.edu/bio.pdf", "Membranes", "page 3", 2.5, (65536,)),),
    )
    plain = ("diffusion", "turgor", "dialysis")
    return Course({"osmosis": osmosis} | {id_: Card(id_, id_.title()) for id_ in plain})


def heavy(version: str = "") -> Course:
    """A course that takes several chunks to write."""
    return course(*(f"case-{n}" for n in range(12)), definition=version + "In re. " * 20_000)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Redis]:
    """The Redis itself, for looking behind the cache's back and spoiling things."""
    async with Redis.from_url(url) as client:
        yield client


@pytest.fixture
async def another(url: str) -> AsyncIterator[Callable[..., RedisGraphCache]]:
    """Makes caches as one more Erica would have them, with connections of their own."""
    clients: list[Redis] = []

    def make(name: str = "bio", clock: Clock | None = None, decode: bool = False) -> RedisGraphCache:
        clients.append(Redis.from_url(url, decode_responses=decode))
        return RedisGraphCache(clients[-1], name, clock=clock or Clock())

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def cache(another: Callable[..., RedisGraphCache]) -> RedisGraphCache:
    return another()


@pytest.fixture(params=["local", "redis", "redis by a client that decodes"])
def any_cache(request: pytest.FixtureRequest, another: Callable[..., RedisGraphCache]) -> GraphCache:
    return LocalGraphCache() if request.param == "local" else another(decode="decodes" in request.param)


async def keys(store: Redis, ending: str = "") -> list[str]:
    return sorted(key for raw in await store.keys("*") if (key := as_bytes(raw).decode()).endswith(ending))


async def key_of(store: Redis, version: str) -> str:
    (key,) = await keys(store, f":{version}")
    return key


async def no_deck() -> Course:
    raise AssertionError("this should have come from Redis")


async def dealt(cache: GraphCache, version: str, source: Course, *ids: str) -> list[Card]:
    return list((await cache.cards(version, ids, source.load)).values())


# The contract


async def test_names_and_cards_are_those_of_the_deck(any_cache: GraphCache) -> None:
    bio = biology()
    for _ in range(2):
        assert await any_cache.names("v1", bio.load) == bio.names()
        assert await any_cache.cards("v1", list(bio.deck), bio.load) == bio.deck


async def test_cards_come_without_the_names_having_been_asked_for(any_cache: GraphCache) -> None:
    bio = biology()
    for _ in range(2):
        assert await dealt(any_cache, "v1", bio, "osmosis") == [bio.deck["osmosis"]]


async def test_cards_come_in_the_order_asked_for_and_once(any_cache: GraphCache) -> None:
    asked = ["turgor", "osmosis", "turgor", "diffusion"]
    for _ in range(2):
        assert list(await any_cache.cards("v1", asked, biology().load)) == ["turgor", "osmosis", "diffusion"]


async def test_unknown_concepts_are_left_out(any_cache: GraphCache) -> None:
    bio = biology()
    for _ in range(2):
        found = await any_cache.cards("v1", ["mitosis", "osmosis", "complete", "names"], bio.load)
        assert list(found) == ["osmosis"]
    assert bio.loads == 1


async def test_no_ids_need_no_deck(any_cache: GraphCache) -> None:
    assert await any_cache.cards("v1", [], no_deck) == {}


async def test_the_deck_is_loaded_once_however_many_ask_at_once(any_cache: GraphCache) -> None:
    bio = biology()
    answers = await asyncio.gather(*(any_cache.cards("v1", ["osmosis"], bio.load) for _ in range(20)))
    assert answers == [{"osmosis": bio.deck["osmosis"]}] * 20
    assert bio.loads == 1


async def test_what_the_deck_raises_comes_through_and_is_not_kept(any_cache: GraphCache) -> None:
    bio = biology()
    bio.failures = [StoreError("the index is gone"), StoreError("and still is")]
    with pytest.raises(StoreError, match="the index is gone"):
        await any_cache.names("v1", bio.load)
    with pytest.raises(StoreError, match="and still is"):
        await any_cache.cards("v1", ["osmosis"], bio.load)
    assert await dealt(any_cache, "v1", bio, "osmosis") == [bio.deck["osmosis"]]


async def test_versions_are_kept_apart(any_cache: GraphCache) -> None:
    old, new = course("plea", definition="old"), course("plea", "tort", definition="new")
    for _ in range(3):
        assert [card.definition for card in await dealt(any_cache, "v1", old, "plea", "tort")] == ["old"]
        assert [card.definition for card in await dealt(any_cache, "v2", new, "plea", "tort")] == ["new", "new"]
        assert await any_cache.names("v1", old.load) == old.names()
        assert await any_cache.names("v2", new.load) == new.names()


async def test_a_concept_without_a_card_is_no_reason_to_load_again(any_cache: GraphCache) -> None:
    class Gap(Course):
        def card(self, id_: str) -> Card | None:
            return None if id_ == "tort" else super().card(id_)

    law = Gap(course("plea", "tort").deck)
    for _ in range(3):
        assert await any_cache.names("v1", law.load) == law.names()
        assert list(await any_cache.cards("v1", ["plea", "tort"], law.load)) == ["plea"]
    assert law.loads == 1


async def test_an_empty_course_is_kept_too(any_cache: GraphCache) -> None:
    nothing = course()
    for _ in range(3):
        assert await any_cache.names("v1", nothing.load) == ()
        assert await any_cache.cards("v1", ["osmosis"], nothing.load) == {}
    assert nothing.loads == 1


async def test_concepts_and_versions_may_be_called_anything(any_cache: GraphCache) -> None:
    for version in HOSTILE:
        source = course(*HOSTILE, definition=version)
        assert await any_cache.names(version, source.load) == source.names()
        assert await any_cache.cards(version, HOSTILE, source.load) == source.deck


async def test_a_caller_who_is_stopped_leaves_nothing_behind_that_stops_others(any_cache: GraphCache) -> None:
    bio = biology()
    bio.gate = asyncio.Event()
    asking = asyncio.create_task(dealt(any_cache, "v1", bio, "osmosis"))
    await bio.loading.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    bio.gate.set()
    assert await dealt(any_cache, "v1", bio, "osmosis") == [bio.deck["osmosis"]]
    assert bio.loads == 2


# In Redis


async def test_another_erica_needs_no_deck(another: Callable[..., RedisGraphCache]) -> None:
    bio = biology()
    await another().names("v1", bio.load)
    for other in (another(), another(decode=True)):
        assert await other.names("v1", no_deck) == bio.names()
        assert await other.cards("v1", list(bio.deck), no_deck) == bio.deck


@pytest.mark.parametrize("version", HOSTILE)
async def test_any_version_and_id_come_back_from_redis(another: Callable[..., RedisGraphCache], version: str) -> None:
    odd = course(*HOSTILE, definition="\ud800 <!channel> \x00")
    await another().names(version, odd.load)
    other = another()
    assert await other.names(version, no_deck) == odd.names()
    assert await other.cards(version, HOSTILE, no_deck) == odd.deck


async def test_ten_cards_are_one_command(cache: RedisGraphCache, store: Redis) -> None:
    ids = [f"reaction-{n}" for n in range(30)]
    await cache.names("v1", course(*ids).load)
    await store.config_resetstat()
    assert len(await cache.cards("v1", ids[:10], no_deck)) == 10
    used = {name.removeprefix("cmdstat_"): stats["calls"] for name, stats in (await store.info("commandstats")).items()}
    assert {name: calls for name, calls in used.items() if not name.startswith(("config", "info"))} == {"hmget": 1}


async def test_names_are_asked_for_once_a_version(cache: RedisGraphCache, store: Redis) -> None:
    bio = biology()
    first = await cache.names("v1", bio.load)
    await store.flushall()
    assert await cache.names("v1", no_deck) is first


async def test_the_two_last_versions_are_kept_however_many_there_were(cache: RedisGraphCache, store: Redis) -> None:
    for number in range(10):
        await cache.names(f"v{number}", biology().load)
    assert [key.rpartition(":")[2] for key in await keys(store)] == ["v8", "v9", "versions"]


async def test_going_back_to_an_old_version_works(
    another: Callable[..., RedisGraphCache], store: Redis, cache: RedisGraphCache
) -> None:
    for version in ("v1", "v2", "v3", "v1", "v4"):
        source = course("plea", definition=version)
        other = another()
        await other.names(version, source.load)
        assert [card.definition for card in await dealt(other, version, source, "plea")] == [version]
    assert [key.rpartition(":")[2] for key in await keys(store)] == ["v1", "v4", "versions"]


async def test_everything_of_a_course_lies_in_one_slot_and_expires(cache: RedisGraphCache, store: Redis) -> None:
    seen: set[str] = set()
    with BlockingRedis.from_url(f"unix://{unquote(store.connection_pool.connection_kwargs['path'])}") as blocking:

        def look(_: int) -> None:
            for key in blocking.keys("*"):
                seen.add(key.decode())
                assert 0 < blocking.ttl(key) <= LIFETIME.total_seconds()

        for version in ("v1", "v2"):
            source = heavy()
            source.on_card = look
            await cache.names(version, source.load)
        look(0)
    assert len({key_slot(key.encode()) for key in seen}) == 1
    kinds = {"draft" if ":draft:" in key else key.rpartition(":")[2] for key in seen}
    assert kinds == {"v1", "v2", "lock", "draft", "versions"}


async def test_courses_are_kept_apart(another: Callable[..., RedisGraphCache]) -> None:
    for name in ("bio", "bio:1", "", "{bio}"):
        source = course("cell", definition=name)
        assert [card.definition for card in await dealt(another(name), "v1", source, "cell")] == [name]
        assert source.loads == 1


async def test_two_ericas_that_find_nothing_load_the_deck_once(another: Callable[..., RedisGraphCache]) -> None:
    bio = biology()
    asked = [another().cards("v1", ["osmosis"], bio.load) for _ in range(2)]
    asked += [another().cards("v1", ["osmosis"], bio.load) for _ in range(2)]
    assert await asyncio.gather(*asked) == [{"osmosis": bio.deck["osmosis"]}] * 4
    assert bio.loads == 1


async def test_when_the_filler_fails_the_one_who_waits_takes_over(another: Callable[..., RedisGraphCache]) -> None:
    failing, sound = biology(), biology()
    failing.gate, failing.failures = asyncio.Event(), [StoreError("no index here")]
    first = asyncio.create_task(dealt(another(), "v1", failing, "osmosis"))
    await failing.loading.wait()
    second = asyncio.create_task(dealt(another(), "v1", sound, "osmosis"))
    failing.gate.set()
    with pytest.raises(StoreError):
        await first
    assert await second == [sound.deck["osmosis"]]
    assert await dealt(another(), "v1", Course({}), "osmosis") == [sound.deck["osmosis"]]


# On a bad day


async def test_a_flushed_redis_is_filled_again_without_loading_the_deck(cache: RedisGraphCache, store: Redis) -> None:
    bio = biology()
    await cache.names("v1", bio.load)
    await store.flushall()
    assert await cache.cards("v1", list(bio.deck), bio.load) == bio.deck
    assert bio.loads == 1
    assert [key.rpartition(":")[2] for key in await keys(store)] == ["v1", "versions"]


@pytest.mark.parametrize("at", [0, 5, 11])
async def test_a_flush_in_the_middle_of_filling_publishes_nothing(
    another: Callable[..., RedisGraphCache], url: str, store: Redis, at: int
) -> None:
    law = heavy()
    flushed: list[object] = []
    with BlockingRedis.from_url(url) as blocking:

        def flush(dealt_so_far: int) -> None:
            if dealt_so_far == at:
                flushed.extend(blocking.keys("*:draft:*"))
                blocking.flushall()

        law.on_card = flush
        cache = another()
        assert await dealt(cache, "v1", law, "case-3") == [law.deck["case-3"]]
    if at:
        assert flushed
        assert await keys(store, ":v1") == []
    law.on_card = lambda _: None
    assert await cache.cards("v1", list(law.deck), law.load) == law.deck
    assert await another().cards("v1", list(law.deck), no_deck) == law.deck


async def test_a_server_that_dies_in_the_middle_of_filling_is_no_failure(
    another: Callable[..., RedisGraphCache], url: str
) -> None:
    law, clock = heavy(), Clock()

    def shut_down(dealt_so_far: int) -> None:
        if dealt_so_far == 6:
            with BlockingRedis.from_url(url) as blocking, suppress(ConnectionError):
                blocking.shutdown(nosave=True)

    law.on_card = shut_down
    cache = another(clock=clock)
    assert await cache.cards("v1", list(law.deck), law.load) == law.deck
    async with Redis.from_url(url, retry=Retry(ConstantBackoff(0.05), 200)) as patient:
        await patient.ping()
        assert await keys(patient, ":v1") == []
        await patient.delete(*await keys(patient, ":lock"))  # as if it had expired
        clock.now += 3600
        law.on_card = lambda _: None
        assert await cache.cards("v1", list(law.deck), law.load) == law.deck
        assert len(await keys(patient, ":v1")) == 1
    assert law.loads == 1


async def test_a_server_that_is_stopped_and_started_again_is_used_again(tmp_path: Path) -> None:
    bio, clock = biology(), Clock()
    async with private_valkey(tmp_path) as url:
        client = Redis.from_url(url)
        cache = RedisGraphCache(client, "bio", clock=clock)
        await cache.names("v1", bio.load)
        assert bio.loads == 1
    for _ in range(3):
        assert await dealt(cache, "v1", bio, "osmosis") == [bio.deck["osmosis"]]
        assert await dealt(cache, "v2", course("gene"), "gene") != []
    async with private_valkey(tmp_path):
        clock.now += 3600
        assert await dealt(cache, "v1", Course({}), "osmosis") == [bio.deck["osmosis"]]
    await client.aclose()


async def test_queries_go_on_while_the_server_is_restarted(tmp_path: Path) -> None:
    bio, clock = biology(), Clock()
    stop, answered = asyncio.Event(), asyncio.Event()

    async def ask_on(cache: RedisGraphCache) -> int:
        count = 0
        while not stop.is_set():
            clock.now += 1
            assert await cache.cards("v1", list(bio.deck), bio.load) == bio.deck
            count += 1
            answered.set()
            await asyncio.sleep(0)
        return count

    async with private_valkey(tmp_path) as url:
        client = Redis.from_url(url)
        asking = asyncio.create_task(ask_on(RedisGraphCache(client, "bio", clock=clock)))
        await answered.wait()
    answered.clear()
    await answered.wait()
    async with private_valkey(tmp_path):
        for _ in range(3):
            answered.clear()
            await answered.wait()
    stop.set()
    assert await asking > 3
    assert bio.loads == 1
    await client.aclose()


async def test_no_redis_at_all_is_said_once_a_minute(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bio, clock = biology(), Clock()
    async with Redis.from_url(f"unix://{tmp_path}/nothing.sock") as client:
        cache = RedisGraphCache(client, "bio", patience=0.1, clock=clock)
        with caplog.at_level(logging.WARNING):
            for second in range(90):
                clock.now = 1000 + second
                assert await dealt(cache, "v1", bio, "osmosis") == [bio.deck["osmosis"]]
    assert bio.loads == 1
    assert len(caplog.records) == 2
    assert "read from the index" in caplog.text


async def test_a_silent_redis_is_given_up_and_left_alone_for_a_while(tmp_path: Path) -> None:
    connections = 0

    async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.read()
        writer.close()

    path, bio, clock = tmp_path / "silent.sock", biology(), Clock()
    async with await asyncio.start_unix_server(never_answer, path), Redis.from_url(f"unix://{path}") as client:
        cache = RedisGraphCache(client, "bio", patience=0.1, clock=clock)
        for _ in range(5):
            assert await dealt(cache, "v1", bio, "osmosis") == [bio.deck["osmosis"]]
        assert connections == 1
        clock.now += 60
        assert await dealt(cache, "v1", bio, "osmosis") == [bio.deck["osmosis"]]
        assert connections == 2


async def test_a_redis_that_takes_no_writes_is_no_failure(cache: RedisGraphCache, store: Redis) -> None:
    bio = biology()
    await store.config_set("maxmemory", "1")
    assert await cache.cards("v1", list(bio.deck), bio.load) == bio.deck
    assert await cache.names("v1", bio.load) == bio.names()
    assert bio.loads == 1


GARBAGE = [b"not JSON", b"[]", b"7", b'"osmosis"', b'{"id": "osmosis"}', b"\xff\xfe", b"[" * 100_000, b"null"]


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("told", [True, False], ids=["names known", "names unknown"])
async def test_a_card_that_cannot_be_read_is_filled_again(
    another: Callable[..., RedisGraphCache], store: Redis, garbage: bytes, told: bool
) -> None:
    bio = biology()
    await another().names("v1", bio.load)
    await store.hset(await key_of(store, "v1"), "card:osmosis", garbage)
    other = another()
    if told:
        await other.names("v1", no_deck)
    assert await dealt(other, "v1", bio, "turgor", "osmosis") == [bio.deck["turgor"], bio.deck["osmosis"]]
    assert bio.loads == 2
    assert await another().cards("v1", list(bio.deck), no_deck) == bio.deck


@pytest.mark.parametrize("garbage", [*[g for g in GARBAGE if g != b"[]"], b"", b"{}", b'""', b"[[1]]"])
async def test_an_alias_table_that_cannot_be_read_is_filled_again(
    another: Callable[..., RedisGraphCache], store: Redis, garbage: bytes
) -> None:
    bio = biology()
    await another().names("v1", bio.load)
    await store.hset(await key_of(store, "v1"), "names", garbage)
    assert await another().names("v1", bio.load) == bio.names()
    assert await another().names("v1", no_deck) == bio.names()


@pytest.mark.parametrize("lost", ["card:osmosis", "complete"])
async def test_a_lost_field_is_noticed_and_filled_again(
    another: Callable[..., RedisGraphCache], store: Redis, lost: str
) -> None:
    bio = biology()
    cache = another()
    await cache.names("v1", bio.load)
    await store.hdel(await key_of(store, "v1"), lost)
    assert await dealt(cache, "v1", bio, "osmosis") == [bio.deck["osmosis"]]
    assert await another().cards("v1", list(bio.deck), no_deck) == bio.deck


@pytest.mark.parametrize("ending", ["v1", "v1:lock", "versions"])
@pytest.mark.parametrize("kind", ["string", "hash", "stream"])
async def test_keys_of_another_kind_are_replaced(
    another: Callable[..., RedisGraphCache], store: Redis, ending: str, kind: str
) -> None:
    await another().names("v1", biology().load)
    key = f"{(await key_of(store, 'v1')).removesuffix('v1')}{ending}"
    if ending == "versions":
        key = await key_of(store, "versions")
    await store.flushall()
    if kind == "string":
        await store.set(key, "not ours")
    elif kind == "hash":
        await store.hset(key, "not", "ours")
    else:
        await store.xadd(key, {"not": "ours"})
    bio = biology()
    assert await another().cards("v1", list(bio.deck), bio.load) == bio.deck
    assert await another().cards("v1", list(bio.deck), no_deck) == bio.deck
    for version in ("v2", "v3"):
        await another().names(version, bio.load)
    assert [left.rpartition(":")[2] for left in await keys(store)] == ["v2", "v3", "versions"]


async def test_what_another_release_stored_is_not_read(cache: RedisGraphCache, store: Redis) -> None:
    bio = biology()
    await cache.names("v1", bio.load)
    key = await key_of(store, "v1")
    head, _, version = key.rpartition(":")
    await store.rename(key, f"{head[:-1]}x:{version}")
    assert await dealt(cache, "v1", bio, "osmosis") == [bio.deck["osmosis"]]
    assert len(await keys(store, ":v1")) == 2


# A filler that does not get to the end

KILLED = """
import asyncio, os, signal, sys
from redis.asyncio import Redis
from retrieval.adapters.redis_graph import RedisGraphCache
from retrieval.adapters.redis_text import as_bytes
from retrieval.cards import Card, ConceptName

class Deck:
    dealt = 0
    def names(self):
        return tuple(ConceptName(f"case-{n}", "Case") for n in range(12))
    def card(self, id_):
        self.dealt += 1
        if self.dealt == 10:
            os.kill(os.getpid(), signal.SIGKILL)
        return Card(id_, "Case", (), "In re. " * 20_000)

async def load():
    return Deck()

asyncio.run(RedisGraphCache(Redis.from_url(sys.argv[1]), "bio").names("v1", load))
"""


async def test_a_filler_that_is_killed_costs_the_others_a_moment(
    another: Callable[..., RedisGraphCache], url: str, store: Redis
) -> None:
    killed = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", KILLED, url], cwd=Path(__file__).parents[1], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    (lock,) = await keys(store, ":lock")
    (draft,) = [key for key in await keys(store) if ":draft:" in key]
    assert await store.ttl(lock) > 0
    assert await store.ttl(draft) > 0
    assert await keys(store, ":v1") == []

    law = heavy()
    cache = another()
    for _ in range(2):
        assert await cache.cards("v1", list(law.deck), law.load) == law.deck
    assert law.loads == 1
    await store.delete(lock)  # as if it had expired
    assert await cache.cards("v1", list(law.deck), law.load) == law.deck
    assert await another().cards("v1", list(law.deck), no_deck) == law.deck


async def test_a_filler_that_is_stopped_while_it_writes_cleans_up(cache: RedisGraphCache, store: Redis) -> None:
    law = heavy()

    def stop(dealt_so_far: int) -> None:
        if dealt_so_far == 8:
            asking.cancel()

    law.on_card = stop
    asking = asyncio.create_task(dealt(cache, "v1", law, "case-1"))
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await keys(store) == []
    law.on_card = lambda _: None
    assert await dealt(cache, "v1", law, "case-1") == [law.deck["case-1"]]
    assert law.loads == 1
    assert len(await keys(store, ":v1")) == 1


async def test_a_version_is_never_seen_half_filled(another: Callable[..., RedisGraphCache], url: str) -> None:
    law = heavy()
    seen: list[Sequence[object]] = []
    with BlockingRedis.from_url(url) as blocking:
        law.on_card = lambda _: seen.append([key for key in blocking.keys("*") if key.endswith(b":v1")])
        await another().names("v1", law.load)
    assert len(seen) == len(law.deck)
    assert not any(seen)
