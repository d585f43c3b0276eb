"""Pure: puts the leaves of a text into messages of limited size, whole where that is possible.

Knows neither Markdown nor a platform: leaves arrive in the words of the platform that will show them.
"""

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bot.rendering.formulas import Formula

_MOST_PICTURES = 10
"""Of one message: what Discord takes."""
_SMALLEST_PART = 4
"""Of what has to be broken, less than this part of a message is not begun at the end of one."""
_SENTENCE_ENDS = (".", "!", "?", "。", "！", "？", ":", ";")
_NOT_FIRST = "\u200c\u200d\ufe0e\ufe0f"
_ATTACHED = 4
"""Room that is kept for accents and variation selectors, which must not begin a message."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Running text. It may be broken after an atom that ends in white space and, if need be, after any other.

    `first` begins its first line and `rest` every other, such as a bullet and its indent; `gap` parts it from
    the leaf before; `leads` when it must not be the last of a message, like a heading.
    """

    atoms: tuple[str, ...]
    first: str = ""
    rest: str = ""
    gap: str = "\n\n"
    leads: bool = False

    @property
    def text(self) -> str:
        """As it is shown where nothing has to be broken."""
        return self.first + "".join(self.atoms).rstrip().replace("\n", f"\n{self.rest}")


@dataclass(frozen=True, slots=True)
class Lines:
    """Code or a table. `opening`, `head` and `closing` stand in every message that shows some of it."""

    lines: tuple[str, ...]
    opening: str = ""
    closing: str = ""
    head: tuple[str, ...] = ()
    gap: str = "\n\n"
    leads: bool = False

    @property
    def text(self) -> str:
        """As it is shown where nothing has to be broken."""
        opening, closing = [self.opening] * bool(self.opening), [self.closing] * bool(self.closing)
        return "\n".join((*opening, *self.head, *self.lines, *closing))


@dataclass(frozen=True, slots=True)
class Drawn:
    """A formula that becomes a picture below the text before it; `source` is what is shown if it cannot be drawn."""

    formula: Formula
    source: str
    gap: str = "\n\n"
    leads: bool = False


Leaf = Flow | Lines | Drawn
Block = tuple[Leaf, ...]
"""What would be torn apart by a message's end: a paragraph, a whole list, a listing, a quote."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A message: text, and the formulas that are to be drawn below it, in this order.

    The text has room for `sources`, which say the same in words: `undrawn` puts them there.
    """

    text: str
    formulas: tuple[Formula, ...] = ()
    sources: tuple[str, ...] = ()

    def undrawn(self, failed: Collection[Formula]) -> "Piece":
        """The piece with these formulas as text, because there are no pictures of them."""
        pairs = list(zip(self.formulas, self.sources, strict=True))
        text = "\n".join(filter(None, (self.text, *(source for formula, source in pairs if formula in failed))))
        kept = [pair for pair in pairs if pair[0] not in failed]
        return Piece(text, tuple(formula for formula, _ in kept), tuple(source for _, source in kept))


def size(text: str) -> int:
    """Length as JavaScript counts it, in UTF-16 units: no platform counts more than that."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def pack(blocks: Iterable[Block], limit: int) -> list[Piece]:
    """Messages of at most `limit` UTF-16 units, in order. Empty text gives no message.

    A block goes to the next message if it fits there and not here; a larger one is broken between its leaves,
    then inside of them. A message ends below each formula, so that pictures stand where the text refers to them.
    """
    packer = _Packer(limit)
    pending: Block = ()
    for block in blocks:
        pending += block
        if not block or not block[-1].leads:
            packer.add(pending)
            pending = ()
    packer.add(pending)
    packer.flush()
    return packer.pieces


def grouped(pieces: Sequence[Piece], limit: int) -> list[tuple[Piece, ...]]:
    """Neighbours that fit into one message together, where a platform shows pictures between texts."""
    groups: list[tuple[Piece, ...]] = []
    used = limit
    for piece in pieces:
        needed = size(piece.text) + sum(map(size, piece.sources)) + len(piece.sources)
        if used + needed > limit or not groups:
            groups.append(())
            used = 0
        groups[-1] += (piece,)
        used += needed
    return groups


class _Packer:
    """The message that is being filled, and those that are full."""

    def __init__(self, limit: int) -> None:
        self.pieces: list[Piece] = []
        self._limit = limit
        self._text = ""
        self._formulas: list[Drawn] = []
        self._reserved = 0  # for sources of formulas, in case they cannot be drawn

    def add(self, block: Block) -> None:
        if self._fits(block):
            for leaf in block:
                self._put(leaf)
            return
        if self._text and _Packer(self._limit)._fits(block):
            self.flush()
            self.add(block)
            return
        for number, leaf in enumerate(block):
            self._add_leaf(leaf, block[number + 1] if number + 1 < len(block) else None)

    def flush(self) -> None:
        if self._text or self._formulas:
            formulas = tuple(drawn.formula for drawn in self._formulas)
            self.pieces.append(Piece(self._text, formulas, tuple(drawn.source for drawn in self._formulas)))
        self._text, self._formulas, self._reserved = "", [], 0

    def _room(self, gap: str) -> int:
        if not self._text:
            return self._limit - self._reserved
        return self._limit - self._reserved - size(self._text) - len(gap)

    def _fits(self, block: Block) -> bool:
        """Whether all of it can be put here; what follows a formula always begins a message."""
        used = 0
        for leaf in block:
            if isinstance(leaf, Drawn):
                return used + size(leaf.source) + 1 <= self._room(leaf.gap) or used == 0
            used += size(leaf.text) + len(leaf.gap)
        return used - (len(block[0].gap) if block else 0) <= self._room(block[0].gap if block else "")

    def _put(self, leaf: Leaf) -> None:
        if isinstance(leaf, Drawn):
            self._draw(leaf)
            return
        if size(leaf.text) > self._limit:
            self._break(leaf)
            return
        if self._formulas or size(leaf.text) > self._room(leaf.gap):
            self.flush()
        if leaf.text:
            self._text += leaf.gap * bool(self._text) + leaf.text

    def _add_leaf(self, leaf: Leaf, following: Leaf | None) -> None:
        if leaf.leads and following is not None and not isinstance(leaf, Drawn):
            after = size(following.source if isinstance(following, Drawn) else following.text)
            if size(leaf.text) + min(after, self._limit // _SMALLEST_PART) + 4 > self._room(leaf.gap):
                self.flush()
        self._put(leaf)

    def _draw(self, drawn: Drawn) -> None:
        needed = size(drawn.source) + 1
        if needed > self._room("") or len(self._formulas) == _MOST_PICTURES:
            self.flush()
        self._formulas.append(drawn)
        self._reserved += needed

    def _break(self, leaf: Flow | Lines) -> None:
        around = size(replace(leaf, lines=()).text) if isinstance(leaf, Lines) else 0
        if self._formulas or self._room(leaf.gap) < around + self._limit // _SMALLEST_PART:
            self.flush()
        room = self._room(leaf.gap)
        parts = (
            _broken_flow(leaf, self._limit, room) if isinstance(leaf, Flow) else _broken_lines(leaf, self._limit, room)
        )
        for number, text in enumerate(parts):
            if number:
                self.flush()
            self._text += leaf.gap * bool(self._text) + text


def _broken_flow(flow: Flow, limit: int, room: int) -> Iterator[str]:
    """Texts of at most `limit` units, the first of `room`, that end with sentences where one ends late enough."""
    marks = max(len(flow.first), len(flow.rest))
    limit, room = limit - marks, room - marks
    atoms = [part for atom in flow.atoms for part in _cut(atom, limit)]
    prefix, start = flow.first, 0
    while start < len(atoms):
        end = _end(atoms, start, room, len(flow.rest))
        if text := "".join(atoms[start:end]).strip():
            yield prefix + text.replace("\n", f"\n{flow.rest}")
            prefix = flow.rest
        start, room = end, limit


def _end(atoms: Sequence[str], start: int, room: int, indent: int) -> int:
    """The atom before which to break: behind the last sentence in the second half, or else the last white space."""
    used, end, word, sentence = 0, start, start, start
    while end < len(atoms):
        atom = atoms[end]
        used += size(atom) + atom.count("\n") * indent
        if used - (len(atom) - len(atom.rstrip())) > room and end > start:
            return sentence if sentence > start else word if word > start else end
        end += 1
        if atom[-1:].isspace():
            word = end
            if used > room // 2 and atom.rstrip().rstrip("*_)”\"'").endswith(_SENTENCE_ENDS):
                sentence = end
    return end


def _broken_lines(leaf: Lines, limit: int, room: int) -> Iterator[str]:
    """Texts that each show whole lines between the same opening, head and closing; the first has `room` units."""
    empty = replace(leaf, lines=())
    around = size(empty.text) + 2
    lines = leaf.lines
    if around > limit // 2:  # a table of enormous cells: without its head
        lines = (*leaf.head, *lines)
        empty = replace(empty, head=())
        around = size(empty.text) + 2
    taken: list[str] = []
    used = around
    for line in (part for whole in lines for part in _cut(whole, min(room, limit) - around)):
        needed = size(line) + 1
        if taken and used + needed > room:
            yield replace(empty, lines=tuple(taken)).text
            taken, used, room = [], around, limit
        taken.append(line)
        used += needed
    yield replace(empty, lines=tuple(taken)).text


def _cut(text: str, room: int) -> list[str]:
    """The text itself, or parts of at most `room` units that begin with words, or at least not inside of characters."""
    if size(text) <= room:
        return [text]
    parts, part, used = [], "", 0
    for char in text:
        attached = bool(unicodedata.combining(char)) or char in _NOT_FIRST
        if used + size(char) > (room if attached else room - _ATTACHED):
            end = part.rfind(" ", len(part) // 2) + 1 or len(part)
            parts.append(part[:end])
            part = part[end:]
            used = size(part)
        part += char
        used += size(char)
    return [*parts, part]
