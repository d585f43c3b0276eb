"""Finds the files of a source on disk. Nothing outside the source's folder is ever opened."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from retrieval.errors import SourceError, UnreadableFile
from retrieval.globs import selected

LARGEST_FILE = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that does not become a page, and why, in words for its author."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of a source. `path` is POSIX and relative to the source, `location` where its bytes are."""

    path: str
    location: Path

    def read(self) -> bytes:
        """The bytes. Raises UnreadableFile where the file is too large, special or not ours to read."""
        try:
            # Opened without blocking, so that a named pipe cannot hold the ingest for ever.
            handle = os.open(self.location, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise UnreadableFile(f"cannot be opened: {error.strerror}") from error
        with os.fdopen(handle, "rb") as stream:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableFile("not a regular file")
            if status.st_size > LARGEST_FILE:
                raise UnreadableFile(f"larger than {LARGEST_FILE >> 20} MB ({status.st_size / (1 << 20):.0f} MB)")
            try:
                return stream.read(LARGEST_FILE + 1)
            except OSError as error:
                raise UnreadableFile(f"cannot be read: {error.strerror}") from error


def find(root: Path, include: tuple[str, ...], exclude: tuple[str, ...]) -> Iterator[FoundFile | Skipped]:
    """Every file below `root` (or `root` itself, if it is a file) in a fixed order.

    Hidden files and folders, judged relative to `root`, are no material and are passed over. Links are
    followed while they stay inside; each folder is entered once, so loops end. Raises SourceError.
    """
    try:
        real = root.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise SourceError(f"{root} does not exist", "Correct the source's `path` in the course file.") from error
    if real.is_file():
        yield FoundFile(root.name, real)
        return
    if not os.access(real, os.R_OK | os.X_OK):
        raise SourceError(f"{root} may not be read", "Give the user who runs Erica read access.")
    yield from _walk(real, real, (), {real}, include, exclude)


def _walk(
    root: Path,
    folder: Path,
    parts: tuple[str, ...],
    entered: set[Path],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
) -> Iterator[FoundFile | Skipped]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield Skipped("/".join(parts), f"folder cannot be opened: {error.strerror}")
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        inside = (*parts, entry.name)
        path = "/".join(inside)
        try:
            real = Path(entry.path).resolve(strict=True) if entry.is_symlink() else folder / entry.name
            is_folder = real.is_dir()
        except (OSError, RuntimeError):
            yield Skipped(path, "a link that leads nowhere")
            continue
        if entry.is_symlink() and not real.is_relative_to(root):
            yield Skipped(path, "a link that leads out of the source's folder")
        elif is_folder and real in entered:
            yield Skipped(path, "a link to a folder that is read already")
        elif is_folder:
            entered.add(real)
            yield from _walk(root, real, inside, entered, include, exclude)
        elif selected(path, include, exclude):
            yield FoundFile(path, real)
