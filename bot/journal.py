"""What became of each question on its platform: nouns, and the Journal port.

With it edits, deletions, repeated questions, follow-ups and crashes find what was posted. Knows nothing of where it is
kept, and never holds what was asked or answered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from bot.intake import Incoming, Progress

State = Literal["working", "ended"]
Reason = Literal["edited", "deleted", "stopped"]


@dataclass(frozen=True, slots=True)
class Entry:
    """Who works or worked on a question, and what was posted for it. `delivery` is the intake's id of its event."""

    delivery: str
    revision: str = ""
    state: State = "working"
    progress: Progress = Progress()


@dataclass(frozen=True, slots=True)
class Halt:
    """Work on a question is to end. For `edited`, `revision` is the one that goes on instead."""

    reason: Reason
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Earlier:
    """Where the same was answered before: the question's name and a link to its thread."""

    question: str
    link: str


class Journal(Protocol):
    """Questions and conversations by the names that `Incoming.question` and `Incoming.conversation` give them.

    Everything in it is forgotten after a while. Every method may raise JournalFailed.
    """

    async def entry(self, question: str) -> Entry | None:
        """What is known of a question."""
        ...

    async def write(self, question: str, entry: Entry, conversation: str = "") -> None:
        """Keep what is known now. While its state is `working`, it counts as under way in its conversation."""
        ...

    async def under_way(self, conversation: str) -> tuple[str, ...]:
        """The questions of a conversation that are being worked on."""
        ...

    async def halt(self, question: str, halt: Halt) -> None:
        """Whoever works on the question, now or later, is to stop."""
        ...

    async def halts(self, questions: Sequence[str]) -> dict[str, Halt]:
        """Which of these are to end; one round trip for all of them."""
        ...

    async def claim(self, message: str, delivery: str) -> bool:
        """Say that a message of Erica's (`thread_name` of it) is one delivery's. False: it is another's."""
        ...

    async def open(self, conversation: str, course: str) -> None:
        """From now on this conversation is Erica's own, and about that course."""
        ...

    async def course_of(self, conversation: str) -> str | None:
        """The course of one of Erica's own conversations; None for any other."""
        ...

    async def answered(self, same: str, earlier: Earlier) -> None:
        """Remember where a question, whose fingerprint is `same`, was answered."""
        ...

    async def earlier(self, same: str) -> Earlier | None:
        """Where a question with that fingerprint was answered."""
        ...

    async def hold(self, conversation: str, incoming: Incoming) -> None:
        """Keep a question until its author has said which course it is about; the last one held counts."""
        ...

    async def held(self, conversation: str) -> Incoming | None:
        """The question that is held there, for an hour: whoever asks it twice is told by the intake."""
        ...

    async def seen(self, channel: str, message: str) -> None:
        """The last message of a channel (`thread_name` of it, with no thread) that arrived; an older one changes
        nothing. Ids grow with time and are compared as numbers."""
        ...

    async def last_seen(self, channel: str) -> str | None:
        """The last message of a channel that arrived."""
        ...
