"""Reads Markdown pages as Hugo, Jupyter Book, Quarto, Obsidian and GitHub write them."""

import re
import tomllib
from pathlib import PurePosixPath

import yaml

from retrieval.errors import UnreadableFile
from retrieval.passage import Document
from retrieval.sources.markdown.blocks import Block, blocks
from retrieval.sources.markdown.inline import Cleaner
from retrieval.sources.markdown.outline import first_title, sections
from retrieval.sources.text import LONGEST_HEADING, decode, name_of

_FRONT_MATTER = re.compile(
    r"\A\s*(?P<mark>---|\+\+\+)[ \t]*\n(?P<body>.*?)^(?:(?P=mark)|\.\.\.)[ \t]*(?:\n|\Z)", re.S | re.M
)
_KEY = re.compile(r"^[A-Za-z_][\w .-]*\s*[:=]", re.MULTILINE)
_YAML_TITLE = re.compile(r"^title\s*:.*(?:\n(?:[ \t]+\S.*|[ \t]*$))*", re.MULTILINE)
_TOML_TITLE = re.compile(r"^title\s*=.*", re.MULTILINE)
# Obsidian notes open with lines such as `Tags: #exam [[Course]]`: a key, then only tags, links and dates.
_NOTE_HEADER = re.compile(
    r"(?:[A-Za-z][\w -]{0,20}::?)?"
    r"(?:\s*(?:\[\[[^\[\]\n]*\]\]|\#[^\W\d][\w/-]*|\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d)?|,))+\s*"
)
_PANDOC_ENDINGS = frozenset({".qmd", ".rmd"})


def read_markdown(path: str, data: bytes) -> Document:
    """Read one Markdown page.

    Raises UnreadableFile when it is no text, or when nothing but titles and pictures is on it.
    """
    return markdown_document(path, decode(data))


def markdown_document(path: str, text: str) -> Document:
    """The Document of a page whose text is known already; raises UnreadableFile like `read_markdown`."""
    declared, body = front_matter(text)
    cleaner = Cleaner()
    return page(path, declared, blocks(_without_note_header(body), cleaner), cleaner)


def page(path: str, declared: str | None, content: list[Block], cleaner: Cleaner) -> Document:
    """A Document from blocks: its title is the declared one, else its first heading, else its file's name."""
    title = (declared and cleaner.plain(declared[:LONGEST_HEADING])) or first_title(content) or name_of(path)
    found = sections(content, title, pandoc=PurePosixPath(path).suffix.lower() in _PANDOC_ENDINGS)
    if not found:
        raise UnreadableFile("empty: only titles, no text" if content or declared else "empty: no text")
    return Document(path, title, found, links=cleaner.links)


def front_matter(text: str) -> tuple[str | None, str]:
    """The title that front matter declares, and the text below it; broken YAML is passed over."""
    matter = _FRONT_MATTER.match(text)
    if matter is None or (matter["body"].strip() and not _KEY.search(matter["body"])):
        return None, text
    read = _toml_title if matter["mark"] == "+++" else _yaml_title
    return read(matter["body"]), text[matter.end() :]


def _yaml_title(body: str) -> str | None:
    """The title alone is parsed, so that a mistake in another key does no harm."""
    found = _YAML_TITLE.search(body)
    if found is None:
        return None
    try:
        value = yaml.safe_load(found.group())["title"]
    except (yaml.YAMLError, ValueError, TypeError, KeyError, RecursionError):
        value = found.group().partition(":")[2].split("\n")[0].strip(" \t'\"")
    return str(value).strip() or None if isinstance(value, str | int | float) else None


def _toml_title(body: str) -> str | None:
    found = _TOML_TITLE.search(body)
    try:
        return str(tomllib.loads(found.group())["title"]).strip() or None if found else None
    except tomllib.TOMLDecodeError:
        return None


def _without_note_header(text: str) -> str:
    lines = text.split("\n")
    first = 0
    while first < len(lines) and (not lines[first].strip() or _NOTE_HEADER.fullmatch(lines[first].strip())):
        first += 1
    return "\n".join(lines[first:])
