"""Whether a Redis keeps what Erica entrusts to it: questions that were acknowledged, memory, feedback."""

from redis.asyncio import Redis
from redis.exceptions import RedisError


async def forgets(client: Redis) -> str:
    """What the server may lose, in one sentence; "" if nothing, or if it does not tell, as managed ones do not."""
    try:
        policy = (await client.config_get("maxmemory-policy")).get("maxmemory-policy", "noeviction")
        limit = int((await client.config_get("maxmemory")).get("maxmemory") or 0)
        appending = (await client.config_get("appendonly")).get("appendonly", "yes")
    except (RedisError, OSError, ValueError):
        return ""
    if limit and policy != "noeviction":
        return f"it drops what it keeps when its memory is full (maxmemory-policy is {policy})"
    if appending != "yes":
        return "it forgets what was not saved when it stops (appendonly is off)"
    return ""
