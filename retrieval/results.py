"""The nouns of a search: what is asked of it, and what it found. No logic here."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from retrieval.cards import Neighbour
from retrieval.concepts.guidance import QuestionConcept
from retrieval.confidence import Signals
from retrieval.passage import Passage
from retrieval.quotes import Quote


@dataclass(frozen=True, slots=True)
class Options:
    """Knobs of one search. Neighbours are joined while all texts together have at most `context_tokens`."""

    passages: int = 5
    prerequisite_depth: int = 2
    max_concepts: int = 10
    graph: bool = True
    context_tokens: int = 3000


@dataclass(frozen=True, slots=True)
class Found:
    """A passage at its rank, from 1. `text` is the passage joined with its neighbours."""

    rank: int
    score: float
    passage: Passage
    text: str


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What a search found. `passages` are listed even when it is better to abstain.

    `concepts` are what the question is about, `prerequisites` what one needs to know first, in learning
    order, and `groundwork` the best passages on these that are not among `passages`; their ranks go on.
    `ms` holds milliseconds for embed, search, graph and total.
    """

    passages: tuple[Found, ...]
    confidence: float
    abstain: bool
    signals: Signals | None = None
    concepts: tuple[QuestionConcept, ...] = ()
    prerequisites: tuple[Neighbour, ...] = ()
    groundwork: tuple[Found, ...] = ()
    ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def material(self) -> tuple[Found, ...]:
        """All that an explanation may stand on: the passages, then the groundwork."""
        return (*self.passages, *self.groundwork)


@dataclass(frozen=True, slots=True)
class Quotable:
    """What answers a question word for word. `Quote.index` counts in `passages`, from 0.

    `brief` when these passages are all that the course says on the subject, and that is little.
    """

    passages: tuple[Found, ...]
    quotes: tuple[Quote, ...]
    brief: bool
