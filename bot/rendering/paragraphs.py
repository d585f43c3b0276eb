"""Pure: paragraphs, links and listings for a terminal, safe whatever the course's pages hold. Knows no concepts.

All is made of `rich.text.Text`, never of markup, for names and sentences come from anybody's pages.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.style import Style
from rich.syntax import Syntax
from rich.text import Text

from bot.foreign import visible
from bot.rendering.console_markdown import readable

_LONGEST_NAME = 100
_LONGEST_SENTENCE = 600
_LONGEST_ADDRESS = 2000
_READ = 3 * _LONGEST_SENTENCE  # of any text; formulas and spaces take more room than they show


@dataclass(frozen=True, slots=True)
class Line:
    """A paragraph, `indent` columns from the left. A link is not broken where the console lets lines run on."""

    text: Text
    indent: int = 0
    is_link: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[Text]:
        margin = Text(" " * self.indent)
        if self.is_link and options.no_wrap:
            yield margin + self.text
            return
        width = max(options.max_width - self.indent, 20)
        for piece in self.text.wrap(console, width, overflow="fold", no_wrap=False):
            piece.rstrip()
            yield margin + piece


@dataclass(frozen=True, slots=True)
class Code:
    """A listing; coloured where there is a terminal, plain text to be copied where there is none."""

    code: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[Text]:
        text = Text(self.code)
        if console.is_terminal:
            text = Syntax("", "python", theme="ansi_dark", background_color="default").highlight(self.code)
        for line in text.split("\n", allow_blank=False):
            yield Text("    ") + line if line else Text()


def spaced(parts: Iterable[Sequence[RenderableType]]) -> Group:
    """The parts that hold something, an empty line between them."""
    lines: list[RenderableType] = []
    for part in filter(None, parts):
        lines += [Text(""), *part] if lines else part
    return Group(*lines)


def link(url: str, indent: int = 0) -> list[RenderableType]:
    """An address on a line of its own; nothing where there is none."""
    shown = _address(url)
    return [Line(Text(shown, style=Style(dim=True) + linked(url)), indent, is_link=True)] if shown else []


def linked(url: str) -> Style:
    """What makes a title lead to a web address, on terminals that can do that."""
    target = _address(url)
    return Style(link=target) if target.startswith(("https://", "http://")) else Style()


def _address(url: str) -> str:
    return "".join(visible(url).split()) if len(url) <= _LONGEST_ADDRESS else ""


def clean(text: str) -> str:
    """A name on one line, of a length that can be read."""
    return _cut(" ".join(visible(text[:_READ]).split()), _LONGEST_NAME)


def sentence(text: str) -> str:
    """A sentence of the course on one line, its formulas as near as a terminal comes."""
    line = visible(text[:_READ])
    if "$" in line or "\\(" in line:
        line = readable(line).replace("```", " ").replace("`", "")
    return _cut(" ".join(line.split()), _LONGEST_SENTENCE)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest].rstrip()} …"
