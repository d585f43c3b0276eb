"""A course's TOML file, read into a frozen Course. Unknown keys are errors that name the line and the key meant."""

import tomllib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, Field, ValidationError, field_validator, model_validator

from bot.errors import ConfigError
from bot.toml_lines import line_of
from retrieval.config import ChunkingConfig, ConceptsConfig, Frozen, SourceConfig


class About(Frozen):
    """`[course]`."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    title: Annotated[str, Field(min_length=1, max_length=200)]
    timezone: str = "UTC"

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{name!r} is no time zone; write for example Europe/Rome") from error
        return name


class Channel(Frozen):
    """`[[channels]]`: where Erica answers for this course."""

    platform: Literal["slack", "discord"]
    workspace: str
    id: str


class Staff(Frozen):
    """`[staff]`: who may steer, by user id, and on Discord also by role."""

    slack: tuple[str, ...] = ()
    discord: tuple[str, ...] = ()
    discord_roles: tuple[str, ...] = ()


class Assignment(Frozen):
    """`[[assignments]]`: graded work. `paths` are the source files that state it."""

    title: str
    paths: tuple[str, ...] = ()
    due: AwareDatetime | date | None = None

    @field_validator("due", mode="before")
    @classmethod
    def _a_day_or_a_moment(cls, due: Any) -> Any:
        if not isinstance(due, date | None) or (isinstance(due, datetime) and due.tzinfo is None):
            raise ValueError("write a day, 2026-10-01, or a time with its offset, 2026-10-01T23:59:00-04:00")
        return due


class Blackout(Frozen):
    """`[[blackouts]]`: when Erica does not answer, for example during an exam."""

    start: AwareDatetime
    end: AwareDatetime
    reason: str = ""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end <= self.start:
            raise ValueError("`end` comes after `start`")
        return self


class Answers(Frozen):
    """`[answers]`: how questions are answered. `prompts` is a folder of templates that replace Erica's own."""

    passages: Annotated[int, Field(ge=1, le=20)] = 5
    prerequisite_depth: Annotated[int, Field(ge=0, le=5)] = 2
    max_concepts: Annotated[int, Field(ge=0, le=50)] = 10
    context_tokens: Annotated[int, Field(ge=500, le=100_000)] = 3000
    followups_without_mention: bool = True
    prompts: Path | None = None
    style: Annotated[str, Field(max_length=2000)] = ""


class Limits(Frozen):
    """`[limits]`."""

    questions_per_student_per_day: Annotated[int, Field(ge=1)] = 50
    questions_per_student_per_minute: Annotated[int, Field(ge=1)] = 6


class Course(Frozen):
    """The whole file. `root` is its folder, from which relative paths are taken."""

    course: About
    sources: Annotated[tuple[SourceConfig, ...], Field(min_length=1)]
    channels: tuple[Channel, ...] = ()
    staff: Staff = Staff()
    assignments: tuple[Assignment, ...] = ()
    blackouts: tuple[Blackout, ...] = ()
    answers: Answers = Answers()
    limits: Limits = Limits()
    chunking: ChunkingConfig = ChunkingConfig()
    concepts: ConceptsConfig = ConceptsConfig()
    root: Annotated[Path, Field(exclude=True)] = Path()

    @property
    def id(self) -> str:
        """The course's id."""
        return self.course.id

    def has_unreleased(self) -> bool:
        """Whether some source is still hidden."""
        today = self.today()
        return any(source.release is not None and source.release > today for source in self.sources)

    def today(self) -> date:
        """The date where the course is taught, which decides what is released."""
        return datetime.now(ZoneInfo(self.course.timezone)).date()


def load_course(file: Path) -> Course:
    """Read and check a course file. Raises ConfigError naming file, line and what to write instead."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"cannot read the course file {file}: {error.strerror}",
            "Give the path of a course's TOML file; deploy/demo/course.toml is an example.",
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8 text", "Save it as UTF-8.") from error
    try:
        fields = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{file} is not valid TOML: {error}", "Correct that line.") from error
    if "root" in fields:
        raise ConfigError(f"{file}, line {line_of(text, ('root',))}: unknown key `root`", "Remove it.")
    try:
        return Course.model_validate({**fields, "root": file.resolve().parent})
    except ValidationError as error:
        problems = list(dict.fromkeys(_explain(file, text, problem) for problem in _worth_telling(error)))
        raise ConfigError("\n".join(problems), "Correct the course file; README lists its keys.") from error


def _worth_telling(error: ValidationError) -> Iterator[Any]:
    """Problems in the file's words; that a list whose entries are wrong counts as empty is none."""
    problems = error.errors(include_url=False)
    for problem in problems:
        place = problem["loc"]
        inner = any(other["loc"][: len(place)] == place for other in problems if other is not problem)
        if not (problem["type"] == "too_short" and inner):
            yield problem


_PLAIN = {
    "model_type": "must be a table",
    "tuple_type": "must be a list",
    "timezone_aware": "needs its offset from UTC, as in 2026-12-01T09:00:00-05:00",
    "string_pattern_mismatch": "may hold up to 63 of a-z, 0-9, - and _, and begins with a letter or digit",
}


def _explain(file: Path, text: str, problem: Any) -> str:
    place = tuple(part for part in problem["loc"] if not str(part).startswith("function-"))
    name = str(place[-1]) if place else ""
    where = f"{file}, line {line_of(text, place)}"
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(name, _keys(place[:-1]), n=1, cutoff=0.6)
        return f"{where}: unknown key `{name}`" + (f"; did you mean `{near[0]}`?" if near else "")
    path = ".".join(str(part) for part in place)
    if problem["type"] == "missing":
        return f"{where}: `{path}` is missing"
    if plain := _PLAIN.get(problem["type"]):
        return f"{where}: `{path}` {plain}"
    return f"{where}: `{path}`: {problem['msg'].removeprefix('Value error, ')}"


def _keys(place: Sequence[str | int]) -> list[str]:
    """The keys that may stand at a place of the file."""
    model: Any = Course
    for part in place:
        if isinstance(part, str):
            annotation = model.model_fields[part].annotation
            model = next((a for a in getattr(annotation, "__args__", ()) if hasattr(a, "model_fields")), annotation)
    return [key for key in model.model_fields if key != "root"]
