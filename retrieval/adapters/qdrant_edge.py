"""Indexes in Qdrant Edge, in this process: a folder an index, a pointer file that names the current one.

Shards are written without a write-ahead log and flushed once at the end. An index never changes after
that, so any number of processes may have it open; with the log on, Edge would let in only one.
"""

import json
import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import qdrant_edge as edge
from filelock import FileLock, Timeout

from retrieval.adapters.payload import DENSE, LEXICAL, to_payload
from retrieval.adapters.pointer import Pointer, read_pointer, write_pointer
from retrieval.adapters.qdrant_edge_index import ATTACHED, MANIFEST, EdgeIndex, translated
from retrieval.errors import IndexMissing, NoEarlierIndex, StoreError
from retrieval.manifest import Manifest
from retrieval.ports import IndexedPassage

# Bytes; an index begins with some files of 32 MB that only some file systems keep sparse.
_ROOM = 64 << 20


class EdgeIndexStore:
    """One course's indexes below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pointer = folder / "current.json"
        self._seen: tuple[tuple[int, int], str | None] | None = None

    async def version(self) -> str | None:
        """Looks whether the pointer file is another one than last time, some 5 microseconds."""
        try:
            status = self._pointer.stat()
        except OSError:
            return read_pointer(self._pointer).current
        mark = (status.st_ino, status.st_mtime_ns)
        if self._seen is None or self._seen[0] != mark:
            self._seen = (mark, read_pointer(self._pointer).current)
        return self._seen[1]

    async def open(self) -> "EdgeIndex":
        """Load the current index; a switch in the very moment of opening is followed."""
        for _ in range(3):
            name = read_pointer(self._pointer).current
            if name is None:
                raise IndexMissing("nothing has been ingested yet", "Run `erica ingest COURSE.toml` first.")
            try:
                return EdgeIndex(self._folder / name)
            except StoreError:
                if read_pointer(self._pointer).current == name:
                    raise
        raise StoreError("the index keeps changing while it is opened", "Wait for the running ingest to end.")

    async def build(self, dimensions: int | None) -> "EdgeIndexBuilder":
        """Start an empty index. What crashed builds left behind is swept away first."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # The system takes the lock back from a process that dies.
            lock = FileLock(self._folder / "ingest.lock", timeout=0, thread_local=False)
            lock.acquire()
            try:
                _sweep(self._folder, self._pointer)
                name = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
                return EdgeIndexBuilder(self._folder / name, self._pointer, dimensions, lock)
            except BaseException:
                lock.release()
                raise
        except Timeout as error:
            raise StoreError(
                "another ingest is writing this course's index", "Wait for it to end, then run yours again."
            ) from error
        except OSError as error:
            raise StoreError(f"cannot write to {self._folder}: {error}", "Check rights and free space.") from error

    async def rollback(self) -> str:
        """Swap current and previous."""
        pointer = read_pointer(self._pointer)
        if pointer.current is None:
            raise IndexMissing("nothing has been ingested yet", "Run `erica ingest COURSE.toml` first.")
        if pointer.previous is None or not (self._folder / pointer.previous / MANIFEST).exists():
            raise NoEarlierIndex("there is no earlier index to go back to", "Run `erica ingest` instead.")
        write_pointer(self._pointer, Pointer(pointer.previous, pointer.current))
        return pointer.previous


class EdgeIndexBuilder:
    """Writes one new shard and switches to it."""

    def __init__(self, folder: Path, pointer: Path, dimensions: int | None, lock: FileLock) -> None:
        self._folder, self._pointer, self._lock = folder, pointer, lock
        self._count = self._bytes = 0
        self._need(_ROOM)
        try:
            self._shard = self._create(dimensions)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _create(self, dimensions: int | None) -> edge.EdgeShard:
        (self._folder / "shard").mkdir(parents=True)
        vectors = {DENSE: edge.EdgeVectorParams(size=dimensions, distance=edge.Distance.Cosine)} if dimensions else None
        sparse = {LEXICAL: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)}
        config = edge.EdgeConfig(vectors=vectors, sparse_vectors=sparse, wal_enabled=False)
        shard: edge.EdgeShard = translated(edge.EdgeShard.create, str(self._folder / "shard"), config)
        return shard

    async def add(self, passages: Sequence[IndexedPassage]) -> None:
        """Upsert; visible to nobody until `switch`."""
        size = sum(map(_size, passages))
        self._need(_ROOM // 4 + 2 * size)
        self._bytes += size
        points = [
            edge.Point(id=entry.passage.id, vector=_vectors(entry), payload=to_payload(entry.passage))
            for entry in passages
        ]
        translated(self._shard.update, edge.UpdateOperation.upsert_points(points))
        self._count += len(points)

    async def attach(self, name: str, data: bytes) -> None:
        """A file beside the shard."""
        self._need(_ROOM // 4 + 2 * len(data))
        try:
            with (self._folder / f"{name}{ATTACHED}").open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise StoreError(f"cannot write the index: {error}", "Check the free space.") from error

    async def switch(self, manifest: Manifest) -> str:
        """Optimise, flush, count, and only then point to the new index."""
        self._need(_ROOM // 4 + 2 * self._bytes)
        translated(self._shard.optimize)
        translated(self._shard.flush)
        stored = translated(self._shard.count, edge.CountRequest(exact=True))
        translated(self._shard.close)
        if stored != self._count:
            raise StoreError(f"the new index holds {stored} of {self._count} passages", "Run `erica ingest` again.")
        try:
            with (self._folder / MANIFEST).open("w", encoding="utf-8") as stream:
                json.dump(manifest.to_json(), stream)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise StoreError(f"cannot write the index: {error}", "Check the free space.") from error
        await EdgeIndex(self._folder).close()  # it must open before anybody is sent to it
        write_pointer(self._pointer, Pointer(self._folder.name, self._last()))
        _sweep(self._folder.parent, self._pointer)  # who has an older one open keeps it until it is closed
        self._lock.release()
        return self._folder.name

    def _last(self) -> str | None:
        try:
            return read_pointer(self._pointer).current
        except StoreError:
            return None

    async def discard(self) -> None:
        """Remove the folder, unless an interruption came when it had been switched in already."""
        if self._last() != self._folder.name:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.release()

    def _need(self, bytes_: int) -> None:
        """Edge writes to mapped files, and where the disk is full that ends the process without a word."""
        free = shutil.disk_usage(self._folder.parent).free
        if free < bytes_:
            raise StoreError(
                f"the disk is nearly full: {free >> 20} MB are free at {self._folder.parent}, the new index needs"
                f" {(bytes_ >> 20) + 1} MB",
                "Make room, then run `erica ingest` again. The current index stays in use.",
            )


def _sweep(folder: Path, file: Path) -> None:
    """Remove what is neither current nor previous: older indexes, and what crashed builds left behind."""
    try:
        pointer = read_pointer(file)
    except StoreError:
        return  # nobody knows which of them is in use; the switch writes the pointer anew
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name not in (pointer.current, pointer.previous):
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name.startswith(f"{file.name}."):
            entry.unlink(missing_ok=True)


def _vectors(entry: IndexedPassage) -> dict[str, Any]:
    vectors: dict[str, Any] = {LEXICAL: edge.SparseVector(indices=entry.sparse.indices, values=entry.sparse.values)}
    if entry.dense is not None:
        vectors[DENSE] = entry.dense.tolist()
    return vectors


def _size(entry: IndexedPassage) -> int:
    """About how many bytes a passage takes on disk."""
    dense = 0 if entry.dense is None else entry.dense.nbytes
    return dense + 16 * len(entry.sparse.indices) + 2 * len(entry.passage.text) + 500
