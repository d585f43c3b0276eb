"""Discord's client: where Discord is, what the client may do there, and what errors mean in Erica's words.

The one place that sets values of the library. Knows nothing of questions and answers.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self, TypedDict, TypeVar

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route
from pydantic import SecretStr

from bot.errors import ConfigError, DeliveryFailed, Undeliverable
from bot.metrics import Metrics

T = TypeVar("T")

logger = logging.getLogger(__name__)

UNKNOWN_MESSAGE = 10008
MISSING_ACCESS, MISSING_PERMISSIONS, CANNOT_MESSAGE_USER = 50001, 50013, 50007
WRONG_CHANNEL_TYPE, INVALID_WEBHOOK_TOKEN, INVALID_FORM = 50024, 50027, 50035
WRONG_MESSAGE_TYPE, THREAD_ARCHIVED, THREAD_LOCKED = 50068, 50083, 160005
OLD_MESSAGE_EDITS, NO_HISTORY, THREAD_EXISTS, MOST_THREADS = 30046, 160002, 160004, 160006
BLOCKED_MESSAGE, BLOCKED_TITLE = 200000, 200001
_UNKNOWN_CHANNEL, _UNKNOWN_GUILD, _NO_COMMON_GUILD = 10003, 10004, 50278

_FOR_EVER = {
    _UNKNOWN_CHANNEL,
    _UNKNOWN_GUILD,
    UNKNOWN_MESSAGE,
    MISSING_ACCESS,
    MISSING_PERMISSIONS,
    CANNOT_MESSAGE_USER,
    _NO_COMMON_GUILD,
    THREAD_ARCHIVED,
    THREAD_LOCKED,
}
_LONGEST_WAIT = 60.0
"""Seconds. Whoever must wait longer for Discord's rate limit gives up instead, and another attempt comes later."""
_CALL_SECONDS = 90.0  # more than the longest wait
_LOGIN_PAUSES = (1.0, 3.0, 8.0, 15.0)
_PAUSES = (0.3, 2.0, 5.0)
_LIMITED = 429
_UNAVAILABLE = 503
_SECRET = re.compile(r"(/(?:webhooks|interactions)/\d+/)[^/\s?]+")
_EMOJI = re.compile(r"(/reactions/)[^/]+")


class ClientOptions(TypedDict):
    """What every client of the library is made with."""

    allowed_mentions: discord.AllowedMentions
    max_ratelimit_timeout: float
    http_trace: aiohttp.TraceConfig


def point_at(api_url: str, gateway_url: str | None) -> None:
    """Talk to the API and, if one is given, to the gateway at these addresses. Before any client is made.

    A sharded bot asks the API for its gateway unless its `shard_count` is set before it connects: set it, and the
    gateway given here wins.
    """
    Route.BASE = api_url.rstrip("/")
    if gateway_url:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)


def api_host() -> str:
    """Where the API is, without scheme and port."""
    return yarl.URL(Route.BASE).host or ""


def intents(message_content: bool) -> discord.Intents:
    """The events that Erica needs; `message_content` is privileged, and optional."""
    return discord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=message_content)


def client_options(metrics: Metrics) -> ClientOptions:
    """Nobody is ever mentioned, 429s are counted, and no rate limit holds a question for longer than a minute.

    Also keeps the tokens of interactions out of what the library logs.
    """
    logging.getLogger("discord.http").addFilter(_without_tokens)
    return ClientOptions(
        allowed_mentions=discord.AllowedMentions.none(),
        max_ratelimit_timeout=_LONGEST_WAIT,
        http_trace=_counting(metrics),
    )


class DiscordRest:
    """A client that is logged in but hears nothing: for all that answers. `async with` logs in, and closes."""

    def __init__(self, token: SecretStr, metrics: Metrics) -> None:
        self._token, self._metrics = token, metrics
        self.client = self._new_client()

    def _new_client(self) -> discord.Client:
        return discord.Client(intents=discord.Intents(guilds=True), **client_options(self._metrics))

    async def login(self) -> None:
        """Check the token. Raises ConfigError for a wrong one, DeliveryFailed if Discord stays out of reach."""
        for pause in _LOGIN_PAUSES:
            try:
                await self._log_in()
                return
            except DeliveryFailed as error:
                logger.warning("Erica cannot log in to Discord yet: %s", error)
            await self.client.close()
            self.client = self._new_client()
            await asyncio.sleep(pause)
        await self._log_in()

    async def _log_in(self) -> None:
        try:
            with translated():
                await self.client.login(self._token.get_secret_value())
        except Undeliverable as error:
            raise ConfigError("Discord does not take ERICA_DISCORD_TOKEN", "Copy the bot's token anew.") from error

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()

    async def __aenter__(self) -> Self:
        try:
            await self.login()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the library and of the line as DeliveryFailed, or Undeliverable where no other attempt can help."""
    try:
        yield
    except discord.LoginFailure as error:
        raise Undeliverable("Discord does not take the token") from error
    except discord.HTTPException as error:
        for_ever = error.code in _FOR_EVER or error.status == 401
        kind = Undeliverable if for_ever else DeliveryFailed
        raise kind(f"Discord said {error.status} (code {error.code}): {error.text[:200]}") from error
    except discord.RateLimited as error:
        raise DeliveryFailed(f"Discord's rate limit asks for {error.retry_after:.0f} s of patience") from error
    except (discord.DiscordException, aiohttp.ClientError, OSError) as error:  # TimeoutError is one of these
        # Their own words may hold an address, and an address a token.
        raise DeliveryFailed(f"Discord is out of reach, or makes no sense: {type(error).__name__}") from error
    except RuntimeError as error:
        if "closed" not in str(error):
            raise
        raise DeliveryFailed("the connection to Discord has been closed") from error


async def seen_through(call: Awaitable[T]) -> T:
    """A call that goes on, for 90 s at most, when whoever waits for it is cancelled. Raises TimeoutError and its own.

    The library closes a gate while Discord limits the whole bot, and one call opens it again. Were that one cancelled
    (discord.py 2.7, HTTPClient.request), no other call would ever get through.
    """

    async def bounded() -> T:
        async with asyncio.timeout(_CALL_SECONDS):
            return await call

    task = asyncio.create_task(bounded())
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.add_done_callback(_let_go)
        raise


def _let_go(task: "asyncio.Task[Any]") -> None:
    """Nobody waits for its end any more."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.info("a call that nobody waits for any more failed: %s", type(error).__name__)


async def insist(call: Callable[[], Awaitable[T]]) -> T:
    """Call again where the line broke, Discord was not there, or what is before it limits us: the library does not.

    For calls that may be carried out twice without harm: with a nonce, also those that post.
    """
    for pause in _PAUSES:
        try:
            return await seen_through(call())
        except aiohttp.ClientConnectionError:
            pass
        except discord.HTTPException as error:
            if error.status == _LIMITED:
                pause = _asked_pause(error, pause)
            elif error.status != _UNAVAILABLE:
                raise
        await asyncio.sleep(pause)
    return await seen_through(call())


def _asked_pause(error: discord.HTTPException, pause: float) -> float:
    """Seconds to wait, at least `pause`. Raises the error where that is longer than a question can."""
    try:
        asked = float(error.response.headers.get("Retry-After", pause))
    except ValueError:
        asked = pause
    if asked > _LONGEST_WAIT:
        raise error
    return max(asked, pause)


def _counting(metrics: Metrics) -> aiohttp.TraceConfig:
    async def ended(_: aiohttp.ClientSession, __: Any, call: aiohttp.TraceRequestEndParams) -> None:
        if call.response.status == 429:
            metrics.rate_limited("discord", f"{call.method} {_route(call.url)}")

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(ended)
    return trace


def _route(url: yarl.URL) -> str:
    """A path without what tells one place from another."""
    path = url.path.removeprefix(yarl.URL(Route.BASE).path)
    return re.sub(r"\d{5,}", "{id}", _EMOJI.sub(r"\1{emoji}", _SECRET.sub(r"\1{token}", path)))


def _without_tokens(record: logging.LogRecord) -> bool:
    """A log filter that rewrites records; the library names the addresses that it has to call again."""
    message = record.getMessage()
    if _SECRET.search(message):
        record.msg, record.args = _SECRET.sub(r"\1***", message), ()
    return True
