"""Pure: the running text of a paragraph as atoms in a platform's words, which splitting will not break."""

import re
from collections.abc import Iterable, Mapping, Sequence

from markdown_it.token import Token

from bot.messages import Citation
from bot.rendering.dialect import Dialect, cited, label, safe_url
from bot.rendering.formula_text import inline
from bot.rendering.splitting import size

_LONGEST_WORD = 300
_LONGEST_CODE = 400
LONGEST_MARKED = 500
"""Characters that are never broken; longer words and code are, longer emphasis is lost."""
_WRAPPED_AT = 60
_MEAN_MORE_TOGETHER = {("!", "["), ("]", "("), ("`", "`")}
"""They would begin an image, a link or a fence."""
_MARKS = {"strong_open": "strong", "em_open": "emphasis", "s_open": "struck"}


def plain(children: Iterable[Token]) -> str:
    """Inline tokens as plain text, for cells whose columns are aligned."""
    text = ""
    for token in children:
        match token.type:
            case "formula_inline" | "formula_display":
                text += inline(token.content).text
            case "citation":
                text += f"[{token.meta['n']}]"
            case "softbreak" | "hardbreak":
                text += " "
            case _:
                text += token.content
    return " ".join(text.split())


class Atoms:
    """Collects what must not be broken: words, code, links, citations and marked text."""

    def __init__(
        self, dialect: Dialect, citations: Mapping[int, Citation], marked: frozenset[str] = frozenset()
    ) -> None:
        self._dialect, self._citations, self._marked = dialect, citations, marked
        self._atoms: list[str] = []
        self._atom = ""
        self._line = 0  # raw characters of the line so far
        self._last = ""

    def of(self, children: Sequence[Token], starts_line: bool = True) -> list[str]:
        """The atoms of these tokens; joined they are the text."""
        self._line = 0 if starts_line else 1
        self._children(children)
        self._flush()
        return self._atoms

    def _children(self, children: Sequence[Token]) -> None:
        index = 0
        while index < len(children):
            token, end = children[index], index + 1
            if token.nesting == 1:
                end = _closing(children, index)
                if _is_text(children, index, end):
                    self._text(token.markup)
                    self._children(children[index + 1 : end - 1])
                    self._text(token.markup)
                else:
                    self._span(token, children[index + 1 : end - 1])
            else:
                self._single(token)
            index = end

    def _single(self, token: Token) -> None:
        match token.type:
            case "text" | "image":
                self._text(token.content)
            case "code_inline":
                self._code(token.content)
            case "formula_inline" | "formula_display":
                shown = inline(token.content)
                if shown.kind == "prose":
                    self._glue(self._dialect.prose(shown.text, not self._line), shown.text)
                else:
                    self._code(shown.text)
            case "citation":
                self._glue(cited(self._citations[token.meta["n"]], self._dialect), "[1]")
            case "softbreak" | "hardbreak":
                # Pages are wrapped at some width, models break lines where they want one broken.
                wrapped = token.type == "softbreak" and self._line >= _WRAPPED_AT and self._last not in ".!?:;"
                self._space(" " if wrapped else self._dialect.line_break)

    def _span(self, opening: Token, children: Sequence[Token]) -> None:
        name = _MARKS.get(opening.type, "")
        if name in self._marked:
            self._children(children)
            return
        inner = Atoms(self._dialect, self._citations, self._marked | {name})
        words = "".join(inner.of(children, not self._line)).replace(self._dialect.line_break, " ")
        if name and words.strip() and size(words) <= LONGEST_MARKED:
            mark = self._dialect.marks[name]
            self._glue(f"{mark}{words}{mark}", words)
        elif opening.type == "link_open" and (url := safe_url(str(opening.attrGet("href") or ""))):
            text = plain(children)[:LONGEST_MARKED]
            self._glue(self._dialect.link(label(text, self._dialect) or url, url), text)
        else:
            self._children(children)

    def _text(self, text: str) -> None:
        for part in re.findall(r"\s+|\S+", text):
            if part.isspace():
                self._space(" ")
                continue
            part = self._dialect.guarded(part)
            for start in range(0, len(part), _LONGEST_WORD):
                if start:
                    self._flush()
                word = part[start : start + _LONGEST_WORD]
                self._glue(self._dialect.prose(word, not self._line), word)

    def _code(self, text: str) -> None:
        for start in range(0, len(text), _LONGEST_CODE):
            if start:
                self._space(" ")
            part = text[start : start + _LONGEST_CODE]
            self._glue(self._dialect.code(part), part)

    def _glue(self, text: str, raw: str) -> None:
        marks = tuple(self._dialect.marks.values())
        together = (self._atom[-1:], text[:1])
        if (self._atom.endswith(marks) and text.startswith(marks)) or together in _MEAN_MORE_TOGETHER:
            self._atom += "\u200b"
        self._atom += text
        self._line += len(raw)
        self._last = raw[-1:]

    def _space(self, space: str) -> None:
        self._atom += space
        self._flush()
        self._line = 0 if "\n" in space else self._line + 1

    def _flush(self) -> None:
        if self._atom:
            self._atoms.append(self._dialect.guarded(self._atom))
        self._atom = ""


def _closing(children: Sequence[Token], start: int) -> int:
    depth = 0
    for index in range(start, len(children)):
        depth += children[index].nesting
        if not depth:
            return index + 1
    return len(children)


def _is_text(children: Sequence[Token], start: int, end: int) -> bool:
    """Whether marks of emphasis are `__init__` or `2*3*4`."""
    mark, inside = children[start].markup, children[start + 1 : end - 1]
    if mark == "__":
        return len(inside) == 1 and inside[0].content.isidentifier()
    before = children[start - 1].content[-1:] if start else ""
    after = children[end].content[:1] if end < len(children) else ""
    return mark == "*" and before.isalnum() and after.isalnum()
