"""What staff decided about concepts is done again to every build, and what cannot be done says why."""

from collections.abc import Sequence
from datetime import date
from graphlib import TopologicalSorter
from typing import get_args

import pytest
from hostile_text import HOSTILE_WORDS
from hypothesis import given
from hypothesis import strategies as st

from retrieval.concepts.replay import BY_STAFF, replay
from retrieval.edits import Edit, EditAction
from retrieval.graph import Concept, ConceptGraph, Cut, Edge, Evidence, Example, Kind, Resource


def needs(source: str, target: str, confidence: float = 0.8) -> Edge:
    return Edge(source, target, "prereq_of", confidence=confidence, evidence=Evidence("u", f"{source} first"))


def related(source: str, target: str, kind: Kind) -> Edge:
    return Edge(source, target, "near_transfer", kind)


LAW = ConceptGraph(
    concepts=(
        Concept("contract", "contract", ("agreement",), "A contract binds.", Evidence("u#c", "It binds."), 1, 0.9),
        Concept("offer", "offer"),
        Concept("acceptance", "acceptance"),
        Concept("breach-of-contract", "breach of contract", ("breach",), weight=0.4),
        Concept("violation", "contract violation", ("non-performance",), "A violation …", Evidence("u#v", "…"), 3, 0.6),
        Concept("damages", "damages"),
    ),
    resources=(Resource("r1", "pdf", "u1", "1", "One"), Resource("r2", "pdf", "u2", "2", "Two")),
    examples=(Example("e1", "pay()", "u3"),),
    edges=(
        needs("offer", "contract"),
        needs("acceptance", "contract", 0.6),
        needs("contract", "breach-of-contract"),
        needs("contract", "violation", 0.9),
        needs("breach-of-contract", "damages"),
        Edge("r1", "breach-of-contract", "explains", confidence=0.4),
        Edge("r1", "violation", "explains", confidence=0.7),
        Edge("r2", "violation", "explains", confidence=0.3),
        Edge("e1", "violation", "exemplifies"),
        related("breach-of-contract", "violation", "sibling"),
        related("damages", "violation", "contrast"),
    ),
    cuts=(Cut(needs("damages", "offer", 0.1), "weak"),),
)  # fmt: skip


def edited(*edits: Edit, graph: ConceptGraph = LAW) -> ConceptGraph:
    result, undone = replay(graph, edits)
    assert undone == ()
    return result


def refused(*edits: Edit, graph: ConceptGraph = LAW) -> list[str]:
    return [reason for _, reason in replay(graph, edits)[1]]


def prerequisites(graph: ConceptGraph) -> dict[tuple[str, str], float]:
    return {(edge.source, edge.target): edge.confidence for edge in graph.edges if edge.type == "prereq_of"}


def concept(graph: ConceptGraph, id_: str) -> Concept:
    (found,) = (one for one in graph.concepts if one.id == id_)
    return found


def test_without_edits_the_build_is_as_it_is() -> None:
    assert replay(LAW, ()) == (LAW, ())


# --- finding concepts


@pytest.mark.parametrize(
    "name", ["breach of contract", "Breach  of\tContract", "breach-of-contract", "breach_of_contracts", "BREACH"]
)
def test_a_concept_is_found_by_title_id_or_alias_however_it_is_spelled(name: str) -> None:
    assert "breach-of-contract" not in {one.id for one in edited(Edit("hide", name)).concepts}


def test_a_title_stands_before_another_concept_s_alias() -> None:
    graph = ConceptGraph((Concept("a", "acid", ("base",)), Concept("b", "base")))
    assert [one.id for one in edited(Edit("hide", "base"), graph=graph).concepts] == ["a"]


def test_what_this_build_does_not_know_is_said_and_the_rest_is_done() -> None:
    edits = (Edit("hide", "estoppel"), Edit("hide", "offer"), Edit("merge", "contract", "laches"))
    graph, undone = replay(LAW, edits)
    assert [edit for edit, _ in undone] == [edits[0], edits[2]]
    assert [reason for _, reason in undone] == [
        "no concept is called “estoppel” in this build",
        "no concept is called “laches” in this build",
    ]
    assert "offer" not in {one.id for one in graph.concepts}


def test_an_alias_of_two_concepts_names_neither() -> None:
    graph = ConceptGraph((Concept("a", "mole (unit)", ("mole",)), Concept("b", "mole (animal)", ("mole",))))
    assert refused(Edit("hide", "mole"), graph=graph) == ["“mole” may be any of “mole (unit)”, “mole (animal)”"]


# --- renaming


def test_a_renamed_concept_keeps_its_id_and_its_old_title_leads_to_it() -> None:
    graph = edited(Edit("rename", "breach", "breach"), Edit("hide", "breach of contract"), Edit("show", "breach"))
    renamed = concept(graph, "breach-of-contract")
    assert renamed.title == "breach"
    assert renamed.aliases == ("breach of contract",)
    assert prerequisites(graph) == prerequisites(LAW)


def test_a_name_cannot_be_taken_from_another_title_but_from_an_alias() -> None:
    assert refused(Edit("rename", "offer", "Contracts")) == ["“contract” is another concept; merge the two instead"]
    graph = edited(Edit("rename", "offer", "agreement"), Edit("hide", "agreement"))
    assert concept(graph, "contract").aliases == ()
    assert "offer" not in {one.id for one in graph.concepts}


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        ("", "a title needs a letter"),
        (" \u200b\x00—", "a title needs a letter"),
        ("offer", "it is called “offer” already"),
        ("x" * 10_000, "a title has at most 120 characters"),
    ],
)
def test_some_titles_are_none(title: str, reason: str) -> None:
    assert refused(Edit("rename", "offer", title)) == [reason]


def test_a_title_is_one_line_of_characters_that_are_seen() -> None:
    graph = edited(Edit("rename", "offer", " firm\n\x07 of\u202efer "))
    assert concept(graph, "offer").title == "firm offer"


# --- merging


def test_a_merged_concept_leaves_its_names_and_all_that_leads_to_it() -> None:
    graph = edited(Edit("merge", "breach", "contract violation"))
    assert concept(graph, "breach-of-contract") == Concept(
        "breach-of-contract",
        "breach of contract",
        ("breach", "contract violation", "non-performance"),
        "A violation …",
        Evidence("u#v", "…"),
        weight=0.6,
    )
    assert "violation" not in {one.id for one in graph.concepts}
    assert prerequisites(graph)["contract", "breach-of-contract"] == 0.9
    assert [edge for edge in graph.edges if edge.type != "prereq_of"] == [
        Edge("r1", "breach-of-contract", "explains", confidence=0.7),
        Edge("r2", "breach-of-contract", "explains", confidence=0.3),
        Edge("e1", "breach-of-contract", "exemplifies"),
        related("breach-of-contract", "damages", "contrast"),
    ]


def test_the_definition_of_the_one_that_stays_is_kept() -> None:
    graph = edited(Edit("merge", "contract", "violation"))
    assert concept(graph, "contract").definition == "A contract binds."
    assert ("contract", "contract") not in prerequisites(graph)


@pytest.mark.parametrize("old", ["violation", "contract violation", "non-performance"])
def test_later_edits_find_a_merged_concept_by_its_old_names(old: str) -> None:
    graph = edited(Edit("merge", "breach", "violation"), Edit("hide", old))
    assert "breach-of-contract" not in {one.id for one in graph.concepts}


def test_a_merge_that_closes_a_circle_cuts_the_weakest_evidence() -> None:
    graph = edited(Edit("merge", "offer", "damages"))
    assert ("offer", "contract") in prerequisites(graph) or ("breach-of-contract", "offer") in prerequisites(graph)
    assert acyclic_order(graph)
    assert len(graph.cuts) == 1  # damages -> offer, cut in the build, is no edge any more


def test_two_names_of_one_concept_are_merged_already() -> None:
    assert refused(Edit("merge", "contract", "agreement")) == ["both names mean “contract” already"]


# --- hiding


def test_a_hidden_concept_is_gone_with_its_edges_and_what_only_it_had() -> None:
    graph = edited(Edit("hide", "violation"))
    assert "violation" not in {one.id for one in graph.concepts}
    assert not any("violation" in (edge.source, edge.target) for edge in graph.edges)
    assert [one.id for one in graph.resources] == ["r1"]
    assert graph.examples == ()


def test_what_is_shown_again_is_as_before() -> None:
    graph = edited(Edit("hide", "violation"), Edit("show", "violation"))
    assert set(graph.edges) == set(LAW.edges)
    assert (graph.concepts, graph.resources, graph.examples) == (LAW.concepts, LAW.resources, LAW.examples)


def test_hiding_twice_and_showing_what_is_there_change_nothing() -> None:
    assert refused(Edit("hide", "offer"), Edit("hide", "offer"), Edit("show", "contract")) == [
        "“offer” is hidden already",
        "“contract” is not hidden",
    ]


# --- prerequisites


def acyclic_order(graph: ConceptGraph) -> list[str]:
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for edge in graph.edges:
        if edge.type == "prereq_of":
            sorter.add(edge.target, edge.source)
    return list(sorter.static_order())


def test_an_added_prerequisite_is_certain() -> None:
    graph = edited(Edit("add_prerequisite", "acceptance", "offer"))
    assert prerequisites(graph)["offer", "acceptance"] == 1.0


def test_an_added_prerequisite_wins_over_contrary_evidence_which_is_cut() -> None:
    graph = edited(Edit("add_prerequisite", "offer", "contract"))
    assert prerequisites(graph)["contract", "offer"] == 1.0
    assert ("offer", "contract") not in prerequisites(graph)
    assert Cut(needs("offer", "contract"), "staff decided that contract comes before offer") in graph.cuts


def test_an_added_prerequisite_breaks_a_longer_way_at_its_weakest_edge() -> None:
    graph = edited(Edit("add_prerequisite", "acceptance", "damages"))
    assert prerequisites(graph)["damages", "acceptance"] == 1.0
    assert ("acceptance", "contract") not in prerequisites(graph)
    assert acyclic_order(graph)


def test_a_known_prerequisite_that_staff_add_becomes_certain_and_keeps_its_sentence() -> None:
    graph = edited(Edit("add_prerequisite", "contract", "offer"))
    assert Edge("offer", "contract", "prereq_of", "", 1.0, Evidence("u", "offer first")) in graph.edges


def test_a_prerequisite_of_staff_does_not_hang_on_a_sentence_that_is_held_back() -> None:
    secret = Edge("a", "b", "prereq_of", evidence=Evidence("u", "a first", date(2026, 11, 1)))
    graph = ConceptGraph((Concept("a", "a"), Concept("b", "b")), edges=(secret,))
    assert edited(Edit("add_prerequisite", "b", "a"), graph=graph).edges == (
        Edge("a", "b", "prereq_of", evidence=BY_STAFF),
    )


def test_staff_cannot_contradict_themselves_before_they_cut() -> None:
    first, then = Edit("add_prerequisite", "offer", "damages"), Edit("add_prerequisite", "damages", "offer")
    assert refused(first, then) == ["staff decided that “damages” comes before “offer”; cut that first"]
    graph = edited(first, Edit("cut_prerequisite", "offer", "damages"), then)
    assert prerequisites(graph)["offer", "damages"] == 1.0


def test_a_merge_cannot_turn_decisions_into_a_circle() -> None:
    added = (Edit("add_prerequisite", "damages", "offer"), Edit("add_prerequisite", "acceptance", "damages"))
    assert refused(*added, Edit("merge", "offer", "acceptance")) == [
        "prerequisites that staff added would go round in a circle"
    ]


def test_nothing_comes_before_itself() -> None:
    assert refused(Edit("add_prerequisite", "contract", "agreement")) == [
        "both names mean “contract”, which cannot come before itself"
    ]


def test_a_cut_prerequisite_is_gone_and_recorded_but_not_what_others_imply() -> None:
    implied = ConceptGraph(
        tuple(Concept(id_, id_) for id_ in "abc"), edges=(needs("a", "b"), needs("b", "c"), needs("a", "c"))
    )
    graph = edited(Edit("cut_prerequisite", "c", "a"), graph=implied)
    assert set(prerequisites(graph)) == {("a", "b"), ("b", "c")}
    assert graph.cuts == (Cut(needs("a", "c"), "cut by staff"),)


def test_what_is_no_direct_prerequisite_cannot_be_cut() -> None:
    assert refused(Edit("cut_prerequisite", "damages", "offer")) == [
        "“offer” is no direct prerequisite of “damages” now"
    ]


def test_of_adding_and_cutting_the_last_word_counts() -> None:
    add, cut = Edit("add_prerequisite", "contract", "offer"), Edit("cut_prerequisite", "contract", "offer")
    assert ("offer", "contract") not in prerequisites(edited(add, cut))
    assert prerequisites(edited(cut, add))["offer", "contract"] == 1.0


def test_a_cut_holds_for_what_is_merged_later() -> None:
    graph = edited(Edit("cut_prerequisite", "breach", "contract"), Edit("merge", "breach", "violation"))
    assert ("contract", "breach-of-contract") not in prerequisites(graph)


def test_decisions_outlive_a_build_that_found_less() -> None:
    smaller = ConceptGraph(tuple(one for one in LAW.concepts if one.id in ("contract", "offer")))
    edits = (Edit("merge", "breach", "violation"), Edit("add_prerequisite", "contract", "offer"))
    graph, undone = replay(smaller, edits)
    assert prerequisites(graph) == {("offer", "contract"): 1.0}
    assert [edit for edit, _ in undone] == [edits[0]]


# --- the wrong hands


@pytest.mark.parametrize("name", [*HOSTILE_WORDS, "x" * 10_000, "\ud800", "\x00", ""])
def test_no_name_does_harm(name: str) -> None:
    edits = [
        Edit(action, first, second)
        for action in get_args(EditAction)
        for first, second in ((name, name), ("offer", name))
    ]
    graph, undone = replay(LAW, edits)
    assert all(len(reason) < 400 and "\n" not in reason for _, reason in undone)
    assert acyclic_order(graph)


def test_an_unknown_action_is_said() -> None:
    assert refused(Edit("explode", "offer")) == ["there is no action “explode”"]  # type: ignore[arg-type]


NAMES = st.sampled_from(["a", "b", "c", "d", "e", "f", "new", "As"])
EDITS = st.lists(st.builds(Edit, st.sampled_from(get_args(EditAction)), NAMES, NAMES), max_size=15)
CLAIMS = st.sets(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")).filter(lambda pair: pair[0] < pair[1]))


@given(EDITS, CLAIMS)
def test_any_edits_leave_a_sound_graph(edits: Sequence[Edit], claims: set[tuple[str, str]]) -> None:
    built = ConceptGraph(
        tuple(Concept(id_, id_) for id_ in "abcdef"),
        tuple(Resource(f"r{id_}", "pdf", id_, id_, id_) for id_ in "abcdef"),
        (),
        (*(needs(*pair) for pair in sorted(claims)), *(Edge(f"r{id_}", id_, "explains") for id_ in "abcdef")),
    )
    graph, undone = replay(built, edits)
    acyclic_order(graph)
    there = {one.id for one in graph.concepts} | {one.id for one in graph.resources}
    assert all(edge.source in there and edge.target in there and edge.source != edge.target for edge in graph.edges)
    assert len({one.title for one in graph.concepts}) == len(graph.concepts)
    assert all(edit in edits and reason for edit, reason in undone)
    assert ConceptGraph.from_bytes(graph.to_bytes()) == graph
