"""Two evaluations compared: what is a gain, what is chance, and how both are shown to people."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from labelled_runs import asked, found, mixed, run_of
from rich.console import Console, RenderableType

from bot.rendering.evaluation_table import comparison_table, evaluation_table
from retrieval.comparison import ABSTAINED_RIGHTLY, ABSTAINED_WRONGLY, Comparison, Difference, compare, load_evaluation
from retrieval.evaluation import METRICS, Searched, judge
from retrieval.labelled import QuestionsError
from retrieval.results import Options, Retrieval

# Saved and compared


def write(folder: Path, text: str | bytes) -> Path:
    file = folder / "run.json"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def test_an_evaluation_survives_being_saved(tmp_path: Path) -> None:
    evaluation = mixed()
    plain = evaluation.to_json()
    assert json.dumps(plain) == json.dumps(mixed().to_json())
    assert list(plain["overall"]) == list(METRICS)
    assert load_evaluation(write(tmp_path, json.dumps(plain | {"comparison": {}}))) == evaluation


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"error": {"code": "failed"}}', "\udcff"])
def test_what_is_not_a_saved_evaluation_is_refused(tmp_path: Path, text: str) -> None:
    file = write(tmp_path, text.encode("utf-8", "surrogateescape"))
    with pytest.raises(QuestionsError, match="is not a saved evaluation") as caught:
        load_evaluation(file)
    assert "erica eval --json" in caught.value.hint


def test_an_evaluation_of_another_format_or_none_is_refused(tmp_path: Path) -> None:
    plain = mixed().to_json() | {"format": 99}
    with pytest.raises(QuestionsError, match="format 99"):
        load_evaluation(write(tmp_path, json.dumps(plain)))
    with pytest.raises(QuestionsError, match="cannot read"):
        load_evaluation(tmp_path / "missing.json")


def differences(comparison: Comparison) -> dict[str, Difference]:
    return {difference.metric: difference for difference in comparison.differences}


def test_a_run_does_not_differ_from_itself() -> None:
    comparison = compare(mixed(), mixed())
    assert comparison.same_lists
    assert (comparison.common, comparison.moved, comparison.changed) == (8, (), ())
    for d in comparison.differences:
        assert (d.difference, d.low, d.high, d.p, d.verdict) == (0, 0, 0, 1, "same")


def test_a_clear_gain_is_told_from_chance() -> None:
    comparison = compare(run_of([1] * 30 + [2] * 10, [True] * 20), run_of([2] * 40, [False] * 18 + [True] * 2))
    hit, mrr = differences(comparison)["hit@1"], differences(comparison)["mrr@5"]
    assert (hit.one, hit.other, hit.difference, hit.up, hit.down) == (0.75, 0, 0.75, 30, 0)
    assert 0.55 < hit.low < 0.75 < hit.high < 0.95
    assert hit.p == pytest.approx(1 / 2001, abs=1e-6)
    assert mrr.difference == 0.375
    assert {d.verdict for d in (hit, mrr, differences(comparison)[ABSTAINED_RIGHTLY])} == {"better"}
    assert differences(comparison)["hit@3"].verdict == "same"
    assert len(comparison.moved) == 30


def test_the_other_way_round_everything_is_worse() -> None:
    good, bad = run_of([1] * 40), run_of([2] * 30 + [1] * 10)
    forth, back = differences(compare(good, bad))["hit@1"], differences(compare(bad, good))["hit@1"]
    assert (forth.verdict, back.verdict) == ("better", "worse")
    assert (back.difference, back.low, back.high) == (-forth.difference, -forth.high, -forth.low)


def test_one_gain_and_one_loss_are_chance() -> None:
    hit = differences(compare(run_of([1, 2] + [1] * 38), run_of([2, 1] + [1] * 38)))["hit@1"]
    assert (hit.difference, hit.up, hit.down, hit.verdict) == (0, 1, 1, "unclear")
    assert hit.p == 1
    assert hit.low < 0 < hit.high


def test_fewer_wrong_abstentions_are_better() -> None:
    questions = [asked(str(n), "a") for n in range(20)]
    sure = judge(questions, [found("a")] * 20, {})
    unsure = judge(questions, [found("a", abstain=True)] * 20, {})
    wrongly = differences(compare(sure, unsure))[ABSTAINED_WRONGLY]
    assert (wrongly.difference, wrongly.verdict) == (-1, "better")


def test_a_comparison_is_the_same_every_time() -> None:
    one, other = run_of([1, 1, 2, 3, 1, 6]), run_of([1, 2, 1, 3, 2, 1])
    assert compare(one, other) == compare(one, other)
    assert json.dumps(compare(one, other).to_json()) == json.dumps(compare(one, other).to_json())


def test_only_questions_with_the_same_text_and_labels_are_compared() -> None:
    same, reworded, relabelled, new = asked("a", "a"), asked("b", "a"), asked("c", "a"), asked("d", "a")
    one = judge([same, reworded, relabelled, new], [found("a")] * 4, {})
    other = judge(
        [replace(relabelled, relevant=("z",)), replace(reworded, question="Else?"), same], [found("a")] * 3, {}
    )
    comparison = compare(one, other)
    assert (comparison.common, comparison.only_one, comparison.only_other) == (1, 3, 2)
    with pytest.raises(QuestionsError, match="no question in common"):
        compare(one, judge([asked("z", "a")], [found("a")], {}))


def test_assignments_are_not_mixed_into_the_comparison() -> None:
    evaluation = judge([asked("s", "a", kind="assignment")], [found("a")], {})
    assert compare(evaluation, evaluation).differences == ()


def test_what_else_differs_between_the_runs_is_told() -> None:
    question, result = [asked("a", "a")], [found("a")]
    now = judge(question, result, {}, Searched("ai", "0123456789", None), Options(passages=5, graph=False))
    then = judge(question, result, {}, Searched("ai", "abcdefabcd", "bge"))
    assert compare(now, then).changed == (
        "index: abcdefab -> 01234567",
        "embedding: bge -> None",
        "passages: 10 -> 5",
        "graph: True -> False",
    )


# Tables


def shown(table: RenderableType, width: int = 120) -> str:
    console = Console(width=width, file=io.StringIO(), record=True, color_system=None)
    console.print(table)
    return console.export_text()


def test_people_see_metrics_abstention_and_latency() -> None:
    text = " ".join(shown(evaluation_table(mixed())).split())
    for expected in (
        "hit@1",
        "MRR@5",
        "nDCG@10",
        "precision 0.667, recall 0.667",
        "Rightly from 2 of 3 out-of-scope questions, wrongly from 1 of 3 course questions",
        "near_miss",
        "p95",
        mixed().fingerprint,
    ):
        assert expected in text


def test_people_see_which_questions_went_wrong() -> None:
    questions = [asked("far", "right"), asked("lost", "right"), asked("fine", "right"), asked("o", kind="out_of_scope")]
    results = [found(*"abc", "right"), found("a", abstain=True, confidence=0.1), found("right"), found("x")]
    text = shown(evaluation_table(judge(questions, results, {})))
    assert "first relevant page at rank 4" in text
    assert "no relevant page found, abstained at confidence 0.10" in text
    assert "not in the course, yet confidence 0.90" in text
    assert "fine" not in text


def test_a_long_list_of_failures_is_cut_and_says_so() -> None:
    questions = [asked(f"q{n}", "right") for n in range(50)]
    assert "and 30 more" in shown(evaluation_table(judge(questions, [found("x")] * 50, {})))


def test_brackets_in_a_question_file_are_text_not_markup() -> None:
    question = asked("[red]q[/red]", "a[0].md", style="[bold]")
    text = shown(evaluation_table(judge([question], [found("b[/b].md")], {})))
    assert "[red]q[/red]" in text
    assert "[bold]" in text
    assert "b[/b].md" in text


def test_a_comparison_shows_direction_interval_and_losses_first() -> None:
    text = shown(comparison_table(compare(run_of([1] * 30 + [2, 2]), run_of([2] * 30 + [1, 1]))))
    assert "32 common questions" in text
    assert "↑ +0.875" in text
    assert "better" in text
    assert "few" not in text
    assert text.index("c30") < text.index("c0 ")


def test_a_comparison_over_few_questions_warns() -> None:
    assert "are few" in shown(comparison_table(compare(run_of([1, 2]), run_of([2, 1]))))


def test_an_evaluation_of_assignments_alone_can_be_shown() -> None:
    evaluation = judge([asked("s", "a", kind="assignment")], [Retrieval((), 0.0, True)], {})
    assert "precision -, recall -" in shown(evaluation_table(evaluation), width=60)
