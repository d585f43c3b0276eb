"""Evaluations as tables for people. Returns what rich can show; prints nothing and computes nothing."""

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from retrieval.comparison import Comparison, Difference, Moved
from retrieval.evaluation import METRICS, Abstention, Evaluation, Latency, Row, Scores

_LISTED = 20
_FEW = 30
"""With fewer questions in common, a difference says little whatever its interval."""

_NAMES = {
    "hit@1": "hit@1",
    "hit@3": "hit@3",
    "hit@5": "hit@5",
    "mrr@5": "MRR@5",
    "ndcg@10": "nDCG@10",
    "out_of_scope": "out of scope",
}
_NONE = "-"


def evaluation_table(evaluation: Evaluation) -> RenderableType:
    """Kinds, styles, latency, and the questions worth a look."""
    failures = list(_failures(evaluation.rows))
    parts: list[RenderableType] = [
        Text(_headline(evaluation), style="bold"),
        _scores("By kind", evaluation.kinds),
        Text(_abstention(evaluation.abstention)),
        _scores("By style", evaluation.styles, by_style=True),
        _latency(evaluation.latency.items()),
    ]
    if failures:
        parts.append(_worth_a_look(failures))
    parts.append(Text(f"Ranked lists: {evaluation.fingerprint}, the same in every run over the same index", "dim"))
    return _spaced(parts)


def comparison_table(comparison: Comparison) -> RenderableType:
    """Every metric's difference with its interval, and the questions that moved."""
    parts: list[RenderableType] = [Text(_shared(comparison), style="bold")]
    if comparison.changed:
        parts.append(Text("Not the same in both: " + "; ".join(comparison.changed), style="yellow"))
    if comparison.same_lists:
        parts.append(Text("Both runs ranked exactly the same passages."))
    parts.append(_differences(comparison.differences))
    if comparison.common < _FEW:
        parts.append(Text(f"{comparison.common} questions are few: read the intervals as guesses.", style="yellow"))
    if comparison.moved:
        parts.append(_moved(comparison.moved))
    return _spaced(parts)


def _spaced(parts: Sequence[RenderableType]) -> RenderableType:
    return Group(*(Padding(part, (0, 0, 1, 0), expand=False) for part in parts))


def _headline(evaluation: Evaluation) -> str:
    searched = evaluation.searched
    arms = f"with {searched.embedding}" if searched.embedding else "lexical only"
    return f"{len(evaluation.rows)} questions on {searched.course or 'a course'}, {arms}"


def _table(title: str, left: Sequence[str], right: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", show_edge=False, pad_edge=False)
    for name in left:
        table.add_column(name, overflow="fold")
    for name in right:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _scores(title: str, groups: Sequence[Scores], by_style: bool = False) -> Table:
    names = [_NAMES[name] for name in METRICS]
    table = _table(title, ("Kind", "Style") if by_style else ("Kind",), ("Questions", *names, "Abstained"))
    for number, group in enumerate(groups):
        first = number == 0 or groups[number - 1].kind != group.kind
        style = [Text(group.style or _NONE)] if by_style else []
        table.add_row(
            _NAMES.get(group.kind, group.kind) if first else "",
            *style,
            str(group.questions),
            *(_number(group.metrics.get(name)) for name in METRICS),
            _abstained(group),
            end_section=by_style and number + 1 < len(groups) and groups[number + 1].kind != group.kind,
        )
    return table


def _abstained(group: Scores) -> Text:
    """A share, red where abstaining, or not abstaining, was wrong."""
    if group.abstained is None:
        return Text(_NONE)
    right = group.abstained if group.kind == "out_of_scope" else 1 - group.abstained
    return Text(f"{group.abstained:.1%}", style="" if right >= 0.95 else "yellow" if right >= 0.8 else "red")


def _abstention(abstention: Abstention) -> str:
    return (
        f"Abstention: precision {_number(abstention.precision)}, recall {_number(abstention.recall)}. "
        f"Rightly from {abstention.rightly} of {abstention.out_of_scope} out-of-scope questions, "
        f"wrongly from {abstention.wrongly} of {abstention.course} course questions."
    )


def _latency(stages: Iterable[tuple[str, Latency]]) -> Table:
    table = _table("Milliseconds", ("Stage",), ("p50", "p95"))
    for stage, latency in stages:
        table.add_row(Text(stage), f"{latency.p50:.1f}", f"{latency.p95:.1f}")
    return table


def _failures(rows: Iterable[Row]) -> Iterable[tuple[Row, str]]:
    for row in rows:
        if row.kind == "out_of_scope":
            if not row.abstain:
                yield row, f"not in the course, yet confidence {row.confidence:.2f}"
            continue
        wrong = []
        if row.metrics and row.first_relevant is None:
            wrong.append("no relevant page found")
        elif row.metrics and row.first_relevant and row.first_relevant > 3:
            wrong.append(f"first relevant page at rank {row.first_relevant}")
        if row.kind == "course" and row.abstain:
            wrong.append(f"abstained at confidence {row.confidence:.2f}")
        if wrong:
            yield row, ", ".join(wrong)


def _worth_a_look(failures: Sequence[tuple[Row, str]]) -> Table:
    table = _table("Worth a look", ("Id", "Style", "What", "First found"), ())
    for row, what in failures[:_LISTED]:
        table.add_row(Text(row.id), Text(row.style or _NONE), what, Text(row.pages[0] if row.pages else _NONE))
    if len(failures) > _LISTED:
        table.caption = f"and {len(failures) - _LISTED} more; --json has them all"
    return table


def _shared(comparison: Comparison) -> str:
    left_out = []
    if comparison.only_one:
        left_out.append(f"{comparison.only_one} only here")
    if comparison.only_other:
        left_out.append(f"{comparison.only_other} only there")
    return f"Compared over {comparison.common} common questions" + (f" ({', '.join(left_out)})" if left_out else "")


def _differences(differences: Sequence[Difference]) -> Table:
    table = _table("Now against then", ("Metric",), ("Then", "Now", "Difference", "95 % interval", "p", "Up/down"))
    table.add_column("Verdict", no_wrap=True)
    colours = {"better": "green", "worse": "red"}
    for d in differences:
        arrow = "↑" if d.difference > 0 else "↓" if d.difference < 0 else "="
        table.add_row(
            f"{_NAMES.get(d.metric, d.metric)} ({d.questions})",
            _number(d.other),
            _number(d.one),
            f"{arrow} {d.difference:+.3f}",
            f"{d.low:+.3f} to {d.high:+.3f}",
            f"{d.p:.3f}" if d.p >= 0.001 else "<0.001",
            f"{d.up}/{d.down}",
            Text(d.verdict, style=colours.get(d.verdict, "")),
        )
    return table


def _moved(moved: Sequence[Moved]) -> Table:
    """Losses first: they are what a change is judged by."""
    table = _table("Rank of the first relevant page", ("Id", "Style"), ("Then", "Now"))
    unfound = 1000
    order = sorted(moved, key=lambda m: ((m.other or unfound) - (m.one or unfound), m.id))
    for m in order[:_LISTED]:
        table.add_row(Text(m.id), Text(m.style or _NONE), str(m.other or "not found"), str(m.one or "not found"))
    if len(order) > _LISTED:
        table.caption = f"and {len(order) - _LISTED} more; --json has them all"
    return table


def _number(value: float | None) -> str:
    return _NONE if value is None else f"{value:.3f}"
