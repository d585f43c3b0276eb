"""What the durable intake writes into Redis besides the event itself, and how it is read back. Speaks to nobody."""

import json
from collections.abc import Mapping
from contextlib import suppress

from bot.adapters.redis_stored import text_of
from bot.intake import DeadLetter, Incoming, Progress, UnreadableIncoming, from_json


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
