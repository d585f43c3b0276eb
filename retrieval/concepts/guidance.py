"""Pure: what a question's concepts mean for its answer: which passages explain them, and what is needed first."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from retrieval.cards import Card, Neighbour
from retrieval.vocabulary import rarity
from retrieval.words import words

_EXPLAIN = re.compile(
    r"\b(?:explain|what(?:['’]s| is| are| was| does| do)|how (?:do|does|is|are|can)|why|understand|intuition|describe"
    r"|teach|introduc\w+|derive|meaning|difference|tell me about|confus\w+)\b",
    re.IGNORECASE,
)
_BY_RANK = (1.0, 0.7, 0.5, 0.35, 0.25)
_MOST_FIRST = 4
_FARTHER = 0.5
_ORDINARY, _SPECIAL = 1.0, 3.0
"""Rarities (see `retrieval.vocabulary`) of words that say nothing, and everything, of a subject."""


@dataclass(frozen=True, slots=True)
class QuestionConcept:
    """A concept that a question is about. `how` it was found: by an exact name, alias, inflection, or as nearest;
    `weight` is how much it counts, 1 for one that is named."""

    id: str
    title: str
    how: str
    weight: float = 1.0


def wants_explaining(question: str) -> bool:
    """Whether somebody wants to understand something, rather than to find or fix it."""
    return bool(_EXPLAIN.search(question))


def explaining(concepts: Iterable[QuestionConcept], cards: Mapping[str, Card]) -> dict[int, float]:
    """How much each passage explains of the concepts, from 0 to 1, by its id.

    Special names count more than everyday words, which a question may hold without being about them.
    """
    worth: dict[int, float] = {}
    for concept in concepts:
        card = cards.get(concept.id)
        special = _special(concept.title)
        for resource, rank in zip(card.resources if card else (), _BY_RANK, strict=False):
            for place, passage in enumerate(resource.passages):
                share = special * concept.weight * rank * (1.0 if place == 0 else _FARTHER)
                worth[passage] = max(worth.get(passage, 0.0), share)
    return worth


def within_depth(card: Card, depth: int) -> Card:
    """The card without prerequisites that are more than `depth` steps away."""
    return replace(card, prerequisites=tuple(one for one in card.prerequisites if one.depth <= depth))


def _special(title: str) -> float:
    """From 0, all of its words are among the most frequent of English, to 1, one of them is hardly ever used."""
    return min(1.0, max(0.0, max(map(rarity, words(title)), default=0.0) - _ORDINARY) / (_SPECIAL - _ORDINARY))


def needed_first(concepts: Sequence[QuestionConcept], cards: Mapping[str, Card], depth: int) -> tuple[Neighbour, ...]:
    """The prerequisites of what a question names, in learning order, at most four, nearest kept first.

    What the question names itself is not among them: whoever asks for it knows of it.
    """
    asked = {concept.id for concept in concepts}
    found: dict[str, Neighbour] = {}
    before: dict[str, set[str]] = {}
    for concept in concepts:
        card = cards.get(concept.id) if concept.how != "nearest" else None
        earlier: list[str] = []
        for neighbour in card.prerequisites if card else ():
            if neighbour.depth <= depth and neighbour.id not in asked and neighbour.url:
                found.setdefault(neighbour.id, neighbour)
                before.setdefault(neighbour.id, set()).update(earlier)
                earlier.append(neighbour.id)
    nearest = sorted(found.values(), key=lambda neighbour: neighbour.depth)[:_MOST_FIRST]
    kept = {neighbour.id for neighbour in nearest}
    ordered: list[Neighbour] = []
    left = [id_ for id_ in found if id_ in kept]
    while left:  # cards agree on the order, so there is always one that needs none of the others
        id_ = next((one for one in left if not before[one] & set(left)), left[0])
        left.remove(id_)
        ordered.append(found[id_])
    return tuple(ordered)
