"""The graph cache of one process, without any Redis: the deck that was asked for last.

Knows nothing of where a deck comes from.
"""

import asyncio
from collections.abc import Mapping, Sequence

from retrieval.cards import Card, ConceptName, Deck
from retrieval.ports import DeckLoader


class LocalGraphCache:
    """Implements `retrieval.ports.GraphCache`. Holds one version; safe to share between tasks of one event loop."""

    def __init__(self) -> None:
        self._loading = asyncio.Lock()
        self._held: tuple[str, Deck] | None = None

    async def names(self, version: str, deck: DeckLoader) -> tuple[ConceptName, ...]:
        """The alias table. Raises what `deck` raises."""
        return (await self.deck(version, deck)).names()

    async def cards(self, version: str, ids: Sequence[str], deck: DeckLoader) -> Mapping[str, Card]:
        """The cards with these ids that exist, in the order they were asked for. Raises what `deck` raises."""
        if not ids:
            return {}
        held = await self.deck(version, deck)
        return {id_: card for id_ in ids if (card := held.card(id_)) is not None}

    async def deck(self, version: str, load: DeckLoader) -> Deck:
        """The deck of a version: loaded once however many ask at once, and again where loading failed.

        Whoever waits loads it himself if the one before him was stopped. Raises what `load` raises.
        """
        async with self._loading:
            if self._held is None or self._held[0] != version:
                self._held = (version, await load())
            return self._held[1]

    def holds(self, version: str) -> bool:
        """Whether this version can be had without loading anything."""
        return self._held is not None and self._held[0] == version
