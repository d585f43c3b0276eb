"""What the durable intake writes into Redis besides the event itself, and how it is read back. Speaks to nobody."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import quote

from bot.intake import DeadLetter, Incoming, Progress, UnreadableIncoming, from_json

_LONGEST_PART = 200  # characters of a course or an author that are kept readable


def lane_part(name: str) -> str:
    """A course or an author as a part of a lane: printable, without colons, at most 200 characters; no two alike."""
    part = quote(name.encode("utf-8", "surrogatepass"), safe="")
    # A readable part never holds a bare "#", so the two kinds cannot meet.
    return part if len(part) <= _LONGEST_PART else f"#{hashlib.sha256(part.encode()).hexdigest()}"


def progress_from(stored: bytes | str) -> Progress:
    """Progress as the scripts keep it: a JSON object, or nothing."""
    fields = json.loads(stored or "{}")
    texts = {name: value for name in ("placeholder", "nonce", "thread") if isinstance(value := fields.get(name), str)}
    further = fields.get("further") or ()  # Lua writes an empty list as {}
    return Progress(**texts, further=tuple(str(message) for message in further))


def dead_letter_from(entry_id: str, fields: Mapping[bytes | str, bytes | str]) -> DeadLetter:
    """A dead letter as its stream holds it."""
    known = {text_of(field): text_of(value) for field, value in fields.items()}
    incoming: Incoming | None = None
    with suppress(UnreadableIncoming):
        incoming = from_json(known["body"])
    buried = int(entry_id.partition("-")[0]) / 1000
    progress = progress_from(known["progress"])
    return DeadLetter(entry_id, incoming, known["reason"], int(known["attempts"]), progress, buried)


def is_entry_id(text: str) -> bool:
    """Whether it looks like the id of a stream's entry; Redis would call anything else an error."""
    parts = text.split("-")
    return len(parts) == 2 and all(part.isascii() and part.isdigit() and len(part) < 20 for part in parts)


def without_half_characters(text: str) -> str:
    """Half a surrogate pair, which no store takes, becomes `?`."""
    return text.encode("utf-8", "replace").decode()


def text_of(value: bytes | str) -> str:
    """Text as any client returns it."""
    return value.decode() if isinstance(value, bytes) else value


def milliseconds(seconds: float) -> int:
    """Redis counts in these."""
    return int(seconds * 1000)
