"""Discord's listener, with the unmodified discord.py, against the loopback Discord and a real Redis."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from discord_gateway import MESSAGE_CONTENT
from discord_records import APP, Channel, Component, File, Interaction, Message, User, components
from loopback_discord import API, Fault, LoopbackDiscord, discord_server_fixture
from pydantic import SecretStr
from redis.asyncio import Redis

from bot import course as courses
from bot.adapters.discord import DiscordAccess, DiscordListener
from bot.adapters.discord_commands import MENU, OLD_BUTTON, THANKS, TOO_OLD, TRY_AGAIN
from bot.adapters.redis_client import connect
from bot.adapters.redis_feedback import RedisFeedback
from bot.adapters.redis_intake import RedisIntake
from bot.adapters.redis_journal import RedisJournal
from bot.errors import ConfigError, IntakeFailed
from bot.feedback import AnswerRecord, Feedback
from bot.intake import Incoming
from bot.journal import Entry, Halt
from bot.metrics import Metrics
from bot.places import Places
from bot.pseudonyms import Pseudonyms
from bot.reception import Reception
from retrieval.config import SourceConfig

__all__ = ["discord_server_fixture"]

GUILD, HELP = "1", "11"


@pytest.fixture
def server(discord_server: LoopbackDiscord) -> LoopbackDiscord:
    """A course's channel and another one, two students, one teacher."""
    discord_server.guild(GUILD, channels=[HELP, "general"], members=["ada", "ben", "tina"], roles={"5678": ["tina"]})
    return discord_server


@pytest.fixture
async def redis(url: str) -> AsyncIterator[Redis]:
    client = connect(url)
    yield client
    await client.aclose()


class ShakyIntake(RedisIntake):
    """Fails as often as it is told to."""

    failures = 0
    changed: Callable[[], None] = staticmethod(lambda: None)

    async def put(self, incoming: Incoming) -> bool:
        if self.failures > 0:
            self.failures -= 1
            self.changed()
            raise IntakeFailed("out of reach")
        return await super().put(incoming)


class WatchedJournal(RedisJournal):
    """Tells what was marked as seen, and what was halted."""

    def __init__(self, client: Redis) -> None:
        super().__init__(client)
        self.marks: list[str] = []
        self.halted: list[str] = []
        self.changed: Callable[[], None] = lambda: None

    async def seen(self, channel: str, message: str) -> None:
        await super().seen(channel, message)
        self.marks.append(message)
        self.changed()

    async def halt(self, question: str, halt: Halt) -> None:
        await super().halt(question, halt)
        self.halted.append(question)
        self.changed()


@dataclass
class Erica:
    """What a listener hands in to."""

    redis: Redis
    channels: tuple[tuple[str, str], ...] = ((GUILD, HELP),)
    concepts: tuple[str, ...] = ("attention", "CLIP", "x" * 150)
    typed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.intake, self.journal = ShakyIntake(self.redis), WatchedJournal(self.redis)
        self.feedback, self.metrics = RedisFeedback(self.redis), Metrics()
        places = [courses.Channel(platform="discord", workspace=guild, id=id_) for guild, id_ in self.channels]
        source = SourceConfig(path=Path(), base_url="https://course.test/")
        about = courses.About(id="ai", title="AI")
        course = courses.Course(course=about, sources=(source,), channels=tuple(places))
        whom = Pseudonyms(b"k" * 32)
        self.reception = Reception(
            Places([course]), self.intake, self.journal, self.feedback, whom, self._complete, self.metrics
        )

    async def _complete(self, course: courses.Course, typed: str) -> tuple[str, ...]:
        assert course.id == "ai"
        self.typed.append(typed)
        return self.concepts

    async def asked(self) -> Incoming:
        """The next event that was kept."""
        delivery = await self.intake.take("test", wait=10)
        assert delivery is not None
        await self.intake.done(delivery)
        return delivery.incoming

    async def rest(self) -> list[Incoming]:
        """What is left of what was kept."""
        return [await self.asked() for _ in range((await self.intake.backlog()).waiting)]


@pytest.fixture
def erica(redis: Redis) -> Erica:
    return Erica(redis)


@asynccontextmanager
async def listening(
    server: LoopbackDiscord, erica: Erica, gateway: str | None = None, patience: float = 10.0
) -> AsyncIterator[DiscordListener]:
    """A listener that has its sessions and its commands; stopped, and so drained, afterwards."""
    access = DiscordAccess(SecretStr(server.token), server.url + API, gateway)
    erica.journal.changed = erica.intake.changed = server.changed
    listener = DiscordListener(
        erica.reception, erica.journal, access, erica.metrics, erica.channels, patience=patience, identify_pause=0.0
    )
    await listener.start()
    try:
        await server.until(lambda: len(server.sessions) >= server.shards and None in server.commands)
        yield listener
    finally:
        await listener.stop()
        server.forget_sessions()


async def nothing_else(server: LoopbackDiscord, erica: Erica) -> bool:
    """Whether nothing was kept of all that has happened so far, when a question arrives that is."""
    last = await server.mention(HELP, "tina", "the last one")
    return (await erica.asked()).message == last.id and not await erica.rest()


async def caught_up(server: LoopbackDiscord, erica: Erica) -> None:
    """The first session has found out since when to listen."""
    await server.until(lambda: erica.journal.marks)


def button(custom_id: str) -> list[dict[str, object]]:
    return [{"type": 1, "components": [{"type": 2, "style": 1, "label": "B", "custom_id": custom_id}]}]


async def press(server: LoopbackDiscord, custom_id: str, user: str = "ada") -> tuple[Message, Interaction]:
    """Somebody presses a button below a message of Erica's."""
    message = server.post(server.channel(HELP), server.bot, "An answer.", components=button(custom_id))
    [part] = components(message.components, message.id)
    assert isinstance(part, Component)
    return message, await server.press(part, user)


async def acknowledged(server: LoopbackDiscord, one: Interaction) -> int:
    return await server.until(lambda: one.acknowledged)


def told(one: Interaction) -> tuple[str, bool]:
    """What an interaction was answered with, and whether only its user sees that."""
    assert one.original is not None
    return one.original.content, bool(one.original.flags & 64)


# What people write.


async def test_a_mention_is_kept(server: LoopbackDiscord, erica: Erica) -> None:
    async with listening(server, erica):
        message = await server.mention(HELP, "ada", "What is attention?", [File("loss.py", b"print(1)")])
        asked = await erica.asked()
    assert (asked.kind, asked.text, asked.course, asked.thread) == ("mention", "What is attention?", "ai", None)
    assert (asked.workspace, asked.channel, asked.message) == (GUILD, HELP, message.id)
    assert (asked.author, asked.event, asked.private) == (server.user("ada").id, "", False)
    assert [(file.name, file.size) for file in asked.attachments] == [("loss.py", 8)]
    assert not server.refused
    assert b'erica_acknowledged_seconds_count{platform="discord"} 1.0' in erica.metrics.render()[0]


async def test_what_is_delivered_twice_is_kept_once(server: LoopbackDiscord, erica: Erica) -> None:
    server.copies = 3
    async with listening(server, erica):
        message = await server.mention(HELP, "ada", "What is attention?")
        assert (await erica.asked()).message == message.id
        server.redeliver(message)
        assert await nothing_else(server, erica)


async def test_what_is_not_for_erica_is_not_kept(server: LoopbackDiscord, erica: Erica) -> None:
    async with listening(server, erica):
        await server.message(HELP, "ada", "hello everybody")
        server.post(server.channel(HELP), User("77", "other bot", bot=True), f"<@{server.bot.id}> hello")
        server.post(server.channel(HELP), server.bot, f"<@{server.bot.id}> me too")
        assert await nothing_else(server, erica)


async def test_a_direct_message_needs_no_mention(server: LoopbackDiscord, erica: Erica) -> None:
    async with listening(server, erica):
        message = await server.direct("ada", "What is CLIP?")
        asked = await erica.asked()
    assert (asked.kind, asked.workspace, asked.channel) == ("direct", "", message.channel.id)
    assert (asked.course, asked.private, asked.thread) == ("ai", True, None)


async def test_follow_ups_in_ericas_own_thread_need_none_either(server: LoopbackDiscord, erica: Erica) -> None:
    async with listening(server, erica):
        question = await server.mention(HELP, "ada", "What is attention?")
        first = await erica.asked()
        thread = server.open_thread(server.channel(HELP), "What is attention?", server.bot, question)
        await erica.journal.open(first.conversation, "ai")
        await server.reply(thread.id, "ada", f"<@{server.user('ben').id}> look at that")
        await server.reply(thread.id, "ada", "and in Python?")
        asked = await erica.asked()
    assert (asked.kind, asked.text, asked.channel, asked.thread) == ("message", "and in Python?", HELP, thread.id)
    assert asked.conversation == first.conversation
    assert await erica.rest() == []


async def test_a_thread_that_discord_did_not_tell_of_is_looked_up_once(server: LoopbackDiscord, erica: Erica) -> None:
    async with listening(server, erica):
        parent = server.channel(HELP)
        thread = server.channels["444"] = Channel("444", "old", 11, server.now(), parent.guild, parent, [server.bot])
        await erica.journal.open(f"discord:{GUILD}:{HELP}:444", "ai")
        await server.reply(thread.id, "ada", "one")
        assert (await erica.asked()).channel == HELP
        await server.reply(thread.id, "ada", "two")
        assert (await erica.asked()).thread == "444"
    assert [call.path for call in server.calls].count("/channels/444") == 1


async def test_an_edit_starts_over_what_is_being_answered(server: LoopbackDiscord, erica: Erica) -> None:
    async with listening(server, erica):
        message = await server.mention(HELP, "ada", "What is attntion?")
        asked = await erica.asked()
        await erica.journal.write(asked.question, Entry("d1"))
        await server.edit(message, f"<@{server.bot.id}> What is attention?")
        again = await erica.asked()
    halts = await erica.journal.halts([asked.question])
    assert (again.question, again.text) == (asked.question, "What is attention?")
    assert halts == {asked.question: Halt("edited", again.revision)}
    assert again.revision


async def test_previews_and_late_edits_change_nothing(server: LoopbackDiscord, erica: Erica) -> None:
    async with listening(server, erica):
        message = await server.mention(HELP, "ada", "What is attention?")
        asked = await erica.asked()
        await erica.journal.write(asked.question, Entry("d1"))
        server.announce("MESSAGE_UPDATE", message)  # as when a preview appears
        server.wind(90)
        await server.edit(message, f"<@{server.bot.id}> What is self-attention?")
        assert await nothing_else(server, erica)
    assert await erica.journal.halts([asked.question]) == {}


async def test_a_deleted_question_is_stopped(server: LoopbackDiscord, erica: Erica) -> None:
    async with listening(server, erica):
        public = await server.mention(HELP, "ada", "What is attention?")
        private = await server.direct("ada", "What is CLIP?")
        asked = [await erica.asked(), await erica.asked()]
        await server.delete(public)
        await server.delete(private)
        await server.until(lambda: len(erica.journal.halted) == 2)
    questions = [one.question for one in asked]
    assert await erica.journal.halts(questions) == dict.fromkeys(questions, Halt("deleted"))


# When Redis is away.


async def test_what_cannot_be_kept_is_tried_again(server: LoopbackDiscord, erica: Erica) -> None:
    async with listening(server, erica):
        erica.intake.failures = 2
        message = await server.mention(HELP, "ada", "What is attention?")
        asked = await erica.asked()
    assert asked.message == message.id


async def test_what_could_not_be_kept_is_found_at_the_next_session(
    server: LoopbackDiscord, erica: Erica, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(server, erica, patience=0.01):
        await caught_up(server, erica)
        erica.intake.failures = 2
        lost = await server.mention(HELP, "ada", "the secret question")
        await server.until(lambda: erica.intake.failures == 0)
        kept = await server.mention(HELP, "ben", "a later one")
        assert (await erica.asked()).message == kept.id
        server.forget_sessions()
        server.drop_sockets()
        assert (await erica.asked()).message == lost.id
    assert await erica.rest() == []
    assert f"message {lost.id} could not be kept: out of reach" in caplog.text
    assert "secret" not in caplog.text


async def test_what_is_under_way_is_kept_before_it_stops(server: LoopbackDiscord, erica: Erica) -> None:
    async with listening(server, erica):
        erica.intake.failures = 2
        message = await server.mention(HELP, "ada", "What is attention?")
        await server.until(lambda: erica.intake.failures < 2)
    assert [one.message for one in await erica.rest()] == [message.id]


# Connections.


async def test_after_a_dropped_socket_what_was_missed_is_replayed(server: LoopbackDiscord, erica: Erica) -> None:
    async with listening(server, erica):
        await server.mention(HELP, "ada", "one")
        server.drop_sockets()
        await server.mention(HELP, "ada", "two")
        await server.until(lambda: server.resumed)
        await server.mention(HELP, "ada", "three")
        texts = [(await erica.asked()).text for _ in range(3)]
    assert sorted(texts) == ["one", "three", "two"]
    assert await erica.rest() == []
    assert len(server.identified) == 1


async def test_after_an_invalid_session_what_was_missed_is_looked_up(server: LoopbackDiscord, erica: Erica) -> None:
    async with listening(server, erica):
        await caught_up(server, erica)
        question = await server.mention(HELP, "ada", "before")
        before = await erica.asked()
        await erica.journal.open(before.conversation, "ai")
        server.open_thread(server.channel(HELP), "t", server.bot, question)
        await server.until(lambda: question.id in erica.journal.marks)
        server.open = False
        server.invalidate_sessions()
        await server.until(lambda: not server.sockets)
        missed = await server.mention(HELP, "ada", "missed")
        in_thread = await server.reply(question.id, "ada", "and in Python?")
        await server.message(HELP, "ben", "not for Erica")
        server.open = True
        found = [await erica.asked(), await erica.asked()]
        after = await server.mention(HELP, "ada", "after")
        assert (await erica.asked()).message == after.id
        server.invalidate_sessions()
        await server.until(lambda: len(server.identified) == 3)
        last = await server.mention(HELP, "ada", "last")
        assert (await erica.asked()).message == last.id
    assert {one.message for one in found} == {missed.id, in_thread.id}
    assert {one.thread for one in found} == {None, question.id}
    assert await erica.rest() == []


async def test_what_was_asked_between_two_runs_is_found_but_nothing_from_before_the_first(
    server: LoopbackDiscord, erica: Erica
) -> None:
    await server.mention(HELP, "ada", "long before")
    async with listening(server, erica):
        await caught_up(server, erica)
    missed = await server.mention(HELP, "ada", "meanwhile")
    async with listening(server, erica):
        assert (await erica.asked()).message == missed.id
    async with listening(server, erica):
        await server.mention(HELP, "ada", "now")
        assert (await erica.asked()).text == "now"
    assert await erica.rest() == []


async def test_a_channel_that_cannot_be_read_holds_up_no_other(server: LoopbackDiscord, redis: Redis) -> None:
    erica = Erica(redis, channels=((GUILD, "404"), ("999", "998"), (GUILD, HELP)))
    async with listening(server, erica):
        await caught_up(server, erica)
        await server.mention(HELP, "ada", "What is attention?")
        assert (await erica.asked()).text == "What is attention?"


async def test_a_session_ends_over_an_event_that_makes_no_sense_and_another_begins(
    server: LoopbackDiscord, erica: Erica
) -> None:
    async with listening(server, erica) as listener:
        await caught_up(server, erica)
        first = listener.client
        guild = server.guilds[GUILD]
        server.emit("MESSAGE_CREATE", {"id": "x", "channel_id": HELP, "guild_id": GUILD}, guild)
        await server.mention(HELP, "ada", "What is attention?")
        assert (await erica.asked()).text == "What is attention?"
        assert listener.client is not first
    assert await erica.rest() == []


async def test_a_wrong_token_is_said_at_once(server: LoopbackDiscord, erica: Erica) -> None:
    access = DiscordAccess(SecretStr("wrong-token"), server.url + API)
    listener = DiscordListener(erica.reception, erica.journal, access, erica.metrics, erica.channels)
    with pytest.raises(ConfigError) as refused:
        await listener.start()
    await listener.stop()
    assert "ERICA_DISCORD_TOKEN" in refused.value.hint
    assert "wrong-token" not in f"{refused.value} {refused.value.hint}"
    assert not listener.ready


async def test_a_revoked_token_ends_it(server: LoopbackDiscord, erica: Erica, caplog: pytest.LogCaptureFixture) -> None:
    async with listening(server, erica) as listener:
        old, LoopbackDiscord.token = server.token, "another"
        try:
            server.drop_sockets()
            with pytest.raises(ConfigError, match="token"):
                await listener.ended()
        finally:
            LoopbackDiscord.token = old
        assert not listener.ready
    assert old not in caplog.text


async def test_out_of_reach_is_no_reason_to_give_up(server: LoopbackDiscord, erica: Erica) -> None:
    server.fail("GET /users/@me", Fault(403, message="not now"))
    async with listening(server, erica) as listener:
        await server.mention(HELP, "ada", "What is attention?")
        assert (await erica.asked()).text == "What is attention?"
        await listener.client.wait_until_ready()
        assert listener.ready


async def test_without_the_message_content_it_works_by_mention(
    server: LoopbackDiscord, erica: Erica, caplog: pytest.LogCaptureFixture
) -> None:
    server.portal_intents &= ~MESSAGE_CONTENT
    async with listening(server, erica):
        question = await server.mention(HELP, "ada", "What is attention?")
        first = await erica.asked()
        thread = server.open_thread(server.channel(HELP), "t", server.bot, question)
        await erica.journal.open(first.conversation, "ai")
        await server.reply(thread.id, "ada", "and in Python?")
        await server.mention(thread.id, "ada", "and in Rust?")
        assert (await erica.asked()).text == "and in Rust?"
        await server.direct("ada", "What is CLIP?")
        assert (await erica.asked()).text == "What is CLIP?"
        assert await nothing_else(server, erica)
    assert caplog.text.count("by mention and command only") == 1
    assert [bool(one["intents"] & MESSAGE_CONTENT) for one in server.identified] == [True, False]


async def test_shards_and_a_gateway_of_ones_own(server: LoopbackDiscord, redis: Redis) -> None:
    far = str(1 << 22)  # on the other shard
    server.guild(far, channels=["22"], members=["ada"])
    server.shards = 2
    erica = Erica(redis, channels=((GUILD, HELP), (far, "22")))
    async with listening(server, erica, gateway=server.gateway_url) as listener:
        await server.mention(HELP, "ada", "here")
        await server.mention("22", "ada", "there")
        assert {(await erica.asked()).workspace for _ in range(2)} == {GUILD, far}
        await listener.client.wait_until_ready()
        assert listener.ready


async def test_a_configured_gateway_is_enough(server: LoopbackDiscord, erica: Erica) -> None:
    server.fail("GET /gateway/bot", Fault(404), times=2)
    async with listening(server, erica, gateway=server.gateway_url):
        await server.mention(HELP, "ada", "here")
        assert (await erica.asked()).text == "here"


# Commands, menus, buttons and forms.


@pytest.mark.parametrize(
    ("name", "options", "text", "alone"),
    [
        ("ask", {"question": "What is attention?"}, "What is attention?", False),
        ("concept", {"name": "CLIP"}, "CLIP", True),
        ("path", {"to": "CLIP"}, "CLIP", True),
        ("path", {"to": "CLIP", "from": "attention"}, "attention > CLIP", True),
        ("sources", {"question": "heaps"}, "heaps", True),
        ("help", {}, "", True),
    ],
)
async def test_commands_are_kept_then_acknowledged(
    server: LoopbackDiscord, erica: Erica, name: str, options: dict[str, str], text: str, alone: bool
) -> None:
    async with listening(server, erica):
        one = await server.slash(name, "ada", HELP, **options)
        assert await acknowledged(server, one) == 5
        asked = await erica.asked()
    assert (asked.kind, asked.command, asked.text) == ("command", name, text)
    assert (asked.event, asked.reply_to, asked.message) == (one.id, one.token, "")
    assert (asked.course, asked.channel, asked.author) == ("ai", HELP, server.user("ada").id)
    assert told(one) == ("", alone)


async def test_commands_work_in_threads_and_in_private(server: LoopbackDiscord, erica: Erica) -> None:
    thread = server.open_thread(server.channel(HELP), "t", server.bot, None)
    private = server.private(server.user("ada"))
    async with listening(server, erica):
        await server.slash("ask", "ada", thread.id, question="one")
        first = await erica.asked()
        await server.slash("ask", "ada", private.id, question="two")
        second = await erica.asked()
    assert (first.channel, first.thread, first.private) == (HELP, thread.id, False)
    assert (second.workspace, second.channel, second.private) == ("", private.id, True)
    assert second.course == "ai"


async def test_a_command_that_is_replayed_is_kept_once(
    server: LoopbackDiscord, erica: Erica, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(server, erica):
        [session] = server.sessions.values()
        one = await server.slash("ask", "ada", HELP, question="one")
        assert await acknowledged(server, one) == 5
        assert (await erica.asked()).event == one.id
        assert session.outbox is not None
        [frame] = [sent for sent in session.sent if '"INTERACTION_CREATE"' in sent]
        session.outbox.put_nowait(frame)
        await server.until(lambda: [call for call in server.calls if call.code == 40060])
        assert await nothing_else(server, erica)
    assert not caplog.records


async def test_a_command_that_cannot_be_kept_says_so(server: LoopbackDiscord, erica: Erica) -> None:
    async with listening(server, erica):
        erica.intake.failures = 1
        one = await server.slash("ask", "ada", HELP, question="one")
        assert await acknowledged(server, one) == 4
    assert told(one) == (TRY_AGAIN, True)


async def test_an_expired_interaction_is_a_line_in_the_log(
    server: LoopbackDiscord, erica: Erica, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot")
    async with listening(server, erica):
        one = await server.slash("ask", "ada", HELP, question="the secret question")
        server.wind(10)
        await server.until(lambda: [call for call in server.calls if call.code == 10062])
        another = await server.slash("ask", "ada", HELP, question="two")
        assert await acknowledged(server, another) == 5
    assert "an interaction had expired" in caplog.text
    assert one.token not in caplog.text
    assert "secret" not in caplog.text


async def test_names_are_suggested_while_typing(server: LoopbackDiscord, erica: Erica) -> None:
    erica.concepts = ("attention", "CLIP", "x" * 150, *(f"concept {n}" for n in range(40)))
    async with listening(server, erica):
        for_name = await server.autocomplete("concept", "ada", HELP, name="a")
        for_start = await server.autocomplete("path", "ada", HELP, to="CLIP", **{"from": "b"})
    assert [choice["value"] for choice in for_name[:3]] == ["attention", "CLIP", "x" * 100]
    assert len(for_name) == len(for_start) == 25
    assert erica.typed == ["a", "b"]


async def test_the_menu_of_a_message_asks_about_it(server: LoopbackDiscord, erica: Erica) -> None:
    async with listening(server, erica):
        message = await server.message(HELP, "ben", "Why is `x` None?")
        one = await server.context_menu(message, "ada", MENU)
        assert await acknowledged(server, one) == 5
        asked = await erica.asked()
    assert (asked.kind, asked.command, asked.text) == ("shortcut", "ask", "Why is `x` None?")
    assert (asked.message, asked.author, asked.event) == (message.id, server.user("ada").id, one.id)
    assert told(one) == ("", True)


async def test_a_choice_is_a_command(server: LoopbackDiscord, erica: Erica) -> None:
    async with listening(server, erica):
        message, one = await press(server, "erica:choice:concept:C++: a start")
        assert await acknowledged(server, one) == 6
        asked = await erica.asked()
    assert (asked.kind, asked.command, asked.text) == ("command", "concept", "C++: a start")
    assert (asked.message, asked.reply_to, asked.event) == (message.id, one.token, one.id)


async def test_buttons_of_another_version_say_so(server: LoopbackDiscord, erica: Erica) -> None:
    async with listening(server, erica):
        for custom_id in ("erica:choice:format:disk", "erica:other"):
            _, one = await press(server, custom_id)
            await acknowledged(server, one)
            assert told(one) == (OLD_BUTTON, True)
        assert await nothing_else(server, erica)


async def rated(erica: Erica) -> list[Feedback]:
    return [one async for one in erica.feedback.all("ai")]


async def kept_answer(erica: Erica) -> None:
    at = "2026-10-01T12:00:00+00:00"
    record = AnswerRecord("a1", "ai", "discord", "What is it?", "It.", "answered", (), None, "v1", at)
    await erica.feedback.keep(record)


async def test_a_thumb_up_is_kept(server: LoopbackDiscord, erica: Erica) -> None:
    await kept_answer(erica)
    async with listening(server, erica):
        _, one = await press(server, "erica:feedback:up:a1")
        await acknowledged(server, one)
    assert told(one) == (THANKS, True)
    assert [said.rating for said in await rated(erica)] == ["up"]


async def test_a_thumb_down_may_be_explained(server: LoopbackDiscord, erica: Erica) -> None:
    await kept_answer(erica)
    async with listening(server, erica):
        _, one = await press(server, "erica:feedback:down:a1")
        assert await acknowledged(server, one) == 9
        form = await server.submit(one, {"reason": "  It is the other one. "})
        await acknowledged(server, form)
        empty = await server.submit(one, {"reason": ""})
        await acknowledged(server, empty)
    assert told(form) == told(empty) == (THANKS, True)
    assert [(said.rating, said.reason) for said in await rated(erica)] == [("down", "It is the other one.")]


async def test_forms_outlive_a_restart(server: LoopbackDiscord, erica: Erica) -> None:
    await kept_answer(erica)
    async with listening(server, erica):
        _, one = await press(server, "erica:feedback:down:a1")
        await acknowledged(server, one)
    async with listening(server, erica):
        await acknowledged(server, await server.submit(one, {"reason": "wrong"}))
    assert [said.reason for said in await rated(erica)] == ["wrong"]


async def test_an_answer_may_be_too_old_to_be_rated(server: LoopbackDiscord, erica: Erica) -> None:
    async with listening(server, erica):
        for rating in ("up", "down"):
            _, one = await press(server, f"erica:feedback:{rating}:gone")
            await acknowledged(server, one)
            assert told(one) == (TOO_OLD, True)


async def test_without_its_commands_erica_still_hears(
    server: LoopbackDiscord, erica: Erica, caplog: pytest.LogCaptureFixture
) -> None:
    server.commands[None] = []
    server.fail(f"PUT /applications/{APP}/commands", Fault(403, 50001, "Missing Access"))
    async with listening(server, erica):
        await server.mention(HELP, "ada", "What is attention?")
        assert (await erica.asked()).text == "What is attention?"
        await server.until(lambda: [call for call in server.calls if call.method == "PUT"])
    assert "could not be registered" in caplog.text
