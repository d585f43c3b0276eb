"""Listens to Slack, by Socket Mode or over HTTP: everything is kept first, and only then acknowledged.

Knows nothing of what events mean. Slack sends again what is not acknowledged within three seconds; the intake knows
it again.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.adapters.slack_hearing import SlackHearing
from bot.adapters.slack_install_pages import InstallPages
from bot.adapters.slack_installations import UNREACHABLE, Installations, SlackAccess, code_of
from bot.adapters.slack_sockets import Sockets
from bot.errors import ConfigError, EricaError, Undeliverable
from bot.metrics import Metrics
from bot.reception import Reception

__all__ = ["PATH", "SlackAccess", "SlackListener"]

PATH = "/slack/events"
DRAIN_SECONDS = 10.0
_COMPLAIN_SECONDS = 60.0

_log = logging.getLogger(__name__)


class SlackListener:
    """One for a process. Several processes may listen: Slack gives each event to one of them."""

    def __init__(self, reception: Reception, access: SlackAccess, metrics: Metrics, ping_seconds: float = 5.0) -> None:
        """`ping_seconds`: how often a socket is checked; one that is silent four times as long is replaced."""
        self._access, self._metrics = access, metrics
        self.installations = Installations(access)
        self._app = SlackHearing(reception, access, self.installations, self._later).app
        self._sockets = Sockets(access, self._app, self._envelope, ping_seconds) if access.app_token else None
        self._started = self._stopping = False
        self._under_way, self._idle = 0, asyncio.Event()
        self._idle.set()
        self._afterwards: set[asyncio.Task[None]] = set()
        self._complained = -_COMPLAIN_SECONDS

    async def start(self) -> None:
        """Begin to listen. Raises ConfigError for what cannot work; what may pass is tried again in the background."""
        access = self._access
        if not access.bot_token and not access.client_id:
            raise ConfigError(
                "there is no bot token for Slack", "Set ERICA_SLACK_BOT_TOKEN, or the client id and secret."
            )
        if not access.app_token and not access.signing_secret:
            hint = "Set ERICA_SLACK_APP_TOKEN for Socket Mode, or ERICA_SLACK_SIGNING_SECRET for HTTP."
            raise ConfigError("there is no way for Slack's events to come in", hint)
        try:
            await self.installations.teams()
        except Undeliverable as error:
            raise ConfigError(str(error), "Check ERICA_SLACK_BOT_TOKEN; `erica doctor` tells more.") from error
        except EricaError as error:
            _log.warning("%s; it is asked again with the first event", error)
        if self._sockets:
            await self._sockets.start()
        self._started = True

    async def stop(self) -> None:
        """Take nothing new, finish what is under way, and only then hang up: acknowledgements need the connection."""
        self._stopping = True
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._idle.wait()
        except TimeoutError:
            _log.warning("%d events of Slack's were still under way; Slack sends them again", self._under_way)
        for task in self._afterwards:
            task.cancel()
        await asyncio.gather(*self._afterwards, return_exceptions=True)
        if self._sockets:
            await self._sockets.stop()

    @property
    def connected(self) -> bool:
        """Whether events come in: with Socket Mode, over a connection that is there, or is just being replaced."""
        return self._started and not self._stopping and (self._sockets is None or self._sockets.connected)

    def routes(self) -> list[web.RouteDef]:
        """What a web server must serve: the events, unless they come by Socket Mode, and the install pages."""
        found = []
        if not self._access.app_token and self._access.signing_secret:  # never without a signature to check
            found.append(web.post(PATH, self._request))
        if self._access.client_id and self._access.client_secret:
            found += InstallPages(self._access, self.installations).routes()
        return found

    # The two ways in.

    async def _envelope(self, client: Any, request: SocketModeRequest) -> None:
        if self._stopping:
            return
        began = time.perf_counter()
        with self._counted():
            response = await run_async_bolt_app(self._app, request)
            try:
                await send_async_response(client, request, response, time.time())
            except UNREACHABLE as error:
                _log.warning("an acknowledgement did not reach Slack (%s), so the event comes again", code_of(error))
                return
        self._acknowledged(response, began)

    async def _request(self, request: web.Request) -> web.Response:
        if self._stopping:
            return web.Response(status=503)
        began = time.perf_counter()
        with self._counted():
            try:
                incoming = await to_bolt_request(request)
            except (ValueError, AttributeError, TypeError):  # neither a form nor JSON of any shape that Slack sends
                return web.Response(status=400)
            response = await self._app.async_dispatch(incoming)
            if response.status == 401:
                self._unsigned(began)
            self._acknowledged(response, began)
            return await to_aiohttp_response(response)

    def _unsigned(self, now: float) -> None:
        """Say it once a minute: the address is public, and strangers may send what they like."""
        if now - self._complained >= _COMPLAIN_SECONDS:
            self._complained = now
            _log.warning(
                "refused what came without a signature of Slack's; if Slack did send it, "
                "check ERICA_SLACK_SIGNING_SECRET and the clock of this machine"
            )

    def _acknowledged(self, response: BoltResponse, began: float) -> None:
        if response.status == 200:
            self._metrics.acknowledged("slack", time.perf_counter() - began)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._under_way += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    def _later(self, saying: Awaitable[None]) -> None:
        async def say() -> None:
            with self._counted():
                await saying

        task = asyncio.create_task(say())
        self._afterwards.add(task)
        task.add_done_callback(self._afterwards.discard)
