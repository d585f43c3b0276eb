"""A question becomes ranked passages with a confidence. The one search that everything else shares.

No language model is called here. What answers the question is decided elsewhere.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date

from retrieval.cards import Card, Neighbour
from retrieval.concepts.catalog import ConceptCatalog, Concepts
from retrieval.concepts.guidance import QuestionConcept, explaining, needed_first, wants_explaining
from retrieval.concepts.lookup import Lookup
from retrieval.confidence import HYBRID, LEXICAL, MEASURED, Signals, is_brief, measure
from retrieval.errors import EmptyQuestion, IndexMissing, QuestionTooLong, StoreError
from retrieval.fusion import Fusion, fuse
from retrieval.joining import join_neighbours, neighbours
from retrieval.manifest import Manifest
from retrieval.passage import Passage, page_of, passage_id
from retrieval.ports import Embedder, IndexStore, PassageIndex, TermEncoder, Vector
from retrieval.query import Query, read_query
from retrieval.question import SearchText, search_text
from retrieval.quotes import pick_quotes, units
from retrieval.results import Found, Options, Quotable, Retrieval
from retrieval.vocabulary import Vocabulary
from retrieval.words import lexical_text

LONGEST_QUESTION = 12_000
"""Characters; what is longer is a paste, and nothing good can be searched for it."""

_HITS_PER_ARM = 30
_QUOTED_FROM = 8
_FOLLOW_UP = 0.7
_COUNTED = 1000
_OPENINGS = 3
_NEAR = 0.55
"""The cosine from which a concept's name is near a question."""
_NEAREST_WEIGHT = 0.5
_GROUNDWORK = 2
_AT_ONCE = 2
"""At most so many passages on what one needs to know first."""


@dataclass(frozen=True, slots=True)
class _Open:
    """An index and what is derived from it once."""

    version: str
    index: PassageIndex
    vocabulary: Vocabulary
    embedder: Embedder | None


@dataclass(frozen=True, slots=True)
class _About:
    """The concepts of a question and their cards; none where the graph takes no part."""

    concepts: tuple[QuestionConcept, ...] = ()
    cards: Mapping[str, Card] = field(default_factory=dict)


class Retriever:
    """Searches one course. Follows switches of its index by itself."""

    def __init__(
        self,
        store: IndexStore,
        encoder: TermEncoder,
        embedder: Callable[[Manifest], Embedder | None],
        today: Callable[[], date],
        catalog: ConceptCatalog,
        fusion: Fusion = Fusion(),
    ) -> None:
        """`embedder` picks the embedder that an index was built with, None where it cannot be had."""
        self._store, self._encoder, self._embedder, self._today = store, encoder, embedder, today
        self._catalog, self._fusion = catalog, fusion
        self._open: _Open | None = None
        self._opening = asyncio.Lock()
        # Searching computes: a crowd of searches side by side would hold up whatever else the event loop has to do.
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._counted: dict[tuple[str, str], Mapping[int, int]] = {}

    async def open(self) -> Manifest:
        """Load the index and the embedder now rather than with the first question. Raises RetrievalError."""
        return (await self._current()).index.manifest

    async def concepts(self) -> Concepts:
        """The concepts of the current index. Raises RetrievalError."""
        opened = await self._current()
        return await self._catalog.concepts(opened.version, opened.index)

    async def concept(self, name: str) -> tuple[Lookup, Card | None]:
        """What a name leads to, by meaning too where there is an embedder. Raises RetrievalError."""
        opened = await self._current()
        concepts = await self._catalog.concepts(opened.version, opened.index)
        return await concepts.card(name, opened.embedder.embed_query if opened.embedder else None)

    async def search(self, question: str, previous: Sequence[str] = (), options: Options = Options()) -> Retrieval:
        """Find passages.

        Raises EmptyQuestion, QuestionTooLong, or another RetrievalError where the index cannot be read.
        """
        searched = _usable(question, previous)
        opened = await self._current()
        async with self._turn:
            return await self._search(searched, opened, options)

    async def _search(self, searched: SearchText, opened: _Open, options: Options) -> Retrieval:
        clock = _Clock()
        query = read_query(searched, opened.vocabulary, self._encoder.query)
        with clock.stage("embed"):
            dense = opened.embedder.embed_query(query.dense) if opened.embedder else None
        with clock.stage("graph"):
            about = await self._about(query, dense, opened, options)
        found, signals = await self._find(query, dense, opened, options, about)
        calibration = HYBRID if dense is not None else LEXICAL
        confidence = calibration.probability(signals)
        # A follow-up's own words are few and thin the signals out; what it follows was found before.
        threshold = calibration.threshold * (_FOLLOW_UP if searched.context else 1.0)
        abstain = not found or confidence < threshold
        first = () if abstain else needed_first(about.concepts, about.cards, options.prerequisite_depth)
        groundwork = await self._groundwork(first, found, opened) if wants_explaining(searched.text) else ()
        return Retrieval(tuple(found), confidence, abstain, signals, about.concepts, first, groundwork, clock.stages())

    async def quotable(self, question: str, previous: Sequence[str] = (), options: Options = Options()) -> Quotable:
        """What answers a question word for word, from more passages than are shown to a model. Raises as `search`."""
        searched = _usable(question, previous)
        opened = await self._current()
        query = read_query(searched, opened.vocabulary, self._encoder.query)
        dense = opened.embedder.embed_query(query.dense) if opened.embedder else None
        # A model explains from few passages; the sentence that answers may stand a little further down.
        wider = replace(options, passages=max(options.passages, _QUOTED_FROM))
        found, _ = await self._find(query, dense, opened, wider, await self._about(query, dense, opened, options))
        found = await self._with_openings(found, opened)
        texts = [(hit.passage, hit.text) for hit in found]
        # Embedding every sentence takes a while; other students' answers go on meanwhile.
        meaning = await asyncio.to_thread(_meaning, opened.embedder, dense, texts)
        quotes = pick_quotes(searched.text, query, texts, self._encoder.counts, meaning)
        brief = is_brief(query, [hit.text for hit in found], [hit.passage.page for hit in found], self._encoder.counts)
        return Quotable(tuple(found), tuple(quotes), brief)

    async def _with_openings(self, found: Sequence[Found], opened: _Open) -> list[Found]:
        """The first passage of each of the best pages goes before its hits: definitions stand there."""
        best = list(dict.fromkeys(hit.passage.page for hit in found))[:_OPENINGS]
        there = {hit.passage.id for hit in found}
        first = dict(await opened.index.passages([passage_id(page, 0) for page in best], self._today()))
        ordered: list[Found] = []
        for hit in found:
            opening = first.pop(passage_id(hit.passage.page, 0), None)
            if opening is not None and opening.id not in there:
                ordered.append(Found(0, hit.score, opening, opening.text))
            ordered.append(hit)
        return [replace(hit, rank=rank) for rank, hit in enumerate(ordered, start=1)]

    async def _about(self, query: Query, dense: Vector | None, opened: _Open, options: Options) -> "_About":
        """The concepts of a question, named before near, and their cards."""
        if not options.graph or options.max_concepts == 0:
            return _About()
        try:
            concepts = await self._catalog.concepts(opened.version, opened.index)
            return await self._named(query, dense, concepts, options.max_concepts)
        except StoreError:  # the catalog has said so; an answer without the graph is better than none
            return _About()

    @staticmethod
    async def _named(query: Query, dense: Vector | None, concepts: Concepts, most: int) -> "_About":
        found: dict[str, tuple[str, float]] = {}
        for named in concepts.names.find(query.dense):
            found[named.id] = (named.how, 1.0)
        if dense is not None and len(found) < most:
            for id_, cosine in await concepts.nearest(dense, most):
                if cosine >= _NEAR:
                    found.setdefault(id_, ("nearest", _NEAREST_WEIGHT * cosine))
        cards = await concepts.cards(list(found)[:most])
        about = tuple(QuestionConcept(id_, card.title, *found[id_]) for id_, card in cards.items())
        return _About(about, cards)

    async def _groundwork(self, first: Sequence[Neighbour], found: Sequence[Found], opened: _Open) -> tuple[Found, ...]:
        """The best passage on each prerequisite whose page is not there already, those needed last first."""
        there = {hit.passage.page for hit in found}
        wanted = [one.passages[0] for one in reversed(first) if one.passages and page_of(one.passages[0]) not in there]
        ids = list(dict.fromkeys(wanted))[:_GROUNDWORK]
        loaded = await opened.index.passages(ids, self._today()) if ids else {}
        passages = [loaded[id_] for id_ in ids if id_ in loaded]
        return tuple(
            Found(rank, 0.0, passage, passage.text) for rank, passage in enumerate(passages, start=len(found) + 1)
        )

    async def _find(
        self, query: Query, dense: Vector | None, opened: _Open, options: Options, about: "_About"
    ) -> tuple[list[Found], Signals]:
        today, manifest = self._today(), opened.index.manifest
        arms = await opened.index.search(dense, query.sparse, _HITS_PER_ARM, today)
        worth = explaining(about.concepts, about.cards)
        ranking = fuse(arms, self._fusion, manifest.notes, manifest.pointers, worth)
        # The confidence looks at the same number of passages, however few are wanted.
        ids = ranking.ids[: max(options.passages, MEASURED)]
        loaded = await opened.index.passages([*ids, *neighbours(ids[: options.passages])], today)
        hits = [loaded[id_] for id_ in ids if id_ in loaded]
        background = (manifest.cosine_mean, manifest.cosine_deviation)
        counted = [self._counts(hit) for hit in hits[:MEASURED]]
        signals = measure(query, arms, counted, opened.vocabulary, background)
        hits = hits[: options.passages]
        texts = join_neighbours(hits, loaded, options.context_tokens)
        found = [
            Found(rank, round(ranking.scores[hit.id], 6), hit, text)
            for rank, (hit, text) in enumerate(zip(hits, texts, strict=True), start=1)
        ]
        return found, signals

    def _counts(self, passage: Passage) -> Mapping[int, int]:
        """Term counts of a passage; a course's popular passages are found again and again."""
        key = (passage.path, passage.content_hash)
        if key not in self._counted:
            if len(self._counted) >= _COUNTED:
                self._counted.clear()
            self._counted[key] = self._encoder.counts(lexical_text(passage))
        return self._counted[key]

    async def _current(self) -> _Open:
        """The open index, after looking whether another has been switched in."""
        version = await self._store.version()
        if self._open is not None and self._open.version == version:
            return self._open
        async with self._opening:
            if self._open is None or self._open.version != version:
                if version is None:
                    raise IndexMissing("nothing has been ingested yet", "Run `erica ingest COURSE.toml` first.")
                index = await self._store.open()
                manifest = index.manifest
                vocabulary = Vocabulary(manifest.words, manifest.terms, manifest.passages)
                # Searches under way may still hold the old index; it is closed when the last lets go.
                self._open = _Open(version, index, vocabulary, self._embedder(manifest))
            return self._open


def _meaning(
    embedder: Embedder | None, question: Vector | None, texts: Sequence[tuple[Passage, str]]
) -> dict[str, float] | None:
    """The cosine between the question and each piece of the texts that can be quoted; None without a dense arm."""
    if embedder is None or question is None:
        return None
    pieces = list(dict.fromkeys(unit.text for _, text in texts for unit in units(text) if unit.kind != "code"))
    return dict(zip(pieces, (embedder.embed_passages(pieces) @ question).tolist(), strict=True))


def _usable(question: str, previous: Sequence[str]) -> SearchText:
    if len(question) > LONGEST_QUESTION:
        raise QuestionTooLong(
            f"the question has {len(question)} characters, {LONGEST_QUESTION} are read",
            "Cut it down to the part that is being asked.",
        )
    searched = search_text(question, [earlier[:LONGEST_QUESTION] for earlier in previous])
    if not any(character.isalnum() for character in searched.text):
        raise EmptyQuestion("there is no question in it", "Ask in words.")
    return searched


class _Clock:
    """Milliseconds by stage; what is not a named stage belongs to the search."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self._stages[name] = (time.perf_counter() - start) * 1000

    def stages(self) -> dict[str, float]:
        total = (time.perf_counter() - self._start) * 1000
        named = {name: round(ms, 3) for name, ms in self._stages.items()}
        rest = round(total - sum(self._stages.values()), 3)
        return {**named, "search": rest, "total": round(total, 3)}
