"""Kills workers of a running Erica over and over while students ask, and counts what was lost or answered twice.

    python tests/kill_rounds.py --rounds 200

Every second round kills at a random moment, every other one right when the platform has carried out a call but has
not yet answered it: the gap between the platform's reply and our record of it. Prints one JSON object.
"""

import argparse
import asyncio
import json
import logging
import os
import random
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from erica_command import ROOT, erica
from loopback_discord import LoopbackDiscord
from loopback_model import LoopbackModel, ok
from loopback_slack import LoopbackSlack
from running_erica import DISCORD_CHANNEL, GUILD, SLACK_CHANNEL, EricaProcess, Surroundings, chat_course

from bot.adapters.valkey import private_valkey
from retrieval.labelled import load_questions

CHUNKS = [f"Sentence number {n} of the answer. " for n in range(59)] + ["That is all [1]."]
LAST = "That is all"
ABSTAINED = "does not seem to cover this"
GIVEN_UP = "I could not answer this"
SLACK_GAPS = ("chat.startStream", "chat.postMessage", "chat.appendStream", "chat.stopStream", "chat.update")
DISCORD_GAPS = ("POST /channels/{channel}/messages/{message}/threads", "POST /channels/{channel}/messages", "PATCH ")
WORKERS = 2

_OnCall = Callable[[str], None]


class _Watched:
    """A loopback platform that tells of each call when it was carried out and before it is answered."""

    on_call: _OnCall | None = None
    _reported = 0

    def changed(self) -> None:
        super().changed()
        if self.on_call and len(self.calls) > self._reported:
            self._reported = len(self.calls)
            call = self.calls[-1]
            self.on_call(call.route if isinstance(self, LoopbackDiscord) else call.method)


class WatchedSlack(_Watched, LoopbackSlack):
    """Slack, watched."""


class WatchedDiscord(_Watched, LoopbackDiscord):
    """Discord, watched."""


@dataclass
class Outcome:
    """What became of all questions. `gaps` counts the kills by the call that they came right after."""

    rounds: int = 0
    killed: int = 0
    asked: int = 0
    answered: int = 0
    given_up: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    gaps: dict[str, int] = field(default_factory=dict)


class Rounds:
    """One Erica of two listeners and some workers, and those who ask it."""

    def __init__(self, surroundings: Surroundings, slack: WatchedSlack, discord: WatchedDiscord, seed: int) -> None:
        self._surroundings, self._slack, self._discord = surroundings, slack, discord
        self._random = random.Random(seed)
        labelled = load_questions(ROOT / "deploy" / "demo" / "questions.jsonl")
        self._questions = [one.question for one in labelled if not one.previous]
        self._workers: list[EricaProcess] = []
        self._asked: list[tuple[str, str]] = []  # platform and message
        self.outcome = Outcome()

    async def run(self, rounds: int) -> Outcome:
        async with AsyncExitStack() as stack:
            for platform in ("slack", "discord"):
                await stack.enter_async_context(EricaProcess(self._surroundings, "--only", platform))
            stack.push_async_callback(self._stop)
            await asyncio.gather(*(self._hire() for _ in range(WORKERS)))
            for number in range(rounds):
                await self._round(number)
                if number % 10 == 9:
                    logging.info("%d rounds, %d of %d answered", number + 1, self._ended(), len(self._asked))
            self._slack.on_call = self._discord.on_call = None
            with suppress(TimeoutError):
                async with asyncio.timeout(240):
                    while self._ended() < len(self._asked):  # noqa: ASYNC110 - two worlds, and no event for both
                        await asyncio.sleep(1)
            await asyncio.sleep(3)  # whatever were to come twice would come now
            outcome = self._count()
            if outcome.lost or outcome.doubled:
                self._explain(outcome)
            return outcome

    def _explain(self, outcome: Outcome) -> None:
        """What those who look for the cause want to know."""
        for name in (*outcome.lost, *outcome.doubled):
            platform, _, message = name.partition(" ")
            logging.warning("%s shows %s", name, [text[-300:] for text in self._shown(platform, message)])
        for worker in self._workers:
            for line in worker.logs:
                if line.get("level") not in (None, "info"):
                    logging.warning("%s: %s", worker.pid, json.dumps(line)[:1500])

    async def _round(self, number: int) -> None:
        for _ in range(self._random.randint(1, 3)):
            await self._ask()
        moment = asyncio.Event()
        if number % 2:
            asyncio.get_running_loop().call_later(self._random.uniform(0, 3), moment.set)
            await moment.wait()
            self._kill([self._random.choice(self._workers)])
        else:
            platform = self._random.choice(("slack", "discord"))
            await self._ask(platform)
            gap = self._random.choice(SLACK_GAPS if platform == "slack" else DISCORD_GAPS)
            server: WatchedSlack | WatchedDiscord = self._slack if platform == "slack" else self._discord

            def strike(call: str) -> None:
                if call == gap or (gap.endswith(" ") and call.startswith(gap)):
                    server.on_call = None
                    self._kill(list(self._workers))
                    self.outcome.gaps[gap] = self.outcome.gaps.get(gap, 0) + 1
                    moment.set()

            server.on_call = strike
            with suppress(TimeoutError):
                await asyncio.wait_for(moment.wait(), 10)
            server.on_call = None
        self.outcome.rounds += 1
        await asyncio.gather(*(self._hire() for _ in range(WORKERS - len(self._workers))))

    async def _ask(self, platform: str = "") -> None:
        number = len(self._asked)
        text = self._random.choice(self._questions)
        if (platform or self._random.choice(("slack", "discord"))) == "slack":
            self._asked.append(("slack", await self._slack.mention(SLACK_CHANNEL, f"U{number + 10}", text)))
        else:
            message = await self._discord.mention(DISCORD_CHANNEL, f"student{number % 50}", text)
            self._asked.append(("discord", message.id))

    async def _hire(self) -> None:
        worker = EricaProcess(self._surroundings, "--only", "worker")
        await worker.start()
        await worker.up()
        self._workers.append(worker)

    def _kill(self, workers: list[EricaProcess]) -> None:
        for worker in workers:
            os.kill(worker.pid, signal.SIGKILL)
            self._workers.remove(worker)
            self.outcome.killed += 1

    async def _stop(self) -> None:
        await asyncio.gather(*(worker.stop() for worker in self._workers))

    def _shown(self, platform: str, message: str) -> list[str]:
        if platform == "slack":
            return [each.text for each in self._slack.answers(SLACK_CHANNEL, message)]
        bot = self._discord.bot.name
        if message not in self._discord.channels:
            return []
        return [each.content for each in self._discord.thread(message) if each.author == bot]

    def _ended(self) -> int:
        return sum(
            any(LAST in text or ABSTAINED in text or GIVEN_UP in text for text in self._shown(*one))
            for one in self._asked
        )

    def _count(self) -> Outcome:
        found = self.outcome
        found.asked = len(self._asked)
        for one in self._asked:
            shown = self._shown(*one)
            ends = sum(text.count(LAST) + text.count(ABSTAINED) for text in shown)
            given_up = sum(GIVEN_UP in text for text in shown)
            begins = sum(text.count("Sentence number 0 ") for text in shown)
            name = " ".join(one)
            if ends + given_up == 0:
                found.lost.append(name)
            elif ends + given_up > 1 or begins > 1:
                found.doubled.append(name)
            elif ends:
                found.answered += 1
            else:
                found.given_up += 1
        return found


async def kill_rounds(rounds: int, folder: Path, seed: int = 1) -> Outcome:
    """That many rounds, with everything they need in a folder."""
    data = folder / "data"
    course = chat_course(folder)
    done = await asyncio.to_thread(erica, "ingest", str(course), data=data)
    assert done.code == 0, done.err
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(private_valkey(folder / "valkey"))
        slack = await stack.enter_async_context(WatchedSlack())
        discord = await stack.enter_async_context(WatchedDiscord())
        model = await stack.enter_async_context(LoopbackModel(ok(*CHUNKS, pause=0.03)))
        slack.channel(SLACK_CHANNEL, ["U1"])
        discord.guild(GUILD, [DISCORD_CHANNEL], [f"student{n}" for n in range(50)])
        more = {"ERICA_REDIS_URL": url}
        surroundings = Surroundings(data, course, slack, discord, model, more)
        return await Rounds(surroundings, slack, discord, seed).run(rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    with tempfile.TemporaryDirectory() as folder:
        outcome: Any = asyncio.run(kill_rounds(given.rounds, Path(folder), given.seed))
    sys.stdout.write(json.dumps(asdict(outcome), ensure_ascii=False) + "\n")
    sys.exit(bool(outcome.lost or outcome.doubled))


if __name__ == "__main__":
    main()
