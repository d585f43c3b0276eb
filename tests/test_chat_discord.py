"""What a student sees in Discord: all of Erica on the demo course, between a loopback Discord and a loopback model."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from discord_records import File, Message, Seen
from loopback_discord import LoopbackDiscord, discord_server_fixture
from loopback_model import LoopbackModel, gated, model_server_fixture, ok, status
from running_erica import (
    DISCORD_CHANNEL,
    GUILD,
    Surroundings,
    running_here,
    said_of_answers,
    surroundings_in,
)

__all__ = ["discord_server_fixture", "model_server_fixture"]

QUESTION = "What is attention in transformers?"
ANSWER = ("Attention lets each word look at **all the others** [1].\n\n", "It is a weighted mean [2].")
FORMULA = "$$\\text{softmax}(QK^T)V$$\n\n"
TABLE = "| part | role |\n|---|---|\n| Q | asks |\n\n"


@pytest.fixture
async def surroundings(
    tmp_path: Path, demo_indexes: Path, discord_server: LoopbackDiscord, model_server: LoopbackModel
) -> Surroundings:
    discord_server.guild(GUILD, [DISCORD_CHANNEL, "800000000000000003"], ["ada", "bob"])
    model_server.script = [ok(*ANSWER, usage=(900, 40))]
    return surroundings_in(tmp_path, demo_indexes, discord=discord_server, model=model_server)


@pytest.fixture(name="erica")
async def erica_in_discord(
    surroundings: Surroundings, discord_server: LoopbackDiscord
) -> AsyncIterator[LoopbackDiscord]:
    """The loopback Discord with Erica in it."""
    async with running_here(surroundings):
        yield discord_server


async def asked(discord: LoopbackDiscord, text: str = QUESTION, user: str = "ada") -> Message:
    return await discord.mention(DISCORD_CHANNEL, user, text)


def answers(discord: LoopbackDiscord, place: str) -> list[Seen]:
    """What Erica says in a channel or thread now."""
    return [one for one in discord.thread(place) if one.author == discord.bot.name and not one.thinking]


def finished(discord: LoopbackDiscord, place: str) -> Seen | None:
    """The one message that answers, once it shows its sources."""
    found = answers(discord, place)
    return found[0] if found and "Sources" in found[0].content else None


def whispered(discord: LoopbackDiscord, words: str) -> Callable[[], Seen | None]:
    """Finds what only its author sees and that holds these words."""

    def look() -> Seen | None:
        seen = [one for one in discord.thread(DISCORD_CHANNEL) if one.ephemeral_to and not one.thinking]
        return next((one for one in seen if words in one.content), None)

    return look


async def test_a_mention_opens_a_thread_with_the_answer_its_links_and_pictures(
    erica: LoopbackDiscord, model_server: LoopbackModel
) -> None:
    model_server.script = [ok(ANSWER[0], FORMULA, TABLE, ANSWER[1])]
    question = await asked(erica)
    await erica.until(lambda: answers(erica, question.id))
    await erica.until(lambda: any("Sources" in one.content for one in answers(erica, question.id)))
    first, second = answers(erica, question.id)
    assert "Attention lets each word look at **all the others**" in first.content
    assert "```\npart  role" in second.content
    assert "You'll want first:" in second.content
    assert re.findall(r"(?<!\[)\[\d\](?!\]\(<https://example\.edu)", first.content) == []
    [picture] = first.files
    assert picture.data.startswith(b"\x89PNG")
    assert "softmax" in picture.description
    assert len(second.components) == 2
    assert first.embeds == second.embeds == ()
    assert erica.channels[question.id].name.startswith("What is attention in transformers")


async def test_a_follow_up_in_the_thread_needs_no_mention_and_knows_what_was_said(
    erica: LoopbackDiscord, model_server: LoopbackModel
) -> None:
    question = await asked(erica)
    await erica.until(lambda: finished(erica, question.id))
    await erica.reply(question.id, "ada", "and why is it scaled?")
    await erica.until(lambda: len(answers(erica, question.id)) == 2)
    await erica.until(lambda: len(model_server.requests) == 2)
    assert QUESTION in model_server.requests[1].question
    await erica.reply(question.id, "bob", "and in multi-head attention?")
    await erica.until(lambda: len(model_server.requests) == 3)
    assert "why is it scaled" not in model_server.requests[2].question


async def test_without_a_mention_a_channel_is_left_alone(erica: LoopbackDiscord, model_server: LoopbackModel) -> None:
    talk = await erica.message(DISCORD_CHANNEL, "ada", "Has anybody understood attention?")
    await erica.message(DISCORD_CHANNEL, "bob", "No.", answers=talk.id)
    question = await asked(erica, "What is softmax?")
    await erica.until(lambda: finished(erica, question.id))
    assert answers(erica, DISCORD_CHANNEL) == []
    assert len(model_server.requests) == 1


async def test_thanks_get_a_reaction_and_no_essay(erica: LoopbackDiscord) -> None:
    question = await asked(erica)
    await erica.until(lambda: finished(erica, question.id))
    thanks = await erica.reply(question.id, "ada", "thank you!!")
    await erica.until(lambda: erica.find(thanks.id).reactions)
    assert len(answers(erica, question.id)) == 1


async def test_a_message_that_is_delivered_twice_is_answered_once(
    erica: LoopbackDiscord, model_server: LoopbackModel
) -> None:
    question = await asked(erica)
    for _ in range(4):
        erica.redeliver(question)
    await erica.until(lambda: finished(erica, question.id))
    last = await asked(erica, "What is softmax?")
    await erica.until(lambda: finished(erica, last.id))
    assert len(answers(erica, question.id)) == 1
    assert len(model_server.requests) == 2


async def test_a_question_that_is_edited_is_answered_anew_in_the_same_message(
    erica: LoopbackDiscord, model_server: LoopbackModel
) -> None:
    gate = asyncio.Event()
    model_server.script = [gated(gate, "The first answer, which nobody wants any more.\n\n"), ok(*ANSWER)]
    question = await asked(erica, "What is softmax?")
    first = await erica.until(lambda: [one for one in answers(erica, question.id) if "first answer" in one.content])
    await erica.edit(question, f"<@{erica.bot.id}> {QUESTION}")
    answer = await erica.until(lambda: finished(erica, question.id))
    assert answer.id == first[0].id
    assert "nobody wants" not in answer.content
    assert len(answers(erica, question.id)) == 1


async def test_deleting_a_question_stops_its_answer(erica: LoopbackDiscord, model_server: LoopbackModel) -> None:
    model_server.script = [gated(asyncio.Event(), "The first paragraph.\n\n"), ok(*ANSWER)]
    question = await asked(erica)
    await erica.until(lambda: [one for one in answers(erica, question.id) if "paragraph" in one.content])
    await erica.delete(question)
    await erica.until(lambda: not answers(erica, question.id))
    async with asyncio.timeout(5):
        await model_server.hung_up.wait()


async def test_direct_messages_are_answered_and_remembered(erica: LoopbackDiscord, model_server: LoopbackModel) -> None:
    question = await erica.direct("ada", QUESTION)
    place = question.channel.id
    await erica.until(lambda: finished(erica, place))
    await erica.direct("ada", "and why is it scaled?")
    await erica.until(lambda: len(model_server.requests) == 2)
    assert QUESTION in model_server.requests[1].question


async def test_ten_questions_in_one_channel_at_once_stay_apart(
    erica: LoopbackDiscord, model_server: LoopbackModel
) -> None:
    people = ("ada", "bob") * 5
    questions = [await asked(erica, f"What is attention, {number}?", who) for number, who in enumerate(people)]
    await erica.until(lambda: all(finished(erica, one.id) for one in questions), within=30)
    assert [len(answers(erica, one.id)) for one in questions] == [1] * 10
    assert erica.repeated() == []


async def test_where_no_course_is_a_polite_line_says_what_to_do(erica: LoopbackDiscord) -> None:
    question = await erica.mention("800000000000000003", "ada", QUESTION)
    said = "do not answer for any course in this channel"
    await erica.until(lambda: any(said in one.content for one in answers(erica, question.id)))


async def test_without_a_model_the_pages_are_quoted(erica: LoopbackDiscord, model_server: LoopbackModel) -> None:
    model_server.script = [status(500, "boom")]
    question = await asked(erica)
    await erica.until(lambda: any("More on this:" in one.content for one in answers(erica, question.id)), within=30)
    assert "not available right now" in answers(erica, question.id)[0].content


async def test_attached_code_is_read_and_pictures_are_not(erica: LoopbackDiscord, model_server: LoopbackModel) -> None:
    files = [File("attend.py", b"def attend(q, k, v):\n    return q @ k"), File("board.png", b"\x89PNG\r\n\x1a\n00")]
    question = await erica.mention(DISCORD_CHANNEL, "ada", "Is this attention right?", files=files)
    answer = await erica.until(lambda: finished(erica, question.id))
    assert "def attend(q, k, v):" in model_server.requests[0].question
    assert "can't read pictures" in answer.content


# Commands, buttons and menus


async def test_a_concept_is_completed_looked_up_and_walked_from(erica: LoopbackDiscord) -> None:
    choices = await erica.autocomplete("concept", name="atten")
    assert any("attention" in choice["value"].lower() for choice in choices)
    await erica.slash("concept", name="attention")
    card = await erica.until(whispered(erica, "https://example.edu/demo/attention"))
    [picture] = card.files
    assert picture.data.startswith(b"\x89PNG")
    await erica.press(card.components[0])
    await erica.until(lambda: erica.find(card.id).content != card.content)


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        ("path", {"to": "attention"}, "1. "),
        ("sources", {"question": "What is softmax?"}, "https://example.edu/demo/"),
        ("help", {}, "/concept"),
        ("concept", {"name": "quantum chromodynamics of bread"}, "no concept called"),
    ],
)
async def test_lookups_answer_their_author_alone(
    erica: LoopbackDiscord, command: str, options: dict[str, str], said: str
) -> None:
    await erica.slash(command, **options)
    await erica.until(whispered(erica, said))


async def test_ask_opens_a_thread_below_the_question(erica: LoopbackDiscord) -> None:
    await erica.slash("ask", question=QUESTION)

    def answered() -> Seen | None:
        roots = [one for one in erica.thread(DISCORD_CHANNEL) if one.thread and QUESTION in one.content]
        return finished(erica, roots[0].thread or "") if roots else None

    assert "all the others" in (await erica.until(answered)).content


async def test_the_menu_of_a_message_asks_about_it_in_its_thread(erica: LoopbackDiscord) -> None:
    talk = await erica.message(DISCORD_CHANNEL, "bob", "I do not get what attention in transformers is for.")
    await erica.context_menu(talk, "ada")
    assert "all the others" in (await erica.until(lambda: finished(erica, talk.id))).content


async def test_feedback_is_kept_with_what_it_is_about(erica: LoopbackDiscord, surroundings: Surroundings) -> None:
    question = await asked(erica)
    answer = await erica.until(lambda: finished(erica, question.id))
    down = next(part for part in answer.components if ":down:" in part.custom_id)
    opened = await erica.press(down, "ada")
    await erica.until(lambda: opened.modal)
    assert opened.modal is not None
    await erica.submit(opened, {opened.modal["components"][0]["component"]["custom_id"]: "Too short."})
    told = await said_of_answers(surroundings)
    assert [(one["rating"], one["reason"], one["question"]) for one in told] == [("down", "Too short.", QUESTION)]
