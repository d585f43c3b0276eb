"""Discord's listener: gets in, and stays connected. Knows nothing of answers."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
import discord
from pydantic import SecretStr

from bot.adapters.discord_bot import DiscordBot
from bot.adapters.discord_client import point_at
from bot.adapters.discord_commands import DiscordCommands, Interaction
from bot.adapters.discord_events import Place
from bot.adapters.discord_hearing import DiscordHearing
from bot.adapters.discord_work import Work
from bot.errors import ConfigError, DeliveryFailed
from bot.journal import Journal
from bot.metrics import Metrics
from bot.reception import Reception

_REFUSED = {4004: "token", 4012: "version", 4013: "intents"}  # close codes after which no other attempt can help
_LONGEST_PAUSE = 60.0
_STABLE = 60.0
"""Seconds after which a connection that breaks is a new trouble, not the same again."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DiscordAccess:
    """How to get in. `gateway_url` None: the one that the API names."""

    token: SecretStr
    api_url: str = "https://discord.com/api/v10"
    gateway_url: str | None = None


class DiscordListener:
    """One for all that happens on Discord; a second one would only hear everything twice."""

    def __init__(
        self,
        reception: Reception,
        journal: Journal,
        access: DiscordAccess,
        metrics: Metrics,
        channels: Sequence[tuple[str, str]],
        *,
        patience: float = 300.0,
        drain: float = 10.0,
        identify_pause: float = 5.0,
    ) -> None:
        """`channels`: guild and channel of every course.

        Seconds: `patience` for keeping a message while Redis is away, `drain` for what is under way at the end,
        `identify_pause` between sessions, of which Discord allows one in five seconds.
        """
        point_at(access.api_url, access.gateway_url)
        self._access, self._metrics, self._drain, self._pause = access, metrics, drain, identify_pause
        self._work = Work()
        self._hearing = DiscordHearing(reception, journal, metrics, channels, self._work, patience)
        self._commands = DiscordCommands(reception, metrics, self._where, self._work)
        self._content, self._stopping = True, False
        self._connection: asyncio.Task[None] | None = None
        self._failure: ConfigError | None = None
        self._bot = self._new_bot()

    @property
    def client(self) -> discord.Client:
        """The client of now. After a session that broke there may be another: do not keep it."""
        return self._bot

    @property
    def ready(self) -> bool:
        """Whether every shard is connected and has its session."""
        bot = self._bot
        shards = bot.shards.values() if bot.is_ready() and not bot.is_closed() else ()
        return bool(shards) and not any(shard.is_closed() for shard in shards)

    async def start(self) -> None:
        """Log in, and connect in the background; where Discord is out of reach, logging in happens there, too.

        Raises ConfigError for a token that Discord does not accept.
        """
        logged_in = False
        try:
            await self._login()
            logged_in = True
        except ConfigError:
            await self._close()
            raise
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            logger.warning("Discord is out of reach (%s); trying again", type(error).__name__)
            await self._renew()
        self._connection = asyncio.create_task(self._stay_connected(logged_in))

    async def ended(self) -> None:
        """Wait until it is stopped. Raises ConfigError once Discord does not let it in any more, or what it died of."""
        if self._connection is not None:
            await asyncio.wait({self._connection})
            if not self._connection.cancelled():
                self._connection.result()
        if self._failure is not None:
            raise self._failure

    async def stop(self) -> None:
        """Let what is under way come to its end, then leave."""
        self._stopping = True
        await self._work.drain(self._drain)
        if self._connection is not None:
            self._connection.cancel()
            await asyncio.wait({self._connection})
        await self._close()
        await self._work.drain(1.0)  # what came while the last of it was waited for

    def _new_bot(self) -> DiscordBot:
        return DiscordBot(
            self._hearing,
            self._commands,
            self._metrics,
            message_content=self._content,
            identify_pause=self._pause,
        )

    async def _close(self) -> None:
        with contextlib.suppress(AttributeError):  # the library's, where it was never logged in
            await self._bot.close()

    async def _renew(self) -> None:
        await self._close()
        self._bot = self._new_bot()

    async def _login(self) -> None:
        """Raises ConfigError, discord.DiscordException or a network error."""
        try:
            await self._bot.login(self._access.token.get_secret_value())
        except discord.LoginFailure as error:
            raise _refused("token") from error
        gateway = self._access.gateway_url
        try:
            shards, recommended, _ = await self._bot.http.get_bot_gateway()
        except discord.GatewayNotFound:
            if gateway is None:
                raise
            shards, recommended = 1, gateway
        # Left to itself the library uses the recommended gateway for the first session, its own for later ones.
        self._bot.shard_count = shards
        point_at(self._access.api_url, gateway or recommended)

    async def _stay_connected(self, logged_in: bool) -> None:
        """Connect, again and again, until it is stopped or cannot go on."""
        failures = 0 if logged_in else 1
        while not self._stopping:
            if not logged_in:
                await asyncio.sleep(_pause(failures))
            began = time.monotonic()
            try:
                if not logged_in:
                    await self._login()
                await self._bot.connect()
                failures = 1
            except ConfigError as error:
                self._give_up(error)
                return
            except discord.PrivilegedIntentsRequired:
                if not self._content:
                    self._give_up(_refused("intents"))
                    return
                self._content, failures = False, 0
                logger.warning("Discord gives no message content: Erica works by mention and command only")
            except Exception as error:
                if isinstance(error, discord.ConnectionClosed) and error.code in _REFUSED:
                    self._give_up(_refused(_REFUSED[error.code]))
                    return
                failures = 1 if time.monotonic() - began > _STABLE else failures + 1
                # The library also ends the connection over an event that it cannot read.
                logger.warning("the connection to Discord broke: %s", type(error).__name__, exc_info=error)
            await self._renew()
            logged_in = False

    def _give_up(self, error: ConfigError) -> None:
        self._failure = error
        logger.error("Discord: %s. %s", error, error.hint)

    async def _where(self, interaction: Interaction) -> Place:
        channel = interaction.channel
        if channel is None:
            raise DeliveryFailed("Discord does not say where an interaction comes from")
        return await self._hearing.place(interaction.client, interaction.guild_id, channel.id, channel)


def _pause(failures: int) -> float:
    """Seconds before the next attempt; not the same for everybody whom one outage has hit."""
    return min(_LONGEST_PAUSE, 2.0 ** (failures - 1)) * random.uniform(0.5, 1) if failures else 0.0  # noqa: S311


def _refused(what: str) -> ConfigError:
    if what == "token":
        return ConfigError(
            "Discord does not accept the bot's token",
            "Copy it anew from the developer portal, page Bot, into ERICA_DISCORD_TOKEN.",
        )
    return ConfigError(f"Discord refuses the {what} that Erica connects with", "Update Erica and discord.py.")
