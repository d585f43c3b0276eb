"""Pure: which concepts a question names. Words are compared as `retrieval.concepts.names` folds them, whatever
joins them; the longest name wins. Knows neither cards nor prerequisites.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple

from retrieval.cards import ConceptName
from retrieval.concepts.names import is_acronym, tokens
from retrieval.question import own_words
from retrieval.vocabulary import rarity

How = Literal["exact", "alias", "inflection"]
"""By the title as it is written (case aside), by an alias as it is written, or by another form of either."""

LONGEST_NAME = 120
"""Characters; what is longer is no name that anybody says."""

_MOST_PIECES = 12
_SHARED = 3
_HEAD = 4
_ENGLISH = 3.5
_EVERYDAY = 5.4
GENERAL = frozenset(
    """algorithm analysis application approach case class code concept course data definition difference equation
    error example exercise experiment fact feature figure form formula function idea input lecture level list map
    mean measure method model name number object operation output parameter part problem procedure process program
    proof property question range rate result rule section set size solution source space state step structure study
    subject system table task technique term test text theory time tool topic type unit value variable way word
    work""".split()
)
"""A name of one such word says too little: nearly every question of any course holds one."""

# Words that are joined or split in another way than in the name must not be these: "the rapist" is no therapist.
_NO_PART = frozenset("a an and as at be by do for from i if in is it no not of on or so the to up us we with".split())

# `A*` and `C++` are other names than A and C. A combining accent belongs to its letter.
_PIECE = re.compile(
    r"(?<![\w*])(?:[a-z]\*(?![\w*])|[a-z]-star\b|[a-z]\#(?![\w\#]))"
    r"|(?:[^\W_][\u0300-\u036f]*)+(?:['’](?!s\b)[a-z]{1,2}\b)?(?:\+\+(?![\w+]))?",
    re.IGNORECASE,
)
_HYPHENS = ("-", "‐", "‑")
_MARKS = {"*": "star", "#": "sharp", "+": "plusplus"}
_GREEK = dict(
    zip(
        "αβγδεϵζηθϑικλμνξοπρσςτυφϕχψω",
        """alpha beta gamma delta epsilon epsilon zeta eta theta theta iota kappa lambda mu nu xi omicron pi rho sigma
        sigma tau upsilon phi phi chi psi omega""".split(),
        strict=True,
    )
)


class NamedConcept(NamedTuple):
    """A concept named in a text, and where: `text[span[0]:span[1]]`."""

    id: str
    how: How
    span: tuple[int, int]


class Name(NamedTuple):
    """One name of a concept, which is given by its place in the table. `pieces` are its folded words."""

    concept: int
    is_title: bool
    written: str
    pieces: tuple[str, ...]


def written(name: str) -> str:
    """A name as it is compared where its spelling counts: without case and superfluous space."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def pieces(name: str) -> tuple[str, ...]:
    """The folded words of a name, an article before it left out; empty where it has neither letter nor digit."""
    found = tuple(piece_key(match.group()) for match in _PIECE.finditer(name))
    if len(found) > 1 and found[0] in ("a", "an", "the") and name.lstrip()[len(found[0]) :][:1].isspace():
        return found[1:]
    return found


def piece_key(piece: str) -> str:
    """One written word, folded. The words of camel case are one."""
    return _known_key(piece) if len(piece) <= 40 else _key(piece)


def _key(piece: str) -> str:
    if piece[-1] in _MARKS:
        return _key(piece.rstrip("*#+")) + _MARKS[piece[-1]]
    if len(piece) == 1:
        return _GREEK.get(piece.lower()) or _folded(piece)
    # ReLUs and GPUs end like a Latin singular.
    return _folded(piece[:-1] if piece[-1] == "s" and is_acronym(piece[:-1]) else piece)


def _folded(piece: str) -> str:
    # Something stands before it lest a lone "a" be taken for an article.
    return "".join(tokens(f"0 {piece}")[1:])


_known_key = lru_cache(maxsize=50_000)(_key)


class NameFinder:
    """Finds the names of one alias table in texts, in time linear in the text."""

    def __init__(self, concepts: Sequence[ConceptName]) -> None:
        self._concepts = concepts
        self.names: list[Name] = []
        """All names that are read: with a letter or digit, and not longer than `LONGEST_NAME`."""
        self.by_key: dict[str, list[Name]] = {}
        """The names by their joined pieces."""
        for place, concept in enumerate(concepts):
            for nth, name in enumerate((concept.title, *concept.aliases)):
                if len(name) <= LONGEST_NAME and (found := pieces(name)):
                    self.names.append(Name(place, nth == 0, name, found))
                    self.by_key.setdefault("".join(found), []).append(self.names[-1])
        self._longest = max((len(key) for key in self.by_key), default=0)
        self._heads = {key[:_HEAD] for key in self.by_key}

    def find(self, text: str) -> tuple[NamedConcept, ...]:
        """The concepts that are named in a text, each once, in order of appearance.

        Of a name that several share, the three most central.
        """
        spans = [match.span() for match in _PIECE.finditer(text)]
        keys = [piece_key(text[start:end]) for start, end in spans]
        meant = _Meaning(text, len(keys))
        found: dict[str, NamedConcept] = {}
        place = 0
        while place < len(keys):
            names, end = self._longest_name(keys, place)
            span = (spans[place][0], spans[end - 1][1])
            said = text[span[0] : span[1]]
            if place and names and _turns(keys[place - 1], text[spans[place - 1][1] : span[0]]):
                names = []
            if end - place == 1 and names:
                names = [name for name in names if meant.by(said, name)]
            if names:
                for concept, how in self.nearest(names, said)[:_SHARED]:
                    id_ = self._concepts[concept].id
                    found.setdefault(id_, NamedConcept(id_, how, span))
            place = end
        return tuple(found.values())

    def _longest_name(self, keys: Sequence[str], place: int) -> tuple[list[Name], int]:
        """The longest names that begin at a place and where they end; none end after one word."""
        joined, names, best = "", list[Name](), place + 1
        for end in range(place + 1, min(place + _MOST_PIECES, len(keys)) + 1):
            joined += keys[end - 1]
            if len(joined) > self._longest or (len(joined) >= _HEAD and joined[:_HEAD] not in self._heads):
                break
            if (there := self.by_key.get(joined)) and (fit := [n for n in there if joins(n.pieces, keys[place:end])]):
                names, best = fit, end
        return names, best

    def nearest(self, names: Iterable[Name], said: str) -> list[tuple[int, How]]:
        """Of the concepts with these names, those whose names come nearest to what was said, most central first.

        A title as it is written goes before an alias, and that before another form of either.
        """
        plain = written(said)
        ranks: dict[int, tuple[int, How]] = {}
        for name in names:
            rank: tuple[int, How] = (3, "inflection")
            if written(name.written) == plain:
                rank = (1, "exact") if name.is_title else (2, "alias")
                if name.written == said and is_acronym(said):
                    rank = (0, rank[1])  # where a course has both, CLIP is no clip
            ranks[name.concept] = min(rank, ranks.get(name.concept, rank))
        best = min((rank for rank, _ in ranks.values()), default=0)
        order = sorted(ranks, key=lambda place: (-self._concepts[place].weight, self._concepts[place].id))
        return [(place, ranks[place][1]) for place in order if ranks[place][0] == best]


class _Meaning:
    """Whether one word of a text is meant as a name; what that takes is looked at when it is first asked."""

    def __init__(self, text: str, size: int) -> None:
        self._text, self._size = text, size

    @cached_property
    def _asked(self) -> set[str]:
        return set(own_words(self._text))

    @cached_property
    def _shouted(self) -> bool:
        return self._text.isupper()

    def by(self, said: str, name: Name) -> bool:
        """IT is no "it", and "model" no subject, unless there is nothing else in the question."""
        key = "".join(name.pieces)
        zipf = 6.0 - rarity(key)
        if is_acronym(name.written):
            plain = zipf < _ENGLISH or (is_acronym(said) and not self._shouted)
        else:
            plain = zipf < _EVERYDAY and key not in GENERAL
        return plain or self._size == 1 or self._asked == {said.lower()}


def _turns(before: str, between: str) -> bool:
    """Whether a hyphened beginning makes another thing of what follows: R-CNN, non-linear regression."""
    return between in _HYPHENS and (len(before) == 1 or before == "non")


def joins(named: tuple[str, ...], said: Sequence[str]) -> bool:
    """Whether two lists of words with the same letters are one name, however its parts are joined."""
    said = tuple(said)
    return named == said or not (_NO_PART.intersection(named) or _NO_PART.intersection(said))
