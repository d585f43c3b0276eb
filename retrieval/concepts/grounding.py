"""Pure: what of a model's answer about a section the section itself says. The rest is dropped, whoever asked for it."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import islice

from retrieval.concepts.corpus import Section, plain, table_rows
from retrieval.concepts.names import key, tokens
from retrieval.markup import blocks, sentences
from retrieval.ports import ExtractedConcept, ExtractedRelation, Extraction
from retrieval.words import words

MOST_CONCEPTS = 12
_MOST_RELATIONS = 2 * MOST_CONCEPTS
_MOST_ALIASES = 5
_LONGEST_NAME = 80
_MOST_NAME_WORDS = 8
_LONGEST_QUOTE = 600
_MOST_SENTENCES = 3
_FEWEST_SENTENCE_WORDS = 4
_PIECE = 6000

_LETTERS = re.compile(r"[\w '’-]+")
_ESCAPED = re.compile(r"\\([*_#`~+-])")
_CELL_END = re.compile(r"(?<!\\)\||\n")
_UNWRITTEN = re.compile(r"[\s\\`]+")


def pieces(section: Section, longest: int = _PIECE) -> Iterator[str]:
    """The section's Markdown without its listings, in pieces of at most so many characters, cut between blocks."""
    text = ""
    for block in blocks(section.text):
        if block.kind == "code":
            continue
        if text and len(text) + len(block.text) + 2 > longest:
            yield text
            text = ""
        text = f"{text}\n\n{block.text}" if text else block.text
        while len(text) > longest:
            end = text.rfind(" ", longest // 2, longest)
            end = longest if end < 0 else end
            yield text[:end]
            text = text[end:].lstrip()
    if text:
        yield text


def grounded(answers: Iterable[Extraction], section: Section) -> Extraction:
    """What of these the section bears out, at most 12 concepts and 24 relations an answer, none of them twice.

    Names stand in the section, its title or its headings, apart from case, inflection and hyphens; other marks than
    these only as they stand there. Definitions and relations' sentences are given back as plain text in the section's
    own words, as the whole sentences (three at most) that hold what the answer quotes.
    """
    ground = _Ground(section)
    concepts: dict[str, ExtractedConcept] = {}
    relations: dict[tuple[str, str, str], ExtractedRelation] = {}
    for answer in answers:
        for concept in islice(_concepts(answer.concepts, ground), MOST_CONCEPTS):
            concepts.setdefault(key(concept.name), concept)
        for relation in islice(_relations(answer.relations, ground), _MOST_RELATIONS):
            relations.setdefault((key(relation.source), key(relation.target), relation.kind), relation)
    return Extraction(tuple(concepts.values()), tuple(relations.values()))


def _concepts(found: Iterable[ExtractedConcept], ground: "_Ground") -> Iterator[ExtractedConcept]:
    named: dict[str, tuple[str, ExtractedConcept]] = {}
    for concept in found:
        if name := ground.name(concept.name):
            named.setdefault(key(name), (name, concept))
    for name, concept in named.values():
        aliases: dict[str, str] = {}
        for alias in map(ground.name, concept.aliases[: 4 * _MOST_ALIASES]):
            # What is listed as a concept of its own is no other name of this one.
            if alias and key(alias) not in named:
                aliases.setdefault(key(alias), alias)
        definition = ground.sentence(concept.definition)
        yield ExtractedConcept(name, tuple(islice(aliases.values(), _MOST_ALIASES)), definition)


def _relations(found: Iterable[ExtractedRelation], ground: "_Ground") -> Iterator[ExtractedRelation]:
    for relation in found:
        source, target = ground.name(relation.source), ground.name(relation.target)
        if not (source and target and relation.kind) or key(source) == key(target):
            continue
        if sentence := ground.sentence(relation.sentence):
            # One of the two may be an "it"; a sentence that names neither says nothing of them.
            said = _Tokens((sentence,))
            if said.hold(key(source)) or said.hold(key(target)):
                yield ExtractedRelation(source, target, relation.kind, sentence)


class _Ground:
    """A section, ready to be compared with."""

    def __init__(self, section: Section) -> None:
        texts = list(pieces(section))
        shown = (section.title, *section.headings, *(_shown(each) for text in texts for each in sentences(text)))
        self._tokens = _Tokens(shown)
        self._written = _written("\n".join((*shown, *texts)))
        tables = [block.text for block in blocks(section.text) if block.kind == "table"]
        rows = {row for table in tables for row in table_rows(table)}  # a definition is one cell of them
        quotable = [*(each for each in section.sentences if each not in rows), *_cell_sentences(tables)]
        self._sentences = [plain(each) if len(each) <= 2 * _LONGEST_QUOTE else "" for each in quotable]
        # One line of words, a blank before and after each; what is left out keeps its neighbours apart.
        said = [f"{_said(sentence)} " if sentence else "\x1f " for sentence in self._sentences]
        self._line = " " + "".join(said)
        self._starts = [1]
        for each in said:
            self._starts.append(self._starts[-1] + len(each))

    def name(self, name: str) -> str:
        """The name as it can be seen; empty where the section does not hold it."""
        if len(name) > 2 * _LONGEST_NAME:
            return ""
        name = _shown(
            "".join(each for each in name if each.isspace() or not unicodedata.category(each).startswith("C"))
        )
        if len(name) > _LONGEST_NAME or not any(character.isalpha() for character in name):
            return ""
        if len(tokens(name)) > _MOST_NAME_WORDS or not self._tokens.hold(key(name)):
            return ""
        return name if _LETTERS.fullmatch(name) or _written(name) in self._written else ""

    def sentence(self, quote: str) -> str:
        """The section's own sentences that hold these words, as plain text; empty where there are none."""
        said = _said(plain(quote)) if len(quote) <= 2 * _LONGEST_QUOTE else ""
        if said.count(" ") + 1 < _FEWEST_SENTENCE_WORDS:
            return ""
        place = self._line.find(f" {said} ") + 1
        if place == 0:
            return ""
        first = bisect_right(self._starts, place) - 1
        last = bisect_right(self._starts, place + len(said) - 1) - 1
        whole = " ".join(self._sentences[first : last + 1])
        return whole if last - first < _MOST_SENTENCES and len(whole) <= _LONGEST_QUOTE else ""


class _Tokens:
    """The folded words of some texts, in which names are looked for from one word's beginning to one's end."""

    def __init__(self, texts: Iterable[str]) -> None:
        joined: list[str] = []
        self._edges = {0}
        place = 0
        for text in texts:
            for token in (*tokens(text), "\x1f"):  # no name runs from one text into the next
                joined.append(token)
                place += len(token)
                self._edges.add(place)
        self._joined = "".join(joined)

    def hold(self, name: str) -> bool:
        """Whether the key of a name is there."""
        place = self._joined.find(name) if name else -1
        while place >= 0:
            if place in self._edges and place + len(name) in self._edges:
                return True
            place = self._joined.find(name, place + 1)
        return False


def _cell_sentences(tables: Iterable[str]) -> Iterator[str]:
    """The sentences in the cells of tables, with an empty one between cells."""
    for table in tables:
        for cell in _CELL_END.split(table):
            yield ""
            yield from sentences(cell)


def _shown(markdown: str) -> str:
    return _ESCAPED.sub(r"\1", plain(markdown))


def _said(sentence: str) -> str:
    return " ".join(words(unicodedata.normalize("NFKC", sentence)))


def _written(text: str) -> str:
    return _UNWRITTEN.sub("", unicodedata.normalize("NFKC", text)).lower()
