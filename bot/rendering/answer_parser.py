"""Pure: reads Markdown as models and course pages write it, with formulas and `[n]` that cite, into tokens.

Knows no platform. Also tells how much of a text that is still being written can be read already.
"""

import re
from collections.abc import Iterator, Set
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from bot.brackets import Numbering, Numbers
from retrieval.markup import mask

_DEEPEST = 40
"""Nesting of quotes, lists and emphasis; what is nested deeper is no answer, and is read as plain text."""
_CLOSINGS = {"$$": "$$", "\\[": "\\]"}
_ENVIRONMENT = re.compile(r"\\begin\{((?:equation|align|gather|multline|cases|[bpvBV]?matrix|split|aligned)\*?)\}")
_DROPPED_ENVIRONMENT = re.compile(r"^\\begin\{(equation\*?)\}(.*)\\end\{\1\}$", re.DOTALL)
_DOLLAR = re.compile(r"\$(?![\s$])((?:[^$\n\\]|\\[^\n]){1,500}?)(?<!\s)\$(?!\d)")
_PARENTHESES = re.compile(r"\\\(([^\n]{1,500}?)\\\)")
_DISPLAY = re.compile(
    r"\$\$(?!\$)((?:(?!\$\$|\n[ \t]*\n).){1,3000})\$\$|\\\[((?:(?!\\[\[\]]|\n[ \t]*\n).){1,3000})\\\]", re.DOTALL
)
_CITATION = re.compile(r"\[(\d{1,3})\]")
_CITATIONS = re.compile(r"(?:\[\d{1,3}\])+")
_BEFORE = 80

_FENCE = re.compile(r"(?:[ \t>]|[-*+][ \t]|\d{1,3}[.)][ \t]){0,40}(`{3,}(?![^\n]*`)|~{3,})")
_CONTINUES = re.compile(r"[\s>|]|[-*+](?:\s|$)|\d{1,9}[.)](?:\s|$)")
_LIST_OR_QUOTE = re.compile(r"[ \t]*(?:>|[-*+][ \t]|\d{1,9}[.)][ \t]|#{1,6}[ \t])")
_UNFINISHED_LINE = re.compile(r"[ \t]*(?:[-*+>#=|_~`$\\:]+|\d{1,9}[.)]?)?[ \t]*")
_UNFINISHED_END = re.compile(r"(?:\\|&#?\w{0,30}|(?:!?\[[^\[\]\n]{0,200}(?:\](?:\([^()\[\]\n]{0,900})?)?)+)\Z")
_OPENER = re.compile(r"(?P<mark>\*{1,3}|_{1,3}|~~)|`+|\$\$?(?=\S|\Z)|\\[(\[]|\\begin\{")


def tokens(text: str, cited: Set[int] = frozenset()) -> list[Token]:
    """Block tokens, with inline ones as their children; `cited` are the numbers that `[n]` may cite.

    Beside markdown-it's there are `formula` (a block), `formula_inline`, `formula_display` (inside of a
    paragraph) and `citation` with `meta["n"]`. HTML, reference links and underlined headings are plain text.
    """
    found: list[Token] = _PARSER.parse(text, {"cited": cited})
    if any(token.level >= _DEEPEST for token in found):
        plain = "\n".join(re.sub(r"^[\s>*+-]+", "", line) for line in text.splitlines())
        found = _PARSER.parse(re.sub(r"[\[\]*_`]{20,}", " ", plain), {"cited": cited})
    return found


def segments(text: str) -> Iterator[str]:
    """The text cut where a paragraph, heading or listing begins that belongs to no list, quote or open fence.

    Each segment reads the same alone as in the text, so that what was read once need not be read again.
    """
    start = position = 0
    fence, blank = "", False
    for line in text.splitlines(keepends=True):
        if not fence and blank and not _CONTINUES.match(line):
            yield text[start:position]
            start = position
        if mark := _FENCE.match(line):
            if not fence:
                fence = mark[1]
            elif _closes(line, mark[1], fence):
                fence = ""
        blank = not line.strip()
        position += len(line)
    if text[start:]:
        yield text[start:]


def open_fence(text: str) -> str | None:
    """What stands behind the mark of the fence that is still open at the end of the text; None if there is none."""
    fence = info = ""
    for line in text.splitlines():
        if mark := _FENCE.match(line):
            if not fence:
                fence, info = mark[1], line[mark.end() :].strip()
            elif _closes(line, mark[1], fence):
                fence = ""
    return info if fence else None


def _closes(line: str, mark: str, fence: str) -> bool:
    return mark.startswith(fence) and not line.strip().lstrip("> \t").strip(fence[0])


def stable_prefix(text: str) -> str:
    """The longest beginning that shows no half construct: link, `[n]`, formula, emphasis, code span, table head.

    An open fence is fine: it is read as if it ended with the text.
    """
    *_, last = [*segments(text)] or [""]
    start = len(text) - len(last)
    if open_fence(last) is not None:
        line = text.rfind("\n") + 1
        unfinished = line <= start or set(text[line:].strip(" >")) <= {"`", "~"}
        return text[:line] if unfinished else text
    fence, place = "", start
    for line_ in last.splitlines(keepends=True):
        place += len(line_)
        if mark := _FENCE.match(line_):
            fence = "" if fence and _closes(line_, mark[1], fence) else fence or mark[1]
        if not fence and (mark or not line_.strip()):
            start = place
        elif not fence and _LIST_OR_QUOTE.match(line_):
            start = place - len(line_)
    return text[:start] + _stable_paragraph(text[start:])


def _stable_paragraph(text: str) -> str:
    line = text.rfind("\n") + 1
    if _UNFINISHED_LINE.fullmatch(text, line):
        text = text[:line]
    lines = mask(text).split("\n")
    if "|" in lines[-1]:  # a row is shown when it is whole, a head with the line below it
        text = text[: text.rfind("\n") + 1]
        lines[-1] = ""
    if not lines[-1] and len(lines) > 1 and "|" in lines[-2] and (len(lines) == 2 or "|" not in lines[-3]):
        text = text[: text.rstrip("\n").rfind("\n") + 1]
    previous = None
    while text != previous:
        previous = text
        text = text[: _unclosed(mask(text))]
        end = _UNFINISHED_END.search(text)
        if end and not _CITATIONS.fullmatch(end[0]):
            text = text[: end.start()]
    return text


def _unclosed(masked: str) -> int:
    """Where the first thing begins that may still be closed by what comes; the end of the text if there is none."""
    opened: list[tuple[str, int]] = []
    for found in _OPENER.finditer(masked):
        mark, before, after = found["mark"], masked[: found.start()][-1:], masked[found.end() :][:1]
        if not mark:
            return min([found.start(), *(place for _, place in opened)])
        closes = bool(before.strip()) and not (mark[0] == "_" and after.isalnum())
        opens = (not after or bool(after.strip())) and not (mark[0] == "_" and before.isalnum())
        marks = [one for one, _ in opened]
        if closes and mark in marks:
            del opened[marks.index(mark) :]
        elif opens:
            opened.append((mark, found.start()))
    return opened[0][1] if opened else len(masked)


def _formula_block(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    """A formula on lines of its own: between `$$`, `\\[ \\]`, or one of LaTeX's environments."""
    if state.is_code_block(first):
        return False
    start = state.bMarks[first] + state.tShift[first]
    opening = state.src[start : start + 2]
    environment = _ENVIRONMENT.match(state.src, start) if opening == "\\b" else None
    if environment is None and opening not in _CLOSINGS:
        return False
    closing = f"\\end{{{environment[1]}}}" if environment else _CLOSINGS[opening]
    for line in range(first, last):
        if line > first and (state.isEmpty(line) or state.sCount[line] < state.blkIndent):
            return False
        text = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].rstrip()
        skipped = 2 if line == first and not environment else 0
        if closing in text[skipped:]:
            rest = text[skipped:].partition(closing)[2].strip()
            break
    else:
        return False
    if rest.strip(".,;"):
        return False  # the sentence goes on: that is for the rule inside of paragraphs
    if not silent:
        content = state.getLines(first, line + 1, state.blkIndent, False).strip()
        content = content[: content.rindex(closing) + len(closing)]
        token = state.push("formula", "", 0)
        token.content = latex(content if environment else content[2 : -len(closing)])
        token.map = [first, line + 1]
    state.line = line + 1
    return True


def latex(content: str) -> str:
    """A formula without the marks that only say that it is one."""
    content = content.strip()
    if whole := _DROPPED_ENVIRONMENT.fullmatch(content):
        content = whole[2].strip()
    return content


def _formula(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] not in "$\\":
        return False
    kind = "formula_display"
    found = _DISPLAY.match(state.src, state.pos, state.posMax)
    if found is None:
        kind = "formula_inline"
        pattern = _DOLLAR if state.src[state.pos] == "$" else _PARENTHESES
        found = pattern.match(state.src, state.pos, state.posMax)
    if found is None or not (content := next(filter(None, found.groups()))).strip():
        return False
    if not silent:
        state.push(kind, "", 0).content = latex(content)
    state.pos = found.end()
    return True


def _citation(state: StateInline, silent: bool) -> bool:
    """`[2]`, unless it is plainly mathematics, by the same rule that let it through as a citation."""
    found = _CITATION.match(state.src, state.pos, state.posMax)
    if found is None or int(found[1]) not in state.env["cited"]:
        return False
    number, before = int(found[1]), state.src[max(0, state.pos - _BEFORE) : state.pos]
    if Numbering(len(state.env["cited"])).meant_as_text(Numbers((number,), False), before):
        return False
    if not silent:
        state.push("citation", "", 0).meta = {"n": number}
    state.pos = found.end()
    return True


def _parser() -> MarkdownIt:
    options: dict[str, Any] = {"html": False, "maxNesting": _DEEPEST + 10}
    parser = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    parser.disable(["reference", "lheading", "html_block", "html_inline"])
    parser.block.ruler.before("table", "formula", _formula_block, {"alt": ["paragraph", "blockquote", "list", "table"]})
    parser.inline.ruler.before("escape", "formula", _formula)
    parser.inline.ruler.before("link", "citation", _citation)
    return parser


_PARSER = _parser()
