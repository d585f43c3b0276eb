"""The Markdown block parser that the readers share: CommonMark with tables, display formulas and `:::` lines.

Only line ranges are wanted from it, so inline parsing is off; the text is sliced from the original lines.
"""

import re
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, lheading

_MATH_ENVIRONMENTS = (
    "equation|align|gather|multline|eqnarray|alignat|flalign|aligned|split|cases|array|[bpvBV]?matrix|smallmatrix"
)
_OPENING = re.compile(
    r"(?P<dollars>\$\$)|(?P<bracket>\\\[)"
    rf"|\\begin\{{(?P<environment>(?:{_MATH_ENVIRONMENTS})\*?)\}}"
    r"|\{\{[<%]\s*highlight\s+(?P<highlight>[\w+#-]+)"
)
_ENDS_FORMULA = re.compile(r"#{1,6}\s|`{3}|~{3}")
# What may follow the closing mark on its line: a full stop, an equation number, a label.
_AFTER_CLOSING = re.compile(r"[\s.,;:]*(\{[^{}]*\}|\([\w.-]+\))?[\s.,;]*$")
_LONGEST_FORMULA = 200


@cache
def block_parser() -> MarkdownIt:
    """The parser; its tokens of interest are heading_open, fence, code_block, html_block, display and colons.

    A `display` token's `markup` says what opened it: dollars, bracket, environment or highlight.
    """
    parser = MarkdownIt("commonmark").enable("table")
    parser.core.ruler.enableOnly(["block"])
    parser.block.ruler.disable("reference")
    parser.block.ruler.at("lheading", _underlined_heading)
    for name, rule in (("display", _display), ("colons", _colons)):
        parser.block.ruler.before("fence", name, rule, {"alt": ["paragraph", "blockquote", "list"]})
    return parser


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def without_comments(text: str) -> str:
    """`text` with its HTML comments blank, line for line, where they begin a line outside code.

    A comment below an open tag ends, for CommonMark, at its first blank line; for a browser it does not.
    """
    if "<!--" not in text:
        return text
    lines = text.split("\n")
    tokens = block_parser().parse(text)
    code = {line for t in tokens if t.type in ("fence", "code_block") and t.map for line in range(*t.map)}
    number = 0
    while number < len(lines):
        if number not in code and lines[number].lstrip().startswith("<!--"):
            last = next((n for n in range(number, len(lines)) if "-->" in lines[n]), None)
            if last is None:
                break
            rest = lines[last].partition("-->")[2]
            lines[number : last + 1] = [""] * (last - number) + [rest]
            number = last if rest.lstrip().startswith("<!--") else last + 1
        else:
            number += 1
    return "\n".join(lines)


def _underlined_heading(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A heading above `===` or `---`: of one line only, as Pandoc has it, and never the start of a formula."""
    underline = _line(state, start + 1).strip() if start + 1 < end else ""
    is_underline = underline != "" and not (underline.strip("=") and underline.strip("-"))
    return is_underline and _line(state, start).count("$$") % 2 == 0 and lheading(state, start, end, silent)


def _colons(state: StateBlock, start: int, _end: int, silent: bool) -> bool:
    """A line that opens or closes a container: `:::{note} Title`, `::: columns`, `:::`."""
    line = _line(state, start)
    if not line.startswith(":::") or state.is_code_block(start):
        return False
    if not silent:
        token = state.push("colons", "", 0)
        token.info = line.lstrip(":").strip()
        token.map = [start, start + 1]
        state.line = start + 1
    return True


def _display(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A formula on lines of its own, which CommonMark would take apart at its `=`, `-` and `+` signs."""
    line = _line(state, start)
    if line[:1] not in ("$", "\\", "{") or state.is_code_block(start):
        return False
    opening = _OPENING.match(line)
    if not opening or (opening["dollars"] and _closes_an_earlier_one(state, start)):
        return False
    last = _last_line(state, start, end, opening)
    if last is None:
        return False
    if not silent:
        token = state.push("display", "", 0)
        token.markup = opening.lastgroup or ""
        token.info = opening["highlight"] or ""
        token.map = [start, last + 1]
        state.line = last + 1
    return True


def _last_line(state: StateBlock, start: int, end: int, opening: re.Match[str]) -> int | None:
    """The line that closes what `opening` opened; None when there is none before a heading or a fence."""
    opens, closes = _marks(opening)
    depth = 0
    for number in range(start, min(end, start + _LONGEST_FORMULA)):
        line = _line(state, number)
        if number > start and (_ENDS_FORMULA.match(line) and not opening["highlight"]):
            return None
        if line and state.sCount[number] < state.blkIndent:
            return None
        if opens == closes:
            depth = (depth + len(opens.findall(line))) % 2
        else:
            depth += len(opens.findall(line)) - len(closes.findall(line))
        if depth <= 0:
            rest = [*closes.finditer(line)][-1]
            closed_at_end = _AFTER_CLOSING.match(line, rest.end())
            return number if closed_at_end or number > start else None
    return None


def _marks(opening: re.Match[str]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    if opening["dollars"]:
        return re.compile(r"\$\$"), re.compile(r"\$\$")
    if opening["bracket"]:
        return re.compile(r"(?<!\\)\\\["), re.compile(r"(?<!\\)\\\]")
    if opening["highlight"]:
        return re.compile(r"\{\{[<%]\s*highlight\b"), re.compile(r"\{\{[<%]\s*/\s*highlight\b")
    name = re.escape(opening["environment"])
    return re.compile(rf"\\begin\{{{name}\}}"), re.compile(rf"\\end\{{{name}\}}")


def _closes_an_earlier_one(state: StateBlock, start: int) -> bool:
    """Whether these dollars end a formula that began in the middle of the paragraph's text."""
    count = 0
    line = start - 1
    while line >= 0 and not state.isEmpty(line):
        count += _line(state, line).count("$$")
        line -= 1
    return count % 2 == 1
