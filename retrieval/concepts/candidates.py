"""Pure: every name that a course may use for a concept, with what speaks for it.

A heading, a term set in bold, a definition, a flashcard's front, an acronym with its expansion; and phrases
that recur. What of it is a concept is decided in `termhood`.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache

from retrieval.concepts.corpus import Corpus, Section, plain
from retrieval.concepts.names import is_acronym, is_clipped, stands_for
from retrieval.concepts.wording import BREAK, FUNCTION_WORDS, can_begin, can_end, ends_phrase, wording

LONGEST_NAME = 5
"""Words; longer names are sentences or lists."""

_NUMBERING = re.compile(r"^\s*(?:[IVX]{1,5}|[A-Z]|\d+(?:\.\d+)*)[.):]\s+|^\s*\d+(?:\.\d+)+\s+")
_LABEL = re.compile(
    r"^\s*(?:step|part|task|question|exercise|problem|example|case study|case|lesson|lecture|chapter|unit|week|module"
    r"|topic|section|appendix|milestone|figure|table|definition|theorem|lemma|method|approach)"
    r"(?:\s*(?:\d+(?:[.-]?\d+)*[a-z]?|[IVX]+|[A-Z]\b(?!\w)))?(?:\s+of\s+\d+)?\s*[-:.–—]+\s+",
    re.IGNORECASE,
)
_REMARK = re.compile(
    r"\s*\([^()]*(?:\d+\s*(?:points?|pts|%)|optional|continued|cont|bonus|extra credit)[^()]*\)", re.IGNORECASE
)
_ASKING = re.compile(
    r"^\s*(?:but\s+)?(?:what(?:['’]s|\s+is|\s+are|\s+was)|define|who\s+is|how\s+(?:do|does)|why\s+(?:do|does|is|are)"
    r"|explain|describe)\s+(?:meant\s+by\s+)?(?:an?\s+|the\s+)?(?P<rest>.+?)(?:\s+(?:work|works|mean|in\s.*|used\s.*|and\s+(?:why|how|what)\b.*))?\s*\??\s*$",
    re.IGNORECASE,
)
_AROUND = re.compile(
    r"^\s*(?:(?:an?\s+|the\s+)?(?:brief\s+|short\s+|gentle\s+)?(?:introduction|intro|introducing|overview|review|recap|basics"
    r"|fundamentals|foundations|principles|summary|background|motivation|understanding|computing|computation|applying"
    r"|implementing|implementation|training|building|derivation|definition|properties|applications?|examples?"
    r"|types|kinds|limitations|advantages|drawbacks|visuali[sz]ation|the|an?|introductory)\b\s*(?:(?:of|to|on|for|in|with|behind|:|-)\s+)?(?:an?\s+|the\s+)?)+",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    r"\s*(?:[-–—:,]\s*)?\b(?:introduction|intro|overview|basics|summary|examples?|exercises?|workshop|tutorial|demo"
    r"|continued|notebook|from scratch|revisited|in (?:practice|python|pytorch|tensorflow|keras|jax|a nutshell|depth|detail)"
    r"|explained|explainers?|solutions?|use case|case study|fundamentals|definition|properties|notes?|review|recap|primer"
    r"|walkthrough|illustrated|visuali[sz]ed|implementation|part \d|step \d|\d)\s*$",
    re.IGNORECASE,
)
_SPLIT = re.compile(
    r"\s*(?:[:;/,]\s+|\s[-–—]\s|\s&\s|[-‐]based\s|\bvs\.?\s|\bversus\b|\bcompared (?:to|with)\b"
    r"|\b(?:and|or|with|using|via|for|in|from|through|as|to|on|by|into|against|under)\s)\s*"
)
_BRACKETED = re.compile(r"\(([^()]{2,60})\)")
_MARKED = re.compile(r"(?<![\w*])(\*{1,3}|_{1,3})(?=\S)([^*_\n]{2,60}?)(?<=\S)\1(?![\w*])")
_GLOSSARY = re.compile(
    r"^\s*(?:\*\*|__)?(?P<name>[^\s:*_][^:*_.!?]{1,50}?)(?:\*\*|__)?\s*(?::(?:\*\*|__)?|\s[–—-])\s+(?=(?:an?|the|is|any|one|when|how)\b)",
    re.IGNORECASE,
)
_DEFINED = re.compile(
    r"^(?:(?:in|for)\s[^,.]{3,60},\s+)?(?:an?\s+|the\s+)?(?P<name>[^\s,.:;!?][^,.:;!?]{1,70}?)\s+"
    r"(?:is|are|refers?\s+to|denotes?|means|describes|can\s+be\s+(?:defined|thought\s+of|seen|viewed)\s+as)\s+"
    r"(?:simply\s+|just\s+|basically\s+|essentially\s+|then\s+|typically\s+|usually\s+)?"
    r"(?:(?:defined|known)\s+as\s+)?(?:an?|the|any|one\s+of|how|when)\s",
    re.IGNORECASE,
)
_CALLED = re.compile(
    r"\b(?:(?:is|are|also|often|sometimes|commonly|what\s+we|we|usually|so|widely)[\s-]+(?:call(?:ed)?|known\s+as|termed|referred\s+to\s+as|named)"
    r"|(?:called|termed|so-called|known\s+as|referred\s+to\s+as))\s+(?:an?\s+|the\s+|as\s+)?",
    re.IGNORECASE,
)
_ALSO = re.compile(
    r"(?:\(|,|\s)\s*(?:also\s+(?:commonly\s+|often\s+|sometimes\s+)?(?:known\s+as|called|referred\s+to\s+as|termed|named)|a\.?k\.?a\.?|aka|or\s+simply|i\.e\.,?\s+the)\s+(?:an?\s+|the\s+)?",
    re.IGNORECASE,
)
_EXERCISE = re.compile(
    r"(?:^|/)(?:assignments?|homeworks?|hw\d*|projects?|exams?|midterms?|finals?|labs?|quiz(?:zes)?|drafts?|syllabus)(?:[/_.-]|\d|$)",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Candidate:
    """A name and what speaks for it.

    `words` are folded; `written` counts spellings, the best sources weighing more; `marks` counts what
    speaks for it by kind; `sections` are those whose heading or title it is.
    """

    words: tuple[str, ...]
    written: Counter[str] = field(default_factory=Counter)
    marks: Counter[str] = field(default_factory=Counter)
    sections: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Candidates:
    """All names by key, and how often the course says that two of them are one: (short, long, "acronym"), or
    (one, other, "also")."""

    by_key: dict[str, Candidate] = field(default_factory=dict)
    same: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def mark(self, name: str, kind: str, section: Section, weight: int = 1) -> str | None:
        """Note that something speaks for a name; returns its key, None where it cannot be a name."""
        key_ = self.claim(name, kind, not teaches(section), weight)
        if key_ is not None and kind in ("title", "heading") and teaches(section):
            self.by_key[key_].sections.setdefault(section.number, kind)
        return key_

    def claim(self, name: str, kind: str, exercise: bool = False, weight: int = 1) -> str | None:
        """The same where there is no section that says so."""
        cleaned = usable(name, free=kind == "expanded")
        if cleaned is None:
            return None
        found = wording(cleaned).folded
        key_ = "".join(found)
        candidate = self.by_key.get(key_)
        if candidate is None:
            candidate = self.by_key[key_] = Candidate(found)
        candidate.written[cleaned] += weight
        # An exercise names what it uses; it teaches less of it.
        candidate.marks[f"{kind}-" if exercise else kind] += 1
        return key_

    def pair(self, one: str | None, other: str | None, how: str) -> None:
        """Note that the course says these two keys are one."""
        if one is not None and other is not None and one != other:
            self.same[one, other, how] += 1


def teaches(section: Section) -> bool:
    """Whether a page explains rather than sets work."""
    return not _EXERCISE.search(section.path)


@lru_cache(maxsize=50_000)
def usable(name: str, free: bool = False) -> str | None:
    """A name without what surrounds it, None where it does not have the form of one.

    `free` names may hold any words inside: an acronym vouches for them, as for "back-propagation through time".
    """
    cleaned = plain(name).strip(" \t.,:;!?\"“”'`|=_~-–—").removesuffix("**")
    cleaned = _ARTICLE.sub("", cleaned)
    if not 2 <= len(cleaned) <= 70 or _SYMBOLS.search(cleaned):
        return None
    words = wording(cleaned).folded
    if not 1 <= len(words) <= LONGEST_NAME + 2 * free or BREAK in words or words[-1] in FUNCTION_WORDS:
        return None
    inner = [word for word in words if word not in _LINKING or word in (words[0], words[-1])]
    named = len(words) > 1 and any(is_acronym(part) for part in cleaned.split()[1:2])
    if not free and (any(map(ends_phrase, inner)) or not (can_begin(words[0]) or named) or not can_end(words[-1])):
        return None
    return cleaned if any(character.isalpha() for character in cleaned) else None


_ARTICLE = re.compile(r"^(?:an?|the|this|that|these|our|its|each|every|some)\s+(?!\*)", re.IGNORECASE)
_SYMBOLS = re.compile(r"[$\\{}<>=|@#\[\]^]|https?:")
_LINKING = frozenset({"of", "over", "under", "and", "to", "in", "the", "with", "from", "on", "by", "out", "as", "at"})


def find_candidates(corpus: Corpus) -> Candidates:
    """Look through headings, marked terms, definitions and acronyms."""
    found = Candidates()
    seen_headings: set[tuple[int, str]] = set()
    for section in corpus.sections:
        for kind, heading in (("title", section.title), *(("heading", heading) for heading in section.headings)):
            if (section.page, heading) not in seen_headings:
                seen_headings.add((section.page, heading))
                _from_heading(found, heading, kind, section)
        for sentence, said in zip(section.sentences, section.said, strict=True):
            _from_sentence(found, sentence, said, section)
    return found


def _from_heading(found: Candidates, heading: str, kind: str, section: Section) -> None:
    text = _REMARK.sub("", _LABEL.sub("", _NUMBERING.sub("", plain(heading))))
    if asked := _ASKING.match(text):
        text, kind = asked["rest"], "asked"
    _from_brackets(found, text, section)
    bare = _BRACKETED.sub(" ", text)
    whole = _BEHIND.sub("", _BEHIND.sub("", _AROUND.sub("", bare)))
    if found.mark(whole, kind, section, weight=3) is None or _SPLIT.search(whole):
        for part in _SPLIT.split(bare):
            found.mark(_BEHIND.sub("", _AROUND.sub("", part)), "part", section, weight=2)


def _from_sentence(found: Candidates, sentence: str, text: str, section: Section) -> None:
    for marked in _MARKED.finditer(sentence):
        found.mark(_BRACKETED.sub("", marked[2]), "marked", section)
        _from_brackets(found, marked[2], section)
    if "(" in text:
        _from_brackets(found, text, section)
    if (glossary := _GLOSSARY.match(sentence)) and not glossary["name"][0].islower():
        found.mark(_BRACKETED.sub("", glossary["name"]), "glossary", section)
    if defined := _DEFINED.match(text):
        found.mark(_BRACKETED.sub("", defined["name"]), "defined", section)
    for called in _CALLED.finditer(text):
        names = _alternatives(text[called.end() : called.end() + 90])
        keys = [found.mark(name, "called", section) for name in names]
        if len(keys) == 2:
            found.pair(keys[0], keys[1], "or")
    for also in _ALSO.finditer(text):
        other = _following(text[also.end() : also.end() + 60])
        before = _preceding(text[max(0, also.start() - 60) : also.start()])
        if other is not None and before is not None:
            found.pair(found.mark(before, "named", section), found.mark(other, "named", section), "also")


def _from_brackets(found: Candidates, text: str, section: Section) -> None:
    """`recurrent neural network (RNN)`, `RNN (recurrent neural network)`, `adaptive boosting (AdaBoost)`."""
    for bracketed in _BRACKETED.finditer(text):
        inner, before = bracketed[1].strip(), text[: bracketed.start()].rstrip()
        last = before.rsplit(maxsplit=1)[-1:]
        short, name = inner, _expansion(inner, before)
        if (
            name is None
            and last
            and (stands_for(last[0], inner) if is_acronym(last[0]) else is_clipped(last[0], inner))
        ):
            short, name = last[0], inner
        if name is not None:
            found.pair(found.mark(short, "acronym", section), found.mark(name, "expanded", section), "acronym")


def _expansion(acronym: str, before: str) -> str | None:
    """The shortest stretch at the end of a text that the acronym stands for."""
    words = before.split()
    for length in range(1, min(len(words), 7) + 1):
        stretch = " ".join(words[-length:]).strip("*_\"'“(,")
        if re.search(r"[.;:!?]\s", stretch):
            return None
        if is_acronym(acronym) and stands_for(acronym, stretch) and stretch[:1].lower() == acronym[:1].lower():
            return stretch
        if is_clipped(acronym, stretch):
            return stretch
    return None


def _alternatives(text: str) -> list[str]:
    """The one or two names that follow `called`: `shrinkage or ridge regression`."""
    text = re.sub(r"^(?:in|by)\s+(?:the\s+)?[\w-]+(?:\s+literature)?,?\s+(?:as\s+)?", "", text)
    first = _following(text)
    if first is None:
        return []
    place = text.find(first)
    other = re.match(r"[\s*_]*\bor\s+(?:an?\s+|the\s+)?", text[place + len(first) :]) if place == 0 else None
    second = _following(text[place + len(first) + other.end() :]) if other else None
    return [first, second] if second else [first]


def _following(text: str) -> str | None:
    """The name that a text begins with."""
    found = wording(text)
    end = next((place for place, word in enumerate(found.folded) if ends_phrase(word)), len(found.folded))
    return " ".join(found.written[:end]) if 0 < end <= LONGEST_NAME else None


def _preceding(text: str) -> str | None:
    """The name that a text ends with."""
    found = wording(text)
    start = len(found.folded)
    while start > 0 and not ends_phrase(found.folded[start - 1]):
        start -= 1
    name = found.written[start:]
    return " ".join(name) if 0 < len(name) <= LONGEST_NAME else None
