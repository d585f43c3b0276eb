"""Pure: the answer without a model, that is quotes of the course material under numbers, clearly marked."""

from collections.abc import Sequence

from bot.brackets import Numbering, Numbers
from bot.phrases import ABSTAINED, CLOSEST, ELSE_ASK, MORE, NOT_RELEASED, NOTES_MARK, REPLACED
from bot.safe_stream import clean
from retrieval.markup import blocks
from retrieval.passage import Passage
from retrieval.quotes import Quote
from retrieval.results import Found

_CLOSEST = 3
_RELATED = 0.4
_LINK_REPLACED = "https://example.com"


def quoted(found: Sequence[Found], quotes: Sequence[Quote], opening: str) -> tuple[str, tuple[int, ...]]:
    """Markdown that quotes passages, and which passages (from 1) its numbers `[1]`, `[2]` … stand for.

    Pages that rank nearly as well as the best one but hold no sentence to quote are named at the end.
    """
    by_place: dict[str, list[Quote]] = {}
    for quote in quotes:
        by_place.setdefault(found[quote.index].passage.url, []).append(quote)
    order = tuple(same[0].index + 1 for same in by_place.values())
    related = _related(found, {found[rank - 1].passage.path for rank in order})
    parts = [opening]
    for number, same in enumerate(by_place.values(), start=1):
        passage = found[same[0].index].passage
        parts.append(f"**{_place(passage.title, passage.headings)}**{_mark(passage)} [{number}]")
        parts += [_as_quote(quote.text) for quote in same]
    if related:
        places = [_listed(hit, number) for number, hit in enumerate(related, len(order) + 1)]
        parts.append(f"{MORE} {' · '.join(places)}")
    return "\n\n".join(part for part in parts if part), (*order, *(hit.rank for hit in related))


def _related(found: Sequence[Found], quoted_paths: set[str]) -> list[Found]:
    best_of_page: dict[str, Found] = {}
    for hit in found:
        if hit.passage.path not in quoted_paths and hit.score >= _RELATED * found[0].score:
            best_of_page.setdefault(hit.passage.path, hit)
    return list(best_of_page.values())


def abstained(found: Sequence[Found], unreleased: bool = False) -> tuple[str, tuple[int, ...]]:
    """What is said instead of a guess: that there is no answer, and the nearest pages.

    `unreleased`: the course has material that is not shown yet. What it is about is not told.
    """
    said = f"{ABSTAINED} {NOT_RELEASED if unreleased else ELSE_ASK}"
    nearest: dict[str, int] = {}
    for hit in found:
        nearest.setdefault(hit.passage.path, hit.rank)
    order = tuple(nearest.values())[:_CLOSEST]
    if not order:
        return said, ()
    lines = [f"- {_listed(found[rank - 1], number)}" for number, rank in enumerate(order, start=1)]
    return "\n".join([said, "", CLOSEST, *lines]), order


def _listed(hit: Found, number: int) -> str:
    """A place and its number; in brackets where the words before would make mathematics of it, as "vector [2]" is."""
    place = _place(hit.passage.title, hit.passage.headings) + _mark(hit.passage)
    odd = Numbering(number).meant_as_text(Numbers((number,), marked=False), f"{place} ")
    return f"{place} ([{number}])" if odd else f"{place} [{number}]"


def _mark(passage: Passage) -> str:
    return f" {NOTES_MARK}" if passage.trust == "notes" else ""


def _place(title: str, headings: Sequence[str]) -> str:
    return clean(" › ".join(dict.fromkeys((title, *headings[-1:]))), ())[0]


def _as_quote(text: str) -> str:
    """A block quote; listings stand outside of it, where every chat platform shows them as code.

    Pages are no more trusted than models: their links and mentions go, and so do numbers in brackets, which
    would be taken for citations.
    """
    parts = []
    for block in blocks(clean(text, ())[0]):
        if block.kind == "code":
            parts.append(
                block.text
                if _LINK_REPLACED not in block.text or _LINK_REPLACED in text
                else f"{block.text}\n\n{REPLACED}"
            )
        else:
            parts.append("\n".join(f"> {line}".rstrip() for line in block.text.splitlines()))
    return "\n\n".join(parts)
