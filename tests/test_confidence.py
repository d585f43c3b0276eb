"""How sure retrieval is: signals that each push one way, a probability from them, and a yardstick for cosines."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, replace

import numpy as np
import pytest
from fakes import HashEmbedder, passage
from hypothesis import given
from hypothesis import strategies as st

from retrieval.adapters.bm25 import Bm25Encoder
from retrieval.background import background
from retrieval.confidence import HYBRID, LEXICAL, MEASURED, Calibration, Signals, is_brief, measure
from retrieval.passage import Passage
from retrieval.ports import Arms, Hit, Vector
from retrieval.query import Query, read_query
from retrieval.question import search_text
from retrieval.vocabulary import Vocabulary
from retrieval.words import lexical_text, words

ENCODER = Bm25Encoder()
CALIBRATIONS = [pytest.param(HYBRID, id="hybrid"), pytest.param(LEXICAL, id="lexical")]
NOTHING = Signals(0, 0, 0, 0, 0, 0)

COURSE = [
    passage("The Kalman filter tracks a state. A Kalman filter predicts and updates. Kalman, Kalman, Kalman.", page=0),
    passage("Gradient descent follows the gradient. The loss falls.", page=1),
    passage("A Kalman filter is named here once, beside the gradient.", page=2),
    passage("Bayes rule turns a prior into a posterior.", page=3),
]


def vocabulary(passages: Sequence[Passage] = COURSE) -> Vocabulary:
    spoken, terms = Counter[str](), Counter[int]()
    for one in passages:
        spoken.update(set(words(one.text)))
        terms.update(ENCODER.counts(one.text).keys())
    return Vocabulary(spoken, terms, len(passages) + 50)


def asked(question: str) -> Query:
    return read_query(search_text(question), vocabulary(), ENCODER.query)


def signals(
    question: str,
    *found: Passage,
    dense: Sequence[float] = (),
    lexical: Sequence[float] = (),
    unrelated: tuple[float, float] = (0.1, 0.05),
) -> Signals:
    arms = Arms(
        [Hit(number, score) for number, score in enumerate(dense)],
        [Hit(number, score) for number, score in enumerate(lexical)],
    )
    return measure(
        asked(question), arms, [ENCODER.counts(lexical_text(one)) for one in found[:MEASURED]], vocabulary(), unrelated
    )


# From signals to a probability

NUMBERS = st.floats(-50, 50)
ANY_SIGNALS = st.builds(Signals, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS)


@pytest.mark.parametrize("calibration", CALIBRATIONS)
@pytest.mark.parametrize("signal", ["cosine", "lexical", "length", "covered", "explained"])
def test_more_of_what_speaks_for_an_answer_never_lowers_the_confidence(calibration: Calibration, signal: str) -> None:
    grown = [calibration.probability(replace(NOTHING, **{signal: value / 4})) for value in range(20)]
    assert grown == sorted(grown)
    if (calibration, signal) != (LEXICAL, "cosine"):
        assert grown[-1] > grown[0]


@pytest.mark.parametrize("calibration", CALIBRATIONS)
def test_words_that_the_course_does_not_know_lower_it(calibration: Calibration) -> None:
    sure = Signals(8, 4, 2, 1, 1, 0)
    falling = [calibration.probability(replace(sure, unknown=value / 4)) for value in range(20)]
    assert falling == sorted(falling, reverse=True)
    assert falling[0] > falling[-1]


@given(ANY_SIGNALS)
def test_it_is_a_probability_whatever_the_signals_are(given_: Signals) -> None:
    for calibration in (HYBRID, LEXICAL):
        assert 0 < calibration.probability(given_) < 1
        assert calibration.probability(given_) == calibration.probability(given_)


@pytest.mark.parametrize("extreme", [1e300, -1e300, 1e9])
def test_extreme_signals_do_not_overflow(extreme: float) -> None:
    assert 0 <= HYBRID.probability(replace(NOTHING, lexical=extreme)) <= 1


@pytest.mark.parametrize("calibration", CALIBRATIONS)
def test_nothing_found_is_a_reason_to_abstain_and_everything_covered_is_none(calibration: Calibration) -> None:
    assert calibration.probability(NOTHING) < calibration.threshold
    assert calibration.probability(Signals(10, 5, 1.5, 1, 1, 0)) > calibration.threshold


def test_a_lexical_index_does_not_look_at_cosines() -> None:
    assert LEXICAL.probability(replace(NOTHING, cosine=100)) == LEXICAL.probability(NOTHING)


# The signals


def test_without_hits_in_any_arm_there_is_nothing_to_be_sure_of() -> None:
    taken = signals("What is a Kalman filter?")
    assert (taken.cosine, taken.lexical, taken.covered, taken.explained) == (0, 0, 0, 0)
    assert all(math.isfinite(value) for value in astuple(taken))


def test_a_question_without_words_is_no_reason_to_fail() -> None:
    assert astuple(signals("what is it?")) == (0, 0, 0, 0, 0, 0)


def test_cosines_are_measured_against_unrelated_text() -> None:
    assert signals("Kalman", dense=[0.6, 0.2], unrelated=(0.1, 0.05)).cosine == pytest.approx(10)
    assert signals("Kalman", dense=[0.6, 0.2], unrelated=(0.5, 0.05)).cosine == pytest.approx(2)
    assert signals("Kalman", dense=[0.05]).cosine < 0


def test_the_best_lexical_score_is_measured_against_an_unknown_word() -> None:
    half, whole = (signals("Kalman", lexical=[score, 0.1]).lexical for score in (3.0, 6.0))
    assert whole == pytest.approx(2 * half)


def test_the_share_of_the_questions_special_words_in_the_best_passage() -> None:
    assert signals("Kalman filter", *COURSE).covered == 1
    assert 0 < signals("Kalman posterior", *COURSE).covered < 1
    assert signals("posterior", *COURSE).covered == 0, "only the best passage counts"


def test_what_is_dwelt_on_counts_more_than_what_is_named_in_passing() -> None:
    dwelt, named = signals("Kalman", COURSE[0]).explained, signals("Kalman", COURSE[2]).explained
    assert 1 == dwelt > named > 0


def test_only_the_best_passages_tell_what_is_explained() -> None:
    assert signals("Kalman", *COURSE[1:2] * 3, COURSE[0]).explained == 0


def test_words_that_no_passage_holds_are_unknown_the_rarer_the_more() -> None:
    assert signals("Kalman filter").unknown == 0
    assert signals("the zzqxv").unknown > signals("the banana").unknown > 0


def test_the_order_of_words_does_not_matter() -> None:
    one, other = (signals(question, *COURSE) for question in ("gradient Kalman loss", "loss gradient Kalman"))
    assert one == other


@given(st.text(max_size=80), st.lists(st.floats(-1, 1), max_size=3), st.lists(st.floats(0, 50), max_size=3))
def test_shares_are_shares_for_any_question(question: str, dense: list[float], lexical: list[float]) -> None:
    taken = signals(question, *COURSE, dense=dense, lexical=lexical)
    assert 0 <= taken.covered <= 1 + 1e-9
    assert 0 <= taken.explained <= 1
    assert taken.unknown >= 0
    assert 0 <= HYBRID.probability(taken) <= 1


# Said briefly


def brief(question: str, *texts: tuple[int, str]) -> bool:
    return is_brief(asked(question), [text for _, text in texts], [page for page, _ in texts], ENCODER.counts)


def test_a_few_lines_on_one_page_are_brief() -> None:
    assert brief("What is a posterior?", (3, COURSE[3].text), (1, COURSE[1].text))


def test_the_same_on_two_pages_is_not_brief() -> None:
    assert not brief("What is a posterior?", (3, COURSE[3].text), (1, COURSE[3].text))


def test_a_long_text_is_not_brief() -> None:
    assert not brief("What is a posterior?", (3, COURSE[3].text * 50))


def test_nothing_on_it_is_not_brief_and_neither_is_an_unknown_word() -> None:
    assert not brief("What is a posterior?", (1, COURSE[1].text))
    assert not brief("What is a zzqxv?", (1, COURSE[1].text))
    assert not brief("What is a posterior?")


# The yardstick of cosines


def vectors(*texts: str) -> list[Vector]:
    return list(HashEmbedder().embed_passages(texts))


def test_unrelated_text_has_little_in_common_with_a_course() -> None:
    embedder = HashEmbedder()
    mean, deviation = background(embedder, vectors(*(one.text for one in COURSE)))
    related = float(np.dot(embedder.embed_query("Kalman filter"), embedder.embed_query(COURSE[0].text)))
    assert deviation > 0
    assert (related - mean) / deviation > 2


def test_the_yardstick_is_the_same_every_time_and_never_nothing() -> None:
    course = vectors(*(one.text for one in COURSE))
    assert background(HashEmbedder(), course) == background(HashEmbedder(), course)
    assert background(HashEmbedder(), []) == (0.0, 1.0)
    assert background(HashEmbedder(), [np.zeros(48, dtype=np.float32)])[1] > 0, "it is divided by"


def test_of_a_large_course_a_sample_is_enough() -> None:
    course = vectors(*(f"{one.text} Page {n}." for n in range(400) for one in COURSE))
    sampled, whole = background(HashEmbedder(), course), background(HashEmbedder(), course[:999])
    assert sampled != whole
    assert sampled[0] == pytest.approx(whole[0], abs=0.02)
    assert sampled[1] == pytest.approx(whole[1], abs=0.02)
