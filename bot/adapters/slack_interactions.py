"""Pure: slash commands, shortcuts, buttons and modals -> what they mean to Erica. Knows no connection and no client.

https://docs.slack.dev/reference/interaction-payloads/ has the shapes; anything in them may be missing.
"""

import json
import logging

from bot.adapters.slack_blocks import CHOICE, FEEDBACK
from bot.adapters.slack_events import Asked, Explained, Happening, Rated, Us, attachments, is_private, thread_of
from bot.adapters.slack_payload import Payload, part, parts, plain, text
from bot.intake import Incoming

SHORTCUT = "ask_erica"
REASON = "erica:reason"

COMMANDS = ("ask", "concept", "path", "sources", "help")
_CHOICES = (*COMMANDS, "course")
WHY = "What was wrong or missing?"
_LONGEST_REASON = 2_000  # characters; Slack's limit is 3,000

_log = logging.getLogger(__name__)


def from_command(body: Payload, us: Us, now: float) -> Asked | None:
    """A slash command: `/ask ...`, or, since other apps may have that name, `/erica ask ...`; else it is for help."""
    name, said = text(body, "command").removeprefix("/").lower(), text(body, "text").strip()
    if name not in COMMANDS:
        first, *more = said.split(maxsplit=1) or [""]
        name, said = first.lower(), more[0] if more else ""
    if name not in _CHOICES:
        name, said = "help", ""
    channel, author, event = text(body, "channel_id"), text(body, "user_id"), text(body, "trigger_id")
    if not (channel and author and event):
        return None
    incoming = Incoming(
        platform="slack",
        workspace=us.team,
        channel=channel,
        message="",
        thread=None,
        author=author,
        text=plain(said, us.user),
        kind="command",
        received=now,
        event=event,
        command=name,
        reply_to=text(body, "response_url"),
        private=is_private(channel, text(body, "channel_name")),
    )
    return Asked(incoming)


def from_shortcut(body: Payload, us: Us, now: float) -> Asked | None:
    """`Ask Erica about this`, from a message's menu; the question is that message."""
    message, channel, author = part(body, "message"), text(body, "channel", "id"), text(body, "user", "id")
    ts, event = text(message, "ts") or text(body, "message_ts"), text(body, "trigger_id") or text(body, "action_ts")
    if text(body, "callback_id") != SHORTCUT or not (channel and author and ts and event):
        return None
    incoming = Incoming(
        platform="slack",
        workspace=us.team,
        channel=channel,
        message=ts,
        thread=thread_of(message),
        author=author,
        text=plain(text(message, "text"), us.user),
        kind="shortcut",
        received=now,
        event=event,
        attachments=attachments(message),
        command="ask",
        reply_to=text(body, "response_url"),
        private=is_private(channel, text(body, "channel", "name")),
    )
    return Asked(incoming)


def from_action(body: Payload, us: Us, now: float) -> Happening | None:
    """A button: one of a page's choices, or a thumb. What it does not know it ignores, with a line in the log."""
    for action in parts(body, "actions"):
        pressed = text(action, "action_id")
        found: Happening | None = None
        if pressed.startswith(CHOICE):
            found = _chosen(body, action, us, now)
        elif pressed == FEEDBACK or pressed.startswith(f"{FEEDBACK}:"):
            found = _rated(body, action)
        else:
            continue
        if found is None:
            _log.warning("a button of Slack's, %s, carries nothing that this version reads", pressed)
        return found
    return None


def from_view(body: Payload) -> Explained | None:
    """The modal that asks for a reason was sent off."""
    view, author = part(body, "view"), text(body, "user", "id")
    answer = text(view, "private_metadata")
    if text(view, "callback_id") != REASON or not answer or not author:
        return None
    inputs = (state for block in part(view, "state", "values").values() for state in part({"": block}, "").values())
    said = next((reason for each in inputs if (reason := text(part({"": each}, ""), "value"))), "")
    return Explained(answer, author, said)


def reason_modal(answer: str) -> dict[str, object]:
    """The modal that asks why an answer was bad; Slack allows 24 characters in its title and 3,000 of metadata."""
    box = {"type": "plain_text_input", "action_id": "reason", "multiline": True, "max_length": _LONGEST_REASON}
    return {
        "type": "modal",
        "callback_id": REASON,
        "private_metadata": answer,
        "title": _words("Thanks for telling"),
        "submit": _words("Send"),
        "close": _words("No reason"),
        "blocks": [{"type": "input", "block_id": "why", "optional": True, "label": _words(WHY), "element": box}],
    }


def _chosen(body: Payload, action: Payload, us: Us, now: float) -> Asked | None:
    value = _value(action)
    command, author, event = text(value, "command"), text(body, "user", "id"), text(body, "trigger_id")
    channel = text(body, "container", "channel_id") or text(body, "channel", "id")
    if command not in _CHOICES or not (channel and author and event):
        return None
    incoming = Incoming(
        platform="slack",
        workspace=us.team,
        channel=channel,
        message=_place(body),
        thread=_thread(body) or None,
        author=author,
        text=text(value, "argument"),
        kind="command",
        received=now,
        event=event,
        command=command,
        reply_to=text(body, "response_url"),
        private=is_private(channel, text(body, "channel", "name")),
    )
    return Asked(incoming)


def _rated(body: Payload, action: Payload) -> Rated | None:
    value, author = _value(action), text(body, "user", "id")
    answer, rating = text(value, "answer"), text(value, "rating")
    if rating not in ("up", "down") or not answer or not author:
        return None
    return Rated(
        answer,
        author,
        "up" if rating == "up" else "down",
        text(body, "trigger_id"),
        text(body, "response_url"),
        _thread(body),
    )


def _value(action: Payload) -> Payload:
    try:
        return part({"": json.loads(text(action, "value"))}, "")
    except (ValueError, RecursionError):
        return {}


def _place(body: Payload) -> str:
    return text(body, "container", "message_ts") or text(body, "message", "ts")


def _thread(body: Payload) -> str:
    """The thread that the pressed message is in, "" for none."""
    thread = text(body, "container", "thread_ts") or text(body, "message", "thread_ts")
    return thread if thread != _place(body) else ""


def _words(said: str) -> dict[str, object]:
    return {"type": "plain_text", "text": said}
