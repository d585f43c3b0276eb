"""Pure: puts the lines of printed pages back together: paragraphs, hyphenated words, no running heads."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

_LIGATURES_AND_MATH_LETTERS = {
    code: unicodedata.normalize("NFKC", chr(code))
    for code in (*range(0xFB00, 0xFB07), *range(0x1D400, 0x1D800))
    if unicodedata.is_normalized("NFKC", chr(code)) is False
}
_BULLET = re.compile(r"^[•◦▪▸►‣●○■□–·∙*⋄✓➢-]\s+(?=\S)")
_NUMBERED = re.compile(r"^(\(?[0-9]{1,2}[.)]|\(?[a-z][.)])\s+\S")
_PAGE_NUMBER = re.compile(r"(page|slide)?\s*[-–—]?\s*\d{1,4}\s*[-–—]?(\s*(/|of|von|de)\s*\d{1,4})?", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_COMPOUND_FIRST = frozenset("self non multi cross semi pre post co well high low long short end top real".split())
# How many lines at a page's edge may be running heads, and on what share of the pages they then stand.
_EDGE, _SHARE, _FEWEST_PAGES = 2, 0.6, 4
# A line of at least this share of the page's width was broken by the margin, not by its author.
_FULL_LINE = 0.75
_NARROWEST_COLUMN = 35


def paragraphs_of(pages: Sequence[str]) -> list[str]:
    """For the raw text of each page its paragraphs, separated by blank lines; list items begin with `- `."""
    lines = [[" ".join(line.split()) for line in readable_letters(page).split("\n")] for page in pages]
    filled = [[line for line in page if line] for page in lines]
    trimmed = _without_running_heads(filled)
    kept = trimmed if any(trimmed) else filled
    known = Counter(word.lower() for page in kept for line in page for word in _WORD.findall(line))
    return [_joined(page, known) for page in kept]


def readable_letters(text: str) -> str:
    """Ligatures and mathematical alphabets as ordinary letters, so that words are found."""
    return text.translate(_LIGATURES_AND_MATH_LETTERS)


def _without_running_heads(pages: list[list[str]]) -> list[list[str]]:
    """Leave out page numbers, and the lines that stand at the edge of most pages, numbers aside."""
    counted: Counter[str] = Counter()
    for page in pages:
        counted.update({_numberless(line) for line in (*page[:_EDGE], *page[-_EDGE:])})
    often = max(_SHARE * len(pages), 2)
    running = {line for line, count in counted.items() if len(pages) >= _FEWEST_PAGES and count >= often}
    return [_trimmed(page, running) for page in pages]


def _trimmed(page: list[str], running: set[str]) -> list[str]:
    def stays(place: int, line: str) -> bool:
        at_edge = place < _EDGE or place >= len(page) - _EDGE
        return not at_edge or (_numberless(line) not in running and not _PAGE_NUMBER.fullmatch(line))

    return [line for place, line in enumerate(page) if stays(place, line)]


def _numberless(line: str) -> str:
    return re.sub(r"\d+", "0", line)


def _joined(lines: list[str], known: Counter[str]) -> str:
    widths = sorted(map(len, lines))
    width = widths[int(len(widths) * 0.9)] if widths else 0
    paragraphs: list[str] = []
    last = ""
    for line in lines:
        if paragraphs and _continues(last, line, width):
            paragraphs[-1] = _glued(paragraphs[-1], line, known)
        else:
            paragraphs.append(_BULLET.sub("- ", line))
        last = line
    text = ""
    for paragraph in paragraphs:
        is_item = paragraph.startswith("- ") and text.rpartition("\n")[2].startswith("- ")
        text += ("\n" if is_item else "\n\n") + paragraph if text else paragraph
    return text


def _continues(last: str, line: str, width: int) -> bool:
    if _BULLET.match(line) or _NUMBERED.match(line):
        return False
    if re.search(r"[^\W\d_][-\u00ad]$", last) and line[0].islower():
        return True
    wrapped = width >= _NARROWEST_COLUMN and len(last) >= _FULL_LINE * width
    return wrapped or (line[0].islower() and not re.search(r"[.!?:;]$", last) and " " in last)


def _glued(paragraph: str, line: str, known: Counter[str]) -> str:
    broken = re.search(r"([^\W\d_]+)([-\u00ad])$", paragraph)
    if broken is None or not line[0].islower():
        return f"{paragraph} {line}"
    first, second = broken[1].lower(), _WORD.match(line)
    whole = first + (second[0].lower() if second else "")
    hyphened = f"{first}-{second[0].lower() if second else ''}"
    keeps = known[hyphened] > 0 or (first in _COMPOUND_FIRST and known[whole] == 0)
    return (paragraph if keeps and broken[2] == "-" else paragraph[:-1]) + line
