"""Reads flashcards written as `:p question`, `??x`, answer, `x??` under topic headings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from retrieval.errors import UnreadableFile
from retrieval.passage import Document, Section
from retrieval.sources.anki import is_anki_export, read_anki
from retrieval.sources.markdown.inline import Cleaner
from retrieval.sources.markdown.outline import flat
from retrieval.sources.text import decode, name_of

_HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*$")
_BACKGROUND_LABEL = re.compile(
    r"^\W*Background(?: context| information)?(?: explaining [\w ]{1,30})?\W*[:.][*_]*(?=\s)", re.IGNORECASE
)
_RULER = re.compile(r"-{3,}|\*{3,}|_{3,}")


@dataclass(slots=True)
class _Card:
    topic: str
    background: list[str]
    question: list[str]
    answer: list[str] = field(default_factory=list)


def looks_like_flashcards(text: str) -> bool:
    """Whether a text holds at least one card in this form."""
    return bool(re.search(r"^\s*:p\s+\S", text, re.MULTILINE) and re.search(r"\?\?x\s*$", text, re.MULTILINE))


def read_flashcards(path: str, data: bytes) -> Document:
    """Read a deck, one section a card: of this form, or a text export of Anki.

    Raises UnreadableFile when no card with an answer is in it.
    """
    text = decode(data)
    if is_anki_export(text) or not looks_like_flashcards(text):
        return read_anki(path, text)
    title = re.search(r"^#\s+(.+)$", text[: text.find("\n:p")], re.MULTILINE)
    sections = tuple(section for card in _cards(text.split("\n")) if (section := _section(card)))
    if not sections:
        raise UnreadableFile("no flashcard with an answer")
    return Document(path, (title and Cleaner().plain(title[1])) or name_of(path), sections)


def _section(card: _Card) -> Section | None:
    question, answer = ("\n".join(part).strip() for part in (card.question, card.answer))
    if not answer:
        return None
    background = _BACKGROUND_LABEL.sub("", "\n".join(card.background).strip()).strip()
    text = flat("\n\n".join(part for part in (question, background, answer) if part))
    topic = Cleaner().plain(card.topic)
    return Section((topic,) if topic else (), text)


def _cards(lines: list[str]) -> Iterator[_Card]:
    """Cards in order. One that lacks its `x??` ends where the next card or topic begins."""
    topic, background = "", list[str]()
    card: _Card | None = None
    in_answer, fence = False, ""
    for line in lines:
        bare = line.strip()
        heading = _HEADING.fullmatch(bare) if not fence else None
        if card is not None and ((bare.startswith(":p ") and not fence) or (heading and len(heading[1]) == 4)):
            yield card
            card, in_answer, fence = None, False, ""
        if card is None:
            if bare.startswith(":p "):
                card, background = _Card(topic, background, []), []
                line = bare = bare[3:]
            else:
                if heading:
                    topic, background = heading[2] if len(heading[1]) > 1 else "", []
                elif not _RULER.fullmatch(bare):
                    background.append(line)
                continue
        if in_answer:
            fence = _fence_after(fence, bare)
            card.answer.append(line.removesuffix("x??") if bare.endswith("x??") else line)
            if bare.endswith("x??"):
                yield card
                card, in_answer, fence = None, False, ""
        else:
            card.question.append(line.rstrip().removesuffix("??x"))
            in_answer = bare.endswith("??x")
    if card is not None:
        yield card


def _fence_after(fence: str, bare: str) -> str:
    """The mark of the fence that is open after this line, empty when none is."""
    mark = re.match(r"`{3,}|~{3,}", bare)
    if mark is None:
        return fence
    if not fence:
        return mark[0]
    return "" if bare.startswith(fence) and not bare.strip(fence[0]) else fence
