"""The part of a course file that retrieval reads: where the material is and how it is cut.

Frozen pydantic models without any I/O; `bot.course` embeds them and reports their errors with line numbers.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from retrieval.passage import Trust

SourceKind = Literal[
    "folder",
    "markdown",
    "notebook",
    "html",
    "site",
    "pdf",
    "slides",
    "transcript",
    "flashcards",
    "notes",
    "graph",
]


class Frozen(BaseModel):
    """A model that cannot be changed and knows all its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceConfig(Frozen):
    """One `[[sources]]` table: a folder or a single file, or a site's address."""

    kind: SourceKind = "folder"
    path: Path | None = None
    url: str | None = None
    base_url: str | None = None
    urls: Path | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    release: date | None = None
    trust: Trust = "course"
    hosts: tuple[str, ...] = ()
    max_pages: Annotated[int, Field(gt=0, le=20_000)] = 500

    @model_validator(mode="after")
    def _has_a_place(self) -> Self:
        if (self.kind == "site") != (self.url is not None) or (self.path is None) == (self.url is None):
            raise ValueError('a source has a `path`, or `kind = "site"` and a `url`')
        if self.url is not None and urlsplit(self.url).scheme != "https":
            raise ValueError("the `url` of a site starts with https://")
        if self.base_url is not None and urlsplit(self.base_url).scheme not in ("https", "http"):
            raise ValueError("`base_url` starts with https:// or http://")
        return self

    def place(self, root: Path) -> Path:
        """Where the source is on disk; `root` is the course file's folder."""
        assert self.path is not None
        return root / self.path.expanduser()


class ChunkingConfig(Frozen):
    """`[chunking]`: passage sizes in characters."""

    target: Annotated[int, Field(ge=200, le=8000)] = 1200
    smallest: Annotated[int, Field(ge=0, le=2000)] = 200


class ConceptsConfig(Frozen):
    """`[concepts]`: whether ingesting asks the configured model what each section teaches, and for how much a build.

    `concurrency` is how many requests are under way at once. Without `model` concepts come from the material's own
    headings, definitions and terms alone.
    """

    model: bool = False
    max_calls: Annotated[int, Field(ge=0, le=100_000)] = 2000
    max_usd: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)] = 5.0
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4
