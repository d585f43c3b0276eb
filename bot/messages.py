"""The words everyone shares: a question, what the tutor says while it works, and the answer.

Frozen, and free of any platform: console, Slack and Discord hand in and render the same types.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["answered", "extractive", "abstained", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asked.

    `previous` are earlier questions, oldest first, for callers that keep account themselves; with a
    `thread`, what that thread remembers comes before them.
    """

    text: str
    previous: tuple[str, ...] = ()
    thread: str | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """What Erica is doing right now, for people who wait."""

    text: str


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of the answer's Markdown, already safe to show."""

    text: str


@dataclass(frozen=True, slots=True)
class Replace:
    """Forget the deltas so far: another model, or the quoted passages, start over. `reason` is for logs."""

    reason: str


@dataclass(frozen=True, slots=True)
class Citation:
    """What `[n]` in an answer stands for. `quote` is a sentence of the cited passage, as plain text."""

    n: int
    url: str
    title: str
    quote: str


@dataclass(frozen=True, slots=True)
class AboutConcept:
    """A concept of the course that a question is about; `how` it was found there: exact, alias, inflection, nearest."""

    id: str
    title: str
    how: str


@dataclass(frozen=True, slots=True)
class WantedFirst:
    """A concept that one should know before, and the best place that teaches it."""

    id: str
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens that one answer cost."""

    prompt: int = 0
    completion: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of every question: the whole text once more, and what it stands on.

    `text` is Markdown with `[n]`; `prerequisites`, in learning order, are shown beside it. `grounded` is
    false when an answering model cited nothing; `model` is None when no model wrote the text; `fallback`
    when it was not the first one configured.
    `ms` gives milliseconds by stage.
    """

    outcome: Outcome
    text: str
    citations: tuple[Citation, ...] = ()
    grounded: bool = True
    confidence: float = 0.0
    policy: str = "open"
    model: str | None = None
    fallback: bool = False
    tokens: Tokens = Tokens()
    cost_usd: float = 0.0
    concepts: tuple[AboutConcept, ...] = ()
    prerequisites: tuple[WantedFirst, ...] = ()
    ms: Mapping[str, float] = field(default_factory=dict)


Event = Status | Delta | Replace | Answer
