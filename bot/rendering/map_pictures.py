"""Pictures of concept maps that many people ask for: drawn beside the event loop, and kept for a while."""

import asyncio
import logging
import re
from collections import OrderedDict
from collections.abc import Callable

from bot.messages import Picture
from retrieval.concepts.views import ConceptMap

_MOST_KEPT = 64
_NOT_IN_FILE = re.compile(r"[^a-z0-9]+")

logger = logging.getLogger(__name__)


class MapPictures:
    """Draws maps one at a time, in a thread, and keeps the last ones."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, ...], Picture | None] = OrderedDict()
        self._drawing = asyncio.Lock()

    async def of(
        self, key: tuple[str, ...], choose: Callable[[], ConceptMap], describe: Callable[[ConceptMap], str]
    ) -> Picture | None:
        """The picture of a map, drawn where `key` is new; its last part names the file.

        None for a lone concept, and where the map cannot be drawn, which is logged. Never raises.
        """
        if key not in self._kept:
            async with self._drawing:
                if key not in self._kept:  # many ask for the same after a lecture
                    try:
                        drawn = await asyncio.to_thread(_drawn, key[-1], choose, describe)
                    except Exception as error:  # a card is worth having without its picture
                        logger.warning("a concept map cannot be drawn: %r", error)
                        return None
                    return self._keep(key, drawn)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _keep(self, key: tuple[str, ...], drawn: Picture | None) -> Picture | None:
        self._kept[key] = drawn
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return drawn


def _drawn(id_: str, choose: Callable[[], ConceptMap], describe: Callable[[ConceptMap], str]) -> Picture | None:
    from bot.rendering.concept_map import draw  # matplotlib takes half a second to load

    shown = choose()
    if len(shown.nodes) < 2:
        return None
    name = _NOT_IN_FILE.sub("-", id_.lower())[:60].strip("-") or "concept"
    return Picture(f"{name}.png", draw(shown, "light"), describe(shown))
