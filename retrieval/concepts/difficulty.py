"""Pure: how hard a concept is, by how much has to be known before it."""

from collections.abc import Iterable, Sequence
from graphlib import CycleError, TopologicalSorter

from retrieval.concepts.terms import Term
from retrieval.graph import Edge

HARDEST = 5


def difficulty(terms: Sequence[Term], edges: Iterable[Edge]) -> list[int]:
    """From 1, needs nothing, to 5, by the longest chain of prerequisites below each term, in the terms' order.

    Where the course's chains are longer than five, depths are spread evenly over the five grades, so that the
    deepest concept is a 5 and what needs one thing is no longer always a 2. Edges of other types, and those
    whose ends are no terms, do not count. Raises ValueError where `prereq_of` edges form a cycle.
    """
    needs: dict[str, set[str]] = {term.id: set() for term in terms}
    for edge in edges:
        if edge.type == "prereq_of" and edge.source in needs and edge.target in needs:
            needs[edge.target].add(edge.source)
    depth: dict[str, int] = {}
    try:
        for id_ in TopologicalSorter(needs).static_order():
            depth[id_] = max((depth[before] + 1 for before in needs[id_]), default=0)
    except CycleError as error:
        raise ValueError("the prerequisites form a cycle") from error
    deepest = max(depth.values(), default=0)
    return [_grade(depth[term.id], deepest) for term in terms]


def _grade(depth: int, deepest: int) -> int:
    if deepest < HARDEST:
        return 1 + depth
    # Rounded up: only what needs nothing is a 1.
    return 1 + -(-depth * (HARDEST - 1) // deepest)
