"""What there is on the loopback Discord: people, guilds, channels, messages and interactions, as its API tells of them.

Knows no world that they are in, and no wire.
"""

import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
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
