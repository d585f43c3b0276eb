"""Pure: from what somebody calls a concept to the concept, to a choice of several, or to what it is not.

The one table of names that questions, the console, autocompletion and staff commands share. Knows no cards.
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from retrieval.cards import ConceptName
from retrieval.concepts.name_finder import How, NamedConcept, NameFinder, joins, pieces
from retrieval.concepts.name_guess import NameGuess
from retrieval.question import clean, own_words

__all__ = ["How", "Lookup", "Match", "NameTable", "NamedConcept", "Nearest"]

Match = Literal["exact", "alias", "inflection", "typo", "nearest", "ambiguous", "none"]

Nearest = Callable[[str], Sequence[tuple[str, float]]]
"""From a text to the ids of the concepts nearest in meaning with their cosines, best first."""

MOST_CHOICES = 25
"""What chat platforms list at most."""

LEAST_COSINE = 0.6
"""Fits all-MiniLM-L6-v2 and titles; models differ in how near they put strangers."""
_LONGEST = 1000
_SUGGESTIONS = 5
# What stands around a name in a question, beyond words without a meaning of their own.
_FRAME = frozenset(
    """concept define defined definition describe description does explained explanation idea mean meaning means
    stand stands term topic work works word""".split()
)


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a name turned out to be.

    `id` is None where `match` is ambiguous or none. `inflection` is another form of a name, also a shortened
    one. `choices` are what an ambiguous name may mean, the most central first; what is like an unknown one; or
    what else is near where the nearest was taken.
    """

    match: Match
    id: str | None = None
    choices: tuple[ConceptName, ...] = ()


class NameTable:
    """The names of one version of a course's graph."""

    def __init__(self, names: Sequence[ConceptName]) -> None:
        self._names = names
        self._ids = {name.id: place for place, name in enumerate(names)}
        self._finder = NameFinder(names)
        self._guess = NameGuess(names, self._finder)

    def find(self, question: str) -> tuple[NamedConcept, ...]:
        """The concepts that a question names, each once, in order of appearance; the longest name wins."""
        return self._finder.find(question)

    def complete(self, prefix: str, limit: int = MOST_CHOICES) -> tuple[ConceptName, ...]:
        """What somebody may be typing; the most central concepts before they have typed anything."""
        return self._chosen(self._guess.complete(prefix[:_LONGEST], limit), limit)

    def resolve(self, name: str, nearest: Nearest | None = None, least: float = LEAST_COSINE) -> Lookup:
        """Which concept is called so.

        Tried in this order: a title, an alias, another form of either, one that holds these words, a typo, a
        beginning, what a whole question names, and, down to the cosine `least`, what is nearest in meaning.
        """
        said = _typed(name)
        if not said:
            return Lookup("none")
        subject = _subject(clean(said)) or said
        found = (
            self._called(said)
            or self._called(subject)
            or self._holding(subject)
            or self._misspelt(subject)
            or self._one_of(self._guess.beginning(subject), "inflection")
            or self._in_sentence(subject)
        )
        return found or self._near(subject, list(nearest(subject)) if nearest else [], least)

    def _called(self, said: str) -> Lookup | None:
        words = pieces(said)
        names = [name for name in self._finder.by_key.get("".join(words), ()) if joins(name.pieces, words)]
        best = self._finder.nearest(names, said)
        if len(best) == 1:
            return Lookup(best[0][1], self._names[best[0][0]].id)
        if said in self._ids:  # so that a choice can be made by its id
            return Lookup("exact", said)
        return self._one_of([place for place, _ in best], "inflection")

    def _holding(self, said: str) -> Lookup | None:
        found = self._guess.containing(said)
        return self._one_of(found, "inflection") if len(found) > 1 or len(own_words(said)) > 1 else None

    def _misspelt(self, said: str) -> Lookup | None:
        if found := self._one_of(self._guess.misspelt(said), "typo"):
            return found
        repaired = self._guess.repaired(said)
        meant = (self._called(repaired) or self._holding(repaired)) if repaired else None
        return Lookup("typo", meant.id) if meant and meant.id else meant

    def _in_sentence(self, said: str) -> Lookup | None:
        """Within a mere name, another name is another concept: a graph attention network is no attention."""
        if len(own_words(said)) == len(pieces(said)):
            return None
        found = self._finder.find(said)
        if len(found) == 1:
            return Lookup(found[0].how, found[0].id)
        return self._one_of([self._ids[named.id] for named in found], "inflection")

    def _near(self, said: str, scored: Sequence[tuple[str, float]], least: float) -> Lookup:
        known = [(self._ids[id_], cosine) for id_, cosine in scored if id_ in self._ids]
        near = [place for place, cosine in known if cosine >= least]
        if near:
            return Lookup("nearest", self._names[near[0]].id, self._chosen(near[1:], _SUGGESTIONS))
        similar = self._guess.similar(said, _SUGGESTIONS)
        return Lookup("none", None, self._chosen([*similar, *(place for place, _ in known)], _SUGGESTIONS))

    def _one_of(self, found: Sequence[int], match: Match) -> Lookup | None:
        if len(found) == 1:
            return Lookup(match, self._names[found[0]].id)
        return Lookup("ambiguous", None, self._chosen(found, MOST_CHOICES)) if found else None

    def _chosen(self, places: Iterable[int], limit: int) -> tuple[ConceptName, ...]:
        return tuple(self._names[place] for place in list(dict.fromkeys(places))[:limit])


def _typed(name: str) -> str:
    """What was typed, without what cannot be seen; empty where it is no name."""
    if len(name) > _LONGEST:
        return ""
    spaced = "".join(" " if char.isspace() else char for char in name)
    seen = "".join(char for char in spaced if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return " ".join(seen.split()) if any(char.isalnum() for char in seen) else ""


def _subject(question: str) -> str:
    """What stands between the words of asking: "what is the elbo?" asks for elbo."""
    words = question.strip(" ?!.,:;\"'“”‘’").split()
    while words and _asks(words[0]):
        words.pop(0)
    while words and _asks(words[-1]):
        words.pop()
    return " ".join(words)


def _asks(word: str) -> bool:
    return not own_words(word) or word.lower().strip("?!.,:;") in _FRAME
