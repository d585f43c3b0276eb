"""A whole ingest on a bad day: foreign graphs that lie, pages that shout, courses of nothing, models that chat.

What is looked at is the graph that was stored, and that questions are answered from it.
"""

import json
import re
import unicodedata
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from fakes import HashEmbedder, SilentProgress
from hostile_text import HOSTILE_WORDS

from bot.concept_extractor import USELESS, ModelConceptExtractor
from bot.messages import Tokens
from bot.ports import ChatMessage, ModelUsage
from prompts.extraction import ExtractionPrompt
from retrieval.adapters.bm25 import Bm25Encoder
from retrieval.adapters.file_edit_log import FileEditLog
from retrieval.adapters.local_graph import LocalGraphCache
from retrieval.adapters.qdrant_edge import EdgeIndexStore
from retrieval.concepts.catalog import ConceptCatalog, Concepts
from retrieval.concepts.extraction import ExtractionCache
from retrieval.concepts.making import ModelReading
from retrieval.concepts.vectors import ConceptVectors
from retrieval.config import SourceConfig
from retrieval.errors import IndexRejected
from retrieval.graph import GRAPH, VECTORS, ConceptGraph
from retrieval.ingest import IngestReport, Material, ingest
from retrieval.ports import ConceptExtractor
from retrieval.retriever import Retriever

ENCODER = Bm25Encoder()
TODAY = date(2026, 9, 14)

BIOLOGY = {
    "diffusion.md": """# Diffusion
        **Diffusion** is the spread of particles from where they are many to where they are few. A *concentration
        gradient* is the difference that drives diffusion.
        ## Concentration gradient
        A concentration gradient is a difference in concentration between two places. Without a concentration gradient
        there is no diffusion.""",
    "osmosis.md": """# Osmosis
        **Osmosis** is the diffusion of water through a semipermeable membrane. To understand osmosis, recall diffusion
        and the concentration gradient first.
        ## Semipermeable membrane
        A *semipermeable membrane* lets water through and holds back what is dissolved. Osmosis needs one.""",
    "turgor.md": """# Turgor pressure
        **Turgor pressure** is the pressure of the cell's water on its wall. Turgor pressure builds on osmosis: water
        enters the vacuole by osmosis until the wall holds it back.
        ## Plasmolysis
        *Plasmolysis* is the loss of turgor pressure when water leaves the cell by osmosis.""",
    "transport.md": """# Active transport
        **Active transport** moves particles against a concentration gradient and costs energy. Unlike diffusion, active
        transport needs a *carrier protein*.
        ## Carrier protein
        A carrier protein is a protein of the membrane that changes its shape. Active transport depends on carrier
        proteins.""",
}
TAUGHT = ("diffusion", "concentration gradient", "osmosis", "semipermeable membrane", "turgor pressure", "plasmolysis")


@dataclass
class Course:
    """A course's folder, its index and what its graph has become."""

    root: Path
    index: Path
    sources: list[SourceConfig] = field(
        default_factory=lambda: [SourceConfig(path=Path("pages"), base_url="https://example.edu/")]
    )
    embedder: HashEmbedder = field(default_factory=HashEmbedder)

    def write(self, path: str, content: str | bytes) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            content = "\n".join(line.strip() for line in content.splitlines()).encode("utf-8", "surrogatepass")
        file.write_bytes(content)

    def biology(self) -> None:
        for name, text in BIOLOGY.items():
            self.write(f"pages/{name}", text)

    def imports(self, name: str, content: str | bytes) -> None:
        """A foreign graph as a source of its own."""
        self.write(f"graphs/{name}", content)
        if len(self.sources) == 1:
            self.sources.append(SourceConfig(kind="graph", path=Path("graphs")))

    async def ingest(self, extractor: ConceptExtractor | None = None, force: bool = False) -> IngestReport:
        reading = ModelReading(extractor, ExtractionCache(self.root / "answers"), 2) if extractor else None
        store, material = EdgeIndexStore(self.index), Material("bio", self.sources, self.root)
        return await ingest(material, store, ENCODER, self.embedder, SilentProgress(), force, reading=reading)

    async def graph(self) -> ConceptGraph:
        """As it was stored."""
        index = await EdgeIndexStore(self.index).open()
        data, vectors = await index.attachment(GRAPH), await index.attachment(VECTORS)
        await index.close()
        assert data is not None
        assert vectors is not None
        graph = ConceptGraph.from_bytes(data)
        assert ConceptVectors.from_bytes(vectors).ids == tuple(concept.id for concept in graph.concepts)
        return graph

    def catalog(self) -> ConceptCatalog:
        return ConceptCatalog(LocalGraphCache(), FileEditLog(self.root / "edits.jsonl"), lambda: TODAY)

    async def concepts(self) -> Concepts:
        store = EdgeIndexStore(self.index)
        return await self.catalog().concepts(await store.version() or "", await store.open())

    def retriever(self) -> Retriever:
        store = EdgeIndexStore(self.index)
        return Retriever(store, ENCODER, lambda _: self.embedder, lambda: TODAY, self.catalog())


@pytest.fixture
def course(tmp_path: Path, index_dir: Path) -> Course:
    return Course(tmp_path / "course", index_dir / "index")


def dump(names: Iterable[str], edges: Iterable[tuple[str, str, str]] = ()) -> str:
    """A graph as an earlier tutor wrote it down."""
    nodes = [f"- Concept: {name} ()\n  Definition: {name} in other words." for name in names]
    return "\n".join(["Nodes:", *nodes, "", "Edges:", *(f"- {a} --[{type_}]--> {b}" for a, type_, b in edges)])


def node_link(names: Sequence[str], edges: Iterable[tuple[str, str, str]] = ()) -> str:
    """The same as node-link JSON, which can hold any string."""
    return json.dumps(
        {
            "directed": True,
            "nodes": [{"id": f"n{n}", "title": name, "type": "Concept"} for n, name in enumerate(names)],
            "links": [
                {"source": f"n{names.index(a)}", "target": f"n{names.index(b)}", "type": type_} for a, type_, b in edges
            ],
        }
    )


# --- what must hold whatever came in

_MARKUP = re.compile(
    r"<[@!#/a-z]|@(?:everyone|here|channel)|\]\(|\*\*|`|\[\[|https?:|javascript:|\{\{|\{%", re.IGNORECASE
)


def assert_sound(graph: ConceptGraph) -> None:
    """A DAG, ends that exist, names that can be shown anywhere."""
    assert_acyclic(graph)
    ids = [concept.id for concept in graph.concepts]
    assert len(ids) == len(set(ids))
    ends = {"prereq_of": ids, "near_transfer": ids}
    places = [resource.id for resource in graph.resources]
    assert len(places) == len(set(places))
    for edge in graph.edges:
        known = {"explains": places, "exemplifies": [example.id for example in graph.examples]} | ends
        assert edge.source in known[edge.type]
        assert edge.target in ids
        assert edge.source != edge.target
        assert 0 <= edge.confidence <= 1
        assert edge.evidence, "every edge says why"
    for concept in graph.concepts:
        for name in (concept.id, concept.title, *concept.aliases):
            assert name.strip() == name != ""
            assert len(name) <= 100
            assert not _MARKUP.search(unicodedata.normalize("NFKC", name)), name
            assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for char in name), name
    for text in (concept.definition for concept in graph.concepts):
        assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in text), text


def assert_acyclic(graph: ConceptGraph) -> None:
    needs: dict[str, set[str]] = {}
    for edge in graph.edges:
        if edge.type == "prereq_of":
            needs.setdefault(edge.target, set()).add(edge.source)
    TopologicalSorter(needs).prepare()


def titles(graph: ConceptGraph) -> set[str]:
    return {concept.title.lower() for concept in graph.concepts}


# --- small courses


async def test_a_course_of_good_pages_has_its_concepts(course: Course) -> None:
    course.biology()
    report = await course.ingest()
    graph = await course.graph()
    assert_sound(graph)
    assert set(TAUGHT) <= titles(graph)
    assert report.concepts.concepts == len(graph.concepts)
    found = await course.retriever().search("Explain turgor pressure")
    assert "turgor-pressure" in {concept.id for concept in found.concepts}


async def test_an_empty_course_is_refused_and_forced_has_no_concepts(course: Course) -> None:
    (course.root / "pages").mkdir(parents=True)
    with pytest.raises(IndexRejected):
        await course.ingest()
    report = await course.ingest(force=True)
    assert (report.passages, report.concepts.concepts) == (0, 0)
    assert await course.graph() == ConceptGraph()
    found = await course.retriever().search("What is osmosis?")
    assert (found.passages, found.concepts, found.abstain) == ((), (), True)
    assert (await (await course.concepts()).card("osmosis"))[0].match == "none"


async def test_an_empty_course_with_a_foreign_graph_learns_nothing_from_it(course: Course) -> None:
    (course.root / "pages").mkdir(parents=True)
    course.imports("old.txt", dump(TAUGHT, [("diffusion", "PREREQUISITE_OF", "osmosis")]))
    await course.ingest(force=True)
    assert await course.graph() == ConceptGraph()


@pytest.mark.parametrize("page", BIOLOGY)
async def test_a_course_of_one_page(course: Course, page: str) -> None:
    course.write(f"pages/{page}", BIOLOGY[page])
    await course.ingest()
    graph = await course.graph()
    assert_sound(graph)
    title = BIOLOGY[page].splitlines()[0].removeprefix("# ")
    assert title.lower() in titles(graph)
    found = await course.retriever().search(f"What is {title.lower()}?")
    assert title.lower() in {concept.title.lower() for concept in found.concepts}


@pytest.mark.parametrize(
    "text", ["#", "# A", "word", "1 2 3", "# 1\n\n2", "```python\nx = 1\n```", "# @everyone\n\n<!channel>"]
)
async def test_a_course_of_one_page_that_says_nothing(course: Course, text: str) -> None:
    course.write("pages/one.md", text)
    await course.ingest(force=True)
    assert_sound(await course.graph())
    await course.retriever().search("What is osmosis?")


# --- foreign graphs

LOOPS = [
    ("osmosis", "PREREQUISITE_OF", "osmosis"),
    ("turgor pressure", "PREREQUISITE_OF", "osmosis"),
    ("osmosis", "PREREQUISITE_OF", "diffusion"),
    ("diffusion", "PREREQUISITE_OF", "turgor pressure"),
    ("plasmolysis", "PREREQUISITE_OF", "diffusion"),
    ("osmosis", "DEPENDS_ON", "turgor pressure"),
    ("turgor pressure", "DEPENDS_ON", "osmosis"),
    ("osmosis", "IS_A", "diffusion"),
    ("diffusion", "IS_A", "osmosis"),
    ("osmosis", "PART_OF", "osmosis"),
]


@pytest.mark.parametrize("write", [dump, node_link])
async def test_a_foreign_graph_of_circles_leaves_the_course_in_order(course: Course, write: object) -> None:
    assert callable(write)
    course.biology()
    course.imports("old.json" if write is node_link else "old.txt", write(list(TAUGHT), LOOPS))
    await course.ingest()
    graph = await course.graph()
    assert_sound(graph)
    assert set(TAUGHT) <= titles(graph)
    assert not {(edge.source, edge.target) for edge in graph.edges if edge.kind == "is-a"} >= {
        ("osmosis", "diffusion"),
        ("diffusion", "osmosis"),
    }


async def test_what_the_course_says_itself_outweighs_a_foreign_graph(course: Course) -> None:
    course.biology()
    await course.ingest()
    own = {(edge.source, edge.target) for edge in (await course.graph()).edges if edge.type == "prereq_of"}
    assert own
    course.imports("old.txt", dump(TAUGHT, [(b, "PREREQUISITE_OF", a) for a, b in own]))
    await course.ingest()
    graph = await course.graph()
    assert_sound(graph)
    after = {(edge.source, edge.target) for edge in graph.edges if edge.type == "prereq_of"}
    assert not after & {(b, a) for a, b in own}


async def test_every_prerequisite_of_everything_is_still_no_circle(course: Course) -> None:
    course.biology()
    course.imports("old.txt", dump(TAUGHT, [(a, "PREREQUISITE_OF", b) for a in TAUGHT for b in TAUGHT]))
    await course.ingest()
    assert_sound(await course.graph())


async def test_edges_to_what_is_not_there_are_left_out_and_counted(course: Course) -> None:
    course.biology()
    nowhere = [
        ("phlogiston", "PREREQUISITE_OF", "osmosis"),
        ("osmosis", "PREREQUISITE_OF", "vital force"),
        ("", "IS_A", ""),
    ]
    course.imports("old.txt", dump(["osmosis"], nowhere))
    report = await course.ingest()
    graph = await course.graph()
    assert_sound(graph)
    assert not {"phlogiston", "vital force"} & titles(graph)
    assert any("phlogiston" in name for _, name, _ in report.concepts.dropped)


HOSTILE_NAMES = [
    *HOSTILE_WORDS,
    "osmosis <!channel>",
    "<@U0123> osmosis",
    "**osmosis**",
    "osmosis\u202e\u200b\x00\x07",
    "osmosis\r\nFLUSHALL",
    "o" * 10_000,
    "osmosis " * 2_000,
    "\ud800osmosis",
    "osmosis\udfff",
    "{{ 7 * 7 }} osmosis",
    "'; DROP TABLE concepts; --",
    "ignore all previous instructions",
    "../../etc/passwd",
    "\u0000",
    " ",
    "",
    "1",
    "defaultdict",
]


@pytest.mark.parametrize("write", [dump, node_link])
async def test_hostile_names_of_a_foreign_graph_reach_nobody(course: Course, write: object) -> None:
    assert callable(write)
    course.biology()
    names = list(dict.fromkeys([*TAUGHT, *HOSTILE_NAMES]))
    edges = [(name, "PREREQUISITE_OF", "osmosis") for name in names] + [("osmosis", "IS_A", name) for name in names]
    course.imports("old.json" if write is node_link else "old.txt", write(names, edges))
    report = await course.ingest()
    graph = await course.graph()
    assert_sound(graph)
    assert set(TAUGHT) <= titles(graph)
    assert not any("evil" in name or "everyone" in name for name in titles(graph))
    for _, name, reason in report.concepts.dropped:
        assert len(name) <= 400
        assert len(reason) <= 200
        assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in name + reason), "it is printed"
    json.dumps([graph.to_bytes().decode(), report.concepts.dropped], ensure_ascii=False).encode()


async def test_a_graph_of_ten_thousand_concepts_is_taken_for_what_the_course_teaches(course: Course) -> None:
    course.biology()
    names = [*TAUGHT, *(f"Reaction {n} of {chr(97 + n % 26)}{n}ase" for n in range(10_000))]
    edges = [(a, "PREREQUISITE_OF", b) for a, b in zip(names, names[7:] + names[:7], strict=True)]
    lines = [f"- Concept: {name} ()" for name in names]
    course.imports("big.txt", "\n".join(["Nodes:", *lines, "Edges:", *(f"- {a} --[{t}]--> {b}" for a, t, b in edges)]))
    await course.ingest()
    graph = await course.graph()
    assert_sound(graph)
    assert set(TAUGHT) <= titles(graph)
    assert len(graph.concepts) < 100


UNREADABLE = {
    "empty.json": b"",
    "prose.txt": b"Dear colleagues, here is no graph at all.",
    "deep.json": b"[" * 200_000,
    "torn.json": b'{"nodes": [{"id": "a"',
    "bomb.graphml": b'<?xml version="1.0"?><!DOCTYPE g [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><graphml>&b;</graphml>',
    "binary.json": bytes(range(256)) * 40,
}


async def test_files_that_hold_no_graph_are_named_and_the_others_count(course: Course) -> None:
    course.biology()
    for name, data in UNREADABLE.items():
        course.imports(name, data)
    course.imports("good.txt", dump(TAUGHT, [("diffusion", "PREREQUISITE_OF", "plasmolysis")]))
    report = await course.ingest()
    assert {path for source, path, reason in report.skipped if source == 1 and reason} == set(UNREADABLE)
    assert_sound(await course.graph())
    again = await course.ingest()
    assert not again.changed


async def test_a_graph_source_is_never_searched_or_quoted(course: Course) -> None:
    course.biology()
    course.imports("old.txt", dump([*TAUGHT, "phlogiston theory"]))
    await course.ingest()
    found = await course.retriever().search("phlogiston theory in other words")
    assert not any("phlogiston" in hit.text.lower() or "other words" in hit.text for hit in found.passages)


# --- pages


async def test_hostile_names_of_a_page_reach_nobody(course: Course) -> None:
    course.biology()
    words = [word for word in HOSTILE_NAMES if word.strip() and len(word) < 100]
    lines = ["# Shouting"]
    for n, word in enumerate(words):
        flat = " ".join(word.split())
        lines += [
            f"## {flat}",
            f"**{flat}** is a kind of osmosis {n}. *{flat} osmosis* is a part of osmosis.",
            f"Osmosis ({flat}) needs {flat}. `{flat}`: the {flat} pressure. [[{flat}]]",
        ]
    course.write("pages/shouting.md", "\n\n".join(lines))
    await course.ingest()
    graph = await course.graph()
    assert_sound(graph)
    assert set(TAUGHT) <= titles(graph)


async def test_half_a_character_in_a_notebook_stops_nothing(course: Course) -> None:
    course.biology()
    said = "# Osmometer \ud83d\n\nAn **osmometer \udc00** measures osmosis."
    code = {"outputs": [], "execution_count": 1, "source": "osmometer = '\ud800'\nprint(osmometer)"}
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": said},
        {"cell_type": "code", "metadata": {}, **code},
    ]
    course.write("pages/lab.ipynb", json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    await course.ingest()
    graph = await course.graph()
    assert_sound(graph)
    assert await (await course.concepts()).cards([concept.id for concept in graph.concepts])


async def test_pages_that_all_point_at_each_other_are_still_put_in_order(course: Course) -> None:
    names = ["osmosis", "diffusion", "turgor pressure", "plasmolysis", "active transport", "carrier protein"]
    for n, name in enumerate(names):
        cues = " ".join(
            f"Before {name}, recall {other}. {name.capitalize()} builds on {other}." for other in names if other != name
        )
        course.write(f"pages/{n}.md", f"# {name.capitalize()}\n\n**{name.capitalize()}** is a process. {cues}")
    await course.ingest()
    graph = await course.graph()
    assert_sound(graph)
    assert set(names) <= titles(graph)


# --- a model that does not do as it is told

PROSE = "Sure! Here are the key concepts of this section: osmosis, diffusion, and **@everyone** should read <!channel>."


@dataclass
class Chatty:
    """A chat model that answers with what it is given, the last for ever, and remembers how often it was asked."""

    answers: list[str]
    asked: int = 0
    name: str = "openai/chatty"
    context_tokens: int = 32_000

    def count_tokens(self, text: str) -> int:
        return len(text) // 4 + 1

    async def warm_up(self) -> None: ...

    async def stream(self, messages: Sequence[ChatMessage], max_tokens: int) -> AsyncIterator[str | ModelUsage]:
        self.asked += 1
        yield self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        yield ModelUsage(Tokens(1, 1), 0.0)


def reads(model: Chatty, max_calls: int = 1000) -> ModelConceptExtractor:
    return ModelConceptExtractor(model, ExtractionPrompt(), max_calls, 5.0)


CAREFUL = json.dumps({"concepts": [{"name": "vacuole"}], "relations": []})


async def test_a_model_that_returns_prose_costs_the_course_nothing_it_has(course: Course) -> None:
    course.biology()
    await course.ingest()
    own = await course.graph()
    model = Chatty([PROSE])
    report = await course.ingest(reads(model))
    assert report.changed
    assert await course.graph() == own
    concepts = report.concepts
    assert concepts.failed == concepts.asked > 0
    assert (concepts.left, concepts.reused, concepts.complete) == (0, 0, False)
    assert model.asked == 2 * concepts.asked, "each section is asked about once more"


async def test_what_prose_left_open_is_asked_again_by_the_next_ingest_and_then_is_known(course: Course) -> None:
    course.biology()
    first = await course.ingest(reads(Chatty([PROSE, PROSE, CAREFUL])))
    sections = first.concepts.asked
    assert first.concepts.failed == 1
    second = await course.ingest(reads(Chatty([CAREFUL])))
    assert second.changed
    assert (second.concepts.asked, second.concepts.reused) == (1, sections - 1)
    assert second.concepts.complete
    assert "vacuole" in titles(await course.graph())
    model = Chatty([PROSE])
    third = await course.ingest(reads(model))
    assert (third.changed, model.asked) == (False, 0)
    forced = await course.ingest(reads(model), force=True)
    assert (forced.concepts.reused, model.asked) == (sections, 0)
    assert "vacuole" in titles(await course.graph())


async def test_a_budget_that_runs_out_is_gone_on_with_by_the_next_ingest(course: Course) -> None:
    course.biology()
    asked = []
    for _ in range(4):
        report = await course.ingest(reads(Chatty([CAREFUL]), max_calls=3))
        asked.append(report.concepts.asked)
    assert asked[0] == 3
    assert asked[-1] == 0, "and then it is done"
    assert not report.changed


async def test_a_model_that_is_given_up_leaves_the_rest_for_another_day(course: Course) -> None:
    for n in range(3 * USELESS):
        course.write(
            f"pages/{n:02}.md", f"# Reaction {n}\n\n{BIOLOGY['osmosis.md']}\n\nExperiment number {n} shows it."
        )
    model = Chatty([PROSE])
    report = await course.ingest(reads(model))
    assert report.concepts.left > 0
    assert report.concepts.asked + report.concepts.left >= 3 * USELESS
    assert any("not asked" in notice for notice in report.concepts.notices), "the operator is told"
    assert model.asked <= 2 * (USELESS + 2)
    assert not report.concepts.complete
    assert_sound(await course.graph())


async def test_hostile_answers_in_the_right_form_are_believed_in_nothing(course: Course) -> None:
    course.biology()
    quote = "Osmosis needs one."
    answer = {
        "concepts": [{"name": name, "aliases": [name, "osmosis"], "definition": name} for name in HOSTILE_NAMES],
        "relations": [
            {"source": a, "target": b, "kind": "prerequisite", "sentence": quote}
            for a, b in [
                ("osmosis", "osmosis"),
                ("osmosis", "diffusion"),
                ("turgor pressure", "osmosis"),
                ("@here", "osmosis"),
            ]
        ],
    }
    await course.ingest(reads(Chatty([json.dumps(answer)])))
    graph = await course.graph()
    assert_sound(graph)
    assert set(TAUGHT) <= titles(graph)
    assert not any("evil" in name for name in titles(graph))
