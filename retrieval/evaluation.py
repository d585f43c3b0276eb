"""How well a retriever does on labelled questions: page-level metrics, abstention, latency.

Nothing here knows how a course is found, or how the numbers are shown.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from statistics import fmean
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from retrieval.errors import EmptyQuestion, QuestionTooLong
from retrieval.labelled import (
    KINDS,
    Kind,
    LabelledQuestion,
    QuestionsError,
    duplicates_for,
    load_duplicates,
    load_questions,
)
from retrieval.results import Options, Retrieval
from retrieval.retriever import Retriever

__all__ = [
    "EVALUATED",
    "METRICS",
    "Evaluation",
    "LabelledQuestion",
    "QuestionsError",
    "duplicates_for",
    "evaluate",
    "judge",
    "load_duplicates",
    "load_questions",
]

METRICS = ("hit@1", "hit@3", "hit@5", "mrr@5", "ndcg@10")
EVALUATED = Options(passages=10)
"""A page is ranked by its first passage among the first ten."""

FORMAT = 1
"""Raised when a saved evaluation of the last version could not be compared any more."""


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one question.

    `pages` are ranked, each once, duplicates counting as one page; `first_relevant` is a rank in them, from 1.
    `metrics` is empty where the question has no relevant page; `ms` holds milliseconds by stage.
    """

    id: str
    kind: Kind
    style: str
    question: str
    relevant: tuple[str, ...]
    pages: tuple[str, ...]
    first_relevant: int | None
    confidence: float
    abstain: bool
    metrics: Mapping[str, float] = field(default_factory=dict)
    ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scores:
    """Means over the questions of one kind, or of one style of it (`style` is None for all of a kind).

    `metrics` are means over the `scored` questions, those with a relevant page. `abstained` is a share: wrong
    for `course`, right for `out_of_scope`, None for `assignment`, where either can be right.
    """

    kind: Kind
    style: str | None
    questions: int
    scored: int
    metrics: Mapping[str, float]
    abstained: float | None


@dataclass(frozen=True, slots=True)
class Abstention:
    """Abstaining as a decision: right for out-of-scope questions, wrong for course questions.

    `precision` is the share of right ones among all abstentions (None without any), `recall` the share of
    out-of-scope questions that were abstained from (None without any).
    """

    rightly: int
    wrongly: int
    out_of_scope: int
    course: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds that half, and 95 of 100, of the questions stayed below."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Searched:
    """Which index was searched; equal digests mean equal indexes."""

    course: str = ""
    digest: str = ""
    embedding: str | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result of a run, for people, machines and a later comparison.

    `overall` holds the means over course questions. `fingerprint` is a hash over the ranked passages of every
    question: two runs over the same index with the same options must agree in it.
    """

    fingerprint: str
    searched: Searched
    options: Options
    overall: Mapping[str, float]
    abstention: Abstention
    kinds: tuple[Scores, ...]
    styles: tuple[Scores, ...]
    latency: Mapping[str, Latency]
    rows: tuple[Row, ...]
    format: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        """Plain types only, always in the same order; `comparison.load_evaluation` reads it back."""
        plain: dict[str, Any] = TypeAdapter(Evaluation).dump_python(self, mode="json")
        return plain


async def evaluate(
    retriever: Retriever,
    questions: Sequence[LabelledQuestion],
    duplicates: Mapping[str, str],
    options: Options = EVALUATED,
) -> Evaluation:
    """Search every question, one after the other, and score what was found, abstained from or not.

    Raises RetrievalError where the index cannot be read.
    """
    manifest = await retriever.open()
    if questions:
        # The first search of a process loads word lists and warms the model up; no student waits for that.
        await _search(retriever, questions[0], options)
    results = [await _search(retriever, question, options) for question in questions]
    searched = Searched(manifest.course, manifest.digest, manifest.embedding)
    return judge(questions, results, duplicates, searched, options)


async def _search(retriever: Retriever, question: LabelledQuestion, options: Options) -> Retrieval:
    """A question that Erica would not even search for is one that she abstains from."""
    try:
        return await retriever.search(question.question, question.previous, options)
    except (EmptyQuestion, QuestionTooLong):
        return Retrieval((), 0.0, True)


def judge(
    questions: Sequence[LabelledQuestion],
    results: Sequence[Retrieval],
    duplicates: Mapping[str, str],
    searched: Searched = Searched(),
    options: Options = EVALUATED,
) -> Evaluation:
    """Pure: score results, one for each question in the same order."""
    ranked = [_pages(result, duplicates) for result in results]
    wanted = [{duplicates.get(page, page) for page in q.relevant} for q in questions]
    metrics = _metrics([list(pages) for pages in ranked], wanted)
    rows = tuple(
        Row(
            id=question.id,
            kind=question.kind,
            style=question.style,
            question=question.question,
            relevant=question.relevant,
            pages=tuple(ranked[n].values()),
            first_relevant=next((r for r, page in enumerate(ranked[n], start=1) if page in wanted[n]), None),
            confidence=round(result.confidence, 6),
            abstain=result.abstain,
            metrics=metrics[n],
            ms=dict(result.ms),
        )
        for n, (question, result) in enumerate(zip(questions, results, strict=True))
    )
    kinds = tuple(_scores(kind, None, rows) for kind in KINDS if any(row.kind == kind for row in rows))
    styles = sorted({(KINDS.index(row.kind), row.style) for row in rows})
    return Evaluation(
        fingerprint=_fingerprint(questions, results),
        searched=searched,
        options=options,
        overall=next((scores.metrics for scores in kinds if scores.kind == "course"), {}),
        abstention=_abstention(rows),
        kinds=kinds,
        styles=tuple(_scores(KINDS[kind], style, rows) for kind, style in styles),
        latency=_latency(rows),
        rows=rows,
    )


def _pages(result: Retrieval, duplicates: Mapping[str, str]) -> dict[str, str]:
    """Pages by rank: the page's name for scoring, and the path it was first found under."""
    pages: dict[str, str] = {}
    for found in result.passages:
        pages.setdefault(duplicates.get(found.passage.path, found.passage.path), found.passage.path)
    return pages


def _metrics(ranked: Sequence[Sequence[str]], wanted: Sequence[Collection[str]]) -> list[dict[str, float]]:
    """Each question's metrics, empty where nothing is wanted."""
    from ir_measures import RR, Qrel, ScoredDoc, Success, iter_calc, nDCG  # slow: brings scipy along

    names = dict(zip((Success @ 1, Success @ 3, Success @ 5, RR @ 5, nDCG @ 10), METRICS, strict=True))
    # What the measures do not mention was not found, so everything starts at nought.
    metrics = [dict.fromkeys(METRICS, 0.0) if pages else {} for pages in wanted]
    relevant = [Qrel(str(n), page, 1) for n, pages in enumerate(wanted) for page in sorted(pages)]
    run = [ScoredDoc(str(n), page, -float(r)) for n, pages in enumerate(ranked) for r, page in enumerate(pages)]
    if relevant and run:
        for metric in iter_calc(list(names), relevant, run):
            metrics[int(metric.query_id)][names[metric.measure]] = round(float(metric.value), 6)
    return metrics


def _scores(kind: Kind, style: str | None, rows: Iterable[Row]) -> Scores:
    members = [row for row in rows if row.kind == kind and style in (None, row.style)]
    scored = [row.metrics for row in members if row.metrics]
    means = {name: round(fmean(metrics[name] for metrics in scored), 6) for name in METRICS} if scored else {}
    abstained = None if kind == "assignment" else round(fmean(row.abstain for row in members), 6)
    return Scores(kind, style, len(members), len(scored), means, abstained)


def _abstention(rows: Iterable[Row]) -> Abstention:
    count: dict[tuple[str, bool], int] = defaultdict(int)
    for row in rows:
        count[row.kind, row.abstain] += 1
    rightly, wrongly = count["out_of_scope", True], count["course", True]
    out_of_scope, course = rightly + count["out_of_scope", False], wrongly + count["course", False]
    precision = round(rightly / (rightly + wrongly), 6) if rightly + wrongly else None
    recall = round(rightly / out_of_scope, 6) if out_of_scope else None
    return Abstention(rightly, wrongly, out_of_scope, course, precision, recall)


def _latency(rows: Sequence[Row]) -> dict[str, Latency]:
    times: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        for stage, ms in row.ms.items():
            times[stage].append(ms)
    return {stage: Latency(*(round(float(p), 3) for p in np.percentile(ms, [50, 95]))) for stage, ms in times.items()}


def _fingerprint(questions: Sequence[LabelledQuestion], results: Sequence[Retrieval]) -> str:
    digest = blake2b(digest_size=6)
    for question, result in zip(questions, results, strict=True):
        found = [f"{found.passage.path}\x1f{found.passage.content_hash}" for found in result.passages]
        digest.update("\x1e".join((question.id, *found, "\x1d")).encode())
    return digest.hexdigest()
