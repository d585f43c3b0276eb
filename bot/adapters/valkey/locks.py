"""File locks that the kernel frees however their holder ends, and that a started program can inherit.

Knows nothing of Valkey. A lock belongs to the open file, not to the process, which is why it is `flock`.
"""

import os
import sys
from pathlib import Path

if sys.platform != "win32":
    import fcntl


def try_lock(path: Path, shared: bool = False) -> int | None:
    """Lock a file, creating it: its open descriptor, or None while others hold it. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def try_alone(descriptor: int) -> bool:
    """Make a shared lock exclusive; False, and perhaps no lock at all any more, while others share it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_free(path: Path) -> bool:
    """Whether nobody has the lock for himself. Changes nothing, creates nothing. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
