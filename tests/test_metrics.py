"""What Prometheus is told: names by its conventions, few series whatever happens, and nobody's name."""

import math
import re
from itertools import product

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.metrics import Metrics


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def told(metrics: Metrics) -> dict[tuple[str, frozenset[str]], float]:
    """Every sample by its name and the values of its labels."""
    text = metrics.render()[0].decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, frozenset(sample.labels.values())): sample.value for sample in samples}


def value(metrics: Metrics, name: str, *labels: str) -> float | None:
    return told(metrics).get((name, frozenset(labels)))


def everything(metrics: Metrics, seconds: float = 0.3) -> None:
    """Everything happens once."""
    metrics.received("slack", "mention", new=True)
    metrics.acknowledged("slack", seconds)
    metrics.rate_limited("slack", "chat.update")
    metrics.first_text("slack", seconds)
    metrics.ended("slack", "ai", "answered", seconds)
    metrics.stage("search", seconds)
    metrics.tokens("openai/gpt-4o-mini", 900, 80, seconds)
    metrics.halted("deleted")
    metrics.loop_lag(seconds)
    metrics.backlog(3, 2, 1, 7.5)


def test_what_happened_is_counted(metrics: Metrics) -> None:
    everything(metrics)
    metrics.received("slack", "mention", new=False)
    assert value(metrics, "erica_events_total", "slack", "mention", "true") == 1
    assert value(metrics, "erica_events_total", "slack", "mention", "false") == 1
    assert value(metrics, "erica_rate_limited_total", "slack", "chat.update") == 1
    assert value(metrics, "erica_answers_total", "slack", "ai", "answered") == 1
    assert value(metrics, "erica_halted_total", "deleted") == 1
    assert value(metrics, "erica_model_tokens_total", "openai/gpt-4o-mini", "prompt") == 900
    assert value(metrics, "erica_model_tokens_total", "openai/gpt-4o-mini", "completion") == 80
    assert value(metrics, "erica_model_cost_usd_total", "openai/gpt-4o-mini") == 0.3


def test_what_took_time_is_timed(metrics: Metrics) -> None:
    everything(metrics)
    for name, *labels in (
        ["erica_acknowledged_seconds", "slack"],
        ["erica_first_text_seconds", "slack"],
        ["erica_answer_seconds", "slack", "answered"],
        ["erica_stage_seconds", "search"],
        ["erica_event_loop_lag_seconds"],
    ):
        assert value(metrics, f"{name}_sum", *labels) == 0.3
        assert value(metrics, f"{name}_count", *labels) == 1


def test_bounds_that_were_promised_can_be_read_off(metrics: Metrics) -> None:
    metrics.acknowledged("slack", 0.1)
    metrics.acknowledged("slack", 0.11)
    metrics.loop_lag(0.05)
    metrics.loop_lag(0.051)
    assert value(metrics, "erica_acknowledged_seconds_bucket", "slack", "0.1") == 1
    assert value(metrics, "erica_event_loop_lag_seconds_bucket", "0.05") == 1


def test_questions_under_way_come_and_go_also_when_they_fail(metrics: Metrics) -> None:
    def fail() -> None:
        with metrics.under_way():
            assert value(metrics, "erica_answers_under_way") == 2
            raise LookupError

    with metrics.under_way():
        with pytest.raises(LookupError):
            fail()
        assert value(metrics, "erica_answers_under_way") == 1
    assert value(metrics, "erica_answers_under_way") == 0


def test_a_backlog_that_cannot_be_read_is_not_the_last_one_known(metrics: Metrics) -> None:
    def shown() -> list[float | None]:
        states = ("waiting", "under_way", "dead")
        return [
            *(value(metrics, "erica_backlog_events", one) for one in states),
            value(metrics, "erica_backlog_oldest_seconds"),
        ]

    metrics.backlog(3, 2, 1, 7.5)
    assert (shown(), value(metrics, "erica_intake_up")) == ([3, 2, 1, 7.5], 1)
    metrics.backlog_unknown()
    assert all(number is not None and math.isnan(number) for number in shown())
    assert value(metrics, "erica_intake_up") == 0


@pytest.mark.parametrize("odd", [-1.0, math.nan, math.inf, -math.inf])
def test_odd_numbers_break_nothing(metrics: Metrics, odd: float) -> None:
    everything(metrics, odd)
    assert value(metrics, "erica_answers_total", "slack", "ai", "answered") == 1
    assert value(metrics, "erica_answer_seconds_sum", "slack", "answered") == 0
    assert value(metrics, "erica_model_cost_usd_total", "openai/gpt-4o-mini") == 0


def test_no_mistake_of_a_caller_makes_endless_series(metrics: Metrics) -> None:
    for number in range(5000):
        metrics.rate_limited("discord", f"method {number}")
        metrics.ended("slack", f"course-{number}", "answered", 1.0)
        metrics.tokens(f"model-{number}", 1, 1, 0.0)
    assert len(told(metrics)) < 1500
    assert value(metrics, "erica_rate_limited_total", "discord", "other") == 4800


@pytest.mark.parametrize(
    "method", ["chat.postMessage", "PATCH /webhooks/{id}/{token}/messages/@original", "PUT /channels/{id}/messages"]
)
def test_methods_are_named_as_the_platforms_name_them(metrics: Metrics, method: str) -> None:
    metrics.rate_limited("discord", method)
    assert value(metrics, "erica_rate_limited_total", "discord", method) == 1


TOKEN = "aW50ZXJhY3Rpb246MTIzNDU2Nzg5MDEyMzQ1Njc4OnNlY3JldHNlY3JldHNlY3JldHNlY3JldHNlY3JldA"


@pytest.mark.parametrize("secret", ["123456789012345678", "C0123ABCDE", TOKEN])
def test_who_where_and_tokens_stay_out(metrics: Metrics, secret: str) -> None:
    for platform, text in product(("slack", "discord"), (f"/webhooks/{secret}/messages", secret)):
        metrics.rate_limited(platform, text)
    assert secret not in metrics.render()[0].decode()


@pytest.mark.parametrize("odd", ["", "two\nlines", 'quote"d', "\ud83d", "\x00", "x" * 1000])
def test_odd_labels_can_be_scraped(metrics: Metrics, odd: str) -> None:
    metrics.ended(odd, odd, odd, 1.0)
    metrics.stage(odd, 1.0)
    word = "other" if odd else "none"
    assert value(metrics, "erica_answers_total", word) == 1


def test_names_follow_the_conventions(metrics: Metrics) -> None:
    everything(metrics)
    body, content_type = metrics.render()
    assert content_type.startswith("text/plain; version=0.0.4")
    own = [family for family in text_string_to_metric_families(body.decode()) if not family.name.startswith("process_")]
    assert len(own) == 15
    for family in own:
        assert re.fullmatch(r"erica(_[a-z]+)+", family.name)
        assert family.documentation.endswith(".")
        assert (family.type == "histogram") <= family.name.endswith("_seconds")
        assert (family.type == "counter") == all(sample.name.endswith("_total") for sample in family.samples)


def test_two_do_not_mix() -> None:
    first, second = Metrics(), Metrics()
    first.halted("stopped")
    assert value(second, "erica_halted_total", "stopped") is None
