"""Reads question-and-answer notes whose entries stand between ruler lines (`# ------`)."""

import re
from collections.abc import Iterator

from retrieval.errors import UnreadableFile
from retrieval.passage import Document, Section
from retrieval.sources.markdown.inline import Cleaner
from retrieval.sources.markdown.outline import flat
from retrieval.sources.text import LONGEST_HEADING, decode, name_of, usable_title

_RULER = re.compile(r"#{1,2}[ \t]*[-=_*~]{8,}[ \t]*")
_QUESTION_LABEL = re.compile(r"^(?:#{1,6}\s+)?(?:Q(?:uestion)?\s*\d*\s*[:.)]\s*)?", re.IGNORECASE)
_ANSWER_LABEL = re.compile(r"^(?:A|Answer)\s*:\s*", re.IGNORECASE)
_FENCE = re.compile(r"\s*(`{3,}|~{3,})(.*)")


def looks_like_question_notes(text: str) -> bool:
    """Whether the text is divided by at least two rulers outside code."""
    return len(_parts(text)) > 2


def read_question_notes(path: str, data: bytes) -> Document:
    """Read notes of this form, a section a question.

    Raises UnreadableFile when there is no question with an answer.
    """
    preamble, *entries = _parts(decode(data))
    opening = [line.strip() for line in preamble.split("\n") if line.strip()]
    title = usable_title(opening[0].strip("# ")) if opening else None
    intro = flat("\n".join(opening[1:] if title else opening))
    sections = [section for entry in entries for section in _entry(entry)]
    if not sections:
        raise UnreadableFile("no question with an answer between the rulers")
    if len(intro.split()) > 8:  # less is a date or a name
        sections.insert(0, Section((), intro))
    return Document(path, title or name_of(path), tuple(sections))


def _parts(text: str) -> list[str]:
    """The text between rulers; a ruler inside closed code is a comment, one inside open code closes it."""
    parts: list[list[str]] = [[]]
    lines = text.split("\n")
    code_until = -1
    for number, line in enumerate(lines):
        if number > code_until and (fence := _FENCE.match(line)):
            code_until = _closing(lines, number, fence[1])
        if number > code_until and _RULER.fullmatch(line.strip()):
            parts.append([])
        else:
            parts[-1].append(line)
    return ["\n".join(part) for part in parts]


def _closing(lines: list[str], start: int, mark: str) -> int:
    """The line on which the fence opened at `start` closes; `start` itself when it never does."""
    for number in range(start + 1, len(lines)):
        bare = lines[number].strip()
        if bare.startswith(mark) and not bare.strip(mark[0]):
            return number
    return start


def _entry(entry: str) -> Iterator[Section]:
    """A question is the first paragraph; one too long for a heading is a remark that is kept with its text."""
    asked, _, answer = entry.strip().partition("\n\n")
    question = Cleaner().plain(_QUESTION_LABEL.sub("", asked.strip()))
    text = flat(_ANSWER_LABEL.sub("", answer.strip()))
    if not text:
        first, _, rest = asked.strip().partition("\n")
        if first.rstrip().endswith("?") and rest.strip():
            yield Section((Cleaner().plain(first),), flat(_ANSWER_LABEL.sub("", rest.strip())))
        elif len(asked) > LONGEST_HEADING:
            yield Section((), flat(asked))
    elif not question or len(question) > LONGEST_HEADING:
        yield Section((), flat(entry.strip()))
    else:
        yield Section((question,), text)
