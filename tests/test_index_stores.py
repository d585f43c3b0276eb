"""One contract for both places an index can be kept: in process (Qdrant Edge) and on a server.

The client's local mode stands in for the server; what only a real server can do wrong comes from a loopback one.
"""

import asyncio
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import HashEmbedder, passage
from qdrant_client import AsyncQdrantClient, models

from retrieval.adapters.bm25 import Bm25Encoder
from retrieval.adapters.qdrant_edge import EdgeIndexStore
from retrieval.adapters.qdrant_server import QdrantIndexStore, connect
from retrieval.errors import IndexMismatch, IndexMissing, StoreError
from retrieval.manifest import Manifest
from retrieval.passage import Passage
from retrieval.ports import IndexBuilder, IndexedPassage, IndexStore, PassageIndex

# Local mode says that it has no payload indexes; the adapter makes one for the server.
pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")

TODAY = date(2026, 9, 14)
ENCODER = Bm25Encoder()
EMBEDDER = HashEmbedder()


@dataclass
class Place:
    """Where a course's indexes are: `store` as one Erica sees it, `another` as the next one does."""

    store: IndexStore
    another: Callable[[], IndexStore]
    names: Callable[[], Awaitable[set[str]]]
    """Every index that takes room there, finished or not."""
    spoil: Callable[[str], Awaitable[None]]
    """Damage this index."""


@pytest.fixture(params=["edge", "server"])
async def place(request: pytest.FixtureRequest, index_dir: Path) -> AsyncIterator[Place]:
    if request.param == "edge":
        yield _edge_place(index_dir / "index")
    else:
        client = AsyncQdrantClient(":memory:")
        yield _server_place(client)
        await client.close()


def _edge_place(folder: Path) -> Place:
    async def names() -> set[str]:
        return _folders(folder)

    async def spoil(name: str) -> None:
        _remove(folder / name, "mutable_id_tracker.*")

    return Place(EdgeIndexStore(folder), lambda: EdgeIndexStore(folder), names, spoil)


def _folders(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir() if entry.is_dir()}


def _remove(folder: Path, pattern: str) -> None:
    for file in folder.rglob(pattern):
        file.unlink()


def _server_place(client: AsyncQdrantClient) -> Place:
    async def names() -> set[str]:
        return {found.name for found in (await client.get_collections()).collections}

    async def spoil(name: str) -> None:
        await client.delete(name, models.PointIdsList(points=[2**63 - 1]))

    def store() -> QdrantIndexStore:
        return QdrantIndexStore(client, "ai", clock=itertools.count(step=10).__next__)  # never remembers

    return Place(store(), store, names, spoil)


def described(passages: Sequence[Passage], **changes: Any) -> Manifest:
    manifest = Manifest(
        course="ai",
        digest="d",
        created="2026-09-14T08:00:00+00:00",
        passages=len(passages),
        pages=len({p.page for p in passages}),
        mean_length=8.0,
        embedding=EMBEDDER.name,
        dimensions=EMBEDDER.dimensions,
        last_release=max((p.release.toordinal() for p in passages if p.release), default=0),
    )
    return replace(manifest, **changes)


def indexed(passages: Sequence[Passage], dense: bool = True) -> list[IndexedPassage]:
    return [
        IndexedPassage(p, EMBEDDER.embed_query(p.text) if dense else None, ENCODER.document(p.text, 8.0))
        for p in passages
    ]


async def filled(store: IndexStore, passages: Sequence[Passage], dense: bool = True) -> IndexBuilder:
    """A build that holds everything and has not been switched in."""
    builder = await store.build(EMBEDDER.dimensions if dense else None)
    await builder.add(indexed(passages, dense))
    return builder


async def built(store: IndexStore, *texts: str) -> str:
    """Switch in an index with one page a text; its name."""
    passages = [passage(text, page) for page, text in enumerate(texts)]
    return await (await filled(store, passages)).switch(described(passages))


async def found(
    index: PassageIndex, question: str, today: date = TODAY, limit: int = 10
) -> tuple[list[int], list[int]]:
    """Ids of the dense and of the lexical arm."""
    arms = await index.search(EMBEDDER.embed_query(question), ENCODER.query(question), limit, today)
    return [hit.id for hit in arms.dense], [hit.id for hit in arms.lexical]


async def texts_of(index: PassageIndex, ids: Sequence[int], today: date = TODAY) -> list[str]:
    return [p.text for p in (await index.passages(ids, today)).values()]


# --- building and switching


async def test_before_the_first_ingest_there_is_no_index(place: Place) -> None:
    assert await place.store.version() is None
    with pytest.raises(IndexMissing, match="ingested") as missing:
        await place.store.open()
    assert "erica ingest" in missing.value.hint
    with pytest.raises(IndexMissing):
        await place.store.rollback()


async def test_a_finished_index_is_found_by_every_erica_and_gives_back_what_was_stored(place: Place) -> None:
    passages = [
        passage("Gradient descent follows the slope.", headings=("Training", "Optimisers"), title="Backpropagation"),
        passage("Ein Überblick: λ ≥ 0, \u4f60\u597d \U0001f600", page=1, position=3, trust="notes"),
        passage("Held back until today.", page=2, release=TODAY),
    ]
    builder = await filled(place.store, passages)
    name = await builder.switch(described(passages))
    assert await place.another().version() == name
    index = await place.another().open()
    assert list((await index.passages([p.id for p in passages], TODAY)).values()) == passages
    await index.close()


async def test_a_build_is_invisible_until_it_is_switched_in(place: Place) -> None:
    builder = await filled(place.store, [passage("unfinished")])
    assert await place.another().version() is None
    await builder.discard()


async def test_a_discarded_build_leaves_no_trace(place: Place) -> None:
    kept = await built(place.store, "the current one")
    builder = await filled(place.store, [passage("never mind")])
    await builder.discard()
    assert await place.names() == {kept}
    index = await place.store.open()
    assert await texts_of(index, [0]) == ["the current one"]
    await index.close()


async def test_discarding_what_was_switched_in_after_all_does_no_harm(place: Place) -> None:
    """An interruption can come so late that the switch is done and its caller does not know it."""
    passages = [passage("in use")]
    builder = await filled(place.store, passages)
    name = await builder.switch(described(passages))
    await builder.discard()
    index = await place.another().open()
    assert await place.store.version() == name
    assert await texts_of(index, [0]) == ["in use"]
    await index.close()


async def test_the_last_index_is_kept_and_those_before_it_are_not(place: Place) -> None:
    names = [await built(place.store, f"version {number}") for number in range(4)]
    await (await place.store.build(4)).discard()  # a build sweeps
    assert await place.names() == set(names[-2:])


async def test_rollback_goes_one_back_and_again_forth(place: Place) -> None:
    old, new = await built(place.store, "old"), await built(place.store, "new")
    assert await place.store.rollback() == old
    assert await place.another().version() == old
    index = await place.another().open()
    assert await texts_of(index, [0]) == ["old"]
    await index.close()
    assert await place.store.rollback() == new
    assert await place.another().version() == new


async def test_after_a_rollback_the_next_build_replaces_what_was_rolled_back(place: Place) -> None:
    old, bad = await built(place.store, "old"), await built(place.store, "bad")
    await place.store.rollback()
    new = await built(place.store, "new")
    await (await place.store.build(4)).discard()
    assert await place.names() == {old, new}
    assert bad not in await place.names()
    assert await place.store.rollback() == old


async def test_an_index_that_lost_passages_on_the_way_is_not_switched_in(place: Place) -> None:
    kept = await built(place.store, "the current one")
    builder = await filled(place.store, [passage("one"), passage("the same id again")])
    with pytest.raises(StoreError, match="holds 1 of 2"):
        await builder.switch(described([passage("one")]))
    await builder.discard()
    assert await place.another().version() == kept


async def test_an_index_of_another_format_is_refused(place: Place) -> None:
    passages = [passage("from the future")]
    builder = await filled(place.store, passages)
    with pytest.raises(IndexMismatch, match="format 99") as mismatch:
        await builder.switch(described(passages, format=99))
    assert "erica ingest" in mismatch.value.hint
    await builder.discard()


async def test_a_damaged_index_says_so_and_the_next_build_replaces_it(place: Place) -> None:
    name = await built(place.store, "one", "two")
    await place.spoil(name)
    with pytest.raises(StoreError, match="damaged") as damaged:
        await place.another().open()
    assert "erica rollback" in damaged.value.hint
    await built(place.store, "three")
    index = await place.another().open()
    assert await texts_of(index, [0]) == ["three"]
    await index.close()


async def test_the_manifest_comes_back_as_it_was(place: Place) -> None:
    passages = [passage("gradient")]
    manifest = described(
        passages,
        words={"gradient": 1, "naïve": 2, "a.b": 3},
        terms={4294967295: 7, 0: 1},
        notes=(3, 5),
        cosine_mean=0.123456789,
        cosine_deviation=0.02,
    )
    await (await filled(place.store, passages)).switch(manifest)
    index = await place.another().open()
    assert index.manifest == manifest
    await index.close()


# --- reading while it changes


async def test_a_reader_goes_on_with_its_index_while_another_is_switched_in(place: Place) -> None:
    await built(place.store, "gradient descent", "kalman filter")
    reader = place.another()
    index = await reader.open()
    before = await found(index, "gradient")
    builder = await filled(place.store, [passage("bayes rule")])
    assert await found(index, "gradient") == before
    await builder.switch(described([passage("bayes rule")]))
    assert await found(index, "gradient") == before
    assert await texts_of(index, before[1]) == ["gradient descent"]
    newer = await reader.open()
    assert await texts_of(newer, [0]) == ["bayes rule"]
    await index.close()
    await newer.close()


async def test_many_searches_at_once_get_the_same_answer(place: Place) -> None:
    await built(place.store, *(f"topic{n} of the lecture" for n in range(30)))
    index = await place.store.open()
    answers = await asyncio.gather(*(found(index, "topic7") for _ in range(50)))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][1][0] == 7 << 16
    await index.close()


# --- searching


async def test_both_arms_rank_the_right_passage_first(place: Place) -> None:
    await built(place.store, "kalman filter tracking", "gradient descent step", "bayes rule evidence")
    index = await place.store.open()
    dense, lexical = await found(index, "gradient descent")
    assert (dense[0], lexical) == (1 << 16, [1 << 16])
    assert len(dense) == 3
    await index.close()


async def test_scores_are_cosines_and_idf_weighted_sums(place: Place) -> None:
    await built(place.store, "gradient", "gradient kalman", "gradient bayes")
    index = await place.store.open()
    arms = await index.search(EMBEDDER.embed_query("gradient"), ENCODER.query("kalman gradient"), 10, TODAY)
    assert arms.dense[0].id == 0
    assert arms.dense[0].score == pytest.approx(1.0, abs=1e-5)
    assert all(-1.001 <= hit.score <= 1.001 for hit in arms.dense)
    assert arms.lexical[0].id == 1 << 16
    assert arms.lexical[0].score > 3 * arms.lexical[1].score
    await index.close()


async def test_the_limit_is_kept_in_each_arm(place: Place) -> None:
    await built(place.store, *(f"gradient {n}" for n in range(20)))
    index = await place.store.open()
    assert [len(arm) for arm in await found(index, "gradient", limit=7)] == [7, 7]
    await index.close()


async def test_ties_go_to_the_lower_id(place: Place) -> None:
    await built(place.store, *["the same words"] * 9)
    index = await place.store.open()
    ids = [page << 16 for page in range(9)]
    assert await found(index, "same words") == (ids, ids)
    await index.close()


async def test_a_question_without_terms_searches_by_meaning_alone_and_one_without_anything_finds_nothing(
    place: Place,
) -> None:
    await built(place.store, "gradient")
    index = await place.store.open()
    nothing = ENCODER.query("the of and")
    assert nothing.indices == []
    arms = await index.search(EMBEDDER.embed_query("gradient"), nothing, 10, TODAY)
    assert ([hit.id for hit in arms.dense], list(arms.lexical)) == ([0], [])
    arms = await index.search(None, nothing, 10, TODAY)
    assert (list(arms.dense), list(arms.lexical)) == ([], [])
    await index.close()


async def test_terms_that_no_passage_holds_find_nothing(place: Place) -> None:
    await built(place.store, "gradient", "kalman")
    index = await place.store.open()
    assert list((await index.search(None, ENCODER.query("zebra"), 10, TODAY)).lexical) == []
    await index.close()


async def test_an_index_without_an_embedding_model_is_searched_by_words(place: Place) -> None:
    passages = [passage("gradient descent"), passage("kalman filter", page=1)]
    builder = await filled(place.store, passages, dense=False)
    await builder.switch(described(passages, embedding=None, dimensions=None))
    index = await place.store.open()
    arms = await index.search(None, ENCODER.query("kalman"), 10, TODAY)
    assert ([hit.id for hit in arms.lexical], list(arms.dense)) == ([1 << 16], [])
    assert await index.vectors() == {}
    await index.close()


# --- what is not released yet


@pytest.mark.parametrize(("day", "seen"), [(-1, False), (0, True), (1, True)])
async def test_material_appears_on_its_day_and_not_before(place: Place, day: int, seen: bool) -> None:
    passages = [passage("gradient open"), passage("gradient held back", page=1, release=TODAY)]
    await (await filled(place.store, passages)).switch(described(passages))
    index = await place.store.open()
    today = TODAY + timedelta(days=day)
    held_back = passages[1].id
    dense, lexical = await found(index, "gradient held back", today)
    assert (held_back in dense, held_back in lexical) == (seen, seen)
    assert (held_back in await index.passages([0, held_back], today)) == seen
    assert 0 in dense
    assert 0 in lexical
    await index.close()


async def test_held_back_material_does_not_use_up_the_limit(place: Place) -> None:
    later = TODAY + timedelta(days=7)
    passages = [passage(f"gradient {n}", page=n, release=later) for n in range(30)]
    passages += [passage("gradient and much else besides it", page=n) for n in range(30, 33)]
    await (await filled(place.store, passages)).switch(described(passages))
    index = await place.store.open()
    visible = {page << 16 for page in range(30, 33)}
    dense, lexical = await found(index, "gradient", limit=5)
    assert (set(dense), set(lexical)) == (visible, visible)
    await index.close()


# --- loading


async def test_neighbours_are_loaded_by_id_and_missing_ones_left_out(place: Place) -> None:
    passages = [passage(f"part {n}", page=2, position=n) for n in range(3)] + [passage("next page", page=3)]
    await (await filled(place.store, passages)).switch(described(passages))
    index = await place.store.open()
    middle = passages[1].id
    loaded = await index.passages([middle, middle + 1, middle - 1, middle + 2, 0, 2**40], TODAY)
    assert {id_: p.text for id_, p in loaded.items()} == {middle - 1: "part 0", middle: "part 1", middle + 1: "part 2"}
    assert await index.passages([], TODAY) == {}
    await index.close()


async def test_vectors_are_known_by_what_was_embedded(place: Place) -> None:
    passages = [passage("gradient"), passage("kalman", page=1), passage("gradient", page=2)]
    await (await filled(place.store, passages)).switch(described(passages))
    index = await place.store.open()
    vectors = await index.vectors()
    assert vectors.keys() == {p.content_hash for p in passages}
    for p in passages:
        assert np.abs(vectors[p.content_hash] - EMBEDDER.embed_query(p.text)).max() < 1e-6
    await index.close()


async def test_a_whole_course_goes_in_and_comes_out(place: Place) -> None:
    passages = [passage(f"topic{n} lecture words", page=n // 10, position=n % 10) for n in range(1500)]
    builder = await place.store.build(EMBEDDER.dimensions)
    for start in range(0, 1500, 400):
        await builder.add(indexed(passages[start : start + 400]))
    await builder.switch(described(passages))
    index = await place.store.open()
    assert len(await index.vectors()) == 1500
    assert len(await index.passages([p.id for p in passages], TODAY)) == 1500
    assert (await found(index, "topic1234"))[1] == [passages[1234].id]
    await index.close()


async def test_both_places_rank_alike(index_dir: Path) -> None:
    words = "gradient descent kalman filter bayes rule attention network loss layer policy value state reward".split()
    random = np.random.default_rng(7)
    texts = [" ".join(random.choice(words, size=random.integers(4, 12))) for _ in range(300)]
    client = AsyncQdrantClient(":memory:")
    places = [_edge_place(index_dir / "index"), _server_place(client)]
    for place in places:
        await built(place.store, *texts)
    edge, server = [await place.store.open() for place in places]
    for question in ("gradient descent loss", "kalman state", "policy", "what is attention in a network?"):
        dense, sparse = EMBEDDER.embed_query(question), ENCODER.query(question)
        one, other = await edge.search(dense, sparse, 10, TODAY), await server.search(dense, sparse, 10, TODAY)
        for mine, theirs in ((one.dense, other.dense), (one.lexical, other.lexical)):
            # Scores agree rank by rank; among equal scores at the cut, each may keep another passage.
            assert [hit.score for hit in mine] == pytest.approx([hit.score for hit in theirs], rel=0.02)
            clear = {hit.id for hit in mine if hit.score > mine[-1].score * 1.03}
            assert clear <= {hit.id for hit in theirs}
    await edge.close()
    await client.close()


# --- in process only


ANOTHER_READER = """
import asyncio, sys
from datetime import date
from pathlib import Path
from retrieval.adapters.bm25 import Bm25Encoder
from retrieval.adapters.qdrant_edge import EdgeIndexStore

async def main():
    index = await EdgeIndexStore(Path(sys.argv[1])).open()
    for _ in sys.stdin:
        arms = await index.search(None, Bm25Encoder().query("gradient"), 10, date.today())
        passages = await index.passages([hit.id for hit in arms.lexical], date.today())
        print([p.text for p in passages.values()], flush=True)

asyncio.run(main())
"""


class Reader:
    """An Erica in a process of its own that has the index open and searches when asked to."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", ANOTHER_READER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )

    def search(self) -> str:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("search\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def leave(self) -> None:
        self._process.communicate()
        assert self._process.returncode == 0


async def test_processes_read_one_index_together_and_survive_its_removal(index_dir: Path) -> None:
    store = EdgeIndexStore(index_dir)
    await built(store, "gradient one")
    readers = [Reader(index_dir), Reader(index_dir)]
    assert [reader.search() for reader in readers] == ["['gradient one']"] * 2
    for text in ("gradient two", "gradient three", "gradient four"):  # the first index's folder goes with the third
        await built(store, text)
        assert [reader.search() for reader in readers] == ["['gradient one']"] * 2
    late = Reader(index_dir)
    assert late.search() == "['gradient four']"
    for reader in (*readers, late):
        reader.leave()


async def test_two_ingests_of_one_course_do_not_write_at_once(index_dir: Path) -> None:
    first = await filled(EdgeIndexStore(index_dir), [passage("first")])
    with pytest.raises(StoreError, match="another ingest"):
        await EdgeIndexStore(index_dir).build(4)
    await first.switch(described([passage("first")]))
    await built(EdgeIndexStore(index_dir), "second")


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"previous": "x"}', "\x00\xff"])
async def test_a_spoilt_pointer_says_so_and_is_written_anew_by_the_next_build(index_dir: Path, content: str) -> None:
    store = EdgeIndexStore(index_dir)
    await built(store, "old")
    (index_dir / "current.json").write_text(content, encoding="latin-1")
    with pytest.raises(StoreError, match=r"current\.json"):
        await store.version()
    new = await built(store, "new")
    assert await store.version() == new


def _files_of(folder: Path) -> list[str]:
    return sorted({file.name for file in folder.rglob("*") if file.is_file()})


async def test_whatever_file_is_damaged_the_answer_is_right_or_a_store_error(index_dir: Path) -> None:
    """A panic of the library must not pass for a bug of ours, nor a vanished file for an empty course."""
    store = EdgeIndexStore(index_dir / "good")
    name = await built(store, *(f"gradient word{n}" for n in range(40)))
    answers: list[str] = []
    for bad in _damaged_copies(index_dir / "good", index_dir / "bad", name):
        try:
            index = await EdgeIndexStore(bad).open()
            lexical = (await found(index, "gradient"))[1]
            answers.append(f"{len(lexical)} {len(await index.passages(lexical, TODAY))}")
            await index.vectors()
            await index.close()
        except StoreError as error:
            answers.append(f"refused {bool(error.hint)}")
    assert set(answers) == {"10 10", "refused True"}
    assert answers.count("refused True") > 20


def _damaged_copies(good: Path, bad: Path, name: str) -> Iterator[Path]:
    """The index with each of its kinds of file emptied, then with it removed."""
    for file in _files_of(good / name):
        for empty in (True, False):
            shutil.rmtree(bad, ignore_errors=True)
            subprocess.run(["cp", "-a", "--sparse=always", good, bad], check=True)
            for hurt in (bad / name).rglob(file):
                hurt.write_bytes(b"") if empty else hurt.unlink()
            yield bad


async def test_a_nearly_full_disk_is_noticed_before_it_kills(small_disk: Callable[[int], Path]) -> None:
    disk = small_disk(40)
    with pytest.raises(StoreError, match="MB are free") as full:
        await EdgeIndexStore(disk / "index").build(48)
    assert "Make room" in full.value.hint
    assert _files_of(disk / "index") in ([], ["ingest.lock"])


async def test_a_disk_that_fills_up_while_building_leaves_the_old_index_in_use(
    small_disk: Callable[[int], Path],
) -> None:
    disk = small_disk(240)
    store = EdgeIndexStore(disk / "index")
    old = await built(store, "old")
    builder = await filled(store, [passage("new")])
    filler = disk / "somebody else's"
    free = shutil.disk_usage(disk).free
    with filler.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, free - (4 << 20))
    with pytest.raises(StoreError, match="nearly full"):
        await builder.add(indexed([passage("more", page=1)]))
    with pytest.raises(StoreError, match="nearly full"):
        await builder.switch(described([passage("new")]))
    await builder.discard()
    index = await EdgeIndexStore(disk / "index").open()
    assert await texts_of(index, [0]) == ["old"]
    await index.close()
    filler.unlink()
    assert await built(store, "new") != old
    assert await store.rollback() == old


# --- on a server only


@pytest.fixture
async def client() -> AsyncIterator[AsyncQdrantClient]:
    client = AsyncQdrantClient(":memory:")
    yield client
    await client.close()


async def test_courses_do_not_touch_each_other_even_with_names_that_begin_alike(client: AsyncQdrantClient) -> None:
    names = {}
    for course in ("ai", "ai-2026", "ai-previous", "AI"):
        for version in ("old", "new"):
            names[course] = await built(QdrantIndexStore(client, course), f"{course} {version}")
    names["staging"] = await built(QdrantIndexStore(client, "ai", prefix="staging"), "staging")
    await client.create_collection("erica-ai-handmade", vectors_config={})
    await built(QdrantIndexStore(client, "ai"), "ai newest")
    await (await QdrantIndexStore(client, "ai").build(4)).discard()
    for course in ("ai-2026", "ai-previous", "AI"):
        store = QdrantIndexStore(client, course)
        assert await store.version() == names[course]
        assert await texts_of(await store.open(), [0]) == [f"{course} new"]
        await store.rollback()
        assert await texts_of(await store.open(), [0]) == [f"{course} old"]
    assert await texts_of(await QdrantIndexStore(client, "ai", prefix="staging").open(), [0]) == ["staging"]
    assert await client.collection_exists("erica-ai-handmade")


async def test_what_a_crashed_build_left_is_removed_by_the_next(client: AsyncQdrantClient) -> None:
    await filled(QdrantIndexStore(client, "ai"), [passage("crashed")])
    name = await built(QdrantIndexStore(client, "ai"), "finished")
    assert {found.name for found in (await client.get_collections()).collections} == {name}


async def test_an_ingest_whose_collection_another_machine_swept_away_fails_and_changes_nothing(
    client: AsyncQdrantClient,
) -> None:
    slow = await filled(QdrantIndexStore(client, "ai"), [passage("slow")])
    name = await built(QdrantIndexStore(client, "ai"), "fast")
    with pytest.raises(StoreError):
        await slow.add(indexed([passage("more", page=1)]))
    with pytest.raises(StoreError):
        await slow.switch(described([passage("slow")]))
    await slow.discard()
    assert await QdrantIndexStore(client, "ai").version() == name


async def test_the_manifest_is_no_passage(client: AsyncQdrantClient) -> None:
    """It is a point among the passages, and must not be found, loaded or reused as one."""
    store = QdrantIndexStore(client, "ai")
    await built(store, "gradient", "kalman")
    index = await store.open()
    assert await found(index, "gradient kalman", limit=100) == ([0, 1 << 16], [0, 1 << 16])
    assert await index.passages([2**63 - 1, 0], TODAY) == await index.passages([0], TODAY)
    assert len(await index.vectors()) == 2


async def test_the_server_is_asked_for_the_version_every_five_seconds_and_not_more_often(
    client: AsyncQdrantClient,
) -> None:
    now = 1000.0
    reader = QdrantIndexStore(client, "ai", clock=lambda: now)
    first = await built(QdrantIndexStore(client, "ai"), "first")
    assert await reader.version() == first
    second = await built(QdrantIndexStore(client, "ai"), "second")
    now += 4.9
    assert await reader.version() == first
    now += 0.2
    assert await reader.version() == second


async def test_its_own_switch_is_seen_at_once(client: AsyncQdrantClient) -> None:
    store = QdrantIndexStore(client, "ai", clock=lambda: 1000.0)
    assert await store.version() is None
    first = await built(store, "first")
    assert await store.version() == first
    await built(store, "second")
    await store.rollback()
    assert await store.version() == first


class Loopback:
    """A web server that answers everything with one status and body, and remembers what was asked."""

    def __init__(self, status: int, body: bytes) -> None:
        self.asked: list[tuple[str, str]] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append((self.path, self.headers.get("api-key", "")))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

            def log_message(self, *arguments: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "message", "hint"),
    [
        (403, b"forbidden", "403", "ERICA_QDRANT_API_KEY"),
        (500, json.dumps({"status": {"error": "No space left on device"}}).encode(), "No space left", "free space"),
        (503, b"<html>gateway</html>", "503", "server's log"),
        (200, b"<html>not a Qdrant at all</html>", "Qdrant", "ERICA_QDRANT_URL"),
        (429, b"{}", "429", "server's log"),
    ],
)
async def test_what_a_server_answers_becomes_a_store_error_with_a_hint(
    status: int, body: bytes, message: str, hint: str
) -> None:
    server = Loopback(status, body)
    client = connect(server.url)
    store = QdrantIndexStore(client, "ai")
    for attempt in (store.version, store.open, store.rollback, lambda: store.build(4)):
        with pytest.raises(StoreError, match=message) as failed:
            await attempt()
        assert hint in failed.value.hint
        assert failed.value.__cause__ is not None
    await client.close()
    server.close()


async def test_the_key_is_sent_and_never_part_of_an_error(recwarn: pytest.WarningsRecorder) -> None:
    server = Loopback(401, b"no")
    client = connect(server.url, "s3cret-key")
    with pytest.raises(StoreError) as failed:
        await QdrantIndexStore(client, "ai").version()
    assert server.asked == [("/aliases", "s3cret-key")]
    assert "s3cret" not in str(failed.value) + failed.value.hint + "".join(str(w.message) for w in recwarn)
    await client.close()
    server.close()


async def test_nobody_there_is_a_store_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        client = connect(f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(StoreError, match="Connect") as failed:
            await QdrantIndexStore(client, "ai").version()
        assert "server there is up" in failed.value.hint
        await client.close()


async def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        client = connect(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=1)
        with pytest.raises(StoreError, match="Timeout"):
            await QdrantIndexStore(client, "ai").open()
        await client.close()


@pytest.mark.parametrize("url", ["ftp://example.edu", "http://[::1", "http://example.edu:port"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="not the address"):
        connect(url)
