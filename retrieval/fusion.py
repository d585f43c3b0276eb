"""Pure: two lists of hits become one ranking of pages and passages, the same one every time.

Convex combination of min-max normalised scores (Bruch et al. 2023, "An Analysis of Fusion Functions for
Hybrid Retrieval"); ties go to the lower passage id, that is to the page that comes first in the course.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from retrieval.passage import page_of
from retrieval.ports import Arms, Hit

_DISTINCT = 5
"""So many passages at the top come from different pages."""


@dataclass(frozen=True, slots=True)
class Fusion:
    """Weights of the fusion, chosen with `erica eval` on random halves of labelled questions.

    `dense` is the dense arm's share, the lexical arm has the rest. A page's score adds its best, second
    and third passage with `page_weights`. Of notes, which are often one long page of
    everything, only the best passage counts, and `notes` of its score. Passages that only point elsewhere
    keep `pointers` of theirs. What explains a concept of the question gains at most `concepts`.
    """

    dense: float = 0.4
    page_weights: tuple[float, ...] = (1.0, 0.5, 0.25)
    notes: float = 0.7
    pointers: float = 0.7
    concepts: float = 0.05
    passages_per_page: int = 3


@dataclass(frozen=True, slots=True)
class Ranking:
    """Passage ids best first, with what they were ranked by: a page's score, then a passage's; never rising."""

    ids: tuple[int, ...]
    scores: Mapping[int, float]


def fuse(
    arms: Arms,
    fusion: Fusion,
    notes: Collection[int] = (),
    pointers: Collection[int] = (),
    explaining: Mapping[int, float] = MappingProxyType({}),
) -> Ranking:
    """Rank passages so that no page fills the list.

    `explaining` says of passages how much they explain of what the question is about, from 0 to 1.

    The best passage of each of the five best pages comes first; after them, passages follow by their own
    score, at most `passages_per_page` of a page in all.
    """
    scores = _combined(arms, fusion)
    for id_ in scores.keys() & set(pointers):
        scores[id_] *= fusion.pointers
    for id_ in scores.keys() & explaining.keys():
        scores[id_] += fusion.concepts * explaining[id_]
    by_page: dict[int, list[int]] = defaultdict(list)
    for id_ in sorted(scores, key=lambda id_: (-scores[id_], id_)):
        by_page[page_of(id_)].append(id_)
    page_scores = {
        page: fusion.notes * scores[ids[0]]
        if page in notes
        else sum(weight * scores[id_] for weight, id_ in zip(fusion.page_weights, ids, strict=False))
        for page, ids in by_page.items()
    }
    pages = sorted(page_scores, key=lambda page: (-page_scores[page], page))[:_DISTINCT]
    first = {by_page[page][0]: page_scores[page] for page in pages}
    rest = {
        id_: scores[id_] * (fusion.notes if page in notes else 1.0)
        for page, ids in by_page.items()
        for id_ in ids[: fusion.passages_per_page]
        if id_ not in first
    }
    ranked = [*first.items(), *sorted(rest.items(), key=lambda item: (-item[1], item[0]))]
    highest = math.inf
    shown: dict[int, float] = {}
    for id_, score in ranked:
        highest = min(highest, score)
        shown[id_] = highest
    return Ranking(tuple(shown), shown)


def _combined(arms: Arms, fusion: Fusion) -> dict[int, float]:
    share = fusion.dense if arms.dense else 0.0
    combined: dict[int, float] = defaultdict(float)
    for hits, weight in ((arms.dense, share), (arms.lexical, 1.0 - share)):
        for id_, score in _min_max(hits).items():
            combined[id_] += weight * score
    return combined


def _min_max(hits: Sequence[Hit]) -> dict[int, float]:
    """Scores between 0 and 1; the last hit of a full list counts as nearly nothing."""
    if not hits:
        return {}
    low, high = hits[-1].score, hits[0].score
    if high <= low:
        return {hit.id: 1.0 for hit in hits}
    return {hit.id: (hit.score - low) / (high - low) for hit in hits}
