"""How the loopback Slack reads requests, and the addresses at which files go up and down. Knows no methods."""

import json
from typing import Any

from aiohttp import web
from slack_records import Workspace
from slack_world import SlackWorld


def token_of(request: web.Request, raw: dict[str, Any]) -> str:
    """The token that a call came with; empty for none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme == "Bearer" else str(raw.get("token", ""))


def team_of(world: SlackWorld, token: str) -> Workspace | None:
    """The workspace that a bot token belongs to."""
    return next((team for team in world.workspaces.values() if token == team.bot_token), None)


async def arguments(request: web.Request) -> dict[str, Any]:
    """A request's arguments from query, form and JSON. Raises ValueError for JSON that is none."""
    raw: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        body = json.loads(await request.text() or "{}")
        if not isinstance(body, dict):
            raise ValueError("not an object")
        return raw | body
    return raw | dict(await request.post())


async def upload(world: SlackWorld, request: web.Request) -> web.StreamResponse:
    """Take the bytes of a file, raw or as a form's only part; their number must be what was announced."""
    file = world.files.get(request.match_info["file"])
    if file is None or file.uploaded:
        return web.Response(status=404, text="not found")
    data = await _part(request) if request.content_type == "multipart/form-data" else await request.read()
    if len(data) != file.length:
        return web.Response(status=400, text=f"ERROR - {len(data)} bytes came, {file.length} were announced")
    file.data, file.uploaded = data, True
    return web.Response(text=f"OK - {len(data)}")


async def _part(request: web.Request) -> bytes:
    for value in (await request.post()).values():
        return value.file.read() if isinstance(value, web.FileField) else str(value).encode()
    return b""


async def download(world: SlackWorld, request: web.Request) -> web.StreamResponse:
    """A private file. Without a token that may read it there is a redirect to a page, not an error."""
    team = team_of(world, token_of(request, {}))
    file = world.files.get(request.match_info["file"].partition("-")[2])
    if team is None or team.revoked or "files:read" not in team.scopes or (file and file.team != team.id):
        raise web.HTTPFound("/login")
    if file is None:
        return web.Response(status=404, text="not found")
    return web.Response(body=file.data, content_type=file.json(world.url)["mimetype"])


async def login(request: web.Request) -> web.StreamResponse:
    """Where those end who may not read a file: a page, with status 200."""
    return web.Response(text="<!DOCTYPE html><html><body>Sign in to Slack</body></html>", content_type="text/html")
