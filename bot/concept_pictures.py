"""Which picture of the concept graph is wanted, by the names that people use; drawing is in rendering."""

from typing import Literal

from bot.errors import EricaError
from bot.rendering.concept_reports import choices_text
from retrieval.concepts.catalog import Concepts
from retrieval.concepts.paths import LearningPath
from retrieval.concepts.views import along, neighbourhood, whole

_WHOLE_COURSE_PIXELS = 2400
_MOST_ON_THE_MAP = 150


class UnknownConcept(EricaError):
    """A name that leads to no concept, or to several."""

    code = "unknown_concept"


async def picture(
    concepts: Concepts,
    title: str,
    concept: str | None = None,
    way: LearningPath | None = None,
    theme: Literal["light", "dark"] = "light",
) -> bytes:
    """A PNG of a concept's neighbourhood, of a way, or of the whole course. Raises UnknownConcept, StoreError."""
    from bot.rendering.concept_map import draw  # matplotlib takes half a second to load

    graph = await concepts.graph()
    if concept is not None:
        return draw(neighbourhood(graph, known(concepts, concept)), theme)
    if way is not None:
        return draw(along(graph, [step.id for step in way.steps]), theme)
    return draw(whole(graph, _MOST_ON_THE_MAP, title), theme, _WHOLE_COURSE_PIXELS)


def known(concepts: Concepts, name: str) -> str:
    """The id of the concept that a name leads to. Raises UnknownConcept."""
    lookup = concepts.names.resolve(name)
    if lookup.id is None:
        told = " ".join(choices_text(lookup, name).plain.split())
        raise UnknownConcept(told, "Give one of the names of the course.")
    return lookup.id
