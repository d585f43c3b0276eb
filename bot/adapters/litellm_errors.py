"""What goes wrong with a model, in Erica's words, without keys and addresses; and what is tried again.

Nothing here imports litellm: its errors are known by their names, which outlive its modules.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Self

from bot.errors import ContextTooLong, EricaError, ModelBusy, ModelFailed, ModelTimeout

RETRY_SECONDS = 12.0  # all attempts together; after that the next model is the better bet
RETRY_AFTER_SECONDS = 10.0  # a server that asks for more patience than this is as good as down

CHECK_ADDRESS = "Check that ERICA_MODEL_API_BASE is the address of a model server and that it runs."
CHECK_KEY = "Check ERICA_MODEL_API_KEY."
CHECK_NAME = "Check ERICA_MODEL: provider/name, as litellm and the server spell them."


class VendorError(Exception):
    """What litellm or the server said, safe to log. `retry_after` is in seconds, where it was said."""

    retry_after: float | None = None

    @classmethod
    def cleaned(cls, error: Exception, secrets: Sequence[str]) -> Self:
        """A copy without the secrets. What a server says of a wrong key often repeats it, so that goes whole."""
        text = "" if _status(error) in (401, 403) else str(error)
        for secret in sorted(filter(None, secrets), key=len, reverse=True):
            text = text.replace(secret, "***")
        copy = cls(f"{type(error).__name__}: {text[:300]}")
        copy.retry_after = _retry_after(error)
        return copy


def translated(error: Exception, begun: bool, name: str) -> ModelFailed:
    """The error in Erica's words. `begun` is whether the answer has begun: then nobody will try again."""
    family = {kind.__name__ for each in _lineage(error) for kind in type(each).__mro__}
    status = _status(error)
    if family & {"TimeoutError", "APITimeoutError", "TimeoutException"}:
        hint = "It is overloaded, or ERICA_MODEL_STALL_SECONDS is too short for it."
        return ModelTimeout(f"{name} was silent for too long", hint=hint)
    if "ContextWindowExceededError" in family or status == 413:
        return ContextTooLong(f"the prompt is too long for {name}")
    if "ContentPolicyViolationError" in family:
        return ModelFailed(f"{name} refused by its content filter")
    if family & {"JSONDecodeError", "UnicodeDecodeError"}:
        return ModelFailed(f"{name} sent something that is not a model's answer", hint=CHECK_ADDRESS)
    if status is not None and 400 <= status < 500:
        return _refused(error, status, name)
    if begun:
        return ModelFailed(f"{name} broke off in the middle of its answer")
    if family & {"TransportError", "OSError"}:
        return ModelBusy(f"{name} cannot be reached", hint=CHECK_ADDRESS)
    if status is not None and status >= 500:
        return ModelBusy(f"{name} reported an error (HTTP {status})")
    return ModelFailed(f"{name} failed ({type(error).__name__})")


def _refused(error: Exception, status: int, name: str) -> ModelFailed:
    said = str(error).lower()
    # OpenAI says 429 for this too, and no waiting helps.
    if status == 402 or "insufficient_quota" in said or "exceeded your current quota" in said:
        return ModelFailed(f"the account of {name} has no credit left", hint="Top it up at the provider.")
    if status == 429:
        return ModelBusy(f"{name} is busy (HTTP 429)")
    if status in (401, 403):
        return ModelFailed(f"{name} refused the key (HTTP {status})", hint=CHECK_KEY)
    if status == 404:
        return ModelFailed(f"{name} is not served there (HTTP 404)", hint=f"{CHECK_NAME} {CHECK_ADDRESS}")
    if "provider not provided" in said:
        return ModelFailed(f"{name} is not a model name that litellm knows", hint=CHECK_NAME)
    return ModelFailed(f"{name} refused the request (HTTP {status})")


def patience() -> Callable[[Exception], bool | float]:
    """For stamina: whether to try again, and after how many seconds where the server said so."""
    started = asyncio.get_running_loop().time()

    def wait(error: Exception) -> bool | float:
        if not isinstance(error, ModelBusy):
            return False
        asked = getattr(error.__cause__, "retry_after", None)
        if asked is None:
            return True
        spent = asyncio.get_running_loop().time() - started
        if asked > RETRY_AFTER_SECONDS or spent + asked > RETRY_SECONDS:
            return False
        # Everybody was told the same moment; not everybody should come at it.
        return float(asked) + random.uniform(0, 0.25)  # noqa: S311

    return wait


def _lineage(error: BaseException) -> Iterator[BaseException]:
    """The error and all it stands for: litellm wraps what the client wrapped, sometimes twice."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        # What of Erica's own is in there is another model's failure, which somebody was just dealing with.
        if each is not None and each not in seen and not isinstance(each, EricaError):
            seen.append(each)
            waiting += [getattr(each, "original_exception", None), each.__cause__ or each.__context__]
            yield each


def _status(error: Exception) -> int | None:
    status = getattr(getattr(error, "original_exception", None) or error, "status_code", None)
    return int(str(status)) if str(status).isdigit() else None


def _retry_after(error: Exception) -> float | None:
    """Seconds the server asked for, be it as a number or as a date."""
    for each in _lineage(error):
        response = getattr(each, "response", None)
        for headers in (getattr(each, "litellm_response_headers", None), getattr(response, "headers", None)):
            said = (headers or {}).get("retry-after")
            if said is None:
                continue
            with suppress(ValueError):
                return max(0.0, float(said))
            with suppress(ValueError):
                return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    return None
