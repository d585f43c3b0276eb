"""What stands in the hash of one version of a course's graph, and how it is read. Speaks to no Redis."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import fields

from retrieval.adapters.redis_text import as_bytes
from retrieval.cards import Card, CardExample, CardResource, ConceptName, Deck, Neighbour

MARKER, NAMES = b"complete", b"names"

_CHUNK = 512 << 10  # bytes
_NO_CARD = b""  # stands for a concept without a card, so that a card that is not there is known to be lost


def card_field(id_: str) -> bytes:
    """The field of a concept's card; whatever the id, it is none of the other fields."""
    return b"card:" + as_bytes(id_)


def chunks_of(marker: str, deck: Deck) -> Iterator[dict[bytes, bytes]]:
    """All fields of a version, about half a megabyte at a time, each chunk encoded when it is its turn."""
    names = deck.names()
    chunk = {MARKER: marker.encode(), NAMES: _encoded_names(names)}
    size = len(chunk[NAMES])
    for id_ in dict.fromkeys(name.id for name in names):
        card = deck.card(id_)
        value = as_bytes(card.to_json()) if card else _NO_CARD
        if size + len(value) > _CHUNK:
            yield chunk
            chunk, size = {}, 0
        chunk[card_field(id_)] = value
        size += len(value)
    yield chunk


def decoded_card(value: bytes) -> Card | None:
    """None where this is no card of this release."""
    try:
        return Card.from_json(value)
    except (ValueError, RecursionError):
        return None


def decoded_names(value: bytes | None) -> tuple[ConceptName, ...] | None:
    """None where this is no alias table."""
    try:
        rows = json.loads(value or b"")
        if isinstance(rows, list):
            return tuple(ConceptName(id_, title, tuple(aliases), weight) for id_, title, aliases, weight in rows)
    except (ValueError, TypeError, RecursionError):
        pass
    return None


def _encoded_names(names: Sequence[ConceptName]) -> bytes:
    return as_bytes(json.dumps([[n.id, n.title, n.aliases, n.weight] for n in names], ensure_ascii=False))


def _format() -> str:
    nouns = (Card, Neighbour, CardResource, CardExample, ConceptName)
    shape = repr([[field.name for field in fields(noun)] for noun in nouns])
    return hashlib.blake2b(shape.encode(), digest_size=4).hexdigest()


FORMAT = _format()
"""Changes with the fields of what is stored, so that no release reads what another one wrote."""
