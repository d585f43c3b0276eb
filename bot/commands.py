"""Slash commands without a platform: a command and its argument in, a Page out.

Buttons come here too: a choice's command and argument are what somebody might have typed.
"""

import asyncio
import logging
import re
from collections.abc import Iterable, Sequence

from bot.citations import citations
from bot.course import Course
from bot.errors import EmptyQuestion
from bot.messages import Choice, Citation, Page, Picture
from bot.rendering import concept_wording
from bot.rendering.concept_pages import (
    asking_page,
    card_page,
    choices_page,
    map_description,
    path_description,
    path_page,
    sources_page,
)
from bot.rendering.help_page import help_page
from bot.rendering.map_pictures import MapPictures
from bot.rendering.paragraphs import clean
from bot.translated import translated
from retrieval.cards import Card, Neighbour
from retrieval.concepts.catalog import Concepts
from retrieval.concepts.guidance import within_depth
from retrieval.concepts.lookup import Lookup, NameTable
from retrieval.concepts.paths import LearningPath, Step, learning_path
from retrieval.concepts.views import along, neighbourhood
from retrieval.graph import ConceptGraph
from retrieval.question import own_words
from retrieval.results import Found, Options
from retrieval.retriever import Retriever

LONGEST_ARGUMENT = 75
"""Characters of a choice's argument, so that it fits into what platforms let a button carry; Discord's is 100."""

_LONGEST_LABEL = 60
_LONGEST_ENDS, _MOST_SPLITS = 500, 4
_MOST_COMPLETED = 25
_MOST_FIRST, _MOST_AROUND, _MOST_STEPS = 4, 3, 5
_MOST_CANDIDATES = 20
_FEWEST_DRAWN = 3
_SHOWN_AROUND = 10  # concepts on a card's map: more cannot be read at the width of a chat
_CLOSEST = 3
_ARROW = re.compile(r"\s*(?:->|→|⟶|=>|>)\s*")
_TO = re.compile(r"\s+to\s+", re.IGNORECASE)
_NAMED = ("exact", "alias")
_KNOWN = ("exact", "alias", "inflection", "typo")
_WAY = frozenset("course get go learn learning path road route start study way".split())
_FROM = re.compile(r"^\s*from\s+", re.IGNORECASE)

logger = logging.getLogger(__name__)


class Commands:
    """What can be looked up in one course."""

    def __init__(self, course: Course, retriever: Retriever, options: Options) -> None:
        self._course, self._retriever, self._options = course, retriever, options
        self._pictures = MapPictures()
        self._graph: tuple[str, ConceptGraph] | None = None

    async def run(self, command: str, argument: str) -> Page:
        """What a command says: concept, path, sources or help, which also answers those there are not.

        Raises RetrievalFailed, and TooLong for an endless question.
        """
        command, argument = command.strip().lower().removeprefix("/"), argument.strip()
        with translated():
            match command:
                case "concept":
                    return await self._concept(argument)
                case "path":
                    return await self._path(argument)
                case "sources":
                    return await self._sources(argument)
        unknown = "" if command == "help" else command
        course = self._course
        follow_ups = course.answers.followups_without_mention
        return Page(help_page(course.course.title, await self._example(), unknown, follow_ups))

    async def complete(self, typed: str) -> tuple[str, ...]:
        """At most 25 names of concepts that `typed` may become, each of which leads to its concept.

        The most central ones where nothing has been typed. Raises RetrievalFailed.
        """
        with translated():
            names = (await self._retriever.concepts()).names
        found = (_argument(names, one.id, one.title) for one in names.complete(typed, _MOST_COMPLETED))
        return tuple(dict.fromkeys(name for name in found if name))

    async def _example(self) -> str:
        """The most central concept of the course; "" where there is none to be had."""
        try:
            return next(iter(await self.complete("")), "")
        except Exception as error:  # help must be had on a bad day too
            logger.warning("help names no concept: %s", error)
            return ""

    # Concepts

    async def _concept(self, name: str) -> Page:
        concepts = await self._retriever.concepts()
        if not _says_something(name):
            return self._which("concept", concepts)
        lookup, card = await self._retriever.concept(name)
        if card is None:
            return Page(choices_page(lookup, name), choices=_candidates(concepts.names, lookup, "concept"))
        card = within_depth(card, self._options.prerequisite_depth)
        graph = await self._whole(concepts)
        picture = await self._pictures.of(
            (concepts.version, card.id), lambda: neighbourhood(graph, card.id, _SHOWN_AROUND), map_description
        )
        return Page(
            card_page(card, concept_wording.note(lookup, name, card.title)), picture, _around(concepts.names, card)
        )

    async def _whole(self, concepts: Concepts) -> ConceptGraph:
        """The graph; reading it takes a while, so the last one is kept."""
        if self._graph is None or self._graph[0] != concepts.version:
            self._graph = (concepts.version, await concepts.graph())
        return self._graph[1]

    def _which(self, command: str, concepts: Concepts) -> Page:
        """A command came without the name of a concept."""
        central = concepts.names.complete("", _MOST_STEPS)
        named = [(one.title, _argument(concepts.names, one.id, one.title)) for one in central]
        choices = tuple(Choice(_label(title), command, argument) for title, argument in named if argument)
        example = next((choice.argument for choice in choices), "")
        text = asking_page("Give the name of a concept, such as a heading of the lectures.", command, example)
        return Page(text, choices=choices)

    # Paths

    async def _path(self, argument: str) -> Page:
        concepts = await self._retriever.concepts()
        ends = _ends(concepts.names, argument)
        if not ends:
            return self._which("path", concepts)
        ids: list[str] = []
        notes: list[str] = []
        for place, name in enumerate(ends):
            lookup, card = await self._retriever.concept(name)
            if card is None:
                around = (ends[:place], ends[place + 1 :])
                return Page(choices_page(lookup, name), choices=_candidates(concepts.names, lookup, "path", *around))
            notes.append(concept_wording.note(lookup, name, card.title))
            ids.append(card.id)
        graph = await self._whole(concepts)
        start = ids[0] if len(ids) == 2 else None
        way = await asyncio.to_thread(learning_path, graph, ids[-1], start)
        text = path_page(way.steps, [*notes, way.note])
        return Page(text, await self._drawn(concepts, graph, way), _steps(concepts.names, way))

    async def _drawn(self, concepts: Concepts, graph: ConceptGraph, way: LearningPath) -> Picture | None:
        ids = [step.id for step in way.steps]
        if len(ids) < _FEWEST_DRAWN:
            return None
        return await self._pictures.of(
            (concepts.version, "path", *ids), lambda: along(graph, ids), lambda _: path_description(way.steps)
        )

    # Sources

    async def _sources(self, question: str) -> Page:
        try:
            if not _says_something(question):
                raise EmptyQuestion("there is no question in it")
            with translated():
                retrieval = await self._retriever.search(question, (), self._options)
        except EmptyQuestion:
            name = await self._example()
            asked = f"what is {name}?" if name else ""
            return Page(asking_page("Say what you are looking for, in your own words.", "sources", asked))
        found = retrieval.passages[:_CLOSEST] if retrieval.abstain else retrieval.passages
        return Page(sources_page(question, _places(found, question), covered=not retrieval.abstain))


def _places(found: Sequence[Found], question: str) -> list[Citation]:
    """Each passage with the sentence that shares most with the question."""
    words = " ".join(re.findall(r"\w+", question))
    return [citations([hit.passage], [1], f"{words} [1]")[0] for hit in found]


def _says_something(text: str) -> bool:
    return any(char.isalnum() for char in text)


def _ends(names: NameTable, argument: str) -> list[str]:
    """The names in "TO", "FROM > TO" or "FROM to TO"; a name that holds such a word is one name."""
    if not _says_something(argument):
        return []
    if len(argument) > _LONGEST_ENDS:
        return [argument]
    parts = [part for part in _ARROW.split(argument) if _says_something(part)]
    arrow = parts if len(parts) == 2 else []
    bare = _FROM.sub("", argument)
    splits = [(bare[: word.start()], bare[word.end() :]) for word in _TO.finditer(bare)][:_MOST_SPLITS]
    whole, found = names.resolve(argument), {end: names.resolve(end) for ends in (arrow, *splits) for end in ends}
    # What is named inside of a sentence counts as exact too, but then it is also named by one end.
    named = {one.id for one in found.values() if one.match in _NAMED}
    if whole.match in _NAMED and whole.id not in named:
        return [argument]
    if arrow:
        return arrow
    known = [ends for ends in splits if all(found[end].match in _KNOWN for end in ends)]
    known = [(start, goal) for start, goal in known if found[start].id != found[goal].id]
    if not known and whole.id is not None:
        # "zeppelin to attention" asks for no way to attention from anywhere, "the way to attention" does.
        known = [ends for ends in splits if found[ends[1]].id == whole.id and set(own_words(ends[0])) - _WAY]
        known = [ends for ends in known if found[ends[0]].id != whole.id]
    return list(known[0]) if len(known) == 1 else [argument]


# Choices


def _argument(names: NameTable, id_: str, title: str) -> str | None:
    """What leads to the concept and to no other, and fits into a button: its title, else its id."""
    fits = (said for said in (clean(title), id_) if said == clean(said) and 0 < len(said) <= LONGEST_ARGUMENT)
    return next((said for said in fits if names.resolve(said).id == id_), None)


def _label(text: str) -> str:
    line = clean(text)
    return line if len(line) <= _LONGEST_LABEL else f"{line[: _LONGEST_LABEL - 1].rstrip()}…"


def _candidates(
    names: NameTable, lookup: Lookup, command: str, before: Sequence[str] = (), after: Sequence[str] = ()
) -> tuple[Choice, ...]:
    """What an unknown or ambiguous name may mean; `before` and `after` are the other names of the command."""
    found = [(one.title, _argument(names, one.id, one.title)) for one in lookup.choices[:_MOST_CANDIDATES]]
    made = [(title, " > ".join([*before, argument, *after])) for title, argument in found if argument]
    return tuple(Choice(_label(title), command, said) for title, said in made if len(said) <= LONGEST_ARGUMENT)


def _around(names: NameTable, card: Card) -> tuple[Choice, ...]:
    """Ways to walk on from a concept: back to what it needs, on to what it leads to or is related to."""
    back = [(f"← {_label(one.title)}", one) for one in sorted(card.prerequisites, key=lambda one: one.depth)]
    on = [(f"{_label(one.title)} →", one) for one in sorted(card.leads_to, key=lambda one: one.depth)]
    on += [(f"{_label(one.title)} ↔", one) for one in card.related]
    seen = {card.id}
    choices = [*_walk(names, back, _MOST_FIRST, seen), *_walk(names, on, _MOST_AROUND, seen)]
    own = _argument(names, card.id, card.title)
    if card.prerequisites and own:
        choices.append(Choice("Show the path", "path", own))
    return tuple(choices)


def _walk(names: NameTable, ways: Iterable[tuple[str, Neighbour | Step]], most: int, seen: set[str]) -> list[Choice]:
    """The first ways that lead to concepts not seen before."""
    choices: list[Choice] = []
    for label, to in ways:
        if len(choices) < most and to.id not in seen and (argument := _argument(names, to.id, to.title)):
            choices.append(Choice(label, "concept", argument))
            seen.add(to.id)
    return choices


def _steps(names: NameTable, way: LearningPath) -> tuple[Choice, ...]:
    """To open the first steps, which are those to begin with."""
    ways = [(f"{place}. {_label(step.title)}", step) for place, step in enumerate(way.steps, start=1)]
    return tuple(_walk(names, ways, _MOST_STEPS, set()))
