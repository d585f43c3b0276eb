"""What a question's concepts mean for its answer: which passages explain them, and what is needed first."""

from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.cards import Card, CardResource, Neighbour
from retrieval.concepts.guidance import QuestionConcept, explaining, needed_first, wants_explaining


def named(id_: str, weight: float = 1.0) -> QuestionConcept:
    return QuestionConcept(id_, id_.title(), "exact", weight)


def near(id_: str) -> QuestionConcept:
    return QuestionConcept(id_, id_.title(), "nearest", 0.3)


def before(id_: str, depth: int = 1, url: str | None = None) -> Neighbour:
    return Neighbour(id_, id_.title(), f"https://example.edu/{id_}" if url is None else url, depth)


def card(id_: str, *prerequisites: Neighbour, taught: Iterable[tuple[int, ...]] = ()) -> Card:
    places = tuple(
        CardResource("web_page", f"https://example.edu/{id_}/{n}", id_, passages=passages)
        for n, passages in enumerate(taught)
    )
    return Card(id_, id_.title(), prerequisites=prerequisites, resources=places)


def cards(*made: Card) -> Mapping[str, Card]:
    return {one.id: one for one in made}


def ids(neighbours: Iterable[Neighbour]) -> list[str]:
    return [neighbour.id for neighbour in neighbours]


CONTRACT = cards(
    card("consideration", before("promise", 2), before("offer", 1)),
    card("breach", before("promise", 3), before("offer", 2), before("contract", 1)),
    card("promise"),
    card("contract", before("offer", 1)),
)


# --- what is needed first


def test_what_is_needed_first_comes_in_learning_order() -> None:
    assert ids(needed_first([named("breach")], CONTRACT, 5)) == ["promise", "offer", "contract"]


@pytest.mark.parametrize(
    ("depth", "needed"), [(0, []), (1, ["contract"]), (2, ["offer", "contract"]), (3, ["promise", "offer", "contract"])]
)
def test_only_as_deep_as_is_wanted(depth: int, needed: list[str]) -> None:
    assert ids(needed_first([named("breach")], CONTRACT, depth)) == needed


def test_what_is_asked_for_itself_is_known_to_the_asker() -> None:
    assert "contract" not in ids(needed_first([named("contract"), named("breach")], CONTRACT, 5))
    assert "contract" not in ids(needed_first([named("breach"), near("contract")], CONTRACT, 5))


def test_what_is_only_near_asks_for_nothing() -> None:
    assert needed_first([near("breach")], CONTRACT, 5) == ()
    assert ids(needed_first([near("breach"), named("contract")], CONTRACT, 5)) == ["offer"]


def test_two_concepts_that_need_the_same_need_it_once() -> None:
    needed = needed_first([named("consideration"), named("breach")], CONTRACT, 5)
    assert sorted(ids(needed)) == ["contract", "offer", "promise"]


def test_what_several_concepts_need_is_in_learning_order_too() -> None:
    needed = needed_first([named("contract"), named("breach")], CONTRACT, 5)
    assert ids(needed) == ["promise", "offer"], "the card of breach says so"


def test_at_most_four_and_the_nearest_are_kept_in_learning_order() -> None:
    long = cards(card("appeal", *(before(f"step{n}", 7 - n) for n in range(1, 7))))
    assert ids(needed_first([named("appeal")], long, 9)) == ["step3", "step4", "step5", "step6"]


def test_what_no_page_teaches_cannot_be_read_first() -> None:
    bare = cards(card("tort", before("duty", 1, url=""), before("fault", 1)))
    assert ids(needed_first([named("tort")], bare, 2)) == ["fault"]


def test_a_concept_without_a_card_needs_nothing() -> None:
    assert needed_first([named("estoppel")], CONTRACT, 5) == ()
    assert needed_first([], CONTRACT, 5) == ()


letters = st.sampled_from("abcdefgh")
decks = st.dictionaries(letters, st.dictionaries(letters, st.integers(1, 5), max_size=7), max_size=8)


@given(decks, st.lists(st.tuples(letters, st.booleans()), max_size=4), st.integers(0, 5))
def test_whatever_is_asked_it_is_few_and_new_and_not_too_deep(
    deck: dict[str, dict[str, int]], asked: list[tuple[str, bool]], depth: int
) -> None:
    dealt = cards(*(card(id_, *(before(one, deep) for one, deep in needs.items())) for id_, needs in deck.items()))
    concepts = [named(id_) if exactly else near(id_) for id_, exactly in asked]
    needed = needed_first(concepts, dealt, depth)
    assert len(needed) == len(set(ids(needed))) <= 4
    assert not set(ids(needed)) & {id_ for id_, _ in asked}
    assert all(neighbour.depth <= depth for neighbour in needed)


# --- what explains it


def test_the_best_place_explains_most_and_its_first_passage_most_of_it() -> None:
    worth = explaining([named("osmosis")], cards(card("osmosis", taught=[(7, 8, 9), (20, 21)])))
    assert worth[7] == 1
    assert worth[7] > worth[20] > worth[8] == worth[9] > worth[21] > 0


def test_only_the_five_best_places_count() -> None:
    worth = explaining([named("osmosis")], cards(card("osmosis", taught=[(n,) for n in range(8)])))
    assert list(worth) == [0, 1, 2, 3, 4]
    assert sorted(worth.values(), reverse=True) == list(worth.values())


def test_a_concept_that_is_only_near_counts_less() -> None:
    deck = cards(card("osmosis", taught=[(1,)]), card("diffusion", taught=[(2,)]))
    worth = explaining([named("osmosis"), near("diffusion")], deck)
    assert worth[1] == 1.0
    assert 0 < worth[2] <= 0.3


def test_an_everyday_word_is_no_reason_to_raise_what_explains_it() -> None:
    deck = cards(card("people", taught=[(1,)]), card("osmosis", taught=[(2,)]))
    worth = explaining([named("people"), named("osmosis")], deck)
    assert worth[1] < 0.2 < worth[2]


def test_a_passage_that_explains_two_concepts_counts_for_the_better() -> None:
    deck = cards(card("osmosis", taught=[(1,), (2,)]), card("turgor", taught=[(2,), (1,)]))
    assert explaining([named("osmosis"), named("turgor")], deck) == {1: 1.0, 2: 1.0}


def test_what_nobody_teaches_raises_no_passage() -> None:
    assert explaining([named("osmosis"), named("lysis")], cards(card("osmosis"))) == {}


@given(
    st.lists(st.tuples(letters, st.floats(0, 1)), max_size=4),
    st.dictionaries(letters, st.lists(st.lists(st.integers(0, 30), max_size=4), max_size=8), max_size=8),
)
def test_no_passage_explains_more_than_everything(
    asked: list[tuple[str, float]], deck: dict[str, list[list[int]]]
) -> None:
    dealt = cards(*(card(id_, taught=map(tuple, taught)) for id_, taught in deck.items()))
    worth = explaining([named(id_, weight) for id_, weight in asked], dealt)
    assert all(0 <= share <= 1 for share in worth.values())


# --- whether somebody wants to understand


@pytest.mark.parametrize(
    "question",
    [
        "What is osmosis?",
        "what's a restriction enzyme",
        "What’s consideration in contract law?",
        "What are the stages of meiosis?",
        "what does estoppel mean",
        "Can you explain titration like I'm five?",
        "How does a buffer keep the pH stable?",
        "how do enzymes lower the activation energy",
        "How is entropy related to disorder?",
        "How can a contract be void?",
        "Why is glass amorphous",
        "I don't understand Le Chatelier's principle",
        "what is the difference between mitosis and meiosis",
        "difference between a tort and a crime?",
        "Give me the intuition behind entropy",
        "Describe the citric acid cycle",
        "teach me stoichiometry",
        "Derive the Nernst equation",
        "tell me about photosynthesis please",
        "im so confused about molarity vs molality",
        "EXPLAIN ENTROPY",
    ],
)
def test_a_question_that_wants_to_understand(question: str) -> None:
    assert wants_explaining(question)


@pytest.mark.parametrize(
    "question",
    [
        "When is homework 3 due?",
        "Where do I find the slides on meiosis?",
        "titration lab report template",
        "link to lecture 5",
        "Who teaches organic chemistry?",
        "Which chapter covers torts?",
        "ValueError: shapes not aligned",
        "balance C3H8 + O2 -> CO2 + H2O",
        "osmosis",
        "list all amino acids",
        "",
    ],
)
def test_a_question_that_wants_to_find_something(question: str) -> None:
    assert not wants_explaining(question)
