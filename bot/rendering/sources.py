"""Pure: what stands below an answer: what one should know first, and the pages it cites. Knows no platform."""

from collections.abc import Iterable

from bot.messages import Answer, Citation
from bot.phrases import NOTES_MARK, WANTED_FIRST
from bot.rendering.dialect import Dialect, cited, label, safe_url
from bot.rendering.paragraphs import clean
from bot.rendering.splitting import Block, Flow

_SOURCES = "Sources"


def tail(answer: Answer, dialect: Dialect) -> list[Block]:
    """Blocks to be shown below the answer's text.

    Titles come from anybody's pages and lead nowhere but to the page's own web address: a citation without one
    is only named. Where the answer itself is a list of pages, nearest ones or quoted ones, they are not listed again.
    """
    found: list[Block] = []
    if answer.prerequisites:
        found.append((_wanted_first(((one.title, one.url) for one in answer.prerequisites), dialect),))
    if answer.citations and answer.outcome not in ("abstained", "extractive"):
        found.append(_sources(answer.citations, dialect))
    return found


def _wanted_first(concepts: Iterable[tuple[str, str]], dialect: Dialect) -> Flow:
    mark = dialect.marks["strong"]
    shown = []
    for title, url in concepts:
        name, address = label(clean(title), dialect), safe_url(url)
        shown.append(dialect.link(name, address) if address else name)
    parted = [f"{one} · " for one in shown[:-1]]
    return Flow((f"{mark}{dialect.prose(WANTED_FIRST, False)}{mark} ", *parted, shown[-1]))


def _sources(citations: Iterable[Citation], dialect: Dialect) -> Block:
    mark, gap = dialect.marks["strong"], dialect.line_break
    lines = [Flow((cited(one, dialect, title=_title(one)),), first=dialect.small, gap=gap) for one in citations]
    return (Flow((f"{mark}{_SOURCES}{mark}",), first=dialect.small, leads=True), *lines)


def _title(citation: Citation) -> str:
    """The title on one line; that a source is notes is said however long it is."""
    title = clean(citation.title.removesuffix(NOTES_MARK))
    return f"{title} {NOTES_MARK}" if citation.title.endswith(NOTES_MARK) else title
