"""Which part of a concept graph is shown: around a concept, along a path, of a whole course."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.concepts.views import ConceptMap, along, neighbourhood, whole
from retrieval.graph import Concept, ConceptGraph, Edge, Kind

Steps = set[tuple[str, str]]


def biology(*extra: Edge, sure: float = 0.9, **weights: float) -> ConceptGraph:
    """atom > molecule > protein > enzyme > metabolism > photosynthesis, cell > organelle > photosynthesis > ecology."""
    chains = ("atom molecule protein enzyme metabolism photosynthesis", "cell organelle photosynthesis ecology climate")
    steps = dict.fromkeys(pair for chain in chains for pair in zip(chain.split(), chain.split()[1:], strict=False))
    edges = [Edge(source, target, "prereq_of", confidence=sure) for source, target in steps] + list(extra)
    ids = dict.fromkeys(end for edge in edges for end in (edge.source, edge.target))
    concepts = [Concept(id_, id_.replace("-", " ").capitalize(), weight=weights.get(id_, 0.5)) for id_ in ids]
    return ConceptGraph(tuple(concepts), edges=tuple(edges))


def needs(target: str, *sources: str, sure: float = 0.9) -> list[Edge]:
    return [Edge(source, target, "prereq_of", confidence=sure) for source in sources]


def like(one: str, other: str, kind: Kind, sure: float = 0.8) -> Edge:
    return Edge(min(one, other), max(one, other), "near_transfer", kind, sure)


def ids(shown: ConceptMap, role: str | None = None) -> set[str]:
    return {node.id for node in shown.nodes if role in (None, node.role)}


def steps(shown: ConceptMap) -> Steps:
    return {(edge.source, edge.target) for edge in shown.edges if edge.type == "prereq_of"}


def levels(shown: ConceptMap) -> dict[str, int]:
    return {node.id: node.level for node in shown.nodes}


def test_a_neighbourhood_goes_three_steps_back_and_two_ahead() -> None:
    shown = neighbourhood(biology(), "enzyme")
    assert shown.title == "Enzyme"
    assert ids(shown, "focus") == {"enzyme"}
    assert ids(shown, "prerequisite") == {"atom", "molecule", "protein"}
    assert ids(shown, "leads_to") == {"metabolism", "photosynthesis"}
    assert [ids(neighbourhood(biology(), name)) & {"atom", "cell"} for name in ("metabolism", "photosynthesis")] == [
        set(),
        {"cell"},
    ]


def test_a_level_is_the_longest_way_of_prerequisites_on_the_map() -> None:
    shown = neighbourhood(biology(*needs("enzyme", "cell")), "enzyme")
    expected = {"atom": 0, "cell": 0, "molecule": 1, "protein": 2, "enzyme": 3, "metabolism": 4, "photosynthesis": 5}
    assert levels(shown).items() >= expected.items()


def test_what_other_prerequisites_imply_is_not_drawn() -> None:
    shown = neighbourhood(biology(*needs("enzyme", "atom", "molecule")), "enzyme")
    assert ("protein", "enzyme") in steps(shown)
    assert not steps(shown) & {("atom", "enzyme"), ("molecule", "enzyme")}


def test_related_concepts_stand_beside_the_one_in_question() -> None:
    graph = biology(like("enzyme", "hormone", "contrast"), like("enzyme", "catalyst", "is-a"))
    shown = neighbourhood(graph, "enzyme")
    assert ids(shown, "related") == {"hormone", "catalyst"}
    assert {levels(shown)[id_] for id_ in ("hormone", "catalyst", "enzyme")} == {3}
    assert {(edge.source, edge.target, edge.kind) for edge in shown.edges if edge.type == "near_transfer"} == {
        ("enzyme", "hormone", "contrast"),
        ("catalyst", "enzyme", "is-a"),
    }


def test_a_prerequisite_that_is_also_related_is_joined_once() -> None:
    shown = neighbourhood(biology(like("protein", "enzyme", "is-a")), "enzyme")
    between = [edge.type for edge in shown.edges if {edge.source, edge.target} == {"protein", "enzyme"}]
    assert between == ["prereq_of"]
    assert "protein" in ids(shown, "prerequisite")


def test_of_too_many_the_sure_and_central_ones_are_shown() -> None:
    hub = [edge for number in range(40) for edge in needs("enzyme", f"fact-{number}", sure=0.1)]
    graph = biology(*hub, *needs("enzyme", "temperature"), temperature=1.0)
    shown = neighbourhood(graph, "enzyme", limit=8)
    assert len(shown.nodes) == 8
    assert {"enzyme", "temperature", "protein", "metabolism"} <= ids(shown)


def test_the_near_comes_before_the_far() -> None:
    shown = neighbourhood(biology(), "enzyme", limit=4)
    assert ids(shown) == {"enzyme", "protein", "molecule", "metabolism"}


@pytest.mark.parametrize("limit", [-1, 0, 1])
def test_a_limit_always_leaves_the_concept_itself(limit: int) -> None:
    assert ids(neighbourhood(biology(), "enzyme", limit)) == {"enzyme"}


def test_one_side_takes_the_room_that_the_other_does_not_need() -> None:
    facts = [edge for number in range(30) for edge in needs(f"fact-{number}", "climate")]
    shown = neighbourhood(biology(*facts), "climate", limit=25)
    assert len(shown.nodes) == 25
    assert "photosynthesis" in ids(shown, "prerequisite")


def test_an_unknown_concept_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        neighbourhood(biology(), "alchemy")
    with pytest.raises(KeyError):
        along(biology(), ["atom", "alchemy"])


def test_edges_that_lead_out_of_the_graph_are_not_shown() -> None:
    whole_graph = biology(*needs("enzyme", "ghost"), like("enzyme", "spirit", "sibling"))
    graph = ConceptGraph(biology().concepts, edges=whole_graph.edges)
    assert ids(neighbourhood(graph, "enzyme")) == ids(neighbourhood(biology(), "enzyme"))
    assert ids(whole(graph)) == ids(whole(biology()))


def test_a_path_shows_its_concepts_and_who_needs_whom() -> None:
    shown = along(biology(), ["molecule", "protein", "enzyme"])
    assert shown.title == "Molecule → Enzyme"
    assert steps(shown) == {("molecule", "protein"), ("protein", "enzyme")}
    assert [(node.id, node.role) for node in shown.nodes] == [
        ("molecule", "prerequisite"),
        ("protein", "prerequisite"),
        ("enzyme", "focus"),
    ]


def test_a_path_with_a_gap_is_still_one() -> None:
    assert steps(along(biology(), ["atom", "enzyme", "climate"])) == {("atom", "enzyme"), ("enzyme", "climate")}


def test_short_paths() -> None:
    assert along(biology(), []) == ConceptMap("")
    assert along(biology(), ["atom"]).title == "Atom"
    assert along(biology(), ["atom", "atom"]) == along(biology(), ["atom"])


def test_the_whole_map_has_every_concept_with_a_prerequisite_edge() -> None:
    shown = whole(biology(like("enzyme", "hormone", "contrast")), title="Biology")
    assert shown.title == "Biology"
    assert ids(shown) == {concept.id for concept in biology().concepts}
    assert {edge.type for edge in shown.edges} == {"prereq_of"}


def test_the_whole_map_bridges_what_it_leaves_out() -> None:
    shown = whole(biology(atom=1.0, enzyme=0.9, climate=0.8), limit=3)
    assert steps(shown) == {("atom", "enzyme"), ("enzyme", "climate")}
    assert levels(shown) == {"atom": 0, "enzyme": 1, "climate": 2}


def test_an_empty_graph_has_an_empty_map() -> None:
    assert whole(ConceptGraph()).nodes == ()


def test_the_order_of_the_edges_does_not_matter() -> None:
    graph = biology(like("enzyme", "hormone", "contrast"), *needs("enzyme", "cell"))
    backwards = ConceptGraph(graph.concepts[::-1], edges=graph.edges[::-1])
    assert neighbourhood(graph, "enzyme", 6) == neighbourhood(backwards, "enzyme", 6)
    assert whole(graph, 5) == whole(backwards, 5)


def reached(edges: Iterable[tuple[str, str]]) -> Steps:
    """All pairs with a way between them."""
    pairs = set(edges)
    while more := {(a, d) for a, b in pairs for c, d in pairs if b == c} - pairs:
        pairs |= more
    return pairs


PAIRS = st.sets(st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda pair: pair[0] < pair[1]), max_size=30)


@given(PAIRS, st.integers(1, 12))
def test_no_order_is_lost_or_invented_and_no_arrow_is_spare(pairs: set[tuple[int, int]], limit: int) -> None:
    edges = [(f"{one:02}", f"{other:02}") for one, other in pairs]
    names = sorted({end for edge in edges for end in edge})
    graph = ConceptGraph(
        tuple(Concept(name, name) for name in names),
        edges=tuple(Edge(one, other, "prereq_of") for one, other in edges),
    )
    shown = whole(graph, limit)
    among = ids(shown)
    assert reached(steps(shown)) == {pair for pair in reached(edges) if among.issuperset(pair)}
    assert all(step not in reached(steps(shown) - {step}) for step in steps(shown))
    placed = levels(shown)
    for id_ in among:
        assert placed[id_] == max((placed[source] + 1 for source, target in steps(shown) if target == id_), default=0)
