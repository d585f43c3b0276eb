"""When two names are one concept: when the course says so, or the letters do; look-alikes stay apart."""

import pytest
from course_text import BIOLOGY, CHEMISTRY, LAW, by_name, mined
from hypothesis import given
from hypothesis import strategies as st

from retrieval.concepts.brackets import abbreviates, explained
from retrieval.concepts.names import key


def one(text: str, first: str, second: str) -> bool:
    """Whether two names are found and are one concept."""
    found = by_name(mined(text))
    assert {key(first), key(second)} <= found.keys(), sorted(found)
    return found[key(first)].id == found[key(second)].id


@pytest.mark.parametrize(
    ("short", "name"),
    [
        ("DNA", "deoxyribonucleic acid"),
        ("NMR", "nuclear magnetic resonance"),
        ("AdaBoost", "adaptive boosting"),
        ("Seq2Seq", "sequence-to-sequence"),
        ("ELISA", "enzyme-linked immunosorbent assay"),
    ],
)
def test_a_short_form_is_made_of_its_name(short: str, name: str) -> None:
    assert abbreviates(short, name)


def test_other_letters_are_another_name() -> None:
    assert not abbreviates("RNA", "deoxyribonucleic acid")
    assert not abbreviates("Seq2Seq", "sequence for sequence")
    assert not abbreviates("PCR", "polymerase")


@pytest.mark.parametrize(
    "text",
    [
        "The polymerase chain reaction (PCR) copies genes.",
        "The PCR (polymerase chain reaction) copies genes.",
        "The polymerase chain reaction, or PCR, copies genes.",
        "PCR stands for polymerase chain reaction.",
        "PCR is short for polymerase chain reaction.",
        "PCR - polymerase chain reaction",
        "PCR: polymerase chain reaction",
        "PCR / polymerase chain reaction",
    ],
)
def test_short_forms_are_explained_in_many_ways(text: str) -> None:
    assert [(short, name.lower()) for short, name in explained(text)] == [("PCR", "polymerase chain reaction")]


def test_brackets_that_explain_nothing_are_left_alone() -> None:
    assert list(explained("The enzyme (see Figure 3) is slow. The enzyme (EC) is fast, or so WE say - A B.")) == []


def test_another_name_that_a_course_gives_is_the_same_concept() -> None:
    assert one(BIOLOGY, "citric acid cycle", "krebs cycle")
    assert one(LAW, "promissory estoppel", "equitable estoppel")
    assert one(LAW, "judicial review", "jr")
    assert one(CHEMISTRY, "nuclear magnetic resonance", "nmr")


def test_what_a_course_compares_stays_apart() -> None:
    text = (
        "# Land\nAn **easement** is a right to use land. A **servitude** is a burden on land. An easement, also"
        " called servitude, is common. An easement binds. A servitude binds. {}"
    )
    assert one(text, "easement", "servitude")
    assert not one(text.format("The difference between an easement and a servitude is old."), "easement", "servitude")
    assert not one(BIOLOGY, "mitosis", "meiosis")


def test_what_each_has_a_heading_for_is_two_concepts() -> None:
    text = (
        "# Osmosis\nOsmosis is a flow of water. Osmosis, also known as diffusion, is slow. Osmosis is passive.\n===\n"
        "# Diffusion\nDiffusion is a spreading of particles. Diffusion is passive too."
    )
    assert not one(text, "osmosis", "diffusion")


def test_a_clause_that_is_called_something_is_no_second_name() -> None:
    text = (
        "# Torts\nA court looks at the harm and the act of negligence - also known as causation. "
        "**Causation** is a link. **Negligence** is a failure of care. Negligence needs causation."
        " Causation and negligence are old."
    )
    assert not one(text, "negligence", "causation")


def test_names_that_differ_by_a_letter_stay_apart() -> None:
    assert not one(CHEMISTRY, "methanol", "methanal")
    assert not one(CHEMISTRY, "alkane", "alkene")


@pytest.mark.parametrize(
    ("first", "second"),
    [("hebb's rule", "hebb law"), ("ligation", "ligation technique"), ("mixture of isotopes", "isotope mixture")],
)
def test_words_that_name_nothing_and_word_order_do_not_count(first: str, second: str) -> None:
    text = (
        f"# {first.capitalize()}\n**{first.capitalize()}** is a thing that matters. One meets the {second} often.\n"
        f"===\n# Uses\nThe {second} is old. **The {second}** is a tool. Without the {first}, nothing works."
    )
    assert one(text, first, second)


def test_the_plural_of_an_acronym_is_the_acronym_but_a_longer_acronym_is_not() -> None:
    text = (
        "# Ribosomes\nThe **open reading frame (ORF)** is a stretch of codons. **ORFs** are long. ORFs overlap.\n===\n"
        "# Sequences\nThe **expressed sequence (ES)** is short. An **ESS** is a thing. The ESS is rare; an ESS acts."
    )
    assert one(text, "orf", "open reading frame")
    found = by_name(mined(text))
    assert "ess" not in found or found["ess"].id != found["expressedsequence"].id


def test_a_bare_acronym_belongs_to_the_one_name_with_its_initials() -> None:
    text = (
        "# Assays\n**Competitive Ligand Binding Assay** is a test of how well a drug binds.\n"
        "===\n# Drugs\nWe choose the drug by CLBA. Each CLBA takes an hour, and CLBA is cheap."
    )
    assert one(text, "competitive ligand binding assay", "clba")


def test_an_acronym_of_two_things_belongs_to_neither_alone() -> None:
    text = (
        "# Heart\nThe **atrial fibrillation (AF)** is a fast rhythm. Atrial fibrillation is common.\n===\n"
        "# Maps\nThe **allele frequency (AF)** is a share of a gene. Allele frequency changes."
    )
    assert not one(text, "atrial fibrillation", "allele frequency")


@given(st.text(alphabet="AaBb ()/-,:24orisfx", max_size=80))
def test_any_text_is_searched_for_short_forms(text: str) -> None:
    for short, name in explained(text):
        assert short in text
        assert abbreviates(short, name)
