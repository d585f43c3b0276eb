"""Pure: which sections teach a concept, rather than use its name."""

import math
from collections import Counter, defaultdict

from retrieval.concepts.candidates import teaches
from retrieval.concepts.corpus import Corpus, Section
from retrieval.concepts.mentions import Found
from retrieval.words import points_elsewhere

MOST_SECTIONS = 8
_HEADING, _TITLE, _OPENING = 3.0, 1.5, 0.8
_EXERCISE, _NOTES = 0.5, 0.6


def sections_that_teach(corpus: Corpus, found: Found) -> dict[int, tuple[tuple[int, float], ...]]:
    """The sections that explain each term, best first, with shares from 0 to 1; at most eight a term.

    A section explains what its heading names, and what it keeps coming back to, with diminishing returns
    and weighed against how much else it names. Exercises and notes explain less than lectures, and lists of
    references nothing.
    """
    counts: list[Counter[int]] = [Counter() for _ in corpus.sections]
    openings: set[tuple[int, int]] = set()
    around: list[set[int]] = [set() for _ in corpus.sections]
    for mention in found.mentions:
        if mention.sentence < 0:
            around[mention.section].add(mention.term)
        else:
            counts[mention.section][mention.term] += 1
            if mention.sentence < 2:
                openings.add((mention.section, mention.term))
    values: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for section in corpus.sections:
        if points_elsewhere(section.headings):
            continue
        here, headed = counts[section.number], found.headed[section.number]
        total = max(here.total(), 1)
        for term in {*here, *headed}:
            value = math.log2(1 + here[term]) * (0.5 + here[term] / total)
            value += _HEADING * (term in headed) + _TITLE * (term in around[section.number] and term not in headed)
            value += _OPENING * ((section.number, term) in openings)
            values[term].append((value * _standing(section), section.number))
    return {term: _best(found_in) for term, found_in in values.items()}


def _standing(section: Section) -> float:
    return (1.0 if teaches(section) else _EXERCISE) * (_NOTES if section.trust == "notes" else 1.0)


def _best(values: list[tuple[float, int]]) -> tuple[tuple[int, float], ...]:
    ranked = sorted(values, key=lambda value: (-value[0], value[1]))[:MOST_SECTIONS]
    highest = ranked[0][0]
    # Far below the best, a section only uses the name.
    return tuple((number, round(value / max(highest, 5.0), 3)) for value, number in ranked if value >= 0.3 * highest)
