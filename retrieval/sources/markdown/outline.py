"""Pure: the blocks of a page become its sections, each with its heading path and anchor."""

import re
from collections.abc import Iterable, Sequence

from retrieval.passage import Locator, Section
from retrieval.sources.markdown.blocks import Block, blocks
from retrieval.sources.markdown.inline import Cleaner


def slug(heading: str, pandoc: bool = False) -> str:
    """The id that a page's generator gives a heading.

    GitHub's rule, which Hugo and notebook pages follow: lower case, punctuation out, spaces to hyphens.
    Pandoc's, for Quarto and R Markdown files, keeps full stops and drops what comes before the first letter.
    """
    words = heading.lower().replace("$", "")
    if not pandoc:
        return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
    kept = re.sub(r"[^\w\-. ]", "", words)
    return re.sub(r"^[\W\d_]+", "", "-".join(kept.split())) or "section"


class _Anchors:
    """Hands out ids that are unique within a page: `loss`, `loss-1`, `loss-2`."""

    def __init__(self, pandoc: bool) -> None:
        self._pandoc = pandoc
        self._taken: dict[str, int] = {}

    def of(self, heading: Block) -> str:
        if heading.anchor:
            return heading.anchor
        wanted = anchor = slug(heading.text, self._pandoc)
        while anchor in self._taken:
            self._taken[wanted] += 1
            anchor = f"{wanted}-{self._taken[wanted]}"
        self._taken[anchor] = 0
        return anchor


def first_title(content: Iterable[Block]) -> str | None:
    """The first heading of level 1, unless a heading of level 2 comes before it: then it titles only a part."""
    first = next((block for block in content if block.kind == "heading" and block.level <= 2), None)
    return first.text if first is not None and first.level == 1 else None


def sections(content: Sequence[Block], title: str, pandoc: bool = False) -> tuple[Section, ...]:
    """The sections of a page titled `title`; headings without text below them yield none.

    The page's own title is no heading of its sections, and the place below it is the page's top.
    """
    anchors = _Anchors(pandoc)
    found: list[Section] = []
    path: list[Block] = []
    anchor: str | None = None
    body: list[Block] = []
    titled = False
    for block in content:
        if block.kind != "heading":
            body.append(block)
            continue
        _close(found, path, body, anchor)
        path = [*(outer for outer in path if outer.level < block.level), block]
        body = []
        anchor = anchors.of(block)
        if not titled and block.level == 1 and _same(block.text, title):
            anchor, titled = None, True
    _close(found, path, body, anchor)
    return tuple(_without_title(section, title) for section in found)


def _close(found: list[Section], path: list[Block], body: list[Block], anchor: str | None) -> None:
    if text := joined(body):
        found.append(Section(tuple(heading.text for heading in path), text, Locator(anchor=anchor)))


def joined(body: Iterable[Block]) -> str:
    """The text of some blocks, with blank lines where the page has them."""
    text, last = "", ""
    for block in body:
        if text:
            text += "\n" if block.glued and (block.kind, last) != ("prose", "prose") else "\n\n"
        text += block.text.strip("\n")
        last = block.kind
    return text if text.strip() else ""


def flat(text: str) -> str:
    """Markdown cleaned like a page's, as one piece: a heading inside it is a line in bold."""
    return joined(
        Block("prose", f"**{block.text}**") if block.kind == "heading" else block for block in blocks(text, Cleaner())
    )


def _without_title(section: Section, title: str) -> Section:
    if section.headings and _same(section.headings[0], title):
        return Section(section.headings[1:], section.text, section.locator)
    return section


def _same(one: str, other: str) -> bool:
    return " ".join(one.lower().split()) == " ".join(other.lower().split())
