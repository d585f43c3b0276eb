"""Pure: what a chat platform's way of writing has to offer, and links in it. Knows no platform."""

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from rich.cells import cell_len

from bot.foreign import visible
from bot.messages import Citation
from bot.rendering.splitting import Lines

_LONGEST_URL = 800
"""A longer link is only named: it must fit into a message together with the word it stands on."""
_WIDEST_TABLE = 76
"""Columns of an aligned table that fit beside a server's channel list; a wider one wraps and cannot be read."""
_NOT_IN_URL = re.compile(r"[\s<>|\\`()\[\]{}\"*]|@(?=everyone|here|channel)", re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z0-9_+#.-]{1,20}")


class Dialect(Protocol):
    """How a platform writes things. Instances are constants: they are compared by identity."""

    def __hash__(self) -> int: ...

    @property
    def marks(self) -> Mapping[str, str]:
        """What stands on both sides of `strong`, `emphasis` and `struck` text."""
        ...

    @property
    def bullet(self) -> str:
        """What begins an item of a list."""
        ...

    @property
    def rule(self) -> str:
        """A line across."""
        ...

    @property
    def line_break(self) -> str:
        """A new line in the same paragraph."""
        ...

    @property
    def gap_below_lead(self) -> str:
        """What parts a heading, or a line that ends with a colon, from what follows."""
        ...

    @property
    def small(self) -> str:
        """What begins a line in small print."""
        ...

    @property
    def links_in_tables(self) -> bool:
        """Whether `table` can show links."""
        ...

    def prose(self, text: str, starts_line: bool) -> str:
        """Raw text, so that it shows as it is."""
        ...

    def guarded(self, text: str) -> str:
        """Text of any kind in which nothing mentions anybody."""
        ...

    def code(self, text: str) -> str:
        """Raw text as an inline code span."""
        ...

    def link(self, label: str, url: str) -> str:
        """A link without a preview; `label` is in the dialect already, `url` is safe to be written."""
        ...

    def heading(self, level: int) -> tuple[str, str]:
        """What stands before a heading of level 1 to 6, and the name of the mark around it, if any."""
        ...

    def listing(self, lines: Sequence[str], language: str) -> Lines:
        """Raw code as a fenced block."""
        ...

    def table(self, cells: Sequence[Sequence[str]], plain: Sequence[Sequence[str]]) -> Lines | None:
        """A table, head first, its cells in the dialect and as plain text; None where it would be too wide."""
        ...


def safe_url(url: str) -> str:
    """A web address that can be written into a link of any dialect; nothing if there is none that can be followed."""
    if not url.lower().startswith(("https://", "http://")) or len(url) > _LONGEST_URL:
        return ""
    return _NOT_IN_URL.sub(lambda char: "".join(f"%{byte:02X}" for byte in char[0].encode()), visible(url))


def label(text: str, dialect: Dialect) -> str:
    """Raw text as the words of a link, where brackets would end it."""
    return dialect.guarded(dialect.prose(text.replace("[", "(").replace("]", ")"), starts_line=False))


def cited(citation: Citation, dialect: Dialect, title: str = "") -> str:
    """`[n]`, with a title if one is given, as a link; without a link where there is no web address."""
    shown = f"[{citation.n}]" + (f" {label(title, dialect)}" if title else "")
    url = safe_url(citation.url)
    return dialect.link(shown, url) if url else shown


def language(info: str) -> str:
    """The language of a fence, from what stands behind its mark; empty if that is none."""
    found = _LANGUAGE.match(info.strip().lstrip("{."))
    return found[0].rstrip(".").lower() if found else ""


def unfenced(line: str) -> str:
    """A line of code that cannot close the fence around it."""
    return line.replace("```", "`\u200b`\u200b`")


def ticked(text: str) -> str:
    """A code span of standard Markdown."""
    if "`" not in text:
        return f"`{text}`"
    apart = text.replace("``", "`\u200b`").replace("``", "`\u200b`")
    return f"`` {apart} ``"


def aligned(plain: Sequence[Sequence[str]]) -> list[str] | None:
    """The lines of a table in columns, the second a rule below its head; None if they are too long to be read."""
    columns = max(map(len, plain))
    rows = [[*row, *[""] * (columns - len(row))] for row in plain]
    widths = [max(cell_len(row[column]) for row in rows) for column in range(columns)]
    if sum(widths) + 2 * (columns - 1) > _WIDEST_TABLE:
        return None
    lines = [
        "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return [lines[0], "  ".join("─" * width for width in widths), *lines[1:]]
