"""`erica run`: starts what is configured, keeps it running, and stops it in order.

Listeners put what they hear into the intake, the worker answers it; the two may be different processes.
"""

import asyncio
import gc
import logging
import os
import signal
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from bot.chat_wiring import ChatWiring
from bot.command_options import Role
from bot.course import Course
from bot.errors import ConfigError, IntakeFailed
from bot.intake import Platform
from bot.metrics import Metrics
from bot.ports import Replies
from bot.rendering.formulas import Formula, draw
from bot.wiring import Wiring
from bot.worker import Worker

_DRAIN_SECONDS = 25.0
"""A little less than the 30 s that whoever stops a process usually waits before it kills it."""

logger = logging.getLogger(__name__)


async def serve(wiring: Wiring, courses: Sequence[Course], only: Role | None, stopping: asyncio.Event) -> None:
    """Run until `stopping` is set. Raises ConfigError and RetrievalError for what must be put right first."""
    async with running(wiring, courses, only, stopping) as service:
        gc.collect()
        gc.freeze()  # what is loaded stays; every look through it would stop all answers for half a second
        await service.until_stopped()
        logger.info("erica is stopping")
    logger.info("erica has stopped")


@asynccontextmanager
async def running(
    wiring: Wiring, courses: Sequence[Course], only: Role | None, stopping: asyncio.Event
) -> "AsyncIterator[Service]":
    """Everything is up within; afterwards all has stopped: first what hears, then what answers, then the rest."""
    roles = _roles(wiring, courses, only)
    async with wiring.redis(private=True) as redis:
        assert redis is not None
        parts = ChatWiring(wiring, courses, redis, Metrics())
        if Role.worker in roles:
            await _warm(parts)
        service = Service(parts, roles, stopping)
        async with AsyncExitStack() as stack:
            if wiring.models is not None:
                stack.push_async_callback(wiring.models.aclose)
            await service.start(stack)
            logger.info("erica is running: %s", ", ".join(sorted(roles)))
            yield service


def _roles(wiring: Wiring, courses: Sequence[Course], only: Role | None) -> set[Role]:
    """What this process does. Raises ConfigError where that is nothing."""
    settings = wiring.settings
    if not courses:
        raise ConfigError("no course file was given", "Give --course FILE, or set ERICA_COURSES.")
    configured = {Role.slack: settings.has_slack, Role.discord: settings.discord_token is not None}
    if not any(configured.values()):
        raise ConfigError(
            "neither Slack nor Discord is configured",
            "Set ERICA_SLACK_BOT_TOKEN and ERICA_SLACK_APP_TOKEN, or ERICA_DISCORD_TOKEN; see deploy/.",
        )
    if only is None:
        return {role for role, there in configured.items() if there} | {Role.worker}
    if not configured.get(only, True):
        name = only.value.upper()
        raise ConfigError(f"{only.value} is not configured", f"Set the ERICA_{name}_ variables; see deploy/{only}.md.")
    return {only}


async def _warm(parts: ChatWiring) -> None:
    """Load what the first question would otherwise wait for. Raises RetrievalError where a course has no index."""
    for retriever in parts.retrievers.values():
        await retriever.open()
        with suppress(Exception):  # what fails here is told to whoever asks
            await retriever.search("What is this course about?")
    if parts.wiring.models is not None:
        await parts.wiring.models.warm_up()
    await asyncio.to_thread(draw, Formula("x"))  # what draws formulas takes a third of a second to load


class Service:
    """The parts of one process while it runs. `port` is where it serves HTTP."""

    def __init__(self, parts: ChatWiring, roles: set[Role], stopping: asyncio.Event) -> None:
        self._parts, self._roles, self._stopping = parts, roles, stopping
        self._connected: dict[str, Callable[[], bool]] = {}
        self._lasting: list[asyncio.Task[None]] = []
        self.port = 0

    async def start(self, stack: AsyncExitStack) -> None:
        """Start every part, and put its end on the stack."""
        from bot.adapters.http import HttpServer, watch_loop

        parts, address = self._parts, self._parts.wiring.settings.http_addr
        reception = await parts.reception()
        slack = parts.slack_listener(reception) if Role.slack in self._roles else None
        routes = slack.routes() if slack else ()
        server = await stack.enter_async_context(
            HttpServer(address, parts.metrics, self._ready, parts.intake.backlog, routes)
        )
        self.port = server.port
        logger.info("serving HTTP on port %d", server.port)
        watching = asyncio.create_task(watch_loop(parts.metrics, self._stopping))
        stack.callback(watching.cancel)
        draining = asyncio.Event()
        if Role.worker in self._roles:
            await self._start_worker(stack, draining)
        if slack:
            stack.push_async_callback(slack.stop)
            self._connected["slack"] = lambda: slack.connected
            await slack.start()
        if Role.discord in self._roles:
            discord = parts.discord_listener(reception)
            stack.push_async_callback(discord.stop)
            self._connected["discord"] = lambda: discord.ready
            await discord.start()
            self._lasting.append(asyncio.create_task(discord.ended()))
        stack.callback(draining.set)  # the first of all ends: the worker finishes while the listeners leave

    async def _start_worker(self, stack: AsyncExitStack, draining: asyncio.Event) -> None:
        handler = await self._parts.handler(await self._replies(stack))
        name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        worker = asyncio.create_task(Worker(self._parts.intake, handler.handle, name).run(draining, _DRAIN_SECONDS))
        self._lasting.append(worker)

        async def drain() -> None:
            draining.set()  # also where the start of another part failed
            await asyncio.wait((worker,))

        stack.push_async_callback(drain)

    async def _replies(self, stack: AsyncExitStack) -> Mapping[Platform, Replies]:
        """How to answer on every platform that is configured."""
        parts, settings = self._parts, self._parts.wiring.settings
        found: dict[Platform, Replies] = {}
        if settings.has_slack:
            clients = parts.slack_clients()
            stack.push_async_callback(clients.close)
            found["slack"] = parts.slack_replies(clients)
        if settings.discord_token is not None:
            discord = parts.discord_replies(await stack.enter_async_context(parts.discord_rest()))
            stack.push_async_callback(discord.close)
            found["discord"] = discord
        return found

    async def until_stopped(self) -> None:
        """Wait for the signal. Raises what a part died of, such as ConfigError for a token that was revoked, unless
        another platform is served that need not go down with it."""
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            while not self._stopping.is_set():
                await asyncio.wait((stopping, *self._lasting), return_when=asyncio.FIRST_COMPLETED)
                for task in [task for task in self._lasting if task.done()]:
                    self._lasting.remove(task)
                    self._bear(task)
        finally:
            stopping.cancel()
            self._stopping.set()

    def _bear(self, ended: "asyncio.Task[None]") -> None:
        """Go on without a platform that does not let Erica in any more; raise anything else."""
        try:
            ended.result()
        except ConfigError as error:
            if len(self._connected) < 2:
                raise
            logger.error("going on without a platform: %s. %s", error, error.hint)

    async def _ready(self) -> Mapping[str, str]:
        """What is wrong with each part, "" where it is well."""
        wrong = {name: "" if connected() else "not connected" for name, connected in self._connected.items()}
        try:
            await self._parts.intake.backlog()
            wrong["redis"] = ""
        except IntakeFailed:
            wrong["redis"] = "does not answer"
        if self._stopping.is_set():
            wrong["process"] = "is stopping"
        return wrong


@asynccontextmanager
async def stopped_by_signals() -> AsyncIterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set; a second one ends the process at once."""
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def stop(number: signal.Signals) -> None:
        stopping.set()
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)

    for number in before:
        loop.add_signal_handler(number, stop, number)
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
