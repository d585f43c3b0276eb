"""From a course's files to an index that is switched in: what is built, what is refused, and what a bad day leaves."""

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fakes import HashEmbedder, SilentProgress
from qdrant_client import AsyncQdrantClient

from retrieval.adapters.bm25 import Bm25Encoder
from retrieval.adapters.qdrant_edge import EdgeIndexStore
from retrieval.adapters.qdrant_server import QdrantIndexStore
from retrieval.chunking import Chunking
from retrieval.config import SourceConfig
from retrieval.errors import IndexRejected, SourceError, StoreError
from retrieval.ingest import IngestReport, Material, ingest
from retrieval.passage import Passage
from retrieval.ports import IndexStore, PassageIndex

TODAY = date(2026, 9, 14)
ENCODER = Bm25Encoder()
EFFORT = 60
"""So that embedding takes about as long as storing."""

LONG = " ".join(["They have state."] * 30)


@dataclass
class Course:
    """A course's folder with its sources, its store and an embedder that counts."""

    root: Path
    store: IndexStore
    embedder: HashEmbedder
    sources: tuple[SourceConfig, ...] = (SourceConfig(path=Path("lectures"), base_url="https://example.edu/"),)

    def write(self, path: str, content: str | bytes) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def pages(self, count: int, text: str = "Words of page {n}.") -> None:
        for n in range(count):
            self.write(f"lectures/page{n:02}.md", f"# Page {n}\n\n" + text.format(n=n))

    async def ingest(self, force: bool = False, embedder: HashEmbedder | None = None) -> IngestReport:
        material = Material("ai", self.sources, self.root)
        return await ingest(material, self.store, ENCODER, embedder or self.embedder, SilentProgress(), force)

    async def passages(self, today: date = TODAY) -> list[Passage]:
        """Everything in the current index, page by page."""
        index = await self.store.open()
        found = await all_passages(index, today)
        await index.close()
        return found


async def all_passages(index: PassageIndex, today: date = TODAY) -> list[Passage]:
    ids = [page << 16 | position for page in range(index.manifest.pages) for position in range(20)]
    return sorted((await index.passages(ids, today)).values(), key=lambda p: p.id)


@pytest.fixture
def course(tmp_path: Path, index_dir: Path, embedder: HashEmbedder) -> Course:
    return Course(tmp_path / "course", EdgeIndexStore(index_dir / "index"), embedder)


# --- what is built


async def test_a_course_is_read_cut_embedded_and_switched_in(course: Course) -> None:
    course.write("lectures/rnn/index.md", f"# Recurrent networks\n\n{LONG}\n\n## LSTM\n\nGates help.")
    course.write("lectures/cnn.md", "# Convolution\n\nFilters slide over images.")
    report = await course.ingest()
    assert (report.files, report.pages, report.passages, report.embedded) == (2, 2, 3, 3)
    assert (report.changed, report.skipped, report.index) == (True, [], await course.store.version())
    assert report.seconds.keys() == {"read", "cut", "reuse", "concepts", "embed", "store"}
    first, second, third = await course.passages()
    assert (first.path, first.title, first.url) == ("cnn.md", "Convolution", "https://example.edu/cnn.md")
    assert (second.title, second.text) == ("Recurrent networks", LONG)
    assert (third.heading, third.url) == ("LSTM", "https://example.edu/rnn/index.md#lstm")


async def test_the_manifest_describes_what_was_built(course: Course) -> None:
    course.pages(5, "The gradient of page number {n}.")
    await course.ingest()
    index = await course.store.open()
    manifest = index.manifest
    assert (manifest.course, manifest.pages, manifest.passages) == ("ai", 5, 5)
    assert (manifest.embedding, manifest.dimensions) == ("hash-48", 48)
    assert manifest.words["gradient"] == 5
    assert manifest.words["3"] == 1
    [term] = ENCODER.query("gradients").indices
    assert manifest.terms[term] == 5
    assert 0 < manifest.cosine_mean < 1
    assert manifest.mean_length > 2
    await index.close()


async def test_several_sources_keep_their_order_trust_and_release(course: Course) -> None:
    course.write("notes/own.md", "# My notes\n\nThe gradient in my words.")
    course.write("lectures/a.md", "# Lecture\n\nThe gradient.")
    course.write("later/b.md", "# Later\n\nThe gradient again.")
    course.sources = (
        SourceConfig(path=Path("lectures")),
        SourceConfig(path=Path("later"), release=date(2026, 10, 1)),
        SourceConfig(path=Path("notes"), trust="notes", base_url="https://notes.example"),
    )
    await course.ingest()
    assert [p.title for p in await course.passages()] == ["Lecture", "My notes"]
    lecture, later, notes = await course.passages(date(2026, 10, 1))
    assert (lecture.trust, later.release, notes.trust) == ("course", date(2026, 10, 1), "notes")
    assert [p.source for p in (lecture, later, notes)] == [0, 1, 2]
    assert lecture.url == (course.root / "lectures/a.md").as_uri()
    index = await course.store.open()
    assert index.manifest.notes == (2,)
    assert index.manifest.last_release == date(2026, 10, 1).toordinal()
    arms = await index.search(None, ENCODER.query("gradient"), 10, date(2026, 9, 30))
    assert {hit.id >> 16 for hit in arms.lexical} == {0, 2}
    await index.close()


async def test_the_table_gives_the_addresses_and_the_base_url_the_rest(course: Course) -> None:
    course.pages(2)
    course.write("urls.tsv", "path\turl\npage01.md\thttps://book.example.edu/one/\n")
    course.sources = (SourceConfig(path=Path("lectures"), base_url="https://e.edu/x", urls=Path("urls.tsv")),)
    await course.ingest()
    assert [p.url for p in await course.passages()] == ["https://e.edu/x/page00.md", "https://book.example.edu/one/"]


async def test_an_error_in_the_table_stops_the_ingest_and_names_the_line(course: Course) -> None:
    course.pages(2)
    course.write("urls.tsv", "path\turl\npage00.md\thttps://e.edu\npage01.md\tpage01\n")
    course.sources = (SourceConfig(path=Path("lectures"), urls=Path("urls.tsv")),)
    with pytest.raises(SourceError, match=r"urls\.tsv, line 3"):
        await course.ingest()
    assert await course.store.version() is None


async def test_without_an_embedding_model_the_index_is_lexical(course: Course) -> None:
    course.pages(3)
    report = await ingest(Material("ai", course.sources, course.root), course.store, ENCODER, None, SilentProgress())
    assert (report.embedding, report.embedded, report.passages) == (None, 0, 3)
    index = await course.store.open()
    assert index.manifest.dimensions is None
    assert len((await index.search(None, ENCODER.query("words"), 10, TODAY)).lexical) == 3
    await index.close()


async def test_equal_courses_make_equal_indexes(course: Course, index_dir: Path) -> None:
    course.pages(6)
    await course.ingest()
    again = Course(course.root, EdgeIndexStore(index_dir / "again"), HashEmbedder())
    await again.ingest()
    assert await again.passages() == await course.passages()
    one, other = await course.store.open(), await again.store.open()
    assert one.manifest.digest == other.manifest.digest
    assert one.manifest.words == other.manifest.words
    await one.close()
    await other.close()


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect")
async def test_a_server_takes_the_same_course(course: Course) -> None:
    course.pages(6)
    await course.ingest()
    client = AsyncQdrantClient(":memory:")
    served = Course(course.root, QdrantIndexStore(client, "ai"), HashEmbedder())
    await served.ingest()
    assert await served.passages() == await course.passages()
    assert (await served.ingest()).changed is False
    served.write("lectures/page00.md", "# Page 0\n\nChanged.")
    assert (await served.ingest()).embedded == 1
    await client.close()


# --- the second time


async def test_an_unchanged_course_is_not_built_again(course: Course) -> None:
    course.pages(4)
    first = await course.ingest()
    course.embedder.embedded.clear()
    again = await course.ingest()
    assert (again.changed, again.index, again.passages) == (False, first.index, 4)
    assert course.embedder.embedded == []


async def test_of_a_changed_page_only_what_changed_is_embedded(course: Course) -> None:
    course.pages(8)
    course.write(
        "lectures/page03.md", "# Page 3\n\nWords. " + "More of it. " * 30 + "\n\n## End\n\n" + "The end. " * 40
    )
    first = await course.ingest()
    course.embedder.embedded.clear()
    course.write(
        "lectures/page03.md", "# Page 3\n\nWords. " + "More of it. " * 30 + "\n\n## End\n\n" + "The END. " * 40
    )
    second = await course.ingest()
    assert second.index != first.index
    assert (second.embedded, second.reused) == (1, second.passages - 1)
    assert [text.splitlines()[0] for text in course.embedder.embedded] == ["Page 3 > End"]


async def test_a_page_that_moved_is_not_embedded_again_but_found_at_its_new_place(course: Course) -> None:
    course.pages(3)
    await course.ingest()
    (course.root / "lectures/page01.md").rename(course.root / "lectures/zzz.md")
    report = await course.ingest()
    assert (report.changed, report.embedded, report.reused) == (True, 0, 3)
    assert [p.path for p in await course.passages()] == ["page00.md", "page02.md", "zzz.md"]


@pytest.mark.parametrize("change", ["base_url", "release", "trust", "order"])
async def test_what_the_course_file_says_is_followed_without_embedding_anything(course: Course, change: str) -> None:
    course.pages(2)
    course.write("more/a.md", "# More\n\nMore words.")
    lectures, more = SourceConfig(path=Path("lectures")), SourceConfig(path=Path("more"))
    course.sources = (lectures, more)
    await course.ingest()
    values = {"base_url": "https://e.edu", "release": date(2026, 1, 1), "trust": "notes"}
    if change == "order":
        course.sources = (more, lectures)
    else:
        course.sources = (lectures, SourceConfig.model_validate({"path": "more", change: values[change]}))
    report = await course.ingest()
    assert (report.changed, report.embedded) == (True, 0)


async def test_another_model_embeds_everything_again(course: Course) -> None:
    course.pages(4)
    await course.ingest()
    other = HashEmbedder("other")
    report = await course.ingest(embedder=other)
    assert (report.changed, report.embedded, len(other.embedded)) == (True, 4, 4)


async def test_equal_passages_are_embedded_once(course: Course) -> None:
    course.write("lectures/a.md", "# Same\n\nThe same words.")
    course.write("lectures/b.md", "# Same\n\nThe same words.")
    report = await course.ingest()
    assert (report.passages, report.embedded, report.reused) == (2, 1, 1)


# --- what is refused


async def test_an_empty_course_is_refused_and_says_why(course: Course) -> None:
    (course.root / "lectures").mkdir(parents=True)
    with pytest.raises(IndexRejected, match="no files were found") as refused:
        await course.ingest()
    assert "include" in refused.value.hint
    course.write("lectures/data.bin", b"\x00\x01")
    course.write("lectures/empty.md", "\n")
    with pytest.raises(IndexRejected, match=r"empty \(1\)"):
        await course.ingest()
    assert await course.store.version() is None


async def test_a_missing_folder_stops_the_ingest_and_leaves_the_index(course: Course) -> None:
    course.pages(3)
    await course.ingest()
    shutil.rmtree(course.root / "lectures")
    with pytest.raises(SourceError, match="lectures does not exist"):
        await course.ingest(force=True)
    assert len(await course.passages()) == 3


async def test_an_index_that_shrank_by_more_than_half_is_not_switched_in_unless_forced(course: Course) -> None:
    course.pages(10)
    await course.ingest()
    for n in range(4, 10):
        (course.root / f"lectures/page{n:02}.md").unlink()
    with pytest.raises(IndexRejected, match="hold 4 passages, the current one holds 10") as refused:
        await course.ingest()
    assert "--force" in refused.value.hint
    assert len(await course.passages()) == 10
    assert (await course.ingest(force=True)).passages == 4
    assert len(await course.passages()) == 4
    assert (await course.ingest()).changed is False


async def test_half_is_not_less_than_half(course: Course) -> None:
    course.pages(10)
    await course.ingest()
    for n in range(5, 10):
        (course.root / f"lectures/page{n:02}.md").unlink()
    assert (await course.ingest()).passages == 5


async def test_force_builds_even_what_has_not_changed(course: Course) -> None:
    course.pages(3)
    first = await course.ingest()
    forced = await course.ingest(force=True)
    assert forced.changed
    assert forced.index != first.index
    assert forced.embedded == 0


# --- files nobody can read


async def test_what_cannot_be_read_is_skipped_with_a_reason_and_the_rest_is_ingested(course: Course) -> None:
    course.pages(2)
    course.write("secret.md", "outside")
    course.write("lectures/broken.ipynb", '{"cells": [')
    course.write("lectures/other.ipynb", '{"no": "notebook"}')
    course.write("lectures/binary.md", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)))
    course.write("lectures/noise.pdf", b"%PDF-1.7 and then nothing of the kind" + bytes(range(256)) * 4)
    course.write("lectures/empty.md", "")
    course.write("lectures/titles.md", "# Only a title\n")
    course.write("lectures/picture.png", b"\x89PNG")
    course.write("lectures/latin.md", "# Café\n\nLa fonction est dérivée.".encode("latin-1"))
    with (course.root / "lectures/huge.md").open("wb") as stream:
        stream.truncate(60 << 20)
    os.mkfifo(course.root / "lectures/pipe.md")
    (course.root / "lectures/up").symlink_to("..")
    (course.root / "lectures/loop").symlink_to(".")
    (course.root / "lectures/out.md").symlink_to("../secret.md")
    course.write(os.fsdecode(b"lectures/caf\xe9.md"), "text")
    report = await course.ingest()
    assert {p.path for p in await course.passages()} == {"page00.md", "page01.md", "latin.md"}
    assert "dérivée" in next(p.text for p in await course.passages() if p.path == "latin.md")
    reasons = {path: reason for _, path, reason in report.skipped}
    assert set(reasons) == {
        *("broken.ipynb", "other.ipynb", "binary.md", "noise.pdf", "empty.md", "titles.md", "picture.png"),
        *("huge.md", "pipe.md", "up", "loop", "out.md", "caf?.md"),
    }
    assert all(reasons.values())
    assert "secret" not in str(await course.passages())
    json.dumps(report.skipped)


async def test_a_page_with_half_a_surrogate_pair_is_read(course: Course) -> None:
    cell = {"cell_type": "markdown", "metadata": {}, "source": "# Title\n\nBroken \ud83d emoji and words"}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    course.write("lectures/a.ipynb", json.dumps(notebook))
    await course.ingest()
    [found] = await course.passages()
    assert "emoji and words" in found.text


async def test_a_page_longer_than_any_page_is_skipped(course: Course) -> None:
    course.pages(1)
    course.write("lectures/log.txt", "word " * 70_000)
    material = Material("ai", course.sources, course.root, Chunking(target=4, smallest=0))
    report = await ingest(material, course.store, ENCODER, None, SilentProgress())
    assert report.pages == 1
    assert report.skipped == [(0, "log.txt", "too long for one page: 70000 passages")]


# --- the bad day


INGESTER = """
import asyncio, json, os, resource, signal, sys, warnings
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from fakes import HashEmbedder, SilentProgress
from retrieval.adapters.bm25 import Bm25Encoder
from retrieval.adapters.qdrant_edge import EdgeIndexStore
from retrieval.config import SourceConfig
from retrieval.ingest import Material, ingest

async def work(root, index, effort, limit):
    material = Material("ai", (SourceConfig(path=Path("lectures")),), Path(root))
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        store, embedder = EdgeIndexStore(Path(index)), HashEmbedder(effort=effort)
        report = await ingest(material, store, Bm25Encoder(), embedder, SilentProgress())
        return {"passages": report.passages, "seconds": report.seconds}
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error), "hint": getattr(error, "hint", "")}

for line in sys.stdin:  # one forked child an order, so that only the first pays for the imports
    order = json.loads(line)
    child = os.fork()
    if child == 0:
        print(json.dumps({"pid": os.getpid()}), flush=True)
        print(json.dumps(asyncio.run(work(**order))), flush=True)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(json.dumps({"killed": os.WIFSIGNALED(status)}), flush=True)
"""


class Ingester:
    """Runs ingests in processes of their own, which can be killed."""

    def __init__(self) -> None:
        here = Path(__file__).parent
        self._process = subprocess.Popen(
            [sys.executable, "-c", INGESTER, str(here)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=here.parent,
        )

    def start(self, course: Path, index: Path, effort: int = 0, limit: int = 0) -> int:
        """Begin an ingest; its process id. `limit` is the largest file it may write, in bytes."""
        assert self._process.stdin
        order = {"root": str(course), "index": str(index), "effort": effort, "limit": limit}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._line()["pid"])

    def result(self) -> dict[str, Any]:
        """What came of it: a report, an error, or `{"killed": True}`."""
        first = self._line()
        return first if "killed" in first else first | self._line()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout
        line: dict[str, Any] = json.loads(self._process.stdout.readline())
        return line

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture
def ingester() -> Iterator[Ingester]:
    ingester = Ingester()
    yield ingester
    ingester.close()


def leftovers(index: Path) -> list[str]:
    """What lies about besides two indexes, the pointer and the lock."""
    names = sorted(entry.name for entry in index.iterdir())
    return [name for name in names if name not in ("current.json", "ingest.lock")][2:]


def rounds_of(passages: Sequence[Passage]) -> set[str]:
    return {p.text.split()[1] for p in passages}


def write_round(course: Course, number: int) -> None:
    """Every page of the course changes, so that every passage is embedded again."""
    course.pages(40, f"round {number} of page {{n}} " + "with many words on gradients " * 30)


async def test_a_kill_at_any_moment_leaves_an_index_that_answers_and_the_next_ingest_succeeds(
    course: Course, index_dir: Path, ingester: Ingester
) -> None:
    rounds = int(os.environ.get("ERICA_KILL_ROUNDS", "12"))
    await killed_ingests(course, index_dir / "index", ingester, rounds)


async def killed_ingests(course: Course, index: Path, ingester: Ingester, rounds: int) -> None:
    """Kill an ingest at moments spread over its whole course, and look each time at what it leaves."""
    write_round(course, 0)
    ingester.start(course.root, index, effort=EFFORT)
    assert ingester.result()["passages"] == 40
    write_round(course, 1)
    begin = time.perf_counter()
    ingester.start(course.root, index, effort=EFFORT)
    assert ingester.result()["passages"] == 40
    whole = time.perf_counter() - begin
    current, killed, dice = 1, 0, random.Random()
    for number in range(2, rounds + 2):
        write_round(course, number)
        pid = ingester.start(course.root, index, effort=EFFORT)
        await asyncio.sleep(whole * (number - 2 + dice.random()) / rounds)  # the moment of the kill, not a wait
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        if ingester.result()["killed"]:
            killed += 1
        else:
            whole *= 0.9  # it was done before; the machine has become faster
        found = await course.passages()
        assert len(found) == 40
        assert rounds_of(found) in ({str(current)}, {str(number)})
        opened = await course.store.open()
        arms = await opened.search(course.embedder.embed_query("gradients"), ENCODER.query("gradients"), 5, TODAY)
        assert len(arms.dense) == len(arms.lexical) == 5
        await opened.close()
        report = await course.ingest()
        assert report.passages == 40
        assert rounds_of(await course.passages()) == {str(number)}
        assert leftovers(index) == []
        current = number
    assert killed >= rounds / 3


async def test_a_disk_that_takes_no_more_is_a_clear_error_and_the_old_index_stays(
    course: Course, index_dir: Path, ingester: Ingester
) -> None:
    write_round(course, 0)
    await course.ingest()
    write_round(course, 1)
    for limit in (1 << 10, 1 << 20, 16 << 20):
        ingester.start(course.root, index_dir / "index", limit=limit)
        result = ingester.result()
        assert result["error"] == "StoreError", result
        assert "space" in result["hint"]
        assert rounds_of(await course.passages()) == {"0"}
    assert (await course.ingest()).changed
    assert rounds_of(await course.passages()) == {"1"}
    assert leftovers(index_dir / "index") == []


async def test_a_full_disk_is_a_clear_error_and_the_old_index_stays(
    course: Course, small_disk: Callable[[int], Path]
) -> None:
    disk = small_disk(200)
    course.store = EdgeIndexStore(disk / "index")
    write_round(course, 0)
    await course.ingest()
    filler = disk / "somebody else's"
    with filler.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, shutil.disk_usage(disk).free - (1 << 20))
    write_round(course, 1)
    with pytest.raises(StoreError, match="the disk is nearly full") as full:
        await course.ingest()
    assert "Make room" in full.value.hint
    assert rounds_of(await course.passages()) == {"0"}
    filler.unlink()
    await course.ingest()
    assert rounds_of(await course.passages()) == {"1"}
    assert leftovers(disk / "index") == []


async def test_a_damaged_index_is_replaced_by_the_next_ingest(course: Course, index_dir: Path) -> None:
    course.pages(5)
    name = (await course.ingest()).index
    for file in (index_dir / "index" / name).rglob("mutable_id_tracker.*"):
        file.unlink()
    with pytest.raises(StoreError):
        await course.store.open()
    report = await course.ingest()
    assert (report.changed, report.embedded) == (True, 5)
    assert len(await course.passages()) == 5


async def test_vectors_that_are_lost_are_made_again(course: Course, index_dir: Path) -> None:
    course.pages(5)
    name = (await course.ingest()).index
    for file in (index_dir / "index" / name).rglob("chunk_*.mmap"):
        file.unlink()
    course.write("lectures/new.md", "# New\n\nNew words.")
    report = await course.ingest()
    assert (report.embedded, report.reused) == (6, 0)
    index = await course.store.open()
    assert len(await index.vectors()) == 6
    await index.close()


async def test_an_embedder_that_fails_changes_nothing(course: Course, index_dir: Path) -> None:
    class Failing(HashEmbedder):
        def embed_passages(self, texts: Sequence[str]) -> Any:
            raise RuntimeError("out of memory")

    course.pages(3)
    await course.ingest()
    with pytest.raises(RuntimeError):
        await course.ingest(embedder=Failing("failing"))
    assert len(await course.passages()) == 3
    assert leftovers(index_dir / "index") == []
