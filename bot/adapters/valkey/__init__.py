"""Erica's private Valkey, for when no Redis is configured: shared by every Erica on one data folder.

Knows nothing of what is stored in it; hands out a Redis URL and no more.
"""

from bot.adapters.valkey.server import RunningValkey, find_server
from bot.adapters.valkey.sharing import private_valkey, running_valkey

__all__ = ["RunningValkey", "find_server", "private_valkey", "running_valkey"]
