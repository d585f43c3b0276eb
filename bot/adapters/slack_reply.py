"""How Erica answers in Slack: a delivery's thread, what is shown there while she works, and its end.

Knows a delivery and nothing of the event that it was.
"""

import asyncio
import logging
import time
from collections.abc import Sequence

from bot.adapters.slack_blocks import Sheet, Shown, answer_sheets, asked_text, page_sheets, wanted, ways
from bot.adapters.slack_client import SlackClients
from bot.adapters.slack_errors import BLOCKS, TOO_LONG, SlackRefused
from bot.adapters.slack_files import download, upload_all
from bot.adapters.slack_pace import SlackPace
from bot.adapters.slack_posts import SlackPosts
from bot.adapters.slack_stream import SlackStream
from bot.adapters.slack_whisper import SlackWhisper
from bot.errors import DeliveryFailed, Undeliverable
from bot.intake import Attachment, Delivery, Incoming, Intake, Progress, thread_name
from bot.journal import Journal
from bot.messages import Answer, Page, Picture
from bot.metrics import Metrics
from bot.rendering.formulas import Formula
from bot.rendering.slack_markdown import LONGEST_MARKDOWN

_log = logging.getLogger(__name__)

_LENGTHS = (LONGEST_MARKDOWN, 6_000, 2_800)
"""Characters of one message; Slack is not always of the same mind about how many it takes."""
_WHISPERED = "whispered"  # as a nonce: it was said to its author alone, which leaves no message to be found
_PICTURE_SECONDS = 1.5  # for Slack to get ready to show a picture that it has taken
_SIGN, _WELCOME = "raised_hands", "🙌"


class SlackReplies:
    """Slack, for those who answer there. Implements `bot.ports.Replies`; one for all workspaces of a process."""

    def __init__(
        self,
        clients: SlackClients,
        intake: Intake,
        journal: Journal,
        metrics: Metrics,
        pace: SlackPace | None = None,
    ) -> None:
        """`pace` is shared by all who stream in the same workspaces. The clients stay the caller's to close."""
        self._clients, self._intake, self._journal, self._metrics = clients, intake, journal, metrics
        self._pace = pace or SlackPace()

    def to(self, delivery: Delivery, earlier: Progress = Progress()) -> "SlackReply":
        """The reply to a delivery; `earlier` is what was posted for the question before it was edited."""
        posts = SlackPosts(self._clients, self._intake, self._journal, delivery)
        return SlackReply(self._clients, posts, self._journal, self._metrics, self._pace, earlier)

    async def read(self, incoming: Incoming, attachment: Attachment, most: int) -> bytes:
        """The first `most` bytes of an attached file. Raises DeliveryFailed."""
        return await download(self._clients, incoming.workspace, attachment, most)


class SlackReply:
    """Implements `bot.ports.Reply`."""

    def __init__(
        self,
        clients: SlackClients,
        posts: SlackPosts,
        journal: Journal,
        metrics: Metrics,
        pace: SlackPace,
        earlier: Progress,
    ) -> None:
        self._clients, self._posts, self._metrics, self._pace, self._earlier = clients, posts, metrics, pace, earlier
        self._incoming = incoming = posts.incoming
        self._stream = SlackStream(posts, pace, journal, self._first_text)
        self._whisper = SlackWhisper(clients, incoming)
        # Slash commands but `/ask` are answered to their author alone, and so is what cannot be said in public.
        self._alone = incoming.kind == "command" and incoming.command != "ask"
        self._made, self._seen = time.monotonic(), False
        self._files: dict[Formula | Picture, str] | None = None

    @property
    def progress(self) -> Progress:
        """What has been posted so far."""
        return self._posts.progress

    @property
    def conversation(self) -> str:
        """The thread that it is shown in."""
        thread = self._posts.thread
        incoming = self._incoming
        if not thread:
            return incoming.conversation
        return thread_name("slack", incoming.workspace, incoming.channel, thread)

    async def begin(self, status: str) -> None:
        """Show that Erica is at work. Raises DeliveryFailed, Undeliverable, ClaimLost, IntakeFailed."""
        if self._alone or self.progress.nonce == _WHISPERED:
            self._alone = True
            return
        try:
            await self._posts.resume(self._earlier)
            await self._posts.begin_thread(asked_text(self._incoming.author, self._incoming.text))
            await self._open(status)
        except Undeliverable:
            if not self._incoming.reply_to:
                raise
            _log.info("question %s: answered to its author alone", self._posts.id)
            self._alone = True

    async def _open(self, status: str) -> None:
        if self.progress.placeholder:
            await self._posts.stop_all()
            await self._posts.status.work()
            self._stream.start("update", told="")
            self._stream.status(status)
            return
        told, _ = await asyncio.gather(self._posts.status.tell(status), self._posts.status.work())
        if not told:
            await self._posts.put(0, Shown(status))
        self._stream.start("status" if told else "update", told=status)

    def status(self, text: str) -> None:
        """What Erica is doing now. Never waits."""
        self._stream.status(text)

    def show(self, text: str) -> None:
        """The answer's Markdown so far. Never waits."""
        self._stream.show(text)

    async def finish(self, answer: Answer) -> str:
        """The finished answer, and a link to it. Raises DeliveryFailed, Undeliverable, ClaimLost, IntakeFailed."""
        await self._stream.settle()
        for length in _LENGTHS:
            try:
                await self._lay_out(answer_sheets(answer, self._posts.id, length))
                break
            except SlackRefused as refused:
                if refused.reason not in TOO_LONG or length == _LENGTHS[-1]:
                    raise
        self._first_text()
        return await self._ended()

    async def present(self, page: Page) -> None:
        """Something other than an answer. Raises DeliveryFailed, Undeliverable, ClaimLost, IntakeFailed."""
        await self._stream.settle()
        posted = self.progress.placeholder or self.progress.thread
        if self._incoming.reply_to and not posted and self._incoming.kind in ("command", "shortcut"):
            self._alone = True
        await self._lay_out(page_sheets(page))
        await self._ended()

    async def react(self) -> None:
        """A small sign under the message; where there can be none, nothing."""
        incoming = self._incoming
        if incoming.kind == "command":  # which leaves no message to be reacted to
            self._alone = True
            await self.present(Page(_WELCOME))
            return
        arguments = {"channel": incoming.channel, "timestamp": incoming.message, "name": _SIGN}
        try:
            await self._clients.call(incoming.workspace, "reactions.add", patience=10.0, again=True, **arguments)
        except DeliveryFailed as error:
            _log.info("question %s: no reaction: %s", self._posts.id, error)

    async def withdraw(self) -> None:
        """Take back what was shown. Raises DeliveryFailed where that may help later, ClaimLost, IntakeFailed."""
        await self._stream.settle()
        await self._posts.delete_all()
        await self._posts.status.rest()

    async def close(self) -> None:
        """Leave nothing running. Never raises."""
        await self._stream.close()

    def _first_text(self) -> None:
        if not self._seen:
            self._seen = True
            self._metrics.first_text("slack", self._posts.waited + time.monotonic() - self._made)

    async def _ended(self) -> str:
        if self._alone:
            return ""
        await self._posts.status.rest()
        return await self._posts.link()

    async def _lay_out(self, sheets: Sequence[Sheet]) -> None:
        """Let the messages say this, and no others."""
        if self._alone and self.progress.nonce == _WHISPERED:
            return  # by an earlier attempt, which died after it
        files = await self._uploaded(sheets)
        if self._alone:
            for sheet in sheets:
                await self._whisper.say(ways(sheet, files))
            await self._posts.record(nonce=_WHISPERED)
            return
        for part, sheet in enumerate(sheets):
            await self._place(part, sheet, files)
        await self._posts.keep(len(sheets))

    async def _uploaded(self, sheets: Sequence[Sheet]) -> dict[Formula | Picture, str]:
        if self._files is None:
            self._files = await upload_all(self._clients, self._incoming.workspace, *wanted(sheets))
        return self._files

    async def _place(self, part: int, sheet: Sheet, files: dict[Formula | Picture, str]) -> None:
        """One message, in the best way that Slack takes."""
        refused: SlackRefused | None = None
        for number, shown in enumerate(ways(sheet, files)):
            # Slack may need a moment more until it can show a picture.
            for rest in (_PICTURE_SECONDS, 0.0) if files and number == 0 else (0.0,):
                self._pace.updated(self._incoming.workspace)
                try:
                    await self._posts.put(part, shown)
                    return
                except SlackRefused as error:
                    if error.reason not in BLOCKS:
                        raise
                    refused = error
                _log.info("question %s: way %d of showing its answer is refused", self._posts.id, number)
                await asyncio.sleep(rest)
        if refused is not None:
            raise refused
