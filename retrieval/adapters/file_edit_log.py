"""What staff did to the concept graph, in a file beside the index: one line of JSON an edit, only ever appended to.

Knows nothing of what the edits mean.
"""

import asyncio
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from retrieval.edits import Edit
from retrieval.errors import StoreError

_log = logging.getLogger(__name__)

_LOCK_SECONDS = 10.0


class FileEditLog:
    """Implements `retrieval.ports.EditLog`. Any number of processes on one machine may share the file."""

    def __init__(self, file: Path) -> None:
        """Nothing is created before the first append; a second file, for locking, lies beside it then."""
        self._file = file

    async def edits(self) -> tuple[Edit, ...]:
        """The whole log; lines that cannot be read are left out and counted in the log. Raises StoreError."""
        with _translated("read", self._file):
            return await asyncio.to_thread(self._read)

    async def append(self, edit: Edit) -> None:
        """Add a line; it is on disk when this returns. Raises StoreError, and then nothing was added."""
        line = edit.to_json().encode("utf-8", "surrogatepass") + b"\n"
        with _translated("written", self._file):
            await asyncio.to_thread(self._append, line)

    async def version(self) -> str:
        """Made of what the file system says of the file, without reading it. Raises StoreError."""
        with _translated("read", self._file):
            try:
                status = self._file.stat()
            except FileNotFoundError:
                return ""
        return f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}" if status.st_size else ""

    def _read(self) -> tuple[Edit, ...]:
        try:
            *lines, tail = self._file.read_bytes().split(b"\n")
        except FileNotFoundError:
            return ()
        edits = [_edit_in(line) for line in lines if line.strip()]
        if lost := edits.count(None):
            _log.warning("%d of %d lines of %s cannot be read and are left out", lost, len(edits), self._file)
        # A last line without an end was torn by a crash, is being written just now, or was written by hand.
        edits.append(_edit_in(tail))
        return tuple(edit for edit in edits if edit is not None)

    def _append(self, line: bytes) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self._file}.lock", timeout=_LOCK_SECONDS):
            new = not self._file.exists()
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
            try:
                _mend(descriptor)
                _write(descriptor, line)
            finally:
                os.close(descriptor)
            if new:
                _sync_folder(self._file.parent)


def _mend(descriptor: int) -> None:
    """End the last line: a whole edit gets its line break, half of one was never acknowledged and goes."""
    size = os.lseek(descriptor, 0, os.SEEK_END)
    os.lseek(descriptor, 0, os.SEEK_SET)
    with os.fdopen(os.dup(descriptor), "rb") as stream:
        tail = stream.read().rpartition(b"\n")[2]
    if not tail:
        return
    if _edit_in(tail) is not None:
        _write(descriptor, b"\n")
        return
    _log.warning("the last line of the edit log was torn by a crash; %d bytes are cut off", len(tail))
    os.ftruncate(descriptor, size - len(tail))


def _write(descriptor: int, data: bytes) -> None:
    """All of it and on disk, or nothing of it."""
    size = os.lseek(descriptor, 0, os.SEEK_END)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # the line is written; not every system lets a folder be synced
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _edit_in(line: bytes) -> Edit | None:
    try:
        return Edit.from_json(line)
    except (ValueError, RecursionError):
        return None


@contextmanager
def _translated(done: str, file: Path) -> Iterator[None]:
    try:
        yield
    except Timeout as error:
        raise StoreError(
            f"another program has been writing to {file} for {_LOCK_SECONDS:g} s",
            f"Try again; if nothing of Erica's runs, remove {error.lock_file}.",
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(
            f"the edit log {file} could not be {done}: {reason}", "Check the free space and the rights there."
        ) from error
