"""Pure: passage numbers become citations with a link, a title and the sentence that fits best."""

import math
import re
from collections.abc import Sequence

from bot.foreign import visible
from bot.messages import Citation
from bot.phrases import NOTES_MARK
from retrieval.markup import blocks, sentences
from retrieval.passage import Passage

_LONGEST_QUOTE = 240
_MARKUP = re.compile(r"[*_`>#|]+|\$\$?|!?\[|\]")
_WORD = re.compile(r"[^\W_]{3,}")
_BEFORE = 300


def citations(passages: Sequence[Passage], cited: Sequence[int], text: str) -> tuple[Citation, ...]:
    """What `[1]`, `[2]` … in `text` stand for; `cited` are passage numbers, from 1, in that order.

    The quote is the sentence of the passage that shares most words with what stands before the number.
    """
    return tuple(
        _citation(number, passages[passage - 1], text)
        for number, passage in enumerate(cited, start=1)
        if 1 <= passage <= len(passages)
    )


def _citation(number: int, passage: Passage, text: str) -> Citation:
    title = " › ".join(dict.fromkeys((passage.title, *passage.headings[-1:])))
    if passage.trust == "notes":
        title = f"{title} {NOTES_MARK}"
    place = text.find(f"[{number}]")
    said = set(_WORD.findall(text[max(0, place - _BEFORE) : place].lower()))
    candidates = [
        sentence
        for block in blocks(passage.text)
        if block.kind in ("prose", "list")
        for sentence in sentences(block.text)
    ] or [passage.text]
    best = max(candidates, key=lambda sentence: (_shared(said, sentence), -len(sentence)))
    return Citation(number, passage.url, title, _plain(best))


def _shared(said: set[str], sentence: str) -> float:
    words = set(_WORD.findall(sentence.lower()))
    return len(words & said) / math.sqrt(len(words) + 5)


def _plain(sentence: str) -> str:
    text = " ".join(_MARKUP.sub("", visible(sentence)).split())
    return text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1].rsplit(" ", 1)[0] + "…"
