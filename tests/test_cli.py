"""The `erica` command as people and scripts meet it: exit codes, JSON, signals, pipes, a terminal.

In processes of their own, apart from those mistakes of which another of the same kind is tried in one.
"""

import asyncio
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from erica_command import (
    DEMO,
    ERICA,
    SECONDS,
    SECRET,
    Case,
    Done,
    checked,
    course_at,
    environment,
    erica,
    run_all,
    run_here,
    started,
)
from loopback_model import LoopbackModel, ok, status

from bot import phrases
from bot.adapters.valkey import running_valkey
from bot.conversation import demo_course

ATTENTION = "What is attention in transformers?"


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """A data folder with a lexical index of the demo course, and what ingesting it said."""
    data = tmp_path_factory.mktemp("erica") / "made" / "by itself"
    return data, erica("ingest", DEMO, "--json", data=data)


@pytest.fixture(scope="module")
def data(ingested: tuple[Path, Done]) -> Path:
    """A data folder with an index of the demo course."""
    return ingested[0]


ASK = ["ask", "--course", DEMO]
SEARCH = ["search", "--course", DEMO]


# Ingest


def test_ingest_reports_counts_skipped_files_and_seconds(ingested: tuple[Path, Done]) -> None:
    done = ingested[1]
    assert done.code == 0
    report = done.json
    assert set(report) >= {
        *("course", "index", "changed", "files", "pages", "passages", "embedded", "reused", "embedding"),
        *("skipped", "seconds"),
    }
    assert (report["course"], report["changed"], report["embedding"], report["skipped"]) == ("demo", True, None, [])
    assert 0 < report["pages"] <= report["files"]
    assert report["passages"] > report["pages"]
    assert all(seconds >= 0 for seconds in report["seconds"].values())
    assert "Lexical search only" in done.err, "that there is no embedding model is said, and not on standard output"


def test_an_index_is_replaced_rolled_back_and_not_shrunk(tmp_path: Path) -> None:
    course = str(course_at(tmp_path, *(f"# Page {n}\n\nThe zebra number {n} has stripes.\n" for n in range(6))))

    def erica_here(*words: str) -> Done:
        return run_here(Case(words), tmp_path / "data", tmp_path)

    first = erica_here("ingest", course, "--json").json

    course_at(tmp_path, "# Page 0\n\nThe okapi has stripes too.\n")
    (tmp_path / "pages" / "broken.pdf").write_bytes(b"%PDF-nonsense")
    second = erica_here("ingest", course)
    assert second.code == 0
    assert "6 pages" in second.out
    assert "broken.pdf" in second.out

    back = erica_here("rollback", "--course", course)
    assert (back.code, back.out) == (0, f"The index {first['index']} is current again.\n")
    assert not erica_here("search", "--course", course, "--json", "okapi").json["passages"]

    for page in (tmp_path / "pages").glob("000[1-9].md"):
        page.unlink()
    refused = erica_here("ingest", course, "--json")
    assert refused.code == 1
    assert "--force" in refused.json["error"]["hint"]
    assert erica_here("ingest", course, "--force", "--json").json["pages"] == 1


# Search and ask


KNOBS = ["--passages", "2", "--depth", "1", "--max-concepts", "3", "--graph", "off", "--previous", "What is softmax?"]
QUESTIONS: list[dict[str, Any]] = [
    {"question": "What is a GRU?", "id": "gru"},
    {"question": "and in python?", "previous": [ATTENTION]},
    {"question": "🎉", "id": 7},
    {"question": "Who won the football match in Reykjavik?", "id": None},
]
ANSWERED = {
    "search": Case([*SEARCH, "What is a [bold]GRU[/]?"], alone=True),
    "search, as JSON": Case([*SEARCH, "--json", "--limit", "3", ATTENTION], alone=True),
    "questions": Case([*SEARCH, "--json", "--questions", "questions.jsonl"], alone=True),
    "ask": Case([*ASK, ATTENTION], alone=True),
    "ask, as JSON": Case([*ASK, "--json", *KNOBS, ATTENTION], alone=True),
    "follow-up": Case([*ASK, "--json", "--previous", "What is a GRU?", "how does it forget?"], alone=True),
}


@pytest.fixture(scope="module")
def answered(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Done]:
    folder = tmp_path_factory.mktemp("answered")
    (folder / "questions.jsonl").write_text("\n\n".join(map(json.dumps, QUESTIONS)), encoding="utf-8")
    return run_all(ANSWERED, data, folder)


@pytest.mark.parametrize("question", ANSWERED)
def test_an_answer_has_its_exit_code_and_standard_error_stays_empty(answered: dict[str, Done], question: str) -> None:
    assert (answered[question].code, answered[question].err) == (0, "")


def test_a_search_lists_passages_as_json(answered: dict[str, Done]) -> None:
    found = answered["search, as JSON"].json
    assert set(found) == {"id", "question", "confidence", "abstain", "passages", "concepts", "ms"}
    assert (found["question"], found["abstain"]) == (ATTENTION, False)
    assert [one["id"].removesuffix("s") for one in found["concepts"]] == ["attention", "transformer"]
    assert all(set(one) == {"id", "title", "how"} for one in found["concepts"])
    assert found["concepts"][0]["how"] == "exact"
    assert set(found["ms"]) == {"embed", "search", "graph", "total"}
    assert [one["rank"] for one in found["passages"]] == [1, 2, 3]
    for one in found["passages"]:
        assert set(one) >= {"rank", "score", "url", "path", "title", "heading", "text"}
        assert one["url"].startswith("https://example.edu/demo/")
        assert one["text"]


def test_a_file_of_questions_is_answered_line_by_line(answered: dict[str, Done]) -> None:
    gru, python, nothing, outside = answered["questions"].lines
    assert [gru["id"], python["id"], nothing["id"], outside["id"]] == ["gru", "2", "7", "4"]
    assert gru["passages"][0]["path"] == "lstm-and-gru.md"
    assert "attention" in python["passages"][0]["path"]
    assert (nothing["passages"], nothing["abstain"]) == ([], True)
    assert outside["abstain"]


def test_people_get_a_table(answered: dict[str, Done]) -> None:
    table = answered["search"].out
    assert "What is a [bold]GRU[/]?" in table
    assert "https://example.edu/demo/lstm-and-gru.md" in table
    assert "would answer" in table


def test_an_answer_as_json(answered: dict[str, Done]) -> None:
    answer = answered["ask, as JSON"].json
    assert set(answer) == {
        *("outcome", "answer", "grounded", "confidence", "citations", "policy", "model", "fallback", "tokens"),
        *("cost_usd", "concepts", "prerequisites", "ms"),
    }
    assert (answer["outcome"], answer["model"], answer["policy"]) == ("extractive", None, "open")
    assert answer["answer"].startswith(phrases.NO_MODEL)
    assert 0 < answer["confidence"] <= 1
    numbers = {int(number) for number in re.findall(r"\[(\d+)\]", answer["answer"])}
    assert numbers == {one["n"] for one in answer["citations"]} != set()
    for one in answer["citations"]:
        assert set(one) == {"n", "url", "title", "quote"}
        assert one["url"].startswith("https://example.edu/demo/")


def test_an_answer_for_people(answered: dict[str, Done]) -> None:
    answer = answered["ask"].out
    assert answer.startswith(phrases.NO_MODEL)
    assert re.search(r"^> .*\*\*transformer\*\* is a neural network", answer, re.MULTILINE)
    assert re.search(r"\nSources\n\[1\] .*\n    https://example\.edu/demo/", answer)


def test_a_follow_up_is_understood_from_the_questions_before(answered: dict[str, Done]) -> None:
    assert "lstm-and-gru.md" in answered["follow-up"].json["citations"][0]["url"]


async def test_a_model_answers_and_its_fallback_takes_over(data: Path) -> None:
    refuses = status(401, f"Incorrect API key provided: {SECRET}")
    async with LoopbackModel(refuses, ok("Attention is an average [1].", usage=(900, 8))) as server:
        more = {
            "ERICA_MODEL": "openai/first",
            "ERICA_MODEL_FALLBACKS": "openai/second",
            "ERICA_MODEL_API_BASE": server.url,
            "ERICA_MODEL_API_KEY": SECRET,
        }
        ask = Case([*ASK, "--json", ATTENTION], environment=more, alone=True)
        done = (await asyncio.to_thread(run_all, {"ask": ask}, data))["ask"]
    answer = done.json
    assert (done.code, answer["outcome"], answer["answer"]) == (0, "answered", "Attention is an average [1].")
    assert (answer["model"], answer["fallback"], answer["grounded"]) == ("openai/second", True, True)
    assert answer["tokens"] == {"prompt": 900, "completion": 8}
    assert server.requests[0].headers["Authorization"] == f"Bearer {SECRET}"


# What people type


MISTAKES = {
    "unknown command, as JSON": Case(["nonsense", "--json"], 2, "No such command 'nonsense'", name="usage", alone=True),
    "unknown option": Case([*ASK, "--jsn", "x"], 2, "No such option: --jsn"),
    "no course": Case(["ask", "x", "--json"], 2, "Missing option '--course'", name="usage"),
    "too few passages": Case([*ASK, "--passages", "0", "x", "--json"], 2, "'--passages'", name="usage"),
    "neither on nor off": Case([*ASK, "--graph", "maybe", "x"], 2, "'maybe' is not one of 'on', 'off'"),
    "neither question nor file": Case(SEARCH, 2, "either a QUESTION or --questions"),
    "JSON of a conversation": Case([*ASK, "--json"], 2, "give the QUESTION", name="usage"),
    "missing course file, as JSON": Case(["ingest", "/nowhere.toml", "--json"], 2, "/nowhere.toml", name="config"),
    "nothing to go back to": Case(["rollback", "--course", DEMO], 1, "no earlier index.*erica ingest"),
    "missing questions": Case([*SEARCH, "--questions", "/nowhere.jsonl"], 2, "cannot read /nowhere.jsonl"),
    "empty question": Case([*ASK, ""], 1, "no question.*Ask in words", alone=True),
    "only emoji": Case([*SEARCH, "--json", "🎉👩‍🏫"], 1, "no question", name="retrieval"),
    "a paste, as JSON": Case([*ASK, "attention " * 10_000, "--json"], 1, "100000", name="rejected", alone=True),
    "a number that is none": Case(
        [*ASK, "x", "--json"], 2, "ERICA_MODEL_STALL_SECONDS", {"ERICA_MODEL_STALL_SECONDS": SECRET}, "config", True
    ),
    "a data folder below a file": Case(
        ["ingest", DEMO, "--json"], 2, "ERICA_DATA_DIR", {"ERICA_DATA_DIR": f"{DEMO}/x"}, "config"
    ),
    "a demo below a file": Case(["demo"], 2, "ERICA_DATA_DIR", {"ERICA_DATA_DIR": f"{DEMO}/x"}),
    "an embedding folder that is none": Case(
        ["ingest", DEMO], 2, "ERICA_EMBEDDING_PATH", {"ERICA_EMBEDDING_PATH": "/nowhere"}
    ),
    "a vector store that is not there": Case(
        [*ASK, "x", "--json"], 1, "ERICA_QDRANT_URL", {"ERICA_QDRANT_URL": "http://127.0.0.1:9"}, "retrieval"
    ),
    "a course file that is not TOML": Case(
        ["ingest", "a.toml", "--json"], 2, r"a\.toml is not valid .*line 1", name="config"
    ),
    "an unknown key": Case(["ingest", "b.toml"], 2, r"b\.toml, line 3: unknown key `titel`; did you mean `title`"),
    "templates that are not there": Case(["ask", "--course", "c.toml", "x"], 2, "promts is no folder.*course file"),
    "questions that are no JSON": Case([*SEARCH, "--questions", "a.jsonl"], 2, r"a\.jsonl:2: "),
    "questions without one": Case(
        [*SEARCH, "--questions", "b.jsonl", "--json"], 2, r"b\.jsonl:1: question", name="config"
    ),
    "questions before that are none": Case([*SEARCH, "--questions", "c.jsonl"], 2, r"c\.jsonl:1: previous"),
}
FILES = {
    "a.toml": "[course\n",
    "b.toml": '[course]\nid = "a"\ntitel = "A"\n[[sources]]\npath = "."\n',
    "c.toml": '[course]\nid = "demo"\ntitle = "A"\n[[sources]]\npath = "."\n[answers]\nprompts = "promts"\n',
    "a.jsonl": '{"question": "What is a GRU?"}\n{oops\n',
    "b.jsonl": '{"id": "x"}\n',
    "c.jsonl": '{"question": "x", "previous": "y"}\n',
}


@pytest.fixture(scope="module")
def mistakes(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Done]:
    folder = tmp_path_factory.mktemp("mistakes")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return run_all(MISTAKES, data, folder)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_plainly_with_its_exit_code(mistakes: dict[str, Done], mistake: str) -> None:
    case, done = MISTAKES[mistake], mistakes[mistake]
    assert done.code == case.code, done
    if case.name:
        error = done.json["error"]
        assert set(error) == {"code", "message", "hint"}
        assert error["code"] == case.name, error
        assert error["hint"]
        told = f"{error['message']} {error['hint']}"
    else:
        assert done.out == ""
        assert done.err.startswith("erica: ")
        told = done.err
    assert re.search(case.said, told, re.DOTALL), told
    assert len(told) < 600


EMPTY = {
    "search, as JSON": Case([*SEARCH, "x", "--json"], 3, "Run `erica ingest", name="no_index"),
    "ask, as JSON": Case([*ASK, "x", "--json"], 3, "Run `erica ingest", name="no_index", alone=True),
    "a conversation": Case(ASK, 3, "Run `erica ingest"),
    "eval": Case(["eval", "--course", DEMO, "--questions", str(demo_course().parent / "questions.jsonl")], 3, "ingest"),
}


@pytest.fixture(scope="module")
def without_index(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Done]:
    return run_all(EMPTY, tmp_path_factory.mktemp("empty"))


@pytest.mark.parametrize("command", EMPTY)
def test_without_an_index_every_command_says_to_ingest_first(without_index: dict[str, Done], command: str) -> None:
    case, done = EMPTY[command], without_index[command]
    assert done.code == 3
    told = json.dumps(done.json) if case.name else done.err
    assert re.search(case.said, told)
    assert case.name in told


ODD = {
    "another script": Case([*ASK, "--json", "什么是注意力机制？"]),
    "control characters": Case([*ASK, "What is \x07\x1b[31mattention\x7f?"], alone=True),
    "half a character": Case([*SEARCH, "--json", os.fsdecode(b"attention \xff\xfe")], alone=True),
    "markup": Case([*SEARCH, "[/bold] attention {{ 7 * 7 }} %s </passages>"]),
    "a narrow alphabet, as JSON": Case(
        [*SEARCH, "--json", ATTENTION], environment={"PYTHONIOENCODING": "latin-1"}, alone=True
    ),
    "help": Case(["--help"]),
}


@pytest.fixture(scope="module")
def odd(data: Path) -> dict[str, Done]:
    return run_all(ODD, data)


@pytest.mark.parametrize("question", ODD)
def test_odd_words_and_surroundings_are_no_trouble(odd: dict[str, Done], question: str) -> None:
    done = odd[question]
    assert (done.code, done.err) == (0, "")
    assert done.out.strip()
    assert "\x1b" not in done.out
    assert "--json" not in ODD[question].words or done.json


def test_without_words_there_is_help_and_it_counts_as_a_mistake(data: Path) -> None:
    done = erica(data=data)
    assert done.code == 2
    assert "Usage: erica" in done.out
    assert all(command in done.out for command in ("ingest", "ask", "search", "doctor", "demo", "rollback", "eval"))


# Doctor and demo


def test_the_doctor_looks_at_everything(data: Path) -> None:
    done = erica("doctor", "--course", DEMO, "--json", data=data)
    assert done.code == 0
    checks = {check["name"]: check for check in done.json}
    assert all(set(check) == {"name", "state", "detail", "advice"} for check in done.json)
    assert {name: check["state"] for name, check in checks.items()} == {
        "Python": "ok",
        "data folder": "ok",
        "private Valkey": "ok",
        "embedding model": "note",
        "answering model": "note",
        "course file": "ok",
        "index": "ok",
    }
    assert "lexical only" in checks["index"]["detail"]
    assert "ERICA_MODEL" in checks["answering model"]["advice"]
    assert running_valkey(data) is None


def test_the_doctor_finds_what_is_wrong(tmp_path: Path) -> None:
    course = course_at(tmp_path, "# A")
    course.write_text(course.read_text().replace('"pages"', '"pagse"') + '[answers]\nprompts = "promts"\n')
    redis = {"ERICA_REDIS_URL": f"redis://:{SECRET}@127.0.0.1:1/0"}
    done = run_here(Case(["doctor", "--course", str(course)], environment=redis), tmp_path, tmp_path)
    assert done.code == 1
    problems = re.findall(r"^problem (.*?):", done.out, re.MULTILINE)
    assert problems == ["Redis", "course file", "index"]
    assert "pagse" in done.out


def test_the_demo_shows_a_cited_answer_without_anything_set_up(tmp_path: Path) -> None:
    done = erica("demo", data=tmp_path)
    assert done.code == 0
    assert "you What is attention in transformers" in done.out
    assert re.search(r"Sources\n\[1\] .*\n    https://example\.edu/demo/", done.out)
    assert "```python" in done.out
    assert "Ask more: python -m bot ask --course deploy/demo/course.toml '" in done.out
    assert running_valkey(tmp_path) is None


# Pipes and disks


def test_who_reads_only_the_first_lines_is_no_error(data: Path, tmp_path: Path) -> None:
    questions = tmp_path / "questions.jsonl"
    questions.write_text(f'{{"question": "{ATTENTION}"}}\n' * 100)
    words = ["search", "--course", DEMO, "--json", "--questions", str(questions)]
    with started(*words, data=data) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["id"] == "1"
        process.stdout.close()
        err = process.stderr.read()
        assert (process.wait(SECONDS), err) == (0, "")


@pytest.mark.parametrize("words", [[*ASK, ATTENTION], ["ask", "--course", "/nowhere.toml", "--json", "x"]])
def test_a_pipe_that_nobody_reads_is_no_traceback(data: Path, words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with started(*words, data=data, stdout=writing) as process:
        os.close(writing)
        _, err = process.communicate(timeout=SECONDS)
    checked(process.returncode, "", err)
    assert process.returncode == (2 if "/nowhere.toml" in words else 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_is_told(data: Path) -> None:
    with Path("/dev/full").open("w") as full, started(*ASK, "--json", ATTENTION, data=data, stdout=full) as process:
        _, err = process.communicate(timeout=SECONDS)
    assert checked(process.returncode, "", err).code == 1
    assert "No space left on device" in err


def test_closed_streams_are_no_trouble(data: Path) -> None:
    command = f"{sys.executable} -m bot ask --course '{DEMO}' --json '{ATTENTION}' >&- <&-"
    done = subprocess.run(["sh", "-c", command], env=environment(data, {}), capture_output=True, text=True)
    assert checked(done.returncode, done.stdout, done.stderr) == Done(0, "", "")


# Interruptions

LONG_PAGE = "".join(f"\n## Section {n}\n\n{'The zebra and the okapi have stripes. ' * 25}\n" for n in range(12))


@pytest.fixture(scope="module")
def long_course(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A course that takes seconds to ingest, and a data folder with an index of its first pages."""
    folder = tmp_path_factory.mktemp("long")
    course = course_at(folder, *(f"# Page {n}\n\nA quagga is extinct.\n" for n in range(3)))
    assert erica("ingest", str(course), data=folder / "data").code == 0
    course_at(folder, *(f"# Page {n}\n{LONG_PAGE}" for n in range(250)))
    return course, folder / "data"


def current(data: Path) -> str:
    return str(json.loads((data / "indexes" / "cs" / "current.json").read_text())["current"])


def wait_for(process: subprocess.Popen[str], line: str) -> None:
    """Read standard error up to this line."""
    assert process.stderr is not None
    assert any(line in one for one in process.stderr)


@pytest.mark.parametrize(("number", "moment"), [(signal.SIGINT, "Lexical search only"), (signal.SIGTERM, "Reading: ")])
def test_an_ingest_that_is_stopped_ends_at_once_and_leaves_the_old_index(
    long_course: tuple[Path, Path], number: signal.Signals, moment: str
) -> None:
    course, data = long_course
    before = current(data)
    with started("ingest", str(course), data=data) as process:
        wait_for(process, moment)
        process.send_signal(number)
        start = time.monotonic()
        out, err = process.communicate(timeout=SECONDS)
        assert time.monotonic() - start < 5
    assert checked(process.returncode, out, err).code == 130
    assert current(data) == before
    assert [entry.name for entry in (data / "indexes" / "cs").iterdir() if entry.is_dir()] == [before]
    found = erica("search", "--course", str(course), "--json", "quagga", data=data).json
    assert found["passages"][0]["path"] == "0000.md"


def test_a_second_ingest_is_told_to_wait(long_course: tuple[Path, Path]) -> None:
    course, data = long_course
    with started("ingest", str(course), data=data) as first:
        wait_for(first, "Lexical search only")
        first.send_signal(signal.SIGSTOP)
        second = erica("ingest", str(course), "--json", data=data)
        first.send_signal(signal.SIGCONT)
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=SECONDS)
    assert second.code == 1
    assert "another `erica ingest` of cs is running" in second.json["error"]["message"]
    assert "Wait" in second.json["error"]["hint"]


# Conversations


class Terminal:
    """A terminal that types what it is told and remembers what it sees."""

    def __init__(self, *words: str, data: Path) -> None:
        self._ours, theirs = pty.openpty()
        more = {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
        self.process = subprocess.Popen(
            [*ERICA, *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment(data, more),
            start_new_session=True,
        )
        os.close(theirs)
        self.seen = ""

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def wait_until(self, met: Callable[[str], bool]) -> None:
        """Watch until the screen says so, or the command has ended."""
        end = time.monotonic() + SECONDS
        while not met(self.seen):
            assert select.select([self._ours], [], [], end - time.monotonic())[0], self.seen
            try:
                piece = os.read(self._ours, 65536)
            except OSError:  # how Linux says that nobody is left at the other end
                piece = b""
            if not piece:
                return
            self.seen += re.sub(r"\x1b\][^\x1b]*\x1b\\|\x1b\[[0-9;?]*[a-zA-Z]", "", piece.decode(errors="replace"))

    def prompts(self, number: int) -> None:
        """Wait for the prompt, counted from 1."""
        self.wait_until(lambda seen: len(re.findall(r"^you ", seen, re.MULTILINE)) >= number)
        assert self.process.poll() is None, self.seen

    def types(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def ends(self) -> int:
        """The exit code, once it has ended."""
        self.wait_until(lambda _: False)
        return self.process.wait(SECONDS)


def test_a_conversation_remembers_what_was_asked(data: Path) -> None:
    with Terminal("ask", "--course", DEMO, data=data) as terminal:
        terminal.prompts(1)
        assert "Ask about Deep Learning in Sixteen Pages." in terminal.seen
        assert running_valkey(data) is not None
        terminal.types("What is a GRU?\n")
        terminal.prompts(2)
        assert "lstm-and-gru.md" in terminal.seen
        terminal.types("🎉\n")
        terminal.prompts(3)
        assert "I did not find a question in that." in terminal.seen
        before = len(terminal.seen)
        terminal.types("how does it forget?\n")
        terminal.prompts(4)
        assert "lstm-and-gru.md" in terminal.seen[before:]
        terminal.types("\n")
        assert terminal.ends() == 0
    assert "Traceback" not in terminal.seen
    assert running_valkey(data) is None


def test_a_conversation_goes_on_without_a_memory(data: Path) -> None:
    done = erica(*ASK, data=data, ERICA_REDIS_URL=f"redis://:{SECRET}@[::1")
    assert done.code == 0
    assert done.out.startswith("Ask about Deep Learning in Sixteen Pages.")
    assert re.search("Follow-ups will not be understood.*ERICA_REDIS_URL", done.err, re.DOTALL)


@pytest.mark.parametrize(("typed", "code"), [("\x04", 0), ("quit\n", 0), (signal.SIGINT, 130), (signal.SIGTERM, 130)])
def test_a_conversation_can_be_left_at_the_prompt(data: Path, typed: str | signal.Signals, code: int) -> None:
    with Terminal("ask", "--course", DEMO, data=data) as terminal:
        terminal.prompts(1)
        if isinstance(typed, str):
            terminal.types(typed)
        else:
            terminal.process.send_signal(typed)
        assert terminal.ends() == code
    assert "Traceback" not in terminal.seen
    assert running_valkey(data) is None
