"""Which sentence defines a concept: one that is about it, whole, and understood where it stands alone."""

import pytest
from course_text import BIOLOGY, LAW, by_name, mined

from retrieval.concepts.definitions import whole_sentence
from retrieval.concepts.names import key


def definition(sentence: str, name: str = "osmosis") -> str:
    """What a course that says this once, and speaks of the concept elsewhere, gives as its definition."""
    text = (
        f"# Osmosis\n{sentence}\n\nWithout osmosis, roots stay dry. Plants rely on osmosis in spring.\n===\n"
        "# Roots\n**Osmosis** again: roots drink by osmosis."
    )
    return by_name(mined(text))[name].definition


@pytest.mark.parametrize(
    "sentence",
    [
        "Osmosis is a flow of water through a membrane toward the side with more salt.",
        "Osmosis refers to the flow of water through a membrane that holds back salt.",
        "In plants, osmosis is the flow of water through the membranes of cells.",
        "Osmosis can be thought of as a flow of water that evens out how salty two sides are.",
        "Osmosis, a flow of water through a membrane, is passive and costs a cell nothing.",
        "Osmosis occurs when water flows through a membrane toward the saltier side.",
        "Osmosis: A flow of water through a membrane that holds back salt.",
        "The flow of water through a membrane that holds back salt is called osmosis.",
        "We define osmosis as the flow of water through a membrane that holds back salt.",
    ],
)
def test_sentences_that_define(sentence: str) -> None:
    assert definition(sentence) == sentence


@pytest.mark.parametrize(
    "sentence",
    [
        "It is a flow of water, which is what osmosis means.",
        "Osmosis is shown in the figure below for a red blood cell.",
        "Osmosis is an important topic in the exam of every year.",
        "Osmosis is the same as what happens in the previous example.",
        "Osmosis is defined as follows:",
        "Osmosis pressure is a force that pushes water through a wall.",
        "What is osmosis, and is it a flow of water through a wall?",
        "This flow of water through the membrane is called osmosis.",
        "Draw a cell and explain why the flow of water is called osmosis.",
        "However, osmosis is a flow of water that roots make use of.",
        "For example, osmosis is the flow of water into a raisin in a bowl.",
        "Osmosis is a process that we will meet again in the next chapter.",
        "Osmosis is the flow of water through a membrane (see",
    ],
)
def test_sentences_that_do_not(sentence: str) -> None:
    assert definition(sentence) == ""


def test_of_a_glossary_line_the_first_sentence_is_kept() -> None:
    line = "Osmosis — A flow of water through a membrane that holds back salt. You will see it in the lab. It is slow."
    assert definition(line) == "Osmosis — A flow of water through a membrane that holds back salt."


def test_the_best_sentence_wins_and_tells_where_it_stands() -> None:
    found = by_name(mined(BIOLOGY))
    glycolysis = found["glycolysis"]
    assert glycolysis.definition.startswith("Glycolysis is a pathway of ten reactions")
    assert glycolysis.defined is not None
    assert glycolysis.defined.url.startswith("https://example.edu/0#")
    assert found[key("Krebs cycle")].definition == ""


def test_every_definition_is_whole_and_names_its_concept() -> None:
    for course in (BIOLOGY, LAW):
        for term in mined(course).terms:
            if term.definition:
                assert whole_sentence(term.definition) == term.definition
                assert any(
                    name.lower() in term.definition.lower().replace("-", " ") for name in (term.title, *term.aliases)
                )


@pytest.mark.parametrize("piece", ["(", "is a ", "A: ", ", an x, is ", "called ", "— The "])
def test_endless_sentences_are_no_definitions(piece: str) -> None:
    assert whole_sentence("Osmosis " + piece * 5000 + ".") is None
