"""Pure: how often names with small words inside occur: duty of care, back-propagation through time. `phrases` counts
none of them, for most stretches with "of" in them are no names; these are, or may be.
"""

from collections import defaultdict
from collections.abc import Iterable

from retrieval.concepts.candidates import Candidates
from retrieval.concepts.corpus import Corpus
from retrieval.concepts.phrases import Phrase
from retrieval.concepts.wording import FUNCTION_WORDS


def find_linked(corpus: Corpus, candidates: Candidates) -> dict[tuple[str, ...], Phrase]:
    """The phrases of all candidates with a small word inside that the prose says, by folded words."""
    wanted = [one for one in candidates.by_key.values() if any(word in FUNCTION_WORDS for word in one.words)]
    pages: dict[int, list[str]] = defaultdict(list)
    for section in corpus.sections:
        pages[section.page] += section.said
    texts = {page: _plain(said) for page, said in pages.items()}
    prose = "\n".join(texts.values())
    found: dict[tuple[str, ...], Phrase] = {}
    for candidate in wanted:
        name = _plain((candidate.spelling,))
        if count := prose.count(name):
            places = {page for page, text in texts.items() if name in text}
            found[candidate.words] = Phrase(candidate.words, count, heads=count, whole=count, pages=places)
    return found


def _plain(texts: Iterable[str]) -> str:
    return "\n".join(texts).lower().replace("-", " ")
