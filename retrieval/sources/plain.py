"""Reads plain text files: paragraphs as they stand, without headings. Tables of numbers are refused."""

import re

from retrieval.errors import UnreadableFile
from retrieval.passage import Document, Section
from retrieval.sources.text import decode, name_of

_MARKDOWN_SIGN = re.compile(
    r"^#{1,6} \S|^```|^~~~|\[\[[^\[\]\n]+\]\]|!\[[^\]\n]*\]\(|\]\(https?://|^---\n", re.MULTILINE
)
_FEWEST_LETTERS = 0.5


def looks_like_markdown(text: str) -> bool:
    """Whether a text file was written as Markdown: at least two signs of it."""
    return len(_MARKDOWN_SIGN.findall(text)) > 1


def read_plain(path: str, data: bytes) -> Document:
    """Read a text file as one section. Raises UnreadableFile when it holds numbers rather than sentences."""
    text = decode(data).strip("\n")
    visible = re.sub(r"\s", "", text)
    if sum(map(str.isalpha, visible)) < _FEWEST_LETTERS * len(visible):
        raise UnreadableFile("data, not text")
    paragraphs = re.split(r"\n[ \t]*(?:\n[ \t]*)+", text)
    return Document(path, name_of(path), (Section((), "\n\n".join(part.rstrip() for part in paragraphs)),))
