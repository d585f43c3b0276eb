"""How a passage is written into Qdrant, embedded or server, and read back."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from retrieval.passage import Passage, page_and_position

DENSE = "dense"
LEXICAL = "bm25"
RELEASE = "release"
HASH = "hash"

ALWAYS_RELEASED = 0
"""The release day of what was never held back; days are proleptic ordinals, so 0 lies before any date."""


def to_payload(passage: Passage) -> dict[str, Any]:
    """Everything but the id, which the point carries."""
    return {
        "source": passage.source,
        "path": passage.path,
        "title": passage.title,
        "headings": list(passage.headings),
        "text": passage.text,
        "url": passage.url,
        "trust": passage.trust,
        HASH: passage.content_hash,
        RELEASE: passage.release.toordinal() if passage.release else ALWAYS_RELEASED,
    }


def from_payload(id_: int, payload: Mapping[str, Any]) -> Passage:
    """The passage that was stored under this id."""
    page, position = page_and_position(id_)
    day = payload[RELEASE]
    return Passage(
        page=page,
        position=position,
        source=payload["source"],
        path=payload["path"],
        title=payload["title"],
        headings=tuple(payload["headings"]),
        text=payload["text"],
        url=payload["url"],
        content_hash=payload[HASH],
        trust=payload["trust"],
        release=date.fromordinal(day) if day else None,
    )
