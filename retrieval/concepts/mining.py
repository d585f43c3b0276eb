"""Pure: from a corpus to its concepts, cleaned and merged, with where each is named, taught and defined."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retrieval.concepts.candidates import Candidate, Candidates, find_candidates
from retrieval.concepts.corpus import Corpus
from retrieval.concepts.definitions import find_definitions
from retrieval.concepts.hints import Hint, mark_hints
from retrieval.concepts.mentions import Name, NameFinder, find_mentions, name_of
from retrieval.concepts.merging import Group, merge
from retrieval.concepts.names import is_acronym, key, slug
from retrieval.concepts.noise import noise
from retrieval.concepts.phrases import find_phrases, word_corpus
from retrieval.concepts.teaching import sections_that_teach
from retrieval.concepts.termhood import Scored, Weights, score
from retrieval.concepts.terms import Mention, Term

_CENTRAL = 12.0
"""Termhood of a concept in the middle of its course; weights approach 1 beyond it."""


@dataclass(frozen=True, slots=True)
class Mined:
    """Terms by number, and every mention in order of sections."""

    terms: tuple[Term, ...]
    mentions: tuple[Mention, ...]


def mine(corpus: Corpus, hints: Sequence[Hint] = (), weights: Weights = Weights()) -> Mined:
    """Find the concepts of a course; `hints` count only for what the course itself names."""
    worded = word_corpus(corpus)
    candidates = find_candidates(corpus)
    mark_hints(candidates, hints, corpus)
    asked = {candidate.words for candidate in candidates.by_key.values()}
    scored = score(candidates, find_phrases(corpus, worded, asked), weights)
    groups = merge(scored, candidates)
    names = [name for number, group in enumerate(groups) for name in _names(number, group, scored, candidates)]
    found = find_mentions(corpus, worded, NameFinder(names))
    taught = sections_that_teach(corpus, found)
    defined = find_definitions(corpus, found, taught)
    terms: list[Term] = []
    ids: Counter[str] = Counter()
    for number, group in enumerate(groups):
        title, aliases = _spelling(group, scored, candidates, found.spelled.get(number, {}))
        id_ = slug(title) or f"concept-{number}"
        ids[id_] += 1
        definition, evidence = defined.get(number, ("", None))
        points = max(scored[key_].score for key_ in group.keys if key_ in scored)
        terms.append(
            Term(
                number,
                id_ if ids[id_] == 1 else f"{id_}-{ids[id_]}",
                title,
                aliases,
                definition,
                evidence,
                taught.get(number, ()),
                round(points / (points + _CENTRAL), 3),
            )
        )
    return Mined(tuple(terms), found.mentions)


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
    group: Group, scored: Mapping[str, Scored], candidates: Candidates, spelled: Mapping[str, int]
) -> tuple[str, tuple[str, ...]]:
    """The title, and other names that a student may type; each as the prose writes it, or as the headings do."""
    in_prose: dict[str, Counter[str]] = defaultdict(Counter)
    for written, count in spelled.items():
        in_prose[key(written)][written] += count
    names: list[str] = []
    for key_ in (*group.keys, *group.loose):
        candidate = _candidate(key_, scored, candidates)
        if candidate is None:
            continue
        names.append(_best_spelling(in_prose.get(key_, Counter()), candidate))
    title, *others = (*names, *group.spelled_out)
    aliases = [name for name in dict.fromkeys(others) if noise(name) in (None, "a generality") and name != title]
    return title, tuple(aliases)


def _best_spelling(prose: Counter[str], candidate: Candidate) -> str:
    """Hyphens as the course's marked-up names have them, capitals as its prose has them."""
    marked = candidate.written.most_common(1)[0][0] if candidate.written else ""
    spoken = prose.most_common(1)[0][0] if prose else ""
    if not marked or not spoken:
        return marked or spoken or " ".join(candidate.words)
    if "-" in marked and marked.replace("-", " ").lower() == spoken.lower():
        return _recased(marked, spoken)
    return spoken if spoken.lower() == marked.lower() or len(spoken.split()) == len(marked.split()) else marked


def _recased(marked: str, spoken: str) -> str:
    letters = iter(spoken.replace(" ", ""))
    return "".join(character if character in "- " else next(letters, character) for character in marked)
