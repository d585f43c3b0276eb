"""How a running Erica logs: one JSON object a line, without secrets. Knows nothing of what is logged.

Questions' texts are not to be logged at all; what slips through in an error of somebody else's is cut short here.
"""

import json
import logging
import math
import re
import sys
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from typing import Any, TextIO
from urllib.parse import quote

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.tracebacks import ExceptionDictTransformer
from structlog.types import EventDict, Processor, WrappedLogger

REMOVED = "‹secret›"

_READ = 8_000  # characters of any text that are looked at
_LONGEST = 2_000  # of any text that is logged
_DEEPEST = 12  # of what is in each other; exception groups go deep
_SHORTEST_SECRET = 8  # what is shorter is a stand-in, as `none` and `EMPTY` for a model server without keys
_CHATTY = {
    *("httpx", "httpcore", "qdrant_client", "LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "openai"),
    *("slack_bolt", "slack_sdk", "discord", "aiohttp", "asyncio"),
}

_START = r"(?:(?<![\w-])|(?<=\\[nrt]))"  # of a word, also where a line break before it is shown as \n
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE if loose else 0), replacement)
    for pattern, replacement, loose in (
        # Slack's tokens, and where it takes answers and connections.
        (rf"{_START}x(?:ox[a-z](?:\.xox[a-z])?|app|wfp)-[\w-]+", REMOVED, True),
        (r"(hooks\.slack(?:-gov)?\.com/)[^\s\"'<>)\]}\\]+", rf"\1{REMOVED}", True),
        (
            r"(/(?:services|commands|actions|workflows|triggers|app)/[TE][A-Z0-9]{2,20}/)[^\s\"'<>)\]}\\]+",
            rf"\1{REMOVED}",
            False,
        ),
        # Discord's: a bot's token begins with its id in base64, an interaction's with that word.
        (rf"{_START}[MNO][DTjz][\w-]{{16,40}}\.[\w-]{{4,10}}\.[\w-]{{20,}}", REMOVED, False),
        (r"aW50ZXJhY3Rpb2[\w=+/-]+", REMOVED, False),
        (r"(/(?:webhooks|interactions)/[^\s/\"'?]{1,40}/)[^\s/\"'?<>)\]}\\]+", rf"\1{REMOVED}", True),
        # Models' keys, and what is in headers.
        (rf"{_START}(?:[srp]k-|gsk_|hf_|xai-|pplx-|AIza|AKIA)[\w-]{{8,}}", REMOVED, False),
        (rf"{_START}eyJ[\w-]{{8,}}\.[\w-]+(?:\.[\w-]*)?", REMOVED, False),
        (rf"{_START}(bearer\s{{1,3}})[\w.~+/=-]{{6,}}", rf"\1{REMOVED}", True),
        (rf"{_START}(Bot\s{{1,3}})[\w.~+/=-]{{20,}}", rf"\1{REMOVED}", False),
        (
            r"(authorization[\"']?\s{0,3}[:=]\s{0,3}(?:b?[\"'])?(?:bearer|bot|basic|digest)?\s{0,3})[^\s\"',;}‹]+",
            rf"\1{REMOVED}",
            True,
        ),
        # Passwords in addresses; Redis' may hold anything.
        (r"((?:redis|valkey)s?://)[^\s\"'<>]{0,500}@", rf"\1{REMOVED}@", True),
        (r"(?<![a-z0-9+.-])([a-z][a-z0-9+.-]{1,20}://)[^\s/\"'<>]{1,500}@", rf"\1{REMOVED}@", True),
        # Named as such. After a colon many a sentence goes on, so there only what is quoted or long.
        (
            r"(?<![a-z0-9])((?:\w{1,20}[_-])?(?:token|ticket|secret|passw(?:or)?d|api[_-]?key|signature|response_url|reply_to)"
            r"[\"']?\s{0,3}(?:=\s{0,3}(?:b?[\"'])?|:\s{0,3}b?[\"']|:\s{0,3}(?=[^\s\"',;)}\]]{16})))[^\s\"'&,;)}\]‹]+",
            rf"\1{REMOVED}",
            True,
        ),
        # What pydantic was given is what a student or a server wrote.
        (r"input_value=.*?(?=, input_type=|$)", "input_value=…", False),
    )
)


class Redaction:
    """Takes secrets out of what is to be logged or shown to operators: those it is given, and what looks like one."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        given = {one.strip() for one in secrets if len(one.strip()) >= _SHORTEST_SECRET}
        forms = {form for one in given for form in (one, quote(one, safe=""), repr(one)[1:-1], json.dumps(one)[1:-1])}
        longest_first = sorted(forms, key=len, reverse=True)
        self._given = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def text(self, text: str) -> str:
        """The text without secrets, and not longer than can be read."""
        if len(text) > _READ:
            text = text[:_READ]
        if self._given is not None:
            text = self._given.sub(REMOVED, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"

    def value(self, value: Any, depth: int = _DEEPEST) -> Any:
        """Anything as JSON can have it, without secrets wherever they are in it."""
        match value:
            case None | bool() | int():
                return value
            case float():
                return value if math.isfinite(value) else str(value)
            case str():
                return self.text(value)
            case Mapping() if depth:
                return {self.text(str(name)): self.value(one, depth - 1) for name, one in value.items()}
            case list() | tuple() | set() | frozenset() if depth:
                return [self.value(one, depth - 1) for one in value]
            case _:
                return self.text(repr(value))

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        """As a structlog processor."""
        return {name: self.value(one) for name, one in event.items()}


def log_as_json(level: str = "INFO", stream: TextIO | None = None, secrets: Collection[str] = ()) -> None:
    """From now on all logging of this process goes to `stream`, standard error by default, one JSON object a line.

    Each has timestamp (UTC), level, logger and event, whatever `bound` binds, and `exception`: structured, without
    local variables. `secrets` are removed wherever they turn up. Libraries that would log payloads are held to
    warnings, whatever `level` is. Raises ValueError for an unknown level.
    """
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *common,
            structlog.stdlib.PositionalArgumentsFormatter(),
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    lines = _Lines(sys.stderr if stream is None else stream)
    lines.setFormatter(_formatter(common, Redaction(secrets)))
    lines.addFilter(_worth_a_line)
    logging.basicConfig(level=level.upper(), handlers=[lines], force=True)
    logging.captureWarnings(True)
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLogger().level))
    logging.getLogger("discord.client").setLevel(logging.ERROR)  # its warnings are about voice, at every start


def _formatter(common: list[Processor], redaction: Redaction) -> ProcessorFormatter:
    traceback = ExceptionDictTransformer(show_locals=False, max_frames=20)
    return ProcessorFormatter(
        foreign_pre_chain=common,
        processors=[
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.ExceptionRenderer(traceback),
            _in_order,
            redaction,
            structlog.processors.JSONRenderer(),
        ],
    )


def bound(**names: str) -> AbstractContextManager[None]:
    """While it lasts, every line of this task and of those it starts has these names."""
    return structlog.contextvars.bound_contextvars(**names)


class _Lines(logging.StreamHandler[TextIO]):
    """What cannot be written is lost; logging's own complaint about that would quote it, secrets included."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name for it
        place = {"level": "error", "logger": record.name, "event": "a line could not be logged", "line": record.lineno}
        try:
            self.stream.write(json.dumps(place) + "\n")
        except (OSError, ValueError):  # nobody reads any more, the disk is full, the stream is closed
            return


def _worth_a_line(record: logging.LogRecord) -> bool:
    """Whether a library may say this. Not left to the loggers' levels: slack_bolt sets its own, and takes names with
    colons for its apps and listeners."""
    return record.levelno >= logging.WARNING or (
        ":" not in record.name and record.name.partition(".")[0] not in _CHATTY
    )


def _in_order(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """What people look for first comes first."""
    first = {name: event.pop(name, "") for name in ("timestamp", "level", "logger", "event")}
    return {**first, **event}
