"""What can go wrong with a call of the Web API: failures on demand, and the rate limits of its methods.

Knows no world and no methods.
"""

import asyncio
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

# Posting in a channel: one a second, short bursts allowed.
POSTS = 5
POST_SECONDS = 5.0


@dataclass(frozen=True)
class Fault:
    """How a call fails. With `afterwards` it takes effect first, and only its answer is lost."""

    error: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    page: str = ""
    hangs_up: bool = False
    stalls: bool = False
    afterwards: bool = False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Fail this request."""
        if self.stalls:
            await asyncio.Event().wait()
        if self.hangs_up and request.transport is not None:
            request.transport.abort()
        if self.page:
            return web.Response(text=self.page, content_type="text/html", status=self.status, headers=self.headers)
        body = {"ok": False, "error": self.error, **self.more}
        return web.json_response(body, status=self.status, headers=self.headers)


def error(code: str, **more: Any) -> Fault:
    """`ok: false` with this code."""
    return Fault(code, more)


def missing_scope(needed: str, provided: str = "chat:write") -> Fault:
    """The app was installed without a scope."""
    return error("missing_scope", needed=needed, provided=provided)


def rate_limited(seconds: int = 1) -> Fault:
    """429 with Retry-After."""
    return Fault("ratelimited", status=429, headers={"Retry-After": str(seconds)})


def server_error(status: int = 500) -> Fault:
    """Slack is broken: JSON with a status of 5xx."""
    return Fault("internal_error", status=status)


def web_page(status: int = 200) -> Fault:
    """HTML where JSON was wanted."""
    return Fault(page="<!DOCTYPE html><html><body><h1>There's been a glitch…</h1></body></html>", status=status)


def hangs_up(*, afterwards: bool = False) -> Fault:
    """The connection breaks before an answer."""
    return Fault("unreachable", hangs_up=True, afterwards=afterwards)


def stalls(*, afterwards: bool = False) -> Fault:
    """No answer, ever."""
    return Fault("unreachable", stalls=True, afterwards=afterwards)


class Faults:
    """Which calls fail next. `*` stands for every method."""

    def __init__(self) -> None:
        self._queued: dict[str, deque[Fault]] = {}
        self._lasting: dict[str, Fault] = {}

    def add(self, method: str, fault: Fault, times: int | None) -> None:
        """Let the next calls fail; None lets all fail until `clear`."""
        if times is None:
            self._lasting[method] = fault
        else:
            self._queued.setdefault(method, deque()).extend([fault] * times)

    def clear(self, method: str) -> None:
        """Let this method work again."""
        self._queued.pop(method, None)
        self._lasting.pop(method, None)

    def next(self, method: str) -> Fault | None:
        """How this call has to fail, if it has to."""
        for name in (method, "*"):
            if self._queued.get(name):
                return self._queued[name].popleft()
            if name in self._lasting:
                return self._lasting[name]
        return None


class RateLimits:
    """Sliding windows of calls, by method and workspace; posts are counted by channel."""

    def __init__(self) -> None:
        self.on = False
        self._calls: dict[tuple[str, ...], deque[float]] = {}

    def wait(self, method: str, team: str, channel: str, a_minute: int, now: float) -> int:
        """Whole seconds until this call is welcome; 0 counts it."""
        if not self.on:
            return 0
        posts = method == "chat.postMessage"
        most, seconds = (POSTS, POST_SECONDS) if posts else (a_minute, 60.0)
        calls = self._calls.setdefault((method, team, channel) if posts else (method, team), deque())
        while calls and calls[0] <= now - seconds:
            calls.popleft()
        if len(calls) >= most:
            return max(1, math.ceil(calls[0] + seconds - now))
        calls.append(now)
        return 0
