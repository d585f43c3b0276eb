"""Pure: what robots.txt (RFC 9309) and sitemaps say. Fetches nothing.

The standard library's parser takes the first matching rule and ignores `*` and `$`, which sites written
for today's rules do not expect; so the longest match is found here.
"""

import html
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

USER_AGENT = "EricaBot/0.1 (+course tutor)"
PRODUCT = "ericabot"
LONGEST_DELAY = 10.0  # seconds between requests that a site may ask for

_LONGEST_FILE = 512 * 1024  # characters of a robots.txt that count
_LOCATION = re.compile(r"<loc\s*>\s*(?:<!\[CDATA\[)?\s*([^<>\]\s]{1,2000})")
_MOST_LOCATIONS = 50_000  # of one sitemap, as the protocol has it
_LARGEST_SITEMAP = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules of one host that hold for Erica. `delay` is in seconds, `sitemaps` as written."""

    rules: tuple[tuple[str, bool], ...] = ()
    delay: float = 0.0
    sitemaps: tuple[str, ...] = ()

    def allows(self, path: str) -> bool:
        """Whether a path with its query may be fetched: the longest matching rule decides, in doubt allowing."""
        matching = [(len(rule), allowed) for rule, allowed in self.rules if _matches(rule, path)]
        return max(matching, default=(0, True))[1]


def read_robots(text: str) -> Robots:
    """The rules for Erica, else those for everybody. What is not understood is passed over."""
    ours: list[tuple[str, str]] = []
    everybody: list[tuple[str, str]] = []
    sitemaps: list[str] = []
    named = False
    groups: list[list[tuple[str, str]]] = []
    in_names = False
    for key, value in _lines(text):
        if key == "sitemap":
            sitemaps.append(value)
        elif key == "user-agent":
            groups = groups if in_names else []
            in_names = True
            name = re.match(r"[a-z_-]*", value.lower())
            if value == "*":
                groups.append(everybody)
            elif name and name[0] == PRODUCT:
                named = True
                groups.append(ours)
        else:
            in_names = False
            for group in groups:
                group.append((key, value))
    return _robots(ours if named else everybody, tuple(sitemaps))


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text[:_LONGEST_FILE].lstrip("\ufeff").splitlines():
        key, colon, value = line.split("#", 1)[0].partition(":")
        if colon:
            yield key.strip().lower(), value.strip()


def _robots(group: list[tuple[str, str]], sitemaps: tuple[str, ...]) -> Robots:
    rules = [
        (quote(value, safe="!$%&'()*+,-./:;=?@_~"), key == "allow")
        for key, value in group
        if key in ("allow", "disallow") and value
    ]
    delays = [
        float(value) for key, value in group if key == "crawl-delay" and re.fullmatch(r"\d{1,6}(\.\d{1,6})?", value)
    ]
    return Robots(tuple(rules), min(max(delays, default=0.0), LONGEST_DELAY), sitemaps)


def _matches(rule: str, path: str) -> bool:
    """Whether a rule with `*` for anything and `$` for the end fits a path; linear, unlike a regular expression."""
    to_end = rule.endswith("$")
    first, *parts = rule.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    if not parts:
        return path == first if to_end else True
    position = len(first)
    for part in parts[:-1] if to_end else parts:
        found = path.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    return not to_end or (path.endswith(parts[-1]) and len(path) - len(parts[-1]) >= position)


def read_sitemap(data: bytes) -> tuple[tuple[str, ...], bool]:
    """The addresses in a sitemap, plain or gzipped, and whether they are sitemaps themselves (an index).

    What is no sitemap has none. Entities are never expanded, so a file cannot grow in memory.
    """
    if data.startswith(b"\x1f\x8b"):
        try:
            data = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data, _LARGEST_SITEMAP)
        except zlib.error:
            return (), False
    text = data.decode("utf-8", errors="replace")
    found = (html.unescape(match[1]) for match in _LOCATION.finditer(text))
    return tuple(url for url, _ in zip(found, range(_MOST_LOCATIONS), strict=False)), "<sitemapindex" in text[:2000]
