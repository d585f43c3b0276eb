"""What is written on Discord, on its way into the intake: kept in spite of outages, and what was missed looked up.

Discord never sends a message again, so what could not be kept at once is tried again from here.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta

import aiohttp
import discord
import stamina

from bot.adapters.discord_client import seen_through
from bot.adapters.discord_events import Place, edited_after, guild_of, heard, is_said, place_of
from bot.adapters.discord_work import Work
from bot.errors import EricaError
from bot.intake import thread_name
from bot.journal import Journal
from bot.metrics import Metrics
from bot.reception import Reception

_MISSED_AT_MOST = 200
"""Messages of one channel that are looked up after a connection was lost."""
_MISSED_SINCE = timedelta(hours=24)
_AT_ONCE = 32
_WAITING_AT_MOST = 2_000
_PLACES_AT_MOST = 10_000
_TRANSIENT = (EricaError, discord.DiscordServerError, discord.RateLimited, aiohttp.ClientError, OSError, TimeoutError)

logger = logging.getLogger(__name__)


class DiscordHearing:
    """Hands what people write, change and delete to the reception. No method raises."""

    def __init__(
        self,
        reception: Reception,
        journal: Journal,
        metrics: Metrics,
        channels: Sequence[tuple[str, str]],
        work: Work,
        patience: float = 300.0,
    ) -> None:
        """`patience`: seconds for which a message is tried again that could not be kept."""
        self._reception, self._journal, self._metrics, self._patience = reception, journal, metrics, patience
        self._work = work
        self._courses = tuple(Place(guild, channel) for guild, channel in channels)
        self._guilds = {place.guild for place in self._courses}
        self._gate, self._waiting = asyncio.Semaphore(_AT_ONCE), 0
        self._unkept: set[int] = set()
        self._looking = 0
        self._places: dict[int, Place] = {}

    async def written(self, client: discord.Client, message: discord.Message, place: Place | None = None) -> None:
        """Somebody wrote a message; `place` where it is known better than from the message."""
        started, received, guild = time.perf_counter(), time.time(), guild_of(message)
        if not is_said(message) or client.user is None:
            return
        me, there = client.user.id, place

        async def keep() -> None:
            spot = there or await self.place(client, guild, message.channel.id, message.channel)
            incoming = heard(message, spot, me, received)
            if incoming is not None and await self._reception.asked(incoming):
                self._metrics.acknowledged("discord", time.perf_counter() - started)
            self._unkept.discard(message.id)
            await self._mark(spot, message.id)

        if place is not None or str(guild) in self._guilds:
            self._unkept.add(message.id)
        with self._work.going_on():
            if await self._insist(keep, f"message {message.id}"):
                self._unkept.discard(message.id)

    async def changed(self, client: discord.Client, message: discord.Message) -> None:
        """A message was changed, or only what Discord shows below it."""
        at, received, guild = message.edited_at, time.time(), guild_of(message)
        if at is None or not is_said(message) or client.user is None:
            return
        me = client.user.id

        async def keep() -> None:
            place = await self.place(client, guild, message.channel.id, message.channel)
            incoming = heard(message, place, me, received, revision=at.isoformat())
            if incoming is not None:
                await self._reception.edited(incoming, edited_after(message, at))

        with self._work.going_on():
            await self._insist(keep, f"the change of message {message.id}")

    async def removed(self, client: discord.Client, guild: int | None, channel: int, messages: Sequence[int]) -> None:
        """Messages were deleted; what is said outside of courses' channels does not matter."""

        async def keep() -> None:
            place = await self.place(client, guild, channel, client.get_channel(channel))
            if not place.guild or Place(place.guild, place.channel) in self._courses:
                for message in messages:
                    await self._reception.deleted(place.question(message))

        if guild is None or str(guild) in self._guilds:
            with self._work.going_on():
                await self._insist(keep, f"the deletion of {len(messages)} messages")

    async def place(self, client: discord.Client, guild: int | None, id_: int, channel: object) -> Place:
        """The place of a channel; asks Discord once for threads that it did not tell of.

        Raises discord.HTTPException, JournalFailed or a network error.
        """
        found = place_of(guild, id_, channel) or place_of(guild, id_, client.get_channel(id_)) or self._places.get(id_)
        if found is None and (course := Place(str(guild), str(id_))) in self._courses:
            found = course
        if found is None:
            if len(self._places) >= _PLACES_AT_MOST:
                self._places.clear()
            try:
                found = place_of(guild, id_, await seen_through(client.fetch_channel(id_)))
            except (discord.NotFound, discord.Forbidden, discord.InvalidData, LookupError):
                logger.info("the channel %s cannot be looked at", id_)  # or is told in part
                found = await self._own_thread(str(guild), str(id_))
            found = self._places[id_] = found or Place(str(guild), str(id_))
        return found

    async def _own_thread(self, guild: str, thread: str) -> Place | None:
        """The place of a thread in which Erica has answered; that is known without Discord."""
        for course in self._courses:
            name = thread_name("discord", guild, course.channel, thread)
            if course.guild == guild and await self._journal.course_of(name) is not None:
                return Place(guild, course.channel, thread)
        return None

    async def catch_up(self, client: discord.Client, shard: int, shards: int) -> None:
        """Look for what was said in the courses' channels of a shard since the last message that arrived.

        Call it at every new session, before anything that the session brings is handled.
        """
        self._looking += 1
        self._unkept.clear()  # whatever that was is found now
        try:
            threads: dict[str, Sequence[discord.Thread]] = {}
            for place in self._courses:
                if (int(place.guild) >> 22) % shards != shard:
                    continue

                async def look(place: Place = place) -> None:
                    await self._look(client, place, threads)

                await self._insist(look, f"what was missed in the channel {place.channel}", contextlib.nullcontext())
        finally:
            self._looking -= 1

    async def _look(self, client: discord.Client, place: Place, threads: dict[str, Sequence[discord.Thread]]) -> None:
        last = await self._journal.last_seen(place.name)
        if last is None:  # the first time: from now on
            channel = client.get_partial_messageable(int(place.channel), guild_id=int(place.guild))
            newest = [message.id async for message in channel.history(limit=1)]
            await self._journal.seen(place.name, str(max(newest, default=place.channel)))
            return
        after = max(int(last), discord.utils.time_snowflake(datetime.now(UTC) - _MISSED_SINCE))
        if place.guild not in threads:
            threads[place.guild] = await self._threads(client, place)
        mine = [one for one in threads[place.guild] if str(one.parent_id) == place.channel]
        fresh = [one for one in mine if one.last_message_id is None or one.last_message_id > after]
        last_read = 0
        for spot in (place, *(Place(place.guild, place.channel, str(one.id)) for one in fresh)):
            last_read = max(last_read, await self._read(client, spot, after))
        if last_read and not self._unkept:
            await self._journal.seen(place.name, str(last_read))

    async def _threads(self, client: discord.Client, place: Place) -> Sequence[discord.Thread]:
        guild = client.get_guild(int(place.guild))
        if guild is None:
            logger.warning("not a member of the Discord server %s, where a course has a channel", place.guild)
            return ()
        return await guild.active_threads()

    async def _read(self, client: discord.Client, place: Place, after: int) -> int:
        """Hand in what was said since `after`; the id of the last message that was read, 0 for none."""
        channel = client.get_partial_messageable(int(place.thread or place.channel), guild_id=int(place.guild))
        found = 0
        since = discord.Object(after)
        messages = [one async for one in channel.history(limit=_MISSED_AT_MOST, after=since, oldest_first=True)]
        if len(messages) >= _MISSED_AT_MOST:
            logger.warning("more than %s messages were missed in %s", _MISSED_AT_MOST, place.channel)
        for message in messages:
            await self.written(client, message, place)
            found = message.id
        return found

    async def _mark(self, place: Place, message: int) -> None:
        """Remember that a message arrived, unless an older one may still be lost."""
        if self._looking or Place(place.guild, place.channel) not in self._courses:
            return
        await self._journal.seen(place.name, str(min({message, *(older - 1 for older in self._unkept)})))

    async def _insist(
        self, keep: Callable[[], Awaitable[None]], what: str, gate: AbstractAsyncContextManager[None] | None = None
    ) -> bool:
        """Do it, again and again for a few minutes if need be; `gate` bounds how many do so at once.

        False: it was in vain, but may work later.
        """
        if self._waiting >= _WAITING_AT_MOST:
            logger.error("%s is given up: too much is waiting already", what)
            return False
        self._waiting += 1
        try:
            retries = stamina.retry_context(
                on=_TRANSIENT, attempts=None, timeout=self._patience, wait_max=10.0, wait_jitter=0.3
            )
            async for attempt in retries:
                with attempt:
                    async with gate or self._gate:
                        await keep()
        except _TRANSIENT as error:
            logger.error("%s could not be kept: %s", what, error)
            return False
        except discord.HTTPException as error:
            logger.warning("Discord refuses %s: %s", what, error)
        except Exception:
            logger.exception("%s could not be read", what)
        finally:
            self._waiting -= 1
        return True
