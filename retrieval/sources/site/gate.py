"""Which addresses belong to a site and may be asked for: the source's patterns, robots.txt, the sitemap.

Asks the site for those two files only; knows nothing of queues and pages.
"""

from dataclasses import dataclass, field

from retrieval.globs import selected
from retrieval.sources.site.fetching import Fetcher
from retrieval.sources.site.network import FetchFailed, Refused
from retrieval.sources.site.robots import Robots, read_robots, read_sitemap
from retrieval.sources.site.urls import canonical_url, host_of, is_page_like, is_pdf, page_path, path_of

_MOST_SITEMAPS = 20
_MOST_LISTED = 10_000


@dataclass(slots=True)
class Gate:
    """Says yes or no to canonical URLs. `folder` is empty until the start of the crawl is known."""

    fetcher: Fetcher
    hosts: frozenset[str]
    http_hosts: frozenset[str]
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    folder: str = ""
    _robots: dict[str, Robots | Refused] = field(default_factory=dict)

    async def check(self, url: str) -> None:
        """Raise Refused for what the source does not cover or the site does not want fetched."""
        if self.folder and not self.covers(url):
            raise Refused("leads out of the part of the site that the source covers")
        host = host_of(url)
        if host not in self._robots:
            self._robots[host] = await self._read_robots(url, host)
        robots = self._robots[host]
        if isinstance(robots, Refused):
            raise robots
        if not robots.allows(path_of(url)):
            raise Refused("robots.txt forbids it", "Ask whoever runs the site to allow EricaBot in robots.txt.")

    def canonical(self, reference: str, base: str) -> str | None:
        """The canonical URL of a reference on a page, None for what cannot be fetched."""
        return canonical_url(reference, base, self.http_hosts)

    def covers(self, url: str) -> bool:
        """On the start's host only what lies below its folder; on the other hosts all; nothing excluded."""
        host = host_of(url)
        inside = f"{url}/".startswith(self.folder) if host == host_of(self.folder) else host in self.hosts
        return inside and selected(page_path(url, self.folder, is_pdf(url)), (), self.exclude)

    def includes(self, path: str) -> bool:
        """Whether a page of this path is material, and not only a way to others."""
        return selected(path, self.include, self.exclude)

    def wants(self, url: str) -> bool:
        """Whether a page at this address would be material, as far as the address tells."""
        return is_page_like(url) and self.covers(url) and self.includes(page_path(url, self.folder, is_pdf(url)))

    async def listed(self) -> list[str]:
        """The wanted pages of the first sitemap that has any: robots.txt's, the folder's, the host's."""
        robots = self._robots.get(host_of(self.folder))
        named = list(robots.sitemaps) if isinstance(robots, Robots) else []
        asked = 0
        for group in (named, [f"{self.folder}sitemap.xml"], ["/sitemap.xml"]):
            pages: list[str] = []
            while group and asked < _MOST_SITEMAPS and len(pages) < _MOST_LISTED:
                asked += 1
                locations, is_index = await self._read_sitemap(group.pop(0))
                if is_index:
                    group.extend(locations)
                else:
                    pages += filter(self.wants, locations)
            if pages:
                return pages
        return []

    async def _read_robots(self, url: str, host: str) -> Robots | Refused:
        """A site without the file allows everything; one that cannot say so now is left alone."""
        try:
            reply = await self.fetcher.fetch(self.canonical("/robots.txt", url) or url, types=None)
        except FetchFailed as failure:
            if failure.status is not None and 400 <= failure.status < 500 and failure.status != 429:
                return Robots()
            return Refused(f"its robots.txt cannot be read: {failure}", failure.hint)
        robots = read_robots(reply.data.decode("utf-8", errors="replace"))
        self.fetcher.slow_down(host, robots.delay)
        return robots

    async def _read_sitemap(self, reference: str) -> tuple[list[str], bool]:
        """The canonical addresses in a sitemap, and whether it is an index of others; none if it is not there."""
        url = self.canonical(reference, self.folder)
        robots = self._robots.get(host_of(url)) if url else None
        if url is None or not isinstance(robots, Robots) or not robots.allows(path_of(url)):
            return [], False
        try:
            reply = await self.fetcher.fetch(url, types=None)
        except FetchFailed:
            return [], False  # then links show the way
        locations, is_index = read_sitemap(reply.data)
        canonical = (self.canonical(location, reply.url) for location in locations)
        return [location for location in canonical if location], is_index
