"""Pure: the sentence in which a course says what a concept is."""

import re
from collections import defaultdict
from collections.abc import Mapping

from retrieval.concepts.candidates import teaches
from retrieval.concepts.corpus import Corpus, Section
from retrieval.concepts.mentions import Found
from retrieval.graph import Evidence

_SHORTEST, _LONGEST = 30, 420
_IS = re.compile(
    r"^\s*(?:\([^)]{1,40}\)\s*)?,?\s*(?:also (?:called|known as)[^,]{2,40},\s*)?"
    r"(?P<verb>is|are|was|refers?\s+to|denotes?|means|describes|measures|can\s+be\s+(?:defined|thought\s+of|seen|viewed)\s+as)\s+"
    r"(?P<how>(?:simply|just|basically|essentially|then|typically|usually|also|often)\s+)?"
    r"(?P<what>defined\s+as|a\s+(?:kind|type|form|class|family|special\s+case)|an?\b|the\b|any\b|one\s+of|how\b|when\b|where\b|used\s+to)?",
    re.IGNORECASE,
)
_DEFINING = re.compile(
    r"\b(?:is|are|was|refers?|denotes?|means|describes|measures|can be|call(?:ed)?|known|termed|defines?|introduces?)\b"
)
_SPACED = str.maketrans("-‐‑_", "    ")
_BEFORE = re.compile(
    r"^\s*(?:(?:in|for|formally|simply put|by definition)\b[^.]{0,50},\s*)?(?:an?|the|so-called)?\s*$", re.IGNORECASE
)
_CALLED = re.compile(
    r"\b(?:call(?:ed)?|known\s+as|termed|referred\s+to\s+as|defines?|introduces?)\s+(?:as\s+)?(?:this\s+)?(?:an?\s+|the\s+)?\W{0,3}$",
    re.IGNORECASE,
)
_POINTING = re.compile(
    r"^\W*(?:this|that|these|those|it|they|he|she|here|such|as|but|and|however|thus|therefore|hence|then|another"
    r"|in the (?:figure|following|next|previous)|note|now|below|above)\b",
    re.IGNORECASE,
)
_UNFINISHED = re.compile(
    r"[:;,]\s*$|\b(?:follow(?:s|ing)|below|shown in|figure|see"
    r"|this (?:section|notebook|chapter|lecture|tutorial|assignment|project))\b",
    re.IGNORECASE,
)
_OPINION = re.compile(
    r"\b(?:important|popular|great|interesting|common|useful|key|first|most|best|same|following|next|only|one)\b",
    re.IGNORECASE,
)


def find_definitions(
    corpus: Corpus, found: Found, taught: Mapping[int, tuple[tuple[int, float], ...]]
) -> dict[int, tuple[str, Evidence]]:
    """The best defining sentence of each term, as plain text, and where it stands."""
    best: dict[int, tuple[float, str, Section]] = {}
    shares = {(term, number): share for term, sections in taught.items() for number, share in sections}
    by_sentence: dict[tuple[int, int], list[int]] = defaultdict(list)
    for mention in found.mentions:
        if mention.sentence >= 0:
            by_sentence[mention.section, mention.sentence].append(mention.term)
    for (number, place), terms in by_sentence.items():
        section = corpus.sections[number]
        text = section.said[place]
        if not _SHORTEST <= len(text) <= _LONGEST or not _DEFINING.search(text) or _UNFINISHED.search(text):
            continue
        for term in dict.fromkeys(terms):
            form = _form(text, tuple(found.spelled[term]))
            if form == 0.0:
                continue
            value = form + shares.get((term, number), 0.0) - 0.1 * place / max(len(section.sentences), 1)
            value *= (1.0 if teaches(section) else 0.7) * (0.8 if section.trust == "notes" else 1.0)
            if term not in best or value > best[term][0]:
                best[term] = (value, text, section)
    return {term: (text, Evidence(section.url, text, section.release)) for term, (_, text, section) in best.items()}


def _form(text: str, names: tuple[str, ...]) -> float:
    """How much a sentence has the form of a definition of one of these names; 0 if it has not."""
    spaced = text.translate(_SPACED)  # of the same length
    for name in sorted(names, key=len, reverse=True):
        start = spaced.find(name)
        end = start + len(name)
        if start < 0 or spaced[end : end + 1].isalnum() or spaced[start - 1 : start].isalnum():
            continue
        before, after = text[:start], text[end:]
        if (
            _BEFORE.match(before)
            and (said := _IS.match(after))
            and (said["what"] or said["verb"] not in ("is", "are", "was"))
        ):
            what = (said["what"] or said["verb"]).lower()
            value = 2.0 if what not in ("the", "a", "an", "any") else 1.7
            return value - 0.4 * bool(_OPINION.search(after[said.end() : said.end() + 40]))
        if _CALLED.search(before) and len(before) > 30 and not _POINTING.match(text):
            return 0.8
    return 0.0
