"""The library's client with our ears: each event goes to where it is kept. Knows nothing of how it is connected."""

import asyncio
import logging

import aiohttp
import discord

from bot.adapters.discord_client import client_options, intents
from bot.adapters.discord_commands import DiscordCommands, Interaction
from bot.adapters.discord_hearing import DiscordHearing
from bot.metrics import Metrics

_GUILDS_WITHIN = 0.2
"""Seconds without a further guild after which the library calls itself ready; nothing here waits for the last one."""

logger = logging.getLogger(__name__)


class DiscordBot(discord.AutoShardedClient):
    """One session, or one a shard. The library runs every `on_` method in a task of its own."""

    def __init__(
        self,
        hearing: DiscordHearing,
        commands: DiscordCommands,
        metrics: Metrics,
        *,
        message_content: bool,
        identify_pause: float,
    ) -> None:
        """`identify_pause`: seconds between sessions, of which Discord allows one in five seconds."""
        super().__init__(
            intents=intents(message_content),
            max_messages=None,
            guild_ready_timeout=_GUILDS_WITHIN,
            **client_options(metrics),
        )
        self._hearing, self._commands, self._pause = hearing, commands, identify_pause
        self._tree = commands.tree(self)
        self._syncing: list[asyncio.Task[None]] = []
        self._searches: dict[int, asyncio.Task[None]] = {}

    async def setup_hook(self) -> None:
        """After the login: tell Discord which commands there are, while the connection is made."""
        self._syncing.append(asyncio.create_task(self._sync()))

    async def close(self) -> None:
        """End the sessions, and what was begun for them."""
        begun = [*self._syncing, *self._searches.values()]
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)
        await super().close()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Keep Discord's pace of new sessions."""
        if not initial:
            await asyncio.sleep(self._pause)

    async def on_shard_connect(self, shard: int) -> None:
        """A new session began, and whatever an old one had not told is lost: look it up."""
        if (earlier := self._searches.pop(shard, None)) is not None:
            earlier.cancel()
        self._searches[shard] = asyncio.create_task(self._hearing.catch_up(self, shard, self.shard_count or 1))

    async def on_message(self, message: discord.Message) -> None:
        """Somebody wrote."""
        await self._hearing.written(self, message)

    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        """A message was changed, or what is shown below it."""
        await self._hearing.changed(self, event.message)

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        """A message is gone."""
        await self._hearing.removed(self, event.guild_id, event.channel_id, [event.message_id])

    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        """Moderators removed many."""
        await self._hearing.removed(self, event.guild_id, event.channel_id, [*event.message_ids])

    async def on_interaction(self, interaction: Interaction) -> None:
        """A button or a form; the library takes commands to the tree by itself."""
        if interaction.type is discord.InteractionType.component:
            await self._commands.pressed(interaction)
        elif interaction.type is discord.InteractionType.modal_submit:
            await self._commands.submitted(interaction)

    async def on_error(self, event_method: str, /, *args: object, **kwargs: object) -> None:
        """Something that nobody foresaw; the event is lost, the connection is not."""
        logger.exception("Discord's %s could not be handled", event_method)

    async def _sync(self) -> None:
        try:
            await self._tree.sync()
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            # Mentions work all the same.
            logger.warning("Discord's commands could not be registered: %s", error)
