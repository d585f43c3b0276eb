"""Pure: picks from found passages the sentences that answer, so that they can be quoted word for word.

A sentence is scored by the question's words that it holds, by what it means (if there is a dense model)
and by how it is built: a definition answers "what is", a formula or a listing belongs to the sentence
that announces it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from retrieval.markup import Block, blocks, list_items, sentences
from retrieval.passage import Passage
from retrieval.query import Query, distinct
from retrieval.words import acronyms, points_elsewhere

_WANTS_CODE = re.compile(r"\b(?:python|code|snippet|implement\w*|pytorch|numpy|example in)\b", re.IGNORECASE)
_DEFINITION = re.compile(
    r"\b(?:is|are|means|refers to|is called|is defined|consists of|measures|denotes)\b", re.IGNORECASE
)
_WHAT_IS = re.compile(r"\b(?:what(?:'s| is| are| does)|define|definition|meaning|explain)\b", re.IGNORECASE)
_ASKED_FOR = re.compile(
    r"\bwhat(?:'s|\s+is|\s+are)\s+(?:an?\s+|the\s+)?([^\W\d_][\w-]*(?:\s+[^\W\d_][\w-]*)?)", re.IGNORECASE
)
_POINTS_AHEAD = re.compile(r"(?:[:,]|following|below|as follows)\W*$", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{3,}")

_WORTH = 0.55
_WORTH_CODE = 0.35
_LONGEST_LIST = 700
_FORMULAS = 4
_SOON = 60
"""Characters of a definition before its verb."""

_OPENING = 2
"""How many units after a heading still say directly what it names."""

UnitKind = Literal["sentence", "item", "code", "math", "table"]


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest thing that may be quoted: `text` is a verbatim piece of a passage."""

    kind: UnitKind
    text: str


@dataclass(frozen=True, slots=True)
class Quote:
    """What is quoted of the passage with this index (from 0) in the list of found passages."""

    index: int
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class QuoteSizes:
    """At most `pages` pages are quoted with about `characters` in all; a listing comes on top."""

    pages: int = 4
    characters: int = 1800
    code_characters: int = 2500


def units(text: str) -> list[Unit]:
    """A passage's text in pieces that can be quoted alone, in order."""
    found: list[Unit] = []
    for block in blocks(text):
        found += [Unit("item", item) for item in list_items(block.text)] if block.kind == "list" else _units_of(block)
    return found


def _units_of(block: Block) -> list[Unit]:
    if block.kind == "prose":
        return [Unit("sentence", sentence) for sentence in sentences(block.text)]
    kinds: dict[str, UnitKind] = {"code": "code", "math": "math", "table": "table"}
    return [Unit(kinds[block.kind], block.text)]


def pick_quotes(
    question: str,
    query: Query,
    texts: Sequence[tuple[Passage, str]],
    counts: Callable[[str], Mapping[int, int]],
    meaning: Mapping[str, float] | None,
    sizes: QuoteSizes = QuoteSizes(),
) -> list[Quote]:
    """The quotes, one a passage at most, page by page in the order of the list, each page in reading order.

    `texts` are found passages, best first, with the text they were joined to; `meaning` holds the cosine between
    the question and every unit that is no code, None without a dense model. Units are taken best first
    while they are nearly as good as the best and fit; pages further down the list count a little less.
    """
    pages = list(dict.fromkeys(passage.page for passage, _ in texts))[: sizes.pages]
    rated = [
        _rate(question, query, passage, text, 0.92 ** pages.index(passage.page), counts, meaning)
        if passage.page in pages
        else []
        for passage, text in texts
    ]
    wants_code = bool(_WANTS_CODE.search(question))
    chosen = _choose(rated, sizes.characters, prose_only=wants_code)
    quotes = [
        Quote(index, _join(units_, chosen[index]), max(units_[number][1] for number in chosen[index]))
        for index, units_ in enumerate(rated)
        if chosen[index]
    ]
    if wants_code:  # one listing, the best: not every one that some sentence announces
        quotes += _best_code(rated, [pages.index(p.page) if p.page in pages else -1 for p, _ in texts], sizes)
    return sorted(quotes, key=lambda q: (pages.index(texts[q.index][0].page), texts[q.index][0].position))


def _choose(rated: "Sequence[_Rated]", characters: int, prose_only: bool) -> list[set[int]]:
    """Numbers of the chosen units of each passage."""
    ranked = sorted(
        ((score, -index, -number) for index, units_ in enumerate(rated) for number, (_, score) in enumerate(units_)),
        reverse=True,
    )
    chosen: list[set[int]] = [set() for _ in rated]
    left = float(characters)
    for score, index, number in ranked:
        if score < _WORTH * ranked[0][0]:
            break
        if prose_only and _announces_code(rated[-index], -number):
            continue  # the listing comes by itself, and the sentence would point at nothing
        for together in _belonging(rated[-index], -number):
            size = len(rated[-index][together][0].text)
            if prose_only and rated[-index][together][0].kind == "code":
                continue
            if together not in chosen[-index] and size <= left:
                chosen[-index].add(together)
                left -= size
    return chosen


def _announces_code(units_: "_Rated", number: int) -> bool:
    following = units_[number + 1][0].kind if number + 1 < len(units_) else ""
    return following == "code" and bool(_POINTS_AHEAD.search(units_[number][0].text))


def _belonging(units_: "_Rated", number: int) -> list[int]:
    """What makes no sense apart: a list's items, a formula or listing, and the sentence that announces them."""
    first = last = number
    kind = units_[number][0].kind
    if kind == "item":
        first, last = _list_around(units_, number)
    if kind != "sentence":
        if first > 0 and units_[first - 1][0].kind == "sentence":
            first -= 1
    else:
        if first > 0 and _goes_on(units_, first - 1):
            first -= 1
        if _goes_on(units_, last):
            last += 1
        elif _POINTS_AHEAD.search(units_[number][0].text):
            while last + 1 < len(units_) and units_[last + 1][0].kind != "sentence":
                last += 1
    while last + 1 < len(units_) and units_[last + 1][0].kind == "math" and last < number + _FORMULAS:
        last += 1
    return list(range(first, last + 1))


def _goes_on(units_: "_Rated", number: int) -> bool:
    """Whether what looks like a sentence is only its beginning: a line that ends with a colon, and another below."""
    here, after = units_[number][0], units_[number + 1][0] if number + 1 < len(units_) else None
    return here.kind == "sentence" and here.text.endswith((":", ";")) and after is not None and after.kind == "sentence"


def _list_around(units_: "_Rated", number: int) -> tuple[int, int]:
    """First and last item of the list an item belongs to; of a long list it stands alone."""
    first = last = number
    size = len(units_[number][0].text)
    while size <= _LONGEST_LIST and first > 0 and units_[first - 1][0].kind == "item":
        first -= 1
        size += len(units_[first][0].text)
    while size <= _LONGEST_LIST and last + 1 < len(units_) and units_[last + 1][0].kind == "item":
        last += 1
        size += len(units_[last][0].text)
    return (first, last) if size <= _LONGEST_LIST else (number, number)


_Rated = list[tuple[Unit, float]]


def _rate(
    question: str,
    query: Query,
    passage: Passage,
    text: str,
    decay: float,
    counts: Callable[[str], Mapping[int, int]],
    meaning: Mapping[str, float] | None,
) -> _Rated:
    terms = distinct(query.terms)
    rarest = max((term for term in terms if term.known), key=lambda term: term.rarity, default=None)
    total = sum(term.rarity + 0.5 for term in terms) or 1.0
    defines, subject = bool(_WHAT_IS.search(question)), _ASKED_FOR.search(question)
    heading = counts(f"{passage.title} {passage.heading} {acronyms(passage.heading)}")
    elsewhere = 0.4 if points_elsewhere(passage.headings) else 1.0
    rated = []
    for position, unit in enumerate(units(text)):
        held = counts(f"{unit.text} {acronyms(unit.text)}")
        share = sum(
            (term.rarity + 0.5)
            * (1.0 if term.term in held else (0.8 if position < _OPENING else 0.4) * (term.term in heading))
            for term in terms
        )
        score = share / total
        if meaning is not None and unit.kind != "code":
            score = 0.5 * score + 0.5 * max(0.0, meaning[unit.text])
        if unit.kind == "sentence" and defines and (verb := _DEFINITION.search(unit.text)):
            score *= 1.5 if verb.start() <= _SOON and _is_about(unit.text, subject) else 1.15
        shown = rarest is not None and rarest.term in held
        rated.append((unit, score * _fitness(unit, shown) * elsewhere * decay))
    return rated


def _is_about(sentence: str, subject: re.Match[str] | None) -> bool:
    """Whether a sentence begins with what was asked for, as definitions do: "**Attention** is …"."""
    if subject is None:
        return False
    opening = [word.lower() for word in _WORD.findall(sentence)[:4]]
    return subject.group(1).split()[0].lower().rstrip("s") in {word.rstrip("s") for word in opening}


def _fitness(unit: Unit, names_subject: bool) -> float:
    """Fragments, questions and bare listings do not answer by themselves, unless they name the subject."""
    if unit.kind in ("code", "math", "table"):
        return 0.7 if names_subject else 0.3
    if len(_WORD.findall(unit.text)) < 4:
        return 0.3
    return 0.5 if unit.text.rstrip().endswith("?") else 1.0


def _join(units_: _Rated, chosen: set[int]) -> str:
    """Sentences run on, items stand on lines of their own, the rest in paragraphs; gaps are marked."""
    text, before = "", -1
    for number in sorted(chosen):
        unit, gap = units_[number][0], number != before + 1
        said = " ".join(unit.text.split()) if unit.kind == "sentence" else unit.text
        if text:
            kinds = {units_[before][0].kind, unit.kind}
            if kinds == {"sentence"}:
                text += " … " if gap else " "
            else:
                text += "\n" if kinds == {"item"} else "\n\n"
        text, before = text + said, number
    return text


def _best_code(rated: Sequence[_Rated], page_ranks: Sequence[int], sizes: QuoteSizes) -> list[Quote]:
    """The best listing of the best page that has one worth showing."""
    listings = [
        (page_ranks[index], -score, index, unit.text)
        for index, units_ in enumerate(rated)
        for unit, score in units_
        if unit.kind == "code" and len(unit.text) <= sizes.code_characters
    ]
    best = max((-score for _, score, _, _ in listings), default=0.0)
    worth = [listing for listing in listings if -listing[1] >= _WORTH_CODE * best]
    return [Quote(index, text, -score) for _, score, index, text in sorted(worth)[:1]]
