"""Bad days of Slack: events told twice, storms, broken lines, revoked tokens, what is deleted under Erica's hands."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from campus import logged
from loopback_model import LoopbackModel, gated, model_server_fixture, ok
from loopback_slack import LoopbackSlack, slack_fixture
from running_erica import SLACK_CHANNEL, SLACK_TEAM, Surroundings, running_here, surroundings_in
from slack_faults import hangs_up, rate_limited, server_error, web_page
from slack_records import Seen

from bot.running import Service

__all__ = ["model_server_fixture", "slack_fixture"]

OTHER = "C2"
QUESTION = "What is attention in transformers?"
HALF = "The first half of it, and then nothing for a while.\n\n"
ANSWER = ("Attention lets each word look at **all the others** [1].\n\n", "It is a weighted mean [2].")


@pytest.fixture
async def surroundings(
    tmp_path: Path, demo_indexes: Path, slack: LoopbackSlack, model_server: LoopbackModel
) -> Surroundings:
    for channel in (SLACK_CHANNEL, OTHER):
        slack.channel(channel, [f"U{number}" for number in range(20)])
    model_server.script = [ok(*ANSWER)]
    other = f'[[channels]]\nplatform = "slack"\nworkspace = "{SLACK_TEAM}"\nid = "{OTHER}"\n'
    return surroundings_in(tmp_path, demo_indexes, other, slack=slack, model=model_server)


@pytest.fixture(name="erica")
async def erica_in_slack(surroundings: Surroundings, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Service]:
    caplog.set_level(logging.INFO, "bot")
    async with running_here(surroundings) as service:
        yield service


def answers(slack: LoopbackSlack, question: str, channel: str = SLACK_CHANNEL) -> list[Seen]:
    """The finished answers in a question's thread."""
    return [one for one in slack.answers(channel, question) if "Sources" in one.text]


async def answered(slack: LoopbackSlack, *questions: str, channel: str = SLACK_CHANNEL) -> None:
    """Until each has its answer; then that is all Erica has said there."""
    for question in questions:
        await slack.until(lambda question=question: answers(slack, question, channel), within=15)  # type: ignore[misc]
    assert [len(slack.answers(channel, question)) for question in questions] == [1] * len(questions)


async def begun(slack: LoopbackSlack, question: str, channel: str = SLACK_CHANNEL) -> Seen:
    """The answer, once its first half can be read."""
    await slack.until(lambda: any("first half" in one.text for one in slack.answers(channel, question)))
    return slack.answers(channel, question)[0]


async def readiness(service: Service) -> dict[str, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{service.port}/readyz") as response,
    ):
        return dict((await response.json())["checks"])


async def twins(slack: LoopbackSlack, text: str, first: str, second: str) -> str:
    """A mention of which Slack tells in this order, under two event ids, five times each."""
    subscribed, slack.subscribed = slack.subscribed, frozenset()
    ts = await slack.mention(SLACK_CHANNEL, "U1", text)
    slack.subscribed = subscribed
    event = {"user": "U1", "text": slack.find(SLACK_CHANNEL, ts).text, "ts": ts, "channel": SLACK_CHANNEL}
    for kind in (first, second):
        payload = {"team_id": SLACK_TEAM, "event_id": f"Ev-{kind}-{ts}", "type": "event_callback"}
        for _ in range(5):
            told = slack.hand("events_api", payload | {"event": {**event, "type": kind, "channel_type": "channel"}}, ts)
        await slack.until(lambda told=told: told.acked)  # type: ignore[misc]
    return ts


async def test_whatever_is_told_many_times_is_answered_once(erica: Service, slack: LoopbackSlack) -> None:
    questions = [await twins(slack, QUESTION, "app_mention", "message")]
    questions += [await twins(slack, "What is gradient descent?", "message", "app_mention")]
    await answered(slack, *questions)
    await slack.until(lambda: all(one.acked for one in slack.deliveries()))
    await slack.redeliver(questions[0], times=4)
    last = await slack.mention(SLACK_CHANNEL, "U2", "What is softmax?")
    await answered(slack, *questions, last)


async def test_storms_and_broken_lines_cost_no_answer_and_double_none(
    erica: Service, slack: LoopbackSlack, caplog: pytest.LogCaptureFixture
) -> None:
    slack.fail("assistant.threads.setStatus", rate_limited(1), times=3)
    slack.fail("agents.sessions.setStatus", server_error(503), times=3)
    slack.fail("chat.startStream", rate_limited(1), times=2)
    slack.fail("chat.startStream", hangs_up(afterwards=True))
    slack.fail("chat.postMessage", server_error(500), times=2)
    slack.fail("chat.postMessage", hangs_up(afterwards=True))
    slack.fail("chat.appendStream", web_page(502), times=2)
    slack.fail("chat.stopStream", hangs_up(), times=2)
    slack.fail("chat.update", rate_limited(1), times=3)
    slack.fail("chat.update", server_error(500), times=3)
    slack.fail("chat.update", hangs_up(afterwards=True), times=3)
    slack.fail("chat.getPermalink", server_error(500), times=1)
    questions = []
    for number in range(10):
        text = f"What is attention? Explain it with example number {number}."
        questions.append(await slack.mention(SLACK_CHANNEL, f"U{number}", text))
        if number == 5:
            slack.socket_mode.drop()
    await slack.until(lambda: slack.socket_mode.connections == 2)
    await slack.socket_mode.ask_to_leave("refresh_requested")
    slack.advance(400)  # for Slack to tell again what was on the lines that broke
    await answered(slack, *questions)
    assert slack.duplicates() == []
    assert not [one for one in slack.thread(SLACK_CHANNEL, questions[0]) if one.streaming == "open"]
    assert "ratelimited; trying again" in caplog.text
    assert "chat.update: HTTP 500" in caplog.text
    assert "example number" not in caplog.text
    assert await readiness(erica) == {"slack": "ok", "redis": "ok"}


async def test_a_token_that_is_revoked_is_told_and_one_that_comes_back_works(
    erica: Service, slack: LoopbackSlack, model_server: LoopbackModel, caplog: pytest.LogCaptureFixture
) -> None:
    gate = asyncio.Event()
    model_server.script = [gated(gate, HALF, then=ANSWER), ok(*ANSWER)]
    question = await slack.mention(SLACK_CHANNEL, "U1", QUESTION)
    await begun(slack, question)
    slack.revoke()
    gate.set()
    await logged(caplog, "cannot be answered: ")
    calls = len(slack.calls)
    slack.workspace().revoked = False
    last = await slack.mention(SLACK_CHANNEL, "U2", "What is softmax?")
    await answered(slack, last)
    assert "Erica was removed from the Slack workspace T1" in caplog.text
    assert caplog.text.count("cannot be answered: ") == 1
    assert len([one for one in slack.calls[:calls] if one.error == "token_revoked"]) < 10
    assert slack.bot_token not in caplog.text


async def test_what_is_closed_or_deleted_under_an_answer_stops_no_other(
    erica: Service, slack: LoopbackSlack, model_server: LoopbackModel, caplog: pytest.LogCaptureFixture
) -> None:
    gate = asyncio.Event()
    model_server.script = [gated(gate, HALF, then=ANSWER)]
    archived = await slack.mention(OTHER, "U1", QUESTION)
    deleted = await slack.mention(SLACK_CHANNEL, "U2", "What is softmax?")
    locked = await slack.mention(SLACK_CHANNEL, "U3", "What is gradient descent?")
    await begun(slack, archived, OTHER)
    first = await begun(slack, deleted)
    await begun(slack, locked)
    slack.archive(OTHER)
    await slack.delete(SLACK_CHANNEL, first.ts)
    gate.set()
    await answered(slack, deleted, locked)
    await logged(caplog, "cannot be answered: ")
    assert "is_archived" in caplog.text
    assert answers(slack, deleted)[0].ts != first.ts
    assert answers(slack, archived, OTHER) == []
    assert caplog.text.count("cannot be answered: ") == 1
    last = await slack.mention(SLACK_CHANNEL, "U4", "What is backpropagation?")
    await answered(slack, last)


async def test_forty_thousand_characters_either_way(
    erica: Service, slack: LoopbackSlack, model_server: LoopbackModel
) -> None:
    words = "".join(f"Word {number} looks at all the others.\n\n" for number in range(1_150))
    assert len(words) > 40_000
    model_server.script = [ok(*(words[at : at + 500] for at in range(0, len(words), 500)), "That is all [1].\n")]
    short = await slack.mention(SLACK_CHANNEL, "U1", QUESTION)
    long = await slack.mention(SLACK_CHANNEL, "U2", (QUESTION + " ") * 1_140)
    await slack.until(lambda: any("longer than I can read" in one.text for one in slack.answers(SLACK_CHANNEL, long)))
    await slack.until(lambda: answers(slack, short), within=15)
    whole = "\n".join(one.text for one in slack.answers(SLACK_CHANNEL, short))
    assert [whole.count(f"Word {number} looks") for number in range(1_150)] == [1] * 1_150
    assert whole.count("That is all") == 1
    assert len(slack.answers(SLACK_CHANNEL, long)) == 1
    assert slack.refusals == []
