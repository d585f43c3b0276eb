"""Learning paths: the shortest honest way from one concept to another, or to one from the beginning."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.concepts.acyclic import acyclic
from retrieval.concepts.paths import LearningPath, Step, learning_path
from retrieval.graph import Concept, ConceptGraph, Edge, Resource


def needs(source: str, target: str, confidence: float = 0.8) -> Edge:
    return Edge(source, target, "prereq_of", confidence=confidence)


def course(*edges: Edge, untaught: tuple[str, ...] = (), weights: dict[str, float] | None = None) -> ConceptGraph:
    """A course that teaches every concept in its edges on a page of its own, in five minutes."""
    ids = sorted({end for edge in edges for end in (edge.source, edge.target)})
    taught = [id_ for id_ in ids if id_ not in untaught]
    return ConceptGraph(
        tuple(Concept(id_, id_.title(), weight=(weights or {}).get(id_, 0.5)) for id_ in ids),
        tuple(Resource(f"r-{id_}", "pdf", f"https://example.edu/{id_}", id_, id_, minutes=5.0) for id_ in taught),
        (),
        (*edges, *(Edge(f"r-{id_}", id_, "explains", confidence=0.9) for id_ in taught)),
    )


def ids(path: LearningPath) -> list[str]:
    return [step.id for step in path.steps]


CHEMISTRY = course(
    needs("atom", "ion"),
    needs("ion", "acid"),
    needs("atom", "mole"),
    needs("mole", "concentration"),
    needs("acid", "ph"),
    needs("concentration", "ph"),
    needs("ph", "buffer"),
    needs("acid", "titration"),
    needs("poem", "sonnet"),
)

# --- from one to another


def test_a_path_goes_through_the_prerequisites_one_link_a_step() -> None:
    path = learning_path(CHEMISTRY, "buffer", "acid")
    assert path == LearningPath(
        (
            Step("acid", "Acid", "https://example.edu/acid", 5.0),
            Step("ph", "Ph", "https://example.edu/ph", 5.0),
            Step("buffer", "Buffer", "https://example.edu/buffer", 5.0),
        )
    )


def test_of_two_ways_the_shorter_one_is_taken() -> None:
    graph = course(needs("a", "x"), needs("x", "y"), needs("y", "z"), needs("a", "m"), needs("m", "z"))
    assert ids(learning_path(graph, "z", "a")) == ["a", "m", "z"]


def test_of_ways_as_short_the_surer_then_the_better_taught_one_is_taken() -> None:
    ways = (needs("a", "m"), needs("m", "z"), needs("a", "n"))
    assert ids(learning_path(course(*ways, needs("n", "z", 0.9)), "z", "a")) == ["a", "n", "z"]
    assert ids(learning_path(course(*ways, needs("n", "z", 0.8), untaught=("m",)), "z", "a")) == ["a", "n", "z"]
    assert ids(learning_path(course(*ways, needs("n", "z", 0.8), weights={"n": 0.9}), "z", "a")) == ["a", "n", "z"]
    assert ids(learning_path(course(*ways, needs("n", "z", 0.8)), "z", "a")) == ["a", "m", "z"]


def test_a_doubtful_short_cut_does_not_replace_a_sure_step_between() -> None:
    sure = (needs("cell", "membrane", 0.9), needs("membrane", "osmosis", 0.9))
    guessed = course(*sure, needs("cell", "osmosis", 0.2))
    assert ids(learning_path(guessed, "osmosis", "cell")) == ["cell", "membrane", "osmosis"]
    known = course(*sure, needs("cell", "osmosis", 0.9))
    assert ids(learning_path(known, "osmosis", "cell")) == ["cell", "osmosis"]


def test_the_wrong_way_round_is_said_and_turned() -> None:
    path = learning_path(CHEMISTRY, "atom", "acid")
    assert ids(path) == ["atom", "ion", "acid"]
    assert path.note == "“Atom” comes before “Acid”, so this is the way from “Atom” to “Acid”."


def test_where_no_way_leads_the_path_starts_from_what_both_build_on() -> None:
    path = learning_path(CHEMISTRY, "buffer", "titration")
    assert ids(path) == ["acid", "ph", "buffer"]
    assert path.note == (
        "I found no way from “Titration” to “Buffer” in the material. Both build on “Acid”: it starts there."
    )


def test_where_nothing_is_shared_the_target_s_own_needs_are_listed_and_that_is_said() -> None:
    path = learning_path(CHEMISTRY, "sonnet", "acid")
    assert ids(path) == ["poem", "sonnet"]
    assert path.note == (
        "I found nothing in the material that links “Acid” to “Sonnet”. This is what “Sonnet” itself needs."
    )


def test_from_a_concept_to_itself_is_one_step() -> None:
    path = learning_path(CHEMISTRY, "acid", "acid")
    assert ids(path) == ["acid"]
    assert path.note == ""


# --- to one concept


def test_a_path_to_a_concept_is_what_it_needs_in_learning_order_and_itself() -> None:
    path = learning_path(CHEMISTRY, "ph")
    assert ids(path) == ["atom", "ion", "mole", "acid", "concentration", "ph"]
    assert path.note == ""


def test_a_path_to_a_concept_leaves_out_what_is_a_mere_guess_or_far_away() -> None:
    chain = [needs(f"c{place}", f"c{place + 1}", 0.9) for place in range(8)]
    path = learning_path(course(*chain, needs("rumour", "c8", 0.3)), "c8")
    assert ids(path) == ["c4", "c5", "c6", "c7", "c8"]


def test_a_path_to_a_concept_has_eight_steps_at_most() -> None:
    graph = course(*(needs(f"p{place:02}", "goal", 0.5 + place / 50) for place in range(20)))
    assert sorted(ids(learning_path(graph, "goal"))) == ["goal", *(f"p{place}" for place in range(13, 20))]


def test_a_concept_that_needs_nothing_is_a_path_of_its_own_with_a_note() -> None:
    path = learning_path(CHEMISTRY, "atom")
    assert ids(path) == ["atom"]
    assert path.note == "I found nothing in the material that is needed before “Atom”."


# --- links and minutes


def test_a_concept_without_a_place_has_no_link_and_takes_no_time() -> None:
    path = learning_path(course(needs("a", "b"), untaught=("a",)), "b", "a")
    assert path.steps[0] == Step("a", "A", "", 0.0)


def test_a_page_that_teaches_two_steps_is_read_once() -> None:
    graph = ConceptGraph(
        (Concept("a", "A"), Concept("b", "B")),
        (Resource("r", "pdf", "https://example.edu/r", "r", "R", minutes=7.0),),
        (),
        (needs("a", "b"), Edge("r", "a", "explains"), Edge("r", "b", "explains")),
    )
    assert [(step.url, step.minutes) for step in learning_path(graph, "b").steps] == [
        ("https://example.edu/r", 7.0),
        ("https://example.edu/r", 0.0),
    ]


# --- the wrong hands


@pytest.mark.parametrize(("target", "start"), [("nowhere", None), ("nowhere", "acid"), ("acid", "nowhere")])
def test_a_concept_that_there_is_not_makes_an_empty_path(target: str, start: str | None) -> None:
    assert learning_path(CHEMISTRY, target, start) == LearningPath(note="The course has no concept “nowhere”.")


def test_a_name_of_any_length_fits_into_the_note() -> None:
    graph = ConceptGraph((Concept("x", "very\nlong " * 1000),))
    assert len(learning_path(graph, "x").note) < 200
    assert "\n" not in learning_path(graph, "x").note


NODES = "abcdefghij"
CLAIMS = st.lists(
    st.builds(needs, st.sampled_from(NODES), st.sampled_from(NODES), st.sampled_from([0.2, 0.5, 0.9])), max_size=40
)


@given(CLAIMS, st.sampled_from(NODES), st.one_of(st.none(), st.sampled_from(NODES)))
def test_every_path_is_honest(claims: list[Edge], target: str, start: str | None) -> None:
    edges, _ = acyclic(claims)
    graph = ConceptGraph(tuple(Concept(id_, id_) for id_ in NODES), edges=edges)
    path = learning_path(graph, target, start)
    found = ids(path)
    assert len(set(found)) == len(found)
    known = {(edge.source, edge.target) for edge in edges}
    assert not any((later, earlier) in known for i, earlier in enumerate(found) for later in found[i:])
    assert found[-1] == target or (start is not None and found[0] == target and found[-1] == start)
    if start is not None and not path.note:
        assert found[0] == start
        assert set(pairwise(found)) <= known
    turned = ConceptGraph(graph.concepts[::-1], edges=edges[::-1])
    assert learning_path(turned, target, start) == path
