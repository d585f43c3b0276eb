"""Pure: the names that a course may use for its concepts, with what speaks for each.

How they are seen in headings and sentences is in `sightings`; what of them is a concept is decided in `termhood`.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache

from retrieval.concepts.corpus import Section, plain
from retrieval.concepts.names import is_acronym
from retrieval.concepts.wording import BREAK, FUNCTION_WORDS, can_begin, can_end, ends_phrase, wording

LONGEST_NAME = 5
"""Words; longer names are sentences or lists."""

_LONGEST_TEXT = 200
_EXERCISE = re.compile(
    r"(?:^|/)(?:assignments?|homeworks?|hw\d*|projects?|exams?|midterms?|finals?|labs?|quiz(?:zes)?|drafts?|syllabus)(?:[/_.-]|\d|$)",
    re.IGNORECASE,
)
_SHOWN = re.compile(r"case[-_ ]stud(?:y|ies)|(?:^|[/_-])(?:demos?|tutorials?|walkthroughs?)(?:[/_.-]|$)", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:an?|the|this|that|these|our|its|each|every|some)\s+(?!\*)", re.IGNORECASE)
_SYMBOLS = re.compile(r"[$\\{}<>=|@#\[\]^]|https?:")
_LINKING = frozenset({"of", "over", "under", "and", "to", "in", "the", "with", "from", "on", "by", "out", "as", "at"})


@dataclass(slots=True)
class Candidate:
    """A name and what speaks for it.

    `words` are folded; `written` counts spellings, the best sources weighing more; `marks` counts what
    speaks for it by kind, with a minus behind the kind where a page sets work rather than explains;
    `sections` are those whose heading or title it is.
    """

    words: tuple[str, ...]
    written: Counter[str] = field(default_factory=Counter)
    marks: Counter[str] = field(default_factory=Counter)
    sections: dict[int, str] = field(default_factory=dict)

    @property
    def spelling(self) -> str:
        """The spelling that speaks most for itself, the folded words where there is none."""
        return self.written.most_common(1)[0][0] if self.written else " ".join(self.words)

    @property
    def is_short(self) -> bool:
        """Whether it is most often written like an acronym."""
        return (
            len(self.words) == 1 and sum(n for w, n in self.written.items() if is_acronym(w)) * 2 > self.written.total()
        )


@dataclass(slots=True)
class Candidates:
    """All names by key; how often the course says that two of them are one: (short, long, "acronym"), or
    (one, other, "also"); and the pairs that it tells apart."""

    by_key: dict[str, Candidate] = field(default_factory=dict)
    same: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    apart: set[frozenset[str]] = field(default_factory=set)

    def mark(self, name: str, kind: str, section: Section, weight: int = 1) -> str | None:
        """Note that something speaks for a name; returns its key, None where it cannot be a name."""
        key_ = self.claim(name, kind, names_only(section), weight)
        if key_ is not None and kind in ("title", "heading") and teaches(section):
            self.by_key[key_].sections.setdefault(section.number, kind)
        return key_

    def claim(self, name: str, kind: str, exercise: bool = False, weight: int = 1) -> str | None:
        """The same where there is no section that says so."""
        found = usable(name, free=kind == "expanded")
        if found is None:
            return None
        cleaned, words = found
        key_ = "".join(words)
        candidate = self.by_key.get(key_)
        if candidate is None:
            candidate = self.by_key[key_] = Candidate(words)
        candidate.written[cleaned] += weight
        # An exercise names what it uses; it teaches less of it.
        candidate.marks[f"{kind}-" if exercise else kind] += 1
        return key_

    def pair(self, one: str | None, other: str | None, how: str) -> None:
        """Note that the course says these two keys are one."""
        if one is not None and other is not None and one != other:
            self.same[one, other, how] += 1

    def tell_apart(self, one: str, other: str) -> None:
        """Note that the course compares these two names."""
        first, second = usable(one), usable(other)
        if first is not None and second is not None:
            self.apart.add(frozenset(("".join(first[1]), "".join(second[1]))))


def teaches(section: Section) -> bool:
    """Whether a page explains rather than sets work."""
    return not _EXERCISE.search(section.path)


def names_only(section: Section) -> bool:
    """Whether a page uses what others explain: it sets work, or shows a case."""
    return _names_only(section.path)


@lru_cache(maxsize=10_000)
def _names_only(path: str) -> bool:
    return bool(_EXERCISE.search(path) or _SHOWN.search(path))


@lru_cache(maxsize=50_000)
def usable(name: str, free: bool = False) -> tuple[str, tuple[str, ...]] | None:
    """A name without what surrounds it, and its folded words; None where it does not have the form of one.

    `free` names may hold any words inside: an acronym vouches for them, as for "back-propagation through time".
    """
    if len(name) > _LONGEST_TEXT:
        return None
    cleaned = plain(name).strip(" \t.,:;!?\"“”'`|=_~-–—").removesuffix("**")
    cleaned = _ARTICLE.sub("", cleaned)
    if not 2 <= len(cleaned) <= 70 or not cleaned.isprintable() or _SYMBOLS.search(cleaned):
        return None
    words = wording(cleaned).folded
    if not 1 <= len(words) <= LONGEST_NAME + 2 * free or BREAK in words or words[-1] in FUNCTION_WORDS:
        return None
    inner = [word for word in words if word not in _LINKING or word in (words[0], words[-1])]
    named = len(words) > 1 and any(is_acronym(part) for part in cleaned.split()[1:2])
    if not free and (any(map(ends_phrase, inner)) or not (can_begin(words[0]) or named) or not can_end(words[-1])):
        return None
    return (cleaned, words) if any(character.isalpha() for character in cleaned) else None
