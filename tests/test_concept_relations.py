"""What sentences and names say of two concepts: kinds, parts, contrasts, siblings, and how hard each is."""

from datetime import date
from itertools import pairwise

import pytest
from fakes import passage

from retrieval.concepts.corpus import Corpus, read_corpus
from retrieval.concepts.cues import CueKind, by_first_word, cues_of, lexicon, mark, named
from retrieval.concepts.difficulty import difficulty
from retrieval.concepts.names import slug, tokens
from retrieval.concepts.relations import relations
from retrieval.concepts.terms import Mention, Term
from retrieval.graph import Edge
from retrieval.passage import Passage


def terms_of(*names: str) -> list[Term]:
    return [Term(number, slug(name), name) for number, name in enumerate(names)]


def mentions_of(corpus: Corpus, terms: list[Term]) -> list[Mention]:
    """Every sentence and heading that holds a term's title, longest first."""
    index = by_first_word(lexicon(terms))
    found = []
    for section in corpus.sections:
        for place, text in ((-1, f"{section.title}, {section.heading}"), *enumerate(section.said)):
            marked = mark(text, index).replace(",", " ").split()
            found += [Mention(int(word[1:]), section.number, place) for word in marked if word.startswith("§")]
    return found


def says(sentence: str, *names: str) -> set[tuple[CueKind, str, str]]:
    terms = terms_of(*names)
    line = mark(sentence, by_first_word(lexicon(terms)))
    return {
        (kind, terms[first].title if first >= 0 else "", terms[second].title) for kind, first, second in cues_of(line)
    }


def related(passages: list[Passage], *names: str) -> dict[tuple[str, str], Edge]:
    corpus, terms = read_corpus(passages), terms_of(*names)
    return {(edge.source, edge.target): edge for edge in relations(corpus, terms, mentions_of(corpus, terms))}


@pytest.mark.parametrize(
    ("sentence", "cue"),
    [
        ("Meiosis builds on mitosis.", ("needs", "meiosis", "mitosis")),
        ("Meiosis, which is based on ordinary mitosis, has two rounds.", ("needs", "meiosis", "mitosis")),
        ("To understand meiosis you first need to know about mitosis.", ("needs", "meiosis", "mitosis")),
        ("Mitosis is the basis for meiosis.", ("needs", "meiosis", "mitosis")),
        ("Meiosis is a special case of mitosis.", ("is-a", "meiosis", "mitosis")),
        ("Meiosis is a rather odd mitosis that halves everything.", ("is-a", "meiosis", "mitosis")),
        ("We watched mitosis such as meiosis.", ("is-a", "meiosis", "mitosis")),
        ("Every mitosis consists of one meiosis.", ("part-of", "meiosis", "mitosis")),
        ("Meiosis is an essential part of mitosis.", ("part-of", "meiosis", "mitosis")),
        ("Unlike mitosis, meiosis halves the chromosomes.", ("contrast", "mitosis", "meiosis")),
        ("Meiosis versus mitosis", ("contrast", "meiosis", "mitosis")),
        ("What is the difference between meiosis and mitosis?", ("contrast", "meiosis", "mitosis")),
        ("Recall that mitosis copies a cell.", ("recalls", "", "mitosis")),
        ("You should be familiar with mitosis.", ("recalls", "", "mitosis")),
    ],
)
def test_a_sentence_can_say_how_two_concepts_stand(sentence: str, cue: tuple[CueKind, str, str]) -> None:
    assert cue in says(sentence, "meiosis", "mitosis")


@pytest.mark.parametrize(
    "sentence",
    [
        "Meiosis does not build on mitosis.",
        "Meiosis is a mitosis researcher's favourite.",  # of the researcher, not of mitosis
        "Meiosis is a step that comes after mitosis.",
        "We plot meiosis vs mitosis over time.",
        "The precision and recall of mitosis counts during meiosis were low.",
        "Meiosis was seen. Mitosis was not.",
    ],
)
def test_sentences_that_only_look_like_it_say_nothing(sentence: str) -> None:
    assert {cue for cue in says(sentence, "meiosis", "mitosis") if cue[0] != "passing"} == set()


def test_a_list_is_read_to_its_end() -> None:
    said = says("An atom consists of a nucleus, electrons and the void.", "atom", "nucleus", "electron", "void")
    assert said == {("part-of", part, "atom") for part in ("nucleus", "electron", "void")}


def test_what_is_named_as_an_example_or_for_comparison_is_named_in_passing() -> None:
    terms = terms_of("enzyme", "catalyst", "beer brewing", "acid")
    line = mark("An enzyme is a catalyst, unlike an acid, and is used in beer brewing.", by_first_word(lexicon(terms)))
    assert named(line) == {0, 1}


def test_the_longest_name_is_meant_and_formulas_say_nothing() -> None:
    terms = terms_of("torts", "strict liability", "liability", "x")
    line = mark("Strict liability, $torts$ aside, is liability.", by_first_word(lexicon(terms)))
    assert line == "§1 , aside , is §2"
    assert tokens("x") not in lexicon(terms)


def test_kinds_by_name_are_those_of_the_last_words_and_share_a_parent() -> None:
    found = related(
        [passage("Covalent bonds and ionic bonds are strong. A bond holds atoms. Bond energy is measured.")],
        *("bond", "covalent bond", "ionic bond", "bond energy", "polar covalent bond"),
    )
    assert found["covalent-bond", "bond"].kind == "is-a"
    assert found["polar-covalent-bond", "covalent-bond"].kind == "is-a"
    assert found["covalent-bond", "ionic-bond"].kind == "sibling"
    assert not {("bond-energy", "bond"), ("bond", "bond-energy"), ("polar-covalent-bond", "bond")} & found.keys()


def test_a_sentence_outweighs_a_name_and_is_kept_with_its_page() -> None:
    release = date(2030, 1, 7)
    text = "Unlike a *warm front*, a [front](x.md) that stands still brings rain for days."
    found = related([passage(text, page=3, release=release)], "front", "warm front")
    edge = found["front", "warm-front"]
    assert (edge.type, edge.kind) == ("near_transfer", "contrast")
    assert edge.evidence is not None
    assert edge.evidence.sentence == "Unlike a warm front, a front that stands still brings rain for days."
    assert (edge.evidence.url, edge.evidence.release) == ("https://example.edu/3#0", release)


def test_said_one_way_as_often_as_the_other_is_not_believed() -> None:
    found = related([passage("A whale is a mammal. A mammal is a whale.")], "whale", "mammal")
    assert found == {}


def test_what_is_taught_side_by_side_below_one_heading_is_a_sibling() -> None:
    corpus = read_corpus(
        [
            passage("A clay that swells.", 0, 0, "Soils", ("Minerals", "Smectite")),
            passage("A clay that does not.", 0, 1, "Soils", ("Minerals", "Kaolinite")),
            passage("Rotten leaves.", 0, 2, "Soils", ("Organic matter", "Humus")),
        ]
    )
    terms = [
        Term(number, slug(name), name, taught=((number, 1.0),))
        for number, name in enumerate(("smectite", "kaolinite", "humus"))
    ]
    found = relations(corpus, terms, mentions_of(corpus, terms))
    assert [(edge.source, edge.target, edge.kind) for edge in found] == [("kaolinite", "smectite", "sibling")]


def test_large_families_are_not_all_siblings() -> None:
    names = [
        f"{word} rock" for word in "igneous sedimentary metamorphic volcanic plutonic clastic organic lunar".split()
    ]
    found = related([passage("A rock.")], "rock", *names)
    assert {edge.kind for edge in found.values()} == {"is-a"}
    assert len(found) == len(names)


def test_hostile_names_and_pages_do_no_harm() -> None:
    names = ["§0 builds on §1", "<script>", "*" * 10_000, "a " * 5_000, "\x00\x07", "@everyone", "(.*)+", "§7"]
    text = " ".join(f"{name[:300]} is a kind of {other[:300]}." for name in names for other in names)
    found = related([passage(text)], *names)
    assert all(edge.source != edge.target for edge in found.values())
    assert related([], *names) is not None
    assert relations(read_corpus([]), [], []) == []


def chain(*ids: str) -> list[Edge]:
    return [Edge(before, after, "prereq_of") for before, after in pairwise(ids)]


def test_difficulty_is_the_depth_of_what_must_come_first() -> None:
    terms = terms_of("atom", "bond", "reaction", "gold")
    edges = [*chain("atom", "bond", "reaction"), Edge("gold", "reaction", "near_transfer", "contrast")]
    assert difficulty(terms, edges) == [1, 2, 3, 1]
    assert difficulty([], edges) == []


def test_long_chains_still_end_at_five() -> None:
    terms = terms_of(*(f"step {number}" for number in range(9)))
    grades = difficulty(terms, chain(*(term.id for term in terms)))
    assert grades == [1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_a_cycle_has_no_depth() -> None:
    with pytest.raises(ValueError, match="cycle"):
        difficulty(terms_of("hen", "egg"), chain("hen", "egg", "hen"))
