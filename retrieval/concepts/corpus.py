"""Pure: the passages of a course as the pages, sections and plain sentences that concepts are looked for in."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from retrieval.markup import blocks, list_items, sentences
from retrieval.passage import Passage, Trust

_LINK = re.compile(r"!?\[\[(?:[^\]|]*\|)?([^\]|]+)\]\]|!?\[([^\]\n]*)\]\([^)\n]*\)")
_EMPHASIS = re.compile(r"(?<![\w\\])(\*{1,3}|_{1,3}|~~)(?=\S)(.+?)(?<=[^\s\\])\1(?!\w)")
# A letter in a formula that is half of a name: $k$-means, $\epsilon$-greedy, $A^*$.
_LETTER_NAME = re.compile(r"\$\\?([A-Za-z]{1,7})\$(?=[-‐‑][A-Za-z])")
_STARRED = re.compile(r"\$([A-Z])\^\{?(?:\*|\\ast|\\star)\}?\$")
_LEGAL = re.compile(r"(?:^|/)(?:licen[cs]e|copying|notice|code_of_conduct|contributing|changelog)\b", re.IGNORECASE)
_ITEM_MARK = re.compile(r"^\s*(?:>\s*)*(?:[-*+]|\d{1,3}[.)])\s+")


@dataclass(frozen=True, slots=True)
class Section:
    """What stands below one heading of a page, or on one PDF page: passages that share an address.

    `number` counts the corpus's sections from 0, `page` its pages as in the index. `heading` is the
    innermost heading, empty at a page's top; `headings` the whole path. `sentences` are Markdown, of prose,
    list items and rows of tables, `said` the same as plain text; `code` the listings, without their fences.
    """

    number: int
    page: int
    path: str
    title: str
    headings: tuple[str, ...]
    url: str
    passages: tuple[int, ...]
    text: str
    sentences: tuple[str, ...]
    said: tuple[str, ...]
    code: tuple[str, ...]
    trust: Trust = "course"
    release: date | None = None

    @property
    def heading(self) -> str:
        """The innermost heading."""
        return self.headings[-1] if self.headings else ""


@dataclass(frozen=True, slots=True)
class Corpus:
    """All sections in teaching order. `position[page]` is the page's place in that order, from 0."""

    sections: tuple[Section, ...]
    position: dict[int, int]

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return len(self.position)


def read_corpus(passages: Iterable[Passage]) -> Corpus:
    """Put the passages of an index, in the order of their ids, together to sections; licence texts teach nothing."""
    sections: list[Section] = []
    passages = (passage for passage in passages if not _LEGAL.search(passage.path))
    for (page, url), group in groupby(passages, key=lambda passage: (passage.page, passage.url)):
        sections.append(_section(len(sections), page, url, list(group)))
    pages = dict.fromkeys(section.page for section in sections)
    return Corpus(tuple(sections), {page: place for place, page in enumerate(pages)})


def _section(number: int, page: int, url: str, passages: Sequence[Passage]) -> Section:
    first = passages[0]
    text = "\n\n".join(passage.text for passage in passages)
    prose: list[str] = []
    code: list[str] = []
    for block in blocks(text):
        if block.kind == "code":
            code.append(_without_fence(block.text))
        elif block.kind == "prose":
            prose += sentences(block.text)
        elif block.kind == "list":
            prose += [sentence for item in list_items(block.text) for sentence in sentences(_ITEM_MARK.sub("", item))]
        elif block.kind == "table":
            prose += table_rows(block.text)
    return Section(
        number,
        page,
        first.path,
        first.title,
        first.headings,
        url,
        tuple(passage.id for passage in passages),
        text,
        tuple(prose),
        tuple(map(plain, prose)),
        tuple(code),
        first.trust,
        first.release,
    )


def table_rows(table: str) -> list[str]:
    """A row as a sentence, its cells joined by dashes, as a glossary has them."""
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table.splitlines()]
    return [" — ".join(filter(None, row)) for row in rows if any(re.search(r"\w", cell) for cell in row)]


def _without_fence(block: str) -> str:
    lines = block.splitlines()
    end = -1 if len(lines) > 1 and lines[-1].strip(" >").startswith(("```", "~~~")) else None
    return "\n".join(lines[1:end])


def plain(markdown: str) -> str:
    """Prose on one line without emphasis, links and code ticks; formulas keep their dollar signs."""
    text = _STARRED.sub(r"\1*", _LETTER_NAME.sub(r"\1", markdown)) if "$" in markdown else markdown
    if "[" in text:
        text = _LINK.sub(lambda link: link[1] or link[2] or "", text)
    if "*" in text or "_" in text or "~" in text:
        for _ in range(3):
            text, changed = _EMPHASIS.subn(r"\2", text)
            if not changed:
                break
    return " ".join(text.replace("`", "").split())
