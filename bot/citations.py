"""Pure: passage numbers become citations with a link, a title and the sentence that fits best."""

import html
import math
import re
from collections import Counter
from collections.abc import Sequence

from bot.foreign import visible, without_angles
from bot.messages import Citation
from bot.phrases import NOTES_MARK
from bot.word_filter import WordFilter
from retrieval.markup import blocks, list_items, mask, sentences
from retrieval.passage import Passage

_LONGEST_QUOTE = 240
_NEAR = 300
"""Characters next to a number that count as what it stands for."""
_FEW_WORDS = 4

_CLAIM_START = re.compile(r"[.!?][)\]\"'*_]*\s|\n\s*(?:[-*+>|#]|\d+[.)]|\n)")
_QUOTED_BELOW = re.compile(r"[^\w\n]*\n\s*((?:>[^\n]*\n?)+)")
_WORD = re.compile(r"[^\W\d_]{3,}")
_STEM = 6
_EVERYDAY = frozenset(
    "the and for are but not you all any can had has have her his how its may our out she that this was were what when"
    " where which who why will with from they them then than there these those into also such each other only".split()
)

_HEADING = re.compile(r"^ {0,3}#{1,6} .*$", re.MULTILINE)
_FENCE = re.compile(r"^[ \t>]*(?:```|~~~).*$", re.MULTILINE)
_LINE_MARK = re.compile(r"^\s*(?:(?:#+|[-*+>]|\d{1,3}[.)])\s+)+")
_IMAGE = re.compile(r"!\[[^\[\]]*\]\([^()]*\)")
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()]*\)|\[\[(?:[^\[\]|]*\|)?([^\[\]]*)\]\]")
_REFERENCE = re.compile(r"\s?\[\^?\d[\d, –-]*\]")
_EMPHASIS = re.compile(r"\*+|`+|\$+|(?<!\w)_+|_+(?!\w)|\\(?=[^\w\s])")


def citations(passages: Sequence[Passage], cited: Sequence[int], text: str) -> tuple[Citation, ...]:
    """What `[1]`, `[2]` … in `text` stand for; `cited` are passage numbers, from 1, in that order.

    The quote is the sentence of the passage that shares most with what the text says next to the number,
    as plain text of at most 240 characters. Numbers of no passage are left out.
    """
    masked = mask(text)
    return tuple(
        _citation(number, passages[passage - 1], _claimed(number, text, masked))
        for number, passage in enumerate(cited, start=1)
        if 1 <= passage <= len(passages)
    )


def _citation(number: int, passage: Passage, claimed: set[str]) -> Citation:
    title = _safe(" › ".join(dict.fromkeys((passage.title, *passage.headings[-1:]))))
    if passage.trust == "notes":
        title = f"{title} {NOTES_MARK}"
    return Citation(number, passage.url, title, _quote(passage.text, claimed))


def _claimed(number: int, text: str, masked: str) -> set[str]:
    """Stems of what stands next to a number, all its places together."""
    found: set[str] = set()
    for place in re.finditer(rf"\[{number}\]", masked):
        start = max(0, place.start() - _NEAR)
        ends = [end.end() for end in _CLAIM_START.finditer(masked, start, place.start())]
        said = _stems(text[ends[-1] if ends else start : place.start()])
        if len(said) < 2 and len(ends) > 1:
            said |= _stems(text[ends[-2] : place.start()])
        if below := _QUOTED_BELOW.match(text, place.end()):
            said |= _stems(below[1][:_NEAR])
        found |= said
    return found


def _stems(text: str) -> set[str]:
    return {word.removesuffix("s")[:_STEM] for word in map(str.lower, _WORD.findall(text)) if word not in _EVERYDAY}


def _quote(passage: str, claimed: set[str]) -> str:
    candidates = [sentence for sentence in map(_plain, _sentences(passage)) if sentence] or [_plain(passage)]
    stems = [_stems(candidate) for candidate in candidates]
    common = Counter(stem for own in stems for stem in own)

    def fitness(index: int) -> tuple[float, bool, int]:
        own = stems[index]
        shared = sum(math.log(1 + len(stems) / common[stem]) for stem in own & claimed)
        whole = len(own) >= _FEW_WORDS and not candidates[index].endswith(("?", ":"))
        return shared / math.sqrt(len(own) + 5) * (1.0 if whole else 0.6), whole, -index

    best = candidates[max(range(len(candidates)), key=fitness)]
    return best if len(best) <= _LONGEST_QUOTE else best[: _LONGEST_QUOTE - 1].rsplit(" ", 1)[0] + "…"


def _sentences(passage: str) -> list[str]:
    found: list[str] = []
    for block in blocks(_HEADING.sub("\n", passage)):
        if block.kind == "list":
            found += [sentence for item in list_items(block.text) for sentence in sentences(item)]
        elif block.kind == "prose":
            found += sentences(block.text)
    return found


def _plain(markdown: str) -> str:
    """Without Markdown's marks; formulas keep their source, references of the page's own are left out."""
    text = _LINE_MARK.sub("", _FENCE.sub("", markdown))
    text = _LINK.sub(lambda link: link[1] or link[2] or "", _IMAGE.sub("", text))
    text = _REFERENCE.sub("", html.unescape(text))
    return _safe(_EMPHASIS.sub("", text))


def _safe(text: str) -> str:
    """One line without foreign links and mentions: pages are no more trusted than models."""
    words = WordFilter()
    words.add(" ".join(without_angles(visible(text)).replace("](", "] (").split()), "prose")
    return words.take() + words.finish()
