"""Pure: sentences that say outright how two concepts stand to each other. Knows English, and no subject."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Literal

from retrieval.concepts.corpus import Corpus, plain
from retrieval.concepts.names import tokens
from retrieval.concepts.phrases import Worded
from retrieval.concepts.terms import Mention, Term
from retrieval.concepts.wording import Wording, wording

CueKind = Literal["needs", "is-a", "part-of", "contrast", "recalls", "passing"]

Names = Mapping[tuple[str, ...], int]
"""Which term a name means, by the name's folded words."""
Index = Mapping[str, Sequence[tuple[int, Names]]]
"""The same under each name's first word, by how many words it has, the most first."""


@dataclass(frozen=True, slots=True)
class Cue:
    """What a sentence says of two terms, by their numbers.

    needs: `first` needs `second`. is-a, part-of: `first` is the special or the part. contrast: a comparison,
    either way round. recalls and passing say something of `second` alone, and `first` is -1: the section takes
    it as known, or names it as an example, a use or for comparison. `sentence` is the place in
    `Section.sentences`, -1 for a heading.
    """

    kind: CueKind
    first: int
    second: int
    section: int
    sentence: int


# The patterns run over sentences in which every named concept stands as §number, words are folded and clauses
# are kept apart by commas. A gap never runs over another concept or a negation; and the words that may stand
# right before a concept belong to it: after a preposition it would be another noun's.
_TERM = r"§(\d+)"
_GAP = r"(?: (?!(?:not|no|never|without|unlike|instead|than|except)\b)[^ ,§]+){0,6}?"
_NEAR = r"(?: (?!(?:of|in|for|to|that|which|who|with|by|from|and|or|on|as|at|not|no|if|when)\b)[^ ,§]+){0,3}?"
_IS = r"(?:is|are|was|were)"
_END = r"(?=$| ,| (?:that|which|who|whose|where|with|in|for|of|on|to|by|and|when|used|using|based|designed|from|as)\b)"
_KIND = r"(?:kind|type|form|sort|variant|variation|version|class|family|member|special case|instance)s?"
_PART = r"(?:part|component|element|ingredient|building block|layer|module|mechanism|step|stage)s?"
_BUILT_ON = (
    r"(?:(?:build|built|building|rest|base|based|rely|relying|depend|depending)(?: up)? ?on|derived? from|extend"
    r"|generali[sz]e?|use|using|employ|leverage|require|requiring|need|assume|combine|combining"
    rf"|{_IS}(?: an?| the)?(?: \w+)? (?:extension|generali[sz]ation|modification|combination|composition|product|sum"
    r"|ensemble|sequence|application) of)"
)
_VERSUS = (
    r"(?:unlike|in contrast (?:to|with)|contrary to|a?s? ?opposed to|compared (?:to|with)|in comparison (?:to|with))"
)

_COMPARING = "unlike contrast contrary opposed compared comparison"
# Each with whether its second concept comes first, and words, folded, of which a line must hold one to be worth a look.
_PATTERNS: tuple[tuple[CueKind, bool, str, str], ...] = (
    (
        "needs",
        False,
        "build built building rest base based rely relying depend depending derive derived extend generalize generalise"
        " use using employ leverage require requiring need assume combine combining extension generalization"
        " generalisation modification combination composition product sum ensemble sequence application",
        rf"{_TERM}{_GAP}(?: ,)?(?: that| which)?(?: is| are)? {_BUILT_ON}{_NEAR} {_TERM}",
    ),
    (
        "needs",
        False,
        "understand learn study read reading derive define introduce",
        rf"\b(?:understand|learn|study|read|reading|derive|define|introduce)(?: about)? {_TERM}{_GAP}(?: ,)?"
        rf" (?:we|you|one)(?: first| will)? (?:need|must|should|have to|require|recall){_GAP} {_TERM}",
    ),
    (
        "needs",
        True,
        "prerequisite prerequisites basis foundation foundations",
        rf"{_TERM} {_IS}{_NEAR} (?:prerequisite|basis|foundation)s? (?:for|of){_NEAR} {_TERM}",
    ),
    (
        "is-a",
        False,
        "kind kinds type types form forms sort sorts variant variants variation variations version versions class"
        " classes family member members case cases instance instances",
        rf"{_TERM} {_IS}(?: also| simply| just| an?| the| one| of)*{_NEAR} {_KIND} of{_NEAR} {_TERM}",
    ),
    ("is-a", False, "a an one", rf"{_TERM} {_IS} (?:an?|one of the){_NEAR} {_TERM}{_END}"),
    ("is-a", True, "such", rf"{_TERM} such as(?: the)? {_TERM}"),
    ("is-a", False, "other", rf"{_TERM} and other {_TERM}"),
    (
        "part-of",
        True,
        "consist made composed comprise comprize contain",
        rf"{_TERM}{_NEAR} (?:consist of|{_IS} (?:composed|made(?: up)?) of|compri[sz]e|contain){_NEAR} {_TERM}",
    ),
    (
        "part-of",
        False,
        "part parts component components element elements ingredient ingredients block blocks layer layers module"
        " modules mechanism mechanisms step steps stage stages",
        rf"{_TERM} {_IS}{_NEAR} {_PART} (?:of|in){_NEAR} {_TERM}",
    ),
    ("contrast", False, _COMPARING, rf"\b{_VERSUS}{_NEAR} {_TERM}{_GAP}(?: ,)?{_GAP} {_TERM}"),
    ("contrast", False, _COMPARING, rf"{_TERM}{_GAP}(?: ,)? {_VERSUS}{_NEAR} {_TERM}"),
    (
        "contrast",
        False,
        "difference differences distinction distinctions comparison comparisons contrast contrasts",
        rf"\b(?:difference|distinction|comparison|contrast)s? (?:between|of){_NEAR} {_TERM} (?:and|from|to){_NEAR}"
        rf" {_TERM}",
    ),
    # What is plotted against an axis is not told apart from it.
    (
        "contrast",
        False,
        "vs versus differ",
        rf"^(?!.*\b(?:plot|curve|graph|figure)\b).*?{_TERM} (?:vs|versus|differ from)(?: the)? {_TERM}",
    ),
)
_COMPILED = tuple(
    (kind, swapped, frozenset(signs.split()), re.compile(pattern)) for kind, swapped, signs, pattern in _PATTERNS
)
_RECALLS = re.compile(
    r"(?:(?:^|\b(?:we|you|us) |, )(?:recall|remember)|\b(?:recall|remember) (?:that|how|from|when|what|why|our)"
    r"|\bas we (?:have )?(?:already )?(?:saw|seen|discussed|learned|studied|know)"
    r"|\bwe (?:have )?already (?:saw|seen|discussed|met|covered|introduced|know)"
    r"|\b(?:you|we|reader|student) (?:should|must)(?: already)? (?:know|understand|be familiar with)"
    r"|\bfamiliar(?:ity)? with|\bknowledge of|\bprerequisites?(?: for \w+)?"
    rf"|\bpreviously (?:seen|discussed|introduced)|\brefresher on"
    rf"|\bbefore (?:reading|studying|starting){_GAP}(?: ,)? (?:read|review|study)"
    rf"|\bbackground (?:in|on)){_GAP}(?: ,)? {_TERM}"
)
_RECALL_SIGNS = frozenset(
    """recall remember already saw seen discussed learned studied know should must familiar familiarity knowledge
    prerequisite prerequisites previously refresher before background""".split()
)
_PASSING = re.compile(
    rf"\b(?:{_VERSUS}|vs|versus|e g|such as|for example|for instance|similar to|alternative to|instead of"
    r"|application (?:to|in|of|such as|include)"
    r"|(?:used|useful|applied|employed|applicable|popular) (?:in|for|to|by|with)"
    rf"|(?:later|next|below|will) (?:see|discuss|cover|introduce|meet|study)){_GAP}(?: ,)? {_TERM}"
)
_PASSING_SIGNS = frozenset(
    f"""{_COMPARING} vs versus e such example instance similar alternative instead application used useful applied
    employed applicable popular later next below will""".split()
)
_MORE = re.compile(rf"(?: ,)?(?: and| or)?(?: the| an?)? {_TERM}")
# Over words as `Wording` folds them, which leaves verbs as they are: most sentences hold none, and need no marking.
_CUE_WORDS = frozenset(
    """build builds built building base based rely relies relying depend depends depending derived derives
    extend extends generalize generalizes generalise generalises use uses using employ employs leverage
    leverages require requires requiring need needs assume assumes combine combines combining extension
    generalization generalisation modification combination composition product sum ensemble sequence
    application understand learn study prerequisite prerequisites basis foundation foundations kind kinds
    type types form forms sort variant variants variation version class family member instance such other
    consist consists composed made comprise comprize comprises contain contains part parts component components
    element elements ingredient ingredients layer layers module modules mechanism step steps stage stages
    unlike contrast contrary opposed compared comparison difference differences distinction vs versus differ
    differs""".split()
)
_LONE_WORDS = frozenset(
    """recall remember seen saw discussed already familiar familiarity knowledge prerequisite prerequisites
    previously before refresher background should must unlike contrast contrary opposed compared vs versus
    such instance alternative instead application applications applied applicable later""".split()
)
_SAYS_IS = re.compile(r" (?:is|are|was|were) (?:an? |one of )")
_FORMULA = re.compile(r"\${1,2}[^$]*\${1,2}")
_CLAUSE = re.compile(r"[,;:()\[\]!?]+|\s[-–—]+\s|—")
_LONGEST_NAME = 200
_LONGEST_SENTENCE = 2000
"""No name and no sentence goes on for more characters; what does is data."""


def lexicon(terms: Iterable[Term]) -> dict[tuple[str, ...], int]:
    """What every name of the terms means; a name that two terms share is the first one's."""
    known: dict[tuple[str, ...], int] = {}
    for term in terms:
        for name in (term.title, *term.aliases):
            words = tokens(name[:_LONGEST_NAME])
            if sum(map(len, words)) > 1:  # one letter names nothing for sure
                known.setdefault(words, term.number)
    return known


def by_first_word(names: Names) -> Index:
    """Names as they are looked up while reading."""
    index: dict[str, dict[int, dict[tuple[str, ...], int]]] = {}
    for words, term in names.items():
        index.setdefault(words[0], {}).setdefault(len(words), {})[words] = term
    return {first: sorted(by_length.items(), reverse=True) for first, by_length in index.items()}


def read_cues(corpus: Corpus, mentions: Iterable[Mention], names: Names, worded: Worded | None = None) -> list[Cue]:
    """Every cue of the sentences that mention a term, and of the headings that mention two, in their order.

    `worded` is what `word_corpus` says of the corpus, where it was asked already.
    """
    mentioned: dict[tuple[int, int], set[int]] = {}
    for mention in mentions:
        mentioned.setdefault((mention.section, mention.sentence), set()).add(mention.term)
    index = by_first_word(names)
    found: list[Cue] = []
    for (number, place), terms in sorted(mentioned.items()):
        section = corpus.sections[number]
        text = plain(section.heading) if place < 0 else section.said[place]
        words = wording(text) if worded is None or place < 0 else worded[number][place]
        if _may_say(text, words, len(terms) > 1):
            line = mark(text[:_LONGEST_SENTENCE], index, terms)
            found += (Cue(kind, first, second, number, place) for kind, first, second in cues_of(line))
    return found


def _may_say(text: str, words: Wording, several: bool) -> bool:
    if several and (not _CUE_WORDS.isdisjoint(words.folded) or _SAYS_IS.search(text)):
        return True
    return not _LONE_WORDS.isdisjoint(words.folded)


def mark(text: str, names: Index, only: Collection[int] | None = None) -> str:
    """The folded words of a plain sentence, each known name as §number, longest first; clauses parted by commas."""
    out: list[str] = []
    for clause in _CLAUSE.split(_FORMULA.sub(" ", text) if "$" in text else text):
        if out and out[-1] != ",":
            out.append(",")
        words = tuple(chain.from_iterable(map(_folded, clause.split())))
        read = 0
        for place in [place for place, word in enumerate(words) if word in names]:
            for length, meant in names[words[place]] if place >= read else ():
                term = meant.get(words[place : place + length])
                if term is not None and (only is None or term in only):
                    out += (*words[read:place], f"§{term}")
                    read = place + length
                    break
        out += words[read:]
    return " ".join(out).strip(" ,")


@lru_cache(1 << 16)
def _folded(chunk: str) -> tuple[str, ...]:
    """Courses say the same words over and over."""
    return tokens(chunk)


def cues_of(line: str) -> Iterator[tuple[CueKind, int, int]]:
    """The cues of one marked sentence, as (kind, first, second)."""
    words = set(line.split())
    if line.count("§") > 1:
        for kind, swapped, signs, pattern in _COMPILED:
            if signs.isdisjoint(words):
                continue
            for match in pattern.finditer(line):
                first, others = int(match[1]), [int(match[2])]
                if swapped or kind == "needs":  # the second noun may begin a list: it consists of §1 , §2 and §3
                    others += _listed(line, match.end())
                yield from (
                    (kind, *((other, first) if swapped else (first, other))) for other in others if other != first
                )
    if not _RECALL_SIGNS.isdisjoint(words):
        yield from (("recalls", -1, int(match[1])) for match in _RECALLS.finditer(line))
    if not _PASSING_SIGNS.isdisjoint(words):
        yield from (("passing", -1, int(match[1])) for match in _PASSING.finditer(line))


def _listed(line: str, place: int) -> Iterator[int]:
    while more := _MORE.match(line, place):
        yield int(more[1])
        place = more.end()


def named(line: str) -> set[int]:
    """The terms of a marked sentence, but for those it names in passing: as an example, a use, for comparison."""
    passing = {second for kind, _, second in cues_of(line) if kind == "passing"}
    return {int(match[1]) for match in re.finditer(_TERM, line)} - passing
