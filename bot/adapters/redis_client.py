"""The one connection to Redis or Valkey that all of a process share."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff

from bot.errors import ConfigError


def connect(url: str) -> Redis:
    """A client for a `redis://`, `rediss://` or `unix://` URL, which the caller closes; it connects on first use.

    Raises ConfigError for a URL that is none.
    """
    try:
        return Redis.from_url(
            url,
            socket_timeout=1,
            socket_connect_timeout=1,
            health_check_interval=30,
            retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.3), retries=2),
        )
    except ValueError:
        # What is wrong with it may quote a part of the password, so not even the cause is kept.
        hint = "ERICA_REDIS_URL looks like redis://:password@host:6379/0, with %-escapes in the password."
        raise ConfigError("the address of Redis cannot be read", hint) from None
