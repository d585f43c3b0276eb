"""Where on Discord an answer goes: threads are opened here. Knows nothing of what is said in them."""

import logging
from collections import OrderedDict
from functools import partial

import discord

from bot.adapters.discord_client import (
    BLOCKED_MESSAGE,
    BLOCKED_TITLE,
    INVALID_FORM,
    MISSING_ACCESS,
    MISSING_PERMISSIONS,
    MOST_THREADS,
    THREAD_EXISTS,
    WRONG_CHANNEL_TYPE,
    WRONG_MESSAGE_TYPE,
    insist,
    translated,
)
from bot.adapters.discord_parts import UNTITLED, thread_title

_NO_THREAD = {MISSING_ACCESS, MISSING_PERMISSIONS, MOST_THREADS, WRONG_CHANNEL_TYPE, WRONG_MESSAGE_TYPE}
_NO_TITLE = {BLOCKED_MESSAGE, BLOCKED_TITLE, INVALID_FORM}
_MOST_CHANNELS = 1_000

logger = logging.getLogger(__name__)


class Threads:
    """Opens threads from messages. One for all replies: it remembers what channels are."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client
        self._known: OrderedDict[int, discord.TextChannel | None] = OrderedDict()

    async def open(self, channel: int, message: int, question: str) -> int | None:
        """The thread of a message, new or not; its id is the message's. None where there can be none.

        Raises DeliveryFailed, Undeliverable if the message is gone.
        """
        with translated():
            place = await self._text_channel(channel)
            if place is None:
                return None
            start = place.get_partial_message(message)
            for title in dict.fromkeys((thread_title(question), UNTITLED)):
                try:
                    await insist(partial(start.create_thread, name=title, auto_archive_duration=1440))
                    return message
                except discord.HTTPException as error:
                    if error.code == THREAD_EXISTS:
                        return message
                    if error.code in _NO_THREAD:
                        logger.info("channel %d: no thread can be opened, code %d", channel, error.code)
                        return None
                    if error.code not in _NO_TITLE or title == UNTITLED:
                        raise
        return None

    async def _text_channel(self, channel: int) -> discord.TextChannel | None:
        """The channel, if threads can be opened in channels of its kind."""
        if channel not in self._known:
            try:
                found = self._client.get_channel(channel) or await self._client.fetch_channel(channel)
            except discord.InvalidData:
                found = None
            self._known[channel] = found if isinstance(found, discord.TextChannel) else None
            if len(self._known) > _MOST_CHANNELS:
                self._known.popitem(last=False)
        return self._known[channel]
