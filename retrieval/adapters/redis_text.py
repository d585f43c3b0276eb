"""How names and values of any kind are written into Redis and read back. Knows nothing of what they are for."""

import hashlib
from urllib.parse import quote

_LONGEST_PART = 200  # characters of a name that are kept readable in a key


def key_part(name: str) -> str:
    """A name as a part of a key: printable, without colons and braces, at most 200 characters; no two alike."""
    quoted = quote(name.encode("utf-8", "surrogatepass"), safe="")
    if len(quoted) > _LONGEST_PART:
        # A readable name never holds a bare "#", so the two kinds cannot meet.
        return f"#{hashlib.sha256(quoted.encode()).hexdigest()}"
    return quoted


def as_bytes(value: bytes | str) -> bytes:
    """A value as it is stored: half a surrogate pair, which material may hold, is kept. Some clients decode."""
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
