"""Pages that answer a command or a button: for its author alone, by the interaction's token while that lives.

Knows nothing of what is on them.
"""

import logging

import discord

from bot.adapters.discord_client import seen_through, translated
from bot.adapters.discord_hook import InteractionHook, TokenExpired
from bot.adapters.discord_parts import Part
from bot.adapters.discord_posts import Posts
from bot.errors import Undeliverable
from bot.intake import Incoming

_TOO_LATE = "<@{author}>, that took me too long to show here. Please try again."

logger = logging.getLogger(__name__)


async def present_page(client: discord.Client, posts: Posts, parts: list[Part]) -> None:
    """Show a page where the listener said that one would come; too late for that, in a direct message.

    Raises DeliveryFailed, ClaimLost and IntakeFailed.
    """
    first, *further = parts
    hook = InteractionHook(client, posts.delivery)
    try:
        await hook.answer(first)
        for number, part in enumerate(further):
            if number >= len(posts.progress.further):  # an earlier attempt has said the others
                message = await hook.follow(part)
                await posts.record(further=(*posts.progress.further, str(message)))
    except TokenExpired:
        logger.info("command %s comes too late for its interaction", posts.delivery.id)
        await _write_to(client, posts, parts[len(posts.progress.further) :])


async def _write_to(client: discord.Client, posts: Posts, parts: list[Part]) -> None:
    """To the author, or a short line in the channel to those who take no direct messages."""
    incoming: Incoming = posts.delivery.incoming
    here = client.get_partial_messageable(int(incoming.thread or incoming.channel))
    place: discord.abc.Messageable = here
    done = len(posts.progress.further)
    try:
        if not incoming.private:
            with translated():
                place = await seen_through(client.create_dm(discord.Object(int(incoming.author))))
        for number, part in enumerate(parts, done):
            message = await posts.tell(place, part, number)
            await posts.record(further=(*posts.progress.further, str(message)))
    except Undeliverable:
        if incoming.private:
            raise
        await posts.tell(here, Part(_TOO_LATE.format(author=incoming.author)), len(parts) + done)
