"""One index in Qdrant Edge, open for reading. It never changes, so any number of processes may have it open."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as edge

from retrieval.adapters.payload import DENSE, HASH, LEXICAL, RELEASE, from_payload
from retrieval.errors import IndexDamaged, StoreError
from retrieval.manifest import Manifest
from retrieval.passage import Passage
from retrieval.ports import Arms, Hit, SparseVector, Vector

MANIFEST = "manifest.json"
ATTACHED = ".attached"
"""The ending of files that were attached to an index."""

_SCROLL = 1000


class EdgeIndex:
    """One index, open for reading."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            fields = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise IndexDamaged(
                f"the index in {folder} is damaged: {error}", "Run `erica rollback`, or `erica ingest` again."
            ) from error
        self._manifest = Manifest.from_json(fields)
        try:
            self._shard = translated(edge.EdgeShard.load, str(folder / "shard"))
        except StoreError as error:
            raise IndexDamaged(str(error), error.hint) from error
        # Edge opens what is left of a shard after some of its files are gone, and finds nothing in it.
        stored = translated(self._shard.count, edge.CountRequest(exact=True))
        if stored != self._manifest.passages:
            raise IndexDamaged(
                f"the index in {folder} is damaged: {stored} of {self._manifest.passages} passages are left",
                "Run `erica rollback`, or `erica ingest` again.",
            )

    @property
    def manifest(self) -> Manifest:
        """The manifest file's content."""
        return self._manifest

    async def search(self, dense: Vector | None, sparse: SparseVector, limit: int, today: date) -> Arms:
        """Both arms in one batch. Edge answers within a millisecond, so it runs in the event loop."""
        queries = []
        if sparse.indices:
            named = edge.SparseVector(indices=sparse.indices, values=sparse.values)
            queries.append(self._request(edge.Query.Nearest(named, using=LEXICAL), limit, today))
        if dense is not None:
            queries.append(self._request(edge.Query.Nearest(dense.tolist(), using=DENSE), limit, today))
        if not queries:
            return Arms((), ())
        answers = [_hits(points) for points in translated(self._shard.query_batch, edge.QueryBatchRequest(queries))]
        lexical = answers[0] if sparse.indices else []
        return Arms(dense=answers[-1] if dense is not None else [], lexical=lexical)

    def _request(self, query: Any, limit: int, today: date) -> edge.QueryRequest:
        return edge.QueryRequest(limit=limit, query=query, filter=self._released(today), with_payload=False)

    def _released(self, today: date) -> edge.Filter | None:
        """The filter costs time; it is left out once everything in the index has been released."""
        if self._manifest.last_release <= today.toordinal():
            return None
        span = edge.RangeFloat(lte=today.toordinal())
        return edge.Filter(must=[edge.FieldCondition(key=RELEASE, range=span)])

    async def passages(self, ids: Sequence[int], today: date) -> Mapping[int, Passage]:
        """Load payloads by id."""
        records = translated(self._shard.retrieve, list(ids), with_payload=True, with_vector=False)
        day = today.toordinal()
        return {
            int(record.id): from_payload(int(record.id), record.payload)
            for record in records
            if record.payload[RELEASE] <= day
        }

    async def vectors(self) -> Mapping[str, Vector]:
        """Scroll through the whole shard."""
        found: dict[str, Vector] = {}
        if self._manifest.dimensions is None:
            return found
        offset = None
        while True:
            request = edge.ScrollRequest(offset=offset, limit=_SCROLL, with_payload=[HASH], with_vector=[DENSE])
            records, offset = translated(self._shard.scroll, request)
            for record in records:
                if record.vector and DENSE in record.vector:
                    found[record.payload[HASH]] = np.asarray(record.vector[DENSE], dtype=np.float32)
            if offset is None:
                return found

    async def attachment(self, name: str) -> bytes | None:
        """Read the file."""
        try:
            return (self._folder / f"{name}{ATTACHED}").read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"cannot read the index: {error}", "Run `erica ingest` again.") from error

    async def close(self) -> None:
        """Unmap the files."""
        self._shard.close()


def _hits(points: Sequence[edge.ScoredPoint]) -> list[Hit]:
    return sorted((Hit(int(p.id), float(p.score)) for p in points), key=lambda hit: (-hit.score, hit.id))


def translated(call: Any, *arguments: Any, **options: Any) -> Any:
    """The result of a call of the binding. Raises StoreError for whatever that raises."""
    try:
        return call(*arguments, **options)
    except BaseException as error:
        # The binding raises bare exceptions of several kinds, and where Rust panics one that is no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise StoreError(f"Qdrant Edge: {error}", "Check the free space, then run `erica ingest` again.") from error
