"""Pure: what Discord's messages say, as the intake's nouns. Asks nobody and keeps nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import discord

from bot.intake import Attachment, Incoming, Kind, thread_name

_QUESTIONS = (discord.MessageType.default, discord.MessageType.reply)
_CODE = re.compile(r"(```.*?```|``.*?``|`[^`\n]*`)", re.DOTALL)
_TOKEN = re.compile(
    r"<(?:@!?(?P<user>\d+)|@&(?P<role>\d+)|#(?P<channel>\d+)|a?:(?P<emoji>\w+):\d+|/(?P<slash>[^:<>]+):\d+)>"
)
_FIRST_NAME = re.compile(r"\s*<@!?(\d+)>")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something happens: the guild, "" in direct messages; the channel; the thread in it, if it is in one."""

    guild: str
    channel: str
    thread: str | None = None

    @property
    def name(self) -> str:
        """The channel's name for the journal."""
        return thread_name("discord", self.guild, self.channel, "")

    def question(self, message: int) -> str:
        """The name of a message as a question, as `Incoming.question` has it."""
        return thread_name("discord", self.guild, self.channel, str(message))


def place_of(guild: int | None, id_: int, channel: object) -> Place | None:
    """The place of a channel or thread; None if the library does not know what it is.

    `channel` is whatever object the library has for the id.
    """
    if guild is None:
        return Place("", str(id_))
    if isinstance(channel, discord.Thread):
        return Place(str(guild), str(channel.parent_id), str(id_))
    if isinstance(channel, discord.abc.GuildChannel):
        return Place(str(guild), str(id_))
    return None


def guild_of(message: discord.Message) -> int | None:
    """The guild of a message, also where the library knows nothing more of it; None in direct messages."""
    if isinstance(message.channel, discord.PartialMessageable):
        return message.channel.guild_id
    return message.guild.id if message.guild else None


def is_said(message: discord.Message) -> bool:
    """Whether a person said it: no bot, no webhook, none of Discord's own lines."""
    return message.type in _QUESTIONS and not message.author.bot and message.webhook_id is None


def heard(message: discord.Message, place: Place, me: int, received: float, revision: str = "") -> Incoming | None:
    """What a message asks of the bot with the user id `me`; None for what is not meant for it, or says nothing.

    Where the message content intent is missing, whatever does not mention the bot says nothing.
    """
    if not is_said(message):
        return None
    kind = _kind(message, place, me)
    text, attachments = readable(message, me), attachments_of(message)
    if kind == "message" and (_is_for_another(message, me) or not (text or attachments)):
        return None
    if kind == "mention" and not (text or attachments):
        text, attachments = _pointed_at(message, me)
    return Incoming(
        platform="discord",
        workspace=place.guild,
        channel=place.channel,
        message=str(message.id),
        thread=place.thread,
        author=str(message.author.id),
        text=text,
        kind=kind,
        received=received,
        attachments=attachments,
        revision=revision,
        private=not place.guild,
    )


def readable(message: discord.Message, me: int) -> str:
    """The text without the bot's own name, other mentions as names, code as it was written."""
    own = [rf"<@!?{me}>", *(f"<@&{role.id}>" for role in _roles(message) if _is_own(role, me))]
    calls = re.compile(rf"[ \t]*(?:{'|'.join(own)})[ \t]*")
    names = _names(message)
    content = message.content or "\n\n".join(one.content for one in message.message_snapshots)  # of what is forwarded
    parts = _CODE.split(content)  # every second one is code
    parts[::2] = [_TOKEN.sub(lambda found: _named(found, names), calls.sub(" ", part)) for part in parts[::2]]
    return "".join(parts).strip()


def attachments_of(message: discord.Message) -> tuple[Attachment, ...]:
    """The files that came with a message."""
    return tuple(Attachment(one.filename, one.url, one.size, one.content_type or "") for one in message.attachments)


def edited_after(message: discord.Message, at: datetime) -> float:
    """Seconds between the writing and an edit, by Discord's clock."""
    return (at - message.created_at).total_seconds()


def _kind(message: discord.Message, place: Place, me: int) -> Kind:
    if not place.guild:
        return "direct"
    # The library leaves mentions out that it cannot read, such as one whose member is told in part.
    named = re.search(rf"<@!?{me}>", _CODE.sub("", message.content)) is not None
    called = (
        named or any(user.id == me for user in _mentions(message)) or any(_is_own(one, me) for one in _roles(message))
    )
    return "mention" if called else "message"


def _mentions(message: discord.Message) -> Sequence[discord.abc.User]:
    return getattr(message, "mentions", ())  # the library has no such field where Discord sends none


def _roles(message: discord.Message) -> Sequence[discord.Role]:
    return getattr(message, "role_mentions", ())


def _is_own(role: discord.Role, me: int) -> bool:
    """Whether it is the role that Discord made for the bot; people confuse its name with the bot's."""
    return role.tags is not None and role.tags.bot_id == me


def _is_for_another(message: discord.Message, me: int) -> bool:
    first = _FIRST_NAME.match(message.content)
    if first is not None and int(first[1]) != me:
        return True
    answered = _answered(message)
    return answered is not None and answered.author.id not in (me, message.author.id)


def _answered(message: discord.Message) -> discord.Message | None:
    """The message that this one is a reply to, if Discord tells it."""
    if message.type is not discord.MessageType.reply or message.reference is None:
        return None
    answered = message.reference.resolved
    return answered if isinstance(answered, discord.Message) else None


def _pointed_at(message: discord.Message, me: int) -> tuple[str, tuple[Attachment, ...]]:
    """Who only calls the bot, in a reply, asks about what is replied to."""
    answered = _answered(message)
    if answered is None or answered.author.id == me:
        return "", ()
    return readable(answered, me), attachments_of(answered)


def _names(message: discord.Message) -> dict[tuple[str, str], str]:
    names = {("user", str(user.id)): f"@{user.display_name}" for user in _mentions(message)}
    names |= {("role", str(role.id)): f"@{role.name}" for role in _roles(message)}
    return names | {("channel", str(one.id)): f"#{one.name}" for one in message.channel_mentions}


def _named(found: re.Match[str], names: dict[tuple[str, str], str]) -> str:
    kind, id_ = str(found.lastgroup), found[str(found.lastgroup)]
    unknown = {"user": "@someone", "role": "@role", "channel": "#channel", "emoji": f":{id_}:", "slash": f"/{id_}"}
    return names.get((kind, id_), unknown[kind])
