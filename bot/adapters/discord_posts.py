"""The messages of one answer: posted once whatever happens, edited in place, recorded for whoever must go on.

Knows where they go, not what they say.
"""

import logging
from dataclasses import replace
from typing import Any

import discord

from bot.adapters.discord_client import (
    INVALID_FORM,
    MISSING_PERMISSIONS,
    NO_HISTORY,
    OLD_MESSAGE_EDITS,
    THREAD_ARCHIVED,
    UNKNOWN_MESSAGE,
    insist,
    seen_through,
    translated,
)
from bot.adapters.discord_parts import Part, nonce_of
from bot.errors import DeliveryFailed, JournalFailed
from bot.intake import Delivery, Intake, Progress, thread_name
from bot.journal import Journal

_UNEDITABLE = {UNKNOWN_MESSAGE, OLD_MESSAGE_EDITS, THREAD_ARCHIVED}
_UNANSWERABLE = {NO_HISTORY, MISSING_PERMISSIONS, INVALID_FORM}
_LOOKED_AT = 50
_ROOT = 999  # the number of the message that says what was asked, where an interaction no longer can

logger = logging.getLogger(__name__)


class Uneditable(Exception):
    """The message is gone, too old, or in a thread that sleeps until somebody writes."""


class Posts:
    """Keeps the delivery's progress. What is awaited raises DeliveryFailed, ClaimLost and IntakeFailed."""

    def __init__(
        self, client: discord.Client, intake: Intake, journal: Journal, delivery: Delivery, earlier: Progress
    ) -> None:
        """`earlier`: what was posted for the question before it was edited, taken over if nothing is yet."""
        self._client, self._intake, self._journal, self.delivery = client, intake, journal, delivery
        own = delivery.progress
        self._taken_over = own == Progress() and earlier != own
        self.progress = earlier if self._taken_over else own
        incoming = delivery.incoming
        revised = incoming.kind not in ("command", "shortcut")  # and what was posted for one revision serves the next
        self._owner = incoming.question if revised else delivery.id
        self.place = 0
        self.reference: int | None = None  # the message that the first one answers, if it is in the same place
        self.shown: list[Part | None] = [None for _ in self.ids]
        self._stale: list[int] = []
        self._again = 0

    @property
    def ids(self) -> list[int]:
        """The messages, in order."""
        progress = self.progress
        return [int(one) for one in ((progress.placeholder, *progress.further) if progress.placeholder else ())]

    def settle_in(self, place: int, reference: int | None = None) -> None:
        """The channel or thread that all messages go to."""
        self.place, self.reference = place, reference

    async def take_over(self) -> None:
        """Make what an earlier revision left, or an earlier attempt could not record, our own."""
        if self._taken_over:
            one = self.progress
            await self.record(placeholder=one.placeholder, nonce=one.nonce, thread=one.thread, further=one.further)
            self._taken_over = False
        if self.progress.nonce and (lost := await self._lost(self.reference if not self.ids else None)) is not None:
            await self._keep(lost, None)

    async def record_thread(self, thread: int) -> None:
        """Erica opened this thread."""
        await self.record(thread=str(thread))

    async def put(self, number: int, part: Part) -> None:
        """Let the message of that number say this; post it if there is none yet, or if it cannot be edited."""
        ids = self.ids
        if number < len(ids):
            if self.shown[number] == part:
                return
            try:
                await self.edit(number, part)
                return
            except Uneditable as error:
                logger.info("a message of question %s is posted anew: %s", self.delivery.id, error)
                self._abandon(number)
        message = await self._post(part, number, self.reference if not self.ids else None)
        as_wanted = _shows(message, part)
        await self._keep(message.id, part if as_wanted else None)
        if not as_wanted:  # Discord knew the nonce, from an attempt that said something else
            try:
                await self.edit(number, part)
            except Uneditable as error:
                raise DeliveryFailed("a message went as it came") from error

    async def edit(self, number: int, part: Part) -> None:
        """Change a message. Raises Uneditable."""
        message = self._client.get_partial_messageable(self.place).get_partial_message(self.ids[number])
        with translated():
            try:
                await insist(lambda: message.edit(content=part.text, attachments=part.files(), view=part.view()))
            except discord.HTTPException as error:
                if error.code in _UNEDITABLE:
                    raise Uneditable(f"code {error.code}") from error
                raise
        self.shown[number] = part

    async def cut(self, number: int) -> None:
        """Remove the messages from that number on, and those that were replaced."""
        if number < len(self.ids):
            self._abandon(number)
            kept = self.ids
            await self.record(placeholder=str(kept[0]) if kept else "", further=tuple(map(str, kept[1:])))
        for message in self._stale:
            await self._delete(message)
        self._stale.clear()

    async def root(self, text: str) -> int:
        """Post what was asked where an interaction no longer can tell it; the message's id."""
        if self.progress.nonce and (lost := await self._lost(None, text)) is not None:
            return lost
        message = (await self._post(Part(text), _ROOT, None)).id
        await self._claim(message)
        return message

    async def tell(self, channel: discord.abc.Messageable, part: Part, number: int) -> int:
        """Post something anywhere, once; the message's id."""
        return (await self._send(channel, part, nonce_of(self._owner, number, self._again), None)).id

    async def record(
        self,
        *,
        placeholder: str | None = None,
        nonce: str | None = None,
        thread: str | None = None,
        further: tuple[str, ...] | None = None,
    ) -> None:
        """Keep it in the intake. Raises ClaimLost and IntakeFailed; we know it all the same."""
        known = self.progress
        self.progress = Progress(
            known.placeholder if placeholder is None else placeholder,
            known.nonce if nonce is None else nonce,
            known.thread if thread is None else thread,
            known.further if further is None else further,
        )
        self.delivery = await self._intake.record(
            self.delivery, placeholder=placeholder, nonce=nonce, thread=thread, further=further
        )

    async def _post(self, part: Part, number: int, reference: int | None) -> discord.Message:
        """Post once: whoever tries again with the same nonce soon gets the same message, and later looks for it."""
        channel = self._client.get_partial_messageable(self.place)
        nonce = nonce_of(self._owner, number, self._again)
        await self.record(nonce=nonce)
        try:
            return await self._send(channel, part, nonce, reference)
        except _Repeated:
            self._again += 1  # it was posted, and deleted since
            nonce = nonce_of(self._owner, number, self._again)
            await self.record(nonce=nonce)
            return await self._send(channel, part, nonce, reference)

    async def _send(
        self, channel: discord.abc.Messageable, part: Part, nonce: str, reference: int | None
    ) -> discord.Message:
        answered = None
        if reference is not None:
            answered = discord.MessageReference(message_id=reference, channel_id=self.place, fail_if_not_exists=False)
        with translated():
            try:
                return await insist(lambda: _sent(channel, part, nonce, answered))
            except discord.HTTPException as error:
                if error.code == UNKNOWN_MESSAGE:
                    raise _Repeated from error
                if answered is None or error.code not in _UNANSWERABLE:
                    raise
                return await _sent(channel, part, nonce, None)

    async def _keep(self, message: int, part: Part | None) -> None:
        """A new message is ours. Claimed first: whoever looks for its own must not take it for that."""
        await self._claim(message)
        self.shown.append(part)
        first, *further = [*self.ids, message]
        await self.record(placeholder=str(first), further=tuple(map(str, further)), nonce="")

    async def _lost(self, reference: int | None, text: str | None = None) -> int | None:
        """A message that was posted for this delivery by somebody who died before saying so."""
        incoming = self.delivery.incoming
        known = [int(one) for one in (incoming.message, incoming.event) if one.isdecimal()]  # ids grow with time
        after = discord.Object(max([*self.ids[-1:], reference or 0, *known]))
        channel = self._client.get_partial_messageable(self.place)

        async def look() -> list[discord.Message]:
            return [one async for one in channel.history(limit=_LOOKED_AT, after=after if after.id else None)]

        with translated():
            try:
                found = await seen_through(look())
            except (discord.Forbidden, discord.NotFound):  # then the nonce alone must do
                return None
        for one in found:
            if self._may_be_ours(one, reference) and text in (None, one.content):
                try:
                    if await self._journal.claim(self._name(one.id), self._owner):
                        return one.id
                except JournalFailed as error:
                    raise DeliveryFailed("what was posted before cannot be told from what others posted") from error
        return None

    def _may_be_ours(self, message: discord.Message, reference: int | None) -> bool:
        me = self._client.user
        answered = message.reference.message_id if message.reference is not None else None
        plain = message.type in (discord.MessageType.default, discord.MessageType.reply)
        other = message.nonce is not None and str(message.nonce) != self.progress.nonce
        return me is not None and message.author.id == me.id and plain and answered == reference and not other

    async def _claim(self, message: int) -> None:
        try:
            await self._journal.claim(self._name(message), self._owner)
        except JournalFailed as error:
            logger.warning("a message of question %s could not be claimed: %s", self.delivery.id, error)

    def _name(self, message: int) -> str:
        return thread_name("discord", self.delivery.incoming.workspace, str(self.place), str(message))

    def _abandon(self, number: int) -> None:
        """From that number on, messages are to be posted anew; the old ones go when the new ones stand."""
        kept = self.ids[:number]
        self._stale += self.ids[number:]
        del self.shown[number:]
        self._again += 1
        placeholder, further = (str(kept[0]), tuple(map(str, kept[1:]))) if kept else ("", ())
        self.progress = replace(self.progress, placeholder=placeholder, further=further)

    async def _delete(self, message: int) -> None:
        try:
            with translated():
                place = self._client.get_partial_messageable(self.place)
                await seen_through(place.get_partial_message(message).delete())
        except DeliveryFailed as error:
            logger.info("a message of question %s could not be removed: %s", self.delivery.id, error)


def _shows(message: discord.Message, part: Part) -> bool:
    same_files = len(message.attachments) == len(part.pictures)
    same_buttons = bool(getattr(message, "components", ())) == bool(part.buttons)  # no such field where none was sent
    return message.content.strip() == part.text.strip() and same_files and same_buttons


class _Repeated(Exception):
    """A message with that nonce was posted and deleted a moment ago."""


async def _sent(
    channel: discord.abc.Messageable, part: Part, nonce: str, reference: discord.MessageReference | None
) -> discord.Message:
    options: dict[str, Any] = {"reference": reference} if reference is not None else {}
    if (view := part.view()) is not None:
        options["view"] = view
    message: discord.Message = await channel.send(
        part.text, files=part.files(), nonce=nonce, suppress_embeds=True, mention_author=False, **options
    )
    return message
