"""The nouns of retrieval: what a reader yields (Document), and what is searched and cited (Passage).

Nothing here knows of files, stores or models.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal
from urllib.parse import quote

Trust = Literal["course", "notes"]


@dataclass(frozen=True, slots=True)
class Locator:
    """Where inside a document something stands: at most one of a heading's anchor, a page or a time.

    `page` counts from 1; `seconds` is the offset of a spoken passage from the recording's start.
    """

    anchor: str | None = None
    page: int | None = None
    seconds: float | None = None

    def link(self, url: str) -> str:
        """The document's URL made to open at this place: `#anchor`, `#page=3` or `#t=75`."""
        if self.anchor:
            return f"{url.split('#')[0]}#{quote(self.anchor, safe='-._~!$&()*+,;=:@/?')}"
        if self.page is not None:
            return f"{url.split('#')[0]}#page={self.page}"
        if self.seconds is not None:
            return f"{url.split('#')[0]}#t={int(self.seconds)}"
        return url


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a document below one heading.

    `headings` runs from the outermost heading to the innermost and does not repeat the document's title;
    `text` is Markdown, with formulas as LaTeX between dollar signs and code in fences.
    """

    headings: tuple[str, ...]
    text: str
    locator: Locator = Locator()


@dataclass(frozen=True, slots=True)
class Document:
    """One page of course material as a reader understood it.

    `path` is the file's path inside its source (POSIX); its address is decided by its source, in ingestion.
    `links` are the targets of wiki links, as written.
    """

    path: str
    title: str
    sections: tuple[Section, ...]
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document small enough to be found, quoted and cited.

    `page` numbers the documents of one index from 0, `position` the passages of a document from 0;
    together they are the passage's `id` in that index. `content_hash` covers everything that is embedded,
    so equal hashes mean equal vectors. `url` already carries the locator.
    """

    page: int
    position: int
    source: int
    path: str
    title: str
    headings: tuple[str, ...]
    text: str
    url: str
    content_hash: str
    trust: Trust = "course"
    release: date | None = None

    @property
    def id(self) -> int:
        """Page and position in one number, so that a search result tells its page without being loaded."""
        return passage_id(self.page, self.position)

    @property
    def heading(self) -> str:
        """The heading path as one line, `A > B`, empty at the document's top."""
        return " > ".join(self.headings)


POSITIONS_PER_PAGE = 1 << 16
"""A page can have no more passages than this."""


def passage_id(page: int, position: int) -> int:
    """The id of a page's passage; raises ValueError where a page has too many passages."""
    if not 0 <= position < POSITIONS_PER_PAGE:
        raise ValueError(f"position {position} does not fit into a passage id")
    return page * POSITIONS_PER_PAGE + position


def page_and_position(id_: int) -> tuple[int, int]:
    """The inverse of `passage_id`."""
    return divmod(id_, POSITIONS_PER_PAGE)


def page_of(id_: int) -> int:
    """The page of a passage id; asked for a hundred times a search."""
    return id_ // POSITIONS_PER_PAGE
