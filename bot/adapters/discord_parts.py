"""Pure but for the drawing: answers and pages as Discord's messages, with their files and buttons.

The names of buttons are made and read here. Knows no connection and no place.
"""

import asyncio
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import discord

from bot.feedback import Rating
from bot.messages import Answer, Choice, Page, Picture
from bot.rendering.dialect import safe_url
from bot.rendering.discord_markdown import DISCORD, LONGEST_MESSAGE, discord_pieces, discord_preview, discord_text
from bot.rendering.formulas import Formula, draw_all
from bot.rendering.splitting import Piece

_FEEDBACK, _CHOICE = "erica:feedback:", "erica:choice:"
_LONGEST_ID, _LONGEST_LABEL, _LONGEST_DESCRIPTION = 100, 80, 1024
_MOST_IN_ROW, _MOST_BUTTONS = 5, 25
_LARGEST_FILES = 9 * 2**20
"""Bytes in one message; Discord takes 10 MiB, the text around them included."""
_LONGEST_TITLE = 80
_LONGEST_ASKED = 1_500
_AT_ONCE = 4_000
"""Characters of an answer that are turned into messages without leaving the event loop."""
_ODD = re.compile(
    r"<(?:[@#]|a?:|/|t:|id:)[^<>\n]{1,120}>|[\u0000-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
_MARKS = re.compile(r"[*`|~\\]+|(?<!\w)_+|_+(?!\w)|^\s*(?:#{1,3}|>{1,3}|[-+])\s", re.MULTILINE)
_URL = re.compile(r"(https?://[^\s<>]+)")

EMPTY = "…"
UNTITLED = "Question"


@dataclass(frozen=True, slots=True)
class Button:
    """A button: an emoji, a label or both, and the name by which it comes back."""

    custom_id: str
    label: str = ""
    emoji: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One message: its text (never empty, at most 2,000 characters), files and buttons."""

    text: str
    pictures: tuple[Picture, ...] = ()
    buttons: tuple[Button, ...] = ()

    def files(self) -> list[discord.File]:
        """Fresh ones: the library closes them after a call."""
        return [
            discord.File(io.BytesIO(one.png), one.name, description=one.description[:_LONGEST_DESCRIPTION])
            for one in self.pictures
        ]

    def view(self) -> discord.ui.View | None:
        """The buttons. The library does not wait for them to be pressed: the listener hears of that by their names."""
        if not self.buttons:
            return None
        view = discord.ui.View(timeout=None)
        for number, one in enumerate(self.buttons):
            button: discord.ui.Button[discord.ui.View] = discord.ui.Button(
                custom_id=one.custom_id, label=one.label or None, emoji=one.emoji or None, row=number // _MOST_IN_ROW
            )
            view.add_item(button)
        view.stop()
        return view


async def answer_parts(answer: Answer, feedback: str) -> list[Part]:
    """A finished answer: formulas as pictures below their text, buttons to rate `feedback` below the last message."""
    pieces = await _pieces(answer)
    pictures = await draw_all([formula for piece in pieces for formula in piece.formulas])
    parts = [_part(piece, pictures) for piece in pieces] or [Part(EMPTY)]
    if answer.outcome not in ("refused", "failed"):
        buttons = (
            Button(f"{_FEEDBACK}up:{feedback}", "Helpful", emoji="👍"),
            Button(f"{_FEEDBACK}down:{feedback}", "Not helpful", emoji="👎"),
        )
        parts[-1] = Part(parts[-1].text, parts[-1].pictures, buttons)
    return parts


async def preview_texts(text: str) -> list[str]:
    """The messages of an answer of which so much is written."""
    if len(text) <= _AT_ONCE:
        return discord_preview(text)
    return await asyncio.to_thread(discord_preview, text)


def page_parts(page: Page) -> list[Part]:
    """A page: its picture at the first message, its buttons at the last."""
    texts = discord_text(page.text) or [EMPTY]
    first = Part(texts[0], (_named(page.picture),) if page.picture and len(page.picture.png) <= _LARGEST_FILES else ())
    parts = [first, *map(Part, texts[1:])]
    parts[-1] = Part(parts[-1].text, parts[-1].pictures, choice_buttons(page.choices))
    return parts


def choice_buttons(choices: Sequence[Choice]) -> tuple[Button, ...]:
    """Buttons that come back as their command and argument; those whose name would be too long are left out."""
    buttons: dict[str, Button] = {}
    for choice in choices:
        name = f"{_CHOICE}{choice.command}:{choice.argument}"
        if len(name) <= _LONGEST_ID:
            label = choice.label if len(choice.label) <= _LONGEST_LABEL else choice.label[: _LONGEST_LABEL - 1] + "…"
            buttons.setdefault(name, Button(name, label.strip() or choice.command))
    return tuple(buttons.values())[:_MOST_BUTTONS]


def choice_of(custom_id: str) -> tuple[str, str] | None:
    """Command and argument of a button that `choice_buttons` made; None for any other."""
    if not custom_id.startswith(_CHOICE):
        return None
    command, _, argument = custom_id.removeprefix(_CHOICE).partition(":")
    return (command, argument) if command else None


def feedback_of(custom_id: str) -> tuple[Rating, str] | None:
    """Rating and answer of a feedback button; None for any other button."""
    if not custom_id.startswith(_FEEDBACK):
        return None
    rating, _, answer = custom_id.removeprefix(_FEEDBACK).partition(":")
    known = next((one for one in get_args(Rating) if one == rating), None)
    return (known, answer) if known is not None and answer else None


def thread_title(question: str) -> str:
    """The first words of a question as a thread's name: no mentions, no markup, no hidden characters."""
    text = re.sub(r" (?=[?!.,;:])", "", " ".join(_MARKS.sub(" ", _ODD.sub(" ", question)).split()))
    if len(text) <= _LONGEST_TITLE:
        return text or UNTITLED
    cut = text[: _LONGEST_TITLE - 1]
    return f"{cut[: cut.rfind(' ', _LONGEST_TITLE // 2)] if ' ' in cut[_LONGEST_TITLE // 2 :] else cut}…"


def asked_text(author: str, question: str) -> str:
    """What a slash command asked, told to everybody: as it was typed, without effect, links without previews."""
    question = question if len(question) <= _LONGEST_ASKED else question[:_LONGEST_ASKED] + "…"
    shown = "".join(
        (f"<{safe_url(part)}>" if safe_url(part) else "") if _URL.match(part) else _plain(part)
        for part in _URL.split(question)
    )
    return f"<@{author}> asked: {shown}"[:LONGEST_MESSAGE]


def nonce_of(delivery: str, part: int, again: int) -> str:
    """The same for the same message of the same answer, whoever posts it; at most 25 characters.

    `again` counts how often the messages had to be posted anew.
    """
    return f"{hashlib.sha256(delivery.encode()).hexdigest()[:16]}.{part % 1000}.{again % 1000}"


async def _pieces(answer: Answer) -> list[Piece]:
    if len(answer.text) <= _AT_ONCE:
        return discord_pieces(answer)
    return await asyncio.to_thread(discord_pieces, answer)


def _part(piece: Piece, drawn: dict[Formula, bytes | None]) -> Part:
    """A piece with its pictures; formulas that could not be drawn, or do not fit, stay text."""
    failed, used = set(), 0
    for formula in piece.formulas:
        png = drawn.get(formula)
        if png is None or used + len(png) > _LARGEST_FILES:
            failed.add(formula)
        else:
            used += len(png)
    piece = piece.undrawn(failed)
    pictures = tuple(
        Picture(f"formula-{number}.png", drawn[formula] or b"", formula.latex)
        for number, formula in enumerate(piece.formulas, 1)
    )
    return Part(piece.text or EMPTY, pictures)


def _named(picture: Picture) -> Picture:
    name = re.sub(r"[^\w.-]+", "-", picture.name).strip("-.") or "picture"
    return Picture(name if name.endswith(".png") else f"{name}.png", picture.png, picture.description)


def _plain(text: str) -> str:
    return DISCORD.guarded(DISCORD.prose(" ".join(text.split("\n")), starts_line=False))
