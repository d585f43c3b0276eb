"""Measures speed and memory and prints a table and JSON: `make bench`.

Everything is measured in one run on one machine, Qdrant Edge beside qdrant-client's local mode. With
ERICA_SHARED (or ../shared) the real course and embedding model are used, else the demo course and no model.
"""

import asyncio
import json
import os
import shutil
import tempfile
import time
from datetime import date
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from bench_parts import DEMO, SHARED, FixedVectors, Ran, Row, build, erica, percentiles, report
from fakes import retriever_of

from retrieval.adapters.fastembed import load_embedder
from retrieval.adapters.qdrant_edge import EdgeIndexStore
from retrieval.ports import Embedder, IndexStore

PASSAGES = 20_000
LOCAL_MODE_QUERIES = 20


def questions() -> list[str]:
    """The demo course's own labelled questions."""
    lines = (DEMO / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["question"] for line in lines if line.strip()]


async def measure_search(store: IndexStore, vectors: FixedVectors | None, rounds: int, folder: Path) -> list[float]:
    """Milliseconds of whole searches, embedding left out."""
    retriever = retriever_of(store, lambda _: vectors, date.today, folder / "no edits")
    asked = questions()
    for question in asked[:5]:
        await retriever.search(question)
    taken = []
    for number in range(rounds):
        found = await retriever.search(asked[number % len(asked)])
        taken.append(found.ms["search"])
    return taken


async def search_rows(folder: Path) -> list[Row]:
    """Search at 20,000 passages: hybrid and lexical in Edge, hybrid in qdrant-client's local mode."""
    from qdrant_client import AsyncQdrantClient

    from retrieval.adapters.qdrant_server import QdrantIndexStore

    vectors = FixedVectors(np.random.default_rng(0))
    rows: list[Row] = []
    hybrid, lexical = EdgeIndexStore(folder / "hybrid"), EdgeIndexStore(folder / "lexical")
    await build(hybrid, vectors, PASSAGES)
    await build(lexical, None, PASSAGES)
    os.sync()  # the disk is still busy with what was just built, as it is not when students ask
    taken = await measure_search(hybrid, vectors, 400, folder)
    rows += percentiles("search, 20,000 passages, Edge, without embedding", taken, 1.5, 3)
    rows += percentiles(
        "lexical search, 20,000 passages, Edge, whole", await measure_search(lexical, None, 400, folder), 1.5
    )
    client = AsyncQdrantClient(":memory:")
    local = QdrantIndexStore(client, "bench")
    await build(local, vectors, PASSAGES)
    taken = await measure_search(local, vectors, LOCAL_MODE_QUERIES, folder)
    rows += percentiles("search, 20,000 passages, qdrant-client local mode", taken)
    await client.close()
    return rows


def embedding_rows() -> list[Row]:
    """The query's own embedding."""
    if not (SHARED / "model").exists():
        return []
    model: Embedder = load_embedder("", next((SHARED / "model").iterdir()), Path())
    asked = questions()
    taken = []
    for question in asked * 5:
        start = time.perf_counter()
        model.embed_query(question)
        taken.append((time.perf_counter() - start) * 1000)
    return percentiles("embedding of a question", taken[10:])


def process_rows(folder: Path) -> list[Row]:
    """What a person at the console waits for, each command in a process of its own."""
    dense = (SHARED / "model").exists()
    real = (SHARED / "course").exists()
    source, name = (SHARED / "course", "the shared course") if real else (DEMO / "pages", "the demo course")
    shutil.copytree(source, folder / "material")
    course = folder / "course.toml"
    course.write_text(
        '[course]\nid = "bench"\ntitle = "Bench"\n[[sources]]\npath = "material"\nbase_url = "https://example.edu/"\n'
    )
    rows = ingest_rows(course, name, folder / "data") if dense else []
    lexical = erica(["ingest", str(course)], folder / "lexical-data", dense=False)
    built = f"building the graph of {name}, no model, first time ({counted(lexical)} concepts)"
    rows.append(Row(built, stages(lexical)["concepts"], "s", 3))
    for kind, data, limit in (("dense", folder / "data", 350.0), ("lexical", folder / "lexical-data", 200.0)):
        if kind == "dense" and not dense:
            continue
        rows += asking_rows(course, data, kind, limit)
    return rows


def ingest_rows(course: Path, name: str, data: Path) -> list[Row]:
    """First ingest, again with nothing changed, again with one page changed. The graph is built with each index."""
    first = erica(["ingest", str(course)], data, dense=True)
    spent = stages(first)
    others = 1 - spent["embed"] / sum(spent.values())  # the concepts' names are embedded in that stage too
    material = course.parent / "material"
    unchanged = erica(["ingest", str(course)], data, dense=True)
    pages = sorted(material.rglob("*.md"))
    page = pages[len(pages) // 2]
    page.write_text(page.read_text(encoding="utf-8") + "\n\nOne more sentence about gradients.\n", encoding="utf-8")
    changed = erica(["ingest", str(course)], data, dense=True)
    return [
        Row(f"ingest of {name}, whole", first.seconds, "s"),
        Row("ingest, all but embedding, the graph included", others * 100, "%", 15),
        Row("ingest, of that the graph", spent["concepts"], "s", 3),
        Row("ingest, peak memory", first.megabytes, "MB"),
        Row("ingest, nothing changed", unchanged.seconds, "s", 3),
        Row("ingest, one page changed", changed.seconds, "s", 4),
        Row("ingest, one page changed, of that the graph", stages(changed)["concepts"], "s"),
    ]


def asking_rows(course: Path, data: Path, kind: str, limit: float) -> list[Row]:
    """A question and a concept, from the start of the process; the best of three."""
    commands = {"ask": "What is self-attention and how is it computed?", "concept": "attention"}
    rows: list[Row] = []
    for command, argument in commands.items():
        ran = min(
            (erica([command, "--course", str(course), argument], data, kind == "dense") for _ in range(3)),
            key=lambda one: one.seconds,
        )
        rows += [
            Row(f"erica {command}, {kind}, no model, from process start", ran.seconds, "s", 2),
            Row(f"erica {command}, {kind}, peak memory", ran.megabytes, "MB", limit),
        ]
    return rows


def stages(ran: Ran) -> dict[str, float]:
    """Seconds by stage of an ingest."""
    spent = ran.out["seconds"]
    assert isinstance(spent, dict)
    return spent


def counted(ran: Ran) -> int:
    """How many concepts an ingest found."""
    concepts = ran.out["concepts"]
    assert isinstance(concepts, dict)
    return int(concepts["found"])


def main() -> None:
    """Measure, print the table on standard error and JSON on standard output."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Processes first: a child's peak memory is never less than what its parent held when it was started.
        processes = process_rows(folder)
        from bench_chat import chat_rows
        from bench_graph import graph_rows

        chat = folder / "chat"
        chat.mkdir()
        rows = [*asyncio.run(search_rows(folder)), *embedding_rows(), *asyncio.run(graph_rows(folder)), *processes]
        rows += asyncio.run(chat_rows(chat))
    report("make bench", rows)


if __name__ == "__main__":
    main()
