"""Pure: concept cards, choices, learning paths and sources as Markdown for chat platforms.

Names and sentences come from anybody's pages: they are escaped, and what they link or mention goes. Pages without an
address are named only, so every line reads well without its links.
"""

import re
from collections.abc import Iterable, Sequence

from bot.foreign import visible
from bot.messages import Citation
from bot.phrases import CLOSEST, WANTED_FIRST
from bot.rendering import concept_wording as wording
from bot.rendering.formula_text import inline
from bot.rendering.own_markdown import markdown_escaped, markdown_link, markdown_listing
from bot.rendering.paragraphs import clean
from bot.word_filter import WordFilter
from retrieval.cards import Card, Neighbour
from retrieval.concepts.lookup import Lookup
from retrieval.concepts.paths import Step
from retrieval.concepts.views import ConceptMap, Role

_LONGEST_SENTENCE = 600
_READ = 3 * _LONGEST_SENTENCE
_FORMULA = re.compile(
    r"\$\$([^$]{1,1000})\$\$|\$(?![\s$])([^$\n]{1,300}?)(?<!\s)\$(?!\d)|\\\(((?:(?!\\\().){1,300}?)\\\)"
)
_MOST_NEIGHBOURS = 5
_MOST_DESCRIBED = 5
_ROLES: dict[Role, str] = {"prerequisite": "builds on", "leads_to": "leads to", "related": "related to"}
_NOT_COVERED = "The course material does not seem to cover this."


def card_page(card: Card, note: str = "") -> str:
    """A concept as a teaching assistant would sum it up; what the course does not say is left out.

    `note` is plain text that goes before.
    """
    standing = wording.standing(card)
    headline = f"**{_name(card.title)}** {_name(wording.also(card), longest=700)}".rstrip()
    return _parts(
        _line(note),
        f"{headline}  \n*{standing}*" if standing else headline,
        _definition(card),
        _neighbours(card),
        _taught(card),
        _example(card),
    )


def _definition(card: Card) -> str:
    said = _line(card.definition)
    link = markdown_link("from the course", card.definition_url)
    return f"{said} ({link})" if said and link.startswith("[") else said


def _neighbours(card: Card) -> str:
    related = [f"{words} {_named(neighbours)}" for words, neighbours in wording.related(card)]
    lines = (
        (WANTED_FIRST, _named(card.prerequisites, linked=True)),
        (wording.LEADS_TO, _named(card.leads_to)),
        (wording.RELATED_TO, "; ".join(related)),
    )
    return "  \n".join(f"**{words}** {said}" for words, said in lines if said)


def _named(neighbours: Sequence[Neighbour], linked: bool = False) -> str:
    """Only what one may have to read first is linked: a card is to fit into one message."""
    near, left_out = wording.nearest(neighbours, _MOST_NEIGHBOURS)
    names = ", ".join(markdown_link(_safe(clean(one.title)), one.url if linked else "") for one in near)
    return f"{names} and {left_out} more" if left_out else names


def _taught(card: Card) -> str:
    lines = []
    for one in card.resources[: wording.MOST_RESOURCES]:
        place, time = wording.taught(one)
        lines.append(
            f"- {markdown_link(_safe(place), one.url)} ({time})" if place else f"- {markdown_link(time, one.url)}"
        )
    return "\n".join([f"**{wording.TAUGHT}:**", "", *lines]) if lines else ""


def _example(card: Card) -> str:
    listing, more = wording.example(card)
    if not listing:
        return ""
    link = markdown_link("from the course", card.examples[0].url)
    title = f"**{wording.EXAMPLE}** ({link}):" if link.startswith("[") else f"**{wording.EXAMPLE}:**"
    return _parts(title, markdown_listing(listing, "python"), f"*{more}*" if more else "")


def choices_page(lookup: Lookup, name: str) -> str:
    """What is said where there is no card: an ambiguous name, or one that the course does not have."""
    said, _, question = wording.choices(lookup, name).partition("\n")
    return _parts(_line(said, longest=3000), question)


def asking_page(what: str, command: str, example: str) -> str:
    """What is said where a command came without what it is about; `example` is a name of the course, if it has any."""
    name = in_command(example)
    return f"{what} For example: `/{command} {name}`" if name else what


def path_page(steps: Sequence[Step], notes: Iterable[str] = ()) -> str:
    """A learning path as numbered steps, with the time it takes; `notes` are plain text and go before."""
    lines = []
    for number, step in enumerate(steps, start=1):
        reading = wording.reading(step)
        lines.append(f"{number}. {markdown_link(_safe(clean(step.title)), step.url)}{f' {reading}' if reading else ''}")
    sums = wording.whole_way(steps)
    return _parts(*map(_line, notes), "\n".join(lines), f"*{sums}*" if sums else "")


def sources_page(question: str, places: Sequence[Citation], covered: bool) -> str:
    """The best places for a question, one quoted line each; where the course does not cover it, the nearest ones."""
    head = f"Where the course has something on “{_name(question)}”:" if covered else _NOT_COVERED
    if not places:
        return _NOT_COVERED
    lines = []
    for number, one in enumerate(places, start=1):
        quote = _line(one.quote)
        lines.append(
            f"{number}. {markdown_link(_safe(clean(one.title)), one.url)}" + (f"  \n   “{quote}”" if quote else "")
        )
    return _parts(head, "" if covered else CLOSEST, "\n".join(lines))


def map_description(shown: ConceptMap) -> str:
    """One sentence that says what a picture of a concept's neighbourhood shows."""
    named: dict[Role, list[str]] = {}
    for node in shown.nodes:
        named.setdefault(node.role, []).append(_safe(clean(node.title)))
    said = [f"{words} {_enumerated(named[role])}" for role, words in _ROLES.items() if role in named]
    return f"Concept map of {_safe(clean(shown.title))}: {'; '.join(said)}."


def path_description(steps: Sequence[Step]) -> str:
    """One sentence that says what a picture of a learning path shows."""
    return f"Learning path: {', then '.join(_safe(clean(step.title)) for step in steps)}."


def _enumerated(names: Sequence[str]) -> str:
    rest = len(names) - _MOST_DESCRIBED
    return ", ".join(names[:_MOST_DESCRIBED]) + (f" and {rest} more" if rest > 0 else "")


def in_command(name: str) -> str:
    """A name as it may stand in a code span."""
    return _safe(clean(name)).replace("`", "").strip()


def _name(text: str, longest: int = 100) -> str:
    shown = clean(text) if longest == 100 else " ".join(visible(text[:longest]).split())
    return markdown_escaped(_safe(shown))


def _line(text: str, longest: int = _LONGEST_SENTENCE) -> str:
    """A sentence of the course on one line, its formulas in Unicode."""
    line = visible(text[: max(_READ, longest)])
    if "$" in line or "\\(" in line:
        line = _FORMULA.sub(lambda formula: inline(formula[1] or formula[2] or formula[3]).text, line)
    line = _safe(" ".join(line.split()))
    return markdown_escaped(line if len(line) <= longest else f"{line[:longest].rstrip()} …")


def _safe(line: str) -> str:
    """Without foreign links and mentions: pages are no more trusted than models."""
    words = WordFilter()
    words.add(line, "prose")
    return words.take() + words.finish()


def _parts(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)
