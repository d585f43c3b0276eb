"""Crawls a course's web site, so that ingestion meets its pages as if they were files.

Decides which pages are wanted and in what order; knows nothing of connections, nor of what pages teach.
"""

import asyncio
import codecs
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import blake2b

from retrieval.errors import SourceError, UnreadableFile
from retrieval.sources.html.text import decode_as, decode_html
from retrieval.sources.site.fetching import Fetcher, Limits, OutOfTime, Pause, Reply
from retrieval.sources.site.gate import Gate
from retrieval.sources.site.links import PageFacts, file_facts, read_facts
from retrieval.sources.site.network import FetchFailed, Resolver, system_resolver
from retrieval.sources.site.urls import canonical_url, folder_of, host_of, is_page_like, is_pdf, page_key, page_path

_REQUESTS, _REMEMBERED = 4, 20  # for each page wanted: requests at most, addresses kept
_PDF = "application/pdf"
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class SiteSpec:
    """Which pages make up a site, and how much may be spent on it.

    `url` is where the crawl starts; it stays below that address's folder, and on `hosts`, which are added
    to the start's own. `include` and `exclude` are patterns on paths relative to that folder. Sizes in
    bytes, times in seconds; `delay` lies between two requests to one host.
    """

    url: str
    hosts: frozenset[str] = frozenset()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_pages: int = 500
    max_bytes: int = 5_000_000
    max_pdf_bytes: int = 25_000_000
    total_seconds: float = 600.0
    request_seconds: float = 20.0
    delay: float = 0.5


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """A page as the site sent it. `path` is unique in the site and ends in its format's ending."""

    path: str
    data: bytes
    url: str


@dataclass(frozen=True, slots=True)
class SkippedPage:
    """A page that is not taken, and why, in words for the course's author."""

    url: str
    reason: str


async def crawl(
    spec: SiteSpec,
    resolve: Resolver = system_resolver,
    allow_http_hosts: frozenset[str] = frozenset(),
    pause: Pause = asyncio.sleep,
) -> AsyncIterator[FetchedPage | SkippedPage]:
    """The site's pages, by its sitemap if it has one, else by its links, nearest first.

    robots.txt, noindex, nofollow and canonical addresses are respected. `resolve`, `allow_http_hosts`
    (hosts with ports on this machine that are spoken to in plain HTTP) and `pause` are there for tests.
    Raises SourceError where the start itself is refused or fails.
    """
    start = canonical_url(spec.url, "", allow_http_hosts)
    if start is None or spec.url.strip().split(":")[0].lower() != start.split(":")[0]:
        raise SourceError(f"{spec.url} is no https address", "Write the site's `url` with https://.")
    named = (canonical_url(f"https://{host.split('://')[-1]}") for host in spec.hosts)
    hosts = frozenset((host_of(start), *(host_of(url) for url in named if url)))
    limits = Limits(spec.max_bytes, spec.max_pdf_bytes, spec.request_seconds, spec.total_seconds, spec.delay)
    async with Fetcher(hosts, limits, resolve, allow_http_hosts, pause) as fetcher:
        gate = Gate(fetcher, hosts, allow_http_hosts, spec.include, spec.exclude)
        async for found in _Crawl(spec, start, fetcher, gate).run():
            yield found


class _Crawl:
    """One crawl's state: what was met, what is done, what is still to be asked for."""

    def __init__(self, spec: SiteSpec, start: str, fetcher: Fetcher, gate: Gate) -> None:
        self._spec = spec
        self._start = start
        self._fetcher = fetcher
        self._gate = gate
        self._waiting: deque[str] = deque()
        self._met: set[str] = set()  # keys of all addresses that were ever put in the queue
        self._done: set[str] = set()  # keys of those that were asked for
        self._contents: dict[bytes, str] = {}  # digests of the pages that were yielded, and their addresses
        self._asked = 0
        self._has_sitemap = False

    async def run(self) -> AsyncIterator[FetchedPage | SkippedPage]:
        """Everything that is found, until the queue is empty or a limit is reached."""
        first = await self._fetch_start()
        listed = await self._gate.listed()
        self._has_sitemap = bool(listed)
        self._enqueue(listed)
        async for found in self._take(first, is_start=True):
            yield found
        while self._waiting:
            url = self._waiting.popleft()
            if page_key(url) in self._done:
                continue
            if len(self._contents) >= self._spec.max_pages or self._asked >= _REQUESTS * self._spec.max_pages:
                yield self._stopped(f"after {len(self._contents)} pages", "max_pages")
                return
            try:
                reply = await self._fetch(url)
            except OutOfTime:
                yield self._stopped(f"after {self._spec.total_seconds:g} seconds", "total time")
                return
            except FetchFailed as failure:
                yield SkippedPage(url, str(failure))
                continue
            if reply is not None:
                async for found in self._take(reply):
                    yield found

    def _stopped(self, when: str, limit: str) -> SkippedPage:
        left = 1 + sum(page_key(url) not in self._done for url in self._waiting)
        return SkippedPage(self._start, f"stopped {when}, the limit of {limit}; {left} known pages are left out")

    async def _fetch_start(self) -> Reply:
        try:
            reply = await self._fetcher.fetch(self._start, check=self._gate.check)
        except FetchFailed as failure:
            hint = failure.hint or "Open the address in a browser and correct `url` in the course file."
            raise SourceError(f"the site {self._start} cannot be crawled: {failure}", hint) from failure
        stays_below = self._start.endswith("/") and reply.url.startswith(self._start)
        self._gate.folder = folder_of(self._start if stays_below else reply.url)
        self._met = {page_key(self._start), page_key(reply.url)}
        self._done = set(self._met)
        self._asked = 1
        return reply

    async def _fetch(self, url: str) -> Reply | None:
        """The page, None if it turns out to be one that is done already. Raises FetchFailed."""
        self._asked += 1
        self._done.add(page_key(url))
        reply = await self._fetcher.fetch(url, check=self._gate.check)
        key = page_key(reply.url)
        if key != page_key(url) and key in self._done:
            return None
        self._done.add(key)
        return reply

    async def _take(self, reply: Reply, is_start: bool = False) -> AsyncIterator[FetchedPage | SkippedPage]:
        """Follow a fetched page's links, and yield it unless it asks otherwise or is known already."""
        try:
            facts = self._follow(reply)
            other = None if is_start else await self._elsewhere(reply, facts)
            if isinstance(other, Reply):  # its canonical address, which is not followed a second time
                reply, facts = other, self._follow(other)
        except UnreadableFile as error:
            yield SkippedPage(reply.url, str(error))
            return
        if isinstance(other, SkippedPage):
            yield other
        elif not facts.indexed:
            yield SkippedPage(reply.url, "asks not to be indexed")
        elif not facts.forwards_to:
            page = self._page(reply)
            if page is not None:
                yield page

    def _follow(self, reply: Reply) -> PageFacts:
        """What a page says of itself; its links are put in the queue. Raises UnreadableFile."""
        if reply.media_type == _PDF:
            return file_facts(reply.robots_tags)
        facts = read_facts(decode_html(_in_utf8(reply)), reply.url, reply.robots_tags)
        links = (*facts.links, *((facts.forwards_to,) if facts.forwards_to else ()))
        if facts.followed:
            found = (self._gate.canonical(link, reply.url) for link in links)
            self._enqueue([url for url in found if url and self._leads_on(url, facts)])
        return facts

    def _leads_on(self, url: str, facts: PageFacts) -> bool:
        """Whether a link is worth a request: a sitemap names all pages but seldom the PDFs."""
        if is_pdf(url):
            return self._gate.wants(url)
        return is_page_like(url) and self._gate.covers(url) and (not self._has_sitemap or bool(facts.forwards_to))

    def _enqueue(self, urls: list[str]) -> None:
        for url in urls:
            key = page_key(url)
            if key not in self._met and len(self._met) < _REMEMBERED * self._spec.max_pages:
                self._met.add(key)
                self._waiting.append(url)

    async def _elsewhere(self, reply: Reply, facts: PageFacts) -> Reply | SkippedPage | None:
        """The page at its canonical address, if it names another one of this site that can be fetched."""
        url = self._gate.canonical(facts.canonical or "", reply.url)
        if not facts.canonical or url is None or page_key(url) == page_key(reply.url) or not self._gate.covers(url):
            return None
        if page_key(url) in self._done:
            return SkippedPage(reply.url, f"says it is the same page as {url}")
        try:
            return await self._fetch(url)
        except FetchFailed:
            return None  # a wrong canonical address must not cost the page

    def _page(self, reply: Reply) -> FetchedPage | SkippedPage | None:
        """The page for ingestion; None if the source's patterns leave it out."""
        path = page_path(reply.url, self._gate.folder, reply.media_type == _PDF)
        if not self._gate.includes(path):
            return None
        digest = blake2b(reply.data, digest_size=16).digest()
        if digest in self._contents:
            return SkippedPage(reply.url, f"has the same content as {self._contents[digest]}")
        self._contents[digest] = reply.url
        return FetchedPage(path, _in_utf8(reply), reply.url)


def _in_utf8(reply: Reply) -> bytes:
    """The page's bytes, in UTF-8 with its mark where only the server said which charset they have.

    A server's default charset is often wrong for pages in UTF-8, so they are left as they are.
    """
    if reply.media_type == _PDF or reply.data.startswith(_MARKS) or decode_as(reply.data, "utf-8") is not None:
        return reply.data
    text = decode_as(reply.data, reply.charset)
    return reply.data if text is None else codecs.BOM_UTF8 + text.encode()
