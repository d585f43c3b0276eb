"""Labelled questions and hand-made search results whose scores can be worked out on paper."""

from collections.abc import Sequence

from retrieval.evaluation import Evaluation, judge
from retrieval.labelled import Kind, LabelledQuestion
from retrieval.passage import Passage
from retrieval.results import Found, Retrieval


def asked(id_: str, *relevant: str, kind: Kind = "course", style: str = "clean") -> LabelledQuestion:
    return LabelledQuestion(f"What about {id_}?", kind, id_, style, relevant)


def found(*paths: str, abstain: bool = False, confidence: float = 0.9, total: float = 1.0) -> Retrieval:
    passages = [
        Found(
            rank,
            1 / rank,
            Passage(0, rank, 0, path, path, (), f"text {rank}", f"https://x/{path}", f"{path}{rank}"),
            "",
        )
        for rank, path in enumerate(paths, start=1)
    ]
    return Retrieval(tuple(passages), confidence, abstain, ms={"embed": total / 2, "search": total / 2, "total": total})


def mixed() -> Evaluation:
    """Something of everything: right and wrong, three kinds, five styles."""
    questions = [
        asked("c1", "a"),
        asked("c2", "a"),
        asked("c3", "a", style="messy"),
        asked("o1", kind="out_of_scope", style="joke"),
        asked("o2", kind="out_of_scope", style="joke"),
        asked("o3", kind="out_of_scope", style="near_miss"),
        asked("s1", "a", kind="assignment", style="paste"),
        asked("s2", kind="assignment", style="paste"),
    ]
    results = [
        found("a", total=10),
        found("b", "a", total=20),
        found("a", abstain=True, confidence=0.1, total=30),
        found("b", abstain=True),
        found("b", abstain=True),
        found("b", confidence=0.7),
        found("b", "a", abstain=True),
        found("b", abstain=True),
    ]
    return judge(questions, results, {})


def run_of(ranks: Sequence[int], abstained: Sequence[bool] = ()) -> Evaluation:
    """A run whose course questions find their page at these ranks, and whose others are abstained from or not."""
    questions = [asked(f"c{n}", "right") for n in range(len(ranks))]
    questions += [asked(f"o{n}", kind="out_of_scope") for n in range(len(abstained))]
    results = [found(*[f"wrong{n}" for n in range(1, rank)], "right") for rank in ranks]
    results += [found("wrong", abstain=abstain) for abstain in abstained]
    return judge(questions, results, {})
