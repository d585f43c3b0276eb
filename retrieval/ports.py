"""What retrieval needs from outside, as protocols that the adapters fill."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.cards import Card, ConceptName, Deck
from retrieval.edits import Edit
from retrieval.graph import Kind
from retrieval.manifest import Manifest
from retrieval.passage import Passage

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Weights of terms: `indices` are hashed terms, distinct; both lists have one length."""

    indices: list[int]
    values: list[float]


class Hit(NamedTuple):
    """A passage id and its score in one arm of the search: a cosine, or a BM25 sum."""

    id: int
    score: float


@dataclass(frozen=True, slots=True)
class Arms:
    """Both arms' hits for one question, each best first."""

    dense: Sequence[Hit]
    lexical: Sequence[Hit]


class Embedder(Protocol):
    """Turns text into unit vectors."""

    @property
    def name(self) -> str:
        """The model's name and a fingerprint: equal names mean comparable vectors."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of every vector."""
        ...

    def embed_query(self, text: str) -> Vector:
        """One question's vector, shape (dimensions,)."""
        ...

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of passages, shape (len(texts), dimensions), the same whatever they are batched with."""
        ...


class TermEncoder(Protocol):
    """Turns text into weighted terms, for BM25."""

    def counts(self, text: str) -> Mapping[int, int]:
        """How often each hashed term occurs in a text, stop words left out."""
        ...

    def document(self, text: str, mean_length: float) -> SparseVector:
        """A passage's weights in a corpus whose passages hold `mean_length` terms on average."""
        ...

    def query(self, text: str) -> SparseVector:
        """Weight 1 for each distinct term of a question."""
        ...


@dataclass(frozen=True, slots=True)
class IndexedPassage:
    """A passage as it is stored: with its vectors. `dense` is None in a lexical index."""

    passage: Passage
    dense: Vector | None
    sparse: SparseVector


class PassageIndex(Protocol):
    """One course's current index, opened for reading. It never changes; a new one takes its place."""

    @property
    def manifest(self) -> Manifest:
        """What the index says of itself."""
        ...

    async def search(self, dense: Vector | None, sparse: SparseVector, limit: int, today: date) -> Arms:
        """At most `limit` hits an arm among what is released by `today`, ties by ascending id.

        Without `dense` that arm is empty. Raises StoreError.
        """
        ...

    async def passages(self, ids: Sequence[int], today: date) -> Mapping[int, Passage]:
        """The passages with these ids that exist and are released. Raises StoreError."""
        ...

    async def vectors(self) -> Mapping[str, Vector]:
        """Every dense vector by its passage's content hash, for the next build. Raises StoreError."""
        ...

    async def attachment(self, name: str) -> bytes | None:
        """What was attached under this name when the index was built, None if nothing was. Raises StoreError."""
        ...

    async def close(self) -> None:
        """Let go of files and connections."""
        ...


class IndexStore(Protocol):
    """Where one course's indexes are kept. The course is fixed when the store is made."""

    async def open(self) -> PassageIndex:
        """The current index. Raises IndexMissing or StoreError."""
        ...

    async def version(self) -> str | None:
        """The current index's name, cheap enough to ask before every question; None before the first."""
        ...

    async def build(self, dimensions: int | None) -> "IndexBuilder":
        """Begin the next index beside the current one. Raises StoreError."""
        ...

    async def rollback(self) -> str:
        """Make the index before the current one current again and say its name. Raises IndexMissing."""
        ...


class IndexBuilder(Protocol):
    """An index in the making. Until `switch` nobody sees it; `discard` leaves no trace."""

    async def add(self, passages: Sequence[IndexedPassage]) -> None:
        """Store some passages. Raises StoreError."""
        ...

    async def attach(self, name: str, data: bytes) -> None:
        """Keep some bytes with the index, such as its concept graph. Names are lower-case words. Raises StoreError."""
        ...

    async def switch(self, manifest: Manifest) -> str:
        """Seal the index, check that it holds what it was given, make it current; its name is returned."""
        ...

    async def discard(self) -> None:
        """Throw the unfinished index away."""
        ...


class Progress(Protocol):
    """Watches a long task."""

    def stage(self, name: str, total: int | None) -> None:
        """A new stage begins; `total` is None where its length is not known."""
        ...

    def advance(self, steps: int = 1) -> None:
        """Some of the current stage is done."""
        ...


DeckLoader = Callable[[], Awaitable[Deck]]
"""Reads the cards from the index itself; takes up to a second. Raises RetrievalError."""


class GraphCache(Protocol):
    """Ready cards, quickly. One course's; what it does not hold it takes from the deck, and never fails for itself."""

    async def names(self, version: str, deck: DeckLoader) -> tuple[ConceptName, ...]:
        """The alias table of this version of the graph, by id. Raises what `deck` raises."""
        ...

    async def cards(self, version: str, ids: Sequence[str], deck: DeckLoader) -> Mapping[str, Card]:
        """The cards with these ids that exist, in one round trip. Raises what `deck` raises."""
        ...


class EditLog(Protocol):
    """What staff did to one course's graph, oldest first."""

    async def edits(self) -> tuple[Edit, ...]:
        """The whole log; lines that cannot be read are left out. Raises StoreError."""
        ...

    async def append(self, edit: Edit) -> None:
        """Add to the end, durably. Raises StoreError."""
        ...

    async def version(self) -> str:
        """Another word after every append, empty before the first; cheap enough to ask before every question."""
        ...


@dataclass(frozen=True, slots=True)
class ExtractedConcept:
    """What a model found in a section. `definition` is a sentence of the section, word for word, or empty."""

    name: str
    aliases: tuple[str, ...] = ()
    definition: str = ""


@dataclass(frozen=True, slots=True)
class ExtractedRelation:
    """A relation between two concept names, with the sentence of the section that says so.

    With kind "prerequisite", `source` is needed before `target`; is-a and part-of run from the special to the general.
    """

    source: str
    target: str
    kind: Literal["prerequisite"] | Kind
    sentence: str


@dataclass(frozen=True, slots=True)
class Extraction:
    """What a model found in one section."""

    concepts: tuple[ExtractedConcept, ...] = ()
    relations: tuple[ExtractedRelation, ...] = ()


class ConceptExtractor(Protocol):
    """A model that reads a section and names what it teaches."""

    @property
    def name(self) -> str:
        """Model and prompt: equal names mean that an earlier extraction of the same text still holds."""
        ...

    async def extract(self, title: str, headings: Sequence[str], text: str) -> Extraction:
        """Raises ExtractionFailed where nothing usable came back, BudgetSpent where no more may be asked."""
        ...
