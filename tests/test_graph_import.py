"""Concept graphs that others made: what is taken over, what is not and why, in every form, on bad days too."""

import io
import json
from contextlib import suppress
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.concepts.importing import read_graph
from retrieval.concepts.importing.cleaning import clean
from retrieval.concepts.importing.dump import read_dump
from retrieval.concepts.importing.graphml import read_graphml
from retrieval.concepts.importing.model import (
    ImportedExplains,
    ImportedGraph,
    ImportedRelation,
    ImportedResource,
    ListedConcept,
    ListedEdge,
    ListedResource,
    Listing,
)
from retrieval.concepts.importing.node_link import read_node_link
from retrieval.concepts.names import key
from retrieval.errors import UnreadableFile

BIOLOGY = """
Question 1: What does a cell need?
It needs energy. Nodes are not meant here:
- Concept: Kreb Cycle invented by the answer ()
- a --[DEPENDS_ON]--> b

RAG Context:
Identified Concepts: cellular respiration
Nodes:
- Concept: Cellular Respiration ()
  Definition: The breakdown of sugar in the cell,
    which sets energy free.
- Concept: Adenosine triphosphate (ATP) ()
  Definition:
- Resource: video
  URL: https://example.edu/bio/respiration
  Title: Respiration
  Span: 12:30
- Concept: 3 ()
  Definition: The number three
- Concept: Glycolysis ()
- Example: glucose = 6

Edges:
- https://example.edu/bio/respiration --[explains]--> cellular_respiration
- https://example.edu/bio/respiration --[explains]--> 3
- cellular_respiration --[DEPENDS_ON]--> glycolysis
- atp --[USED_IN]--> glycolysis

Question 2: And how does photosynthesis work?
- Concept: Photosynthesis ()

Nodes:
- Concept: cellular respirations ()
"""


def titles(graph: ImportedGraph) -> list[str]:
    return [concept.title for concept in graph.concepts]


def reasons(graph: ImportedGraph) -> dict[str, str]:
    return {dropped.name: dropped.reason for dropped in graph.dropped}


def relations(graph: ImportedGraph) -> set[tuple[str, str, str]]:
    return {(relation.source, relation.target, relation.kind or relation.type) for relation in graph.relations}


def listed(*names: str, edges: tuple[tuple[str, str, str], ...] = (), directed: bool = True) -> Listing:
    concepts = tuple(ListedConcept(name.lower().replace(" ", "_"), name) for name in names)
    return Listing(concepts, (), tuple(ListedEdge(*edge, directed=directed) for edge in edges))


# A dump of an earlier tutor


def test_a_dump_is_its_nodes_and_edges_and_nothing_of_the_answers_around() -> None:
    graph = read_dump(BIOLOGY.encode())
    assert titles(graph) == ["Cellular Respiration", "Adenosine triphosphate", "Glycolysis"]
    assert graph.concepts[0].definition == "The breakdown of sugar in the cell, which sets energy free."
    assert graph.concepts[0].aliases == ("cellular respirations",)
    assert graph.concepts[1].aliases == ("ATP",)
    assert graph.resources == (
        ImportedResource("https://example.edu/bio/respiration", "video", "Respiration", "12:30"),
    )
    assert graph.explains == (ImportedExplains("https://example.edu/bio/respiration", "Cellular Respiration"),)
    assert relations(graph) == {
        ("Glycolysis", "Cellular Respiration", "prereq_of"),
        ("Adenosine triphosphate", "Glycolysis", "prereq_of"),
    }
    assert reasons(graph) == {"3": "a number", "glucose = 6": "neither a concept nor a resource"}


def test_a_dropped_node_takes_its_edges_along_and_they_are_counted() -> None:
    graph = read_dump(BIOLOGY.encode())
    assert next(dropped.edges for dropped in graph.dropped if dropped.name == "3") == 1


def test_a_dump_with_a_mark_or_windows_line_ends_is_the_same() -> None:
    assert read_dump(BIOLOGY.encode("utf-16")) == read_dump(BIOLOGY.encode())
    assert read_dump(BIOLOGY.replace("\n", "\r\n").encode("utf-8-sig")) == read_dump(BIOLOGY.encode())


# What the types of edges mean


@pytest.mark.parametrize(
    ("type_", "source", "target", "kind"),
    [
        ("DEPENDS_ON", "osmosis", "diffusion", "prereq_of"),
        ("requires", "osmosis", "diffusion", "prereq_of"),
        ("buildsOn", "osmosis", "diffusion", "prereq_of"),
        ("PREREQUISITE_OF", "diffusion", "osmosis", "prereq_of"),
        ("USES", "osmosis", "diffusion", "prereq_of"),
        ("USED_IN", "diffusion", "osmosis", "prereq_of"),
        ("IS_A", "diffusion", "osmosis", "is-a"),
        ("PART_OF", "diffusion", "osmosis", "part-of"),
        ("HAS_COMPONENT", "osmosis", "diffusion", "part-of"),
        ("CONTAINS", "osmosis", "diffusion", "part-of"),
        ("contrasts with", "osmosis", "diffusion", "contrast"),
        ("RELATED_TO", "diffusion", "osmosis", "sibling"),
    ],
)
def test_every_type_gets_its_meaning_and_direction(type_: str, source: str, target: str, kind: str) -> None:
    """Written so that diffusion comes first, or is the special or the part, whatever way the arrow points."""
    graph = clean(listed("Diffusion", "Osmosis", edges=((source, target, type_),)))
    assert relations(graph) == {("Diffusion", "Osmosis", kind)}


def test_a_stated_prerequisite_is_believed_more_than_a_hint_and_a_hint_more_than_nothing() -> None:
    def confidence(type_: str) -> float:
        graph = clean(listed("Diffusion", "Osmosis", edges=(("osmosis", "diffusion", type_),)))
        return graph.relations[0].confidence

    assert 1 > confidence("DEPENDS_ON") > confidence("BASED_ON") > confidence("USES") > 0


def test_types_without_use_are_named_once_with_their_number() -> None:
    graph = clean(
        listed("Diffusion", "Osmosis", edges=(("osmosis", "diffusion", "CAUSES"), ("diffusion", "osmosis", "causes")))
    )
    assert [(dropped.name, dropped.edges) for dropped in graph.dropped] == [("CAUSES", 2)]


def test_edges_without_direction_say_only_that_things_are_related() -> None:
    edges = (("diffusion", "osmosis", "DEPENDS_ON"), ("diffusion", "osmosis", "RELATED_TO"))
    graph = clean(listed("Diffusion", "Osmosis", edges=edges, directed=False))
    assert relations(graph) == {("Diffusion", "Osmosis", "sibling")}


# Names


def test_spellings_of_one_concept_merge_and_look_alikes_stay_apart() -> None:
    graph = clean(
        listed(
            "single-head self-attention", "singlehead self attention", "Self-Attention", "precision", "precision matrix"
        )
    )
    assert titles(graph) == ["single-head self-attention", "Self-Attention", "precision", "precision matrix"]
    assert graph.concepts[0].aliases == ("singlehead self attention",)


def test_an_acronym_joins_its_only_expansion() -> None:
    graph = clean(listed("ECJ", "Osmosis", "European Court of Justice", "ELBO", "Evidence lower bound"))
    assert titles(graph) == ["Osmosis", "European Court of Justice", "Evidence lower bound"]
    assert [concept.aliases for concept in graph.concepts] == [(), ("ECJ",), ("ELBO",)]
    ambiguous = clean(listed("CAP", "catabolite activator protein", "common agricultural policy"))
    assert len(ambiguous.concepts) == 3


def test_ids_with_underscores_are_titles_and_no_code() -> None:
    concepts = (ListedConcept("habeas_corpus"), ListedConcept("rnn"), ListedConcept("recurrent_neural_network"))
    graph = clean(Listing((*concepts, ListedConcept("housing_num"))))
    assert titles(graph) == ["habeas corpus", "recurrent neural network"]
    assert reasons(graph) == {"housing num": "a function, class or module"}


def test_code_is_told_by_name_or_by_definition() -> None:
    concepts = (
        ListedConcept("a", "AutoTokenizer"),
        ListedConcept("b", "ResBlock", "A residual block."),
        ListedConcept("c", "WordEmbed", "A class that extends nn.Module to embed words."),
        ListedConcept("d", "Python logging", "A Python module for messages of programs."),
        ListedConcept("e", "Random forest", "An ensemble of trees; a Python class does it."),
        ListedConcept("f", "AdaBoost", "A method that weighs examples."),
    )
    assert titles(clean(Listing(concepts))) == ["Random forest", "AdaBoost"]


def test_nothing_is_a_python_class() -> None:
    edges = (("transformers", "AutoTokenizer", "IS_A"), ("transformers", "defaultdict", "DEPENDS_ON"))
    assert clean(listed("Transformers", "AutoTokenizer", "defaultdict", edges=edges)).relations == ()


def test_generalities_and_unlisted_names_stay_only_if_the_course_teaches_them() -> None:
    listing = listed(
        "Model", "Osmosis", edges=(("osmosis", "model", "DEPENDS_ON"), ("osmosis", "diffusion", "REQUIRES"))
    )
    foreign = clean(listing)
    assert titles(foreign) == ["Osmosis"]
    assert reasons(foreign) == {"Model": "a generality", "diffusion": "not among the nodes"}
    known = clean(listing, taught=frozenset({key("models"), key("Diffusion")}))
    assert relations(known) == {("Model", "Osmosis", "prereq_of"), ("diffusion", "Osmosis", "prereq_of")}


@pytest.mark.parametrize(
    "definition",
    ["", "N/A", "see there", "What is it?", "See https://evil.example/x now", "<!channel> read this now", "Osmosis"],
)
def test_what_is_no_definition_is_left_out(definition: str) -> None:
    assert clean(Listing((ListedConcept("o", "Osmosis", definition),))).concepts[0].definition == ""


# Contradictions


def test_loops_repetitions_and_contradictions_go_with_a_reason() -> None:
    graph = clean(
        listed(
            "Osmosis",
            "Diffusion",
            "Enzyme",
            "Protein",
            "Passive transport",
            edges=(
                ("osmosis", "osmosis", "DEPENDS_ON"),
                ("osmosis", "diffusion", "DEPENDS_ON"),
                ("osmosis", "diffusion", "REQUIRES"),
                ("enzyme", "protein", "DEPENDS_ON"),
                ("protein", "enzyme", "DEPENDS_ON"),
                ("osmosis", "passive_transport", "IS_A"),
                ("passive_transport", "osmosis", "IS_A"),
            ),
        )
    )
    assert relations(graph) == {("Diffusion", "Osmosis", "prereq_of")}
    assert reasons(graph) == {
        "Osmosis --[DEPENDS_ON]--> Osmosis": "from a concept to itself",
        "Enzyme --[DEPENDS_ON]--> Protein": "the opposite is said as well",
        "Protein --[DEPENDS_ON]--> Enzyme": "the opposite is said as well",
        "Osmosis --[IS_A]--> Passive transport": "goes round in a circle",
        "Passive transport --[IS_A]--> Osmosis": "goes round in a circle",
        "repeated edges": "said more than once",
    }


def test_a_stated_prerequisite_beats_a_hint_to_the_contrary() -> None:
    edges = (("osmosis", "diffusion", "DEPENDS_ON"), ("diffusion", "osmosis", "USES"))
    assert relations(clean(listed("Osmosis", "Diffusion", edges=edges))) == {("Diffusion", "Osmosis", "prereq_of")}


def test_a_general_thing_is_no_special_case_of_a_special_one() -> None:
    edges = (
        ("nerve_cell", "cell", "IS_A"),
        ("cell", "nerve_cell", "IS_A"),
        ("membrane", "cell", "PART_OF"),
        ("cell", "membrane", "IS_A"),
    )
    graph = clean(listed("Cell", "Nerve cell", "Membrane", edges=edges))
    assert relations(graph) == {("Nerve cell", "Cell", "is-a"), ("Membrane", "Cell", "part-of")}


def test_longer_circles_of_prerequisites_are_left_to_the_evidence_of_the_course() -> None:
    edges = tuple(
        zip(("osmosis", "enzyme", "protein"), ("enzyme", "protein", "osmosis"), ("REQUIRES",) * 3, strict=True)
    )
    assert len(clean(listed("Osmosis", "Enzyme", "Protein", edges=edges)).relations) == 3


# The other forms


def biology_graph() -> nx.DiGraph:
    graph = nx.DiGraph()
    graph.add_node("cellular_respiration", definition="The breakdown of sugar in the cell.")
    graph.add_node("n1", label="Glycolysis")
    graph.add_node("n2", label="42")
    graph.add_node("https://example.edu/r.pdf", type="pdf", title="Respiration")
    graph.add_edge("cellular_respiration", "n1", type="DEPENDS_ON", confidence=0.5)
    graph.add_edge("n1", "n2", type="IS_A")
    graph.add_edge("https://example.edu/r.pdf", "n1", relation="explains")
    return graph


def test_graphml_and_both_forms_of_node_link_say_the_same() -> None:
    stream = io.BytesIO()
    nx.write_graphml(biology_graph(), stream)
    graph = read_graphml(stream.getvalue())
    assert titles(graph) == ["cellular respiration", "Glycolysis"]
    assert graph.relations == (
        ImportedRelation("Glycolysis", "cellular respiration", "prereq_of", "", pytest.approx(0.3), "DEPENDS_ON"),
    )
    assert graph.resources == (ImportedResource("https://example.edu/r.pdf", "pdf", "Respiration"),)
    assert graph.explains == (ImportedExplains("https://example.edu/r.pdf", "Glycolysis"),)
    assert reasons(graph) == {"42": "a number"}
    for edges in ("links", "edges"):
        data = json.dumps(nx.node_link_data(biology_graph(), edges=edges)).encode()
        assert read_node_link(data) == graph


def test_ericas_own_export_can_be_read_again() -> None:
    export = {
        "concepts": [
            {
                "id": "osmosis",
                "title": "Osmosis",
                "aliases": ["water diffusion", "1"],
                "definition": "",
                "difficulty": 2,
            },
            {
                "id": "diffusion",
                "title": "Diffusion",
                "aliases": [],
                "definition": "Spreading by chance.",
                "difficulty": 1,
            },
        ],
        "resources": [
            {
                "id": "r1",
                "type": "web_page",
                "url": "https://example.edu/o",
                "path": "o.md",
                "title": "O",
                "span": "Water",
            },
            {"id": "r2", "type": "web_page", "url": "", "path": "p.md", "title": "P", "span": ""},
        ],
        "examples": [{"id": "e1", "code": "1 + 1", "url": "https://example.edu/o"}],
        "edges": [
            {
                "source": "diffusion",
                "target": "osmosis",
                "type": "prereq_of",
                "kind": "",
                "confidence": 0.5,
                "evidence": None,
            },
            {
                "source": "diffusion",
                "target": "osmosis",
                "type": "near_transfer",
                "kind": "contrast",
                "confidence": 1.0,
            },
            {"source": "r1", "target": "osmosis", "type": "explains", "kind": "", "confidence": 1.0},
            {"source": "e1", "target": "osmosis", "type": "exemplifies", "kind": "", "confidence": 1.0},
        ],
    }
    graph = read_graph("graph.json", json.dumps(export).encode())
    assert titles(graph) == ["Osmosis", "Diffusion"]
    assert graph.concepts[0].aliases == ("water diffusion",)
    assert relations(graph) == {("Diffusion", "Osmosis", "prereq_of"), ("Osmosis", "Diffusion", "contrast")}
    assert graph.explains == (ImportedExplains("https://example.edu/o", "Osmosis"),)
    assert reasons(graph) == {"r2": "no web address", "e1": "neither a concept nor a resource"}


def test_labels_of_drawing_programs_are_titles() -> None:
    data = b"""<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:y="http://www.yworks.com/xml/graphml">
      <key id="d6" for="node" yfiles.type="nodegraphics"/><graph edgedefault="directed">
      <node id="n0"><data key="d6"><y:ShapeNode><y:NodeLabel>Habeas corpus</y:NodeLabel></y:ShapeNode></data></node>
      <node id="n1"><data key="d6"><y:ShapeNode><y:NodeLabel>Detention</y:NodeLabel></y:ShapeNode></data></node>
      <edge source="n0" target="n1"><data key="d9"><y:PolyLineEdge><y:EdgeLabel>requires</y:EdgeLabel></y:PolyLineEdge>
      </data></edge></graph></graphml>"""
    assert relations(read_graphml(data)) == {("Detention", "Habeas corpus", "prereq_of")}


def test_the_form_is_recognised_by_content_whatever_the_name() -> None:
    stream = io.BytesIO()
    nx.write_graphml(biology_graph(), stream)
    data = json.dumps(nx.node_link_data(biology_graph(), edges="links"), indent=1).encode()
    assert titles(read_graph("graph.txt", stream.getvalue())) == titles(read_graph("graph", data))
    assert len(read_graph("graph.json.bak", BIOLOGY.encode()).concepts) == 3
    assert read_graph("x.json", b"\xef\xbb\xbf" + data) == read_graph("x.json", data)


# Bad days


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"\x00\x01\x02binary\x00", "binary"),
        (b"Dear all, there is no graph here.", "no section"),
        (b"{", "broken JSON"),
        (b'{"weights": [1, 2]}', "no graph"),
        (b"[1, 2]", "no graph"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"nodes": ' + b"[" * 200_000, "nested too deeply"),
        (b"<graphml><graph>", "broken XML"),
        (b"<html><body>Hello</body></html>", "no GraphML"),
        (b"<graphml>" * 200, "nested too deeply"),
        (b'<?xml version="1.0" encoding="klingon"?><graphml/>', "XML"),
        (b'<!DOCTYPE g [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><graphml><graph/></graphml>', "entities"),
        (b'<!DOCTYPE g [<!ENTITY a SYSTEM "file:///etc/passwd">]><graphml>&a;</graphml>', "entities"),
        (b" " * (33 << 20), "larger than"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_plain_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        read_graph("graph", data)


HOSTILE = [
    "<script>alert(1)</script>",
    "<!everyone>",
    "@here",
    "a\x00b",
    "a\u202eb",
    "x" * 10_000,
    "osmosis " * 2_000,
    "",
]


def test_hostile_names_go_and_are_recorded_fit_to_print() -> None:
    nodes = [{"id": f"n{place}", "label": name} for place, name in enumerate(HOSTILE)]
    nodes += [{"id": name, "label": name} for name in HOSTILE] + [{"id": {"a": 1}}, {"label": "no id"}]
    links = [{"source": name, "target": "osmosis", "type": "<!here>" * 500} for name in HOSTILE] + [
        {"source": [], "target": None}
    ]
    graph = read_node_link(json.dumps({"nodes": [*nodes, {"id": "osmosis"}], "links": links}).encode())
    assert {"osmosis"} <= set(titles(graph)) <= {"osmosis", "n7", "ab"}
    assert graph.relations == ()
    assert all(dropped.name.isprintable() and len(dropped.name) <= 80 for dropped in graph.dropped)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://user:pass@example.edu",
        "https://a|b",
        "https://[::1",
        "x" * 3000,
        "",
    ],
)
def test_only_plain_web_addresses_are_resources(url: str) -> None:
    listing = Listing(
        (ListedConcept("o", "Osmosis"),), (ListedResource("r", url),), (ListedEdge("r", "o", "explains"),)
    )
    graph = clean(listing)
    assert graph.resources == graph.explains == ()
    assert [dropped.reason for dropped in graph.dropped] == ["no web address"]


def test_a_hundred_thousand_nodes() -> None:
    count = 100_000
    nodes = [{"id": place, "label": f"enzyme pathway {place:x}z"} for place in range(count)]
    links = [{"source": place, "target": (place * 7919 + 1) % count, "type": "REQUIRES"} for place in range(count)]
    graph = read_graph("graph.json", json.dumps({"nodes": nodes, "links": links}).encode())
    assert len(graph.concepts) == count
    assert len(graph.relations) + len(graph.dropped) == count


WORDS = st.sampled_from(
    ["osmosis", "diffusion", "DNA", "deoxyribo nucleic acid", "3", "model", "nerve cell", "cell", "x_y", ""]
)
TYPES = st.sampled_from(
    ["DEPENDS_ON", "PREREQ_OF", "IS_A", "PART_OF", "HAS_PART", "RELATED_TO", "USES", "explains", "??"]
)


@given(st.lists(WORDS, max_size=8), st.lists(st.tuples(WORDS, WORDS, TYPES), max_size=20))
def test_whatever_is_listed_the_graph_is_consistent(names: list[str], edges: list[tuple[str, str, str]]) -> None:
    graph = clean(
        Listing(tuple(ListedConcept(name, name) for name in names), (), tuple(ListedEdge(*edge) for edge in edges))
    )
    known = set(titles(graph))
    assert len(known) == len(graph.concepts)
    found = relations(graph)
    assert len(found) == len(graph.relations)
    for source, target, kind in found:
        assert source in known
        assert target in known
        assert source != target
        assert (target, source, kind) not in found


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for before in ("", "Nodes:\n- Concept: ", "Edges:\n- a --[X]--> ", '{"nodes": [', "<graphml><graph><node id='"):
        with suppress(UnreadableFile):
            graph = read_graph("graph", (before + text).encode("utf-8", "surrogatepass"))
            assert all(name.isprintable() for name in titles(graph))


# The dump of an earlier tutor that the project began with


def test_the_first_dump_loses_its_numbers_code_and_duplicates(shared: Path) -> None:
    dump = next((shared / "seeds").glob("000_*"))
    graph = read_graph(dump.name, dump.read_bytes())
    names = {concept.key for concept in graph.concepts}
    gone = "1 2 3 random defaultdict forward logging AutoTokenizer WordEmbed Model"
    assert names.isdisjoint(map(key, gone.split()))
    assert {"random", "defaultdict", "forward", "1", "2", "3"} <= set(reasons(graph))
    assert len(names) == len(graph.concepts)
    assert {"selfattention", "multiheadselfattention", "singleheadselfattention"} <= names
    ends = {title for relation in graph.relations for title in (relation.source, relation.target)}
    assert ends <= set(titles(graph))
    assert not [relation for relation in graph.relations if relation.kind == "is-a" and "Auto" in relation.target]
    assert any("vae" not in resource.url for resource in graph.resources)
    assert not [title for title in titles(graph) if "variational" in title.lower()]
