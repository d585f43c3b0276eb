"""Pure: Markdown becomes blocks in a chat platform's own words; which words those are is the dialect's business.

Does not know how long a message may be.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from markdown_it.token import Token

from bot.foreign import visible
from bot.messages import Citation
from bot.rendering.answer_parser import segments, tokens
from bot.rendering.chat_text import LONGEST_MARKED, Atoms, plain
from bot.rendering.dialect import Dialect, cited
from bot.rendering.formula_text import inline
from bot.rendering.formulas import LONGEST_DRAWN, Formula
from bot.rendering.splitting import Block, Drawn, Flow, Leaf, Lines, size

_TASK = re.compile(r"\[([ xX])\] ")


def blocks(text: str, dialect: Dialect, citations: Sequence[Citation] = (), pictures: int = 0) -> list[Block]:
    """A text's blocks, ready to be packed. `[n]` of a citation becomes a link to it.

    The first `pictures` display formulas are to be drawn; others stand as LaTeX in a listing. Never raises.
    """
    found: list[Block] = []
    for segment in segments(visible(text)):
        for block in _read(segment, dialect, tuple(citations)):
            shown: list[Leaf] = []
            for leaf in block:
                if not shown and found and _stands_close(found[-1][-1], leaf):
                    leaf = replace(leaf, gap=dialect.gap_below_lead)
                if isinstance(leaf, Drawn):
                    pictures -= 1
                    if pictures < 0 or len(leaf.formula.latex) > LONGEST_DRAWN:
                        leaf = replace(dialect.listing(leaf.formula.latex.split("\n"), "latex"), gap=leaf.gap)
                shown.append(leaf)
            found.append(tuple(shown))
    return found


def _stands_close(before: Leaf, leaf: Leaf) -> bool:
    """Whether no empty line is needed: below a heading, and between "as follows:" and what follows."""
    if not before.leads or not isinstance(before, Flow):
        return False
    paragraph = isinstance(leaf, Flow) and not leaf.first
    return not (paragraph and before.text.rstrip("*_").endswith(":"))


@lru_cache(maxsize=1024)
def _read(segment: str, dialect: Dialect, citations: tuple[Citation, ...]) -> tuple[Block, ...]:
    return _Walk(dialect, {one.n: one for one in citations}).blocks(segment)


@dataclass(slots=True)
class _Frame:
    """A list item or quote that is open: what begins its first line, and the others."""

    first: str
    rest: str
    quote: bool = False
    fresh: bool = True


class _Walk:
    """One way through the tokens of a segment."""

    def __init__(self, dialect: Dialect, citations: Mapping[int, Citation]) -> None:
        self._dialect, self._citations = dialect, citations
        self._frames: list[_Frame] = []
        self._quote: _Frame | None = None  # that the last leaf stood in
        self._leaves: list[Leaf] = []
        self._heading = 0

    def blocks(self, segment: str) -> tuple[Block, ...]:
        found: list[Block] = []
        stream = iter(tokens(segment, self._citations.keys()))
        for token in stream:
            self._token(token, stream)
            if token.level == 0 and (token.nesting <= 0 or token.type == "table_open") and self._leaves:
                found.append(tuple(self._leaves))
                self._leaves, self._quote = [], None
        return tuple([*found, tuple(self._leaves)] if self._leaves else found)

    def _token(self, token: Token, stream: Iterator[Token]) -> None:
        match token.type:
            case "list_item_open":
                mark = f"{token.info}. " if token.info else self._dialect.bullet
                self._frames.append(_Frame(mark, " " * len(mark)))
            case "blockquote_open":
                self._frames.append(_Frame("> ", "> ", quote=True))
            case "list_item_close" | "blockquote_close":
                self._frames.pop()
            case "heading_open":
                self._heading = int(token.tag[1:])
            case "heading_close":
                self._heading = 0
            case "inline":
                self._paragraph(token.children or [])
            case "fence" | "code_block":
                self._listing(self._dialect.listing(token.content.rstrip("\n").split("\n"), token.info))
            case "formula":
                self._listing(self._drawn(token.content))
            case "hr":
                self._flow([self._dialect.rule])
            case "table_open":
                self._table(stream)

    def _gap(self) -> str:
        """What parts the next leaf from the one before."""
        if not self._leaves:
            return "\n\n"
        quote = next((frame for frame in reversed(self._frames) if frame.quote), None)
        if self._frames and (quote is not self._frames[-1] or quote is not self._quote):
            goes_on = not any(frame.fresh for frame in self._frames) and isinstance(self._leaves[-1], Flow)
            return self._dialect.line_break if goes_on else "\n"
        return f"\n{''.join(frame.rest for frame in self._frames)}\n" if quote else "\n\n"

    def _flow(self, atoms: Sequence[str], leads: bool = False, start: str = "") -> None:
        gap = self._gap()
        rest = "".join(frame.rest for frame in self._frames)
        first = "".join(frame.first if frame.fresh else frame.rest for frame in self._frames)
        for frame in self._frames:
            frame.fresh = False
        self._leaves.append(Flow(tuple(atoms), first + start, rest, gap, leads))
        self._quote = next((frame for frame in reversed(self._frames) if frame.quote), None)

    def _listing(self, leaf: Lines | Drawn) -> None:
        """Listings and formulas stand at the margin, where every platform shows them; their list goes on there."""
        if any(frame.fresh and not frame.quote for frame in self._frames):
            self._flow([])
        for frame in self._frames:
            if not frame.quote:
                frame.rest = ""
        self._leaves.append(replace(leaf, gap="\n" if self._leaves else "\n\n"))
        self._quote = None

    def _drawn(self, latex: str) -> Drawn:
        return Drawn(Formula(latex), self._dialect.listing(latex.split("\n"), "latex").text)

    def _paragraph(self, children: list[Token]) -> None:
        if self._frames and self._frames[-1].fresh and children and children[0].type == "text":
            box = _TASK.match(children[0].content)
            if box and not self._frames[-1].quote:
                children[0].content = ("☐ " if box[1] == " " else "☑ ") + children[0].content[box.end() :]
        start, mark = self._dialect.heading(self._heading) if self._heading else ("", "")
        runs = _around_formulas(children)
        for number, (run, formula) in enumerate(runs):
            atoms = Atoms(self._dialect, self._citations, frozenset(filter(None, (mark,)))).of(run)
            if mark and (words := "".join(atoms).strip()):
                around = self._dialect.marks[mark]
                atoms = [f"{around}{words}{around}"] if size(words) <= LONGEST_MARKED else atoms
            if "".join(atoms).strip():
                last = number == len(runs) - 1
                leads = bool(self._heading) or (
                    last and not self._frames and "".join(atoms).rstrip("*_ ").endswith(":")
                )
                self._flow(atoms, leads, start)
            if formula is not None:
                self._listing(self._drawn(formula.content))

    def _table(self, stream: Iterator[Token]) -> None:
        rows: list[list[list[Token]]] = []
        for token in stream:
            if token.type == "table_close":
                break
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                rows[-1].append(token.children or [])
        atoms = [[Atoms(self._dialect, self._citations).of(cell) for cell in row] for row in rows]
        shown = [["".join(cell).strip() for cell in row] for row in atoms]
        table = self._dialect.table(shown, [[plain(cell) for cell in row] for row in rows])
        if table is None:
            self._rows(shown[0], atoms[1:])
            return
        self._listing(table)
        if not self._dialect.links_in_tables:
            numbers = dict.fromkeys(
                token.meta["n"] for row in rows for cell in row for token in cell if token.type == "citation"
            )
            if numbers:
                self._flow([cited(self._citations[n], self._dialect) + " " for n in numbers])
                self._leaves[-1] = replace(self._leaves[-1], gap="\n")

    def _rows(self, head: Sequence[str], rows: Sequence[Sequence[list[str]]]) -> None:
        """A wide table as a list: the cells of a row, each behind the name of its column."""
        for row in rows or [[[name] for name in head]]:
            atoms: list[str] = []
            for name, cell in zip(head if rows else [""] * len(row), row, strict=False):
                if cell:
                    atoms += [*(["· "] if atoms else []), *([f"{name}: "] if name else []), *cell[:-1], f"{cell[-1]} "]
            self._frames.append(_Frame(self._dialect.bullet, " " * len(self._dialect.bullet)))
            self._flow(atoms)
            self._frames.pop()


def _around_formulas(children: Sequence[Token]) -> list[tuple[list[Token], Token | None]]:
    """Inline tokens cut after each formula that has to be drawn; a citation right behind one moves before it."""
    runs: list[tuple[list[Token], Token | None]] = [([], None)]
    behind = False
    for token in children:
        if token.type == "formula_display" and inline(token.content).kind != "prose":
            runs[-1] = (runs[-1][0], token)
            runs.append(([], None))
            behind = True
        elif behind and token.type == "citation":
            runs[-2][0].append(token)
        else:
            if behind and token.type == "text":
                token.content = token.content.lstrip(" .,;:")
            behind = behind and (token.type == "softbreak" or (token.type == "text" and not token.content))
            runs[-1][0].append(token)
    return [run for run in runs if run[0] or run[1]]
