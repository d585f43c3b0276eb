"""The concepts of one course as they are now: its index's graph, the staff's edits, and what is released today."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import date

import numpy as np

from retrieval.cards import Card, Deck
from retrieval.concepts.deck import GraphDeck, released
from retrieval.concepts.lookup import Lookup, NameTable
from retrieval.concepts.replay import replay
from retrieval.concepts.vectors import ConceptVectors
from retrieval.edits import Edit
from retrieval.errors import IndexDamaged, StoreError
from retrieval.graph import GRAPH, VECTORS, ConceptGraph
from retrieval.ports import EditLog, GraphCache, PassageIndex, Vector

logger = logging.getLogger(__name__)


class ConceptCatalog:
    """Follows the index, the edit log and the calendar; the cards come from the cache."""

    def __init__(self, cache: GraphCache, log: EditLog, today: Callable[[], date]) -> None:
        """The cache and the log are of the same course."""
        self._cache, self._log, self._today = cache, log, today
        self._current: Concepts | None = None
        self._broken: tuple[str, StoreError] | None = None
        self._heard = "?"
        self._opening = asyncio.Lock()

    async def concepts(self, version: str, index: PassageIndex) -> "Concepts":
        """The concepts of this version of the index, with what staff have changed until now. Raises StoreError."""
        day = self._today()
        pinned = "|".join((version, await self._edits(), day.isoformat() if _holds_back(index, day) else ""))
        if self._current is not None and self._current.version == pinned:
            return self._current
        async with self._opening:
            if self._broken is not None and self._broken[0] == pinned:
                raise self._broken[1]
            if self._current is None or self._current.version != pinned:
                concepts = Concepts(pinned, index, self._cache, self._log, day)
                try:
                    await concepts.open()
                except IndexDamaged as error:  # it will not get better; nobody needs to read it again
                    self._broken = (pinned, error)
                    logger.warning("searches go without the concept graph: %s", error)
                    raise
                self._current = concepts
            return self._current

    async def _edits(self) -> str:
        try:
            self._heard = await self._log.version()
        except StoreError as error:
            # What they hid must not come back meanwhile: the version that was made with their edits is kept.
            logger.warning("the staff's edits of the concepts cannot be read: %s", error)
        return self._heard


class Concepts:
    """One version of a course's concepts. It does not change."""

    def __init__(self, version: str, index: PassageIndex, cache: GraphCache, log: EditLog, day: date) -> None:
        self.version = version
        self._index, self._cache, self._log, self._day = index, cache, log, day
        self._names = NameTable(())
        self._vectors: ConceptVectors | None = None

    @property
    def names(self) -> NameTable:
        """The names that lead to concepts."""
        return self._names

    async def open(self) -> None:
        """Load the names; the rest is loaded when it is asked for. Raises StoreError."""
        self._names = NameTable(await self._cache.names(self.version, self._deck))

    async def cards(self, ids: Sequence[str]) -> Mapping[str, Card]:
        """The cards of these concepts, in one round trip. Raises StoreError."""
        return await self._cache.cards(self.version, ids, self._deck) if ids else {}

    async def nearest(self, vector: Vector, limit: int) -> list[tuple[str, float]]:
        """Concepts whose names are nearest in meaning, with their cosines. Raises StoreError."""
        if self._vectors is None:
            stored = await self._index.attachment(VECTORS)
            self._vectors = _no_vectors(len(vector))
            if stored:
                try:
                    self._vectors = ConceptVectors.from_bytes(stored)
                except IndexDamaged as error:
                    logger.warning("concepts are found by name only: %s", error)
        return self._vectors.nearest(vector, limit)

    async def graph(self) -> ConceptGraph:
        """The whole graph, for pictures and exports. Raises StoreError."""
        return released((await self.edited())[0], self._day)

    async def edited(self) -> tuple[ConceptGraph, tuple[tuple[Edit, str], ...]]:
        """The graph as staff see it, what is not released included; and edits that do not apply, with reasons."""
        graph = await self._built()
        try:
            edits = await self._log.edits()
        except StoreError:
            edits = ()
        return await asyncio.to_thread(replay, graph, edits) if edits else (graph, ())

    async def refusal(self, edit: Edit) -> str | None:
        """Why an edit would have no effect now, None if it would have one. Raises StoreError."""
        # After the earlier edits, not upon what they made of the graph: what they hid can be shown again, and
        # what they decided cannot be contradicted.
        _, undone = await asyncio.to_thread(replay, await self._built(), (*await self._log.edits(), edit))
        return undone[-1][1] if undone and undone[-1][0] is edit else None

    async def _built(self) -> ConceptGraph:
        stored = await self._index.attachment(GRAPH)
        return ConceptGraph.from_bytes(stored) if stored else ConceptGraph()

    async def card(self, name: str, embed: Callable[[str], Vector] | None = None) -> tuple[Lookup, Card | None]:
        """What a name leads to; `embed` turns it into a vector for names that nobody uses. Raises StoreError."""
        lookup = self._names.resolve(name)
        if lookup.match == "none" and embed is not None and name.strip():
            near = await self.nearest(embed(name), 5)
            lookup = self._names.resolve(name, lambda _: near)
        if lookup.id is None:
            return lookup, None
        return lookup, (await self.cards([lookup.id])).get(lookup.id)

    async def _deck(self) -> Deck:
        return GraphDeck(await self.graph())


def _holds_back(index: PassageIndex, day: date) -> bool:
    return index.manifest.last_release > day.toordinal()


def _no_vectors(dimensions: int) -> ConceptVectors:
    return ConceptVectors((), (), np.zeros((0, dimensions), dtype=np.float32))
