"""What a running Erica logs: one JSON object a line, one id a question, no secrets, no texts of questions."""

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from fakes import SilentProgress
from hypothesis import given
from hypothesis import strategies as st
from loopback_model import LoopbackModel, status
from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp

from bot.course import load_course
from bot.logs import REMOVED, Redaction, bound, log_as_json
from bot.messages import Answer, Question
from bot.settings import Settings
from bot.wiring import Wiring

SIGNING = "8f742231b10e8888abcd99yyyzzz85a5"
BOT_TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE.abcdefghijklmnopqrstuvwxyz0123456789ABC"
INTERACTION = "aW50ZXJhY3Rpb246MTIzNDU2Nzg5MDEyMzQ1Njc4OmFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6"
Log = Callable[..., None]


class Lines(io.StringIO):
    """What was logged."""

    @property
    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]

    @property
    def one(self) -> dict[str, Any]:
        [line] = self.all
        return line


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Logging is the process's; leave it as the other tests have it."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in list(root.manager.loggerDict)}
    yield
    logging.captureWarnings(False)
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in list(root.manager.loggerDict):
        logging.getLogger(name).setLevel(levels.get(name, logging.NOTSET))


@pytest.fixture
def lines() -> Lines:
    lines = Lines()
    log_as_json(stream=lines, secrets=[SIGNING, "p@ss/word", ""])
    return lines


def test_a_line_says_when_how_bad_who_and_what(lines: Lines) -> None:
    before = datetime.now(UTC)
    logging.getLogger("bot.worker").warning("question %s went to another worker", "7-0")
    line = lines.one
    assert list(line) == ["timestamp", "level", "logger", "event"]
    assert (line["level"], line["logger"], line["event"]) == (
        "warning",
        "bot.worker",
        "question 7-0 went to another worker",
    )
    assert line["timestamp"].endswith("Z")
    assert before <= datetime.fromisoformat(line["timestamp"]) <= datetime.now(UTC)


def test_structlogs_own_lines_look_the_same(lines: Lines) -> None:
    structlog.get_logger("bot.handler").info("answered", outcome="extractive", seconds=0.25)
    line = lines.one
    assert list(line) == ["timestamp", "level", "logger", "event", "outcome", "seconds"]
    assert (line["level"], line["logger"], line["event"]) == ("info", "bot.handler", "answered")


def test_warnings_of_python_are_lines_too(lines: Lines) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("this is going away", DeprecationWarning, stacklevel=1)
    assert lines.one["logger"] == "py.warnings"


def test_everything_about_a_question_has_its_id(lines: Lines) -> None:
    logger = logging.getLogger("bot.tutor")
    with bound(question="1-0", platform="slack", course="ai"):
        logger.info("begun")
        with bound(question="2-0"):
            structlog.get_logger().info("another")
        logger.info("ended")
    logger.info("alone")
    assert [line.get("question") for line in lines.all] == ["1-0", "2-0", "1-0", None]
    assert (lines.all[2]["platform"], lines.all[2]["course"]) == ("slack", "ai")


@pytest.mark.parametrize("log", [lambda: logging.getLogger("x").exception, lambda: structlog.get_logger("x").exception])
def test_an_exception_is_structured_on_its_line(lines: Lines, log: Callable[[], Log]) -> None:
    question = "a student's own words"
    try:
        try:
            raise OSError("refused\nby the server") from LookupError(len(question))
        except OSError as error:
            raise ExceptionGroup("both", [error, ValueError(f"Bearer {SIGNING}")]) from None
    except ExceptionGroup:
        log()("it failed")
    line = lines.one
    assert (line["event"], line["level"]) == ("it failed", "error")
    [group] = line["exception"]
    assert (group["exc_type"], group["frames"][0]["name"]) == (
        "ExceptionGroup",
        "test_an_exception_is_structured_on_its_line",
    )
    assert "refused\\nby the server" in lines.getvalue()
    assert SIGNING not in lines.getvalue()
    assert question not in lines.getvalue(), "local variables hold what people wrote"


SECRETS = {
    "Slack's bot token": "xoxb-123456789012-1234567890123-AbCdEfGhIjKl",
    "Slack's user token": "xoxp-1-2-3-abcdef",
    "Slack's app token": "xapp-1-A0123-456-deadbeef",
    "Slack's rotated token": "xoxe.xoxb-1-MS0yLTM0NTY3ODkw",
    "Slack's refresh token": "xoxe-1-My0xLTExMjM0NTY3ODkw",
    "Discord's bot token": BOT_TOKEN,
    "Discord's interaction token": INTERACTION,
    "a signing secret": SIGNING,
    "a model's key": "sk-proj-Abc123_def456-ghi789",
    "Google's key": "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "a password": "p@ss/word",
    "a quoted password": "p%40ss%2Fword",
    "an installation's token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("around", ["{}", "token={},", "'{}'", "https://x.test/?t={}&a=1", "a\n{}\nb", '{{"a": "{}"}}'])
def test_a_secret_is_removed_wherever_it_is(lines: Lines, secret: str, around: str) -> None:
    text = around.format(secret)
    logger = logging.getLogger("bot.adapters.slack")
    logger.warning(text)
    logger.warning("calling %s failed: %r", text, {"text": text})
    with bound(note=text):
        structlog.get_logger().error("failed", headers={text: [text, (text.encode(),)]}, error=OSError(text))
    try:
        raise OSError(text) from RuntimeError(text)
    except OSError:
        logger.exception("failed", stack_info=True)
    assert secret not in lines.getvalue()
    assert len(lines.all) == 4
    assert lines.getvalue().count(json.dumps(REMOVED)[1:-1]) >= 8


ADDRESSES = [
    "https://discord.com/api/v10/webhooks/123456789012345678/{}/messages/@original",
    "POST http://127.0.0.1:9000/api/v10/interactions/1234/{}/callback",
    "https://hooks.slack.com/commands/T0123ABCD/12345/{}",
    "https://hooks.slack.com/services/T00000000/B00000000/{}",
    "http://127.0.0.1:9000/actions/T0123ABCD/12345/{}",
    "wss://wss-primary.slack.com/link/?ticket={}&app_id=1",
    "redis://erica:{}@cache.example.edu:6379/0",
    "rediss://:{}@cache.example.edu:6379/0",
    "redis://:a/b@{}@cache.example.edu:6379/0",
    "https://ta:{}@lectures.example.edu/",
    "Authorization: Bearer {}",
    "{{'Authorization': 'Bot {}'}}",
    "headers: authorization=Basic {}",
    "password={}",
    '{{"access_token": "{}"}}',
    "SLACK_SIGNING_SECRET={}",
    "api_key: {}",
    "Incoming(text='x', reply_to='{}', private=True)",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_stands_where_secrets_stand_is_removed_whatever_it_looks_like(address: str) -> None:
    secret = "c0rrect-horse.battery_staple"
    shown = Redaction().text(f"calling {address.format(secret)} failed: timeout")
    assert secret not in shown
    assert REMOVED in shown
    assert shown.startswith("calling")


@pytest.mark.parametrize(
    "text",
    [
        "question 1700000000000-0 went to another worker",
        "openai/gpt-4o-mini refused the key (HTTP 401) after 0 characters. Check ERICA_MODEL_API_KEY.",
        "the tokens: prompt 900, completion 80; a token: is what a model reads",
        "https://example.edu/ai/task-force/risk-averse.html#bearer-of-news",
        "Bot was removed from the channel C0123ABCD of T0123ABCD",
        "Redis failed the intake: Error 111 connecting to cache.example.edu:6379. Is the Redis of ERICA_REDIS_URL up?",
        "redis://cache.example.edu:6379/0",
        "/data/erica/indexes/ai/2026-11-21.sqlite: no such file",
        "no such key: erica:{intake}:events",
        "retrieval.concepts.extraction.ExtractionCache",
        "d41d8cd98f00b204e9800998ecf8427e is a pseudonym",
        "Größe, λ and 中文 stay",
        "none of the models answered, the reply was EMPTY",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Redaction(["", "  ", "a", "none", "EMPTY"]).text(text) == text


@given(st.text(max_size=200))
def test_redaction_can_be_repeated_and_takes_anything(text: str) -> None:
    once = Redaction(["00000000"]).text(f"{text}00000000{text}")
    assert "00000000" not in once
    assert Redaction(["00000000"]).text(once) == once


@pytest.mark.parametrize(
    "piece", ["x", "://", "redis://", "a.", "xoxb-", "Bearer ", "eyJ", "token=", "/webhooks/1/", " "]
)
def test_a_text_without_end_is_cut(piece: str) -> None:
    assert len(Redaction([SIGNING]).text(piece * 1_000_000)) <= 2_010


def test_odd_things_are_one_line_of_json_all_the_same(lines: Lines) -> None:
    circle: list[Any] = []
    circle.append(circle)
    with bound(question="half \ud83d a pair"):
        structlog.get_logger().info("odd", number=float("nan"), circle=circle, path=Path("x"), raw=b"\xff", keys={1: 2})
    logging.getLogger("a").info("two\nlines and \x1b[31mred")
    logging.getLogger("a").info("x" * 1_000_000)
    assert len(lines.all) == 3
    assert len(lines.getvalue()) < 20_000
    assert lines.getvalue().isascii()


def test_a_line_that_cannot_be_made_shows_nothing_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    log_as_json(stream=lines)  # here, since pytest's own handlers came after the fixture's, and would raise
    logging.getLogger("bot.handler").error("%d questions", SIGNING)
    assert lines.one["logger"] == "bot.handler"
    assert SIGNING not in lines.getvalue() + "".join(capsys.readouterr())


def test_a_full_disk_or_closed_stream_stops_nobody(lines: Lines, capsys: pytest.CaptureFixture[str]) -> None:
    lines.close()
    logging.getLogger("bot.handler").error("who reads this?")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("level", ["debug", "INFO"])
def test_libraries_never_show_what_they_send(level: str) -> None:
    lines = Lines()
    log_as_json(level, lines)
    app = AsyncApp(token="xoxb-1-1", signing_secret="s" * 32, name="slack.py")  # takes the level of the root logger
    names = ["slack_sdk.web.async_base_client", "slack_bolt.AsyncApp", "slack.py:AsyncApp", "discord.http"]
    names += ["discord.gateway", "httpx", "httpcore.http11", "qdrant_client.http", "aiohttp.access"]
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    for logger in (app.logger, *map(logging.getLogger, names)):
        logger.debug("payload: {'text': 'what is attention?'}")
        logger.info("payload: {'text': 'what is attention?'}")
    assert "payload" not in lines.getvalue()
    for name in names:
        logging.getLogger(name).warning("shard %d was closed", 0)
    assert lines.getvalue().count("shard 0 was closed") == len(names)


def test_the_level_counts_for_our_own_lines() -> None:
    lines = Lines()
    log_as_json("WARNING", lines)
    logging.getLogger("bot.tutor").info("no")
    structlog.get_logger("bot.tutor").info("no")
    logging.getLogger("bot.tutor").warning("yes")
    assert lines.one["event"] == "yes"


def test_lines_go_to_standard_error_unless_said_otherwise(capsys: pytest.CaptureFixture[str]) -> None:
    log_as_json()
    logging.getLogger("bot.tutor").info("here")
    log_as_json()
    logging.getLogger("bot.tutor").info("and here, once")
    out, err = capsys.readouterr()
    assert out == ""
    assert [json.loads(line)["event"] for line in err.splitlines()] == ["here", "and here, once"]


async def test_the_text_of_a_question_is_in_no_line_also_when_its_answer_fails(
    tmp_path: Path, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way from question to answer, with a model server that repeats in its errors what it was asked."""
    text = "What is the quaggamire coefficient?"
    for page in ("The quaggamire coefficient", "Hooves", "Manes", "Savannas"):
        (tmp_path / f"{page}.md").write_text(f"# {page}\n\n{page}: this is what a zebra is measured by.\n")
    file = tmp_path / "course.toml"
    file.write_text('[course]\nid = "zoo"\ntitle = "Zoo"\n\n[[sources]]\npath = "."\nbase_url = "https://zoo.test/"\n')
    course = load_course(file)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    async with LoopbackModel(status(400, f"bad request: {text}"), status(401, f"wrong key for: {text}")) as server:
        settings = Settings(
            data_dir=tmp_path / "data",
            embedding_path=None,
            model="openai/first",
            model_fallbacks="openai/second",
            model_api_base=server.url,
            model_api_key=SecretStr(SIGNING),
        )
        wiring = Wiring(settings, logging.getLogger("bot.cli").warning)
        await wiring.ingest(course, SilentProgress())
        with bound(question="1-0"):
            events = [event async for event in wiring.tutor(course).answer(Question(text))]
        assert wiring.models is not None
        await wiring.models.aclose()
    assert isinstance(events[-1], Answer)
    assert (events[-1].outcome, len(server.requests)) == ("extractive", 2)
    failures = [line for line in lines.all if line["logger"] == "bot.model_chain"]
    assert [line["question"] for line in failures] == ["1-0", "1-0"], "that they failed is logged"
    assert "quaggamire" not in lines.getvalue()
    assert SIGNING not in lines.getvalue()
