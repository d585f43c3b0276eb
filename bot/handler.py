"""One delivery's life, from the intake's hands to its end on the platform.

The only place that turns errors into what people read. Knows platforms by their names only.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from bot import phrases
from bot.answering import Answering, Books, Desk, noted
from bot.courtesy import courtesy
from bot.errors import ClaimLost, DeliveryFailed, EricaError, IntakeFailed, QuestionRejected, RateLimited, Undeliverable
from bot.halts import Halts, Watched
from bot.intake import MOST_ATTEMPTS, Delivery, Incoming, Platform, Progress
from bot.journal import Entry, Halt
from bot.logs import bound
from bot.messages import Choice, Page
from bot.places import Places
from bot.ports import Replies, Reply
from bot.rendering.own_markdown import markdown_escaped

_OTHER_REVISION_SECONDS = 5.0
"""How long a changed question waits for the work on what it was before to stop."""
_LOOK_SECONDS = 0.1

logger = logging.getLogger(__name__)


class Handler:
    """Handles deliveries, any number at once."""

    def __init__(
        self, places: Places, desks: Mapping[str, Desk], replies: Mapping[Platform, Replies], books: Books
    ) -> None:
        """`desks` by course id."""
        self._places, self._desks, self._replies, self._books = places, desks, replies, books
        self._halts = Halts(books.journal)

    async def handle(self, delivery: Delivery) -> None:
        """See one delivery to its end.

        Raises what another attempt may mend, and Undeliverable where nobody can be told; in the last attempt only
        after the student was told. Never for a student's mistake.
        """
        incoming = delivery.incoming
        named = bound(question=delivery.id, platform=incoming.platform, course=incoming.course)
        with self._books.metrics.under_way(), named:
            self._books.metrics.stage("queue", delivery.waited)
            replies = self._replies.get(incoming.platform)
            if replies is None:
                raise DeliveryFailed(
                    f"this process has no access to {incoming.platform}",
                    "Give every worker the tokens of all platforms.",
                )
            if incoming.kind == "command" and incoming.command != "ask":
                await self._command(delivery, replies.to(delivery))
            else:
                await self._question(delivery, replies)

    async def _command(self, delivery: Delivery, reply: Reply) -> None:
        started = time.monotonic()
        outcome = "looked up"
        try:
            try:
                page = await self._page(delivery)
            except EricaError as error:
                logger.warning("a command failed: %s", error)
                page, outcome = Page(error.user_message), "failed"
            await reply.present(page)
            if delivery.incoming.command == "course" and not delivery.farewell:
                await self._ask_held(delivery.incoming)
        except Exception as error:
            await self._confess(delivery, reply, error)
            raise
        finally:
            await reply.close()
        self._ended(delivery, outcome, started)

    async def _page(self, delivery: Delivery) -> Page:
        incoming = delivery.incoming
        if delivery.farewell:
            return _given_up(delivery)
        if incoming.command == "course":
            return await self._choose(incoming)
        desk = self._desks.get(incoming.course)
        if desk is None:
            return self._no_course(incoming)
        return await desk.commands.run(incoming.command, incoming.text)

    async def _choose(self, incoming: Incoming) -> Page:
        """A direct conversation is about that course from now on."""
        desk = self._desks.get(incoming.text)
        if desk is None or not incoming.private:
            return self._no_course(incoming)
        await self._books.journal.open(incoming.direct_line, desk.course.id)
        return Page(phrases.COURSE_CHOSEN.format(title=markdown_escaped(desk.course.course.title)))

    async def _ask_held(self, incoming: Incoming) -> None:
        """Ask the question that waited for the choice of a course. Its answer takes the place where the choice was
        offered, so whatever is said there of the choice must have been said before."""
        if incoming.text not in self._desks or not incoming.private:
            return
        held = await self._books.journal.held(incoming.direct_line)
        if held is not None:
            revision = f"course {incoming.text}"
            await self._books.intake.put(replace(held, course=incoming.text, event="", revision=revision))

    def _no_course(self, incoming: Incoming) -> Page:
        """What is said where no course is, or several are."""
        if not incoming.private:
            return Page(phrases.WRONG_CHANNEL)
        there = self._places.courses_in(incoming.platform, incoming.workspace)
        if not there:
            return Page(phrases.NO_COURSE_HERE)
        return Page(phrases.WHICH_COURSE, choices=tuple(Choice(one.course.title, "course", one.id) for one in there))

    async def _question(self, delivery: Delivery, replies: Replies) -> None:
        """Answer a question, unless it was answered, or has changed or gone, in the meantime."""
        incoming = delivery.incoming
        async with self._halts.watch(incoming) as watched:
            if watched.halted.done() and watched.halted.result().reason != "stopped":
                await self._drop(delivery, replies, watched.halted.result())
                return
            entry = await self._settled(delivery)
            if entry is not None and entry.revision == incoming.revision and entry.state == "ended":
                return  # the end was shown, but whoever showed it died before it could say so
            changed = entry is not None and entry.revision != incoming.revision
            reply = replies.to(delivery, entry.progress if entry is not None and changed else Progress())
            try:
                await self._converse(delivery, reply, replies, watched)
                with noted("the end of a question cannot be noted"):
                    ended = Entry(delivery.id, incoming.revision, "ended", reply.progress)
                    await self._books.journal.write(incoming.question, ended, reply.conversation)
            except (ClaimLost, IntakeFailed):
                raise
            except Exception as error:
                await self._confess(delivery, reply, error)
                raise
            finally:
                await reply.close()

    async def _drop(self, delivery: Delivery, replies: Replies, halt: Halt) -> None:
        """Nothing is to be said any more; what an attempt that died has shown of a deleted question goes, too."""
        self._books.metrics.halted(halt.reason)
        if halt.reason != "deleted" or delivery.progress == Progress():
            return
        reply = replies.to(delivery)
        try:
            await reply.begin(phrases.SEARCHING)
            await reply.withdraw()
        except DeliveryFailed as error:
            logger.info("the answer to a deleted question could not be taken back: %s", error)
        finally:
            await reply.close()

    async def _settled(self, delivery: Delivery) -> Entry | None:
        """What is known of the question, once nobody works on another revision of it any more."""
        until = time.monotonic() + _OTHER_REVISION_SECONDS
        while True:
            entry = await self._books.journal.entry(delivery.incoming.question)
            if entry is None or entry.state == "ended" or entry.delivery == delivery.id or time.monotonic() > until:
                return entry
            await asyncio.sleep(_LOOK_SECONDS)

    async def _converse(self, delivery: Delivery, reply: Reply, replies: Replies, watched: Watched) -> None:
        """Every way through ends in something that is shown."""
        incoming, started = delivery.incoming, time.monotonic()
        page, outcome = await self._instead(delivery)
        if outcome == "thanks":
            await reply.react()
            self._ended(delivery, outcome, started)
            return
        answering: Answering | None = None
        if page is None:
            answering = Answering(delivery, self._desks[incoming.course], reply, replies, self._books, self._halts)
            try:
                await answering.admit()
            except RateLimited as error:
                page, outcome, answering = Page(error.user_message), "refused", None
        unasked = page is not None and incoming.kind in ("command", "shortcut") and delivery.progress == Progress()
        if not (unasked and incoming.reply_to):  # nobody else need see that a command asked nothing, or too much
            await reply.begin(phrases.SEARCHING)
        if answering is not None:
            try:
                outcome = await answering.run(watched)
            except QuestionRejected as error:
                page, outcome = Page(error.user_message), "refused"
            except (DeliveryFailed, ClaimLost, IntakeFailed):
                raise
            except EricaError as error:
                logger.warning("a question could not be answered: %s", error)
                page, outcome = Page(error.user_message), "failed"
        if page is not None:
            await reply.present(page)
        self._ended(delivery, outcome, started)

    async def _instead(self, delivery: Delivery) -> tuple[Page | None, str]:
        """What is said, and how that counts, where there is no question to be answered; no page where there is one."""
        incoming = delivery.incoming
        if delivery.farewell:
            return _given_up(delivery), "failed"
        kind = "question" if incoming.attachments else courtesy(incoming.text)
        if kind == "thanks":
            return None, "thanks"
        desk = self._desks.get(incoming.course)
        if desk is None:
            page = self._no_course(incoming)
            if page.choices:
                await self._books.journal.hold(incoming.direct_line, incoming)
            return page, "refused"
        if kind == "question":
            return None, ""
        said = phrases.GREETING if kind == "greeting" else phrases.NOTHING_ASKED
        return Page(said.format(title=markdown_escaped(desk.course.course.title))), "greeted"

    async def _confess(self, delivery: Delivery, reply: Reply, error: Exception) -> None:
        """In the last attempt, say that there will be no answer, if anything can be said at all."""
        if delivery.attempt < MOST_ATTEMPTS or delivery.farewell or isinstance(error, ClaimLost | Undeliverable):
            return
        with suppress(Exception):
            await reply.present(_given_up(delivery))

    def _ended(self, delivery: Delivery, outcome: str, started: float) -> None:
        incoming, seconds = delivery.incoming, delivery.waited + time.monotonic() - started
        self._books.metrics.ended(incoming.platform, incoming.course, outcome, seconds)


def _given_up(delivery: Delivery) -> Page:
    return Page(phrases.GIVEN_UP.format(id=delivery.id))
