"""Who Erica is in each Slack workspace: its token, her user there, and what she may do. Knows no events.

Tokens of further workspaces, from the install page, are in a folder that only Erica's own account reads.
"""

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.oauth.installation_store import FileInstallationStore, Installation
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack_client import is_loopback
from bot.adapters.slack_events import Us
from bot.errors import DeliveryFailed, Undeliverable

# What Erica asks a workspace for, and why; https://docs.slack.dev/reference/scopes/ has them all. Without those in
# ESSENTIAL she cannot answer at all, without the others something is missing.
SCOPES: Mapping[str, str] = {
    "app_mentions:read": "to hear when somebody mentions her",
    "assistant:write": "to show what she is doing while an answer is on its way, and a Stop button",
    "channels:history": "to hear follow-ups, edits and deletions in public channels, and to find her own messages",
    "channels:read": "to check whether she is a member of the public channels in the course files",
    "chat:write": "to answer",
    "commands": "for slash commands and the message shortcut",
    "files:read": "to read text and code files that come with a question",
    "files:write": "to show formulas and concept maps as pictures",
    "groups:history": "the same as channels:history, in private channels",
    "groups:read": "the same as channels:read, for private channels",
    "im:history": "to be asked in direct messages",
    "mpim:history": "the same as channels:history, in group direct messages",
    "reactions:write": "to react to a thank-you rather than to answer it",
}
ESSENTIAL = ("app_mentions:read", "chat:write", "commands", "channels:history", "im:history")

# Errors that mean: this token will not do any more. https://docs.slack.dev/reference/methods/auth.test
DEAD_TOKEN = ("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "org_login_required")
UNREACHABLE = (SlackClientError, aiohttp.ClientError, TimeoutError, OSError, ValueError)
"""What a call of slack_sdk's may raise; SlackApiError among them."""

_CALL_SECONDS = 5
_ID = re.compile(r"[A-Za-z0-9]+")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SlackAccess:
    """How to reach Slack, and as whom. `api_url` ends with a slash; `installations` is a folder of Erica's own.

    With `app_token` events come by Socket Mode, else with `signing_secret` over HTTP; `client_id` and
    `client_secret` let further workspaces install Erica.
    """

    bot_token: SecretStr | None
    app_token: SecretStr | None
    signing_secret: SecretStr | None
    client_id: str | None
    client_secret: SecretStr | None
    api_url: str
    installations: Path

    @property
    def is_loopback(self) -> bool:
        """Whether Slack is on this machine, where no proxy of the environment leads."""
        return is_loopback(urlsplit(self.api_url).hostname or "")


def client_for(access: SlackAccess, token: str | None = None) -> AsyncWebClient:
    """A client of Slack's Web API; calls take 5 seconds at most."""
    base = access.api_url.rstrip("/") + "/"
    made = AsyncWebClient(token, base_url=base, timeout=_CALL_SECONDS)
    if access.is_loopback:
        made.proxy = None
    return made


def code_of(error: Exception) -> str:
    """What Slack refused a call with, or the kind of failure; never what was sent or answered."""
    if isinstance(error, SlackApiError):
        answer = getattr(error.response, "data", error.response)
        return str(answer.get("error", "unreadable")) if isinstance(answer, Mapping) else "unreadable"
    return type(error).__name__


class Installations:
    """The workspaces that have Erica: the one of the bot token, and those that came by the install page."""

    def __init__(self, access: SlackAccess) -> None:
        self._access = access
        self._known: dict[str, Us] = {}
        self._asking = asyncio.Lock()
        self.store = _ByTeam(access.installations)

    async def token_of(self, team: str) -> str:
        """The bot token for a workspace. Raises Undeliverable if there is none; DeliveryFailed if Slack is away."""
        if installed := self._installed(team):
            return installed
        single = secret(self._access.bot_token)
        if not single or (self._access.client_id and (await self._identity(single)).team != team):
            raise Undeliverable(f"Erica is not installed in the workspace {team}")
        return single

    async def us(self, team: str) -> Us:
        """Who Erica is in a workspace; Slack is asked once. Raises as `token_of`."""
        found = await self._identity(await self.token_of(team))
        return Us(team or found.team, found.user, found.bot)

    async def teams(self) -> tuple[str, ...]:
        """Every workspace that a token is there for; raises as `token_of`."""
        single = secret(self._access.bot_token)
        first = ((await self._identity(single)).team,) if single else ()
        return tuple(dict.fromkeys((*first, *self.store.teams())))

    async def forget(self, team: str) -> None:
        """Erica was removed from a workspace, or her token there was revoked."""
        if _ID.fullmatch(team):
            await self.store.async_delete_bot(enterprise_id=None, team_id=team)
        self._known.clear()

    def _installed(self, team: str) -> str:
        bot = self.store.find_bot(enterprise_id=None, team_id=team) if _ID.fullmatch(team) else None
        return str(bot.bot_token) if bot is not None and bot.bot_token else ""

    async def _identity(self, token: str) -> Us:
        if token not in self._known:
            async with self._asking:
                if token not in self._known:
                    self._known[token] = await self._asked(token)
        return self._known[token]

    async def _asked(self, token: str) -> Us:
        try:
            answer = await client_for(self._access, token).auth_test()
            return Us(str(answer["team_id"]), str(answer["user_id"]), str(answer.get("bot_id") or ""))
        except (*UNREACHABLE, KeyError) as error:
            code = code_of(error)
            kind = Undeliverable if code in DEAD_TOKEN else DeliveryFailed
            raise kind(f"Slack did not say who the bot token belongs to: {code}") from None


class _ByTeam(FileInstallationStore):
    """One token a workspace; which organization it is part of does not matter, since org-wide installs are off."""

    def __init__(self, folder: Path) -> None:
        super().__init__(base_dir=str(folder), historical_data_enabled=False)
        self._folder = folder

    def teams(self) -> tuple[str, ...]:
        """The workspaces that are in it."""
        return tuple(sorted(each.parent.name.removeprefix("none-") for each in self._folder.glob("none-*/bot-latest")))

    def save(self, installation: Installation) -> None:
        installation.enterprise_id = None
        if not _ID.fullmatch(installation.team_id or ""):
            raise ValueError("Slack installed Erica into a workspace without an id")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder.chmod(0o700)
        super().save(installation)
        _log.warning("Erica is installed in the Slack workspace %s", installation.team_id)

    def find_bot(
        self, *, enterprise_id: str | None, team_id: str | None, is_enterprise_install: bool | None = False
    ) -> Any:
        return super().find_bot(enterprise_id=None, team_id=team_id)


def secret(value: SecretStr | None) -> str:
    """What is behind a secret, without blanks around it; "" for none."""
    return value.get_secret_value().strip() if value else ""
