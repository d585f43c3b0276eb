"""Pure: short forms that a text explains where it uses them: `recurrent neural network (RNN)`, `BFS - breadth-first
search`, `Sequence-to-sequence, or Seq2Seq`. The letters decide, whatever joins the two."""

import re
from collections.abc import Iterator

from retrieval.concepts.headings import BRACKETED
from retrieval.concepts.names import is_acronym, is_clipped, stands_for
from retrieval.words import words

_LEADING = re.compile(
    r"^(?:or|also|aka|a\.k\.a\.|i\.e\.,?|abbreviated(?:\s+(?:as|to))?|in short|hereafter|the|an?)\s+", re.I
)
_BESIDE = re.compile(
    r"(?:\s*,)?\s+or\s+(?:simply\s+|just\s+)?|\s+/\s+|\s*,?\s+(?:which\s+)?(?:is\s+)?(?:(?:stands?|standing|short)\s+for"
    r"|an?\s+(?:abbreviation|acronym)\s+(?:for|of)|abbreviated(?:\s+(?:as|to))?|i\.e\.)\s+|\s*:?\s+[-–—]\s+|:\s+"
)
# The rarer letter first: most of a text is passed over at once.
_SHORT_FORM = re.compile(r"[A-Z\d](?<=[A-Za-z][A-Z\d])")
_SENTENCE_END = re.compile(r"[.;:!?]\s")
_AROUND = " *_\"'“”‘’(),.;:"
_SPOKEN_DIGIT = re.compile(r"([A-Za-z]{2,}?)([24])([A-Za-z]{2,}?)s?")
_DIGIT_WORDS = {"2": ("to", "two"), "4": ("for", "four")}
_LONGEST = 7
_NEAR = 90
"""Characters beside a joint that are looked at."""


def abbreviates(short: str, name: str) -> bool:
    """Whether a word is made of the letters or beginnings of a name: RNN, ELBO, AdaBoost, Seq2Seq."""
    if is_acronym(short) and short[:1].lower() == name[:1].lower() and stands_for(short, name):
        return True
    if is_clipped(short, name):
        return True
    spoken = _SPOKEN_DIGIT.fullmatch(short)
    parts = words(name) if spoken else []
    return (
        spoken is not None
        and len(parts) == 3
        and parts[1] in _DIGIT_WORDS[spoken[2]]
        and parts[0].startswith(spoken[1].lower())
        and parts[2].startswith(spoken[3].lower())
    )


def explained(text: str) -> Iterator[tuple[str, str]]:
    """Every short form with its full name, as a plain text puts them side by side."""
    if not _SHORT_FORM.search(text):
        return
    if "(" in text:
        for bracketed in BRACKETED.finditer(text):
            before = text[max(0, bracketed.start() - 2 * _NEAR) : bracketed.start()].rstrip()
            while before.endswith(")") and "(" in before:  # X (or Y) (ABC)
                before = before[: before.rindex("(")].rstrip()
            yield from _beside(before, _LEADING.sub("", bracketed[1].strip()), whole=True)
    if _may_stand_beside(text):
        for joint in _BESIDE.finditer(text):
            after = _LEADING.sub("", text[joint.end() : joint.end() + _NEAR])
            yield from _beside(text[max(0, joint.start() - _NEAR) : joint.start()], after, whole=False)


def _may_stand_beside(text: str) -> bool:
    if " or " in text or " for " in text or ": " in text or " - " in text or " – " in text or " — " in text:
        return True
    return " / " in text or "abbrev" in text or "acronym" in text


def _beside(before: str, after: str, whole: bool) -> Iterator[tuple[str, str]]:
    last = before[before.rfind(" ") + 1 :].strip(_AROUND)
    first = (after if whole else after.partition(" ")[0]).strip(_AROUND)
    if _may_be_short(first) and (name := _ending(first, before)):
        yield first, name
    elif _may_be_short(last) and (name := after if whole and abbreviates(last, after) else _beginning(last, after)):
        yield last, name


def _may_be_short(word: str) -> bool:
    if " " in word or not 2 <= len(word) <= 20 or not word[0].isalpha():
        return False
    return any(character.isupper() for character in word[1:]) or any(map(str.isdigit, word))


def _ending(short: str, before: str) -> str | None:
    """The shortest stretch at the end of a text that the short form stands for."""
    parts = before.split()
    for length in range(1, min(len(parts), _LONGEST) + 1):
        stretch = " ".join(parts[-length:]).strip(_AROUND)
        if _SENTENCE_END.search(stretch):
            return None
        if abbreviates(short, stretch):
            return stretch
    return None


def _beginning(short: str, after: str) -> str | None:
    """The shortest stretch at the beginning of a text that the short form stands for."""
    parts = after.split()
    for length in range(1, min(len(parts), _LONGEST) + 1):
        stretch = " ".join(parts[:length]).strip(_AROUND)
        if abbreviates(short, stretch):
            return stretch
        if parts[length - 1][-1] in ".;:!?,)":
            return None
    return None
