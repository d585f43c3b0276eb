"""Takes questions from the intake, a bounded number at once, keeps its claims alive, and drains when it is to stop.

Knows neither platforms nor what is done with a question: that is the handler's business.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from bot.errors import ClaimLost, DeliveryFailed, IntakeFailed, Undeliverable
from bot.intake import Delivery, Intake

Handle = Callable[[Delivery], Coroutine[Any, Any, None]]
"""Sees one question to its end. Raises nothing for the student's sake; what it raises means another attempt."""

_WAIT_SECONDS = 1.0
_REST_SECONDS = 1.0
_TAKERS = 4
"""How many questions are taken at once: one after the other, a crowd of them would wait for the busy event loop."""

logger = logging.getLogger(__name__)


class Worker:
    """One consumer of the intake. `name` is unique among all that run."""

    def __init__(self, intake: Intake, handle: Handle, name: str, slots: int = 100) -> None:
        """At most `slots` questions are under way at once."""
        self._intake, self._handle, self._name = intake, handle, name
        self._free = asyncio.Semaphore(slots)
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self, stopping: asyncio.Event, drain_seconds: float = 30.0) -> None:
        """Work until `stopping` is set; then take no more, let what is under way finish, and leave.

        What has not finished in `drain_seconds` is stopped and goes to another worker, or to this one's next run.
        """
        takers = [asyncio.create_task(self._take()) for _ in range(_TAKERS)]
        ending = asyncio.create_task(stopping.wait())
        try:
            ended, _ = await asyncio.wait((ending, *takers), return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            await asyncio.gather(*(_stopped(task) for task in (ending, *takers)))  # what is taken just then goes back
            await self._drain(drain_seconds)

    async def _take(self) -> None:
        """Begin with one question after the other, whenever there is a slot."""
        while True:
            await self._free.acquire()
            delivery = await self._next()
            if delivery is None:
                self._free.release()
                continue
            task = asyncio.create_task(self._work_on(delivery))
            self._under_way.add(task)
            task.add_done_callback(self._finished)

    async def _next(self) -> Delivery | None:
        try:
            return await self._intake.take(self._name, _WAIT_SECONDS)
        except IntakeFailed as error:
            logger.warning("no questions can be taken: %s", error)
            await asyncio.sleep(_REST_SECONDS)
            return None

    async def _work_on(self, delivery: Delivery) -> None:
        """The handler runs while the claim is held; whoever loses the claim stops at once."""
        if delivery.attempt > 1:
            logger.warning("question %s is taken up again, attempt %d", delivery.id, delivery.attempt)
        handling = asyncio.create_task(self._handle(delivery))
        holding = asyncio.create_task(self._hold(delivery))
        try:
            await asyncio.wait((handling, holding), return_when=asyncio.FIRST_COMPLETED)
            if not handling.done():
                logger.warning("question %s went to another worker", delivery.id)
                return
            await self._end(delivery, handling)
        finally:
            for task in (handling, holding):
                await _stopped(task)

    async def _end(self, delivery: Delivery, handling: "asyncio.Task[None]") -> None:
        cancelled = handling.cancelled()  # by a library below: nobody here cancels what is not to end
        error = DeliveryFailed("its handling was cancelled") if cancelled else handling.exception()
        with suppress(ClaimLost):
            try:
                if error is None:
                    await self._intake.done(delivery)
                elif isinstance(error, Undeliverable):
                    logger.warning("question %s cannot be answered: %s", delivery.id, error)
                    await self._intake.failed(delivery, str(error), final=True)
                elif not isinstance(error, ClaimLost):
                    logger.error("question %s failed in attempt %d", delivery.id, delivery.attempt, exc_info=error)
                    await self._intake.failed(delivery, f"{type(error).__name__}: {error}", final=delivery.farewell)
            except IntakeFailed as failure:  # its lease runs out, and it is tried again
                logger.warning("the end of question %s could not be noted: %s", delivery.id, failure)

    async def _hold(self, delivery: Delivery) -> None:
        """Renew the claim until it is lost."""
        while True:
            await asyncio.sleep(self._intake.lease / 3)
            try:
                await self._intake.renew(delivery)
            except ClaimLost:
                return
            except IntakeFailed as error:
                logger.warning("the claim on question %s could not be renewed: %s", delivery.id, error)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        self._free.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a worker's task failed", exc_info=error)

    async def _drain(self, seconds: float) -> None:
        if self._under_way:
            logger.info("finishing %d questions", len(self._under_way))
            await asyncio.wait(self._under_way, timeout=seconds)
        await asyncio.gather(
            *map(_stopped, self._under_way)
        )  # at once: each may need a moment, and there is little time
        try:
            await self._intake.leave(self._name)
        except IntakeFailed as error:
            logger.warning("what was under way could not be given back: %s", error)


async def _stopped(task: "asyncio.Task[Any]") -> None:
    """Cancel until it is: a library below may swallow one cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=1.0)
