"""Pure: whether a course uses a word as a noun, a verb or an adjective, judged by its neighbours and its ending.

No tagger and no dictionary: determiners come before nouns, "to" and "we" before verbs, "is" and "very" before
adjectives. Knows English, and no subject.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import compress

from retrieval.concepts.phrases import Worded
from retrieval.concepts.wording import BREAK, ends_phrase

# What a neighbour is: an article of one thing, another determiner, a preposition, what verbs follow, what adjectives
# follow, a break, any other word that ends a phrase; everything else can be part of a name.
_ARTICLE, _DETERMINER, _PREPOSITION, _VERBAL, _BEING, _BREAK, _OTHER, _WORD = "ADPVB.x "
_CLASSES: dict[str, str] = {BREAK: _BREAK}
for _class, _words in (
    (_ARTICLE, "a an"),
    (_DETERMINER, "the this that these those each every any some no its his her their our your my another both all"),
    (_PREPOSITION, "of in for with by via from on as into between through over under without about like per than"),
    (
        _VERBAL,
        "to we you i they he she it which who can will could would should must may might cannot not please let us has "
        "have had does did do",
    ),
    (_BEING, "is are was were be been being very more most less so too quite rather highly fully become becomes"),
):
    _CLASSES |= dict.fromkeys(_words.split(), _class)

_NOUNS = re.compile(
    r"\w{2,}(?:tion|sion|ment|ness|ity|ance|ence|ism|ist|ship|logy|graphy|metry|ology|dom|hood|sis|ics|um|us|oid|gram"
    r"|scope|meter|cy|tude|ry)"
)
_OTHERS = re.compile(r"\w{2,}(?:ed|able|ible|ous|ful|less|ish|ize|ify|ular|izes|ifies|ates|iate|ulate|inate)")
_HALF = re.compile(r"\w{2,}(?:ing|ive|ic|al|ant|ent|ate|ward|wise)")
_PRIOR = 1.5
"""How many sightings the ending of a word counts as."""


@dataclass(slots=True)
class Roles:
    """How often a word was seen as each; `modifies` is before another word of a name, `attributive` the same
    after a determiner, `article` as a noun after "a"."""

    noun: float = 0.0
    verb: float = 0.0
    adjective: float = 0.0
    modifies: float = 0.0
    attributive: float = 0.0
    article: float = 0.0


@dataclass(frozen=True, slots=True)
class Usage:
    """The roles of every word of the prose, by folded word."""

    roles: Mapping[str, Roles]

    def of(self, word: str) -> Roles:
        """The roles of a word, none where it never occurs."""
        return self.roles.get(word, _UNSEEN)

    def noun(self, word: str) -> float:
        """How likely a word is a noun where a name ends with it, from 0 to 1."""
        seen = self.of(word)
        total = seen.noun + seen.verb + seen.adjective
        return (seen.noun + _PRIOR * _prior(word)) / (total + _PRIOR)

    def verb(self, word: str) -> float:
        """How much of what is known of a word says that it is a verb, from 0 to 1."""
        seen = self.of(word)
        total = seen.noun + seen.verb + seen.adjective + seen.modifies
        return seen.verb / (total + _PRIOR)


_UNSEEN = Roles()


def is_abstract(word: str) -> bool:
    """Whether a word is a noun for no thing that one can touch, by its ending: quantization, fairness."""
    return _NOUNS.fullmatch(word) is not None


def is_inflected(word: str) -> bool:
    """Whether a word has the ending of a verb's form or of an adjective: converged, abstracting, scalable."""
    return _OTHERS.fullmatch(word) is not None or _HALF.fullmatch(word) is not None


def _prior(word: str) -> float:
    if is_abstract(word):
        return 0.9
    if _OTHERS.fullmatch(word):
        return 0.1
    return 0.3 if _HALF.fullmatch(word) else 0.6


def read_usage(worded: Worded) -> Usage:
    """Look at every word between its neighbours."""
    class_of = _Classes(_CLASSES).__getitem__
    seen: Counter[tuple[str, str, str]] = Counter()
    for section in worded:
        for sentence in section:
            words = sentence.folded
            row = "".join(map(class_of, words))
            # Half of all words have no role of their own, and are dropped before they are counted.
            around = zip(_BREAK + row, words, row[1:] + _BREAK, strict=False)
            seen.update(compress(around, map(_WORD.__eq__, row)))
    roles: dict[str, Roles] = {}
    for (before, word, after), count in seen.items():
        _note(roles.setdefault(word, Roles()), word, before, after, count)
    return Usage(roles)


class _Classes(dict[str, str]):
    """The class of each word, found out when it is first asked for."""

    def __missing__(self, word: str) -> str:
        found = self[word] = _OTHER if ends_phrase(word) else _WORD
        return found


def _note(roles: Roles, word: str, before: str, after: str, count: int) -> None:
    if before == _VERBAL or (after in (_ARTICLE, _DETERMINER) and before not in (_ARTICLE, _DETERMINER)):
        roles.verb += count
    elif after == _WORD:
        roles.modifies += count
        roles.attributive += count * (before in (_ARTICLE, _DETERMINER))
    elif before in (_ARTICLE, _DETERMINER, _PREPOSITION):
        roles.noun += count
        roles.article += count * (before == _ARTICLE)
    elif before == _BEING:
        roles.adjective += count
    elif before == _WORD:  # the end of a longer name, or its verb
        roles.noun += 0.3 * count
    elif before == _BREAK and after == _BEING:
        roles.noun += 0.8 * count
    elif before == _OTHER and word.endswith("ing"):  # avoid overfitting
        roles.noun += 0.6 * count
    else:
        roles.noun += 0.25 * count
