"""Who may edit next in a channel of Discord, whose rate limit all messages in it share. Knows nothing of messages.

About one preview a second in a channel, in turns, and fewer where many channels want some: Discord takes 50 calls a
second of a bot in all. What comes latest wins; what is final goes first.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Hashable
from contextlib import suppress
from typing import Any

Act = Callable[[], Coroutine[Any, Any, None]]
"""One call to Discord."""

_CHANNELS_AT_FULL_PACE = 30
"""So many previews and no more in an interval; the rest of what Discord takes is for what is final."""

logger = logging.getLogger(__name__)


class ChannelEditors:
    """The queues of all channels; one that is idle for `interval` seconds is forgotten."""

    def __init__(self, interval: float = 1.0) -> None:
        """`interval`: seconds from one preview in a channel to the next, while few channels want some."""
        self._shortest = interval
        self._queues: dict[int, _Queue] = {}

    def __len__(self) -> int:
        """Channels with something to do, or that had a moment ago."""
        return len(self._queues)

    @property
    def interval(self) -> float:
        """Seconds from one preview in a channel to the next, with as many channels as there are now."""
        return self._shortest * max(1.0, len(self._queues) / _CHANNELS_AT_FULL_PACE)

    def preview(self, channel: int, owner: Hashable, act: Act) -> None:
        """Act when it is this owner's turn, unless something newer of its own has come by then.

        What `act` raises is only logged.
        """
        queue = self._queue(channel)
        queue.previews[owner] = act  # what takes the place of an older one keeps its turn
        queue.woken.set()

    async def final(self, channel: int, owner: Hashable, act: Act) -> None:
        """Act as soon as whoever acts now is done, instead of this owner's preview. Raises what `act` raises."""
        queue = self._queue(channel)
        queue.previews.pop(owner, None)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.finals.append((owner, act, done))
        queue.woken.set()
        try:
            await done
        except asyncio.CancelledError:
            queue.stop(owner)
            raise

    async def leave(self, channel: int, owner: Hashable, patience: float = 2.0) -> None:
        """Nothing more of this owner's; what is under way may end within `patience` seconds, then it is cancelled."""
        if (queue := self._queues.get(channel)) is None:
            return
        queue.previews.pop(owner, None)
        try:
            if (task := queue.running(owner)) is not None:
                await asyncio.wait((task,), timeout=patience)
        finally:
            queue.stop(owner)

    async def idle(self) -> None:
        """Until nothing is left to do in any channel."""
        while tasks := self._tasks():
            await asyncio.wait(tasks)

    async def close(self) -> None:
        """Stop everything."""
        tasks = self._tasks()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [queue.task for queue in self._queues.values() if queue.task is not None]

    def _queue(self, channel: int) -> "_Queue":
        queue = self._queues.get(channel)
        if queue is None:
            queue = self._queues[channel] = _Queue(lambda: self.interval)
            queue.task = asyncio.create_task(self._work(channel, queue))
        return queue

    async def _work(self, channel: int, queue: "_Queue") -> None:
        try:
            await queue.run()
        finally:
            del self._queues[channel]
            for _, _, done in queue.finals:
                done.cancel()


class _Queue:
    """What is to be done in one channel."""

    def __init__(self, interval: Callable[[], float]) -> None:
        self.previews: dict[Hashable, Act] = {}
        self.finals: deque[tuple[Hashable, Act, asyncio.Future[None]]] = deque()
        self.woken = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self._interval, self._next = interval, 0.0
        self._running: tuple[Hashable, asyncio.Task[None]] | None = None

    async def run(self) -> None:
        """Until nothing is left, and the last act is an interval ago."""
        loop = asyncio.get_running_loop()
        while True:
            self.woken.clear()
            pause = self._next - loop.time()
            if self.finals:
                owner, act, done = self.finals.popleft()
                if not done.done():
                    await self._do(owner, act, done)
            elif pause > 0:
                await self._rest(pause)
            elif self.previews:
                owner = next(iter(self.previews))
                await self._do(owner, self.previews.pop(owner), None)
            else:
                return

    def running(self, owner: Hashable) -> asyncio.Task[None] | None:
        """What this owner is doing now."""
        return self._running[1] if self._running is not None and self._running[0] == owner else None

    def stop(self, owner: Hashable) -> None:
        """Cancel what this owner is doing."""
        if (task := self.running(owner)) is not None:
            task.cancel()

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.woken.wait()

    async def _do(self, owner: Hashable, act: Act, done: asyncio.Future[None] | None) -> None:
        self._next = asyncio.get_running_loop().time() + self._interval()
        task = asyncio.create_task(act())
        self._running = owner, task
        try:
            await asyncio.wait((task,))
        finally:
            self._running = None
            task.cancel()
            if done is not None and not task.done():
                done.cancel()
        error = None if task.cancelled() else task.exception()
        if done is None:
            if error is not None:
                logger.warning("a preview could not be shown", exc_info=error)
        elif not done.done():
            if task.cancelled():
                done.cancel()
            elif error is not None:
                done.set_exception(error)
            else:
                done.set_result(None)
