"""Indexes on a Qdrant server: a collection an index, aliases that name the current one and the one before.

Import this module only where a server is configured; the client takes half a second to load.
"""

import base64
import json
import re
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from qdrant_client import AsyncQdrantClient, models

from retrieval.adapters.payload import DENSE, LEXICAL, RELEASE, to_payload
from retrieval.adapters.pointer import Pointer
from retrieval.adapters.qdrant_errors import translated
from retrieval.adapters.qdrant_server_index import (
    ATTACHED,
    ATTACHED_ID,
    MANIFEST,
    MANIFEST_ID,
    QdrantIndex,
    read_manifest,
)
from retrieval.errors import IndexMissing, NoEarlierIndex, StoreError
from retrieval.manifest import Manifest
from retrieval.ports import IndexedPassage

_TIMEOUT_SECONDS = 10
_REMEMBERED_SECONDS = 5.0
# A server takes at most 32 MB a request; 64 passages stay below that with vectors of any usual length.
_POINTS = 64
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
                return QdrantIndex(self._client, name, await read_manifest(self._client, name))
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
            payload = {ATTACHED: name, "of": len(pieces), "number": number, "piece": piece}
            point = models.PointStruct(id=ATTACHED_ID - self._attached, vector={}, payload=payload)
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
        payload = {MANIFEST: json.dumps(manifest.to_json())}
        with translated():
            point = models.PointStruct(id=MANIFEST_ID, vector={}, payload=payload)
            await self._client.upsert(self._name, [point], wait=True)
        await read_manifest(self._client, self._name)
        await self._store.switch(self._name)
        return self._name

    async def discard(self) -> None:
        """Delete the collection; where the server is gone, the next build does.

        Not if it is in use: an answer that came too late may have hidden that the switch was done.
        """
        with suppress(StoreError):
            if (await self._store.pointer()).current != self._name:
                await _delete(self._client, self._name)


async def _delete(client: AsyncQdrantClient, name: str) -> None:
    with translated():
        await client.delete_collection(name)


def _vectors(entry: IndexedPassage) -> dict[str, Any]:
    vectors: dict[str, Any] = {LEXICAL: models.SparseVector(indices=entry.sparse.indices, values=entry.sparse.values)}
    if entry.dense is not None:
        vectors[DENSE] = entry.dense.tolist()
    return vectors
