"""The nouns of concept lookup: a ready card per concept, and the names that lead to it. No logic but JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Protocol


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
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, data: str | bytes) -> "Card":
        """Raises ValueError where this is no card of this version."""
        try:
            parts = json.loads(data)
            return cls(
                **{
                    **_tuples(cls, parts),
                    "prerequisites": tuple(Neighbour(**_tuples(Neighbour, part)) for part in parts["prerequisites"]),
                    "leads_to": tuple(Neighbour(**_tuples(Neighbour, part)) for part in parts["leads_to"]),
                    "related": tuple(Neighbour(**_tuples(Neighbour, part)) for part in parts["related"]),
                    "examples": tuple(CardExample(**part) for part in parts["examples"]),
                    "resources": tuple(CardResource(**_tuples(CardResource, part)) for part in parts["resources"]),
                }
            )
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


def _tuples(noun: type[Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    known = {field.name for field in fields(noun)}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in parts.items() if name in known}
