"""Pure: what staff decided about a graph, done again to a newly built one.

Nothing here knows where edits are kept or who may make them.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from retrieval.concepts import names
from retrieval.concepts.acyclic import Pair, acyclic
from retrieval.concepts.paths import clipped, unit
from retrieval.edits import Edit
from retrieval.graph import Concept, ConceptGraph, Cut, Edge, Evidence

BY_STAFF = Evidence("", "The teaching staff say so.")
"""Every edge shows what it stands on; this one stands on somebody's word."""

_LONGEST_TITLE = 120


def replay(graph: ConceptGraph, edits: Sequence[Edit]) -> tuple[ConceptGraph, tuple[tuple[Edit, str], ...]]:
    """The graph after the edits in their order, and the edits that change nothing now, each with the reason.

    Concepts are found by title, id or alias, as `names.key` reads them; an old title is an alias from its rename
    on. A rename keeps the id, so that links to the concept still lead there. A merged concept's names, edges and
    weight move to the one that stays, its definition where that one has none. `hide` hides until `show`; other
    edits reach hidden concepts too. An added prerequisite has confidence 1 and stands against all evidence: what
    contradicts it is cut. A cut takes the one direct edge: a concept that is also needed by way of others is
    still needed, and a contrary edge that was cut in building does not come back by itself.

    Staff cannot contradict themselves: an edit that would put earlier decisions into a circle is not done. What
    cannot be done now (a concept that this build does not have) may be done in the next. Never raises.
    """
    draft = _Draft(graph)
    undone: list[tuple[Edit, str]] = []
    for edit in edits:
        try:
            draft.apply(edit)
        except _CannotApply as reason:
            undone.append((edit, str(reason)))
    return (draft.finished() if len(undone) < len(edits) else graph), tuple(undone)


class _CannotApply(Exception):
    """An edit changes nothing; the message says why."""


class _Draft:
    """A graph while it is edited: concepts and decisions at once, edges when all edits are known.

    `now` leads from the ids of the build to those of today, `members` back.
    """

    def __init__(self, graph: ConceptGraph) -> None:
        self.graph = graph
        self.concepts = {concept.id: concept for concept in graph.concepts}
        self.now = {id_: id_ for id_ in self.concepts}
        self.members = {id_: [id_] for id_ in self.concepts}
        self.hidden: set[str] = set()
        self.decided: set[Pair] = set()
        self.cut: set[Pair] = set()
        self.built = {(edge.source, edge.target) for edge in graph.edges if edge.type == "prereq_of"}
        self.index = _NameIndex()
        for concept in graph.concepts:
            self.index.add(concept)

    def apply(self, edit: Edit) -> None:
        """Raises _CannotApply."""
        concept = self._named(edit.concept)
        if edit.action == "rename":
            self._rename(concept, edit.other)
        elif edit.action == "hide":
            if concept.id in self.hidden:
                raise _CannotApply(f"{_quoted(concept.title)} is hidden already")
            self.hidden.add(concept.id)
        elif edit.action == "show":
            if concept.id not in self.hidden:
                raise _CannotApply(f"{_quoted(concept.title)} is not hidden")
            self.hidden.discard(concept.id)
        elif edit.action == "merge":
            self._merge(concept, self._named(edit.other))
        elif edit.action == "add_prerequisite":
            self._add(self._named(edit.other), concept)
        elif edit.action == "cut_prerequisite":
            self._cut(self._named(edit.other), concept)
        else:
            raise _CannotApply(f"there is no action {_quoted(edit.action)}")

    def _named(self, name: str) -> Concept:
        found = sorted(self._meant(name))
        if not found:
            raise _CannotApply(f"no concept is called {_quoted(name)} in this build")
        if len(found) > 1:
            titles = ", ".join(_quoted(self.concepts[id_].title) for id_ in found[:5])
            raise _CannotApply(f"{_quoted(name)} may be any of {titles}")
        return self.concepts[found[0]]

    def _meant(self, name: str) -> set[str]:
        return {self.now[id_] for id_ in self.index.find(name)}

    def _rename(self, concept: Concept, title: str) -> None:
        title = _cleaned(title)
        if not names.key(title):
            raise _CannotApply("a title needs a letter")
        if len(title) > _LONGEST_TITLE:
            raise _CannotApply(f"a title has at most {_LONGEST_TITLE} characters")
        if title == concept.title:
            raise _CannotApply(f"it is called {_quoted(title)} already")
        if others := self.index.titled(title) - {concept.id}:
            other = self.concepts[min(others)].title
            raise _CannotApply(f"{_quoted(other)} is another concept; merge the two instead")
        # The name now means this concept alone.
        for id_ in self._meant(title) - {concept.id}:
            rest = [name for name in self.concepts[id_].aliases if names.key(name) != names.key(title)]
            self._replace(replace(self.concepts[id_], aliases=tuple(rest)))
        aliases = _distinct(title, [concept.title, *concept.aliases])
        self._replace(replace(concept, title=title, aliases=aliases))

    def _merge(self, concept: Concept, other: Concept) -> None:
        if concept.id == other.id:
            raise _CannotApply(f"both names mean {_quoted(concept.title)} already")

        def moved(pairs: set[Pair]) -> set[Pair]:
            ends = [(concept.id if a == other.id else a, concept.id if b == other.id else b) for a, b in pairs]
            return {(a, b) for a, b in ends if a != b}

        decided = moved(self.decided)
        if acyclic(_edges(decided))[1]:
            raise _CannotApply("prerequisites that staff added would go round in a circle")
        self.decided, self.cut = decided, moved(self.cut)
        for id_ in self.members[other.id]:
            self.now[id_] = concept.id
        self.members[concept.id] += self.members.pop(other.id)
        self.hidden.discard(other.id)
        self.index.remove(other)
        del self.concepts[other.id]
        defined = concept if concept.definition else other
        merged = replace(
            concept,
            aliases=_distinct(concept.title, [*concept.aliases, other.title, *other.aliases]),
            definition=defined.definition,
            defined=defined.defined,
            weight=max(unit(concept.weight), unit(other.weight)),
        )
        self._replace(merged)
        self.index.add_id(other.id)

    def _add(self, first: Concept, then: Concept) -> None:
        pair = (first.id, then.id)
        if first.id == then.id:
            raise _CannotApply(f"both names mean {_quoted(first.title)}, which cannot come before itself")
        if pair in self.decided:
            raise _CannotApply("staff added it already")
        if acyclic(_edges({*self.decided, pair}))[1]:
            raise _CannotApply(
                f"staff decided that {_quoted(then.title)} comes before {_quoted(first.title)}; cut that first"
            )
        self.decided.add(pair)
        self.cut.discard(pair)

    def _cut(self, first: Concept, then: Concept) -> None:
        pair = (first.id, then.id)
        built = any((a, b) in self.built for a in self.members[first.id] for b in self.members[then.id])
        if pair in self.cut or not (built or pair in self.decided):
            raise _CannotApply(f"{_quoted(first.title)} is no direct prerequisite of {_quoted(then.title)} now")
        self.decided.discard(pair)
        self.cut.add(pair)

    def _replace(self, concept: Concept) -> None:
        self.index.remove(self.concepts[concept.id])
        self.concepts[concept.id] = concept
        self.index.add(concept)

    def finished(self) -> ConceptGraph:
        """The graph after all edits."""
        edges = [edge for edge in map(self._moved, self.graph.edges) if edge is not None]
        built = [edge for edge in edges if edge.type == "prereq_of"]
        pairs = {(edge.source, edge.target) for edge in built}
        standing = [self._stood_by(edge) for edge in built if (edge.source, edge.target) not in self.cut]
        added = [edge for edge in _edges(self.decided - pairs) if not {edge.source, edge.target} & self.hidden]
        prerequisites, contrary = acyclic([*standing, *added], self.decided)
        by_staff = [Cut(edge, "cut by staff") for edge in built if (edge.source, edge.target) in self.cut]
        before = [Cut(edge, cut.reason) for cut in self.graph.cuts if (edge := self._moved(cut.edge)) is not None]
        before = [cut for cut in before if (cut.edge.source, cut.edge.target) not in self.decided]
        others = _surest(edge for edge in edges if edge.type != "prereq_of")
        ends = {edge.source for edge in others}
        orphans = {edge.source for edge in self.graph.edges if edge.type in ("explains", "exemplifies")} - ends
        return ConceptGraph(
            tuple(concept for id_, concept in self.concepts.items() if id_ not in self.hidden),
            tuple(resource for resource in self.graph.resources if resource.id not in orphans),
            tuple(example for example in self.graph.examples if example.id not in orphans),
            (*prerequisites, *others),
            (*before, *by_staff, *contrary),
        )

    def _moved(self, edge: Edge) -> Edge | None:
        """The edge between the concepts of today; None where they are one, or one of them is hidden."""
        between = edge.type in ("prereq_of", "near_transfer")
        source = self.now.get(edge.source, edge.source) if between else edge.source
        target = self.now.get(edge.target, edge.target)
        if target in self.hidden or (between and (source in self.hidden or source == target)):
            return None
        if edge.kind in ("sibling", "contrast") and source > target:
            source, target = target, source
        return edge if (source, target) == (edge.source, edge.target) else replace(edge, source=source, target=target)

    def _stood_by(self, edge: Edge) -> Edge:
        """With the certainty of staff, who knew it without a sentence that may be held back."""
        if (edge.source, edge.target) not in self.decided:
            return edge
        evidence = edge.evidence if edge.evidence and edge.evidence.release is None else BY_STAFF
        return replace(edge, confidence=1.0, evidence=evidence)


class _NameIndex:
    """Which concepts a name may mean. What is written so stands before what is read so, titles before the rest."""

    def __init__(self) -> None:
        self._ids: defaultdict[tuple[int, str], set[str]] = defaultdict(set)

    def add(self, concept: Concept) -> None:
        """All names of a concept."""
        for entry in self._entries(concept):
            self._ids[entry].add(concept.id)

    def add_id(self, id_: str) -> None:
        """An id whose concept has gone."""
        self._ids[2, id_].add(id_)

    def remove(self, concept: Concept) -> None:
        """All names of a concept, which must be as they were added."""
        for entry in self._entries(concept):
            self._ids[entry].discard(concept.id)

    def titled(self, title: str) -> set[str]:
        """The concepts with this title, as `names.key` reads it."""
        key = names.key(title)
        return set(self._ids.get((1, key), ())) if key else set()

    def find(self, name: str) -> set[str]:
        """The concepts that a name means, by the best of the ways to read it."""
        written, key = _cleaned(name).casefold(), names.key(name)
        for entry in ((0, written), (1, key), (2, name.strip()), (3, written), (4, key), (5, key)):
            if entry[1] and (found := self._ids.get(entry)):
                return set(found)
        return set()

    @staticmethod
    def _entries(concept: Concept) -> Iterator[tuple[int, str]]:
        yield 0, _cleaned(concept.title).casefold()
        yield 1, names.key(concept.title)
        yield 2, concept.id
        for alias in concept.aliases:
            yield 3, _cleaned(alias).casefold()
            yield 4, names.key(alias)
        yield 5, names.key(concept.id)


def _edges(pairs: set[Pair]) -> list[Edge]:
    return [Edge(source, target, "prereq_of", evidence=BY_STAFF) for source, target in pairs]


def _surest(edges: Iterator[Edge]) -> tuple[Edge, ...]:
    """One edge of each kind between two things, in their order."""
    surest: dict[tuple[str, str, str, str], Edge] = {}
    for edge in edges:
        known = surest.setdefault((edge.source, edge.target, edge.type, edge.kind), edge)
        if unit(edge.confidence) > unit(known.confidence):
            surest[edge.source, edge.target, edge.type, edge.kind] = edge
    return tuple(surest.values())


def _distinct(title: str, aliases: Sequence[str]) -> tuple[str, ...]:
    """The aliases without repetitions and without the title, whatever their case."""
    first = {alias.casefold(): alias for alias in reversed(aliases)}
    first.pop(title.casefold(), None)
    return tuple(alias for alias in dict.fromkeys(aliases) if first.get(alias.casefold()) == alias)


def _cleaned(name: str) -> str:
    """On one line, without characters that are not seen."""
    seen = (" " if unicodedata.category(character) == "Cc" else character for character in name)
    return " ".join("".join(c for c in seen if unicodedata.category(c)[0] != "C").split())


def _quoted(name: str) -> str:
    return f"“{clipped(_cleaned(name))}”"
