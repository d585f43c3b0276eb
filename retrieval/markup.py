"""Pure: the anatomy of Markdown text that must not be cut, namely fences, tables, formulas and sentences."""

import re
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

BlockKind = Literal["prose", "code", "math", "table", "list"]

_ENVIRONMENTS = "equation|align|gather|multline|cases|array|[bpvB]?matrix|split"
_LONGEST_FORMULA = 200
_DEEPEST_FORMULA = 8
"""Lines and nesting; what is opened and not closed within them was no formula."""

# A run of backticks opens no fence if more of them follow on its line: that is a code span.
_FENCE = re.compile(r"^\s*(?:>\s*)*(`{3,}+(?!.*`)|~{3,})")
_DELIMITER_CELL = re.compile(r":?-{2,}:?")
_LIST_ITEM = re.compile(r"^\s*(?:[-*+]|\d{1,3}[.)])\s+")
# `\\[2pt]` ends a row of a matrix and opens nothing.
_FORMULA_MARK = re.compile(
    rf"(?P<dollars>\$\$)|(?<!\\)\\(?P<open>\[)|(?<!\\)\\(?P<close>\])|\\(?P<kind>begin|end)\{{(?:{_ENVIRONMENTS})\*?\}}"
)
# What begins a span in which nothing is a sentence end.
_SPAN = re.compile(
    rf"(?P<ticks>`+)|(?<!\\)(?:\$\$|\$(?P<inline>[^$\n]{{1,300}}\$)|\\[(\[])|\\begin\{{(?P<name>(?:{_ENVIRONMENTS})\*?)\}}"
)
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]*_]{0,3}\s+(?=[\"'(\[*_$`]{0,3}[^\sa-z])|\n\s*\n|(?<=[:;])\s*\n")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|cf|etc|vs|resp|approx|Fig|fig|Eq|eq|Eqs|Sec|Ch|No|Dr|Mr|Ms|Prof|al|i\.i\.d|w\.r\.t)|\b[A-Z])\.$"
)


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive lines that belong together. `kind` says why."""

    kind: BlockKind
    text: str


def blocks(markdown: str) -> Iterator[Block]:
    """Split Markdown into blocks without losing a line; blank lines between blocks are dropped.

    An unterminated fence reaches to the end of the text.
    """
    lines = markdown.splitlines()
    start = 0
    while start < len(lines):
        if not lines[start].strip():
            start += 1
            continue
        kind, end = _block_at(lines, start)
        yield Block(kind, "\n".join(lines[start:end]).rstrip())
        start = end


def _block_at(lines: list[str], start: int) -> tuple[BlockKind, int]:
    if fence := _FENCE.match(lines[start]):
        return "code", _fence_end(lines, start, fence.group(1))
    if _is_table(lines, start):
        return "table", _table_end(lines, start)
    kind: BlockKind = "list" if _LIST_ITEM.match(lines[start]) else "prose"
    if lines[start].lstrip().startswith(("$$", "\\[", "\\begin{")):
        kind = "math"
    return kind, _paragraph_end(lines, start)


def _fence_end(lines: list[str], start: int, mark: str) -> int:
    closing = re.compile(rf"^\s*(?:>\s*)*{re.escape(mark[0])}{{{len(mark)},}}\s*$")
    return next((i + 1 for i in range(start + 1, len(lines)) if closing.match(lines[i])), len(lines))


def _is_table(lines: list[str], start: int) -> bool:
    return start + 1 < len(lines) and "|" in lines[start] and _is_table_row(lines[start + 1])


def _is_table_row(line: str) -> bool:
    row = line.strip()
    if len(row) > 1 and row[0] == row[-1] == "|":
        return True
    return "|" in row and all(_DELIMITER_CELL.fullmatch(cell.strip()) for cell in row.strip("|").split("|"))


def _table_end(lines: list[str], start: int) -> int:
    end = start + 1
    while end < len(lines) and "|" in lines[end]:
        end += 1
    return end


def _paragraph_end(lines: list[str], start: int) -> int:
    """A paragraph ends at a blank line, a fence or a table, but never inside a formula."""
    end = _formula_end(lines, start) or start + 1
    while end < len(lines) and lines[end].strip() and not _FENCE.match(lines[end]) and not _is_table(lines, end):
        end = _formula_end(lines, end) or end + 1
    return end


def _formula_end(lines: list[str], start: int) -> int | None:
    """The line after the one that closes what this line opens; None where nothing is left open or ever closed."""
    if "$$" not in lines[start] and "\\" not in lines[start]:  # as in nearly every line
        return None
    dollars = depth = 0
    for number in range(start, min(len(lines), start + _LONGEST_FORMULA)):
        if number > start and _FENCE.match(lines[number]):
            return None
        for mark in _FORMULA_MARK.finditer(lines[number]):
            if mark["dollars"]:
                dollars ^= 1
            else:
                depth = max(depth + (1 if mark["open"] or mark["kind"] == "begin" else -1), 0)
        if depth > _DEEPEST_FORMULA:
            return None
        if not dollars and not depth:
            return number + 1 if number > start else None
    return None


def sentences(prose: str) -> list[str]:
    """The sentences of a piece of prose, each stripped; formulas, code spans and abbreviations stay whole."""
    masked = mask(prose)
    found, start = [], 0
    for end in _SENTENCE_END.finditer(masked):
        if _ABBREVIATION.search(masked[max(0, end.start() - 8) : end.start()]):
            continue
        found.append(prose[start : end.end()].strip())
        start = end.end()
    found.append(prose[start:].strip())
    return [sentence for sentence in found if sentence]


def mask(prose: str) -> str:
    """The text with every formula and code span crossed out by as many x, in time linear in its length."""
    if "`" not in prose and "$" not in prose and "\\" not in prose:
        return prose
    found, start = [], 0
    ticks: dict[str, list[int]] = defaultdict(list)
    for run in re.finditer("`+", prose):
        ticks[run.group()].append(run.start())
    missing: set[str] = set()
    while opening := _SPAN.search(prose, start):
        end = _span_end(prose, opening, ticks, missing)
        found += [
            prose[start : opening.start()],
            "x" * (end - opening.start()) or prose[opening.start() : opening.end()],
        ]
        start = max(end, opening.end())
    return "".join((*found, prose[start:]))


def _span_end(prose: str, opening: re.Match[str], ticks: Mapping[str, list[int]], missing: set[str]) -> int:
    """Where the span that opens here ends, its own start if it never does.

    `missing` holds the closing marks that are known not to come any more, so that none is looked for twice.
    """
    if opening["inline"]:
        return opening.end()
    if opening["ticks"]:
        places = ticks[opening.group()]
        after = bisect(places, opening.start())
        return places[after] + len(opening.group()) if after < len(places) else opening.start()
    closing = {"$$": "$$", "\\(": "\\)", "\\[": "\\]"}.get(opening.group(), f"\\end{{{opening['name']}}}")
    place = -1 if closing in missing else prose.find(closing, opening.end())
    if place < 0:
        missing.add(closing)
        return opening.start()
    return place + len(closing)


def list_items(text: str) -> list[str]:
    """A list block cut before each of its items; lines that continue an item stay with it."""
    lines = text.splitlines()
    items: list[list[str]] = []
    number = 0
    while number < len(lines):
        line = lines[number]
        if not items or (_LIST_ITEM.match(line) and not line.startswith(("    ", "\t"))):
            items.append([])
        end = _formula_end(lines, number) or number + 1
        items[-1] += lines[number:end]
        number = end
    return ["\n".join(item) for item in items]
