"""What is quoted of found passages: the sentences that answer, word for word, with what belongs to them."""

import re
import time
from collections import Counter
from collections.abc import Sequence

import pytest
from fakes import HashEmbedder, passage
from hypothesis import given
from hypothesis import strategies as st
from odd_text import HOSTILE, ODD

from retrieval.adapters.bm25 import Bm25Encoder
from retrieval.passage import Passage
from retrieval.query import Query, read_query
from retrieval.question import search_text
from retrieval.quotes import Quote, QuoteSizes, pick_quotes, units
from retrieval.vocabulary import Vocabulary
from retrieval.words import words

ENCODER = Bm25Encoder()
GAP = " … "


def query_of(question: str, passages: Sequence[Passage]) -> Query:
    """The question as it is read in a course that holds these passages and some more."""
    spoken, terms = Counter[str](), Counter[int]()
    for one in passages:
        spoken.update(set(words(one.text)))
        terms.update(ENCODER.counts(f"{one.title} {one.heading} {one.text}").keys())
    return read_query(search_text(question), Vocabulary(spoken, terms, len(passages) + 20), ENCODER.query)


def quotes(question: str, *passages: Passage, sizes: QuoteSizes = QuoteSizes(), dense: bool = False) -> list[Quote]:
    texts = [(one, one.text) for one in passages]
    meaning = nearness(question, passages) if dense else None
    return pick_quotes(question, query_of(question, passages), texts, ENCODER.counts, meaning, sizes)


def nearness(question: str, passages: Sequence[Passage]) -> dict[str, float]:
    """Cosines between the question and all that can be quoted."""
    embed = HashEmbedder().embed_query
    return {unit.text: float(embed(question) @ embed(unit.text)) for one in passages for unit in units(one.text)}


def quoted(question: str, *texts: str, **options: bool) -> str:
    """What is quoted of one page with these passages."""
    passages = [passage(text, position=position) for position, text in enumerate(texts)]
    return "\n\n".join(quote.text for quote in quotes(question, *passages, **options))  # type: ignore[arg-type]


def squeezed(text: str) -> str:
    return " ".join(text.split())


# Which sentences


def test_what_is_asked_with_what_is_is_answered_by_its_definition() -> None:
    text = (
        "Long before computers people thought about the heap of sand and when it stops being one. "
        "A heap with a million keys has a height of twenty, and inserting into the heap is fast. "
        "A **heap** is a complete binary tree in which no parent is larger than its children. "
        "Heaps were published in 1964."
    )
    assert "A **heap** is a complete binary tree" in quoted("What is a heap?", text)
    [only] = quotes("What is a heap?", passage(text), sizes=QuoteSizes(characters=90))
    assert only.text == "A **heap** is a complete binary tree in which no parent is larger than its children."


def test_the_sentence_that_holds_the_questions_words_is_quoted_and_others_are_not() -> None:
    text = (
        "Quicksort partitions its input around a pivot. In the worst case quicksort takes quadratic time, because "
        "every pivot is the smallest element. The weather in Moscow was mild that year. Hoare worked on translation."
    )
    answer = quoted("Why does quicksort take quadratic time in the worst case?", text)
    assert "quadratic time, because every pivot" in answer
    assert "Moscow" not in answer


@pytest.mark.parametrize("dense", [False, True])
def test_nothing_is_quoted_but_what_is_asked_about(dense: bool) -> None:
    found = quotes(
        "What is a trie?",
        passage("A **trie** is a tree that stores words letter by letter.", page=0),
        passage("Bananas are rich in potassium and grow in bunches on tall plants.", page=1),
        dense=dense,
    )
    assert [quote.index for quote in found] == [0]


def test_a_question_in_the_text_does_not_answer_a_question() -> None:
    text = "What is a monad? That has been asked often. A **monad** is a monoid in the category of endofunctors."
    assert "What is a monad?" not in quoted("What is a monad?", text)


def test_a_gap_between_sentences_is_marked_and_neighbours_run_on() -> None:
    text = (
        "A **splay tree** is a search tree that moves what was used to its root. It rained for the whole afternoon. "
        "A splay tree keeps no balance information. A splay tree needs logarithmic amortised time."
    )
    answer = quoted("What is a splay tree?", text)
    assert GAP in answer
    assert "its root. … A splay tree" in answer or "its root … A splay tree" in answer
    assert "information. A splay tree needs" in answer
    assert "rained" not in answer


def test_sections_that_only_point_elsewhere_are_not_preferred() -> None:
    text = "The skip list of Pugh is a list with express lanes, as the skip list paper explains."
    pointing = passage(text, page=0, headings=("Further reading",))
    saying = passage("A **skip list** is a linked list with express lanes above it.", page=1, headings=("Skip lists",))
    found = quotes("What is a skip list?", pointing, saying)
    assert max(found, key=lambda quote: quote.score).index == 1


def test_quotes_come_page_by_page_and_each_page_in_reading_order() -> None:
    first, second = (
        "A bloom filter is a set that may err.",
        "A bloom filter never forgets what a bloom filter has seen.",
    )
    found = quotes(
        "What is a bloom filter?",
        passage(second, page=7, position=3),
        passage("The bloom filter is used in databases.", page=2, position=0),
        passage(first, page=7, position=1),
    )
    assert [quote.index for quote in found] == [2, 0, 1]


def test_a_few_pages_are_quoted_and_not_all() -> None:
    pages = [passage(f"A **quad tree** is a tree with four children, says page {n}.", page=n) for n in range(9)]
    found = quotes("What is a quad tree?", *pages, sizes=QuoteSizes(pages=3))
    assert [quote.index for quote in found] == [0, 1, 2]


def test_quotes_keep_to_their_size() -> None:
    text = " ".join(f"A rope is a tree of strings, remark {n}." for n in range(200))
    assert 0 < len(quoted("What is a rope?", text)) <= 2000


# What belongs together


def test_an_announced_formula_comes_with_its_sentence() -> None:
    text = (
        "The **entropy** of a distribution is\n\n$$\nH(p) = -\\sum_x p(x) \\log p(x)\n$$\n\nIt was a dark and stormy "
        "night."
    )
    answer = quoted("What is the entropy of a distribution?", text)
    assert "H(p) = -\\sum_x p(x) \\log p(x)" in answer
    assert answer.count("$$") == 2
    assert "stormy" not in answer


def test_an_announced_list_is_kept_whole() -> None:
    text = "Deadlock needs four conditions:\n\n- mutual exclusion\n- hold and wait\n- no preemption\n- circular wait\n"
    answer = quoted("Which conditions does a deadlock need?", text)
    assert "four conditions:" in answer
    assert re.findall(r"^- (.*)$", answer, re.MULTILINE) == [
        "mutual exclusion",
        "hold and wait",
        "no preemption",
        "circular wait",
    ]


@pytest.mark.parametrize("question", ["What does the mixer mix?", "Of what does a block consist?"])
def test_a_sentence_that_runs_over_a_colon_at_a_line_end_stays_whole(question: str) -> None:
    text = "A block consists of two layers:\nfirst a mixer, which mixes tokens. It is blue. Nobody was there."
    answer = quoted(question, text)
    assert "A block consists of two layers: first a mixer, which mixes tokens." in answer
    assert "Nobody" not in answer


def test_an_item_that_answers_brings_its_list_and_what_announces_it() -> None:
    text = "A process can be in one of three states:\n\n- running\n- ready\n- blocked, waiting for a semaphore signal\n"
    answer = quoted("When does a process wait for a semaphore signal?", text)
    assert answer.startswith("A process can be in one of three states:")
    assert "- running" in answer


def test_a_table_comes_whole() -> None:
    table = "| Sort | Time |\n|---|---|\n| Bubblesort | quadratic |\n| Mergesort | linearithmic |"
    answer = quoted(
        "How long does bubblesort take, and mergesort?", f"Bubblesort and mergesort in comparison:\n\n{table}"
    )
    assert table in answer


LISTING = "```python\nimport heapq\n\nheapq.heapify(queue)\n```"
WITH_CODE = f"A **heap** is a tree whose root is smallest. The sea was calm.\n\n{LISTING}\n\nFish swam by."


@pytest.mark.parametrize("question", ["What is a heap? Show me python", "Give me a code example of a heap"])
def test_code_is_quoted_when_asked_for(question: str) -> None:
    assert LISTING in quoted(question, WITH_CODE)


def test_code_is_not_quoted_when_not_asked_for() -> None:
    assert "```" not in quoted("What is a heap?", WITH_CODE)


def test_one_listing_is_enough_and_it_is_whole() -> None:
    listings = "\n\n".join(f"```python\nheap_{n} = make_heap({n})\nprint(heap_{n})\n```" for n in range(5))
    answer = quoted("Show me a heap in python", f"A heap in Python can be built in these ways.\n\n{listings}")
    assert answer.count("```python") == 1
    assert answer.count("```") == 2


def test_code_that_is_too_long_is_left_out_rather_than_cut() -> None:
    listing = "```python\n" + "heap.push(1)\n" * 1000 + "```"
    answer = quoted("Show me a heap in python", f"A heap in Python is a list.\n\n{listing}")
    assert "```" not in answer
    assert "A heap in Python is a list." in answer


# Word for word


def test_lines_of_a_paragraph_are_joined_and_code_keeps_its_lines() -> None:
    text = "A heap in Python\nis a list\nunder a discipline.\n\n```python\nif heap:\n    pop(heap)\n```"
    answer = quoted("Show me a heap in python", text)
    assert "A heap in Python is a list under a discipline." in answer
    assert "if heap:\n    pop(heap)" in answer


@given(ODD, st.booleans(), st.sampled_from(["What is a b?", "ab in python", "1 2 3", "é 数?"]))
def test_everything_quoted_stands_in_the_passage(text: str, dense: bool, question: str) -> None:
    source = squeezed(text)
    for quote in quotes(question, passage(text), dense=dense):
        assert quote.text.strip()
        at = 0
        for piece in re.split(r" … |\n\n|\n", quote.text):
            place = source.find(squeezed(piece), at)
            assert place >= 0, piece
            at = place


@given(ODD)
def test_units_are_pieces_of_their_text_in_order(text: str) -> None:
    at, source = 0, squeezed(text)
    for unit in units(text):
        place = source.find(squeezed(unit.text), at)
        assert place >= 0, unit
        at = place + len(squeezed(unit.text))


@pytest.mark.parametrize("nothing", ["", " \n\n ", "\n"])
def test_where_nothing_is_said_nothing_is_quoted(nothing: str) -> None:
    assert quotes("What is a heap?", passage(nothing)) == []
    assert quotes("What is a heap?") == []


def test_the_same_question_is_always_answered_by_the_same_quotes() -> None:
    pages = [passage(f"A heap is a tree. Page {n} says so.", page=n) for n in range(4)]
    assert quotes("What is a heap?", *pages) == quotes("What is a heap?", *pages)


# Speed


def test_a_long_passage_takes_no_time() -> None:
    text = "\n\n".join(f"A heap is a tree, says number {n}. It has keys. $x_{n} < y$ holds." for n in range(400))
    assert len(text) > 20_000
    pages = [passage(text, page=n) for n in range(4)]
    quotes("warm up", *pages)
    start = time.perf_counter()
    quotes("What is a heap?", *pages)
    assert time.perf_counter() - start < 1.5


@pytest.mark.parametrize("name", HOSTILE)
def test_odd_passages_take_no_time_either(name: str) -> None:
    text = HOSTILE[name][:20_000]
    start = time.perf_counter()
    quotes("What is a heap in python?", passage(text))
    assert time.perf_counter() - start < 1
