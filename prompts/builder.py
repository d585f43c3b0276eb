"""Fills the templates of this folder and fits them to a model's context. Knows passages, not the bot's types."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from retrieval.retriever import Found

_FOLDER = Path(__file__).parent
_TAG = re.compile(r"<(?=\s*/?\s*(?:passages?|earlier|question)\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class EarlierTurn:
    """What was asked and answered before in the same thread."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class PromptInput:
    """Everything that goes into one prompt. `earlier` is oldest first."""

    title: str
    question: str
    passages: Sequence[Found]
    style: str = ""
    earlier: tuple[EarlierTurn, ...] = ()


@dataclass(frozen=True, slots=True)
class Prompt:
    """`system` is the same for every question of a course; `passages` says how many made it into `user`."""

    system: str
    user: str
    passages: int


class PromptBuilder:
    """Renders prompts. A course may override single templates with files of the same name in `folder`."""

    def __init__(self, folder: Path | None = None) -> None:
        folders = [folder, _FOLDER] if folder else [_FOLDER]
        self._templates = Environment(
            loader=FileSystemLoader(folders),
            undefined=StrictUndefined,
            autoescape=False,  # noqa: S701 - prompts are text; what is foreign goes through `data`
            keep_trailing_newline=False,
        )
        self._templates.filters["data"] = as_data

    def build(self, given: PromptInput, count: Callable[[str], int], budget: int) -> Prompt | None:
        """The prompt, at most `budget` tokens as `count` counts them; None where not even a part fits.

        What matters least goes first: the oldest turns, then the last passages, then the end of the
        first passage.
        """
        while True:
            prompt = self._render(given)
            over = count(prompt.system) + count(prompt.user) - budget
            if over <= 0:
                return prompt
            if given.earlier:
                given = replace(given, earlier=given.earlier[1:])
            elif len(given.passages) > 1:
                given = replace(given, passages=given.passages[:-1])
            elif given.passages and len(given.passages[0].text) > 400:
                only = given.passages[0]
                keep = max(400, len(only.text) - max(400, over * 4))
                given = replace(given, passages=[replace(only, text=only.text[:keep])])
            else:
                return None

    def _render(self, given: PromptInput) -> Prompt:
        passages = [
            {
                "title": found.passage.title,
                "heading": found.passage.heading,
                "notes": found.passage.trust == "notes",
                "text": found.text,
            }
            for found in given.passages
        ]
        system = "\n\n".join(
            self._templates.get_template(name).render(title=given.title, style=given.style).strip()
            for name in ("tutor.md.j2", "course.md.j2")
        )
        user = self._templates.get_template("question.md.j2").render(
            passages=passages, earlier=given.earlier, question=given.question
        )
        return Prompt(system, user.strip(), len(passages))


def as_data(text: str) -> str:
    """Foreign text that can neither open nor close the tags it stands between."""
    return _TAG.sub("‹", text)
