"""Pure: what Slack's Events API tells -> what it means to Erica. Knows no connection and no client.

https://docs.slack.dev/reference/events/message/ has the shapes; anything in them may be missing.
"""

from dataclasses import dataclass
from typing import Literal

from bot.adapters.slack_payload import Payload, addresses_other, mentions, part, parts, plain, seconds, text
from bot.feedback import Rating
from bot.intake import Attachment, Incoming, Kind, thread_name

_SPOKEN = ("", "file_share", "thread_broadcast", "me_message")
"""Subtypes of messages that people write; all others tell of joins, pins, reminders and the like."""


@dataclass(frozen=True, slots=True)
class Us:
    """Erica in one workspace: its team's id, and the ids of her user and her bot there."""

    team: str
    user: str
    bot: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that may ask something of Erica."""

    incoming: Incoming


@dataclass(frozen=True, slots=True)
class Edited:
    """A message has other words now, so many seconds after it was written."""

    incoming: Incoming
    seconds: float


@dataclass(frozen=True, slots=True)
class Deleted:
    """A message (`Incoming.question`) is gone."""

    question: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """Somebody pressed Stop in a thread (`Incoming.conversation`)."""

    conversation: str


@dataclass(frozen=True, slots=True)
class Rated:
    """A feedback button was pressed. `trigger` opens a modal for 3 seconds; `thread` is where it was, "" for none."""

    answer: str
    user: str
    rating: Rating
    trigger: str
    reply_to: str
    thread: str


@dataclass(frozen=True, slots=True)
class Explained:
    """Somebody says why they rated an answer so."""

    answer: str
    user: str
    reason: str


@dataclass(frozen=True, slots=True)
class Removed:
    """Erica may not act in that workspace any more."""

    team: str
    how: Literal["app_uninstalled", "tokens_revoked"]


Happening = Asked | Edited | Deleted | Stopped | Rated | Explained | Removed


def from_event(body: Payload, us: Us, now: float) -> Happening | None:
    """What an event means; None if nothing. `now` in seconds since the epoch."""
    event = part(body, "event")
    match text(event, "type"), text(event, "subtype"):
        case "app_mention", _:
            return _asked(event, us, now, text(body, "event_id"))
        case "message", "message_changed":
            return _changed(event, us, now, text(body, "event_id"))
        case "message", "message_deleted":
            gone = text(event, "deleted_ts") or text(event, "previous_message", "ts")
            return _deleted(event, us, gone)
        case "message", _:
            return _asked(event, us, now, text(body, "event_id"))
        case "agent_session_stopped", _:
            channel, thread = text(event, "channel"), text(event, "thread_ts")
            return Stopped(thread_name("slack", us.team, channel, thread)) if channel and thread else None
        case "app_uninstalled", _:
            return Removed(us.team, "app_uninstalled")
        case "tokens_revoked", _:
            return Removed(us.team, "tokens_revoked") if part(event, "tokens").get("bot") else None
    return None


def is_private(channel: str, name: str = "") -> bool:
    """Whether a conversation has nobody in it but Erica and one person, or two people without her."""
    return channel.startswith("D") or name == "directmessage"


def thread_of(message: Payload) -> str | None:
    """The thread that a message is a reply in; the first message of a thread is not one."""
    thread = text(message, "thread_ts")
    return thread if thread and thread != text(message, "ts") else None


def attachments(message: Payload) -> tuple[Attachment, ...]:
    """The files that came with a message; those that Slack does not let anybody read have no address."""
    found = []
    for file in parts(message, "files"):
        if url := text(file, "url_private") or text(file, "url_private_download"):
            size = file.get("size")
            name = text(file, "name") or text(file, "title") or "file"
            found.append(Attachment(name, url, size if isinstance(size, int) else 0, text(file, "mimetype")))
    return tuple(found)


def _asked(event: Payload, us: Us, now: float, event_id: str) -> Asked | None:
    incoming = _incoming(event, event, us, now, event_id)
    return Asked(incoming) if incoming else None


def _changed(event: Payload, us: Us, now: float, event_id: str) -> Edited | Deleted | None:
    message, before = part(event, "message"), part(event, "previous_message")
    if text(message, "subtype") == "tombstone":  # what is left of a deleted message that has replies
        return _deleted(event, us, text(message, "ts"))
    revision = text(message, "edited", "ts")
    if not revision or (before and text(message, "text") == text(before, "text")):
        return None  # Slack added previews, or found out the language
    incoming = _incoming(event, message, us, now, event_id, revision)
    written, changed = seconds(text(message, "ts")), seconds(revision)
    if incoming is None or written is None or changed is None:
        return None
    return Edited(incoming, changed - written)


def _deleted(event: Payload, us: Us, ts: str) -> Deleted | None:
    before = part(event, "previous_message")
    channel = text(event, "channel")
    if not channel or not ts or _is_bots(before, us):
        return None
    return Deleted(thread_name("slack", us.team, channel, ts))


def _incoming(
    event: Payload, message: Payload, us: Us, now: float, event_id: str, revision: str = ""
) -> Incoming | None:
    """A message; None if it asks nothing. The mention and the message that Slack sends for it look the same here."""
    channel, ts, author = text(event, "channel"), text(message, "ts"), text(message, "user")
    if not (channel and ts and author) or _is_bots(message, us) or text(message, "subtype") not in _SPOKEN:
        return None
    written = text(message, "text")
    private = text(event, "channel_type") == "im" or is_private(channel)
    kind: Kind = "message"
    if private:
        kind = "direct"
    elif text(event, "type") == "app_mention" or mentions(written, us.user):
        kind = "mention"
    elif addresses_other(written, us.user):
        return None
    return Incoming(
        platform="slack",
        workspace=us.team,
        channel=channel,
        message=ts,
        thread=thread_of(message),
        author=author,
        text=plain(written, us.user),
        kind=kind,
        received=now,
        event=event_id,
        attachments=attachments(message),
        revision=revision,
        private=private,
    )


def _is_bots(message: Payload, us: Us) -> bool:
    """Edits of Erica's own messages come without a bot's id."""
    return bool(text(message, "bot_id")) or text(message, "user") == us.user
