"""Pure: how sure retrieval is that the passages it found answer the question.

A best score alone does not tell: a near miss ("how does alpha-beta pruning work?" in a course that never
explains it) scores like a badly worded question that the course does answer. What tells them apart is
whether the question's special words are covered where the search landed, and explained there rather than
named in passing. The weights were fitted with `tests/calibrate.py`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass

from retrieval.ports import Arms
from retrieval.query import Query, distinct
from retrieval.vocabulary import Vocabulary
from retrieval.words import acronyms

MEASURED = 3
"""How many passages the signals are taken from."""

_BRIEF_CHARACTERS = 1500
_EXPLAINED = 5
"""A term that occurs so often in a passage is explained there; fewer occurrences count in proportion."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What the confidence is computed from; shares lie between 0 and 1.

    `cosine`: the best cosine in standard deviations above unrelated text (0 without a dense arm).
    `lexical`: the best BM25 score over the idf of an unknown term; `length`: log of the number of terms.
    `covered`: share of the question's rarity that the best passage holds.
    `explained`: how much the three rarest terms are dwelt on in the best three passages.
    `unknown`: rarity that no passage of the course covers, per term.
    """

    cosine: float
    lexical: float
    length: float
    covered: float
    explained: float
    unknown: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic regression over the signals, in their order, and where to abstain."""

    weights: tuple[float, ...]
    bias: float
    threshold: float = 0.5

    def probability(self, signals: Signals) -> float:
        """Between 0 and 1."""
        score = self.bias + sum(w * s for w, s in zip(self.weights, astuple(signals), strict=True))
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, score))))


# Thresholds are ours to choose: hybrid between what the tool prints for 1.5 % and for 3 % of course questions refused,
# lexical at 3 %, since at less it would answer most questions that the course does not.
HYBRID = Calibration((0.537, 0.33, 0.628, 2.153, 1.425, -0.95), -7.305, 0.25)
LEXICAL = Calibration((0.0, 0.473, 0.856, 3.209, 1.707, -1.009), -4.789, 0.21)


def measure(
    query: Query,
    arms: Arms,
    found: Sequence[Mapping[int, int]],
    vocabulary: Vocabulary,
    background: tuple[float, float],
) -> Signals:
    """Take the signals of one search.

    `found` says how often terms occur in the best `MEASURED` passages, best first; `background` is mean and
    deviation of unrelated cosines.
    """
    terms = distinct(query.terms)
    best = found[0] if found else {}
    rarest = sorted(terms, key=lambda term: (-term.rarity, term.term))[:3]

    def dwelt(term: int) -> float:
        often = max((place.get(term, 0) for place in found), default=0)
        return min(often, _EXPLAINED) / _EXPLAINED

    mean, deviation = background
    return Signals(
        cosine=(arms.dense[0].score - mean) / deviation if arms.dense else 0.0,
        lexical=(arms.lexical[0].score if arms.lexical else 0.0) / vocabulary.highest_idf,
        length=math.log1p(len(terms)),
        covered=sum(term.rarity for term in terms if term.term in best) / (sum(t.rarity for t in terms) or 1.0),
        explained=sum(dwelt(term.term) for term in rarest) / max(len(rarest), 1),
        unknown=sum(term.rarity for term in terms if not term.known) / max(len(terms), 1),
    )


def is_brief(
    query: Query, texts: Sequence[str], pages: Sequence[int], counts: Callable[[str], Mapping[int, int]]
) -> bool:
    """Whether the course says only a few lines about the question's subject.

    The subject is the rarest of the question's words that the course knows. It is treated briefly when all
    found texts that name it stand on one page and hold little together.
    """
    known = [term for term in query.terms if term.known]
    if not known:
        return False
    subject = max(known, key=lambda term: (term.rarity, -term.term)).term
    naming = [index for index, text in enumerate(texts) if subject in counts(f"{text} {acronyms(text)}")]
    return (
        bool(naming)
        and len({pages[index] for index in naming}) == 1
        and sum(len(texts[index]) for index in naming) <= _BRIEF_CHARACTERS
    )
