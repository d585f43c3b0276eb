"""From the sources of a course to a new index, switched in at the end.

A crash at any point leaves the current index as it was. Unchanged text is never embedded again.
"""

import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

from retrieval.background import background
from retrieval.chunking import Chunking, Placement, chunk
from retrieval.concepts.making import (
    ConceptReport,
    GraphFile,
    ModelReading,
    known_vectors,
    make_graph,
    recipe,
)
from retrieval.concepts.vectors import embed_concepts
from retrieval.config import SourceConfig
from retrieval.errors import IndexDamaged, IndexMismatch, IndexMissing, IndexRejected, StoreError
from retrieval.graph import GRAPH, VECTORS
from retrieval.manifest import FORMAT, Manifest
from retrieval.passage import POSITIONS_PER_PAGE, Passage
from retrieval.ports import Embedder, IndexedPassage, IndexStore, PassageIndex, Progress, TermEncoder, Vector
from retrieval.reading import Account, Page, read_sources
from retrieval.words import embedded_text, lexical_text, points_elsewhere, words

_BATCH = 256
_SMALLEST_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Material:
    """What is ingested: a course's sources. Relative paths are taken from `root`."""

    course: str
    sources: Sequence[SourceConfig]
    root: Path
    chunking: Chunking = Chunking()


@dataclass(slots=True)
class IngestReport:
    """What came of an ingest. `seconds` by stage; `skipped` holds (source number, path, reason).

    `without_address` counts pages whose link leads to a file of this machine.
    `changed` is false when the current index already held all of it and was kept.
    """

    course: str
    index: str = ""
    changed: bool = True
    files: int = 0
    pages: int = 0
    passages: int = 0
    embedded: int = 0
    reused: int = 0
    without_address: int = 0
    embedding: str | None = None
    concepts: ConceptReport = field(default_factory=ConceptReport)
    skipped: list[tuple[int, str, str]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


async def ingest(
    material: Material,
    store: IndexStore,
    encoder: TermEncoder,
    embedder: Embedder | None,
    progress: Progress,
    force: bool = False,
    missed: str | None = None,
    reading: ModelReading | None = None,
) -> IngestReport:
    """Read, cut, find the concepts, embed, store and switch.

    Without an embedder the index is lexical; `missed` names the one that should have been there. With
    `reading` a model looks for concepts too. `force`
    also builds anew what has not changed. Raises SourceError, StoreError, and, unless `force` is set,
    IndexRejected where the new index would be empty, less than half the size of the current one, or
    without the vectors that the current one has from the embedder that was missed.
    """
    report = IngestReport(material.course, embedding=embedder.name if embedder else None)
    with _timed(report, "read"):
        pages, graphs = await _read(material, report, progress)
    with _timed(report, "cut"):
        passages = _cut(material, pages, report)
        digest = _digest(passages, embedder, recipe(graphs, reading))
        report.pages, report.passages = len({p.page for p in passages}), len(passages)
    async with _current(store) as current:
        last = current.manifest if current else None
        if last is not None and last.digest == digest and not force:
            report.changed, report.index = False, await store.version() or ""
            return report
        _check(report, last, force, missed)
        with _timed(report, "reuse"):
            known = await _known_vectors(current, embedder)
            known_concepts = await known_vectors(current, embedder)
    with _timed(report, "concepts"):
        graph, report.concepts = await make_graph(passages, graphs, reading, progress)
        attached = {GRAPH: graph.to_bytes()}
    report.skipped += report.concepts.unreadable
    if not report.concepts.complete:
        digest += "+"  # the model has not seen everything: ingesting again goes on with it
    with _timed(report, "embed"):
        vectors = _embed(passages, embedder, known, report, progress)
        if embedder is not None:
            attached[VECTORS] = embed_concepts(graph.concepts, embedder, known_concepts).to_bytes()
    with _timed(report, "store"):
        texts = [lexical_text(passage) for passage in passages]
        manifest = _describe(material, passages, texts, vectors, encoder, embedder, digest)
        report.index = await _store(passages, texts, vectors, manifest, attached, store, encoder, progress)
    return report


async def _read(material: Material, report: IngestReport, progress: Progress) -> tuple[list[Page], Sequence[GraphFile]]:
    progress.stage("Reading", None)
    account = Account()
    pages = []
    async for page in read_sources(material.sources, material.root, account):
        pages.append(page)
        progress.advance()
    report.files, report.skipped = account.files, account.skipped
    report.without_address = account.without_address
    return pages, account.graphs


def _cut(material: Material, pages: Sequence[Page], report: IngestReport) -> list[Passage]:
    passages: list[Passage] = []
    for number, page in enumerate(pages):
        source = material.sources[page.source]
        placement = Placement(page.source, number, page.url, source.trust, source.release)
        cut = chunk(page.document, placement, material.chunking)
        if len(cut) > POSITIONS_PER_PAGE:
            report.skipped.append((page.source, page.document.path, f"too long for one page: {len(cut)} passages"))
            continue
        passages += cut
    return passages


def _digest(passages: Sequence[Passage], embedder: Embedder | None, concepts: str) -> str:
    """Equal digests mean equal indexes: content, places, links, releases, models, foreign graphs and format."""
    digest = blake2b(f"{FORMAT}\x1f{embedder.name if embedder else ''}\x1f{concepts}".encode(), digest_size=16)
    for p in passages:
        digest.update(
            "\x1f".join((str(p.id), str(p.source), p.content_hash, p.path, p.url, p.trust, str(p.release))).encode()
        )
    return digest.hexdigest()


@asynccontextmanager
async def _current(store: IndexStore) -> AsyncIterator[PassageIndex | None]:
    """The index that is in use, None where there is none or it cannot be read and is to be replaced."""
    try:
        index = await store.open()
    except (IndexMissing, IndexMismatch, IndexDamaged):
        yield None
        return
    try:
        yield index
    finally:
        await index.close()


async def _known_vectors(current: PassageIndex | None, embedder: Embedder | None) -> Mapping[str, Vector]:
    """What need not be embedded again. Vectors that cannot be read any more are no reason to fail."""
    if current is None or embedder is None or current.manifest.embedding != embedder.name:
        return {}
    try:
        return await current.vectors()
    except StoreError:
        return {}


def _check(report: IngestReport, last: Manifest | None, force: bool, missed: str | None) -> None:
    if force:
        return
    reasons = Counter(reason for _, _, reason in report.skipped).most_common(3)
    why = "; ".join(f"{reason} ({count})" for reason, count in reasons) or "no files were found"
    if report.passages == 0:
        raise IndexRejected(
            f"nothing could be read from the sources of {report.course}: {why}",
            "Check `path`, `include` and `exclude` in the course file.",
        )
    if last is not None and last.embedding is not None and last.embedding == missed:
        raise IndexRejected(
            f"the current index has vectors of {missed}, which cannot be loaded now; the new one would be lexical only",
            "Try again when the model can be had, or run `erica ingest --force`. The current index stays in use.",
        )
    if last is not None and report.passages < last.passages * _SMALLEST_SHARE:
        raise IndexRejected(
            f"the new index would hold {report.passages} passages, the current one holds {last.passages}",
            "If that is meant, run `erica ingest --force`. The current index stays in use.",
        )


def _embed(
    passages: Sequence[Passage],
    embedder: Embedder | None,
    known: Mapping[str, Vector],
    report: IngestReport,
    progress: Progress,
) -> Mapping[str, Vector]:
    if embedder is None:
        return {}
    missing = {p.content_hash: p for p in passages if p.content_hash not in known}
    report.embedded, report.reused = len(missing), len(passages) - len(missing)
    progress.stage("Embedding", len(missing))
    vectors = dict(known)
    todo = list(missing.values())
    for start in range(0, len(todo), _BATCH):
        batch = todo[start : start + _BATCH]
        texts = [embedded_text(p.title, p.headings, p.text) for p in batch]
        vectors.update(zip((p.content_hash for p in batch), embedder.embed_passages(texts), strict=True))
        progress.advance(len(batch))
    return vectors


async def _store(
    passages: Sequence[Passage],
    texts: Sequence[str],
    vectors: Mapping[str, Vector],
    manifest: Manifest,
    attached: Mapping[str, bytes],
    store: IndexStore,
    encoder: TermEncoder,
    progress: Progress,
) -> str:
    progress.stage("Storing", len(passages))
    builder = await store.build(manifest.dimensions)
    try:
        for start in range(0, len(passages), _BATCH):
            batch = [
                IndexedPassage(p, vectors.get(p.content_hash), encoder.document(text, manifest.mean_length))
                for p, text in zip(passages[start : start + _BATCH], texts[start : start + _BATCH], strict=True)
            ]
            await builder.add(batch)
            progress.advance(len(batch))
        for name, data in attached.items():
            await builder.attach(name, data)
        return await builder.switch(manifest)
    except BaseException:
        await builder.discard()
        raise


def _describe(
    material: Material,
    passages: Sequence[Passage],
    texts: Sequence[str],
    vectors: Mapping[str, Vector],
    encoder: TermEncoder,
    embedder: Embedder | None,
    digest: str,
) -> Manifest:
    terms: Counter[int] = Counter()
    spoken: Counter[str] = Counter()
    length = 0
    for text in texts:
        counts = encoder.counts(text)
        terms.update(counts.keys())
        length += sum(counts.values())
        spoken.update(set(words(text)))
    mean, deviation = background(embedder, [vectors[p.content_hash] for p in passages]) if embedder else (0.0, 1.0)
    return Manifest(
        course=material.course,
        digest=digest,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        passages=len(passages),
        pages=len({p.page for p in passages}),
        mean_length=length / max(len(passages), 1),
        embedding=embedder.name if embedder else None,
        dimensions=embedder.dimensions if embedder else None,
        cosine_mean=mean,
        cosine_deviation=deviation,
        last_release=max((p.release.toordinal() for p in passages if p.release), default=0),
        words=dict(spoken),
        terms=dict(terms),
        notes=tuple(sorted({p.page for p in passages if p.trust == "notes"})),
        pointers=tuple(p.id for p in passages if points_elsewhere(p.headings)),
    )


@contextmanager
def _timed(report: IngestReport, stage: str) -> Iterator[None]:
    start = time.perf_counter()
    try:
        yield
    finally:
        report.seconds[stage] = round(time.perf_counter() - start, 3)
