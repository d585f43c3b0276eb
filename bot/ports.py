"""What the core needs from outside, as protocols that the adapters fill."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from bot.messages import Tokens


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
