"""What the benchmarks have in common: rows of the table, vectors without a model, made-up pages, a process of Erica."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from retrieval.adapters.bm25 import Bm25Encoder
from retrieval.manifest import Manifest
from retrieval.passage import Passage
from retrieval.ports import IndexedPassage, IndexStore, Vector
from retrieval.words import lexical_text, words

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "deploy" / "demo"
SHARED = Path(os.environ.get("ERICA_SHARED", ROOT.parent / "shared"))
DIMENSIONS = 384
_TOPICS = 200
_PASSAGES_A_PAGE = 8


@dataclass(frozen=True)
class Row:
    """One figure and what it should be at most."""

    name: str
    value: float
    unit: str
    limit: float | None = None


def percentiles(name: str, taken: Sequence[float], p50: float | None = None, p95: float | None = None) -> list[Row]:
    """Two rows: the median and the 95th percentile of some milliseconds."""
    return [
        Row(f"{name}, p50", float(np.percentile(taken, 50)), "ms", p50),
        Row(f"{name}, p95", float(np.percentile(taken, 95)), "ms", p95),
    ]


def report(title: str, rows: Sequence[Row]) -> None:
    """A table on standard error, JSON on standard output."""
    table = Table(title=title, box=None)
    for column in ("what", "measured", "limit", ""):
        table.add_column(column, justify="left" if column == "what" else "right")
    for row in rows:
        verdict = "" if row.limit is None else "ok" if row.value <= row.limit else "over"
        limit = "" if row.limit is None else f"{row.limit:g} {row.unit}"
        table.add_row(row.name, f"{row.value:.2f} {row.unit}", limit, verdict)
    Console(stderr=True, width=120).print(table)
    sys.stdout.write(json.dumps([row.__dict__ for row in rows]) + "\n")


class FixedVectors:
    """Stands in for the embedding model where its own time is not to be measured: a table look-up.

    The same question always has the same vector.
    """

    name, dimensions = "bench", DIMENSIONS

    def __init__(self, rng: np.random.Generator, spread: float = 1.0) -> None:
        """`spread` is how long the way from a topic's middle is, against the middle's own length."""
        self._topics = rng.normal(size=(_TOPICS, DIMENSIONS)).astype(np.float32)
        self._rng, self._spread = rng, spread
        self._asked: dict[str, Vector] = {}

    def near(self, topic: int) -> Vector:
        """A unit vector in the neighbourhood of a topic."""
        away = self._spread * self._rng.normal(size=DIMENSIONS).astype(np.float32)
        vector = self._topics[topic % _TOPICS] + away
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)

    def embed_query(self, text: str) -> Vector:
        if text not in self._asked:
            self._asked[text] = self.near(len(text))
        return self._asked[text]

    def embed_passages(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([self.near(number) for number in range(len(texts))])


def made_up_passages(count: int) -> Iterator[Passage]:
    """Passages of demo sentences in random order with random rare words between, about 130 words each."""
    rng = random.Random(0)
    text = " ".join(file.read_text(encoding="utf-8") for file in sorted((DEMO / "pages").glob("*.md")))
    sentences = [sentence for sentence in text.split(". ") if 30 < len(sentence) < 300]
    for number in range(count):
        body = ". ".join(rng.sample(sentences, 6)) + f". Term{rng.randrange(30_000)} term{rng.randrange(30_000)}."
        page, position = divmod(number, _PASSAGES_A_PAGE)
        title, path = f"Page {page} {rng.choice(sentences)[:30]}", f"unit{page % 40}/page{page}.md"
        yield Passage(page, position, 0, path, title, ("Part",), body, f"https://example.edu/{page}", str(number))


async def build(
    store: IndexStore, vectors: FixedVectors | None, count: int, attached: Mapping[str, bytes] | None = None
) -> None:
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
    for name, data in (attached or {}).items():
        await builder.attach(name, data)
    manifest = Manifest(
        course="bench",
        digest="",
        created="",
        passages=count,
        pages=count // _PASSAGES_A_PAGE,
        mean_length=110.0,
        embedding="bench" if vectors else None,
        dimensions=vectors.dimensions if vectors else None,
        cosine_mean=0.0,
        cosine_deviation=0.1,
        words=spoken,
        terms=terms,
    )
    await builder.switch(manifest)


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
