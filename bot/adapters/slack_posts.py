"""The messages of one reply: posts, changes and deletes them, keeps account, takes over what was left behind.

Knows nothing of what they say. They are marked with the delivery; streams cannot be until they stop.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.adapters.slack_blocks import Shown
from bot.adapters.slack_client import SlackClients
from bot.adapters.slack_errors import CLOSED, GONE, SlackLost, SlackRefused
from bot.adapters.slack_search import ROOT, Found, mark, search
from bot.adapters.slack_status import SlackStatus
from bot.errors import DeliveryFailed, JournalFailed
from bot.intake import Delivery, Intake, Progress, thread_name
from bot.journal import Journal

_log = logging.getLogger(__name__)

FINAL_SECONDS = 90.0
"""How long an answer's end waits for Slack when it is busy or broken."""
_RESTS = (0.5, 2.0)  # seconds before a message whose fate is unknown is posted again


class SlackPosts:
    """One delivery's messages. Part 0 is the first one, in `progress.placeholder`; the others are in `further`."""

    def __init__(self, clients: SlackClients, intake: Intake, journal: Journal, delivery: Delivery) -> None:
        self._clients, self._intake, self._journal, self._delivery = clients, intake, journal, delivery
        self.id, self.incoming, self.progress = delivery.id, delivery.incoming, delivery.progress
        self.waited = delivery.waited
        self.team, self._channel = delivery.incoming.workspace, delivery.incoming.channel
        # A button's message is where it was pressed, not what was asked.
        self._asked = "" if delivery.incoming.kind == "command" else delivery.incoming.message
        self.status = SlackStatus(clients, self.team, self._channel)
        self.status.thread = self.thread

    @property
    def thread(self) -> str:
        """The thread's first message; "" until it is posted."""
        return self.progress.thread or self.incoming.thread or self._asked

    @property
    def last(self) -> str:
        """The newest message."""
        return self.progress.further[-1] if self.progress.further else self.progress.placeholder

    async def record(self, **changes: Any) -> None:
        """Keep account; what could not be kept is kept with the next change. Raises ClaimLost, IntakeFailed."""
        self.progress = replace(self.progress, **changes)
        self.status.thread = self.thread
        if self.progress != self._delivery.progress:
            whole = self.progress
            self._delivery = await self._intake.record(
                self._delivery,
                placeholder=whole.placeholder,
                nonce=whole.nonce,
                thread=whole.thread,
                further=whole.further,
            )

    async def resume(self, earlier: Progress) -> None:
        """Go on with what earlier attempts, or the answer to the question before it was edited, left."""
        if self.progress.nonce:
            await self.recover()
        if not self.progress.placeholder and earlier.placeholder:
            thread = self.progress.thread or earlier.thread
            await self.record(placeholder=earlier.placeholder, thread=thread, further=earlier.further)
        if not self.progress.nonce:
            # From now on, whoever takes over must look for messages that we could not record.
            await self.record(nonce=self.id)

    async def begin_thread(self, text: str) -> None:
        """Post the message that begins the thread, if there is none."""
        if not self.thread:
            await self.record(thread=await self._post(ROOT, Shown(text), FINAL_SECONDS))

    async def put(self, part: int, shown: Shown, patience: float = FINAL_SECONDS) -> None:
        """Let the message with this number say this, whether there is one or not."""
        ts = self._ts(part)
        if ts:
            try:
                await self._update(ts, part, shown, patience)
                return
            except SlackRefused as refused:
                if refused.reason not in GONE:
                    raise
                _log.info("question %s: message %d of its answer is gone, it is posted anew", self.id, part)
        ts = await self._post(part, shown, patience)
        await self._own(ts)
        await self._enter(part, ts)

    async def preview(self, shown: Shown) -> None:
        """Let the first message say this for now: no waiting, and where it was deleted it stays so."""
        if self.progress.placeholder:
            await self._update(self.progress.placeholder, 0, shown, patience=0.0)
        else:
            await self.put(0, shown, patience=0.0)

    async def start_stream(self, markdown: str) -> bool:
        """Begin a streamed message, as the next one; False if another worker took it for its own in between."""
        to = {"recipient_team_id": self.team, "recipient_user_id": self.incoming.author}
        answer = await self._call("chat.startStream", thread_ts=self.thread, markdown_text=markdown, **to)
        self.status.covered()
        ts = str(answer.get("ts", ""))
        if not ts or not await self._own(ts):
            return False
        await self._enter(1 + len(self.progress.further) if self.progress.placeholder else 0, ts)
        return True

    async def append(self, markdown: str) -> None:
        """Let the last message's stream grow."""
        await self._call("chat.appendStream", ts=self.last, markdown_text=markdown)

    async def stop(self, ts: str, part: int, text: str = "", *, patience: float = 0.0) -> None:
        """End a stream, if it is one and is open, though not the work; whatever comes of it, an update follows."""
        more: dict[str, Any] = {"markdown_text": text} if text else {}
        if self.status.in_session:
            more["session_status"] = "processing"
        try:
            await self._call(
                "chat.stopStream", ts=ts, metadata=mark(self.id, part), patience=patience, again=True, **more
            )
        except DeliveryFailed as error:
            _log.debug("question %s: %s", self.id, error)

    async def stop_all(self) -> None:
        """End streams that an earlier attempt may have left open."""
        for part, ts in enumerate((self.progress.placeholder, *self.progress.further)):
            if ts:
                await self.stop(ts, part)

    async def keep(self, parts: int) -> None:
        """Delete the messages after so many."""
        kept, surplus = self.progress.further[: parts - 1], self.progress.further[parts - 1 :]
        for ts in surplus:
            await self._delete(ts)
        await self.record(further=kept)

    async def delete_all(self) -> None:
        """Take everything back."""
        for ts in (*self.progress.further, self.progress.placeholder, self.progress.thread):
            if ts:
                await self._delete(ts)

    async def link(self) -> str:
        """A link to the first message; "" if there is none."""
        ts = self.progress.placeholder
        try:
            answer = await self._call("chat.getPermalink", message_ts=ts, patience=5.0, again=True)
        except DeliveryFailed as error:
            _log.info("question %s: no link to its answer: %s", self.id, error)
            return ""
        return str(answer.get("permalink", ""))

    async def recover(self) -> None:
        """Take what was posted and could not be recorded. A message without a mark goes to who claims it first."""
        found = await self._search()
        if not self.thread:
            if root := found.parts.get(ROOT):
                await self.record(thread=root)
            return
        known = {self.progress.placeholder, *self.progress.further}
        taken = [ts for ts in found.unmarked if ts not in known and await self._granted(ts)]
        marked = [found.parts[part] for part in sorted(found.parts) if part >= 0]
        all_of_them = dict.fromkeys((self.progress.placeholder, *self.progress.further, *marked, *taken))
        first, *further = [ts for ts in all_of_them if ts] or [""]
        await self.record(placeholder=first, further=tuple(further))

    def _ts(self, part: int) -> str:
        messages = (self.progress.placeholder, *self.progress.further)
        return messages[part] if part < len(messages) else ""

    async def _enter(self, part: int, ts: str) -> None:
        if part == 0:
            await self.record(placeholder=ts)
        else:
            further = self.progress.further
            await self.record(further=(*further[: part - 1], ts, *further[part:]))

    async def _update(self, ts: str, part: int, shown: Shown, patience: float) -> None:
        """Change a message; a stream that is still open is stopped for it."""
        again = patience > 0
        arguments = {"ts": ts, "text": shown.text, "blocks": list(shown.blocks), "metadata": mark(self.id, part)}
        try:
            await self._call("chat.update", patience=patience, again=again, **arguments)
        except SlackRefused as refused:
            if refused.reason != "streaming_state_conflict":
                raise
            await self.stop(ts, part, patience=patience)
            await self._call("chat.update", patience=patience, again=again, **arguments)

    async def _post(self, part: int, shown: Shown, patience: float) -> str:
        """A new message. Where it is unknown whether there is one, it is looked for before it is posted again."""
        arguments: dict[str, Any] = {"text": shown.text, "metadata": mark(self.id, part)}
        arguments |= {"unfurl_links": False, "unfurl_media": False}
        arguments |= {"blocks": list(shown.blocks)} if shown.blocks else {}
        arguments |= {"thread_ts": self.thread} if part != ROOT else {}
        for rest in (*_RESTS, None):
            try:
                answer = await self._call("chat.postMessage", patience=patience, **arguments)
                self.status.covered()
                return str(answer.get("ts", ""))
            except SlackLost:
                # A message that is in the list already is another part, or the one that was deleted.
                there = (await self._search()).parts.get(part, "")
                if there and there not in (self.progress.placeholder, *self.progress.further):
                    return there
                if rest is None:
                    raise
                await asyncio.sleep(rest)
        raise AssertionError("unreachable")

    async def _delete(self, ts: str) -> None:
        try:
            await self._call("chat.delete", ts=ts, patience=30.0, again=True)
        except SlackRefused as refused:
            if refused.reason not in GONE | CLOSED:
                _log.warning("question %s: a message of its answer stays: %s", self.id, refused)

    async def _own(self, ts: str) -> bool:
        """Say that a message is this delivery's; False: it is another's."""
        try:
            return await self._claim(ts)
        except JournalFailed as error:
            _log.warning("question %s: a message of its answer could not be claimed: %s", self.id, error)
            return True

    async def _granted(self, ts: str) -> bool:
        """Whether a message that does not say whose it is may be taken."""
        try:
            return await self._claim(ts)
        except JournalFailed as error:
            raise DeliveryFailed("it cannot be told whose a message is") from error

    async def _claim(self, ts: str) -> bool:
        return await self._journal.claim(thread_name("slack", self.team, self._channel, ts), self.id)

    async def _search(self) -> Found:
        since = self._asked or self.thread
        return await search(self._clients, self.team, self._channel, self.thread, since, self.id)

    async def _call(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        return await self._clients.call(self.team, method, channel=self._channel, **arguments)
