"""Concept cards: what is on them, in which order, and that nothing is on them before its day."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from retrieval.cards import Card, CardExample, ConceptName, Neighbour
from retrieval.concepts.acyclic import acyclic
from retrieval.concepts.deck import GraphDeck, released, withheld
from retrieval.graph import Concept, ConceptGraph, Cut, Edge, EdgeType, Evidence, Example, Kind, Resource

TODAY = date(2026, 10, 1)
LATER = date(2026, 11, 1)


def needs(source: str, target: str, confidence: float = 0.8, release: date | None = None) -> Edge:
    evidence = Evidence("https://example.edu/bio", f"{target} needs {source}.", release)
    return Edge(source, target, "prereq_of", confidence=confidence, evidence=evidence)


def explains(resource: str, concept: str, confidence: float = 0.8) -> Edge:
    return Edge(resource, concept, "explains", confidence=confidence)


def related(source: str, target: str, kind: Kind, confidence: float = 0.8) -> Edge:
    return Edge(source, target, "near_transfer", kind, confidence)


def page(id_: str, release: date | None = None, passages: tuple[int, ...] = ()) -> Resource:
    return Resource(
        id_, "web_page", f"https://example.edu/{id_}", f"{id_}.md", id_.title(), passages=passages, release=release
    )


def concepts(*ids: str) -> tuple[Concept, ...]:
    return tuple(Concept(id_, id_.replace("-", " ")) for id_ in ids)


def card(graph: ConceptGraph, id_: str) -> Card:
    found = GraphDeck(graph).card(id_)
    assert found is not None
    return found


def ids(neighbours: Sequence[Neighbour]) -> list[str]:
    return [one.id for one in neighbours]


BIOLOGY = ConceptGraph(
    concepts=(
        Concept("atp", "ATP", ("adenosine triphosphate",), weight=0.7),
        Concept("cell", "cell", weight=0.9),
        Concept("membrane", "membrane", weight=0.6),
        Concept(
            "osmosis",
            "osmosis",
            ("osmotic flow",),
            "Osmosis is the flow of water through a membrane.",
            Evidence("https://example.edu/water#osmosis", "Osmosis is the flow of water through a membrane."),
            difficulty=3,
        ),
        Concept("turgor", "turgor"),
    ),
    resources=(page("cells", passages=(1, 2)), page("water", passages=(7,)), page("plants")),
    examples=(Example("e1", "flow(salt)", "https://example.edu/water#code"),),
    edges=(
        needs("cell", "membrane"),
        needs("membrane", "osmosis"),
        needs("cell", "osmosis"),
        needs("osmosis", "turgor"),
        explains("cells", "cell"),
        explains("water", "osmosis", 0.6),
        explains("plants", "osmosis", 0.9),
        Edge("e1", "osmosis", "exemplifies"),
    ),
)

# --- what is on a card


def test_a_card_says_all_that_the_graph_knows_of_a_concept() -> None:
    osmosis = card(BIOLOGY, "osmosis")
    assert osmosis.title == "osmosis"
    assert osmosis.aliases == ("osmotic flow",)
    assert osmosis.definition == "Osmosis is the flow of water through a membrane."
    assert osmosis.definition_url == "https://example.edu/water#osmosis"
    assert osmosis.difficulty == 3
    assert osmosis.examples == (CardExample("flow(salt)", "https://example.edu/water#code"),)
    assert [resource.url for resource in osmosis.resources] == [
        "https://example.edu/plants",
        "https://example.edu/water",
    ]
    assert osmosis.leads_to == (Neighbour("turgor", "turgor"),)


def test_prerequisites_come_in_learning_order_each_once_with_its_shortest_distance() -> None:
    assert card(BIOLOGY, "osmosis").prerequisites == (
        Neighbour("cell", "cell", "https://example.edu/cells", 1, "", (1, 2)),
        Neighbour("membrane", "membrane", "", 1),
    )
    assert [(one.id, one.depth) for one in card(BIOLOGY, "turgor").prerequisites] == [
        ("cell", 2),
        ("membrane", 2),
        ("osmosis", 1),
    ]


def test_there_is_no_card_of_what_is_no_concept() -> None:
    assert GraphDeck(BIOLOGY).card("entropy") is None
    assert GraphDeck(ConceptGraph()).names() == ()


def test_the_alias_table_is_by_id() -> None:
    assert GraphDeck(BIOLOGY).names()[:2] == (
        ConceptName("atp", "ATP", ("adenosine triphosphate",), 0.7),
        ConceptName("cell", "cell", (), 0.9),
    )


def test_a_long_chain_ends_after_five_steps() -> None:
    chain = [f"c{place}" for place in range(9)]
    graph = ConceptGraph(concepts(*chain), edges=tuple(needs(a, b) for a, b in pairwise(chain)))
    assert [(one.id, one.depth) for one in card(graph, "c8").prerequisites] == [
        ("c3", 5), ("c4", 4), ("c5", 3), ("c6", 2), ("c7", 1),
    ]  # fmt: skip


def test_of_too_many_prerequisites_the_sure_and_central_ones_stay() -> None:
    many = [f"p{place:02}" for place in range(20)]
    graph = ConceptGraph(
        (*concepts(*many[:-1], "goal"), Concept("p19", "p19", weight=1.0)),
        edges=tuple(needs(id_, "goal", 0.9 if place < 11 else 0.5) for place, id_ in enumerate(many)),
    )
    assert sorted(ids(card(graph, "goal").prerequisites)) == [*many[:11], "p19"]


def test_what_it_leads_to_is_the_next_step_only_the_most_important_first() -> None:
    many = [f"n{place:02}" for place in range(15)]
    graph = ConceptGraph(
        concepts("root", *many, "far"),
        edges=(*(needs("root", id_, 0.3 + place / 50) for place, id_ in enumerate(many)), needs("n14", "far")),
    )
    assert ids(card(graph, "root").leads_to) == list(reversed(many))[:10]


def test_a_relation_is_named_as_it_is_seen_from_the_card() -> None:
    graph = ConceptGraph(
        concepts("bird", "penguin", "wing", "feather", "bat"),
        edges=(
            related("penguin", "bird", "is-a"),
            related("wing", "bird", "part-of"),
            related("bat", "bird", "contrast"),
            related("feather", "wing", "sibling"),
        ),
    )

    def kinds(id_: str) -> dict[str, str]:
        return {one.id: one.kind for one in card(graph, id_).related}

    assert kinds("bird") == {"penguin": "kinds", "wing": "parts", "bat": "contrast"}
    assert kinds("penguin") == {"bird": "is-a"}
    assert kinds("wing") == {"bird": "part-of", "feather": "sibling"}
    assert kinds("bat") == {"bird": "contrast"}


def test_a_related_concept_is_listed_once_by_its_surest_relation() -> None:
    graph = ConceptGraph(
        concepts("tort", "crime"),
        edges=(related("crime", "tort", "sibling", 0.4), related("crime", "tort", "contrast", 0.9)),
    )
    assert [(one.id, one.kind) for one in card(graph, "tort").related] == [("crime", "contrast")]


def test_lists_are_short_best_first_and_without_repetitions() -> None:
    pages = [page(f"page{place:02}") for place in range(12)]
    codes = [Example(f"e{place}", f"step({min(place, 3)})", f"https://example.edu/{place}") for place in range(5)]
    graph = ConceptGraph(
        concepts("buffer"),
        (*pages, Resource("again", "web_page", pages[11].url, "x.md", "Again")),
        tuple(codes),
        (
            *(explains(one.id, "buffer", 0.1 + place / 20) for place, one in enumerate(pages)),
            explains("again", "buffer", 1.0),
            *(Edge(one.id, "buffer", "exemplifies", confidence=0.2 + place / 10) for place, one in enumerate(codes)),
        ),
    )
    buffer = card(graph, "buffer")
    assert [one.url for one in buffer.resources] == [one.url for one in reversed(pages)][:8]
    assert buffer.resources[0].title == "Again"
    assert [one.code for one in buffer.examples] == ["step(3)", "step(2)", "step(1)"]
    assert buffer.examples[0].url == "https://example.edu/4"


def test_the_course_s_pages_stand_before_notes_that_are_as_sure() -> None:
    notes = Resource("notes", "notes", "https://example.edu/notes", "n.md", "Notes")
    graph = ConceptGraph(
        concepts("mole"), (notes, page("moles")), (), (explains("notes", "mole"), explains("moles", "mole"))
    )
    assert [one.type for one in card(graph, "mole").resources] == ["web_page", "notes"]


def test_a_damaged_graph_still_makes_cards() -> None:
    graph = ConceptGraph(
        (*concepts("a", "b"), Concept("b", "b again", weight=float("nan"))),
        edges=(
            needs("a", "b", float("nan")), needs("b", "a", float("inf")), needs("a", "a"), needs("ghost", "a"),
            explains("ghost", "a"), related("a", "ghost", "sibling"), Edge("ghost", "a", "exemplifies"),
        ),
    )  # fmt: skip
    deck = GraphDeck(graph)
    assert [name.id for name in deck.names()] == ["a", "b"]
    assert ids(card(graph, "a").prerequisites) == ["b"]
    assert card(graph, "b").title == "b again"


# --- properties

NODES = [f"c{place}" for place in range(10)]
PAIRS = st.lists(
    st.tuples(st.sampled_from(NODES), st.sampled_from(NODES), st.sampled_from([0.2, 0.5, 0.9])), max_size=40
)


def distance(graph: ConceptGraph, source: str, target: str) -> int:
    level, steps = {target}, 0
    while source not in level:
        level = {edge.source for edge in graph.edges if edge.target in level}
        steps += 1
        assert level, f"{source} does not come before {target}"
    return steps


@given(PAIRS)
def test_every_card_keeps_the_learning_order(claims: list[tuple[str, str, float]]) -> None:
    edges, _ = acyclic([needs(*claim) for claim in claims])
    graph = ConceptGraph(concepts(*NODES), edges=edges)
    deck = GraphDeck(graph)
    for id_ in NODES:
        found = deck.card(id_)
        assert found is not None
        order = ids(found.prerequisites)
        assert len(set(order)) == len(order) <= 12
        assert all(one.depth == distance(graph, one.id, id_) <= 5 for one in found.prerequisites)
        for edge in edges:
            if edge.source in order and edge.target in order:
                assert order.index(edge.source) < order.index(edge.target)


@given(PAIRS)
def test_the_order_of_the_edges_makes_no_other_card(claims: list[tuple[str, str, float]]) -> None:
    edges, _ = acyclic([needs(*claim) for claim in claims])
    graph = ConceptGraph(concepts(*NODES), edges=edges)
    turned = ConceptGraph(graph.concepts[::-1], edges=edges[::-1])
    assert [GraphDeck(graph).card(id_) for id_ in NODES] == [GraphDeck(turned).card(id_) for id_ in NODES]


# --- what is held back


def held(graph: ConceptGraph) -> ConceptGraph:
    assert withheld(graph, TODAY)
    return released(graph, TODAY)


def test_a_course_that_holds_nothing_back_is_shown_as_it_is() -> None:
    assert not withheld(BIOLOGY, TODAY)
    assert released(BIOLOGY, TODAY) is BIOLOGY


def test_on_its_day_everything_is_there() -> None:
    graph = ConceptGraph(concepts("enzyme"), (page("enzymes", LATER),), (), (explains("enzymes", "enzyme"),))
    assert released(graph, LATER) == graph
    assert held(graph) == ConceptGraph()


def test_a_concept_stays_while_one_place_speaks_of_it() -> None:
    graph = ConceptGraph(
        concepts("enzyme", "protein"),
        (page("enzymes", LATER), page("proteins")),
        (),
        (
            explains("enzymes", "enzyme"),
            explains("proteins", "enzyme", 0.1),
            explains("enzymes", "protein"),
            needs("protein", "enzyme"),
            related("enzyme", "protein", "is-a"),
        ),
    )
    shown = held(graph)
    assert [concept.id for concept in shown.concepts] == ["enzyme"]
    assert shown.resources == (page("proteins"),)
    assert shown.edges == (explains("proteins", "enzyme", 0.1),)


def test_a_definition_that_is_held_back_is_not_shown() -> None:
    enzyme = Concept("enzyme", "enzyme", (), "An enzyme is a catalyst.", Evidence("u", "An enzyme …", LATER))
    taught = ConceptGraph((enzyme,), (page("proteins"),), (), (explains("proteins", "enzyme"),))
    assert held(taught).concepts == concepts("enzyme")
    assert held(ConceptGraph((enzyme,))).concepts == ()


def test_a_concept_known_from_its_definition_alone_stays_with_it() -> None:
    enzyme = Concept("enzyme", "enzyme", (), "An enzyme is a catalyst.", Evidence("u", "An enzyme is a catalyst."))
    graph = ConceptGraph((enzyme,), (page("enzymes", LATER),), (), (explains("enzymes", "enzyme"),))
    assert held(graph).concepts == (enzyme,)


def test_a_concept_that_no_place_ever_spoke_of_stays() -> None:
    graph = ConceptGraph(concepts("imported"), (page("enzymes", LATER),))
    assert held(graph).concepts == concepts("imported")


def test_a_concept_with_nothing_but_held_back_examples_is_gone() -> None:
    example = Example("e", "code", "u", LATER)
    graph = ConceptGraph(concepts("loop"), (), (example,), (Edge("e", "loop", "exemplifies"),))
    assert held(graph) == ConceptGraph()


def test_what_rests_on_a_held_back_sentence_is_gone_cuts_too() -> None:
    graph = ConceptGraph(
        concepts("a", "b"),
        edges=(needs("a", "b", release=LATER),),
        cuts=(Cut(needs("b", "a", release=LATER), "weak"), Cut(needs("b", "a"), "weak")),
    )
    assert held(graph) == ConceptGraph(concepts("a", "b"), cuts=(Cut(needs("b", "a"), "weak"),))


RELEASE = st.sampled_from([None, date(2026, 9, 1), TODAY, LATER])


@st.composite
def graphs(draw: st.DrawFn) -> ConceptGraph:
    """Whatever is held back has "secret" in it, and so has each concept that is known from nowhere else."""
    resources, examples, edges = [], [], []
    spoken: dict[str, set[bool]] = {f"c{place}": set() for place in range(5)}
    for place in range(draw(st.integers(0, 8))):
        release, target = draw(RELEASE), draw(st.sampled_from(sorted(spoken)))
        secret = release is not None and release > TODAY
        word = f"secret{place}" if secret else f"open{place}"
        type_: EdgeType = draw(st.sampled_from(("explains", "exemplifies", "prereq_of")))
        if type_ == "explains":
            resources.append(Resource(word, "web_page", word, word, word, release=release))
            spoken[target].add(secret)
        elif type_ == "exemplifies":
            examples.append(Example(word, word, word, release))
        source = draw(st.sampled_from(sorted(spoken))) if type_ == "prereq_of" else word
        edges.append(Edge(source, target, type_, evidence=Evidence(word, word, release)))
    prerequisites, _ = acyclic([edge for edge in edges if edge.type == "prereq_of"])
    nodes = tuple(Concept(id_, f"secret {id_}" if seen == {True} else id_) for id_, seen in spoken.items())
    kept = (*(edge for edge in edges if edge.type != "prereq_of"), *prerequisites)
    return ConceptGraph(nodes, tuple(resources), tuple(examples), kept)


@given(graphs())
def test_no_card_mentions_what_is_held_back(graph: ConceptGraph) -> None:
    shown = released(graph, TODAY)
    deck = GraphDeck(shown)
    text = "".join(found.to_json() for name in deck.names() if (found := deck.card(name.id)))
    assert "secret" not in text + repr(deck.names()) + shown.to_bytes().decode()
    assert not withheld(shown, TODAY)
