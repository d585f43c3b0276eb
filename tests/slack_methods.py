"""The loopback Slack's Web API, first part: the table of methods, and posting, changing and deleting messages.

Each method takes the world, the calling workspace and its arguments, and answers or raises SlackError. Knows no HTTP.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slack_blocks import MOST_MARKDOWN, MOST_TEXT, SlackError, check_blocks, check_metadata, check_ts
from slack_records import Channel, Message, Workspace
from slack_shown import Json
from slack_world import SlackWorld

TIERS = {1: 1, 2: 20, 3: 50, 4: 100, 5: 600}  # calls a minute and workspace that Slack promises; 5 is "special"


class Args:
    """A call's arguments, whether they came as JSON or as a form."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw

    def text(self, name: str) -> str:
        """A string; empty when missing."""
        value = self.raw.get(name)
        return "" if value is None else str(value)

    def json(self, name: str, error: str = "invalid_arguments") -> Any:
        """A structure, which forms carry as a string; None when missing. Raises SlackError(error)."""
        value = self.raw.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise SlackError(error) from None

    def flag(self, name: str, otherwise: bool = False) -> bool:
        """A truth value, in any of the spellings that Slack takes."""
        value = self.raw.get(name)
        return otherwise if value is None else str(value).lower() in ("1", "true")

    def number(self, name: str, otherwise: int) -> int:
        """A whole number. Raises SlackError."""
        try:
            return int(self.raw.get(name) or otherwise)
        except ValueError:
            raise SlackError("invalid_arguments") from None


Call = Callable[[SlackWorld, Workspace, Args], Json]


@dataclass(frozen=True)
class Method:
    """A Web API method: the scope it needs (`*:` stands for the channel's kind) and its calls a minute."""

    call: Call
    scope: str
    a_minute: int


METHODS: dict[str, Method] = {}


def method(name: str, scope: str = "", tier: int = 3) -> Callable[[Call], Call]:
    """Put a function into the table."""

    def register(call: Call) -> Call:
        METHODS[name] = Method(call, scope, TIERS[tier])
        return call

    return register


# What several methods need.


def readable(world: SlackWorld, team: Workspace, channel: str) -> Channel:
    """A conversation that the bot is in. Raises SlackError."""
    place = world.channels.get(channel)
    if place is None or place.team != team.id:
        raise SlackError("channel_not_found")
    if not place.bot:
        # A private channel that the bot is not in does not exist for it.
        raise SlackError("channel_not_found" if place.kind == "group" else "not_in_channel")
    return place


def writable(world: SlackWorld, team: Workspace, channel: str) -> Channel:
    """A conversation that the bot may post to; a person's id stands for their direct messages. Raises SlackError."""
    if channel in world.users and world.users[channel].team == team.id:
        channel = world.direct_channel(channel).id
    place = readable(world, team, channel)
    if place.archived:
        raise SlackError("is_archived")
    return place


def parent(world: SlackWorld, place: Channel, args: Args, error: str = "thread_not_found") -> str:
    """The thread that a call wants to post in; empty for none. Raises SlackError."""
    if args.raw.get("thread_ts") is None:
        return ""
    ts = check_ts(args.raw["thread_ts"], "invalid_thread_ts")
    message = world.find(place.id, ts, error)
    if message.thread_ts not in ("", ts):
        world.complaints.append(f"thread_ts {ts} is a reply; its parent's belongs there")
        return message.thread_ts
    return ts


def send(world: SlackWorld, team: Workspace, message: Message) -> Message:
    """Put a message of the bot's where it belongs: its thread has begun, whoever waited waits no more."""
    world.add(message)
    if message.thread_ts and not message.ephemeral_to:
        first = world.find(message.channel, message.thread_ts, "thread_not_found")
        first.thread_ts = first.ts
        clear_status(world, world.channels[message.channel], message.thread_ts)
    if not message.ephemeral_to:
        world.emit(team, about(world, message))
    return message


def clear_status(world: SlackWorld, place: Channel, thread: str) -> None:
    """A status goes when the bot has posted."""
    if place.statuses.pop(thread, None):
        world.changed()


def about(world: SlackWorld, message: Message, **more: Any) -> Json:
    """The event that tells of a new message."""
    place = world.channels[message.channel]
    subtype = {"subtype": "file_share"} if message.files else {}
    body = message.json(world.url) | subtype
    return {**body, "channel": place.id, "channel_type": place.kind, "event_ts": message.ts, **more}


def about_change(world: SlackWorld, message: Message, before: Json, *, deleted: bool = False) -> Json:
    """The event that tells of an edit or a deletion."""
    place, ts = world.channels[message.channel], world.new_ts()
    event = {"type": "message", "hidden": True, "channel": place.id, "channel_type": place.kind}
    what = {"deleted_ts": message.ts} if deleted else {"message": message.json(world.url)}
    subtype = "message_deleted" if deleted else "message_changed"
    return {**event, "subtype": subtype, **what, "previous_message": before, "ts": ts, "event_ts": ts}


def fill(world: SlackWorld, message: Message, args: Args) -> Json:
    """Put the content that a call gives into a message. Returns what the answer must add. Raises SlackError."""
    blocks, attachments = args.json("blocks", "invalid_blocks_format"), args.json("attachments")
    text, markdown = args.text("text"), args.text("markdown_text")
    if markdown and (text or blocks):
        raise SlackError("markdown_text_conflict")
    if not (text or blocks or attachments or markdown):
        raise SlackError("no_text")
    if len(markdown) > MOST_MARKDOWN:
        raise SlackError("msg_too_long")
    if blocks:
        check_blocks(blocks, world.files)
    warning: Json = {}
    if len(text) > MOST_TEXT:
        world.complaints.append(f"text of {len(text)} characters was cut")
        text, warning = text[:MOST_TEXT], {"warning": "message_truncated"}
    message.text, message.markdown, message.blocks = text, markdown, blocks or []
    message.attachments = attachments or []
    message.metadata = check_metadata(args.json("metadata", "invalid_metadata_format")) or message.metadata
    return warning


def new_message(world: SlackWorld, team: Workspace, place: Channel, thread: str) -> Message:
    """An empty message of the bot's."""
    return Message(place.id, world.new_ts(), team.bot_user, world.clock.now(), thread_ts=thread, bot_id=team.bot_id)


# Posting.


@method("chat.postMessage", "chat:write", tier=5)
def post_message(world: SlackWorld, team: Workspace, args: Args) -> Json:
    place = writable(world, team, args.text("channel"))
    message = new_message(world, team, place, parent(world, place, args))
    message.unfurl = args.flag("unfurl_links", True) or args.flag("unfurl_media", True)
    warning = fill(world, message, args)
    send(world, team, message)
    return {"channel": place.id, "ts": message.ts, "message": message.json(world.url), **warning}


@method("chat.postEphemeral", "chat:write", tier=4)
def post_ephemeral(world: SlackWorld, team: Workspace, args: Args) -> Json:
    place = writable(world, team, args.text("channel"))
    user = args.text("user")
    if user not in place.members:
        raise SlackError("user_not_in_channel")
    message = new_message(world, team, place, parent(world, place, args))
    message.ephemeral_to, message.unfurl = user, False
    warning = fill(world, message, args)
    send(world, team, message)
    return {"message_ts": message.ts, **warning}


@method("chat.update", "chat:write", tier=3)
def update(world: SlackWorld, team: Workspace, args: Args) -> Json:
    """Text without blocks removes the blocks; blocks and no text keep no text, and leave no "(edited)"."""
    place = writable(world, team, args.text("channel"))
    message = own(world, team, place, args, "cant_update_message")
    if message.streaming == "open":
        raise SlackError("streaming_state_conflict")
    if len(args.text("text")) > world.update_limit:
        raise SlackError("msg_too_long")
    before, said = message.json(world.url), message.shown
    warning = fill(world, message, args)
    world.revised(message, said)
    message.marked_edited = message.marked_edited or not message.blocks
    world.emit(team, about_change(world, message, before))
    world.changed()
    shown = {"text": message.text or message.markdown, "message": message.json(world.url)}
    return {"channel": place.id, "ts": message.ts, **shown, **warning}


@method("chat.delete", "chat:write", tier=3)
def delete(world: SlackWorld, team: Workspace, args: Args) -> Json:
    place = readable(world, team, args.text("channel"))
    message = own(world, team, place, args, "cant_delete_message")
    if message.streaming == "open":
        raise SlackError("cant_delete_message")
    before = message.json(world.url)
    message.deleted_at = world.clock.now()
    world.emit(team, about_change(world, message, before, deleted=True))
    world.changed()
    return {"channel": place.id, "ts": message.ts}


def own(world: SlackWorld, team: Workspace, place: Channel, args: Args, error: str) -> Message:
    """A message of the bot's that all can see. Raises SlackError(error) for somebody else's."""
    message = world.find(place.id, check_ts(args.raw.get("ts"), "message_not_found"))
    if message.ephemeral_to:
        raise SlackError("message_not_found")
    if message.bot_id != team.bot_id:
        raise SlackError(error)
    return message


@method("chat.getPermalink", tier=5)
def permalink(world: SlackWorld, team: Workspace, args: Args) -> Json:
    place = readable(world, team, args.text("channel"))
    message = world.find(place.id, args.text("message_ts"))
    thread = f"?thread_ts={message.thread_ts}&cid={place.id}" if message.thread_ts not in ("", message.ts) else ""
    path = f"archives/{place.id}/p{message.ts.replace('.', '')}{thread}"
    return {"channel": place.id, "permalink": f"https://{team.domain}.slack.com/{path}"}
