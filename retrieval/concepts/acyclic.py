"""Pure: any list of prerequisites becomes a directed acyclic graph, by giving up the weakest evidence of each cycle.

Nothing here knows where prerequisites come from.
"""

import math
from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.graph import Cut, Edge

Pair = tuple[str, str]

_WINDOW = 2048
"""So many different sources, and targets, are looked at together: their reachability takes half a megabyte."""
_FEW = 32


def acyclic(edges: Iterable[Edge], decided: Collection[Pair] = ()) -> tuple[tuple[Edge, ...], tuple[Cut, ...]]:
    """What is kept of some `prereq_of` edges, without cycles, and what was cut; both by source and target.

    Edges are taken strongest first, and one that would close a cycle with those before it is cut: so what is
    cut is the weakest edge of some cycle, and an edge on no cycle stays. Of equally sure edges the one with the
    lower source and target comes first. Of several edges between the same two concepts the surest is kept, and
    the others are no cut: they say the same. The pairs in `decided`, by staff, are stronger than any evidence.
    The order of `edges` does not matter.
    """
    edges = list(edges)
    settled = frozenset(decided)
    cuts = [Cut(edge, "a concept is no prerequisite of itself") for edge in edges if edge.source == edge.target]
    surest: dict[Pair, Edge] = {}
    for edge in edges:
        pair = (edge.source, edge.target)
        if edge.source != edge.target and (pair not in surest or _strength(edge) < _strength(surest[pair])):
            surest[pair] = edge
    ranked = sorted(surest, key=lambda pair: (pair not in settled, -_sure(surest[pair]), pair))
    closing = _closing(ranked)
    cuts += [Cut(surest[pair], _reason(pair, closing, surest, settled)) for pair in closing]
    kept = tuple(surest[pair] for pair in sorted(surest.keys() - closing))
    return kept, tuple(sorted(cuts, key=lambda cut: (cut.edge.source, cut.edge.target, _strength(cut.edge))))


def _sure(edge: Edge) -> float:
    """The confidence of an edge; one that is no number counts for nothing."""
    return 0.0 if math.isnan(edge.confidence) else edge.confidence


def _strength(edge: Edge) -> tuple[float, bool, str, str, str]:
    """Sorts the edges between two concepts: the surest first, then those that can say why."""
    evidence = edge.evidence
    if evidence is None:
        return (-_sure(edge), True, "", "", "")
    return (-_sure(edge), False, evidence.url, evidence.sentence, str(evidence.release))


def _reason(pair: Pair, closing: Collection[Pair], pairs: Collection[Pair], settled: Collection[Pair]) -> str:
    source, target = pair
    opposite = (target, source)
    if opposite in settled and opposite in pairs and opposite not in closing:
        return f"staff decided that {target} comes before {source}"
    return f"evidence at least as strong puts {target} before {source}"


def _closing(ranked: Sequence[Pair]) -> set[Pair]:
    """The edges that close a cycle with stronger ones; `ranked` has the strongest first, each once.

    Asking for a path before each edge would cost a search each. Instead, what a window's targets reach of its
    sources is found for all of them at once, as bits, and kept up to date while the window's edges are added.
    """
    number = {node: place for place, node in enumerate(dict.fromkeys(node for pair in ranked for node in pair))}
    ranked = _tangled(ranked, number)
    after: list[list[int]] = [[] for _ in number]
    closing: list[Pair] = []
    start = _acyclic_prefix([(number[source], number[target]) for source, target in ranked], after)
    while start < len(ranked):
        end, sources, targets = _window(ranked, start, number)
        reached = _reached(after, sources, targets)
        for pair in ranked[start:end]:
            source, target = number[pair[0]], number[pair[1]]
            column, row = sources[source], targets[target]
            if _has(reached, row, column):
                closing.append(pair)
            elif _connect(reached, row, column, targets.get(source), sources.get(target)):
                after[source].append(target)
        start = end
    return set(closing)


def _tangled(ranked: Sequence[Pair], number: dict[str, int]) -> list[Pair]:
    """Without the edges before or after all cycles, which are most of them where the evidence is any good."""
    for tail, head in ((0, 1), (1, 0)):
        after: list[list[int]] = [[] for _ in number]
        for pair in ranked:
            after[number[pair[tail]]].append(number[pair[head]])
        free = set(_in_order(after))
        ranked = [pair for pair in ranked if number[pair[tail]] not in free]
    return list(ranked)


def _acyclic_prefix(ranked: Sequence[tuple[int, int]], after: list[list[int]]) -> int:
    """How many of the strongest edges hold no cycle among them; they are put into `after`."""
    sound, cyclic, size = 0, len(ranked), 1024
    while cyclic - sound > 1:
        middle = min(size, (sound + cyclic) // 2) if cyclic == len(ranked) else (sound + cyclic) // 2
        size *= 2
        for source, target in ranked[sound:middle]:
            after[source].append(target)
        if len(_in_order(after)) == len(after):
            sound = middle
            continue
        cyclic = middle
        for source, _ in ranked[sound:middle]:
            after[source].pop()
    return sound


def _window(ranked: Sequence[Pair], start: int, number: dict[str, int]) -> tuple[int, dict[int, int], dict[int, int]]:
    """Where the window ends that begins at `start`, and the numbers of its sources and targets inside it."""
    sources: dict[int, int] = {}
    targets: dict[int, int] = {}
    for place in range(start, len(ranked)):
        source, target = ranked[place]
        sources.setdefault(number[source], len(sources))
        targets.setdefault(number[target], len(targets))
        if len(sources) == _WINDOW or len(targets) == _WINDOW:
            return place + 1, sources, targets
    return len(ranked), sources, targets


def _reached(after: Sequence[Sequence[int]], sources: dict[int, int], targets: dict[int, int]) -> NDArray[np.uint8]:
    """Which sources each target reaches, itself included: shape (targets, sources / 8), one bit each."""
    reached = [0] * len(after)
    for node in reversed(_in_order(after)):
        bits = 1 << sources[node] if node in sources else 0
        for follower in after[node]:
            bits |= reached[follower]
        reached[node] = bits
    width = (len(sources) + 7) // 8
    rows = b"".join(reached[node].to_bytes(width, "little") for node in targets)
    return np.frombuffer(rows, dtype=np.uint8).reshape(len(targets), width).copy()


def _in_order(after: Sequence[Sequence[int]]) -> list[int]:
    """Every node, each before those that come after it."""
    waits = [0] * len(after)
    for followers in after:
        for follower in followers:
            waits[follower] += 1
    order = [node for node, missing in enumerate(waits) if not missing]
    for node in order:
        for follower in after[node]:
            waits[follower] -= 1
            if not waits[follower]:
                order.append(follower)
    return order


def _connect(
    reached: NDArray[np.uint8], row: int, column: int, source_row: int | None, target_column: int | None
) -> bool:
    """Note an edge from the source of `column` to the target of `row`; False where a path said so already."""
    if source_row is not None and target_column is not None and _has(reached, source_row, target_column):
        return False
    rows = np.flatnonzero(reached[:, column >> 3] & (1 << (column & 7)))
    if target_column is not None and len(rows) > _FEW:  # spare those that reached it already
        rows = rows[reached[rows, target_column >> 3] & (1 << (target_column & 7)) == 0]
    if len(rows):
        reached[rows] |= reached[row]
    return True


def _has(reached: NDArray[np.uint8], row: int, column: int) -> bool:
    return bool(reached.item(row, column >> 3) >> (column & 7) & 1)
