"""Bad days of Discord: storms, sessions that end, revoked tokens, threads that are locked, what is deleted."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from campus import logged
from discord_records import Message, Seen
from loopback_discord import Fault, LoopbackDiscord, discord_server_fixture
from loopback_model import LoopbackModel, gated, model_server_fixture, ok
from running_erica import DISCORD_CHANNEL, GUILD, Surroundings, running_here, surroundings_in

from bot.errors import ConfigError
from bot.running import Service

__all__ = ["discord_server_fixture", "model_server_fixture"]

OTHER = "800000000000000003"
QUESTION = "What is attention in transformers?"
HALF = "The first half of it, and then nothing for a while.\n\n"
ANSWER = ("Attention lets each word look at **all the others** [1].\n\n", "It is a weighted mean [2].")


@pytest.fixture
async def surroundings(
    tmp_path: Path, demo_indexes: Path, discord_server: LoopbackDiscord, model_server: LoopbackModel
) -> Surroundings:
    discord_server.guild(GUILD, [DISCORD_CHANNEL, OTHER], [f"student{number}" for number in range(20)])
    model_server.script = [ok(*ANSWER)]
    other = f'[[channels]]\nplatform = "discord"\nworkspace = "{GUILD}"\nid = "{OTHER}"\n'
    return surroundings_in(tmp_path, demo_indexes, other, discord=discord_server, model=model_server)


@pytest.fixture(name="erica")
async def erica_in_discord(surroundings: Surroundings, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Service]:
    caplog.set_level(logging.INFO, "bot")
    async with running_here(surroundings) as service:
        yield service


async def asked(discord: LoopbackDiscord, text: str, student: int = 0, channel: str = DISCORD_CHANNEL) -> Message:
    return await discord.mention(channel, f"student{student}", text)


def said(discord: LoopbackDiscord, question: Message) -> list[Seen]:
    """Erica's messages in the question's thread."""
    return [one for one in discord.thread(question.id) if one.author == discord.bot.name and not one.thinking]


def answers(discord: LoopbackDiscord, question: Message) -> list[Seen]:
    return [one for one in said(discord, question) if "Sources" in one.content]


async def answered(discord: LoopbackDiscord, *questions: Message) -> None:
    """Until each has its answer; then that is all Erica has said there."""
    for question in questions:
        await discord.until(lambda question=question: answers(discord, question), within=20)  # type: ignore[misc]
    # What was replaced is deleted once the new message stands.
    await discord.until(lambda: [len(said(discord, question)) for question in questions] == [1] * len(questions))


async def begun(discord: LoopbackDiscord, question: Message) -> Seen:
    """The answer, once its first half can be read."""
    await discord.until(lambda: any("first half" in one.content for one in said(discord, question)))
    return said(discord, question)[0]


async def readiness(service: Service) -> dict[str, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{service.port}/readyz") as response,
    ):
        return dict((await response.json())["checks"])


async def test_whatever_is_told_many_times_is_answered_once_in_a_storm(
    erica: Service, discord_server: LoopbackDiscord, caplog: pytest.LogCaptureFixture
) -> None:
    discord = discord_server
    discord.copies = 5
    discord.limits = True
    busy, busy_everywhere = Fault(retry_after=0.1), Fault(retry_after=0.1, everywhere=True)
    broken, lost, dropped = Fault(500), Fault(502, lost=True), Fault(drop=True, lost=True)
    for route, faults in {
        "POST /channels/*/messages/*/threads": (busy, lost, dropped),
        "POST /channels/*/messages": (busy, busy_everywhere, broken, lost, dropped, Fault(drop=True)),
        "PATCH /channels/*": (busy, busy_everywhere, Fault(503), lost, dropped, Fault(drop=True)),
    }.items():
        for fault in faults:
            discord.fail(route, fault)
    questions = [await asked(discord, f"What is attention? Give example {number}.", number) for number in range(10)]
    await answered(discord, *questions)
    assert discord.repeated() == []
    assert "Give example" not in caplog.text
    assert await readiness(erica) == {"discord": "ok", "redis": "ok"}


async def test_what_was_missed_while_a_session_was_lost_is_answered_once(
    erica: Service, discord_server: LoopbackDiscord, model_server: LoopbackModel
) -> None:
    discord = discord_server
    gate = asyncio.Event()
    model_server.script = [gated(gate, HALF, then=ANSWER), ok(*ANSWER)]
    questions = [await asked(discord, QUESTION)]
    await begun(discord, questions[0])
    discord.drop_sockets()
    questions.append(await asked(discord, "What is softmax?", 1))
    await discord.until(lambda: discord.resumed)
    await answered(discord, questions[1])
    discord.open = False
    discord.invalidate_sessions()
    await discord.until(lambda: not discord.sockets)
    questions.append(await asked(discord, "What is gradient descent?", 2))
    discord.open = True
    gate.set()
    await answered(discord, *questions)
    questions.append(await asked(discord, "What is backpropagation?", 3))
    await answered(discord, *questions)
    assert len(model_server.requests) == 4


async def test_a_token_that_is_revoked_ends_erica_with_a_line_that_says_so(
    surroundings: Surroundings, discord_server: LoopbackDiscord, caplog: pytest.LogCaptureFixture
) -> None:
    discord = discord_server
    old = discord.token
    async with running_here(surroundings) as service:
        await answered(discord, await asked(discord, QUESTION))
        discord.token = "another"
        late = await asked(discord, "What is softmax?", 1)
        await logged(caplog, "cannot be answered: ")
        discord.drop_sockets()
        with pytest.raises(ConfigError, match="does not accept the bot's token") as ended:
            await service.until_stopped()
        assert (await readiness(service))["discord"] == "not connected"
    assert "ERICA_DISCORD_TOKEN" in ended.value.hint
    assert "Copy it anew" in caplog.text
    assert caplog.text.count("cannot be answered: ") == 1
    assert said(discord, late) == []
    assert old not in caplog.text


async def test_what_is_closed_or_deleted_under_an_answer_stops_no_other(
    erica: Service, discord_server: LoopbackDiscord, model_server: LoopbackModel, caplog: pytest.LogCaptureFixture
) -> None:
    discord = discord_server
    gate = asyncio.Event()
    model_server.script = [gated(gate, HALF, then=ANSWER)]
    locked = await asked(discord, QUESTION, 1)
    sleeping = await asked(discord, "What is softmax?", 2)
    deleted = await asked(discord, "What is gradient descent?", 3)
    gone = await asked(discord, "What is backpropagation?", 4, OTHER)
    for question in (locked, sleeping, deleted, gone):
        first = await begun(discord, question)
        if question is deleted:
            await discord.delete(discord.find(first.id))
    discord.set_thread(locked.id, archived=True, locked=True)
    discord.set_thread(sleeping.id, archived=True)
    discord.remove_channel(gone.id)
    discord.remove_channel(OTHER)
    gate.set()
    await answered(discord, sleeping, deleted)
    await logged(caplog, "cannot be answered: ", times=2)
    await answered(discord, await asked(discord, "What is dropout?", 5))
    assert caplog.text.count("cannot be answered: ") == 2
    assert answers(discord, locked) == []


async def test_forty_thousand_characters_of_an_answer(
    erica: Service, discord_server: LoopbackDiscord, model_server: LoopbackModel
) -> None:
    discord = discord_server
    words = "".join(f"Word {number} looks at all the others.\n\n" for number in range(1_150))
    assert len(words) > 40_000
    model_server.script = [ok(*(words[at : at + 500] for at in range(0, len(words), 500)), "That is all [1].\n")]
    question = await asked(discord, (QUESTION + " ") * 110)
    await discord.until(lambda: answers(discord, question), within=30)
    whole = "\n".join(one.content for one in said(discord, question))
    assert [whole.count(f"Word {number} looks") for number in range(1_150)] == [1] * 1_150
    assert whole.count("That is all") == 1
    assert discord.refused == []
