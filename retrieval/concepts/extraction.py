"""Runs a model over the sections of a corpus: what is asked, what is known from before, and what came of it.

Knows the ConceptExtractor port and a folder for its answers, nothing of prompts or models.
"""

import json
import logging
import os
from asyncio import TaskGroup
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path

from pydantic import ValidationError

from retrieval.concepts.corpus import Corpus, Section
from retrieval.concepts.grounding import grounded, pieces
from retrieval.config import Frozen
from retrieval.errors import BudgetSpent, ExtractionFailed, RetrievalError, StoreError
from retrieval.ports import ConceptExtractor, Extraction, Progress
from retrieval.words import points_elsewhere, words

_FEWEST_WORDS = 12  # with fewer a section says nothing of what it names
_LARGEST_ENTRY = 1 << 18
_FORMAT = 1

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a model found in a corpus, by the numbers of its sections, as far as they bear it out.

    The counts are of sections, and of the pieces of the few that are very long: `asked` now, `failed` of which
    came to nothing; `reused` from earlier builds or from sections that say the same; `skipped` because the budget
    was spent or the model out of reach. `notices` are lines for the operator that say what was not done, and why.
    """

    by_section: Mapping[int, Extraction]
    asked: int = 0
    reused: int = 0
    failed: int = 0
    skipped: int = 0
    notices: tuple[str, ...] = ()


class ExtractionCache:
    """Answers by what was asked, a small file each in `folder`, which courses and processes may share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, digest: str) -> Extraction | None:
        """None where nothing is known; files that are torn or not ours hold nothing."""
        try:
            with self._file(digest).open("rb") as file:
                entry = _Entry.model_validate_json(file.read(_LARGEST_ENTRY))
        except (OSError, ValidationError):
            return None
        return entry.extraction if entry.digest == digest else None

    def put(self, digest: str, extraction: Extraction) -> None:
        """Keep an answer; readers see all of it or nothing. Raises StoreError."""
        file = self._file(digest)
        draft = file.with_name(f"{file.name}.{os.getpid()}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps({"digest": digest, "extraction": asdict(extraction)}), encoding="ascii")
            draft.replace(file)
        except OSError as error:
            raise StoreError(
                f"what the model found cannot be kept in {self._folder}: {error.strerror}",
                "Check the free space and the rights there, or the next ingest has to ask the model again.",
            ) from error

    def _file(self, digest: str) -> Path:
        return self._folder / f"{digest}.json"


class _Entry(Frozen):
    digest: str
    extraction: Extraction


async def extract_sections(
    corpus: Corpus, extractor: ConceptExtractor, cache: ExtractionCache, progress: Progress, concurrency: int = 4
) -> Extracted:
    """Ask a model about every section that says something, at most `concurrency` at once.

    Each answer is kept as it comes, so that an ingest that was interrupted or ran out of its budget goes on from
    there the next time. Answers are checked against the section whenever they are used, those of the cache too.
    """
    asking = [piece for section in corpus.sections for piece in _pieces(section, extractor.name)]
    known: dict[str, Extraction] = {}
    missing: dict[str, _Piece] = {}
    for piece in asking:
        if piece.digest in known or piece.digest in missing:
            continue
        if (extraction := cache.get(piece.digest)) is not None:
            known[piece.digest] = extraction
        else:
            missing[piece.digest] = piece
    progress.stage("Extracting concepts", len(missing))
    run = _Run(extractor, cache, progress)
    todo = iter(missing.values())
    async with TaskGroup() as workers:
        for _ in range(min(concurrency, len(missing))):
            workers.create_task(run.work(todo))
    return Extracted(
        _by_section(asking, {**known, **run.found}),
        asked=len(run.found) + run.failed,
        reused=len(asking) - len(missing),
        failed=run.failed,
        skipped=len(missing) - len(run.found) - run.failed,
        notices=tuple(run.notices),
    )


@dataclass(frozen=True, slots=True)
class _Piece:
    section: Section
    text: str
    digest: str


def _pieces(section: Section, extractor: str) -> Iterator[_Piece]:
    if points_elsewhere(section.headings):
        return
    for text in pieces(section):
        if len(words(text)) >= _FEWEST_WORDS:
            asked = json.dumps([_FORMAT, extractor, section.title, section.headings, text])
            yield _Piece(section, text, blake2b(asked.encode(), digest_size=16).hexdigest())


def _by_section(asked: list[_Piece], known: Mapping[str, Extraction]) -> dict[int, Extraction]:
    answers: dict[int, list[Extraction]] = {}
    sections: dict[int, Section] = {}
    for piece in asked:
        if (answer := known.get(piece.digest)) is not None:
            answers.setdefault(piece.section.number, []).append(answer)
            sections[piece.section.number] = piece.section
    return {number: grounded(answers[number], section) for number, section in sections.items()}


class _Run:
    """What the workers share."""

    def __init__(self, extractor: ConceptExtractor, cache: ExtractionCache, progress: Progress) -> None:
        self.found: dict[str, Extraction] = {}
        self.failed = 0
        self.notices: list[str] = []
        self._extractor, self._cache, self._progress = extractor, cache, progress
        self._stopped = self._forgetful = False

    async def work(self, todo: Iterator[_Piece]) -> None:
        """Take pieces until there are none left, or until no more may be asked."""
        while not self._stopped and (piece := next(todo, None)) is not None:
            section = piece.section
            try:
                extraction = await self._extractor.extract(section.title, section.headings, piece.text)
            except ExtractionFailed as error:
                self.failed += 1
                logger.info("no concepts from %s, %r: %s", section.path, section.heading, error)
            except BudgetSpent as error:
                self._stop(error)
                return
            else:
                self.found[piece.digest] = extraction
                self._keep(piece.digest, extraction)
            self._progress.advance()

    def _stop(self, error: BudgetSpent) -> None:
        if not self._stopped:  # those who ask at the same time hear it too; one notice is enough
            self._stopped = True
            self.notices.append(_line(error))

    def _keep(self, digest: str, extraction: Extraction) -> None:
        if self._forgetful:
            return
        try:
            self._cache.put(digest, extraction)
        except StoreError as error:
            self._forgetful = True
            self.notices.append(_line(error))


def _line(error: RetrievalError) -> str:
    return f"{error}. {error.hint}".strip()
