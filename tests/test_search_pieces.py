"""The steps of a search, one by one: cleaning a question, follow-ups, typos, fusing two arms, joining neighbours."""

import math
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest
from fakes import passage
from hypothesis import given
from hypothesis import strategies as st

from retrieval.adapters.bm25 import Bm25Encoder
from retrieval.fusion import Fusion, Ranking, fuse
from retrieval.globs import selected
from retrieval.joining import join_neighbours, neighbours, tokens
from retrieval.passage import Passage, passage_id
from retrieval.ports import Arms, Hit
from retrieval.query import Query, distinct, read_query
from retrieval.question import SearchText, clean, follows_up, search_text
from retrieval.vocabulary import Vocabulary, rarity
from retrieval.words import camel_parts, lexical_text, path_words, words

ENCODER = Bm25Encoder()

# --- cleaning a question


@pytest.mark.parametrize(
    ("typed", "searched"),
    [
        ("<@U0123ABCD> what is a CNN?", "what is a CNN?"),
        ("<@!123456789> <#C01|general> what is a CNN?", "what is a CNN?"),
        ("@Erica what is a CNN?", "what is a CNN?"),
        ("Hi Erica, what is a CNN?", "what is a CNN?"),
        ("hello everyone!! good morning :) what is a CNN?", "what is a CNN?"),
        ("  hey there \u2013 what is\u200b a CNN?\u202e  ", "what is a CNN?"),
        ("heya, hi-dimensional data?", "heya, hi-dimensional data?"),
        ("high bias or high variance?", "high bias or high variance?"),
        ("what is the yolo loss?", "what is the yolo loss?"),
        ("hello-world does not compile", "hello-world does not compile"),
        ("hello() returns None", "hello() returns None"),
        ("Hello, world program in Python?", "Hello, world program in Python?"),
        ("Hello. What is a CNN?", "What is a CNN?"),
    ],
)
def test_mentions_greetings_and_invisible_characters_go(typed: str, searched: str) -> None:
    assert clean(typed) == searched


@pytest.mark.parametrize(
    "verbatim",
    [
        "why does `@here` fail in `x@erica`?",
        "```python\n@erica\ndef f(x):\n\treturn x<@U123>\n```",
        "ValueError: shapes (3,2) and (3,) not aligned: 2 (dim 1) != 3 (dim 0)",
        "what does sklearn.svm.SVC(C=1e-3)->predict_proba() do?",
        "mail me@erica.edu about A @ B",
        "你好，什么是梯度下降？ ∇f(x) ≤ 0",
        "unterminated ```code @here",
    ],
)
def test_code_errors_and_identifiers_stay_as_they_were_typed(verbatim: str) -> None:
    assert clean(verbatim) == verbatim


@pytest.mark.parametrize("nothing", ["", "   ", "hi", "Hello there!", "<@U0123>", "hey erica", "\u200b\u200d"])
def test_of_a_mere_greeting_nothing_is_left(nothing: str) -> None:
    assert not any(character.isalnum() for character in clean(nothing))


@given(st.text(max_size=300))
def test_cleaning_is_done_once_and_adds_nothing(text: str) -> None:
    cleaned = clean(text)
    assert set(cleaned) <= set(text) | {" "}
    assert len(cleaned) <= len(text)


@pytest.mark.parametrize(
    "text",
    ["hi " * 4000, "`" * 12_000, "<@" * 6000, "!" * 12_000, "@" * 12_000, "hi" + "i" * 12_000, "\u200d" * 12_000],
)
def test_cleaning_the_longest_question_takes_no_time(text: str) -> None:
    start = time.process_time()
    search_text(text, [text] * 5)
    assert time.process_time() - start < 1


# --- follow-ups


@pytest.mark.parametrize(
    "question",
    [
        "and in python?",
        "why?",
        "what about LSTMs?",
        "can you show an example?",
        "how does it work?",
        "and the second one?",
    ],
)
def test_a_follow_up_is_searched_together_with_what_it_follows(question: str) -> None:
    found = search_text(question, ["what is a kalman filter?"])
    assert found == SearchText(question, "what is a kalman filter?")
    assert found.whole == f"what is a kalman filter?\n{question}"


@pytest.mark.parametrize(
    "question",
    [
        "what is gradient descent?",
        "explain the difference between bagging and boosting ensembles",
        "why does `loss.backward()` fail after it worked before?",
        "How do variational autoencoders regularise their latent space?",
    ],
)
def test_a_question_that_stands_alone_is_searched_alone(question: str) -> None:
    assert search_text(question, ["what is a kalman filter?"]) == SearchText(question)


def test_a_chain_of_follow_ups_reaches_back_to_what_it_is_about() -> None:
    previous = ["what is a perceptron?", "what is a kalman filter?", "why?", "and in python?"]
    assert search_text("show me another one", previous).context == "what is a kalman filter?\nwhy?\nand in python?"


def test_context_is_at_most_three_questions() -> None:
    assert search_text("why?", ["why?"] * 9).context == "why?\nwhy?\nwhy?"


def test_a_follow_up_without_anything_before_it_is_searched_as_it_is() -> None:
    assert search_text("and in python?") == SearchText("and in python?")
    assert follows_up("and in python?")


# --- words


def test_words_are_lower_case_and_split_at_punctuation() -> None:
    assert words("Don't use self_attention or L2-norm, Größe ×3") == [
        *["don't", "use", "self", "attention", "or", "l2", "norm", "größe", "3"]
    ]


def test_a_possessive_is_the_word_itself() -> None:
    assert words("Dijkstra's and Bayes’s") == ["dijkstra", "and", "bayes"]


def test_camel_case_is_also_found_by_its_parts() -> None:
    assert camel_parts("HashingVectorizer and plain RNNCell") == "Hashing Vectorizer RNN Cell"


def test_a_path_speaks_by_its_folders_and_name_without_the_usual_ones() -> None:
    assert path_words("lectures/cnn/03-object_detection/index.md") == "cnn object detection"


def test_the_lexical_arm_sees_path_title_heading_and_text() -> None:
    seen = lexical_text(passage("Uses HashingVectorizer.", title="Text", headings=("Features",)))
    assert {"text", "features", "hashingvectorizer", "hashing", "vectorizer"} <= set(words(seen))


# --- vocabulary and typos


def vocabulary(**counts: int) -> Vocabulary:
    terms = {index: count for word, count in counts.items() for index in ENCODER.query(word).indices}
    return Vocabulary(counts, terms, passages=100)


COURSE = vocabulary(gradient=20, descent=12, kalman=5, filter=9, regularization=7, perceptron=4, softmax=3, singleton=1)


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("gradeint", "gradient"),
        ("graident", "gradient"),
        ("perceptorn", "perceptron"),
        ("regularizaton", "regularization"),
        ("sofmax", "softmax"),
        ("kalmn", "kalman"),
    ],
)
def test_a_typo_is_repaired_to_a_word_of_the_course(typo: str, meant: str) -> None:
    assert COURSE.repair(typo) == meant


@pytest.mark.parametrize("word", ["gradient", "grading", "banana", "zzqxv", "cnn", "b2b", "singelton", "hradient"])
def test_known_english_short_and_far_words_are_left_alone(word: str) -> None:
    assert COURSE.repair(word) is None


def test_of_several_near_words_the_nearest_then_the_most_frequent_is_meant() -> None:
    near = vocabulary(torchvision=2, softmax=3, softmin=9)
    assert near.repair("softmux") == "softmax"
    assert near.repair("softmzx") == "softmax"
    assert vocabulary(softmax=3, softmix=9).repair("softmqx") == "softmix"
    assert vocabulary(softmix=4, softmax=4).repair("softmqx") == "softmax"


def test_rarity_tells_special_words_from_common_ones() -> None:
    assert rarity("the") < rarity("network") < rarity("backpropagation") <= rarity("zzqxv") == 6.0
    assert rarity("the") == 0.0


def test_idf_falls_with_the_number_of_passages_and_is_never_negative() -> None:
    rare, common = (ENCODER.query(word).indices[0] for word in ("singleton", "gradient"))
    assert COURSE.highest_idf > COURSE.idf(rare) > COURSE.idf(common) > 0
    assert COURSE.highest_idf == pytest.approx(math.log(1 + 100.5 / 0.5))
    assert Vocabulary({}, {}, 0).highest_idf > 0


# --- the query


def asked(text: str, context: str = "") -> Query:
    return read_query(SearchText(text, context), COURSE, ENCODER.query)


def weight_of(query: Query, word: str) -> float:
    weights = dict(zip(query.sparse.indices, query.sparse.values, strict=True))
    return weights.get(ENCODER.query(word).indices[0], 0.0)


def test_words_weigh_one_repairs_and_context_half() -> None:
    query = asked("kalman fliter", "gradient")
    assert [weight_of(query, word) for word in ("kalman", "filter", "gradient")] == [1.0, 0.5, 0.5]
    assert weight_of(asked("gradeint"), "gradient") == 0.5
    assert weight_of(asked("gradeint gradient"), "gradient") == 1.0
    assert weight_of(asked("filter", "kalmn"), "kalman") == 0.25


def test_a_number_that_the_course_never_mentions_is_no_subject() -> None:
    assert asked("gradient descent (4711)").terms == asked("gradient descent").terms


def test_both_arms_see_the_repaired_question() -> None:
    query = asked("What is Gradeint descent?")
    assert query.dense == "What is gradient descent?"
    assert weight_of(query, "gradient") == 0.5


def test_the_words_that_a_follow_up_follows_are_terms_too() -> None:
    query = asked("and the filter in python?", "gradient descent")
    known = {"filter": True, "python": False, "gradient": True, "descent": True}
    assert {term.word: term.known for term in query.terms} == known


@pytest.mark.parametrize("said", ["thanks!", "ok thank you so much", "Great, thanks", "bye", "thx :)"])
def test_courtesy_alone_asks_for_nothing(said: str) -> None:
    assert clean(said) == ""


@pytest.mark.parametrize("asked_for", ["thanks, and in python?", "is that ok for SGD?", "cool, why?"])
def test_a_question_after_thanks_is_one(asked_for: str) -> None:
    assert clean(asked_for) == asked_for


def test_a_follow_up_that_names_what_no_page_knows_begins_anew() -> None:
    assert weight_of(asked("and the filter?", "gradient descent"), "gradient") == 0.5
    assert weight_of(asked("and what about pizza?", "gradient descent"), "gradient") == 0.0
    assert weight_of(asked("and in python?", "gradient descent"), "gradient") == 0.5


def test_inflections_are_one_term() -> None:
    query = asked("filters filter filtered")
    assert len(distinct(query.terms)) == 1 < len(query.terms)
    assert len(query.sparse.indices) == 1


def test_camel_case_is_searched_whole_and_in_parts() -> None:
    query = asked("KalmanFilter")
    assert [weight_of(query, word) for word in ("kalmanfilter", "kalman", "filter")] == [1.0, 1.0, 1.0]


@given(st.text(max_size=200), st.text(max_size=50))
def test_any_text_becomes_a_query_with_distinct_terms(text: str, context: str) -> None:
    query = asked(text, context)
    assert len(set(query.sparse.indices)) == len(query.sparse.indices) == len(query.sparse.values)
    assert all(0 < value <= 1 for value in query.sparse.values)


# --- fusion


def hits(*scored: tuple[int, float]) -> list[Hit]:
    return [Hit(id_, score) for id_, score in scored]


def test_a_passage_that_both_arms_like_comes_first() -> None:
    arms = Arms(hits((1 << 16, 0.9), (2 << 16, 0.8), (0, 0.1)), hits((3 << 16, 9.0), (2 << 16, 8.0), (0, 1.0)))
    assert fuse(arms, Fusion()).ids[0] == 2 << 16


def test_one_arm_alone_is_ranked_by_its_own_order() -> None:
    lexical = hits((5 << 16, 9.0), (3 << 16, 5.0), (4 << 16, 1.0))
    assert fuse(Arms((), lexical), Fusion()).ids == (5 << 16, 3 << 16, 4 << 16)
    assert fuse(Arms(lexical, ()), Fusion()).ids == (5 << 16, 3 << 16, 4 << 16)
    assert fuse(Arms((), ()), Fusion()).ids == ()


def pages_of(ranking: Ranking) -> list[int]:
    """Pages in the order in which they first appear."""
    return list(dict.fromkeys(id_ >> 16 for id_ in ranking.ids))


def test_no_page_fills_the_list() -> None:
    one_page = [(passage_id(0, n), 100.0 - n) for n in range(10)]
    others = [(passage_id(page, 0), 50.0 - page) for page in range(1, 5)]
    ids = fuse(Arms((), hits(*one_page, *others)), Fusion()).ids
    assert [id_ >> 16 for id_ in ids[:5]] == [0, 1, 2, 3, 4]
    assert sum(id_ >> 16 == 0 for id_ in ids) == Fusion().passages_per_page


def test_a_page_with_several_good_passages_beats_one_with_a_single_slightly_better_one() -> None:
    scored = hits((passage_id(1, 0), 10.0), (passage_id(2, 0), 9.5), (passage_id(2, 1), 9.0), (passage_id(3, 0), 0.0))
    assert pages_of(fuse(Arms((), scored), Fusion())) == [2, 1, 3]


def test_notes_rank_below_course_pages_that_match_as_well() -> None:
    scored = hits((passage_id(0, 0), 10.0), (passage_id(1, 0), 9.6), (passage_id(2, 0), 0.0))
    assert pages_of(fuse(Arms((), scored), Fusion())) == [0, 1, 2]
    assert pages_of(fuse(Arms((), scored), Fusion(), notes={0})) == [1, 0, 2]


def test_equal_scores_go_to_the_page_that_comes_first_in_the_course() -> None:
    scored = [(passage_id(page, 0), 4.0) for page in (7, 2, 5)]
    for order in (scored, scored[::-1]):
        assert [id_ >> 16 for id_ in fuse(Arms(hits(*order), hits(*order)), Fusion()).ids] == [2, 5, 7]


SCORES = st.lists(st.tuples(st.integers(0, 2**18), st.floats(-1, 50)), max_size=60, unique_by=lambda hit: hit[0])


def ranked(scored: Sequence[tuple[int, float]]) -> list[Hit]:
    return sorted(hits(*scored), key=lambda hit: (-hit.score, hit.id))


@given(SCORES, SCORES)
def test_fusion_ranks_each_passage_once_and_only_what_an_arm_found(
    one: list[tuple[int, float]], other: list[tuple[int, float]]
) -> None:
    arms = Arms(ranked(one), ranked(other))
    ranking = fuse(arms, Fusion())
    assert len(set(ranking.ids)) == len(ranking.ids)
    assert set(ranking.ids) <= {hit.id for arm in (arms.dense, arms.lexical) for hit in arm}
    scores = [ranking.scores[id_] for id_ in ranking.ids]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1.7501 for score in scores)
    pages = {id_ >> 16 for id_, _ in one + other}
    assert len({id_ >> 16 for id_ in ranking.ids[:5]}) == min(len(pages), 5)
    assert set(pages_of(ranking)) == pages


# --- joining


def part(page: int, position: int, text: str, address: str = "#a") -> Passage:
    return replace(passage(text, page, position), url=f"https://example.edu/{page}{address}")


def loaded(*parts: Passage) -> dict[int, Passage]:
    return {p.id: p for p in parts}


def test_a_hit_is_joined_with_what_stands_around_it() -> None:
    before, hit, after = (part(1, n, text) for n, text in enumerate(("before", "hit", "after")))
    assert join_neighbours([hit], loaded(before, hit, after), 100) == ["before\n\nhit\n\nafter"]


def test_what_follows_is_dearer_than_what_precedes_when_room_is_short() -> None:
    before, hit, after = (part(1, n, text) for n, text in enumerate(("b" * 36, "h" * 36, "a" * 36)))
    assert join_neighbours([hit], loaded(before, hit, after), tokens("x" * 80)) == [f"{hit.text}\n\n{after.text}"]


def test_what_has_another_address_is_not_joined_or_the_link_would_lie() -> None:
    hit = part(1, 0, "hit", "#a")
    assert join_neighbours([hit], loaded(hit, part(1, 1, "next section", "#b")), 100) == ["hit"]
    assert join_neighbours([hit], loaded(hit, part(1, 1, "same section", "#a")), 100) == ["hit\n\nsame section"]
    last = part(0, 65535, "the last of a very long page", "#a")
    assert join_neighbours([hit], loaded(hit, last), 100) == ["hit"]


def test_no_text_is_given_twice() -> None:
    parts = [part(1, n, f"part{n}") for n in range(5)]
    joined = join_neighbours([parts[1], parts[2], parts[3]], loaded(*parts), 1000)
    assert joined == ["part0\n\npart1", "part2", "part3\n\npart4"]


def test_the_budget_is_kept_by_leaving_neighbours_out_never_by_cutting_a_hit() -> None:
    parts = [part(1, n, "x" * 360) for n in range(3)]
    assert join_neighbours([parts[1]], loaded(*parts), 50) == ["x" * 360]
    [joined] = join_neighbours([parts[1]], loaded(*parts), 250)
    assert tokens(joined) <= 201


def test_neighbours_are_those_around_that_are_not_hits_themselves() -> None:
    assert neighbours([10, 11, 20, 0]) == [12, 21, 1, 9, 19]


# --- include and exclude


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("*.md", ["a.md", "deep/er/b.md"], ["a.mdx", "a.ipynb"]),
        ("lectures/*.md", ["lectures/a.md"], ["lectures/deep/a.md", "x/lectures/a.md"]),
        ("lectures/**", ["lectures/a.md", "lectures/deep/a.md"], ["lectures", "lecturesx/a.md"]),
        ("solutions", ["solutions/a.md", "x/solutions/y/b.md", "x/solutions"], ["solutions.md", "mysolutions/a.md"]),
        ("lectures/drafts", ["lectures/drafts/a.md"], ["drafts/a.md", "lectures/drafts2/a.md"]),
        ("lectures/*", ["lectures/a.md"], ["lectures/deep/a.md"]),
        ("drafts/", ["drafts/a.md", "x/drafts/deep/a.md"], ["drafts", "drafts.md"]),
        ("./week1/a.md", ["week1/a.md"], ["x/week1/a.md"]),
        ("**/drafts/**", ["drafts/a.md", "x/y/drafts/z.md"], ["x/draftsy/a.md"]),
        ("/week?.md", ["week1.md"], ["week10.md", "x/week1.md"]),
        ("week[1-3].md", ["week2.md", "x/week3.md"], ["week4.md"]),
        ("a+b (1).md", ["a+b (1).md"], ["aab (1).md"]),
        ("[broken.md", ["[broken.md"], ["b.md"]),
        ("weeks[!1].md", ["weeks2.md"], ["weeks1.md", "weeks/.md"]),
        ("[z-a].md", ["[z-a].md"], ["b.md"]),
        ("[[a&&b]x", ["[x", "&x", "x/ax"], ["cx"]),
    ],
)
def test_patterns_select_paths(pattern: str, matching: list[str], other: list[str]) -> None:
    assert [path for path in matching + other if selected(path, [pattern], [])] == matching
    assert [path for path in matching + other if selected(path, [], [pattern])] == other


def test_an_exclusion_wins() -> None:
    assert selected("lectures/a.md", [], [])
    assert not selected("lectures/drafts/a.md", ["lectures/**"], ["drafts/**", "**/drafts/**"])


@given(st.text(max_size=30) | st.text("[]!^-&|~\\ab*?/", max_size=12), st.text(max_size=30))
def test_any_pattern_can_be_asked(pattern: str, path: str) -> None:
    assert selected(path, [pattern], []) != selected(path, [], [pattern])
