"""Plain slack-bolt apps and clients that talk to the loopback Slack, for tests. Knows nothing of Erica."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from loopback_slack import LoopbackSlack
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

Listener = Callable[..., Awaitable[Any]]


@asynccontextmanager
async def calling(slack: LoopbackSlack, team: str = "T1") -> AsyncIterator[AsyncWebClient]:
    """A Web API client of the bot's."""
    async with aiohttp.ClientSession() as session:
        made = AsyncWebClient(slack.workspace(team).bot_token, base_url=slack.api_url, session=session)
        made.proxy = None  # HTTPS_PROXY in the environment would take loopback calls elsewhere
        yield made


@pytest.fixture(name="client")
async def client_fixture(slack: LoopbackSlack) -> AsyncIterator[AsyncWebClient]:
    """A client of the bot in T1."""
    async with calling(slack) as client:
        yield client


async def unproxied(client: AsyncWebClient, next: Callable[[], Awaitable[None]]) -> None:
    """Bolt makes a client per event, which takes its proxy from the environment whatever the app's client says."""
    client.proxy = None
    await next()


@asynccontextmanager
async def connected(slack: LoopbackSlack, client: AsyncWebClient, **listeners: Listener) -> AsyncIterator[AsyncApp]:
    """An app in Socket Mode that listens to these events."""
    app = AsyncApp(client=client, process_before_response=True, before_authorize=unproxied)
    for event, listener in listeners.items():
        app.event(event)(listener)
    handler = AsyncSocketModeHandler(app, slack.app_token, ping_interval=0.05)
    handler.client.proxy = None
    await handler.connect_async()  # type: ignore[no-untyped-call]
    try:
        yield app
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def served(slack: LoopbackSlack, client: AsyncWebClient, **listeners: Listener) -> AsyncIterator[AsyncApp]:
    """An app in HTTP mode that listens to these events."""
    secret = slack.signing_secret
    app = AsyncApp(client=client, signing_secret=secret, process_before_response=True, before_authorize=unproxied)
    for event, listener in listeners.items():
        app.event(event)(listener)
    runner = web.AppRunner(app.web_app(path="/slack/events"), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.use_http(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
    try:
        yield app
    finally:
        await runner.cleanup()


async def ignore(event: dict[str, Any]) -> None:
    """A listener that does nothing but acknowledge."""


def error_of(raised: pytest.ExceptionInfo[SlackApiError]) -> str:
    """The code that Slack refused with."""
    return str(raised.value.response["error"])


async def refused(client: AsyncWebClient, method: str, **args: Any) -> str:
    """The code that this call is refused with."""
    with pytest.raises(SlackApiError) as raised:
        await client.api_call(method, json=args)
    return error_of(raised)
