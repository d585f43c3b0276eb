"""What a student sees in Slack: all of Erica on the demo course, between a loopback Slack and a loopback model."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from loopback_model import LoopbackModel, gated, model_server_fixture, ok, status
from loopback_slack import LoopbackSlack, slack_fixture
from running_erica import (
    DISCORD_CHANNEL,
    SLACK_CHANNEL,
    Surroundings,
    running_here,
    said_of_answers,
    surroundings_in,
)
from slack_records import Seen

__all__ = ["model_server_fixture", "slack_fixture"]

QUESTION = "What is attention in transformers?"
ANSWER = (
    "Attention lets each word look at **all the others** [1].\n\n",
    "```python\nscores = q @ k.T\n```\n\n",
    "It is a weighted mean [2].",
)


@pytest.fixture
async def surroundings(
    tmp_path: Path, demo_indexes: Path, slack: LoopbackSlack, model_server: LoopbackModel
) -> Surroundings:
    slack.channel(SLACK_CHANNEL, ["U1", "U2"])
    model_server.script = [ok(*ANSWER, usage=(900, 40))]
    return surroundings_in(tmp_path, demo_indexes, slack=slack, model=model_server)


@pytest.fixture(name="erica")
async def erica_in_slack(surroundings: Surroundings, slack: LoopbackSlack) -> AsyncIterator[LoopbackSlack]:
    """The loopback Slack with Erica in it."""
    async with running_here(surroundings):
        yield slack


def finished(slack: LoopbackSlack, question: str) -> Seen | None:
    """The one message that answers, once it shows its sources."""
    answers = slack.answers(SLACK_CHANNEL, question)
    return answers[0] if answers and "Sources" in answers[0].text else None


async def asked(slack: LoopbackSlack, text: str = QUESTION, user: str = "U1", thread: str = "") -> str:
    return await slack.mention(SLACK_CHANNEL, user, text, thread=thread)


async def test_a_mention_is_answered_in_its_thread_with_links_and_buttons(erica: LoopbackSlack) -> None:
    question = await asked(erica)
    assert await erica.until(lambda: erica.status(SLACK_CHANNEL, question))
    answer = await erica.until(lambda: finished(erica, question))
    assert "Attention lets each word look at all the others" in answer.text
    assert re.findall(r"\[\d\](?! (?:[A-Z]\w+ )?\(https://example\.edu/demo/)", answer.text) == []
    assert "You'll want first: " in answer.text
    assert "**" not in answer.text
    assert "[Helpful] [Not helpful]" in answer.text
    assert len(erica.answers(SLACK_CHANNEL, question)) == 1
    assert not erica.status(SLACK_CHANNEL, question)
    assert not answer.unfurl


async def test_a_follow_up_in_the_thread_needs_no_mention_and_knows_what_was_said(
    erica: LoopbackSlack, model_server: LoopbackModel
) -> None:
    question = await asked(erica)
    await erica.until(lambda: finished(erica, question))
    await erica.reply(SLACK_CHANNEL, question, "U1", "and why is it scaled?")
    await erica.until(lambda: len(erica.answers(SLACK_CHANNEL, question)) == 2)
    assert QUESTION in model_server.requests[1].question
    await erica.reply(SLACK_CHANNEL, question, "U2", "and in multi-head attention?")
    await erica.until(lambda: len(erica.answers(SLACK_CHANNEL, question)) == 3)
    assert "why is it scaled" not in model_server.requests[2].question


async def test_what_is_not_for_erica_is_left_alone(erica: LoopbackSlack, model_server: LoopbackModel) -> None:
    talk = await erica.message(SLACK_CHANNEL, "U1", "Has anybody understood attention?")
    await erica.reply(SLACK_CHANNEL, talk, "U2", "What is attention?")
    question = await asked(erica, "What is softmax?")
    await erica.until(lambda: finished(erica, question))
    await erica.reply(SLACK_CHANNEL, question, "U1", "<@U2> what do you think of it?")
    last = await asked(erica, "What is a dot product?")
    await erica.until(lambda: finished(erica, last))
    assert erica.answers(SLACK_CHANNEL, talk) == []
    assert len(erica.answers(SLACK_CHANNEL, question)) == 1
    assert len(model_server.requests) == 2


async def test_thanks_get_a_reaction_and_no_essay(erica: LoopbackSlack, model_server: LoopbackModel) -> None:
    question = await asked(erica)
    await erica.until(lambda: finished(erica, question))
    thanks = await erica.mention(SLACK_CHANNEL, "U1", "thanks a lot!", thread=question)
    await erica.until(lambda: erica.seen(SLACK_CHANNEL, thanks).reactions)
    assert len(erica.answers(SLACK_CHANNEL, question)) == 1
    assert len(model_server.requests) == 1


async def test_an_event_that_is_delivered_five_times_is_answered_once(
    erica: LoopbackSlack, model_server: LoopbackModel
) -> None:
    question = await asked(erica)
    await erica.redeliver(question, times=4)
    await erica.until(lambda: finished(erica, question))
    await erica.until(lambda: all(delivery.acked for delivery in erica.deliveries(question)))
    last = await asked(erica, "What is softmax?")
    await erica.until(lambda: finished(erica, last))
    assert len(erica.answers(SLACK_CHANNEL, question)) == 1
    assert len(model_server.requests) == 2


async def test_a_question_that_is_edited_is_answered_anew_in_the_same_message(
    erica: LoopbackSlack, model_server: LoopbackModel
) -> None:
    gate = asyncio.Event()
    model_server.script = [gated(gate, "The first answer, which nobody wants any more.\n\n"), ok(*ANSWER)]
    question = await asked(erica, "What is softmax?")
    first = (await erica.until(lambda: erica.answers(SLACK_CHANNEL, question)))[0]
    await erica.edit(SLACK_CHANNEL, question, f"<@UBOTT1> {QUESTION}")
    answer = await erica.until(lambda: finished(erica, question))
    assert answer.ts == first.ts
    assert "nobody wants" not in answer.text
    assert "all the others" in answer.text
    assert len(erica.answers(SLACK_CHANNEL, question)) == 1


async def test_deleting_a_question_stops_its_answer(erica: LoopbackSlack, model_server: LoopbackModel) -> None:
    gate = asyncio.Event()
    model_server.script = [gated(gate, "The first paragraph.\n\n"), ok(*ANSWER)]
    question = await asked(erica)
    await erica.until(lambda: erica.answers(SLACK_CHANNEL, question))
    await erica.delete(SLACK_CHANNEL, question)
    await erica.until(lambda: not erica.answers(SLACK_CHANNEL, question))
    async with asyncio.timeout(5):
        await model_server.hung_up.wait()


async def test_the_stop_button_keeps_what_was_written_and_says_that_it_ends_there(
    erica: LoopbackSlack, model_server: LoopbackModel
) -> None:
    gate = asyncio.Event()
    model_server.script = [gated(gate, "The first paragraph [1].\n\n")]
    question = await asked(erica)
    await erica.until(lambda: erica.answers(SLACK_CHANNEL, question))
    await erica.stop_pressed(SLACK_CHANNEL, question, "U1")
    answer = await erica.until(
        lambda: next((one for one in erica.answers(SLACK_CHANNEL, question) if "Stopped" in one.text), None)
    )
    assert "The first paragraph." in answer.text
    assert len(erica.answers(SLACK_CHANNEL, question)) == 1


async def test_direct_messages_are_answered_and_remembered(erica: LoopbackSlack, model_server: LoopbackModel) -> None:
    question = await erica.direct("U1", QUESTION)
    await erica.until(lambda: any("Sources" in one.text for one in erica.answers("DU1", question)))
    again = await erica.direct("U1", "and why is it scaled?")
    await erica.until(lambda: any("Sources" in one.text for one in erica.answers("DU1", again)))
    assert QUESTION in model_server.requests[1].question


async def test_the_same_question_leads_to_the_earlier_thread_but_never_into_direct_messages(
    erica: LoopbackSlack,
) -> None:
    private = await erica.direct("U1", QUESTION)
    await erica.until(lambda: any("Sources" in one.text for one in erica.answers("DU1", private)))
    first = await asked(erica)
    assert "answered here" not in (await erica.until(lambda: finished(erica, first))).text
    second = await asked(erica, "what is attention in transformers", user="U2")
    shown = (await erica.until(lambda: finished(erica, second))).text
    assert "answered here" in shown
    assert first in shown


@pytest.mark.parametrize(
    ("channel", "said"),
    [("C9", "do not answer for any course in this channel"), (SLACK_CHANNEL, "did not find a question")],
)
async def test_where_nothing_can_be_answered_a_polite_line_says_what_to_do(
    erica: LoopbackSlack, channel: str, said: str
) -> None:
    if channel not in erica.channels:
        erica.channel(channel, ["U1"])
    question = await erica.mention(channel, "U1", "What is attention?" if channel == "C9" else "???")
    answer = await erica.until(lambda: erica.answers(channel, question))
    assert said in answer[0].text


async def test_a_question_too_many_is_told_when_to_ask_again(erica: LoopbackSlack, model_server: LoopbackModel) -> None:
    questions = [await asked(erica, f"What is softmax, in {number} words?") for number in range(7)]
    await erica.until(lambda: all(erica.answers(SLACK_CHANNEL, one) for one in questions))
    refused = [one for one in questions if "within the last minute" in erica.answers(SLACK_CHANNEL, one)[0].text]
    assert len(refused) == 1
    assert len(model_server.requests) == 6
    before = len(erica.channels[SLACK_CHANNEL].messages)
    await erica.slash("/ask", QUESTION, user="U1", channel=SLACK_CHANNEL)
    await erica.until(lambda: whispered(erica, "U1", "within the last minute"))
    assert len(erica.channels[SLACK_CHANNEL].messages) == before + 1, "nobody else sees that it was too much"


async def test_what_the_course_does_not_cover_is_said(erica: LoopbackSlack, model_server: LoopbackModel) -> None:
    question = await asked(erica, "How do I bake sourdough bread at home?")
    answer = await erica.until(lambda: erica.answers(SLACK_CHANNEL, question))
    assert "does not seem to cover this" in answer[0].text
    assert model_server.requests == []


async def test_without_a_model_the_pages_are_quoted(erica: LoopbackSlack, model_server: LoopbackModel) -> None:
    model_server.script = [status(500, "boom")]
    question = await asked(erica)
    await erica.until(lambda: any("[Helpful]" in one.text for one in erica.answers(SLACK_CHANNEL, question)), within=30)
    shown = erica.answers(SLACK_CHANNEL, question)[0].text
    assert "not available right now" in shown
    assert "https://example.edu/demo/" in shown


async def test_attached_code_is_read_and_pictures_are_not(erica: LoopbackSlack, model_server: LoopbackModel) -> None:
    files = [("attend.py", b"def attend(q, k, v):\n    return q @ k"), ("board.png", b"\x89PNG\r\n\x1a\n0000")]
    question = await erica.mention(SLACK_CHANNEL, "U1", "Is this attention right?", files=files)
    answer = await erica.until(lambda: finished(erica, question))
    assert "def attend(q, k, v):" in model_server.requests[0].question
    assert "can't read pictures" in answer.text


async def test_nothing_that_a_model_or_a_student_writes_pings_anybody(
    erica: LoopbackSlack, model_server: LoopbackModel
) -> None:
    model_server.script = [
        ok("Look <!channel> and <@U2> at [this](https://evil.example/x) ![p](https://evil.example/p.png) @here [1].")
    ]
    question = await asked(erica, f"<!here> {QUESTION}")
    answer = await erica.until(lambda: finished(erica, question))
    assert answer.pings == ()
    assert "evil.example" not in answer.text


# Commands, buttons and menus


def whispered(slack: LoopbackSlack, user: str, words: str) -> Seen | None:
    """What only that person sees and that holds these words."""
    found = [
        slack.seen(SLACK_CHANNEL, ts)
        for ts, one in slack.channels[SLACK_CHANNEL].messages.items()
        if one.ephemeral_to == user
    ]
    return next((one for one in found if words in one.text), None)


async def test_a_concept_is_looked_up_for_its_author_alone_with_a_picture_and_ways_on(erica: LoopbackSlack) -> None:
    await erica.slash("/concept", "attention", user="U1", channel=SLACK_CHANNEL)
    card = await erica.until(lambda: whispered(erica, "U1", "https://example.edu/demo/attention"))
    assert "slack_file" in str(card.content.blocks)
    buttons = [button for block in card.blocks if block["type"] == "actions" for button in block["elements"]]
    await erica.press(SLACK_CHANNEL, card.ts, buttons[0]["action_id"], user="U1")
    await erica.until(lambda: erica.seen(SLACK_CHANNEL, card.ts).text != card.text)


@pytest.mark.parametrize(
    ("command", "text", "said"),
    [
        ("/path", "attention", "1. "),
        ("/sources", "What is softmax?", "https://example.edu/demo/"),
        ("/help", "", "/concept"),
        ("/concept", "quantum chromodynamics of bread", "no concept called"),
        ("/path", "", "/path"),
    ],
)
async def test_lookups_answer_their_author_alone(erica: LoopbackSlack, command: str, text: str, said: str) -> None:
    await erica.slash(command, text, user="U1", channel=SLACK_CHANNEL)
    await erica.until(lambda: whispered(erica, "U1", said))


async def test_ask_posts_the_question_and_answers_in_its_thread(erica: LoopbackSlack) -> None:
    await erica.slash("/ask", QUESTION, user="U1", channel=SLACK_CHANNEL)

    messages = erica.channels[SLACK_CHANNEL].messages
    root = (await erica.until(lambda: list(messages.values())))[0]
    assert QUESTION in root.shown

    def answered() -> Seen | None:
        return next((one for one in erica.thread(SLACK_CHANNEL, root.ts) if "Sources" in one.text), None)

    assert "all the others" in (await erica.until(answered)).text


@pytest.mark.parametrize(
    ("text", "said"), [("", "did not find a question"), ("hello", "Ask me anything"), ("thanks", "🙌")]
)
async def test_ask_without_a_question_is_nobody_elses_business(erica: LoopbackSlack, text: str, said: str) -> None:
    await erica.slash("/ask", text, user="U1", channel=SLACK_CHANNEL)
    await erica.until(lambda: whispered(erica, "U1", said))
    assert [one for one in erica.channels[SLACK_CHANNEL].messages.values() if not one.ephemeral_to] == []


async def test_a_mention_in_a_thread_of_others_does_not_make_it_ericas_own(
    erica: LoopbackSlack, model_server: LoopbackModel
) -> None:
    talk = await erica.message(SLACK_CHANNEL, "U2", "Who has the answer sheet?")
    await asked(erica, thread=talk)
    await erica.until(lambda: finished(erica, talk))
    await erica.reply(SLACK_CHANNEL, talk, "U2", "I think Bob has the sheet on softmax")
    last = await asked(erica, "What is softmax?")
    await erica.until(lambda: finished(erica, last))
    assert len(erica.answers(SLACK_CHANNEL, talk)) == 1


async def test_a_student_of_two_courses_says_which_one_and_is_answered(
    surroundings: Surroundings, slack: LoopbackSlack, demo_indexes: Path, tmp_path: Path
) -> None:
    indexes = surroundings.data / "indexes"
    indexes.unlink()
    indexes.mkdir()
    (indexes / "demo").symlink_to(demo_indexes / "demo")
    (indexes / "second").symlink_to(demo_indexes / "demo")
    text = surroundings.course.read_text()
    other = tmp_path / "second.toml"
    other.write_text(
        text.replace('id = "demo"', 'id = "second"')
        .replace("Sixteen Pages", "Two Pages")
        .replace('"C1"', '"C2"')
        .replace(DISCORD_CHANNEL, "1")
    )
    more = {"ERICA_COURSES": os.pathsep.join((str(surroundings.course), str(other)))}
    async with running_here(replace(surroundings, more=more)):
        question = await slack.direct("U1", QUESTION)
        [which] = await slack.until(lambda: slack.answers("DU1", question))
        assert "Which course" in which.text
        buttons = [button for block in which.blocks if block["type"] == "actions" for button in block["elements"]]
        assert [button["text"]["text"] for button in buttons] == [
            "Deep Learning in Sixteen Pages",
            "Deep Learning in Two Pages",
        ]
        await slack.press("DU1", which.ts, buttons[1]["action_id"], user="U1")
        await slack.until(lambda: any("Sources" in one.text for one in slack.answers("DU1", question)))
        again = await slack.direct("U1", "What is softmax?")
        await slack.until(lambda: any("Sources" in one.text for one in slack.answers("DU1", again)))


async def test_the_menu_of_a_message_asks_about_it_in_its_thread(erica: LoopbackSlack) -> None:
    talk = await erica.message(SLACK_CHANNEL, "U2", "I do not get what attention in transformers is for.")
    await erica.shortcut(SLACK_CHANNEL, talk, user="U1", callback_id="ask_erica")
    assert "all the others" in (await erica.until(lambda: finished(erica, talk))).text


async def test_feedback_is_kept_with_what_it_is_about(erica: LoopbackSlack, surroundings: Surroundings) -> None:
    question = await asked(erica)
    answer = await erica.until(lambda: finished(erica, question))
    [thumbs] = [block["elements"][0] for block in answer.blocks if block["type"] == "context_actions"]
    down = thumbs["negative_button"]["value"]
    await erica.press(SLACK_CHANNEL, answer.ts, thumbs["action_id"], user="U1", value=down)
    view = await erica.until(lambda: next(iter(erica.views), None))
    [block] = [each for each in erica.views[view]["blocks"] if each["type"] == "input"]
    value = {"type": "plain_text_input", "value": "Too short."}
    await erica.submit(view, user="U1", values={block["block_id"]: {block["element"]["action_id"]: value}})
    told = await said_of_answers(surroundings)
    assert [(one["rating"], one["reason"], one["model"]) for one in told] == [("down", "Too short.", "openai/loopback")]
    assert told[0]["question"] == QUESTION
    assert told[0]["passages"]
    assert told[0]["prompt"]
