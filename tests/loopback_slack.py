"""A Slack on 127.0.0.1 for the unmodified slack-bolt and slack_sdk: Web API, Socket Mode, HTTP events, files, OAuth.

Written from Slack's documentation; knows nothing of Erica. With `async with LoopbackSlack() as slack`, or the fixture:

    slack.channel("C1", members=["U1"])
    question = await slack.mention("C1", "U1", "What is A*?")
    answer = await slack.until(lambda: slack.answers("C1", question))
"""

import base64
import json
from collections.abc import AsyncIterator
from typing import Self

import pytest
import slack_lookups
import slack_streams
from aiohttp import web
from slack_blocks import SlackError
from slack_delivery import Delivery, HttpMode, Kind, Outbox, SocketMode
from slack_faults import Fault, Faults, RateLimits, error, rate_limited
from slack_methods import METHODS, Args, fill, new_message, parent, send
from slack_people import SlackPeople
from slack_records import Call, Channel, Workspace
from slack_routes import arguments, download, login, team_of, token_of, upload
from slack_shown import Json
from slack_transcript import render_transcript, transcript

__all__ = ["LoopbackSlack", "slack_fixture", "slack_lookups", "slack_streams"]  # the latter two fill METHODS

CLIENT = ("111.222", "client-secret")
RESPONSE_LIFE, RESPONSE_USES = 1_800.0, 5


class LoopbackSlack(SlackPeople):
    """The server and the world in it. Apps come by Socket Mode unless `use_http` says otherwise."""

    app_token = "xapp-1-A1-loopback"
    signing_secret = "loopback-signing-secret"

    def __init__(self) -> None:
        super().__init__()
        self.socket_mode = SocketMode(self)
        self.http: HttpMode | None = None
        self.outbox = Outbox(self, self._answered)
        self.outbox.transport = self.socket_mode
        self.rates = RateLimits()
        self.tells_own = True  # an app hears of its own messages too
        self.emit = self._emit
        self._faults = Faults()
        self._codes: dict[str, str] = {}
        self._responses: dict[str, tuple[Channel, str, str, float, list[int]]] = {}
        self._runner: web.AppRunner | None = None
        self.workspace()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_get("/link/", self.socket_mode.serve)
        app.router.add_post("/upload/v1/{file}", self._upload)
        app.router.add_get("/files-pri/{file}/{name}", self._download)
        app.router.add_get("/login", login)
        app.router.add_post("/actions/{token}", self._respond)
        # Cancelling the handler when the client leaves ends stalls.
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.outbox.close()
        self.socket_mode.drop()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def api_url(self) -> str:
        """What a client takes as its base_url."""
        return f"{self.url}/api/"

    @property
    def bot_token(self) -> str:
        """The bot's token in the first workspace."""
        return self.workspace().bot_token

    # What tests do to it.

    def fail(self, method: str, how: Fault | str, times: int | None = 1) -> None:
        """Let the next calls of a method fail; a string is an error code, `*` any method, None times for ever.

        `upload`, `download` and `response_url` are methods here too.
        """
        self._faults.add(method, error(how) if isinstance(how, str) else how, times)

    def heal(self, method: str = "*") -> None:
        """Let a method work again."""
        self._faults.clear(method)

    def use_http(self, url: str) -> HttpMode:
        """Bring events to this address from now on, signed."""
        self.http = HttpMode(self, url, self.signing_secret)
        self.outbox.transport = self.http
        return self.http

    async def verify_url(self) -> bool:
        """Whether the app's address passes the check that Slack makes when it is entered."""
        assert self.http is not None
        body = json.dumps({"type": "url_verification", "token": "unused", "challenge": "challenge-7"})
        status, text, _ = await self.http.post(body, {"Content-Type": "application/json"})
        return status == 200 and (text == "challenge-7" or json.loads(text) == {"challenge": "challenge-7"})

    def code(self, team: str) -> str:
        """An OAuth code, for installing the app into a workspace."""
        self.workspace(team)
        code = self.new_id("code-")
        self._codes[code] = team
        return code

    def deliveries(self, about: str = "") -> list[Delivery]:
        """What the app was told, of one message or of all."""
        return [each for each in self.outbox.deliveries if about in ("", each.about)]

    async def redeliver(self, about: str, times: int = 1) -> None:
        """Send everything about a message again, as if no acknowledgement had come through."""
        again = self.deliveries(about)
        for retry in range(1, times + 1):
            for each in again:
                self.outbox.hand(Delivery(each.kind, each.payload, each.about), retry)

    def transcript(self, channel: str) -> list[Json]:
        """A channel's record, message by message with times; fit for JSON."""
        return transcript(self, channel)

    def render_transcript(self, channel: str) -> str:
        """The same as text."""
        return render_transcript(transcript(self, channel))

    def hand(self, kind: Kind, payload: Json, about: str = "") -> Delivery:
        """Deliver something to the app."""
        return self.outbox.hand(Delivery(kind, payload, about))

    def response_url(self, place: Channel, user: str, ts: str = "") -> str:
        """An address that takes five answers within half an hour."""
        token = self.new_id("response-")
        self._responses[token] = (place, user, ts, self.clock.now(), [])
        return f"{self.url}/actions/{token}"

    def _emit(self, team: Workspace, event: Json) -> None:
        if self.tells_own:
            self.tell(team, event)

    # The Web API.

    async def _api(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        try:
            raw = await arguments(request)
        except ValueError:
            return web.json_response({"ok": False, "error": "invalid_json"})
        fault = self._faults.next(name)
        answer: Json = {"ok": False, "error": fault.error} if fault else {}
        headers: dict[str, str] = {}
        team = team_of(self, token_of(request, raw))
        if fault is None or fault.afterwards:
            answer, headers = self._answer(name, request, team, raw)
        args = {key: value for key, value in raw.items() if key != "token"}
        failed = str(answer.get("error", ""))
        self.calls.append(Call(name, args, self.clock.now(), team.id if team else "", failed, fault is not None))
        self.changed()
        if fault is not None:
            return await fault.answer(request)
        return web.json_response(answer, status=429 if failed == "ratelimited" else 200, headers=headers)

    def _answer(
        self, name: str, request: web.Request, team: Workspace | None, raw: Json
    ) -> tuple[Json, dict[str, str]]:
        try:
            if name == "oauth.v2.access":
                return {"ok": True, **self._install(request, Args(raw))}, {}
            token = token_of(request, raw)
            if name == "apps.connections.open":
                return {"ok": True, **self._connect(token)}, {}
            return self._call(name, token, team, Args(raw))
        except SlackError as refused:
            return {"ok": False, "error": refused.error, **refused.more}, {}

    def _call(self, name: str, token: str, team: Workspace | None, args: Args) -> tuple[Json, dict[str, str]]:
        if name not in METHODS:
            raise SlackError("unknown_method", req_method=name)
        if not token:
            raise SlackError("not_authed")
        if token == self.app_token:
            raise SlackError("not_allowed_token_type")
        if team is None:
            raise SlackError("invalid_auth")
        if team.revoked:
            raise SlackError("token_revoked")
        method, channel = METHODS[name], args.text("channel") or args.text("channel_id")
        place = self.channels.get(channel)
        kinds = {"channel": "channels", "group": "groups", "im": "im"}
        scope = method.scope.replace("*", kinds[place.kind] if place else "channels")
        provided = ",".join(sorted(team.scopes))
        if scope and scope not in team.scopes:
            raise SlackError("missing_scope", needed=scope, provided=provided)
        if wait := self.rates.wait(name, team.id, channel, method.a_minute, self.clock.now()):
            return {"ok": False, "error": "ratelimited"}, dict(rate_limited(wait).headers)
        headers = {"X-OAuth-Scopes": provided, "X-Accepted-OAuth-Scopes": scope}
        return {"ok": True, **method.call(self, team, args)}, headers

    def _connect(self, token: str) -> Json:
        if token != self.app_token:
            known = any(token == team.bot_token for team in self.workspaces.values())
            raise SlackError("not_allowed_token_type" if known else "invalid_auth" if token else "not_authed")
        return {"url": self.socket_mode.open()}

    def _install(self, request: web.Request, args: Args) -> Json:
        given = (args.text("client_id"), args.text("client_secret"))
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            name, _, secret = base64.b64decode(encoded).decode().partition(":")
            given = (name, secret)
        if given != CLIENT:
            raise SlackError("invalid_client_id" if given[0] != CLIENT[0] else "bad_client_secret")
        team = self.workspaces.get(self._codes.pop(args.text("code"), ""))
        if team is None:
            raise SlackError("invalid_code")
        team.revoked = False
        installed = {"access_token": team.bot_token, "token_type": "bot", "bot_user_id": team.bot_user, "app_id": "A1"}
        about = {"team": {"id": team.id, "name": team.id}, "enterprise": None, "is_enterprise_install": False}
        return {**installed, **about, "scope": ",".join(sorted(team.scopes)), "authed_user": {"id": "UADMIN"}}

    # Files and answers to interactions.

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        fault = self._faults.next("upload")
        return await (fault.answer(request) if fault else upload(self, request))

    async def _download(self, request: web.Request) -> web.StreamResponse:
        fault = self._faults.next("download")
        return await (fault.answer(request) if fault else download(self, request))

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        place, user, ts, at, uses = self._responses.get(request.match_info["token"], (None, "", "", 0.0, []))
        if place is None or self.clock.now() - at > RESPONSE_LIFE:
            return web.Response(status=404, text="expired_url")
        if len(uses) >= RESPONSE_USES:
            return web.Response(status=404, text="used_url")
        if fault := self._faults.next("response_url"):
            return await fault.answer(request)
        uses.append(1)
        try:
            self._say(place, user, ts, Args(await arguments(request)))
        except SlackError as refused:
            return web.Response(status=400, text=refused.error)
        return web.Response(text="ok")

    def _answered(self, delivery: Delivery) -> None:
        """An acknowledgement that says something: a command's answer, or a modal's errors."""
        payload, response = delivery.payload, delivery.response
        if delivery.kind == "slash_commands" and isinstance(response, dict):
            try:
                self._say(self.channels[payload["channel_id"]], payload["user_id"], "", Args(response))
            except SlackError as refused:
                self.complaints.append(f"{payload['command']} was answered with {refused.error}")

    def _say(self, place: Channel, user: str, ts: str, args: Args) -> None:
        team = self.workspaces[place.team]
        original = self.find(place.id, ts) if ts else None
        if args.flag("delete_original") and original is not None:
            original.deleted_at = self.clock.now()
        elif args.flag("replace_original") and original is not None:
            said = original.shown
            fill(self, original, args)
            self.revised(original, said)
        else:
            thread = parent(self, place, args) if args.text("thread_ts") else ""
            message = new_message(self, team, place, thread)
            message.ephemeral_to = "" if args.text("response_type") == "in_channel" else user
            fill(self, message, args)
            send(self, team, message)
        self.changed()


@pytest.fixture(name="slack")
async def slack_fixture() -> AsyncIterator[LoopbackSlack]:
    """A running Slack with one workspace, T1, and nothing in it."""
    async with LoopbackSlack() as slack:
        yield slack
