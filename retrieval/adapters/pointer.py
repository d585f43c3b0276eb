"""The small file that says which index is current: replaced as a whole, or not at all."""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from retrieval.errors import IndexDamaged, StoreError


@dataclass(frozen=True, slots=True)
class Pointer:
    """Names of the current index and of the one before it."""

    current: str | None = None
    previous: str | None = None


def read_pointer(file: Path) -> Pointer:
    """An absent file means that there is no index yet. Raises StoreError where it cannot be understood."""
    try:
        fields = json.loads(file.read_text(encoding="utf-8"))
        return Pointer(fields["current"], fields.get("previous"))
    except FileNotFoundError:
        return Pointer()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IndexDamaged(
            f"cannot read {file}: {error}", "Run `erica ingest` again; it writes this file anew."
        ) from error


def write_pointer(file: Path, pointer: Pointer) -> None:
    """Switch atomically: the new file is on disk in full before it takes the old one's name."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8") as stream:
            json.dump({"current": pointer.current, "previous": pointer.previous}, stream)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise StoreError(f"cannot write {file}: {error}", "Check the free space and the rights there.") from error
    with suppress(OSError):  # the switch is done; not every system lets a folder be synced
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
