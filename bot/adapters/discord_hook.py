"""What a slash command, a menu or a button gets to see, by its interaction's token, which lives for 15 minutes."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import discord

from bot.adapters.discord_client import INVALID_WEBHOOK_TOKEN, insist, translated
from bot.adapters.discord_parts import Part
from bot.intake import Delivery

_DEFERRED_WITHIN = 4.0
"""Seconds; Discord gives the listener three."""
_LOOK_SECONDS = 0.1
_ORIGINAL = cast("int", "@original")  # where the API takes an id, it takes this name too


class TokenExpired(Exception):
    """The interaction cannot be answered any more, or its first message is gone."""


class _Unknown(TokenExpired):
    """Discord does not know it any more, or not yet."""


class InteractionHook:
    """The messages that answer one interaction, which the listener defers."""

    def __init__(self, client: discord.Client, delivery: Delivery) -> None:
        """The client must be logged in."""
        self._hook = discord.Webhook.partial(client.application_id or 0, delivery.incoming.reply_to, client=client)
        self._hook.type = discord.WebhookType.application
        self._deferred_by = asyncio.get_running_loop().time() + _DEFERRED_WITHIN - delivery.waited

    async def answer(self, part: Part) -> int:
        """Put this in the place of what the listener deferred, or of the message whose button was pressed; its id.

        Raises TokenExpired and DeliveryFailed.
        """
        while True:
            try:
                return await self._edited(part)
            except _Unknown:
                # The listener keeps what is asked before it tells Discord so: we may be faster.
                if asyncio.get_running_loop().time() > self._deferred_by:
                    raise
            await asyncio.sleep(_LOOK_SECONDS)

    async def follow(self, part: Part) -> int:
        """Say more, to the author alone; the message's id. Raises TokenExpired and DeliveryFailed."""
        more: dict[str, Any] = {"view": view} if (view := part.view()) is not None else {}
        with _while_it_lives():
            message = await self._hook.send(
                part.text, files=part.files(), ephemeral=True, suppress_embeds=True, wait=True, **more
            )
            return int(message.id)

    async def _edited(self, part: Part) -> int:
        with _while_it_lives():
            message = await insist(
                lambda: self._hook.edit_message(
                    _ORIGINAL, content=part.text, attachments=part.files(), view=part.view()
                )
            )
            return message.id


@contextmanager
def _while_it_lives() -> Iterator[None]:
    with translated():
        try:
            yield
        except discord.HTTPException as error:
            if error.status == 401 or error.code == INVALID_WEBHOOK_TOKEN:
                raise TokenExpired from error
            if error.status == 404:
                raise _Unknown from error
            raise
