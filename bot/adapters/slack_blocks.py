"""Pure: answers and pages as Slack's messages, in ways that ask less and less of Slack. Knows no Slack to call."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.messages import Answer, Choice, Page, Picture
from bot.rendering.formulas import Formula
from bot.rendering.slack_markdown import (
    LONGEST_MARKDOWN,
    MRKDWN,
    mrkdwn_pieces,
    mrkdwn_text,
    rotation,
    slack_growth,
    slack_pieces,
    slack_text,
)
from bot.rendering.splitting import Piece, grouped

Json = dict[str, Any]

FEEDBACK = "erica:feedback"
"""Action id of both thumbs; their value is `{"answer": <delivery>, "rating": "up" | "down"}`."""
CHOICE = "erica:choice:"
"""Action ids of choices begin so; their value is `{"command": ..., "argument": ...}`."""
LONGEST_PREVIEW = 11_000

_RATED = ("answered", "extractive", "abstained")
_LONGEST_LABEL, _LONGEST_VALUE, _LONGEST_ALT, _LONGEST_SECTION, _LONGEST_ASKED = 75, 2_000, 2_000, 2_900, 2_500
_ROW, _MOST_ROWS, _MOST_BLOCKS = 5, 5, 50
_NOTHING = "…"


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as it is sent: blocks, and the text for notifications and screen readers."""

    text: str
    blocks: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """What one message is to show. `rated`: whose feedback buttons stand below it, "" for none."""

    text: str
    pieces: tuple[Piece, ...]
    picture: Picture | None = None
    choices: tuple[Choice, ...] = ()
    rated: str = ""


def answer_sheets(answer: Answer, delivery: str, limit: int = LONGEST_MARKDOWN) -> list[Sheet]:
    """An answer's messages, of at most `limit` characters each; the feedback buttons stand below the last."""
    groups = grouped(slack_pieces(answer, limit), limit)
    first = next((piece.text for piece in mrkdwn_pieces(answer) if piece.text), _NOTHING)
    sheets = [Sheet(first if number == 0 else _plain(group), group) for number, group in enumerate(groups)]
    sheets = sheets or [Sheet(_NOTHING, ())]
    if answer.outcome in _RATED:
        sheets[-1] = replace(sheets[-1], rated=delivery)
    return sheets


def page_sheets(page: Page, limit: int = LONGEST_MARKDOWN) -> list[Sheet]:
    """A page's messages; its picture and choices stand below the last."""
    texts = slack_text(page.text, limit=limit)
    sheets = [Sheet(_plain((Piece(text),)), (Piece(text),)) for text in texts] or [Sheet(_NOTHING, ())]
    sheets[-1] = replace(sheets[-1], picture=page.picture, choices=page.choices)
    return sheets


def ways(sheet: Sheet, files: Mapping[Formula | Picture, str]) -> Iterator[Shown]:
    """A message in every way it can be sent, best first: Slack may know no feedback block, or take no picture.

    `files` are the ids of pictures that were uploaded. All ways carry the whole text.
    """
    tried: list[Shown] = []
    for pictures, feedback, markdown in (
        (files, _feedback_block, True),
        (files, _feedback_buttons, True),
        ({}, _feedback_buttons, True),
        ({}, _feedback_buttons, False),
        ({}, _no_feedback, False),
    ):
        body = _body(sheet, pictures) if markdown else _sections(sheet)
        below = [*_choices(sheet.choices), *(feedback(sheet.rated) if sheet.rated else ())]
        shown = Shown(sheet.text, (*body[: _MOST_BLOCKS - len(below)], *below))
        if shown not in tried:
            tried.append(shown)
            yield shown


def wanted(sheets: Sequence[Sheet]) -> tuple[tuple[Formula, ...], tuple[Picture, ...]]:
    """The formulas to be drawn, and the pictures there are already."""
    formulas = dict.fromkeys(formula for sheet in sheets for piece in sheet.pieces for formula in piece.formulas)
    return tuple(formulas), tuple(sheet.picture for sheet in sheets if sheet.picture)


def preview(text: str) -> Shown:
    """An answer that is still being written; of a long one, its beginning. Empty while nothing can be shown."""
    grown = slack_growth("", text)
    if not grown.strip():
        return Shown("")
    grown = grown[: cut(grown, LONGEST_PREVIEW)]
    grown += rotation(grown)[0]
    return Shown(next(iter(mrkdwn_text(grown)), _NOTHING), ({"type": "markdown", "text": grown},))


def cut(text: str, most: int) -> int:
    """Where to break text of more than `most` characters: behind its last line, word, or else anywhere."""
    if len(text) <= most:
        return len(text)
    return text.rfind("\n", most // 2, most) + 1 or text.rfind(" ", most // 2, most) + 1 or most


def asked_text(author: str, question: str) -> str:
    """What begins the thread of a question that came as a command. Nobody is mentioned but who asked."""
    question = question.strip()
    if len(question) > _LONGEST_ASKED:
        question = question[:_LONGEST_ASKED] + " …"
    escaped = question.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    who = f"<@{author}>" if re.fullmatch(r"\w+", author, re.ASCII) else "Somebody"
    return f"{who} asked:\n" + "\n".join(f"> {line}" for line in MRKDWN.guarded(escaped).splitlines())


def _plain(pieces: Sequence[Piece]) -> str:
    """The beginning of a message in mrkdwn, from what its blocks show."""
    return next(iter(mrkdwn_text("\n\n".join(_undrawn(piece).text for piece in pieces))), _NOTHING)


def _undrawn(piece: Piece) -> Piece:
    return piece.undrawn(piece.formulas)


def _body(sheet: Sheet, files: Mapping[Formula | Picture, str]) -> list[Json]:
    blocks: list[Json] = []
    for whole in sheet.pieces:
        piece = whole.undrawn([formula for formula in whole.formulas if formula not in files])
        if piece.text:
            blocks.append({"type": "markdown", "text": piece.text})
        blocks += [_image(files[formula], formula.latex) for formula in piece.formulas]
    if sheet.picture is not None and sheet.picture in files:
        blocks.append(_image(files[sheet.picture], sheet.picture.description))
    return blocks


def _sections(sheet: Sheet) -> list[Json]:
    """The same without markdown blocks."""
    texts = [text for piece in sheet.pieces for text in mrkdwn_text(_undrawn(piece).text, limit=_LONGEST_SECTION)]
    return [{"type": "section", "text": {"type": "mrkdwn", "text": text}} for text in texts]


def _image(file: str, description: str) -> Json:
    return {"type": "image", "slack_file": {"id": file}, "alt_text": description[:_LONGEST_ALT] or "a picture"}


def _button(label: str, action: str, value: str) -> Json:
    return {"type": "button", "action_id": action, "text": _words(label), "value": value}


def _words(text: str) -> Json:
    whole = " ".join(text.split())
    short = whole if len(whole) <= _LONGEST_LABEL else whole[: _LONGEST_LABEL - 1].rstrip() + "…"
    return {"type": "plain_text", "text": short or _NOTHING}


def _choices(choices: Sequence[Choice]) -> list[Json]:
    buttons = []
    for number, choice in enumerate(choices[: _ROW * _MOST_ROWS]):
        value = json.dumps({"command": choice.command, "argument": choice.argument}, ensure_ascii=False)
        if len(value) <= _LONGEST_VALUE:
            buttons.append(_button(choice.label, f"{CHOICE}{number}", value))
    rows = [buttons[start : start + _ROW] for start in range(0, len(buttons), _ROW)]
    return [{"type": "actions", "elements": row} for row in rows]


def _rating(delivery: str, rating: str) -> str:
    return json.dumps({"answer": delivery, "rating": rating})


def _feedback_block(delivery: str) -> list[Json]:
    def side(label: str, rating: str) -> Json:
        return {"text": _words(label), "accessibility_label": label, "value": _rating(delivery, rating)}

    buttons = {"positive_button": side("Helpful", "up"), "negative_button": side("Not helpful", "down")}
    return [{"type": "context_actions", "elements": [{"type": "feedback_buttons", "action_id": FEEDBACK, **buttons}]}]


def _feedback_buttons(delivery: str) -> list[Json]:
    """Action ids must differ within a row."""
    thumbs = [
        _button("👍 Helpful", f"{FEEDBACK}:up", _rating(delivery, "up")),
        _button("👎 Not helpful", f"{FEEDBACK}:down", _rating(delivery, "down")),
    ]
    return [{"type": "actions", "elements": thumbs}]


def _no_feedback(delivery: str) -> list[Json]:
    return []
