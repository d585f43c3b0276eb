"""Discord's gateway: sessions that identify, resume, lag and break; and the interactions that reach a bot through it.

Knows nothing of REST or Erica. Frames are plain JSON text, whatever compression a client asks for.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web
from discord_records import (
    APP,
    MEMBER,
    PERMISSIONS,
    Component,
    File,
    Guild,
    Interaction,
    Json,
    Message,
    User,
    components,
)
from discord_world import World

GUILDS, GUILD_MEMBERS, PRESENCES, MESSAGE_CONTENT = 1 << 0, 1 << 1, 1 << 8, 1 << 15
PRIVILEGED = GUILD_MEMBERS | PRESENCES | MESSAGE_CONTENT
KNOWN_INTENTS = sum(1 << bit for bit in (*range(17), 20, 21, 24, 25))
# Which intent lets an event through, in guilds and in direct messages.
INTENTS = {"MESSAGE_REACTION": (1 << 10, 1 << 13), "MESSAGE": (1 << 9, 1 << 12), "TYPING": (1 << 11, 1 << 14)}
INTENTS |= dict.fromkeys(("GUILD", "CHANNEL", "THREAD"), (GUILDS, GUILDS)) | {"INTERACTION": (0, 0)}
SILENCE = 8  # a socket that is aborted without a close frame


@dataclass(eq=False, slots=True)
class Session:
    """One identified shard. `sent` is every dispatch, for replay; `outbox` is its socket's queue while it has one."""

    id: str
    intents: int
    shard: tuple[int, int]
    sent: list[str] = field(default_factory=list)
    outbox: "asyncio.Queue[Json | str | int] | None" = None

    def sees(self, event: str, guild: Guild | None) -> bool:
        """Whether an event of this guild, or of a direct message, is this shard's and within its intents."""
        shard = (int(guild.id) >> 22) % self.shard[1] if guild else 0
        needed = next(bits for prefix, bits in INTENTS.items() if event.startswith(prefix))[guild is None]
        return shard == self.shard[0] and (not needed or bool(self.intents & needed))

    def dispatch(self, event: str, data: Json) -> None:
        self.sent.append(json.dumps({"op": 0, "s": len(self.sent) + 1, "t": event, "d": data}))
        if self.outbox is not None:
            self.outbox.put_nowait(self.sent[-1])


class Gateway(World):
    """A World that tells connected bots what happens, and can be told to misbehave."""

    token = "loopback-bot-token"

    def __init__(self, **world: Any) -> None:
        super().__init__(**world)
        self.sessions: dict[str, Session] = {}
        self.sockets: dict[asyncio.Queue[Json | str | int], web.WebSocketResponse] = {}
        self.identified: list[Json] = []  # IDENTIFY payloads, in order
        self.resumed: list[str] = []  # session ids
        self.closed: list[int] = []  # close codes that a client was given
        self.heartbeats = 0
        self.commands: dict[str | None, list[Json]] = {}  # by guild id, None for those of everywhere
        # Switches.
        self.portal_intents = PRIVILEGED  # what is ticked in the developer portal
        self.shards = 1  # how many are recommended, and required
        self.copies = 1  # how often each MESSAGE_CREATE is delivered
        self.heartbeat_ms = 41_250
        self.acknowledges = True  # whether heartbeats are answered
        self.open = True  # whether new sockets are accepted

    # Misbehaviour.

    def drop_sockets(self, code: int = SILENCE) -> None:
        """Cut every connection: without a word, or with this close code."""
        self._to_all(code)

    def ask_reconnect(self) -> None:
        """Send RECONNECT, as before a restart of the gateway."""
        self._to_all({"op": 7, "d": None, "s": None, "t": None})

    def invalidate_sessions(self, resumable: bool = False) -> None:
        """Send INVALID_SESSION; unless `resumable`, whatever was not delivered is lost."""
        outboxes = [session.outbox for session in self.sessions.values() if session.outbox]
        if not resumable:
            self.sessions.clear()
        for outbox in outboxes:
            outbox.put_nowait({"op": 9, "d": resumable, "s": None, "t": None})

    def forget_sessions(self) -> None:
        """Lose all sessions silently: the next RESUME is refused."""
        self.sessions.clear()

    def redeliver(self, message: Message) -> None:
        """Deliver a MESSAGE_CREATE once more."""
        self.emit("MESSAGE_CREATE", message, message.channel.guild)

    def _to_all(self, item: Json | int) -> None:
        for outbox in self.sockets:
            outbox.put_nowait(item)

    # Events.

    def emit(self, event: str, data: Json | Message | Guild, guild: Guild | None) -> None:
        """Queue an event for every session that may see it, also for those whose socket is gone."""
        for session in [one for one in self.sessions.values() if one.sees(event, guild)]:
            for _ in range(self.copies if event == "MESSAGE_CREATE" else 1):
                session.dispatch(event, self._told(session, data))
        self.changed()

    def _told(self, session: Session, data: Json | Message | Guild) -> Json:
        match data:
            case Message():
                return data.json(self.bot, bool(session.intents & MESSAGE_CONTENT), event=True)
            case Guild():
                everyone = session.intents & (GUILD_MEMBERS | PRESENCES) == GUILD_MEMBERS | PRESENCES
                return data.json([user for user, _ in data.members.values() if everyone or user is self.bot])
        return data

    async def gateway(self, request: web.Request) -> web.StreamResponse:
        """One connection of a client, from HELLO to its end."""
        if not self.open:
            return web.Response(status=503)
        socket = web.WebSocketResponse(timeout=0.1)
        await socket.prepare(request)
        outbox: asyncio.Queue[Json | str | int] = asyncio.Queue()
        self.sockets[outbox] = socket
        writer = asyncio.create_task(self._write(request, socket, outbox))
        outbox.put_nowait({"op": 10, "d": {"heartbeat_interval": self.heartbeat_ms}, "s": None, "t": None})
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    self._receive(frame.data, outbox)
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            del self.sockets[outbox]
            for session in self.sessions.values():
                session.outbox = None if session.outbox is outbox else session.outbox
            self.changed()
        return socket

    async def _write(
        self, request: web.Request, socket: web.WebSocketResponse, outbox: "asyncio.Queue[Json | str | int]"
    ) -> None:
        while (item := await outbox.get()) != SILENCE:
            if isinstance(item, int):
                self.closed.append(item)
                await socket.close(code=item)
                return
            await socket.send_str(item if isinstance(item, str) else json.dumps(item))
        if request.transport is not None:
            request.transport.abort()

    def _receive(self, text: str, outbox: "asyncio.Queue[Json | str | int]") -> None:
        try:
            frame = json.loads(text)
            op, data = frame["op"], frame.get("d")
        except (ValueError, KeyError):
            outbox.put_nowait(4002)
            return
        session = next((one for one in self.sessions.values() if one.outbox is outbox), None)
        if op == 1:
            self.heartbeats += 1
            if self.acknowledges:
                outbox.put_nowait({"op": 11, "d": None, "s": None, "t": None})
        elif op == 2:
            outbox.put_nowait(4005) if session else self._identify(data, outbox)
        elif op == 6:
            outbox.put_nowait(4005) if session else self._resume(data, outbox)
        elif session is None:
            outbox.put_nowait(4003)
        elif op == 8:
            self._list_members(session, data)
        elif op not in (3, 4, 31):
            outbox.put_nowait(4001)
        self.changed()

    def _identify(self, data: Json, outbox: "asyncio.Queue[Json | str | int]") -> None:
        self.identified.append(data)
        number, count = shard = tuple(data.get("shard") or (0, 1))
        refusals = {
            4004: data.get("token") != self.token,
            4013: bool(data.get("intents", -1) & ~KNOWN_INTENTS),
            4014: bool(data.get("intents", 0) & PRIVILEGED & ~self.portal_intents),
            4010: not 0 <= number < count,
            4011: count < self.shards,
        }
        if code := next((code for code, refused in refusals.items() if refused), 0):
            outbox.put_nowait(code)
            return
        session = Session(self.snowflake(), data["intents"], shard, outbox=outbox)
        self.sessions[session.id] = session
        mine = [guild for guild in self.guilds.values() if session.sees("GUILD_CREATE", guild)]
        ready: Json = {"v": 10, "user": self.bot.json(), "session_id": session.id, "shard": list(shard)}
        ready |= {"guilds": [{"id": guild.id, "unavailable": True} for guild in mine]}
        ready |= {"resume_gateway_url": self.gateway_url, "application": {"id": APP, "flags": self.app_flags}}
        session.dispatch("READY", ready)
        for guild in mine:
            session.dispatch("GUILD_CREATE", self._told(session, guild))

    def _resume(self, data: Json, outbox: "asyncio.Queue[Json | str | int]") -> None:
        session = self.sessions.get(str(data.get("session_id")))
        if data.get("token") != self.token:
            outbox.put_nowait(4004)
        elif session is None:
            outbox.put_nowait({"op": 9, "d": False, "s": None, "t": None})
        elif not 0 <= (seen := data.get("seq") or 0) <= len(session.sent):
            outbox.put_nowait(4007)
        else:
            if session.outbox is not None:
                session.outbox.put_nowait(4000)  # an older socket that nobody has missed yet
            for missed in session.sent[seen:]:
                outbox.put_nowait(missed)
            session.outbox = outbox
            self.resumed.append(session.id)
            session.dispatch("RESUMED", {"_trace": []})

    def _list_members(self, session: Session, data: Json) -> None:
        guild, wanted = self.guilds[str(data["guild_id"])], [str(id) for id in data.get("user_ids") or ()]
        users = [user for user, _ in guild.members.values() if not wanted or user.id in wanted]
        users = [user for user in users if user.name.startswith(data.get("query") or "")]
        chunk: Json = {"guild_id": guild.id, "members": [guild.member(user) for user in users], "not_found": []}
        chunk |= {"chunk_index": 0, "chunk_count": 1} | ({"nonce": data["nonce"]} if "nonce" in data else {})
        session.dispatch("GUILD_MEMBERS_CHUNK", chunk)

    @property
    def gateway_url(self) -> str:
        """Where clients connect, also to resume."""
        return self.url.replace("http", "ws", 1) + "/"

    @property
    def app_flags(self) -> int:
        """The application's flags: which privileged intents the portal allows to an app in few guilds."""
        flags = {PRESENCES: 1 << 13, GUILD_MEMBERS: 1 << 15, MESSAGE_CONTENT: 1 << 19}
        return sum(flag for intent, flag in flags.items() if self.portal_intents & intent)

    # Interactions: students use what the bot has registered, and only that.

    async def slash(self, name: str, user: str = "", channel: str = "", /, **options: Any) -> Interaction:
        """Use a slash command ("ask", or "staff mute" for a subcommand) as the first student in the first channel,
        unless others are named. LookupError or ValueError for what Discord's own client would not offer.
        """
        return self._command(2, name, user, channel, options)

    async def autocomplete(self, name: str, user: str = "", channel: str = "", /, **options: Any) -> list[Json]:
        """The choices offered while the last option is typed."""
        interaction = self._command(4, name, user, channel, options)
        await self.until(lambda: interaction.acknowledged)
        return interaction.choices or []

    async def context_menu(self, message: Message, user: str = "", name: str = "") -> Interaction:
        """Apps > NAME on a message; the name may be left out where there is only one."""
        [command] = [
            one for one in self._offered(message.channel.guild) if one["type"] == 3 and name in ("", one["name"])
        ]
        data = {"id": command["id"], "name": command["name"], "type": 3, "target_id": message.id}
        data |= {"resolved": {"messages": {message.id: message.json(self.bot)}}}
        return self._interact(2, self.user(user) if user else message.author, message.channel.id, data)

    async def press(self, button: Component, user: str = "", values: tuple[str, ...] = ()) -> Interaction:
        """Press a button, or choose `values` in a select: a Component of a Seen message."""
        message = self.find(button.message)
        parts = {part.custom_id: part for part in components(message.components, message.id)}
        if button.custom_id not in parts or parts[button.custom_id].disabled or button.url:
            raise ValueError(f"{button.label!r} cannot be pressed")
        data: Json = {"custom_id": button.custom_id, "component_type": 2 if button.kind == "button" else 3, "id": 1}
        data |= {"values": list(values)} if values else {}
        who = (
            self.user(user)
            if user
            else message.interaction.user
            if message.interaction
            else self.student(message.channel.id)
        )
        return self._interact(3, who, message.channel.id, data, message)

    async def submit(self, opened: Interaction, answers: Mapping[str, str]) -> Interaction:
        """Fill in and send the modal that an interaction opened; `answers` by custom id."""
        if opened.modal is None:
            raise ValueError("no modal was opened")
        rows = [
            {"type": 1, "id": 1, "components": [{"type": 4, "id": 2, "custom_id": k, "value": v}]}
            for k, v in answers.items()
        ]
        data = {"custom_id": opened.modal["custom_id"], "components": rows}
        return self._interact(5, opened.user, opened.channel.id, data, opened.source)

    def student(self, channel: str) -> User:
        """The first human who can write there."""
        place = self.channel(channel)
        people = place.people if place.guild is None else [user for user, _ in place.guild.members.values()]
        return next(user for user in people if not user.bot)

    def _offered(self, guild: Guild | None) -> list[Json]:
        return self.commands.get(None, []) + (self.commands.get(guild.id, []) if guild else [])

    def _command(self, type: int, name: str, user: str, channel: str, options: Mapping[str, Any]) -> Interaction:
        place = self.channel(channel) if channel else next(iter(self.channels.values()))
        who = self.user(user) if user else self.student(place.id)
        first, *rest = name.split()
        command = next(one for one in self._offered(place.guild) if one["type"] == 1 and one["name"] == first)
        resolved: Json = {}
        level: Json = command
        for part in rest:
            level = next(one for one in level["options"] if one["name"] == part)
        known = {one["name"]: one for one in level.get("options", [])}
        missing = [key for key, one in known.items() if one.get("required") and key not in options]
        if (
            (missing and type == 2)
            or options.keys() - known.keys()
            or any(one["type"] in (1, 2) for one in known.values())
        ):
            raise ValueError(f"/{name} takes {list(known)}, not {list(options)}")
        given = [self._option(known[key], value, resolved, who, place.guild) for key, value in options.items()]
        if type == 4:
            given[-1]["focused"] = True
        for part in reversed(rest):
            kind = 1 if part == rest[-1] else 2
            given = [{"type": kind, "name": part, "options": given}]
        data = {"id": command["id"], "name": first, "type": 1, "options": given}
        return self._interact(type, who, place.id, data | ({"resolved": resolved} if resolved else {}))

    def _option(self, option: Json, value: Any, resolved: Json, who: User, guild: Guild | None) -> Json:
        """One option as sent; users, channels and files go into `resolved`."""
        kind = option["type"]
        if kind == 3 and not option.get("min_length", 0) <= len(value) <= option.get("max_length", 6000):
            raise ValueError(f"{option['name']}: Discord's client checks the length")
        if option.get("choices") and value not in [choice["value"] for choice in option["choices"]]:
            raise ValueError(f"{option['name']}: {value!r} is none of the choices")
        if kind == 6:
            user = self.user(value)
            resolved.setdefault("users", {})[user.id] = user.json()
            if guild is not None:
                resolved.setdefault("members", {})[user.id] = guild.member(user, whole=False) | {
                    "permissions": str(MEMBER)
                }
            value = user.id
        elif kind == 7:
            place = self.channel(value)
            resolved.setdefault("channels", {})[place.id] = place.json() | {"permissions": str(MEMBER)}
            value = place.id
        elif kind == 11:
            assert isinstance(value, File)
            file = self.upload(self.private(who), value)
            resolved.setdefault("attachments", {})[file.id] = file.json()
            value = file.id
        return {"type": kind, "name": option["name"], "value": value}

    def _interact(self, type: int, user: User, channel: str, data: Json, source: Message | None = None) -> Interaction:
        place = self.channel(channel)
        one = Interaction(self.snowflake(), f"token-{self.snowflake()}", type, user, place, self.now(), data, source)
        self.interactions[one.id] = one
        told: Json = {"id": one.id, "application_id": APP, "type": type, "token": one.token, "version": 1, "data": data}
        told |= {"channel_id": place.id, "channel": place.json() | {"permissions": str(MEMBER)}, "locale": "en-US"}
        denied = place.denied | (place.parent.denied if place.parent else set())
        told |= {"app_permissions": str(MEMBER & ~sum(PERMISSIONS[name] for name in denied)), "entitlements": []}
        told |= {"attachment_size_limit": 10 * 2**20, "context": 1 if place.guild is None else 0}
        told |= {"message": source.json(self.bot)} if source else {}
        if (guild := place.guild) is not None:
            told |= {"guild_id": guild.id, "guild_locale": "en-US", "authorizing_integration_owners": {"0": guild.id}}
            told |= {"guild": {"id": guild.id, "locale": "en-US", "features": []}}
            told |= {"member": guild.member(user) | {"permissions": str(MEMBER)}}
        else:
            told |= {"user": user.json(), "authorizing_integration_owners": {"0": "0"}}
        self.emit("INTERACTION_CREATE", told, guild)
        return one
