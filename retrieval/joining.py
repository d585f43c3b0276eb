"""Pure: a hit is joined with the passages around it, so that an explanation does not stop in the middle."""

from collections.abc import Mapping, Sequence

from retrieval.passage import Passage

_CHARACTERS_PER_TOKEN = 3.6


def tokens(text: str) -> float:
    """A rough count, on the high side for prose, which is the safe side of a budget."""
    return len(text) / _CHARACTERS_PER_TOKEN


def neighbours(ids: Sequence[int]) -> list[int]:
    """The ids right after and right before each id, without those already there."""
    around = dict.fromkeys(id_ + step for step in (1, -1) for id_ in ids if id_ + step >= 0)
    return [id_ for id_ in around if id_ not in ids]


def join_neighbours(hits: Sequence[Passage], loaded: Mapping[int, Passage], budget: float) -> list[str]:
    """The text of each hit, with its neighbours in reading order where they still fit.

    The hits themselves are paid for first, then what follows each, then what precedes it, best hit first.
    No passage is used twice, and a neighbour has the same address, so that the hit's link is true of all of it.
    """
    left = budget - sum(tokens(hit.text) for hit in hits)
    used = {hit.id for hit in hits}
    parts: list[dict[int, str]] = [{hit.position: hit.text} for hit in hits]
    for step in (1, -1):
        for hit, joined in zip(hits, parts, strict=True):
            near = loaded.get(hit.id + step) if hit.position + step >= 0 else None
            if near is None or near.id in used or near.url != hit.url:
                continue
            if (price := tokens(near.text)) <= left:
                left -= price
                used.add(near.id)
                joined[near.position] = near.text
    return ["\n\n".join(text for _, text in sorted(joined.items())) for joined in parts]
