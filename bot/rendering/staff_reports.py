"""Pure: what students said of answers, and the questions that were given up, as JSON and for staff to read.

Never who asked. Reasons of failures are foreign words too, and may hold what is in addresses: both are taken care of.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from bot.feedback import Feedback
from bot.foreign import visible
from bot.intake import DeadLetter
from bot.logs import Redaction
from bot.rendering.paragraphs import Line, clean, sentence, spaced

_MOST_PASSAGES = 5
_RATINGS = {"up": "helped", "down": "did not help"}

_redaction = Redaction()


def feedback_json(course: str, said: Iterable[Feedback]) -> dict[str, Any]:
    """What `erica feedback --json` prints: what was said last comes last."""
    ordered = _by_time(said)
    counts = Counter(one.rating for one in ordered)
    return {
        "course": course,
        "up": counts["up"],
        "down": counts["down"],
        "feedback": [
            {
                "at": one.at,
                "rating": one.rating,
                "reason": one.reason,
                "question": one.answer.question,
                "answer": one.answer.answer,
                "outcome": one.answer.outcome,
                "model": one.answer.model,
                "prompt": one.answer.prompt,
                "passages": list(one.answer.passages),
                "platform": one.answer.platform,
                "answered": one.answer.at,
                "id": one.answer.id,
            }
            for one in ordered
        ],
    }


def feedback_text(said: Iterable[Feedback]) -> RenderableType:
    """What was said last comes last, where one looks first; then how many were pleased. To print with soft_wrap."""
    ordered = _by_time(said)
    if not ordered:
        return Line(Text("Nobody has rated an answer of this course yet."))
    counts = Counter(one.rating for one in ordered)
    sums = Line(Text(f"{_answers(ordered)}: {counts['up']} up, {counts['down']} down.", style="bold"))
    return spaced([*(_opinion(one) for one in ordered), [sums]])


def _by_time(said: Iterable[Feedback]) -> list[Feedback]:
    return sorted(said, key=lambda one: one.at)


def _answers(said: Sequence[Feedback]) -> str:
    count = len({one.answer.id for one in said})
    return f"{count} rated {'answer' if count == 1 else 'answers'}"


def _opinion(one: Feedback) -> list[RenderableType]:
    answer = one.answer
    style = "green" if one.rating == "up" else "red"
    lines = [
        Line(Text.assemble(f"{_minute(one.at)}  ", (f"{one.rating}, it {_RATINGS[one.rating]}", style))),
        Line(Text(f"Question: {sentence(answer.question)}"), 2),
    ]
    if reason := sentence(one.reason):
        lines.append(Line(Text(f"Reason: {reason}"), 2))
    writer = clean(answer.model) if answer.model else "no model"
    version = f", prompt {clean(answer.prompt)}" if answer.prompt else ""
    lines.append(Line(Text(f"{clean(answer.outcome)}, {writer}{version}", style="dim"), 2))
    rest = len(answer.passages) - _MOST_PASSAGES
    lines += [Line(Text(clean(passage), style="dim"), 4) for passage in answer.passages[:_MOST_PASSAGES]]
    lines += [Line(Text(f"and {rest} more", style="dim"), 4)] if rest > 0 else []
    return list(lines)


def letters_json(letters: Iterable[DeadLetter], total: int, with_text: bool) -> dict[str, Any]:
    """What `erica letters --json` prints; `total` is how many there are, listed or not."""
    return {"total": total, "letters": [_letter_json(letter, with_text) for letter in _by_burial(letters)]}


def _letter_json(letter: DeadLetter, with_text: bool) -> dict[str, Any]:
    incoming = letter.incoming
    told = {
        "id": letter.id,
        "at": _iso(letter.buried),
        "reason": _redaction.text(letter.reason),
        "attempts": letter.attempts,
        "platform": incoming.platform if incoming else None,
        "course": incoming.course if incoming else None,
        "channel": incoming.channel if incoming else None,
        "kind": incoming.kind if incoming else None,
        "received": _iso(incoming.received) if incoming else None,
    }
    return {**told, "question": incoming.text if incoming else None} if with_text else told


def letters_text(letters: Iterable[DeadLetter], total: int, with_text: bool) -> RenderableType:
    """What was given up last comes last; then what to do about it. To be printed with soft_wrap."""
    ordered = _by_burial(letters)
    if not ordered:
        return Line(Text("No question was given up."))
    count = f"{total} given up" if total <= len(ordered) else f"{total} given up, of which the last {len(ordered)}"
    hint = "`--replay ID` has one answered after all, `--replay-all` all of them; `--text` shows what was asked."
    return spaced([*(_letter(letter, with_text) for letter in ordered), [Line(Text(f"{count}. {hint}", style="bold"))]])


def _by_burial(letters: Iterable[DeadLetter]) -> list[DeadLetter]:
    return sorted(letters, key=lambda letter: letter.buried)


def _letter(letter: DeadLetter, with_text: bool) -> list[RenderableType]:
    incoming = letter.incoming
    times = "1 attempt" if letter.attempts == 1 else f"{letter.attempts} attempts"
    where = f"{incoming.platform}, {clean(incoming.course) or 'no course'}" if incoming else "unreadable"
    when = _minute(_iso(letter.buried))
    head = Line(Text.assemble(f"{when}  ", (clean(letter.id), "bold"), f"  {where}, {times}"))
    lines = [head, Line(Text(sentence(_redaction.text(letter.reason)) or "no reason is known"), 2)]
    if with_text and incoming:
        lines.append(Line(Text(f"Question: {sentence(incoming.text)}"), 2))
    return list(lines)


def _iso(since_epoch: float) -> str | None:
    """UTC in ISO 8601; None for a moment that no calendar has."""
    try:
        return datetime.fromtimestamp(since_epoch, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return None


def _minute(at: str | None) -> str:
    """A moment as people read it."""
    try:
        return datetime.fromisoformat(at or "").astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return visible(at or "")[:30] or "at an unknown time"
