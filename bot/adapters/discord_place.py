"""Where on Discord an answer goes: threads are opened here. Knows nothing of what is said in them."""

import logging
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
_NO_ROUTE = {403, 404, 405}  # with no code of Discord's own: whatever is between us does not let this through

logger = logging.getLogger(__name__)


class Threads:
    """Opens threads from messages."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def open(self, channel: int, message: int, question: str) -> int | None:
        """The thread of a message, new or not; its id is the message's. None where there can be none.

        Raises DeliveryFailed, Undeliverable if the message is gone.
        """
        # Not by the library's objects: they would have to be fetched first, and read back, for nothing.
        start = partial(self._client.http.start_thread_with_message, channel, message, auto_archive_duration=1440)
        with translated():
            for title in dict.fromkeys((thread_title(question), UNTITLED)):
                try:
                    await insist(partial(start, name=title))
                    return message
                except discord.HTTPException as error:
                    if error.code == THREAD_EXISTS:
                        return message
                    if error.code in _NO_THREAD or (error.code == 0 and error.status in _NO_ROUTE):
                        logger.info("channel %d: no thread can be opened, code %d", channel, error.code)
                        return None
                    if error.code not in _NO_TITLE or title == UNTITLED:
                        raise
        return None
