"""Discord on 127.0.0.1: its REST API v10 over the gateway's World, with the errors, limits and outages of the real one.

Knows nothing of Erica. In tests: the fixture `discord_server`, to which discord.py is pointed.
"""

import asyncio
import json
import re
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Self, TypeVar

import pytest
import yarl
from aiohttp import web
from discord_gateway import MESSAGE_CONTENT, Gateway
from discord_world import (
    APP,
    EPHEMERAL,
    LOADING,
    SILENT,
    Channel,
    File,
    Guild,
    Interaction,
    Json,
    Message,
    Refused,
    User,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of audioop, which discord.py has for voice
    from discord.gateway import DiscordWebSocket
    from discord.http import Route

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
T = TypeVar("T")


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


class Form:
    """Collects what is wrong with a body, by the path of the field."""

    def __init__(self) -> None:
        self.errors: Json = {}

    def wrong(self, path: str, code: str, message: str) -> None:
        place = self.errors
        for key in path.split("."):
            place = place.setdefault(key, {})
        place.setdefault("_errors", []).append({"code": code, "message": message})

    def size(self, path: str, value: Any, most: int, least: int = 0) -> None:
        """Length of a text or list; None is no value."""
        if value is None or least <= len(value) <= most:
            return
        if least or isinstance(value, list):
            self.wrong(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")
        else:
            self.wrong(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")

    def check(self) -> None:
        if self.errors:
            raise Refused(400, 50035, "Invalid Form Body", self.errors)

    def embeds(self, embeds: Sequence[Json]) -> None:
        self.size("embeds", embeds, 10)
        total = 0
        for n, embed in enumerate(embeds):
            fields = embed.get("fields") or []
            self.size(f"embeds.{n}.fields", fields, 25)
            texts = {"title": (embed.get("title"), 256), "description": (embed.get("description"), 4096)}
            texts |= {"footer.text": ((embed.get("footer") or {}).get("text"), 2048)}
            texts |= {"author.name": ((embed.get("author") or {}).get("name"), 256)}
            for k, one in enumerate(fields):
                texts |= {f"fields.{k}.name": (one.get("name"), 256), f"fields.{k}.value": (one.get("value"), 1024)}
            for path, (text, most) in texts.items():
                self.size(f"embeds.{n}.{path}", text, most, 1 if path.startswith("fields") else 0)
                total += len(text or "")
            for url in [embed.get("url"), *((embed.get(key) or {}).get("url") for key in ("image", "thumbnail"))]:
                if url and not url.startswith(("http://", "https://", "attachment://")):
                    self.wrong(
                        f"embeds.{n}.url", "URL_TYPE_INVALID_SCHEME", "Scheme must be http, https or attachment."
                    )
        if total > 6000:
            self.wrong("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")

    def components(self, rows: Sequence[Json], v2: bool) -> None:
        self.size("components", rows, 40 if v2 else 5)
        seen: list[str] = []
        count = sum(self._component(f"components.{n}", row, seen) for n, row in enumerate(rows))
        if count > 40:
            self.wrong("components", "BASE_TYPE_BAD_LENGTH", "The maximum number of components is 40.")
        if not v2 and any(row.get("type") != 1 for row in rows):
            self.wrong("components.0.type", "BASE_TYPE_CHOICES", "Value must be one of {1}.")
        if len({*seen}) != len(seen):
            self.wrong("components", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")

    def _component(self, path: str, part: Json, seen: list[str]) -> int:
        """Checks one part and what is in it; how many components that is."""
        inner = part.get("components", [])
        if part["type"] == 1:
            self.size(f"{path}.components", inner, 5, 1)
        if part["type"] == 2:
            self.size(f"{path}.label", part.get("label"), 80)
            if ("url" in part) == ("custom_id" in part):
                self.wrong(path, "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED", "A custom id or a url is required, not both")
        self.size(f"{path}.custom_id", part.get("custom_id"), 100, 1)
        self.size(f"{path}.options", part.get("options"), 25, 1)
        self.size(f"{path}.placeholder", part.get("placeholder"), 150)
        seen += [part["custom_id"]] if "custom_id" in part else []
        return 1 + sum(self._component(f"{path}.components.{n}", one, seen) for n, one in enumerate(inner))

    def message(self, body: Json, flags: int) -> None:
        self.size("content", body.get("content"), 2000)
        self.embeds(body.get("embeds") or [])
        self.components(body.get("components") or [], bool(flags & V2))
        if flags & V2 and (body.get("content") or body.get("embeds")):
            self.wrong("content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", "Not with IS_COMPONENTS_V2")
        if isinstance(body.get("nonce"), str):
            self.size("nonce", body["nonce"], 25)
        allowed = body.get("allowed_mentions") or {}
        for kind in ("users", "roles"):
            if kind in (allowed.get("parse") or ()) and allowed.get(kind):
                code = "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE"
                self.wrong("allowed_mentions", code, f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.')
            self.size(f"allowed_mentions.{kind}", allowed.get(kind), 100)

    def commands(self, commands: Sequence[Json]) -> None:
        for kind, most in ((1, 100), (2, 15), (3, 15)):
            names = [one.get("name") for one in commands if one.get("type", 1) == kind]
            if len(names) > most:
                raise Refused(400, 30032, f"Maximum number of application commands reached ({most}).")
            if len({*names}) != len(names):
                self.wrong("0.name", "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
        for n, one in enumerate(commands):
            self._option(f"{n}", one, one.get("type", 1) == 1)

    def _option(self, path: str, one: Json, typed: bool = True) -> None:
        """A command, or an option of one; context menus (not `typed`) have free names and nothing else."""
        name, options, choices = one.get("name", ""), one.get("options") or [], one.get("choices") or []
        if not re.fullmatch(r"[-_'\w]{1,32}" if typed else r".{1,32}", name) or (typed and name != name.lower()):
            self.wrong(f"{path}.name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
        if not typed and (one.get("description") or options):
            self.wrong(f"{path}.description", "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION", "Not for context menus")
        if typed:
            self.size(f"{path}.description", one.get("description", ""), 100, 1)
        self.size(f"{path}.options", options, 25)
        self.choices(f"{path}.choices", choices)
        if choices and one.get("autocomplete"):
            self.wrong(f"{path}.choices", "APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE", "Not with autocomplete")
        needed = [bool(option.get("required")) for option in options]
        if needed != sorted(needed, reverse=True):
            self.wrong(f"{path}.options", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required options come first")
        for n, option in enumerate(options):
            self._option(f"{path}.options.{n}", option)

    def choices(self, path: str, choices: Sequence[Json]) -> None:
        self.size(path, choices, 25)
        for n, choice in enumerate(choices):
            self.size(f"{path}.{n}.name", choice.get("name", ""), 100, 1)
            if isinstance(choice.get("value"), str):
                self.size(f"{path}.{n}.value", choice["value"], 100, 1)

    def modal(self, data: Json) -> None:
        self.size("data.title", data.get("title", ""), 45, 1)
        self.size("data.custom_id", data.get("custom_id", ""), 100, 1)
        self.size("data.components", data.get("components", []), 5, 1)


# The server.


class LoopbackDiscord(Gateway):
    """`async with LoopbackDiscord() as discord`; every call is recorded, and may be made to fail."""

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
        for line in ROUTES.strip().splitlines():
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

    # Who and where.

    async def _gateway(self, _: Call) -> Json:
        return {"url": self.gateway_url}

    async def _gateway_bot(self, _: Call) -> Json:
        limit = {
            "total": 1000,
            "remaining": 1000 - len(self.identified),
            "reset_after": 14_400_000,
            "max_concurrency": 1,
        }
        return {"url": self.gateway_url, "shards": self.shards, "session_start_limit": limit}

    async def _me(self, _: Call) -> Json:
        return {**self.bot.json(), "verified": True, "email": None, "mfa_enabled": False, "locale": "en-US", "flags": 0}

    async def _application(self, _: Call) -> Json:
        flat: Json = {
            "icon": None,
            "description": "",
            "summary": "",
            "bot_public": False,
            "bot_require_code_grant": False,
        }
        flat |= {"verify_key": "0" * 64, "owner": User("1", "operator").json(), "team": None, "bot": self.bot.json()}
        return {
            **flat,
            "id": APP,
            "name": "Erica",
            "flags": self.app_flags,
            "approximate_guild_count": len(self.guilds),
        }

    async def _user(self, call: Call) -> Json:
        return self._known(self.users, call["user"], 10013, "Unknown User").json()

    async def _direct(self, call: Call) -> Json:
        user = self._known(self.users, str(call.body.get("recipient_id")), 10013, "Unknown User")
        if user.bot:
            raise Refused(400, 50007, "Cannot send messages to this user")
        return self.private(user).json()

    async def _guilds(self, _: Call) -> list[Json]:
        return [{"id": one.id, "name": f"guild {one.id}", "icon": None, "features": []} for one in self.guilds.values()]

    async def _guild(self, call: Call) -> Json:
        return self._at(call).json([])

    async def _guild_channels(self, call: Call) -> list[Json]:
        return [channel.json() for channel in self._at(call).channels]

    async def _roles(self, call: Call) -> list[Json]:
        return self._at(call).json_roles()

    async def _members(self, call: Call) -> list[Json]:
        guild = self._at(call)
        return [guild.member(user) for user, _ in guild.members.values()]

    async def _member(self, call: Call) -> Json:
        guild = self._at(call)
        return guild.member(self._known(guild.members, call["user"], 10007, "Unknown Member")[0])

    def _known(self, table: Mapping[str, T], id: str, code: int, message: str) -> T:
        if id not in table:
            raise Refused(404, code, message)
        return table[id]

    def _at(self, call: Call) -> Guild:
        return self._known(self.guilds, call["guild"], 10004, "Unknown Guild")

    def _place(self, call: Call, *permissions: str) -> Channel:
        """The channel of a call, where the bot may do this."""
        channel = self._known(self.channels, call["channel"], 10003, "Unknown Channel")
        denied = channel.denied | (channel.parent.denied if channel.parent else set())
        if "view_channel" in denied:
            raise Refused(403, 50001, "Missing Access")
        if denied & {*permissions}:
            raise Refused(403, 50013, "Missing Permissions")
        return channel

    def _message(self, call: Call, *permissions: str) -> Message:
        """The message of a call; what only one person sees is none."""
        channel = self._place(call, *permissions)
        for message in channel.alive:
            if message.id == call["message"] and not message.flags & EPHEMERAL:
                return message
        raise Refused(404, 10008, "Unknown Message")

    def _awake(self, thread: Channel, sending: bool = False) -> None:
        """Refuse what an archived or locked thread does not allow; sending wakes an archived one."""
        if thread.archived and (thread.locked or not sending):
            raise Refused(400, 50083, "Thread is archived")
        if thread.locked and sending:
            raise Refused(400, 160005, "This thread is locked")

    def _tell(self, message: Message) -> Json:
        return message.json(self.bot, bool(self.portal_intents & MESSAGE_CONTENT))

    async def _channel(self, call: Call) -> Json:
        return self._place(call).json()

    async def _edit_channel(self, call: Call) -> Json:
        channel, body = self._place(call), call.body
        if channel.parent is None:
            raise Refused(403, 50013, "Missing Permissions")
        if channel.archived and (channel.locked or body.get("archived") is not False):
            raise Refused(400, 50083, "Thread is archived")
        mine, waking = channel.people[0] is self.bot, body == {"archived": False}
        if "locked" in body or not (mine or waking):  # to lock, or to archive others' threads, takes Manage Threads
            raise Refused(403, 50013, "Missing Permissions")
        form = Form()
        form.size("name", body.get("name"), 100, 1)
        form.check()
        return self.set_thread(channel.id, name=body.get("name") or "", archived=body.get("archived")).json()

    async def _delete_channel(self, call: Call) -> Json:
        self._place(call)
        raise Refused(403, 50013, "Missing Permissions")

    # Messages.

    async def _send(self, call: Call) -> Json:
        channel, body = self._place(call), call.body
        missing = self._missing_to_send(channel, body, call.files or {})
        if missing:
            raise Refused(403, 50013, "Missing Permissions")
        self._awake(channel, sending=True)
        form = Form()
        self._checked(form, body, call.files or {}, SENT_FLAGS)
        other = self._referenced(form, body.get("message_reference"))
        form.check()
        nonce = body.get("nonce")
        if nonce is not None and body.get("enforce_nonce"):
            recent = [one for place in self.channels.values() for one in place.alive if one.author is self.bot]
            for one in recent:
                if str(one.nonce) == str(nonce) and self.now() - one.at < 300:
                    self.deduplicated.append(one)
                    return self._tell(one)
        more = {"answers": other, "type": 19 if other else 0, "nonce": nonce}
        return self._tell(self._post(channel, body, call.files or {}, **more))

    @staticmethod
    def _missing_to_send(channel: Channel, body: Json, files: Mapping[int, File]) -> set[str]:
        needed = {"send_messages_in_threads" if channel.parent else "send_messages"}
        needed |= {"attach_files"} if files else set()
        needed |= {"read_message_history"} if body.get("message_reference") else set()
        return needed & (channel.denied | (channel.parent.denied if channel.parent else set()))

    def _referenced(self, form: Form, reference: Json | None) -> Message | None:
        if not reference:
            return None
        id = str(reference.get("message_id"))
        for channel in self.channels.values():
            for message in channel.alive:
                if message.id == id:
                    return message
        if reference.get("fail_if_not_exists", True):
            form.wrong("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return None

    def _checked(self, form: Form, body: Json, files: Mapping[int, File], flags: int) -> None:
        """Check a new message."""
        form.message(body, body.get("flags") or 0)
        if (body.get("flags") or 0) & ~flags:
            form.wrong("flags", "BASE_TYPE_CHOICES", "Value must be one of the flags that can be set")
        listed = {str(one.get("id")) for one in body.get("attachments") or ()}
        if listed - {str(n) for n in files}:
            form.wrong("attachments", "ATTACHMENT_METADATA_WITHOUT_FILES", "Attachments without uploads")
        form.size("attachments", [*files], 10)
        form.check()
        filled = [(body.get("content") or "").strip(), body.get("embeds"), files, body.get("components")]
        if not any([*filled, body.get("sticker_ids"), body.get("poll")]):
            raise Refused(400, 50006, "Cannot send an empty message")

    def _post(self, channel: Channel, body: Json, files: Mapping[int, File], **more: Any) -> Message:
        uploads = described(body, files)
        more = {"flags": body.get("flags") or 0, **more}
        fields = {"embeds": [{"type": "rich", **one} for one in body.get("embeds") or ()], "files": uploads}
        fields |= {"components": body.get("components") or []}
        allowed = body.get("allowed_mentions")
        return self.post(channel, self.bot, body.get("content") or "", allowed=allowed, **fields, **more)

    async def _edit(self, call: Call) -> Json:
        message = self._message(call)
        self._awake(message.channel)
        if message.author is not self.bot:
            raise Refused(403, 50005, "Cannot edit a message authored by another user")
        recent = [edit for edit in message.edits if edit.at > max(message.at + 3600, self.now() - 3600)]
        if self.now() - message.at > 3600 and len(recent) >= self.old_edits:
            text = "Maximum number of edits to messages older than 1 hour reached. Try again later."
            raise Refused(400, 30046, text)
        self._rewrite(message, call)
        return self._tell(message)

    def _rewrite(self, message: Message, call: Call, data: Json | None = None) -> None:
        """Change what a body names. A message that says "thinking" gets its first words, and pings."""
        body, files = call.body if data is None else data, call.files or {}
        form = Form()
        form.message(body, message.flags | (body.get("flags") or 0))
        form.check()
        kept = message.files
        if body.get("attachments") is not None:
            listed = {str(one.get("id")) for one in body["attachments"]}
            kept = [file for file in message.files if file.id in listed]
        names = {"content": "", "embeds": [], "components": []}
        new = {name: body[name] or empty for name, empty in names.items() if name in body}
        new["files"] = [*kept, *described(body, files)]
        told = {name: new.get(name, getattr(message, name)) for name in (*names, "files")}
        if not any(told.values()):
            raise Refused(400, 50006, "Cannot send an empty message")
        if message.flags & LOADING:
            message.content = told["content"]
            self._address(message, body.get("allowed_mentions"))
        self.change(message, **new, flags=message.flags & ~LOADING | ((body.get("flags") or 0) & (1 << 2 | V2)))

    async def _get(self, call: Call) -> Json:
        return self._tell(self._message(call, "read_message_history"))

    async def _delete(self, call: Call) -> None:
        message = self._message(call)
        self._awake(message.channel)
        if message.author is not self.bot:
            raise Refused(403, 50013, "Missing Permissions")
        self.remove(message)

    async def _list(self, call: Call) -> list[Json]:
        channel, query = self._place(call), call.query or {}
        if "read_message_history" in channel.denied:
            return []
        limit = int(query.get("limit", 50))
        if not 1 <= limit <= 100:
            form = Form()
            form.wrong("limit", "NUMBER_TYPE_MAX", "int value should be less than or equal to 100.")
            form.check()
        shown = [one for one in channel.alive if not one.flags & EPHEMERAL]
        after = [one for one in shown if int(one.id) > int(query.get("after", query.get("around", 0)))]
        before = [one for one in shown if int(one.id) < int(query.get("before", query.get("around", 1 << 64)))]
        if "after" in query:
            found = after[:limit]
        elif "around" in query:
            middle = [one for one in shown if one.id == query["around"]]
            found = [*before[-(limit // 2) :], *middle, *after[: limit // 2]]
        else:
            found = before[-limit:]
        return [self._tell(one) for one in reversed(found)]

    async def _typing(self, call: Call) -> None:
        self.typing.append(self._place(call, "send_messages").id)

    async def _react(self, call: Call) -> None:
        message = self._message(call, "add_reactions", "read_message_history")
        self._awake(message.channel)
        if re.fullmatch(r"[\w ]*", call["emoji"]):
            raise Refused(400, 10014, "Unknown Emoji")
        self.put_reaction(message, call["emoji"], self.bot)

    async def _unreact(self, call: Call) -> None:
        self.put_reaction(self._message(call), call["emoji"], self.bot, on=False)

    async def _reactions(self, call: Call) -> list[Json]:
        return [user.json() for user in self._message(call).reactions.get(call["emoji"], ())]

    # Threads.

    async def _thread_from(self, call: Call) -> Json:
        message = self._message(call, "create_public_threads", "read_message_history")
        if message.channel.type != 0:
            raise Refused(400, 50024, "Cannot execute action on this channel type")
        if message.id in self.channels:
            raise Refused(400, 160004, "A thread has already been created for this message")
        return self._opened(message.channel, call, message)

    async def _thread(self, call: Call) -> Json:
        channel = self._place(call, "create_public_threads")
        if channel.type != 0:
            raise Refused(400, 50024, "Cannot execute action on this channel type")
        return self._opened(channel, call, None)

    def _opened(self, channel: Channel, call: Call, start: Message | None) -> Json:
        form, minutes = Form(), call.body.get("auto_archive_duration") or 1440
        form.size("name", (call.body.get("name") or "").strip(), 100, 1)
        if minutes not in (60, 1440, 4320, 10080):
            form.wrong("auto_archive_duration", "BASE_TYPE_CHOICES", "Value must be one of {60, 1440, 4320, 10080}.")
        form.check()
        thread = self.open_thread(channel, call.body["name"].strip(), self.bot, start, minutes)
        return {**thread.json(), "member": self.thread_member(thread, self.bot)}

    async def _join(self, call: Call) -> None:
        thread = self._place(call)
        self._awake(thread)
        me = call["user"] == "@me"
        self.join(thread, self.bot if me else self._known(self.users, call["user"], 10013, "Unknown User"))

    async def _leave(self, call: Call) -> None:
        thread = self._place(call)
        thread.people = [user for user in thread.people if user.id != call["user"].replace("@me", self.bot.id)]

    async def _thread_members(self, call: Call) -> list[Json]:
        thread = self._place(call)
        return [self.thread_member(thread, user) for user in thread.people]

    async def _active(self, call: Call) -> Json:
        return self._threads([one for one in self._at(call).threads if not one.archived])

    async def _archived(self, call: Call) -> Json:
        place = self._place(call, "read_message_history")
        return self._threads([one for one in self.channels.values() if one.parent is place and one.archived])

    def _threads(self, threads: Sequence[Channel]) -> Json:
        mine = [self.thread_member(one, self.bot) for one in threads if self.bot in one.people]
        return {"threads": [one.json() for one in threads], "members": mine, "has_more": False}

    # Commands and interactions.

    def _where(self, call: Call) -> str | None:
        if call["app"] != APP:
            raise Refused(404, 10002, "Unknown Application")
        return self._at(call).id if "guild" in (call.names or {}) else None

    async def _commands(self, call: Call) -> list[Json]:
        return self.commands.get(self._where(call), [])

    async def _set_commands(self, call: Call) -> list[Json]:
        where, form = self._where(call), Form()
        form.commands(call.body)
        form.check()
        old = {(one["name"], one["type"]): one["id"] for one in self.commands.get(where, [])}
        flat = {"application_id": APP, "version": "1", "default_member_permissions": None}
        flat |= {"guild_id": where} if where else {}
        typed = [{"type": 1, "description": "", **one} for one in call.body]
        made = [{**one, **{k: one.get(k, v) for k, v in flat.items()}} for one in typed]
        self.commands[where] = [{**one, "id": old.get((one["name"], one["type"])) or self.snowflake()} for one in made]
        return self.commands[where]

    async def _add_command(self, call: Call) -> Json:
        where, key = self._where(call), (call.body.get("name"), call.body.get("type", 1))
        others = [one for one in self.commands.get(where, []) if (one["name"], one["type"]) != key]
        return (await self._set_commands(replace(call, body=[*others, call.body])))[-1]

    async def _drop_command(self, call: Call) -> None:
        where = self._where(call)
        known = {one["id"]: one for one in self.commands.get(where, [])}
        self.commands[where].remove(self._known(known, call["command"], 10063, "Unknown application command"))

    async def _callback(self, call: Call) -> Json | None:
        one = self.interactions.get(call["interaction"])
        if one is None or one.token != call["token"]:
            raise Refused(404, 10062, "Unknown interaction")
        if one.acknowledged:
            raise Refused(400, 40060, "Interaction has already been acknowledged.")
        if self.now() - one.at > 3:
            raise Refused(404, 10062, "Unknown interaction")
        kind, data, form = call.body.get("type"), call.body.get("data") or {}, Form()
        if kind not in RESPONSES[one.type] or (kind in (6, 7) and one.source is None):
            form.wrong("type", "BASE_TYPE_CHOICES", f"Value must be one of {RESPONSES[one.type]}.")
        form.choices("data.choices", data.get("choices", []) if kind == 8 else [])
        if kind == 9:
            form.modal(data)
        form.check()
        if kind == 4:
            one.original = self._answer_user(one, call, data)
        elif kind == 5:
            flags = (data.get("flags") or 0) & EPHEMERAL | LOADING
            one.original = self._spoken(one, {"flags": flags}, {})
        elif kind in (6, 7):
            one.original = one.source
            if kind == 7 and one.source is not None:
                self._rewrite(one.source, call, data)
        one.choices = data.get("choices") if kind == 8 else None
        one.modal = data if kind == 9 else None
        one.acknowledged = kind
        self.changed()
        return self._acknowledgement(one, kind) if (call.query or {}).get("with_response") in ("1", "true") else None

    def _acknowledgement(self, one: Interaction, kind: int) -> Json:
        told: Json = {"id": one.id, "type": one.type}
        if one.original is None:
            return {"interaction": told}
        told |= {"response_message_id": one.original.id, "channel_id": one.channel.id}
        told |= {"response_message_loading": bool(one.original.flags & LOADING)}
        told |= {"response_message_ephemeral": bool(one.original.flags & EPHEMERAL)}
        return {"interaction": told, "resource": {"type": kind, "message": one.original.json(self.bot)}}

    def _answer_user(self, one: Interaction, call: Call, data: Json) -> Message:
        form = Form()
        self._checked(form, data, call.files or {}, SENT_FLAGS | EPHEMERAL)
        return self._spoken(one, data, call.files or {})

    def _spoken(self, one: Interaction, body: Json, files: Mapping[int, File]) -> Message:
        """A message that answers an interaction: of the command, or a reply to the message with the button."""
        type = 19 if one.source else 23 if one.data.get("type") == 3 else 20
        message = self._post(one.channel, body, files, type=type, answers=one.source, interaction=one)
        one.messages.append(message)
        return message

    def _held(self, call: Call) -> Interaction:
        """The interaction of a webhook's token, while that lives."""
        one = next((one for one in self.interactions.values() if one.token == call["token"]), None)
        if one is None or call["app"] != APP or not one.acknowledged:
            raise Refused(404, 10015, "Unknown Webhook")
        if self.now() - one.at > 900:
            raise Refused(401, 50027, "Invalid Webhook Token")
        return one

    def _hook(self, call: Call) -> Message:
        one = self._held(call)
        known = [one.original] if call["message"] == "@original" else one.messages
        for message in known:
            if message is not None and not message.deleted and call["message"] in ("@original", message.id):
                return message
        raise Refused(404, 10008, "Unknown Message")

    async def _hook_send(self, call: Call) -> Json | None:
        one = self._held(call)
        if one.original is not None and one.original.flags & LOADING:
            self._rewrite(one.original, call)  # the first follow-up takes the place of "thinking"
            return one.original.json(self.bot)
        message = self._answer_user(one, call, call.body)
        return message.json(self.bot)

    async def _hook_get(self, call: Call) -> Json:
        return self._hook(call).json(self.bot)

    async def _hook_edit(self, call: Call) -> Json:
        message = self._hook(call)
        self._rewrite(message, call)
        return message.json(self.bot)

    async def _hook_delete(self, call: Call) -> None:
        self.remove(self._hook(call))


ROUTES = """
GET /gateway _gateway
GET /gateway/bot _gateway_bot
GET /users/@me _me
GET /users/@me/guilds _guilds
POST /users/@me/channels _direct
GET /users/{user} _user
GET /applications/@me _application
GET /oauth2/applications/@me _application
GET /applications/{app}/commands _commands
PUT /applications/{app}/commands _set_commands
POST /applications/{app}/commands _add_command
DELETE /applications/{app}/commands/{command} _drop_command
GET /applications/{app}/guilds/{guild}/commands _commands
PUT /applications/{app}/guilds/{guild}/commands _set_commands
POST /applications/{app}/guilds/{guild}/commands _add_command
DELETE /applications/{app}/guilds/{guild}/commands/{command} _drop_command
POST /interactions/{interaction}/{token}/callback _callback
POST /webhooks/{app}/{token} _hook_send
GET /webhooks/{app}/{token}/messages/{message} _hook_get
PATCH /webhooks/{app}/{token}/messages/{message} _hook_edit
DELETE /webhooks/{app}/{token}/messages/{message} _hook_delete
GET /channels/{channel} _channel
PATCH /channels/{channel} _edit_channel
DELETE /channels/{channel} _delete_channel
GET /channels/{channel}/messages _list
POST /channels/{channel}/messages _send
GET /channels/{channel}/messages/{message} _get
PATCH /channels/{channel}/messages/{message} _edit
DELETE /channels/{channel}/messages/{message} _delete
POST /channels/{channel}/typing _typing
PUT /channels/{channel}/messages/{message}/reactions/{emoji}/@me _react
DELETE /channels/{channel}/messages/{message}/reactions/{emoji}/@me _unreact
GET /channels/{channel}/messages/{message}/reactions/{emoji} _reactions
POST /channels/{channel}/messages/{message}/threads _thread_from
POST /channels/{channel}/threads _thread
GET /channels/{channel}/threads/archived/public _archived
GET /channels/{channel}/thread-members _thread_members
PUT /channels/{channel}/thread-members/{user} _join
DELETE /channels/{channel}/thread-members/{user} _leave
GET /guilds/{guild} _guild
GET /guilds/{guild}/channels _guild_channels
GET /guilds/{guild}/roles _roles
GET /guilds/{guild}/members _members
GET /guilds/{guild}/members/{user} _member
GET /guilds/{guild}/threads/active _active
"""


@contextmanager
def pointed_at(discord: LoopbackDiscord) -> Iterator[None]:
    """discord.py talks to this server meanwhile, by the two addresses that it has."""
    before = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = discord.url + API, yarl.URL(discord.gateway_url)
    try:
        yield
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = before


@pytest.fixture(name="discord_server")
async def discord_server_fixture() -> AsyncIterator[LoopbackDiscord]:
    """A running server, with discord.py pointed to it. It has no guild yet."""
    async with LoopbackDiscord() as server:
        with pointed_at(server):
            yield server
