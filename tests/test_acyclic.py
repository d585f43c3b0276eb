"""Prerequisites without circles: whatever is claimed, what is kept can be learned in some order."""

import math
import random
from graphlib import CycleError, TopologicalSorter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.concepts import acyclic as module
from retrieval.concepts.acyclic import acyclic
from retrieval.graph import Edge, Evidence


def edge(source: str, target: str, confidence: float = 0.5, sentence: str = "") -> Edge:
    evidence = Evidence("https://example.edu/law", sentence) if sentence else None
    return Edge(source, target, "prereq_of", confidence=confidence, evidence=evidence)


def pairs(edges: tuple[Edge, ...]) -> set[tuple[str, str]]:
    return {(one.source, one.target) for one in edges}


def is_acyclic(edges: tuple[Edge, ...]) -> bool:
    try:
        sorter: TopologicalSorter[str] = TopologicalSorter()
        for one in edges:
            sorter.add(one.target, one.source)
        sorter.prepare()
    except CycleError:
        return False
    return True


def reaches(edges: list[Edge], start: str, goal: str) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        current = waiting.pop()
        if current == goal:
            return True
        for one in edges:
            if one.source == current and one.target not in seen:
                seen.add(one.target)
                waiting.append(one.target)
    return False


def one_by_one(edges: list[Edge], decided: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """What must be kept, found the slow way."""
    kept: list[Edge] = []
    for one in sorted(
        edges, key=lambda one: ((one.source, one.target) not in decided, -one.confidence, one.source, one.target)
    ):
        if not reaches(kept, one.target, one.source):
            kept.append(one)
    return {(one.source, one.target) for one in kept}


EDGES = st.lists(
    st.builds(
        edge, st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh"), st.sampled_from([0.1, 0.3, 0.3, 0.7, 1.0])
    ),
    max_size=40,
)


def test_what_has_no_circle_stays_as_it_is() -> None:
    chain = [edge("cell", "membrane"), edge("membrane", "osmosis"), edge("cell", "osmosis")]
    kept, cuts = acyclic(chain)
    assert set(kept) == set(chain)
    assert cuts == ()


def test_a_circle_is_broken_at_its_weakest_evidence_and_the_cut_is_recorded() -> None:
    weakest = edge("remedy", "contract", 0.2, "A contract gives a remedy.")
    kept, cuts = acyclic([edge("contract", "breach", 0.9), weakest, edge("breach", "remedy", 0.8)])
    assert pairs(kept) == {("contract", "breach"), ("breach", "remedy")}
    assert [cut.edge for cut in cuts] == [weakest]
    assert cuts[0].reason == "evidence at least as strong puts contract before remedy"


def test_nothing_is_a_prerequisite_of_itself() -> None:
    kept, cuts = acyclic([edge("tort", "tort", 1.0)])
    assert kept == ()
    assert cuts[0].reason == "a concept is no prerequisite of itself"


def test_of_the_same_claim_twice_the_surest_is_kept_and_none_is_a_cut() -> None:
    sure = edge("acid", "buffer", 0.9, "Recall acids.")
    kept, cuts = acyclic([edge("acid", "buffer", 0.4), sure, edge("acid", "buffer", 0.9)])
    assert kept == (sure,)
    assert cuts == ()


def test_staff_win_over_any_evidence() -> None:
    by_staff = edge("mole", "titration", 1.0)
    kept, cuts = acyclic([edge("titration", "mole", 1.0, "As sure as can be."), by_staff], {("mole", "titration")})
    assert kept == (by_staff,)
    assert cuts[0].reason == "staff decided that mole comes before titration"


def test_a_confidence_that_is_no_number_is_the_weakest() -> None:
    kept, _ = acyclic([edge("a", "b", math.nan), edge("b", "a", 0.0001)])
    assert pairs(kept) == {("b", "a")}


def test_no_edges_are_no_trouble() -> None:
    assert acyclic([]) == ((), ())


@given(EDGES, st.sets(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=4))
def test_any_edges_in_a_dag_out(edges: list[Edge], decided: set[tuple[str, str]]) -> None:
    kept, cuts = acyclic(edges, decided)
    assert is_acyclic(kept)
    assert pairs(kept) == one_by_one(edges, decided)
    assert pairs(kept) | {(cut.edge.source, cut.edge.target) for cut in cuts} == pairs(tuple(edges))
    assert len(kept) == len(pairs(kept))


@given(EDGES)
def test_nothing_is_cut_that_was_on_no_circle(edges: list[Edge]) -> None:
    _, cuts = acyclic(edges)
    assert all(reaches(edges, cut.edge.target, cut.edge.source) and cut.reason for cut in cuts)


@given(EDGES, st.randoms(use_true_random=False))
def test_the_order_of_the_edges_does_not_matter(edges: list[Edge], chance: random.Random) -> None:
    shuffled = list(edges)
    chance.shuffle(shuffled)
    assert acyclic(shuffled) == acyclic(edges)


@pytest.mark.parametrize("window", [1, 3, 8])
def test_the_result_is_the_same_in_windows_of_any_size(window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(7)
    edges = [edge(f"c{chance.randrange(30)}", f"c{chance.randrange(30)}", chance.random()) for _ in range(300)]
    whole = acyclic(edges)
    monkeypatch.setattr(module, "_WINDOW", window)
    assert acyclic(edges) == whole
    assert pairs(whole[0]) == one_by_one(edges, set())


def test_a_dump_of_a_hundred_thousand_tangled_edges_becomes_a_dag() -> None:
    chance = random.Random(3)
    edges = [edge(f"n{chance.randrange(5000)}", f"n{chance.randrange(5000)}", chance.random()) for _ in range(100_000)]
    kept, cuts = acyclic(edges)
    assert is_acyclic(kept)
    assert cuts


def test_one_circle_of_a_hundred_thousand_is_cut_once() -> None:
    size = 100_000
    ring = [edge(f"n{place}", f"n{(place + 1) % size}", 0.1 if place == 500 else 0.5) for place in range(size)]
    kept, cuts = acyclic(ring)
    assert len(kept) == size - 1
    assert [cut.edge.source for cut in cuts] == ["n500"]
