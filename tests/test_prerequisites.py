"""What a course needs before what, as its pages show it."""

import random
from dataclasses import replace
from datetime import date

from fakes import passage as numbered_passage
from hypothesis import given
from hypothesis import strategies as st

from retrieval.concepts.corpus import Corpus, read_corpus
from retrieval.concepts.cues import by_first_word, lexicon, mark
from retrieval.concepts.difficulty import difficulty
from retrieval.concepts.names import slug
from retrieval.concepts.prerequisites import Weights, prerequisites
from retrieval.concepts.terms import Mention, Term
from retrieval.graph import Edge
from retrieval.passage import Passage


def passage(text: str, page: int, title: str = "Lecture", release: date | None = None) -> Passage:
    """At a path without a number, for those tell an order."""
    return replace(numbered_passage(text, page, title=title, release=release), path=f"{title}.md")


def reading(corpus: Corpus, names: list[str], definitions: dict[str, str]) -> tuple[list[Term], list[Mention]]:
    """Terms by title, taught where a title or heading names them, else where they are named first."""
    terms = [Term(number, slug(name), name) for number, name in enumerate(names)]
    index = by_first_word(lexicon(terms))
    mentions: list[Mention] = []
    taught: dict[int, dict[int, float]] = {}
    for section in corpus.sections:
        for place, text in ((-1, f"{section.title}, {section.heading}"), *enumerate(section.said)):
            for word in mark(text, index).replace(",", " ").split():
                if word.startswith("§"):
                    number = int(word[1:])
                    mentions.append(Mention(number, section.number, place))
                    share = 1.0 if place < 0 else 0.3
                    taught.setdefault(number, {}).setdefault(section.number, share)
    terms = [
        replace(
            term,
            definition=definitions.get(term.title, ""),
            taught=tuple(sorted(taught.get(term.number, {}).items(), key=lambda item: -item[1])[:3]),
        )
        for term in terms
    ]
    return terms, mentions


def needed(passages: list[Passage], *names: str, **definitions: str) -> dict[tuple[str, str], Edge]:
    corpus = read_corpus(passages)
    edges, _ = prerequisites(corpus, *reading(corpus, list(names), definitions))
    return {(edge.source, edge.target): edge for edge in edges}


FILLER = [
    passage(f"Nothing of interest happens on day {day}.", page=100 + day, title=f"Day {day}") for day in range(30)
]


def test_a_page_that_refers_to_another_that_does_not_refer_back_needs_it() -> None:
    found = needed(
        [
            passage("It copies a cell. The spindle pulls.", 0, title="Mitosis"),
            passage(
                "After mitosis comes more. Think of mitosis twice. In mitosis nothing is halved.", 1, title="Meiosis"
            ),
            *FILLER,
        ],
        *("mitosis", "meiosis"),
    )
    assert set(found) == {("mitosis", "meiosis")}
    edge = found["mitosis", "meiosis"]
    assert edge.type == "prereq_of"
    assert 0.5 < edge.confidence < 1
    assert edge.evidence is not None
    assert edge.evidence.url.startswith("https://example.edu/1#")
    assert "mitosis" in edge.evidence.sentence


def test_pages_that_refer_to_each_other_alike_need_neither() -> None:
    found = needed(
        [
            passage("Gains what was lost. Compare oxidation, as oxidation gives.", 0, title="Reduction"),
            passage("Loses electrons. Compare reduction, as reduction takes.", 1, title="Oxidation"),
            *FILLER,
        ],
        *("reduction", "oxidation"),
    )
    assert found == {}


def test_the_special_needs_the_general_by_name_but_words_in_common_are_not_enough() -> None:
    found = needed(
        [passage("Strict liability and liability. Negligence law. A law firm.", 0), *FILLER],
        *("liability", "strict liability", "negligence law", "law firm"),
    )
    assert set(found) == {("liability", "strict-liability")}


def test_a_sentence_that_says_so_counts_and_is_shown() -> None:
    pages = [
        passage("It grows. The tide matters here, and the tide turns.", 0, title="Estuary"),
        passage("The moon pulls water.", 1, title="Tide"),
        *FILLER,
    ]
    said = passage("An estuary is based on the tide. More of the tide.", 0, title="Estuary", release=date(2031, 2, 3))
    silent, spoken = needed(pages, "estuary", "tide"), needed([said, *pages[1:]], "estuary", "tide")
    edge = spoken["tide", "estuary"]
    assert edge.confidence > silent["tide", "estuary"].confidence
    assert edge.evidence is not None
    assert edge.evidence.sentence == "An estuary is based on the tide."
    assert edge.evidence.release == date(2031, 2, 3)


def test_a_definition_that_names_another_needs_it_unless_only_for_comparison() -> None:
    pages = [passage("A quark.", 0, title="Quark"), passage("A hadron and a quark.", 1, title="Hadron"), *FILLER]
    plain = needed(pages, "quark", "hadron")
    defined = needed(pages, "quark", "hadron", hadron="A hadron is a particle made from some quark or other.")
    compared = needed(pages, "quark", "hadron", hadron="A hadron is a particle, unlike a quark.")
    assert defined["quark", "hadron"].confidence > plain["quark", "hadron"].confidence
    assert compared["quark", "hadron"].confidence == plain["quark", "hadron"].confidence


def test_numbered_files_tell_the_order_and_an_alphabetical_one_does_not() -> None:
    def course(first: str, second: str) -> dict[tuple[str, str], Edge]:
        one = passage("Supply meets demand. So demand counts.", 0, title="Supply")
        other = passage("Demand meets supply. So supply counts.", 1, title="Demand")
        return needed([replace(one, path=first), replace(other, path=second), *FILLER], "supply", "demand")

    assert course("notes/alpha.md", "notes/beta.md") == {}
    assert set(course("notes/02-x.md", "notes/10-a.md")) == {("supply", "demand")}
    assert set(course("notes/lecture-7/a.md", "notes/lecture-3/a.md")) == {("demand", "supply")}


def test_nothing_needs_more_than_a_few() -> None:
    basics = [f"{word} salt" for word in "sea rock table smoked pink black blue grey".split()]
    text = " ".join(f"It uses {name}. Then {name} again." for name in basics)
    pages = [passage("Fine.", number, title=name) for number, name in enumerate(basics)]
    found = needed([*pages, passage(text, 50, title="Curing"), *FILLER], "curing", *basics)
    assert 0 < len(found) <= Weights().most


@given(st.integers(0, 10_000))
def test_whatever_the_pages_say_the_result_has_an_order_and_is_the_same_twice(seed: int) -> None:
    dice = random.Random(seed)
    names = ["atom", "bond", "polar bond", "acid", "base", "salt"]
    verbs = ["builds on", "is a kind of", "consists of", "unlike", "and", "recall that"]
    pages = [
        passage(
            " ".join(f"{dice.choice(names)} {dice.choice(verbs)} {dice.choice(names)}." for _ in range(6)),
            page,
            title=dice.choice([*names, "Notes"]),
        )
        for page in range(5)
    ]
    corpus = read_corpus(pages)
    terms, mentions = reading(corpus, names, {})
    edges, cuts = prerequisites(corpus, terms, mentions)
    assert len(difficulty(terms, edges)) == len(terms)  # raises where there is a cycle
    assert all(0 < edge.confidence < 1 and edge.source != edge.target for edge in edges)
    dice.shuffle(mentions)
    assert prerequisites(corpus, terms, mentions) == (edges, cuts)


def test_an_empty_course_and_terms_that_are_named_nowhere_need_nothing() -> None:
    assert prerequisites(read_corpus([]), [], []) == ((), ())
    assert needed([passage("Hello.", 0)], "ghost", "phantom") == {}
