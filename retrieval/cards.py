"""The nouns of concept lookup: a ready card per concept, and the names that lead to it. No logic but JSON."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol, TypeVar


@dataclass(frozen=True, slots=True)
class ConceptName:
    """One row of the alias table: a concept's title, its other names and how central it is (0 to 1)."""

    id: str
    title: str
    aliases: tuple[str, ...] = ()
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another concept on a card. `url` is its best resource, empty where it has none.

    `depth` counts prerequisite steps from 1, 0 for other relations; `kind` is empty for prerequisites and
    what a concept leads to, else sibling, contrast, is-a, part-of, or seen from the other end `kinds`
    (things that are one) and `parts` (things it has). `passages` are the best passages that explain it.
    """

    id: str
    title: str
    url: str = ""
    depth: int = 0
    kind: str = ""
    passages: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CardResource:
    """A place that teaches the concept; fields as in `retrieval.graph.Resource`."""

    type: str
    url: str
    title: str
    span: str = ""
    minutes: float = 1.0
    passages: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CardExample:
    """A worked snippet and where it stands."""

    code: str
    url: str


@dataclass(frozen=True, slots=True)
class Card:
    """All that is shown of a concept.

    `definition_url` is where the definition stands. `prerequisites` are in learning order, what comes first
    first, down to the greatest depth; a reader leaves out what is deeper than it wants. `resources` and
    `examples` come best first.
    """

    id: str
    title: str
    aliases: tuple[str, ...] = ()
    definition: str = ""
    definition_url: str = ""
    difficulty: int = 1
    prerequisites: tuple[Neighbour, ...] = ()
    leads_to: tuple[Neighbour, ...] = ()
    related: tuple[Neighbour, ...] = ()
    examples: tuple[CardExample, ...] = ()
    resources: tuple[CardResource, ...] = ()

    def to_json(self) -> str:
        """For the cache."""
        return json.dumps(self, default=_plain, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, data: str | bytes) -> "Card":
        """Raises ValueError where this is no card of this version."""
        try:
            parts = json.loads(data)
            return _read(cls, parts | {name: [_read(noun, part) for part in parts[name]] for name, noun in _INNER})
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no card: {error}") from error


class Deck(Protocol):
    """Every card of one version of a course's graph, made when it is asked for."""

    def names(self) -> tuple[ConceptName, ...]:
        """The alias table, by id."""
        ...

    def card(self, id_: str) -> Card | None:
        """None where there is no such concept."""
        ...


_Noun = TypeVar("_Noun", Card, Neighbour, CardExample, CardResource)

_FIELDS: Mapping[type[object], tuple[str, ...]] = {
    noun: tuple(field.name for field in fields(noun)) for noun in (Card, Neighbour, CardExample, CardResource)
}
_INNER: tuple[tuple[str, type[Any]], ...] = (
    ("prerequisites", Neighbour),
    ("leads_to", Neighbour),
    ("related", Neighbour),
    ("examples", CardExample),
    ("resources", CardResource),
)


def _read(noun: type[_Noun], parts: Mapping[str, Any]) -> _Noun:
    values: list[Any] = [parts[name] for name in _FIELDS[noun]]
    create: Callable[..., _Noun] = noun
    return create(*[tuple(value) if type(value) is list else value for value in values])


def _plain(value: object) -> dict[str, object]:
    if (names := _FIELDS.get(type(value))) is not None:
        return {name: getattr(value, name) for name in names}
    raise TypeError(f"{type(value).__name__} has no place on a card")
