"""What the doctor says of Discord, against the loopback Discord; and the page that says how to set it up."""

import asyncio
import re
from pathlib import Path

import pytest
from discord_gateway import MESSAGE_CONTENT
from discord_records import APP, Channel
from loopback_discord import API, Fault, LoopbackDiscord, discord_server_fixture
from pydantic import SecretStr

from bot.adapters.discord import DiscordAccess
from bot.adapters.discord_doctor import PERMISSIONS, examine_discord, invitation, permissions_integer
from bot.checks import Check

__all__ = ["discord_server_fixture"]

PAGE = Path(__file__).parents[1] / "deploy" / "discord.md"


@pytest.fixture
def server(discord_server: LoopbackDiscord) -> LoopbackDiscord:
    discord_server.guild("1", channels=["11", "12"], members=["ada"])
    return discord_server


async def examined(
    server: LoopbackDiscord, *channels: tuple[str, str], token: str = "", patience: float = 10.0
) -> dict[str, Check]:
    """The findings by name; none of them holds the token."""
    token = token or server.token
    access = DiscordAccess(SecretStr(token), server.url + API)
    findings = await examine_discord(access, channels, patience)
    assert token not in repr(findings)
    return {finding.name: finding for finding in findings}


async def test_all_is_well(server: LoopbackDiscord) -> None:
    found = await examined(server, ("1", "11"), ("1", "12"))
    expected = ["Discord token", "Discord message content", "Discord channel #11", "Discord channel #12"]
    assert [*found] == expected
    assert {finding.state for finding in found.values()} == {"ok"}
    assert all(call.method == "GET" for call in server.calls)
    assert not server.refused


async def test_a_wrong_token(server: LoopbackDiscord) -> None:
    found = await examined(server, ("1", "11"), token="wrong-token")
    assert [(one.name, one.state) for one in found.values()] == [("Discord token", "problem")]
    assert "ERICA_DISCORD_TOKEN" in found["Discord token"].advice


async def test_without_the_message_content(server: LoopbackDiscord) -> None:
    server.portal_intents &= ~MESSAGE_CONTENT
    found = (await examined(server, ("1", "11")))["Discord message content"]
    assert found.state == "note"
    assert "by mention and command only" in found.detail


@pytest.mark.parametrize(("permission", "state"), [("create_public_threads", "problem"), ("attach_files", "note")])
async def test_a_missing_permission_is_named_with_its_reason(
    server: LoopbackDiscord, permission: str, state: str
) -> None:
    server.deny("11", permission)
    found = await examined(server, ("1", "11"), ("1", "12"))
    [missing] = [one for one in PERMISSIONS if one.name == permission]
    assert found["Discord channel #11"].state == state
    assert found["Discord channel #11"].detail == f"missing: {missing.label} ({missing.why})"
    assert missing.label in found["Discord channel #11"].advice
    assert found["Discord channel #12"].state == "ok"


async def test_a_hidden_channel_lacks_that_and_nothing_else(server: LoopbackDiscord) -> None:
    server.deny("11", "view_channel")
    assert (await examined(server, ("1", "11")))[
        "Discord channel #11"
    ].detail == "missing: View Channels (to hear questions)"


async def test_channels_and_servers_that_are_not_there(server: LoopbackDiscord) -> None:
    found = await examined(server, ("1", "13"), ("2", "21"), ("university", "22"))
    assert {name: one.state for name, one in found.items() if one.state != "ok"} == {
        "Discord channel 13": "problem",
        "Discord server 2": "problem",
        "Discord server university": "problem",
    }
    assert invitation(APP) in found["Discord server 2"].advice


async def test_a_category_is_no_channel_to_ask_in(server: LoopbackDiscord) -> None:
    guild = server.guilds["1"]
    category = server.channels["15"] = Channel("15", "courses", 4, server.now(), guild)
    guild.channels.append(category)
    assert (await examined(server, ("1", "15")))["Discord channel #courses"].detail == "is no text channel"


async def test_an_answer_that_makes_no_sense(server: LoopbackDiscord) -> None:
    guild = server.guilds["1"]
    guild.channels.append(Channel("16", "lounge", 2, server.now(), guild))  # voices, without what belongs to them
    assert (await examined(server, ("1", "11")))["Discord server 1"].detail == "cannot be looked at: KeyError"


async def test_no_course_is_on_discord(server: LoopbackDiscord) -> None:
    assert (await examined(server))["Discord channels"].state == "note"


async def test_it_does_not_wait_for_ever(server: LoopbackDiscord) -> None:
    server.fail("GET /users/@me", Fault(held=asyncio.Event()))
    found = await examined(server, ("1", "11"), patience=0.05)
    assert found["Discord"].detail == "out of reach: no answer in time"
    server.fail("GET /guilds/1", Fault(held=asyncio.Event()))
    found = await examined(server, ("1", "11"), patience=0.5)
    assert (found["Discord token"].state, found["Discord server 1"].state) == ("ok", "problem")


async def test_an_outage_of_discord(server: LoopbackDiscord) -> None:
    server.fail("GET /guilds/1", Fault(418, 7, "a secret"))
    found = (await examined(server, ("1", "11")))["Discord server 1"]
    assert found.detail == "cannot be looked at: HTTP 418, code 7"


def test_the_page_asks_for_what_is_needed_and_why() -> None:
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert invitation("APPLICATION_ID") in page
    assert {int(found) for found in re.findall(r"permissions=(\d+)", page)} == {permissions_integer()}
    rows = re.findall(r"\| ([^|]+) \| (to [^|]+) \|", page)
    assert rows == [(one.label, one.why) for one in PERMISSIONS]


def test_nothing_more_is_asked_for_than_that() -> None:
    rights = permissions_integer()
    assert bin(rights).count("1") == len(PERMISSIONS)
    assert not rights & (1 << 3 | 1 << 13 | 1 << 34 | 1 << 17)  # administrator, manage messages or threads, everyone
