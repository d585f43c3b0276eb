"""The loopback Discord's endpoints for messages and threads."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from discord_calls import (
    SENT_FLAGS,
    V2,
    Call,
    described,
)
from discord_forms import Form
from discord_places import DiscordPlaces
from discord_records import (
    EPHEMERAL,
    LOADING,
    Channel,
    File,
    Json,
    Message,
    Refused,
)


class DiscordMessages(DiscordPlaces):
    """What is said."""

    async def _send(self, call: Call) -> Json:
        channel, body = self._place(call), call.body
        missing = self._missing_to_send(channel, body, call.files or {})
        if missing:
            raise Refused(403, 50013, "Missing Permissions")
        self._awake(channel, sending=True)
        form = Form()
        self._checked(form, body, call.files or {}, SENT_FLAGS)
        other = self._referenced(form, body.get("message_reference"))
        form.check()
        nonce = body.get("nonce")
        if nonce is not None and body.get("enforce_nonce"):
            recent = [one for place in self.channels.values() for one in place.alive if one.author is self.bot]
            for one in recent:
                if str(one.nonce) == str(nonce) and self.now() - one.at < 300:
                    self.deduplicated.append(one)
                    return self._tell(one)
        more = {"answers": other, "type": 19 if other else 0, "nonce": nonce}
        return self._tell(self._post(channel, body, call.files or {}, **more))

    @staticmethod
    def _missing_to_send(channel: Channel, body: Json, files: Mapping[int, File]) -> set[str]:
        needed = {"send_messages_in_threads" if channel.parent else "send_messages"}
        needed |= {"attach_files"} if files else set()
        needed |= {"read_message_history"} if body.get("message_reference") else set()
        return needed & (channel.denied | (channel.parent.denied if channel.parent else set()))

    def _referenced(self, form: Form, reference: Json | None) -> Message | None:
        if not reference:
            return None
        id = str(reference.get("message_id"))
        for channel in self.channels.values():
            for message in channel.alive:
                if message.id == id:
                    return message
        if reference.get("fail_if_not_exists", True):
            form.wrong("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return None

    def _checked(self, form: Form, body: Json, files: Mapping[int, File], flags: int) -> None:
        """Check a new message."""
        form.message(body, body.get("flags") or 0)
        if (body.get("flags") or 0) & ~flags:
            form.wrong("flags", "BASE_TYPE_CHOICES", "Value must be one of the flags that can be set")
        listed = {str(one.get("id")) for one in body.get("attachments") or ()}
        if listed - {str(n) for n in files}:
            form.wrong("attachments", "ATTACHMENT_METADATA_WITHOUT_FILES", "Attachments without uploads")
        form.size("attachments", [*files], 10)
        form.check()
        filled = [(body.get("content") or "").strip(), body.get("embeds"), files, body.get("components")]
        if not any([*filled, body.get("sticker_ids"), body.get("poll")]):
            raise Refused(400, 50006, "Cannot send an empty message")

    def _post(self, channel: Channel, body: Json, files: Mapping[int, File], **more: Any) -> Message:
        uploads = described(body, files)
        more = {"flags": body.get("flags") or 0, **more}
        fields = {"embeds": [{"type": "rich", **one} for one in body.get("embeds") or ()], "files": uploads}
        fields |= {"components": body.get("components") or []}
        allowed = body.get("allowed_mentions")
        return self.post(channel, self.bot, body.get("content") or "", allowed=allowed, **fields, **more)

    async def _edit(self, call: Call) -> Json:
        message = self._message(call)
        self._awake(message.channel)
        if message.author is not self.bot:
            raise Refused(403, 50005, "Cannot edit a message authored by another user")
        recent = [edit for edit in message.edits if edit.at > max(message.at + 3600, self.now() - 3600)]
        if self.now() - message.at > 3600 and len(recent) >= self.old_edits:
            text = "Maximum number of edits to messages older than 1 hour reached. Try again later."
            raise Refused(400, 30046, text)
        self._rewrite(message, call)
        return self._tell(message)

    def _rewrite(self, message: Message, call: Call, data: Json | None = None) -> None:
        """Change what a body names. A message that says "thinking" gets its first words, and pings."""
        body, files = call.body if data is None else data, call.files or {}
        form = Form()
        form.message(body, message.flags | (body.get("flags") or 0))
        form.check()
        kept = message.files
        if body.get("attachments") is not None:
            listed = {str(one.get("id")) for one in body["attachments"]}
            kept = [file for file in message.files if file.id in listed]
        names = {"content": "", "embeds": [], "components": []}
        new = {name: body[name] or empty for name, empty in names.items() if name in body}
        new["files"] = [*kept, *described(body, files)]
        told = {name: new.get(name, getattr(message, name)) for name in (*names, "files")}
        if not any(told.values()):
            raise Refused(400, 50006, "Cannot send an empty message")
        if message.flags & LOADING:
            message.content = told["content"]
            self._address(message, body.get("allowed_mentions"))
        self.change(message, **new, flags=message.flags & ~LOADING | ((body.get("flags") or 0) & (1 << 2 | V2)))

    async def _get(self, call: Call) -> Json:
        return self._tell(self._message(call, "read_message_history"))

    async def _delete(self, call: Call) -> None:
        message = self._message(call)
        self._awake(message.channel)
        if message.author is not self.bot:
            raise Refused(403, 50013, "Missing Permissions")
        self.remove(message)

    async def _list(self, call: Call) -> list[Json]:
        channel, query = self._place(call), call.query or {}
        if "read_message_history" in channel.denied:
            return []
        limit = int(query.get("limit", 50))
        if not 1 <= limit <= 100:
            form = Form()
            form.wrong("limit", "NUMBER_TYPE_MAX", "int value should be less than or equal to 100.")
            form.check()
        shown = [one for one in channel.alive if not one.flags & EPHEMERAL]
        after = [one for one in shown if int(one.id) > int(query.get("after", query.get("around", 0)))]
        before = [one for one in shown if int(one.id) < int(query.get("before", query.get("around", 1 << 64)))]
        if "after" in query:
            found = after[:limit]
        elif "around" in query:
            middle = [one for one in shown if one.id == query["around"]]
            found = [*before[-(limit // 2) :], *middle, *after[: limit // 2]]
        else:
            found = before[-limit:]
        return [self._tell(one) for one in reversed(found)]

    async def _typing(self, call: Call) -> None:
        self.typing.append(self._place(call, "send_messages").id)

    async def _react(self, call: Call) -> None:
        message = self._message(call, "add_reactions", "read_message_history")
        self._awake(message.channel)
        if re.fullmatch(r"[\w ]*", call["emoji"]):
            raise Refused(400, 10014, "Unknown Emoji")
        self.put_reaction(message, call["emoji"], self.bot)

    async def _unreact(self, call: Call) -> None:
        self.put_reaction(self._message(call), call["emoji"], self.bot, on=False)

    async def _reactions(self, call: Call) -> list[Json]:
        return [user.json() for user in self._message(call).reactions.get(call["emoji"], ())]

    # Threads.

    async def _thread_from(self, call: Call) -> Json:
        message = self._message(call, "create_public_threads", "read_message_history")
        if message.channel.type != 0:
            raise Refused(400, 50024, "Cannot execute action on this channel type")
        if message.id in self.channels:
            raise Refused(400, 160004, "A thread has already been created for this message")
        return self._opened(message.channel, call, message)

    async def _thread(self, call: Call) -> Json:
        channel = self._place(call, "create_public_threads")
        if channel.type != 0:
            raise Refused(400, 50024, "Cannot execute action on this channel type")
        return self._opened(channel, call, None)

    def _opened(self, channel: Channel, call: Call, start: Message | None) -> Json:
        form, minutes = Form(), call.body.get("auto_archive_duration") or 1440
        form.size("name", (call.body.get("name") or "").strip(), 100, 1)
        if minutes not in (60, 1440, 4320, 10080):
            form.wrong("auto_archive_duration", "BASE_TYPE_CHOICES", "Value must be one of {60, 1440, 4320, 10080}.")
        form.check()
        thread = self.open_thread(channel, call.body["name"].strip(), self.bot, start, minutes)
        return {**thread.json(), "member": self.thread_member(thread, self.bot)}

    async def _join(self, call: Call) -> None:
        thread = self._place(call)
        self._awake(thread)
        me = call["user"] == "@me"
        self.join(thread, self.bot if me else self._known(self.users, call["user"], 10013, "Unknown User"))

    async def _leave(self, call: Call) -> None:
        thread = self._place(call)
        thread.people = [user for user in thread.people if user.id != call["user"].replace("@me", self.bot.id)]

    async def _thread_members(self, call: Call) -> list[Json]:
        thread = self._place(call)
        return [self.thread_member(thread, user) for user in thread.people]

    async def _active(self, call: Call) -> Json:
        return self._threads([one for one in self._at(call).threads if not one.archived])

    async def _archived(self, call: Call) -> Json:
        place = self._place(call, "read_message_history")
        return self._threads([one for one in self.channels.values() if one.parent is place and one.archived])

    def _threads(self, threads: Sequence[Channel]) -> Json:
        mine = [self.thread_member(one, self.bot) for one in threads if self.bot in one.people]
        return {"threads": [one.json() for one in threads], "members": mine, "has_more": False}
