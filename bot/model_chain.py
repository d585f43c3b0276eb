"""A prompt through an ordered list of models: when one fails, before or while it answers, the next starts over.

Knows the ChatModel port and nothing of any vendor. Text of two models is never mixed: `Switched` says where
to throw away what came so far.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.errors import ModelBusy, ModelFailed, ModelTimeout
from bot.messages import Tokens
from bot.ports import ChatMessage, ChatModel, ModelUsage

AVOID_SECONDS = 30.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Piece:
    """The next piece of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class Switched:
    """Forget the pieces so far: `model` starts over, for the one before it failed for `reason` (for logs)."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is complete. `fallback` when it is not the first configured model's.

    `tokens` cover every attempt that produced text, counted here where a model broke off before it could
    say; `cost_usd` is what the models themselves reported. `cut_off` when the answer had become too long.
    """

    model: str
    fallback: bool
    tokens: Tokens
    cost_usd: float
    cut_off: bool = False


ChainEvent = Piece | Switched | Finished


class AllModelsFailed(ModelFailed):
    """No model answered. `failures` are (model, reason) in the order they were tried."""

    def __init__(self, failures: Sequence[tuple[str, str]], hint: str) -> None:
        self.failures = tuple(failures)
        reasons = "; ".join(reason for _, reason in failures)
        super().__init__(f"no model answered: {reasons}", hint=hint)


class ModelChain:
    """Models in the order they are asked; share one between all questions, so that they learn from each other.

    `total_seconds` bounds one answer, all attempts together. `clock` is in seconds and never goes back.
    """

    def __init__(
        self,
        models: Sequence[ChatModel],
        total_seconds: float = 180.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not models:
            raise ValueError("a chain needs at least one model")
        self._models = tuple(models)
        self._total_seconds = total_seconds
        self._clock = clock
        self._avoid_until: dict[int, float] = {}

    @property
    def context_tokens(self) -> int:
        """The smallest window: a prompt that fits it survives every switch."""
        return min(model.context_tokens for model in self._models)

    def count_tokens(self, text: str) -> int:
        """Tokens of a text, by the first model."""
        return self._models[0].count_tokens(text)

    async def warm_up(self) -> None:
        """Warm every model up, side by side. Never raises; cheap to repeat."""
        await asyncio.gather(*(model.warm_up() for model in self._models))

    async def aclose(self) -> None:
        """Close the models' connections, for shutting down."""
        for model in self._models:
            await model.aclose()

    async def stream(self, messages: Sequence[ChatMessage], max_tokens: int) -> AsyncGenerator[ChainEvent, None]:
        """Pieces, and Switched wherever another model starts over; one Finished at the end.

        Raises AllModelsFailed (a ModelFailed), from the last model's error. Close the iterator to stop.
        """
        deadline = self._clock() + self._total_seconds
        attempts: list[_Attempt] = []
        for index in self._order():
            attempt = _Attempt(self._models[index], messages)
            if attempts:
                yield Switched(attempt.model.name, attempts[-1].reason)
            attempts.append(attempt)
            self._on_trial(index)
            async with _closing(attempt.model.stream(messages, max_tokens)) as stream:
                while (piece := await attempt.next(stream, deadline - self._clock())) is not None:
                    self._avoid_until.pop(index, None)
                    yield Piece(piece)
            if attempt.error is None:
                yield _finished(attempts, fallback=index > 0)
                return
            self._learn(index, attempt)
            if self._clock() >= deadline:
                break
        failures = [(each.model.name, each.reason) for each in attempts]
        hints = [each.error.hint for each in attempts if each.error and each.error.hint]
        raise AllModelsFailed(failures, hint=hints[0] if hints else "") from attempts[-1].error

    def _order(self) -> list[int]:
        """As configured, but models that failed a moment ago last: an outage should not cost everyone a wait."""
        now = self._clock()
        return sorted(range(len(self._models)), key=lambda index: self._avoid_until.get(index, now) > now)

    def _on_trial(self, index: int) -> None:
        # When the time to avoid it is over one question tries the model; the others wait for what it finds.
        if index in self._avoid_until:
            self._avoid_until[index] = self._clock() + AVOID_SECONDS

    def _learn(self, index: int, attempt: "_Attempt") -> None:
        error = attempt.error
        hint = f" {error.hint}" if error and error.hint else ""
        logger.warning("%s after %d characters.%s", attempt.reason, len(attempt.text), hint)
        # A prompt that is refused says nothing about the next one.
        if isinstance(error, ModelBusy | ModelTimeout) and not attempt.text:
            self._avoid_until[index] = self._clock() + AVOID_SECONDS


class _Attempt:
    """One model's try at one prompt, and how it ended: `error` stays None when it went well."""

    def __init__(self, model: ChatModel, messages: Sequence[ChatMessage]) -> None:
        self.model = model
        self.text = ""
        self.error: ModelFailed | None = None
        self._messages = messages
        self._usage: ModelUsage | None = None

    @property
    def reason(self) -> str:
        """Why it failed, for logs."""
        return str(self.error or "")

    @property
    def tokens(self) -> Tokens:
        """What it used: as reported, or counted where it began and broke off; a refusal costs nothing."""
        if self._usage is not None:
            return self._usage.tokens
        if not self.text:
            return Tokens()
        prompt = sum(self.model.count_tokens(message.content) for message in self._messages)
        return Tokens(prompt, self.model.count_tokens(self.text))

    @property
    def cut_off(self) -> bool:
        """Whether the answer had to stop before its end."""
        return self._usage is not None and self._usage.cut_off

    @property
    def cost_usd(self) -> float:
        """As reported."""
        return self._usage.cost_usd if self._usage else 0.0

    async def next(self, stream: AsyncIterator[str | ModelUsage], seconds: float) -> str | None:
        """The next piece of text; None when the stream is over or has failed."""
        try:
            async with asyncio.timeout(max(seconds, 0.0)):
                async for piece in stream:
                    if isinstance(piece, ModelUsage):
                        self._usage = piece
                    elif piece:
                        self.text += piece
                        return piece
        except ModelFailed as error:
            self.error = error
        except TimeoutError:
            self.error = ModelTimeout(f"{self.model.name} was not done when the time for this answer was up")
        return None


def _finished(attempts: Sequence[_Attempt], fallback: bool) -> Finished:
    tokens = [attempt.tokens for attempt in attempts]
    return Finished(
        model=attempts[-1].model.name,
        fallback=fallback,
        tokens=Tokens(sum(each.prompt for each in tokens), sum(each.completion for each in tokens)),
        cost_usd=sum(attempt.cost_usd for attempt in attempts),
        cut_off=attempts[-1].cut_off,
    )


@asynccontextmanager
async def _closing(stream: AsyncIterator[str | ModelUsage]) -> AsyncIterator[AsyncIterator[str | ModelUsage]]:
    # The port promises an iterator; those that are generators hold a connection.
    try:
        yield stream
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()
