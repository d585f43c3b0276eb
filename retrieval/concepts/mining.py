"""Pure: from a corpus to its concepts, cleaned and merged, with where each is named, taught and defined."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retrieval.concepts.candidates import Candidate, Candidates
from retrieval.concepts.corpus import Corpus
from retrieval.concepts.definitions import find_definitions
from retrieval.concepts.fitness import Prose
from retrieval.concepts.frequency import commonness
from retrieval.concepts.hints import Hint, mark_hints
from retrieval.concepts.identifiers import names_in_code
from retrieval.concepts.linked import find_linked
from retrieval.concepts.mentions import Name, NameFinder, find_mentions, name_of
from retrieval.concepts.merging import Group, merge
from retrieval.concepts.names import is_acronym, slug
from retrieval.concepts.noise import noise
from retrieval.concepts.phrases import Worded, find_phrases, word_corpus
from retrieval.concepts.sightings import find_candidates
from retrieval.concepts.spelling import Speller, by_key, once, star
from retrieval.concepts.teaching import sections_that_teach
from retrieval.concepts.termhood import Scored, Weights, score
from retrieval.concepts.terms import Mention, Term
from retrieval.concepts.usage import read_usage

_EVERYDAY = 4.2
"""Zipf frequency from which a word in a heading is no subject yet."""
_PAGE = frozenset({"title", "asked"})
_SUBJECT = frozenset({"title", "heading", "asked", "part", "glossary", "expanded"})
_CENTRAL = 12.0
"""Termhood of a concept in the middle of its course; weights approach 1 beyond it."""


@dataclass(frozen=True, slots=True)
class Mined:
    """Terms by number, every mention in order of sections, and the wording of every sentence."""

    terms: tuple[Term, ...]
    mentions: tuple[Mention, ...]
    worded: Worded


def mine(corpus: Corpus, hints: Sequence[Hint] = (), weights: Weights = Weights()) -> Mined:
    """Find the concepts of a course; `hints` count only for what the course itself names."""
    worded = word_corpus(corpus)
    candidates = find_candidates(corpus)
    mark_hints(candidates, hints, corpus)
    asked = {candidate.words for candidate in candidates.by_key.values()}
    phrases = find_phrases(corpus, worded, asked)
    phrases.found.update(find_linked(corpus, candidates))
    code = names_in_code(listing for section in corpus.sections for listing in section.code)
    scored = score(candidates, Prose(phrases, read_usage(worded), code, corpus.pages), weights)
    groups = merge(scored, candidates, phrases)
    names = [name for number, group in enumerate(groups) for name in _names(number, group, scored, candidates)]
    found = find_mentions(corpus, worded, NameFinder(names))
    taught = sections_that_teach(corpus, found)
    defined = find_definitions(corpus, found, taught)
    speller = Speller(worded)
    terms: list[Term] = []
    ids: Counter[str] = Counter()
    for number, group in enumerate(groups):
        title, aliases = _spelling(group, scored, candidates, found.spelled.get(number, {}), speller)
        id_ = slug(title) or f"concept-{number}"
        ids[id_] += 1
        definition, evidence = defined.get(number, ("", None))
        points = max(scored[key_].score for key_ in group.keys if key_ in scored)
        terms.append(
            Term(
                number,
                id_ if ids[id_] == 1 else f"{id_}-{ids[id_]}",
                star(title),
                tuple(map(star, aliases)),
                definition,
                evidence,
                taught.get(number, ()),
                round(points / (points + _CENTRAL), 3),
                bool(definition) or _headed(group, scored, candidates),
            )
        )
    return Mined(tuple(terms), found.mentions, worded)


def _headed(group: Group, scored: Mapping[str, Scored], candidates: Candidates) -> bool:
    """Whether a page that teaches has a heading for it, or writes out its acronym; everyday words need a page."""
    found = [candidate for key_ in group.keys if (candidate := _candidate(key_, scored, candidates)) is not None]
    everyday = all(len(one.words) == 1 and commonness(one.words[0]) >= _EVERYDAY for one in found)
    wanted = _PAGE if everyday else _SUBJECT
    return any(wanted & candidate.marks.keys() for candidate in found)


def _candidate(key_: str, scored: Mapping[str, Scored], candidates: Candidates) -> Candidate | None:
    return scored[key_].candidate if key_ in scored else candidates.by_key.get(key_)


def _names(number: int, group: Group, scored: Mapping[str, Scored], candidates: Candidates) -> list[Name]:
    found = [_candidate(key_, scored, candidates) for key_ in group.keys]
    return [
        name_of(number, candidate.words, any(is_acronym(written) for written in candidate.written))
        for candidate in found
        if candidate is not None
    ]


def _spelling(
    group: Group, scored: Mapping[str, Scored], candidates: Candidates, spelled: Mapping[str, int], speller: Speller
) -> tuple[str, tuple[str, ...]]:
    """The title, and other names that a student may type."""
    spoken = by_key(spelled)
    names = [
        speller.spell(candidate, spoken.get(key_, {}))
        for key_ in (*group.keys, *group.loose)
        if (candidate := _candidate(key_, scored, candidates)) is not None
    ]
    title, *others = (*names, *group.spelled_out)
    return title, once((name for name in others if noise(name) is None), title)
