"""Pure: is one evaluation better than another, or is it chance? A paired bootstrap over common questions.

Nothing here searches or renders.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from retrieval.evaluation import FORMAT, METRICS, Evaluation, Row
from retrieval.labelled import QuestionsError

ABSTAINED_WRONGLY = "wrongly abstained"
ABSTAINED_RIGHTLY = "rightly abstained"


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric of both runs over the `questions` they share, and how it changed: `one - other`.

    With 95 % confidence the difference lies between `low` and `high`; `p` is how likely one at least as large,
    in either direction, would be if the runs were equally good. `up` and `down` count the questions whose value
    rose and fell. `more_is_better` is false for what should shrink.
    """

    metric: str
    questions: int
    one: float
    other: float
    difference: float
    low: float
    high: float
    p: float
    up: int
    down: int
    more_is_better: bool = True

    @property
    def verdict(self) -> str:
        """`better` or `worse` where the interval leaves nought out, else `unclear`, or `same`."""
        if self.up == self.down == 0:
            return "same"
        if self.low <= 0 <= self.high:
            return "unclear"
        return "better" if (self.low > 0) == self.more_is_better else "worse"


@dataclass(frozen=True, slots=True)
class Moved:
    """A question whose first relevant page changed its rank; None where it was not found."""

    id: str
    style: str
    one: int | None
    other: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs beside each other. `changed` names what differs between them besides the code.

    `common` questions have the same id, text and labels in both; the rest is left out and counted.
    """

    common: int
    only_one: int
    only_other: int
    same_lists: bool
    changed: tuple[str, ...]
    differences: tuple[Difference, ...]
    moved: tuple[Moved, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain types only, always in the same order."""
        return {**asdict(self), "differences": [asdict(d) | {"verdict": d.verdict} for d in self.differences]}


def load_evaluation(path: Path) -> Evaluation:
    """Read what `Evaluation.to_json` gave. Raises QuestionsError for anything else."""
    hint = "Make one with `erica eval --json > FILE`."
    try:
        evaluation = TypeAdapter(Evaluation).validate_json(path.read_bytes())
    except OSError as error:
        raise QuestionsError(f"cannot read {path}: {error.strerror}", hint) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise QuestionsError(f"{path} is not a saved evaluation: {where or 'file'}: {first['msg']}", hint) from error
    if evaluation.format != FORMAT:
        raise QuestionsError(f"{path} has format {evaluation.format}, this version compares {FORMAT}", hint)
    return evaluation


def compare(one: Evaluation, other: Evaluation, seed: int = 0, rounds: int = 2000) -> Comparison:
    """How `one`, the run of now, differs from `other`, the run to compare with.

    Retrieval is compared on course questions only, as the headline metrics are. Paired bootstrap after Efron
    and Tibshirani 1993: questions are drawn with replacement, `rounds` times. Raises QuestionsError where the
    runs have no question in common.
    """
    before = {_key(row): row for row in other.rows}
    pairs = [(row, before[_key(row)]) for row in one.rows if _key(row) in before]
    if not pairs:
        raise QuestionsError(
            "the two evaluations have no question in common",
            "Evaluate the same questions file; ids, texts and labels must agree.",
        )
    names = (*METRICS, ABSTAINED_WRONGLY, ABSTAINED_RIGHTLY)
    found = [_difference(name, pairs, np.random.default_rng(seed), rounds) for name in names]
    return Comparison(
        common=len(pairs),
        only_one=len(one.rows) - len(pairs),
        only_other=len(other.rows) - len(pairs),
        same_lists=one.fingerprint == other.fingerprint,
        changed=_changed(one, other),
        differences=tuple(difference for difference in found if difference is not None),
        moved=tuple(
            Moved(now.id, now.style, now.first_relevant, then.first_relevant)
            for now, then in pairs
            if now.first_relevant != then.first_relevant
        ),
    )


def _key(row: Row) -> tuple[str, str, str, tuple[str, ...]]:
    return row.id, row.kind, row.question, row.relevant


def _changed(one: Evaluation, other: Evaluation) -> tuple[str, ...]:
    now, then = _settings(one), _settings(other)
    return tuple(f"{name}: {then.get(name)} -> {now[name]}" for name in now if now[name] != then.get(name))


def _settings(run: Evaluation) -> dict[str, Any]:
    searched = run.searched
    index = {"course": searched.course, "index": searched.digest[:8], "embedding": searched.embedding}
    return {**index, **asdict(run.options)}


def _difference(
    metric: str, pairs: Sequence[tuple[Row, Row]], generator: np.random.Generator, rounds: int
) -> Difference | None:
    """None where no common question has this metric."""
    value = _values(metric)
    both = [(a, b) for now, then in pairs if (a := value(now)) is not None and (b := value(then)) is not None]
    if not both:
        return None
    values = np.array(both, dtype=np.float64)
    gains = values[:, 0] - values[:, 1]
    mean = float(gains.mean())
    means = _resampled(gains, generator, rounds)
    # Around the mean, the resampled means lie as they would around nought if the runs were equally good.
    as_large = int((np.abs(means - mean) >= abs(mean) - 1e-12).sum())
    low, high = (float(bound) for bound in np.percentile(means, [2.5, 97.5]))
    return Difference(
        metric=metric,
        questions=len(both),
        one=round(float(values[:, 0].mean()), 6),
        other=round(float(values[:, 1].mean()), 6),
        difference=round(mean, 6),
        low=round(low, 6),
        high=round(high, 6),
        p=round((as_large + 1) / (rounds + 1), 6),
        up=int((gains > 0).sum()),
        down=int((gains < 0).sum()),
        more_is_better=metric != ABSTAINED_WRONGLY,
    )


def _values(metric: str) -> Callable[[Row], float | None]:
    """What a question contributes to a metric, None where it has no part in it."""
    if metric == ABSTAINED_WRONGLY:
        return lambda row: float(row.abstain) if row.kind == "course" else None
    if metric == ABSTAINED_RIGHTLY:
        return lambda row: float(row.abstain) if row.kind == "out_of_scope" else None
    return lambda row: row.metrics.get(metric) if row.kind == "course" else None


def _resampled(gains: NDArray[np.float64], generator: np.random.Generator, rounds: int) -> NDArray[np.float64]:
    """Means of `rounds` samples drawn with replacement, each as large as the original."""
    size = len(gains)
    return np.array([gains[generator.integers(0, size, size)].mean() for _ in range(rounds)])
