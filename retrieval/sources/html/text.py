"""From the bytes of a web page to a parsed tree: charset, what no reader needs, and shapes that would choke it.

Knows encodings and tags; nothing of what the text means.
"""

import codecs
import re
from collections import Counter

from selectolax.lexbor import LexborHTMLParser

from retrieval.errors import UnreadableFile

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_META = re.compile(rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.I)
_META_WITHIN = 4096  # bytes
_TEXT_CHARSET = re.compile(
    r"(?:iso-?8859-?\d+|latin-?\d|windows-?\d+|cp\d+|koi8-?[rtu]|gb\d+\w*|gbk|big5\w*|shift_?-?jis|sjis|euc-?\w+"
    r"|iso-?2022-?\w+|mac\w*|tis-?620|us-ascii|ascii)",
    re.I,
)
_LATIN1 = {"iso8859-1", "ascii"}  # what browsers read as their superset cp1252

_REMOVABLE = re.compile(r"<(?:(!--)|(script|style|svg)(?=[\s/>]))", re.I | re.A)
_TAG = re.compile(r"<(/?)([a-z][^\s/>]*)", re.I | re.A)
_NEVER_DEEP = frozenset(
    "a nobr area base br col embed hr img input link meta param source track wbr p li dt dd tr td th thead tbody tfoot"
    " option optgroup rb rt rp html head body".split()
)
_FORMATTING = frozenset("a b big code em font i nobr s small strike strong tt u".split())
_CLOSES_ITSELF = frozenset(("a", "nobr"))  # a second one ends the first
_MOST_NESTED = 5_000  # the parser takes time in the square of this: 20,000 take half a second, 200,000 two minutes
_MOST_REOPENED = 2_000_000  # formatting that is never closed is opened again by the parser in every paragraph


def decode_html(data: bytes) -> str:
    """Decode a page by its byte order mark, as UTF-8, by its `<meta charset>`, else as Windows-1252.

    UTF-8 comes before what the page declares: what decodes as UTF-8 is hardly ever anything else, while
    declarations outlive a site's move to UTF-8. Raises UnreadableFile for binary data.
    """
    for bom, charset in _BOMS:
        if data.startswith(bom):
            return data[len(bom) :].decode(charset, errors="replace")
    if data.startswith(b"%PDF-"):
        raise UnreadableFile("this is a PDF, not a web page")
    if data[:4096].count(0) > 8:
        raise UnreadableFile("this is binary data, not a web page")
    declared = _META.search(data[:_META_WITHIN])
    for charset in ("utf-8", declared[1].decode("ascii") if declared else "cp1252"):
        text = decode_as(data, charset)
        if text is not None:
            return text
    return data.decode("cp1252", errors="replace")


def decode_as(data: bytes, charset: str) -> str | None:
    """Decode strictly by a charset that a page or server declares; None if it is unknown or does not fit."""
    name = charset.strip().lower()
    if name not in ("utf-8", "utf8") and not _TEXT_CHARSET.fullmatch(name):
        return None
    try:
        codec = codecs.lookup(name).name
        return data.decode("cp1252" if codec in _LATIN1 else codec)
    except (LookupError, UnicodeError):
        return None


def parse_html(text: str) -> LexborHTMLParser:
    """Parse a page without its scripts, styles, comments and vector pictures; TeX scripts stay.

    Raises UnreadableFile for pages nested so deep, or so broken, that parsing would take minutes or gigabytes.
    """
    text = _without_machinery(text)
    _check_shape(text)
    return LexborHTMLParser(text)


def _without_machinery(text: str) -> str:
    """The page without what takes most of its bytes and says nothing; linear in time on any input."""
    kept: list[str] = []
    endless: set[str] = set()
    start = 0
    opening = _REMOVABLE.search(text)
    while opening:
        name = (opening[1] or opening[2]).lower()
        end = None if name in endless else _end_of(name, text, opening)
        if end is None:
            endless.add(name)
            next_from = opening.end()
        else:
            is_tex = name == "script" and "math/tex" in text[opening.end() : opening.end() + 200].split(">")[0]
            kept.append(text[start : end if is_tex else opening.start()])
            start = next_from = end
        opening = _REMOVABLE.search(text, next_from)
    return "".join([*kept, text[start:]])


def _end_of(name: str, text: str, opening: re.Match[str]) -> int | None:
    """Where an element or comment ends, None if nothing ends it."""
    if name == "!--":
        closing = re.compile("-->").search(text, opening.start() + 2)  # "<!-->" is a whole comment
    else:
        closing = re.compile(rf"</{name}\s{{0,20}}>", re.I | re.A).search(text, opening.end())
    return closing.end() if closing else None


def _check_shape(text: str) -> None:
    """Refuse pages that the parser would turn into far more work than they are long.

    The count follows tags as a browser would on ordinary pages; it guards against accidents of page
    generators and simple malice, not against somebody who studies the parser.
    """
    stack: list[str] = []
    opened: Counter[str] = Counter()
    formatting: Counter[str] = Counter()
    active = reopened = 0
    for closing, name in _TAG.findall(text):
        name = name.lower()
        if name in _FORMATTING:
            change = -min(1, formatting[name]) if closing else 1
            if name in _CLOSES_ITSELF and not closing:
                change -= formatting[name]
            formatting[name] += change
            active += change
        elif not closing:
            reopened += active
        if name in _NEVER_DEEP:
            pass
        elif not closing:
            stack.append(name)
            opened[name] += 1
        elif opened[name]:
            while (innermost := stack.pop()) != name:
                opened[innermost] -= 1
            opened[name] -= 1
        if len(stack) > _MOST_NESTED or reopened > _MOST_REOPENED:
            raise UnreadableFile("the page's HTML is broken: thousands of elements are never closed")
