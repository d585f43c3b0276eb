"""How several Ericas share one server: the first one in starts it, the last one out stops it.

Knows nothing of how the server is found or configured. Three locks in its folder decide who may do what:

start.lock   held while one Erica decides whether to start or to stop the server
users.lock   shared by every Erica that uses the server; whoever gets it alone is the last one out
server.lock  inherited by the server itself, and so held exactly as long as it lives, wherever that is
"""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot.adapters.valkey import locks, server
from bot.errors import ConfigError, EricaError, MemoryFailed

_log = logging.getLogger(__name__)

_LOOK_AGAIN = 0.02  # seconds; neither locks nor sockets can be awaited
_LONGEST_LOADING = 600.0  # seconds
_LONGEST_PAUSE = 60.0  # seconds between attempts to revive a server that will not live

_T = TypeVar("_T")


@asynccontextmanager
async def private_valkey(data_dir: Path, patience: float = 15.0) -> AsyncIterator[str]:
    """The Redis URL (`unix:///...`) of the one Valkey that every Erica on `data_dir` shares.

    It is started if none runs, brought back at the same address if it dies meanwhile, and stopped when the
    last Erica leaves. `patience`: seconds of silence to bear, while it starts and while it stops.
    Raises ConfigError where a person must change something, MemoryFailed when the server stays silent.
    """
    if sys.platform == "win32":
        raise ConfigError("Erica's private Valkey does not run on Windows", "Set ERICA_REDIS_URL.")
    with server.explained(data_dir):
        use = _Use(server.make_private(data_dir / "valkey"), patience)
    try:
        with server.explained(use.folder):
            await use.ensure_running()
        revival = asyncio.create_task(use.keep_running())
        try:
            yield f"unix://{quote(os.fsencode(use.address))}"
        finally:
            while not revival.done():  # more than once: on Python 3.11 redis-py may swallow a cancellation
                revival.cancel()
                await asyncio.wait([revival], timeout=0.5)
    finally:
        await use.leave()


def running_valkey(data_dir: Path) -> server.RunningValkey | None:
    """The Valkey that runs on `data_dir` now, or None; starts and changes nothing. Raises ConfigError."""
    with server.explained(data_dir):
        folder = (data_dir / "valkey").resolve()
        return None if locks.is_free(folder / server.LOCK) else server.recorded(folder)


class _Use:
    """One Erica's use of the server of a folder."""

    def __init__(self, folder: Path, patience: float) -> None:
        self.folder = folder
        self.patience = patience
        self.address = folder
        self._lease: int | None = None

    async def ensure_running(self) -> None:
        """Adopt the server that runs, or start one, and wait until it answers."""
        log_start: int | None = None
        while True:
            async with self._deciding():
                self._renew_lease()
                lock = locks.try_lock(self.folder / server.LOCK)
                if lock is None:
                    self.address = server.recorded(self.folder).socket
                    server.check_socket(self.folder, self.address)
                else:
                    try:
                        if log_start is not None:
                            raise server.why_it_died(self.folder, log_start)
                        self.address = server.socket_for(self.folder)
                        if not await self._lives_unlocked():
                            log_start = server.launch(self.folder, self.address, lock)
                    finally:
                        os.close(lock)
            if await self._answers():
                if log_start is not None and (loss := server.what_was_lost(self.folder, log_start)):
                    _log.warning("an unclean stop cost the last moments of what Erica remembers: %s", loss)
                return

    async def keep_running(self) -> None:
        """Start the server again whenever it dies (out of memory, killed by hand), until cancelled."""
        pause = 1.0
        while True:
            with suppress(OSError):
                await self._connection_lost()
            _log.warning("the private Valkey of %s is gone; starting it again", self.folder)
            try:
                await self.ensure_running()
                pause = 1.0
            except (EricaError, OSError) as error:
                _log.error("the private Valkey cannot be started again: %s", error)
                pause = min(pause * 2, _LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def leave(self) -> None:
        """Give the lease back, and stop the server if nobody else has one. Logs what fails."""
        if self._lease is None:
            return
        try:
            async with self._deciding():
                if locks.try_alone(self._lease) and await self._lives():
                    await self._stop()
        except (EricaError, OSError) as error:
            # No signal follows: process numbers mean nothing across containers, and the next Erica adopts it.
            _log.warning("the private Valkey of %s was left running: %s", self.folder, error)
        finally:
            os.close(self._lease)

    def _renew_lease(self) -> None:
        """Be one of the users. Done again on each start, in case the lock file was deleted meanwhile."""
        lease = locks.try_lock(self.folder / "users.lock", shared=True)
        if lease is None:  # Ericas hold it alone only while deciding
            raise MemoryFailed(f"another program has locked {self.folder / 'users.lock'}")
        if self._lease is not None:
            os.close(self._lease)
        self._lease = lease

    @asynccontextmanager
    async def _deciding(self) -> AsyncIterator[None]:
        path = self.folder / "start.lock"
        lock = await self._patiently(lambda: locks.try_lock(path))
        if lock is None:
            raise MemoryFailed(f"another Erica is taking too long to start or stop Valkey; it holds {path}")
        try:
            yield
        finally:
            os.close(lock)

    async def _stop(self) -> None:
        async with self._client() as client:
            try:
                # "nosave" is about snapshots; the append-only file is written out and synced all the same.
                await client.shutdown(nosave=True)
            except RedisTimeoutError:
                pass  # busy writing, as far as we can know
            except RedisError as refusal:
                _log.warning("the private Valkey would not stop (%s); insisting", refusal)
                with suppress(RedisError):
                    await client.shutdown(nosave=True, now=True, force=True)
        if not await self._patiently(lambda: locks.is_free(self.folder / server.LOCK) or None):
            raise MemoryFailed("it did not stop in time")

    async def _answers(self) -> bool:
        """Wait for the server: True once it answers, False if it is gone. Raises if it stays silent."""
        now = asyncio.get_running_loop().time
        silent, loading = now() + self.patience, now() + _LONGEST_LOADING
        async with self._client() as client:
            while now() < min(silent, loading):
                try:
                    await client.ping()
                    return True
                except BusyLoadingError:
                    silent = now() + self.patience
                except RedisError:
                    if locks.is_free(self.folder / server.LOCK):
                        return False
                await asyncio.sleep(_LOOK_AGAIN)
        raise server.unreachable(self.folder)

    async def _lives(self) -> bool:
        return not locks.is_free(self.folder / server.LOCK) or await self._lives_unlocked()

    async def _lives_unlocked(self) -> bool:
        """Whether a server of this folder answers although its lock file is gone (deleted by hand)."""
        with suppress(RedisError, OSError):
            async with self._client() as client:
                return server.serves(self.folder, (await client.config_get("dir"))["dir"])
        return False

    async def _connection_lost(self) -> None:
        reader, writer = await asyncio.open_unix_connection(self.address)
        try:
            await reader.read()  # nothing ever comes here but the end
        finally:
            writer.close()

    async def _patiently(self, look: Callable[[], _T | None]) -> _T | None:
        now = asyncio.get_running_loop().time
        give_up = now() + self.patience
        while (found := look()) is None and now() < give_up:  # noqa: ASYNC110 - nothing would set an event
            await asyncio.sleep(_LOOK_AGAIN)
        return found

    def _client(self) -> Redis:
        return Redis(
            unix_socket_path=str(self.address),
            socket_timeout=2,
            socket_connect_timeout=2,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
