"""Pure: the words in which concept cards, choices and learning paths are told, wherever they are shown.

All is plain text of bounded length, as clean as `paragraphs` makes it; links and marks are others' business.
"""

from collections.abc import Sequence

from bot.foreign import visible
from bot.rendering.paragraphs import clean
from retrieval.cards import Card, CardResource, Neighbour
from retrieval.concepts.lookup import Lookup
from retrieval.concepts.paths import Step

MOST_RESOURCES = 3
_MOST_NEIGHBOURS = 8
_MOST_ALIASES = 6
_MOST_CODE_LINES = 15
_LONGEST_CODE_LINE = 120

LEADS_TO, RELATED_TO = "Leads to:", "Related:"
TAUGHT, EXAMPLE = "Where it is taught", "Example"

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


def also(card: Card) -> str:
    """The other names of a concept, in parentheses."""
    names = [name for name in map(clean, card.aliases) if name]
    more = ", …" if len(names) > _MOST_ALIASES else ""
    return f"(also: {', '.join(names[:_MOST_ALIASES])}{more})" if names else ""


def standing(card: Card) -> str:
    """Without known prerequisites nothing is said: that none were found does not make a concept easy."""
    if not card.prerequisites:
        return ""
    count = len(card.prerequisites)
    level = _DIFFICULTY[min(max(card.difficulty, 1), 5)]
    return f"Builds on {count} {'concept' if count == 1 else 'concepts'} · {level}"


def nearest(neighbours: Sequence[Neighbour], most: int = _MOST_NEIGHBOURS) -> tuple[list[Neighbour], int]:
    """The nearest of the neighbours that have names, in their order, and how many are left out."""
    named = [one for one in neighbours if clean(one.title)]
    near = sorted(named, key=lambda one: one.depth)[:most]
    return [one for one in named if one in near], len(named) - len(near)


def related(card: Card) -> list[tuple[str, list[Neighbour]]]:
    """What is related, by how it is: the words that lead to it, and it."""
    by_kind: dict[str, list[Neighbour]] = {}
    for one in card.related:
        by_kind.setdefault(one.kind if one.kind in _RELATED else "", []).append(one)
    return [(words, by_kind[kind]) for kind, words in _RELATED.items() if kind in by_kind]


def taught(resource: CardResource) -> tuple[str, str]:
    """Where a concept is taught, and how long that takes; the place may have no name."""
    place = " › ".join(dict.fromkeys(part for part in (clean(resource.title), clean(resource.span)) if part))
    return place, f"{_minutes(resource.minutes)} {_TIME.get(resource.type, 'min read')}"


def example(card: Card) -> tuple[str, str]:
    """The best example, shortened, and what is said below it about lines that are left out; "" where there is none."""
    if not card.examples or not (code := visible(card.examples[0].code).expandtabs(4).strip("\n").rstrip()):
        return "", ""
    lines = code.split("\n")
    shown = [line if len(line) <= _LONGEST_CODE_LINE else f"{line[:_LONGEST_CODE_LINE]} …" for line in lines]
    rest = len(lines) - _MOST_CODE_LINES
    more = f"… {rest} more {'line' if rest == 1 else 'lines'}" if rest > 0 else ""
    return "\n".join(shown[:_MOST_CODE_LINES]), more


def note(lookup: Lookup, name: str, title: str) -> str:
    """What is said before a card that is not quite what was asked for; empty where it is."""
    asked, shown = clean(name), clean(title)
    if lookup.match == "typo":
        return f"No “{asked}” here; this is “{shown}”."
    if lookup.match == "nearest":
        others = f" Also near: {_listed(lookup)}." if lookup.choices else ""
        return f"The course has no concept called “{asked}”. The nearest in meaning is “{shown}”.{others}"
    return ""


def choices(lookup: Lookup, name: str) -> str:
    """What is said where there is no card: an ambiguous name, or one that the course does not have."""
    asked = clean(name)
    if lookup.match == "ambiguous":
        return f"“{asked}” could mean: {_listed(lookup)}.\nWhich one?"
    if not asked:
        return "Which concept? Give its name, such as a heading of the lectures."
    near = f" Nearest: {_listed(lookup)}." if lookup.choices else ""
    return f"The course has no concept called “{asked}”.{near}"


def _listed(lookup: Lookup) -> str:
    return ", ".join(title for choice in lookup.choices if (title := clean(choice.title)))


def reading(step: Step) -> str:
    """How long a step takes, in parentheses; empty where nothing is there to be read."""
    if not step.url:
        return ""
    return f"({_minutes(step.minutes)} min)" if step.minutes else "(read with an earlier step)"


def whole_way(steps: Sequence[Step]) -> str:
    """How long several steps take together; empty for fewer, or where that is not known."""
    total = sum(_minutes(step.minutes) for step in steps if step.url and step.minutes)
    return f"{len(steps)} steps, about {_duration(total)} of reading." if len(steps) > 1 and total else ""


def _duration(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest else "") if part)


def _minutes(minutes: float) -> int:
    return max(1, round(minutes))
