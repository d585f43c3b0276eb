"""The nouns that pass between the steps of building a graph: cleaned concepts, and where they are mentioned."""

from dataclasses import dataclass

from retrieval.graph import Evidence


@dataclass(frozen=True, slots=True)
class Term:
    """A concept as extraction found it, cleaned and merged.

    `number` is its place in the list of terms. `taught` are the numbers of the sections that explain it,
    best first, with a share from 0 to 1 each; the first of them is where it is introduced best.
    `definition` is a plain sentence, empty if there is none. `weight` says how central it is, 0 to 1.
    A `subject` has a heading of its own or a definition; the rest is only spoken of.
    """

    number: int
    id: str
    title: str
    aliases: tuple[str, ...] = ()
    definition: str = ""
    defined: Evidence | None = None
    taught: tuple[tuple[int, float], ...] = ()
    weight: float = 0.0
    subject: bool = True


@dataclass(frozen=True, slots=True)
class Mention:
    """A term named in a section: `sentence` is the place in `Section.sentences`, -1 for title and headings.

    Longest match only: where "logistic regression" stands, "regression" is not mentioned.
    """

    term: int
    section: int
    sentence: int
