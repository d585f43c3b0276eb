"""Reads a web page into a Document: the main content by its headings, as Markdown.

Knows what pages look like; nothing of where they come from, nor of crawling.
"""

import re
from itertools import chain

from selectolax.lexbor import LexborHTMLParser, LexborNode

from retrieval.errors import UnreadableFile
from retrieval.passage import Document, Locator, Section
from retrieval.sources.html.inline import HEADINGS, Marks
from retrieval.sources.html.markdown import BLOCKS, Heading, heading_text, read_blocks
from retrieval.sources.html.math import find_formulas
from retrieval.sources.html.text import decode_html, parse_html
from retrieval.sources.text import name_of

_MAIN = ("main", "[role=main]", "#quarto-document-content")
_PERHAPS_MAIN = ("article", ".content")  # also used for teasers and boxes, so they must hold much of the text
_MUCH = 0.2
_NOISE = (
    "nav, aside, footer, header, form, script, style, template, noscript, iframe, object, embed, svg, canvas,"
    " button, select, input, textarea, dialog, video, audio, [hidden]:not([hidden=until-found]),"
    " [role=navigation], [role=search], [role=banner], [role=contentinfo], [role=complementary],"
    " .sidebar, .toc, #toc, #TOC, .table-of-contents, .breadcrumb, .breadcrumbs, .pagination, .skip-link,"
    " .headerlink, .anchorjs-link, .header-anchor, .heading-anchor, .footnote-back, .footnote-backref,"
    " .eqno, .linenos, .linenodiv, .lineno, .gutter, .rouge-gutter, .mw-editsection, .sr-only,"
    " .visually-hidden, .screen-reader-text, span[aria-hidden=true], a[aria-hidden=true],"
    ' [style*="display:none" i], [style*="display: none" i]'
)
_SECTIONING = frozenset(("main", "article", "section"))
_PERMALINKS = frozenset(("¶", "#", "§", "🔗", "↩", "↩︎", "permalink"))
_LONGEST_TITLE = 300
_SITE_SUFFIX = re.compile(r"\s+(?:[–—|·»]|::|-)\s+(?!.*\s(?:[–—|·»]|::|-)\s).*$", re.S)


def read_html(path: str, data: bytes) -> Document:
    """Read one web page.

    Formulas come out as LaTeX between dollar signs, however the page sets them; code in fences with its
    language. Raises UnreadableFile for what is no web page or has no text of its own.
    """
    parser = parse_html(decode_html(data))
    body = parser.body
    if body is None:
        raise UnreadableFile("the page is a frameset, it has no text of its own")
    marks = _examine(body)
    roots = _main_content(body, marks.noise)
    title, title_heading = _title(parser, roots, marks)
    blocks = list(chain.from_iterable(read_blocks(root, marks) for root in roots))
    if not title:
        title = next((block.text for block in blocks if isinstance(block, Heading)), "") or name_of(path)
    sections = _sections(blocks, title, title_heading)
    if not sections:
        raise UnreadableFile(_why_empty(parser))
    return Document(path=path, title=title, sections=sections)


def _examine(body: LexborNode) -> Marks:
    """Find noise, formulas and inline elements that hold blocks, before anything is read."""
    holders: set[int] = set()
    for block in body.css(BLOCKS):
        parent = block.parent
        while parent is not None and parent.mem_id not in holders:
            holders.add(parent.mem_id)
            parent = parent.parent
    return Marks(frozenset(_noise(body)), find_formulas(body), frozenset(holders))


def _noise(body: LexborNode) -> set[int]:
    """Elements that are not the page's subject: navigation, machinery, permalink signs."""
    noise = {node.mem_id for node in body.css(_NOISE) if not _is_content_after_all(node)}
    for link in body.css('a[href^="#"]'):
        if link.text().strip().lower() in _PERMALINKS:
            noise.add(link.mem_id)
    return noise


def _is_content_after_all(node: LexborNode) -> bool:
    """Footnotes in an aside, the head of an article, and a form that a content system wraps around a page."""
    if node.tag == "aside":
        classes = (node.attributes.get("class") or "").split()
        return bool({"footnote", "footnotes"} & set(classes)) or node.attributes.get("role") == "doc-endnotes"
    if node.tag == "form":
        return node.css_first(HEADINGS) is not None
    if node.tag == "header":
        return node.css_first(HEADINGS) is not None and any(a.tag in _SECTIONING for a in _ancestors(node))
    return False


def _ancestors(node: LexborNode) -> list[LexborNode]:
    found = []
    parent = node.parent
    while parent is not None:
        found.append(parent)
        parent = parent.parent
    return found


def _main_content(body: LexborNode, noise: frozenset[int]) -> list[LexborNode]:
    """The elements that hold the page's subject, the whole body where none is marked."""
    for selector in (*_MAIN, *_PERHAPS_MAIN):
        matches = {node.mem_id: node for node in body.css(selector)}
        outer = [
            node
            for node in matches.values()
            if node.mem_id not in noise and not any(a.mem_id in matches or a.mem_id in noise for a in _ancestors(node))
        ]
        length = sum(_text_length(node, noise) for node in outer)
        least = 0.0 if selector in _MAIN else _MUCH * _text_length(body, noise)
        if length > least:
            return outer
    return [body]


def _text_length(node: LexborNode, noise: frozenset[int]) -> int:
    length = 0
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if current.is_text_node:
            length += len((current.text_content or "").strip())
        elif current.mem_id not in noise:
            waiting.extend(current.iter(include_text=True))
    return length


def _title(parser: LexborHTMLParser, roots: list[LexborNode], marks: Marks) -> tuple[str, str]:
    """The page's title, and the text of the heading it was taken from, if it was."""
    in_header: list[str] = []
    for heading in chain.from_iterable(root.css("h1") for root in roots):
        outside = [a for a in _ancestors(heading) if a.mem_id in marks.noise]
        text = heading_text(heading, marks)
        if not text or heading.mem_id in marks.noise or any(a.tag != "header" for a in outside):
            continue
        if not outside:
            return text, text
        in_header.append(text)
    if in_header:
        return in_header[0], in_header[0]
    element = parser.css_first("title")
    text = " ".join(element.text().split())[:_LONGEST_TITLE] if element is not None else ""
    return _SITE_SUFFIX.sub("", text), ""


def _sections(blocks: list[Heading | str], title: str, title_heading: str) -> tuple[Section, ...]:
    """Blocks gathered below their headings; what stands below the title's heading is the page's top.

    A heading without an id of its own takes the one above it: the page opens as near as it can.
    """
    sections: list[Section] = []
    above: list[Heading] = []
    anchor: str | None = None
    texts: list[str] = []
    title_seen = not title_heading

    def close() -> None:
        if texts:
            headings = tuple(heading.text for heading in above)
            sections.append(Section(headings, "\n\n".join(texts), Locator(anchor=anchor)))
            texts.clear()

    for block in blocks:
        if isinstance(block, str):
            texts.append(block)
            continue
        close()
        while above and above[-1].level >= block.level:
            above.pop()
        if not title_seen and block.text == title_heading:
            title_seen, anchor = True, None
            above.clear()
            continue
        anchor = block.anchor or (above[-1].anchor if above else None)
        if above or block.text.casefold() != title.casefold():
            above.append(Heading(block.level, block.text, anchor))
    close()
    return tuple(sections)


def _why_empty(parser: LexborHTMLParser) -> str:
    refresh = parser.css_first('meta[http-equiv="refresh" i]')
    if refresh is not None:
        return "the page only forwards to another one"
    if parser.css_first("#root, #app, #__next") is not None:
        return "the page has no text of its own, JavaScript draws it in the browser"
    return "the page has no text"
