"""How the loopback Slack brings events to the unmodified slack-bolt: sockets, signed requests, and again if need be."""

from typing import Any

import pytest
from loopback_slack import LoopbackSlack, slack_fixture
from slack_apps import Listener, calling, client_fixture, connected, ignore, served
from slack_sdk.web.async_client import AsyncWebClient

__all__ = ["client_fixture", "slack_fixture"]


# Delivery.


async def test_an_event_that_is_not_acknowledged_comes_again(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    tries: list[tuple[str, str]] = []

    async def crash_twice(body: dict[str, Any], request: Any) -> None:
        (retry,) = request.headers["x-slack-retry-num"]
        tries.append((body["event_id"], retry))
        if retry != "2":
            raise RuntimeError("not this time")

    slack.channel("C1", members=["U1"])
    async with connected(slack, client, message=crash_twice):
        question = await slack.message("C1", "U1", "Hello?")
        (delivery,) = slack.deliveries(question)
        await slack.until(lambda: delivery.attempts and delivery.attempts[0].at)
        slack.advance(3)  # so long Slack waits for an acknowledgement
        await slack.until(lambda: len(delivery.attempts) == 2 and delivery.attempts[1].at)
        slack.advance(3)
        await slack.until(lambda: delivery.attempts[1].outcome)
        slack.advance(60)  # and so long before it tries a third time
        await slack.until(lambda: delivery.acked)
    assert sorted(retry for _, retry in tries) == ["0", "1", "2"]
    assert len({event_id for event_id, _ in tries}) == 1
    assert len({attempt.envelope for attempt in delivery.attempts}) == 3


async def test_the_same_event_can_be_delivered_again_and_again(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    slack.channel("C1", members=["U1"])
    async with connected(slack, client, message=ignore):
        question = await slack.message("C1", "U1", "Hello?")
        await slack.redeliver(question, times=4)
        await slack.until(lambda: all(each.acked for each in slack.deliveries(question)))
    told = slack.deliveries(question)
    assert len(told) == 5
    assert len({each.payload["event_id"] for each in told}) == 1


async def test_asked_to_leave_the_client_comes_back_and_nothing_is_lost(
    slack: LoopbackSlack, client: AsyncWebClient
) -> None:
    slack.channel("C1", members=["U1"])
    async with connected(slack, client, message=ignore):
        await slack.socket_mode.ask_to_leave("refresh_requested")
        question = await slack.message("C1", "U1", "Still there?")
        await slack.until(lambda: slack.deliveries(question)[0].acked)
    assert slack.socket_mode.connections == 2


async def test_a_dropped_socket_is_replaced_and_what_it_carried_comes_again(
    slack: LoopbackSlack, client: AsyncWebClient
) -> None:
    heard: list[str] = []

    async def hear(event: dict[str, Any]) -> None:
        heard.append(event["text"])
        if len(heard) == 1:
            slack.socket_mode.drop()
            await slack.until(lambda: slack.deliveries()[0].attempts[0].outcome == "dropped")

    slack.channel("C1", members=["U1"])
    async with connected(slack, client, message=hear):
        await slack.message("C1", "U1", "Still there?")
        await slack.until(lambda: slack.deliveries()[0].acked)
    assert heard == ["Still there?"] * 2


async def test_several_connections_share_the_events(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    shares: dict[str, int] = {"first": 0, "second": 0}

    def listener(name: str) -> Listener:
        async def hear(event: dict[str, Any]) -> None:
            shares[name] += 1

        return hear

    slack.channel("C1", members=["U1"])
    async with (
        connected(slack, client, message=listener("first")),
        connected(slack, client, message=listener("second")),
    ):
        for number in range(20):
            await slack.message("C1", "U1", f"question {number}")
        await slack.until(lambda: all(each.acked for each in slack.deliveries()))
    assert sum(shares.values()) == 20
    assert min(shares.values()) > 0


# HTTP mode.


async def test_http_mode_works_end_to_end(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    async def answer(event: dict[str, Any], say: Any) -> None:
        await say(text="A queue.", thread_ts=event["ts"])

    slack.channel("C1", members=["U1"])
    async with served(slack, client, app_mention=answer, message=ignore) as app:

        @app.command("/help")
        async def helps(ack: Any) -> None:
            await ack("Ask me.")

        assert await slack.verify_url()
        question = await slack.mention("C1", "U1", "What does BFS use?")
        assert [each.text for each in await slack.until(lambda: slack.answers("C1", question))] == ["A queue."]
        command = await slack.slash("/help", "", user="U1", channel="C1")
        assert await slack.until(lambda: command.response) == {"text": "Ask me."}


@pytest.mark.parametrize(("skew", "forged"), [(600.0, False), (-600.0, False), (0.0, True)])
async def test_a_wrong_clock_or_signature_is_refused(
    slack: LoopbackSlack, client: AsyncWebClient, skew: float, forged: bool
) -> None:
    slack.channel("C1", members=["U1"])
    async with served(slack, client, message=ignore):
        assert slack.http is not None
        slack.http.skew = skew
        slack.http.secret = "forged" if forged else slack.http.secret
        question = await slack.message("C1", "U1", "Hello?")
        (delivery,) = slack.deliveries(question)
        await slack.until(lambda: delivery.attempts and delivery.attempts[0].outcome == "401")


async def test_http_events_come_again_at_once_with_the_same_id(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    tries: list[tuple[str, list[str]]] = []

    async def crash_once(body: dict[str, Any], request: Any) -> None:
        tries.append((body["event_id"], request.headers.get("x-slack-retry-num", [])))
        if len(tries) == 1:
            raise RuntimeError("not this time")

    slack.channel("C1", members=["U1"])
    async with served(slack, client, message=crash_once):
        question = await slack.message("C1", "U1", "Hello?")
        await slack.until(lambda: slack.deliveries(question)[0].acked)
    assert [retries for _, retries in tries] == [[], ["1"]]
    assert tries[0][0] == tries[1][0]


async def test_a_proxy_in_the_environment_does_not_matter(
    slack: LoopbackSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    async def answer(event: dict[str, Any], client: AsyncWebClient) -> None:
        await client.chat_postMessage(channel="C1", thread_ts=event["ts"], text="Here.")

    slack.channel("C1", members=["U1"])
    async with calling(slack) as client, connected(slack, client, app_mention=answer, message=ignore):
        question = await slack.mention("C1", "U1", "Hello?")
        await slack.until(lambda: slack.answers("C1", question))


async def test_a_command_that_is_not_acknowledged_shows_an_error_and_does_not_come_again(
    slack: LoopbackSlack, client: AsyncWebClient
) -> None:
    slack.channel("C1", members=["U1"])
    async with connected(slack, client):  # it has no listener for this
        command = await slack.slash("/ask", "why?", user="U1", channel="C1")
        await slack.until(lambda: command.attempts and command.attempts[0].at)
        slack.advance(3)
        await slack.until(lambda: slack.complaints)
    assert slack.complaints == ["slash_commands: somebody was shown an error (timeout)"]
    assert len(command.attempts) == 1


async def test_an_app_hears_of_its_own_posts_and_edits_where_its_bot_is(
    slack: LoopbackSlack, client: AsyncWebClient
) -> None:
    slack.channel("C1", members=["U1"])
    slack.channel("C2", members=["U1"], bot=False)
    async with connected(slack, client, message=ignore):
        posted = await client.chat_postMessage(channel="C1", text="one")
        await client.chat_update(channel="C1", ts=posted["ts"], text="two")
        await slack.message("C2", "U1", "among ourselves")
        await slack.until(lambda: all(each.acked for each in slack.deliveries()))
    told = [each.payload["event"] for each in slack.deliveries()]
    assert [(each["channel"], each.get("subtype"), each.get("bot_id")) for each in told] == [
        ("C1", None, "BBOTT1"),
        ("C1", "message_changed", None),
    ]
