"""Pure: a cleaned question becomes what both arms are asked, with typos repaired and rarities weighed."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from retrieval.ports import SparseVector
from retrieval.question import SearchText, own_words, points_back
from retrieval.vocabulary import Vocabulary, rarity
from retrieval.words import ACRONYM, acronyms, camel_parts, words

_REPAIRED = 0.5
_CONTEXT = 0.5


@dataclass(frozen=True, slots=True)
class Term:
    """One distinct word of the question. `term` is its hash; `known` whether any passage holds it."""

    word: str
    term: int
    known: bool
    rarity: float


@dataclass(frozen=True, slots=True)
class Query:
    """`dense` is the text to embed, `sparse` the weighted terms, `terms` the words, those of the context too."""

    dense: str
    sparse: SparseVector
    terms: tuple[Term, ...]


def read_query(search: SearchText, vocabulary: Vocabulary, encode: Callable[[str], SparseVector]) -> Query:
    """Weigh the terms of a question.

    A repaired typo counts half, since a repair may be wrong; so do the words of what a follow-up follows.
    """
    if search.context and not points_back(search.text) and (own := own_words(search.text)):
        named = read_query(SearchText(" ".join(own)), vocabulary, encode).terms
        if named and not any(term.known for term in named):
            search = SearchText(search.text)  # it names what the course does not know: a new subject
    weights: dict[int, float] = {}
    terms: list[Term] = []
    repairs: dict[str, str] = {}
    for text, share in ((search.text, 1.0), (search.context, _CONTEXT)):
        for word in dict.fromkeys(words(text) + words(camel_parts(text)) + acronyms(text).split()):
            for hashed in encode(word).indices:
                known, weight = vocabulary.knows(hashed), share
                if not known and word.startswith(ACRONYM):
                    continue  # the course may write it otherwise, as in ReLU; the plain word speaks for it
                if not known and word.isdigit():
                    continue  # a number that the course never mentions says nothing of what is asked about
                repaired = None if known else vocabulary.repair(word)
                if repaired is not None and (meant := encode(repaired).indices):
                    hashed, known, weight = meant[0], True, share * _REPAIRED
                    repairs[word] = repaired
                weights[hashed] = max(weights.get(hashed, 0.0), weight)
                terms.append(Term(word, hashed, known, rarity(repaired or word)))
    return Query(_mended(search.whole, repairs), SparseVector(list(weights), list(weights.values())), tuple(terms))


def _mended(text: str, repairs: Mapping[str, str]) -> str:
    """The text with its typos repaired, for the embedding model."""
    if not repairs:
        return text
    return re.sub(r"[^\W_]+", lambda match: repairs.get(match.group().lower(), match.group()), text)


def distinct(terms: Sequence[Term]) -> tuple[Term, ...]:
    """Terms with their hash, each once."""
    return tuple({term.term: term for term in terms}.values())
