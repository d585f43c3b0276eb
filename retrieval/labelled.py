"""Labelled questions, and which pages are duplicates of each other: the files that an evaluation reads."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from retrieval.errors import RetrievalError

Kind = Literal["course", "out_of_scope", "assignment"]
KINDS: tuple[Kind, ...] = ("course", "out_of_scope", "assignment")


class QuestionsError(RetrievalError, ValueError):
    """A file of labelled questions, duplicates or results cannot be used; the message names file and line."""


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A question and the pages that answer it, as paths inside their source.

    `previous` are the student's earlier questions, oldest first. `must_mention` and `note` are for those who
    judge answers; nothing here reads them.
    """

    question: str
    kind: Kind
    id: Annotated[str, Field(coerce_numbers_to_str=True)] = ""
    style: str = ""
    relevant: tuple[str, ...] = ()
    previous: tuple[str, ...] = ()
    must_mention: tuple[str, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question without labels. Unknown keys are ignored, so that labelled files can be searched too."""

    question: str
    id: Annotated[str | None, Field(coerce_numbers_to_str=True)] = None
    previous: tuple[str, ...] | None = None


def load_asked(path: Path) -> tuple[AskedQuestion, ...]:
    """Read a JSONL file with a `question`, and optionally `id` and `previous`, a line. Raises QuestionsError."""
    adapter = TypeAdapter(AskedQuestion)
    asked = []
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            asked.append(adapter.validate_json(line))
        except ValidationError as error:
            raise _broken(path, number, _first(error)) from error
    return tuple(asked)


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    where = ".".join(map(str, problem["loc"]))
    return f"{where}: {problem['msg']}" if where else problem["msg"]


def load_questions(path: Path) -> tuple[LabelledQuestion, ...]:
    """Read a JSONL file, one question a line; unknown keys are ignored, a missing `id` is its number in the file.

    Raises QuestionsError, naming the line, for what cannot be read, and for a file without questions.
    """
    adapter, seen = TypeAdapter(LabelledQuestion), dict[str, int]()
    questions: list[LabelledQuestion] = []
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            question = adapter.validate_json(line)
        except ValidationError as error:
            raise _broken(path, number, _first(error)) from error
        question = replace(question, id=question.id or str(len(questions) + 1))
        if not question.question.strip():
            raise _broken(path, number, "the question is empty")
        if question.kind == "course" and not question.relevant:
            raise _broken(path, number, "a course question names at least one relevant page")
        if question.id in seen:
            raise _broken(path, number, f"the id {question.id!r} was already used in line {seen[question.id]}")
        seen[question.id] = number
        questions.append(question)
    if not questions:
        raise QuestionsError(f"{path}: there are no questions in it", "Write one JSON object a line.")
    return tuple(questions)


def load_duplicates(path: Path) -> Mapping[str, str]:
    """Read a table with the tab-separated columns `group` and `path`; each path maps to its group's first.

    Raises QuestionsError.
    """
    header, *lines = _text(path).split("\n")
    columns = header.split("\t")
    if not {"group", "path"} <= set(columns):
        raise _broken(path, 1, "the columns `group` and `path`, separated by a tab, are missing")
    groups: dict[str, str] = {}
    first: dict[str, str] = {}
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        row = dict(zip(columns, map(str.strip, line.split("\t")), strict=False))
        group, page = row.get("group"), row.get("path")
        if not group or not page:
            raise _broken(path, number, "a row needs both a group and a path")
        if groups.setdefault(page, group) != group:
            raise _broken(path, number, f"{page} is already in group {groups[page]}")
        first.setdefault(group, page)
    return {page: first[group] for page, group in groups.items()}


def duplicates_for(questions: Path, given: Path | None = None) -> Mapping[str, str]:
    """The table that was given, else `duplicates.tsv` beside the questions, else none. Raises QuestionsError."""
    beside = questions.with_name("duplicates.tsv")
    if given is None and not beside.is_file():
        return {}
    return load_duplicates(given or beside)


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise QuestionsError(f"cannot read {path}: {error.strerror}", "Check the file's name.") from error
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _broken(path, line, "this is not UTF-8 text") from error


def _broken(path: Path, line: int, reason: str) -> QuestionsError:
    return QuestionsError(f"{path}:{line}: {reason}", "Correct that line, or take it out.")
