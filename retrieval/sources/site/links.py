"""What a fetched page says of itself and where it leads; nothing of fetching or of its text."""

import re
from dataclasses import dataclass
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser

from retrieval.sources.html.text import parse_html
from retrieval.sources.site.robots import PRODUCT

_REFRESH = re.compile(r"\s*(\d{1,5})\s*[;,]\s*url\s*=\s*[\"']?([^\"'>]+)", re.I)
_LONGEST_WAIT = 10.0  # seconds; a page that stays longer before it forwards is one to read
_VALUED = frozenset(("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"))


@dataclass(frozen=True, slots=True)
class PageFacts:
    """References are joined with the page's base, but not yet in canonical form."""

    links: tuple[str, ...]
    canonical: str | None
    forwards_to: str | None
    indexed: bool
    followed: bool


def read_facts(text: str, url: str, robots_tags: tuple[str, ...] = ()) -> PageFacts:
    """Read a page's links and what it asks of crawlers. Raises UnreadableFile where it cannot be parsed."""
    parser = parse_html(text)
    base = _joined(url, _attribute(parser, "base[href]", "href")) or url
    canonical = _attribute(parser, 'link[rel~="canonical" i][href]', "href")
    refresh = _REFRESH.match(_attribute(parser, 'meta[http-equiv="refresh" i]', "content") or "")
    forwards_to = _joined(base, refresh[2]) if refresh and float(refresh[1]) <= _LONGEST_WAIT else None
    wishes = _meta_wishes(parser) | _header_wishes(robots_tags)
    return _facts(wishes, _links(parser, base), _joined(base, canonical), forwards_to)


def _attribute(parser: LexborHTMLParser, selector: str, name: str) -> str | None:
    node = parser.css_first(selector)
    return node.attributes.get(name) if node is not None else None


def _joined(base: str, reference: str | None) -> str | None:
    try:
        return urljoin(base, reference.strip()) if reference else None
    except ValueError:
        return None


def _links(parser: LexborHTMLParser, base: str) -> tuple[str, ...]:
    """Where links, image maps and embedded documents point, each once, in the page's order."""
    found: dict[str, None] = {}
    for node in parser.css("a[href], area[href], iframe[src], embed[src]"):
        attributes = node.attributes
        reference = attributes.get("href") or attributes.get("src") or ""
        if reference.startswith("#") or "nofollow" in (attributes.get("rel") or "").lower().split():
            continue
        joined = _joined(base, reference)
        if joined:
            found[joined.split("#")[0]] = None
    return tuple(found)


def file_facts(robots_tags: tuple[str, ...]) -> PageFacts:
    """The facts of a file that is no web page: only its headers can ask something."""
    return _facts(_header_wishes(robots_tags))


def _facts(
    wishes: set[str], links: tuple[str, ...] = (), canonical: str | None = None, forwards_to: str | None = None
) -> PageFacts:
    return PageFacts(links, canonical, forwards_to, not wishes & {"noindex", "none"}, not wishes & {"nofollow", "none"})


def _meta_wishes(parser: LexborHTMLParser) -> set[str]:
    """The words of robots `<meta>` elements that are meant for Erica."""
    metas = parser.css(f'meta[name="robots" i], meta[name="{PRODUCT}" i]')
    return {word.strip() for meta in metas for word in (meta.attributes.get("content") or "").lower().split(",")}


def _header_wishes(robots_tags: tuple[str, ...]) -> set[str]:
    """The words of X-Robots-Tag headers, which may begin with the name of the crawler they are meant for."""
    wishes: set[str] = set()
    for tag in robots_tags:
        name, colon, rest = tag.lower().partition(":")
        if not colon or name.strip() in _VALUED:
            rest = tag.lower()
        elif name.strip() != PRODUCT:
            continue
        wishes |= {word.strip() for word in rest.split(",")}
    return wishes
