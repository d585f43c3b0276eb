"""The answer without a model: marked quotes with numbers that lead to their pages, and nothing else of a page."""

import re

import pytest
from fakes import passage
from hypothesis import given
from hypothesis import strategies as st

from bot import phrases
from bot.citations import citations
from bot.extractive import abstained, quoted
from retrieval.passage import Trust
from retrieval.quotes import Quote
from retrieval.results import Found

OPENING = phrases.NO_MODEL


def found(
    rank: int,
    page: int,
    text: str = "",
    score: float = 1.0,
    title: str = "",
    position: int = 0,
    trust: Trust = "course",
) -> Found:
    one = passage(text, page, position, title or f"Page {page}", trust=trust)
    return Found(rank, score, one, text)


def numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\[(\d+)\]", text)]


PAGES = [found(1, 7, score=1.0), found(2, 3, score=0.9), found(3, 5, score=0.8)]


def test_an_answer_opens_with_what_it_is_and_quotes_under_title_and_number() -> None:
    text, order = quoted(PAGES, [Quote(0, "A heap is a tree.", 1.0)], OPENING)
    assert text.startswith(f"{OPENING}\n\n**Page 7** [1]\n\n> A heap is a tree.")
    assert order[0] == 1


def test_numbers_count_the_quotes_and_tell_the_passage() -> None:
    text, order = quoted(PAGES, [Quote(2, "Third.", 1.0), Quote(0, "First.", 0.9)], OPENING)
    assert order[:2] == (3, 1)
    assert re.search(r"\*\*Page 5\*\* \[1\]\n\n> Third\.\n\n\*\*Page 7\*\* \[2\]\n\n> First\.", text)


def test_several_quotes_of_one_place_share_a_number() -> None:
    text, order = quoted(PAGES, [Quote(0, "First.", 1.0), Quote(0, "Second.", 0.9)], OPENING)
    assert numbers(text).count(1) == 1
    assert "> First.\n\n> Second." in text
    assert order.count(1) == 1


def test_pages_that_rank_nearly_as_well_are_named_below() -> None:
    hits = [*PAGES, found(4, 9, score=0.3), found(5, 3, score=0.85, position=4)]
    text, order = quoted(hits, [Quote(0, "First.", 1.0)], OPENING)
    assert text.endswith(f"{phrases.MORE} Page 3 [2] · Page 5 [3]")
    assert order == (1, 2, 3), "page 9 is too far off, page 3 is named once"


def test_every_number_has_its_citation() -> None:
    text, order = quoted(PAGES, [Quote(1, "Second.", 1.0)], OPENING)
    cited = citations([hit.passage for hit in PAGES], order, text)
    assert sorted(numbers(text)) == [one.n for one in cited]
    assert [one.url for one in cited] == [PAGES[rank - 1].passage.url for rank in order]


def test_notes_are_marked() -> None:
    text, _ = quoted([found(1, 1, trust="notes")], [Quote(0, "Somebody said so.", 1.0)], OPENING)
    assert f"**Page 1** {phrases.NOTES_MARK} [1]" in text


def test_code_stands_outside_the_quotation_and_keeps_its_lines() -> None:
    listing = "```python\nif heap:\n    pop(heap)\n```"
    text, _ = quoted(PAGES, [Quote(0, f"Like this:\n\n{listing}\n\nDone.", 1.0)], OPENING)
    assert f"> Like this:\n\n{listing}\n\n> Done." in text


def test_without_anything_to_quote_the_pages_are_named() -> None:
    text, order = quoted(PAGES, [], OPENING)
    assert text == f"{OPENING}\n\n{phrases.MORE} Page 7 [1] · Page 3 [2] · Page 5 [3]"
    assert order == (1, 2, 3)
    assert quoted([], [], OPENING) == (OPENING, ())


def test_abstaining_names_at_most_three_pages_each_once() -> None:
    hits = [found(1, 7), found(2, 7, position=3), found(3, 5), found(4, 3), found(5, 2)]
    text, order = abstained(hits)
    assert text.splitlines() == [
        f"{phrases.ABSTAINED} {phrases.ELSE_ASK}",
        "",
        phrases.CLOSEST,
        "- Page 7 [1]",
        "- Page 5 [2]",
        "- Page 3 [3]",
    ]
    assert order == (1, 3, 4)


def test_abstaining_from_nothing_names_nothing() -> None:
    assert abstained([]) == (f"{phrases.ABSTAINED} {phrases.ELSE_ASK}", ())


def test_the_number_of_a_page_is_none_of_mathematics_and_notes_are_marked() -> None:
    text, _ = abstained([found(1, 7, title="Context vector"), found(2, 5, title="Heaps", trust="notes")])
    assert text.splitlines()[-2:] == ["- Context vector ([1])", "- Heaps (notes) [2]"]


FOREIGN = [
    "[click](https://evil.example/x)",
    "![pixel](https://evil.example/x.png)",
    "https://evil.example/x",
    "<https://evil.example/x|here>",
    "<!channel>",
    "<@U0123ABCD>",
    "@everyone",
    "<img src='https://evil.example/x'>",
    "www.evil.example",
    "[7]",
]


@pytest.mark.parametrize("foreign", FOREIGN)
def test_links_mentions_and_numbers_of_a_page_do_not_leave(foreign: str) -> None:
    hits = [found(1, 7, title=f"Heaps {foreign}"), found(2, 3, title=f"Trees {foreign}")]
    for text in (quoted(hits, [Quote(0, f"A heap {foreign} is a tree.", 1.0)], OPENING)[0], abstained(hits)[0]):
        assert not re.search(r"evil|<!|<@|@everyone|!\[|\]\(|<img|\[7\]", text), text
        assert numbers(text) == [1, 2]
        assert "Heaps" in text


@pytest.mark.parametrize("foreign", FOREIGN)
def test_addresses_and_mentions_in_a_pages_code_do_not_leave_either(foreign: str) -> None:
    text, _ = quoted(PAGES, [Quote(0, f"```python\n# see {foreign}\nx = 1\n```", 1.0)], OPENING)
    assert not re.search(r"evil|<!|<@|@everyone", text), text
    assert "x = 1\n```" in text


@given(st.text(alphabet="ab [](){}<>!@#`~$\\*_|>\n\t-=1:/.x", max_size=120))
def test_whatever_a_page_says_the_numbers_stay_ours(text: str) -> None:
    answer, order = quoted([found(1, 7)], [Quote(0, text, 1.0)], OPENING)
    prose = re.sub(r"(`+|\$+).*?\1", "", answer, flags=re.DOTALL)
    assert set(numbers(prose)) <= {1}
    assert order == (1,)


def test_a_listing_that_holds_a_listing_stays_in_one_piece() -> None:
    listing = "````markdown\n```python\npop(heap)\n```\n````"
    text, _ = quoted(PAGES, [Quote(0, listing, 1.0)], OPENING)
    assert listing in text


def test_a_replaced_address_in_code_is_owned_up_to() -> None:
    data = '```python\nread_csv("https://data.course.test/heap.csv")\n```'
    text, _ = quoted(PAGES, [Quote(0, data, 1.0)], OPENING)
    assert "data.course.test" not in text
    assert phrases.REPLACED in text
    text, _ = quoted(PAGES, [Quote(0, "```python\npop(heap)\n```", 1.0)], OPENING)
    assert phrases.REPLACED not in text
