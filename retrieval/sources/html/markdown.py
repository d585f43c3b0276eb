"""Turns the DOM of a web page into headings and blocks of Markdown, in reading order.

Knows HTML elements; nothing of titles, documents or where a page came from.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborNode

from retrieval.sources.html.inline import HEADINGS, MAX_DEPTH, Marks, flat_text, raw_inline, render, verbatim
from retrieval.sources.html.table import only_arranges, read_grid

BLOCKS = (
    f"{HEADINGS}, p, div, section, article, main, header, footer, hgroup, figure, figcaption, details, summary,"
    " ul, ol, menu, li, dl, dt, dd, table, caption, thead, tbody, tfoot, tr, th, td, pre, blockquote, hr,"
    " address, center, fieldset, form"
)
_BLOCK_TAGS = frozenset(BLOCKS.split(", "))
_HEADING_TAGS = frozenset(HEADINGS.split(", "))
_LANGUAGE = re.compile(r"(?:language|lang|highlight-source|highlight|src)-\{?([\w+#.-]+)\}?")
_PANDOC_CLASSES = frozenset(
    ("sourceCode", "code-with-copy", "numberSource", "numberLines", "number-lines", "cell-code", "hljs")
)
_CODE_BOXES = frozenset(("div", "figure", "td", "tr", "tbody", "table", "code"))
_NO_LANGUAGE = frozenset(("none", "text", "txt", "plain", "plaintext", "default", "nohighlight", "output"))
_SAME_LANGUAGE = {"ipython3": "python", "ipython": "python", "python3": "python", "py": "python", "sh": "bash"}


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading as the page has it; `anchor` is the id that opens the page there."""

    level: int
    text: str
    anchor: str | None


def read_blocks(node: LexborNode, marks: Marks, depth: int = 0) -> Iterator[Heading | str]:
    """The headings and Markdown blocks below an element, top to bottom."""
    run: list[str] = []
    for child in node.iter(include_text=True):
        if not child.is_element_node or child.mem_id in marks.formulas or not _is_block(child, marks):
            run.append(raw_inline(child, marks, depth))
            continue
        if child.mem_id not in marks.noise:
            yield from _paragraphs("".join(run))
            run.clear()
            yield from _block(child, marks, depth + 1)
    yield from _paragraphs("".join(run))


def _is_block(node: LexborNode, marks: Marks) -> bool:
    return node.tag in _BLOCK_TAGS or node.mem_id in marks.holders


def _paragraphs(raw: str) -> Iterator[str]:
    for paragraph in render(raw, "block").split("\n\n"):
        if paragraph.strip():
            yield paragraph.strip("\n")


def _block(node: LexborNode, marks: Marks, depth: int) -> Iterator[Heading | str]:
    tag = node.tag or ""
    if depth > MAX_DEPTH:
        yield from _paragraphs(flat_text(node))
    elif tag in _HEADING_TAGS:
        text = heading_text(node, marks)
        if text:
            yield Heading(int(tag[1]), text, anchor_of(node))
    elif tag in ("ul", "ol", "menu"):
        yield from _some(_list(node, marks, depth))
    elif tag == "pre":
        yield from _some(_fence(node, marks))
    elif tag == "table":
        yield from _table(node, marks, depth)
    elif tag == "blockquote":
        yield from _some(_prefixed("\n\n".join(_as_text(read_blocks(node, marks, depth))), "> ", "> "))
    elif tag == "dl":
        yield from _definitions(node, marks, depth)
    elif tag == "header":  # the head of an article: by-lines and dates go, its heading stays
        yield from (block for block in read_blocks(node, marks, depth) if isinstance(block, Heading))
    elif tag == "summary":
        yield from _as_text([Heading(6, heading_text(node, marks), None)])
    elif tag == "figure":
        parts = list(_as_text(read_blocks(node, marks, depth)))  # a caption often repeats the image's text
        yield from (part for part in parts if not any(part != other and part in other for other in parts))
    else:
        yield from read_blocks(node, marks, depth)


def _some(text: str) -> Iterator[str]:
    if text:
        yield text


def _as_text(blocks: Iterable[Heading | str]) -> Iterator[str]:
    """Blocks inside a list, quote or cell, where a heading can only be bold."""
    for block in blocks:
        if isinstance(block, str):
            yield block
        elif block.text:
            yield f"**{block.text}**"


def _prefixed(text: str, first: str, rest: str) -> str:
    lines = text.split("\n")
    return "\n".join((first if i == 0 else rest) + line if line else rest.rstrip() for i, line in enumerate(lines))


def heading_text(node: LexborNode, marks: Marks) -> str:
    """A heading's words in one line, without emphasis and permalink signs."""
    raw = "".join(raw_inline(child, marks, 0, plain=True) for child in node.iter(include_text=True))
    return render(raw, "line").rstrip("¶§🔗 ")


def anchor_of(heading: LexborNode) -> str | None:
    """The id that opens the page at a heading.

    Its own, that of an anchor element in it, of the section which it opens (Sphinx, Pandoc), or of an
    empty element right before it (pages written by hand).
    """
    own = heading.attributes.get("id")
    if own:
        return own
    inner = heading.css_first("a[id], a[name], span[id]")
    return _name_of(inner) or _section_id(heading) or _name_of(_empty_before(heading))


def _name_of(node: LexborNode | None) -> str | None:
    return None if node is None else node.attributes.get("id") or node.attributes.get("name")


def _section_id(heading: LexborNode) -> str | None:
    parent = heading.parent
    for _ in range(3):
        if parent is None or parent.tag not in ("section", "div", "header", "hgroup"):
            return None
        first = parent.css_first(HEADINGS)
        if first is None or first.mem_id != heading.mem_id:
            return None
        if parent.attributes.get("id") and parent.tag in ("section", "div"):
            return parent.attributes["id"]
        parent = parent.parent
    return None


def _empty_before(heading: LexborNode) -> LexborNode | None:
    before = heading.prev
    while before is not None and before.is_text_node and not (before.text_content or "").strip():
        before = before.prev
    return before if before is not None and before.tag in ("a", "span") and not before.text().strip() else None


def _list(node: LexborNode, marks: Marks, depth: int) -> str:
    """A list, nested lists indented under their item."""
    start = node.attributes.get("start") or ""
    number = int(start) if start.isascii() and start.isdigit() and len(start) < 6 else 1
    items: list[str] = []
    for child in node.iter():
        if child.mem_id in marks.noise:
            continue
        body = _item(list(_as_text(_block(child, marks, depth + 1))))
        if not body:
            continue
        if child.tag in ("ul", "ol") and items:  # a list beside the items instead of inside one
            items[-1] += "\n" + _prefixed(body, "  ", "  ")
            continue
        sign = f"{number}. " if node.tag == "ol" else "- "
        items.append(_prefixed(body, sign, " " * len(sign)))
        number += 1
    return "\n".join(items)


def _item(blocks: list[str]) -> str:
    """The blocks of one list item; a nested list follows its line without a gap."""
    text = ""
    for block in blocks:
        tight = re.match(r"(?:- |\d+\. )", block)
        text += ("\n" if tight else "\n\n") * bool(text) + block
    return text


def _fence(pre: LexborNode, marks: Marks) -> str:
    code = verbatim(pre, marks).strip("\n").rstrip()
    if not code.strip():
        return ""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", code)), default=0))
    return f"{fence}{_language(pre)}\n{code}\n{fence}"


def _language(pre: LexborNode) -> str:
    """The language that a highlighter wrote on the code or on one of the boxes around it; empty if none."""
    boxes = [pre.css_first("code"), pre]
    while (outer := boxes[-1].parent if boxes[-1] else None) and outer.tag in _CODE_BOXES and len(boxes) < 10:
        boxes.append(outer)
    for box in boxes:
        attributes = box.attributes if box else {}
        classes = (attributes.get("class") or "").split()
        names = [attributes.get("data-lang") or "", attributes.get("data-language") or ""]
        names += [match[1] for match in map(_LANGUAGE.fullmatch, classes) if match]
        if "sourceCode" in classes:
            names += [name for name in classes if name not in _PANDOC_CLASSES]
        for name in filter(re.compile(r"[\w+#.-]{1,30}").fullmatch, names):
            name = _SAME_LANGUAGE.get(name.lower(), name.lower())
            return "" if name in _NO_LANGUAGE else name
    return ""


def _definitions(node: LexborNode, marks: Marks, depth: int) -> Iterator[str]:
    """A definition list as `**term**: definition`, one paragraph a term."""
    terms: list[str] = []
    for child in _definition_parts(node):
        if child.mem_id in marks.noise:
            continue
        if child.tag == "dt":
            terms += _some(heading_text(child, marks))
        else:
            head = f"**{', '.join(terms)}**: " if terms else ""
            blocks = list(_as_text(_block(child, marks, depth + 1)))
            if blocks and re.match(r"```|\||> |- |\d+\. |\$\$", blocks[0]):
                blocks.insert(0, "")
            yield from _some("\n\n".join([head + blocks[0], *blocks[1:]]).strip() if blocks else head.rstrip(": "))
            terms = []
    if terms:
        yield f"**{', '.join(terms)}**"


def _definition_parts(node: LexborNode) -> Iterator[LexborNode]:
    for child in node.iter():
        if child.tag == "div":  # pairs may be grouped in boxes
            yield from (part for part in child.iter() if part.tag in ("dt", "dd"))
        else:
            yield child


def _table(node: LexborNode, marks: Marks, depth: int) -> Iterator[Heading | str]:
    """A pipe table; a table that only arranges the page, or code, is read as what it holds."""
    rows = [] if only_arranges(node) else read_grid(node, marks)
    if not rows or max(map(len, rows)) < 2:
        yield from read_blocks(node, marks, depth)
        return
    caption = node.css_first("caption")
    if caption is not None:
        yield from _some(heading_text(caption, marks))
    width = max(map(len, rows))
    lines = ["| " + " | ".join(row + [""] * (width - len(row))) + " |" for row in rows]
    yield "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])
