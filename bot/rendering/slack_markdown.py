"""Pure: answers in Slack's two ways of writing: standard Markdown for its markdown blocks, mrkdwn for `text`."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bot.messages import Answer, Citation
from bot.rendering.answer_parser import open_fence, stable_prefix
from bot.rendering.chat_markdown import blocks
from bot.rendering.dialect import Dialect, aligned, language, ticked, unfenced
from bot.rendering.sources import tail
from bot.rendering.splitting import Lines, Piece, pack

LONGEST_MARKDOWN = 12_000
"""Characters of all markdown blocks of a message, and of one `markdown_text`."""
LONGEST_TEXT = 3_000
"""Characters of `text` that are worth sending: it is read in notifications and by screen readers."""
MOST_PICTURES = 8

_MENTION = re.compile(r"@(?=everyone|here|channel)|<(?=!(?:here|channel|everyone|group|subteam|date)|@\w|#\w)", re.I)
_ENTITY = re.compile(r"&(?=#?\w{1,31};)")
_MARKS = re.compile(r"\\(?=[!-/:-@\[-`{-~])|[*`]|(?<![^\W_])_|_(?![^\W_])|~(?=~)|(?<=~)~|(?<=\])\(")
_LINE_MARK = re.compile(r"(?:#{1,6}|[-+=]+)(?=\s|$)|\d{1,9}(?=[.)](?:\s|$))")


class _Common:
    """What both ways of writing share."""

    small = ""

    def guarded(self, text: str) -> str:
        if "@" not in text and "<" not in text:
            return text
        return _MENTION.sub(lambda mark: mark[0] + "\u200b", text)


class _Standard(_Common):
    """What `markdown` blocks and `markdown_text` take. Implements Dialect."""

    marks: Mapping[str, str] = MappingProxyType({"strong": "**", "emphasis": "*", "struck": "~~"})
    bullet, rule, line_break, gap_below_lead, links_in_tables = "- ", "---", "  \n", "\n\n", True

    def prose(self, text: str, starts_line: bool) -> str:
        """Slack looks for `<…>` in its markdown blocks too, and shows entities as what they stand for."""
        text = _ENTITY.sub("&amp;", _MARKS.sub(r"\\\g<0>", text)).replace("<", "&lt;").replace(">", "&gt;")
        if starts_line and (mark := _LINE_MARK.match(text)):
            text = f"{mark[0]}\\{text[mark.end() :]}" if mark[0].isdigit() else f"\\{text}"
        return text

    def code(self, text: str) -> str:
        return ticked(text)

    def link(self, label: str, url: str) -> str:
        return f"[{label}]({url})"

    def heading(self, level: int) -> tuple[str, str]:
        return "#" * level + " ", ""

    def listing(self, lines: Sequence[str], info: str) -> Lines:
        return Lines(tuple(self.guarded(unfenced(line)) for line in lines), f"```{language(info)}", "```")

    def table(self, cells: Sequence[Sequence[str]], plain: Sequence[Sequence[str]]) -> Lines | None:
        head, *rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells]
        return Lines(tuple(rows), head=(head, "|" + " --- |" * len(cells[0])))


class _Mrkdwn(_Common):
    """What `text` takes. It has no escapes: marks that are meant as text become their look-alikes."""

    marks: Mapping[str, str] = MappingProxyType({"strong": "*", "emphasis": "_", "struck": "~"})
    bullet, rule, line_break, gap_below_lead, links_in_tables = "• ", "─" * 10, "\n", "\n", False

    def prose(self, text: str, starts_line: bool) -> str:
        return _entities(text).translate({ord("*"): "∗", ord("`"): "ˋ", ord("~"): "∼"})

    def code(self, text: str) -> str:
        return f"`{_entities(text).replace('`', 'ˋ')}`"

    def link(self, label: str, url: str) -> str:
        return f"<{url.replace('&', '&amp;')}|{label}>"

    def heading(self, level: int) -> tuple[str, str]:
        return "", "strong"

    def listing(self, lines: Sequence[str], info: str) -> Lines:
        return Lines(tuple(self.guarded(_entities(unfenced(line))) for line in lines), "```", "```")

    def table(self, cells: Sequence[Sequence[str]], plain: Sequence[Sequence[str]]) -> Lines | None:
        lines = aligned(plain)
        if lines is None:
            return None
        first, rule, *rows = (self.guarded(_entities(unfenced(line))) for line in lines)
        return Lines(tuple(rows), "```", "```", (first, rule))


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


STANDARD: Dialect = _Standard()
MRKDWN: Dialect = _Mrkdwn()


def slack_pieces(answer: Answer, limit: int = LONGEST_MARKDOWN) -> list[Piece]:
    """An answer for markdown blocks: its text with links, pictures to be drawn, prerequisites and sources.

    Each piece's pictures belong below it; neighbours that `splitting.grouped` puts together fit into one message.
    """
    return pack([*blocks(answer.text, STANDARD, answer.citations, MOST_PICTURES), *tail(answer, STANDARD)], limit)


def mrkdwn_pieces(answer: Answer, limit: int = LONGEST_TEXT) -> list[Piece]:
    """The same for `text`, without pictures: the first is what notifications show, all of them do without blocks."""
    return pack([*blocks(answer.text, MRKDWN, answer.citations), *tail(answer, MRKDWN)], limit)


def slack_text(markdown: str, citations: Sequence[Citation] = (), limit: int = LONGEST_MARKDOWN) -> list[str]:
    """Other Markdown than an answer's, such as help, for markdown blocks."""
    return [piece.text for piece in pack(blocks(markdown, STANDARD, citations), limit)]


def mrkdwn_text(markdown: str, citations: Sequence[Citation] = (), limit: int = LONGEST_TEXT) -> list[str]:
    """Other Markdown than an answer's, such as help, for `text`."""
    return [piece.text for piece in pack(blocks(markdown, MRKDWN, citations), limit)]


def slack_growth(shown: str, text: str) -> str:
    """What to append to streams that show `shown`, of an answer of which `text` is written: often nothing.

    What was shown never changes; numbers become links, and formulas pictures, when the answer is finished.
    """
    stable = stable_prefix(text)
    grown = "\n\n".join(piece.text for piece in pack(blocks(stable, STANDARD), limit=1_000_000))
    if open_fence(stable) is not None:
        grown = grown.removesuffix("\n```")
    return grown[len(shown) :] if grown.startswith(shown) else ""


def rotation(shown: str) -> tuple[str, str]:
    """What closes a stream that shows `shown`, and what opens the next: a fence must not run across."""
    fence = open_fence(shown)
    return ("", "") if fence is None else ("\n```", f"```{language(fence)}\n")
