"""The litellm package itself: imported once, late and quietly; and how large a model's window is.

Nothing here knows of prompts, streams or Erica's errors.
"""

import asyncio
import functools
import importlib
import logging
import os
import threading
from contextlib import suppress
from typing import Any

import httpx
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

ASK_SECONDS = 2.0

logger = logging.getLogger(__name__)
_loading = threading.Lock()


def loaded() -> bool:
    """Whether `load` has been done."""
    return _load.cache_info().currsize > 0


def load() -> Any:
    """litellm, ready to call. The first call blocks for 2-4 s and takes 100 MB: use a thread.

    Raises whatever an incomplete installation raises on import.
    """
    with _loading:  # two threads in one half-imported package of circular imports is asking for it
        return _load()


@functools.cache
def _load() -> Any:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")  # else it reads whatever .env file lies around
    keep_loopback_direct()
    litellm: Any = importlib.import_module("litellm")
    litellm.suppress_debug_info = True
    litellm.disable_streaming_logging = True
    litellm.turn_off_message_logging = True
    litellm.disable_hf_tokenizer_download = True
    litellm.disable_aiohttp_transport = True  # httpx, unlike it, goes quietly when the loop ends
    litellm.callbacks, litellm.success_callback, litellm.failure_callback = [], [], []
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).disabled = True  # part of it goes to stdout
    for name in ("httpx", "httpcore", "openai"):
        logging.getLogger(name).setLevel(logging.WARNING)  # they log the address of every request
    set_on_retry_hooks([_log_retry])  # where structlog is installed, stamina's own choice prints to stdout
    # What the first request would import, another second of it, in the event loop.
    importlib.import_module("openai.resources")
    with suppress(Exception):
        asyncio.run(_rehearse(litellm))
    return litellm


def keep_loopback_direct() -> None:
    """Add this machine to NO_PROXY: a model server here is not behind the campus proxy."""
    given = f"{os.environ.get('no_proxy', '')},{os.environ.get('NO_PROXY', '')}".split(",")
    hosts = dict.fromkeys(host.strip() for host in [*given, "localhost", "127.0.0.1", "::1"] if host.strip())
    if "*" not in hosts:
        # Both spellings, since one hides the other, and which one is up to who reads it.
        os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(hosts)


async def _rehearse(litellm: Any) -> None:
    message = {"role": "user", "content": "hello"}
    async for _ in await litellm.acompletion(
        model="openai/rehearsal", messages=[message], stream=True, mock_response="hello"
    ):
        pass


def _log_retry(details: RetryDetails) -> None:
    logger.warning("%s; trying again in %.1f s", details.caused_by, details.wait_for)


async def context_of(litellm: Any, name: str, api_base: str | None, key: str | None) -> int | None:
    """Tokens of the model's window as its server says, or else litellm's table; None where neither knows."""
    return await _served_context(name, api_base, key) or _listed_context(litellm, name)


async def _served_context(name: str, api_base: str | None, key: str | None) -> int | None:
    """vLLM says how long a prompt may be; most other servers do not."""
    if api_base is None:
        return None
    # A server may answer anything, proxies and certificates may be set up wrongly: nothing to fail for.
    with suppress(Exception):
        async with httpx.AsyncClient(timeout=ASK_SECONDS) as client:
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            reply = await client.get(f"{api_base.rstrip('/')}/models", headers=headers)
        for served in reply.json()["data"]:
            if name.endswith(f"/{served['id']}"):
                return int(served["max_model_len"])
    return None


def _listed_context(litellm: Any, name: str) -> int | None:
    if name.startswith("ollama"):
        return None  # the table knows what the model could do, not what fits on that machine
    with suppress(Exception):
        return int(litellm.get_model_info(name)["max_input_tokens"])
    return None
