"""Marks Erica's messages with the delivery they are for, and finds them again by that mark."""

import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.adapters.slack_client import SlackClients
from bot.adapters.slack_errors import CLOSED, UNKNOWN, SlackRefused

_log = logging.getLogger(__name__)

ROOT = -1
"""In place of a part's number: the message that begins a thread."""
_ANSWER, _QUESTION = "erica_answer", "erica_question"
_MOST_PAGES = 20
_PATIENCE = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class Found:
    """A delivery's messages by part; and those of Erica's, oldest first, that do not say whose they are."""

    parts: Mapping[int, str]
    unmarked: tuple[str, ...] = ()


def mark(delivery: str, part: int) -> dict[str, Any]:
    """Metadata of a delivery's message."""
    payload: dict[str, Any] = {"question": delivery} | ({"part": part} if part > 0 else {})
    return {"event_type": _QUESTION if part == ROOT else _ANSWER, "event_payload": payload}


async def search(clients: SlackClients, team: str, channel: str, thread: str, since: str, delivery: str) -> Found:
    """What there is of a delivery's after `since` in a thread; without a thread, among a channel's last messages.

    Where Erica may not read, nothing is found. Raises SlackLost, SlackRefused.
    """
    parts: dict[int, str] = {}
    unmarked: list[str] = []
    try:
        bot = await clients.bot(team)
        async for message in _messages(clients, team, channel, thread, since):
            if bot.user != message.get("user") and (not bot.bot or bot.bot != message.get("bot_id")):
                continue
            ts, metadata = str(message.get("ts", "")), message.get("metadata") or {}
            part = _part(metadata, delivery)
            if part is not None:
                parts.setdefault(part, ts)
            elif not metadata and thread and _number(ts) > _number(since):
                unmarked.append(ts)
    except SlackRefused as refused:
        if refused.reason not in CLOSED | UNKNOWN:
            raise
        _log.warning("slack: earlier messages cannot be looked for: %s", refused)
    return Found(parts, tuple(sorted(unmarked, key=_number)))


async def _messages(
    clients: SlackClients, team: str, channel: str, thread: str, since: str
) -> AsyncIterator[Mapping[str, Any]]:
    method = "conversations.replies" if thread else "conversations.history"
    more: dict[str, Any] = {"ts": thread, "oldest": since, "limit": 200} if thread else {"limit": 100}
    for _ in range(_MOST_PAGES if thread else 1):
        page = await clients.call(
            team, method, patience=_PATIENCE, again=True, channel=channel, include_all_metadata=True, **more
        )
        for message in page.get("messages") or ():
            yield message
        cursor = (page.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return
        more["cursor"] = cursor


def _part(metadata: Mapping[str, Any], delivery: str) -> int | None:
    payload = metadata.get("event_payload") or {}
    if payload.get("question") != delivery:
        return None
    if metadata.get("event_type") == _QUESTION:
        return ROOT
    return int(payload.get("part") or 0) if metadata.get("event_type") == _ANSWER else None


def _number(ts: str) -> float:
    try:
        return float(ts)
    except ValueError:
        return 0.0
