"""Measures speed and memory and prints a table and JSON: `make bench`.

Everything is measured in one run on one machine, Qdrant Edge beside qdrant-client's local mode. With
ERICA_SHARED (or ../shared) the real course and embedding model are used, else the demo course and no model.
"""

import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from rich.console import Console
from rich.table import Table

from retrieval.adapters.bm25 import Bm25Encoder
from retrieval.adapters.fastembed import load_embedder
from retrieval.adapters.qdrant_edge import EdgeIndexStore
from retrieval.manifest import Manifest
from retrieval.passage import Passage
from retrieval.ports import Embedder, IndexedPassage, IndexStore, Vector
from retrieval.retriever import Retriever
from retrieval.words import lexical_text, words

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "deploy" / "demo"
SHARED = Path(os.environ.get("ERICA_SHARED", ROOT.parent / "shared"))
PASSAGES = 20_000
DIMENSIONS = 384
LOCAL_MODE_QUERIES = 20


@dataclass(frozen=True)
class Row:
    """One figure and what it should be at most."""

    name: str
    value: float
    unit: str
    limit: float | None = None


class FixedVectors:
    """Stands in for the embedding model where its own time is not to be measured: a table look-up."""

    name, dimensions = "bench", DIMENSIONS

    def __init__(self, rng: np.random.Generator) -> None:
        self._topics = rng.normal(size=(200, DIMENSIONS)).astype(np.float32)
        self._rng = rng

    def near(self, topic: int) -> Vector:
        """A unit vector in the neighbourhood of a topic."""
        vector = self._topics[topic % 200] + self._rng.normal(size=DIMENSIONS).astype(np.float32)
        return vector / np.linalg.norm(vector)

    def embed_query(self, text: str) -> Vector:
        return self.near(len(text))

    def embed_passages(self, texts: list[str]) -> np.ndarray:
        return np.stack([self.near(number) for number in range(len(texts))])


def made_up_passages(count: int) -> Iterator[Passage]:
    """Passages of demo sentences in random order with random rare words between, about 130 words each."""
    rng = random.Random(0)
    text = " ".join(file.read_text(encoding="utf-8") for file in sorted((DEMO / "pages").glob("*.md")))
    sentences = [sentence for sentence in text.split(". ") if 30 < len(sentence) < 300]
    for number in range(count):
        body = ". ".join(rng.sample(sentences, 6)) + f". Term{rng.randrange(30_000)} term{rng.randrange(30_000)}."
        page, position = divmod(number, 8)
        title, path = f"Page {page} {rng.choice(sentences)[:30]}", f"unit{page % 40}/page{page}.md"
        yield Passage(page, position, 0, path, title, ("Part",), body, f"https://example.edu/{page}", str(number))


async def build(store: IndexStore, vectors: FixedVectors | None, count: int) -> None:
    """An index of made-up passages."""
    encoder, passages = Bm25Encoder(), list(made_up_passages(count))
    texts = [lexical_text(passage) for passage in passages]
    terms: dict[int, int] = {}
    spoken: dict[str, int] = {}
    for text in texts:
        for term in encoder.counts(text):
            terms[term] = terms.get(term, 0) + 1
        for word in set(words(text)):
            spoken[word] = spoken.get(word, 0) + 1
    builder = await store.build(vectors.dimensions if vectors else None)
    for start in range(0, count, 500):
        await builder.add(
            [
                IndexedPassage(p, vectors.near(p.page) if vectors else None, encoder.document(text, 110.0))
                for p, text in zip(passages[start : start + 500], texts[start : start + 500], strict=True)
            ]
        )
    await builder.switch(
        Manifest(
            "bench",
            "",
            "",
            count,
            count // 8,
            110.0,
            "bench" if vectors else None,
            vectors.dimensions if vectors else None,
            0.0,
            0.1,
            0,
            spoken,
            terms,
        )
    )


def questions() -> list[str]:
    """The demo course's own labelled questions."""
    lines = (DEMO / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["question"] for line in lines if line.strip()]


async def measure_search(store: IndexStore, vectors: FixedVectors | None, rounds: int) -> list[float]:
    """Milliseconds of whole searches, embedding left out."""
    retriever = Retriever(store, Bm25Encoder(), lambda _: vectors, date.today)
    asked = questions()
    for question in asked[:5]:
        await retriever.search(question)
    taken = []
    for number in range(rounds):
        found = await retriever.search(asked[number % len(asked)])
        taken.append(found.ms["search"])
    return taken


def percentiles(name: str, taken: list[float], p50: float | None = None, p95: float | None = None) -> list[Row]:
    """Two rows: the median and the 95th percentile."""
    return [
        Row(f"{name}, p50", float(np.percentile(taken, 50)), "ms", p50),
        Row(f"{name}, p95", float(np.percentile(taken, 95)), "ms", p95),
    ]


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
    taken = await measure_search(hybrid, vectors, 400)
    rows += percentiles("search, 20,000 passages, Edge, without embedding", taken, 1.5, 3)
    rows += percentiles("lexical search, 20,000 passages, Edge, whole", await measure_search(lexical, None, 400), 1.5)
    client = AsyncQdrantClient(":memory:")
    local = QdrantIndexStore(client, "bench")
    await build(local, vectors, PASSAGES)
    taken = await measure_search(local, vectors, LOCAL_MODE_QUERIES)
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


@dataclass(frozen=True)
class Ran:
    """A finished `erica` process."""

    out: dict[str, object]
    seconds: float
    megabytes: float


def erica(arguments: list[str], data: Path, dense: bool) -> Ran:
    """Run a command in a process of its own and take its time and its peak resident memory."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ERICA_")}
    environment["ERICA_DATA_DIR"] = str(data)
    if dense:
        environment["ERICA_EMBEDDING_PATH"] = str(next((SHARED / "model").iterdir()))
    else:  # a hub that refuses at once, so that what is measured is lexical search
        environment["HF_ENDPOINT"] = "http://127.0.0.1:9"
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", *arguments, "--json"],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"erica {' '.join(arguments)} failed: {text}")
    return Ran(json.loads(text), seconds, usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1 << 20))


def ingest_rows(folder: Path) -> list[Row]:
    """First ingest, again with nothing changed, again with one page changed; then `erica ask`."""
    dense = (SHARED / "model").exists()
    source, name = (
        (SHARED / "course", "the shared course") if (SHARED / "course").exists() else (DEMO / "pages", "the demo")
    )
    shutil.copytree(source, folder / "material")
    course = folder / "course.toml"
    course.write_text(
        '[course]\nid = "bench"\ntitle = "Bench"\n[[sources]]\npath = "material"\nbase_url = "https://example.edu/"\n'
    )
    rows: list[Row] = []
    first = erica(["ingest", str(course)], folder / "data", dense)
    spent = first.out["seconds"]
    assert isinstance(spent, dict)
    if dense:
        others = sum(seconds for stage, seconds in spent.items() if stage != "embed") / sum(spent.values())
        rows += [
            Row(f"ingest of {name}, whole", first.seconds, "s"),
            Row("ingest, all but embedding", others * 100, "%", 15),
        ]
    rows.append(Row("ingest, peak memory", first.megabytes, "MB"))
    rows.append(Row("ingest, nothing changed", erica(["ingest", str(course)], folder / "data", dense).seconds, "s", 3))
    page = sorted((folder / "material").rglob("*.md"))[len(list(source.rglob("*.md"))) // 2]
    page.write_text(page.read_text(encoding="utf-8") + "\n\nOne more sentence about gradients.\n", encoding="utf-8")
    rows.append(Row("ingest, one page changed", erica(["ingest", str(course)], folder / "data", dense).seconds, "s", 4))
    question = "What is self-attention and how is it computed?"
    for kind, use, limit in (("dense", True, 350.0), ("lexical", False, 200.0)):
        if use and not dense:
            continue
        data = folder / ("data" if use else "lexical-data")
        if not use:
            erica(["ingest", str(course)], data, dense=False)
        ran = min(
            (erica(["ask", "--course", str(course), question], data, use) for _ in range(3)), key=lambda r: r.seconds
        )
        rows += [
            Row(f"erica ask, {kind}, no model, process start to answer", ran.seconds, "s", 2),
            Row(f"erica ask, {kind}, peak memory", ran.megabytes, "MB", limit),
        ]
    return rows


def main() -> None:
    """Measure, print the table on standard error and JSON on standard output."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Processes first: a child's peak memory is never less than what its parent held when it was started.
        processes = ingest_rows(folder)
        rows = [*asyncio.run(search_rows(folder)), *embedding_rows(), *processes]
    table = Table(title="make bench", box=None)
    for column in ("what", "measured", "limit", ""):
        table.add_column(column, justify="left" if column == "what" else "right")
    for row in rows:
        verdict = "" if row.limit is None else "ok" if row.value <= row.limit else "over"
        limit = "" if row.limit is None else f"{row.limit:g} {row.unit}"
        table.add_row(row.name, f"{row.value:.2f} {row.unit}", limit, verdict)
    Console(stderr=True, width=120).print(table)
    print(json.dumps([row.__dict__ for row in rows]))


if __name__ == "__main__":
    main()
