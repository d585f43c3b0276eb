"""Looks at what Discord lets Erica do, and says what is missing and why it is needed. Changes nothing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
import discord

from bot.adapters.discord import DiscordAccess
from bot.adapters.discord_client import point_at
from bot.checks import Check, State

_NETWORK = (discord.DiscordException, aiohttp.ClientError, OSError)  # TimeoutError is one of these
_NONSENSE = (LookupError, TypeError, ValueError)  # what the library makes of data that it does not expect


@dataclass(frozen=True, slots=True)
class Permission:
    """A right in a channel: the library's name, Discord's, and why Erica wants it; `needed` to answer at all."""

    name: str
    label: str
    why: str
    needed: bool = True


PERMISSIONS = (
    Permission("view_channel", "View Channels", "to hear questions"),
    Permission("send_messages", "Send Messages", "to answer where no thread can be opened"),
    Permission("create_public_threads", "Create Public Threads", "to give every question a thread of its own"),
    Permission("send_messages_in_threads", "Send Messages in Threads", "to answer there"),
    Permission(
        "read_message_history",
        "Read Message History",
        "to find questions that were asked while Erica was away, and her own messages after a crash",
    ),
    Permission("attach_files", "Attach Files", "to show formulas and concept maps", needed=False),
    Permission("add_reactions", "Add Reactions", "to react to a thank-you instead of writing", needed=False),
)


def permissions_integer() -> int:
    """All of PERMISSIONS, as an invitation's address has them."""
    return discord.Permissions(**dict.fromkeys((one.name for one in PERMISSIONS), True)).value


def invitation(application: int | str) -> str:
    """Where somebody who manages a server lets Erica in."""
    scopes = "scope=bot+applications.commands"
    return f"https://discord.com/oauth2/authorize?client_id={application}&{scopes}&permissions={permissions_integer()}"


async def examine_discord(
    access: DiscordAccess, channels: Sequence[tuple[str, str]], patience: float = 10.0
) -> list[Check]:
    """Token, intents, and every course channel (guild, channel). No step takes more than `patience` seconds."""
    point_at(access.api_url, access.gateway_url)
    client = discord.Client(intents=discord.Intents(guilds=True))
    try:
        async with asyncio.timeout(patience):
            await client.login(access.token.get_secret_value())
        findings = [Check("Discord token", "ok", f"{client.user} is the bot"), _content(client)]
        for guild in dict.fromkeys(guild for guild, _ in channels):
            wanted = [channel for other, channel in channels if other == guild]
            findings += await _server(client, guild, wanted, patience)
        if not channels:
            advice = 'Add [[channels]] with platform = "discord" to a course file.'
            findings.append(Check("Discord channels", "note", "no course has one", advice))
        return findings
    except discord.LoginFailure:
        advice = "Copy it anew from the developer portal, page Bot, into ERICA_DISCORD_TOKEN."
        return [Check("Discord token", "problem", "Discord does not accept it", advice)]
    except (*_NETWORK, *_NONSENSE) as error:
        advice = "Check the network, and ERICA_DISCORD_API_URL if it is set."
        return [Check("Discord", "problem", f"out of reach: {_told(error)}", advice)]
    finally:
        await client.close()


def _content(client: discord.Client) -> Check:
    name = "Discord message content"
    flags = client.application_flags
    if flags.gateway_message_content or flags.gateway_message_content_limited:
        return Check(name, "ok", "follow-ups in Erica's threads need no mention")
    advice = "Developer portal, page Bot: switch Message Content Intent on."
    return Check(name, "note", "off; Erica works by mention and command only", advice)


async def _server(client: discord.Client, id_: str, wanted: Sequence[str], patience: float) -> list[Check]:
    """The findings of one server's channels, or why there are none."""
    name = f"Discord server {id_}"
    if not (id_.isdigit() and client.user is not None):
        return [Check(name, "problem", "that is no id", "Copy the server's id into the course file's `workspace`.")]
    try:
        async with asyncio.timeout(patience):
            guild = await client.fetch_guild(int(id_), with_counts=False)
            there = {str(channel.id): channel for channel in await guild.fetch_channels()}
            me = await guild.fetch_member(client.user.id)
    except (discord.NotFound, discord.Forbidden):
        return [Check(name, "problem", "Erica is no member", f"Invite her: {invitation(client.application_id or 0)}")]
    except (*_NETWORK, *_NONSENSE) as error:
        return [Check(name, "problem", f"cannot be looked at: {_told(error)}", "Try again in a minute.")]
    return [_channel(channel, there.get(channel), me) for channel in wanted]


def _channel(id_: str, channel: discord.abc.GuildChannel | None, me: discord.Member) -> Check:
    if channel is None:
        advice = "Copy the id of a channel of that server into the course file's `id`."
        return Check(f"Discord channel {id_}", "problem", "not found", advice)
    name = f"Discord channel #{channel.name}"
    if not isinstance(channel, discord.TextChannel | discord.ForumChannel):
        return Check(name, "problem", "is no text channel", "Name a text channel or a forum in the course file.")
    granted = channel.permissions_for(me)
    missing = [one for one in PERMISSIONS if not getattr(granted, one.name)]
    if any(one.name == "view_channel" for one in missing):  # whoever sees nothing may do nothing either
        missing = [one for one in missing if one.name == "view_channel"]
    if not missing:
        return Check(name, "ok", "every permission is there")
    listed = "; ".join(f"{one.label} ({one.why})" for one in missing)
    state: State = "problem" if any(one.needed for one in missing) else "note"
    advice = f"Channel settings, Permissions: allow {', '.join(one.label for one in missing)} for Erica's role."
    return Check(name, state, f"missing: {listed}", advice)


def _told(error: Exception) -> str:
    """An error without what might be secret in it."""
    if isinstance(error, discord.HTTPException):
        return f"HTTP {error.status}, code {error.code}"
    return "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
