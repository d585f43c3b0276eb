"""The loopback Slack, lived in by people and spoken to by the unmodified slack-bolt and slack_sdk."""

from typing import Any

import aiohttp
import pytest
from loopback_slack import LoopbackSlack, slack_fixture
from slack_apps import client_fixture, connected, error_of, ignore, refused
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

__all__ = ["client_fixture", "slack_fixture"]

FEEDBACK = {
    "type": "context_actions",
    "elements": [
        {
            "type": "feedback_buttons",
            "action_id": "feedback",
            "positive_button": {"text": {"type": "plain_text", "text": "Good"}, "value": "up"},
            "negative_button": {"text": {"type": "plain_text", "text": "Bad"}, "value": "down"},
        }
    ],
}


# The way of a question.


async def test_a_mention_is_answered_in_a_stream_that_the_student_sees(
    slack: LoopbackSlack, client: AsyncWebClient
) -> None:
    async def answer(event: dict[str, Any], client: AsyncWebClient, context: dict[str, Any]) -> None:
        await client.assistant_threads_setStatus(channel_id="C1", thread_ts=event["ts"], status="is thinking…")
        stream = await client.chat_stream(
            channel="C1", thread_ts=event["ts"], recipient_team_id="T1", recipient_user_id="U1", buffer_size=1
        )
        for piece in ("A heuristic is **admissible** ", "if it never overestimates ([page](https://x.test/a))."):
            await stream.append(markdown_text=piece)
        await stream.stop(blocks=[FEEDBACK])

    slack.channel("C1", members=["U1"])
    async with connected(slack, client, app_mention=answer, message=ignore):
        question = await slack.mention("C1", "U1", "When is a heuristic <admissible>?")
        seen = await slack.until(
            lambda: [each for each in slack.answers("C1", question) if each.streaming == "stopped"]
        )
    asked, told = slack.thread("C1", question)
    assert asked.text == "@UBOTT1 When is a heuristic <admissible>?"
    assert told == seen[0]
    assert told.text == ("A heuristic is admissible if it never overestimates (page (https://x.test/a)).\n[Good] [Bad]")
    assert slack.status("C1", question) == ""  # it went when the answer began
    assert slack.refusals == []
    assert slack.duplicates() == []


async def test_a_mention_arrives_twice_with_different_event_ids(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    heard: list[tuple[str, str, str]] = []

    async def hear(body: dict[str, Any], event: dict[str, Any]) -> None:
        heard.append((event["type"], event["ts"], body["event_id"]))

    slack.channel("C1", members=["U1"])
    async with connected(slack, client, app_mention=hear, message=hear):
        question = await slack.mention("C1", "U1", "Hello?")
        await slack.until(lambda: all(each.acked for each in slack.deliveries(question)))
    assert sorted(kind for kind, _, _ in heard) == ["app_mention", "message"]
    assert {ts for _, ts, _ in heard} == {question}
    assert len({event_id for _, _, event_id in heard}) == 2


async def test_what_people_type_is_escaped_and_addresses_become_links(
    slack: LoopbackSlack, client: AsyncWebClient
) -> None:
    heard: list[str] = []

    async def hear(event: dict[str, Any]) -> None:
        heard.append(event["text"])

    async with connected(slack, client, message=hear):
        await slack.direct("U1", "is a<b & see https://x.test/p?q=1 <@U2>")
        await slack.until(lambda: heard)
    assert heard == ["is a&lt;b &amp; see <https://x.test/p?q=1> <@U2>"]


async def test_edits_and_deletions_of_the_question_reach_the_app(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    heard: list[dict[str, Any]] = []

    async def hear(event: dict[str, Any]) -> None:
        heard.append(event)

    slack.channel("C1", members=["U1"])
    async with connected(slack, client, message=hear):
        first = await slack.message("C1", "U1", "waht is BFS?")
        await slack.edit("C1", first, "what is BFS?")
        await slack.delete("C1", first)
        second = await slack.message("C1", "U1", "what is DFS?")
        await slack.reply("C1", second, "U2", "see lecture 1")
        await slack.delete("C1", second)
        await slack.until(lambda: all(each.acked for each in slack.deliveries()) and len(heard) == 6)
    by_kind = {(each.get("subtype", ""), each.get("message", {}).get("subtype", "")): each for each in heard}
    assert by_kind["message_changed", ""]["previous_message"]["text"] == "waht is BFS?"
    assert by_kind["message_deleted", ""]["deleted_ts"] == first
    assert by_kind["message_changed", "tombstone"]["message"]["ts"] == second  # it had a reply below it


async def test_files_go_both_ways(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    slack.channel("C1", members=["U1"])
    slack.outbox.transport = slack.socket_mode
    question = await slack.mention("C1", "U1", "why?", files=[("bfs.py", b"print(1)")])
    (given,) = slack.thread("C1", question)[0].files
    address = given.json(slack.url)["url_private"]
    async with aiohttp.ClientSession() as session:
        answer = await session.get(address, headers={"Authorization": f"Bearer {slack.bot_token}"})
        assert await answer.read() == b"print(1)"
        assert (await session.get(address)).content_type == "text/html"  # a page to sign in, with status 200
    await client.files_upload_v2(
        channel="C1",
        thread_ts=question,
        content=b"\x89PNG",
        filename="map.png",
        title="Concept map",
        alt_txt="BFS -> DFS",
    )
    (shown,) = slack.answers("C1", question)
    assert [(each.name, each.title, each.alt_text, each.data) for each in shown.files] == [
        ("map.png", "Concept map", "BFS -> DFS", b"\x89PNG")
    ]


async def test_stop_ends_the_stream_and_tells_the_app(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    stopped: list[dict[str, Any]] = []

    async def stop(event: dict[str, Any]) -> None:
        stopped.append(event)

    slack.channel("C1", members=["U1"])
    async with connected(slack, client, agent_session_stopped=stop, message=ignore):
        question = await slack.message("C1", "U1", "a long story, please")
        stream = await client.chat_stream(
            channel="C1", thread_ts=question, recipient_team_id="T1", recipient_user_id="U1", buffer_size=1
        )
        await stream.append(markdown_text="Once upon a time")
        assert await slack.stop_pressed("C1", question, "U1") == [stream.ts]
        await slack.until(lambda: stopped)
        with pytest.raises(SlackApiError) as raised:
            await stream.append(markdown_text="there was")
    assert error_of(raised) == "stopped_by_user"
    assert stopped[0]["streaming_message_ts"] == [stream.ts]


# Streams.


async def test_streams_need_a_recipient_in_channels_only(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    slack.channel("C1", members=["U1"])
    ts = await slack.message("C1", "U1", "question")
    here: dict[str, Any] = {"channel": "C1", "thread_ts": ts}
    assert await refused(client, "chat.startStream", **here) == "missing_recipient_team_id"
    assert await refused(client, "chat.startStream", **here, recipient_team_id="T1") == "missing_recipient_user_id"
    assert await refused(client, "chat.startStream", channel="C1", recipient_team_id="T1") == "invalid_arguments"
    direct = await slack.direct("U1", "question")
    assert (await client.chat_startStream(channel="DU1", thread_ts=direct))["ok"]


async def test_a_stream_only_grows_and_closes_after_five_minutes(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    ts = await slack.direct("U1", "question")
    stream = (await client.chat_startStream(channel="DU1", thread_ts=ts, markdown_text="one "))["ts"]
    place: dict[str, Any] = {"channel": "DU1", "ts": stream}
    assert await refused(client, "chat.update", **place, text="new") == "streaming_state_conflict"
    assert await refused(client, "chat.delete", **place) == "cant_delete_message"
    assert await refused(client, "chat.appendStream", **place) == "no_text"
    assert await refused(client, "chat.appendStream", **place, markdown_text="x" * 11_997) == "msg_too_long"
    assert await refused(client, "chat.appendStream", **place, chunks=[{"type": "song"}]) == "invalid_chunks"
    slack.advance(299)
    await client.chat_appendStream(**place, markdown_text="two")
    slack.advance(2)
    assert await refused(client, "chat.appendStream", **place, markdown_text="!") == "message_not_in_streaming_state"
    assert await refused(client, "chat.stopStream", **place) == "message_not_in_streaming_state"
    await client.chat_update(**place, text="all of it")
    seen = slack.seen("DU1", stream)
    assert (seen.text, seen.streaming, seen.edits) == ("all of it", "expired", ("one two",))


async def test_a_status_lasts_two_minutes_at_most(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    ts = await slack.direct("U1", "question")
    await client.assistant_threads_setStatus(channel_id="DU1", thread_ts=ts, status="is thinking…")
    assert slack.status("DU1", ts) == "is thinking…"
    slack.advance(120)
    assert slack.status("DU1", ts) == ""


# Commands, shortcuts, buttons, modals.


async def test_commands_answer_by_acknowledgement_and_by_response_url(
    slack: LoopbackSlack, client: AsyncWebClient
) -> None:
    slack.channel("C1", members=["U1"])
    async with connected(slack, client) as app:

        @app.command("/concept")
        async def concept(ack: Any, respond: Any, command: dict[str, Any]) -> None:
            await ack("one moment")
            await respond(text=f"*{command['text']}*: a search", response_type="in_channel")

        await slack.slash("/concept", "BFS", user="U1", channel="C1")
        await slack.until(lambda: len(slack.channels["C1"].messages) == 2)
    said = slack.transcript("C1")
    assert sorted((each["text"], each.get("ephemeral_to", "")) for each in said) == [
        ("BFS: a search", ""),
        ("one moment", "U1"),
    ]


async def test_a_thumb_opens_a_modal_whose_words_come_back(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    reasons: list[str] = []
    text_input = {"type": "plain_text_input", "action_id": "why"}
    label = {"type": "plain_text", "text": "Why?"}
    view = {
        "type": "modal",
        "callback_id": "reason",
        "title": label,
        "submit": label,
        "blocks": [{"type": "input", "block_id": "b", "label": label, "element": text_input}],
    }
    slack.channel("C1", members=["U1"])
    async with connected(slack, client) as app:

        @app.action("feedback")
        async def feedback(ack: Any, action: dict[str, Any], body: dict[str, Any]) -> None:
            await ack()
            assert action["value"] == "down"
            await client.views_open(trigger_id=body["trigger_id"], view=view)

        @app.view("reason")
        async def reason(ack: Any, view: dict[str, Any]) -> None:
            reasons.append(view["state"]["values"]["b"]["why"]["value"])
            await ack()

        posted = await client.chat_postMessage(channel="C1", text="An answer.", blocks=[FEEDBACK])
        await slack.press("C1", posted["ts"], "feedback", user="U1", value="down")
        (opened,) = await slack.until(lambda: list(slack.views))
        await slack.submit(opened, user="U1", values={"b": {"why": {"type": "plain_text_input", "value": "too short"}}})
        await slack.until(lambda: reasons)
    assert reasons == ["too short"]


async def test_a_trigger_is_good_for_three_seconds_and_one_view(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    view = {"type": "modal", "title": {"type": "plain_text", "text": "Why?"}, "blocks": []}
    slack.channel("C1", members=["U1"])
    command = await slack.slash("/ask", "", user="U1", channel="C1")
    await client.views_open(trigger_id=command.payload["trigger_id"], view=view)
    with pytest.raises(SlackApiError) as used:
        await client.views_open(trigger_id=command.payload["trigger_id"], view=view)
    late = await slack.slash("/ask", "", user="U1", channel="C1")
    slack.advance(4)
    with pytest.raises(SlackApiError) as expired:
        await client.views_open(trigger_id=late.payload["trigger_id"], view=view)
    assert (error_of(used), error_of(expired)) == ("invalid_trigger_id", "expired_trigger_id")


async def test_a_shortcut_brings_its_message_and_can_be_answered_five_times(
    slack: LoopbackSlack, client: AsyncWebClient
) -> None:
    chosen: list[dict[str, Any]] = []
    slack.channel("C1", members=["U1"])
    ts = await slack.message("C1", "U2", "BFS uses a queue")
    async with connected(slack, client) as app:

        @app.shortcut("ask_about")
        async def ask_about(ack: Any, shortcut: dict[str, Any]) -> None:
            await ack()
            chosen.append(shortcut)

        await slack.shortcut("C1", ts, user="U1", callback_id="ask_about")
        await slack.until(lambda: chosen)
    assert chosen[0]["message"]["text"] == "BFS uses a queue"
    webhook = AsyncWebhookClient(chosen[0]["response_url"])
    webhook.proxy = None
    answers = [await webhook.send(text=f"part {part}") for part in range(6)]
    assert [(each.status_code, each.body) for each in answers] == [(200, "ok")] * 5 + [(404, "used_url")]
