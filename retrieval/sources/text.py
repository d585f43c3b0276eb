"""From the bytes of a file to clean text, and from its path to a readable name. Knows no format."""

import re
from pathlib import PurePosixPath

from retrieval.errors import UnreadableFile

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_LINE_END = re.compile(r"\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ufeff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_INDEX_NAMES = frozenset({"index", "_index", "readme"})
_ORDER_PREFIX = re.compile(r"^\d{1,3}[\s._-]+(?=[^\W\d])")
_LANGUAGE_SUFFIX = re.compile(r"\.[a-z]{2}(-[A-Za-z]{2,4})?$")
_GENERIC_TITLE = re.compile(
    r"untitled|document\d*|presentation\d*|powerpoint[ -].*|microsoft (word|powerpoint) - .*|slide \d+|title|no title"
    r"|.*\.(docx?|pptx?|tex|pdf|dvi|qxd|indd|html?)",
    re.IGNORECASE,
)
# As long as a heading that is still one: longer ones are sentences set in the wrong style.
LONGEST_HEADING = 160


def decode(data: bytes) -> str:
    """The text of a file, with `\\n` at line ends and without control characters.

    UTF-8, UTF-16 and UTF-32 by their marks, UTF-8 without one, else Windows-1252 where that makes sense.
    Raises UnreadableFile for binary data and for files without a visible character.
    """
    text = tidy(_decoded(data))
    if not text.strip():
        raise UnreadableFile("empty")
    return text


def tidy(text: str) -> str:
    """`text` with `\n` at line ends, and without control characters and halves of surrogate pairs."""
    if _SURROGATE.search(text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _CONTROL.sub("", _LINE_END.sub("\n", text))


def _decoded(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as error:
                raise UnreadableFile(f"broken {encoding.upper()} text") from error
    if b"\x00" in data:
        raise UnreadableFile("binary, not text")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _repaired(data)


def _repaired(data: bytes) -> str:
    """UTF-8 with a few broken bytes stays UTF-8; what is not UTF-8 at all is tried as Windows-1252."""
    repaired = data.decode("utf-8", "replace")
    broken = repaired.count("\ufffd")
    if broken <= sum(char > "\x7f" for char in repaired) - broken:
        return repaired
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as error:
        raise UnreadableFile("binary, not text") from error
    if len(_CONTROL.findall(text)) * 100 > len(text):
        raise UnreadableFile("binary, not text")
    return text


def name_of(path: str) -> str:
    """A readable name from a path: `lectures/rnn/lstm/_index.md` is "Lstm", `03-graph_search.pdf` "Graph search"."""
    place = PurePosixPath(path)
    name = _LANGUAGE_SUFFIX.sub("", place.stem)
    if name.lower() in _INDEX_NAMES and place.parent.name:
        name = place.parent.name
    words = " ".join(re.split(r"[\s_-]+", _ORDER_PREFIX.sub("", name).strip("_- ")))
    return (words[:1].upper() + words[1:] if words.islower() else words) or place.name


def usable_title(title: str | None) -> str | None:
    """The title that a file's metadata claims, unless it is one that programs put there by themselves."""
    words = " ".join((title or "").split())
    if not 3 <= len(words) <= LONGEST_HEADING or not any(map(str.isalpha, words)):
        return None
    return None if _GENERIC_TITLE.fullmatch(words) else words
