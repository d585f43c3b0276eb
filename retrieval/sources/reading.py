"""The protocol that every reader follows."""

from typing import Protocol

from retrieval.passage import Document


class Reader(Protocol):
    """Turns the bytes of one file into a Document."""

    def __call__(self, path: str, data: bytes) -> Document:
        """Read one file.

        `path` is POSIX, relative to the source; a reader may take the title from it, and nothing else.
        Raises UnreadableFile with a reason that a course author understands.
        """
        ...
