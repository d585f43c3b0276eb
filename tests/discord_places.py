"""The loopback Discord's endpoints for users, guilds and channels."""

from collections.abc import Mapping
from typing import TypeVar

from discord_calls import (
    Call,
    DiscordCalls,
)
from discord_forms import Form
from discord_gateway import MESSAGE_CONTENT
from discord_records import (
    APP,
    EPHEMERAL,
    Channel,
    Guild,
    Json,
    Message,
    Refused,
    User,
)

T = TypeVar("T")


class DiscordPlaces(DiscordCalls):
    """Who and where."""

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
