"""What the core needs from outside, as protocols that the adapters fill."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from bot.intake import Attachment, Delivery, Incoming, Progress
from bot.messages import Answer, Page, Tokens


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """What a finished stream cost, as the server or the tokenizer counted it.

    `cut_off` when the model had to stop because the answer had become too long.
    """

    tokens: Tokens
    cost_usd: float
    cut_off: bool = False


class ChatModel(Protocol):
    """A language model that streams."""

    @property
    def name(self) -> str:
        """The litellm name, such as `openai/gpt-4o-mini`."""
        ...

    @property
    def context_tokens(self) -> int:
        """How many tokens prompt and answer may have together."""
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens of a text, by the model's own tokenizer where it is known."""
        ...

    async def warm_up(self) -> None:
        """Load what the first answer would otherwise wait for, and learn `context_tokens`. Never raises."""
        ...

    async def aclose(self) -> None:
        """Close connections, for shutting down."""
        ...

    def stream(self, messages: Sequence[ChatMessage], max_tokens: int) -> AsyncIterator[str | ModelUsage]:
        """Pieces of text as they come, then one ModelUsage.

        Raises ModelBusy, ModelTimeout, ContextTooLong or ModelFailed, before the first piece or in between.
        """
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and its answer, as a thread remembers them."""

    question: str
    answer: str


class Memory(Protocol):
    """What a thread remembers."""

    async def recall(self, thread: str) -> tuple[Turn, ...]:
        """The thread's turns, oldest first; empty for an unknown thread. Raises MemoryFailed."""
        ...

    async def remember(self, thread: str, turn: Turn) -> None:
        """Add a turn to the end of a thread. Raises MemoryFailed."""
        ...


class Limits(Protocol):
    """How much one student may ask."""

    async def admit(self, student: str, delivery: str, today: str, per_day: int, per_minute: int) -> None:
        """Count a question of a student, by pseudonym; the same delivery counts once, however often it is tried.

        `today` is the date where the course is taught. Raises RateLimited, whose question does not count, and
        JournalFailed.
        """
        ...


class Reply(Protocol):
    """Shows the answer to one delivery where it was asked, and keeps account of what it posted.

    Call `begin` first and `close` last. What is awaited raises DeliveryFailed where another attempt may help,
    Undeliverable where none will, ClaimLost and IntakeFailed when what was posted could not be recorded.
    """

    @property
    def progress(self) -> Progress:
        """What has been posted so far."""
        ...

    @property
    def conversation(self) -> str:
        """The thread that it is shown in, as `intake.thread_name` has it, once begun."""
        ...

    async def begin(self, status: str) -> None:
        """Let people see that Erica is at work; go on with the message of an earlier attempt if there is one."""
        ...

    def status(self, text: str) -> None:
        """What Erica is doing now. Never waits; what cannot be shown in time is left out."""
        ...

    def show(self, text: str) -> None:
        """The answer's Markdown so far, `[n]` included, also if it starts over. Never waits; the last text wins."""
        ...

    async def finish(self, answer: Answer) -> str:
        """The finished answer, with sources and feedback buttons, in the place of what was shown; a link to it,
        "" where there is none to be had."""
        ...

    async def present(self, page: Page) -> None:
        """Something other than an answer, in the place of what was shown; to a command, for its author alone."""
        ...

    async def react(self) -> None:
        """A small sign that the message was read, and needs no answer. Instead of all others but `close`."""
        ...

    async def withdraw(self) -> None:
        """Take back what was shown: the question is gone."""
        ...

    async def close(self) -> None:
        """Leave nothing running. Never raises."""
        ...


class Replies(Protocol):
    """One platform, as those see it who answer there."""

    def to(self, delivery: Delivery, earlier: Progress = Progress()) -> Reply:
        """The reply to a delivery. `earlier` is what was posted for the question before it was edited, which is
        edited then."""
        ...

    async def read(self, incoming: Incoming, attachment: Attachment, most: int) -> bytes:
        """The first `most` bytes of an attached file. Raises DeliveryFailed."""
        ...
