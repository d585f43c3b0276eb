"""What students think of answers: nouns, and the FeedbackBook port. Knows nothing of where it is kept."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Protocol

Rating = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """An answer as it was given, so that what is said of it later can be understood.

    `id` is what feedback buttons carry. `passages` are places, as `path#heading`; `prompt` the templates' version;
    `at` is UTC in ISO 8601. Who asked is not in it.
    """

    id: str
    course: str
    platform: str
    question: str
    answer: str
    outcome: str
    passages: tuple[str, ...]
    model: str | None
    prompt: str
    at: str


@dataclass(frozen=True, slots=True)
class Feedback:
    """What one student, by pseudonym, thinks of one answer; the last word counts. `at` is UTC in ISO 8601."""

    answer: AnswerRecord
    student: str
    rating: Rating
    reason: str
    at: str


class FeedbackBook(Protocol):
    """Answers and what was said of them. Every method may raise FeedbackFailed."""

    async def keep(self, record: AnswerRecord) -> None:
        """Keep an answer, so that it can be rated; it is forgotten after a while if nobody does."""
        ...

    async def rate(self, answer: str, student: str, rating: Rating) -> bool:
        """False: no such answer is kept any more."""
        ...

    async def explain(self, answer: str, student: str, reason: str) -> bool:
        """Add the reason to what that student said of it; False: nothing was said, or no such answer is kept."""
        ...

    def all(self, course: str) -> AsyncIterator[Feedback]:
        """Everything that was said of a course's answers, oldest answer first."""
        ...
