"""What the composition root decides by itself: which embedder an index gets, and when none will do."""

from pathlib import Path

import pytest
from fakes import HashEmbedder, SilentProgress

from bot.course import Course, load_course
from bot.errors import ConfigError
from bot.settings import Settings
from bot.wiring import Wiring
from retrieval.adapters.bm25 import Bm25Encoder
from retrieval.errors import IndexRejected
from retrieval.ingest import Material, ingest

MODEL = "BAAI/bge-small-en-v1.5"


class OnceLoaded(HashEmbedder):
    """What the configured model was when it could still be had."""

    @property
    def name(self) -> str:
        return MODEL


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    (tmp_path / "lectures").mkdir()
    (tmp_path / "lectures" / "rnn.md").write_text("# RNN\n\nA recurrent network reads a sequence step by step.")
    file = tmp_path / "course.toml"
    file.write_text(
        '[course]\nid = "c"\ntitle = "C"\n[[sources]]\npath = "lectures"\nbase_url = "https://example.edu/"\n'
    )
    return load_course(file)


def wiring_of(data_dir: Path, said: list[str], model: str = MODEL) -> Wiring:
    return Wiring(Settings(data_dir=data_dir, embedding_model=model, embedding_path=None), said.append)


async def test_without_a_model_a_first_index_is_lexical_and_that_is_said(course: Course, data_dir: Path) -> None:
    said: list[str] = []
    report = await wiring_of(data_dir, said).ingest(course, SilentProgress())
    assert (report.passages, report.embedding) == (1, None)
    assert len(said) == 1
    assert "Lexical search only" in said[0]


async def test_a_hybrid_index_is_not_replaced_because_its_model_is_out_of_reach(course: Course, data_dir: Path) -> None:
    wiring = wiring_of(data_dir, [])
    material = Material(course.id, course.sources, course.root)
    await ingest(material, wiring.store(course), Bm25Encoder(), OnceLoaded(), SilentProgress())
    (course.root / "lectures" / "lstm.md").write_text("# LSTM\n\nAn LSTM has gates.")
    with pytest.raises(IndexRejected, match="lexical only") as refused:
        await wiring.ingest(course, SilentProgress())
    assert "--force" in refused.value.hint
    index = await wiring.store(course).open()
    assert (index.manifest.embedding, index.manifest.pages) == (MODEL, 1)
    await index.close()
    forced = await wiring.ingest(course, SilentProgress(), force=True)
    assert (forced.embedding, forced.pages) == (None, 2)


async def test_an_index_of_another_model_is_rebuilt_with_what_there_is(course: Course, data_dir: Path) -> None:
    wiring = wiring_of(data_dir, [])
    material = Material(course.id, course.sources, course.root)
    await ingest(material, wiring.store(course), Bm25Encoder(), HashEmbedder(), SilentProgress())
    assert (await wiring.ingest(course, SilentProgress())).embedding is None


async def test_a_misspelt_model_is_a_mistake_to_correct_not_a_reason_to_go_on(course: Course, data_dir: Path) -> None:
    with pytest.raises(ConfigError, match="does not know"):
        await wiring_of(data_dir, [], model="BAAI/bge-smal").ingest(course, SilentProgress())
