"""A real course, read and asked as a whole; the questions are those on which Erica's ancestors failed."""

from datetime import date
from pathlib import Path

import pytest
from fakes import SilentProgress, retriever_of

from bot import phrases
from bot.course import load_course
from bot.messages import Answer, Question
from bot.tutor import CourseVoice, Tutor
from prompts.builder import PromptBuilder
from retrieval.adapters.bm25 import Bm25Encoder
from retrieval.adapters.qdrant_edge import EdgeIndexStore
from retrieval.ingest import IngestReport, Material, ingest

COURSE = Path(__file__).parent / "data" / "real-course.toml"


@pytest.fixture
async def read(shared: Path, tmp_path: Path, index_dir: Path) -> tuple[IngestReport, Tutor]:
    file = tmp_path / "course.toml"
    file.write_text(COURSE.read_text(encoding="utf-8").replace("../../../shared", str(shared)), encoding="utf-8")
    course = load_course(file)
    store = EdgeIndexStore(index_dir)
    material = Material(course.id, course.sources, course.root)
    report = await ingest(material, store, Bm25Encoder(), None, SilentProgress())
    retriever = retriever_of(store, lambda _: None, lambda: date(2026, 9, 1), tmp_path / "edits.jsonl")
    return report, Tutor(CourseVoice(course.course.title), retriever, PromptBuilder())


async def ask(tutor: Tutor, text: str) -> Answer:
    answers = [event async for event in tutor.answer(Question(text)) if isinstance(event, Answer)]
    return answers[0]


async def test_every_page_is_read_or_accounted_for_and_the_ancestors_failures_are_mended(
    read: tuple[IngestReport, Tutor],
) -> None:
    report, tutor = read
    assert report.pages + len(report.skipped) == report.files
    assert {reason for _, _, reason in report.skipped} <= {"empty: only titles, no text", "no reader for .tsv"}

    attention = await ask(tutor, "What is attention in transformers and can you provide a python example of it?")
    assert any("singlehead-self-attention" in cited.url for cited in attention.citations)
    assert "```python" in attention.text

    clip = await ask(tutor, "What is CLIP and how is it used?")
    assert "projects/cv/videoclip" in clip.citations[0].url
    assert phrases.BRIEF in clip.text

    bound = await ask(tutor, "Can you explain the variational lower bound and how it relates to Jensen's inequality?")
    cited = " ".join(citation.url for citation in bound.citations)
    assert "vae/elbo-optimization/elbo_optimization" in cited
    assert "vae/vae-architecture" in cited
