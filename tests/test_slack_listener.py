"""The Slack listener against the loopback Slack, with a real reception and store: kept first, then acknowledged."""

import asyncio
import json
import logging
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from loopback_slack import CLIENT, LoopbackSlack, slack_fixture
from pydantic import SecretStr
from redis.asyncio import Redis
from slack_apps import calling
from slack_delivery import Delivery as Told
from slack_faults import rate_limited, server_error

from bot.adapters.redis_client import connect
from bot.adapters.redis_feedback import RedisFeedback
from bot.adapters.redis_intake import RedisIntake
from bot.adapters.redis_journal import RedisJournal
from bot.adapters.slack import SlackAccess, SlackListener
from bot.adapters.slack_hearing import THANKS, TOO_OLD
from bot.course import Course
from bot.errors import ConfigError, Undeliverable
from bot.feedback import AnswerRecord
from bot.intake import Delivery, Incoming, thread_name
from bot.journal import Entry, Halt
from bot.metrics import Metrics
from bot.places import Places
from bot.pseudonyms import Pseudonyms
from bot.reception import Reception

__all__ = ["slack_fixture"]

pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")  # slack_sdk's own

PING = 0.05
RECORD = AnswerRecord("answer-1", "ai", "slack", "q", "a", "answered", (), None, "v1", "2026-01-01T00:00:00Z")


def course(name: str, *places: tuple[str, str]) -> Course:
    channels = [{"platform": "slack", "workspace": team, "id": channel} for team, channel in places]
    about = {"id": name, "title": name.upper()}
    return Course.model_validate({"course": about, "sources": [{"kind": "folder", "path": "."}], "channels": channels})


class Erica:
    """A listener's surroundings, all of them real, and what has come into the intake so far."""

    def __init__(self, store: Redis) -> None:
        self.intake, self.journal = RedisIntake(store, lease=3600), RedisJournal(store)
        self.book, self.metrics = RedisFeedback(store), Metrics()
        places = Places([course("ai", ("T1", "C1"), ("T1", "G1")), course("os", ("T2", "C2"))])
        pseudonyms = Pseudonyms(b"key")
        self.reception = Reception(
            places, self.intake, self.journal, self.book, pseudonyms, self._no_concepts, self.metrics
        )

    async def _no_concepts(self, course: Course, typed: str) -> tuple[str, ...]:
        return ()

    async def taken(self) -> list[Incoming]:
        """Everything that was put, in the order of its text."""
        return sorted((each.incoming for each in await self.deliveries()), key=lambda each: each.text)

    async def deliveries(self) -> list[Delivery]:
        found = []
        while delivery := await self.intake.take("test", wait=0.01):
            found.append(delivery)
            await self.intake.done(delivery)
        return found

    async def only(self) -> Incoming:
        (incoming,) = await self.taken()
        return incoming

    async def ratings(self) -> list[tuple[str, str]]:
        return [(each.rating, each.reason) async for each in self.book.all("ai")]


@pytest.fixture
async def store(url: str) -> AsyncIterator[Redis]:
    async with connect(url) as client:
        yield client


@pytest.fixture
def erica(store: Redis) -> Erica:
    return Erica(store)


@pytest.fixture
def access(slack: LoopbackSlack, tmp_path: Path) -> SlackAccess:
    """One workspace, Socket Mode."""
    slack.channel("C1", members=["U1", "U2"])
    app_token = SecretStr(slack.app_token)
    return SlackAccess(SecretStr(slack.bot_token), app_token, None, None, None, slack.api_url, tmp_path / "installed")


def over_http(access: SlackAccess, slack: LoopbackSlack) -> SlackAccess:
    return replace(access, app_token=None, signing_secret=SecretStr(slack.signing_secret))


@asynccontextmanager
async def listening(erica: Erica, access: SlackAccess) -> AsyncIterator[SlackListener]:
    listener = SlackListener(erica.reception, access, erica.metrics, ping_seconds=PING)
    await listener.start()
    try:
        yield listener
    finally:
        await listener.stop()


@asynccontextmanager
async def served(listener: SlackListener, slack: LoopbackSlack) -> AsyncIterator[str]:
    """A web server with the listener's routes; gives its address."""
    app = web.Application()
    app.add_routes(listener.routes())
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    slack.use_http(f"{address}/slack/events")
    try:
        yield address
    finally:
        await runner.cleanup()


@asynccontextmanager
async def serving(erica: Erica, access: SlackAccess, slack: LoopbackSlack) -> AsyncIterator[str]:
    """A listener over HTTP; gives its address."""
    async with listening(erica, access) as listener, served(listener, slack) as address:
        yield address


async def acked(slack: LoopbackSlack, told: Told) -> None:
    await slack.until(lambda: told.acked)


async def all_acked(slack: LoopbackSlack, about: str = "") -> None:
    await slack.until(lambda: slack.deliveries(about) and all(each.acked for each in slack.deliveries(about)))


# Nothing lost, nothing twice.


async def test_a_mention_is_kept_once_though_slack_tells_of_it_twice(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess
) -> None:
    async with listening(erica, access) as listener:
        assert listener.connected
        ts = await slack.mention("C1", "U1", "What is A*?")
        await all_acked(slack)
        assert len(slack.deliveries(ts)) == 2
    incoming = await erica.only()
    assert incoming == Incoming(
        "slack", "T1", "C1", ts, None, "U1", "What is A*?", "mention", incoming.received, incoming.event, "ai"
    )
    text = erica.metrics.render()[0].decode()
    assert 'erica_acknowledged_seconds_count{platform="slack"} 2.0' in text
    assert slack.complaints == []


async def test_the_same_event_five_times_is_kept_once(slack: LoopbackSlack, erica: Erica, access: SlackAccess) -> None:
    async with listening(erica, access):
        ts = await slack.mention("C1", "U1", "What is A*?")
        await slack.redeliver(ts, times=4)
        await all_acked(slack)
    assert len(slack.deliveries(ts)) == 10
    assert (await erica.only()).text == "What is A*?"


@pytest.mark.parametrize("first", ["app_mention", "message"])
async def test_either_twin_may_come_first(slack: LoopbackSlack, erica: Erica, access: SlackAccess, first: str) -> None:
    slack.subscribed = frozenset()
    async with listening(erica, access):
        ts = await slack.mention("C1", "U1", "What is A*?")
        place = slack.seen("C1", ts)
        event = {"user": "U1", "text": place.text, "ts": ts, "channel": "C1", "channel_type": "channel"}
        for number, kind in enumerate([first, {"app_mention": "message", "message": "app_mention"}[first]]):
            payload = {"team_id": "T1", "event_id": f"Ev-{number}", "type": "event_callback"}
            slack.hand("events_api", payload | {"event": {**event, "type": kind}}, f"twin {number}")
            await all_acked(slack, f"twin {number}")
    assert (await erica.only()).kind == "mention"


@asynccontextmanager
async def full(store: Redis) -> AsyncIterator[None]:
    """Redis takes nothing more."""
    await store.config_set("maxmemory", 1)
    try:
        yield
    finally:
        await store.config_set("maxmemory", 0)


@asynccontextmanager
async def logged(words: str) -> AsyncIterator[None]:
    """Something happens inside that is logged with these words; it is waited for."""
    happened = asyncio.Event()

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if words in record.getMessage():
                happened.set()

    ear = Ear()
    logging.getLogger("bot").addHandler(ear)
    try:
        yield
        await asyncio.wait_for(happened.wait(), 10)
    finally:
        logging.getLogger("bot").removeHandler(ear)


async def test_what_cannot_be_kept_is_not_acknowledged_and_is_kept_when_slack_sends_it_again(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess, store: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(erica, access):
        async with full(store), logged("not acknowledged, so that Slack sends it again"):
            ts = await slack.direct("U1", "What is A*?")
        (delivery,) = slack.deliveries(ts)
        assert not delivery.acked
        slack.advance(3)  # so long Slack waits before it sends again
        await slack.until(lambda: delivery.acked)
    assert len(delivery.attempts) == 2
    assert (await erica.only()).text == "What is A*?"
    assert "What is A*?" not in caplog.text


async def test_over_http_what_cannot_be_kept_is_answered_with_503_and_kept_later(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess, store: Redis
) -> None:
    async with serving(erica, over_http(access, slack), slack):
        async with full(store):
            ts = await slack.direct("U1", "What is A*?")
            (delivery,) = slack.deliveries(ts)
            await slack.until(lambda: len(delivery.attempts) > 1 and delivery.attempts[1].outcome)
        assert [each.outcome for each in delivery.attempts[:2]] == ["503", "503"]
        slack.advance(60)
        await slack.until(lambda: delivery.acked)
    assert (await erica.only()).text == "What is A*?"


async def test_dropped_and_refreshed_sockets_lose_nothing(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess
) -> None:
    async with listening(erica, access) as listener:
        for number in range(6):
            await slack.direct("U1", f"question {number}")
            if number == 1:
                slack.socket_mode.drop()
                await slack.until(lambda: slack.socket_mode.connections == 2)
            if number == 3:
                await slack.socket_mode.ask_to_leave("refresh_requested")
        await all_acked(slack)
        assert listener.connected
    assert slack.socket_mode.connections > 2
    assert [each.text for each in await erica.taken()] == [f"question {number}" for number in range(6)]


async def test_slack_that_is_away_when_erica_starts_is_tried_again(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess
) -> None:
    slack.fail("apps.connections.open", server_error(), times=2)
    slack.fail("auth.test", rate_limited(1))
    async with listening(erica, access):
        ts = await slack.direct("U1", "What is A*?")
        await all_acked(slack, ts)
    assert (await erica.only()).text == "What is A*?"


async def test_an_event_whose_workspace_cannot_be_told_is_not_acknowledged(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess
) -> None:
    slack.fail("auth.test", server_error(), times=None)
    async with serving(erica, over_http(access, slack), slack):
        ts = await slack.direct("U1", "What is A*?")
        (delivery,) = slack.deliveries(ts)
        await slack.until(lambda: delivery.attempts and delivery.attempts[0].outcome == "503")
        await slack.until(lambda: len(delivery.attempts) > 1 and delivery.attempts[1].outcome)
        slack.heal("auth.test")
        slack.advance(60)
        await slack.until(lambda: delivery.acked)
    assert (await erica.only()).text == "What is A*?"


async def test_an_address_that_does_not_work_is_not_tried_for_ever(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, refused = slack.socket_mode.open, iter(range(3))
    stale = f"{slack.url.replace('http', 'ws', 1)}/link/?ticket=used"
    monkeypatch.setattr(slack.socket_mode, "open", lambda: right() if next(refused, None) is None else stale)
    async with listening(erica, access) as listener:
        ts = await slack.direct("U1", "What is A*?")
        await all_acked(slack, ts)
        assert listener.connected
    assert (await erica.only()).text == "What is A*?"


async def test_slack_is_asked_once_who_erica_is(slack: LoopbackSlack, erica: Erica, access: SlackAccess) -> None:
    async with listening(erica, access):
        for number in range(5):
            await slack.direct("U1", f"question {number}")
        await all_acked(slack)
    assert [each.method for each in slack.calls].count("auth.test") == 1


async def test_a_proxy_in_the_environment_does_not_matter_on_this_machine(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    await erica.book.keep(RECORD)
    async with listening(erica, access):
        ts = await slack.direct("U1", "What is A*?")
        await all_acked(slack, ts)
        page = await posted(slack, [thumbs()], "context_actions")
        await slack.press("C1", page, "erica:feedback", user="U1", value=thumb("down"))
        await slack.until(lambda: slack.views)
        await slack.press("C1", page, "erica:feedback", user="U1", value=thumb("up"))
        await slack.until(lambda: whispered(slack))
    assert (await erica.only()).text == "What is A*?"


async def test_what_is_under_way_is_acknowledged_before_erica_hangs_up(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    putting, go_on = asyncio.Event(), asyncio.Event()

    class SlowIntake(RedisIntake):
        async def put(self, incoming: Incoming) -> bool:
            putting.set()
            await go_on.wait()
            return await super().put(incoming)

    monkeypatch.setattr(erica.intake, "__class__", SlowIntake)
    listener = SlackListener(erica.reception, access, erica.metrics, ping_seconds=PING)
    await listener.start()
    ts = await slack.direct("U1", "What is A*?")
    await putting.wait()
    stopping = asyncio.create_task(listener.stop())
    late = await slack.direct("U1", "And what is Dijkstra's?")
    await slack.until(lambda: slack.deliveries(late)[0].attempts and slack.deliveries(late)[0].attempts[0].at)
    assert not listener.connected
    go_on.set()
    await stopping
    assert slack.deliveries(ts)[0].acked
    assert not slack.deliveries(late)[0].acked
    assert (await erica.only()).text == "What is A*?"


async def test_tokens_that_cannot_work_are_told_at_start(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess
) -> None:
    wrong = [
        replace(access, bot_token=None),
        replace(access, app_token=None),
        replace(access, bot_token=SecretStr("xoxb-wrong")),
        replace(access, app_token=SecretStr("xapp-wrong")),
        replace(access, app_token=SecretStr(slack.bot_token)),
    ]
    for each in wrong:
        with pytest.raises(ConfigError) as raised:
            await SlackListener(erica.reception, each, erica.metrics).start()
        assert raised.value.hint
        assert "xoxb" not in str(raised.value)


# HTTP mode.


async def test_over_http_a_mention_is_kept_once(slack: LoopbackSlack, erica: Erica, access: SlackAccess) -> None:
    async with serving(erica, over_http(access, slack), slack):
        assert await slack.verify_url()
        await slack.mention("C1", "U1", "What is A*?")
        await all_acked(slack)
    assert (await erica.only()).text == "What is A*?"


@pytest.mark.parametrize(("skew", "forged"), [(600.0, False), (-600.0, False), (0.0, True)])
async def test_a_wrong_clock_or_signature_is_refused(
    slack: LoopbackSlack,
    erica: Erica,
    access: SlackAccess,
    skew: float,
    forged: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving(erica, over_http(access, slack), slack):
        assert slack.http is not None
        slack.http.skew = skew
        slack.http.secret = "forged" if forged else slack.http.secret
        ts = await slack.direct("U1", "Hello?")
        (delivery,) = slack.deliveries(ts)
        await slack.until(lambda: delivery.attempts and delivery.attempts[0].outcome == "401")
    assert await erica.taken() == []
    assert "ERICA_SLACK_SIGNING_SECRET and the clock" in caplog.text


async def test_what_is_not_slacks_is_refused(slack: LoopbackSlack, erica: Erica, access: SlackAccess) -> None:
    async with serving(erica, over_http(access, slack), slack) as address, aiohttp.ClientSession() as session:
        for body, status in ((b'{"type": ', 400), (b"\xff\xfe", 400), (b"{}", 401), (b"[]", 400), (b"", 401)):
            headers = {"Content-Type": "application/json"}
            async with session.post(f"{address}/slack/events", data=body, headers=headers) as answer:
                assert answer.status == status, body


async def test_events_are_not_taken_without_a_way_to_check_them(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess
) -> None:
    assert SlackListener(erica.reception, access, erica.metrics).routes() == []
    assert SlackListener(erica.reception, replace(access, app_token=None), erica.metrics).routes() == []


# Follow-ups, edits, deletions, Stop.


async def test_follow_ups_in_ericas_own_threads_need_no_mention(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess
) -> None:
    async with listening(erica, access):
        own = await slack.mention("C1", "U1", "What is A*?")
        others = await slack.message("C1", "U1", "Lunch?")
        await erica.journal.open(thread_name("slack", "T1", "C1", own), "ai")
        await slack.reply("C1", own, "U2", "And in Python?")
        await slack.reply("C1", own, "U2", "<@U1> did you get that?")
        await slack.reply("C1", others, "U2", "At noon.")
        await all_acked(slack)
    first, second = await erica.taken()
    assert (first.text, first.kind, first.thread) == ("And in Python?", "message", own)
    assert (second.text, second.kind) == ("What is A*?", "mention")


async def test_a_question_that_is_edited_or_deleted_in_time_halts_its_answer(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess
) -> None:
    async with listening(erica, access):
        ts = await slack.mention("C1", "U1", "What is A?")
        await all_acked(slack)
        asked = await erica.only()
        await erica.journal.write(asked.question, Entry("1"), asked.conversation)
        await slack.edit("C1", ts, "<@UBOTT1> What is A*?")
        await all_acked(slack)
        edited = await erica.only()
        assert (edited.text, edited.question, edited.kind) == ("What is A*?", asked.question, "mention")
        assert await erica.journal.halts([asked.question]) == {asked.question: Halt("edited", edited.revision)}
        await slack.delete("C1", ts)
        await all_acked(slack)
    assert await erica.journal.halts([asked.question]) == {asked.question: Halt("deleted")}


async def test_a_late_edit_changes_nothing(slack: LoopbackSlack, erica: Erica, access: SlackAccess) -> None:
    async with listening(erica, access):
        ts = await slack.direct("U1", "What is A?")
        await all_acked(slack)
        asked = await erica.only()
        await erica.journal.write(asked.question, Entry("1"), asked.conversation)
        slack.advance(120)
        await slack.edit("DU1", ts, "What is A*?")
        await all_acked(slack)
    assert await erica.taken() == []
    assert await erica.journal.halts([asked.question]) == {}


async def test_a_deleted_question_with_replies_halts_too_and_stop_halts_the_thread(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess
) -> None:
    async with listening(erica, access):
        first, second = [await slack.mention("C1", "U1", text) for text in ("What is A*?", "What is BFS?")]
        await all_acked(slack)
        for each in await erica.taken():
            await erica.journal.write(each.question, Entry("1"), each.conversation)
        await slack.reply("C1", first, "U2", "I'd like to know too.")
        await slack.delete("C1", first)
        await slack.stop_pressed("C1", second, "U2")
        await all_acked(slack)
    questions = [thread_name("slack", "T1", "C1", ts) for ts in (first, second)]
    halts = await erica.journal.halts(questions)
    assert [halts[each].reason for each in questions] == ["deleted", "stopped"]


async def test_ericas_own_messages_ask_nothing(slack: LoopbackSlack, erica: Erica, access: SlackAccess) -> None:
    async with listening(erica, access), calling(slack) as client:
        thread = await slack.message("C1", "U1", "A thread")
        await erica.journal.open(thread_name("slack", "T1", "C1", thread), "ai")
        posted = await client.chat_postMessage(channel="C1", thread_ts=thread, text="one")
        await client.chat_update(channel="C1", ts=posted["ts"], text="<@UBOTT1> two")
        await client.chat_delete(channel="C1", ts=posted["ts"])
        await all_acked(slack)
        assert len(slack.deliveries()) == 4
    assert await erica.taken() == []
    own = thread_name("slack", "T1", "C1", str(posted["ts"]))
    assert await erica.journal.halts([own]) == {}


# Commands, shortcuts, buttons.


async def test_slash_commands_are_kept_in_any_place(slack: LoopbackSlack, erica: Erica, access: SlackAccess) -> None:
    slack.channel("C9", bot=False)
    async with listening(erica, access):
        for command, text in (("/ask", "what is A*?"), ("/erica", "concept A*"), ("/erica", "dance")):
            told = await slack.slash(command, text, user="U1", channel="C9")
            await acked(slack, told)
            assert told.response is None
    asked, concept, help_ = sorted(await erica.taken(), key=lambda each: each.command)
    assert (asked.command, asked.text, asked.course, asked.kind) == ("ask", "what is A*?", "", "command")
    assert asked.reply_to.startswith(slack.url)
    assert (concept.command, concept.text) == ("concept", "A*")
    assert (help_.command, help_.text) == ("help", "")


async def test_a_command_or_button_that_cannot_be_kept_is_answered_politely(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess, store: Redis
) -> None:
    async with listening(erica, access):
        ts = await posted(slack, [choice("ask", "What is A*?")])
        async with full(store):
            await slack.slash("/ask", "what is A*?", user="U1", channel="C1")
            await slack.press("C1", ts, "erica:choice:0", user="U1")
            lines = await slack.until(lambda: len(whispered(slack)) == 2 and whispered(slack))
    assert lines == ["Something went wrong on my side. Please try again in a moment."] * 2
    assert await erica.taken() == []


async def test_the_shortcut_asks_about_the_message_it_was_chosen_on(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess
) -> None:
    async with listening(erica, access):
        thread = await slack.message("C1", "U2", "First")
        ts = await slack.reply("C1", thread, "U2", "Why does `a<b` hold?")
        told = await slack.shortcut("C1", ts, user="U1", callback_id="ask_erica")
        await slack.until(lambda: told.acked)
        other = await slack.shortcut("C1", ts, user="U1", callback_id="somebody_elses")
        await slack.until(lambda: other.acked)
    incoming = await erica.only()
    assert (incoming.kind, incoming.command, incoming.author) == ("shortcut", "ask", "U1")
    assert (incoming.text, incoming.message, incoming.thread) == ("Why does `a<b` hold?", ts, thread)


def choice(command: str, argument: str) -> dict[str, Any]:
    return button("erica:choice:0", {"command": command, "argument": argument})


def button(action: str, value: Any) -> dict[str, Any]:
    label = {"type": "plain_text", "text": "Press"}
    return {"type": "button", "action_id": action, "text": label, "value": json.dumps(value)}


def thumbs() -> dict[str, Any]:
    sides = {
        f"{side}_button": {
            "text": {"type": "plain_text", "text": side},
            "value": json.dumps({"answer": RECORD.id, "rating": rating}),
        }
        for side, rating in (("positive", "up"), ("negative", "down"))
    }
    return {"type": "feedback_buttons", "action_id": "erica:feedback", **sides}


async def posted(slack: LoopbackSlack, elements: list[dict[str, Any]], kind: str = "actions", thread: str = "") -> str:
    blocks = [{"type": kind, "elements": elements}]
    async with calling(slack) as client:
        answer = await client.chat_postMessage(channel="C1", text="A page", blocks=blocks, thread_ts=thread or None)
    return str(answer["ts"])


def whispered(slack: LoopbackSlack) -> list[str]:
    """What was said to one person alone."""
    return [each.shown for each in slack.channels["C1"].messages.values() if each.ephemeral_to == "U1"]


def thumb(rating: str) -> str:
    return json.dumps({"answer": RECORD.id, "rating": rating})


async def test_a_choice_is_a_command_in_its_place(slack: LoopbackSlack, erica: Erica, access: SlackAccess) -> None:
    async with listening(erica, access):
        thread = await slack.message("C1", "U1", "First")
        ts = await posted(slack, [choice("concept", "A & B")], thread=thread)
        told = await slack.press("C1", ts, "erica:choice:0", user="U2")
        await slack.until(lambda: told.acked)
        again = await slack.press("C1", ts, "erica:choice:0", user="U2")
        await slack.until(lambda: again.acked)
    first, second = await erica.taken()
    assert (first.kind, first.command, first.text, first.author) == ("command", "concept", "A & B", "U2")
    assert (first.message, first.thread, first.course) == (ts, thread, "ai")
    assert first.reply_to.startswith(slack.url)
    assert first.event != second.event


async def test_a_thumb_up_is_noted_with_thanks(slack: LoopbackSlack, erica: Erica, access: SlackAccess) -> None:
    await erica.book.keep(RECORD)
    async with listening(erica, access):
        ts = await posted(slack, [thumbs()], "context_actions")
        await slack.press("C1", ts, "erica:feedback", user="U1", value=thumb("up"))
        await slack.until(lambda: whispered(slack))
    assert whispered(slack) == [THANKS]
    assert slack.seen("C1", ts).text.startswith("A page") or slack.seen("C1", ts).edits == ()
    assert await erica.ratings() == [("up", "")]


async def test_a_thumb_down_may_be_explained(slack: LoopbackSlack, erica: Erica, access: SlackAccess) -> None:
    await erica.book.keep(RECORD)
    async with listening(erica, access):
        ts = await posted(slack, [thumbs()], "context_actions")
        await slack.press("C1", ts, "erica:feedback", user="U1", value=thumb("down"))
        (view,) = await slack.until(lambda: list(slack.views))
        values = {"why": {"reason": {"type": "plain_text_input", "value": "The link is dead."}}}
        sent = await slack.submit(view, user="U1", values=values)
        await slack.until(lambda: sent.acked)
        unsaid = await slack.submit(view, user="U1", values={"why": {"reason": {"value": None}}})
        await slack.until(lambda: unsaid.acked)
    assert await erica.ratings() == [("down", "The link is dead.")]
    assert whispered(slack) == []


async def test_a_reason_that_cannot_be_kept_stays_in_the_modal(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess, store: Redis
) -> None:
    await erica.book.keep(RECORD)
    async with listening(erica, access):
        ts = await posted(slack, [thumbs()], "context_actions")
        await slack.press("C1", ts, "erica:feedback", user="U1", value=thumb("down"))
        (view,) = await slack.until(lambda: list(slack.views))
        async with full(store):
            values = {"why": {"reason": {"value": "The link is dead."}}}
            sent = await slack.submit(view, user="U1", values=values)
            response = await slack.until(lambda: sent.response)
    assert response["response_action"] == "errors"
    assert "could not keep" in response["errors"]["why"]


async def test_where_no_modal_can_be_opened_thanks_must_do(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess
) -> None:
    await erica.book.keep(RECORD)
    slack.fail("views.open", "expired_trigger_id")
    async with listening(erica, access):
        ts = await posted(slack, [button("erica:feedback", {"answer": RECORD.id, "rating": "down"})])
        await slack.press("C1", ts, "erica:feedback", user="U1")
        await slack.until(lambda: whispered(slack))
    assert whispered(slack) == [THANKS]
    assert await erica.ratings() == [("down", "")]


async def test_an_answer_that_is_forgotten_cannot_be_rated(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess
) -> None:
    async with listening(erica, access):
        ts = await posted(slack, [thumbs()], "context_actions")
        await slack.press("C1", ts, "erica:feedback", user="U1", value=thumb("down"))
        await slack.until(lambda: whispered(slack))
    assert whispered(slack) == [TOO_OLD]
    assert slack.views == {}


async def test_buttons_of_another_version_are_acknowledged_and_ignored(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess, caplog: pytest.LogCaptureFixture
) -> None:
    elements = [button("erica:choice:0", "{"), button("erica:choice:1", {"command": "rm", "argument": "-rf"})]
    elements += [button("erica:feedback", {"rating": "up"}), button("other", 7)]
    async with listening(erica, access):
        ts = await posted(slack, elements)
        for each in elements:
            told = await slack.press("C1", ts, each["action_id"], user="U1")
            await acked(slack, told)
    assert await erica.taken() == []
    assert caplog.text.count("carries nothing that this version reads") == 3


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"type": "event_callback"},
        {"type": "event_callback", "event": {"type": "message"}},
        {"type": "event_callback", "event": {"type": "message", "subtype": "message_changed", "channel": "C1"}},
        {"type": "event_callback", "event": {"type": "agent_session_stopped"}},
        {"type": "event_callback", "event": {"type": "something_new", "channel": {"id": "C1"}}},
    ],
)
async def test_malformed_events_break_nothing(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess, payload: dict[str, Any]
) -> None:
    async with listening(erica, access):
        slack.hand("events_api", {"team_id": "T1", "event_id": "Ev1", **payload}, "malformed")
        ts = await slack.direct("U1", "Still there?")
        await all_acked(slack, "malformed")
        await all_acked(slack, ts)
    assert (await erica.only()).text == "Still there?"


# Several workspaces.


async def install(slack: LoopbackSlack, address: str, team: str) -> tuple[int, str]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        async with session.get(f"{address}/slack/install") as page:
            cookie = page.headers["Set-Cookie"].partition(";")[0]
        state = cookie.partition("=")[2]
        query = {"code": slack.code(team), "state": state}
        async with session.get(f"{address}/slack/oauth_redirect", params=query, headers={"Cookie": cookie}) as done:
            return done.status, await done.text()


def for_many(access: SlackAccess, slack: LoopbackSlack) -> SlackAccess:
    many = replace(access, bot_token=None, client_id=CLIENT[0], client_secret=SecretStr(CLIENT[1]))
    return over_http(many, slack)


async def test_two_workspaces_install_erica_and_stay_apart(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess
) -> None:
    slack.workspace("T2")
    slack.channel("C2", members=["U7"], team="T2")
    many = for_many(access, slack)
    async with serving(erica, many, slack) as address:
        for team in ("T1", "T2"):
            status, page = await install(slack, address, team)
            assert status == 200, page
        await slack.mention("C1", "U1", "one")
        await slack.mention("C2", "U7", "two")
        await all_acked(slack)
    first, second = await erica.taken()
    assert (first.workspace, first.course, first.text) == ("T1", "ai", "one")
    assert (second.workspace, second.course, second.text) == ("T2", "os", "two")
    assert [each.method for each in slack.calls].count("auth.test") == 4  # twice by Bolt's installing, once each by us
    assert stat.S_IMODE(many.installations.stat().st_mode) == 0o700


async def test_a_workspace_that_removes_erica_is_forgotten(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess, caplog: pytest.LogCaptureFixture
) -> None:
    many = for_many(access, slack)
    async with listening(erica, many) as listener, served(listener, slack) as address:
        await install(slack, address, "T1")
        assert await listener.installations.token_of("T1") == slack.bot_token
        assert (await listener.installations.us("T1")).user == "UBOTT1"
        assert await listener.installations.teams() == ("T1",)
        slack.revoke("T1")
        await all_acked(slack)
        with pytest.raises(Undeliverable):
            await listener.installations.token_of("T1")
    assert "Erica was removed from the Slack workspace T1: tokens_revoked" in caplog.text
    assert slack.bot_token not in caplog.text


async def test_the_bot_token_serves_its_own_workspace_beside_installed_ones(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess
) -> None:
    slack.workspace("T2")
    slack.channel("C2", members=["U7"], team="T2")
    both = replace(for_many(access, slack), bot_token=access.bot_token)
    async with listening(erica, both) as listener, served(listener, slack) as address:
        await install(slack, address, "T2")
        tokens = [await listener.installations.token_of(team) for team in ("T1", "T2")]
        assert tokens == [slack.bot_token, slack.workspace("T2").bot_token]
        for team in ("T3", "../T2", ""):
            with pytest.raises(Undeliverable):
                await listener.installations.token_of(team)


async def test_an_install_link_that_slack_did_not_make_is_refused(
    slack: LoopbackSlack, erica: Erica, access: SlackAccess
) -> None:
    async with (
        serving(erica, for_many(access, slack), slack) as address,
        aiohttp.ClientSession() as session,
    ):
        for state in ("../../etc/passwd", "0" * 36, ""):
            query = {"code": slack.code("T1"), "state": state}
            async with session.get(f"{address}/slack/oauth_redirect", params=query) as answer:
                assert answer.status == 400
    assert not list(access.installations.glob("none-*"))
