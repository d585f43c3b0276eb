"""What is counted and timed, for Prometheus. Knows nobody who counts, and no student, channel or question."""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Of what `render` returns: the text format, which every Prometheus reads."""

_MOST_VALUES = 200  # of one label; whatever comes after them counts as _OTHER, so that no mistake fills the server
_OTHER = "other"
_NONE = "none"
_LABEL = re.compile(r"[\w.:/{}@ -]{1,64}")
_ID = re.compile(r"\d{15,}|(?<![A-Za-z0-9])[CDGTUW][A-Z0-9]{8,}(?![A-Za-z0-9])")

_ACKNOWLEDGED = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0)  # a platform waits for 3 s
_FIRST_TEXT = (0.1, 0.25, 0.5, 1.0, 1.5, 2.5, 5.0, 10.0, 20.0, 60.0)
_ANSWERED = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 90.0, 180.0, 600.0)
_STAGE = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 20.0, 60.0)
_LAG = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class Metrics:
    """All of Erica's metrics, in a registry of their own. Nothing here raises, whatever it is given.

    The values of every label are few: platforms, methods, courses, models, outcomes, never people or places.
    """

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # twice the series, for what nobody asks
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._seen: dict[str, set[str]] = {}
        self._count_events()
        self._count_answers()
        self._watch_work()

    def _count_events(self) -> None:
        self._received = self._counter(
            "erica_events", "Events of platforms by kind, and whether they were new.", "platform", "kind", "new"
        )
        self._acknowledged = self._histogram(
            "erica_acknowledged_seconds", "From an event's arrival to its acknowledgement.", _ACKNOWLEDGED, "platform"
        )
        self._rate_limited = self._counter(
            "erica_rate_limited", "Times that a platform said 429, by its method.", "platform", "method"
        )

    def _count_answers(self) -> None:
        self._first_text = self._histogram(
            "erica_first_text_seconds",
            "From a question's arrival to the first text of its answer.",
            _FIRST_TEXT,
            "platform",
        )
        self._answers = self._counter(
            "erica_answers", "Questions that had their end, by outcome.", "platform", "course", "outcome"
        )
        self._answered = self._histogram(
            "erica_answer_seconds", "From a question's arrival to its end.", _ANSWERED, "platform", "outcome"
        )
        self._stage = self._histogram("erica_stage_seconds", "How long a stage of an answer took.", _STAGE, "stage")
        self._tokens = self._counter("erica_model_tokens", "Tokens that answers cost.", "model", "type")
        self._cost = self._counter("erica_model_cost_usd", "Dollars that answers cost.", "model")
        self._halted = self._counter("erica_halted", "Answers that were stopped before their end.", "reason")

    def _watch_work(self) -> None:
        self._under_way = self._gauge("erica_answers_under_way", "Questions that this process is answering.")
        self._backlog = self._gauge("erica_backlog_events", "Events in the intake, of all processes.", "state")
        self._oldest = self._gauge("erica_backlog_oldest_seconds", "Age of the oldest event without an end.")
        self._intake_up = self._gauge("erica_intake_up", "1 if the intake could be read for this scrape, 0 if not.")
        self._lag = self._histogram("erica_event_loop_lag_seconds", "How late the event loop comes to things.", _LAG)
        self.backlog_unknown()

    def received(self, platform: str, kind: str, new: bool) -> None:
        """An event asked something of Erica."""
        self._received.labels(*self._values("kind", platform, kind), str(new).lower()).inc()

    def acknowledged(self, platform: str, seconds: float) -> None:
        """A platform was told that an event is kept, so long after it came."""
        self._acknowledged.labels(*self._values("platform", platform)).observe(_amount(seconds))

    def rate_limited(self, platform: str, method: str) -> None:
        """A platform said 429; `method` is its name for what was called, never a URL with ids in it."""
        self._rate_limited.labels(*self._values("method", platform, method)).inc()

    def first_text(self, platform: str, seconds: float) -> None:
        """The first text of an answer can be seen, so long after the question came."""
        self._first_text.labels(*self._values("platform", platform)).observe(_amount(seconds))

    def ended(self, platform: str, course: str, outcome: str, seconds: float) -> None:
        """A question had its end, so long after it came."""
        platform, course, outcome = self._values("outcome", platform, course, outcome)
        self._answers.labels(platform, course, outcome).inc()
        self._answered.labels(platform, outcome).observe(_amount(seconds))

    def stage(self, name: str, seconds: float) -> None:
        """A stage of retrieval or of an answer took so long."""
        self._stage.labels(*self._values("stage", name)).observe(_amount(seconds))

    def tokens(self, model: str, prompt: int, completion: int, cost_usd: float) -> None:
        """A model wrote an answer."""
        [model] = self._values("model", model)
        self._tokens.labels(model, "prompt").inc(_amount(prompt))
        self._tokens.labels(model, "completion").inc(_amount(completion))
        self._cost.labels(model).inc(_amount(cost_usd))

    def halted(self, reason: str) -> None:
        """An answer was stopped: its question was edited or deleted, or somebody pressed Stop."""
        self._halted.labels(*self._values("reason", reason)).inc()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """While it lasts, one question more is being answered."""
        self._under_way.inc()
        try:
            yield
        finally:
            self._under_way.dec()

    def backlog(self, waiting: int, under_way: int, dead: int, oldest_seconds: float) -> None:
        """What the intake holds now."""
        for state, number in (("waiting", waiting), ("under_way", under_way), ("dead", dead)):
            self._backlog.labels(state).set(number)
        self._oldest.set(oldest_seconds)
        self._intake_up.set(1)

    def backlog_unknown(self) -> None:
        """The intake cannot be read: say nothing of it rather than what was true before."""
        for state in ("waiting", "under_way", "dead"):
            self._backlog.labels(state).set(math.nan)
        self._oldest.set(math.nan)
        self._intake_up.set(0)

    def loop_lag(self, seconds: float) -> None:
        """The event loop came so late to something that was due."""
        self._lag.observe(_amount(seconds))

    def render(self) -> tuple[bytes, str]:
        """Everything in Prometheus' text format, and the content type of that."""
        return generate_latest(self.registry), CONTENT_TYPE

    def _counter(self, name: str, help_: str, *labels: str) -> Counter:
        return Counter(name, help_, labels, registry=self.registry)

    def _gauge(self, name: str, help_: str, *labels: str) -> Gauge:
        return Gauge(name, help_, labels, registry=self.registry)

    def _histogram(self, name: str, help_: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, help_, labels, buckets=buckets, registry=self.registry)

    def _values(self, of: str, *given: Any) -> list[str]:
        """Label values as they may be shown; `of` names the metric whose values are counted together."""
        values = []
        for place, value in enumerate(given):
            value = _ID.sub("{id}", str(value)) if value else _NONE
            known = self._seen.setdefault(f"{of} {place}", set())
            if value not in known:
                if len(known) >= _MOST_VALUES or not _LABEL.fullmatch(value):
                    value = _OTHER
                else:
                    known.add(value)
            values.append(value)
        return values


def _amount(number: float) -> float:
    """Counters only grow, and a clock that was set back is no reason to lose an answer."""
    return number if number > 0 and math.isfinite(number) else 0.0
