"""The concepts of a course as they are now: they follow its index, its staff and the calendar, whatever Redis does."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from fakes import HashEmbedder, passage
from redis.asyncio import Redis

from bot.adapters.valkey import private_valkey, running_valkey
from retrieval.adapters.bm25 import Bm25Encoder
from retrieval.adapters.file_edit_log import FileEditLog
from retrieval.adapters.local_graph import LocalGraphCache
from retrieval.adapters.qdrant_edge import EdgeIndexStore
from retrieval.adapters.redis_graph import RedisGraphCache
from retrieval.concepts.catalog import ConceptCatalog, Concepts
from retrieval.concepts.vectors import embed_concepts
from retrieval.edits import Edit, EditAction
from retrieval.errors import IndexDamaged
from retrieval.graph import GRAPH, VECTORS, Concept, ConceptGraph, Edge, Evidence, Resource
from retrieval.manifest import Manifest
from retrieval.passage import Passage
from retrieval.ports import GraphCache, IndexedPassage, PassageIndex
from retrieval.results import Options, Retrieval
from retrieval.retriever import Retriever
from retrieval.words import lexical_text, words

TODAY = date(2026, 9, 14)
NEXT_WEEK = TODAY + timedelta(days=7)
ENCODER = Bm25Encoder()

TAUGHT = {
    "diffusion": ("Diffusion", "Diffusion is the spread of particles from where they are many to where they are few."),
    "osmosis": ("Osmosis", "Osmosis is the diffusion of water through a membrane that holds back what is dissolved."),
    "turgor": ("Turgor pressure", "Turgor pressure is what the water that osmosis brings does to the cell wall."),
    "mitosis": ("Mitosis", "Mitosis shares the chromosomes out among two daughter cells."),
}


def biology(*ids: str, later: Sequence[str] = ()) -> ConceptGraph:
    """Concepts of cell biology, each taught on a page of its own and needing the one before; `later` next week."""
    ids = ids or tuple(TAUGHT)
    day = {id_: NEXT_WEEK if id_ in later else None for id_ in ids}
    concepts = tuple(
        Concept(id_, *_names(id_), TAUGHT[id_][1], Evidence(f"https://example.edu/{n}#0", TAUGHT[id_][1], day[id_]))
        for n, id_ in enumerate(ids)
    )
    places = tuple(
        Resource(
            f"r-{id_}",
            "web_page",
            f"https://example.edu/{n}#0",
            f"lectures/{n}.md",
            TAUGHT[id_][0],
            passages=(n << 16,),
            release=day[id_],
        )
        for n, id_ in enumerate(ids)
    )
    explains = tuple(Edge(f"r-{id_}", id_, "explains", evidence=Evidence("u", TAUGHT[id_][1], day[id_])) for id_ in ids)
    needs = tuple(
        Edge(a, b, "prereq_of", confidence=0.8, evidence=Evidence("u", f"{a} first", day[b])) for a, b in pairwise(ids)
    )
    return ConceptGraph(concepts, places, (), (*explains, *needs))


def _names(id_: str) -> tuple[str, tuple[str, ...]]:
    title = TAUGHT[id_][0]
    return title, (("cell division",) if id_ == "mitosis" else ())


BIOLOGY = biology()
NOTHING_ELSE: Mapping[str, bytes | None] = {}


@dataclass
class Course:
    """A course's index, the log of its staff, and the day; `catalog` is as one more Erica would have it."""

    root: Path
    make_cache: Callable[[], GraphCache]
    today: date = TODAY
    embedder: HashEmbedder = field(default_factory=HashEmbedder)

    @property
    def store(self) -> EdgeIndexStore:
        return EdgeIndexStore(self.root / "index")

    @property
    def log(self) -> FileEditLog:
        return FileEditLog(self.root / "edits" / "bio.jsonl")

    def catalog(self) -> ConceptCatalog:
        return ConceptCatalog(self.make_cache(), self.log, lambda: self.today)

    def retriever(self, catalog: ConceptCatalog | None = None) -> Retriever:
        with_model = lambda manifest: self.embedder if manifest.embedding else None  # noqa: E731
        return Retriever(self.store, ENCODER, with_model, lambda: self.today, catalog or self.catalog())

    async def build(self, graph: ConceptGraph = BIOLOGY, attached: Mapping[str, bytes | None] = NOTHING_ELSE) -> str:
        """An index of the pages that the graph speaks of. `attached` replaces its attachments; None leaves one out."""
        passages = [
            passage(concept.definition, page, title=concept.title, release=release_of(concept))
            for page, concept in enumerate(graph.concepts)
        ]
        passages.append(passage("The laboratory opens at nine.", len(passages), title="Laboratory"))
        builder = await self.store.build(self.embedder.dimensions)
        vectors = self.embedder.embed_passages([one.text for one in passages])
        await builder.add(
            [
                IndexedPassage(one, vector, ENCODER.document(one.text, 12))
                for one, vector in zip(passages, vectors, strict=True)
            ]
        )
        parts = {GRAPH: graph.to_bytes(), VECTORS: embed_concepts(graph.concepts, self.embedder).to_bytes()}
        for name, data in {**parts, **attached}.items():
            if data is not None:
                await builder.attach(name, data)
        return await builder.switch(manifest(passages, self.embedder))

    async def edit(self, action: EditAction, concept: str, other: str = "") -> None:
        await self.log.append(Edit(action, concept, other, by="U1"))

    async def now(self, catalog: ConceptCatalog) -> Concepts:
        """The concepts as the next question finds them."""
        version, index = await self.opened()
        return await catalog.concepts(version, index)

    async def opened(self) -> tuple[str, PassageIndex]:
        return await self.store.version() or "", await self.store.open()


def release_of(concept: Concept) -> date | None:
    return concept.defined.release if concept.defined else None


def manifest(passages: Sequence[Passage], embedder: HashEmbedder) -> Manifest:
    texts = [lexical_text(one) for one in passages]
    return Manifest(
        "bio",
        "",
        "",
        len(passages),
        len(passages),
        12,
        embedder.name,
        embedder.dimensions,
        0.0,
        0.1,
        max((one.release.toordinal() for one in passages if one.release), default=0),
        {word: 1 for text in texts for word in words(text)},
        {term: 1 for text in texts for term in ENCODER.counts(text)},
    )


async def titles(concepts: Concepts) -> list[str]:
    """What can be found by its name, and has a card."""
    ids = [name.id for name in concepts.names.complete("", 25)]
    return sorted(card.title for card in (await concepts.cards(ids)).values())


ALL = ["Diffusion", "Mitosis", "Osmosis", "Turgor pressure"]


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[Redis]:
    async with private_valkey(tmp_path / "valkey") as url, Redis.from_url(url) as client:
        yield client


@pytest.fixture(params=["in this process", "in Redis"])
async def course(request: pytest.FixtureRequest, tmp_path: Path, index_dir: Path) -> AsyncIterator[Course]:
    async with AsyncExitStack() as stack:
        if request.param == "in this process":
            yield Course(index_dir, LocalGraphCache)
            return
        url = await stack.enter_async_context(private_valkey(tmp_path / "valkey"))
        client = await stack.enter_async_context(Redis.from_url(url))
        yield Course(index_dir, lambda: RedisGraphCache(client, "bio"))


@pytest.fixture
def with_redis(redis: Redis, index_dir: Path) -> Course:
    return Course(index_dir, lambda: RedisGraphCache(redis, "bio"))


# --- what an index says


async def test_the_concepts_are_those_of_the_index(course: Course) -> None:
    await course.build()
    concepts = await course.now(course.catalog())
    assert await titles(concepts) == ALL
    card = (await concepts.cards(["turgor"]))["turgor"]
    assert card.definition.startswith("Turgor pressure is")
    assert [(one.title, one.depth) for one in card.prerequisites] == [("Diffusion", 2), ("Osmosis", 1)]
    assert [resource.passages for resource in card.resources] == [(2 << 16,)]
    assert await concepts.graph() == BIOLOGY


async def test_a_name_leads_to_its_card(course: Course) -> None:
    await course.build()
    concepts = await course.now(course.catalog())
    for name, match in (
        ("osmosis", "exact"),
        ("cell division", "alias"),
        ("turgor pressures", "inflection"),
        ("ozmosis", "typo"),
    ):
        lookup, card = await concepts.card(name)
        assert lookup.match == match
        assert card is not None
        assert card.id == lookup.id


async def test_what_nobody_calls_so_is_looked_for_by_meaning(course: Course) -> None:
    await course.build(biology("mitosis", "turgor"))
    concepts = await course.now(course.catalog())
    near = await concepts.nearest(course.embedder.embed_query("pressure"), 2)
    assert [id_ for id_, _ in near] == ["turgor", "mitosis"]
    lookup, card = await concepts.card("zzqxv wqeqs", course.embedder.embed_query)
    assert (lookup.match, card) == ("none", None)
    assert (await concepts.card("   ", course.embedder.embed_query))[0].match == "none"


async def test_the_same_concepts_serve_until_something_changes(course: Course) -> None:
    await course.build()
    catalog = course.catalog()
    version, index = await course.opened()
    first, *others = await asyncio.gather(*(catalog.concepts(version, index) for _ in range(20)))
    course.today += timedelta(days=1)
    assert all(one is first for one in (*others, await catalog.concepts(version, index))), "nothing is held back"


# --- what changes


async def test_a_new_index_is_followed_with_the_next_question_and_so_is_a_rollback(course: Course) -> None:
    await course.build(biology("diffusion", "osmosis"))
    catalog = course.catalog()
    old = await course.now(catalog)
    await course.build(biology("diffusion", "mitosis"))
    assert await titles(await course.now(catalog)) == ["Diffusion", "Mitosis"]
    assert await titles(old) == ["Diffusion", "Osmosis"], "a question under way keeps what it began with"
    await course.store.rollback()
    assert await titles(await course.now(catalog)) == ["Diffusion", "Osmosis"]


async def test_staff_are_heard_with_the_next_question(course: Course) -> None:
    await course.build()
    catalog, elsewhere = course.catalog(), course.catalog()
    before = await course.now(catalog)
    assert await titles(await course.now(elsewhere)) == ALL
    await course.edit("hide", "mitosis")
    await course.edit("rename", "turgor pressure", "turgor")
    await course.edit("merge", "diffusion", "osmosis")
    for one in (catalog, elsewhere):
        after = await course.now(one)
        assert await titles(after) == ["Diffusion", "turgor"]
        assert (await after.card("osmosis"))[0].id == "diffusion"
        assert (await after.card("turgor pressure"))[0].id == "turgor"
    assert "Diffusion" in await titles(before), "a question under way finds what is still there"
    await course.edit("show", "mitosis")
    assert await titles(await course.now(catalog)) == ["Diffusion", "Mitosis", "turgor"]


async def test_staff_are_heard_over_a_new_index_too(course: Course) -> None:
    await course.build()
    await course.edit("hide", "mitosis")
    await course.edit("cut_prerequisite", "osmosis", "diffusion")
    catalog = course.catalog()
    for _ in range(2):
        concepts = await course.now(catalog)
        assert await titles(concepts) == ["Diffusion", "Osmosis", "Turgor pressure"]
        osmosis = (await concepts.cards(["osmosis"]))["osmosis"]
        turgor = (await concepts.cards(["turgor"]))["turgor"]
        assert "diffusion" not in [
            *(one.id for one in osmosis.prerequisites),
            *(one.id for one in turgor.prerequisites),
        ]
        await course.build()


async def test_what_staff_hid_is_not_near_either(course: Course) -> None:
    await course.build()
    await course.edit("hide", "mitosis")
    found = await course.retriever().search("mitosis")
    assert "mitosis" not in {concept.id for concept in found.concepts}


async def test_edits_that_no_longer_apply_are_told_with_a_reason(course: Course) -> None:
    await course.build()
    await course.edit("hide", "photosynthesis")
    await course.edit("hide", "mitosis")
    concepts = await course.now(course.catalog())
    graph, undone = await concepts.edited()
    assert [concept.id for concept in graph.concepts] == ["diffusion", "osmosis", "turgor"]
    [(edit, reason)] = undone
    assert (edit.concept, bool(reason)) == ("photosynthesis", True)


async def test_what_is_held_back_appears_on_its_day_without_a_restart(course: Course) -> None:
    await course.build(biology(later=["turgor", "mitosis"]))
    catalog = course.catalog()
    seen = ["Diffusion", "Osmosis"]
    for course.today, expected in (
        (TODAY, seen),
        (NEXT_WEEK - timedelta(days=1), seen),
        (NEXT_WEEK, ALL),
        (NEXT_WEEK + timedelta(days=30), ALL),
        (TODAY, seen),
    ):
        concepts = await course.now(catalog)
        assert await titles(concepts) == expected
        osmosis = (await concepts.cards(["osmosis"]))["osmosis"]
        assert [one.title for one in osmosis.leads_to] == (["Turgor pressure"] if expected == ALL else [])
        assert (await concepts.card("mitosis"))[0].match == ("exact" if expected == ALL else "none")
        assert {concept.title for concept in (await concepts.graph()).concepts} == set(expected)


async def test_staff_see_what_is_held_back(course: Course) -> None:
    await course.build(biology(later=["mitosis"]))
    concepts = await course.now(course.catalog())
    assert "mitosis" not in {concept.id for concept in (await concepts.graph()).concepts}
    graph, undone = await concepts.edited()
    assert "mitosis" in {concept.id for concept in graph.concepts}
    assert undone == ()


async def test_who_comes_from_what_is_held_back_does_not_come_near_it(course: Course) -> None:
    await course.build(biology(later=["mitosis"]))
    retriever = course.retriever()
    assert "mitosis" not in {concept.id for concept in (await retriever.search("mitosis")).concepts}
    course.today = NEXT_WEEK
    assert "mitosis" in {concept.id for concept in (await retriever.search("mitosis")).concepts}


# --- indexes without concepts, and damaged ones


@pytest.mark.parametrize("graph", [None, ConceptGraph().to_bytes()], ids=["of an old build", "of an empty course"])
async def test_an_index_without_concepts_has_none(course: Course, graph: bytes | None) -> None:
    await course.build(attached={GRAPH: graph, VECTORS: None})
    concepts = await course.now(course.catalog())
    assert await titles(concepts) == []
    assert await concepts.cards(["osmosis"]) == {}
    assert await concepts.nearest(course.embedder.embed_query("osmosis"), 5) == []
    assert (await concepts.card("osmosis", course.embedder.embed_query))[0].match == "none"
    assert await concepts.graph() == ConceptGraph()
    found = await course.retriever().search("What is osmosis?")
    assert (found.concepts, found.prerequisites, found.groundwork) == ((), (), ())
    assert found.passages[0].passage.title == "Osmosis"


async def test_edits_of_an_index_without_concepts_harm_nobody(course: Course) -> None:
    await course.build(attached={GRAPH: None, VECTORS: None})
    await course.edit("merge", "osmosis", "diffusion")
    concepts = await course.now(course.catalog())
    assert await titles(concepts) == []
    assert [edit.action for edit, _ in (await concepts.edited())[1]] == ["merge"]


async def test_a_lexical_index_has_names_and_nothing_near(course: Course) -> None:
    await course.build(attached={VECTORS: None})
    concepts = await course.now(course.catalog())
    assert await titles(concepts) == ALL
    assert await concepts.nearest(course.embedder.embed_query("osmosis"), 5) == []


DAMAGED = [b"", b"{", b"[]", b"\x00" * 100, BIOLOGY.to_bytes()[:-20], b'{"concepts": null}']


@pytest.mark.parametrize("graph", DAMAGED[1:], ids=range(1, len(DAMAGED)))
async def test_a_damaged_graph_is_said(with_redis: Course, graph: bytes) -> None:
    await with_redis.build(attached={GRAPH: graph})
    catalog = with_redis.catalog()
    for _ in range(2):
        with pytest.raises(IndexDamaged) as damaged:
            await with_redis.now(catalog)
        assert "erica ingest" in damaged.value.hint
    await with_redis.build()
    assert await titles(await with_redis.now(catalog)) == ALL


@pytest.mark.parametrize("vectors", [b"PK", DAMAGED[3], embed_concepts((), HashEmbedder()).to_bytes()[:-30]])
async def test_with_damaged_vectors_concepts_are_found_by_name_only(
    with_redis: Course, vectors: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await with_redis.build(attached={VECTORS: vectors})
    concepts = await with_redis.now(with_redis.catalog())
    assert await titles(concepts) == ALL
    assert await concepts.nearest(HashEmbedder().embed_query("osmosis"), 3) == []
    assert "found by name only" in caplog.text


def answers(found: Retrieval) -> bool:
    return bool(found.passages) and found.passages[0].passage.title == "Osmosis" and not found.abstain


@pytest.mark.parametrize("part", [GRAPH, VECTORS])
@pytest.mark.parametrize("data", DAMAGED, ids=range(len(DAMAGED)))
async def test_a_search_answers_without_the_part_of_the_graph_that_is_damaged(
    with_redis: Course, part: str, data: bytes
) -> None:
    await with_redis.build(attached={part: data})
    retriever = with_redis.retriever()
    question = "What is osmosis, the diffusion of water through a membrane?"
    assert answers(await retriever.search(question))
    assert (await retriever.quotable(question)).passages
    off = await retriever.search(question, options=Options(graph=False))
    assert answers(off)


# --- bad days


async def test_without_the_log_there_are_concepts_all_the_same(course: Course) -> None:
    await course.build()
    (course.root / "edits").write_text("a file where a folder should be")
    catalog = course.catalog()
    first, again = await course.now(catalog), await course.now(catalog)
    assert await titles(first) == ALL
    assert again is first


async def test_what_staff_hid_stays_hidden_while_the_log_is_out_of_reach(course: Course) -> None:
    await course.build()
    await course.edit("hide", "mitosis")
    catalog = course.catalog()
    hidden = ["Diffusion", "Osmosis", "Turgor pressure"]
    assert await titles(await course.now(catalog)) == hidden
    folder = course.root / "edits"
    folder.rename(course.root / "away")
    folder.write_text("a file where a folder should be")
    assert await titles(await course.now(catalog)) == hidden
    folder.unlink()
    (course.root / "away").rename(folder)
    await course.edit("show", "mitosis")
    assert await titles(await course.now(catalog)) == ALL


async def test_a_flushed_redis_is_no_loss(with_redis: Course, redis: Redis) -> None:
    await with_redis.build()
    catalog, retriever = with_redis.catalog(), with_redis.retriever()
    concepts = await with_redis.now(catalog)
    question = "What is turgor pressure?"
    before = await retriever.search(question)
    for _ in range(2):
        await redis.flushall()
        cards = await concepts.cards(["turgor", "osmosis"])
        assert [card.title for card in cards.values()] == ["Turgor pressure", "Osmosis"]
        await redis.flushall()
        after = await retriever.search(question)
        assert (after.passages, after.concepts, after.prerequisites) == (
            before.passages,
            before.concepts,
            before.prerequisites,
        )


async def test_questions_go_on_while_redis_is_flushed_again_and_again(with_redis: Course, redis: Redis) -> None:
    await with_redis.build()
    retrievers = [with_redis.retriever() for _ in range(3)]
    stop = asyncio.Event()

    async def flush() -> None:
        while not stop.is_set():
            await redis.flushall()

    async def ask(retriever: Retriever) -> set[tuple[str, ...]]:
        found = [await retriever.search("How does turgor pressure need osmosis?") for _ in range(40)]
        return {tuple(sorted(concept.id for concept in one.concepts if concept.how == "exact")) for one in found}

    flushing = asyncio.create_task(flush())
    try:
        assert await asyncio.gather(*map(ask, retrievers)) == [{("osmosis", "turgor")}] * 3
    finally:
        stop.set()
        await flushing


async def test_a_redis_that_dies_in_the_middle_of_a_question_is_no_loss(tmp_path: Path, index_dir: Path) -> None:
    folder = tmp_path / "valkey"
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(private_valkey(folder))
        client = await stack.enter_async_context(Redis.from_url(url))
        course = Course(index_dir, lambda: RedisGraphCache(client, "bio"))
        await course.build()
        catalog, retriever = course.catalog(), course.retriever()
        concepts = await course.now(catalog)
        before = await retriever.search("What is turgor pressure?")
        server = running_valkey(folder)
        assert server is not None
        assert server.pid
        os.kill(server.pid, signal.SIGKILL)
        assert list(await concepts.cards(["turgor"])) == ["turgor"]
        assert await titles(await course.now(course.catalog())) == ALL
        after = await retriever.search("What is turgor pressure?")
        assert replace(after, ms={}) == replace(before, ms={})
        await course.edit("hide", "mitosis")
        await course.build(biology("diffusion", "mitosis"))
        assert await titles(await course.now(catalog)) == ["Diffusion"]


async def test_a_redis_that_was_never_there_is_no_loss(tmp_path: Path, index_dir: Path) -> None:
    async with Redis.from_url(f"unix://{tmp_path}/nowhere.sock") as client:
        course = Course(index_dir, lambda: RedisGraphCache(client, "bio"))
        await course.build()
        assert answers(await course.retriever().search("What is osmosis, the diffusion of water through a membrane?"))


async def test_many_ericas_on_one_course_see_the_same(with_redis: Course) -> None:
    await with_redis.build()
    await with_redis.edit("rename", "turgor pressure", "turgor")
    catalogs = [with_redis.catalog() for _ in range(8)]
    seen = await asyncio.gather(*(with_redis.now(catalog) for catalog in catalogs))
    assert [await titles(concepts) for concepts in seen] == [["Diffusion", "Mitosis", "Osmosis", "turgor"]] * 8
