"""Discord on 127.0.0.1: its REST API v10 over the gateway's World, with the errors, limits and outages of the real one.

Knows nothing of Erica. In tests: the fixture `discord_server`, to which discord.py is pointed.
"""

import warnings
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import pytest
import yarl
from discord_calls import (
    API,
    RESPONSES,
    SENT_FLAGS,
    Call,
    Fault,
)
from discord_forms import Form
from discord_messages import DiscordMessages
from discord_records import (
    APP,
    EPHEMERAL,
    LOADING,
    File,
    Interaction,
    Json,
    Message,
    Refused,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of audioop, which discord.py has for voice
    from discord.gateway import DiscordWebSocket
    from discord.http import Route


__all__ = ["API", "Fault", "LoopbackDiscord", "discord_server_fixture", "pointed_at"]

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


class LoopbackDiscord(DiscordMessages):
    """`async with LoopbackDiscord() as discord`; every call is recorded, and may be made to fail."""

    routes = ROUTES

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
