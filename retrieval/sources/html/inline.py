"""Turns the text inside one paragraph, heading or table cell of a web page into a line of Markdown.

Knows inline elements, formulas and code spans; nothing of blocks or documents.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from selectolax.lexbor import LexborNode

from retrieval.sources.html.math import DISPLAY, END, INLINE, clean_tex, visible

HEADINGS = "h1, h2, h3, h4, h5, h6"
MAX_DEPTH = 80  # elements inside each other; real pages stay below 50, and each level costs stack frames

_BREAK, _CODE, _CODE_END = "\x00", "\x04", "\x05"
_MARKED = re.compile(f"([{INLINE}{DISPLAY}])([^{END}]*){END}|({_CODE})([^{_CODE_END}]*){_CODE_END}")
_CLOSING = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
_DELIMITER = re.compile(r"((?<!\\)\\[()\[\]]|(?<!\\)\$\$)")
_MARKDOWN_START = re.compile(r"^(#{1,6} |```|~~~)", re.M)
_FILE_NAME = re.compile(r"\S+\.(?:png|jpe?g|gif|svg|webp|bmp)", re.I)
_EMPTY_ALTS = {"image", "img", "figure", "fig", "logo", "icon", "picture", "photo", "alt text", "screenshot"}
_ORDINALS = {"st", "nd", "rd", "th", "tm", "®", "™"}
_STRONG = frozenset(("strong", "b", "dfn"))
_BLOCK_BREAKS = {"p", "div", "ul", "ol", "dl", "dt", "dd", "pre", "blockquote", "section", "figure", "figcaption"}

Place = Literal["block", "line", "cell"]


@dataclass(frozen=True, slots=True)
class Marks:
    """What was found out about the elements of a page before it is read, by `mem_id`.

    `noise` is left out; `formulas` gives the marked LaTeX to write instead; `holders` are inline
    elements with blocks inside, such as a link around a heading.
    """

    noise: frozenset[int]
    formulas: Mapping[int, str]
    holders: frozenset[int]


def raw_inline(node: LexborNode, marks: Marks, depth: int = 0, plain: bool = False) -> str:
    """The text of one node with formulas, code and breaks marked; `plain` leaves emphasis out."""
    if node.is_text_node:
        return visible(node.text_content or "")
    if node.mem_id in marks.formulas:  # before noise: a formula may be a script
        return marks.formulas[node.mem_id]
    if not node.is_element_node or node.mem_id in marks.noise:
        return ""
    if depth > MAX_DEPTH:
        return flat_text(node)
    tag = node.tag or ""
    if tag == "br":
        return _BREAK
    if tag == "img":
        return alt_text(node)
    if tag in ("code", "tt", "kbd", "samp", "pre"):
        code = verbatim(node, marks).strip()
        return f"{_CODE}{code}{_CODE_END}" if code else ""
    children = node.iter(include_text=True)
    inside = plain or tag in _STRONG  # bold in bold would end it
    return _dress(tag, "".join(raw_inline(child, marks, depth + 1, inside) for child in children), plain)


def _dress(tag: str, inner: str, plain: bool) -> str:
    """The Markdown that an inline element adds around its text."""
    if tag in _STRONG | {"em", "i"} and not plain:
        sign = "**" if tag in _STRONG else "_"
        text = inner.strip(f" \t\n{_BREAK}")
        if not text:
            return inner
        before, after = inner.split(text, 1)
        return f"{before}{sign}{text}{sign}{after}"
    if tag in ("sup", "sub"):
        text = inner.strip()
        if not text or text.lower() in _ORDINALS or INLINE in text:
            return inner
        return ("^" if tag == "sup" else "_") + (text if len(text) == 1 else f"{{{text}}}")
    if tag == "q":
        return f"“{inner}”"
    if tag == "li":
        return f" {inner.strip()}; "
    return f" {inner} " if tag in _BLOCK_BREAKS else inner


def verbatim(node: LexborNode, marks: Marks, depth: int = 0) -> str:
    """The text of code as it stands, one line an element where a highlighter made lines of boxes."""
    if node.is_text_node:
        return visible(node.text_content or "").replace("\xa0", " ")
    if node.mem_id in marks.formulas:
        return marks.formulas[node.mem_id].strip(INLINE + DISPLAY + END)
    if not node.is_element_node or node.mem_id in marks.noise:
        return ""
    if depth > MAX_DEPTH:
        return flat_text(node)
    if node.tag == "br":
        return "\n"
    text = "".join(verbatim(child, marks, depth + 1) for child in node.iter(include_text=True))
    return f"{text}\n" if node.tag in ("div", "li", "tr") and not text.endswith("\n") else text


def flat_text(node: LexborNode) -> str:
    """All text below a node, without recursion: for what is nested deeper than any real page."""
    texts = (n.text_content or "" for n in node.traverse(include_text=True) if n.is_text_node)
    return visible(" ".join(texts))


def alt_text(image: LexborNode) -> str:
    """What an image's alternative text says, empty where it is only a file name or a filler."""
    text = " ".join(visible(image.attributes.get("alt") or "").split())
    filler = len(text) < 4 or text.lower() in _EMPTY_ALTS or _FILE_NAME.fullmatch(text)
    return "" if filler else f" {text} "


def render(raw: str, place: Place) -> str:
    """Markdown of what `raw_inline` gave.

    In a `block` displays stand in paragraphs of their own and breaks are kept; in a `line` all is one line;
    in a table `cell` bars are written so that they do not end it.
    """
    pieces = []
    for opening, text in _pieces(raw):
        if not opening:
            text = re.sub(r"\s+", " ", text).replace(_BREAK, "\n" if place == "block" else " ")
            pieces.append(text.replace("|", "\\|") if place == "cell" else text)
        elif opening == _CODE:
            code = " ".join(text.split())
            pieces.append(_code_span(code.replace("|", "\\|") if place == "cell" else code))
        else:
            tex = clean_tex(text.replace(_BREAK, " "))
            pieces.append(_formula(tex, opening in (DISPLAY, "\\[", "$$"), place))
    text = "".join(pieces)
    if place != "block":
        return " ".join(text.split())
    text = re.sub(r" *\n *", "\n", re.sub(r" {2,}", " ", text)).strip()
    return _MARKDOWN_START.sub(r"\\\1", re.sub(r"\n{3,}", "\n\n", text))


def _formula(tex: str, display: bool, place: Place) -> str:
    if not tex:
        return ""
    if place == "block" and display:
        return f"\n\n$$\n{tex}\n$$\n\n" if "\n" in tex else f"\n\n$${tex}$$\n\n"
    tex = " ".join(tex.split())
    if place == "cell":
        tex = tex.replace("\\|", "\\Vert ").replace("|", "\\vert ").strip()
    return f"${tex}$"


def _code_span(code: str) -> str:
    longest = max((len(run) for run in re.findall("`+", code)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {code} {fence}" if longest else f"`{code}`"


def _pieces(raw: str) -> Iterator[tuple[str, str]]:
    """Formulas and code with the sign that opened them, and the text between with none."""
    start = 0
    for marked in _MARKED.finditer(raw):
        yield from _formulas_in_text(raw[start : marked.start()])
        yield marked[1] or marked[3], marked[2] or marked[4] or ""
        start = marked.end()
    yield from _formulas_in_text(raw[start:])


def _formulas_in_text(text: str) -> Iterator[tuple[str, str]]:
    """Formulas between TeX delimiters; a delimiter without its partner is text.

    Each kind is searched to the end only once in vain, so the time stays linear on any input.
    """
    parts = _DELIMITER.split(text)
    unpaired: set[str] = set()
    i = 0
    while i < len(parts):
        closing = _CLOSING.get(parts[i])
        if closing and parts[i] not in unpaired:
            try:
                end = parts.index(closing, i + 1)
            except ValueError:
                unpaired.add(parts[i])
            else:
                yield parts[i], "".join(parts[i + 1 : end])
                i = end + 1
                continue
        yield "", parts[i]
        i += 1
