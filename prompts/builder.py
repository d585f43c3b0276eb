"""Fills the templates of this folder and fits them to a model's context. Knows passages, not the bot's types."""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment

from retrieval.passage import Passage
from retrieval.results import Found

_FOLDER = Path(__file__).parent
_TEMPLATES = ("tutor.md.j2", "course.md.j2", "question.md.j2")
_TAG = re.compile(r"[<＜﹤](?=[\W_]{0,20}(?:passages?|earlier|needed_first|question)(?![a-z]))", re.IGNORECASE)
# Nobody who reads a page or a message sees these, but a model does: zero-width, direction and tag characters.
_UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")


@dataclass(frozen=True, slots=True)
class EarlierTurn:
    """What was asked and answered before in the same thread."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class PromptInput:
    """Everything that goes into one prompt. `earlier` is oldest first; `first` names what one needs to know before."""

    title: str
    question: str
    passages: Sequence[Found]
    style: str = ""
    earlier: tuple[EarlierTurn, ...] = ()
    first: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prompt:
    """`system` is the same for every question of a course; `passages` says how many made it into `user`."""

    system: str
    user: str
    passages: int


class BadTemplate(Exception):
    """A course's own template cannot be used; the message says where and why."""


class PromptBuilder:
    """Renders prompts. A course may override single templates with files of the same name in `folder`.

    `version`, 12 hexadecimal digits, changes with any of the templates.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Raises BadTemplate now rather than with the first question."""
        if folder is not None and not folder.is_dir():
            raise BadTemplate(f"{folder} is no folder")
        folders = [folder, _FOLDER] if folder else [_FOLDER]
        self._templates = SandboxedEnvironment(
            loader=FileSystemLoader(folders),
            undefined=StrictUndefined,
            autoescape=False,  # prompts are text; what is foreign goes through `data`
            keep_trailing_newline=False,
            auto_reload=False,  # what was tried at start is what is used, however staff edit meanwhile
        )
        self._templates.filters["data"] = as_data
        self._templates.filters["attribute"] = as_attribute
        self._rehearse()
        self.version = self._fingerprint()

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

    def _fingerprint(self) -> str:
        """12 hexadecimal digits that change with any of the templates."""
        loader = self._templates.loader
        assert loader is not None
        sources = [loader.get_source(self._templates, name)[0] for name in _TEMPLATES]
        return hashlib.sha256("\0".join(sources).encode()).hexdigest()[:12]

    def _rehearse(self) -> None:
        example = Passage(0, 0, 0, "a.md", "Title", ("Heading",), "Text", "https://example.edu/", "", "notes")
        given = PromptInput(
            "Course", "Why?", [Found(1, 1.0, example, "Text")], "Style", (EarlierTurn("Why?", "So."),), ("What",)
        )
        try:
            for shape in (given, PromptInput("Course", "Why?", [])):
                self._render(shape)
        except TemplateSyntaxError as error:
            raise BadTemplate(f"{error.filename or error.name}, line {error.lineno}: {error.message}") from error
        except (TemplateError, OSError, ValueError, TypeError, LookupError, ArithmeticError) as error:
            raise BadTemplate(f"a prompt template does not work: {error}") from error

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
            for name in _TEMPLATES[:2]
        )
        user = self._templates.get_template(_TEMPLATES[2]).render(
            passages=passages, earlier=given.earlier, first=given.first, question=given.question
        )
        return Prompt(system, user.strip(), len(passages))


def as_data(text: str) -> str:
    """Foreign text that can neither open nor close the tags it stands between."""
    return _TAG.sub("‹", _UNSEEN.sub("", text))


def as_attribute(text: str) -> str:
    """Foreign text in one line that stays between its double quotes."""
    return as_data(" ".join(text.split())).replace('"', "”")
