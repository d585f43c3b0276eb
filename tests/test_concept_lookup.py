"""Finding concepts by name: in a question, from what somebody typed, and while somebody is typing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd_text import HOSTILE, ODD

from retrieval.cards import ConceptName
from retrieval.concepts.lookup import Lookup, NameTable


def course(*names: str) -> NameTable:
    """A table whose concepts are written `title | alias | alias`; each is more central than the next."""
    return NameTable([named(line, 1 - place / 100) for place, line in enumerate(names)])


def named(line: str, weight: float) -> ConceptName:
    title, *aliases = (part.strip() for part in line.split("|"))
    return ConceptName(f"id of {title}", title, tuple(aliases), weight)


def found(table: NameTable, question: str) -> list[str]:
    return [one.id.removeprefix("id of ") for one in table.find(question)]


def meant(table: NameTable, name: str) -> tuple[str, str | None]:
    lookup = table.resolve(name)
    return lookup.match, lookup.id and lookup.id.removeprefix("id of ")


def choices(lookup: Lookup) -> list[str]:
    return [choice.title for choice in lookup.choices]


BIOLOGY = course(
    "meiosis | reduction division",
    "polymerase chain reaction | PCR",
    "deoxyribonucleic acid | DNA",
    "restriction enzyme",
    "cell division",
    "cell membrane",
    "messenger RNA | mRNA",
    "natural selection",
    "Hardy–Weinberg equilibrium",
    "GFP | green fluorescent protein",
    "α-helix",
)


# In a question


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("Why does meiosis need two rounds?", ["meiosis"]),
        ("How do restriction enzymes cut DNA?", ["restriction enzyme", "deoxyribonucleic acid"]),
        ("what happens at a restriction-enzyme's site", ["restriction enzyme"]),
        ("restriction_enzyme vs REDUCTION DIVISION", ["restriction enzyme", "meiosis"]),
        ("Is the Hardy-Weinberg equilibrium ever reached?", ["Hardy–Weinberg equilibrium"]),
        ("is an alpha helix right-handed", ["α-helix"]),
        ("What is a membrane?", []),
    ],
)
def test_concepts_are_found_however_their_words_are_bent_and_joined(question: str, names: list[str]) -> None:
    assert found(BIOLOGY, question) == names


def test_the_longest_name_wins_and_each_concept_is_named_once_in_order_of_appearance() -> None:
    table = course("variance", "analysis of variance | ANOVA", "covariance")
    assert found(table, "covariance, then analysis of variance, ANOVA again and covariance") == [
        "covariance",
        "analysis of variance",
    ]


def test_the_span_is_where_the_name_stands_and_how_says_by_what_it_was_found() -> None:
    question = "Why do cafe\u0301s sell Dijkstra’s algorithm, PCR and meiosis?"
    table = course("café", "Dijkstra's algorithm", "polymerase chain reaction | PCR", "meiosis")
    assert [(one.how, question[slice(*one.span)]) for one in table.find(question)] == [
        ("inflection", "cafe\u0301s"),
        ("inflection", "Dijkstra’s algorithm"),
        ("alias", "PCR"),
        ("exact", "meiosis"),
    ]


def test_names_written_together_are_found_apart_and_the_other_way_round() -> None:
    table = course("fine-tuning", "backpropagation", "AdaBoost")
    assert found(table, "finetuning by back propagation, not adaboost") == [
        "fine-tuning",
        "backpropagation",
        "AdaBoost",
    ]


def test_words_of_a_sentence_do_not_grow_together_to_a_name() -> None:
    assert found(course("therapist", "input"), "The rapist was put in prison, said the therapist") == ["therapist"]
    assert found(course("therapist", "input"), "What did the rapist put into it, and in put options?") == []


def test_a_hyphened_beginning_that_makes_another_thing_of_a_name_is_heeded() -> None:
    table = course("linear regression", "convolutional network | CNN", "k-means")
    assert found(table, "non-linear regression, R-CNN and k-means") == ["k-means"]
    assert found(table, "CNN-based piecewise-linear regression") == ["convolutional network", "linear regression"]


def test_camel_case_is_one_name_and_its_parts_are_none() -> None:
    assert found(course("norm", "hashing"), "my BatchNorm and HashingVectorizer fail") == []


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("is it all in the map and the clip", []),
        ("what does IT say of CLIP and MAP", ["information technology", "language-image model", "posterior mode"]),
        ("what does sarsa learn in a gan", ["SARSA", "adversarial network"]),
        ("compare two GANs and SARSA", ["adversarial network", "SARSA"]),
        ("WHAT IS IT ALL ABOUT", []),
        ("what is it?", []),
    ],
)
def test_acronyms_that_are_words_count_in_capitals_only(question: str, names: list[str]) -> None:
    table = course(
        "information technology | IT",
        "language-image model | CLIP",
        "posterior mode | MAP",
        "SARSA",
        "adversarial network | GAN",
    )
    assert found(table, question) == names


def test_a_word_that_every_question_holds_is_a_name_only_where_nothing_else_is_asked() -> None:
    table = course("model", "function", "overfitting", "posterior mode | MAP")
    assert found(table, "Why does my model show overfitting, is it a function of time?") == ["overfitting"]
    assert found(table, "What is a model?") == ["model"]
    assert found(table, "explain map") == ["posterior mode"]


def test_where_a_course_has_both_an_acronym_is_not_the_word() -> None:
    table = course("clip", "language-image model | CLIP")
    assert found(table, "how does CLIP embed text") == ["language-image model"]
    assert found(table, "where do I put the clip on the artery") == ["clip"]


def test_of_a_shared_acronym_the_most_central_concepts_are_found() -> None:
    table = course("a | EMX", "b | EMX", "c | EMX", "d | EMX")
    assert found(table, "how does EMX converge?") == ["a", "b", "c"]


def test_signs_that_make_another_name_are_read() -> None:
    table = course("A* search | A*", "k-means", "k-means++", "C++", "C")
    assert found(table, "Is A* better than k-means++ in C++?") == ["A* search", "k-means++", "C++"]
    assert found(table, "a-star or k-means") == ["A* search", "k-means"]
    assert found(table, "What is a star? x = a*b") == []


# From what somebody typed


@pytest.mark.parametrize(
    ("name", "match", "title"),
    [
        ("meiosis", "exact", "meiosis"),
        ("  MEIOSIS ", "exact", "meiosis"),
        ("pcr", "alias", "polymerase chain reaction"),
        ("restriction enzymes", "inflection", "restriction enzyme"),
        ("natural-selection", "inflection", "natural selection"),
        ("restriction enyzme", "typo", "restriction enzyme"),
        ("polymerase chian reacton", "typo", "polymerase chain reaction"),
        ("polymeras", "inflection", "polymerase chain reaction"),
        ("what is the PCR?", "alias", "polymerase chain reaction"),
        ("hi, can you explain how meiosis works please", "exact", "meiosis"),
        ("why is the PCR so slow", "alias", "polymerase chain reaction"),
        ("id of meiosis", "exact", "meiosis"),
    ],
)
def test_a_name_leads_to_its_concept(name: str, match: str, title: str) -> None:
    assert meant(BIOLOGY, name) == (match, title)


def test_a_word_within_one_name_is_too_little_to_be_sure() -> None:
    for name in ("membrane", "membrnae", "polymer"):
        assert meant(BIOLOGY, name) == ("none", None)
    assert choices(BIOLOGY.resolve("membrane")) == ["cell membrane"]


def test_a_title_goes_before_an_alias_and_that_before_another_form() -> None:
    table = course("tort | delict", "delict", "delicts | torts")
    assert meant(table, "Delict") == ("exact", "delict")
    assert meant(table, "torts") == ("alias", "delicts")
    assert meant(course("contract law", "offer | contract laws"), "contract-laws")[1] is None


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        ("attention", ["self-attention", "cross-attention"]),
        ("atention", ["self-attention", "cross-attention"]),
        ("what is attention?", ["self-attention", "cross-attention"]),
        ("EM", ["expectation maximization", "electron microscopy"]),
        ("monoxib", ["monoxid", "monoxim"]),
        ("the difference between electron microscopy and cross-attention", ["electron microscopy", "cross-attention"]),
    ],
)
def test_a_name_of_several_offers_them(name: str, titles: list[str]) -> None:
    table = course(
        "self-attention",
        "cross-attention",
        "expectation maximization | EM",
        "electron microscopy | EM",
        "monoxid",
        "monoxim",
    )
    lookup = table.resolve(name)
    assert (lookup.match, lookup.id, choices(lookup)) == ("ambiguous", None, titles)


def test_choices_are_the_most_central_first_and_at_most_25() -> None:
    names = [ConceptName(str(place), f"kind{place} contract", (), place / 100) for place in range(40)]
    lookup = NameTable(names).resolve("contract")
    assert [choice.id for choice in lookup.choices] == [str(place) for place in range(39, 14, -1)]


def test_a_choice_can_be_made_by_its_id() -> None:
    table = NameTable([ConceptName("map", "MAP estimate", ("MAP",)), ConceptName("map-2", "precision", ("mAP",))])
    assert table.resolve("Map").match == "ambiguous"
    assert table.resolve("MAP") == Lookup("alias", "map")
    assert table.resolve("mAP") == Lookup("alias", "map-2")
    assert table.resolve("map-2") == Lookup("exact", "map-2")


@pytest.mark.parametrize(
    ("known", "typed"),
    [
        ("meiosis", "mitosis"),  # English knows it: outside the course, not misspelt
        ("L1 norm", "L2 norm"),
        ("SARSA", "SARZA"),
        ("overfitting", "underfitting"),
        ("supervised learning", "unsupervised learning"),
        ("DNA", "DNB"),
        ("type I error", "type V error"),
    ],
)
def test_what_merely_looks_alike_is_no_typo(known: str, typed: str) -> None:
    assert meant(course(known, "photosynthesis"), typed) == ("none", None)


def test_a_misspelt_word_beside_a_right_one_may_be_english() -> None:
    table = course("principal component analysis", "causal inference")
    assert meant(table, "principle component analysis") == ("typo", "principal component analysis")
    assert meant(table, "casual inference") == ("typo", "causal inference")


def test_the_nearest_typo_wins() -> None:
    assert meant(course("catalyst", "catalysis"), "catalyts") == ("typo", "catalyst")


def test_a_beginning_leads_on_if_it_is_no_word_of_its_own() -> None:
    table = course("backpropagation", "backtracking", "Dijkstra's algorithm", "confusion matrix", "artificial life")
    assert meant(table, "backprop") == ("inflection", "backpropagation")
    assert meant(table, "Dijkstra") == ("inflection", "Dijkstra's algorithm")
    assert meant(table, "confusion") == ("inflection", "confusion matrix")
    assert meant(table, "art") == ("none", None)
    assert choices(table.resolve("art")) == ["artificial life"]


def test_a_beginning_of_several_offers_them() -> None:
    lookup = course("backpropagation", "backprojection", "bagging").resolve("backpro")
    assert (lookup.match, choices(lookup)) == ("ambiguous", ["backpropagation", "backprojection"])


def test_within_a_mere_name_another_name_is_another_concept() -> None:
    table = course("attention", "entropy")
    lookup = table.resolve("graph attention network")
    assert (lookup.match, choices(lookup)) == ("none", ["attention"])


def test_nearness_in_meaning_comes_last() -> None:
    asked: list[str] = []

    def nearest(text: str) -> list[tuple[str, float]]:
        asked.append(text)
        return [("gone since", 0.9), ("id of natural selection", 0.8), ("id of meiosis", 0.7), ("id of GFP", 0.5)]

    assert BIOLOGY.resolve("meiosis", nearest).match == "exact"
    assert asked == []
    lookup = BIOLOGY.resolve("What is survival of the fittest?", nearest, least=0.6)
    assert asked == ["survival of the fittest"]
    assert (lookup.match, lookup.id, choices(lookup)) == ("nearest", "id of natural selection", ["meiosis"])


def test_what_is_not_near_enough_is_only_suggested() -> None:
    lookup = BIOLOGY.resolve("sourdough cell", lambda _: [("id of meiosis", 0.3)], least=0.6)
    assert (lookup.match, lookup.id) == ("none", None)
    assert choices(lookup) == ["cell division", "cell membrane", "meiosis"]


def test_words_that_any_name_holds_suggest_nothing() -> None:
    assert BIOLOGY.resolve("paxos algorithm").choices == ()
    assert course("theorem of Gauss", "algorithm").resolve("the").choices == ()


@pytest.mark.parametrize("name", ["", "   ", "?!… --- *", "\x00\x1b\u202e", "\ud800", "x" * 10_000, "meiosis " * 2_000])
def test_what_is_no_name_is_no_concept(name: str) -> None:
    assert BIOLOGY.resolve(name) == Lookup("none")


def test_invisible_characters_do_not_hide_a_name() -> None:
    assert meant(BIOLOGY, "mei\u200bosis\x07") == ("exact", "meiosis")


@given(ODD)
def test_any_text_can_be_looked_up_found_in_and_completed(text: str) -> None:
    lookup = BIOLOGY.resolve(text)
    assert (lookup.id is None) == (lookup.match in ("none", "ambiguous"))
    for one in BIOLOGY.find(text):
        assert text[slice(*one.span)].strip()
    BIOLOGY.complete(text)


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_can_be_looked_up_and_be_a_name(kind: str) -> None:
    table = NameTable([ConceptName("hostile", HOSTILE[kind], (HOSTILE[kind][:90],)), ConceptName("cell", "cell")])
    assert table.resolve("cell").id == "cell"
    assert table.resolve(HOSTILE[kind]) == Lookup("none")
    assert "cell" in [one.id for one in table.find(f"the cell {HOSTILE[kind][:12_000]}")]
    assert table.complete(HOSTILE[kind]) is not None


def test_a_course_without_concepts_knows_none() -> None:
    table = course()
    assert table.find("What is meiosis?") == ()
    assert table.resolve("meiosis") == Lookup("none")
    assert table.complete("") == ()


@given(st.permutations(["tort | delict", "contract", "contract law", "law of contracts | delict", "conduct"]))
def test_the_order_of_the_table_changes_nothing(lines: list[str]) -> None:
    table = NameTable([named(line, 0.5) for line in lines])
    assert choices(table.resolve("delict")) == ["law of contracts", "tort"]
    assert [one.title for one in table.complete("con")] == ["conduct", "contract", "contract law", "law of contracts"]
    assert found(table, "a delict") == ["law of contracts", "tort"]


# While somebody is typing


@pytest.mark.parametrize(
    ("typed", "titles"),
    [
        ("mei", ["meiosis"]),
        ("CELL", ["cell division", "cell membrane"]),
        ("cell-m", ["cell membrane"]),
        ("hardy w", ["Hardy–Weinberg equilibrium"]),
        ("pc", ["polymerase chain reaction"]),
        ("div", ["cell division"]),
        ("re", ["restriction enzyme", "meiosis", "polymerase chain reaction"]),
        ("restricton", ["restriction enzyme"]),
        ("selecc", ["natural selection"]),
        ("xyzzy", []),
        ("?!", []),
    ],
)
def test_what_is_typed_is_completed_titles_first(typed: str, titles: list[str]) -> None:
    assert [one.title for one in BIOLOGY.complete(typed)] == titles


def test_the_whole_title_goes_before_longer_and_more_central_ones() -> None:
    table = course("price elasticity", "price")
    assert [one.title for one in table.complete("price")] == ["price", "price elasticity"]


def test_before_anything_is_typed_the_most_central_concepts_are_offered() -> None:
    assert [one.title for one in BIOLOGY.complete("", limit=2)] == ["meiosis", "polymerase chain reaction"]
    assert BIOLOGY.complete(" ", limit=0) == ()
    assert len(BIOLOGY.complete("e", limit=1)) == 1
