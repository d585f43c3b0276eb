"""What students think of answers: the contract of `bot.feedback.FeedbackBook`, on the real private Valkey."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot

from bot.adapters.redis_client import connect
from bot.adapters.redis_feedback import (
    ANSWER_KEPT,
    LONGEST_ANSWER,
    LONGEST_QUESTION,
    LONGEST_REASON,
    RATED_KEPT,
    RedisFeedback,
)
from bot.adapters.valkey import private_valkey
from bot.errors import FeedbackFailed
from bot.feedback import AnswerRecord, Feedback, FeedbackBook

ANSWER = AnswerRecord(
    id="a1",
    course="ai",
    platform="slack",
    question="What is attention?",
    answer="A weighted sum [1].",
    outcome="answered",
    passages=("lectures/1.md#attention", "lectures/2.md#"),
    model=None,
    prompt="3",
    at="2026-10-05T10:00:00+00:00",
)
HOSTILE_NAMES = ["", " ", "*", "a:b", "a%3Ab", "{slot}", "[", "(x", "\x00", "\ud800", "Übung", "x" * 9_000]


@pytest.fixture
async def store(url: str) -> AsyncIterator[Redis]:
    async with connect(url) as client:
        yield client


@pytest.fixture
def book(store: Redis) -> FeedbackBook:
    return RedisFeedback(store)


async def said(book: FeedbackBook, course: str = "ai") -> list[Feedback]:
    return [feedback async for feedback in book.all(course)]


async def rated_by(book: FeedbackBook, course: str = "ai") -> list[tuple[str, str, str, str]]:
    return [(one.answer.id, one.student, one.rating, one.reason) for one in await said(book, course)]


# The contract


async def test_what_was_said_comes_back_with_the_answer(book: FeedbackBook) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    await book.keep(ANSWER)
    assert await book.rate("a1", "S1", "down")
    assert await book.explain("a1", "S1", "no example ∑ 😀")
    (feedback,) = await said(book)
    assert feedback == Feedback(ANSWER, "S1", "down", "no example ∑ 😀", feedback.at)
    assert before < datetime.fromisoformat(feedback.at) < datetime.now(UTC) + timedelta(seconds=1)


async def test_an_answer_that_nobody_rated_is_not_among_them(book: FeedbackBook) -> None:
    await book.keep(ANSWER)
    assert await said(book) == []


async def test_an_answer_that_was_never_kept_cannot_be_rated(book: FeedbackBook) -> None:
    assert not await book.rate("a1", "S1", "up")
    assert not await book.explain("a1", "S1", "why not")
    assert await said(book) == []


async def test_who_has_not_rated_has_nothing_to_explain(book: FeedbackBook) -> None:
    await book.keep(ANSWER)
    await book.rate("a1", "S1", "up")
    assert not await book.explain("a1", "S2", "because")
    assert await rated_by(book) == [("a1", "S1", "up", "")]


async def test_the_last_word_of_each_student_counts(book: FeedbackBook) -> None:
    await book.keep(ANSWER)
    await book.rate("a1", "S1", "up")
    await book.rate("a1", "S2", "up")
    await book.rate("a1", "S1", "down")
    await book.explain("a1", "S1", "first")
    await book.explain("a1", "S1", "second")
    assert sorted(await rated_by(book)) == [("a1", "S1", "down", "second"), ("a1", "S2", "up", "")]


async def test_a_reason_goes_with_the_rating_that_it_was_for(book: FeedbackBook) -> None:
    await book.keep(ANSWER)
    await book.rate("a1", "S1", "down")
    await book.explain("a1", "S1", "no example")
    await book.rate("a1", "S1", "down")
    assert await rated_by(book) == [("a1", "S1", "down", "no example")]
    await book.rate("a1", "S1", "up")
    assert await rated_by(book) == [("a1", "S1", "up", "")]


async def test_an_answer_that_is_kept_again_keeps_what_was_said_of_it(book: FeedbackBook) -> None:
    await book.keep(ANSWER)
    await book.rate("a1", "S1", "up")
    await book.keep(replace(ANSWER, answer="finished", at="2027-01-01T00:00:00+00:00"))
    (feedback,) = await said(book)
    assert (feedback.answer.answer, feedback.rating) == ("finished", "up")


async def test_the_oldest_answer_comes_first_however_many_there_are(book: FeedbackBook) -> None:
    start = datetime(2026, 10, 5, tzinfo=UTC)
    moments = {f"a{number}": start + timedelta(seconds=number * 7919 % 1009) for number in range(250)}
    for answer, at in moments.items():
        await book.keep(replace(ANSWER, id=answer, at=at.isoformat()))
        await book.rate(answer, "S1", "up")
    found = [feedback.answer.id for feedback in await said(book)]
    assert found == sorted(moments, key=lambda answer: moments[answer])


async def test_a_time_that_cannot_be_read_loses_no_feedback(book: FeedbackBook) -> None:
    for number, at in enumerate(["yesterday", "", "9999-12-31T23:59:59", "0001-01-01T00:00:00+00:00"]):
        await book.keep(replace(ANSWER, id=str(number), at=at))
        await book.rate(str(number), "S1", "up")
    assert [feedback.answer.id for feedback in await said(book)] == ["0", "1", "3", "2"]


async def test_courses_and_answers_of_any_name_are_kept_apart(book: FeedbackBook) -> None:
    for number, name in enumerate(HOSTILE_NAMES):
        await book.keep(replace(ANSWER, id=name, course=name, prompt=str(number)))
        assert await book.rate(name, "S:1", "up")
    for number, name in enumerate(HOSTILE_NAMES):
        (feedback,) = await said(book, name)
        assert (feedback.answer.prompt, feedback.student) == (str(number), "S:1")


async def test_long_texts_are_cut_and_say_so(book: FeedbackBook) -> None:
    await book.keep(replace(ANSWER, question="q" * 40_000, answer="a" * 40_000))
    await book.rate("a1", "S1", "up")
    await book.explain("a1", "S1", "r" * 40_000)
    (feedback,) = await said(book)
    assert feedback.answer.question == "q" * (LONGEST_QUESTION - 1) + "…"
    assert feedback.answer.answer == "a" * (LONGEST_ANSWER - 1) + "…"
    assert feedback.reason == "r" * (LONGEST_REASON - 1) + "…"


async def test_texts_that_just_fit_are_kept_whole(book: FeedbackBook) -> None:
    longest = replace(ANSWER, question="q" * LONGEST_QUESTION, answer="a" * LONGEST_ANSWER)
    await book.keep(longest)
    await book.rate("a1", "S1", "up")
    await book.explain("a1", "S1", "r" * LONGEST_REASON)
    (feedback,) = await said(book)
    assert (feedback.answer, feedback.reason) == (longest, "r" * LONGEST_REASON)


async def test_half_a_surrogate_pair_does_no_harm(book: FeedbackBook) -> None:
    await book.keep(replace(ANSWER, question="what is \ud83d", answer="\ud83d"))
    await book.rate("a1", "S1", "up")
    await book.explain("a1", "S1", "\ud83d")
    (feedback,) = await said(book)
    assert (feedback.answer.question, feedback.answer.answer, feedback.reason) == ("what is ?", "?", "?")


async def test_students_who_rate_at_once_are_all_heard(book: FeedbackBook) -> None:
    await book.keep(ANSWER)
    await asyncio.gather(*(book.rate("a1", f"S{number}", "up") for number in range(50)))
    assert {feedback.student for feedback in await said(book)} == {f"S{number}" for number in range(50)}


# How it is stored


async def test_an_answer_is_forgotten_after_a_month_unless_somebody_rates_it(book: FeedbackBook, store: Redis) -> None:
    key = "erica:{feedback}:answer:a1"
    await book.keep(ANSWER)
    assert ANSWER_KEPT.total_seconds() - 60 < await store.ttl(key) <= ANSWER_KEPT.total_seconds()
    await book.rate("a1", "S1", "up")
    assert RATED_KEPT.total_seconds() - 60 < await store.ttl(key) <= RATED_KEPT.total_seconds()
    await store.expire(key, RATED_KEPT - timedelta(days=10))
    await book.keep(ANSWER)
    await book.rate("a1", "S2", "up")
    assert ANSWER_KEPT < timedelta(seconds=await store.ttl(key)) <= RATED_KEPT - timedelta(days=10)
    assert 0 < await store.ttl("erica:{feedback}:rated") <= RATED_KEPT.total_seconds()


async def test_what_has_been_kept_long_enough_leaves_nothing_behind(book: FeedbackBook, store: Redis) -> None:
    for answer in ("a1", "a2"):
        await book.keep(replace(ANSWER, id=answer))
        await book.rate(answer, "S1", "up")
    await store.pexpire("erica:{feedback}:answer:a1", 0)
    assert await rated_by(book) == [("a2", "S1", "up", "")]
    assert await store.zcard("erica:{feedback}:rated") == 1
    assert not await book.rate("a1", "S1", "down")


async def test_a_cluster_would_keep_all_keys_in_one_slot(book: FeedbackBook, store: Redis) -> None:
    for name in HOSTILE_NAMES:
        await book.keep(replace(ANSWER, id=name, course=name))
        await book.rate(name, "S1", "up")
    names: Any = await store.keys("*")
    assert len(names) == len(HOSTILE_NAMES) + 1
    assert len({key_slot(name) for name in names}) == 1


@pytest.mark.parametrize(
    ("field", "damage"),
    [
        ("record", ""),
        ("record", "no JSON"),
        ("record", '{"v": 99}'),
        ("record", '{"v": 1, "id": "a1"}'),
        ("record", b"\xff"),
        ("rating:S1", "sideways"),
    ],
)
async def test_what_another_version_wrote_is_left_out(
    book: FeedbackBook, store: Redis, field: str, damage: str | bytes
) -> None:
    for answer in ("a1", "a2"):
        await book.keep(replace(ANSWER, id=answer))
        await book.rate(answer, "S1", "up")
    await store.hset("erica:{feedback}:answer:a1", field, damage)
    assert await rated_by(book) == [("a2", "S1", "up", "")]


@pytest.mark.parametrize("damage", ["", "-1", "yesterday", "9" * 400])
async def test_a_damaged_time_loses_no_feedback(book: FeedbackBook, store: Redis, damage: str) -> None:
    await book.keep(ANSWER)
    await book.rate("a1", "S1", "up")
    await store.hset("erica:{feedback}:answer:a1", "at:S1", damage)
    assert await rated_by(book) == [("a1", "S1", "up", "")]


# When Redis has a bad day


async def test_without_redis_every_call_is_a_feedback_failure(tmp_path: Path) -> None:
    async with connect(f"unix://{tmp_path}/nothing.sock") as client:
        book = RedisFeedback(client)
        calls = (book.keep(ANSWER), book.rate("a1", "S1", "up"), book.explain("a1", "S1", "why"), said(book))
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(outcome, FeedbackFailed) for outcome in outcomes)


async def test_feedback_survives_a_restart_of_redis(tmp_path: Path) -> None:
    async with private_valkey(tmp_path) as address, connect(address) as client:
        book = RedisFeedback(client)
        await book.keep(ANSWER)
        await book.rate("a1", "S1", "up")
    async with private_valkey(tmp_path) as address, connect(address) as client:
        book = RedisFeedback(client)
        assert await book.explain("a1", "S1", "good example")
        assert await rated_by(book) == [("a1", "S1", "up", "good example")]
