"""Runs the `erica` command for tests: in processes of its own, or in this one where only its words matter."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bot.cli import run
from bot.conversation import demo_course

ROOT = Path(__file__).parent.parent
DEMO = str(demo_course())
ERICA = [sys.executable, "-m", "bot"]
SECONDS = 60
SECRET = "sk-very-secret-1234567890"


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which is one JSON value and nothing else."""
        [line] = self.out.splitlines()
        return json.loads(line)

    @property
    def lines(self) -> list[Any]:
        """Standard output, which is one JSON value a line."""
        return [json.loads(line) for line in self.out.splitlines()]


def environment(data: Path, more: Mapping[str, str]) -> dict[str, str]:
    """The environment without Erica's own variables, and without a way to download a model."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ERICA_", "PYTHONIOENCODING"))}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "OPENBLAS_NUM_THREADS": "1",
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "ERICA_DATA_DIR": str(data),
        **more,
    }


def erica(*words: str, data: Path, folder: Path = ROOT, **more: str) -> Done:
    """Run a command to its end, in a folder; whatever it says, it is never a traceback."""
    done = subprocess.run(
        [*ERICA, *words],
        stdin=subprocess.DEVNULL,
        cwd=folder,
        env=environment(data, more),
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    return checked(done.returncode, done.stdout, done.stderr)


def checked(code: int, out: str, err: str) -> Done:
    assert "Traceback" not in err + out, err
    assert "Exception ignored" not in err, err
    assert SECRET not in err + out
    return Done(code, out, err)


@dataclass(frozen=True, slots=True)
class Case:
    """A command line, and how it should end: `said` is a pattern for the message and its hint.

    `code` 0 means success; `name` is the error's code in JSON. `alone` in a process of its own.
    """

    words: Sequence[str]
    code: int = 0
    said: str = ""
    environment: Mapping[str, str] | None = None
    name: str = ""
    alone: bool = False


def run_all(cases: Mapping[str, Case], data: Path, folder: Path = ROOT) -> dict[str, Done]:
    """Run them in a folder, processes side by side, since most of their time is their start."""

    def run_alone(case: Case) -> Done:
        return erica(*case.words, data=data, folder=folder, **(case.environment or {}))

    alone = {name: case for name, case in cases.items() if case.alone}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = dict(zip(alone, pool.map(run_alone, alone.values()), strict=True))
    return done | {name: run_here(case, data, folder) for name, case in cases.items() if not case.alone}


def run_here(case: Case, data: Path, folder: Path) -> Done:
    """Run a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    surroundings = patch.dict(os.environ, environment(data, case.environment or {}), clear=True)
    with surroundings, chdir(folder), redirect_stdout(out), redirect_stderr(err):
        code = run(case.words)
    return checked(code, out.getvalue(), err.getvalue())


def course_at(folder: Path, *pages: str) -> Path:
    """A course file with these pages."""
    (folder / "pages").mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(pages):
        (folder / "pages" / f"{number:04}.md").write_text(text)
    file = folder / "course.toml"
    file.write_text('[course]\nid = "cs"\ntitle = "CS"\n\n[[sources]]\npath = "pages"\nbase_url = "https://cs.test/"\n')
    return file


@contextmanager
def started(*words: str, data: Path, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A command that runs meanwhile; killed if it is still there at the end."""
    streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen([*ERICA, *words], env=environment(data, {}), text=True, **{**streams, **options})
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
