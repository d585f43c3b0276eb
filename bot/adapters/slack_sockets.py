"""Keeps a Socket Mode connection to Slack, whatever happens to it. Knows nothing of what comes over it.

https://docs.slack.dev/apis/events-api/using-socket-mode/
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.adapters.slack_installations import DEAD_TOKEN, UNREACHABLE, SlackAccess, client_for, code_of, secret
from bot.errors import ConfigError

_HOPELESS = (*DEAD_TOKEN, "not_allowed_token_type", "missing_scope", "no_permission", "access_denied")
_PATIENCE = 60.0  # seconds without a connection until readiness says so
_START_SECONDS = 10.0

_log = logging.getLogger(__name__)

Envelope = Callable[[Any, SocketModeRequest], Awaitable[None]]


class Sockets:
    """One connection, replaced when Slack asks for it or when it breaks."""

    def __init__(self, access: SlackAccess, app: AsyncApp, envelope: Envelope, ping_seconds: float) -> None:
        self._access, self._app, self._envelope, self._ping = access, app, envelope, ping_seconds
        self._handler: AsyncSocketModeHandler | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._alive = -_PATIENCE

    @property
    def connected(self) -> bool:
        """Whether there is a connection, or was one a minute ago."""
        return time.monotonic() - self._alive < _PATIENCE

    async def start(self) -> None:
        """Connect; what fails for now is tried again in the background. Raises ConfigError for a token that cannot."""
        address = await self._address()
        self._handler = AsyncSocketModeHandler(self._app, secret(self._access.app_token), ping_interval=self._ping)
        client = self._handler.client
        if self._access.is_loopback:
            client.proxy = None
        client.wss_uri = address
        client.socket_mode_request_listeners = [self._envelope]
        connecting = asyncio.create_task(self._handler.connect_async())  # type: ignore[no-untyped-call]
        self._tasks = [connecting, asyncio.create_task(self._watch())]
        await asyncio.wait({connecting}, timeout=_START_SECONDS)
        if connecting.done() and not connecting.cancelled() and connecting.exception() is None:
            self._alive = time.monotonic()

    async def stop(self) -> None:
        """Hang up, and leave nothing running."""
        if self._handler is None:
            return
        client = self._handler.client
        await self._handler.close_async()  # type: ignore[no-untyped-call]
        background = (client.message_processor, client.current_session_monitor, client.message_receiver)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *(task for task in background if task), return_exceptions=True)
        self._alive = -_PATIENCE

    async def _address(self) -> str | None:
        """Where to connect; None if Slack does not say so now. The library itself would ask for ever."""
        try:
            answer = await client_for(self._access).apps_connections_open(app_token=secret(self._access.app_token))
            return str(answer["url"])
        except (*UNREACHABLE, KeyError) as error:
            code = code_of(error)
            if code in _HOPELESS:
                hint = "ERICA_SLACK_APP_TOKEN must be an app-level token (xapp-...) with the scope connections:write."
                raise ConfigError(f"Slack refuses the app token: {code}", hint) from None
            _log.warning("Slack gives no connection yet: %s", code)
            return None

    async def _watch(self) -> None:
        """Note when there was a connection last, and let go of addresses that did not work: each is good for one
        connection, but the library tries the same one again and again."""
        assert self._handler is not None
        client = self._handler.client
        while True:
            await asyncio.sleep(min(1.0, self._ping))
            if await client.is_connected():
                self._alive = time.monotonic()
            else:
                client.wss_uri = None
