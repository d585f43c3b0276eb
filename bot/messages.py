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
    `thread`, what that thread remembers comes before them. `attached` is what files said that came with it:
    the model reads all of it, search only the beginning, as if it had been said before.
    """

    text: str
    previous: tuple[str, ...] = ()
    thread: str | None = None
    attached: str = ""


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
    when it was not the first one configured. `passages` are the places that were found, as `path#heading`, and
    `prompt` the version of the templates that a model was given: both so that feedback can be understood later.
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
    passages: tuple[str, ...] = ()
    prompt: str = ""
    ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG and, for those who cannot see it, what it shows."""

    name: str
    png: bytes
    description: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A button; pressing it is as if its command had been given with that argument."""

    label: str
    command: str
    argument: str


@dataclass(frozen=True, slots=True)
class Page:
    """What Erica says that is no answer to a question: a concept's card, a way, help, a short polite line.

    `text` is Markdown that our own code wrote: its links are shown as links.
    """

    text: str
    picture: Picture | None = None
    choices: tuple[Choice, ...] = ()


Event = Status | Delta | Replace | Answer
