"""How a call of the loopback Discord's REST API comes in and goes out: recorded, limited, refused, made to fail.

Knows no endpoint.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Self

from aiohttp import web
from discord_gateway import Gateway
from discord_records import (
    SILENT,
    File,
    Json,
    Refused,
)

API = "/api/v10"
MOST_BYTES = 10 * 2**20
V2 = 1 << 15
SENT_FLAGS = 1 << 2 | SILENT | V2  # what a sender may set; EPHEMERAL too where a user is answered
RESPONSES = {2: {4, 5, 9}, 3: {4, 5, 6, 7, 9}, 4: {8}, 5: {4, 5, 6, 7}}  # callback types by interaction type
LIMITED = {  # with `limits` on: calls and seconds, per channel or webhook token
    "POST /channels/{channel}/messages": (5, 5.0),
    "PATCH /channels/{channel}/messages/{message}": (5, 5.0),
    "POST /webhooks/{app}/{token}": (5, 5.0),
    "PATCH /webhooks/{app}/{token}/messages/{message}": (5, 5.0),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What a call gets instead of its answer: a status, with `retry_after` a rate limit, with `drop` a dead line.

    With `lost` the call is carried out all the same and only its answer is lost; `held` is waited for first.
    `via` is the header without which a 429 comes from a proxy that bans, not from Discord.
    """

    status: int = 500
    code: int = 0
    message: str = ""
    retry_after: float | None = None
    everywhere: bool = False
    via: bool = True
    drop: bool = False
    lost: bool = False
    held: asyncio.Event | None = None

    def response(self) -> web.Response:
        """The answer; a bad gateway says so in HTML, as Cloudflare does."""
        if self.retry_after is not None:
            body = {
                "message": "You are being rate limited.",
                "retry_after": self.retry_after,
                "global": self.everywhere,
            }
            headers = {"Retry-After": str(int(self.retry_after + 0.999)), **({"Via": "1.1 google"} if self.via else {})}
            headers |= {"X-RateLimit-Scope": "user", **({"X-RateLimit-Global": "true"} if self.everywhere else {})}
            return answer(body, 429, headers)
        if self.status >= 500 and not self.code:
            return web.Response(text="<html>Bad gateway</html>", status=self.status, content_type="text/html")
        return answer({"code": self.code, "message": self.message}, self.status)


@dataclass(frozen=True, slots=True)
class Call:
    """A REST call as it arrived. `path` is without /api/v10; `status` is 0 until it is answered, or if it never was."""

    method: str
    path: str
    at: float
    route: str = ""
    names: Mapping[str, str] | None = None
    query: Mapping[str, str] | None = None
    body: Any = None
    files: Mapping[int, File] | None = None
    status: int = 0
    code: int = 0
    message: str = ""

    def __getitem__(self, name: str) -> str:
        return (self.names or {})[name]


CALL = web.RequestKey("call", Call)


Handler = Callable[[Call], Awaitable[Any]]


def answer(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """JSON as Discord sends it: the content type has no charset."""
    return web.Response(body=json.dumps(data).encode(), status=status, headers=headers, content_type="application/json")


# What Discord refuses in a body.


def described(body: Json, files: Mapping[int, File]) -> list[File]:
    """Uploads with the names and descriptions that a body gives them."""
    told = {str(one.get("id")): one for one in body.get("attachments") or ()}
    return [
        replace(
            file,
            name=told.get(str(n), {}).get("filename") or file.name,
            description=told.get(str(n), {}).get("description") or "",
        )
        for n, file in files.items()
    ]


class DiscordCalls(Gateway):
    """A server whose every call is recorded, and may be made to fail. `routes` names a method for each, a line each."""

    routes = ""

    def __init__(self, port: int = 0, **world: Any) -> None:
        super().__init__(**world)
        self.calls: list[Call] = []
        self.limits = False  # whether Discord's rate limits per channel hold
        self.old_edits = 3  # how often a message older than an hour may be edited within an hour
        self._port, self._faults, self._windows = port, list[tuple[str, Fault]](), dict[str, tuple[float, int]]()
        self._runner: web.AppRunner | None = None

    @property
    def refused(self) -> list[Call]:
        """The calls that Discord itself would have refused; faults are not among them."""
        return [call for call in self.calls if call.code >= 0 and 400 <= call.status != 429]

    def fail(self, route: str, fault: Fault, times: int = 1) -> None:
        """The next calls of a route, such as "PATCH /channels/*/messages/*", get this fault."""
        self._faults += [(route, fault)] * times

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=128 * 2**20, middlewares=[self._serve])
        app.router.add_get("/", self.gateway)
        app.router.add_get("/attachments/{channel}/{id}/{name}", self._download)
        for line in self.routes.strip().splitlines():
            method, path, name = line.split()
            app.router.add_route(method, API + path, self._endpoint(getattr(self, name)))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self._port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.drop_sockets()
        if self._runner is not None:
            await self._runner.cleanup()

    # Each call's way in and out.

    @web.middleware
    async def _serve(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[Any]]
    ) -> web.StreamResponse:
        if not request.path.startswith("/api"):
            return await handler(request)  # type: ignore[no-any-return]
        path = request.path.removeprefix(API)
        route = (request.match_info.route.resource.canonical if request.match_info.route.resource else "").removeprefix(
            API
        )
        call = Call(request.method, path, self.now(), f"{request.method} {route}", request.match_info, request.query)
        request[CALL] = call
        fault = self._fault(f"{call.method} {path}")
        if fault is not None and fault.held is not None:
            await fault.held.wait()
        if fault is None or fault.lost:
            response, refusal = await self._carry_out(request, handler)
        if fault is not None:
            response, refusal = fault.response(), Refused(fault.status, -1, "a fault that was asked for")
        code, message = (refusal.code, refusal.message) if refusal else (0, "")
        self.calls.append(replace(request[CALL], status=response.status, code=code, message=message))
        self.changed()
        if fault is not None and fault.drop and request.transport is not None:
            request.transport.abort()
        return response

    async def _carry_out(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.Response]]
    ) -> tuple[web.Response, Refused | None]:
        call: Call = request[CALL]
        try:
            free = call.path == "/gateway" or call.path.startswith(("/interactions/", "/webhooks/"))
            if not free and request.headers.get("Authorization") != f"Bot {self.token}":
                raise Refused(401, 0, "401: Unauthorized")
            limits = self._count(call)
            if limits.get("X-RateLimit-Remaining") == "-1":
                wait = float(limits["X-RateLimit-Reset-After"])
                response = Fault(retry_after=wait).response()
                response.headers.update(limits | {"X-RateLimit-Remaining": "0"})
                return response, None
            response = await handler(request)
            response.headers.update(limits)
            return response, None
        except Refused as error:
            refusal = error
        except web.HTTPException as error:  # no such route, or method
            refusal = Refused(error.status, 0, f"{error.status}: {error.reason}")
        body = {"message": refusal.message, "code": refusal.code}
        return answer(body | ({"errors": refusal.errors} if refusal.errors else {}), refusal.status), refusal

    def _fault(self, call: str) -> Fault | None:
        for n, (route, fault) in enumerate(self._faults):
            if fnmatchcase(call, route):
                del self._faults[n]
                return fault
        return None

    def _count(self, call: Call) -> dict[str, str]:
        """The rate limit headers of a limited route; remaining is -1 for a call too many."""
        if not self.limits or call.route not in LIMITED:
            return {}
        most, seconds = LIMITED[call.route]
        key = f"{call.route} {(call.names or {}).get('channel') or call['token']}"
        start, used = self._windows.get(key, (self.now(), 0))
        if self.now() - start >= seconds:
            start, used = self.now(), 0
        used = min(used + 1, most + 1)
        self._windows[key] = (start, used)
        headers = {"Limit": str(most), "Remaining": str(most - used), "Reset": f"{start + seconds:.3f}"}
        headers |= {"Reset-After": f"{start + seconds - self.now():.3f}", "Bucket": f"{abs(hash(call.route)):032x}"}
        return {f"X-RateLimit-{name}": value for name, value in headers.items()}

    def _endpoint(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def endpoint(request: web.Request) -> web.Response:
            body, files = await self._read(request)
            request[CALL] = call = replace(request[CALL], body=body, files=files)
            done = await handler(call)
            return web.Response(status=204) if done is None else answer(done)

        return endpoint

    async def _read(self, request: web.Request) -> tuple[Any, dict[int, File]]:
        """Body and uploads, by their number in `files[n]`."""
        files: dict[int, File] = {}
        try:
            if request.content_type == "multipart/form-data":
                form = await request.post()
                body = json.loads(str(form.get("payload_json", "{}")))
                for name, part in form.items():
                    if isinstance(part, web.FileField):
                        files[int(re.sub(r"\D", "", name))] = File(part.filename, part.file.read())
            elif request.can_read_body and (text := await request.text()):
                if request.content_type != "application/json":
                    wanted = "Expected \"Content-Type\" header to be one of {'application/json'}."
                    raise Refused(400, 50035, wanted)
                body = json.loads(text)
            else:
                body = {}
        except ValueError:
            raise Refused(400, 50109, "The request body contains invalid JSON.") from None
        if any(len(file.data) > MOST_BYTES for file in files.values()):
            raise Refused(413, 40005, "Request entity too large")
        return body, files

    async def _download(self, request: web.Request) -> web.Response:
        file = self.files.get(request.match_info["id"])
        if file is None:
            return web.Response(status=404, text="This content is no longer available.")
        return web.Response(body=file.data, content_type=file.json()["content_type"].partition(";")[0])
