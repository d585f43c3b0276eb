"""Pure: from a question or a passage to the words that are looked up in the lexical arm."""

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from retrieval.passage import Passage

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_ANY_CAMEL = re.compile(r"[A-Z](?:(?<=[a-z0-9][A-Z])|[A-Z][a-z])")
_CAMEL_WORD = re.compile(r"[A-Z]*[a-z0-9]++[A-Z][A-Za-z0-9]*|[A-Z]{2,}[a-z][A-Za-z0-9]*")
# A possessive is no word of its own: "Dijkstra's" is Dijkstra.
_WORD = re.compile(r"([^\W_]+(?:['’](?!s\b)[a-z]{1,2}\b)?)(?:['’]s\b)?")
_PATH_NOISE = frozenset({"index", "lectures", "lecture", "pages", "page", "readme", "md", "ipynb", "html", "notes"})


def words(text: str) -> list[str]:
    """Lower-case words in order; digits count as letters, underscores and hyphens separate."""
    return [word.lower() for word in _WORD.findall(text)]


def camel_parts(text: str) -> str:
    """The parts of each camel-case word, so that `HashingVectorizer` is found by "hashing vectorizer"."""
    if not _ANY_CAMEL.search(text):  # as in most prose; the search is five times as fast as the rest
        return ""
    return " ".join(part for match in _CAMEL_WORD.finditer(text) for part in _CAMEL.split(match.group()))


ACRONYM = "acr0"
"""How the words begin that stand for acronyms."""

# The look behind comes after the first letter, so that it is not tried at every place of the text.
_ACRONYM = re.compile(r"[A-Z](?<!\w[A-Z])[A-Z0-9]{1,5}(?=s?\b)")


def acronyms(text: str) -> str:
    """A word of its own for each acronym, since CLIP is no clip and GAN no gan.

    The digit keeps these words apart from any that are written, and from being taken for a typo's repair.
    """
    return " ".join(f"{ACRONYM}{match.group().lower()}" for match in _ACRONYM.finditer(text))


_ELSEWHERE = re.compile(
    r"^\W*(?:\w+ )?(?:resources|references|further reading|bibliography|links|see also|credits)\W*$", re.IGNORECASE
)


def path_words(path: str) -> str:
    """What a file's path says of its content: the words of its folders and name."""
    parts = PurePosixPath(path).with_suffix("").parts
    return " ".join(word for part in parts for word in words(part) if word not in _PATH_NOISE and not word.isdigit())


def embedded_text(title: str, headings: Iterable[str], text: str) -> str:
    """What the dense arm sees of a passage: title and heading path before the text."""
    return "\n".join((" > ".join((title, *headings)), text))


def lexical_text(passage: Passage) -> str:
    """What the lexical arm sees of a passage: also the words of its path, parts of camel case and acronyms."""
    written = f"{passage.title}\n{passage.heading}\n{passage.text}"
    return "\n".join((path_words(passage.path), written, camel_parts(passage.text), acronyms(written)))


def points_elsewhere(headings: Sequence[str]) -> bool:
    """Whether a section names other places instead of saying something itself."""
    return bool(headings) and bool(_ELSEWHERE.search(headings[-1]))
