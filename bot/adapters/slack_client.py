"""Calls of Slack's Web API for many workspaces: one session, bounded waiting, errors as Erica's own.

Knows nothing of what is posted.
"""

import asyncio
import ipaddress
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

import aiohttp
from slack_sdk.errors import SlackClientError
from slack_sdk.proxy_env_variable_loader import load_http_proxy_from_env
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack_errors import SlackBusy, SlackLost, translated
from bot.metrics import Metrics

_log = logging.getLogger(__name__)

CALL_SECONDS = 10.0
"""How long one call may take."""
_CONNECTIONS = 200
_LONGEST_REST = 8.0  # seconds between attempts when Slack is broken


@dataclass(frozen=True, slots=True)
class Bot:
    """Who Erica is in a workspace."""

    user: str
    bot: str


class SlackClients:
    """The Web API of every workspace; one for all who call Slack in a process."""

    def __init__(self, token_of: Callable[[str], Awaitable[str]], api_url: str, metrics: Metrics) -> None:
        """`token_of` gives a workspace's bot token; what it raises goes through."""
        self.api_url = api_url.rstrip("/") + "/"
        self._token_of, self._metrics = token_of, metrics
        self._session: aiohttp.ClientSession | None = None
        self._clients: dict[str, AsyncWebClient] = {}
        self._bots: dict[str, Bot] = {}

    async def call(
        self, team: str, method: str, *, patience: float = 0.0, again: bool = False, **arguments: Any
    ) -> Mapping[str, Any]:
        """Slack's answer. Raises SlackRefused, SlackClosed, SlackBusy or SlackLost.

        For `patience` seconds it is tried again when Slack is busy, and with `again`, for calls that may be made
        twice, when there is no telling whether it took effect. Each attempt is bounded besides.
        """
        until = asyncio.get_running_loop().time() + patience
        error: SlackBusy | SlackLost
        for attempt in range(1_000):
            try:
                return await self._call_once(team, method, arguments)
            except SlackBusy as busy:
                self._metrics.rate_limited("slack", method)
                wait, error = busy.seconds + random.random() / 2, busy  # noqa: S311, no secret
                if asyncio.get_running_loop().time() + wait > until:
                    raise
            except SlackLost as lost:
                wait, error = min(0.25 * 2**attempt, _LONGEST_REST), lost
                if not again or asyncio.get_running_loop().time() + wait > until:
                    raise
            _log.info("slack: %s; trying again in %.1f s", error, wait)
            await asyncio.sleep(wait)
        raise AssertionError("unreachable")

    async def _call_once(self, team: str, method: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        client = await self._client(team)
        # slack_sdk knows by method whether arguments go as JSON, as a form or in the address.
        named = getattr(client, method.replace(".", "_"), None)
        try:
            async with asyncio.timeout(CALL_SECONDS):
                answer = await (named(**arguments) if named else client.api_call(method, json=dict(arguments)))
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise translated(method, error) from error
        return answer.data if isinstance(answer.data, dict) else {}

    async def bot(self, team: str) -> Bot:
        """Who Erica is there. Raises what `call` does."""
        if team not in self._bots:
            told = await self.call(team, "auth.test", patience=20, again=True)
            self._bots[team] = Bot(str(told.get("user_id", "")), str(told.get("bot_id", "")))
        return self._bots[team]

    async def token(self, team: str) -> str:
        """The workspace's bot token: for the API's and Slack's file hosts only."""
        return await self._token_of(team)

    @property
    def session(self) -> aiohttp.ClientSession:
        """For addresses that Slack gives out. Give each request `proxy=clients.proxy(url)`."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
                timeout=aiohttp.ClientTimeout(total=30),
            )
        return self._session

    def proxy(self, url: str) -> str | None:
        """The proxy of the environment, but none for this machine nor for what NO_PROXY names."""
        host = urlsplit(url).hostname or ""
        return None if is_loopback(host) or proxy_bypass(host) else load_http_proxy_from_env()

    async def close(self) -> None:
        """Close the session; nothing can be called any more."""
        if self._session is not None:
            await self._session.close()

    async def _client(self, team: str) -> AsyncWebClient:
        token = (await self._token_of(team)).strip()
        client = self._clients.get(team)
        if client is None or client.token != token or client.session is not self.session:
            # Connections that break are not tried again by themselves: that posts messages twice.
            client = AsyncWebClient(token, base_url=self.api_url, session=self.session, retry_handlers=[])
            client.proxy = self.proxy(self.api_url)
            self._clients[team] = client
        return client


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
