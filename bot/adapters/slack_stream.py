"""Shows an answer while it is written: as a stream that grows, or else by changing a message.

Knows nothing of finished answers: whatever goes wrong here, the final update makes good.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Literal

from bot.adapters.slack_blocks import LONGEST_PREVIEW, Shown, cut, preview
from bot.adapters.slack_errors import SlackBusy, SlackLost, SlackRefused
from bot.adapters.slack_pace import SlackPace
from bot.adapters.slack_posts import SlackPosts
from bot.errors import ClaimLost, DeliveryFailed, IntakeFailed, JournalFailed
from bot.journal import Halt, Journal
from bot.rendering.slack_markdown import rotation, slack_growth

_log = logging.getLogger(__name__)

LONGEST_STREAM = LONGEST_PREVIEW
"""Characters of one streamed message; Slack takes 12,000."""
STREAM_SECONDS = 240.0
"""Slack closes a stream after five minutes by itself."""
_STOP_SECONDS = 5.0  # for Slack to be ready to end a stream before the final update
_LAST_CALL_SECONDS = 25.0  # for what is being called when the answer is finished

Way = Literal["status", "stream", "update", "silent"]
"""Nothing is posted yet; the last message is an open stream; the first one is changed; nothing more is shown."""


class SlackStream:
    """One answer's growth, flushed by a task of its own: what `show` and `status` are given last is what counts."""

    def __init__(self, posts: SlackPosts, pace: SlackPace, journal: Journal, first_text: Callable[[], None]) -> None:
        """`first_text` is called when the first of the answer can be read."""
        self._posts, self._pace, self._journal, self._first_text = posts, pace, journal, first_text
        self._way: Way = "silent"
        self._text = self._status = self._told = ""
        self._shown = ""  # of the answer, by all its streams
        self._basis = ""  # the text that `_shown` was made of
        self._streaming, self._in_stream, self._started = False, 0, 0.0
        self._due = 0.0  # when the next call is welcome, by the event loop's clock
        self._changed, self._over = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._failure: Exception | None = None

    def start(self, way: Way, told: str) -> None:
        """Begin to show; people see `told` already."""
        self._way, self._told = way, told
        self._status = self._status or told
        self._task = asyncio.create_task(self._run())

    def status(self, text: str) -> None:
        """Never waits."""
        self._status = text
        self._changed.set()

    def show(self, text: str) -> None:
        """Never waits."""
        self._text = text
        self._changed.set()

    async def settle(self) -> None:
        """Show no more; what is under way comes to its end. Raises ClaimLost or IntakeFailed if that is known."""
        self._over.set()
        self._changed.set()
        if self._task is not None:
            await asyncio.wait((self._task,), timeout=_LAST_CALL_SECONDS)
        await self.close()
        if self._failure is not None:
            raise self._failure
        await self._stop(patience=_STOP_SECONDS)

    async def close(self) -> None:
        """Leave nothing running; an open stream stays for the next attempt. Never raises."""
        self._pace.closed(self._posts.team, id(self))
        while self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait((self._task,), timeout=1.0)

    async def _run(self) -> None:
        while not self._over.is_set():
            await self._changed.wait()
            self._changed.clear()
            if self._over.is_set():
                return
            await self._flush_safely()
            try:
                async with asyncio.timeout_at(self._due):
                    await self._over.wait()
            except TimeoutError:
                continue

    async def _flush_safely(self) -> None:
        try:
            await self._flush()
            return
        except (ClaimLost, IntakeFailed) as error:
            self._failure = error
        except DeliveryFailed as error:
            _log.info("question %s: shown only when it is finished: %s", self._posts.id, error)
        except Exception:
            _log.exception("question %s: shown only when it is finished", self._posts.id)
        self._way = "silent"

    async def _flush(self) -> None:
        text = self._text
        if self._way == "silent":
            return
        if not text:
            await self._tell(self._status)
        elif self._way == "status":
            await self._open(text)
        elif self._way == "stream":
            await self._grow(text)
        else:
            await self._preview(text)

    def _rest(self, seconds: float) -> None:
        self._due = asyncio.get_running_loop().time() + seconds

    async def _tell(self, status: str) -> None:
        if status == self._told:
            return
        self._told = status
        if self._way == "status":
            await self._posts.status.tell(status)
        elif self._pace.may_preview(self._posts.team):
            await self._update(Shown(status))

    async def _open(self, text: str) -> None:
        """The first of the answer."""
        more = slack_growth("", text)
        if not more.strip():
            return
        if self._pace.may_start(self._posts.team) and await self._start("", more):
            self._basis = text
            return
        self._way = "update"
        await self._preview(text)

    async def _start(self, opening: str, more: str) -> bool:
        """Begin the next stream with as much as it takes; False if it cannot be."""
        taken = more[: cut(more, LONGEST_STREAM - len(opening))]
        team = self._posts.team
        try:
            if not await self._posts.start_stream(opening + taken.lstrip("\n")):
                return False
        except SlackLost as error:
            _log.info("question %s: %s; looking for its message", self._posts.id, error)
            await self._posts.recover()
            return False
        except SlackRefused as refused:
            if isinstance(refused, SlackBusy):
                self._pace.busy(team, "start", refused.seconds)
            self._pace.refused(team, refused.reason)
            _log.info("question %s: no stream: %s", self._posts.id, refused.reason)
            return False
        self._way, self._streaming, self._started = "stream", True, self._pace.clock()
        self._pace.opened(team, id(self))
        self._in_stream = len(opening) + len(taken)
        self._shown += taken
        self._rest(self._pace.append_rest(team))
        self._first_text()
        if len(taken) < len(more):
            self._changed.set()
        return True

    async def _grow(self, text: str) -> None:
        if not text.startswith(self._basis):  # the answer starts over
            await self._leave_stream()
            return
        more = slack_growth(self._shown, text)
        if not more:
            return
        room = LONGEST_STREAM - self._in_stream
        if room < len(more) or self._pace.clock() - self._started > STREAM_SECONDS:
            await self._rotate(text, more)
            return
        try:
            await self._posts.append(more)
            self._shown += more
            self._in_stream += len(more)
            self._basis = text
        except SlackBusy as busy:
            self._pace.busy(self._posts.team, "append", busy.seconds)
            self._changed.set()
        except SlackRefused as refused:
            await (self._halt() if refused.reason == "stopped_by_user" else self._leave_stream())
        except SlackLost:  # it may have arrived, so it must not be sent again
            await self._leave_stream()
        self._rest(self._pace.append_rest(self._posts.team))

    async def _rotate(self, text: str, more: str) -> None:
        """Go on in another message, a fence closed here and opened there."""
        closing, opening = rotation(self._shown)
        await self._stop(closing)
        if self._pace.may_start(self._posts.team) and await self._start(opening, more):
            self._basis = text
        else:
            self._way = "silent"

    async def _leave_stream(self) -> None:
        """From now on the message is changed as a whole."""
        await self._stop()
        self._way = "update"
        self._changed.set()

    async def _stop(self, closing: str = "", patience: float = 0.0) -> None:
        if not self._streaming:
            return
        self._streaming = False
        self._pace.closed(self._posts.team, id(self))
        part = len(self._posts.progress.further)
        await self._posts.stop(self._posts.last, part, closing, patience=patience)

    async def _halt(self) -> None:
        """Somebody pressed Stop."""
        self._way, self._streaming = "silent", False
        self._pace.closed(self._posts.team, id(self))
        try:
            await self._journal.halt(self._posts.incoming.question, Halt("stopped"))
        except JournalFailed as error:
            _log.warning("question %s was stopped, which could not be noted: %s", self._posts.id, error)

    async def _preview(self, text: str) -> None:
        shown = preview(text)
        if not shown.text:
            return
        if self._posts.progress.placeholder and not self._pace.may_preview(self._posts.team):
            self._changed.set()
        elif await self._update(shown):
            self._first_text()
        self._rest(self._pace.preview_rest(self._posts.team))

    async def _update(self, shown: Shown) -> bool:
        try:
            await self._posts.preview(shown)
            return True
        except SlackBusy as busy:
            self._pace.busy(self._posts.team, "update", busy.seconds)
        except SlackLost as error:
            _log.info("question %s: %s", self._posts.id, error)
        self._changed.set()
        return False
