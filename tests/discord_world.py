"""What Discord knows (guilds, threads, messages, interactions), what a student does there and what a student sees.

Knows nothing of HTTP, sockets or Erica. Whatever changes is told to `emit`, which the gateway fills in.
"""

import asyncio
import mimetypes
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

Json = dict[str, Any]
T = TypeVar("T")
PERMISSIONS = {
    "add_reactions": 1 << 6,
    "view_channel": 1 << 10,
    "send_messages": 1 << 11,
    "manage_messages": 1 << 13,
    "embed_links": 1 << 14,
    "attach_files": 1 << 15,
    "read_message_history": 1 << 16,
    "mention_everyone": 1 << 17,
    "use_application_commands": 1 << 31,
    "manage_threads": 1 << 34,
    "create_public_threads": 1 << 35,
    "send_messages_in_threads": 1 << 38,
}
MEMBER = sum(PERMISSIONS.values()) & ~(PERMISSIONS["manage_messages"] | PERMISSIONS["manage_threads"])
HAS_THREAD, EPHEMERAL, LOADING, SILENT = 1 << 5, 1 << 6, 1 << 7, 1 << 12
GUILD_DEFAULTS: Json = dict.fromkeys(("icon", "afk_channel_id", "system_channel_id", "rules_channel_id", "description"))
GUILD_DEFAULTS |= dict.fromkeys(("verification_level", "mfa_level", "nsfw_level", "system_channel_flags"), 0)
GUILD_DEFAULTS |= {"default_message_notifications": 1, "explicit_content_filter": 0, "preferred_locale": "en-US"}
GUILD_LISTS = "emojis features stickers voice_states presences stage_instances guild_scheduled_events soundboard_sounds"


class Refused(Exception):
    """What Discord answers instead of doing it: HTTP status, JSON error code, message, and the fields at fault."""

    def __init__(self, status: int, code: int, message: str, errors: Json | None = None) -> None:
        super().__init__(status, code, message, errors)
        self.status, self.code, self.message, self.errors = status, code, message, errors


def iso(at: float) -> str:
    """Seconds since 1970 as Discord writes a time."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")


@dataclass(frozen=True, slots=True)
class File:
    """An attachment; `id` and `url` are given on upload. `description` is for those who cannot see it."""

    name: str
    data: bytes
    id: str = ""
    url: str = ""
    description: str = ""

    def json(self) -> Json:
        kind = mimetypes.guess_type(self.name)[0] or "application/octet-stream"
        kind += "; charset=utf-8" if kind.startswith("text/") else ""
        fields = {"id": self.id, "filename": self.name, "size": len(self.data), "content_type": kind}
        told = {"description": self.description} if self.description else {}
        return {**fields, **told, "url": self.url, "proxy_url": self.url}


@dataclass(eq=False, slots=True)
class User:
    id: str
    name: str
    bot: bool = False

    def json(self) -> Json:
        names = {"username": self.name, "global_name": None if self.bot else self.name.title()}
        return {"id": self.id, **names, "discriminator": "0", "avatar": None, "bot": self.bot, "public_flags": 0}


@dataclass(eq=False, slots=True)
class Guild:
    id: str
    channels: list["Channel"] = field(default_factory=list)
    threads: list["Channel"] = field(default_factory=list)
    members: dict[str, tuple[User, set[str]]] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)

    def member(self, user: User, whole: bool = True) -> Json:
        """A member object, with its user if `whole`; message events carry it without."""
        roles = sorted(self.members[user.id][1]) if user.id in self.members else []
        fields: Json = {"roles": roles, "joined_at": iso(1.7e9), "deaf": False, "mute": False, "flags": 0, "nick": None}
        return {**fields, "avatar": None, "premium_since": None, "pending": False} | (
            {"user": user.json()} if whole else {}
        )

    def json_roles(self) -> list[Json]:
        flat: Json = {"color": 0, "hoist": False, "managed": False, "mentionable": True, "flags": 0, "position": 0}
        flat |= {"colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None}}
        return [{"id": id, "name": name, "permissions": str(MEMBER), **flat} for id, name in self.roles.items()]

    def json(self, members: Sequence[User]) -> Json:
        shown: Json = {
            "members": [self.member(user) for user in members],
            "member_count": len(self.members),
            "large": False,
        }
        shown |= {"channels": [one.json() for one in self.channels], "roles": self.json_roles(), "unavailable": False}
        shown |= {"threads": [one.json() for one in self.threads if not one.archived], "owner_id": "1"}
        shown |= {name: list[Json]() for name in GUILD_LISTS.split()}
        return {**GUILD_DEFAULTS, "id": self.id, "name": f"guild {self.id}", "joined_at": iso(1.7e9), **shown}


@dataclass(eq=False, slots=True)
class Channel:
    """A text channel (type 0), a direct message (1) or a public thread (11)."""

    id: str
    name: str
    type: int
    at: float
    guild: Guild | None = None
    parent: "Channel | None" = None
    people: list[User] = field(default_factory=list)  # who a direct message is with; a thread's owner and members
    messages: list["Message"] = field(default_factory=list)
    denied: set[str] = field(default_factory=set)  # permissions the bot lacks here
    archived: bool = False
    locked: bool = False
    minutes: int = 1440

    @property
    def alive(self) -> list["Message"]:
        return [message for message in self.messages if not message.deleted]

    def json(self) -> Json:
        last = self.messages[-1].id if self.messages else None
        fields: Json = {"id": self.id, "type": self.type, "last_message_id": last, "flags": 0}
        if self.guild is None:
            return {**fields, "recipients": [user.json() for user in self.people]}
        fields |= {"guild_id": self.guild.id, "name": self.name, "rate_limit_per_user": 0}
        fields |= {"parent_id": self.parent.id if self.parent else None}
        if self.parent is None:
            bits = sum(PERMISSIONS[name] for name in self.denied)
            overwrites = [{"id": self.guild.id, "type": 0, "allow": "0", "deny": str(bits)}] if bits else []
            return {**fields, "position": 0, "nsfw": False, "topic": None, "permission_overwrites": overwrites}
        meta: Json = {"archived": self.archived, "locked": self.locked, "auto_archive_duration": self.minutes}
        meta |= {"archive_timestamp": iso(self.at), "create_timestamp": iso(self.at)}
        count = sum(message.type != 21 for message in self.alive)
        counts = {"message_count": count, "total_message_sent": count, "member_count": len(self.people)}
        return {**fields, **counts, "owner_id": self.people[0].id, "thread_metadata": meta}


@dataclass(eq=False, slots=True)
class Interaction:
    """One use of a command, button, select or modal (`type` 2, 3, 4 or 5), and all that was answered to it."""

    id: str
    token: str
    type: int
    user: User
    channel: Channel
    at: float
    data: Json
    source: "Message | None" = None
    acknowledged: int = 0  # the callback's type
    original: "Message | None" = None
    messages: list["Message"] = field(default_factory=list)
    choices: list[Json] | None = None
    modal: Json | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """What a message was changed to, and when (seconds since 1970)."""

    at: float
    content: str
    embeds: tuple[Json, ...] = ()


@dataclass(eq=False, slots=True)
class Message:
    id: str
    channel: Channel
    author: User
    at: float
    content: str = ""
    type: int = 0
    flags: int = 0
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    nonce: str | int | None = None
    answers: "Message | None" = None
    interaction: Interaction | None = None
    mentions: list[User] = field(default_factory=list)
    pings: tuple[str, ...] = ()
    edits: list[Edit] = field(default_factory=list)
    reactions: dict[str, list[User]] = field(default_factory=dict)
    thread: Channel | None = None
    deleted: bool = False

    def json(self, reader: User, content: bool = True, event: bool = False) -> Json:
        """As `reader`, the bot, gets it: without the `content` intent only direct messages, own ones and mentions
        have text. Gateway events say more of the guild than REST does.
        """
        guild = self.channel.guild
        told = content or guild is None or self.author is reader or reader in self.mentions
        fields: Json = {"id": self.id, "channel_id": self.channel.id, "author": self.author.json(), "type": self.type}
        fields |= {"timestamp": iso(self.at), "edited_timestamp": iso(self.edits[-1].at) if self.edits else None}
        fields |= {"content": self.content if told else "", "embeds": self.embeds if told else []}
        fields |= {"components": self.components if told else [], "flags": self.flags, "pinned": False, "tts": False}
        fields |= {"attachments": [one.json() for one in self.files] if told else [], "mention_roles": []}
        fields |= {"mention_everyone": bool({"@everyone", "@here"} & {*self.pings})}
        fields |= {"mentions": [user.json() for user in self.mentions]}
        if self.reactions:
            flat = {"burst_colors": list[str](), "me_burst": False, "count_details": {"burst": 0, "normal": 1}}
            counts = [({"id": None, "name": name}, users) for name, users in self.reactions.items()]
            fields["reactions"] = [{"emoji": e, "count": len(u), "me": reader in u, **flat} for e, u in counts]
        if self.nonce is not None:
            fields["nonce"] = self.nonce
        if self.thread is not None:
            fields["thread"] = self.thread.json()
        if self.interaction is not None:
            meta = {"id": self.interaction.id, "type": self.interaction.type, "user": self.interaction.user.json()}
            fields |= {"interaction_metadata": {**meta, "authorizing_integration_owners": {}}, "webhook_id": APP}
            fields |= {"application_id": APP}
        if guild is not None and event:
            member = {} if fields.get("webhook_id") else {"member": guild.member(self.author, whole=False)}
            fields |= {"guild_id": guild.id, **member}
            fields["mentions"] = [one.json() | {"member": guild.member(one, whole=False)} for one in self.mentions]
        if self.answers is not None:
            other = self.answers
            where = {"guild_id": guild.id} if guild else {}
            fields["message_reference"] = {"type": 0, "message_id": other.id, "channel_id": other.channel.id, **where}
            fields["referenced_message"] = None if other.deleted else replace(other, answers=None).json(reader, content)
        return fields


APP = "900000000000000001"  # not the bot's user id: for old applications the two differ


@dataclass(frozen=True, slots=True)
class Component:
    """A button, a select or a text as it is seen below a message; `message` is where to press it."""

    kind: str
    label: str
    custom_id: str
    message: str
    url: str = ""
    disabled: bool = False
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """A message as people see it; who is pinged and who alone can see it (`ephemeral_to`) by name."""

    id: str
    author: str
    at: float
    content: str
    embeds: tuple[Json, ...]
    files: tuple[File, ...]
    components: tuple[Component, ...]
    edits: tuple[Edit, ...]
    reactions: Mapping[str, tuple[str, ...]]
    pings: tuple[str, ...]
    ephemeral_to: str | None
    thinking: bool
    reply_to: str | None
    thread: str | None


def components(parts: Sequence[Json], message: str) -> list[Component]:
    """All parts of a message's components, flattened: rows, sections and containers are only frames."""
    kinds = {2: "button", 3: "select", 4: "input", 10: "text"}
    found = []
    for part in parts:
        if (kind := kinds.get(part["type"])) is not None:
            label = part.get("label") or part.get("content") or part.get("placeholder") or ""
            values = tuple(str(option["value"]) for option in part.get("options", ()))
            where = (part.get("custom_id", ""), message, part.get("url", ""), part.get("disabled", False))
            found.append(Component(kind, label, *where, values))
        inner = [*part.get("components", ()), *([part[key] for key in ("accessory", "component") if key in part])]
        found += components(inner, message)
    return found


def see(message: Message) -> Seen:
    """What people see of a message."""
    alone = message.interaction.user.name if message.interaction and message.flags & EPHEMERAL else None
    reactions = {name: tuple(user.name for user in users) for name, users in message.reactions.items()}
    return Seen(
        id=message.id,
        author=message.author.name,
        at=message.at,
        content=message.content,
        embeds=tuple(message.embeds),
        files=tuple(message.files),
        components=tuple(components(message.components, message.id)),
        edits=tuple(message.edits),
        reactions=reactions,
        pings=message.pings,
        ephemeral_to=alone,
        thinking=bool(message.flags & LOADING),
        reply_to=message.answers.id if message.answers else None,
        thread=message.thread.id if message.thread else None,
    )


def render_transcript(transcript: Sequence[Json], indent: str = "") -> str:
    """A transcript as text, one block a message, threads indented."""
    lines = []
    for entry in transcript:
        alone = f" (only {entry['ephemeral_to']} sees this)" if "ephemeral_to" in entry else ""
        edited = f" (edited {entry['edits']} times)" if "edits" in entry else ""
        lines += [f"[{entry['at']:.1f} s] {entry['author']}{alone}{edited}"]
        embeds = [f"▌ {embed.get('title', '')}\n{embed.get('description', '')}" for embed in entry.get("embeds", ())]
        body = "\n".join([entry["content"], *embeds])
        lines += [f"    {line}" for line in body.splitlines()]
        lines += [f"    ({name}: {', '.join(entry[name])})" for name in _EXTRAS if name in entry]
        if "thread" in entry:
            lines += ["    └ thread", render_transcript(entry["thread"], "      ")]
    return "\n".join(f"{indent}{line}" for text in lines for line in text.splitlines())


_EXTRAS = ("files", "components", "reactions", "pings")


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
