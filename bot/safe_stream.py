"""Pure: makes a model's stream safe to show. Bracketed numbers become citations in order, links and mentions go.

Reads Markdown only as far as it must: fences, code spans and formulas keep their brackets, in prose a
bracket is a citation, a link's text or neither. Knows no platform, and does not read what passages say.
"""

import re
from collections.abc import Sequence

from bot import brackets
from bot.brackets import Numbering, Numbers, read_numbers
from bot.foreign import Kind, visible, without_angles
from bot.word_filter import WordFilter
from retrieval.passage import Passage

_LOOKAHEAD = 180
"""Characters that a bracket, tag, code span or formula may have; what is longer is taken as plain text."""
_LONGEST_PREFIX = 96

_SPECIAL = re.compile(r"[\n`~$\\\[\]!(<【】]")
_LINE_START = re.compile(r"(?:[ \t>]|[-*+][ \t]|\d{1,3}[.)][ \t]){0,40}")
_INLINE_MATH = re.compile(r"\$(?![\s$])((?:[^$\n\\]++|\\[^\n])*+)(?<!\s)\$(?!\d)")
_INLINE_MATH_BEGUN = re.compile(r"\$(?:(?![\s$])(?:[^$\n\\]++|\\[^\n])*+\\?)?")
_PARENTHESIS_MATH = re.compile(r"\\\(([^\n]*?)\\\)")
_DISPLAY_ENDS = re.compile(r"\n(?:[ \t]{0,40}\n|[ \t>]{0,40}(?:```|~~~))")
_DISPLAY_MAY_END = re.compile(r"\n[ \t>]{0,40}(?:`{0,2}|~{0,2})")
_ANGLE = re.compile(r"<!--[^\n]*?-->|<(?!!--)[^<>\n]*>")
_ANGLE_BEGUN = re.compile(r"<(?:!?-?|!--[^\n]*|(?:[!@#/]|[a-z])[^<>\n]*)", re.IGNORECASE)
_CLAUSE_END = re.compile(r"[.,;:!?)]{0,6}(?=\s|\Z)")
_CLAUSE_END_BEGUN = re.compile(r"[.,;:!?)]{0,6}")
_JOINS = re.compile(r"[\w\s)'\"*][\w\s.,;:!?*)'\"]")


class SafeStream:
    """One model attempt. What `feed` and `finish` return adds up to the same text however the input was cut.

    At most about 350 characters are held back, and time is linear in the text's length.
    """

    def __init__(self, passages: Sequence[Passage]) -> None:
        """`passages` are those of the prompt, in its order: `[1]` is the first."""
        self._numbering = Numbering(len(passages))
        self._words = WordFilter()
        self._buffer, self._at = "", 0
        self._before = ""  # the end of what was read last, for characters that depend on the one before
        self._line = ""  # the beginning of the line that is being written
        self._text_bracket = False  # the last thing written was a bracket that is no citation
        self._fence: _Fence | None = None
        self._display = ""  # what will close the display formula

    @property
    def cited(self) -> tuple[int, ...]:
        """Numbers of the cited passages, from 1 as in the prompt, in order of first appearance."""
        return self._numbering.cited

    def feed(self, piece: str) -> str:
        """The text that is now safe to show, often empty."""
        piece = visible(piece, self._before)
        self._before = (self._before + piece)[-1:]
        self._buffer += piece
        self._read(final=False)
        return self._words.take()

    def finish(self) -> str:
        """The rest. A fence that was left open is closed, so that what follows is not swallowed by it."""
        self._read(final=True)
        if self._fence is not None:
            self._write("\n" * bool(self._line) + self._fence.prefix, "code")
            self._write(self._fence.mark, "close")
            self._fence = None
        return self._words.finish()

    def _read(self, final: bool) -> None:
        while self._at < len(self._buffer):
            window = self._buffer[self._at : self._at + _LOOKAHEAD]
            more = not final and len(window) < _LOOKAHEAD
            step = self._in_fence if self._fence else self._in_display if self._display else self._in_prose
            if not step(window, more):
                break
        self._buffer, self._at = self._buffer[self._at :], 0

    # Each step below looks at the next characters, writes or replaces some and says True; it says False if
    # it cannot tell yet and there is `more` to come.

    def _in_prose(self, window: str, more: bool) -> bool:
        special = _SPECIAL.search(window)
        if special is None or special.start():
            return self._take(window[: special.start() if special else None], "prose")
        match window[0]:
            case "`" | "~":
                return self._ticks(window, more)
            case "$":
                return self._dollar(window, more)
            case "\\":
                return self._backslash(window, more)
            case "[" | "!" | "【":
                return self._bracket(window, more)
            case "(":
                return self._parenthesis(window, more)
            case "<":
                return self._angle(window, more)
        return self._take(window[0], "lone" if window[0] in "]】" else "prose")

    def _ticks(self, window: str, more: bool) -> bool:
        run = window[: len(window) - len(window.lstrip(window[0]))]
        line, newline, _ = window.partition("\n")
        info = line[len(run) :]
        if more and not info and not newline:
            return False
        if len(run) >= 3 and _LINE_START.fullmatch(self._line) and not (run[0] == "`" and "`" in info):
            if more and not newline:
                return False
            self._fence = _Fence(run, re.sub(r"[^ \t>]", " ", self._line))
            return self._take(run, "open") and (not info or self._take(info, "code"))
        if run[0] == "~":
            return self._take(run, "prose")
        for closing in re.finditer("`+", line[len(run) :]):
            end = len(run) + closing.end()
            if more and end == len(window):
                return False
            if closing.group() == run:
                return self._span(run, line[len(run) : end - len(run)], run, "code")
        return not (more and not newline) and self._take(run, "lone")

    def _dollar(self, window: str, more: bool) -> bool:
        if window.startswith("$$"):
            self._display = "$$"
            return self._take("$$", "open")
        if formula := _INLINE_MATH.match(window):
            return not (more and formula.end() == len(window)) and self._span("$", formula[1], "$", "math")
        return not (more and _INLINE_MATH_BEGUN.fullmatch(window)) and self._take("$", "lone")

    def _backslash(self, window: str, more: bool) -> bool:
        if more and brackets.ESCAPED_GROUP_BEGUN.fullmatch(window):
            return False
        pair = window[:2]
        if pair == "\\[":
            group = brackets.ESCAPED_GROUP.match(window)
            if group and (numbers := read_numbers(group[1])):
                return self._cite(Numbers(numbers.values, True), group.end(), window, more)
            self._display = "\\]"
            return self._take(pair, "open")
        if pair == "\\(":
            if formula := _PARENTHESIS_MATH.match(window):
                return self._span("\\(", formula[1], "\\)", "math")
            return not (more and "\n" not in window) and self._take(pair, "lone")
        return self._take(pair, "lone") if pair in ("\\$", "\\`", "\\\\", "\\]") else self._take("\\", "prose")

    def _bracket(self, window: str, more: bool) -> bool:
        group = brackets.GROUP.match(window)
        if group is None:
            if more and brackets.GROUP_BEGUN.fullmatch(window):
                return False
            return self._take(window[0], "prose" if window[0] == "!" else "lone")
        content, after = group[1] or group[2] or "", window[group.end() :]
        if more and not after:
            return False
        inner = content if re.search(r"[`$]", content) else without_angles(brackets.INNER_LINK.sub(r"\1", content))
        if inner != content:
            return self._replace(group.start(group.lastindex or 0), len(content), inner)
        numbers = None if window[0] == "!" else read_numbers(content)
        if target := brackets.TARGET.match(after):
            if numbers or brackets.inside_bracket(self._words.ending()):
                return self._replace(group.end(), target.end(), "" if numbers else " ")
            return self._replace(0, group.end() + target.end(), content)
        if more and brackets.TARGET_BEGUN.fullmatch(after):
            return False
        if numbers is None:
            return self._take(window[0], "prose" if window[0] == "!" else "lone")
        if window[0] == "【":
            numbers = Numbers(numbers.values, True)
        text = self._text_bracket or self._numbering.meant_as_text(numbers, self._words.ending())
        if text and not numbers.marked:
            self._take("[", "lone")
            self._take(content, "prose")
            self._take("]", "lone")
            self._text_bracket = True
            return True
        return self._cite(numbers, group.end(), window, more)

    def _cite(self, numbers: Numbers, end: int, window: str, more: bool) -> bool:
        after = window[end:].lstrip(":")
        if more and not after:
            return False
        new = self._numbering.renumber(numbers)
        if not new:
            return self._drop(end, window, more)
        before, line = self._words.ending(), self._line
        # What told `【2】` from `x[1]` or `\[` is lost now.
        ambiguous = self._text_bracket or self._numbering.meant_as_text(Numbers((new[0],), False), before)
        self._write(" " * before.endswith("\\") + "(" * ambiguous, "prose")
        for number in new:
            self._write(f"[{number}]", "lone")
        self._write(")" * ambiguous, "prose")
        self._at += end
        if _LINE_START.fullmatch(line):
            self._at += len(window) - end - len(after)  # `[1]: title` would define a link
        return True

    def _drop(self, length: int, window: str, more: bool) -> bool:
        """Skip an unknown citation or a tag, with the space before it where the sentence goes on without."""
        after = window[length:]
        if more and _CLAUSE_END_BEGUN.fullmatch(after):
            return False
        self._at += length
        before = self._words.ending()
        if brackets.inside_bracket(before):
            self._write("  ", "prose")  # or the rest of that bracket would become a citation
        elif not self._line.strip():
            self._at += after[:1] == " "
        elif before[-1:].isspace():
            if _CLAUSE_END.match(after):
                self._words.drop_space()
        elif after and not _JOINS.match(before[-1] + after[0]):
            self._write(" ", "prose")
        return True

    def _parenthesis(self, window: str, more: bool) -> bool:
        """`(source: [9])` goes as a whole if there is no passage 9."""
        whole = brackets.PARENTHESIS.match(window)
        if whole and brackets.PARENTHESIS_BEGUN.fullmatch(window[: whole.end() - 1]):
            if self._numbering.none_known(whole[1]):
                return self._drop(whole.end(), window, more)
        elif more and brackets.PARENTHESIS_BEGUN.fullmatch(window):
            return False
        return self._take("(", "prose")

    def _angle(self, window: str, more: bool) -> bool:
        tag = _ANGLE.match(window)
        if tag is None:
            return not (more and _ANGLE_BEGUN.fullmatch(window)) and self._take("<", "prose")
        if more and tag.end() == len(window):
            return False
        shown = without_angles(tag.group())
        if shown == tag.group():
            return self._take("<", "prose")
        return self._replace(0, tag.end(), shown) if shown else self._drop(tag.end(), window, more)

    def _in_display(self, window: str, more: bool) -> bool:
        special = re.search(r"[\\$\n]", window)
        if special is None or special.start():
            return self._take(window[: special.start() if special else None], "math")
        if _DISPLAY_ENDS.match(window):
            self._display = ""
            return True
        if more and (len(window) == 1 or _DISPLAY_MAY_END.fullmatch(window)):
            return False
        if window.startswith(self._display):
            closing, self._display = self._display, ""
            return self._take(closing, "close")
        return self._take(window[: 1 if window[0] != "\\" or window[1:2] == "\n" else 2], "math")

    def _in_fence(self, window: str, more: bool) -> bool:
        assert self._fence is not None
        if not self._line:
            if more and self._fence.may_close.fullmatch(window):
                return False
            if closing := self._fence.closing.match(window):
                self._fence = None
                return (not closing[1] or self._take(closing[1], "code")) and self._take(closing[2], "close")
        end = window.find("\n")
        return self._take(window[: end or 1] if end >= 0 else window, "code")

    def _span(self, opening: str, content: str, closing: str, kind: Kind) -> bool:
        return self._take(opening, "open") and self._take(content, kind) and self._take(closing, "close")

    def _take(self, text: str, kind: Kind) -> bool:
        self._at += len(text)
        self._write(text, kind)
        return True

    def _replace(self, start: int, length: int, text: str) -> bool:
        start += self._at
        self._buffer = self._buffer[self._at : start] + text + self._buffer[start + length :]
        self._at = 0
        return True

    def _write(self, text: str, kind: Kind) -> None:
        self._words.add(text, kind)
        _, newline, line = text.rpartition("\n")
        self._line = (line if newline else self._line + text)[:_LONGEST_PREFIX]
        self._text_bracket = False


class _Fence:
    """An open fence: its mark, what the lines of its block begin with, and what will close it."""

    def __init__(self, mark: str, prefix: str) -> None:
        self.mark, self.prefix = mark, prefix
        self.closing = re.compile(rf"([ \t>]{{0,40}})({mark}{mark[0]}*)(?=[ \t]{{0,20}}(?:\n|\Z))")
        self.may_close = re.compile(rf"[ \t>]{{0,40}}{mark[0]}*[ \t]{{0,20}}")


def clean(text: str, passages: Sequence[Passage]) -> tuple[str, tuple[int, ...]]:
    """A whole text at once: what SafeStream makes of it, and the numbers of the passages it cites."""
    stream = SafeStream(passages)
    safe = stream.feed(text)
    return safe + stream.finish(), stream.cited
