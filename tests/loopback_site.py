"""A course's web site on 127.0.0.1, page by page as a test writes it. Knows nothing of Erica."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Self

import pytest
from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LoopbackSite:
    """The server. `pages` are HTML texts, or handlers for what is no ordinary page; `asked` are the paths it saw."""

    host = "course.test"

    def __init__(self) -> None:
        self.pages: dict[str, str | Handler] = {}
        self.asked: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.names = {"course.test": ["127.0.0.1"], "mirror.test": ["127.0.0.1"], "inside.test": ["10.0.0.5"]}
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def place(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"

    def url(self, path: str = "/") -> str:
        """The address of a page."""
        return f"http://{self.place}{path}"

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """A resolver that knows this site's names and no others."""
        if host not in self.names:
            raise OSError("no such host")
        return self.names[host]

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        place = web.TCPSite(self._runner, "127.0.0.1", 0)
        await place.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        self.headers.append(request.headers)
        page = self.pages.get(request.path_qs)
        if page is None:
            return web.Response(status=404, text="not here")
        if isinstance(page, str):
            return web.Response(text=page, content_type="text/html")
        return await page(request)


def sends(body: bytes | str, content_type: str = "text/html", status: int = 200, **headers: str) -> Handler:
    """A fixed answer; underscores in header names stand for hyphens."""
    data = body.encode() if isinstance(body, str) else body

    async def answer(request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(body=data, status=status, headers={"Content-Type": content_type, **named})

    return answer


def redirects(target: str, status: int = 302) -> Handler:
    """An answer that sends the caller elsewhere."""
    return sends("", status=status, Location=target)


@pytest.fixture
async def site() -> AsyncIterator[LoopbackSite]:
    """A fresh site."""
    async with LoopbackSite() as server:
        yield server
