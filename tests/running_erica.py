"""A whole Erica on the demo course between loopback servers: in this process, or in one of its own to be killed.

What a student sees is asked of the loopback platforms; nothing here reaches into Erica.
"""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

import aiohttp
from erica_command import ERICA, ROOT, environment, erica
from loopback_discord import LoopbackDiscord, pointed_at
from loopback_model import LoopbackModel
from loopback_slack import LoopbackSlack

from bot.command_options import Role
from bot.course import load_course
from bot.running import Service, running
from bot.settings import read_settings
from bot.wiring import Wiring

SLACK_TEAM, SLACK_CHANNEL = "T1", "C1"
GUILD, DISCORD_CHANNEL = "800000000000000001", "800000000000000002"
MODEL_KEY = "sk-loopback-key-000000"

_CHANNELS = f"""
[[channels]]
platform = "slack"
workspace = "{SLACK_TEAM}"
id = "{SLACK_CHANNEL}"

[[channels]]
platform = "discord"
workspace = "{GUILD}"
id = "{DISCORD_CHANNEL}"
"""


def chat_course(folder: Path, more: str = "") -> Path:
    """The demo course, taught in one channel of each platform; `more` is further TOML."""
    demo = ROOT / "deploy" / "demo"
    text = (demo / "course.toml").read_text()
    for name in ("pages", "notes"):
        text = text.replace(f'path = "{name}"', f'path = "{demo / name}"')
    file = folder / "course.toml"
    file.write_text(text + _CHANNELS + more)
    return file


def ingested(folder: Path) -> Path:
    """The folder of the demo course's index, made in a folder."""
    done = erica("ingest", str(chat_course(folder)), data=folder / "data")
    assert done.code == 0, done.err
    return folder / "data" / "indexes"


@dataclass
class Surroundings:
    """The servers that an Erica is between, and where it keeps what it has. Any of them may be missing."""

    data: Path
    course: Path
    slack: LoopbackSlack | None = None
    discord: LoopbackDiscord | None = None
    model: LoopbackModel | None = None
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        found = {"ERICA_HTTP_ADDR": "127.0.0.1:0", "ERICA_COURSES": str(self.course)}
        if self.slack:
            found |= {
                "ERICA_SLACK_BOT_TOKEN": self.slack.bot_token,
                "ERICA_SLACK_APP_TOKEN": self.slack.app_token,
                "ERICA_SLACK_API_URL": self.slack.api_url,
            }
        if self.discord:
            found |= {
                "ERICA_DISCORD_TOKEN": self.discord.token,
                "ERICA_DISCORD_API_URL": f"{self.discord.url}/api/v10",
                "ERICA_DISCORD_GATEWAY_URL": self.discord.gateway_url,
            }
        if self.model:
            found |= {
                "ERICA_MODEL": "openai/loopback",
                "ERICA_MODEL_API_BASE": self.model.url,
                "ERICA_MODEL_API_KEY": MODEL_KEY,
            }
        return environment(self.data, {**found, **self.more})


def surroundings_in(folder: Path, indexes: Path, more: str = "", **servers: Any) -> Surroundings:
    """An Erica's own data in a folder, with the demo course's index, between these servers; `more` is course TOML."""
    data = folder / "data"
    data.mkdir()
    (data / "indexes").symlink_to(indexes)
    return Surroundings(data, chat_course(folder, more), **servers)


@asynccontextmanager
async def running_here(surroundings: Surroundings, only: Role | None = None) -> AsyncIterator[Service]:
    """Erica in this process and event loop, drained at the end."""
    with patch.dict(os.environ, surroundings.environment, clear=True):  # no longer: libraries note things there, too
        settings = read_settings()
    with contextlib.ExitStack() as stack:
        if surroundings.discord:
            stack.enter_context(pointed_at(surroundings.discord))
        wiring = Wiring(settings, lambda _: None)
        courses = [load_course(file) for file in wiring.settings.course_files]
        async with running(wiring, courses, only, asyncio.Event()) as service:
            await ready(service.port)
            yield service


async def ready(port: int, within: float = 20.0) -> None:
    """Until Erica says that she is connected everywhere."""
    async with asyncio.timeout(within), aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"http://127.0.0.1:{port}/readyz") as response:
                if response.status == 200:
                    return
            await asyncio.sleep(0.02)


class EricaProcess:
    """`erica run` as its operator starts it. `logs` are its lines, as far as it has said them."""

    def __init__(self, surroundings: Surroundings, *words: str) -> None:
        self._surroundings, self._words = surroundings, words
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        self.logs: list[dict[str, Any]] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        await self.start()
        await self.up()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop(signal.SIGTERM)

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *ERICA,
            "run",
            *self._words,
            env=self._surroundings.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            limit=2**24,
        )
        self._reading = asyncio.create_task(self._read())

    async def up(self, within: float = 60.0) -> None:
        """Until it has said that it runs. AssertionError if it ends before."""
        assert self._reading is not None
        waiting = asyncio.create_task(self._up.wait())
        await asyncio.wait((waiting, self._reading), timeout=within, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        assert self._up.is_set(), self.logs
        await ready(self.port)

    async def stop(self, number: signal.Signals = signal.SIGTERM, within: float = 40.0) -> int:
        """Send a signal and wait for the end; the exit code."""
        assert self._process is not None
        assert self._reading is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)
        async with asyncio.timeout(within):
            await self._reading
            return await self._process.wait()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            try:
                said = json.loads(line)
            except ValueError:
                said = {"event": line.decode("utf-8", "replace").rstrip()}
            self.logs.append(said)
            event = str(said.get("event", ""))
            if event.startswith("serving HTTP on port "):
                self.port = int(event.rpartition(" ")[2])
            if event.startswith("erica is running"):
                self._up.set()


async def said_of_answers(surroundings: Surroundings) -> list[dict[str, Any]]:
    """What `erica feedback --json` tells, once there is anything."""
    while True:
        words = ("feedback", "--course", str(surroundings.course), "--json")
        done = await asyncio.to_thread(erica, *words, data=surroundings.data, **surroundings.more)
        assert done.code == 0, done.err
        if found := done.json["feedback"]:
            return list(found)
