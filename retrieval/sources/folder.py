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
            handle = os.open(self.location, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
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
    followed while they stay inside and lead to nothing hidden or excluded. No file is yielded twice: its
    own place goes before any link to it. Raises SourceError.
    """
    try:
        real = root.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise SourceError(f"{root} does not exist", "Correct the source's `path` in the course file.") from error
    if real.is_file():
        yield FoundFile(root.name, real)
        return
    try:
        os.scandir(real).close()
    except OSError as error:
        raise SourceError(f"{root} may not be read", "Give the user who runs Erica read access.") from error
    search = _Search(real, include, exclude)
    search.walk(real, ())
    for link in sorted(search.links):
        search.follow(link)
    for parts in sorted(search.found):
        yield search.found[parts]


class _Search:
    """First what lies in a folder, then what its links lead to.

    A link's target lies inside the folder, so the first walk has met everything in it, further links
    included; none has to be followed from there, and no loop can arise.
    """

    def __init__(self, root: Path, include: tuple[str, ...], exclude: tuple[str, ...]) -> None:
        self._root, self._include, self._exclude = root, include, exclude
        self._taken: set[Path] = set()
        self.found: dict[tuple[str, ...], FoundFile | Skipped] = {}
        self.links: list[tuple[str, ...]] = []

    def walk(self, folder: Path, parts: tuple[str, ...], linked: bool = False) -> None:
        """Take the files of a folder; its paths begin with `parts`."""
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            self._skip(parts, f"folder cannot be opened: {error.strerror}")
            return
        for entry in entries:
            inside = (*parts, entry.name)
            if entry.name.startswith(".") or (linked and entry.is_symlink()):
                continue
            if not _is_text(entry.name):
                if not linked:
                    self._skip(inside, "its name is not UTF-8")
            elif entry.is_symlink():
                self.links.append(inside)
            elif entry.is_dir():
                self.walk(folder / entry.name, inside, linked)
            else:
                self._take(folder / entry.name, inside)

    def follow(self, link: tuple[str, ...]) -> None:
        """Take what a link leads to."""
        try:
            real = self._root.joinpath(*link).resolve(strict=True)
        except (OSError, RuntimeError):
            self._skip(link, "a link that leads nowhere")
            return
        taken = len(self._taken)
        if not real.is_relative_to(self._root):
            self._skip(link, "a link that leads out of the source's folder")
        elif any(part.startswith(".") for part in real.relative_to(self._root).parts):
            self._skip(link, "a link to something hidden")
        elif not real.is_dir():
            self._take(real, link)
        else:
            self.walk(real, link, linked=True)
            if len(self._taken) == taken:
                self._skip(link, "a link to a folder that is read or left out already")

    def _take(self, file: Path, parts: tuple[str, ...]) -> None:
        path, own = "/".join(parts), file.relative_to(self._root).as_posix()
        wanted = selected(path, self._include, self._exclude) and selected(own, (), self._exclude)
        if wanted and file not in self._taken:
            self._taken.add(file)
            self.found[parts] = FoundFile(path, file)

    def _skip(self, parts: tuple[str, ...], reason: str) -> None:
        readable = "/".join(parts).encode(errors="replace").decode()
        self.found[parts] = Skipped(readable, reason)


def _is_text(name: str) -> bool:
    """Whether a file's name is UTF-8; Python hands on other bytes as lone surrogates, which nothing else takes."""
    return not any("\ud800" <= character <= "\udfff" for character in name)
