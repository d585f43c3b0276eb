"""The two web pages by which further Slack workspaces install Erica. Knows no events.

https://docs.slack.dev/authentication/installing-with-oauth/
"""

import logging
import re
from urllib.parse import urlsplit

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_sdk.oauth.state_store import FileOAuthStateStore

from bot.adapters.slack_installations import (
    SCOPES,
    UNREACHABLE,
    Installations,
    SlackAccess,
    client_for,
    code_of,
    secret,
)

INSTALL, REDIRECT = "/slack/install", "/slack/oauth_redirect"
_MINUTES = 10
_STATE = re.compile(r"[0-9a-f-]{36}")  # it becomes the name of a file

_log = logging.getLogger(__name__)


class InstallPages:
    """`INSTALL` leads to Slack, which leads back to `REDIRECT`."""

    def __init__(self, access: SlackAccess, installations: Installations) -> None:
        """Needs the client's id and secret."""
        api = urlsplit(access.api_url)
        states = access.installations / "states"
        settings = AsyncOAuthSettings(
            client_id=access.client_id,
            client_secret=secret(access.client_secret),
            scopes=list(SCOPES),
            user_scopes=[],
            install_path=INSTALL,
            redirect_uri_path=REDIRECT,
            authorization_url=f"{api.scheme}://{api.netloc}/oauth/v2/authorize",
            installation_store=installations.store,
            state_store=FileOAuthStateStore(expiration_seconds=60 * _MINUTES, base_dir=str(states)),
            state_expiration_seconds=60 * _MINUTES,
        )
        self._flow = AsyncOAuthFlow(client=client_for(access), settings=settings, logger=_log)

    def routes(self) -> list[web.RouteDef]:
        """Where the pages are."""
        return [web.get(INSTALL, self._install), web.get(REDIRECT, self._come_back)]

    async def _install(self, request: web.Request) -> web.Response:
        return await to_aiohttp_response(await self._flow.handle_installation(await to_bolt_request(request)))

    async def _come_back(self, request: web.Request) -> web.Response:
        if (state := request.query.get("state")) is not None and not _STATE.fullmatch(state):
            return web.Response(status=400, text="This link is not from Slack. Please start again.")
        try:
            return await to_aiohttp_response(await self._flow.handle_callback(await to_bolt_request(request)))
        except UNREACHABLE as error:
            _log.warning("a workspace could not install Erica: %s", code_of(error))
            return web.Response(status=503, text="Slack could not be reached. Please try again in a moment.")
