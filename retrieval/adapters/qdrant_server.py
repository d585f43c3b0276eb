"""Indexes on a Qdrant server: a collection an index, aliases that name the current one and the one before.

Import this module only where a server is configured; the client takes half a second to load.
"""

import base64
import json
import re
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from qdrant_client import AsyncQdrantClient, models

from retrieval.adapters.payload import DENSE, HASH, LEXICAL, RELEASE, from_payload, to_payload
from retrieval.adapters.pointer import Pointer
from retrieval.adapters.qdrant_errors import translated
from retrieval.errors import IndexDamaged, IndexMissing, NoEarlierIndex, StoreError
from retrieval.manifest import Manifest
from retrieval.passage import Passage
from retrieval.ports import Arms, Hit, IndexedPassage, SparseVector, Vector

_TIMEOUT_SECONDS = 10
_REMEMBERED_SECONDS = 5.0
# A server takes at most 32 MB a request; 64 passages stay below that with vectors of any usual length.
_POINTS = 64
_SCROLL = 256
# The manifest travels with its index, as a point without vectors, which no search can find. No page
# number is so high that a passage could have this id.
_MANIFEST_ID = 2**63 - 1
_MANIFEST = "manifest"
_ATTACHED_ID = _MANIFEST_ID - 1
_LOWEST_OWN_ID = _MANIFEST_ID - 100_000
_ATTACHED = "attached"
_PIECE = 4 << 20


def connect(url: str, api_key: str | None = None, timeout: int = _TIMEOUT_SECONDS) -> AsyncQdrantClient:
    """A client; nothing is sent yet. `timeout` in seconds, per request. An address without a port means 6333.

    Raises StoreError where the address is none.
    """
    try:
        return AsyncQdrantClient(url=url, api_key=api_key, timeout=timeout, check_compatibility=False)
    except ValueError as error:
        raise StoreError(f"{url!r} is not the address of a Qdrant server", "Correct ERICA_QDRANT_URL.") from error


class QdrantIndexStore:
    """One course's indexes on a server.

    Collections are named `prefix-course-time`. The alias `prefix-course` is the current one and
    `prefix-course.previous` the one before; a dot, because a course's id may end in "-previous".
    """

    def __init__(
        self,
        client: AsyncQdrantClient,
        course: str,
        prefix: str = "erica",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """The client stays the caller's to close; several stores may share it."""
        self._client, self._clock = client, clock
        self._alias, self._previous = f"{prefix}-{course}", f"{prefix}-{course}.previous"
        # A course may be called like another with more behind it: `ai`, `ai-2026`.
        self._ours = re.compile(re.escape(self._alias) + r"-\d{8}T\d{12}")
        self._seen: tuple[float, str | None] | None = None

    async def version(self) -> str | None:
        """The current collection; the server is asked at most every five seconds."""
        if self._seen is None or self._clock() - self._seen[0] >= _REMEMBERED_SECONDS:
            return (await self.pointer()).current
        return self._seen[1]

    async def open(self) -> "QdrantIndex":
        """Look up the current index and read its manifest; a switch in that very moment is followed."""
        for _ in range(3):
            name = (await self.pointer()).current
            if name is None:
                raise IndexMissing("nothing has been ingested yet", "Run `erica ingest COURSE.toml` first.")
            try:
                return QdrantIndex(self._client, name, await _read_manifest(self._client, name))
            except StoreError:
                if (await self.pointer()).current == name:
                    raise
        raise StoreError("the index keeps changing while it is opened", "Wait for the running ingest to end.")

    async def build(self, dimensions: int | None) -> "QdrantIndexBuilder":
        """Create an empty collection. What crashed builds left behind is swept away first."""
        await self._sweep()
        name = f"{self._alias}-{datetime.now(UTC).strftime('%Y%m%dT%H%M%S%f')}"
        dense = models.VectorParams(size=dimensions, distance=models.Distance.COSINE) if dimensions else None
        with translated():
            await self._client.create_collection(
                name,
                vectors_config={DENSE: dense} if dense else {},
                sparse_vectors_config={LEXICAL: models.SparseVectorParams(modifier=models.Modifier.IDF)},
            )
            # Before the points come, so that the server builds its vector index with the filter in mind.
            await self._client.create_payload_index(name, RELEASE, models.PayloadSchemaType.INTEGER, wait=True)
        return QdrantIndexBuilder(self._client, name, self)

    async def rollback(self) -> str:
        """Swap the two aliases."""
        pointer = await self.pointer()
        if pointer.current is None:
            raise IndexMissing("nothing has been ingested yet", "Run `erica ingest COURSE.toml` first.")
        if pointer.previous is None:
            raise NoEarlierIndex("there is no earlier index to go back to", "Run `erica ingest` instead.")
        await self._point(pointer, Pointer(pointer.previous, pointer.current))
        return pointer.previous

    async def switch(self, name: str) -> None:
        """Make a finished collection the current one; what was the previous one before goes."""
        before = await self.pointer()
        await self._point(before, Pointer(name, before.current))
        if before.previous is not None:
            with suppress(StoreError):  # the switch is done; the next build sweeps
                await _delete(self._client, before.previous)

    async def pointer(self) -> Pointer:
        """What the aliases say now."""
        with translated():
            aliases = (await self._client.get_aliases()).aliases
        names = {alias.alias_name: alias.collection_name for alias in aliases}
        self._seen = (self._clock(), names.get(self._alias))
        return Pointer(names.get(self._alias), names.get(self._previous))

    async def _point(self, old: Pointer, new: Pointer) -> None:
        """Move both aliases in one request, which the server carries out as a whole."""
        changes: list[models.AliasOperations] = []
        for alias, held, wanted in (
            (self._alias, old.current, new.current),
            (self._previous, old.previous, new.previous),
        ):
            if held is not None:
                changes.append(models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias)))
            if wanted is not None:
                create = models.CreateAlias(collection_name=wanted, alias_name=alias)
                changes.append(models.CreateAliasOperation(create_alias=create))
        with translated():
            await self._client.update_collection_aliases(changes)
        self._seen = (self._clock(), new.current)

    async def _sweep(self) -> None:
        with translated():
            names = [found.name for found in (await self._client.get_collections()).collections]
        # Asked for after the names, so that an index switched in meanwhile is not taken for a leftover.
        pointer = await self.pointer()
        for name in names:
            if self._ours.fullmatch(name) and name not in (pointer.current, pointer.previous):
                await _delete(self._client, name)


class QdrantIndexBuilder:
    """Fills one new collection and has it switched in."""

    def __init__(self, client: AsyncQdrantClient, name: str, store: QdrantIndexStore) -> None:
        self._client, self._name, self._store = client, name, store
        self._count = self._attached = 0

    async def add(self, passages: Sequence[IndexedPassage]) -> None:
        """Upsert, some passages a request; visible to nobody until `switch`."""
        for start in range(0, len(passages), _POINTS):
            points = [
                models.PointStruct(id=entry.passage.id, vector=_vectors(entry), payload=to_payload(entry.passage))
                for entry in passages[start : start + _POINTS]
            ]
            with translated():
                await self._client.upsert(self._name, points, wait=True)
            self._count += len(points)

    async def attach(self, name: str, data: bytes) -> None:
        """Points without vectors that hold a stretch each, since a request has a limit."""
        text = base64.b64encode(zlib.compress(data)).decode()
        pieces = [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
        for number, piece in enumerate(pieces):
            payload = {_ATTACHED: name, "of": len(pieces), "number": number, "piece": piece}
            point = models.PointStruct(id=_ATTACHED_ID - self._attached, vector={}, payload=payload)
            with translated():
                await self._client.upsert(self._name, [point], wait=True)
            self._attached += 1

    async def switch(self, manifest: Manifest) -> str:
        """Count, add the manifest, read it back, and only then point the alias here."""
        with translated():
            stored = (await self._client.count(self._name, exact=True)).count
        if stored != self._count + self._attached:
            raise StoreError(
                f"the new index holds {stored - self._attached} of {self._count} passages", "Run `erica ingest` again."
            )
        payload = {_MANIFEST: json.dumps(manifest.to_json())}
        with translated():
            point = models.PointStruct(id=_MANIFEST_ID, vector={}, payload=payload)
            await self._client.upsert(self._name, [point], wait=True)
        await _read_manifest(self._client, self._name)
        await self._store.switch(self._name)
        return self._name

    async def discard(self) -> None:
        """Delete the collection; where the server is gone, the next build does.

        Not if it is in use: an answer that came too late may have hidden that the switch was done.
        """
        with suppress(StoreError):
            if (await self._store.pointer()).current != self._name:
                await _delete(self._client, self._name)


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
        named = models.Filter(must=[models.FieldCondition(key=_ATTACHED, match=models.MatchValue(value=name))])
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


async def _read_manifest(client: AsyncQdrantClient, name: str) -> Manifest:
    with translated():
        records = await client.retrieve(name, [_MANIFEST_ID], with_payload=True)
    try:
        fields = json.loads((records[0].payload or {})[_MANIFEST])
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise IndexDamaged(
            f"the index {name} is damaged: it has no readable manifest",
            "Run `erica rollback`, or `erica ingest` again.",
        ) from error
    return Manifest.from_json(fields)


async def _delete(client: AsyncQdrantClient, name: str) -> None:
    with translated():
        await client.delete_collection(name)


def _vectors(entry: IndexedPassage) -> dict[str, Any]:
    vectors: dict[str, Any] = {LEXICAL: models.SparseVector(indices=entry.sparse.indices, values=entry.sparse.values)}
    if entry.dense is not None:
        vectors[DENSE] = entry.dense.tolist()
    return vectors


def _hits(points: Sequence[models.ScoredPoint]) -> list[Hit]:
    # Equal vectors differ in the last digits where they were summed up in another order.
    return sorted((Hit(int(p.id), round(float(p.score), 6)) for p in points), key=lambda hit: (-hit.score, hit.id))
