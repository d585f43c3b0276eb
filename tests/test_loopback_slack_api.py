"""What the loopback Slack's Web API refuses, and how it fails on demand."""

from typing import Any

import aiohttp
import pytest
from loopback_slack import CLIENT, LoopbackSlack, slack_fixture
from slack_apps import calling, client_fixture, error_of, refused
from slack_faults import hangs_up, missing_scope, rate_limited, server_error, web_page
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

__all__ = ["client_fixture", "slack_fixture"]


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


# Who may call.


async def test_tokens_are_checked(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    assert (await client.auth_test())["user_id"] == "UBOTT1"
    assert await refused(client, "apps.connections.open") == "not_allowed_token_type"
    slack.revoke()
    assert await refused(client, "auth.test") == "token_revoked"
    client.token = "xoxb-of-somebody-else"
    assert await refused(client, "auth.test") == "invalid_auth"
    client.token = None
    assert await refused(client, "auth.test") == "not_authed"
    client.token = slack.app_token
    assert await refused(client, "auth.test") == "not_allowed_token_type"


async def test_scopes_are_checked_and_told(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    slack.channel("C1", members=["U1"])
    slack.workspace().scopes -= {"reactions:write"}
    with pytest.raises(SlackApiError) as raised:
        await client.reactions_add(channel="C1", timestamp="1700000000.000001", name="eyes")
    assert error_of(raised) == "missing_scope"
    assert raised.value.response["needed"] == "reactions:write"
    assert "chat:write" in (await client.auth_test()).headers["X-OAuth-Scopes"].split(",")


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")  # slack_sdk still uses aiohttp's
async def test_the_app_is_installed_by_oauth_into_a_second_workspace(slack: LoopbackSlack) -> None:
    anonymous = AsyncWebClient(base_url=slack.api_url)
    anonymous.proxy = None
    wrong = {"client_id": CLIENT[0], "client_secret": "guess", "code": slack.code("T2")}
    assert await refused(anonymous, "oauth.v2.access", **wrong) == "bad_client_secret"
    installed = await anonymous.oauth_v2_access(client_id=CLIENT[0], client_secret=CLIENT[1], code=slack.code("T2"))
    assert installed["team"]["id"] == "T2"
    slack.channel("C1", members=["U1"])
    slack.channel("C2", members=["U2"], team="T2")
    async with calling(slack, "T2") as second:
        assert second.token == installed["access_token"]
        await second.chat_postMessage(channel="C2", text="Hello T2")
        assert await refused(second, "chat.postMessage", channel="C1", text="Hello T1") == "channel_not_found"


# What may be said, and where.


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ({"channel": "C9", "text": "hi"}, "channel_not_found"),
        ({"channel": "CARCHIVED", "text": "hi"}, "is_archived"),
        ({"channel": "CALONE", "text": "hi"}, "not_in_channel"),
        ({"channel": "C1"}, "no_text"),
        ({"channel": "C1", "text": "hi", "thread_ts": "1700000000.000001"}, "thread_not_found"),
        ({"channel": "C1", "text": "hi", "thread_ts": "yesterday"}, "invalid_thread_ts"),
        ({"channel": "C1", "text": "hi", "markdown_text": "hi"}, "markdown_text_conflict"),
        ({"channel": "C1", "markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"channel": "C1", "blocks": "not blocks"}, "invalid_blocks_format"),
        ({"channel": "C1", "blocks": [section("x" * 3_001)]}, "invalid_blocks"),
        ({"channel": "C1", "blocks": [{"type": "header", "text": plain("x" * 151)}]}, "invalid_blocks"),
        ({"channel": "C1", "blocks": [{"type": "marquee"}]}, "invalid_blocks"),
        ({"channel": "C1", "blocks": [section("x")] * 51}, "invalid_blocks"),
        ({"channel": "C1", "blocks": [{"type": "actions", "elements": []}]}, "invalid_blocks"),
        ({"channel": "C1", "blocks": [{"type": "markdown", "text": "x" * 6_001}] * 2}, "msg_blocks_too_long"),
        ({"channel": "C1", "blocks": [section("x" * 2_900)] * 5}, "msg_blocks_too_long"),
        ({"channel": "C1", "text": "hi", "metadata": {"event_type": "q"}}, "invalid_metadata_format"),
    ],
)
async def test_slack_refuses_to_post(
    slack: LoopbackSlack, client: AsyncWebClient, args: dict[str, Any], code: str
) -> None:
    slack.channel("C1", members=["U1"])
    slack.channel("CALONE", members=["U1"], bot=False)
    slack.channel("CARCHIVED", members=["U1"])
    slack.archive("CARCHIVED")
    assert await refused(client, "chat.postMessage", **args) == code
    assert [(call.method, call.error) for call in slack.refusals] == [("chat.postMessage", code)]
    assert slack.transcript("C1") == []


async def test_long_text_is_cut_and_complained_of(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    slack.channel("C1", members=["U1"])
    posted = await client.chat_postMessage(channel="C1", text="x" * 40_001)
    assert len(slack.seen("C1", posted["ts"]).text) == 40_000
    assert slack.complaints == ["text of 40001 characters was cut"]


async def test_updates_follow_slacks_rules(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    slack.channel("C1", members=["U1"])
    theirs = await slack.message("C1", "U1", "mine")
    ts = (await client.chat_postMessage(channel="C1", text="fallback", blocks=[section("*one*")]))["ts"]
    await client.chat_update(channel="C1", ts=ts, text="fallback", blocks=[section("two")])
    assert not slack.seen("C1", ts).edited  # with blocks there is no "(edited)"
    await client.chat_update(channel="C1", ts=ts, text="three")
    seen = slack.seen("C1", ts)
    assert (seen.text, seen.edits, seen.edited, seen.blocks) == ("three", ("one", "two"), True, ())
    assert await refused(client, "chat.update", channel="C1", ts=theirs, text="no") == "cant_update_message"
    assert await refused(client, "chat.update", channel="C1", ts="1700000000.000001", text="no") == "message_not_found"
    assert await refused(client, "chat.update", channel="C1", ts=ts, text="x" * 4_001) == "msg_too_long"
    await client.chat_delete(channel="C1", ts=ts)
    assert await refused(client, "chat.update", channel="C1", ts=ts, text="no") == "message_not_found"


async def test_a_reply_is_no_thread_of_its_own(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    slack.channel("C1", members=["U1"])
    first = await slack.message("C1", "U1", "first")
    second = await slack.reply("C1", first, "U2", "second")
    await client.chat_postMessage(channel="C1", text="third", thread_ts=second)
    assert [each.text for each in slack.thread("C1", first)] == ["first", "second", "third"]
    assert slack.complaints == [f"thread_ts {second} is a reply; its parent's belongs there"]


async def test_what_a_message_would_notify_and_unfurl_is_seen(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    slack.channel("C1", members=["U1"])
    loud = await client.chat_postMessage(channel="C1", text="<!channel> <@U1> see https://x.test/a **now**")
    quiet = await client.chat_postMessage(
        channel="C1", text="&lt;!channel&gt; <https://x.test/a|*a*>", unfurl_links=False, unfurl_media=False
    )
    seen = slack.seen("C1", loud["ts"])
    assert (seen.pings, seen.unfurls) == (("!channel", "@U1"), ("https://x.test/a",))
    assert seen.text == "@channel @U1 see https://x.test/a **now**"  # Slack does not know `**`
    seen = slack.seen("C1", quiet["ts"])
    assert (seen.pings, seen.unfurls, seen.text) == ((), (), "<!channel> a (https://x.test/a)")


# Reading.


async def test_threads_and_channels_are_read_page_by_page(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    slack.channel("C1", members=["U1", "U2"])
    first = await slack.message("C1", "U1", "first")
    await slack.message("C1", "U2", "second")
    metadata = {"event_type": "answer", "event_payload": {"question": "q1"}}
    for number in range(3):
        await client.chat_postMessage(channel="C1", thread_ts=first, text=f"reply {number}", metadata=metadata)
    pages = await client.conversations_replies(channel="C1", ts=first, limit=2, include_all_metadata=True)
    replies = [each async for page in pages for each in page["messages"]]
    assert [each["text"] for each in replies] == ["first", "reply 0", "reply 1", "reply 2"]
    assert replies[1]["metadata"] == metadata
    history = await client.conversations_history(channel="C1")
    assert [(each["text"], each.get("reply_count")) for each in history["messages"]] == [("second", None), ("first", 3)]
    assert (await client.conversations_members(channel="C1"))["members"] == ["U1", "U2", "UBOTT1"]
    unknown = await refused(client, "conversations.replies", channel="C1", ts="1700000000.000001")
    assert unknown == "thread_not_found"


async def test_people_groups_and_reactions(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    slack.channel("C1", members=["U1"])
    slack.usergroups["S1"] = ["U1"]
    ts = await slack.message("C1", "U1", "thanks!")
    await client.reactions_add(channel="C1", timestamp=ts, name="heart")
    assert slack.seen("C1", ts).reactions == {"heart": ("UBOTT1",)}
    assert await refused(client, "reactions.add", channel="C1", timestamp=ts, name="heart") == "already_reacted"
    assert (await client.usergroups_users_list(usergroup="S1"))["users"] == ["U1"]
    assert (await client.users_info(user="U1"))["user"]["is_bot"] is False
    assert await refused(client, "users.info", user="U9") == "user_not_found"
    opened = await client.conversations_open(users="U1")
    await client.chat_postMessage(channel="U1", text="psst")
    assert [each["text"] for each in slack.transcript(opened["channel"]["id"])] == ["psst"]
    await client.chat_postEphemeral(channel="C1", user="U1", text="only for you")
    assert slack.transcript("C1")[-1]["ephemeral_to"] == "U1"
    assert await refused(client, "chat.postEphemeral", channel="C1", user="U9", text="x") == "user_not_in_channel"
    assert await refused(client, "chat.sing") == "unknown_method"


# Bad days.


async def test_failures_on_demand(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    slack.channel("C1", members=["U1"])
    client.retry_handlers = []
    slack.fail("chat.postMessage", "is_archived", times=2)
    slack.fail("chat.postMessage", missing_scope("chat:write.public"))
    slack.fail("chat.postMessage", server_error(503))
    for code in ("is_archived", "is_archived", "missing_scope", "internal_error"):
        assert await refused(client, "chat.postMessage", channel="C1", text="hi") == code
    slack.fail("*", hangs_up())
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel="C1", text="hi")
    slack.fail("chat.postMessage", web_page(502), times=None)
    for _ in range(2):
        with pytest.raises(SlackApiError):
            await client.chat_postMessage(channel="C1", text="hi")
    slack.heal("chat.postMessage")
    await client.chat_postMessage(channel="C1", text="hi")
    assert [each["text"] for each in slack.transcript("C1")] == ["hi"]
    assert slack.refusals == []  # all that was asked for


async def test_an_answer_that_is_lost_leaves_its_message_twice(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    slack.channel("C1", members=["U1"])
    slack.fail("chat.postMessage", hangs_up(afterwards=True))
    await client.chat_postMessage(channel="C1", text="hi")  # slack_sdk tries again by itself when a connection breaks
    ((first, second),) = slack.duplicates()
    assert first.text == second.text == "hi"


async def test_429_is_waited_for(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    slack.channel("C1", members=["U1"])
    slack.fail("chat.postMessage", rate_limited(0))
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    await client.chat_postMessage(channel="C1", text="hi")
    assert [call.error for call in slack.calls_of("chat.postMessage")] == ["ratelimited", ""]


async def test_rate_limits_are_kept_by_method_and_channel(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    slack.rates.on = True
    slack.channel("C1", members=["U1"])
    slack.channel("C2", members=["U1"])
    ts = ""
    for number in range(5):
        ts = (await client.chat_postMessage(channel="C1", text=f"{number}"))["ts"]
    with pytest.raises(SlackApiError) as raised:
        await client.chat_postMessage(channel="C1", text="one too many")
    assert (error_of(raised), raised.value.response.status_code) == ("ratelimited", 429)
    assert int(raised.value.response.headers["Retry-After"]) <= 5
    await client.chat_postMessage(channel="C2", text="another channel")
    slack.advance(5)
    await client.chat_postMessage(channel="C1", text="later")
    for number in range(50):
        await client.chat_update(channel="C1", ts=ts, text=f"update {number}")
    assert await refused(client, "chat.update", channel="C1", ts=ts, text="one too many") == "ratelimited"


async def test_the_transcript_reads_like_the_channel(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    slack.channel("C1", members=["U1"])
    question = await slack.message("C1", "U1", "What is BFS?")
    await client.assistant_threads_setStatus(channel_id="C1", thread_ts=question, status="is thinking…")
    answer = await client.chat_postMessage(channel="C1", thread_ts=question, text="A *search*.")
    await client.chat_update(channel="C1", ts=answer["ts"], text="A *search* by breadth.\nWith a queue.")
    await slack.react("C1", answer["ts"], "U1", "+1")
    entries = slack.transcript("C1")
    assert [each.get("text", each.get("status")) for each in entries] == [
        "What is BFS?",
        "is thinking…",
        "A search by breadth.\nWith a queue.",
    ]
    assert [each["text"] for each in entries[2]["edits"]] == ["A search."]
    shown = slack.render_transcript("C1")
    assert "(edited 1 times)" in shown
    assert "  │           With a queue.\n  │           :+1: 1\n" in shown
