"""Pure: which brackets of an answer are citations, and the numbers they get. Knows no streams and no links.

In prose a bracket with nothing but numbers is a citation, unless it is plainly mathematics: it holds a 0
(`[0, 1]`), follows `=`, `∈` or a word such as "interval", belongs to a one-letter name (`x[1]`) or to a
bracket that is mathematics itself (`[0][1]`), lists several numbers none of which is a passage, or is a
place in a grid: `cell [1,2]`, `[1,1]`, `[2,1]`, and every pair after one of these.
"""

import re
from dataclasses import dataclass

# A pattern `…_BEGUN` matches what may still become the pattern's match.
_NESTED = r"(?:[^\[\]\n\\]++|\\[^\n]|\[(?:[^\[\]\n\\]++|\\[^\n])*+\])*+"
GROUP = re.compile(rf"!?\[({_NESTED})\]|【([^【】\n]*)】")
GROUP_BEGUN = re.compile(rf"!?(?:\[{_NESTED}(?:\[(?:[^\[\]\n\\]++|\\[^\n])*+)?\\?)?|【[^【】\n]*")
TARGET = re.compile(r"\((?:[^()\n]++|\([^()\n]*+\))*+\)")
TARGET_BEGUN = re.compile(r"\((?:[^()\n]++|\([^()\n]*+\))*+(?:\([^()\n]*+)?")
INNER_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\((?:[^()\n]|\([^()\n]*\))*\)")
ESCAPED_GROUP = re.compile(r"\\\[([^\[\]\n\\]{1,36})\\\]")
ESCAPED_GROUP_BEGUN = re.compile(r"\\(?:\[[^\[\]\n\\]{0,36}\\?)?")
PARENTHESIS = re.compile(
    r"\((?:(?:sources?|see|cf\.?|passages?|refs?|from|citing):? )?"
    r"((?:(?:\[[^\[\]\n]{1,40}\]|【[^【】\n]{1,40}】)(?:[,;] ?|,? and | )?)+)\)",
    re.IGNORECASE,
)
PARENTHESIS_BEGUN = re.compile(r"\((?:[a-z.]{0,8}:?|(?:[a-z.]{1,8}:? )?(?:[\[【][^()\n]{0,60})?)", re.IGNORECASE)

_LABEL = r"(?:passages?|sources?|refs?|references?|citations?|cite)[ :#.]{1,2}"
_NUMBER = r"#?\d{1,6}"
_BETWEEN = r"(?:, ?and |, ?|; ?| ?& ?| and | ?[-–—] ?)"
_NUMBERS = re.compile(
    rf"(?P<label>\^|{_LABEL})?{_NUMBER}(?:{_BETWEEN}(?:\^|{_LABEL})?{_NUMBER})*(?P<more>†[^\]】]*)?", re.IGNORECASE
)
_SPAN = re.compile(r"(\d+)(?: ?[-–—] ?(\d+))?")
_PAIR = re.compile(r"\d+, ?\d+")
_LONGEST_SPAN = 20

_ALWAYS_TEXT = re.compile(
    r"(?:[=∈∉⊂⊆≤≥≠≈→]|\\in|\b(?:intervals?|ranges?|lists?|arrays?|vectors?|tensors?|tuples?|shapes?|sizes?|set)"
    r"(?: of| is| are|:)?) ?$",
    re.IGNORECASE,
)
_LIST_TEXT = re.compile(r"\b(?:in|within|between|over|on|from|to|of|by) $", re.IGNORECASE)
_PLACE_TEXT = re.compile(
    r"\b(?:cell?s?|squares?|positions?|locations?|rooms?|states?|nodes?|coordinates?|index|indices|entr(?:y|ies)"
    r"|elements?|points?|pairs?|grid|tiles?|pixels?|rows?|columns?|matrix|at|into) $",
    re.IGNORECASE,
)
_INDEXED = re.compile(r"(?:(?<![^\W_])[A-Za-z]\d*|\w_\w*)$")


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a bracket holds. `marked` when it cannot be mathematics: `[^2]`, `[Passage 2]`, `【2】`.

    `place` when it can hardly be anything else than a place in a grid, `pair` when it may be one.
    """

    values: tuple[int, ...]
    marked: bool
    pair: bool = False
    place: bool = False


def read_numbers(content: str) -> Numbers | None:
    """The numbers between brackets, spans written out; None if there is anything else."""
    match = _NUMBERS.fullmatch(content)
    if match is None:
        return None
    values: list[int] = []
    for first, last in _SPAN.findall(content.partition("†")[0]):
        start, end = int(first), int(last or first)
        if end < start:
            return None
        values += range(start, end + 1) if end - start < _LONGEST_SPAN else (start, end)
    pair = bool(_PAIR.fullmatch(content))
    place = len(set(values)) < len(values) or (pair and values[0] > values[1] and " " not in content)
    return Numbers(tuple(dict.fromkeys(values)), bool(match["label"] or match["more"]), pair, place)


def inside_bracket(before: str) -> bool:
    """Whether a bracket is still open at the end of this text."""
    return max(before.rfind("["), before.rfind("【")) > max(before.rfind("]"), before.rfind("】"))


class Numbering:
    """Gives cited passages the numbers 1, 2, 3 … in the order in which they first appear."""

    def __init__(self, known: int) -> None:
        """`known` passages may be cited, 1 to `known`."""
        self._known = known
        self._new: dict[int, int] = {}
        self._grid = False

    @property
    def cited(self) -> tuple[int, ...]:
        """The passages' numbers as the model wrote them, in order of first appearance."""
        return tuple(self._new)

    def renumber(self, numbers: Numbers) -> list[int]:
        """The new numbers of those that are passages; nothing for the others."""
        known = [value for value in numbers.values if 0 < value <= self._known]
        return [self._new.setdefault(value, len(self._new) + 1) for value in known]

    def meant_as_text(self, numbers: Numbers, before: str) -> bool:
        """Whether the bracket is mathematics, an index or a place. `before` is the text that leads to it."""
        if numbers.marked:
            return False
        if 0 in numbers.values or _ALWAYS_TEXT.search(before) or _INDEXED.search(before):
            return True
        self._grid = self._grid or numbers.place or (numbers.pair and bool(_PLACE_TEXT.search(before)))
        if numbers.place or (numbers.pair and self._grid):
            return True
        if len(numbers.values) == 1:
            return 1900 <= numbers.values[0] <= 2100  # (Vaswani et al. [2017])
        passages = [value <= self._known for value in numbers.values]
        return not any(passages) or (not all(passages) and bool(_LIST_TEXT.search(before)))

    def none_known(self, contents: str) -> bool:
        """Whether all brackets in this text are citations, and none of a passage."""
        read = [read_numbers(content) for content in re.findall(r"[\[【]([^\]】]*)[\]】]", contents)]
        return all(
            numbers and min(numbers.values) > self._known and not self.meant_as_text(numbers, "") for numbers in read
        )
