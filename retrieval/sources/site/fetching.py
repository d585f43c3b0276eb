"""Fetches pages of named hosts: https only, within limits of size and time, every redirect checked again.

Knows nothing of crawling, nor of which addresses are public (see site_network).
"""

import asyncio
import re
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpcore

from retrieval.sources.site.network import CheckedBackend, FetchFailed, Refused, Resolver, system_resolver
from retrieval.sources.site.robots import LONGEST_DELAY, USER_AGENT
from retrieval.sources.site.urls import canonical_url, host_of

Pause = Callable[[float], Awaitable[None]]
Check = Callable[[str], Awaitable[None]]

PAGE_TYPES = frozenset(("text/html", "application/xhtml+xml", "application/pdf"))
_MOST_REDIRECTS = 5
_PASSING = frozenset((429, 500, 502, 503, 504))
_CONNECTION_FAILURES = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError, OSError)


class OutOfTime(FetchFailed):
    """The time for the whole site is used up."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes are counted after decompression; times in seconds; `delay` lies between requests to one host."""

    max_bytes: int
    max_pdf_bytes: int
    request_seconds: float
    total_seconds: float
    delay: float


@dataclass(frozen=True, slots=True)
class Reply:
    """A fetched page. `url` is the last of the redirects'; `robots_tags` are its X-Robots-Tag headers."""

    url: str
    media_type: str
    charset: str
    robots_tags: tuple[str, ...]
    data: bytes


class Fetcher:
    """Fetches one address after the other, within limits and at a polite pace. An async context manager."""

    def __init__(
        self,
        hosts: frozenset[str],
        limits: Limits,
        resolve: Resolver = system_resolver,
        http_hosts: frozenset[str] = frozenset(),
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._hosts = hosts
        self._http_hosts = http_hosts
        self._limits = limits
        self._pause = pause
        self._ends = asyncio.get_running_loop().time() + limits.total_seconds
        self._delays: dict[str, float] = {}
        self._last: dict[str, float] = {}
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpcore.default_ssl_context(),
            max_connections=2,
            network_backend=CheckedBackend(resolve, http_hosts),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.aclose()

    def slow_down(self, host: str, delay: float) -> None:
        """Leave at least `delay` seconds between requests to a host, ten at most."""
        self._delays[host] = min(delay, LONGEST_DELAY)

    async def fetch(self, url: str, types: frozenset[str] | None = PAGE_TYPES, check: Check | None = None) -> Reply:
        """The page at a canonical URL, redirects followed, each of them checked as if it were the first.

        `check` raises Refused for addresses that the caller does not want; `types` None takes any.
        Raises FetchFailed.
        """
        visited: list[str] = []
        while True:
            if host_of(url) not in self._hosts:
                raise Refused(
                    f"leads to {host_of(url)}, which is not a host of this site",
                    f'Add "{host_of(url)}" to the source\'s `hosts` if it belongs to the course.',
                )
            if check is not None:
                await check(url)
            visited.append(url)
            answer = await self._once_more(url, types)
            if isinstance(answer, Reply):
                return answer
            target = canonical_url(answer, url, self._http_hosts)
            if target is None:
                raise Refused("redirects to something that is no https address")
            if target in visited:
                raise FetchFailed("redirects in a circle")
            if len(visited) > _MOST_REDIRECTS:
                raise FetchFailed(f"redirects more than {_MOST_REDIRECTS} times")
            url = target

    async def _once_more(self, url: str, types: frozenset[str] | None) -> Reply | str:
        """The answer, tried a second time after a failure that may pass: a missing page is a hole in the index."""
        try:
            return await self._request(url, types)
        except FetchFailed as failure:
            if not failure.passing:
                raise
            await self._wait(max(failure.retry_after, self._limits.delay))
        return await self._request(url, types)

    async def _request(self, url: str, types: frozenset[str] | None) -> Reply | str:
        """One request: the page, or where it redirects to."""
        loop = asyncio.get_running_loop()
        host = host_of(url)
        delay = max(self._limits.delay, self._delays.get(host, 0.0))
        await self._wait(self._last.get(host, loop.time() - delay) + delay - loop.time())
        seconds = min(self._limits.request_seconds, self._ends - loop.time())
        if seconds <= 0:
            raise OutOfTime("the time for this site is used up")
        headers = [
            ("User-Agent", USER_AGENT),
            ("Accept", ", ".join(sorted(types or ["*/*"]))),
            ("Accept-Encoding", "gzip"),
        ]
        try:
            async with asyncio.timeout(seconds), self._pool.stream("GET", url, headers=headers) as response:
                return await self._read(response, url, types)
        except (TimeoutError, httpcore.TimeoutException) as error:
            raise FetchFailed(f"no full answer within {seconds:.2g} seconds") from error
        except ssl.SSLError as error:
            raise FetchFailed(f"no trustworthy connection: {error.reason}") from error
        except _CONNECTION_FAILURES as error:
            raise FetchFailed(f"the connection failed ({error or type(error).__name__})", passing=True) from error
        finally:
            self._last[host] = loop.time()

    async def _wait(self, seconds: float) -> None:
        left = self._ends - asyncio.get_running_loop().time()
        if seconds > 0 and left > 0:
            await self._pause(min(seconds, left))

    async def _read(self, response: httpcore.Response, url: str, types: frozenset[str] | None) -> Reply | str:
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers]
        first = dict(reversed(headers))
        if response.status in (301, 302, 303, 307, 308) and first.get("location"):
            return first["location"]
        if response.status != 200:
            failure = FetchFailed(
                f"HTTP {response.status}", status=response.status, passing=response.status in _PASSING
            )
            failure.retry_after = _retry_after(first.get("retry-after", ""))
            raise failure
        media_type, _, parameters = first.get("content-type", "").lower().partition(";")
        media_type = media_type.strip()
        if types is not None and media_type not in types:
            raise FetchFailed(f"is {media_type or 'of no stated type'}, not a page")
        limit = self._limits.max_pdf_bytes if media_type == "application/pdf" else self._limits.max_bytes
        charset = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", parameters)
        return Reply(
            url=url,
            media_type=media_type,
            charset=charset[1] if charset else "",
            robots_tags=tuple(value for name, value in headers if name == "x-robots-tag"),
            data=await _body(response.aiter_stream(), first.get("content-encoding", "identity").lower(), limit),
        )


def _retry_after(value: str) -> float:
    return min(float(value), LONGEST_DELAY) if re.fullmatch(r"\d{1,6}", value.strip()) else 0.0


async def _body(chunks: AsyncIterator[bytes], encoding: str, limit: int) -> bytes:
    """The body, never more of it in memory than `limit` bytes and one chunk, whatever it would unpack to."""
    if encoding not in ("identity", "", "gzip", "x-gzip"):
        raise FetchFailed(f"is packed as {encoding}, which was not asked for")
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS) if "gzip" in encoding else None
    body = bytearray()
    async for chunk in chunks:
        try:
            body += unpacker.decompress(chunk, limit + 1 - len(body)) if unpacker else chunk
        except zlib.error as error:
            raise FetchFailed("is packed in a broken way") from error
        if len(body) > limit:
            raise FetchFailed(f"is larger than {limit / 1e6:g} MB")
    if unpacker and not unpacker.eof:
        raise FetchFailed("was cut off", passing=True)
    return bytes(body)
