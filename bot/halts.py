"""Tells those who work on questions that they are to stop: one look into the journal for all of them, twice a second.

Knows neither platforms nor what stopping means.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.errors import JournalFailed
from bot.intake import Incoming
from bot.journal import Halt, Journal

_LOOK_SECONDS = 0.5

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class Watched:
    """One question that is being worked on; `halted` has a result as soon as work on it is to end."""

    question: str
    revision: str
    halted: "asyncio.Future[Halt]"

    def look(self, halt: Halt | None) -> None:
        """Take in what the journal says; that an older revision was to stop concerns this one no longer."""
        if halt is None or (halt.reason == "edited" and halt.revision <= self.revision):
            return
        if not self.halted.done():
            self.halted.set_result(halt)


class Halts:
    """One for all questions of a process."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._watched: set[Watched] = set()
        self._looking: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def watch(self, incoming: Incoming) -> AsyncIterator[Watched]:
        """Watch a question; one that was halted before is so from the beginning. Raises JournalFailed."""
        watched = Watched(incoming.question, incoming.revision, asyncio.get_running_loop().create_future())
        await self.refresh(watched)
        self._watched.add(watched)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            yield watched
        finally:
            self._watched.discard(watched)
            if not self._watched:
                self._looking.cancel()
                self._looking = None  # it may take a while to end, and who comes meanwhile needs another

    async def refresh(self, watched: Watched) -> None:
        """Look now. Raises JournalFailed."""
        watched.look((await self._journal.halts([watched.question])).get(watched.question))

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                halts = await self._journal.halts([one.question for one in self._watched])
            except JournalFailed as error:
                logger.warning("nobody can be stopped now: %s", error)
                continue
            for one in self._watched:
                one.look(halts.get(one.question))
