"""From the sources of a course to documents: finds files, reads them, keeps account of what is skipped."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from retrieval.concepts.making import GraphFile
from retrieval.config import SourceConfig
from retrieval.errors import UnreadableFile
from retrieval.passage import Document
from retrieval.sources.addresses import address, read_table
from retrieval.sources.folder import FoundFile, Skipped, find
from retrieval.sources.formats import reader_for
from retrieval.sources.site.crawler import SiteSpec, SkippedPage, crawl

logger = logging.getLogger(__name__)

_SNIFFED = 64 * 1024


@dataclass(frozen=True, slots=True)
class Page:
    """A document, the source it came from (its number in the course file) and its address."""

    source: int
    document: Document
    url: str


@dataclass(slots=True)
class Account:
    """What reading met so far.

    `without_address` counts pages that neither a table nor a base URL gives a link; `skipped` holds (source
    number, path or URL, reason). `graphs` are the files of sources that are foreign concept graphs.
    """

    files: int = 0
    without_address: int = 0
    skipped: list[tuple[int, str, str]] = field(default_factory=list)
    graphs: list[GraphFile] = field(default_factory=list)

    def skip(self, source: int, path: str, reason: str) -> None:
        """Remember a file that did not become a page."""
        self.skipped.append((source, path, reason))


async def read_sources(sources: Sequence[SourceConfig], root: Path, account: Account) -> AsyncIterator[Page]:
    """Every readable page of every source, in the course file's order and sorted by path within.

    Relative paths are taken from `root`, the course file's folder. Raises SourceError where a source as a
    whole cannot be read; single files that cannot are written down in `account`.
    """
    for number, source in enumerate(sources):
        if source.kind == "site":
            async for page in _read_site(number, source, account):
                yield page
        elif source.kind == "graph":
            _read_graphs(number, source, root, account)
        else:
            for page in _read_folder(number, source, root, account):
                yield page
                await asyncio.sleep(0)  # lets a progress bar move and Ctrl-C through


def _read_folder(number: int, source: SourceConfig, root: Path, account: Account) -> Iterator[Page]:
    assert source.path is not None
    table = read_table(root / source.urls.expanduser()) if source.urls else {}
    for found in find(source.place(root), source.include, source.exclude):
        account.files += 1
        if isinstance(found, Skipped):
            account.skip(number, found.path, found.reason)
            continue
        document = _read_file(number, source, found, account)
        if document is not None:
            account.without_address += not (found.path in table or source.base_url)
            yield Page(number, document, address(found.path, table, source.base_url, found.location))


def _read_graphs(number: int, source: SourceConfig, root: Path, account: Account) -> None:
    """Foreign graphs become no pages: nothing of them is ever quoted."""
    for found in find(source.place(root), source.include, source.exclude):
        account.files += 1
        try:
            if isinstance(found, Skipped):
                raise UnreadableFile(found.reason)
            account.graphs.append(GraphFile(number, found.path, found.read()))
        except UnreadableFile as error:
            account.skip(number, found.path, str(error))


def _read_file(number: int, source: SourceConfig, found: FoundFile, account: Account) -> Document | None:
    try:
        data = found.read()
        return _parse(found.path, source.kind, data)
    except UnreadableFile as error:
        account.skip(number, found.path, str(error))
        return None


def _parse(path: str, kind: str, data: bytes) -> Document:
    reader = reader_for(path, kind, data[:_SNIFFED])
    if reader is None:
        raise UnreadableFile(f"no reader for {Path(path).suffix or 'files without an ending'}")
    try:
        document = reader(path, data)
    except UnreadableFile:
        raise
    except Exception as error:  # readers stand on large libraries, and one odd file must not stop the course
        logger.warning("reading %s failed", path, exc_info=True)
        raise UnreadableFile(f"the reader failed with {type(error).__name__}; the log has more") from error
    if not any(section.text.strip() for section in document.sections):
        raise UnreadableFile("empty")
    return document


async def _read_site(number: int, source: SourceConfig, account: Account) -> AsyncIterator[Page]:
    assert source.url is not None
    spec = SiteSpec(
        url=source.url,
        hosts=frozenset(source.hosts),
        include=source.include,
        exclude=source.exclude,
        max_pages=source.max_pages,
    )
    async for fetched in crawl(spec):
        account.files += 1
        if isinstance(fetched, SkippedPage):
            account.skip(number, fetched.url, fetched.reason)
            continue
        try:
            yield Page(number, _parse(fetched.path, "folder", fetched.data), fetched.url)
        except UnreadableFile as error:
            account.skip(number, fetched.url, str(error))
