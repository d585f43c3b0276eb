"""Which concepts are found in a course without a model, in any subject, and how they are written."""

import asyncio
import json
import random
import unicodedata
from pathlib import Path

import pytest
from course_text import BIOLOGY, CHEMISTRY, HISTORY, LAW, SUBJECTS, by_name, mined, passages_of, titles
from fakes import passage
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.course import load_course
from retrieval.chunking import Placement, chunk
from retrieval.concepts.corpus import read_corpus
from retrieval.concepts.headings import read_heading
from retrieval.concepts.mining import Mined, mine
from retrieval.concepts.names import key
from retrieval.reading import Account, read_sources


@pytest.mark.parametrize(
    ("course", "expected"),
    [
        (
            BIOLOGY,
            "cellular respiration / glycolysis / citric acid cycle / photosynthesis / chlorophyll / calvin cycle"
            " / mitosis / meiosis / adenosine triphosphate",
        ),
        (LAW, "negligence / duty of care / breach of duty / causation / estoppel / judicial review / postal rule"),
        (
            CHEMISTRY,
            "titration / equivalence point / alkane / alkene / methanol / methanal / spectroscopy",
        ),
        (HISTORY, "congress of vienna / balance of power / nationalism / industrial revolution / urbanization"),
    ],
    ids=["biology", "law", "chemistry", "history"],
)
def test_what_a_course_teaches_is_found(course: str, expected: str) -> None:
    found = by_name(mined(course))
    assert [name for name in expected.split(" / ") if key(name) not in found] == []


def test_what_a_course_only_mentions_is_not() -> None:
    found = titles(mined(BIOLOGY))
    junk = "cheetah / sprinting cheetah / jan ingenhousz / summary / photosynthesis chapter / textbook / leaf.csv"
    assert found & {*junk.split(" / "), "allowed", "stages", "leaf area", "mitosis vs meiosis"} == set()
    assert "james watt" not in by_name(mined(HISTORY))


def test_verbs_and_adjectives_that_recur_are_no_concepts() -> None:
    pages = [
        f"# Enzymes {n}\nEnzymes catalyze reactions. To catalyze {n} of them is not enough, they can catalyze the rest."
        f" The {n} pockets of the substrate are hydrophobic, and so hydrophobic that water leaves. An enzyme number {n}"
        f" binds the substrate. A **substrate** of type {n} is small."
        for n in range(5)
    ]
    found = by_name(mined("\n===\n".join(pages)))
    assert "substrate" in found
    assert found.keys() & {"catalyze", "hydrophobic"} == set()


def test_a_label_is_no_name_however_often_it_recurs() -> None:
    pages = [
        f"# Osmosis {n}\nThe osmosis chapter has {n} parts. An interested reader finds more in the osmosis chapter."
        f" Osmosis is slow. The interested reader may skip osmosis."
        for n in range(4)
    ]
    found = by_name(mined("\n===\n".join(pages)))
    assert "osmosis" in found
    assert found.keys() & {"osmosis chapter", "interested reader"} == set()


def test_names_of_variables_and_classes_are_code() -> None:
    text = "# Trees\nEach GeneTree has leaves. Make a GeneTree of each species. A GeneTree is cheap."
    listing = '\n\n```python\ntree = GeneTree(species)\ngrow(tree, "GeneTree")\n```\n'
    assert "genetree" not in by_name(mined(text + listing))


def test_a_heading_names_what_it_frames() -> None:
    def names(heading: str) -> list[str]:
        return [name for name, _ in read_heading(heading, "heading").names if name]

    assert names("3.2 Introduction to Osmosis")[0] == "Osmosis"
    assert names("What is osmosis?") == ["osmosis"]
    assert names("Lecture 4: Estoppel (continued)") == ["Estoppel"]
    assert names("Mitosis vs. Meiosis") == ["Mitosis", "Meiosis"]
    assert "Osmosis" in names("Osmosis and Diffusion")
    assert not read_heading("Lecture 4: Estoppel", "heading").is_example
    assert read_heading("Example: the leaking bucket", "heading").is_example


def test_titles_are_written_as_prose_writes_them() -> None:
    text = (
        "# Nuclear Magnetic Resonance\nNuclear magnetic resonance (NMR) is a method that detects spins. NMR is slow."
        " All nuclear magnetic resonance is.\n"
        "## The Boltzmann Distributions\nBoltzmann distributions give the spins. The Boltzmann distribution is"
        " even. A Boltzmann distribution is wide."
    )
    found = mined(text)
    assert {"nuclear magnetic resonance", "Boltzmann distribution"} <= {term.title for term in found.terms}
    assert by_name(found)["nmr"].aliases == ("NMR",)


def test_no_alias_is_the_title_in_other_clothes() -> None:
    for course in SUBJECTS:
        for term in mined(course).terms:
            keys = [key(name) for name in (term.title, *term.aliases)]
            assert len(set(keys)) == len(keys), term


def groups(course: str) -> set[frozenset[str]]:
    """What is found, and what is one."""
    return {frozenset(key(name) for name in (term.title, *term.aliases)) for term in mined(course).terms}


@pytest.mark.parametrize("course", SUBJECTS)
def test_neither_the_order_of_pages_nor_capitals_in_headings_matter(course: str) -> None:
    pages = course.strip().split("\n===\n")
    assert groups("\n===\n".join(reversed(pages))) == groups(course)
    lines = [line.lower() if line.startswith("#") else line for line in course.splitlines()]
    assert groups("\n".join(lines)) == groups(course)


@given(st.lists(st.text(max_size=120), min_size=1, max_size=4), st.integers(0, 3))
@settings(max_examples=40)
def test_hostile_text_yields_only_names(lines: list[str], course: int) -> None:
    text = "\n\n".join(lines)
    hostile = [
        passage(
            f"{text}\n\n**{lines[0]}** is a {lines[-1]}. {lines[0]} ({lines[-1]}), also called {lines[0]}.",
            90,
            0,
            lines[0],
        )
    ]
    found = mine(read_corpus([*passages_of(SUBJECTS[course]), *hostile]))
    for term in found.terms:
        for name in (term.title, *term.aliases):
            assert any(map(str.isalpha, name)), name
            assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs") for character in name), name
            assert len(name) <= 120
    assert len({term.id for term in found.terms}) == len(found.terms)


@pytest.mark.parametrize(
    "piece", ["(", "a (A) ", "**", "also called ", ", or ", " - ", "is a ", "A of ", "$", "call ", "\x1b[31m"]
)
def test_long_repetitions_are_read_in_time(piece: str) -> None:
    """A regular expression that went back and forth would never end on these."""
    assert mine(read_corpus([passage("Osmosis " + piece * 4000 + ".", 0, 0, "Osmosis " + piece * 40)])) is not None


def test_an_empty_course_has_no_concepts() -> None:
    assert mine(read_corpus([])).terms == ()


def test_random_words_are_no_course() -> None:
    """What recurs nowhere and is set off nowhere speaks for nothing."""
    rng = random.Random(7)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(rng.choices(letters, k=7)) for _ in range(400)]
    assert mine(read_corpus([passage(" ".join(words) + ".", 0, 0, "")])).terms == ()


@pytest.fixture(scope="module")
def real(shared: Path) -> Mined:
    """The concepts of a real course."""
    course = load_course(Path(__file__).parent / "data" / "real-course.toml")
    if not (shared / "questions" / "concepts-sample.json").is_file():
        pytest.skip("needs the sample of concepts beside the real course")

    async def read() -> Mined:
        pages = [page async for page in read_sources(course.sources, course.root, Account())]
        cut = [
            piece
            for number, page in enumerate(pages)
            for piece in chunk(
                page.document, Placement(page.source, number, page.url, course.sources[page.source].trust, None)
            )
        ]
        return mine(read_corpus(cut))

    return asyncio.run(read())


def test_a_real_course_is_mined_as_its_sample_says(real: Mined, shared: Path) -> None:
    sample = json.loads((shared / "questions" / "concepts-sample.json").read_text())
    number = {key(name): term.number for term in real.terms for name in (*term.aliases, term.title)}

    def find(*names: str) -> set[int]:
        return {number[key(name)] for name in names if key(name) in number}

    assert [row["name"] for row in sample["concepts"] if not find(row["name"], *row["aliases"])] == []
    assert [name for name in sample["noise"] if find(name)] == []
    assert [pair for pair in sample["same"] if not find(pair[0]) & find(pair[1])] == []
    assert [pair for pair in sample["different"] if find(pair[0]) & find(pair[1])] == []
    assert 800 <= len(real.terms) <= 1300
