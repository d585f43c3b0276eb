"""What people do in the loopback Slack: write, mention, edit, delete, react, press, upload, and use commands.

Each act changes the world and hands the app the events that Slack sends for it. Knows no wire.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from slack_blocks import SlackError
from slack_delivery import Delivery, Kind
from slack_methods import about, about_change
from slack_records import Channel, Edit, Message, Workspace
from slack_shown import Json
from slack_world import SlackWorld

Files = Sequence[tuple[str, bytes]]

_CONTROL = re.compile(r"(<(?:[@#!][^<>\s|]+|https?://[^<>\s|]+)(?:\|[^<>]*)?>)")
_ADDRESS = re.compile(r"(https?://[^\s<>]+)")


def typed(text: str) -> str:
    """What Slack makes of text that a person types: `&`, `<`, `>` escaped, addresses in angle brackets."""
    parts = _CONTROL.split(text)
    return "".join(part if at % 2 else _typed(part) for at, part in enumerate(parts))


def _typed(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _ADDRESS.sub(r"<\1>", escaped)


class SlackPeople(SlackWorld, ABC):
    """A world with people in it. The acts are coroutines only because delivering needs a running loop."""

    subscribed = frozenset(
        "app_mention message.channels message.groups message.im reaction_added reaction_removed app_home_opened "
        "agent_session_stopped member_joined_channel member_left_channel tokens_revoked app_uninstalled "
        "channel_archive".split()
    )

    @abstractmethod
    def hand(self, kind: Kind, payload: Json, about: str = "") -> Delivery:
        """Deliver something to the app."""

    @abstractmethod
    def response_url(self, place: Channel, user: str, ts: str = "") -> str:
        """An address at which the app may answer an interaction."""

    def tell(self, team: Workspace, event: Json) -> None:
        """Deliver an event, if the app subscribed to it and its bot is where it happened."""
        place = self.channels.get(str(event.get("channel", "")))
        kinds = {"channel": "message.channels", "group": "message.groups", "im": "message.im"}
        name = kinds[place.kind] if place and event["type"] == "message" else str(event["type"])
        if name not in self.subscribed or (place and not place.bot) or team.revoked:
            return
        bot = {"enterprise_id": None, "team_id": team.id, "user_id": team.bot_user, "is_bot": True}
        payload: Json = {"token": "unused", "team_id": team.id, "api_app_id": "A1", "event": event}
        payload |= {"type": "event_callback", "event_id": self.new_id("Ev"), "event_time": int(self.clock.now())}
        payload |= {"authorizations": [bot | {"is_enterprise_install": False}], "is_ext_shared_channel": False}
        self.hand("events_api", payload, str(event.get("ts") or event.get("event_ts") or ""))

    # Writing.

    async def mention(self, channel: str, user: str, text: str, *, thread: str = "", files: Files = ()) -> str:
        """Write to the bot. The app hears of it twice: as app_mention, and as message with another event id."""
        team = self.workspaces[self.channels[channel].team]
        addressed = text if f"<@{team.bot_user}>" in text else f"<@{team.bot_user}> {text}"
        message = self._written(channel, user, addressed, thread, files)
        event = self._event(message)
        mention = {key: value for key, value in event.items() if key not in ("channel_type", "subtype")}
        self.tell(team, {**mention, "type": "app_mention"})
        self.tell(team, event)
        return message.ts

    async def message(self, channel: str, user: str, text: str, *, thread: str = "", files: Files = ()) -> str:
        """Write in a channel, or in a thread of it; returns the message's timestamp."""
        message = self._written(channel, user, text, thread, files)
        self.tell(self.workspaces[self.channels[channel].team], self._event(message))
        return message.ts

    async def reply(self, channel: str, thread: str, user: str, text: str, *, files: Files = ()) -> str:
        """Write in a thread."""
        return await self.message(channel, user, text, thread=thread, files=files)

    async def direct(self, user: str, text: str, *, thread: str = "", files: Files = (), team: str = "T1") -> str:
        """Write to the bot in direct messages, whose channel is `D` + user."""
        self.workspace(team)
        self.user(user, team)
        return await self.message(self.direct_channel(user).id, user, text, thread=thread, files=files)

    def _written(self, channel: str, user: str, text: str, thread: str, files: Files) -> Message:
        place = self.channels[channel]
        assert not place.archived, "nobody can write in an archived channel"
        if self.user(user, place.team).id not in place.members:
            place.members.append(user)
        if thread:
            first = self.find(channel, thread, "thread_not_found")
            first.thread_ts = first.ts
        message = Message(channel, self.new_ts(), user, self.clock.now(), typed(text), thread, unfurl=False)
        message.files = [self.file(name, data, user, place.team) for name, data in files]
        return self.add(message)

    def _event(self, message: Message) -> Json:
        words = [{"type": "text", "text": message.text}]
        rich = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": words}]}
        more: Json = {
            "team": self.channels[message.channel].team,
            "client_msg_id": self.new_id("msg-"),
            "blocks": [rich],
        }
        if message.thread_ts and message.thread_ts != message.ts:
            more["parent_user_id"] = self.find(message.channel, message.thread_ts).user
        return about(self, message, **more)

    async def edit(self, channel: str, ts: str, text: str) -> None:
        """Rewrite one's message."""
        message = self.find(channel, ts)
        before, said = message.json(self.url), message.shown
        message.text, message.marked_edited = typed(text), True
        self.revised(message, said)
        self.tell(self.workspaces[self.channels[channel].team], about_change(self, message, before))

    async def delete(self, channel: str, ts: str) -> None:
        """Delete one's message. With replies below it, it stays as a tombstone, which the app hears of as an edit."""
        message = self.find(channel, ts)
        team, before = self.workspaces[self.channels[channel].team], message.json(self.url)
        if len(self.in_thread(channel, ts)) > 1 and message.thread_ts in ("", ts):
            message.edits.append(Edit(self.clock.now(), message.shown))
            message.text, message.user, message.tombstone = "This message was deleted.", "USLACKBOT", True
            self.user("USLACKBOT", team.id)
            self.tell(team, about_change(self, message, before))
        else:
            message.deleted_at = self.clock.now()
            self.tell(team, about_change(self, message, before, deleted=True))
        self.changed()

    async def react(self, channel: str, ts: str, user: str, name: str, *, remove: bool = False) -> None:
        """Put an emoji under a message, or take it away."""
        message = self.find(channel, ts)
        users = message.reactions.setdefault(name, [])
        users.remove(user) if remove else users.append(user)
        item = {"type": "message", "channel": channel, "ts": ts}
        event = {
            "type": "reaction_removed" if remove else "reaction_added",
            "user": user,
            "reaction": name,
            "item": item,
        }
        event |= {"item_user": message.user, "event_ts": self.new_ts()}
        if self.channels[channel].bot:
            self.tell(self.workspaces[self.channels[channel].team], event)
        self.changed()

    # Using the app.

    async def open_messages(self, user: str, tab: str = "messages", team: str = "T1") -> None:
        """Open the app's direct messages, or its home."""
        workspace, place = self.workspace(team), self.direct_channel(self.user(user, team).id)
        event = {"type": "app_home_opened", "user": user, "channel": place.id, "tab": tab, "event_ts": self.new_ts()}
        self.tell(workspace, event)

    async def stop_pressed(self, channel: str, thread: str, user: str) -> list[str]:
        """Press the stop button: Slack ends the thread's streams and tells the app. Returns their timestamps."""
        streams = [each for each in self.in_thread(channel, thread) if each.streaming == "open"]
        for stream in streams:
            stream.streaming = "stopped by user"
        event = {"type": "agent_session_stopped", "user": user, "channel": channel, "thread_ts": thread}
        event |= {"event_ts": self.new_ts(), "streaming_message_ts": [each.ts for each in streams]}  # type: ignore[dict-item]
        self.tell(self.workspaces[self.channels[channel].team], event)
        self.changed()
        return [each.ts for each in streams]

    async def slash(self, command: str, text: str, *, user: str, channel: str) -> Delivery:
        """Use a slash command, which Slack has in channels and direct messages but not in threads."""
        place = self.channels[channel]
        self.user(user, place.team)
        names = {"team_domain": place.team.lower(), "channel_name": channel.lower(), "user_name": user.lower()}
        ids = {"team_id": place.team, "channel_id": channel, "user_id": user, "api_app_id": "A1", "token": "unused"}
        what = {"command": command, "text": text, "is_enterprise_install": "false"}
        answer = {"response_url": self.response_url(place, user), "trigger_id": self._trigger(user)}
        return self.hand("slash_commands", {**ids, **names, **what, **answer})

    async def shortcut(self, channel: str, ts: str, *, user: str, callback_id: str) -> Delivery:
        """Choose a message shortcut from a message's menu."""
        message = self.find(channel, ts)
        answer = {"response_url": self.response_url(self.channels[channel], user, ts), "message_ts": ts}
        body = {"message": message.json(self.url), "callback_id": callback_id, **answer}
        return self.hand("interactive", {**self._interaction("message_action", user, channel), **body})

    async def press(self, channel: str, ts: str, action_id: str, *, user: str, value: str = "") -> Delivery:
        """Press a button of a message; `value` chooses between equals, and an option or a thumb."""
        message = self.find(channel, ts)
        action = {**_pressed(message, action_id, value), "action_ts": self.new_ts()}
        container = {
            "type": "message",
            "message_ts": ts,
            "channel_id": channel,
            "is_ephemeral": bool(message.ephemeral_to),
        }
        shown = {} if message.ephemeral_to else {"message": message.json(self.url)}
        body = {**shown, "container": container, "actions": [action], "state": {"values": {}}}
        body["response_url"] = self.response_url(self.channels[channel], user, ts)
        return self.hand("interactive", {**self._interaction("block_actions", user, channel), **body})

    async def submit(self, view_id: str, *, user: str, values: Mapping[str, Mapping[str, Any]]) -> Delivery:
        """Send off a modal; `values` are the inputs' states by block id and action id."""
        view = self.views[view_id]
        assert view["opened_for"] == user, "only whoever a view was opened for can submit it"
        body = {"view": {**view, "state": {"values": values}}, "response_urls": []}
        return self.hand("interactive", {**self._interaction("view_submission", user, "", view["team_id"]), **body})

    def _interaction(self, kind: str, user: str, channel: str, team: str = "") -> Json:
        place = self.channels.get(channel)
        team = place.team if place else team
        who = {"id": user, "username": user.lower(), "name": user.lower(), "team_id": team}
        common: Json = {"type": kind, "user": who, "team": {"id": team, "domain": team.lower()}, "api_app_id": "A1"}
        common |= {"token": "unused", "enterprise": None, "is_enterprise_install": False, "action_ts": self.new_ts()}
        where = {"channel": {"id": channel, "name": channel.lower()}} if channel else {}
        return {**common, **where, "trigger_id": self._trigger(user)}

    def _trigger(self, user: str) -> str:
        trigger = self.new_id("trigger-")
        self.triggers[trigger] = (self.clock.now(), user)
        return trigger

    # Administration.

    def archive(self, channel: str) -> None:
        """Close a channel."""
        self.channels[channel].archived = True
        event = {"type": "channel_archive", "channel": channel, "user": "UADMIN", "event_ts": self.new_ts()}
        self.tell(self.workspaces[self.channels[channel].team], event)

    def revoke(self, team: str = "T1") -> None:
        """Take the app's token away; the app hears of that, and of nothing more."""
        tokens = {"oauth": [], "bot": [self.workspaces[team].bot_user]}
        self.tell(self.workspaces[team], {"type": "tokens_revoked", "tokens": tokens, "event_ts": self.new_ts()})
        self.workspaces[team].revoked = True


def _pressed(message: Message, action_id: str, value: str) -> Json:
    """The action that pressing an element makes. Raises SlackError when there is no such element to press."""
    for block in message.blocks:
        for element in [*block.get("elements", ()), block.get("accessory") or {}]:
            if element.get("action_id") != action_id:
                continue
            common = {"action_id": action_id, "block_id": block.get("block_id", "b1"), "type": element["type"]}
            sides = [element.get("positive_button", element), element.get("negative_button", element)]
            options = element.get("options", ())
            for option in options:
                if option["value"] == value:
                    return {**common, "selected_option": option}
            for side in sides:
                if not options and value in ("", side.get("value")):
                    return {**common, "value": side.get("value", ""), "text": side.get("text")}
    raise SlackError(f"no {action_id} with value {value!r} to press")
