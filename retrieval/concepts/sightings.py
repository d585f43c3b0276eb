"""Pure: where a course names things: a heading, a term set in bold, a definition, a glossary line, an acronym with
its expansion, a second name. Knows English, and no subject.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from retrieval.concepts.brackets import explained
from retrieval.concepts.candidates import LONGEST_NAME, Candidates
from retrieval.concepts.corpus import Corpus, Section
from retrieval.concepts.frequency import commonness
from retrieval.concepts.headings import BRACKETED, read_heading
from retrieval.concepts.names import key
from retrieval.concepts.wording import ends_phrase, wording

_MARKED = re.compile(r"(?<![\w*])(\*{1,3}|_{1,3})(?=\S)([^*_\n]{2,60}?)(?<=\S)\1(?![\w*])")
_GLOSSARY = re.compile(
    r"^\s*(?:\*\*|__)?(?P<name>[^\s:*_][^:*_.!?]{1,50}?)(?:\*\*|__)?\s*(?::(?:\*\*|__)?|\s[–—-])\s+"
    r"(?=(?:an?|the|is|any|one|when|how)\b)",
    re.IGNORECASE,
)
_SAYS = re.compile(r"\s(?:is|are|refers?|denotes?|means|describes|can\s+be)\s")
_DEFINED = re.compile(
    r"^(?:(?:in|for)\s[^,.]{3,60},\s+)?(?:an?\s+|the\s+)?(?P<name>[^\s,.:;!?][^,.:;!?]{1,70}?)\s+"
    r"(?:is|are|refers?\s+to|denotes?|means|describes|can\s+be\s+(?:defined|thought\s+of|seen|viewed)\s+as)\s+"
    r"(?:simply\s+|just\s+|basically\s+|essentially\s+|then\s+|typically\s+|usually\s+)?"
    r"(?:(?:defined|known)\s+as\s+)?(?:an?|the|any|one\s+of|something|someone|how|when|what)\s",
    re.IGNORECASE,
)
_CALLED = re.compile(
    r"\b(?:(?:is|are|also|often|sometimes|commonly|what\s+we|we|usually|so|widely)[\s-]+"
    r"(?:call(?:ed)?|known\s+as|termed|referred\s+to\s+as|named)"
    r"|(?:called|termed|so-called|known\s+as|referred\s+to\s+as))\s+(?:an?\s+|the\s+|as\s+)?",
    re.IGNORECASE,
)
_ALSO = re.compile(
    r"(?:\(|,|\s)\s*(?:(?:which\s+)?(?:is|are)\s+)?(?:(?:also|often|sometimes|commonly)\s+(?:commonly\s+|often\s+|sometimes\s+)?"
    r"(?:known\s+as|called|referred\s+to\s+as|termed|named)|a\.?k\.?a\.?|or\s+simply|i\.e\.,?\s+the|another\s+(?:name|term|word)\s+for"
    r"|(?:a\s+synonym|synonymous)\s+(?:for|of|to|with))\s+(?:an?\s+|the\s+)?",
    re.IGNORECASE,
)
_SUBJECT_OR = re.compile(
    r"^(?:an?\s+|the\s+)?(?P<one>[^,.:;()]{3,50}),\s+or\s+(?:an?\s+|the\s+)?(?P<other>[^,.:;()]{3,50}),\s+(?:is|are|was|were)\b",
    re.IGNORECASE,
)
_GOES_ON = re.compile(r"^\s+of\b")  # the kernel of a matrix is no kernel
_ENDS = frozenset(".,;:)")
_IS_BEFORE = re.compile(r"\s+(?:is|are|was|were|be|been)$")
# The look behind comes after the first letter, so that it is not tried at every place of the text.
_CAPITALS = re.compile(r"[A-Z](?<!\w[A-Z])[A-Z]{2,6}\b")
_INITIALS = 3
_KNOWN = 3.0
"""Zipf frequency from which English knows an acronym."""
_VERSUS = re.compile(r"\s+(?:vs\.?|versus|compared\s+(?:to|with))\s+", re.IGNORECASE)
_DIFFERENCE = re.compile(
    r"\b(?:differences?|distinction|comparison|contrast)\s+between\s+(?:an?\s+|the\s+)?(?P<one>[^,.;:()]{3,50}?)\s+and\s+"
    r"(?:an?\s+|the\s+)?(?P<other>[^,.;:()]{3,50})|\bunlike\s+(?:an?\s+|the\s+)?(?P<one_>[^,.;:()]{3,50}),\s+(?:an?\s+|the\s+)?"
    r"(?P<other_>[^,.;:()]{3,50})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _SecondName:
    """What stands before and after "also called" or the like; where in it the names begin and end is open."""

    before: str
    after: str
    section: Section


def find_candidates(corpus: Corpus) -> Candidates:
    """Look through headings, marked terms, definitions and acronyms."""
    found = Candidates()
    headings: set[tuple[int, str]] = set()
    shown: set[tuple[int, str]] = set()
    second_names: list[_SecondName] = []
    for section in corpus.sections:
        for place, heading in enumerate((section.title, *section.headings)):
            if (section.page, heading) not in headings:
                headings.add((section.page, heading))
                _from_heading(found, heading, section, shown, is_title=place == 0)
        for sentence, said in zip(section.sentences, section.said, strict=True):
            _from_sentence(found, sentence, said, section)
            second_names += _second_names(said, section)
    for second in second_names:
        _pair_names(found, second)
    _bare_acronyms(found, corpus)
    return found


def _from_heading(
    found: Candidates, heading: str, section: Section, shown: set[tuple[int, str]], is_title: bool
) -> None:
    """`shown` are names that a page's headings call an example: there, their other headings teach nothing either."""
    read = read_heading(heading, "title" if is_title else "heading")
    _acronyms(found, read.text, section)
    for place, (name, kind) in enumerate(read.names):
        example = read.is_example or (section.page, key(name)) in shown
        if example:
            shown.add((section.page, key(name)))
        found.mark(name, "part" if example else kind, section, weight=3 if place == 0 else 2)
    sides = _VERSUS.split(read.text)
    if len(sides) == 2:
        found.tell_apart(*sides)


def _from_sentence(found: Candidates, sentence: str, text: str, section: Section) -> None:
    if "*" in sentence or "_" in sentence:
        for marked in _MARKED.finditer(sentence):
            found.mark(BRACKETED.sub("", marked[2]), "marked", section)
    _acronyms(found, text, section)
    start = sentence[:70]
    if (":" in start or " - " in start or "–" in start or "—" in start) and (line := _GLOSSARY.match(sentence)):
        name = BRACKETED.sub("", line["name"])
        if not name[:1].islower():
            found.mark(name, "glossary", section)
    if _SAYS.search(text, 0, 160) and (defined := _DEFINED.match(text)):
        found.mark(BRACKETED.sub("", defined["name"]), "defined", section)
    if _may_call(text):
        for called in _CALLED.finditer(text):
            keys = [found.mark(name, "called", section) for name in _alternatives(text[called.end() :][:90])]
            if len(keys) == 2:
                found.pair(keys[0], keys[1], "or")
    if " between " in text or "nlike " in text:
        for apart in _DIFFERENCE.finditer(text):
            one, other = _preceding(apart["one"] or apart["one_"]), _following(apart["other"] or apart["other_"])
            if one and other:
                found.tell_apart(one, other)


def _second_names(text: str, section: Section) -> Iterator[_SecondName]:
    if _may_name_again(text):
        for also in _ALSO.finditer(text):
            after = text[also.end() : also.end() + 60]
            before = text[max(0, also.start() - 90) : also.start()].rstrip()
            while before.endswith(")") and "(" in before:
                before = before[: before.rindex("(")].rstrip()
            if before.endswith(("-", "–", "—")):
                continue  # the whole clause is called so
            yield _SecondName(_IS_BEFORE.sub("", before), after, section)
    if ", or " in text and (either := _SUBJECT_OR.match(text)):
        yield _SecondName(either["one"], either["other"], section)


# Nearly every sentence ends here: to look for a word is twenty times as fast as a pattern, or a loop over words.
def _may_call(text: str) -> bool:
    return "call" in text or "known as" in text or "termed" in text or "referred to as" in text or "named" in text


def _may_name_again(text: str) -> bool:
    if "also " in text or "often " in text or "sometimes " in text or "commonly " in text or "another " in text:
        return True
    return "a.k.a" in text or "aka " in text or "or simply" in text or "i.e" in text or "synonym" in text


def _pair_names(found: Candidates, second: _SecondName) -> None:
    """Pair two names; words before the first one may belong to the sentence, unless the course marks the whole."""
    one, other = _preceding(second.before), _following(second.after)
    if one is None or other is None or _GOES_ON.search(second.after[:70].partition(other)[2][:4]):
        return
    words = one.split()
    known = (" ".join(words[start:]) for start in range(len(words)))
    one = next((name for name in known if key(name) in found.by_key), one)
    # What ends right behind the name leaves no doubt about how long it is.
    how = "or" if second.after[len(other) :][:1] in _ENDS and second.after.startswith(other) else "also"
    found.pair(found.mark(one, "named", second.section), found.mark(other, "named", second.section), how)


def _bare_acronyms(found: Candidates, corpus: Corpus) -> None:
    """Acronyms that nobody explains, with the one name of three words or more that has these initials and that the
    course writes with capitals; if English knows the acronym, as it does PDF, only on a page that says both."""
    by_initials: dict[str, list[str]] = defaultdict(list)
    for key_, candidate in found.by_key.items():
        spelled = candidate.spelling.replace("-", " ").split()
        if len(spelled) == len(candidate.words) >= _INITIALS and all(word[0].isupper() for word in spelled):
            by_initials["".join(word[0] for word in spelled)].append(key_)
    explained_already = {short for short, _, how in found.same if how == "acronym"}
    for section in corpus.sections:
        for short in set(_CAPITALS.findall(section.text)) & by_initials.keys():
            if len(by_initials[short]) > 1 or key(short) in explained_already:
                continue
            long = by_initials[short][0]
            if commonness(short.lower()) < _KNOWN or found.by_key[long].spelling in section.text:
                found.pair(found.mark(short, "acronym", section), long, "acronym")


def _acronyms(found: Candidates, text: str, section: Section) -> None:
    for short, name in explained(text):
        found.pair(found.mark(short, "acronym", section), found.mark(name, "expanded", section), "acronym")


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
