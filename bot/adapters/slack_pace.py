"""How often Slack may be called for what is worth less than a finished answer, by workspace.

One for all replies of a process; calls nobody.
"""

import time
from collections import deque
from collections.abc import Callable

_WINDOW = 60.0  # seconds
_APPEND_SECONDS = 0.65  # between all appends of a workspace: Slack promises 100 a minute
_PREVIEW_SECONDS = 1.2
_WITHOUT_STREAMS = 600.0  # seconds for which a workspace that knows no streams is not asked again
_NO_STREAMS = frozenset(
    "unknown_method method_not_supported feature_not_enabled not_allowed_token_type missing_scope "
    "method_deprecated deprecated_endpoint".split()
)


class SlackPace:
    """Sliding windows of a minute. Slack allows at least 20 starts and 50 updates; answers' ends are to fit in, too."""

    def __init__(self, starts: int = 18, updates: int = 40, clock: Callable[[], float] = time.monotonic) -> None:
        """`starts` of streams, and `updates` of any kind after which previews wait, in a minute and workspace."""
        self.clock = clock
        self._starts, self._updates = starts, updates
        self._calls: dict[tuple[str, str], deque[float]] = {}
        self._closed: dict[tuple[str, str], float] = {}
        self._live: dict[str, set[int]] = {}

    def may_start(self, team: str) -> bool:
        """Whether a stream may be started now; if so, it counts."""
        return self._open(team, "start") and self._counted(team, "start", self._starts)

    def may_preview(self, team: str) -> bool:
        """Whether a message may be updated for its looks; if so, it counts."""
        return self._open(team, "update") and self._counted(team, "update", self._updates)

    def updated(self, team: str) -> None:
        """A message was updated in any case."""
        self._recent(team, "update").append(self.clock())

    def busy(self, team: str, what: str, seconds: float) -> None:
        """Slack wants no `start`, `append` or `update` for so long."""
        self._closed[team, what] = self.clock() + seconds

    def refused(self, team: str, reason: str) -> None:
        """A stream could not be started, for this reason; some hold for all streams there."""
        if reason in _NO_STREAMS:
            self.busy(team, "start", _WITHOUT_STREAMS)

    def opened(self, team: str, stream: int) -> None:
        """A stream shares the workspace's appends from now on."""
        self._live.setdefault(team, set()).add(stream)

    def closed(self, team: str, stream: int) -> None:
        """And no longer does. Never raises."""
        self._live.get(team, set()).discard(stream)

    def append_rest(self, team: str) -> float:
        """Seconds that each stream leaves between two appends."""
        fair = _APPEND_SECONDS * max(1, len(self._live.get(team, ())))
        return max(fair, self._closed.get((team, "append"), 0.0) - self.clock())

    def preview_rest(self, team: str) -> float:
        """Seconds between two previews of a message."""
        return max(_PREVIEW_SECONDS, self._closed.get((team, "update"), 0.0) - self.clock())

    def _open(self, team: str, what: str) -> bool:
        return self.clock() >= self._closed.get((team, what), 0.0)

    def _counted(self, team: str, what: str, most: int) -> bool:
        calls = self._recent(team, what)
        if len(calls) >= most:
            return False
        calls.append(self.clock())
        return True

    def _recent(self, team: str, what: str) -> deque[float]:
        calls = self._calls.setdefault((team, what), deque())
        while calls and calls[0] <= self.clock() - _WINDOW:
            calls.popleft()
        return calls
