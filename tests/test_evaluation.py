"""Evaluation: labelled questions in, page-level metrics, abstention and latency out."""

import json
import math
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from fakes import HashEmbedder, SilentProgress, retriever_of
from hypothesis import given, settings
from hypothesis import strategies as st
from labelled_runs import asked, found, mixed

from retrieval.adapters.bm25 import Bm25Encoder
from retrieval.adapters.qdrant_edge import EdgeIndexStore
from retrieval.comparison import compare, load_evaluation
from retrieval.config import SourceConfig
from retrieval.errors import IndexMissing
from retrieval.evaluation import METRICS, Latency, evaluate, judge
from retrieval.ingest import Material, ingest
from retrieval.labelled import LabelledQuestion
from retrieval.results import Retrieval
from retrieval.retriever import Retriever


def scored(question: LabelledQuestion, result: Retrieval, duplicates: dict[str, str] | None = None) -> dict[str, float]:
    return dict(judge([question], [result], duplicates or {}).rows[0].metrics)


# Metrics


def test_a_page_ranks_where_its_first_passage_stands() -> None:
    row = judge([asked("a", "b.md")], [found("a.md", "a.md", "a.md", "b.md", "c.md", "b.md")], {}).rows[0]
    assert row.pages == ("a.md", "b.md", "c.md")
    assert row.first_relevant == 2
    assert row.metrics == {"hit@1": 0, "hit@3": 1, "hit@5": 1, "mrr@5": 0.5, "ndcg@10": round(1 / math.log2(3), 6)}


def test_two_relevant_pages_are_worth_their_discounted_gain() -> None:
    metrics = scored(asked("a", "a.md", "c.md"), found("a.md", "b.md", "c.md"))
    assert metrics["hit@1"] == metrics["mrr@5"] == 1
    assert metrics["ndcg@10"] == pytest.approx((1 + 1 / 2) / (1 + 1 / math.log2(3)), abs=1e-6)


def test_a_page_at_rank_six_counts_for_ndcg_only() -> None:
    metrics = scored(asked("a", "f"), found(*"abcdefg"))
    assert metrics == {"hit@1": 0, "hit@3": 0, "hit@5": 0, "mrr@5": 0, "ndcg@10": round(1 / math.log2(7), 6)}


@pytest.mark.parametrize("result", [found("a", "b"), found()], ids=["only wrong pages", "no passages at all"])
def test_a_relevant_page_that_is_not_found_scores_nought_and_still_counts(result: Retrieval) -> None:
    evaluation = judge([asked("good", "a"), asked("bad", "z")], [found("a"), result], {})
    assert evaluation.rows[1].first_relevant is None
    assert evaluation.rows[1].metrics == dict.fromkeys(METRICS, 0.0)
    assert evaluation.overall == dict.fromkeys(METRICS, 0.5)


def test_nothing_found_for_any_question_is_a_result_too() -> None:
    assert judge([asked("a", "a")], [found()], {}).overall == dict.fromkeys(METRICS, 0.0)


def test_a_duplicate_of_a_relevant_page_counts_as_that_page() -> None:
    row = judge([asked("a", "a.md")], [found("copy/a.md", "b.md")], {"a.md": "a.md", "copy/a.md": "a.md"}).rows[0]
    assert row.first_relevant == 1
    assert row.pages == ("copy/a.md", "b.md"), "the path that was found is the one that is reported"


def test_a_page_and_its_duplicate_take_one_rank() -> None:
    duplicates = {"a.md": "a.md", "copy/a.md": "a.md"}
    assert scored(asked("q", "b.md"), found("a.md", "copy/a.md", "b.md"), duplicates)["mrr@5"] == 0.5
    assert scored(asked("q", "a.md", "copy/a.md"), found("copy/a.md", "b.md"), duplicates)["ndcg@10"] == 1


def test_equal_scores_do_not_shuffle_the_ranking() -> None:
    result = found("z.md", "a.md", "b.md")
    tied = replace(result, passages=tuple(replace(passage, score=0.5) for passage in result.passages))
    assert scored(asked("q", "z.md"), tied)["hit@1"] == 1


@settings(deadline=None)  # the first example loads ir_measures
@given(st.lists(st.sampled_from("abcdefgh"), max_size=10), st.sets(st.sampled_from("abcdefgh"), min_size=1))
def test_hits_and_reciprocal_rank_follow_their_definitions(passages: list[str], relevant: set[str]) -> None:
    pages = list(dict.fromkeys(passages))
    rank = next((n for n, page in enumerate(pages, start=1) if page in relevant), None)
    metrics = scored(asked("q", *relevant), found(*passages))
    assert [metrics[f"hit@{k}"] for k in (1, 3, 5)] == [float(rank is not None and rank <= k) for k in (1, 3, 5)]
    assert metrics["mrr@5"] == pytest.approx(1 / rank if rank and rank <= 5 else 0, abs=1e-6)


# Abstention, groups, latency


def test_abstention_is_judged_on_course_and_out_of_scope_questions() -> None:
    abstention = mixed().abstention
    assert (abstention.rightly, abstention.wrongly) == (2, 1)
    assert abstention.precision == abstention.recall == round(2 / 3, 6)


def test_without_abstentions_or_out_of_scope_questions_there_is_no_precision_or_recall() -> None:
    abstention = judge([asked("a", "a")], [found("a")], {}).abstention
    assert abstention.precision is None
    assert abstention.recall is None


def test_passages_are_scored_though_erica_would_abstain() -> None:
    evaluation = judge([asked("a", "a")], [found("a", abstain=True)], {})
    assert evaluation.overall["hit@1"] == 1
    assert evaluation.kinds[0].abstained == 1


def test_kinds_and_styles_have_means_of_their_own() -> None:
    evaluation = mixed()
    kinds = {scores.kind: scores for scores in evaluation.kinds}
    assert evaluation.overall == kinds["course"].metrics
    assert kinds["course"].metrics["mrr@5"] == round(2.5 / 3, 6)
    assert (kinds["course"].abstained, kinds["out_of_scope"].abstained) == (round(1 / 3, 6), round(2 / 3, 6))
    assert kinds["out_of_scope"].metrics == {}
    assignment = kinds["assignment"]
    assert (assignment.questions, assignment.scored, assignment.metrics["mrr@5"]) == (2, 1, 0.5)
    assert assignment.abstained is None
    styles = [(scores.kind, scores.style, scores.questions) for scores in evaluation.styles]
    assert styles == [
        ("course", "clean", 2),
        ("course", "messy", 1),
        ("out_of_scope", "joke", 2),
        ("out_of_scope", "near_miss", 1),
        ("assignment", "paste", 2),
    ]


def test_latency_is_told_by_stage() -> None:
    results = [found("a", total=float(ms)) for ms in range(1, 102)]
    latency = judge([asked(str(n), "a") for n in range(101)], results, {}).latency
    assert latency == {"embed": Latency(25.5, 48.0), "search": Latency(25.5, 48.0), "total": Latency(51.0, 96.0)}


def test_the_fingerprint_is_of_the_ranked_passages() -> None:
    def fingerprint(result: Retrieval) -> str:
        return judge([asked("a", "a")], [result], {}).fingerprint

    assert fingerprint(found("a", "b", total=1)) == fingerprint(found("a", "b", total=99, confidence=0.2))
    assert len({fingerprint(found(*paths)) for paths in ("ab", "ba", "a", "aab", "")}) == 5


# End to end, over a real index


PAGES = {
    "adam.md": "# Adam\n\nThe Adam optimizer keeps moving averages of gradients and of squared gradients.",
    "copies/adam.md": "# Adam\n\nThe Adam optimizer keeps moving averages of gradients and of squared gradients.",
    "dropout.md": "# Dropout\n\nDropout switches random neurons off while a network is trained.",
    "entropy.md": "# Entropy\n\nEntropy measures the surprise of a distribution in bits.",
    "kalman.md": "# Kalman filter\n\nA Kalman filter tracks a hidden state from noisy measurements.",
}
QUESTIONS = (
    LabelledQuestion("What does the Adam optimizer average?", "course", "1", "clean", ("copies/adam.md",)),
    LabelledQuestion("Why does dropout switch neurons off?", "course", "2", "clean", ("dropout.md",)),
    LabelledQuestion("and its noise?", "course", "3", "messy", ("kalman.md",), ("What is a Kalman filter?",)),
    LabelledQuestion("Which room is the midterm held in?", "out_of_scope", "4", "logistics"),
    LabelledQuestion("?!", "out_of_scope", "5", "blank"),
)
DUPLICATES = {"adam.md": "adam.md", "copies/adam.md": "adam.md"}


async def a_small_course(folder: Path, embedder: HashEmbedder | None) -> Retriever:
    for name, text in PAGES.items():
        file = folder / "course" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    store = EdgeIndexStore(folder / "index")
    source = SourceConfig(path=folder / "course", base_url="https://example.edu/")
    await ingest(Material("small", [source], folder), store, Bm25Encoder(), embedder, SilentProgress())
    return retriever_of(store, lambda manifest: embedder, lambda: date(2026, 9, 1), folder / "edits.jsonl")


@pytest.mark.parametrize("embedder", [None, HashEmbedder()], ids=["lexical", "hybrid"])
async def test_a_small_course_is_evaluated_the_same_way_twice(tmp_path: Path, embedder: HashEmbedder | None) -> None:
    retriever = await a_small_course(tmp_path, embedder)
    one, two = [await evaluate(retriever, QUESTIONS, DUPLICATES) for _ in range(2)]
    assert one.overall == dict.fromkeys(METRICS, 1.0)
    assert one.searched.course == "small"
    assert one.searched.embedding == (embedder.name if embedder else None)
    assert one.options.passages == 10
    assert one.latency["total"].p95 > 0
    assert one.fingerprint == two.fingerprint
    assert [row.pages for row in one.rows] == [row.pages for row in two.rows]
    file = tmp_path / "one.json"
    file.write_text(json.dumps(one.to_json()))
    assert compare(two, load_evaluation(file)).same_lists


async def test_what_cannot_even_be_searched_is_abstained_from(tmp_path: Path) -> None:
    retriever = await a_small_course(tmp_path, None)
    row = (await evaluate(retriever, QUESTIONS, DUPLICATES)).rows[-1]
    assert row.abstain
    assert (row.pages, row.confidence, row.ms) == ((), 0, {})


async def test_there_is_no_evaluation_without_an_index(tmp_path: Path) -> None:
    retriever = retriever_of(
        EdgeIndexStore(tmp_path), lambda _: None, lambda: date(2026, 9, 1), tmp_path / "edits.jsonl"
    )
    with pytest.raises(IndexMissing):
        await evaluate(retriever, [asked("a", "a")], {})
