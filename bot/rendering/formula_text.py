"""Pure: inline formulas as Unicode, where that says it all."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import unicodeit
import unicodeit.data

_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Inline:
    """An inline formula as it is shown: `prose` reads well as it stands, `code` is better set as code."""

    text: str
    kind: Literal["prose", "code"]


_TOKEN = re.compile(r"\\[a-zA-Z]+\*?|\\.|\s+|.", re.DOTALL)
_FUNCTIONS = frozenset(
    "log ln lg exp sin cos tan cot sec csc sinh cosh tanh arcsin arccos arctan max min sup inf arg argmax argmin det"
    " dim deg gcd ker lim Pr softmax".split()
)
_PLAIN_STYLES = frozenset(
    "mathbf mathrm mathsf mathtt mathit boldsymbol bm text textbf textit textrm textsf texttt operatorname mbox"
    " textnormal mathop operatorname* displaystyle textstyle".split()
)
_LETTER_STYLES = frozenset("mathbb mathcal mathscr mathfrak".split())
_ACCENTS = frozenset("hat bar tilde vec dot ddot widehat widetilde overline".split())
_DROPPED = frozenset("left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr limits nolimits ! nonumber".split())
_SYMBOLS = {
    ",": " ", ";": " ", ":": " ", " ": " ", ">": " ",
    "quad": "  ", "qquad": "  ", "{": "{", "}": "}", "%": "%", "$": "$",
    "_": "_", "#": "#", "&": "&", "|": "‖", "Vert": "‖", "lVert": "‖", "rVert": "‖", "vert": "|", "lvert": "|",
    "rvert": "|", "mid": " | ", "dots": "…", "ldots": "…", "cdots": "⋯", "top": "⊤", "intercal": "⊤", "colon": ":",
    "le": " ≤ ", "ge": " ≥ ", "ne": " ≠ ", "gets": " ← ", "implies": " ⟹ ", "iff": " ⟺ ", "prime": "′", "ast": "∗",
    "epsilon": "ε", "langle": "⟨", "rangle": "⟩", "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉",
    "backslash": "\\", "cdot": "·", "odot": "⊙", "phi": "φ", "varphi": "φ", "setminus": "∖",
    "coloneqq": " ≔ ", "circ": "∘", "sum": "∑", "prod": "∏", "int": "∫",
}  # fmt: skip
_RELATIONS = frozenset("·∘⊙∖=∈∉⊂⊆⊃⊇≤≥≠≈∼≃≅≡∝→←⇒⇐↔⇔↦≪≫×±∪∩∧∨⊕⊗≺≻⟶⟹")
_RAISED = dict.fromkeys("*∗", "*") | {"′": "′", "'": "′", "⊤": "ᵀ", "∘": "°", "φ": "ᵠ", "-": "⁻", "…": "…", "†": "†"}
_LOWERED = {"φ": "ᵩ", "-": "₋", "…": "…"}
for _mark, _sign in unicodeit.data.SUBSUPERSCRIPTS:
    (_RAISED if _mark[0] == "^" else _LOWERED).setdefault(_mark[1:], _sign)


class _NoUnicodeError(Exception):
    """There is something in the formula that a line of text cannot say."""


@lru_cache(maxsize=2048)
def inline(latex: str) -> Inline:
    """An inline formula as text: Unicode where it says it all, `d_model` as code, else its LaTeX as code."""
    source = " ".join(latex.split())
    if len(source) > _LONGEST:
        return Inline(source, "code")
    try:
        reading = _Reading(_TOKEN.findall(source))
        text = " ".join(reading.sequence().split())
    except (_NoUnicodeError, RecursionError):
        return Inline(source, "code")
    return Inline(text or source, "prose" if text and reading.reads_well else "code")


class _Reading:
    """Reads LaTeX from left to right. `reads_well` turns false where sub- or superscripts have no characters."""

    def __init__(self, parts: list[str]) -> None:
        self._parts, self._at = parts, 0
        self.reads_well = True

    def sequence(self, closing: str = "") -> str:
        out = ""
        while self._at < len(self._parts):
            part = self._next()
            if part == closing:
                return out
            if part in "^_":
                out = out.rstrip() + self._script(part)
            else:
                piece = self._spaced(part)
                out += " " * (part[1:] in _FUNCTIONS and (out[-1:].isalnum() or out[-1:] == ")")) + piece
        if closing:
            raise _NoUnicodeError
        return out

    def _next(self) -> str:
        if self._at >= len(self._parts):
            raise _NoUnicodeError
        self._at += 1
        return self._parts[self._at - 1]

    def _argument(self) -> str:
        part = self._next()
        while part.isspace():
            part = self._next()
        if part in "^_}&":
            raise _NoUnicodeError
        return self._one(part).strip()

    def _spaced(self, part: str) -> str:
        piece = self._one(part)
        return f" {piece} " if piece in _RELATIONS else piece

    def _one(self, part: str) -> str:
        if part == "{":
            return self.sequence("}")
        if part in "}&" or part == "\\\\":
            raise _NoUnicodeError
        if part.isspace() or part == "~":
            return " "
        if part == "-":
            return "−"
        if part == "*":
            return "∗"
        if part[0] != "\\":
            return part
        if part[1:].isalpha() and self._at + 1 < len(self._parts) and self._parts[self._at].isspace():
            following = self._parts[self._at + 1][0]
            self._at += following.isalnum() or following in "\\("  # space that only ends the command
        return self._command(part[1:])

    def _command(self, name: str) -> str:
        if name in _SYMBOLS:
            return _SYMBOLS[name]
        if name in _FUNCTIONS:
            following = next((part for part in self._parts[self._at :] if not part.isspace()), "")
            return name + " " * (following[:1].isalnum() or following[:1] == "\\")
        if name in _DROPPED:
            if name in ("left", "right") and self._parts[self._at : self._at + 1] == ["."]:
                self._at += 1
            return ""
        if name in _PLAIN_STYLES:
            return "" if name.endswith("style") else self._argument()
        if name in _LETTER_STYLES:
            letter = self._argument()
            return _known(f"\\{name}{{{letter}}}") if len(letter) == 1 and letter.isascii() else letter
        if name in _ACCENTS:
            return self._accented(name)
        if name in ("frac", "dfrac", "tfrac"):
            above, below = self._argument(), self._argument()
            return f"{_bracketed(above)}/{_bracketed(below)}"
        if name == "sqrt" and self._parts[self._at : self._at + 1] != ["["]:
            return f"√{_bracketed(self._argument())}"
        return _known(f"\\{name}")

    def _accented(self, name: str) -> str:
        letter = self._argument()
        if len(letter) != 1 or not letter.isalpha():
            raise _NoUnicodeError
        mark = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "vec": "\u20d7", "dot": "\u0307", "ddot": "\u0308"}
        mark |= {"widehat": "\u0302", "widetilde": "\u0303", "overline": "\u0304"}
        return unicodedata.normalize("NFC", letter + mark[name])

    def _script(self, mark: str) -> str:
        content = "".join(self._argument().split()).replace("−", "-")
        if content and set(content) <= {"'", "′"}:
            return "′" * len(content)
        signs = [(_RAISED if mark == "^" else _LOWERED).get(char) for char in content]
        if all(signs) and signs:
            return "".join(sign for sign in signs if sign)
        self.reads_well = False
        word = all(unicodedata.category(char) in ("Ll", "Lu", "Nd") for char in content)
        return mark + (content if word and content else f"({content.replace('-', '−')})")


def _known(command: str) -> str:
    """What unicodeit says to one command. Raises _NoUnicodeError."""
    text: str = unicodeit.replace(command)
    if not text or "\\" in text or "{" in text:
        raise _NoUnicodeError
    return text


def _bracketed(text: str) -> str:
    """Brackets around what would otherwise be torn apart by the sign before or behind it."""
    simple = all(char.isalnum() or unicodedata.category(char) in ("Lm", "No", "Mn") or char in "′.√∂∇" for char in text)
    return text if simple and text else f"({text})"
