"""The doctor's look at Slack: every wrong token, missing scope and unjoined channel is named, with what to do."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from loopback_slack import CLIENT, LoopbackSlack, slack_fixture
from pydantic import SecretStr
from slack_faults import hangs_up, server_error, web_page
from slack_sdk.oauth.installation_store import Installation

from bot.adapters.slack import SlackAccess
from bot.adapters.slack_doctor import examine_slack
from bot.adapters.slack_events import Us, from_event
from bot.adapters.slack_installations import ESSENTIAL, SCOPES, Installations
from bot.adapters.slack_interactions import COMMANDS, SHORTCUT
from bot.checks import Check

__all__ = ["slack_fixture"]

DEPLOY = Path(__file__).parents[1] / "deploy"


@pytest.fixture
def access(slack: LoopbackSlack, tmp_path: Path) -> SlackAccess:
    slack.channel("C1", members=["U1"])
    app_token = SecretStr(slack.app_token)
    return SlackAccess(SecretStr(slack.bot_token), app_token, None, None, None, slack.api_url, tmp_path / "installed")


def bad(findings: list[Check]) -> list[Check]:
    return [each for each in findings if each.state != "ok"]


def told(findings: list[Check]) -> str:
    return "\n".join(f"{each.name}: {each.detail} {each.advice}" for each in findings)


async def test_all_is_well(slack: LoopbackSlack, access: SlackAccess) -> None:
    findings = await examine_slack(access, [("T1", "C1"), ("T1", "C1")])
    assert [(each.name, each.state) for each in findings] == [
        ("Slack app token", "ok"),
        ("Slack bot token", "ok"),
        ("Slack scopes", "ok"),
        ("Slack channel C1", "ok"),
    ]
    assert "ubott1 in T1 (T1)" in told(findings)


async def test_no_way_in_is_a_problem_and_http_is_one(access: SlackAccess) -> None:
    without = await examine_slack(replace(access, app_token=None), [])
    assert "ERICA_SLACK_SIGNING_SECRET" in without[0].advice
    assert without[0].state == "problem"
    (over_http, *_) = await examine_slack(replace(access, app_token=None, signing_secret=SecretStr("s")), [])
    assert over_http.state == "ok"


async def test_tokens_that_slack_refuses_are_never_shown(slack: LoopbackSlack, access: SlackAccess) -> None:
    wrong = replace(access, bot_token=SecretStr("xoxb-secret"), app_token=SecretStr("xapp-secret"))
    findings = await examine_slack(wrong, [("T1", "C1")])
    assert [each.state for each in findings] == ["problem", "problem"]
    assert "invalid_auth" in findings[0].detail
    assert "connections:write" in findings[0].advice
    assert "Reinstall" in findings[1].advice
    swapped = replace(access, bot_token=access.app_token, app_token=access.bot_token)
    assert "not another one" in told(mixed := await examine_slack(swapped, []))
    for secret in ("secret", slack.bot_token, slack.app_token):
        assert secret not in told(findings) + told(mixed)


async def test_no_bot_token_at_all(access: SlackAccess) -> None:
    findings = await examine_slack(replace(access, bot_token=None), [("T1", "C1")])
    assert [(each.name, each.state) for each in findings[1:]] == [("Slack bot token", "problem")]


async def test_each_missing_scope_is_named_with_its_reason(slack: LoopbackSlack, access: SlackAccess) -> None:
    slack.workspace().scopes -= {"files:read"}
    (scopes,) = bad(await examine_slack(access, []))
    assert (scopes.state, scopes.detail) == ("note", f"missing in T1: files:read ({SCOPES['files:read']})")
    slack.workspace().scopes -= {"chat:write"}
    (scopes,) = bad(await examine_slack(access, []))
    assert scopes.state == "problem"
    assert f"chat:write ({SCOPES['chat:write']})" in scopes.detail
    assert "reinstall" in scopes.advice


async def test_channels_are_looked_at_one_by_one(slack: LoopbackSlack, access: SlackAccess) -> None:
    slack.channel("C2", bot=False)
    slack.channel("C3")
    slack.archive("C3")
    slack.channel("G4", bot=False, private=True)
    found = await examine_slack(access, [("T1", each) for each in ("C1", "C2", "C3", "G4", "C5")])
    channels = {each.name.removeprefix("Slack channel "): each for each in found if "channel" in each.name}
    assert {name: each.state for name, each in channels.items()} == {
        "C1": "ok",
        "C2": "problem",
        "C3": "problem",
        "G4": "problem",
        "C5": "problem",
    }
    assert channels["C2"].advice == "Write `/invite @ubott1` in the channel."
    assert "archived" in channels["C3"].detail
    assert "/invite" in channels["G4"].advice


async def test_a_course_in_another_workspace_is_told(access: SlackAccess) -> None:
    (foreign,) = bad(await examine_slack(access, [("T1", "C1"), ("T9", "C9")]))
    assert "T9, but the bot token is for T1" in foreign.detail


async def test_installed_workspaces_are_examined_too(slack: LoopbackSlack, access: SlackAccess) -> None:
    slack.workspace("T2")
    slack.channel("C2", team="T2")
    many = replace(access, bot_token=None, client_id=CLIENT[0], client_secret=SecretStr(CLIENT[1]))
    nobody = bad(await examine_slack(many, [("T2", "C2")]))
    assert "no workspace has installed Erica yet" in told(nobody)
    installed = Installation(user_id="UADMIN", team_id="T2", bot_token=slack.workspace("T2").bot_token, bot_id="B2")
    await Installations(many).store.async_save(installed)
    findings = await examine_slack(many, [("T2", "C2"), ("T3", "C3")])
    assert "which has not installed Erica" in told(bad(findings))
    assert findings[-1] == Check("Slack channel C2", "ok", "Erica is in #c2")


@pytest.mark.parametrize("fault", [server_error(), hangs_up(), web_page(200), web_page(502)])
async def test_a_broken_slack_is_a_finding(slack: LoopbackSlack, access: SlackAccess, fault: object) -> None:
    slack.fail("*", fault, times=None)  # type: ignore[arg-type]
    findings = await examine_slack(access, [("T1", "C1")])
    assert [each.state for each in findings] == ["problem", "problem"]
    assert "ERICA_SLACK_API_URL" in told(findings)


async def test_a_channel_that_cannot_be_looked_at_hides_no_other(slack: LoopbackSlack, access: SlackAccess) -> None:
    slack.channel("C2")
    slack.fail("conversations.info", "internal_error")
    findings = await examine_slack(access, [("T1", "C1"), ("T1", "C2")])
    assert sorted(each.state for each in findings if "channel" in each.name) == ["note", "ok"]


# The manifest and the page about it say what the code does.


def manifest() -> dict[str, dict[str, object]]:
    loaded: dict[str, dict[str, object]] = yaml.safe_load((DEPLOY / "slack-manifest.yaml").read_text())
    return loaded


def test_the_manifest_asks_for_the_scopes_that_the_code_knows_reasons_for() -> None:
    scopes = manifest()["oauth_config"]["scopes"]
    assert scopes == {"bot": list(SCOPES)}
    assert set(ESSENTIAL) <= set(SCOPES)


def test_the_manifest_has_the_commands_and_the_shortcut_that_are_listened_to() -> None:
    features = manifest()["features"]
    commands = [each["command"] for each in features["slash_commands"]]  # type: ignore[attr-defined]
    assert commands == [*(f"/{each}" for each in COMMANDS), "/erica"]
    assert [each["callback_id"] for each in features["shortcuts"]] == [SHORTCUT]  # type: ignore[attr-defined]


def test_the_manifest_keeps_to_slacks_limits() -> None:
    about, features = manifest()["display_information"], manifest()["features"]
    assert len(str(about["name"])) <= 35
    assert len(str(about["description"])) <= 140
    for shortcut in features["shortcuts"]:  # type: ignore[attr-defined]
        assert len(shortcut["name"]) <= 24
        assert len(shortcut["description"]) <= 150
    for command in features["slash_commands"]:  # type: ignore[attr-defined]
        assert len(command["command"]) <= 32
        assert len(command["description"]) <= 2_000


def test_every_scope_and_event_has_its_reason_on_the_page() -> None:
    page = (DEPLOY / "slack.md").read_text()
    rows = dict(re.findall(r"^\| `([a-z_.:]+)` \| (.+) \|$", page, re.MULTILINE))
    events = manifest()["settings"]["event_subscriptions"]["bot_events"]  # type: ignore[index]
    assert set(rows) == {*SCOPES, *events}
    assert {scope: rows[scope] for scope in SCOPES} == dict(SCOPES)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "app_mention", "channel": "C1", "ts": "1.0", "user": "U1", "text": "<@UBOT> why?"},
        {"type": "message", "channel": "D1", "ts": "1.0", "user": "U1", "text": "why?"},
        {"type": "agent_session_stopped", "channel": "C1", "thread_ts": "1.0"},
        {"type": "app_uninstalled"},
        {"type": "tokens_revoked", "tokens": {"bot": ["UBOT"]}},
    ],
)
def test_the_manifests_events_mean_something(event: dict[str, object]) -> None:
    assert from_event({"event_id": "Ev1", "event": event}, Us("T1", "UBOT"), 0.0) is not None
