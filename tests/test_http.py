"""Erica's HTTP server on real sockets: health, readiness and metrics, on good days and bad ones."""

import asyncio
import io
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.adapters import http
from bot.adapters.http import LARGEST_BODY, HttpServer, watch_loop
from bot.errors import ConfigError, IntakeFailed
from bot.intake import Backlog
from bot.metrics import Metrics

ANYWHERE = "127.0.0.1:0"
Ready = Callable[[], Awaitable[Mapping[str, str]]]


async def well() -> Mapping[str, str]:
    return {"slack": "", "redis": ""}


async def quiet() -> Backlog:
    return Backlog(3, 2, 1, 7.5)


def server(
    ready: Ready = well,
    backlog: Callable[[], Awaitable[Backlog]] = quiet,
    routes: tuple[web.RouteDef, ...] = (),
    address: str = ANYWHERE,
) -> HttpServer:
    return HttpServer(address, Metrics(), ready, backlog, routes)


async def ask(running: HttpServer, path: str, host: str = "127.0.0.1", **body: Any) -> tuple[int, str, str]:
    """The status, the content type and the body of an answer; with a body it is a POST."""
    method = "POST" if body else "GET"
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"http://{host}:{running.port}{path}", **body) as response,
    ):
        return response.status, response.headers["Content-Type"], await response.text()


async def asked(running: HttpServer, path: str) -> tuple[int, Any]:
    """The status and the JSON of an answer."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{running.port}{path}") as response,
    ):
        return response.status, await response.json()


async def test_a_process_that_turns_is_healthy_whatever_else_is_wrong() -> None:
    async def ill() -> Mapping[str, str]:
        return {"redis": "does not answer"}

    async with server(ill) as running:
        assert await asked(running, "/healthz") == (200, {"status": "ok"})


async def test_ready_when_every_part_is() -> None:
    async with server() as running:
        ok = {"status": "ok", "checks": {"slack": "ok", "redis": "ok"}}
        assert await asked(running, "/readyz") == (200, ok)


async def test_not_ready_says_why_and_never_a_secret() -> None:
    async def ill() -> Mapping[str, str]:
        return {"slack": "", "redis": "no connection to redis://:hunter2@cache:6379"}

    async with server(ill) as running:
        status, body = await asked(running, "/readyz")
    assert (status, body["status"], body["checks"]["slack"]) == (503, "not ready", "ok")
    assert body["checks"]["redis"].startswith("no connection")
    assert "hunter2" not in str(body)


async def test_not_ready_when_that_cannot_be_found_out(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> Mapping[str, str]:
        raise RuntimeError("the password is hunter2")

    async with server(broken) as running:
        not_known = {"status": "not ready", "checks": {"process": "cannot say (RuntimeError)"}}
        assert await asked(running, "/readyz") == (503, not_known)
    assert "not known whether Erica is ready" in caplog.text


async def test_who_does_not_say_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that will not be cancelled, as happens in libraries below."""
    monkeypatch.setattr(http, "_PATIENCE", 0.05)
    times, go_on = [], asyncio.Event()

    async def stubborn() -> Mapping[str, str]:
        times.append(1)
        while not go_on.is_set():
            try:
                await go_on.wait()
            except asyncio.CancelledError:
                continue
        return {}

    async with server(stubborn) as running:
        answers = await asyncio.gather(*(asked(running, "/readyz") for _ in range(5)))
        assert answers == [(503, {"status": "not ready", "checks": {"process": "did not say in 0.05 s"}})] * 5
        assert await asked(running, "/healthz") == (200, {"status": "ok"})
        assert len(times) == 1, "they do not pile up"
        go_on.set()


async def test_metrics_come_with_the_backlog_of_this_moment() -> None:
    async with server() as running:
        status, content_type, body = await ask(running, "/metrics")
    assert status == 200
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert 'erica_backlog_events{state="waiting"} 3.0' in body
    assert "erica_backlog_oldest_seconds 7.5" in body
    assert "erica_intake_up 1.0" in body


async def test_metrics_without_redis_say_that_it_is_gone(caplog: pytest.LogCaptureFixture) -> None:
    there = True

    async def comes_and_goes() -> Backlog:
        if not there:
            raise IntakeFailed("Redis failed the intake: connection refused")
        return Backlog(3, 2, 1, 7.5)

    async with server(backlog=comes_and_goes) as running:
        await ask(running, "/metrics")
        there = False
        status, _, body = await ask(running, "/metrics")
        assert status == 200
        assert 'erica_backlog_events{state="waiting"} NaN' in body
        assert "erica_intake_up 0.0" in body
        assert "connection refused" in caplog.text
        there = True
        assert "erica_intake_up 1.0" in (await ask(running, "/metrics"))[2]


async def test_a_platforms_routes_are_served_beside_them(caplog: pytest.LogCaptureFixture) -> None:
    async def events(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    async def mistake(_: web.Request) -> web.Response:
        raise RuntimeError("hunter2")

    routes = (web.post("/slack/events", events), web.post("/slack/mistake", mistake))
    with caplog.at_level(logging.DEBUG):
        async with server(routes=routes) as running:
            assert await ask(running, "/slack/events", data=io.BytesIO(b"x" * LARGEST_BODY)) == (
                200,
                "text/plain; charset=utf-8",
                str(LARGEST_BODY),
            )
            assert (await ask(running, "/slack/events", data=io.BytesIO(b"x" * (LARGEST_BODY + 1))))[0] == 413
            status, _, body = await ask(running, "/slack/mistake", data=b"x")
            assert (status, "hunter2" in body) == (500, False)
            assert (await ask(running, "/healthz", data=b"x"))[0] == 405
            assert (await ask(running, "/elsewhere"))[0] == 404
    assert "aiohttp.access" not in {record.name for record in caplog.records}


@pytest.mark.parametrize(
    ("address", "host"), [(":0", "127.0.0.1"), ("0.0.0.0:0", "127.0.0.1"), ("localhost:0", "localhost")]
)
async def test_it_listens_where_it_is_told(address: str, host: str) -> None:
    async with server(address=address) as running:
        assert (await ask(running, "/healthz", host))[0] == 200


async def test_it_listens_on_ipv6() -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("there is no IPv6 here")
    async with server(address="[::1]:0") as running:
        assert (await ask(running, "/healthz", "[::1]"))[0] == 200


@pytest.mark.parametrize(
    "address",
    [
        *(
            "",
            "8080",
            "localhost",
            "127.0.0.1:",
            "127.0.0.1:http",
            "127.0.0.1:65536",
            "127.0.0.1:-1",
            "::1:8080",
            "[::1]",
        ),
        *("http://127.0.0.1:8080", "127.0.0.1:8080/", "[127.0.0.1]:8080", "[::1:8080", "user@host:80", "host:²"),
    ],
)
def test_an_address_that_is_none_is_named(address: str) -> None:
    with pytest.raises(ConfigError, match="ERICA_HTTP_ADDR") as caught:
        server(address=address)
    assert "127.0.0.1:8080" in caught.value.hint


async def test_a_port_in_use_is_named_and_nothing_is_left_behind() -> None:
    async with server() as running:
        address = f"127.0.0.1:{running.port}"
        with pytest.raises(ConfigError, match=rf"ERICA_HTTP_ADDR, {address}.*in use"):
            await server(address=address).__aenter__()
    async with server(address=address) as again:
        assert again.port == int(address.rpartition(":")[2])


@pytest.mark.parametrize("host", ["no-such-host.invalid", "203.0.113.7"])
async def test_a_host_that_is_not_this_machine_is_named(host: str) -> None:
    with pytest.raises(ConfigError, match=f"ERICA_HTTP_ADDR, {host}"):
        await server(address=f"{host}:0").__aenter__()


async def test_it_stops_while_somebody_asks() -> None:
    entered, never = asyncio.Event(), asyncio.Event()

    async def waits() -> Mapping[str, str]:
        entered.set()
        await never.wait()
        return {}

    running = server(waits)
    async with running:
        question = asyncio.create_task(asked(running, "/readyz"))
        await entered.wait()
    status, _ = await question
    assert status == 503
    with pytest.raises(aiohttp.ClientConnectorError):
        await asked(running, "/healthz")


async def test_a_loop_that_is_held_up_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_TICK", 0.01)
    loop, late = asyncio.get_running_loop(), asyncio.Event()
    stopping = asyncio.Event()

    class Noticed(Metrics):
        def loop_lag(self, seconds: float) -> None:
            super().loop_lag(seconds)
            if seconds >= 0.05:
                late.set()

    metrics = Noticed()
    watching = asyncio.create_task(watch_loop(metrics, stopping))

    def hold_up() -> None:
        until = loop.time() + 0.1
        while loop.time() < until:
            pass

    loop.call_later(0.005, hold_up)
    await asyncio.wait_for(late.wait(), 10)
    stopping.set()
    await watching
    assert b"erica_event_loop_lag_seconds_count" in metrics.render()[0]
