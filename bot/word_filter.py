"""Pure: lets only words through that hold no foreign link or mention, a word at a time. Knows no Markdown.

What reads as a link only together with its neighbours (`evil` in a formula, `.com` after it) is spaced apart.
"""

import re

from bot.foreign import CODE_LINK, LINK_REMOVED, TAG_START, Kind, is_foreign, without_foreign

_LONGEST_WORD = 140
_LONGEST_SPACE = 16
_REMEMBERED = 80
"""How much of a word that had to be cut is still looked at together with what follows."""

_BREAK = re.compile(r"(\s+|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])")
_PLAIN = re.compile(r"\(*[A-Za-z0-9,;!?'\"*_=+|~^#{}$`\[\]·–—’“”)-]*(?:\.{1,3}|:|…)?")
_LINK_REST = {False: re.compile(r"[^\s<>|{}\"“”]*"), True: re.compile(r"[^\s\"'`<>()\[\],;|]*")}
_GOES_ON = ".-_:/\\@<!#%&;＠：／．"
_CONTENT: tuple[Kind, ...] = ("prose", "code", "math")


class WordFilter:
    """Takes pieces of text with their kind, gives text that is safe to show, a word at a time.

    Holds at most the last word and the space before it, about 150 characters; endless words are cut.
    What comes out does not depend on how the input was cut into pieces.
    """

    def __init__(self) -> None:
        self._out: list[str] = []
        self._word: list[tuple[Kind, str]] = []
        self._size = 0
        self._space = ""
        self._carry: tuple[Kind, str] | None = None
        self._swallow = False
        self._shown = ""  # the end of what came out so far

    def add(self, text: str, kind: Kind) -> None:
        """The next piece."""
        if kind not in _CONTENT:
            self._swallow = False
            self._grow(text, kind)
            return
        for part in _BREAK.split(text):
            if part.isspace():
                self._end_word()
                self._add_space(part)
            elif _BREAK.fullmatch(part) and not self._unfinished():
                self._end_word()
                self._show(self._space + part)
                self._space = ""
            elif part:
                self._add_part(part, kind)

    def drop_space(self) -> None:
        """Forget the space before the next word, because what stood between them was dropped."""
        self._space = ""

    def ending(self) -> str:
        """The end of the text as it is now known to come out, for those who decide by what stands before."""
        return (self._shown + self._space + self._rendered()[0])[-_REMEMBERED:]

    def take(self) -> str:
        """What is safe to show since the last call."""
        text = "".join(self._out)
        self._out.clear()
        return text

    def finish(self) -> str:
        """The rest."""
        self._end_word()
        self._show(self._space)
        self._space = ""
        return self.take()

    def _add_space(self, space: str) -> None:
        lines, newline, rest = (self._space + space).rpartition("\n")
        self._show(lines + newline + rest[:-_LONGEST_SPACE])
        self._space = rest[-_LONGEST_SPACE:]

    def _add_part(self, part: str, kind: Kind) -> None:
        while part:
            if self._swallow:
                part = _LINK_REST[kind == "code"].sub("", part, count=1)
                self._swallow = not part
            piece, part = part[: _LONGEST_WORD - self._size], part[_LONGEST_WORD - self._size :]
            self._grow(piece, kind)

    def _grow(self, piece: str, kind: Kind) -> None:
        if self._word and self._word[-1][0] == kind and kind in _CONTENT:
            self._word[-1] = (kind, self._word[-1][1] + piece)
        elif piece:
            self._word.append((kind, piece))
        self._size += len(piece)
        if self._size >= _LONGEST_WORD:
            self._cut()

    def _unfinished(self) -> bool:
        """Whether the word ends like the beginning of a link, so that writing without spaces goes on with it."""
        return bool(self._word) and self._word[-1][1][-1:] in _GOES_ON

    def _end_word(self) -> None:
        if self._word:
            self._emit()
        self._carry, self._swallow = None, False

    def _cut(self) -> None:
        """Show what is there of an endless word, and remember its end."""
        pieces = self._emit()
        kind, last = pieces[-1]
        self._swallow = last.endswith((LINK_REMOVED, CODE_LINK)) and kind in _CONTENT
        self._carry = ("code", last) if kind == "code" else ("prose", _joined(pieces)[-_REMEMBERED:])

    def _emit(self) -> list[tuple[Kind, str]]:
        text, pieces = self._rendered()
        self._show(self._space + text)
        self._space, self._word, self._size = "", [], 0
        return pieces

    def _show(self, text: str) -> None:
        self._out.append(text)
        self._shown = (self._shown + text)[-_REMEMBERED:]

    def _rendered(self) -> tuple[str, list[tuple[Kind, str]]]:
        """The word as it is shown, and its pieces."""
        text = "".join(text for _, text in self._word)
        if not self._word or (not self._carry and _PLAIN.fullmatch(text)):
            return text, self._word
        pieces: list[tuple[Kind, str]] = []
        before = self._shown if self._carry else ""
        for kind, text in self._word:
            shown = without_foreign(text, kind)
            if kind == "prose" and shown.startswith("(") and before.endswith("]"):
                shown = f" {shown}"  # `](` would make a link of it
            pieces.append((kind, shown))
            before = shown or before
        return self._apart(pieces) if self._dirty_together(pieces) else "".join(text for _, text in pieces), pieces

    def _dirty_together(self, pieces: list[tuple[Kind, str]]) -> bool:
        first, text = pieces[0]
        kind, before = self._carry or ("prose", "")
        if first == "code" and kind == "code" and before and is_foreign(before + text, "code"):
            return True
        if kind == "code" or first == "code":
            before = ""
        if len(pieces) == 1 and not before:
            return False
        together = before + _joined(pieces)
        return is_foreign(together, "math") or bool(before and TAG_START.search(together))

    def _apart(self, pieces: list[tuple[Kind, str]]) -> str:
        spaced = {"open": " {}", "close": "{} ", "lone": " {} "}
        text = "".join(spaced.get(kind, "{}").format(text) for kind, text in pieces)
        return f" {text}" if self._carry else text


def _joined(pieces: list[tuple[Kind, str]]) -> str:
    """The pieces as one reads them side by side: code is a wall, the marks around a formula are nothing."""
    return "".join("`" if kind == "code" else "" if kind in ("open", "close") else text for kind, text in pieces)
