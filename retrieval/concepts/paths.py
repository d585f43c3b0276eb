"""Pure: in which order concepts are learned: what is needed first, and the way from one concept to another.

Nothing here knows of names, cards or release dates; concepts are asked for by id.
"""

import heapq
import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from retrieval.graph import Concept, ConceptGraph, Resource

_DECAY = 0.9
"""What each further step takes from the importance of a prerequisite, however sure it is."""

_ESSENTIAL = 0.5
"""On a path to one concept, an edge counts from this share of the certainty of the surest edge at that concept."""

_PATH_DEPTH, _PATH_STEPS = 4, 8


@dataclass(frozen=True, slots=True)
class Step:
    """One concept of a learning path. `url` is the best place that teaches it, empty where the course has none.

    `minutes` is the reading time of that place, 0 if an earlier step has had it read already.
    """

    id: str
    title: str
    url: str
    minutes: float


@dataclass(frozen=True, slots=True)
class LearningPath:
    """Steps in the order in which they are learned. `note` is empty where they are just what was asked for."""

    steps: tuple[Step, ...] = ()
    note: str = ""


class LearningOrder:
    """The prerequisites of a graph, indexed once. Edges at concepts that the graph does not have are passed over.

    `resources[id]` are a concept's resources, best first. `before` and `after` hold the neighbours and how sure
    each is. `place` is the place in one order of all concepts in which what is needed comes first.
    """

    def __init__(self, graph: ConceptGraph) -> None:
        self.concepts: dict[str, Concept] = {concept.id: concept for concept in graph.concepts}
        self.before: dict[str, dict[str, float]] = {id_: {} for id_ in self.concepts}
        self.after: dict[str, dict[str, float]] = {id_: {} for id_ in self.concepts}
        for edge in graph.edges:
            if edge.type == "prereq_of" and edge.source in self.concepts and edge.target in self.concepts:
                sure = unit(edge.confidence)
                self.before[edge.target][edge.source] = self.after[edge.source][edge.target] = sure
        self.resources = _resources(graph)
        self.place = self._places()

    def importance(self, id_: str) -> float:
        """From 0.7 to 1, by how central a concept is; less where the course has no place that teaches it."""
        central = 0.7 + 0.3 * unit(self.concepts[id_].weight)
        return central if id_ in self.resources else 0.8 * central

    def needed(self, id_: str, depth: int, limit: int, sure_from: float = 0.0) -> list[str]:
        """At most `limit` prerequisites within `depth` steps, the most important first.

        Edges that are less sure than `sure_from` are passed over. A prerequisite is as important as the product
        of certainty and importance along the best way to it, so whatever leads from one of them to the concept
        is among them too.
        """
        found: dict[str, None] = {}
        waiting = [(-1.0, -1, id_, 0)]
        while waiting and len(found) <= limit:
            strength, _, current, steps = heapq.heappop(waiting)
            if current in found:
                continue
            found[current] = None
            if steps < depth:
                for earlier, sure in self.before[current].items():
                    if earlier not in found and sure >= sure_from:
                        reached = strength * sure * _DECAY * self.importance(earlier)
                        heapq.heappush(waiting, (reached, self.place[earlier], earlier, steps + 1))
        return list(found)[1:]

    def depths(self, id_: str, wanted: Collection[str]) -> dict[str, int]:
        """The fewest steps from the concept back to each of its prerequisites in `wanted`, which all are some."""
        depths: dict[str, int] = {}
        missing = set(wanted)
        seen, level, depth = {id_}, {id_}, 0
        while level and missing:
            level = set().union(*(self.before[one] for one in level)) - seen
            seen |= level
            depth += 1
            depths |= dict.fromkeys(level & missing, depth)
            missing -= level
        return depths

    def costs(self, target: str) -> dict[str, int]:
        """The length of the best way to `target` from each concept that comes before it, itself included."""
        costs: dict[str, int] = {}
        waiting = [(0, target)]
        while waiting:
            cost, current = heapq.heappop(waiting)
            if current not in costs:
                costs[current] = cost
                for earlier in self.before[current]:
                    if earlier not in costs:
                        heapq.heappush(waiting, (cost + self._cost(earlier, current), earlier))
        return costs

    def way(self, start: str, target: str, costs: Mapping[str, int]) -> list[str]:
        """The best way, both ends included; `costs` are those of `target` and hold `start`."""
        way = [start]
        while way[-1] != target:
            current = way[-1]
            onward = (later for later in self.after[current] if later in costs)
            way.append(min(onward, key=lambda later: (costs[later] + self._cost(current, later), self.place[later])))
        return way

    def _cost(self, earlier: str, later: str) -> int:
        """In thousandths of a sure step. A step that is a mere guess is as long as three: no honest short cut."""
        doubt = 2000 * (1.0 - self.after[earlier][later])
        return 1000 + round(doubt + 200 * (1.0 - self.importance(earlier)))

    def _places(self) -> dict[str, int]:
        waits = {id_: len(earlier) for id_, earlier in self.before.items()}
        level = dict.fromkeys((id_ for id_, missing in waits.items() if not missing), 0)
        ready = list(level)
        for current in ready:
            for later in self.after[current]:
                waits[later] -= 1
                level[later] = max(level.get(later, 0), level[current] + 1)
                if not waits[later]:
                    ready.append(later)
        concepts = self.concepts
        ordered = sorted(concepts, key=lambda id_: (level.get(id_, 0), -unit(concepts[id_].weight), id_))
        return {id_: place for place, id_ in enumerate(ordered)}


def learning_path(graph: ConceptGraph, target: str, start: str | None = None) -> LearningPath:
    """What to learn for the concept `target`, or between `start` and `target`, one best link a step.

    Without `start`: the target's essential prerequisites and, last, the target; at most eight steps. With it:
    the shortest way through the prerequisites; where a short cut is doubtful and a little detour is not, the
    detour. Only edges of the graph are followed. Where there is no such way, the note says so and the steps are
    the nearest honest thing: the way back, or the way to the target from the nearest concept that both build on.
    Ids that the graph does not have make an empty path with a note.
    """
    order = LearningOrder(graph)
    for id_ in (target, start):
        if id_ is not None and id_ not in order.concepts:
            return LearningPath(note=f"The course has no concept “{clipped(id_)}”.")
    if start is None:
        return _groundwork(order, target)
    costs = order.costs(target)
    if start in costs:
        return LearningPath(_steps(order, order.way(start, target, costs)))
    return _elsewhere(order, target, start, costs)


def _groundwork(order: LearningOrder, target: str) -> LearningPath:
    title = clipped(order.concepts[target].title)
    sure_from = _ESSENTIAL * max(order.before[target].values(), default=0.0)
    needed = order.needed(target, _PATH_DEPTH, _PATH_STEPS - 1, sure_from)
    ids = sorted(needed, key=order.place.__getitem__)
    note = "" if ids else f"I found nothing in the material that is needed before “{title}”."
    return LearningPath(_steps(order, [*ids, target]), note)


def _elsewhere(order: LearningOrder, target: str, start: str, costs: Mapping[str, int]) -> LearningPath:
    """No way leads from start to target; `costs` are those of what comes before the target."""
    from_, to = clipped(order.concepts[start].title), clipped(order.concepts[target].title)
    before_start = order.costs(start)
    if target in before_start:
        steps = _steps(order, order.way(target, start, before_start))
        return LearningPath(steps, f"“{to}” comes before “{from_}”, so this is the way from “{to}” to “{from_}”.")
    if shared := before_start.keys() & costs.keys():
        nearest = min(shared, key=lambda id_: (costs[id_], before_start[id_], order.place[id_]))
        common = clipped(order.concepts[nearest].title)
        note = f"I found no way from “{from_}” to “{to}” in the material. Both build on “{common}”: it starts there."
        return LearningPath(_steps(order, order.way(nearest, target, costs)), note)
    groundwork = _groundwork(order, target)
    note = f"I found nothing in the material that links “{from_}” to “{to}”."
    if len(groundwork.steps) > 1:
        note += f" This is what “{to}” itself needs."
    return LearningPath(groundwork.steps, note)


def _steps(order: LearningOrder, ids: Sequence[str]) -> tuple[Step, ...]:
    steps: list[Step] = []
    read: set[str] = set()
    for id_ in ids:
        best = order.resources[id_][0] if id_ in order.resources else None
        minutes = best.minutes if best and best.id not in read else 0.0
        steps.append(Step(id_, order.concepts[id_].title, best.url if best else "", minutes))
        read |= {best.id} if best else set()
    return tuple(steps)


def _resources(graph: ConceptGraph) -> dict[str, tuple[Resource, ...]]:
    """By concept, best first: the surest, pages before notes, then as in the graph."""
    known = {resource.id: (place, resource) for place, resource in enumerate(graph.resources)}
    explaining: dict[str, dict[str, float]] = defaultdict(dict)
    for edge in graph.edges:
        if edge.type == "explains" and edge.source in known:
            sure = explaining[edge.target]
            sure[edge.source] = max(unit(edge.confidence), sure.get(edge.source, 0.0))
    return {
        concept: tuple(
            known[id_][1]
            for id_ in sorted(sure, key=lambda id_: (-sure[id_], known[id_][1].type == "notes", known[id_][0]))
        )
        for concept, sure in explaining.items()
    }


def unit(number: float) -> float:
    """A confidence or weight as it should be: from 0 to 1; what is no number counts for nothing."""
    return 0.0 if math.isnan(number) else min(1.0, max(0.0, number))


def clipped(name: str) -> str:
    """A name that fits into a sentence."""
    line = " ".join(name.split())
    return line if len(line) <= 80 else f"{line[:79]}…"
