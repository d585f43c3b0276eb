"""Pure: a Document becomes Passages, along its headings.

A passage never spans two sections, and never cuts a fence, a table or a formula.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b

from retrieval.markup import Block, blocks, list_items, mask, sentences
from retrieval.passage import Document, Locator, Passage, Section, Trust

_BETWEEN = "\n\n"


_OPENING = 60
"""What stands before a page's first heading is kept apart from so many characters on: it often defines the title."""


@dataclass(frozen=True, slots=True)
class Chunking:
    """Sizes in characters. A single fence, table, formula or word may exceed `target`."""

    target: int = 1200
    smallest: int = 200


@dataclass(frozen=True, slots=True)
class Placement:
    """What ingestion knows of a document and the document itself does not."""

    source: int
    page: int
    url: str
    trust: Trust = "course"
    release: date | None = None


def chunk(document: Document, placement: Placement, chunking: Chunking = Chunking()) -> list[Passage]:
    """The document's passages in reading order."""
    passages: list[Passage] = []
    for section in _merge_small(document.sections, chunking.smallest):
        for text in chunk_text(section.text, chunking):
            passages.append(
                Passage(
                    page=placement.page,
                    position=len(passages),
                    source=placement.source,
                    path=document.path,
                    title=document.title,
                    headings=section.headings,
                    text=text,
                    url=section.locator.link(placement.url),
                    content_hash=_hash(document.title, section.headings, text),
                    trust=placement.trust,
                    release=placement.release,
                )
            )
    return passages


def _hash(title: str, headings: tuple[str, ...], text: str) -> str:
    return blake2b("\x1f".join((title, *headings, "", text)).encode(), digest_size=16).hexdigest()


def _merge_small(sections: Sequence[Section], smallest: int) -> Iterator[Section]:
    """A section too small to stand alone goes with the one after it, headings and all.

    The link then leads to the larger of the two, where most of the text is. Only sections that an anchor
    marks are merged, and what stands before the first: a page, a slide, a spoken minute, a flashcard is
    one thing each.
    """
    held: Section | None = None
    for section in sections:
        if not section.text.strip():
            continue
        if held is None:
            held = section
        elif len(held.text) < _small(held, smallest):
            held = _joined(held, section)
        else:
            yield held
            held = section
    if held is not None:
        yield held


def _small(section: Section, smallest: int) -> int:
    """Below how many characters a section goes with the next one."""
    if section.locator.anchor:
        return smallest
    return min(smallest, _OPENING) if section.locator == Locator() and not section.headings else 0


def _joined(first: Section, second: Section) -> Section:
    after = f"**{second.headings[-1]}**\n\n{second.text}" if second.headings else second.text
    if len(first.text) > len(second.text):
        return Section(first.headings, f"{first.text}\n\n{after}", first.locator)
    before = f"**{first.headings[-1]}**\n\n{first.text}" if first.headings else first.text
    return Section(second.headings, f"{before}\n\n{after}", second.locator)


def chunk_text(text: str, chunking: Chunking = Chunking()) -> list[str]:
    """Cut one section's Markdown into pieces of about `target` characters; joined, they hold every block."""
    pieces: list[list[str]] = []
    size = 0
    for block in _fitting_blocks(text, chunking):
        if pieces and size + len(_BETWEEN) + len(block) <= chunking.target:
            pieces[-1].append(block)
            size += len(_BETWEEN) + len(block)
        else:
            pieces.append([block])
            size = len(block)
    if len(pieces) > 1 and size < chunking.smallest and _length(pieces[-2]) + size <= chunking.target * 1.25:
        last = pieces.pop()
        pieces[-1] += last
    return [_BETWEEN.join(piece) for piece in pieces]


def _length(piece: Sequence[str]) -> int:
    return len(_BETWEEN.join(piece))


def _fitting_blocks(text: str, chunking: Chunking) -> Iterator[str]:
    for block in blocks(text):
        if len(block.text) <= chunking.target:
            yield block.text
        else:
            yield from _split(block, chunking.target)


def _split(block: Block, target: int) -> Iterator[str]:
    """Cut what is too long and may be cut: lists between items, prose between sentences, both between words."""
    if block.kind == "list":
        parts = list_items(block.text)
    elif block.kind == "prose":
        parts = sentences(block.text)
    else:
        yield block.text
        return
    held = ""
    place = 0
    for part in (fitting for whole in parts for fitting in _words_fitting(whole, target)):
        start = block.text.index(part, place)
        # Lines stay lines: a list may stand in the middle of a paragraph.
        glue = "\n" if "\n" in block.text[place:start] else " "
        place = start + len(part)
        if held and len(held) + len(glue) + len(part) > target:
            yield held
            held = part
        else:
            held = f"{held}{glue}{part}" if held else part
    if held:
        yield held


def _words_fitting(sentence: str, target: int) -> Iterator[str]:
    """A sentence too long, as in a transcript without full stops, cut between words but in no formula or code."""
    masked = mask(sentence)
    start = 0
    while len(sentence) - start > target:
        space = max(masked.rfind(mark, start + 1, start + target + 1) for mark in " \n\t")
        if space < 0:
            space = min((at for mark in " \n\t" if (at := masked.find(mark, start + target)) >= 0), default=-1)
        if space < 0:
            break
        yield sentence[start:space].rstrip()
        start = space + 1
        start += len(sentence[start:]) - len(sentence[start:].lstrip())
    yield sentence[start:]
