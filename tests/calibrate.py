"""Fits the constants of retrieval/confidence.py, and weighs those of retrieval/fusion.py, on labelled questions.

A developer's tool, not a test: `python tests/calibrate.py --course F --questions FILE.jsonl [--lexical] [--fusion]`,
after `erica ingest F`. It prints what to write into those modules and how that does on unseen halves.
"""
# ruff: noqa: T201

import argparse
import asyncio
import math
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # matrices this small are slower on many threads
    sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from numpy.typing import NDArray

from bot.course import Course, load_course
from bot.errors import EricaError
from bot.settings import read_settings
from bot.wiring import Wiring
from retrieval.adapters.bm25 import Bm25Encoder
from retrieval.adapters.local_graph import LocalGraphCache
from retrieval.concepts.catalog import ConceptCatalog
from retrieval.confidence import Calibration, Signals
from retrieval.errors import EmptyQuestion, QuestionTooLong, RetrievalError
from retrieval.evaluation import EVALUATED, METRICS, LabelledQuestion, duplicates_for, evaluate, load_questions
from retrieval.fusion import Fusion
from retrieval.manifest import Manifest
from retrieval.ports import Embedder, Vector
from retrieval.retriever import Retriever

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

L2 = 10.0
"""Strong, since a hundred questions have to do for six signals."""
REPEATS = 20
WRONGLY_ABSTAINED = 0.015
OTHER_CHOICES = (0.005, 0.03, 0.05)
"""Printed beside it: one odd question among a hundred can move the threshold far."""

DENSE = (0.2, 0.3, 0.4, 0.5, 0.6)
PAGE_WEIGHTS: tuple[tuple[float, ...], ...] = (
    (1.0,),
    (1.0, 0.3, 0.1),
    (1.0, 0.5, 0.25),
    (1.0, 0.7, 0.5),
    (1.0, 0.9, 0.8),
)
HALVES = 200


@dataclass(frozen=True, slots=True)
class Fitted:
    """A logistic regression: one weight a signal, standardisation folded in."""

    weights: Array
    bias: float

    def probability(self, signals: Array) -> Array:
        """Shape (questions,) for signals of shape (questions, signals)."""
        scores: Array = 1.0 / (1.0 + np.exp(-np.clip(signals @ self.weights + self.bias, -30, 30)))
        return scores


@dataclass(frozen=True, slots=True)
class Shares:
    """How a fitted confidence decides: shares abstained from, and the area under its curve."""

    course: float
    out_of_scope: float
    auc: float


def fit(signals: Array, answerable: Mask, l2: float = L2) -> Fitted:
    """Newton's method on the standardised signals; both classes weigh the same, the bias is not shrunk."""
    mean, deviation = signals.mean(0), signals.std(0)
    varies = deviation > 1e-9
    scale = np.where(varies, deviation, 1.0)
    inputs = np.column_stack([(signals - mean) / scale, np.ones(len(signals))])
    importance = np.where(answerable, 1.0, answerable.sum() / (~answerable).sum())
    shrunk = np.full(inputs.shape[1], l2)
    shrunk[-1] = 0.0
    weights = np.zeros(inputs.shape[1])
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-inputs @ weights))
        gradient = inputs.T @ (importance * (p - answerable)) + shrunk * weights
        curvature = (inputs.T * (importance * p * (1 - p))) @ inputs + np.diag(shrunk + 1e-9)
        step = np.linalg.solve(curvature, gradient)
        weights = weights - step
        if np.abs(step).max() < 1e-10:
            break
    folded = np.where(varies, weights[:-1] / scale, 0.0)
    return Fitted(folded, float(weights[-1] - folded @ mean))


def halves(answerable: Mask, seed: int) -> Iterator[tuple[Mask, Mask]]:
    """Two stratified halves, each once to learn from and once unseen, `REPEATS` times."""
    for repeat in range(REPEATS):
        generator = np.random.default_rng([seed, repeat])
        half = np.zeros(len(answerable), dtype=np.bool_)
        for group in (np.flatnonzero(answerable), np.flatnonzero(~answerable)):
            half[generator.permutation(group)[: len(group) // 2]] = True
        yield half, ~half
        yield ~half, half


def choose_threshold(
    signals: Array, answerable: Mask, seed: int, l2: float = L2, allowed: float = WRONGLY_ABSTAINED
) -> float:
    """The largest threshold that out-of-fold abstains from at most `allowed` of the course questions.

    Half the questions get half the shrinkage. With all of it their probabilities would be drawn together more
    than those of the fit on every question, which is what the threshold is for.
    """
    unseen = [
        fit(signals[learnt], answerable[learnt], l2 / 2).probability(signals[rest & answerable])
        for learnt, rest in halves(answerable, seed)
    ]
    sure = np.sort(np.concatenate(unseen))
    return math.floor(float(sure[int(allowed * len(sure))]) * 1000) / 1000


def shares(probabilities: Array, answerable: Mask, threshold: float) -> Shares:
    """What happens to questions with these probabilities at a threshold."""
    inside, outside = probabilities[answerable], probabilities[~answerable]
    order = (inside[:, None] > outside) + 0.5 * (inside[:, None] == outside)
    return Shares(float((inside < threshold).mean()), float((outside < threshold).mean()), float(order.mean()))


def unseen_shares(signals: Array, answerable: Mask, threshold: float | None = None) -> Shares:
    """Mean over unseen halves. Without a threshold, each is chosen on the half that was learnt from alone."""
    found = []
    for number, (learnt, unseen) in enumerate(halves(answerable, seed=0)):
        known, labels = signals[learnt], answerable[learnt]
        fitted = fit(known, labels, L2 / 2)
        chosen = choose_threshold(known, labels, number + 1, L2 / 2) if threshold is None else threshold
        found.append(astuple(shares(fitted.probability(signals[unseen]), answerable[unseen], chosen)))
    return Shares(*(float(mean) for mean in np.mean(found, axis=0)))


def calibrate(signals: Array, answerable: Mask) -> Calibration:
    """The constants, fitted on every question and rounded as they will be written down."""
    fitted = fit(signals, answerable)
    weights = tuple(round(float(weight), 3) + 0.0 for weight in fitted.weights)
    return Calibration(weights, round(fitted.bias, 3), choose_threshold(signals, answerable, seed=0))


def choose_on_halves(values: Array, seed: int = 0) -> tuple[Array, Counter[int]]:
    """Which setting wins on a random half, and how the winners do on the other half.

    `values` has shape (settings, questions, metrics) in the order of METRICS. Returns the unseen halves' mean
    metrics and how often each setting won; of equals the first wins.
    """
    generator = np.random.default_rng(seed)
    objective = values[:, :, METRICS.index("mrr@5")] + values[:, :, METRICS.index("hit@5")]
    unseen, wins = [], Counter[int]()
    for _ in range(HALVES):
        order = generator.permutation(values.shape[1])
        learnt, rest = np.split(order, [len(order) // 2])
        best = int(np.argmax(objective[:, learnt].mean(1).round(9)))
        wins[best] += 1
        unseen.append(values[best, rest].mean(0))
    mean: Array = np.mean(unseen, axis=0)
    return mean, wins


class RememberingEmbedder:
    """Embeds every question once, however many settings are tried on it."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, Vector] = {}
        self.name, self.dimensions = embedder.name, embedder.dimensions

    def embed_query(self, text: str) -> Vector:
        if text not in self._known:
            self._known[text] = self._embedder.embed_query(text)
        return self._known[text]

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._embedder.embed_passages(texts)


@dataclass(frozen=True, slots=True)
class Bench:
    """Makes retrievers over the course's current index; without an embedder they are lexical."""

    wiring: Wiring
    course: Course
    embedder: Embedder | None

    def retriever(self, fusion: Fusion = Fusion()) -> Retriever:
        def embedder(manifest: Manifest) -> Embedder | None:
            if self.embedder is not None and manifest.embedding != self.embedder.name:
                raise SystemExit(f"The index holds {manifest.embedding}, not {self.embedder.name}; --lexical?")
            return self.embedder

        catalog = ConceptCatalog(LocalGraphCache(), self.wiring.edit_log(self.course), self.course.today)
        return Retriever(self.wiring.store(self.course), Bm25Encoder(), embedder, self.course.today, catalog, fusion)


async def signals_of(retriever: Retriever, questions: Sequence[LabelledQuestion]) -> list[Signals]:
    """The signals of every question; raises where one cannot be searched at all."""
    found = []
    for question in questions:
        try:
            signals = (await retriever.search(question.question, question.previous, EVALUATED)).signals
        except (EmptyQuestion, QuestionTooLong) as error:
            raise SystemExit(f"{question.id} cannot be searched: {error}") from error
        assert signals is not None
        found.append(signals)
    return found


async def report_calibration(benches: Sequence[Bench], labelled: Sequence[Sequence[LabelledQuestion]]) -> None:
    asked, taken = list[LabelledQuestion](), list[Signals]()
    for bench, questions in zip(benches, labelled, strict=True):
        judged = [question for question in questions if question.kind in ("course", "out_of_scope")]
        taken += await signals_of(bench.retriever(), judged)
        asked += judged
    answerable = np.array([question.kind == "course" for question in asked])
    if min(answerable.sum(), (~answerable).sum()) < 8:
        raise SystemExit("There must be at least 8 course and 8 out_of_scope questions.")
    signals = np.array([astuple(one) for one in taken], dtype=np.float64)
    for name, column in zip((field.name for field in fields(Signals)), signals.T, strict=True):
        print(f"  {name:10s} alone: AUC {shares(column, answerable, 0.0).auc:.3f}")
    calibration = calibrate(signals, answerable)
    name = "HYBRID" if benches[0].embedder else "LEXICAL"
    print(f"\n{name} = Calibration({calibration.weights}, {calibration.bias}, {calibration.threshold})\n")
    whole = np.array([calibration.probability(one) for one in taken])
    _show("unseen halves, threshold chosen without them", unseen_shares(signals, answerable))
    _show("unseen halves, threshold as printed", unseen_shares(signals, answerable, calibration.threshold))
    _show("whole set, seen", shares(whole, answerable, calibration.threshold))
    for allowed in OTHER_CHOICES:
        other = choose_threshold(signals, answerable, seed=0, allowed=allowed)
        _show(f"unseen halves, threshold {other:.3f} instead", unseen_shares(signals, answerable, other))
    for question, probability in sorted(zip(asked, whole, strict=True), key=lambda pair: (pair[1], pair[0].id)):
        if (probability < calibration.threshold) == (question.kind == "course"):
            print(
                f"  wrong: {question.id} {question.kind}/{question.style} {probability:.3f} {question.question[:70]!r}"
            )


def _show(what: str, found: Shares) -> None:
    abstained = f"abstained: course {found.course:.1%}, out of scope {found.out_of_scope:.1%}"
    print(f"{what:46s} {abstained}, AUC {found.auc:.3f}")


async def report_fusion(bench: Bench, questions: Sequence[LabelledQuestion], file: Path) -> None:
    asked, duplicates = [question for question in questions if question.kind == "course"], duplicates_for(file)
    now = Fusion()
    dense = DENSE if bench.embedder else (now.dense,)
    grid = [replace(now, dense=share, page_weights=weights) for share in dense for weights in PAGE_WEIGHTS]
    # What is used now comes first: among equals it stays.
    grid = [now, *(fusion for fusion in grid if fusion != now)]
    values = []
    for fusion in grid:
        rows = (await evaluate(bench.retriever(fusion), asked, duplicates)).rows
        values.append([[row.metrics[name] for name in METRICS] for row in rows])
    table = np.array(values, dtype=np.float64)
    unseen, wins = choose_on_halves(table)
    print(f"{'dense':>5s}  {'page weights':18s}  {'  '.join(f'{name:>7s}' for name in METRICS)}  won")
    for number, fusion in enumerate(grid):
        scores = "  ".join(f"{value:7.3f}" for value in table[number].mean(0))
        used = "  <- now" if number == 0 else ""
        print(f"{fusion.dense:5.2f}  {fusion.page_weights!s:18s}  {scores}  {wins[number]:3d}{used}")
    print(f"chosen on one half, unseen {'  '.join(f'{value:7.3f}' for value in unseen)}  of {HALVES}")


async def main(arguments: argparse.Namespace) -> None:
    if len(arguments.course) != len(arguments.questions):
        raise SystemExit("Give as many --questions as --course.")
    labelled = [load_questions(file) for file in arguments.questions]
    wiring = Wiring(read_settings(), print)
    embedder = None if arguments.lexical else RememberingEmbedder(wiring.embedder())
    benches = [Bench(wiring, load_course(course), embedder) for course in arguments.course]
    if arguments.fusion:
        await report_fusion(benches[0], labelled[0], arguments.questions[0])
    else:
        await report_calibration(benches, labelled)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--course", type=Path, action="append", required=True, help="a course that is ingested")
    parser.add_argument("--questions", type=Path, action="append", required=True, help="for each course")
    parser.add_argument("--lexical", action="store_true", help="without the dense arm")
    parser.add_argument("--fusion", action="store_true", help="try a grid of fusion weights instead")
    try:
        asyncio.run(main(parser.parse_args()))
    except (EricaError, RetrievalError) as error:
        raise SystemExit(f"{error} {error.hint}") from error
