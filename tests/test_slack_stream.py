"""Answers that grow in Slack before the student's eyes, as streams or without."""

from loopback_slack import LoopbackSlack, slack_fixture
from slack_faults import hangs_up, rate_limited
from slack_replies import ANSWER, SHOWN, Desk, Hurry, desk_fixture

from bot.adapters.slack_stream import LONGEST_STREAM, STREAM_SECONDS
from bot.errors import ClaimLost
from bot.journal import Halt
from bot.messages import Answer

__all__ = ["desk_fixture", "slack_fixture"]


def methods(slack: LoopbackSlack, part: str) -> list[str]:
    return [call.method for call in slack.calls if part in call.method]


async def test_an_answer_streams_and_is_finished_in_place(slack: LoopbackSlack, desk: Desk) -> None:
    delivery = await desk.question()
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    thread = delivery.incoming.message
    assert slack.status("C1", thread) == "Searching …"
    assert slack.sessions["C1", thread] == "processing"  # people have a stop button
    reply.status("Writing …")
    await slack.until(lambda: slack.status("C1", thread) == "Writing …")
    await desk.shown(reply, "BFS uses ", lambda: desk.texts(delivery) == ["BFS uses"])
    await desk.shown(reply, "BFS uses a **queue**, which ", lambda: desk.texts(delivery) == ["BFS uses a queue, which"])
    link = await reply.finish(ANSWER)
    await reply.close()
    (seen,) = slack.answers("C1", thread)
    assert seen.text == f"{SHOWN}\n[Helpful] [Not helpful]"
    assert link.startswith("https://t1.slack.com/archives/C1/p")
    assert reply.progress.placeholder == seen.ts
    assert reply.conversation == delivery.incoming.conversation
    assert seen.metadata == {"event_type": "erica_answer", "event_payload": {"question": delivery.id}}
    assert (slack.status("C1", thread), slack.sessions["C1", thread]) == ("", "active")
    assert (seen.unfurls, seen.edited) == ((), False)
    assert slack.refusals == []
    assert slack.complaints == []
    assert methods(slack, "postMessage") == []
    assert desk.counted("erica_first_text_seconds_count") == 1


async def test_a_long_answer_goes_on_in_another_stream_and_reopens_its_fence(slack: LoopbackSlack, desk: Desk) -> None:
    delivery = await desk.question()
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    code = "\n".join(f"print({number}, 'a line of a long program')" for number in range(500))
    text = f"See:\n\n```python\n{code}\n"
    assert LONGEST_STREAM < len(text) < 2 * LONGEST_STREAM
    await desk.shown(reply, text[: text.index("print(99,")], lambda: len(desk.texts(delivery)) == 1)
    await desk.shown(reply, text, lambda: len(desk.texts(delivery)) > 2 or "print(499" in "".join(desk.texts(delivery)))
    _, *others = desk.texts(delivery)
    assert all(each.startswith("```\nprint(") for each in others)
    await reply.finish(Answer("answered", f"{text}```\n"))
    await reply.close()
    told = [line for each in desk.texts(delivery) for line in each.splitlines() if line.startswith("print(")]
    assert told == code.splitlines()  # nothing twice, nothing lost
    assert all(each.streaming != "open" for each in slack.answers("C1", delivery.incoming.message))
    assert [call.error for call in slack.refusals] == []


async def test_a_stream_is_renewed_before_slack_closes_it(slack: LoopbackSlack, desk: Desk) -> None:
    now = 1_000.0
    desk.pace = Hurry(clock=lambda: now)
    delivery = await desk.question()
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    await desk.shown(reply, "One ", lambda: desk.texts(delivery) == ["One"])
    await desk.shown(reply, "One step. ", lambda: desk.texts(delivery) == ["One step."])
    now += STREAM_SECONDS + 1
    slack.advance(STREAM_SECONDS + 1)
    await desk.shown(reply, "One step. Another step. ", lambda: len(desk.texts(delivery)) == 2)
    third = "One step. Another step. A third."
    await desk.shown(reply, f"{third} ", lambda: desk.texts(delivery) == ["One step.", "Another step. A third."])
    assert len(reply.progress.further) == 1
    await reply.finish(ANSWER)
    await reply.close()
    assert desk.texts(delivery) == [f"{SHOWN}\n[Helpful] [Not helpful]"]  # the surplus message is gone


async def test_an_answer_that_starts_over_replaces_what_was_shown(slack: LoopbackSlack, desk: Desk) -> None:
    delivery = await desk.question()
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    await desk.shown(reply, "A stack is ", lambda: desk.texts(delivery) == ["A stack is"])
    await desk.shown(reply, "BFS uses a ", lambda: desk.texts(delivery) == ["BFS uses a"])
    await reply.finish(ANSWER)
    await reply.close()
    assert len(desk.texts(delivery)) == 1
    assert slack.refusals == []


async def test_without_room_for_another_stream_a_message_is_changed_instead(slack: LoopbackSlack, desk: Desk) -> None:
    desk.pace = Hurry(starts=1)
    first = await desk.question("one?")
    second = await desk.question("two?")
    replies = [desk.reply(first), desk.reply(second)]
    for reply, delivery in zip(replies, (first, second), strict=True):
        await reply.begin("Searching …")
        reply.show("BFS uses ")
        await slack.until(lambda delivery=delivery: desk.texts(delivery) == ["BFS uses"])  # type: ignore[misc]
    await desk.shown(replies[1], "BFS uses a **queue** ", lambda: desk.texts(second) == ["BFS uses a queue"])
    for reply in replies:
        await reply.finish(ANSWER)
        await reply.close()
    assert methods(slack, "startStream") == ["chat.startStream"]
    assert desk.texts(first) == desk.texts(second) == [f"{SHOWN}\n[Helpful] [Not helpful]"]


async def test_previews_leave_room_for_ends(slack: LoopbackSlack, desk: Desk) -> None:
    desk.pace = Hurry(starts=0, updates=3)
    delivery = await desk.question()
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    await desk.shown(reply, "n0 ", lambda: desk.texts(delivery) == ["n0"])
    for number in range(1, 4):
        await desk.shown(reply, f"n{number} ", lambda number=number: desk.texts(delivery) == [f"n{number}"])  # type: ignore[misc]
    reply.show("4 is one too many ")
    await reply.finish(ANSWER)
    await reply.close()
    assert methods(slack, "update") == ["chat.update"] * 4
    assert desk.texts(delivery)[0].startswith("BFS")


async def test_a_workspace_without_streams_is_asked_once(slack: LoopbackSlack, desk: Desk) -> None:
    slack.fail("chat.startStream", "unknown_method", times=None)
    for text in ("one?", "two?"):
        delivery = await desk.question(text)
        reply = desk.reply(delivery)
        await reply.begin("Searching …")
        await desk.shown(reply, "BFS uses ", lambda delivery=delivery: desk.texts(delivery) == ["BFS uses"])  # type: ignore[misc]
        await reply.finish(ANSWER)
        await reply.close()
        assert len(desk.texts(delivery)) == 1
    assert methods(slack, "startStream") == ["chat.startStream"]


async def test_stop_is_honoured_and_told_to_whoever_works_on_it(slack: LoopbackSlack, desk: Desk) -> None:
    delivery = await desk.question()
    question = delivery.incoming.question
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    await desk.shown(reply, "Once upon ", lambda: desk.texts(delivery) == ["Once upon"])
    await slack.stop_pressed("C1", delivery.incoming.message, "U1")
    reply.show("Once upon a time, long ago, ")
    await slack.until(lambda: [call for call in slack.calls_of("chat.appendStream") if call.error])
    reply.show("Once upon a time, long ago, there was ")
    await reply.finish(Answer("answered", "Once upon\n\n*Stopped.*"))
    await reply.close()
    assert await desk.journal.halts([question]) == {question: Halt("stopped")}
    assert len(slack.calls_of("chat.appendStream")) == 1
    assert desk.texts(delivery) == ["Once upon\nStopped.\n[Helpful] [Not helpful]"]
    assert slack.sessions["C1", delivery.incoming.message] == "active"


async def test_an_append_that_may_have_arrived_is_not_sent_again(slack: LoopbackSlack, desk: Desk) -> None:
    delivery = await desk.question()
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    await desk.shown(reply, "One, ", lambda: desk.texts(delivery) == ["One,"])
    slack.fail("chat.appendStream", hangs_up(afterwards=True))
    await desk.shown(reply, "One, two, ", lambda: bool(slack.calls_of("chat.update")))
    assert desk.texts(delivery) == ["One, two,"]
    await desk.shown(reply, "One, two, three, ", lambda: desk.texts(delivery) == ["One, two, three,"])
    await reply.finish(ANSWER)
    await reply.close()
    assert len(desk.texts(delivery)) == 1


async def test_appends_wait_for_slack_and_then_say_everything(slack: LoopbackSlack, desk: Desk) -> None:
    delivery = await desk.question()
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    await desk.shown(reply, "One, ", lambda: desk.texts(delivery) == ["One,"])
    slack.fail("chat.appendStream", rate_limited(0), times=3)
    await desk.shown(reply, "One, two, three, ", lambda: desk.texts(delivery) == ["One, two, three,"])
    await reply.finish(ANSWER)
    await reply.close()
    assert desk.counted("erica_rate_limited_total") == 3
    assert methods(slack, "appendStream") == ["chat.appendStream"] * 4


async def test_a_stream_of_unknown_fate_is_looked_for(slack: LoopbackSlack, desk: Desk) -> None:
    slack.fail("chat.startStream", hangs_up(afterwards=True))
    delivery = await desk.question()
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    await desk.shown(reply, "One, ", lambda: bool(slack.calls_of("chat.update")))
    await desk.shown(reply, "One, two, ", lambda: desk.texts(delivery) == ["One, two,"])
    await reply.finish(ANSWER)
    await reply.close()
    assert desk.texts(delivery) == [f"{SHOWN}\n[Helpful] [Not helpful]"]


async def test_a_worker_that_lost_its_claim_says_so_at_the_end(slack: LoopbackSlack, desk: Desk) -> None:
    delivery = await desk.question()
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    taken = await desk.reclaimed(delivery)
    reply.show("One, ")
    lost = None
    try:
        await reply.finish(ANSWER)
    except ClaimLost as error:
        lost = error
    await reply.close()
    assert lost is not None
    await desk.answered(taken)
    assert desk.texts(taken) == [f"{SHOWN}\n[Helpful] [Not helpful]"]
