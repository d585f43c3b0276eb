"""Pure: how often names with small words inside occur: duty of care, back-propagation through time. `phrases` counts
none of them, for most stretches with "of" in them are no names; these are, or may be.
"""

from collections import defaultdict
from collections.abc import Iterable

from retrieval.concepts.candidates import Candidate, Candidates
from retrieval.concepts.corpus import Corpus
from retrieval.concepts.phrases import Phrase
from retrieval.concepts.wording import FUNCTION_WORDS

LINKS = frozenset({"of", "to", "over"})
"""Small words inside of names; others are there by chance, unless the course itself says that it is a name."""

_VOUCHED = frozenset({"expanded", "called", "defined", "glossary"})


def find_linked(corpus: Corpus, candidates: Candidates) -> dict[tuple[str, ...], Phrase]:
    """The phrases of the candidates with a small word inside that the prose says, by folded words."""
    wanted = [one for one in candidates.by_key.values() if _may_be_name(one)]
    pages: dict[int, list[str]] = defaultdict(list)
    for section in corpus.sections:
        pages[section.page] += section.said
    texts = {page: _plain(said) for page, said in pages.items()}
    found: dict[tuple[str, ...], Phrase] = {}
    for candidate in wanted:
        name = _plain((candidate.spelling,))
        if places := {page: times for page, text in texts.items() if (times := text.count(name))}:
            count = sum(places.values())
            found[candidate.words] = Phrase(candidate.words, count, heads=count, whole=count, pages=set(places))
    return found


def _may_be_name(candidate: Candidate) -> bool:
    small = {word for word in candidate.words if word in FUNCTION_WORDS}
    return bool(small) and (small <= LINKS or not _VOUCHED.isdisjoint(candidate.marks))


def _plain(texts: Iterable[str]) -> str:
    return "\n".join(texts).lower().replace("-", " ")
