"""One language model through litellm: its stream, its silence, its retries and its bill.

Nothing here knows of prompts or of other models; which one is asked next is `bot.model_chain`'s business.
"""

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import httpx
import stamina
from pydantic import SecretStr

from bot.adapters import litellm_library as library
from bot.adapters.litellm_errors import CHECK_ADDRESS, RETRY_SECONDS, VendorError, patience, translated
from bot.errors import ModelFailed
from bot.messages import Tokens
from bot.ports import ChatMessage, ModelUsage

ATTEMPTS = 3
USAGE_SECONDS = 2.0  # the answer is complete and only the bill is missing
ASK_AGAIN_SECONDS = 30.0
DEFAULT_CONTEXT = 8192
CHARS_PER_TOKEN = 3.5

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Where a model is and how patient to be. `context_tokens` overrides what the server or litellm says."""

    name: str
    api_base: str | None = field(default=None, repr=False)
    api_key: SecretStr | None = field(default=None, repr=False)
    stall_seconds: float = 20.0
    connect_seconds: float = 5.0
    context_tokens: int | None = None

    @property
    def secret_key(self) -> str | None:
        """The key in plain text."""
        return self.api_key.get_secret_value() if self.api_key else None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What may not be read in any message: the key, the address and its parts."""
        secrets = [self.secret_key, self.api_base]
        with suppress(ValueError):  # an address that is none
            address = urlsplit(self.api_base or "")
            secrets += [address.netloc, address.hostname]
        return tuple(filter(None, secrets))


class LitellmModel:
    """A `bot.ports.ChatModel`. Await `warm_up` while something else takes time anyway."""

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        self._learned: int | None = settings.context_tokens
        self._ask_after = -math.inf  # the loop's clock
        self._asking = asyncio.Lock()
        self._warm = False

    def __repr__(self) -> str:
        return f"LitellmModel({self.name!r})"

    @property
    def name(self) -> str:
        """The litellm name, such as `openai/gpt-4o-mini`."""
        return self._settings.name

    @property
    def context_tokens(self) -> int:
        """The override, or what `warm_up` learned, or 8192."""
        return self._learned or DEFAULT_CONTEXT

    def count_tokens(self, text: str) -> int:
        """Tokens of a text. Waits neither for the network nor for litellm: an estimate until that is loaded."""
        if library.loaded():
            # Any failure of a tokenizer is better answered by a guess than by no answer.
            with suppress(Exception):
                return int(library.load().token_counter(model=self.name.rsplit("/", 1)[-1], text=text))
        return math.ceil(len(text) / CHARS_PER_TOKEN)

    async def warm_up(self) -> None:
        """Import litellm (2-4 s, in a thread) and learn the window's size. Never raises; cheap to repeat."""
        try:
            litellm = await self._litellm()
        except ModelFailed as error:
            logger.error("%s", error)
            return
        if not self._warm:
            await asyncio.to_thread(self.count_tokens, "")  # loads the tokenizer, half a second for some models
            self._warm = True
        async with self._asking:
            if self._learned is None and _now() >= self._ask_after:
                self._ask_after = _now() + ASK_AGAIN_SECONDS
                given = self._settings
                self._learned = await library.context_of(litellm, given.name, given.api_base, given.secret_key)

    async def aclose(self) -> None:
        """Close litellm's connections, those of every model of this process: for shutting down."""
        if library.loaded():
            await library.load().close_litellm_async_clients()
            library.load().in_memory_llm_clients_cache.flush_cache()

    async def _litellm(self) -> Any:
        if library.loaded():
            return library.load()
        try:
            return await asyncio.to_thread(library.load)
        except Exception as error:
            raise ModelFailed("litellm cannot be imported", hint="Install Erica again.") from error

    async def stream(self, messages: Sequence[ChatMessage], max_tokens: int) -> AsyncGenerator[str | ModelUsage, None]:
        """Pieces of text as they come, then one ModelUsage.

        A refusal before the first piece is tried again, at most 3 times within 12 s; silence is not, it has
        cost the student enough. Raises ModelBusy, ModelTimeout, ContextTooLong or ModelFailed. Closing the
        iterator closes the connection.
        """
        await self._litellm()
        retries = stamina.retry_context(
            on=patience(),
            attempts=ATTEMPTS,
            timeout=RETRY_SECONDS,
            wait_initial=0.5,
            wait_jitter=0.5,
            wait_max=4,
        )
        async for attempt in retries:
            with attempt:
                pieces = self._attempt(messages, max_tokens)
                first = await anext(pieces)
        async with aclosing(pieces):
            if first:
                yield first
            async for piece in pieces:
                if piece:
                    yield piece

    async def _attempt(
        self, messages: Sequence[ChatMessage], max_tokens: int
    ) -> AsyncGenerator[str | ModelUsage, None]:
        """One request. An empty piece is progress without text: the model is thinking."""
        chunks: Any = None
        begun = False
        deadline = _now() + self._settings.stall_seconds
        try:
            async with asyncio.timeout_at(deadline):
                chunks = await library.load().acompletion(**self._request(messages, max_tokens))
            async with aclosing(self._read(chunks, deadline, messages)) as pieces:
                async for piece in pieces:
                    begun = True
                    yield piece
        except ModelFailed:
            raise
        except Exception as error:
            # What litellm says may hold the key or the address, so it is not the cause: a cleaned copy is.
            raise translated(error, begun, self.name) from VendorError.cleaned(error, self._settings.secrets)
        finally:
            if chunks is not None:
                await chunks.aclose()

    async def _read(
        self, chunks: Any, deadline: float, messages: Sequence[ChatMessage]
    ) -> AsyncGenerator[str | ModelUsage, None]:
        answer, finished, usage, thinking = "", False, None, ThinkTags()
        while True:
            if chunks.received_finish_reason is not None and not finished:
                finished, deadline = True, _now() + USAGE_SECONDS
            try:
                async with asyncio.timeout_at(deadline):
                    chunk = await anext(chunks)
            except StopAsyncIteration:
                break
            except Exception as error:
                if not finished:
                    raise
                logger.info("%s answered, but its bill did not come (%s)", self.name, type(error).__name__)
                break
            if usage := getattr(chunk, "usage", None):
                break  # always the last; reading on would only start litellm's own bookkeeping
            delta = chunk.choices[0].delta if chunk.choices else None
            text = getattr(delta, "content", None) or ""
            if text or getattr(delta, "reasoning_content", None):
                deadline = _now() + self._settings.stall_seconds
                piece = thinking.drop(text)
                answer += piece
                yield piece
        if rest := thinking.rest():
            answer += rest
            yield rest
        # Not the chunks' own finish_reason: for a stream that was cut litellm makes up a "stop" there. Gemini's
        # is in the second place.
        finish = chunks.received_finish_reason or chunks.intermittent_finish_reason
        self._judge(finish, answer)
        yield replace(self._bill(usage, messages, answer), cut_off=finish == "length")

    def _judge(self, finish: str | None, answer: str) -> None:
        """Raise ModelFailed unless this was a whole answer."""
        if finish is None and not answer:
            raise ModelFailed(f"{self.name} sent no answer", hint=CHECK_ADDRESS)
        if finish is None:
            raise ModelFailed(f"{self.name} broke off in the middle of its answer")
        if finish == "content_filter":
            raise ModelFailed(f"{self.name} refused by its content filter")
        if not answer.strip():
            hint = "It thought until max_tokens was used up; allow more." if finish == "length" else ""
            raise ModelFailed(f"{self.name} sent an empty answer", hint=hint)

    def _bill(self, usage: Any, messages: Sequence[ChatMessage], answer: str) -> ModelUsage:
        prompt = getattr(usage, "prompt_tokens", 0) or sum(self.count_tokens(m.content) for m in messages)
        completion = getattr(usage, "completion_tokens", 0) or self.count_tokens(answer)
        cost = 0.0
        with suppress(Exception):  # a model without a price list
            cost = sum(
                library.load().cost_per_token(
                    model=self.name, prompt_tokens=prompt, completion_tokens=completion, usage_object=usage
                )
            )
        return ModelUsage(Tokens(prompt, completion), cost)

    def _request(self, messages: Sequence[ChatMessage], max_tokens: int) -> dict[str, Any]:
        given = self._settings
        key = given.secret_key
        if key is None and given.api_base and given.name.startswith("openai/"):
            key = "none"  # or litellm would hand OPENAI_API_KEY to a server that is not OpenAI's
        # Ollama cuts a prompt that is too long without a word, and its own idea of too long is small.
        window = {"num_ctx": self.context_tokens} if given.name.startswith("ollama") else {}
        return {
            **window,
            "model": given.name,
            "messages": [{"role": m.role, "content": m.content} for m in messages],
            "max_tokens": max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
            "drop_params": True,
            "api_base": given.api_base,
            "api_key": key,
            # Twice the stall clock: that one must ring first, since comment lines do not wind it up.
            "timeout": httpx.Timeout(given.stall_seconds * 2, connect=given.connect_seconds),
            "num_retries": 0,
            "max_retries": 0,
        }


def _now() -> float:
    return asyncio.get_running_loop().time()


class ThinkTags:
    """Drops `<think>...</think>` from the start of a text that comes in pieces."""

    def __init__(self) -> None:
        self._held = ""
        self._inside = False
        self._decided = False

    def drop(self, text: str) -> str:
        """What of the text so far can be shown now."""
        if self._decided:
            return text
        self._held += text
        if not self._inside:
            start = self._held.lstrip()
            if start.startswith("<think>"):
                self._inside, self._held = True, start.removeprefix("<think>")
            elif "<think>".startswith(start):
                return ""
            else:
                self._decided = True
                return self._held.lstrip("\n")
        _, closed, answer = self._held.partition("</think>")
        if not closed:
            self._held = self._held[-len("</think") :]  # thoughts are long, and only the tag matters
            return ""
        self._inside, self._held = False, ""
        return self.drop(answer.lstrip())

    def rest(self) -> str:
        """What was held back and turned out to be text, once the stream is over."""
        return "" if self._inside or self._decided else self._held
