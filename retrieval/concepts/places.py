"""Pure: where concepts are taught, as resources and worked examples of the graph, with the edges that say so."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import PurePosixPath
from urllib.parse import parse_qs, urlsplit

from retrieval.concepts.corpus import Corpus, Section
from retrieval.concepts.names import tokens
from retrieval.concepts.terms import Mention, Term
from retrieval.graph import Edge, Evidence, Example, Resource, ResourceType
from retrieval.words import words

_WORDS_A_MINUTE = 180
_LINES_A_MINUTE = 20
_EXAMPLES = 3
_FEWEST_LINES, _MOST_LINES = 2, 30
_LEAST_SHARE = 0.25

_TYPES: dict[str, ResourceType] = {".pdf": "pdf", ".pptx": "slide", ".vtt": "video", ".srt": "video"}


def resources(corpus: Corpus, terms: Sequence[Term]) -> dict[int, Resource]:
    """A resource for every section that teaches some term, by the section's number."""
    needed = sorted({number for term in terms for number in _taught_in(term)})
    found: dict[int, Resource] = {}
    taken: dict[str, int] = {}
    for number in needed:
        section = corpus.sections[number]
        again = taken[section.url] = taken.get(section.url, 0) + 1
        found[number] = Resource(
            id=section.url if again == 1 else f"{section.url}~{again}",
            type="notes" if section.trust == "notes" else _TYPES.get(PurePosixPath(section.path).suffix, "web_page"),
            url=section.url,
            path=section.path,
            title=section.title,
            span=_span(section),
            passages=section.passages,
            minutes=_minutes(section),
            release=section.release,
        )
    return found


def _taught_in(term: Term) -> dict[int, float]:
    """The sections that teach a term, and in any case the best one: a card without a place leads nowhere."""
    return {number: share for place, (number, share) in enumerate(term.taught) if not place or share >= _LEAST_SHARE}


def explains(
    corpus: Corpus, terms: Sequence[Term], mentions: Sequence[Mention], places: Mapping[int, Resource]
) -> list[Edge]:
    """From each resource to what it explains, with the sentence that names it first."""
    named: dict[tuple[int, int], int] = {}
    for mention in mentions:
        if mention.sentence >= 0:
            named.setdefault((mention.term, mention.section), mention.sentence)
    edges: list[Edge] = []
    for term in terms:
        for number, share in _taught_in(term).items():
            section = corpus.sections[number]
            sentence = named.get((term.number, number))
            said = section.said[sentence] if sentence is not None else section.heading or section.title
            evidence = Evidence(section.url, said[:600], section.release)
            edges.append(Edge(places[number].id, term.id, "explains", "", share, evidence))
    return edges


def examples(corpus: Corpus, terms: Sequence[Term]) -> tuple[list[Example], list[Edge]]:
    """Code of the sections that teach a term: first what speaks of it by name, at most three a term."""
    found: dict[tuple[int, int], Example] = {}
    edges: list[Edge] = []

    @cache
    def listings(number: int) -> list[tuple[int, frozenset[str]]]:
        """The listings of a section that can be examples, with their words."""
        code = enumerate(corpus.sections[number].code)
        return [(place, frozenset(words(listing))) for place, listing in code if _is_example(listing)]

    for term in terms:
        stems = {word for name in (term.title, *term.aliases) for word in tokens(name) if len(word) > 2}
        rated: list[tuple[float, int, int]] = []
        for number, share in term.taught[:4]:
            if share >= _LEAST_SHARE:
                for place, said in listings(number):
                    by_name = not stems.isdisjoint(said)
                    rated.append((round(share * (1.0 if by_name else 0.6), 3), number, place))
        for sure, number, place in sorted(rated, key=lambda one: (-one[0], one[1], one[2]))[:_EXAMPLES]:
            section = corpus.sections[number]
            example = found.setdefault(
                (number, place),
                Example(f"example-{number}-{place + 1}", section.code[place], section.url, section.release),
            )
            evidence = Evidence(section.url, section.heading or section.title, section.release)
            edges.append(Edge(example.id, term.id, "exemplifies", "", sure, evidence))
    return [found[place] for place in sorted(found)], edges


def _is_example(code: str) -> bool:
    """Whether a listing is code to learn from, rather than too long, what a program printed, or a shell's line."""
    first = code.lstrip().split("\n", 1)[0]
    return _FEWEST_LINES <= code.count("\n") + 1 <= _MOST_LINES and not first.startswith(
        ("$", "!", "%", ">", "pip ", "conda ", "git ", "docker ", "cd ", "wget ", "Traceback")
    )


def _minutes(section: Section) -> float:
    spoken = len(section.text.split()) - sum(len(code.split()) for code in section.code)
    lines = sum(code.count("\n") + 1 for code in section.code)
    return max(0.5, round(2 * (spoken / _WORDS_A_MINUTE + lines / _LINES_A_MINUTE)) / 2)


_TIME = re.compile(r"^t=(\d+)$")


def _span(section: Section) -> str:
    fragment = urlsplit(section.url).fragment
    if time := _TIME.match(fragment):
        minutes, seconds = divmod(int(time[1]), 60)
        return f"{minutes}:{seconds:02}"
    if page := parse_qs(fragment).get("page"):
        return f"page {page[0]}"
    return section.heading
