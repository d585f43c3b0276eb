"""Pure: single values out of Slack's JSON, whatever is missing or malformed there; and its text as people read it."""

import html
import re
from collections.abc import Mapping
from typing import Any

Payload = Mapping[str, Any]

_NOTHING: Payload = {}
_TS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
_CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
# What people type comes with `<` escaped, so these are Slack's own, in code too; commands bring text as it was typed.
# https://docs.slack.dev/messaging/formatting-message-text/
_CONTROL = re.compile(
    r"<(?:(?P<sign>[@#!])(?P<id>[^<>|\s]+)|(?P<url>(?:[a-z][a-z0-9+.-]*://|mailto:|tel:)[^<>|\s]+))(?:\|(?P<label>[^<>]*))?>"
)
_MENTIONED = re.compile(r"\s*<(?:@(?P<user>[^<>|\s]+)|!subteam\^[^<>|\s]+)(?:\|[^<>]*)?>")


def part(payload: Payload, *path: str) -> Payload:
    """The object at a path; an empty one if there is none."""
    found: Any = payload
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else _NOTHING


def text(payload: Payload, *path: str) -> str:
    """The string at a path; "" if there is none."""
    found = part(payload, *path[:-1]).get(path[-1])
    return found if isinstance(found, str) else ""


def parts(payload: Payload, *path: str) -> tuple[Payload, ...]:
    """The objects in the list at a path; none if there is no list."""
    found = part(payload, *path[:-1]).get(path[-1])
    return tuple(each for each in found if isinstance(each, Mapping)) if isinstance(found, list) else ()


def seconds(ts: str) -> float | None:
    """A timestamp of Slack's in seconds since the epoch; None for what is none."""
    return float(ts) if _TS.fullmatch(ts) else None


def mentions(written: str, user: str) -> bool:
    """Whether a text, as Slack sends it, mentions a user."""
    return bool(user) and re.search(rf"<@{re.escape(user)}(?:\|[^<>]*)?>", written) is not None


def addresses_other(written: str, user: str) -> bool:
    """Whether a text, as Slack sends it, begins with a mention of somebody else, or of a group."""
    first = _MENTIONED.match(written)
    return first is not None and first["user"] != user


def plain(written: str, user: str = "") -> str:
    """A text of Slack's as people read it, without mentions of `user`. Code is as it was typed."""
    pieces = _CODE.split(_without(written, user))
    return "".join(html.unescape(_CONTROL.sub(_typed if at % 2 else _read, each)) for at, each in enumerate(pieces))


def _without(written: str, user: str) -> str:
    if not mentions(written, user):
        return written
    mention = rf"<@{re.escape(user)}(?:\|[^<>]*)?>"
    greeted = re.sub(rf"^\s*(?:{mention}[ \t]*[,:]?\s*)+", "", written)
    return re.sub(rf"[ \t]*{mention}", "", greeted).strip()


def _typed(found: re.Match[str]) -> str:
    """In code, Slack makes links of addresses alone: their label is what was typed."""
    return found["label"] or found["url"] or _read(found)


def _read(found: re.Match[str]) -> str:
    sign, label = found["sign"], found["label"]
    if sign == "@":
        return f"@{label}" if label else "@somebody"  # an id says nothing to a reader, and is nobody's business
    if sign == "#":
        return f"#{label}" if label else "another channel"
    if sign == "!":
        return label or "@" + found["id"].partition("^")[0]
    url = found["url"].removeprefix("mailto:")
    return url if not label or label in url else f"{label} ({url})"
