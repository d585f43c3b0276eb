"""`erica feedback` and `erica letters` as staff and scripts meet them, on a private Valkey like theirs."""

import asyncio
import io
import json
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import typer
from erica_command import course_at, environment
from redis.asyncio import Redis
from rich.console import Console

from bot.adapters.redis_client import connect
from bot.adapters.redis_feedback import RedisFeedback
from bot.adapters.redis_intake import RedisIntake
from bot.adapters.valkey import private_valkey
from bot.feedback import AnswerRecord, Feedback
from bot.intake import DeadLetter, Incoming, Progress
from bot.rendering.staff_reports import feedback_json, feedback_text, letters_json, letters_text
from bot.staff_commands import NoSuchLetter, add_to

TOKEN = "aW50ZXJhY3Rpb246MTIzNDU2Nzg5MDEyMzQ1Njc4OmFiY2RlZmdo"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder whose Valkey runs all the while, as with an Erica that is running."""
    folder = tmp_path_factory.mktemp("staff")
    begun: Future[None] = Future()
    over = threading.Event()

    async def serve() -> None:
        try:
            async with private_valkey(folder):
                begun.set_result(None)
                await asyncio.to_thread(over.wait)
        except BaseException as error:
            if not begun.done():
                begun.set_exception(error)
            raise

    server = threading.Thread(target=lambda: asyncio.run(serve()))
    server.start()
    try:
        begun.result(timeout=60)
        yield folder
    finally:
        over.set()
        server.join()


def in_redis(data: Path, do: Callable[[Redis], Awaitable[None]]) -> None:
    """Do something there, after all that was there is gone."""

    async def go() -> None:
        async with private_valkey(data) as url, connect(url) as client:
            await client.flushall()
            await do(client)

    asyncio.run(go())


def staff(*words: str, data: Path) -> str:
    """Run a command in this process; what it prints. Raises what it fails with."""
    app, out = typer.Typer(), io.StringIO()
    add_to(app)
    with patch.dict(os.environ, environment(data, {}), clear=True), redirect_stdout(out):
        app(list(words), standalone_mode=False)
    return out.getvalue()


@pytest.fixture
def course(tmp_path: Path) -> str:
    return str(course_at(tmp_path, "# A page\n"))


def answer(id_: str, question: str, at: str = "2026-11-20T14:00:00+00:00") -> AnswerRecord:
    places = ("lectures/attention.md#Self-attention", "lectures/rnn.md")
    return AnswerRecord(id_, "cs", "slack", question, "An average [1].", "answered", places, "openai/m", "v3", at)


async def opinions(client: Redis) -> None:
    book = RedisFeedback(client)
    await book.keep(answer("a1", "What is attention?"))
    await book.keep(answer("a2", "What is a [bold]GRU[/]?\x1b[31m", "2026-11-20T15:00:00+00:00"))
    await book.keep(replace(answer("a3", "Elsewhere"), course="other"))
    await book.rate("a2", "student-1", "up")
    await book.rate("a1", "student-1", "down")
    await book.explain("a1", "student-1", "too long,\nand no example")
    await book.rate("a1", "student-2", "up")
    await book.rate("a3", "student-1", "up")


def test_what_students_said_is_listed_and_counted(data: Path, course: str) -> None:
    in_redis(data, opinions)
    out = staff("feedback", "--course", course, data=data)
    for said in (
        "down, it did not help",
        "Question: What is attention?",
        "Reason: too long, and no example",
        "answered, openai/m, prompt v3",
        "lectures/attention.md#Self-attention",
        "What is a [bold]GRU[/]?",
    ):
        assert said in out
    assert out.splitlines()[-1] == "2 rated answers: 2 up, 1 down."
    assert "\x1b" not in out
    assert "student-" not in out
    assert "Elsewhere" not in out


def test_what_students_said_as_json(data: Path, course: str) -> None:
    in_redis(data, opinions)
    out = staff("feedback", "--course", course, "--json", data=data)
    said = json.loads(out)
    assert (said["course"], said["up"], said["down"]) == ("cs", 2, 1)
    assert sorted((one["id"], one["rating"]) for one in said["feedback"]) == [
        ("a1", "down"),
        ("a1", "up"),
        ("a2", "up"),
    ]
    [down] = [one for one in said["feedback"] if one["rating"] == "down"]
    assert down == {
        "id": "a1",
        "rating": "down",
        "at": down["at"],
        "reason": "too long,\nand no example",
        "question": "What is attention?",
        "answer": "An average [1].",
        "outcome": "answered",
        "model": "openai/m",
        "prompt": "v3",
        "passages": ["lectures/attention.md#Self-attention", "lectures/rnn.md"],
        "platform": "slack",
        "answered": "2026-11-20T14:00:00+00:00",
    }
    assert "student-" not in out


def test_nobody_has_said_anything(data: Path, course: str) -> None:
    async def nothing(_: Redis) -> None:
        return

    in_redis(data, nothing)
    assert staff("feedback", "--course", course, data=data) == "Nobody has rated an answer of this course yet.\n"
    assert json.loads(staff("feedback", "--course", course, "--json", data=data))["feedback"] == []


def asked(text: str) -> Incoming:
    event = f"event of {text}"
    return Incoming("slack", "T1", "C1", "", None, "U0STUDENT", text, "command", 1.7e9, event, "cs", reply_to=TOKEN)


async def failures(client: Redis) -> None:
    """Two questions are given up, one after the other."""
    intake = RedisIntake(client)
    for text in ("what is attention?", "what is a GRU?"):
        await intake.put(asked(text))
        delivery = await intake.take("worker")
        assert delivery is not None
        await intake.failed(delivery, f"DeliveryFailed: /webhooks/1/{TOKEN} said 500", final=True)


def test_given_up_questions_are_listed_without_their_text(data: Path) -> None:
    in_redis(data, failures)
    out = staff("letters", data=data)
    assert out.count("slack, cs, 1 attempt\n") == 2
    assert out.count("DeliveryFailed: /webhooks/1/") == 2
    assert "2 given up." in out
    assert not any(secret in out for secret in (TOKEN, "attention", "U0STUDENT"))
    with_text = staff("letters", "--text", data=data)
    assert with_text.index("Question: what is attention?") < with_text.index("Question: what is a GRU?"), "newest last"
    assert "the last 1" in staff("letters", "--limit", "1", data=data)


def test_given_up_questions_as_json(data: Path) -> None:
    in_redis(data, failures)
    out = staff("letters", "--json", data=data)
    listed = json.loads(out)
    assert (listed["total"], len(listed["letters"])) == (2, 2)
    assert set(listed["letters"][0]) == {
        *("id", "at", "reason", "attempts", "platform", "course", "channel", "kind", "received")
    }
    assert not any(secret in out for secret in (TOKEN, "attention", "U0STUDENT"))
    told = json.loads(staff("letters", "--json", "--text", data=data))["letters"]
    assert [one["question"] for one in told] == ["what is attention?", "what is a GRU?"]


def queued(data: Path) -> list[str]:
    """What a worker would get now."""
    found: list[str] = []

    async def take_all() -> None:
        async with private_valkey(data) as url, connect(url) as client:
            while (delivery := await RedisIntake(client).take("worker", wait=0.0)) is not None:
                found.append(delivery.incoming.text)

    asyncio.run(take_all())
    return found


def test_one_is_put_back_once(data: Path) -> None:
    in_redis(data, failures)
    first = json.loads(staff("letters", "--json", data=data))["letters"][0]["id"]
    assert "1 put back" in staff("letters", "--replay", first, data=data)
    with pytest.raises(NoSuchLetter, match=first):
        staff("letters", "--replay", first, data=data)
    assert queued(data) == ["what is attention?"]
    assert json.loads(staff("letters", "--json", data=data))["total"] == 1


def test_all_are_put_back_in_their_order(data: Path) -> None:
    in_redis(data, failures)
    assert json.loads(staff("letters", "--replay-all", "--json", data=data)) == {"replayed": 2}
    assert queued(data) == ["what is attention?", "what is a GRU?"]
    assert staff("letters", "--replay-all", data=data) == "No question was given up.\n"
    assert staff("letters", data=data) == "No question was given up.\n"


@pytest.mark.parametrize("id_", ["", "nonsense", "1-0; flushall", "\ud83d"])
def test_an_id_that_is_none_is_refused(data: Path, id_: str) -> None:
    with pytest.raises(NoSuchLetter):
        staff("letters", "--replay", id_, data=data)


def test_one_or_all_not_both(data: Path) -> None:
    with pytest.raises(typer.TyperException, match="either"):
        staff("letters", "--replay", "1-0", "--replay-all", data=data)


def printed(report: Any) -> str:
    out = io.StringIO()
    Console(file=out, width=80).print(report, soft_wrap=True)
    return out.getvalue()


def test_a_letter_that_cannot_be_read_is_listed_all_the_same() -> None:
    letter = DeadLetter("1-0", None, "an event is not in a form that this version reads", 3, Progress(), float("inf"))
    assert "unreadable, 3 attempts" in printed(letters_text([letter], 1, with_text=True))
    told = letters_json([letter], 1, with_text=True)["letters"][0]
    assert (told["at"], told["course"], told["question"]) == (None, None, None)


def test_whatever_was_kept_is_shown_safely() -> None:
    odd = "\x1b]8;;https://evil.test\x07 [red]\u202e" + "x" * 10_000
    record = AnswerRecord(odd, odd, odd, odd, odd, odd, (odd,) * 9, odd, odd, odd)
    out = printed(feedback_text([Feedback(record, odd, "up", odd, odd)]))
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert len(out) < 5_000
    assert "and 4 more" in out
    json.dumps(feedback_json("cs", [Feedback(record, odd, "up", odd, odd)]))


def test_what_was_said_last_comes_last_whichever_answer_it_was_about() -> None:
    first, second = answer("a1", "first"), answer("a2", "second", "2026-11-20T15:00:00+00:00")
    said = [Feedback(first, "s", "up", "", "2026-11-21T09:30:00.001+00:00")]
    said += [Feedback(second, "s", "up", "", "2026-11-20T16:00:00.000+00:00")]
    assert [one["id"] for one in feedback_json("cs", said)["feedback"]] == ["a2", "a1"]
    out = printed(feedback_text(said))
    assert out.index("2026-11-20 16:00 UTC") < out.index("2026-11-21 09:30 UTC")
