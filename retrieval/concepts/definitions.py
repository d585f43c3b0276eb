"""Pure: the sentence in which a course says what a concept is. None is better than a wrong one: it must be about the
concept, whole, and understood where it stands alone.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from retrieval.concepts.candidates import names_only
from retrieval.concepts.corpus import Corpus, Section
from retrieval.concepts.mentions import Found
from retrieval.concepts.wording import FUNCTION_WORDS
from retrieval.graph import Evidence

_SHORTEST, _LONGEST = 30, 420
_NEAR = 100
"""Characters from the start within which the concept must be named, unless the sentence says "called"."""

_ASIDE = r"^\s*(?:\([^)]{1,60}\))?\s*(?:,?\s*(?:also|or|sometimes|often)\s[^,]{2,60},)?\s*"
_IS = re.compile(
    rf"{_ASIDE}(?P<verb>is|are|was|were|refers?\s+to|denotes?|means|can\s+be\s+(?:defined|thought\s+of|seen|viewed)\s+as)\s+"
    r"(?P<how>(?:simply|just|basically|essentially|then|typically|usually|also|often|generally)\s+)?"
    r"(?P<what>(?:defined|understood|described)\s+(?:as|by)|an?\s+(?:kind|type|form|class|family|set|way|method|technique"
    r"|process|procedure|measure|model|function|algorithm|system|special\s+case)\b|an?\b|the\b|any\b|one\s+of|how\b|when\b"
    r"|where\b|used\s+(?:to|for)|about\b|concerned\s+with|made\s+(?:up\s+)?of|composed\s+of|(?:caused|obtained|given|formed"
    r"|produced|characteri[sz]ed|determined)\s+by|called\b)?",
    re.IGNORECASE,
)
_DOES = re.compile(
    rf"{_ASIDE}(?:therefore\s+|thus\s+|basically\s+|essentially\s+|typically\s+|usually\s+|in\s+general\s+)?(?:consists?\s+of|comprises?|measures?"
    r"|quantif(?:y|ies)|describes?|states?\s+that|says\s+that|occurs?\s+(?:when|if|in|where)|happens?\s+(?:when|if)"
    r"|arises?\s+when|specif(?:y|ies)|determines?|represents?|expresses|characteri[sz]es?|captures?|involves?"
    r"|belongs?\s+to)\s",
    re.IGNORECASE,
)
_WORKS = re.compile(
    rf"{_ASIDE}(?:in\s+general\s+|generally\s+|typically\s+|usually\s+)?(?:aims?\s+(?:to|at)|seeks?\s+to|tries\s+to|attempts?\s+to|works?\s+by|allows?|enables?|maps?|assigns?|computes?"
    r"|transforms?|converts?|combines?|extends?|generali[sz]es?|takes?\s+(?:an?|the|as)|uses?\s+(?:an?|the)|learns?|estimates?|implements?|models?|provides?|contains?"
    r"|predicts?|reduces?|prevents?|removes?|performs?|protects?|regulates?|requires?\s+that)\s",
    re.IGNORECASE,
)
_APPOSED = re.compile(
    r"^\s*(?:\([^)]{1,60}\))?,\s+(?:an?|one\s+of\s+the|any)\s+[^,;:]{8,120},\s+(?:is|are|was|were|can|has|have|which|who|\w+s)\s"
)
_GLOSSED = re.compile(
    r"^\s*(?:\([^)]{1,60}\))?\s*(?::|[–—]|\s-\s)\s*(?P<rest>(?:An?|The|Any|When|How|One)\s.{20,})$", re.S
)
_SIGNS = re.compile(
    r"\s(?:is|are|was|were|means|can be|known|termed|called|call|named|define)\s|[:–—]|\s-\s|,\s(?:an?|any|one)\s"
    r"|(?:refer|denote|consist|compris|measure|quantif|describe|state|say|occur|happen|arise|specif|determine|represent"
    r"|express|character|capture|aim|seek|tries|attempt|work|allow|enable|map|assign|compute|transform|convert|combine"
    r"|extend|generali|take|use|learn|estimate|predict|reduce|prevent|remove|perform|protect|regulate|require|involve|belong|make|implement|model|provide|contain)"
)
_SPACED = str.maketrans("-‐‑_", "    ")
_BEFORE = re.compile(
    r"^\s*(?:(?:in|for|formally|simply put|by definition)\b[^.,]{0,50},\s*)?(?:an?|the|so-called)?\s*[\"“'‘]?$",
    re.IGNORECASE,
)
_CALLED = re.compile(
    r"\b(?:(?:is|are|was|be|we|often|also|sometimes|commonly|which)\s+(?:\w+\s+)?(?:call(?:ed)?|known\s+as|termed|referred\s+to\s+as))"
    r"\s+(?:as\s+)?(?:an?\s+|the\s+)?[\"“'‘]?$",
    re.IGNORECASE,
)
_POINTING = re.compile(
    r"^\W*(?:this|that|these|those|it|its|they|their|he|she|his|her|here|such|as|but|and|or|so|because|if|however|thus"
    r"|therefore|hence|then|another|also|which|finally|similarly|conversely|otherwise|instead|again|both|each|all|one"
    r"|we(?! (?:define|call|denote|refer))|for (?:example|instance|this|that|these)"
    r"|the (?:latter|former|above|other|same|next|previous|resulting|first|second|third)"
    r"|in (?:the (?:figure|following|next|previous|case|example|same|picture|above|code|plot)|this|that|these|our)"
    r"|note|now|below|above|there|add|use|explain|write|consider|imagine|suppose|assume|train|create|implement|compute|find|plot"
    r"|show|calculate|describe|let|make|try|take|look|think|remember|recall|draw"
    r"|state|give|list|name|identify|discuss|prove|derive|determine|choose|select|read)\b",
    re.IGNORECASE,
)
_UNFINISHED = re.compile(
    r"[:;,]\s*$|\?|https?:|`|\b(?:as follows|the following|aforementioned|below|above|figure|fig\.|click|cell \d"
    r"|slide|video|screenshot|shown (?:in|here|next|as)|illustrated (?:in|by)|see (?:also|the|section|how|that|this)"
    r"|(?:next|previous|last|our|your) (?:section|notebook|chapter|lecture|tutorial|assignment|project|course|code"
    r"|example|equation|case|page|book|problem|dataset|plot|graph|picture|image|table)|\(not shown\)|source:"
    r"|such (?!as\b|that\b|a\b)\w+|we(?:['’](?:ll|ve|re))? (?:will|have|saw|just|did|met|want|are|were)|let['’]?s"
    r"|you(?:['’]ll| will| should| must| need| have))\b",
    re.IGNORECASE,
)
_WITHIN = re.compile(r"\b(?:this|these|those|here|former|latter|our|my|you can)\b", re.IGNORECASE)
# "X is a good example", "X is the same as before": true, and no definition.
_EMPTY = re.compile(
    r"^\W*(?:bit|lot|little|few|good|great|bad|better|best|big|nice|real|very|really|so|perfect|classic|simple|quick"
    r"|same|one|ones|first|second|next|last|only|most|more|main|major|key|latter|former|case|result|reason|answers?"
    r"|problem|examples?|important|popular|interesting|common|useful|powerful|promising|hot|well|much|things?|foundational"
    r"|challenge|choice|part|number|combination|original|correct|right|new|above|other|another|output|inputs?|goal|product"
    r"|term|bunch|crucial|unique|essential|fundamental|versatile|great|significant|critical|vital|basis|default)\b",
    re.IGNORECASE,
)
_STEP = re.compile(r"\b(?:is|are|was|were)\s+(?:then\s+)?\w+ed\b|\b(?:then|next|finally)\b", re.IGNORECASE)
_A_KIND_CALLED = re.compile(
    r"\b(?:an?|a\s+new)\s[^,.;:]{3,60}\s(?:called|known\s+as|termed|named)\s+(?:the\s+)?[\"“'‘]?$", re.IGNORECASE
)
_CALLS = re.compile(r"call|known|termed|named|referred|define", re.IGNORECASE)
_DEFINED_AS = re.compile(r"\bdefine\s+(?:an?|the)?\s*$", re.IGNORECASE)
_WHOLE = re.compile(r"[.!)”\"’*$]\s*$")


def find_definitions(
    corpus: Corpus, found: Found, taught: Mapping[int, tuple[tuple[int, float], ...]]
) -> dict[int, tuple[str, Evidence]]:
    """The best defining sentence of each term, as plain text, and where it stands."""
    best: dict[int, tuple[float, str, Section]] = {}
    shares = {(term, number): share for term, sections in taught.items() for number, share in sections}
    names: dict[int, list[str]] = {}
    by_sentence: dict[tuple[int, int], list[int]] = defaultdict(list)
    for mention in found.mentions:
        if mention.sentence >= 0:
            by_sentence[mention.section, mention.sentence].append(mention.term)
    for (number, place), terms in by_sentence.items():
        section = corpus.sections[number]
        text = whole_sentence(section.said[place])
        if text is None:
            continue
        for term in dict.fromkeys(terms):
            if term not in names:
                names[term] = sorted(found.spelled[term], key=len, reverse=True)
            share = shares.get((term, number), 0.0)
            form = _form(text, names[term], share)
            if form == 0.0:
                continue
            value = form + share - 0.1 * place / max(len(section.sentences), 1)
            value *= (0.7 if names_only(section) else 1.0) * (0.8 if section.trust == "notes" else 1.0)
            if term not in best or value > best[term][0]:
                best[term] = (value, text, section)
    return {term: (text, Evidence(section.url, text, section.release)) for term, (_, text, section) in best.items()}


def whole_sentence(said: str) -> str | None:
    """A sentence as a definition would show it, None where it is cut short or points to what is around it.

    Of a glossary line or a row of a table, which may go on and on, its first sentence.
    """
    text = said.strip(" *_")
    if not _SHORTEST <= len(text) <= 4 * _LONGEST or not (text[0].isupper() or text[0] in '$"“'):
        return None
    if not _has_sign(text) or _POINTING.match(text):
        return None
    if _GLOSSARY_LINE.match(text):
        text = _first_sentence(text)
    elif not _WHOLE.search(text) and (len(text) < _SHORTEST + 20 or text.rpartition(" ")[2].lower() in FUNCTION_WORDS):
        return None
    if not _SHORTEST <= len(text) <= _LONGEST or text.count("$") % 2 or text.count("(") != text.count(")"):
        return None
    return None if _UNFINISHED.search(text) else text


def _has_sign(text: str) -> bool:
    """Whether there is any word that a definition has; the commonest are looked for first, which is quick."""
    return " is " in text or " are " in text or ":" in text or _SIGNS.search(text) is not None


def _first_sentence(text: str) -> str:
    end = _SENTENCE_END.search(text, _SHORTEST + 10)
    return text[: end.start() + 1] if end else text


_GLOSSARY_LINE = re.compile(r"^[^.:–—]{2,60}(?::|\s[–—-])\s")
_SENTENCE_END = re.compile(r"(?<![A-Z])(?<!e\.g)(?<!i\.e)(?<!etc)[.!](?=\s+[A-Z“\"])")


def _form(text: str, names: Sequence[str], share: float) -> float:
    """How much a sentence has the form of a definition of one of these names, longest first; 0 if it has not.

    `share` says how much its section teaches the concept.
    """
    spaced = text.translate(_SPACED)  # of the same length
    calls = _CALLS.search(text) is not None
    for name in names:
        start = spaced.find(name)
        end = start + len(name)
        if start < 0 or spaced[end : end + 1].isalnum() or spaced[start - 1 : start].isalnum():
            continue
        before, after = text[:start], text[end:]
        is_subject = start <= _NEAR and _BEFORE.match(before) and not _WITHIN.search(after)
        definite = before.lower().strip().endswith("the")
        if is_subject and (value := _as_subject(after, share, definite)) > 0.0:
            return value
        if not calls:
            continue
        if _DEFINED_AS.search(before) and re.match(r"\s+(?:as|to be)\s", after):
            return 1.8
        if _CALLED.search(before[-60:]) and len(before) > 55 and _ends_clause(after):
            return 0.8
        if _A_KIND_CALLED.search(before[-110:]) and len(after) > 30:
            return 0.7
    return 0.0


def _as_subject(after: str, share: float, definite: bool) -> float:
    """What a sentence that begins with the name says of it. With "the", it may speak of one at hand: less."""
    if (said := _IS.match(after)) and (said["what"] or said["verb"].lower() not in ("is", "are", "was", "were")):
        rest = after[said.end() :]
        what = " ".join((said["what"] or said["verb"]).lower().split())
        if len(rest) < 20 or (what in ("a", "an", "the", "any", "one of") and _EMPTY.match(rest.removeprefix(" the"))):
            return 0.0
        if what == "the" and definite and share < 0.6:
            return 0.0
        value = 2.0 if what.startswith(("a", "any", "defined", "refer", "denote", "mean", "can")) else 1.5
        return value - 0.4 * (definite and what == "the") - 0.5 * said["verb"].lower().startswith("w")
    if glossed := _GLOSSED.match(after):
        rest = glossed["rest"]
        plain = not _STEP.search(rest) and (
            not rest.startswith("The") or re.search(r"\b(?:of|that|which|where)\b", rest[:60])
        )
        return 1.6 if plain and not _EMPTY.match(rest.partition(" ")[2]) else 0.0
    if _DOES.match(after):
        return 1.3
    if _APPOSED.match(after):
        return 1.2
    return 0.9 if share >= 0.5 and _WORKS.match(after) else 0.0


def _ends_clause(after: str) -> bool:
    """Whether the sentence goes on about something else after the name, or is at its end."""
    return bool(
        re.match(r"[\"”'’*)]*(?:\s*\([^)]{1,40}\))?\s*(?:[.,;!–—]|$|and\b|which\b|that\b|because\b|for short)", after)
    )
