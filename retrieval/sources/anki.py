"""Reads what Anki writes as "Notes in Plain Text": a table with a head of `#key:value` lines, HTML in its fields."""

import csv
import html
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

from retrieval.errors import UnreadableFile
from retrieval.passage import Document, Section
from retrieval.sources.markdown.outline import flat
from retrieval.sources.text import LONGEST_HEADING, name_of

_HEAD_LINE = re.compile(r"#([a-z ]+):(.*)", re.IGNORECASE)
_SEPARATORS = {"tab": "\t", "comma": ",", "semicolon": ";", "space": " ", "pipe": "|", "colon": ":"}
_FORMULAS = (
    (re.compile(r"<anki-mathjax[^>]*\bblock\b[^>]*>(.+?)</anki-mathjax>", re.S), "$$"),
    (re.compile(r"<anki-mathjax[^>]*>(.+?)</anki-mathjax>", re.S), "$"),
    (re.compile(r"\[\$\$\](.+?)\[/\$\$\]", re.S), "$$"),
    (re.compile(r"\[\$\](.+?)\[/\$\]", re.S), "$"),
    (re.compile(r"\\\[(.+?)\\\]", re.S), "$$"),
    (re.compile(r"\\\((.+?)\\\)", re.S), "$"),
)
_CLOZE = re.compile(r"\{\{c\d+::((?:(?!\{\{c\d|::|\}\}).)*)(?:::(?:(?!\{\{c\d|\}\}).)*)?\}\}", re.S)
_SOUND = re.compile(r"\[sound:[^\]]*\]|\[anki:[^\]]*\]")


@dataclass(frozen=True, slots=True)
class _Head:
    separator: str = "\t"
    is_html: bool = False
    deck: str = ""
    deck_column: int = 0
    # Columns (from 1) that hold no card text: note type, tags, identifier.
    other_columns: frozenset[int] = frozenset()


def is_anki_export(text: str) -> bool:
    """Whether the text begins with the head that Anki writes."""
    first = text.lstrip().split("\n", 1)[0]
    return bool(re.match(r"#(separator|html|notetype|deck|tags|columns|guid)[a-z ]*:", first, re.IGNORECASE))


def read_anki(path: str, text: str) -> Document:
    """The Document of an export, a section a note. Raises UnreadableFile when no note has two filled fields."""
    head, body = _head(text.lstrip("\n"))
    if not is_anki_export(text):
        head = _Head(separator=_guessed_separator(path, body))
    notes = [*_notes(head, body)]
    decks = {deck[0] for deck, _ in notes if deck}
    title = decks.pop() if len(decks) == 1 else name_of(path)
    sections = [_section(deck[1:] if deck[:1] == (title,) else deck, fields) for deck, fields in notes]
    found = tuple(section for section in sections if section is not None)
    if not found:
        raise UnreadableFile("no flashcards in it")
    return Document(path, title, found)


def _head(text: str) -> tuple[_Head, str]:
    said: dict[str, str] = {}
    while line := _HEAD_LINE.match(text):
        said[line[1].lower()] = line[2].strip()
        text = text[line.end() :].removeprefix("\n")
    separator = said.get("separator", "tab")
    others = (said.get(f"{name} column", "") for name in ("notetype", "tags", "guid"))
    deck_column = said.get("deck column", "")
    return (
        _Head(
            separator=_SEPARATORS.get(separator.lower(), separator[:1] or "\t"),
            is_html=said.get("html", "").lower() == "true",
            deck=said.get("deck", ""),
            deck_column=int(deck_column) if deck_column.isdecimal() else 0,
            other_columns=frozenset(int(number) for number in others if number.isdecimal()),
        ),
        text,
    )


def _guessed_separator(path: str, body: str) -> str:
    """The separator of a table without a head: one that stands in nearly every line, or there are no cards."""
    lines = [line for line in body.split("\n") if line.strip()]
    candidates = ",;\t" if path.lower().endswith(".csv") else "\t"
    for separator in candidates:
        if sum(separator in line for line in lines) >= 0.8 * len(lines):
            return separator
    raise UnreadableFile("no flashcards in it")


def _notes(head: _Head, body: str) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """The deck path and the card fields of each note."""
    rows = csv.reader(io.StringIO(body, newline=""), delimiter=head.separator, strict=True)
    try:
        for row in rows:
            if not row or row[0].startswith("#"):
                continue
            numbered = [*enumerate(row, start=1)]
            deck = next((value for column, value in numbered if column == head.deck_column), head.deck)
            skipped = {head.deck_column, *head.other_columns}
            yield (
                tuple(part.strip() for part in deck.split("::") if part.strip()),
                [_text(value, head.is_html) for column, value in numbered if column not in skipped],
            )
    except csv.Error as error:
        raise UnreadableFile(f"broken table near line {rows.line_num}: {error}") from error


def _section(deck: tuple[str, ...], fields: list[str]) -> Section | None:
    """A short front becomes the heading, so that it is found and named like any other; a long one opens the text."""
    filled = [field for field in fields if field]
    if len(filled) > 1 and len(filled[0]) <= LONGEST_HEADING and "\n" not in filled[0]:
        return Section((*deck, filled[0]), "\n\n".join(filled[1:]))
    # A cloze note may fill one field only, with a sentence; a bare word is a card without an answer.
    says_something = len(filled) > 1 or any(" " in field for field in filled)
    return Section(deck, "\n\n".join(filled)) if says_something else None


def _text(field: str, is_html: bool) -> str:
    """One field as Markdown."""
    filled = _SOUND.sub("", field)
    while (opened := _CLOZE.sub(r"\1", filled)) != filled:
        filled = opened
    for pattern, mark in _FORMULAS:
        filled = "".join(
            f"{mark}{_formula(part, is_html)}{mark}" if is_formula else part
            for part, is_formula in zip(pattern.split(filled), cycle((False, True)), strict=False)
        )
    if not is_html:
        return filled.strip()
    filled = re.sub(r"<br\s*/?>|</?(div|p|ul|ol|tr|table|h\d)\b[^>]*>|(?=<li\b)", "\n", filled, flags=re.IGNORECASE)
    filled = re.sub(r"\s*(<pre\b.*?</pre>)\s*", r"\n\n\1\n\n", filled, flags=re.IGNORECASE | re.DOTALL)
    return flat(re.sub(r"\n(?=\n)", "\n\n", filled)).strip()


def _formula(inner: str, is_html: bool) -> str:
    return html.unescape(re.sub(r"<br\s*/?>|</?(div|span)[^>]*>", " ", inner)).strip() if is_html else inner.strip()
