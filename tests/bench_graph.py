"""Measures the concept graph: a question's share of it, filling the cache, completion, pictures, memory.

On a made-up course of 3,000 concepts, whose cards weigh about what those of a real course do.
"""

import random
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from itertools import islice
from pathlib import Path

import numpy as np
from bench_parts import DIMENSIONS, FixedVectors, Row, build, percentiles
from redis.asyncio import Redis

from bot.adapters.valkey import private_valkey
from retrieval.adapters.bm25 import Bm25Encoder
from retrieval.adapters.file_edit_log import FileEditLog
from retrieval.adapters.local_graph import LocalGraphCache
from retrieval.adapters.qdrant_edge import EdgeIndexStore
from retrieval.adapters.redis_graph import RedisGraphCache
from retrieval.cards import ConceptName
from retrieval.concepts.catalog import ConceptCatalog, Concepts
from retrieval.concepts.deck import GraphDeck
from retrieval.concepts.lookup import NameTable
from retrieval.concepts.vectors import ConceptVectors
from retrieval.concepts.views import neighbourhood
from retrieval.edits import Edit
from retrieval.graph import GRAPH, VECTORS, Concept, ConceptGraph, Edge, Evidence, Example, Resource
from retrieval.passage import passage_id
from retrieval.ports import GraphCache, PassageIndex
from retrieval.retriever import Retriever

CONCEPTS = 3_000
PREREQUISITES, RELATIONS = 7_500, 2_500
"""10,000 edges between concepts; those to resources and examples come on top."""
_PASSAGES = 3_000
_QUESTIONS = 400
_FILLINGS, _PICTURES = 5, 20
_MANY = f"{CONCEPTS:,} concepts"
_NEARNESS = 0.5
"""So near are the names of one topic that every question takes as many cards as it may: ten."""

_FIRST = """adaptive additive adversarial approximate asymptotic augmented bayesian bilinear bounded causal conditional
constrained contrastive convex cyclic damped deep delayed dense differential discrete dual dynamic elastic empirical
entropic expected factored finite gated generative geometric greedy harmonic hidden hierarchical implicit inverse joint
kernel latent lazy linear local marginal masked maximal mixed modular monotone nested nonlinear normal optimal ordinal
parallel partial penalised periodic pooled posterior prior projected quadratic random ranked recursive reduced residual
robust sampled scaled semantic sequential shared sparse spectral stable stochastic streamed structured subspace symbolic
tangent tensor tied truncated uniform variational weighted""".split()
_SECOND = """alignment annealing attention autoencoder backtracking bandit boosting bootstrap classifier clustering
coding convolution decoder decomposition descent diffusion divergence dropout embedding encoder ensemble estimator
filter flow forest gradient grammar graph hashing inference kernel ladder likelihood matching memory mixture momentum
network normalisation parser perceptron planner policy pooling pruning quantisation regression regulariser retrieval
routing sampler search segmentation smoothing sorting stacking transformer transport tree value""".split()
_LISTING = "\n".join(f"weights[{n}] = weights[{n}] - rate * gradient[{n}]" for n in range(9))


def made_up_graph() -> ConceptGraph:
    """Names of two and three words, some with other names; prerequisites between what is taught near each other."""
    rng = random.Random(0)
    titles = [f"{first} {second}" for first in _FIRST for second in _SECOND]
    titles = rng.sample(titles, CONCEPTS // 2) + [f"{rng.choice(_FIRST)} {title}" for title in titles]
    titles = list(dict.fromkeys(titles))[:CONCEPTS]
    ids = [title.replace(" ", "-") for title in titles]
    concepts = tuple(_concept(number, title, rng) for number, title in enumerate(titles))
    resources = tuple(_resource(number, f"Unit {number} on {titles[number % CONCEPTS]}") for number in range(_PASSAGES))
    examples = tuple(Example(f"example-{n}", _LISTING, f"https://example.edu/{n}") for n in range(CONCEPTS // 2))
    edges = [*_between(ids, rng)]
    for number, id_ in enumerate(ids):
        for place in {number % _PASSAGES, rng.randrange(_PASSAGES)}:
            edges.append(Edge(resources[place].id, id_, "explains", "", 0.7, _evidence(place)))
        if number % 2:
            edges.append(Edge(examples[number // 2].id, id_, "exemplifies", "", 0.8, _evidence(number)))
    return ConceptGraph(concepts, resources, examples, tuple(edges))


def _concept(number: int, title: str, rng: random.Random) -> Concept:
    short = "".join(word[0] for word in title.split()).upper() + str(number)
    aliases = (f"{title} method", short)[: rng.randrange(3)]
    definition = (
        f"A {title} is what the course calls a way to make a model of the data fit with fewer steps than before."
    )
    return Concept(title.replace(" ", "-"), title, aliases, definition, _evidence(number), 1 + number % 5, rng.random())


def _resource(number: int, title: str) -> Resource:
    page, position = divmod(number, 8)
    url = f"https://example.edu/{page}#part-{position}"
    path = f"unit{page % 40}/page{page}.md"
    return Resource(url, "web_page", url, path, title, f"Part {position}", (passage_id(page, position),), 3.5)


def _between(ids: Sequence[str], rng: random.Random) -> Iterator[Edge]:
    """Prerequisites run from the earlier to the later, so there is no cycle."""
    pairs: set[tuple[int, int]] = set()
    while len(pairs) < PREREQUISITES:
        later = rng.randrange(1, len(ids))
        pairs.add((rng.randrange(max(0, later - 120), later), later))
    for earlier, later in sorted(pairs):
        yield Edge(ids[earlier], ids[later], "prereq_of", "", rng.random(), _evidence(later))
    while len(pairs) < PREREQUISITES + RELATIONS:
        one, other = sorted(rng.sample(range(len(ids)), 2))
        if (one, other) not in pairs:
            pairs.add((one, other))
            source, target = sorted((ids[one], ids[other]))
            yield Edge(source, target, "near_transfer", "sibling", 0.6, _evidence(one))


def _evidence(number: int) -> Evidence:
    return Evidence(
        f"https://example.edu/{number // 8}", "A sentence that says why one of them comes before the other."
    )


def asked(graph: ConceptGraph) -> list[str]:
    """Questions that name one, two or three concepts."""
    rng = random.Random(1)
    forms = ("What is {}?", "How does {} differ from {}?", "explain {} with {} and {} in python")
    titles = [concept.title for concept in graph.concepts]
    return [forms[n % 3].format(*rng.sample(titles, n % 3 + 1)) for n in range(_QUESTIONS)]


async def graph_rows(folder: Path) -> list[Row]:
    """All of it; what is built lies in `folder`."""
    graph, vectors = made_up_graph(), FixedVectors(np.random.default_rng(0), _NEARNESS)
    store, log = EdgeIndexStore(folder / "graph"), FileEditLog(folder / "edits.jsonl")
    names = ConceptVectors(
        tuple(concept.id for concept in graph.concepts),
        tuple(concept.title for concept in graph.concepts),
        vectors.embed_passages([concept.title for concept in graph.concepts]),
    )
    await build(store, vectors, _PASSAGES, {GRAPH: graph.to_bytes(), VECTORS: names.to_bytes()})
    for concept in graph.concepts[:10]:
        await log.append(Edit("rename", concept.title, f"{concept.title} theory", "U1"))

    def retriever(cache: GraphCache) -> Retriever:
        return Retriever(store, Bm25Encoder(), lambda _: vectors, date.today, ConceptCatalog(cache, log, date.today))

    rows: list[Row] = []
    async with _valkey(folder / "valkey") as redis:
        for where, cache in (("embedded Valkey", RedisGraphCache(redis, "bench")), ("no Redis", LocalGraphCache())):
            first, again = await measure_questions(retriever(cache), asked(graph))
            rows += percentiles(f"graph stage of a question, {_MANY}, {where}", again, 1)
            rows.append(Row(f"the same, {where}, cards never seen before, p50", float(np.median(first)), "ms"))
        rows += await _filling_rows(redis, store, log)
    return [*rows, *_completion_rows(GraphDeck(graph).names()), *_picture_rows(graph)]


@asynccontextmanager
async def _valkey(folder: Path) -> AsyncIterator[Redis]:
    async with private_valkey(folder) as url, Redis.from_url(url) as client:
        yield client


async def measure_questions(retriever: Retriever, questions: Sequence[str]) -> tuple[list[float], list[float]]:
    """Milliseconds that the graph takes of a search: where nobody asked the like before, and in rounds after that."""
    rounds: list[list[float]] = []
    for _ in range(3):
        found = [await retriever.search(question) for question in questions]
        if not all(one.concepts for one in found):
            raise SystemExit("a question named concepts and none was found")
        rounds.append([one.ms["graph"] for one in found])
    return rounds[0], [*rounds[1], *rounds[2]]


async def _filling_rows(redis: Redis, store: EdgeIndexStore, log: FileEditLog) -> list[Row]:
    """Redis loses everything, under an Erica that runs and before one that starts; and what it holds when full."""
    index, version = await store.open(), await store.version() or ""
    running, starting = [], []
    for _ in range(_FILLINGS):
        await redis.flushall()
        start = time.perf_counter()
        concepts = await _concepts(RedisGraphCache(redis, "bench"), log, version, index)
        ids = [name.id for name in concepts.names.complete("")[:10]]
        await concepts.cards(ids)
        starting.append(time.perf_counter() - start)
        await redis.flushall()
        start = time.perf_counter()
        if len(await concepts.cards(ids)) < len(ids):
            raise SystemExit("cards are missing")
        running.append(time.perf_counter() - start)
    full = await _megabytes(redis)
    reading = await _traced(RedisGraphCache(redis, "bench"), log, version, index)
    making = await _traced(LocalGraphCache(), log, version, index)
    await redis.flushall()
    await index.close()
    return [
        Row(f"flushed Redis, {_MANY}, to the next ten cards, median", float(np.median(running)), "s", 1),
        Row(f"empty Redis, {_MANY}, Erica starts, to the first ten cards, median", float(np.median(starting)), "s"),
        Row(f"memory of Valkey, {_MANY} (empty {await _megabytes(redis):.1f} MB)", full, "MB"),
        Row(f"memory of the process, {_MANY}, all cards once read from Redis", reading, "MB"),
        Row(f"memory of the process, {_MANY}, cards made from the index", making, "MB"),
    ]


async def _concepts(cache: GraphCache, log: FileEditLog, version: str, index: PassageIndex) -> Concepts:
    return await ConceptCatalog(cache, log, date.today).concepts(version, index)


async def _traced(cache: GraphCache, log: FileEditLog, version: str, index: PassageIndex) -> float:
    """Megabytes that names, vectors and cards hold once everything has been asked for."""
    tracemalloc.start()
    concepts = await _concepts(cache, log, version, index)
    near = await concepts.nearest(np.zeros(DIMENSIONS, dtype=np.float32), CONCEPTS)
    for start in range(0, len(near), 10):
        await concepts.cards([id_ for id_, _ in near[start : start + 10]])
    del near
    held = tracemalloc.get_traced_memory()[0] / (1 << 20)
    tracemalloc.stop()
    return held


async def _megabytes(redis: Redis) -> float:
    return float((await redis.info("memory"))["used_memory"]) / (1 << 20)


def _completion_rows(names: Sequence[ConceptName]) -> list[Row]:
    """Names typed letter by letter, warm; every tenth with two letters in the wrong order."""
    table, rng = NameTable(names), random.Random(2)
    taken: list[float] = []
    for warm in (False, True):
        for number, name in enumerate(rng.sample(list(names), 200)):
            typed = name.title if number % 10 else name.title[1] + name.title[0] + name.title[2:]
            for end in range(len(typed) + 1):
                start = time.perf_counter()
                table.complete(typed[:end])
                taken += [(time.perf_counter() - start) * 1000] if warm else []
    return percentiles(f"completing a name of {_MANY}", taken, None, 5)


def _picture_rows(graph: ConceptGraph) -> list[Row]:
    """Neighbourhoods of 30 concepts each, warm."""
    from bot.rendering.concept_map import draw

    maps = (neighbourhood(graph, concept.id) for concept in graph.concepts[CONCEPTS // 2 :])
    full = list(islice((map_ for map_ in maps if len(map_.nodes) == 30), _PICTURES))
    draw(full[0])
    taken: list[float] = []
    for map_ in full:
        start = time.perf_counter()
        draw(map_)
        taken.append((time.perf_counter() - start) * 1000)
    return [
        Row("a picture of 30 concepts, median", float(np.median(taken)), "ms", 300),
        Row(f"a picture of 30 concepts, worst of {len(full)}", max(taken), "ms", 300),
    ]
