"""A model server on 127.0.0.1 that speaks the OpenAI protocol and fails on demand, request by request.

Knows nothing of Erica. In tests: `async with LoopbackModel(ok("Hi")) as server`, or the fixture
`model_server`; by hand: `python tests/loopback_model.py --port 0 --script busy,ok`.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

import pytest
from aiohttp import web


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived; `at` is the loop's clock in seconds."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    at: float

    @property
    def question(self) -> str:
        """The last message's text."""
        return str(self.body["messages"][-1]["content"]) if self.body.get("messages") else ""


Reply = Callable[[web.Request, Seen], Awaitable[web.StreamResponse]]


class LoopbackModel:
    """The server. Replies are used up one per request, and the last one repeats."""

    def __init__(self, *script: Reply, models: Sequence[object] = (), port: int = 0) -> None:
        self.script: list[Reply] = list(script) or [echo()]
        self.models = list(models)
        self.requests: list[Seen] = []
        self.model_requests: list[Seen] = []
        self.asked = asyncio.Event()
        self.hung_up = asyncio.Event()  # a client left before its reply was complete
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """What goes into `api_base`."""
        return f"http://127.0.0.1:{self._port}/v1"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/api/chat", self._chat)  # Ollama's own protocol
        app.router.add_get("/v1/models", self._list_models)
        # Cancelling the handler when the client leaves is how hang-ups are seen and stalls end.
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        seen = Seen(request.path, dict(request.headers), await request.json(), _now())
        self.requests.append(seen)
        self.asked.set()
        reply = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        try:
            return await reply(request, seen)
        except (asyncio.CancelledError, ConnectionError):
            self.hung_up.set()
            raise

    async def _list_models(self, request: web.Request) -> web.StreamResponse:
        self.model_requests.append(Seen(request.path, dict(request.headers), {}, _now()))
        if not self.models:
            return web.Response(status=404)
        return web.json_response({"object": "list", "data": self.models})


@pytest.fixture(name="model_server")
async def model_server_fixture() -> AsyncIterator[LoopbackModel]:
    """A running server that echoes until its `script` is replaced."""
    async with LoopbackModel() as server:
        yield server


# Replies that work.


def ok(
    *texts: str,
    reasoning: Sequence[str] = (),
    usage: tuple[int, int] | None = None,
    finish: str | None = "stop",
    usage_always: bool = False,
    pause: float = 0.0,
    done: bool = True,
) -> Reply:
    """An answer in these chunks. `usage` is (prompt, completion) tokens, sent at the end or, as some servers
    do, with every chunk; `pause` is seconds before each chunk.
    """

    async def reply(request: web.Request, seen: Seen) -> web.StreamResponse:
        if not seen.body.get("stream"):
            return web.json_response(_completion("".join(texts), usage, seen))
        counted = {"usage": _usage(usage)} if usage else {}
        with_each = counted if usage_always else {}
        stream = await _open(request)
        await _send(stream, _chunk({"role": "assistant", "content": ""}, seen))
        for delta in [{"reasoning_content": each} for each in reasoning] + [{"content": each} for each in texts]:
            await asyncio.sleep(pause)
            await _send(stream, {**_chunk(delta, seen), **with_each})
        if finish is not None:
            await _send(stream, {**_chunk({}, seen, finish), **with_each})
        if counted and (seen.body.get("stream_options") or {}).get("include_usage"):
            await _send(stream, {**_chunk({}, seen), "choices": [], **counted})
        if done:
            await stream.write(b"data: [DONE]\n\n")
        return stream

    return reply


def ollama(*texts: str, usage: tuple[int, int] = (9, 3)) -> Reply:
    """An answer as Ollama's own protocol sends it."""

    async def reply(request: web.Request, seen: Seen) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await stream.prepare(request)
        counts = {"done_reason": "stop", "prompt_eval_count": usage[0], "eval_count": usage[1]}
        lines = [{"message": {"role": "assistant", "content": text}, "done": False} for text in texts]
        for line in [*lines, {"message": {"role": "assistant", "content": ""}, "done": True, **counts}]:
            await stream.write(json.dumps({"model": seen.body.get("model"), **line}).encode() + b"\n")
        return stream

    return reply


def echo() -> Reply:
    """An answer that repeats the question and cites the first passage."""

    async def reply(request: web.Request, seen: Seen) -> web.StreamResponse:
        pieces = ("You asked: ", seen.question.strip()[-200:], " The first passage ", "covers it [1].")
        return await ok(*pieces, usage=(len(seen.question) // 4, 12))(request, seen)

    return reply


# Replies that refuse before the first chunk.


def status(http: int, message: str = "no", headers: Mapping[str, str] | None = None, **error: str) -> Reply:
    """A plain HTTP error with an OpenAI error object as its body."""

    async def reply(_: web.Request, __: Seen) -> web.StreamResponse:
        body = {"error": {"message": message, "type": "error", "code": None, "param": None, **error}}
        return web.json_response(body, status=http, headers=headers)

    return reply


def busy(retry_after: str | None = None) -> Reply:
    """429, with a Retry-After header where one is given."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return status(429, "Rate limit reached", headers, code="rate_limit_exceeded")


def context_too_long() -> Reply:
    """400 as OpenAI and vLLM send it for a prompt that does not fit."""
    message = "This model's maximum context length is 4096 tokens. However, your messages resulted in 9000 tokens."
    return status(400, message, code="context_length_exceeded", type="invalid_request_error")


def html() -> Reply:
    """200 with a web page: a wrong address, or a captive portal."""

    async def reply(_: web.Request, __: Seen) -> web.StreamResponse:
        return web.Response(text="<html><body><h1>Welcome</h1></body></html>", content_type="text/html")

    return reply


# Replies that break off. Each first sends `texts`, which may be none.


def stalls(*texts: str) -> Reply:
    """Silence after these chunks, without closing."""

    async def reply(request: web.Request, seen: Seen) -> web.StreamResponse:
        if texts:
            await _begin(request, seen, texts)
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    return reply


def gated(gate: asyncio.Event, *texts: str, then: Sequence[str] = ()) -> Reply:
    """An answer that stops after `texts` until the gate is open, and goes on with `then`."""

    async def reply(request: web.Request, seen: Seen) -> web.StreamResponse:
        stream = await _begin(request, seen, texts)
        await gate.wait()
        for text in then:
            await _send(stream, _chunk({"content": text}, seen))
        await _send(stream, _chunk({}, seen, "stop"))
        await stream.write(b"data: [DONE]\n\n")
        return stream

    return reply


def keeps_alive(*texts: str, every: float = 0.05) -> Reply:
    """Only SSE comments after these chunks, for ever."""

    async def reply(request: web.Request, seen: Seen) -> web.StreamResponse:
        stream = await _begin(request, seen, texts)
        while True:
            await stream.write(b": keep-alive\n\n")
            await asyncio.sleep(every)

    return reply


def raw(*texts: str, then: bytes, hold: bool = False) -> Reply:
    """These bytes after these chunks, then a clean end or, with `hold`, nothing more."""

    async def reply(request: web.Request, seen: Seen) -> web.StreamResponse:
        stream = await _begin(request, seen, texts)
        await stream.write(then)
        if hold:
            await asyncio.Event().wait()
        return stream

    return reply


def garbage(*texts: str) -> Reply:
    """A data line that is not JSON."""
    return raw(*texts, then=b'data: {"choices": [{"delta": {"con\n\n')


def error_object(*texts: str, code: int = 500, message: str = "CUDA out of memory") -> Reply:
    """An error as a data line under HTTP 200, as vLLM sends it once a stream has begun."""
    error = {"error": {"message": message, "type": "InternalServerError", "param": None, "code": code}}
    return raw(*texts, then=b"data: " + json.dumps(error).encode() + b"\n\ndata: [DONE]\n\n")


def closes(*texts: str) -> Reply:
    """A clean end of the body with neither finish_reason nor [DONE]."""
    return ok(*texts, finish=None, done=False)


def resets(*texts: str) -> Reply:
    """The connection is torn down in the middle of the body."""

    async def reply(request: web.Request, seen: Seen) -> web.StreamResponse:
        stream = await _begin(request, seen, texts)
        await asyncio.sleep(0)
        if request.transport is not None:
            request.transport.abort()
        return stream

    return reply


# The protocol.


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _open(request: web.Request) -> web.StreamResponse:
    stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await stream.prepare(request)
    return stream


async def _begin(request: web.Request, seen: Seen, texts: Sequence[str]) -> web.StreamResponse:
    stream = await _open(request)
    for text in texts:
        await _send(stream, _chunk({"content": text}, seen))
    return stream


async def _send(stream: web.StreamResponse, data: Mapping[str, Any]) -> None:
    await stream.write(f"data: {json.dumps(data)}\n\n".encode())


def _usage(usage: tuple[int, int]) -> dict[str, int]:
    return {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}


def _chunk(delta: Mapping[str, Any], seen: Seen, finish: str | None = None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-loopback",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": seen.body.get("model", ""),
        "choices": [{"index": 0, "delta": dict(delta), "finish_reason": finish}],
    }


def _completion(text: str, usage: tuple[int, int] | None, seen: Seen) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    whole = {**_chunk({}, seen), "object": "chat.completion", "choices": [choice]}
    return {**whole, "usage": _usage(usage)} if usage else whole


# By hand.

SCRIPTS: Mapping[str, Callable[[], Reply]] = {
    "echo": echo,
    "ok": lambda: ok("The first passage ", "says so [1]."),
    "slow": lambda: ok(*("word " * 40).split(" "), "[1]", pause=0.25),
    "busy": busy,
    "broken": lambda: status(500, "boom"),
    "denied": lambda: status(401, "Incorrect API key provided", code="invalid_api_key"),
    "long": context_too_long,
    "html": html,
    "stall": stalls,
    "stall-mid": lambda: stalls("The first "),
    "keep-alive": keeps_alive,
    "garbage": lambda: garbage("The first "),
    "error": lambda: error_object("The first "),
    "close": lambda: closes("The first "),
    "reset": lambda: resets("The first "),
}


async def _serve(port: int, script: Sequence[str]) -> None:
    async with LoopbackModel(*(SCRIPTS[name]() for name in script), port=port) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Serve until interrupted; the last reply of the script repeats."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--script", default="echo", help="comma-separated: " + " ".join(SCRIPTS))
    given = parser.parse_args()
    names = given.script.split(",")
    if unknown := [name for name in names if name not in SCRIPTS]:
        parser.error(f"unknown reply {unknown[0]!r}; choose from {' '.join(SCRIPTS)}")
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(given.port, names))


if __name__ == "__main__":
    main()
