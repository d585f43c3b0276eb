"""Stand-ins for what tests cannot have: an embedding model; and small material to search in, and who searches it."""

import re
from collections.abc import Callable, Sequence
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.adapters.bm25 import Bm25Encoder
from retrieval.adapters.file_edit_log import FileEditLog
from retrieval.adapters.local_graph import LocalGraphCache
from retrieval.concepts.catalog import ConceptCatalog
from retrieval.manifest import Manifest
from retrieval.passage import Passage, Trust
from retrieval.ports import Embedder, IndexStore, Vector
from retrieval.retriever import Retriever


class HashEmbedder:
    """Embeds by words: a text is the sum of its words' pseudo-random directions, so shared words mean nearness.

    The same text has the same vector everywhere and always. `embedded` remembers every passage text that was
    asked for. `effort` makes it compute more for the same vectors, as a large model would.
    """

    def __init__(self, name: str = "hash", dimensions: int = 48, effort: int = 0) -> None:
        self.embedded: list[str] = []
        self._name, self._dimensions, self._effort = name, dimensions, effort

    @property
    def name(self) -> str:
        return f"{self._name}-{self._dimensions}"

    @property
    def dimensions(self) -> int:
        return self._dimensions

    def embed_query(self, text: str) -> Vector:
        for _ in range(self._effort):
            blake2b(b"\0" * 65536).digest()
        directions = [_direction(f"{self._name} {word}", self._dimensions) for word in re.findall(r"\w+", text.lower())]
        total = np.sum(directions or [_direction("", self._dimensions)], axis=0)
        return np.asarray(total / np.linalg.norm(total), dtype=np.float32)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.embedded += texts
        return np.array([self.embed_query(text) for text in texts], dtype=np.float32).reshape(-1, self._dimensions)


@lru_cache(maxsize=20_000)
def _direction(word: str, dimensions: int) -> NDArray[np.float64]:
    seed = int.from_bytes(blake2b(word.encode(), digest_size=8).digest())
    return np.random.default_rng(seed).normal(size=dimensions)


class SilentProgress:
    """A progress bar that nobody watches; it remembers its stages."""

    def __init__(self) -> None:
        self.stages: dict[str, int] = {}

    def stage(self, name: str, total: int | None) -> None:
        self.stages[name] = 0

    def advance(self, steps: int = 1) -> None:
        self.stages[next(reversed(self.stages))] += steps


def passage(
    text: str,
    page: int = 0,
    position: int = 0,
    title: str = "Lecture",
    headings: tuple[str, ...] = (),
    trust: Trust = "course",
    release: date | None = None,
) -> Passage:
    """A passage of page `page`, at an address that tells which one it is."""
    return Passage(
        page=page,
        position=position,
        source=0,
        path=f"lectures/{page}.md",
        title=title,
        headings=headings,
        text=text,
        url=f"https://example.edu/{page}#{position}",
        content_hash=blake2b(f"{title}{headings}{text}".encode(), digest_size=16).hexdigest(),
        trust=trust,
        release=release,
    )


def retriever_of(
    store: IndexStore, embedder: Callable[[Manifest], Embedder | None], today: Callable[[], date], edits: Path
) -> Retriever:
    """As one command has it: concept cards are made in this process, the staff's edits are in a file."""
    return Retriever(
        store, Bm25Encoder(), embedder, today, ConceptCatalog(LocalGraphCache(), FileEditLog(edits), today)
    )


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
