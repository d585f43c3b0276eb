"""Where the platforms' listeners hand in what happened: decides what asks something of Erica, and keeps it.

Knows no platform's library. Whatever raises here was not kept, and must not be acknowledged.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.course import Course
from bot.feedback import FeedbackBook, Rating
from bot.intake import Incoming, Intake, Platform
from bot.journal import Halt, Journal
from bot.metrics import Metrics
from bot.places import Places
from bot.pseudonyms import Pseudonyms

EDITABLE_SECONDS = 60.0
"""How long after it was written a question may change and still get its answer anew."""
_EXPLAINED_AT_MOST = 2_000

Complete = Callable[[Course, str], Awaitable[tuple[str, ...]]]
"""Names of a course's concepts that begin as what was typed, best first."""

logger = logging.getLogger(__name__)


class Reception:
    """One for all listeners of a process. Every method may raise IntakeFailed, JournalFailed or FeedbackFailed."""

    def __init__(
        self,
        places: Places,
        intake: Intake,
        journal: Journal,
        feedback: FeedbackBook,
        pseudonyms: Pseudonyms,
        complete: Complete,
        metrics: Metrics,
    ) -> None:
        self._places, self._intake, self._journal, self._feedback = places, intake, journal, feedback
        self._pseudonyms, self._complete, self._metrics = pseudonyms, complete, metrics

    async def asked(self, incoming: Incoming) -> bool:
        """Keep what asks something of Erica; False for what does not, or was kept before.

        Mentions, direct messages, commands and shortcuts always do; other messages in Erica's own threads, where
        the course wants it so. Whether anything can be answered there is the handler's business.
        """
        course = await self._course_of(incoming)
        if incoming.kind == "message":
            own = incoming.thread is not None and await self._journal.course_of(incoming.conversation) is not None
            if not own or course is None or not course.answers.followups_without_mention:
                return False
        kept = await self._intake.put(replace(incoming, course=course.id if course else ""))
        self._metrics.received(incoming.platform, incoming.kind, kept)
        return kept

    async def edited(self, incoming: Incoming, seconds: float) -> bool:
        """A message, whose `text` and `revision` are the new ones, was changed `seconds` after it was written, by the
        platform's clock: it is asked anew, and the answer to what it was before stops."""
        if seconds > EDITABLE_SECONDS or not await self.asked(incoming):
            return False
        await self._journal.halt(incoming.question, Halt("edited", incoming.revision))
        return True

    async def deleted(self, question: str) -> None:
        """A message (`Incoming.question`) is gone: its answer stops."""
        await self._journal.halt(question, Halt("deleted"))

    async def stopped(self, conversation: str) -> None:
        """Somebody pressed Stop in a thread (`Incoming.conversation`)."""
        for question in await self._journal.under_way(conversation):
            await self._journal.halt(question, Halt("stopped"))

    async def rated(self, answer: str, platform: Platform, user: str, rating: Rating) -> bool:
        """A feedback button was pressed; False if the answer is too old to be rated."""
        return await self._feedback.rate(answer, self._pseudonyms.rater(platform, user), rating)

    async def explained(self, answer: str, platform: Platform, user: str, reason: str) -> bool:
        """Somebody says why."""
        return await self._feedback.explain(
            answer, self._pseudonyms.rater(platform, user), reason.strip()[:_EXPLAINED_AT_MOST]
        )

    async def complete(self, platform: Platform, workspace: str, channel: str, typed: str) -> tuple[str, ...]:
        """Concepts of the channel's course that begin as `typed`; none where there is no course, or on failure."""
        course = self._places.course_at(platform, workspace, channel)
        if course is None:
            there = self._places.courses_in(platform, workspace)
            course = there[0] if len(there) == 1 else None
        if course is None:
            return ()
        try:
            return await self._complete(course, typed)
        except Exception as error:  # a list of suggestions is never worth an error message
            logger.warning("no concepts can be suggested: %s", error)
            return ()

    async def _course_of(self, incoming: Incoming) -> Course | None:
        """The channel's course; in private, what was chosen before, or the only one there is."""
        course = self._places.course_at(incoming.platform, incoming.workspace, incoming.channel)
        if course is not None or not incoming.private:
            return course
        there = self._places.courses_in(incoming.platform, incoming.workspace)
        if len(there) == 1:
            return there[0]
        chosen = await self._journal.course_of(incoming.direct_line)
        return next((one for one in there if one.id == chosen), None)
