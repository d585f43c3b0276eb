"""What happens on the loopback Discord: what students do there, what becomes of it, and what they see.

Knows nothing of HTTP, sockets or Erica. Whatever changes is told to `emit`, which the gateway fills in.
"""

import asyncio
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeVar

from discord_records import (
    EPHEMERAL,
    HAS_THREAD,
    LOADING,
    PERMISSIONS,
    SILENT,
    Channel,
    Edit,
    File,
    Guild,
    Interaction,
    Json,
    Message,
    Seen,
    User,
    iso,
    render_transcript,
    see,
)

T = TypeVar("T")


class World(ABC):
    """The state, and what students do. People and channels are named by id or by name throughout."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since 1970; `wind` moves it on."""
        self.bot, self.url = User("900000000000000002", "Erica", bot=True), ""
        self.users: dict[str, User] = {self.bot.id: self.bot}
        self.guilds: dict[str, Guild] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, File] = {}
        self.interactions: dict[str, Interaction] = {}
        self.deduplicated: list[Message] = []  # sends that repeated a nonce, and so made no message
        self.typing: list[str] = []  # channel ids
        self._clock, self._ahead, self._last, self._change = clock, 0.0, 0, asyncio.Event()

    # Time, names and waiting.

    def now(self) -> float:
        return self._clock() + self._ahead

    def wind(self, seconds: float) -> None:
        """Let this much time pass at once."""
        self._ahead += seconds
        self.changed()

    def snowflake(self) -> str:
        """An id that grows with time; a client reads the time from it."""
        self._last = max(self._last + 1, int(self.now() * 1000 - 1_420_070_400_000) << 22)
        return str(self._last)

    def changed(self) -> None:
        """Wake who waits in `until`."""
        self._change, change = asyncio.Event(), self._change
        change.set()

    async def until(self, predicate: Callable[[], T], within: float = 10.0) -> T:
        """What `predicate` gives once that is true; asked at every change. AssertionError after `within` seconds."""
        try:
            async with asyncio.timeout(within):
                while not (value := predicate()):
                    await self._change.wait()
                return value
        except TimeoutError:
            seen = [render_transcript(self.transcript(one.id)) for one in self.channels.values() if one.type != 11]
            raise AssertionError("it never came true; what people saw:\n" + "\n".join(seen)) from None

    @abstractmethod
    def emit(self, event: str, data: Json | Message | Guild, guild: Guild | None) -> None:
        """Tell the bot. Filled in by the gateway."""

    def user(self, name: str) -> User:
        return self.users[name] if name in self.users else next(u for u in self.users.values() if u.name == name)

    def channel(self, name: str) -> Channel:
        if name in self.channels:
            return self.channels[name]
        return next(channel for channel in self.channels.values() if channel.name == name)

    def find(self, id: str) -> Message:
        """A message that exists. LookupError."""
        return next(m for c in self.channels.values() for m in c.alive if m.id == id)

    # The places.

    def guild(
        self, id: str, channels: Sequence[str], members: Sequence[str], roles: Mapping[str, Sequence[str]] | None = None
    ) -> Guild:
        """A new guild with text channels, members and roles (role id -> member names). A name of digits is the id."""
        guild = self.guilds[id] = Guild(id, roles={id: "@everyone"})
        guild.members[self.bot.id] = (self.bot, set())
        for name in members:
            known = next((user for user in self.users.values() if name in (user.id, user.name)), None)
            user = known or User(name if name.isdigit() else self.snowflake(), name)
            self.users[user.id] = user
            guild.members[user.id] = (user, {role for role, names in (roles or {}).items() if name in names})
        guild.roles |= {role: f"role {role}" for role in roles or ()}
        for name in channels:
            channel = Channel(name if name.isdigit() else self.snowflake(), name, 0, self.now(), guild)
            self.channels[channel.id] = channel
            guild.channels.append(channel)
        self.emit("GUILD_CREATE", guild, guild)
        return guild

    def private(self, user: User) -> Channel:
        """The direct messages of this user with the bot."""
        for channel in self.channels.values():
            if channel.type == 1 and channel.people == [user]:
                return channel
        channel = Channel(self.snowflake(), f"@{user.name}", 1, self.now(), people=[user])
        self.channels[channel.id] = channel
        return channel

    def open_thread(
        self, parent: Channel, name: str, owner: User, start: Message | None, minutes: int = 1440
    ) -> Channel:
        """A thread; one from a message has that message's id and begins with a pointer to it."""
        thread = Channel(start.id if start else self.snowflake(), name, 11, self.now(), parent.guild, parent, [owner])
        thread.minutes, self.channels[thread.id] = minutes, thread
        assert parent.guild is not None
        parent.guild.threads.append(thread)
        member = {"member": self.thread_member(thread, self.bot)} if owner is self.bot else {}
        self.emit("THREAD_CREATE", {**thread.json(), "newly_created": True, **member}, parent.guild)
        if start is not None:
            start.thread, start.flags = thread, start.flags | HAS_THREAD
            self.emit("MESSAGE_UPDATE", start, parent.guild)
            self.post(thread, owner, type=21, answers=start)
        return thread

    def thread_member(self, thread: Channel, user: User) -> Json:
        return {"id": thread.id, "user_id": user.id, "join_timestamp": iso(thread.at), "flags": 0}

    def join(self, thread: Channel, user: User) -> None:
        """Add a member to a thread, once."""
        if user in thread.people or thread.guild is None:
            return
        thread.people.append(user)
        added = [self.thread_member(thread, user)]
        data = {"id": thread.id, "guild_id": thread.guild.id, "member_count": len(thread.people)}
        self.emit("THREAD_MEMBERS_UPDATE", {**data, "added_members": added, "removed_member_ids": []}, thread.guild)

    def set_thread(
        self, id: str, *, archived: bool | None = None, locked: bool | None = None, name: str = ""
    ) -> Channel:
        """Archive, lock or rename a thread, as staff or the bot do."""
        thread = self.channel(id)
        thread.archived = thread.archived if archived is None else archived
        thread.locked = thread.locked if locked is None else locked
        thread.name = name or thread.name
        self.emit("THREAD_UPDATE", thread.json(), thread.guild)
        return thread

    def remove_channel(self, name: str) -> None:
        """Delete a channel or thread, with what is in it."""
        channel = self.channels.pop(self.channel(name).id)
        if channel.guild is not None:
            (channel.guild.threads if channel.parent else channel.guild.channels).remove(channel)
        self.emit("THREAD_DELETE" if channel.parent else "CHANNEL_DELETE", channel.json(), channel.guild)

    def deny(self, channel: str, *permissions: str) -> None:
        """Take permissions (see PERMISSIONS) from the bot in a channel and its threads."""
        one = self.channel(channel)
        one.denied |= {*permissions} & PERMISSIONS.keys()
        self.emit("THREAD_UPDATE" if one.parent else "CHANNEL_UPDATE", one.json(), one.guild)

    # Messages.

    def post(
        self, channel: Channel, author: User, content: str = "", *, allowed: Json | None = None, **more: Any
    ) -> Message:
        """A new message; `more` are fields of Message. A thread wakes up, its author joins."""
        message = Message(self.snowflake(), channel, author, self.now(), content.strip(), **more)
        message.files = [self.upload(channel, file) for file in message.files]
        self._address(message, allowed)
        channel.messages.append(message)
        if channel.parent is not None and message.type != 21:
            if channel.archived:
                self.set_thread(channel.id, archived=False)
            self.join(channel, author)
        self.announce("MESSAGE_CREATE", message)
        return message

    def announce(self, event: Literal["MESSAGE_CREATE", "MESSAGE_UPDATE"], message: Message) -> None:
        """Tell the gateway of a message, unless it is for one person only."""
        if message.flags & EPHEMERAL:
            self.changed()
        else:
            self.emit(event, message, message.channel.guild)

    def change(self, message: Message, **fields: Any) -> None:
        """Edit a message: content, embeds, components, files or flags."""
        for name, value in fields.items():
            setattr(message, name, value.strip() if name == "content" else value)
        message.files = [file if file.id else self.upload(message.channel, file) for file in message.files]
        message.edits.append(Edit(self.now(), message.content, tuple(message.embeds)))
        self.announce("MESSAGE_UPDATE", message)

    def remove(self, message: Message) -> None:
        message.deleted = True
        guild = message.channel.guild
        if message.flags & EPHEMERAL:
            self.changed()
            return
        where = {"guild_id": guild.id} if guild else {}
        self.emit("MESSAGE_DELETE", {"id": message.id, "channel_id": message.channel.id, **where}, guild)

    def upload(self, channel: Channel, file: File) -> File:
        id = self.snowflake()
        file = replace(file, id=id, url=f"{self.url}/attachments/{channel.id}/{id}/{file.name}?ex=1&is=1&hm=1")
        self.files[id] = file
        return file

    def put_reaction(self, message: Message, emoji: str, user: User, on: bool = True) -> None:
        users = message.reactions.setdefault(emoji, [])
        if (user in users) is on:
            return
        (users.append if on else users.remove)(user)
        if not users:
            del message.reactions[emoji]
        guild = message.channel.guild
        where: Json = {"guild_id": guild.id} if guild else {}
        where |= {"member": guild.member(user)} if guild and on else {}
        where |= {"user_id": user.id, "channel_id": message.channel.id, "message_id": message.id, "burst": False}
        where |= {"emoji": {"id": None, "name": emoji}, "type": 0, "message_author_id": message.author.id}
        self.emit(f"MESSAGE_REACTION_{'ADD' if on else 'REMOVE'}", where, guild)

    def _address(self, message: Message, allowed: Json | None) -> None:
        """Find whom a new message mentions, and whom of them it pings; mentions in code do neither."""
        text = re.sub(r"```.*?```|`[^`\n]*`", "", message.content, flags=re.DOTALL)
        parse = {"users", "roles", "everyone"} if allowed is None else {*(allowed.get("parse") or ())}
        named = {str(id) for key in ("users", "roles") for id in (allowed or {}).get(key) or ()}
        found = [self.users[id] for id in re.findall(r"<@!?(\d+)>", text) if id in self.users]
        pinged = [user for user in dict.fromkeys(found) if "users" in parse or user.id in named]
        replied = message.answers.author if message.answers and message.type == 19 else None
        if replied is not None and (allowed is None or allowed.get("replied_user")) and replied not in pinged:
            pinged.append(replied)
        roles = [id for id in re.findall(r"<@&(\d+)>", text) if "roles" in parse or id in named]
        everyone = re.findall("@everyone|@here", text) if "everyone" in parse else []
        message.mentions = pinged
        if not message.flags & (EPHEMERAL | SILENT):
            message.pings = (*dict.fromkeys(everyone), *(f"&{id}" for id in roles), *(user.name for user in pinged))

    # What students do.

    async def message(
        self, channel: str, user: str, text: str, files: Sequence[File] = (), answers: str | None = None
    ) -> Message:
        """Somebody writes into a channel or thread; `answers` is the id of a message that this replies to."""
        place, author = self.channel(channel), self.user(user)
        if len(text) > 4000 or (place.parent and place.locked):
            raise ValueError("Discord's own client would not let a student send this")
        other = self.find(answers) if answers else None
        kind = 19 if other else 0
        return self.post(place, author, text, files=list(files), answers=other, type=kind, nonce=self.snowflake())

    async def mention(self, channel: str, user: str, text: str, files: Sequence[File] = ()) -> Message:
        """Somebody asks the bot by its name."""
        return await self.message(channel, user, f"<@{self.bot.id}> {text}", files)

    async def reply(self, thread: str, user: str, text: str, files: Sequence[File] = ()) -> Message:
        """Somebody writes in a thread, without a mention."""
        return await self.message(thread, user, text, files)

    async def direct(self, user: str, text: str, files: Sequence[File] = ()) -> Message:
        """Somebody writes to the bot in private."""
        return await self.message(self.private(self.user(user)).id, user, text, files)

    async def edit(self, message: Message, text: str) -> None:
        """The author changes the text; whom it mentions is found anew, nobody is pinged."""
        message.content, pings = text, message.pings
        self._address(message, None)
        message.pings = pings
        self.change(message, content=text)

    async def delete(self, message: Message) -> None:
        """The author deletes it."""
        self.remove(message)

    async def react(self, message: str, user: str, emoji: str, on: bool = True) -> None:
        self.put_reaction(self.find(message), emoji, self.user(user), on)

    # What students see.

    def thread(self, id: str) -> list[Seen]:
        """The messages of a channel or thread, by id or name; none where there is none."""
        try:
            return [see(message) for message in self.channel(id).alive if message.type != 21]
        except StopIteration:
            return []

    def transcript(self, channel: str) -> list[Json]:
        """The same as JSON, threads within; times in seconds from the first message."""
        seen = self.thread(channel)
        return [self._entry(one, one.at - seen[0].at) for one in seen]

    def _entry(self, seen: Seen, at: float) -> Json:
        more: Json = {"files": [f"{file.name} ({len(file.data)} bytes)" for file in seen.files]}
        more |= {"components": [part.label for part in seen.components], "pings": list(seen.pings)}
        more |= {"reactions": [f"{name} {', '.join(users)}" for name, users in seen.reactions.items()]}
        more |= {"embeds": list(seen.embeds), "edits": len(seen.edits), "ephemeral_to": seen.ephemeral_to}
        more |= {"thread": self.transcript(seen.thread) if seen.thread else []}
        told = {name: value for name, value in more.items() if value}
        return {"at": round(at, 3), "author": seen.author, "content": "…" if seen.thinking else seen.content, **told}

    def repeated(self) -> list[Seen]:
        """Messages of the bot that say the same as an earlier one in the same place: an answer given twice."""
        said: set[tuple[str, str, str]] = set()
        again = []
        for channel in self.channels.values():
            spoken = [one for one in channel.alive if one.author is self.bot and one.type != 21]
            for message in [one for one in spoken if not one.flags & (EPHEMERAL | LOADING)]:
                key = (channel.id, message.content, repr(message.embeds))
                again += [see(message)] if key in said else []
                said.add(key)
        return again
