"""From the passages of an ingest to what is attached to its index: the concept graph and the concepts' vectors."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b

from retrieval.concepts.corpus import read_corpus
from retrieval.concepts.extraction import Extracted, ExtractionCache, extract_sections
from retrieval.concepts.importing.model import ImportedGraph
from retrieval.concepts.names import key
from retrieval.concepts.vectors import ConceptVectors
from retrieval.errors import StoreError, UnreadableFile
from retrieval.graph import VECTORS, ConceptGraph
from retrieval.passage import Passage
from retrieval.ports import ConceptExtractor, Embedder, PassageIndex, Progress


@dataclass(frozen=True, slots=True)
class GraphFile:
    """A file of a `kind = "graph"` source: the source's number, the path inside it, its bytes."""

    source: int
    path: str
    data: bytes


@dataclass(frozen=True, slots=True)
class ModelReading:
    """A model that reads the sections too, where its answers are kept, and how many it is asked at once."""

    extractor: ConceptExtractor
    cache: ExtractionCache
    concurrency: int = 4


@dataclass(slots=True)
class ConceptReport:
    """What came of it. `dropped` holds (file, name, reason) of what was not taken over from foreign graphs.

    `asked`, `reused`, `failed` and `left` count sections that a model was asked about, knew from before,
    made nothing of, or did not get to see; `notices` are for the operator.
    """

    concepts: int = 0
    prerequisites: int = 0
    cuts: int = 0
    dropped: list[tuple[str, str, str]] = field(default_factory=list)
    unreadable: list[tuple[int, str, str]] = field(default_factory=list)
    asked: int = 0
    reused: int = 0
    failed: int = 0
    left: int = 0
    notices: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether building again would find nothing more."""
        return not self.failed and not self.left


def recipe(files: Sequence[GraphFile], reading: ModelReading | None) -> str:
    """Equal recipes and equal passages make equal graphs."""
    digest = blake2b(digest_size=16)
    for file in files:
        digest.update(f"{file.source}\x1f{file.path}\x1f{len(file.data)}\x1f".encode() + file.data)
    digest.update((reading.extractor.name if reading else "").encode())
    return digest.hexdigest()


async def make_graph(
    passages: Sequence[Passage],
    files: Sequence[GraphFile],
    reading: ModelReading | None,
    progress: Progress,
) -> tuple[ConceptGraph, ConceptReport]:
    """Build the graph. Foreign files that cannot be read are reported, not raised."""
    report = ConceptReport()
    with _uncollected():
        corpus = read_corpus(passages)
    extracted = Extracted({})
    if reading is not None:
        extracted = await extract_sections(corpus, reading.extractor, reading.cache, progress, reading.concurrency)
        report.asked, report.reused = extracted.asked, extracted.reused
        report.failed, report.left, report.notices = extracted.failed, extracted.skipped, extracted.notices
    progress.stage("Linking concepts", None)
    from retrieval.concepts.building import build_graph  # takes a while to load, and most ingests change nothing

    taught = frozenset(key(name) for section in corpus.sections for name in (section.title, *section.headings))
    imported = [read for file in files if (read := _imported(file, taught, report)) is not None]
    with _uncollected():
        graph = build_graph(corpus, imported, extracted.by_section)
    report.concepts, report.cuts = len(graph.concepts), len(graph.cuts)
    report.prerequisites = sum(edge.type == "prereq_of" for edge in graph.edges)
    return graph, report


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the search for cycles: what a graph is made of has none, and a sixth of the time went into it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _imported(file: GraphFile, taught: frozenset[str], report: ConceptReport) -> ImportedGraph | None:
    from retrieval.concepts.importing import read_graph

    try:
        graph = read_graph(file.path, file.data, taught)
    except UnreadableFile as error:
        report.unreadable.append((file.source, file.path, str(error)))
        return None
    report.dropped += [(file.path, dropped.name, dropped.reason) for dropped in graph.dropped]
    return graph


async def known_vectors(current: PassageIndex | None, embedder: Embedder | None) -> ConceptVectors | None:
    """The concept vectors of an index of the same embedder, to be used again; None where there are none."""
    if current is None or embedder is None or current.manifest.embedding != embedder.name:
        return None
    try:
        stored = await current.attachment(VECTORS)
        return ConceptVectors.from_bytes(stored) if stored else None
    except StoreError:
        return None  # they can be made anew
