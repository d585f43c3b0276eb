"""Pure: concept cards, choices, learning paths and the whole graph, as JSON in the stable form and for people to read.

What people read is to be printed with `soft_wrap=True`, so that long links stay whole; paragraphs wrap all the same.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from bot.foreign import visible
from bot.rendering.paragraphs import Code, Line, clean, link, linked, sentence, spaced
from retrieval.cards import Card, CardResource, Neighbour
from retrieval.concepts.lookup import Lookup
from retrieval.concepts.paths import Step
from retrieval.graph import ConceptGraph, Edge

_MOST_NEIGHBOURS = 8
_MOST_ALIASES = 6
_MOST_RESOURCES = 3
_MOST_CODE_LINES = 15
_LONGEST_CODE_LINE = 120

_DIFFICULTY = {1: "introductory", 2: "basic", 3: "intermediate", 4: "advanced", 5: "very advanced"}
_RELATED = {
    "is-a": "a kind of",
    "kinds": "kinds of it:",
    "part-of": "part of",
    "parts": "has parts:",
    "contrast": "often contrasted with:",
    "sibling": "similar:",
    "": "see also:",
}
_TIME = {"video": "min video", "slide": "min of slides", "pdf": "min read, PDF", "notes": "min read, notes"}


def concept_json(lookup: Lookup, card: Card | None) -> dict[str, Any]:
    """What `erica concept --json` prints."""
    return {
        "match": lookup.match,
        "card": None if card is None else _card_json(card),
        "choices": [{"id": choice.id, "title": choice.title} for choice in lookup.choices],
    }


def _card_json(card: Card) -> dict[str, Any]:
    def ordered(neighbours: Iterable[Neighbour], extra: str) -> list[dict[str, Any]]:
        return [{"id": n.id, "title": n.title, "url": n.url, extra: getattr(n, extra)} for n in neighbours]

    return {
        "id": card.id,
        "title": card.title,
        "aliases": list(card.aliases),
        "definition": card.definition,
        "definition_url": card.definition_url,
        "difficulty": card.difficulty,
        "prerequisites": ordered(card.prerequisites, "depth"),
        "leads_to": ordered(card.leads_to, "depth"),
        "related": ordered(card.related, "kind"),
        "examples": [{"code": example.code, "url": example.url} for example in card.examples],
        "resources": [
            {"type": one.type, "url": one.url, "title": one.title, "span": one.span, "minutes": round(one.minutes, 1)}
            for one in card.resources
        ],
    }


def path_json(steps: Sequence[Step], note: str = "") -> dict[str, Any]:
    """What `erica path --json` prints; `note` is there only if there is something to say."""
    told = [{"id": step.id, "title": step.title, "url": step.url, "minutes": round(step.minutes, 1)} for step in steps]
    return {"steps": told, "note": note} if note else {"steps": told}


def graph_json(graph: ConceptGraph) -> dict[str, Any]:
    """What `erica graph --json` prints."""
    return {
        "concepts": [
            {
                "id": one.id,
                "title": one.title,
                "aliases": list(one.aliases),
                "definition": one.definition,
                "difficulty": one.difficulty,
            }
            for one in graph.concepts
        ],
        "resources": [
            {"id": one.id, "type": one.type, "url": one.url, "path": one.path, "title": one.title, "span": one.span}
            for one in graph.resources
        ],
        "examples": [{"id": one.id, "code": one.code, "url": one.url} for one in graph.examples],
        "edges": [_edge_json(edge) for edge in graph.edges],
    }


def _edge_json(edge: Edge) -> dict[str, Any]:
    evidence = edge.evidence
    return {
        "source": edge.source,
        "target": edge.target,
        "type": edge.type,
        "kind": edge.kind,
        "confidence": round(edge.confidence, 4),
        "evidence": None if evidence is None else {"url": evidence.url, "sentence": evidence.sentence},
    }


def concept_card(card: Card) -> RenderableType:
    """A concept as a teaching assistant would sum it up; what the course does not say is left out."""
    parts: list[list[RenderableType]] = [
        [_headline(card), *([Line(Text(standing, style="dim"))] if (standing := _standing(card)) else [])],
        _definition(card),
        _neighbours(card),
        _taught(card.resources),
        _example(card),
    ]
    return spaced(parts)


def _headline(card: Card) -> Line:
    names = [name for name in map(clean, card.aliases) if name]
    more = ", …" if len(names) > _MOST_ALIASES else ""
    also = f" (also: {', '.join(names[:_MOST_ALIASES])}{more})" if names else ""
    return Line(Text.assemble((clean(card.title), "bold"), also))


def _standing(card: Card) -> str:
    """Without known prerequisites nothing is said: that none were found does not make a concept easy."""
    if not card.prerequisites:
        return ""
    count = len(card.prerequisites)
    level = _DIFFICULTY[min(max(card.difficulty, 1), 5)]
    return f"Builds on {count} {'concept' if count == 1 else 'concepts'} · {level}"


def _definition(card: Card) -> list[RenderableType]:
    said = sentence(card.definition)
    return [Line(Text(said)), *link(card.definition_url)] if said else []


def _neighbours(card: Card) -> list[RenderableType]:
    by_kind: dict[str, list[Neighbour]] = {}
    for one in card.related:
        by_kind.setdefault(one.kind if one.kind in _RELATED else "", []).append(one)
    related = [Text(f"{words} ") + _named(by_kind[kind]) for kind, words in _RELATED.items() if kind in by_kind]
    lines = (
        ("You'll want first: ", _named(card.prerequisites)),
        ("Leads to: ", _named(card.leads_to)),
        ("Related: ", Text("; ").join(related)),
    )
    return [Line(Text.assemble((words, "bold"), said)) for words, said in lines if said]


def _named(neighbours: Sequence[Neighbour]) -> Text:
    """The nearest of them, in their order; the rest is counted."""
    neighbours = [one for one in neighbours if clean(one.title)]
    near = sorted(neighbours, key=lambda one: one.depth)[:_MOST_NEIGHBOURS]
    names = [Text(clean(one.title), style=linked(one.url)) for one in neighbours if one in near]
    left_out = len(neighbours) - len(near)
    return Text(", ").join(names) + Text(f" and {left_out} more" if left_out else "")


def _taught(resources: Sequence[CardResource]) -> list[RenderableType]:
    if not resources:
        return []
    lines: list[RenderableType] = [Line(Text("Where it is taught", style="bold"))]
    for one in resources[:_MOST_RESOURCES]:
        place = " › ".join(dict.fromkeys(part for part in (clean(one.title), clean(one.span)) if part))
        time = f"{_minutes(one.minutes)} {_TIME.get(one.type, 'min read')}"
        lines += [Line(Text(f"{place} ({time})" if place else time), 2), *link(one.url, 4)]
    return lines


def _example(card: Card) -> list[RenderableType]:
    if not card.examples or not (code := visible(card.examples[0].code).expandtabs(4).strip("\n").rstrip()):
        return []
    lines = code.split("\n")
    shown = [line if len(line) <= _LONGEST_CODE_LINE else f"{line[:_LONGEST_CODE_LINE]} …" for line in lines]
    listing = "\n".join(shown[:_MOST_CODE_LINES])
    rest = len(lines) - _MOST_CODE_LINES
    more = [Line(Text(f"… {rest} more {'line' if rest == 1 else 'lines'}", style="dim"), 4)] if rest > 0 else []
    return [Line(Text("Example", style="bold")), Code(listing), *more, *link(card.examples[0].url, 4)]


def lookup_note(lookup: Lookup, name: str, title: str) -> Text:
    """What is said before a card that is not quite what was asked for; empty where it is."""
    asked, shown = clean(name), clean(title)
    if lookup.match == "typo":
        return Text(f"No “{asked}” here; this is “{shown}”.")
    if lookup.match == "nearest":
        others = f" Also near: {_listed(lookup)}." if lookup.choices else ""
        return Text(f"The course has no concept called “{asked}”. The nearest in meaning is “{shown}”.{others}")
    return Text("")


def choices_text(lookup: Lookup, name: str) -> Text:
    """What is said where there is no card: an ambiguous name, or one that the course does not have."""
    asked = clean(name)
    if lookup.match == "ambiguous":
        return Text(f"“{asked}” could mean: {_listed(lookup)}.\nWhich one?")
    if not asked:
        return Text("Which concept? Give its name, such as a heading of the lectures.")
    nearest = f" Nearest: {_listed(lookup)}." if lookup.choices else ""
    return Text(f"The course has no concept called “{asked}”.{nearest}")


def _listed(lookup: Lookup) -> str:
    return ", ".join(title for choice in lookup.choices if (title := clean(choice.title)))


def path_text(steps: Sequence[Step], note: str = "") -> RenderableType:
    """A learning path as numbered steps, with the time it takes."""
    said = sentence(note)
    numbered: list[RenderableType] = []
    for number, step in enumerate(steps, start=1):
        mark = f"{number:>{len(str(len(steps)))}}. "
        title = Text.assemble(mark, (clean(step.title), "bold"), _reading(step))
        numbered += [Line(title), *link(step.url, len(mark))]
    total = sum(_minutes(step.minutes) for step in steps if step.url and step.minutes)
    sums = Line(Text(f"{len(steps)} steps, about {_duration(total)} of reading.", style="dim"))
    return spaced([[Line(Text(said))] if said else [], numbered, [sums] if len(steps) > 1 and total else []])


def _reading(step: Step) -> str:
    if not step.url:
        return ""
    return f" ({_minutes(step.minutes)} min)" if step.minutes else " (read with an earlier step)"


def _duration(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest else "") if part)


def _minutes(minutes: float) -> int:
    return max(1, round(minutes))
