"""Erica's own HTTP server: health, readiness, metrics, and whatever routes a platform's adapter brings along.

Knows no platform. Meant for an operator's network; of all this only a platform's own paths belong before the public.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Self, TypeVar

from aiohttp import web

from bot.errors import ConfigError
from bot.intake import Backlog
from bot.logs import Redaction
from bot.metrics import Metrics

Ready = Callable[[], Awaitable[Mapping[str, str]]]
"""What is wrong with each part of the process by the part's name, "" where it is well."""

LARGEST_BODY = 2 << 20  # bytes; platforms send some kilobytes
_PATIENCE = 2.0  # seconds for whoever is asked how things are; whoever asked them waits for little more
_SHUTDOWN = 5.0  # seconds for requests under way
_HINT = "ERICA_HTTP_ADDR is host:port, such as 127.0.0.1:8080 (the default), [::1]:8080, or :8080 for every interface."
_TICK = 0.1  # seconds

T = TypeVar("T")

logger = logging.getLogger(__name__)


class HttpServer:
    """The server; it listens while it is entered as a context."""

    def __init__(
        self,
        address: str,
        metrics: Metrics,
        ready: Ready,
        backlog: Callable[[], Awaitable[Backlog]],
        routes: Sequence[web.AbstractRouteDef] = (),
    ) -> None:
        """`address` as in ERICA_HTTP_ADDR, port 0 for any free one. Raises ConfigError for one that is none."""
        self._address, self._host, self._port = address, *_host_and_port(address)
        self._metrics, self._ready, self._backlog = metrics, ready, backlog
        app = web.Application(client_max_size=LARGEST_BODY)
        app.add_routes(
            [web.get("/healthz", self._health), web.get("/readyz", self._readiness), web.get("/metrics", self._numbers)]
        )
        app.add_routes(routes)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN)
        self._asking = _Asking()
        self._redaction = Redaction()

    @property
    def port(self) -> int:
        """Where it listens, once it does; on IPv4, where port 0 found another one for IPv6."""
        return int(min(self._runner.addresses, key=len)[1]) if self._runner.addresses else self._port

    async def __aenter__(self) -> Self:
        """Listen. Raises ConfigError where that is not possible."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host or None, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            reason = error.strerror or str(error)
            raise ConfigError(f"nothing can be served at ERICA_HTTP_ADDR, {self._address}: {reason}", _HINT) from error
        except BaseException:
            await self._runner.cleanup()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Listen no more; requests under way have a few seconds."""
        self._asking.stop()
        await self._runner.cleanup()

    async def _health(self, _: web.Request) -> web.Response:
        """Whoever can answer this is alive; a process whose loop hangs cannot."""
        return web.json_response({"status": "ok"})

    async def _readiness(self, _: web.Request) -> web.Response:
        """200 where every part is well, else 503; either way, which part is not."""
        try:
            parts = await self._asking.ask("ready", self._ready)
            checks = {name: self._redaction.text(wrong) for name, wrong in parts.items()}
        except TimeoutError:
            checks = {"process": f"did not say in {_PATIENCE:g} s"}
        except Exception as error:
            logger.warning("it is not known whether Erica is ready", exc_info=error)
            checks = {"process": f"cannot say ({type(error).__name__})"}
        well = not any(checks.values())
        body = {
            "status": "ok" if well else "not ready",
            "checks": {name: wrong or "ok" for name, wrong in checks.items()},
        }
        return web.json_response(body, status=200 if well else 503)

    async def _numbers(self, _: web.Request) -> web.Response:
        try:
            now = await self._asking.ask("backlog", self._backlog)
        except Exception as error:  # the other figures are wanted all the more when Redis is down
            logger.warning("the backlog is not known: %s", error or type(error).__name__)
            self._metrics.backlog_unknown()
        else:
            self._metrics.backlog(now.waiting, now.under_way, now.dead, now.oldest_seconds)
        body, content_type = self._metrics.render()
        return web.Response(body=body, headers={"Content-Type": content_type})


class _Asking:
    """Asks how things are in bounded time, once for all who want to know at the same moment."""

    def __init__(self) -> None:
        self._asked: dict[str, asyncio.Task[Any]] = {}

    async def ask(self, name: str, question: Callable[[], Awaitable[T]]) -> T:
        """The answer. Raises TimeoutError, also where the question would not be cancelled, and what it raises."""
        task: asyncio.Task[T] | None = self._asked.get(name)
        if task is None:
            task = self._asked[name] = asyncio.create_task(_awaited(question))
            task.add_done_callback(lambda done: self._answered(name, done))
            asyncio.get_running_loop().call_later(_PATIENCE, task.cancel)
        await asyncio.wait((task,), timeout=_PATIENCE)
        if not task.done() or task.cancelled():
            raise TimeoutError(f"no answer in {_PATIENCE:g} s")
        return task.result()

    def stop(self) -> None:
        """Nobody wants to know any more."""
        for task in list(self._asked.values()):
            task.cancel()

    def _answered(self, name: str, done: "asyncio.Task[Any]") -> None:
        self._asked.pop(name, None)
        if not done.cancelled():
            done.exception()  # whoever asked may have left; then nobody else looks at it


async def _awaited(question: Callable[[], Awaitable[T]]) -> T:
    return await question()


def _host_and_port(address: str) -> tuple[str, int]:
    """`host:port` in its two parts, the host "" for every interface. Raises ConfigError."""
    host, colon, port = address.strip().rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if bracketed:
        host = host[1:-1]
    odd = not colon or not port.isascii() or not port.isdigit() or int(port) > 65535
    if odd or (":" in host) != bracketed or any(character in host for character in "[]/@ "):
        raise ConfigError(f"ERICA_HTTP_ADDR, {address!r}, is no address to listen at", _HINT)
    return host, int(port)


async def watch_loop(metrics: Metrics, stopping: asyncio.Event) -> None:
    """Measure ten times a second how late the event loop comes to things, until `stopping` is set."""
    loop = asyncio.get_running_loop()
    while not stopping.is_set():
        due = loop.time() + _TICK
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), _TICK)
            return
        metrics.loop_lag(max(loop.time() - due, 0.0))
