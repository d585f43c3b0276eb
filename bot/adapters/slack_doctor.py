"""Looks at what Slack says of Erica's tokens, scopes and channels, and what to do about it. Changes nothing.

No finding holds a token, or anything that Slack answered but ids, names and codes.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.adapters.slack_installations import (
    DEAD_TOKEN,
    ESSENTIAL,
    SCOPES,
    UNREACHABLE,
    Installations,
    SlackAccess,
    client_for,
    code_of,
    secret,
)
from bot.checks import Check, State
from bot.errors import EricaError

_SECONDS = 45.0  # for everything
_AT_ONCE = 4  # calls about channels
_REINSTALL = "Add them under OAuth & Permissions, or paste deploy/slack-manifest.yaml again, and reinstall the app."


async def examine_slack(access: SlackAccess, channels: Sequence[tuple[str, str]]) -> list[Check]:
    """Every check, one after the other, in 45 seconds at most. `channels`: workspace and id, from the course files."""
    found: list[Check] = []
    try:
        async with asyncio.timeout(_SECONDS):
            async for finding in _everything(access, channels):
                found.append(finding)
    except TimeoutError:
        found.append(Check("Slack", "problem", "does not answer in time", "Check the network and ERICA_SLACK_API_URL."))
    return found


async def _everything(access: SlackAccess, channels: Sequence[tuple[str, str]]) -> AsyncIterator[Check]:
    yield await _way_in(access)
    if not access.bot_token and not (access.client_id and access.client_secret):
        advice = "Set ERICA_SLACK_BOT_TOKEN to the Bot User OAuth Token (xoxb-...) from OAuth & Permissions."
        yield Check("Slack bot token", "problem", "none is set", advice)
        return
    tokens, tokenless = await _tokens(access)
    for finding in tokenless:
        yield finding
    reached: dict[str, tuple[AsyncWebClient, str]] = {}
    for token in tokens:
        client = client_for(access, token)
        try:
            answer = await client.auth_test()
        except UNREACHABLE as error:
            yield _refused(code_of(error))
            continue
        team, user = str(answer.get("team_id", "")), str(answer.get("user", "erica"))
        reached[team] = (client, user)
        yield Check("Slack bot token", "ok", f"{user} in {answer.get('team', 'the workspace')} ({team})")
        yield _scopes(answer, team)
    for team in dict.fromkeys(team for team, _ in channels):
        if team not in reached and (reached or access.client_id):
            yield _foreign(team, list(reached), access)
    for finding in await _memberships(reached, channels):
        yield finding


async def _way_in(access: SlackAccess) -> Check:
    if not access.app_token:
        if access.signing_secret:
            return Check("Slack events", "ok", "come over HTTP, at /slack/events")
        advice = "Set ERICA_SLACK_APP_TOKEN for Socket Mode, or ERICA_SLACK_SIGNING_SECRET for HTTP."
        return Check("Slack events", "problem", "cannot come in: neither app token nor signing secret is set", advice)
    try:
        await client_for(access).apps_connections_open(app_token=secret(access.app_token))
    except UNREACHABLE as error:
        code = code_of(error)
        advice = "Make an app-level token (xapp-...) with the scope connections:write, under Basic Information."
        if code not in (*DEAD_TOKEN, "not_allowed_token_type", "missing_scope"):
            advice = "Check the network and ERICA_SLACK_API_URL, and try again."
        return Check("Slack app token", "problem", f"gives no connection: {code}", advice)
    return Check("Slack app token", "ok", "gives connections for Socket Mode")


async def _tokens(access: SlackAccess) -> tuple[list[str], list[Check]]:
    """The bot tokens there are, and what is missing."""
    installations = Installations(access)
    tokens = [secret(access.bot_token)] if access.bot_token else []
    missing: list[Check] = []
    for team in installations.store.teams():
        try:
            tokens.append(await installations.token_of(team))
        except EricaError as error:
            missing.append(Check("Slack installation", "problem", str(error), "Install Erica there again."))
    if not tokens:
        detail = "no workspace has installed Erica yet"
        missing.append(Check("Slack installation", "note", detail, "Open /slack/install on Erica's address."))
    return list(dict.fromkeys(tokens)), missing


def _refused(code: str) -> Check:
    advice = "Check the network and ERICA_SLACK_API_URL, and try again."
    if code in DEAD_TOKEN:
        advice = "Reinstall the app and set ERICA_SLACK_BOT_TOKEN to its Bot User OAuth Token (xoxb-...)."
    elif code == "not_allowed_token_type":
        advice = "ERICA_SLACK_BOT_TOKEN must be the Bot User OAuth Token (xoxb-...), not another one."
    return Check("Slack bot token", "problem", f"Slack does not take it: {code}", advice)


def _scopes(answer: AsyncSlackResponse, team: str) -> Check:
    """What the token may do; https://docs.slack.dev/authentication/ has the header."""
    headers: Mapping[str, str] = answer.headers
    given = next((value for name, value in headers.items() if name.lower() == "x-oauth-scopes"), None)
    if given is None:
        return Check("Slack scopes", "note", f"Slack does not say which there are in {team}")
    granted = {each.strip() for each in given.split(",")}
    missing = [scope for scope in SCOPES if scope not in granted]
    if not missing:
        return Check("Slack scopes", "ok", f"all {len(SCOPES)} in {team}")
    state: State = "problem" if set(missing) & set(ESSENTIAL) else "note"
    named = "; ".join(f"{scope} ({SCOPES[scope]})" for scope in missing)
    return Check("Slack scopes", state, f"missing in {team}: {named}", _REINSTALL)


def _foreign(team: str, reached: Sequence[str], access: SlackAccess) -> Check:
    detail = f"the course files name the workspace {team}"
    if access.client_id:
        advice = "Install Erica there by /slack/install, or correct `workspace` in the course file."
        return Check("Slack workspace", "problem", f"{detail}, which has not installed Erica", advice)
    advice = "Correct `workspace` in the course file, or use that workspace's token."
    return Check("Slack workspace", "problem", f"{detail}, but the bot token is for {', '.join(reached)}", advice)


async def _memberships(
    reached: Mapping[str, tuple[AsyncWebClient, str]], channels: Sequence[tuple[str, str]]
) -> list[Check]:
    turn = asyncio.Semaphore(_AT_ONCE)

    async def look(team: str, channel: str) -> Check:
        async with turn:
            return await _membership(*reached[team], channel)

    return await asyncio.gather(*(look(team, each) for team, each in dict.fromkeys(channels) if team in reached))


async def _membership(client: AsyncWebClient, user: str, channel: str) -> Check:
    name, invite = f"Slack channel {channel}", f"Write `/invite @{user}` in the channel."
    try:
        answer = await client.conversations_info(channel=channel)
    except UNREACHABLE as error:
        code = code_of(error)
        if code == "channel_not_found":
            advice = f"Correct `id` in the course file; if the channel is private: {invite}"
            return Check(name, "problem", "there is no such channel, or it is private and Erica is not in it", advice)
        advice = _REINSTALL if code == "missing_scope" else "Try again."
        return Check(name, "note", f"could not be looked at: {code}", advice)
    about = answer.get("channel") or {}
    title = f"#{about.get('name', channel)}"
    if about.get("is_archived"):
        return Check(name, "problem", f"{title} is archived", "Unarchive it, or take it out of the course file.")
    if "is_member" not in about:
        return Check(name, "note", f"Slack does not say whether Erica is in {title}", invite)
    if not about["is_member"]:
        return Check(name, "problem", f"Erica is not in {title}", invite)
    return Check(name, "ok", f"Erica is in {title}")
