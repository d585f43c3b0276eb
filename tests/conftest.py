"""What several test files need: a place for data, the term encoder, and the shared material where it is at hand."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fakes import HashEmbedder
from hypothesis import settings

from bot.adapters.valkey import private_valkey
from retrieval.adapters.bm25 import Bm25Encoder

# A busy machine is no failure; what must be fast has tests of its own.
settings.register_profile("erica", deadline=None)
settings.load_profile("erica")


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """An Erica's own folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def index_dir(tmp_path: Path) -> Iterator[Path]:
    """Where indexes are built: in memory if there is room, because waiting for the disk is most of the time."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or shutil.disk_usage(memory).free < 4 << 30:
        yield tmp_path
        return
    with TemporaryDirectory(prefix="erica-test-", dir=memory) as folder:
        yield Path(folder)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Makes a file system with so many megabytes; only root may mount one."""
    mounted: list[Path] = []

    def mount(megabytes: int) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"cannot mount a small disk here: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    """The address of a private Valkey of the test's own."""
    async with private_valkey(tmp_path) as address:
        yield address


@pytest.fixture(scope="session")
def encoder() -> Bm25Encoder:
    return Bm25Encoder()


@pytest.fixture
def embedder() -> HashEmbedder:
    return HashEmbedder()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Material that is no part of the project: a real course, a real embedding model."""
    folder = Path(os.environ.get("ERICA_SHARED") or Path(__file__).parents[2] / "shared")
    if not folder.is_dir():
        pytest.skip(f"needs the shared material; ERICA_SHARED names no folder and {folder} is none")
    return folder


@pytest.fixture(scope="session")
def demo_indexes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo course's index, made once for all tests that run a whole Erica."""
    from running_erica import ingested  # which loads what few tests need

    return ingested(tmp_path_factory.mktemp("demo"))
