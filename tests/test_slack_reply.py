"""How answers and pages end up in Slack: once, whole and where they belong, whatever happens on the way."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace

import pytest
from loopback_slack import LoopbackSlack, slack_fixture
from slack_faults import error, hangs_up, rate_limited, server_error, web_page
from slack_replies import ANSWER, SHOWN, Desk, desk_fixture

from bot.adapters.slack_client import is_loopback
from bot.adapters.slack_reply import SlackReplies
from bot.errors import DeliveryFailed, Undeliverable
from bot.intake import Attachment, Delivery, Incoming, thread_name
from bot.messages import Answer, Choice, Citation, Page, Picture, WantedFirst

__all__ = ["desk_fixture", "slack_fixture"]

FINISHED = f"{SHOWN}\n[Helpful] [Not helpful]"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 64


# Ends.


async def test_an_answer_that_comes_at_once_is_posted(slack: LoopbackSlack, desk: Desk) -> None:
    delivery = await desk.question()
    link = await desk.answered(delivery)
    (seen,) = slack.answers("C1", delivery.incoming.message)
    assert (seen.text, seen.unfurls) == (FINISHED, ())
    assert link.endswith(f"?thread_ts={delivery.incoming.message}&cid=C1")
    assert [call.method for call in slack.refusals] == []


async def test_without_a_status_there_is_a_placeholder(slack: LoopbackSlack, desk: Desk) -> None:
    slack.fail("assistant.threads.setStatus", "missing_scope", times=None)
    slack.fail("agents.sessions.setStatus", "unknown_method", times=None)
    delivery = await desk.question()
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    (placeholder,) = slack.answers("C1", delivery.incoming.message)
    assert placeholder.text == "Searching …"
    assert reply.progress.placeholder == placeholder.ts
    reply.status("Writing …")
    await slack.until(lambda: desk.texts(delivery) == ["Writing …"])
    await desk.shown(reply, "BFS uses ", lambda: desk.texts(delivery) == ["BFS uses"])
    await reply.finish(ANSWER)
    await reply.close()
    (seen,) = slack.answers("C1", delivery.incoming.message)
    assert (seen.ts, seen.text) == (placeholder.ts, FINISHED)


async def test_feedback_buttons_carry_the_delivery(slack: LoopbackSlack, desk: Desk) -> None:
    delivery = await desk.question()
    await desk.answered(delivery)
    (seen,) = slack.answers("C1", delivery.incoming.message)
    pressed = await slack.press("C1", seen.ts, "erica:feedback", user="U1", value=_rating(delivery, "down"))
    assert json.loads(pressed.payload["actions"][0]["value"]) == {"answer": delivery.id, "rating": "down"}


@pytest.mark.parametrize(("refusals", "buttons"), [(1, "[👍 Helpful] [👎 Not helpful]"), (5, "")])
async def test_blocks_that_slack_does_not_know_are_left_out(
    slack: LoopbackSlack, desk: Desk, refusals: int, buttons: str
) -> None:
    delivery = await desk.question()
    slack.fail("chat.postMessage", "invalid_blocks", times=min(refusals, 3))
    await desk.answered(delivery)
    (text,) = desk.texts(delivery)
    assert "BFS uses a queue" in text
    assert text.endswith(buttons)
    assert "course.test/bfs#queue" in text


async def test_who_asked_nothing_wrong_gets_no_feedback_buttons(desk: Desk) -> None:
    delivery = await desk.question()
    await desk.answered(delivery, Answer("failed", "Something went wrong on my side."))
    assert desk.texts(delivery) == ["Something went wrong on my side."]


async def test_an_answer_of_40000_characters_arrives_whole(slack: LoopbackSlack, desk: Desk) -> None:
    table = "| a | b |\n| --- | --- |\n" + "\n".join(f"| cell {n} | {n * n} |" for n in range(40))
    code = "```python\n" + "\n".join(f"assert step_{n}() == {n}" for n in range(300)) + "\n```"
    formula = "$$\\sum_{i=0}^{n} i = \\frac{n(n+1)}{2}$$"
    prose = "\n\n".join(f"Paragraph {n} says a word or two about queues and stacks. " * 6 for n in range(90))
    text = f"{prose}\n\n{code}\n\n{formula}\n\n{table}\n\nThe very end."
    assert len(text) > 35_000
    delivery = await desk.question()
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    reply.show(text)
    await slack.until(lambda: desk.texts(delivery))
    await reply.finish(Answer("answered", text))
    await reply.close()
    seen = slack.answers("C1", delivery.incoming.message)
    told = "\n".join(each.text for each in seen)
    for n in range(90):
        assert told.count(f"Paragraph {n} says") == 6, n
    for n in range(300):
        assert told.count(f"assert step_{n}() ==") == 1
    for n in range(40):
        assert told.count(f"cell {n} |") == 1
    assert told.count("[image: \\sum_{i=0}^{n} i") == 1
    assert told.count("The very end.") == 1
    assert told.count("[Helpful]") == 1
    assert all(each.text.count("```") % 2 == 0 for each in seen)
    assert [each.ts for each in seen] == [reply.progress.placeholder, *reply.progress.further]
    assert slack.refusals == []
    assert slack.complaints == []


async def test_a_shorter_answer_after_an_edit_leaves_no_old_messages(slack: LoopbackSlack, desk: Desk) -> None:
    first = await desk.question()
    reply = desk.reply(first)
    await reply.begin("Searching …")
    await reply.finish(Answer("answered", "\n\n".join("many words " * 100 for _ in range(30))))
    await reply.close()
    assert len(desk.texts(first)) > 2
    edited = await desk.take(replace(first.incoming, revision="2", event="Ev2", text="What is DFS?"))
    again = desk.reply(edited, earlier=reply.progress)
    await again.begin("Searching …")
    await again.finish(ANSWER)
    await again.close()
    assert desk.texts(first) == [FINISHED]
    assert again.progress.placeholder == reply.progress.placeholder


async def test_formulas_stay_text_where_pictures_cannot_be_uploaded(slack: LoopbackSlack, desk: Desk) -> None:
    slack.fail("files.getUploadURLExternal", "missing_scope", times=None)
    delivery = await desk.question()
    await desk.answered(delivery, Answer("answered", "So:\n\n$$a^2 + b^2 = c^2$$\n\nDone."))
    (text,) = desk.texts(delivery)
    assert "a^2 + b^2 = c^2" in text
    assert "[image" not in text


async def test_pictures_that_slack_does_not_show_become_text(slack: LoopbackSlack, desk: Desk) -> None:
    slack.fail("chat.postMessage", error("invalid_blocks"), times=3)
    delivery = await desk.question()
    await desk.answered(delivery, Answer("answered", "So:\n\n$$a^2 + b^2 = c^2$$\n\nDone."))
    (text,) = desk.texts(delivery)
    assert "a^2 + b^2 = c^2" in text
    assert "[image" not in text


async def test_nobody_is_mentioned_by_what_is_shown(slack: LoopbackSlack, desk: Desk) -> None:
    evil = "<!channel> <@U1> @here <!subteam^S1> &lt;!everyone&gt; <https://evil.test|x>"
    delivery = await desk.question()
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    await desk.shown(reply, f"Well.\n\nSee {evil} and so on.\n\nMore", lambda: bool(desk.texts(delivery)))
    (seen,) = slack.answers("C1", delivery.incoming.message)
    assert seen.pings == ()
    cited = Citation(1, "https://course.test/", evil, evil)
    wanted = WantedFirst("x", evil, "https://course.test/x")
    await reply.finish(Answer("answered", f"Well, {evil} [1]\n\n```\n{evil}\n```", (cited,), prerequisites=(wanted,)))
    await reply.close()
    asked = await desk.command("ask", f"who is {evil}?")
    await desk.answered(asked)
    everything = [slack.seen("C1", each) for each in slack.channels["C1"].messages]
    said = [each for each in everything if slack.users[each.who].bot_id]
    assert [each.pings for each in said] == [(), ("@U1",), ()]  # only who asked, at the head of the thread
    assert all("https://evil.test" not in each.unfurls for each in said)


# Commands.


async def test_ask_begins_a_thread_with_the_question(slack: LoopbackSlack, desk: Desk) -> None:
    delivery = await desk.command("ask", "is a<b?")
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    root = reply.progress.thread
    assert slack.seen("C1", root).text == "@U1 asked:\n> is a<b?"
    assert reply.conversation == thread_name("slack", "T1", "C1", root)
    await desk.shown(reply, "BFS uses ", lambda: bool(slack.answers("C1", root)[1:]))
    await reply.finish(ANSWER)
    await reply.close()
    assert [each.text for each in slack.answers("C1", root)[1:]] == [FINISHED]


async def test_ask_where_erica_is_no_member_is_answered_to_its_author_alone(slack: LoopbackSlack, desk: Desk) -> None:
    slack.channels["C1"].bot = False
    delivery = await desk.command("ask", "What is BFS?")
    assert await desk.answered(delivery) == ""
    (entry,) = slack.transcript("C1")
    assert (entry["text"], entry["ephemeral_to"]) == (FINISHED, "U1")
    await desk.answered(await desk.reclaimed(delivery))  # its worker died right after
    assert len(slack.transcript("C1")) == 1


CARD = Page(
    "**BFS** searches level by level. See [the page](https://course.test/bfs).",
    Picture("bfs.png", PNG, "BFS comes after queues"),
    (Choice("Queue", "concept", "queue"), Choice("y" * 90, "concept", "DFS")),
)


async def test_a_card_is_shown_to_its_author_with_picture_and_buttons(slack: LoopbackSlack, desk: Desk) -> None:
    delivery = await desk.command("concept", "BFS")
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    await reply.present(CARD)
    await reply.close()
    (ts,) = slack.channels["C1"].messages
    seen = slack.seen("C1", ts)
    assert seen.ephemeral_to == "U1"
    assert seen.text.splitlines() == [
        "BFS searches level by level. See the page (https://course.test/bfs).",
        "[image: BFS comes after queues]",
        f"[Queue] [{'y' * 74}…]",
    ]
    pressed = await slack.press("C1", ts, "erica:choice:0", user="U1")
    action = pressed.payload["actions"][0]
    assert json.loads(action["value"]) == {"command": "concept", "argument": "queue"}
    after = await desk.command("concept", "queue", message=ts, reply_to=pressed.payload["response_url"], event="t2")
    await desk.reply(after).present(Page("**Queue**: first in, first out."))
    assert slack.seen("C1", ts).text == "Queue: first in, first out."  # in the place of the card
    assert len(slack.transcript("C1")) == 1
    assert slack.refusals == []


async def test_a_command_whose_address_expired_is_answered_all_the_same(slack: LoopbackSlack, desk: Desk) -> None:
    delivery = await desk.command("help", "")
    slack.advance(1_801)
    await desk.reply(delivery).present(Page("I can help."))
    (entry,) = slack.transcript("C1")
    assert (entry["text"], entry["ephemeral_to"]) == ("I can help.", "U1")


async def test_an_address_that_is_busy_is_tried_again(slack: LoopbackSlack, desk: Desk) -> None:
    slack.fail("response_url", rate_limited(0))
    delivery = await desk.command("help", "")
    await desk.reply(delivery).present(Page("I can help."))
    assert [entry["text"] for entry in slack.transcript("C1")] == ["I can help."]
    assert slack.calls_of("chat.postEphemeral") == []


async def test_a_shortcut_answers_in_the_thread_of_its_message(slack: LoopbackSlack, desk: Desk) -> None:
    ts = await slack.message("C1", "U2", "What is BFS?")
    incoming = Incoming("slack", "T1", "C1", ts, None, "U1", "What is BFS?", "shortcut", 0.0, "t1", command="ask")
    await desk.answered(await desk.take(incoming))
    assert [each.text for each in slack.answers("C1", ts)] == [FINISHED]


async def test_a_line_that_is_no_answer_takes_the_place_of_what_was_shown(slack: LoopbackSlack, desk: Desk) -> None:
    delivery = await desk.question()
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    await desk.shown(reply, "BFS uses ", lambda: desk.texts(delivery) == ["BFS uses"])
    await reply.present(Page("Please ask again tomorrow."))
    await reply.close()
    assert desk.texts(delivery) == ["Please ask again tomorrow."]


async def test_a_question_that_is_gone_takes_its_answer_along(slack: LoopbackSlack, desk: Desk) -> None:
    delivery = await desk.question()
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    await desk.shown(reply, "BFS uses ", lambda: desk.texts(delivery) == ["BFS uses"])
    await slack.delete("C1", delivery.incoming.message)
    await reply.withdraw()
    await reply.close()
    assert desk.texts(delivery) == []
    assert slack.status("C1", delivery.incoming.message) == ""


async def test_thanks_get_a_sign(slack: LoopbackSlack, desk: Desk) -> None:
    delivery = await desk.question("thanks!")
    for _ in range(2):
        reply = desk.reply(delivery)
        await reply.react()
        await reply.close()
    assert slack.seen("C1", delivery.incoming.message).reactions == {"raised_hands": ("UBOTT1",)}
    slack.fail("reactions.add", "missing_scope")
    await desk.reply(delivery).react()


# Deaths of workers.


async def died_after_start_stream(desk: Desk, delivery: Delivery) -> None:
    """Between Slack's reply and our recording of it."""
    await desk.intake.record(delivery, nonce=delivery.id)
    await desk.clients.call(
        "T1",
        "chat.startStream",
        channel="C1",
        thread_ts=delivery.incoming.message,
        recipient_team_id="T1",
        recipient_user_id="U1",
        markdown_text="BFS us",
    )


async def died_after_post(desk: Desk, delivery: Delivery) -> None:
    await desk.intake.record(delivery, nonce=delivery.id)
    metadata = {"event_type": "erica_answer", "event_payload": {"question": delivery.id}}
    thread = delivery.incoming.message
    await desk.clients.call(
        "T1", "chat.postMessage", channel="C1", thread_ts=thread, text="Searching …", metadata=metadata
    )


async def died_in_mid_stream(desk: Desk, delivery: Delivery) -> None:
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    await desk.shown(reply, "BFS us", lambda: bool(desk.texts(delivery)))
    await desk.slack.until(lambda: True)
    await reply.close()


async def died_after_the_answer(desk: Desk, delivery: Delivery) -> None:
    await desk.answered(delivery)


async def died_before_anything(desk: Desk, delivery: Delivery) -> None:
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    await reply.close()


@pytest.mark.parametrize(
    "died",
    [died_after_start_stream, died_after_post, died_in_mid_stream, died_after_the_answer, died_before_anything],
)
async def test_whoever_takes_over_goes_on_with_the_same_message(
    slack: LoopbackSlack, desk: Desk, died: Callable[[Desk, Delivery], object]
) -> None:
    delivery = await desk.question()
    other = await desk.question("another one", thread=delivery.incoming.message)
    there = desk.reply(other)
    await there.begin("Searching …")
    await desk.shown(there, "Somebody ", lambda: desk.texts(delivery) == ["Somebody"])
    await desk.shown(there, "Somebody else's ", lambda: desk.texts(delivery) == ["Somebody else's"])
    await died(desk, delivery)  # type: ignore[misc]
    left = desk.texts(delivery)[1:]
    taken = await desk.reclaimed(delivery)
    reply = desk.reply(taken)
    await reply.begin("Searching …")
    reply.show("BFS uses ")
    await reply.finish(ANSWER)
    await reply.close()
    assert desk.texts(delivery) == ["Somebody else's", FINISHED]
    assert len(left) <= 1
    await there.finish(Answer("answered", "Somebody else's answer."))
    await there.close()
    assert len(slack.thread("C1", delivery.incoming.message)) == 3
    assert slack.duplicates() == []


async def test_a_thread_that_was_begun_is_found_again(slack: LoopbackSlack, desk: Desk) -> None:
    delivery = await desk.command("ask", "What is BFS?")
    slack.fail("chat.postMessage", hangs_up(afterwards=True))
    await desk.answered(delivery)
    texts = [entry["text"] for entry in slack.transcript("C1") if "text" in entry]
    assert texts == ["@U1 asked:\n> What is BFS?", FINISHED]


async def test_a_stream_that_another_took_is_left_to_it(slack: LoopbackSlack, desk: Desk) -> None:
    delivery = await desk.question()
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    ts = f"{int(slack.clock.now()) + 100}.000001"
    slack._last_ts = int(ts.replace(".", "")) - 1  # so that the stream's timestamp is known before
    assert await desk.journal.claim(thread_name("slack", "T1", "C1", ts), "another delivery")
    reply.show("BFS uses ")
    await slack.until(lambda: desk.texts(delivery) == ["BFS uses", "BFS uses"])
    await reply.finish(ANSWER)
    await reply.close()
    assert reply.progress.placeholder != ts
    assert desk.texts(delivery) == ["BFS uses", FINISHED]


# Bad days.


async def test_a_message_that_was_deleted_under_the_edit_is_posted_anew(slack: LoopbackSlack, desk: Desk) -> None:
    delivery = await desk.question()
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    await desk.shown(reply, "BFS uses ", lambda: desk.texts(delivery) == ["BFS uses"])
    await slack.until(lambda: slack.calls_of("chat.startStream"))
    (shown,) = slack.answers("C1", delivery.incoming.message)
    slack.find("C1", shown.ts).deleted_at = slack.clock.now()
    await reply.finish(ANSWER)
    await reply.close()
    assert desk.texts(delivery) == [FINISHED]


@pytest.mark.parametrize("fault", [rate_limited(0), server_error(500), server_error(503), web_page(502), hangs_up()])
async def test_a_storm_delays_an_answer_and_loses_nothing(slack: LoopbackSlack, desk: Desk, fault: object) -> None:
    delivery = await desk.question()
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    await desk.shown(reply, "BFS uses ", lambda: desk.texts(delivery) == ["BFS uses"])
    slack.fail("*", fault, times=4)  # type: ignore[arg-type]
    await reply.finish(ANSWER)
    await reply.close()
    assert desk.texts(delivery) == [FINISHED]
    assert slack.duplicates() == []


@pytest.mark.parametrize("fault", [hangs_up(afterwards=True), replace(server_error(500), afterwards=True)])
async def test_a_post_of_unknown_fate_is_looked_for(slack: LoopbackSlack, desk: Desk, fault: object) -> None:
    slack.fail("chat.postMessage", fault)  # type: ignore[arg-type]
    delivery = await desk.question()
    await desk.answered(delivery)
    assert desk.texts(delivery) == [FINISHED]


async def test_a_post_that_failed_is_made_again(slack: LoopbackSlack, desk: Desk) -> None:
    slack.fail("chat.postMessage", server_error(500))
    delivery = await desk.question()
    await desk.answered(delivery)
    assert desk.texts(delivery) == [FINISHED]


async def test_an_archived_channel_takes_no_answer(slack: LoopbackSlack, desk: Desk) -> None:
    delivery = await desk.question()
    slack.archive("C1")
    with pytest.raises(Undeliverable, match="is_archived"):
        await desk.reply(delivery).begin("Searching …")


@pytest.mark.parametrize("code", ["token_revoked", "account_inactive", "restricted_action", "thread_locked"])
async def test_what_will_never_be_taken_is_undeliverable(
    slack: LoopbackSlack, desk: Desk, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "bot")
    delivery = await desk.question("a private question")
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    reply.show("BFS uses ")
    slack.fail("*", code, times=None)
    with pytest.raises(Undeliverable, match=code) as raised:
        await reply.finish(ANSWER)
    await reply.close()
    said = f"{caplog.text}{raised.value}"
    assert not [secret for secret in (slack.bot_token, "a private question", "BFS") if secret in said]


async def test_a_mention_that_cannot_be_answered_now_may_be_later(slack: LoopbackSlack, desk: Desk) -> None:
    delivery = await desk.question()
    reply = desk.reply(delivery)
    await reply.begin("Searching …")
    slack.fail("chat.postMessage", server_error(), times=None)
    with pytest.raises(DeliveryFailed) as raised:
        await reply.finish(ANSWER)
    await reply.close()
    assert not isinstance(raised.value, Undeliverable)
    slack.heal("chat.postMessage")
    await desk.answered(await desk.reclaimed(delivery))
    assert desk.texts(delivery) == [FINISHED]


# Files.


async def read(desk: Desk, url: str, most: int = 100) -> bytes:
    replies = SlackReplies(desk.clients, desk.intake, desk.journal, desk.metrics)
    incoming = Incoming("slack", "T1", "C1", "1.0", None, "U1", "", "mention", 0.0)
    return await replies.read(incoming, Attachment("bfs.py", url, 8, "text/x-python"), most)


async def test_attached_files_are_read_with_the_token(slack: LoopbackSlack, desk: Desk) -> None:
    file = slack.file("bfs.py", b"print(1)", "U1", "T1")
    url = file.json(slack.url)["url_private"]
    assert await read(desk, url) == b"print(1)"
    assert await read(desk, url, 5) == b"print"
    slack.workspace().scopes.discard("files:read")
    with pytest.raises(DeliveryFailed, match="cannot be read"):  # Slack sends to a page to sign in
        await read(desk, url)


@pytest.mark.parametrize(
    "address", ["https://evil.test/x", "http://files.slack.com/x", "https://slack.com.evil.test/", "file:///etc/passwd"]
)
async def test_the_token_goes_nowhere_else(desk: Desk, address: str) -> None:
    with pytest.raises(DeliveryFailed, match="not on Slack"):
        await read(desk, address)


def test_proxies_are_for_other_machines() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "slack.com", "10.0.0.1")] == [
        True,
        True,
        True,
        False,
        False,
    ]


async def test_a_proxy_of_the_environment_is_not_asked_for_loopback(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    await desk.answered(await desk.question())
    assert desk.clients.proxy("https://slack.com/api/") == "http://127.0.0.1:9"


def _rating(delivery: Delivery, rating: str) -> str:
    return json.dumps({"answer": delivery.id, "rating": rating})
