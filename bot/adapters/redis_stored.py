"""How names become parts of keys, and frozen dataclasses JSON, in Redis. Speaks to nobody."""

import hashlib
import json
import logging
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from pydantic import TypeAdapter

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_log = logging.getLogger(__name__)

_FORMAT = 1  # of the JSON; a field that is added, with a default, does not change it
_LONGEST_NAME = 200  # characters of a name that are kept readable in a key

T = TypeVar("T")


def key_part(name: str, safe: str = ":") -> str:
    """A foreign name as a part of a key: printable ASCII without braces, at most 200 characters; no two alike."""
    part = quote(name.encode("utf-8", "surrogatepass"), safe=safe)
    # A readable part never holds a bare "#", so the two kinds cannot meet.
    return part if len(part) <= _LONGEST_NAME else f"#{hashlib.sha256(part.encode()).hexdigest()}"


def to_stored(noun: "DataclassInstance") -> str:
    """A frozen dataclass as JSON; half a surrogate pair, which no store takes, becomes `?`."""
    return storable(json.dumps({"v": _FORMAT, **asdict(noun)}, ensure_ascii=False))


def from_stored(reader: TypeAdapter[T], stored: bytes | str | None) -> T | None:
    """What `to_stored` wrote; None for nothing, and for what this version cannot read, which is logged unquoted."""
    if stored is None:
        return None
    try:
        fields: Any = json.loads(stored)
        if isinstance(fields, dict) and fields.get("v") == _FORMAT:
            return reader.validate_python(fields)
    except (ValueError, RecursionError):
        # Its own words would bring a student's text into the log.
        pass
    _log.warning("something stored in Redis is not in a form that this version reads; left out")
    return None


def storable(text: str) -> str:
    """Half a surrogate pair becomes `?`."""
    return text.encode("utf-8", "replace").decode()


def text_of(value: bytes | str) -> str:
    """Text as any client returns it."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def milliseconds(lifetime: timedelta) -> int:
    """Redis counts in these."""
    return lifetime // timedelta(milliseconds=1)
