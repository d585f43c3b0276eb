"""Says something to one person alone, in answer to a command: at the address that came with it, or else by itself."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

import aiohttp

from bot.adapters.slack_blocks import Shown
from bot.adapters.slack_client import CALL_SECONDS, SlackClients
from bot.adapters.slack_errors import BLOCKS, TOO_LONG, SlackRefused
from bot.intake import Incoming

_log = logging.getLogger(__name__)

_RESTS = (0.5, 2.0)  # seconds before the address is tried again when it is busy or broken
_LONGEST_REST = 10.0


class SlackWhisper:
    """One command's answer. The address lives for half an hour and takes five messages."""

    def __init__(self, clients: SlackClients, incoming: Incoming) -> None:
        self._clients, self._incoming = clients, incoming
        # What was pressed is replaced by what it leads to.
        self._replaces = incoming.kind == "command" and bool(incoming.message) and incoming.command != "ask"

    async def say(self, ways: Iterable[Shown]) -> None:
        """One message, in the first of these ways that Slack takes. Raises SlackRefused, SlackLost."""
        refused: SlackRefused | None = None
        for shown in ways:
            if await self._answered(shown):
                self._replaces = False
                return
            try:
                await self._said(shown)
                return
            except SlackRefused as error:
                if error.reason not in BLOCKS | TOO_LONG:
                    raise
                refused = error
        if refused is not None:
            raise refused

    async def _answered(self, shown: Shown) -> bool:
        """Whether the address took it."""
        url = self._incoming.reply_to
        if not url.startswith(("https://", "http://")):
            return False
        body: dict[str, Any] = {"response_type": "ephemeral", "replace_original": self._replaces, "text": shown.text}
        body |= {"blocks": list(shown.blocks)} if shown.blocks else {}
        body |= {"thread_ts": self._incoming.thread} if self._incoming.thread and not self._replaces else {}
        for rest in (*_RESTS, None):
            status, retry_after = await self._posted(url, body)
            if status == 200:
                return True
            if rest is None or (status != 429 and 0 < status < 500):
                break
            await asyncio.sleep(min(max(rest, retry_after), _LONGEST_REST))
        _log.info("slack: the address for an answer took it no more: HTTP %d", status)
        return False

    async def _posted(self, url: str, body: dict[str, Any]) -> tuple[int, float]:
        """Status, 0 for no answer, and the seconds that Slack wants to wait. The address is a secret."""
        try:
            async with (
                asyncio.timeout(CALL_SECONDS),
                self._clients.session.post(url, json=body, proxy=self._clients.proxy(url)) as answer,
            ):
                after = answer.headers.get("Retry-After", "")
                return answer.status, float(after) if after.isdecimal() else 0.0
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return 0, 0.0

    async def _said(self, shown: Shown) -> None:
        incoming = self._incoming
        more: dict[str, Any] = {"blocks": list(shown.blocks)} if shown.blocks else {}
        more |= {"thread_ts": incoming.thread} if incoming.thread else {}
        if incoming.private:  # nobody else reads there
            method, quiet = "chat.postMessage", {"unfurl_links": False, "unfurl_media": False}
            more |= quiet
        else:
            method = "chat.postEphemeral"
            more["user"] = incoming.author
        await self._clients.call(
            incoming.workspace, method, patience=60.0, channel=incoming.channel, text=shown.text, **more
        )
