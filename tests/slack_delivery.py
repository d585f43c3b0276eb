"""How the loopback Slack brings events to an app: Socket Mode or signed HTTP, acknowledgements, retries.

Knows what Slack's documentation says of delivery; nothing of what the events mean.
"""

import asyncio
import hashlib
import hmac
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from slack_shown import Json
from slack_world import SlackWorld

Kind = Literal["events_api", "interactive", "slash_commands"]
MOST_SOCKETS = 10


@dataclass(eq=False)
class Attempt:
    """One try. `outcome` is empty while it lasts, then acked, late, timeout, dropped, failed or an HTTP status."""

    retry: int
    reason: str
    envelope: str
    at: float = 0.0
    acked_at: float | None = None
    outcome: str = ""
    response: Any = None
    final: bool = False  # the app asked not to be tried again


@dataclass(eq=False)
class Delivery:
    """Something the app must hear of; `about` is the timestamp of the message it tells of, where it tells of one."""

    kind: Kind
    payload: Json
    about: str
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def acked(self) -> bool:
        """Whether the app has acknowledged it in time."""
        return any(each.outcome == "acked" for each in self.attempts)

    @property
    def response(self) -> Any:
        """What the acknowledgement carried."""
        return next((each.response for each in self.attempts if each.outcome == "acked"), None)


class Transport(Protocol):
    """A way to an app."""

    async def carry(self, delivery: Delivery, attempt: Attempt) -> None:
        """Bring it there and note in the attempt how that ended."""
        ...


class Outbox:
    """Everything that was ever delivered, and the tasks that deliver. Only events are tried again."""

    def __init__(self, world: SlackWorld, answered: Callable[[Delivery], None]) -> None:
        """`answered` is told of each delivery that was acknowledged with a response."""
        self.world = world
        self.deliveries: list[Delivery] = []
        self.retry_after = [0.0, 60.0, 300.0]  # seconds
        self.transport: Transport | None = None
        self._answered = answered
        self._tasks: set[asyncio.Task[None]] = set()

    def hand(self, delivery: Delivery, retry: int = 0) -> Delivery:
        """Deliver it in the background; `retry` is the number it starts from."""
        self.deliveries.append(delivery)
        task = asyncio.create_task(self._deliver(delivery, retry))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return delivery

    async def _deliver(self, delivery: Delivery, retry: int) -> None:
        assert self.transport is not None
        reason = "timeout" if retry else ""
        for wait in [None, *self.retry_after]:
            await self.world.clock.wait_until(self.world.clock.now() + (wait or 0.0))
            attempt = Attempt(retry, reason, self.world.new_id("envelope-"))
            delivery.attempts.append(attempt)
            await self.transport.carry(delivery, attempt)
            if attempt.outcome == "acked" and attempt.response:
                self._answered(delivery)
            if attempt.outcome != "acked" and delivery.kind != "events_api":
                self.world.complaints.append(f"{delivery.kind}: somebody was shown an error ({attempt.outcome})")
            self.world.changed()
            if attempt.outcome == "acked" or attempt.final or delivery.kind != "events_api":
                return
            retry, reason = retry + 1, "timeout" if attempt.outcome == "timeout" else "http_error"

    async def close(self) -> None:
        """Give up what is still under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@dataclass(eq=False)
class Socket:
    """An app's connection. One that was asked to leave gets nothing new."""

    ws: web.WebSocketResponse
    request: web.Request
    leaving: bool = False
    waiting: set[str] = field(default_factory=set)


class SocketMode:
    """WebSockets to an app: any of them may get the next envelope."""

    def __init__(self, world: SlackWorld, ack_seconds: float = 3.0) -> None:
        self.world = world
        self.ack_seconds = ack_seconds
        self.sockets: list[Socket] = []
        self.connections = 0  # ever made
        self._tickets: set[str] = set()
        self._pending: dict[str, tuple[Attempt, asyncio.Future[str]]] = {}
        self._choice = random.Random(7)

    def open(self) -> str:
        """An address that is good for one connection, as `apps.connections.open` gives it."""
        ticket = self.world.new_id("ticket-")
        self._tickets.add(ticket)
        return f"{self.world.url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id=A1"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection, until either side ends it. Pings are answered with what they carried."""
        if request.query.get("ticket", "") not in self._tickets:
            return web.Response(status=401, text="invalid_ticket")
        self._tickets.discard(request.query["ticket"])
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        if len(self.sockets) >= MOST_SOCKETS:
            await ws.send_json({"type": "disconnect", "reason": "too_many_websockets", "debug_info": {}})
            await ws.close()
            return ws
        socket = Socket(ws, request)
        await ws.send_json(self._hello())
        self.sockets.append(socket)
        self.connections += 1
        self.world.changed()
        try:
            async for message in ws:
                if message.type == aiohttp.WSMsgType.TEXT:
                    self._acknowledged(message.data)
        finally:
            self._gone(socket)
        return ws

    def _hello(self) -> Json:
        info = {"host": "applink-loopback", "build_number": 1, "approximate_connection_time": 18060}
        count = len(self.sockets) + 1
        return {"type": "hello", "num_connections": count, "connection_info": {"app_id": "A1"}, "debug_info": info}

    def _acknowledged(self, text: str) -> None:
        message = json.loads(text)
        attempt, done = self._pending.pop(str(message.get("envelope_id")), (None, None))
        if attempt is None or done is None:
            self.world.complaints.append(f"acknowledged what was never sent: {text[:200]}")
            return
        attempt.acked_at, attempt.response = self.world.clock.now(), message.get("payload")
        if done.done():
            attempt.outcome = "late"
        else:
            done.set_result("acked")
        self.world.changed()

    def _gone(self, socket: Socket) -> None:
        self.sockets.remove(socket)
        for envelope in socket.waiting:
            _, done = self._pending.get(envelope, (None, None))
            if done is not None and not done.done():
                done.set_result("dropped")
        self.world.changed()

    async def carry(self, delivery: Delivery, attempt: Attempt) -> None:
        """Send an envelope to any connection, once there is one, and wait for its acknowledgement."""
        ready = await self._ready()
        socket = self._choice.choice(ready)
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._pending[attempt.envelope] = (attempt, done)
        socket.waiting.add(attempt.envelope)
        envelope: Json = {"envelope_id": attempt.envelope, "type": delivery.kind, "payload": delivery.payload}
        envelope["accepts_response_payload"] = delivery.kind != "events_api"
        if delivery.kind == "events_api":
            envelope |= {"retry_attempt": attempt.retry, "retry_reason": attempt.reason}
        attempt.at = self.world.clock.now()
        try:
            await socket.ws.send_json(envelope)
            self.world.changed()
            attempt.outcome = await _before(self.world, attempt.at + self.ack_seconds, done)
        except ConnectionError:
            attempt.outcome = "dropped"
        socket.waiting.discard(attempt.envelope)

    async def _ready(self) -> list[Socket]:
        return await self.world.until(
            lambda: [each for each in self.sockets if not each.leaving and not each.ws.closed], within=3_600
        )

    async def ask_to_leave(self, reason: str) -> None:
        """Slack's `disconnect`, to every connection: with refresh_requested it wants a new one in its place."""
        for socket in list(self.sockets):
            socket.leaving = reason != "warning"
            message = {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-loopback"}}
            await socket.ws.send_json(message)

    def drop(self) -> None:
        """Every connection breaks, without a word."""
        for socket in list(self.sockets):
            if socket.request.transport is not None:
                socket.request.transport.abort()


class HttpMode:
    """Signed requests to an app's address."""

    def __init__(self, world: SlackWorld, url: str, secret: str, ack_seconds: float = 3.0) -> None:
        self.world = world
        self.url = url
        self.secret = secret  # what requests are signed with; another than the app's is a forger's
        self.skew = 0.0  # seconds by which this Slack's clock is off
        self.ack_seconds = ack_seconds

    async def carry(self, delivery: Delivery, attempt: Attempt) -> None:
        """Post it; whatever does not answer with 2xx within three seconds has failed."""
        body, content_type = _body(delivery)
        headers = {"Content-Type": content_type}
        if attempt.retry:
            reason = "http_timeout" if attempt.reason == "timeout" else attempt.reason
            headers |= {"X-Slack-Retry-Num": str(attempt.retry), "X-Slack-Retry-Reason": reason}
        attempt.at = self.world.clock.now()
        self.world.changed()
        posting = asyncio.ensure_future(self.post(body, headers))
        attempt.outcome = await _before(self.world, attempt.at + self.ack_seconds, posting)
        if posting.done() and not posting.cancelled() and attempt.outcome == "acked":
            status, text, no_retry = posting.result()
            attempt.acked_at, attempt.final = self.world.clock.now(), no_retry
            attempt.outcome = "acked" if 200 <= status < 300 else "failed" if status == 0 else str(status)
            attempt.response = _parsed(text) if delivery.kind != "events_api" else None

    async def post(self, body: str, headers: dict[str, str]) -> tuple[int, str, bool]:
        """Status (0 when nobody answers), text, and whether the app wants no retries."""
        stamp = str(int(time.time() + self.skew))
        digest = hmac.new(self.secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
        signed = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}", **headers}
        try:
            async with aiohttp.ClientSession() as session, session.post(self.url, data=body, headers=signed) as answer:
                return answer.status, await answer.text(), answer.headers.get("X-Slack-No-Retry") == "1"
        except aiohttp.ClientError:
            return 0, "", False


def _body(delivery: Delivery) -> tuple[str, str]:
    if delivery.kind == "events_api":
        return json.dumps(delivery.payload), "application/json"
    fields = delivery.payload if delivery.kind == "slash_commands" else {"payload": json.dumps(delivery.payload)}
    return urlencode(fields), "application/x-www-form-urlencoded"


def _parsed(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return {"text": text}


async def _before(world: SlackWorld, then: float, awaited: "asyncio.Future[Any]") -> str:
    """How it ended: its own string, "acked" for any other result, or "timeout" by the world's clock."""
    timer = asyncio.create_task(world.clock.wait_until(then))
    try:
        await asyncio.wait({awaited, timer}, return_when=asyncio.FIRST_COMPLETED)
        if not awaited.done():
            awaited.cancel()
            return "timeout"
        return awaited.result() if isinstance(awaited.result(), str) else "acked"
    finally:
        timer.cancel()
