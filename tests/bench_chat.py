"""Measures a whole `erica run` in a process of its own, between a loopback Slack, Discord and model.

    python tests/bench_chat.py [--exam-hour | --short] [--pause 0.1] [--lexical]

Platforms and model run in this process, so loopback's own ways are in every figure, and on two cores so is what it
costs to be all of them at once. Slack's rate limits are off; Erica keeps to them all the same.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from bench_parts import SHARED, Row, percentiles, report
from chat_crowd import PIECES, Asked, Crowd, Way, last_words, sentences
from erica_command import erica as command
from prometheus_client.parser import text_string_to_metric_families
from running_erica import EricaProcess, chat_course

WARM, ONE_BY_ONE = 12, 110
AT_ONCE = 100
HOUR_QUESTIONS, PEAK, FASTER = 600, 25, 10
_PEAK_EVERY = 5  # minutes
MINUTES = 15  # of that hour, where nobody asks for more
PAUSE = 0.1  # seconds between pieces: a model of ten pieces a second
_ANSWER_SECONDS = 240.0
_LAG = "erica_event_loop_lag_seconds"


async def chat_rows(folder: Path, minutes: int = MINUTES, pause: float = PAUSE, lexical: bool = False) -> list[Row]:
    """All of it. `minutes` of the exam hour are replayed; `pause`: seconds between the pieces that the model says."""
    models = sorted((SHARED / "model").iterdir()) if (SHARED / "model").exists() and not lexical else []
    embedding = models[0] if models else None
    course, data = chat_course(folder), folder / "data"
    more: dict[str, Any] = {"ERICA_EMBEDDING_PATH": str(embedding)} if embedding else {}
    done = command("ingest", str(course), data=data, **more)
    if done.code:
        raise SystemExit(done.err)
    rows = []
    async with _erica(Crowd(3 * (WARM + ONE_BY_ONE)), data, course, embedding) as (crowd, _):
        rows += await one_by_one_rows(crowd)
    async with _erica(Crowd(AT_ONCE + WARM), data, course, embedding) as (crowd, process):
        rows += await at_once_rows(crowd, process, pause)
    async with _erica(Crowd(HOUR_QUESTIONS + WARM), data, course, embedding) as (crowd, process):
        rows += await exam_rows(crowd, process, minutes, pause)
    return rows


@asynccontextmanager
async def _erica(
    crowd: Crowd, data: Path, course: Path, embedding: Path | None
) -> AsyncIterator[tuple[Crowd, EricaProcess]]:
    """A crowd with an Erica of its own, who has the index and remembers nobody: another crowd's ids are the same."""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "indexes").symlink_to(data / "indexes")
        async with crowd, crowd.erica(Path(name), course, embedding) as process:
            yield crowd, process


async def one_by_one_rows(crowd: Crowd) -> list[Row]:
    """Students who wait for each other: acknowledgements, the way to the model, and the first words in Slack."""
    rows: list[Row] = []
    await _sequence(crowd, "slack", WARM)
    warm_at = time.monotonic()
    ways: tuple[Way, ...] = ("discord", "discord /ask", "slack")
    for way in ways:
        if way == "slack":  # Erica starts 18 streams a minute, and here they are to be those that are measured
            await asyncio.sleep(max(0.0, warm_at + 60 - time.monotonic()))
        else:
            await _sequence(crowd, way, WARM)
        asked = await _sequence(crowd, way, ONE_BY_ONE)
        rows += _wrong_rows(crowd, asked, f"{way}, one by one")
        if way != "discord":
            rows += _acknowledged_rows(crowd, asked, "one by one")
        to_model = [(one.requests[0] - crowd.sent(one)) * 1000 for one in asked if one.requests]
        rows += percentiles(f"event to model request, {way}, loopback included", to_model, None, 30)
        if way == "slack":
            rows += _first_text_rows(crowd, asked)
    return rows


async def _sequence(crowd: Crowd, way: Way, count: int) -> list[Asked]:
    asked = []
    for _ in range(count):
        asked.append(await crowd.ask(way))
        await crowd.answered(asked[-1:], within=20)
    return asked


@dataclass(frozen=True)
class Before:
    """What a process had done when a measurement began."""

    lags: Mapping[float, float]
    processor: float


async def at_once_rows(crowd: Crowd, process: EricaProcess, pause: float) -> list[Row]:
    """Half of them in Slack, half in Discord, all within a second."""
    await _warm(crowd)
    crowd.pause = pause
    before = await _before(process)
    asked = []
    for number in range(AT_ONCE):
        asked.append(await crowd.ask(("slack", "discord", "slack", "discord /ask")[number % 4]))
        await asyncio.sleep(1 / AT_ONCE)
    await crowd.answered(asked, _ANSWER_SECONDS)
    name = f"{AT_ONCE} at once, {pause:g} s between pieces"
    rows = [Row(f"{name}: streaming at one moment", crowd.most_streaming, "")]
    rows += _wrong_rows(crowd, asked, name)
    rows += _acknowledged_rows(crowd, asked, name)
    to_model = [(one.requests[0] - crowd.sent(one)) * 1000 for one in asked if one.requests]
    rows += percentiles(f"{name}: event to model request", to_model)
    rows += _first_text_rows(crowd, asked, limit=None)
    rows += await _process_rows(process, before, name)
    return rows


async def exam_rows(crowd: Crowd, process: EricaProcess, minutes: int, pause: float) -> list[Row]:
    """The hour, or its first minutes, ten times faster."""
    await _warm(crowd)
    crowd.pause = pause
    before, started = await _before(process), time.monotonic()
    asked, rng = [], random.Random(0)
    for at in exam_times(minutes):
        await asyncio.sleep(max(0.0, started + at - time.monotonic()))
        asked.append(await crowd.ask(rng.choice(("slack", "slack", "discord", "discord /ask"))))
    late = await crowd.answered(asked, _ANSWER_SECONDS)
    name = f"exam, {minutes} min in {minutes * 60 // FASTER} s, {len(asked)} questions"
    waited = await _histogram(process, "erica_stage_seconds", stage="queue")
    rows = _wrong_rows(crowd, asked, name)
    rows.append(Row(f"{name}: not finished {_ANSWER_SECONDS:g} s after the last", len(late), "", 0))
    if waited:
        rows.append(Row(f"{name}: queue age, p95", _quantile(waited, 0.95) * 1000, "ms"))
    to_model = [(one.requests[0] - crowd.sent(one)) * 1000 for one in asked if one.requests]
    rows += percentiles(f"{name}: event to model request", to_model)
    rows += _acknowledged_rows(crowd, asked, name)
    rows += await _process_rows(process, before, name)
    return rows


def exam_times(minutes: int) -> list[float]:
    """When the questions of the first minutes of the hour come, in seconds of its replay."""
    rng, peaks = random.Random(1), 60 // _PEAK_EVERY
    others = (HOUR_QUESTIONS - peaks * PEAK) / (60 - peaks)
    times: list[float] = []
    owed = 0.0
    for minute in range(minutes):
        owed += PEAK if minute % _PEAK_EVERY == _PEAK_EVERY - 1 else others
        count, owed = int(owed), owed - int(owed)
        times += [(minute + rng.random()) * 60 / FASTER for _ in range(count)]
    return sorted(times)


async def _warm(crowd: Crowd) -> None:
    for way in ("slack", "discord", "discord /ask"):
        await _sequence(crowd, way, WARM // 3)


# What is made of it.


def _acknowledged_rows(crowd: Crowd, asked: Sequence[Asked], name: str) -> list[Row]:
    """From what a platform sent to what came back, by platform: of what was asked, and in Slack of all it tells."""
    rows: list[Row] = []
    taken: dict[str, list[float]] = {}
    if any(one.way == "slack" for one in asked):
        since = min(crowd.sent(one) for one in asked if one.way == "slack")
        tries = [each for one in crowd.slack.deliveries() for each in one.attempts if each.at >= since]
        taken["Slack"] = [(each.acked_at - each.at) * 1000 for each in tries if each.acked_at is not None]
        rows.append(Row(f"{name}: Slack events not acknowledged", len(tries) - len(taken["Slack"]), "", 0))
    sent = {one.id: one.sent for one in asked if one.way == "discord /ask"}
    calls = [(call.path.split("/"), call.at) for call in crowd.discord.calls if call.path.endswith("/callback")]
    if sent:
        taken["Discord"] = [(at - sent[parts[2]]) * 1000 for parts, at in calls if parts[2] in sent]
        rows.append(Row(f"{name}: interactions not acknowledged", len(sent) - len(taken["Discord"]), "", 0))
    for platform, all_ in taken.items():
        what = f"{name}: acknowledged, {platform}, {len(all_)} events"
        rows.append(Row(f"{what}, p50", float(np.percentile(all_, 50)), "ms", 100))
        rows.append(Row(f"{what}, p99", float(np.percentile(all_, 99)), "ms", 100))
    return rows


def _first_text_rows(crowd: Crowd, asked: Sequence[Asked], limit: float | None = 150) -> list[Row]:
    """From the model's first words to when they could be read in Slack, by stream and otherwise."""
    rows: list[Row] = []
    places = {crowd.place(one): one for one in asked if one.way == "slack"}
    taken: dict[bool, list[float]] = {True: [], False: []}
    for shown in crowd.shown():
        one = places.get(shown.place)
        at = next((at for at, text in shown.states if shown.streamed or sentences(text)), 0.0)
        if one is not None and at:
            taken[shown.streamed].append((at - one.first_piece) * 1000)
    for streamed, name in ((True, "streams"), (False, "messages that are edited")):
        if taken[streamed]:
            what = f"first text after the model's, Slack, {len(taken[streamed])} {name}"
            rows += percentiles(what, taken[streamed], None, limit if streamed else None)
    return rows


def _wrong_rows(crowd: Crowd, asked: Sequence[Asked], name: str) -> list[Row]:
    """How many were not answered exactly once: whole, in the place of the question, and nowhere else."""
    texts: dict[str, str] = {}
    for shown in crowd.shown():
        texts[shown.place] = texts.get(shown.place, "") + shown.text
    ends = Counter(int(number) for text in texts.values() for number in last_words(text))
    wrong: Counter[str] = Counter()
    for one in asked:
        answer = texts.get(crowd.place(one), "")
        whole = sentences(answer) == [(one.number, each) for each in range(1, PIECES + 1)]
        if ends[one.number] != 1 or not whole:
            wrong["lost" if not ends[one.number] else "doubled" if ends[one.number] > 1 else "in pieces"] += 1
            sys.stderr.write(f"wrong: {one}: {answer or 'nothing'}\n")
    rows = [Row(f"{name}: answers {problem}", count, "", 0) for problem, count in wrong.items() if count]
    return [Row(f"{name}: questions not answered exactly once, of {len(asked)}", sum(wrong.values()), "", 0), *rows]


async def _before(process: EricaProcess) -> Before:
    return Before(await _histogram(process, _LAG), sum(_processor_seconds(process.pid)))


async def _process_rows(process: EricaProcess, before: Before, name: str) -> list[Row]:
    """The event loop of Erica's process and its processor time since `before`, and the most memory it ever had."""
    lags = await _histogram(process, _LAG)
    since = {bound: count - before.lags.get(bound, 0.0) for bound, count in lags.items()}
    rows = [Row(f"{name}: event loop lag, p50", _quantile(since, 0.5) * 1000, "ms")]
    rows.append(Row(f"{name}: event loop lag, p99", _quantile(since, 0.99) * 1000, "ms", 50))
    spent = [each - before.processor for each in _processor_seconds(process.pid)]
    rows += [Row(f"{name}: processor time of Erica", each, "s") for each in spent]
    return [*rows, *(Row(f"{name}: peak memory of Erica", each, "MB", 500) for each in _peak_megabytes(process.pid))]


def _processor_seconds(process: int) -> list[float]:
    """What a process has used of the processor; nothing where the system does not say."""
    stat = Path(f"/proc/{process}/stat")
    fields = stat.read_text().rpartition(")")[2].split() if stat.exists() else []
    return [(int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")] if fields else []


def _peak_megabytes(process: int) -> list[float]:
    """The most memory that a process ever had; nothing where the system does not say."""
    status = Path(f"/proc/{process}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")]


async def _histogram(process: EricaProcess, name: str, **labels: str) -> dict[float, float]:
    """A histogram of /metrics: how many were at most as large as each bound."""
    address = f"http://127.0.0.1:{process.port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        families = list(text_string_to_metric_families(await answer.text()))
    samples = [one for family in families for one in family.samples if one.name == f"{name}_bucket"]
    return {float(one.labels["le"]): one.value for one in samples if labels.items() <= one.labels.items()}


def _quantile(counts: Mapping[float, float], part: float) -> float:
    """What Prometheus makes of a histogram: within a bucket it takes them for evenly spread."""
    bounds = sorted(counts)
    wanted = part * counts[bounds[-1]]
    below = 0.0
    for bound in bounds:
        if counts[bound] >= wanted and counts[bound] > (counts[below] if below else 0):
            inside = (wanted - (counts[below] if below else 0)) / (counts[bound] - (counts[below] if below else 0))
            return below + inside * (bound - below) if bound != bounds[-1] else below
        below = bound
    return below


def main() -> None:
    """Measure, print the table on standard error and JSON on standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exam-hour", action="store_true", help="replay all of it, in six minutes")
    parser.add_argument("--short", action="store_true", help="replay five of its minutes, in 30 s")
    parser.add_argument("--pause", type=float, default=PAUSE, help="seconds before each piece of the model's")
    parser.add_argument("--lexical", action="store_true", help="without the embedding model")
    given = parser.parse_args()
    minutes = 60 if given.exam_hour else 5 if given.short else MINUTES
    with tempfile.TemporaryDirectory() as name:
        report("erica run", asyncio.run(chat_rows(Path(name), minutes, given.pause, given.lexical)))


if __name__ == "__main__":
    main()
