"""Pure: how a concept's names are written: in the singular, with the capitals and hyphens that the course's prose
gives them.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from retrieval.concepts.candidates import Candidate
from retrieval.concepts.names import fold, key
from retrieval.concepts.phrases import Worded

_SELDOM = 8
"""A singular that is so many times rarer than its plural is a slip: Pandas is one library."""
_TITLE_CASE = re.compile(r"\b[A-Z][a-z]{2,}\b")
_STAR = re.compile(r"\b([A-Z])-?star\b")


class Speller:
    """Spells names as one course does."""

    def __init__(self, worded: Worded) -> None:
        self._written: Counter[str] = Counter()
        for section in worded:
            for sentence in section:
                self._written.update(sentence.written)

    def spell(self, candidate: Candidate, spoken: Mapping[str, int]) -> str:
        """The best spelling of a name; `spoken` counts how the prose writes it."""
        return self._with_capitals(_best(Counter(spoken), candidate))

    def _with_capitals(self, name: str) -> str:
        """Capitals that only headings and the starts of sentences give a word are no part of it."""
        return _TITLE_CASE.sub(lambda word: self._cased(word[0]), name)

    def _cased(self, word: str) -> str:
        # At the start of a sentence anything has a capital: a lower-case use says more.
        low = self._written[word.lower()]
        return word.lower() if low and low * 2 >= self._written[word] else word


def star(name: str) -> str:
    """`A*` for `Astar`, as words are kept while they are compared."""
    return _STAR.sub(r"\1*", name)


def by_key(spelled: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Spellings of a concept, with counts, under the key of the name that each is."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for written, count in spelled.items():
        found[key(written)][written] = count
    return found


def once(names: Iterable[str], title: str) -> tuple[str, ...]:
    """Names without those that are spellings of the title or of an earlier name."""
    found = {key(title): title}
    for name in names:
        found.setdefault(key(name), name)
    return tuple(found.values())[1:]


def _best(prose: Counter[str], candidate: Candidate) -> str:
    """Hyphens as the course's marked-up names have them, capitals as its prose has them."""
    marked, spoken = _most_written(candidate.written), _most_written(prose)
    if not marked or not spoken:
        return marked or spoken or " ".join(candidate.words)
    if "-" in marked and marked.replace("-", " ").lower() == spoken.lower():
        return _recased(marked, spoken)
    return spoken if spoken.lower() == marked.lower() or len(spoken.split()) == len(marked.split()) else marked


def _most_written(spellings: Counter[str]) -> str:
    if not spellings:
        return ""
    singular = Counter({name: count for name, count in spellings.items() if _is_singular(name)})
    common = singular if singular.total() * _SELDOM >= spellings.total() else spellings
    return min(common, key=lambda name: (-common[name], name))


def _is_singular(name: str) -> bool:
    last = re.split(r"[\s-]", name.lower())[-1]
    return last == fold(last)


def _recased(marked: str, spoken: str) -> str:
    letters = iter(spoken.replace(" ", ""))
    return "".join(character if character in "- " else next(letters, character) for character in marked)
