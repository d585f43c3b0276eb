"""Answers in Discord, as students see them on the loopback Discord, written by the unmodified discord.py."""

import asyncio
import json
import logging
import random
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from discord_records import File, Interaction, Message, Seen
from loopback_discord import API, Fault, LoopbackDiscord, discord_server_fixture
from pydantic import SecretStr

from bot.adapters.discord_client import DiscordRest
from bot.adapters.discord_parts import choice_of, feedback_of, nonce_of, thread_title
from bot.adapters.discord_reply import DiscordReplies
from bot.adapters.redis_client import connect
from bot.adapters.redis_intake import RedisIntake
from bot.adapters.redis_journal import RedisJournal
from bot.errors import ConfigError, DeliveryFailed, Undeliverable
from bot.intake import Attachment, Delivery, Incoming, Progress, thread_name
from bot.messages import Answer, Choice, Citation, Page, Picture
from bot.metrics import Metrics
from bot.ports import Reply

__all__ = ["discord_server_fixture"]

PACE = 0.01
PNG = b"\x89PNG\r\n\x1a\n"
ANSWER = Answer(
    "answered",
    "Attention is a **weighted mean** [1].",
    (Citation(1, "https://example.edu/attention", "Attention", "It is a weighted mean."),),
)


class Erica:
    """A worker's side: intake, journal, client and replies."""

    def __init__(
        self,
        server: LoopbackDiscord,
        intake: RedisIntake,
        journal: RedisJournal,
        rest: DiscordRest,
        metrics: Metrics,
    ) -> None:
        self.server, self.intake, self.journal, self.rest = server, intake, journal, rest
        self.metrics = metrics
        self.replies = DiscordReplies(rest, intake, journal, self.metrics, PACE)

    async def takes(self, incoming: Incoming) -> Delivery:
        """Keeps an event and takes it from the intake at once."""
        assert await self.intake.put(incoming)
        return await self.takes_next()

    async def takes_next(self) -> Delivery:
        delivery = await self.intake.take("worker", 5.0)
        assert delivery is not None
        return delivery

    async def asked(self, text: str = "What is attention?", user: str = "ada", channel: str = "help") -> Delivery:
        """A student mentions Erica."""
        return await self.takes(incoming_of(await self.server.mention(channel, user, text)))

    async def used(self, interaction: Interaction, **more: Any) -> Delivery:
        """A command that the listener has kept, before it deferred it."""
        place = interaction.channel
        return await self.takes(
            Incoming(
                platform="discord",
                workspace=place.guild.id if place.guild else "",
                channel=place.parent.id if place.parent else place.id,
                message=more.pop("message", ""),
                thread=place.id if place.parent else None,
                author=interaction.user.id,
                text=more.pop("text", ""),
                kind=more.pop("kind", "command"),
                received=0.0,
                event=interaction.id,
                reply_to=interaction.token,
                private=place.guild is None,
                **more,
            )
        )

    async def defers(self, interaction: Interaction, ephemeral: bool = False) -> None:
        """What the listener tells Discord: an answer will come."""
        update = interaction.source is not None
        body = {"type": 6} if update else {"type": 5, "data": {"flags": 64 if ephemeral else 0}}
        url = f"{self.server.url}{API}/interactions/{interaction.id}/{interaction.token}/callback"
        async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
            assert response.status == 204


def incoming_of(message: Message) -> Incoming:
    """As the listener makes it."""
    place, text = message.channel, re.sub(r"^<@\d+> ", "", message.content)
    kind = "direct" if place.guild is None else "mention"
    return Incoming(
        platform="discord",
        workspace=place.guild.id if place.guild else "",
        channel=place.parent.id if place.parent else place.id,
        message=message.id,
        thread=place.id if place.parent else None,
        author=message.author.id,
        text=text,
        kind="direct" if kind == "direct" else "mention",
        received=message.at,
        private=place.guild is None,
    )


@pytest.fixture
def server(discord_server: LoopbackDiscord) -> LoopbackDiscord:
    """A course: two channels, two students; the commands are registered."""
    discord_server.guild("1", channels=["help", "ml"], members=["ada", "ben"])
    question = {"name": "question", "type": 3, "required": True}
    discord_server.commands[None] = [
        {"id": "11", "type": 1, "name": "ask", "options": [question]},
        {"id": "12", "type": 1, "name": "concept", "options": [question]},
        {"id": "13", "type": 3, "name": "Ask Erica about this"},
    ]
    return discord_server


@pytest.fixture
async def erica(server: LoopbackDiscord, url: str) -> AsyncIterator[Erica]:
    redis, metrics = connect(url), Metrics()
    async with DiscordRest(SecretStr(server.token), metrics) as rest:
        erica = Erica(server, RedisIntake(redis, rests=()), RedisJournal(redis), rest, metrics)
        try:
            yield erica
        finally:
            await erica.replies.close()
            await redis.aclose()


def counted(metrics: Metrics, name: str) -> float:
    """A metric's samples of that name, summed."""
    return sum(one.value for family in metrics.registry.collect() for one in family.samples if one.name == name)


def said(server: LoopbackDiscord, place: str) -> list[Seen]:
    """What Erica said there."""
    return [one for one in server.thread(place) if one.author == "Erica"]


def words(messages: list[Seen]) -> str:
    return "\n\n".join(one.content for one in messages)


async def streamed(reply: Reply, answer: Answer = ANSWER, status: str = "Searching …") -> str:
    await reply.begin(status)
    reply.show(answer.text[: len(answer.text) // 2])
    link = await reply.finish(answer)
    await reply.close()
    return link


# A question in a channel, in a thread, in private.


async def test_an_answer_streams_into_the_questions_thread(server: LoopbackDiscord, erica: Erica) -> None:
    delivery = await erica.asked("What is <@&5678> **attention**?")
    reply = erica.replies.to(delivery)
    await reply.begin("Searching …")
    [placeholder] = said(server, delivery.incoming.message)
    assert placeholder.content == "Searching …"
    reply.status("Writing …")
    await server.until(lambda: said(server, delivery.incoming.message)[0].content == "Writing …")
    reply.show("Attention is a **weig")
    await server.until(lambda: "Attention is" in said(server, delivery.incoming.message)[0].content)
    reply.status("Never shown any more")
    link = await reply.finish(ANSWER)
    await reply.close()
    [seen] = said(server, delivery.incoming.message)
    assert "Attention is a **weighted mean** [[1]](<https://example.edu/attention>)." in seen.content
    assert [part["emoji"]["name"] for row in server.find(seen.id).components for part in row["components"]] == [
        "👍",
        "👎",
    ]
    assert [feedback_of(one.custom_id) for one in seen.components] == [("up", delivery.id), ("down", delivery.id)]
    assert link == f"https://discord.com/channels/1/{delivery.incoming.message}/{seen.id}"
    assert server.channel(delivery.incoming.message).name == "What is attention?"
    assert reply.progress == Progress(seen.id, "", delivery.incoming.message)
    assert reply.conversation == delivery.incoming.conversation
    assert counted(erica.metrics, "erica_first_text_seconds_count") == 1
    assert not server.refused


async def test_a_follow_up_is_answered_below_it(server: LoopbackDiscord, erica: Erica) -> None:
    first = await erica.asked()
    await streamed(erica.replies.to(first))
    asked = await server.reply(first.incoming.message, "ben", "and in Python?")
    follow_up = await erica.takes(incoming_of(asked))
    reply = erica.replies.to(follow_up)
    await streamed(reply, replace(ANSWER, text="`softmax(q @ k.T) @ v`"))
    seen = said(server, first.incoming.message)
    assert [one.reply_to for one in seen] == [None, asked.id]
    assert "softmax" in seen[1].content
    assert seen[1].pings == ()
    assert reply.conversation == first.incoming.conversation


async def test_in_private_the_answer_stands_below_the_question(server: LoopbackDiscord, erica: Erica) -> None:
    asked = await server.direct("ada", "What is CLIP?")
    delivery = await erica.takes(incoming_of(asked))
    reply = erica.replies.to(delivery)
    link = await streamed(reply)
    [seen] = said(server, asked.channel.id)
    assert seen.reply_to == asked.id
    assert link == f"https://discord.com/channels/@me/{asked.channel.id}/{seen.id}"
    assert reply.conversation == delivery.incoming.direct_line


async def test_where_no_thread_may_be_opened_the_channel_must_do(server: LoopbackDiscord, erica: Erica) -> None:
    server.deny("help", "create_public_threads")
    delivery = await erica.asked()
    await streamed(erica.replies.to(delivery))
    [seen] = said(server, "help")
    assert "weighted mean" in seen.content
    assert seen.reply_to == delivery.incoming.message


async def test_a_thread_that_somebody_opened_before_is_used(server: LoopbackDiscord, erica: Erica) -> None:
    delivery = await erica.asked()
    message = server.find(delivery.incoming.message)
    server.open_thread(message.channel, "Attention?", server.user("ben"), message)
    await streamed(erica.replies.to(delivery))
    assert "weighted mean" in words(said(server, message.id))


async def test_a_title_that_the_server_blocks_is_left_out(server: LoopbackDiscord, erica: Erica) -> None:
    server.fail("POST /channels/*/messages/*/threads", Fault(400, 200001, "Title was blocked by automatic moderation"))
    delivery = await erica.asked()
    await streamed(erica.replies.to(delivery))
    assert server.channel(delivery.incoming.message).name == "Question"


async def test_ten_questions_at_once_stay_apart(server: LoopbackDiscord, erica: Erica) -> None:
    deliveries = [await erica.asked(f"What is thing {number}?", "ada" if number % 2 else "ben") for number in range(3)]
    for number in range(3, 10):
        asked = await server.mention("help", "ada", f"What is thing {number}?")
        incoming = replace(incoming_of(asked), author=f"student {number}")
        deliveries.append(await erica.takes(incoming))

    async def answered(number: int, delivery: Delivery) -> None:
        reply = erica.replies.to(delivery)
        await reply.begin("Searching …")
        for length in range(5):
            reply.show(f"Thing {number} " + "is " * length)
            await asyncio.sleep(0)
        await reply.finish(replace(ANSWER, text=f"Thing {number} is thing {number}."))
        await reply.close()

    await asyncio.gather(*(answered(number, one) for number, one in enumerate(deliveries)))
    for number, delivery in enumerate(deliveries):
        [seen] = said(server, delivery.incoming.message)
        assert seen.content.startswith(f"Thing {number} is thing {number}.")


# What is long, and what is drawn.


async def test_a_very_long_answer_is_whole(server: LoopbackDiscord, erica: Erica) -> None:
    rng = random.Random(4)
    paragraphs = [" ".join(f"word{rng.randrange(10_000)}" for _ in range(60)) for _ in range(100)]
    text = "\n\n".join(paragraphs)[:40_000]
    delivery = await erica.asked()
    reply = erica.replies.to(delivery)
    await reply.begin("Searching …")
    reply.show(text[:5_000])
    await server.until(lambda: len(said(server, delivery.incoming.message)) == 3)
    await reply.finish(replace(ANSWER, text=text, citations=()))
    await reply.close()
    seen = said(server, delivery.incoming.message)
    assert words(seen).split()[: len(text.split())] == text.split()
    assert all(len(one.content) <= 2_000 for one in seen)
    assert [bool(one.components) for one in seen] == [False] * (len(seen) - 1) + [True]
    assert reply.progress.further == tuple(one.id for one in seen[1:])


async def test_an_answer_that_starts_over_may_be_shorter(server: LoopbackDiscord, erica: Erica) -> None:
    delivery = await erica.asked()
    reply = erica.replies.to(delivery)
    await reply.begin("Searching …")
    reply.show("A first try. " * 300)
    await server.until(lambda: len(said(server, delivery.incoming.message)) > 1)
    reply.show("Another model.")
    await server.until(
        lambda: [one.content for one in said(server, delivery.incoming.message)] == ["Another model.", "…"]
    )
    await reply.finish(replace(ANSWER, text="Another model says so."))
    await reply.close()
    [seen] = said(server, delivery.incoming.message)
    assert seen.content.startswith("Another model says so.")
    assert reply.progress.further == ()


async def test_formulas_are_pictures_with_their_source_for_those_who_cannot_see_them(
    server: LoopbackDiscord, erica: Erica
) -> None:
    delivery = await erica.asked()
    text = "It is\n\n$$\\frac{a}{b}$$\n\nand then\n\n$$\\sum_i x_i$$\n\nof which $$\\unknowncommand{x}$$ stays text."
    await streamed(erica.replies.to(delivery), replace(ANSWER, text=text))
    files = [file for one in said(server, delivery.incoming.message) for file in one.files]
    assert len(files) == 2
    assert all(file.data.startswith(PNG) for file in files)
    bodies = [call.body for call in server.calls if call.files]
    described = [one["description"] for body in bodies for one in body["attachments"]]
    assert described == [r"\frac{a}{b}", r"\sum_i x_i"]
    assert "unknowncommand" in words(said(server, delivery.incoming.message))


async def test_nobody_is_mentioned_and_nothing_is_embedded(server: LoopbackDiscord, erica: Erica) -> None:
    ada = server.user("ada").id
    bait = f"@everyone <@{ada}> <@&1> @here <#1> https://evil.example"
    delivery = await erica.asked(bait)
    reply = erica.replies.to(delivery)
    await reply.begin("Searching …")
    reply.show(bait)
    await server.until(lambda: "evil" in words(said(server, delivery.incoming.message)))
    await reply.finish(replace(ANSWER, text=bait, citations=(Citation(1, "https://e.edu/", bait, bait),)))
    await reply.close()
    asked = await server.slash("ask", "ben", "ml", question=bait)
    used = await erica.used(asked, command="ask", text=bait)
    await erica.defers(asked)
    await streamed(erica.replies.to(used), replace(ANSWER, text=bait))
    posted = [one for channel in server.channels.values() for one in channel.alive if one.author is server.bot]
    assert len(posted) >= 3
    assert {one.pings for one in posted} == {()}
    assert all("@everyone" not in one.content and "<@&1>" not in one.content for one in posted)
    sends = [call for call in server.calls if call.route == "POST /channels/{channel}/messages"]
    assert {call.body["flags"] & 4 for call in sends} == {4}
    assert {json.dumps(call.body["allowed_mentions"]["parse"]) for call in sends} == {"[]"}


# Commands, menus, buttons.


async def test_ask_tells_everybody_the_question_and_answers_in_a_thread(server: LoopbackDiscord, erica: Erica) -> None:
    asked = await server.slash("ask", "ben", "ml", question="What is *attention*?")
    delivery = await erica.used(asked, command="ask", text="What is *attention*?")
    await erica.defers(asked)
    reply = erica.replies.to(delivery)
    link = await streamed(reply)
    [root] = said(server, "ml")
    assert root.content == f"<@{server.user('ben').id}> asked: What is \\*attention\\*?"
    assert root.pings == ()
    assert root.thread is not None
    [seen] = said(server, root.thread)
    assert "weighted mean" in seen.content
    assert link.endswith(f"/{root.thread}/{seen.id}")
    assert reply.conversation == thread_name("discord", "1", server.channel("ml").id, root.thread)
    assert not server.refused


async def test_a_worker_may_be_faster_than_the_listener(server: LoopbackDiscord, erica: Erica) -> None:
    asked = await server.slash("ask", "ben", "ml", question="What is attention?")
    delivery = await erica.used(asked, command="ask", text="What is attention?")
    reply = erica.replies.to(delivery)
    beginning = asyncio.create_task(reply.begin("Searching …"))
    await server.until(lambda: server.refused)
    await erica.defers(asked)
    await beginning
    await reply.finish(ANSWER)
    await reply.close()
    [root] = said(server, "ml")
    assert "asked" in root.content
    assert "weighted mean" in words(said(server, root.id))


async def test_when_the_token_has_expired_the_question_is_posted(server: LoopbackDiscord, erica: Erica) -> None:
    asked = await server.slash("ask", "ben", "ml", question="What is attention?")
    delivery = await erica.used(asked, command="ask", text="What is attention?")
    await erica.defers(asked)
    server.wind(901)
    await streamed(erica.replies.to(delivery))
    root = said(server, "ml")[-1]
    assert root.content.endswith("asked: What is attention?")
    assert "weighted mean" in words(said(server, root.id))


async def test_ask_in_a_thread_is_answered_there(server: LoopbackDiscord, erica: Erica) -> None:
    first = await erica.asked()
    await streamed(erica.replies.to(first))
    asked = await server.slash("ask", "ben", first.incoming.message, question="And why?")
    delivery = await erica.used(asked, command="ask", text="And why?")
    await erica.defers(asked)
    await streamed(erica.replies.to(delivery), replace(ANSWER, text="Because."))
    seen = said(server, first.incoming.message)
    assert seen[1].content.endswith("asked: And why?")
    assert seen[2].content.startswith("Because.")
    assert seen[2].reply_to == seen[1].id


async def test_the_menu_answers_below_the_message_and_says_where(server: LoopbackDiscord, erica: Erica) -> None:
    message = await server.message("help", "ada", "softmax is a temperature thing?")
    used = await server.context_menu(message, "ben")
    delivery = await erica.used(used, kind="shortcut", command="ask", message=message.id, text=message.content)
    await erica.defers(used, ephemeral=True)
    link = await streamed(erica.replies.to(delivery))
    told = said(server, "help")[-1]
    assert (told.content, told.ephemeral_to) == (f"Answering in {link}", "ben")
    assert "weighted mean" in words(said(server, message.id))


async def test_a_page_is_for_its_author_alone_and_leads_on(server: LoopbackDiscord, erica: Erica) -> None:
    used = await server.slash("concept", "ben", "ml", question="attention")
    delivery = await erica.used(used, command="concept", text="attention")
    await erica.defers(used, ephemeral=True)
    choices = (Choice("Softmax", "concept", "softmax"), Choice("Too long", "concept", "x" * 200))
    page = Page("**Attention** is a weighted mean.", Picture("attention", PNG, "A map of concepts."), choices)
    reply = erica.replies.to(delivery)
    await reply.present(page)
    await reply.close()
    [card] = said(server, "ml")
    assert card.ephemeral_to == "ben"
    assert card.content == "**Attention** is a weighted mean."
    assert [(file.name, file.data) for file in card.files] == [("attention.png", PNG)]
    assert [(one.label, choice_of(one.custom_id)) for one in card.components] == [("Softmax", ("concept", "softmax"))]

    pressed = await server.press(card.components[0], "ben")
    onward = await erica.used(pressed, command="concept", text="softmax", message=card.id)
    await erica.defers(pressed)
    reply = erica.replies.to(onward)
    await reply.present(Page("**Softmax** makes weights."))
    await reply.close()
    [card] = said(server, "ml")
    assert (card.content, card.files, card.components) == ("**Softmax** makes weights.", (), ())
    assert not server.refused


async def test_a_long_page_goes_on_for_its_author_alone(server: LoopbackDiscord, erica: Erica) -> None:
    used = await server.slash("concept", "ben", "ml", question="attention")
    delivery = await erica.used(used, command="concept")
    await erica.defers(used, ephemeral=True)
    reply = erica.replies.to(delivery)
    text = "\n\n".join(f"Paragraph {number}. " + "word " * 80 for number in range(12))
    await reply.present(Page(text, choices=(Choice("Softmax", "concept", "softmax"),)))
    await reply.present(Page(text, choices=(Choice("Softmax", "concept", "softmax"),)))  # as after a crash
    seen = said(server, "ml")
    assert words(seen).split() == text.split()
    assert {one.ephemeral_to for one in seen} == {"ben"}
    assert [bool(one.components) for one in seen] == [False] * (len(seen) - 1) + [True]


@pytest.mark.parametrize("closed", [False, True])
async def test_a_page_that_comes_too_late_is_a_direct_message(
    server: LoopbackDiscord, erica: Erica, closed: bool
) -> None:
    used = await server.slash("concept", "ben", "ml", question="attention")
    delivery = await erica.used(used, command="concept")
    await erica.defers(used, ephemeral=True)
    server.wind(901)
    if closed:
        server.fail("POST /users/@me/channels", Fault(403, 50007, "Cannot send messages to this user"))
    await erica.replies.to(delivery).present(Page("**Attention** is a weighted mean."))
    if closed:
        assert "Please try again" in said(server, "ml")[-1].content
        assert said(server, "ml")[-1].pings == ()
    else:
        assert words(said(server, "@ben")) == "**Attention** is a weighted mean."


# Other ends.


async def test_a_polite_line_takes_the_place_of_the_status(server: LoopbackDiscord, erica: Erica) -> None:
    delivery = await erica.asked()
    reply = erica.replies.to(delivery)
    await reply.begin("Searching …")
    await reply.begin("Searching …")
    await reply.present(Page("That is enough for today.", choices=(Choice("Softmax", "concept", "softmax"),)))
    await reply.close()
    [seen] = said(server, delivery.incoming.message)
    assert seen.content == "That is enough for today."
    assert [one.label for one in seen.components] == ["Softmax"]


async def test_thanks_are_answered_with_a_sign_or_not_at_all(server: LoopbackDiscord, erica: Erica) -> None:
    delivery = await erica.asked("Thanks!")
    await erica.replies.to(delivery).react()
    seen = server.thread("help")[0]
    assert seen.reactions == {"🙌": ("Erica",)}
    server.deny("help", "add_reactions")
    await erica.replies.to(await erica.asked("Thank you!")).react()
    assert server.thread("help")[1].reactions == {}


async def test_what_was_shown_is_taken_back(server: LoopbackDiscord, erica: Erica) -> None:
    delivery = await erica.asked()
    reply = erica.replies.to(delivery)
    await reply.begin("Searching …")
    reply.show("Much. " * 500)
    await server.until(lambda: len(said(server, delivery.incoming.message)) > 1)
    await reply.withdraw()
    await reply.close()
    assert said(server, delivery.incoming.message) == []
    assert reply.progress.placeholder == ""


async def test_an_edited_question_gets_its_answer_in_the_same_messages(server: LoopbackDiscord, erica: Erica) -> None:
    delivery = await erica.asked("What is atention?")
    first = erica.replies.to(delivery)
    await first.begin("Searching …")
    first.show("Much. " * 500)
    await server.until(lambda: len(said(server, delivery.incoming.message)) > 1)
    await first.close()
    again = await erica.takes(replace(delivery.incoming, text="What is attention?", revision="2"))
    second = erica.replies.to(again, first.progress)
    await streamed(second)
    [seen] = said(server, delivery.incoming.message)
    assert seen.id == first.progress.placeholder
    assert "weighted mean" in seen.content


async def test_attachments_are_read_from_discord_alone(server: LoopbackDiscord, erica: Erica) -> None:
    message = await server.mention("help", "ada", "Why?", [File("loss.py", b"print(1)\n" * 1000)])
    incoming, file = incoming_of(message), message.files[0]
    attachment = Attachment(file.name, file.url, len(file.data), "text/x-python")
    assert await erica.replies.read(incoming, attachment, 100_000) == file.data
    assert await erica.replies.read(incoming, attachment, 5) == b"print"
    for url in ("https://evil.example/loss.py", "http://cdn.discordapp.com/a", "file:///etc/passwd", "http://[", ""):
        with pytest.raises(DeliveryFailed):
            await erica.replies.read(incoming, replace(attachment, url=url), 5)
    with pytest.raises(DeliveryFailed):
        await erica.replies.read(incoming, replace(attachment, url=f"{server.url}/attachments/1/2/gone"), 5)


# On a bad day.


class Died(Exception):
    """A worker is no more."""


class Mortal:
    """The intake of a worker that dies at its n-th record: just before it is written, or just after."""

    def __init__(self, intake: RedisIntake, dies_at: int, written: bool) -> None:
        self._intake, self._left, self._written = intake, dies_at, written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._intake, name)

    async def record(self, delivery: Delivery, **given: Any) -> Delivery:
        self._left -= 1
        if self._left < 0:
            if self._written and self._left == -1:
                await self._intake.record(delivery, **given)
            raise Died
        return await self._intake.record(delivery, **given)


LONG = replace(ANSWER, text="\n\n".join(f"Paragraph {number}. " + "word " * 150 for number in range(6)))


@pytest.mark.parametrize("minutes", [0, 30])
@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("command", [False, True])
async def test_whenever_a_worker_dies_another_completes_the_same_messages(
    server: LoopbackDiscord, erica: Erica, command: bool, written: bool, minutes: int
) -> None:
    """Half an hour later Discord has forgotten the nonce, and the interaction."""
    deaths = 0
    for dies_at in range(10):
        if command:
            asked = await server.slash("ask", "ben", "ml", question=f"What is thing {dies_at}?")
            delivery = await erica.used(asked, command="ask", text=f"What is thing {dies_at}?")
            await erica.defers(asked)
            server.wind(901 if minutes else 0)
        else:
            delivery = await erica.asked(f"What is thing {dies_at}?")
        mortal: Any = Mortal(erica.intake, dies_at, written)
        doomed = DiscordReplies(erica.rest, mortal, erica.journal, erica.metrics, PACE)
        try:
            await streamed(doomed.to(delivery), LONG)
        except Died:
            deaths += 1
        await doomed.close()
        await erica.intake.release(delivery)
        server.wind(minutes * 60)
        again = await erica.takes_next()
        assert again.id == delivery.id
        reply = erica.replies.to(again)
        await streamed(reply, LONG)
        seen = said(server, reply.progress.thread)
        assert words(seen).split()[: len(LONG.text.split())] == LONG.text.split()
        assert [one.id for one in seen] == [reply.progress.placeholder, *reply.progress.further]
        await erica.intake.done(again)
    assert 7 <= deaths < 10
    roots = [one for one in said(server, "ml") if not one.thinking and "asked" in one.content]
    assert len({one.content for one in roots}) == len(roots) == (10 if command else 0)


async def test_where_erica_cannot_look_back_the_nonce_must_do(server: LoopbackDiscord, erica: Erica) -> None:
    delivery = await erica.asked()
    mortal: Any = Mortal(erica.intake, 4, written=False)  # when the second message has been posted
    doomed = DiscordReplies(erica.rest, mortal, erica.journal, erica.metrics, PACE)
    first = doomed.to(delivery)
    await first.begin("Searching …")
    server.deny(delivery.incoming.message, "read_message_history")
    first.show(LONG.text[:2_500])
    await server.until(lambda: len(said(server, delivery.incoming.message)) == 2)
    await first.close()
    await erica.intake.release(delivery)
    await streamed(erica.replies.to(await erica.takes_next()), LONG)
    assert len(server.deduplicated) == 1
    seen = said(server, delivery.incoming.message)
    assert words(seen).split()[: len(LONG.text.split())] == LONG.text.split()


async def test_rate_limits_are_waited_for_and_counted(
    server: LoopbackDiscord, erica: Erica, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    asked = await server.slash("ask", "ben", "ml", question="What is attention?")
    delivery = await erica.used(asked, command="ask", text="What is attention?")
    await erica.defers(asked)
    for route in ("POST /channels/*/messages", "PATCH /channels/*", "POST /channels/*/threads", "PATCH /webhooks/*"):
        server.fail(route, Fault(retry_after=0.02), times=3)
    await streamed(erica.replies.to(delivery))
    [root] = said(server, "ml")
    assert "weighted mean" in words(said(server, root.id))
    assert counted(erica.metrics, "erica_rate_limited_total") == 12
    labels = {
        sample.labels["method"]
        for family in erica.metrics.registry.collect()
        for sample in family.samples
        if sample.name == "erica_rate_limited_total"
    }
    assert labels == {
        "POST /channels/{id}/messages",
        "PATCH /channels/{id}/messages/{id}",
        "POST /channels/{id}/messages/{id}/threads",
        "PATCH /webhooks/{id}/{token}/messages/@original",
    }
    assert asked.token not in caplog.text
    assert "attention" not in caplog.text


@pytest.mark.parametrize("fault", [Fault(502, lost=True), Fault(502), Fault(drop=True, lost=True), Fault(503)])
async def test_lost_answers_of_discord_make_no_second_message(
    server: LoopbackDiscord, erica: Erica, fault: Fault
) -> None:
    delivery = await erica.asked()
    server.fail("POST /channels/*/messages", fault)
    server.fail("POST /channels/*/messages/*/threads", fault)
    await streamed(erica.replies.to(delivery))
    [seen] = said(server, delivery.incoming.message)
    assert "weighted mean" in seen.content
    assert server.repeated() == []


@pytest.mark.parametrize("shown", [False, True])
async def test_a_message_that_is_deleted_under_the_edit_is_posted_anew(
    server: LoopbackDiscord, erica: Erica, shown: bool
) -> None:
    delivery = await erica.asked()
    reply = erica.replies.to(delivery)
    await reply.begin("Searching …")
    await server.delete(server.find(reply.progress.placeholder))
    if shown:
        reply.show("Attention")
        await server.until(lambda: server.refused)
    await reply.finish(ANSWER)
    await reply.close()
    [seen] = said(server, delivery.incoming.message)
    assert "weighted mean" in seen.content
    assert reply.progress.placeholder == seen.id


async def test_a_message_too_old_to_be_edited_is_replaced(server: LoopbackDiscord, erica: Erica) -> None:
    server.old_edits = 0
    delivery = await erica.asked()
    reply = erica.replies.to(delivery)
    await reply.begin("Searching …")
    server.wind(3601)
    await reply.finish(LONG)
    await reply.close()
    assert words(said(server, delivery.incoming.message)).split()[:5] == LONG.text.split()[:5]
    assert "Searching" not in words(said(server, delivery.incoming.message))


async def test_an_archived_thread_wakes_and_a_locked_one_does_not(server: LoopbackDiscord, erica: Erica) -> None:
    sleeping, locked = await erica.asked("What is attention?"), await erica.asked("What is CLIP?", "ben")
    first, second = erica.replies.to(sleeping), erica.replies.to(locked)
    await first.begin("Searching …")
    await second.begin("Searching …")
    server.set_thread(sleeping.incoming.message, archived=True)
    server.set_thread(locked.incoming.message, archived=True, locked=True)
    first.show("Att")
    await first.finish(ANSWER)
    [seen] = said(server, sleeping.incoming.message)
    assert "weighted mean" in seen.content
    with pytest.raises(Undeliverable):
        await second.finish(ANSWER)
    await first.close()
    await second.close()


@pytest.mark.parametrize("what", ["deleted question", "deleted channel", "hidden channel", "silenced channel"])
async def test_where_nothing_can_be_said_no_other_attempt_is_made(
    server: LoopbackDiscord, erica: Erica, what: str
) -> None:
    delivery = await erica.asked()
    match what:
        case "deleted question":
            await server.delete(server.find(delivery.incoming.message))
        case "deleted channel":
            server.remove_channel("help")
        case "hidden channel":
            server.deny("help", "view_channel")
        case _:
            server.deny("help", "create_public_threads", "send_messages")
    with pytest.raises(Undeliverable):
        await erica.replies.to(delivery).begin("Searching …")


async def test_a_revoked_token_is_told_plainly(server: LoopbackDiscord, erica: Erica) -> None:
    delivery = await erica.asked()
    server.token = "another"
    with pytest.raises(Undeliverable):
        await erica.replies.to(delivery).begin("Searching …")
    with pytest.raises(ConfigError, match="ERICA_DISCORD_TOKEN"):
        async with DiscordRest(SecretStr("wrong"), Metrics()):
            pass


async def test_a_redis_that_forgets_us_stops_the_reply(server: LoopbackDiscord, erica: Erica) -> None:
    delivery = await erica.asked()
    await erica.intake.done(delivery)
    with pytest.raises(Exception, match="no longer"):
        await erica.replies.to(delivery).begin("Searching …")
    assert said(server, delivery.incoming.message) == []


# Small things.


def test_titles_are_short_and_plain() -> None:
    assert (
        thread_title("<@1234> <:smile:99> **What** is `softmax`?\n\n```py\nx_1 = 2\n```")
        == "What is softmax? py x_1 = 2"
    )
    assert thread_title("@everyone \u202eevil\u2069") == "@everyone evil"
    assert thread_title("<@1234>") == "Question"
    assert thread_title("word " * 50) == "word " * 14 + "word…"
    assert thread_title("x" * 500) == "x" * 79 + "…"


def test_buttons_of_others_are_none_of_ours() -> None:
    assert feedback_of("erica:feedback:sideways:17-0") is None
    assert feedback_of("erica:feedback:up:") is None
    assert choice_of("erica:feedback:up:17-0") is None
    assert choice_of("erica:choice:path:a > b: c") == ("path", "a > b: c")


def test_nonces_are_short_and_their_own() -> None:
    nonces = {nonce_of(f"17{n}-0", part, again) for n in range(20) for part in range(20) for again in range(3)}
    assert len(nonces) == 1200
    assert max(map(len, nonces)) <= 25
