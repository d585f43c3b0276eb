"""Pure: answers in Discord's dialect of Markdown, which has no tables, no formulas and 2,000 characters a message."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bot.messages import Answer, Citation
from bot.rendering.answer_parser import stable_prefix
from bot.rendering.chat_markdown import blocks
from bot.rendering.dialect import Dialect, aligned, language, ticked, unfenced
from bot.rendering.sources import tail
from bot.rendering.splitting import Lines, Piece, pack

LONGEST_MESSAGE = 2_000
MOST_PICTURES = 8

# People, roles, channels, commands, custom emoji, time stamps, guides.
_MENTION = re.compile(
    r"@(?=everyone|here)|<(?=@[!&]?\w|#\w|/[^<>\n]{1,100}:\d|a?:\w{1,40}:\d|t:-?\d|id:\w)", re.IGNORECASE
)
_MARKS = re.compile(r"\\|[*`]|(?<![^\W_])_|_(?![^\W_])|~(?=~)|(?<=~)~|\|(?=\|)|(?<=\|)\||(?<=\])\(")
_LINE_MARK = re.compile(r"(?:#{1,3}|[-+]|-#|>{1,3})(?=\s|$)|\d{1,9}(?=[.)](?:\s|$))")


class _Discord:
    """What Discord shows. Implements Dialect."""

    marks: Mapping[str, str] = MappingProxyType({"strong": "**", "emphasis": "*", "struck": "~~"})
    bullet, rule, line_break, gap_below_lead, small, links_in_tables = "- ", "─" * 10, "\n", "\n", "-# ", False

    def prose(self, text: str, starts_line: bool) -> str:
        text = _MARKS.sub(r"\\\g<0>", text)
        if starts_line and (mark := _LINE_MARK.match(text)):
            text = f"{mark[0]}\\{text[mark.end() :]}" if mark[0].isdigit() else f"\\{text}"
        return text

    def guarded(self, text: str) -> str:
        if "@" not in text and "<" not in text:
            return text
        return _MENTION.sub(lambda mark: mark[0] + "\u200b", text)

    def code(self, text: str) -> str:
        return ticked(text)

    def link(self, label: str, url: str) -> str:
        """The angle brackets keep Discord from embedding the page."""
        return f"<{url}>" if label == url else f"[{label}](<{url}>)"

    def heading(self, level: int) -> tuple[str, str]:
        return ("#" * level + " ", "") if level <= 3 else ("", "strong")

    def listing(self, lines: Sequence[str], info: str) -> Lines:
        return Lines(tuple(self.guarded(unfenced(line)) for line in lines), f"```{language(info)}", "```")

    def table(self, cells: Sequence[Sequence[str]], plain: Sequence[Sequence[str]]) -> Lines | None:
        lines = aligned(plain)
        if lines is None:
            return None
        first, rule, *rows = (self.guarded(unfenced(line)) for line in lines)
        return Lines(tuple(rows), "```", "```", (first, rule))


DISCORD: Dialect = _Discord()


def discord_pieces(answer: Answer, limit: int = LONGEST_MESSAGE) -> list[Piece]:
    """An answer as messages: its text with links, pictures to be attached, prerequisites and sources at the end."""
    return pack([*blocks(answer.text, DISCORD, answer.citations, MOST_PICTURES), *tail(answer, DISCORD)], limit)


def discord_text(markdown: str, citations: Sequence[Citation] = (), limit: int = LONGEST_MESSAGE) -> list[str]:
    """Other Markdown than an answer's, such as help or a card."""
    return [piece.text for piece in pack(blocks(markdown, DISCORD, citations), limit)]


def discord_preview(text: str, limit: int = LONGEST_MESSAGE) -> list[str]:
    """Messages that show an answer of which `text` is written so far; nothing in them is half, fences are closed."""
    return discord_text(stable_prefix(text), limit=limit)
