"""What people see while they wait, besides messages: a status under the thread, and Slack's stop button.

Both are extras: where Slack has none, nothing fails.
"""

import asyncio
import logging
from typing import Any

from bot.adapters.slack_client import SlackClients
from bot.errors import DeliveryFailed

_log = logging.getLogger(__name__)

_SECONDS = 2.0  # people are to see something at once, so a placeholder does not wait longer for a status


class SlackStatus:
    """One thread's status and agent session."""

    def __init__(self, clients: SlackClients, team: str, channel: str) -> None:
        self.thread = ""
        self.in_session = False
        self._clients, self._team, self._channel = clients, team, channel
        self._shown = False

    async def tell(self, status: str) -> bool:
        """Show a status, "" for none; False where there is none to be had."""
        self._shown = await self._call("assistant.threads.setStatus", status) and bool(status)
        return self._shown

    async def work(self) -> None:
        """From now on people may press Stop, where Slack has that."""
        self.in_session = await self._call("agents.sessions.setStatus", "processing")

    def covered(self) -> None:
        """A message was posted, and with it the status went."""
        self._shown = False

    async def rest(self) -> None:
        """Nobody waits any more."""
        if self._shown:
            await self.tell("")
        if self.in_session:
            await self._call("agents.sessions.setStatus", "active")
            self.in_session = False

    async def _call(self, method: str, status: str) -> bool:
        arguments: dict[str, Any] = {"channel_id": self._channel, "thread_ts": self.thread, "status": status}
        try:
            async with asyncio.timeout(_SECONDS):
                await self._clients.call(self._team, method, **arguments)
        except (DeliveryFailed, TimeoutError) as error:
            _log.info("slack: no status in %s: %s", self._channel, error or type(error).__name__)
            return False
        return True
