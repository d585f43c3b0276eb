"""What the platforms ask of Erica, from the acknowledged event to its end: nouns, their JSON, and the Intake port.

Knows nothing of where they are kept, nor of the platforms' libraries.
"""

import json
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Literal, Protocol
from urllib.parse import quote

from pydantic import TypeAdapter

Platform = Literal["slack", "discord"]
Kind = Literal["mention", "message", "direct", "command", "shortcut"]

MOST_ATTEMPTS = 3
LONGEST_TEXT = 40_000  # characters of a question that are kept; neither platform lets people send more

_FORMAT = 1  # of the JSON; a field that is added, with a default, does not change it
_ONE_QUESTION_A_MESSAGE = ("mention", "message", "direct")
"""Kinds of which a message is asked once; menus and buttons may be about one message many times."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message; `size` in bytes."""

    name: str
    url: str
    size: int
    media_type: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """One event of a platform that asks something of Erica.

    `event` is the platform's id of the event itself, "" if it has none; `message` of what was written, "" for a
    command; `revision` tells an edited message from the first one. `received` is in seconds since the epoch by
    the receiver's clock: for people to read, never to reckon with.

    `channel` is the course's channel, also for what was said in one of its threads; `thread` the thread's id, None
    outside of threads. `command` is what a command, button or menu asks for, `ask` for a question, and `text` its
    argument; `reply_to` is where its answer must go: Slack's response URL, Discord's interaction token.
    `private`: nobody but the author reads there, as in direct messages.
    """

    platform: Platform
    workspace: str
    channel: str
    message: str
    thread: str | None
    author: str
    text: str
    kind: Kind
    received: float
    event: str = ""
    course: str = ""
    attachments: tuple[Attachment, ...] = ()
    revision: str = ""
    command: str = ""
    reply_to: str = ""
    private: bool = False

    @property
    def question(self) -> str:
        """Names what was asked, whichever revision of it: the same for a message and what it became."""
        name = self.message if self.kind in _ONE_QUESTION_A_MESSAGE else self.event
        return _joined(self.platform, self.workspace, self.channel, name)

    @property
    def conversation(self) -> str:
        """Names the thread that it belongs to, or, for a question that begins one, will belong to."""
        return thread_name(self.platform, self.workspace, self.channel, self.thread or self.message)

    @property
    def direct_line(self) -> str:
        """Names all that is said with the author in private there, whatever the thread."""
        return thread_name(self.platform, self.workspace, self.channel, "")


@dataclass(frozen=True, slots=True)
class Progress:
    """What the attempts so far left on the platform, so that the next one goes on there: ids, "" for nothing yet.

    `thread` is the one that Erica opened, `further` are the messages after the placeholder of a long answer.
    """

    placeholder: str = ""
    nonce: str = ""
    thread: str = ""
    further: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """An incoming event in the hands of one consumer.

    `claim` is the intake's proof of who holds it; `attempt` counts from 1. With `farewell`, every attempt allowed
    has been lost: answer no more, only say so where `progress` points, then call `failed`. `waited`: seconds since
    the event was put.
    """

    id: str
    incoming: Incoming
    consumer: str
    claim: int
    attempt: int = 1
    progress: Progress = Progress()
    farewell: bool = False
    waited: float = 0.0


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What was given up, why, and when, in seconds since the epoch. `incoming` is None if it cannot be read."""

    id: str
    incoming: Incoming | None
    reason: str
    attempts: int
    progress: Progress
    buried: float


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much there is to do: events by state, and the age of the oldest without an end, in seconds."""

    waiting: int
    under_way: int
    dead: int
    oldest_seconds: float


class UnreadableIncoming(ValueError):
    """The JSON was written by another version, or is none."""


class Intake(Protocol):
    """Events kept safe from the platform's acknowledgement to their end. Every method may raise IntakeFailed.

    What a consumer does to a delivery that is no longer its own raises ClaimLost: stop at once, another has it.
    """

    async def put(self, incoming: Incoming) -> bool:
        """Keep an event; only afterwards may the platform be told. False: it has been kept before."""
        ...

    async def take(self, consumer: str, wait: float = 1.0) -> Delivery | None:
        """The next event in fair order, for `consumer` alone; None if there is none for `wait` seconds."""
        ...

    @property
    def lease(self) -> float:
        """Seconds after which a delivery that is not renewed goes to somebody else; renew three times as often."""
        ...

    async def renew(self, delivery: Delivery) -> None:
        """Keep a delivery for another lease. Raises ClaimLost."""
        ...

    async def record(
        self,
        delivery: Delivery,
        *,
        placeholder: str | None = None,
        nonce: str | None = None,
        thread: str | None = None,
        further: tuple[str, ...] | None = None,
    ) -> Delivery:
        """Keep what was posted, for whoever must go on; what is not given stays. Raises ClaimLost."""
        ...

    async def done(self, delivery: Delivery) -> None:
        """It has its end; forget it. Raises ClaimLost."""
        ...

    async def failed(self, delivery: Delivery, reason: str, final: bool = False) -> bool:
        """It went wrong. True: it was the last attempt, or `final`; it is a dead letter now. Raises ClaimLost."""
        ...

    async def release(self, delivery: Delivery) -> None:
        """Give it back as if it had never been taken, for somebody else to do at once. Raises ClaimLost."""
        ...

    async def leave(self, consumer: str) -> int:
        """Say goodbye: whatever the consumer still holds is released. How many that were."""
        ...

    async def dead(self, most: int = 100) -> tuple[DeadLetter, ...]:
        """The dead letters, last one first."""
        ...

    async def replay(self, dead_id: str) -> bool:
        """Put a dead letter back into the queue, with all its attempts; False if there is none of that id."""
        ...

    async def backlog(self) -> Backlog:
        """For gauges and alarms."""
        ...


def thread_name(platform: Platform, workspace: str, channel: str, thread: str) -> str:
    """Names a thread among all of all platforms."""
    return _joined(platform, workspace, channel, thread)


def keys(incoming: Incoming) -> tuple[str, ...]:
    """What tells an event from another; events that share one of them are the same.

    A mention comes twice on Slack, as a mention and as a message, under two event ids: so the message counts too.
    Commands and shortcuts about one message may be many.
    """
    found: list[tuple[str, ...]] = []
    if incoming.event:
        found.append(("event", incoming.event))
    if incoming.message and incoming.kind in _ONE_QUESTION_A_MESSAGE:
        found.append(("message", incoming.channel, incoming.message, incoming.revision))
    return tuple(_joined(incoming.platform, *key) for key in found)


def to_json(incoming: Incoming) -> str:
    """An event to be stored; text beyond LONGEST_TEXT is cut, half a surrogate pair becomes `?`."""
    fields = asdict(replace(incoming, text=incoming.text[:LONGEST_TEXT]))
    return json.dumps({"v": _FORMAT, **fields}, ensure_ascii=False).encode("utf-8", "replace").decode()


def from_json(text: str | bytes) -> Incoming:
    """What `to_json` wrote, also in an earlier version. Raises UnreadableIncoming, which does not quote the text."""
    try:
        fields = json.loads(text)
        if isinstance(fields, dict) and fields.get("v") == _FORMAT:
            return _reader().validate_python(fields)
    except (ValueError, RecursionError):
        # Its own words would bring a student's text into the log.
        pass
    raise UnreadableIncoming("an event is not in a form that this version reads")


@cache
def _reader() -> TypeAdapter[Incoming]:
    return TypeAdapter(Incoming)


def _joined(*parts: str) -> str:
    return ":".join(_quoted(part) for part in parts)


def _quoted(part: str) -> str:
    return quote(part.encode("utf-8", "surrogatepass"), safe="")
