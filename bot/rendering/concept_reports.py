"""Pure: concept cards, choices, learning paths and the whole graph, as JSON in the stable form and for people to read.

What people read is to be printed with `soft_wrap=True`, so that long links stay whole; paragraphs wrap all the same.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from bot.phrases import WANTED_FIRST
from bot.rendering import concept_wording as wording
from bot.rendering.paragraphs import Code, Line, clean, link, linked, sentence, spaced
from retrieval.cards import Card, CardResource, Neighbour
from retrieval.concepts.lookup import Lookup
from retrieval.concepts.paths import Step
from retrieval.graph import ConceptGraph, Edge


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
    standing = wording.standing(card)
    parts: list[list[RenderableType]] = [
        [_headline(card), *([Line(Text(standing, style="dim"))] if standing else [])],
        _definition(card),
        _neighbours(card),
        _taught(card.resources),
        _example(card),
    ]
    return spaced(parts)


def _headline(card: Card) -> Line:
    also = wording.also(card)
    return Line(Text.assemble((clean(card.title), "bold"), f" {also}" if also else ""))


def _definition(card: Card) -> list[RenderableType]:
    said = sentence(card.definition)
    return [Line(Text(said)), *link(card.definition_url)] if said else []


def _neighbours(card: Card) -> list[RenderableType]:
    related = [Text(f"{words} ") + _named(neighbours) for words, neighbours in wording.related(card)]
    lines = (
        (WANTED_FIRST, _named(card.prerequisites)),
        (wording.LEADS_TO, _named(card.leads_to)),
        (wording.RELATED_TO, Text("; ").join(related)),
    )
    return [Line(Text.assemble((f"{words} ", "bold"), said)) for words, said in lines if said]


def _named(neighbours: Sequence[Neighbour]) -> Text:
    """The nearest of them, in their order; the rest is counted."""
    near, left_out = wording.nearest(neighbours)
    names = [Text(clean(one.title), style=linked(one.url)) for one in near]
    return Text(", ").join(names) + Text(f" and {left_out} more" if left_out else "")


def _taught(resources: Sequence[CardResource]) -> list[RenderableType]:
    if not resources:
        return []
    lines: list[RenderableType] = [Line(Text(wording.TAUGHT, style="bold"))]
    for one in resources[: wording.MOST_RESOURCES]:
        place, time = wording.taught(one)
        lines += [Line(Text(f"{place} ({time})" if place else time), 2), *link(one.url, 4)]
    return lines


def _example(card: Card) -> list[RenderableType]:
    listing, more = wording.example(card)
    if not listing:
        return []
    left_out = [Line(Text(more, style="dim"), 4)] if more else []
    return [Line(Text(wording.EXAMPLE, style="bold")), Code(listing), *left_out, *link(card.examples[0].url, 4)]


def lookup_note(lookup: Lookup, name: str, title: str) -> Text:
    """What is said before a card that is not quite what was asked for; empty where it is."""
    return Text(wording.note(lookup, name, title))


def choices_text(lookup: Lookup, name: str) -> Text:
    """What is said where there is no card: an ambiguous name, or one that the course does not have."""
    return Text(wording.choices(lookup, name))


def path_text(steps: Sequence[Step], note: str = "") -> RenderableType:
    """A learning path as numbered steps, with the time it takes."""
    said, sums = sentence(note), wording.whole_way(steps)
    numbered: list[RenderableType] = []
    for number, step in enumerate(steps, start=1):
        mark, reading = f"{number:>{len(str(len(steps)))}}. ", wording.reading(step)
        title = Text.assemble(mark, (clean(step.title), "bold"), f" {reading}" if reading else "")
        numbered += [Line(title), *link(step.url, len(mark))]
    return spaced([[Line(Text(said))] if said else [], numbered, [Line(Text(sums, style="dim"))] if sums else []])
