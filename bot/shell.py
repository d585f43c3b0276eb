"""What a command owes the shell that started it: it prints any text, and ends on Ctrl-C, SIGTERM or a closed pipe.

Knows nothing of Erica.
"""

import asyncio
import io
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")

INTERRUPTED = 130
"""Exit code of a command that was stopped by a signal."""


def prepare_streams() -> None:
    """Characters that a stream cannot encode or decode become `?`; a stream that was closed swallows everything."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - until the process ends
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


class _Terse(logging.Formatter):
    """One line without a traceback: those belong into the log file."""

    def format(self, record: logging.LogRecord) -> str:
        return f"erica: {record.getMessage()}"


def log_to(folder: Path) -> None:
    """Warnings as single lines on standard error, and everything with tracebacks in `erica.log` below the folder."""
    terse = logging.StreamHandler()
    terse.setLevel(logging.WARNING)
    terse.setFormatter(_Terse())
    handlers: list[logging.Handler] = [terse]
    with suppress(OSError):  # where nothing can be written, Erica says so in better words elsewhere
        folder.mkdir(parents=True, exist_ok=True)
        handlers.append(RotatingFileHandler(folder / "erica.log", maxBytes=1 << 20, backupCount=2, delay=True))
    logging.basicConfig(level=logging.INFO, handlers=handlers, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("httpx", "httpcore", "qdrant_client", "LiteLLM"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def swallow_output() -> None:
    """Send what is still to be printed nowhere, because standard output is closed or full."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def delivered(text: str = "") -> bool:
    """Print, and tell whether all output has arrived; if not it is given up, so that Python does not mind at exit."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        swallow_output()
        return False
    return True


def until_stopped(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, which Ctrl-C and SIGTERM end at once and in order, with KeyboardInterrupt.

    A task that waits is cancelled. One that computes is interrupted where it is: reading and embedding a course
    may take minutes in which the event loop would never see that the task is cancelled.
    """

    async def stoppable() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def stop(_: int, __: FrameType | None) -> None:
            if asyncio.current_task(loop) is task or task.cancelling():
                raise KeyboardInterrupt
            loop.call_soon_threadsafe(task.cancel)

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            return await main
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    try:
        return asyncio.run(stoppable())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
