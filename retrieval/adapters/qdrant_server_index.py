"""One index on a Qdrant server, open for reading: a collection and its manifest."""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
from qdrant_client import AsyncQdrantClient, models

from retrieval.adapters.payload import DENSE, HASH, LEXICAL, RELEASE, from_payload
from retrieval.adapters.qdrant_errors import translated
from retrieval.errors import IndexDamaged
from retrieval.manifest import Manifest
from retrieval.passage import Passage
from retrieval.ports import Arms, Hit, SparseVector, Vector

_SCROLL = 256
# The manifest travels with its index, as a point without vectors, which no search can find. No page
# number is so high that a passage could have this id.
MANIFEST_ID = 2**63 - 1
MANIFEST = "manifest"
ATTACHED_ID = MANIFEST_ID - 1
_LOWEST_OWN_ID = MANIFEST_ID - 100_000
ATTACHED = "attached"


class QdrantIndex:
    """One collection, open for reading."""

    def __init__(self, client: AsyncQdrantClient, name: str, manifest: Manifest) -> None:
        self._client, self._name, self._manifest = client, name, manifest

    @property
    def manifest(self) -> Manifest:
        """The manifest point's content."""
        return self._manifest

    async def search(self, dense: Vector | None, sparse: SparseVector, limit: int, today: date) -> Arms:
        """Both arms in one request."""
        requests = []
        if sparse.indices:
            named = models.SparseVector(indices=sparse.indices, values=sparse.values)
            requests.append(self._request(named, LEXICAL, limit, today))
        if dense is not None:
            requests.append(self._request(dense.tolist(), DENSE, limit, today))
        if not requests:
            return Arms((), ())
        with translated():
            answers = await self._client.query_batch_points(self._name, requests)
        hits = [_hits(answer.points) for answer in answers]
        return Arms(dense=hits[-1] if dense is not None else [], lexical=hits[0] if sparse.indices else [])

    def _request(self, query: Any, using: str, limit: int, today: date) -> models.QueryRequest:
        return models.QueryRequest(
            query=query, using=using, limit=limit, filter=self._released(today), with_payload=False
        )

    def _released(self, today: date) -> models.Filter | None:
        """The filter costs time; it is left out once everything in the index has been released."""
        if self._manifest.last_release <= today.toordinal():
            return None
        return models.Filter(must=[models.FieldCondition(key=RELEASE, range=models.Range(lte=today.toordinal()))])

    async def passages(self, ids: Sequence[int], today: date) -> Mapping[int, Passage]:
        """Load payloads by id."""
        wanted = [id_ for id_ in ids if id_ < _LOWEST_OWN_ID]
        with translated():
            records = await self._client.retrieve(self._name, wanted, with_payload=True)
        day = today.toordinal()
        return {
            int(record.id): from_payload(int(record.id), record.payload)
            for record in records
            if record.payload and record.payload[RELEASE] <= day
        }

    async def vectors(self) -> Mapping[str, Vector]:
        """Scroll through the whole collection."""
        found: dict[str, Vector] = {}
        if self._manifest.dimensions is None:
            return found
        offset: Any = None
        while True:
            with translated():
                records, offset = await self._client.scroll(
                    self._name, limit=_SCROLL, offset=offset, with_payload=[HASH], with_vectors=[DENSE]
                )
            for record in records:
                if record.payload and isinstance(record.vector, dict) and DENSE in record.vector:
                    found[record.payload[HASH]] = np.asarray(record.vector[DENSE], dtype=np.float32)
            if offset is None:
                return found

    async def attachment(self, name: str) -> bytes | None:
        """Put the stretches together again."""
        named = models.Filter(must=[models.FieldCondition(key=ATTACHED, match=models.MatchValue(value=name))])
        pieces: dict[int, str] = {}
        expected, offset = 0, None
        while True:
            with translated():
                records, offset = await self._client.scroll(
                    self._name, scroll_filter=named, limit=4, offset=offset, with_payload=True
                )
            for record in records:
                payload = record.payload or {}
                expected = payload["of"]
                pieces[payload["number"]] = payload["piece"]
            if offset is None:
                break
        if len(pieces) != expected:
            raise IndexDamaged(
                f"the index {self._name} is damaged: {name} is incomplete", "Run `erica ingest --force`."
            )
        joined = "".join(piece for _, piece in sorted(pieces.items()))
        return zlib.decompress(base64.b64decode(joined)) if pieces else None

    async def close(self) -> None:
        """Nothing to let go of: the client is shared."""


async def read_manifest(client: AsyncQdrantClient, name: str) -> Manifest:
    """What the collection `name` says of itself. Raises StoreError."""
    with translated():
        records = await client.retrieve(name, [MANIFEST_ID], with_payload=True)
    try:
        fields = json.loads((records[0].payload or {})[MANIFEST])
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise IndexDamaged(
            f"the index {name} is damaged: it has no readable manifest",
            "Run `erica rollback`, or `erica ingest` again.",
        ) from error
    return Manifest.from_json(fields)


def _hits(points: Sequence[models.ScoredPoint]) -> list[Hit]:
    # Equal vectors differ in the last digits where they were summed up in another order.
    return sorted((Hit(int(p.id), round(float(p.score), 6)) for p in points), key=lambda hit: (-hit.score, hit.id))
