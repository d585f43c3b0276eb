"""Tasks that are worth waiting for before Discord is left. Knows nothing of what they do."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Work:
    """What is under way, by task."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """The current task is under way meanwhile."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            yield
        finally:
            self._tasks.discard(task)

    async def drain(self, seconds: float) -> None:
        """Wait for all of it that long, and end the rest."""
        tasks = {task for task in self._tasks if task is not asyncio.current_task()}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
