"""Which strings can be a concept of no course, and which general words need a course that defines them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.concepts.noise import generality, looks_like_code, noise

CONCEPTS = """
attention / softmax / regularization / entropy / bias-variance tradeoff / A* / k-means / Q-learning / 0-1 loss
3D convolution / L2 regularization / word2vec / GPT-2 / n-gram / F1 score / Fourier transform / p-value / tort / mitosis
habeas corpus / SN2 reaction / AdaBoost / ResNet / PyTorch / DropConnect / YOLOv3 / CatBoost / ReLU / XGBoost / OpenCV
copper(II) sulfate / TD(0) / SARSA(λ) / ε-greedy / i.i.d. / Node.js / mRNA / siRNA / pH / t-SNE / I/O / AND/OR tree
Marbury v. Madison / natural language processing (NLP) / value function / data structure / loss function / queue
signal / Type I error / type 1 diabetes / 18th Amendment / R² / $k$-means / L_2 norm / precision@k / WHO / C++ / U-Net
5G / COVID-19 / piercing the corporate veil / res ipsa loquitur / Michaelis–Menten kinetics / 2-3 tree / Section 230
benzo[a]pyrene / if statement / free will / you only look once / load balancing / set theory / test statistic
source code / exercise physiology / review article / summary judgment / note payable / question answering / forward pass
random forest / read-only memory / case law / Kirchhoff's laws / Universal Declaration of Human Rights / IT governance
фотосинтез / 光合作用
"""


@pytest.mark.parametrize("name", [name for line in CONCEPTS.strip().splitlines() for name in line.split(" / ")])
def test_names_of_concepts_stay(name: str) -> None:
    assert noise(name) is None


NOISE = {
    "a number": "1 | 3-4 | 3.14 | 10% | 1,000 | 224x224 | v2.0 | (10 points) | 2nd | II | seven",
    "a date": "2018 | 2023-10-01 | March 3 | April 6th, 2020 | Fall 2023 | Monday | 10:30 am",
    "a single letter": "i | x | π",
    "a function or module name": """
        housing_num | x_train | train_test_split | __init__ | nn.Module | np.array | self.x | Model.fit | forward()
        print(x) | fit(X, y) | forward | defaultdict | logging | Logging | random | itertools | numpy | plt | getValue
        AutoTokenizer | AutoModelForSequenceClassification | GridSearchCV | MaxPool2d | MLPClassifier
        the train_test_split function
    """,
    "code or a formula": """
        x = 3 | a == b | import numpy as np | %matplotlib inline | x[0] | F = ma | !pip install x
    """,
    "navigation": """
        Open In Colab | Home | Next | Table of contents | Edit this page | Download | Skip to main content
    """,
    "a boilerplate heading": """
        Introduction | 1. Introduction | Overview | Exercises | References | 📚 References | Summary | Conclusions
        Background | Motivation | Setup | Installation | Example 3 | Figure | Fig. 3 | Question 2 | Part B | Task 5
        Step 1: Load the data | (a) Notes | Cell 12 | Key takeaways | Notebooks | Resources | Further reading: | TODO
        Chapter 2 | Lecture IV | Q1 | Exercise 2.3 | Hands-On | Introduction to Photosynthesis | Osmosis (20 points)
        Contract law - continued | Titration workshop
    """,
    "a person's question": "How does it work | What is osmosis | Why? | Is this a contract?",
    "a sentence": """
        We balance the equation | Osmosis is a kind of diffusion | Loading the data | Train the model
        one two three four five six seven eight nine | Visualizing enzymes | Congratulations!
    """,
    "markup": """
        https://example.org | www.example.org | README.md | data/raw/cells/x | ../plots | a@example.org | <@U123>
        @everyone | <b>cell</b> | **cell** | `cell` | [cell](x) | [[cell]] | $x^2$ | \\alpha | &nbsp; | :smile:
        {{ cell }}
    """,
    "no words": "--- | → | 🧪 | ()",
}


@pytest.mark.parametrize("reason", NOISE)
def test_noise_goes_and_says_why(reason: str) -> None:
    names = [name.strip() for line in NOISE[reason].strip().splitlines() for name in line.split(" | ")]
    assert {name: noise(name) for name in names} == dict.fromkeys(names, reason)


def test_hostile_strings_are_noise() -> None:
    for name in ("ce\x00ll", "ce\u202ell", "\ue000cell", "ce\ud800ll"):
        assert noise(name) == "unprintable"
    assert noise("cell " * 40) == noise("x" * 10_000) == noise("x" * 81) == "too long"
    assert noise("") == noise("\n\t") == "no words"


def test_a_general_word_needs_a_course_that_defines_it() -> None:
    general = (
        "model function value data method example problem algorithm layer system result number Models the basically"
    )
    special = "attention market-maker tort entropy SIFT IT A* C++ assembly anomaly monopoly policy osmosis"
    assert [word for word in general.split() if not generality(word)] == []
    assert [word for word in special.split() if generality(word)] == []


def test_only_single_words_are_general() -> None:
    assert not generality("value function")
    assert generality("the function") is False


def test_class_names_are_told_from_names_in_camel_case_by_a_guess() -> None:
    assert all(
        looks_like_code(name) for name in ("TransformerBlock", "WordEmbed", "ResBlock", "AutoTokenizer", "fit(x, y)")
    )
    assert not any(looks_like_code(name) for name in ("AdaBoost", "PyTorch", "ResNet", "MapReduce", "U-Net", "osmosis"))
    assert noise("ResBlock") is None


@given(st.text(max_size=300))
def test_any_string_gets_a_verdict(name: str) -> None:
    assert noise(name) is None or noise(name)
    assert isinstance(generality(name), bool)
    assert isinstance(looks_like_code(name), bool)


@pytest.mark.parametrize(
    "piece", ["a", "a ", "(", "$", "is ", "a_", "\\", "<", "1x", "a/", "aA", "[[", "\\a{", ".", "how "]
)
def test_long_repetitions_are_judged_like_others(piece: str) -> None:
    """A regular expression that went back and forth would never end on these."""
    assert noise(piece * 10_000) == "too long"
    for length in (79, 80, 159, 160):
        assert noise("Osmosis " + (piece * 160)[:length]) != "a date"
