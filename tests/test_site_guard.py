"""What the crawler never does: leave https, its hosts or the public internet, or swallow what a server sends."""

import asyncio
import gzip
import os
import tracemalloc

import pytest
from aiohttp import web
from loopback_site import LoopbackSite, redirects, sends
from loopback_site import site as site  # the fixture
from test_site import crawled, found, page

from retrieval.errors import SourceError
from retrieval.sources.site.crawler import SiteSpec, crawl
from retrieval.sources.site.fetching import Fetcher, Limits
from retrieval.sources.site.network import CheckedBackend, FetchFailed, Refused, is_public

LIMITS = Limits(max_bytes=10_000, max_pdf_bytes=20_000, request_seconds=5.0, total_seconds=60.0, delay=0.0)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822", "2002:5db8:d822::1"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1"),
        *("255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1"),
        *("2001:db8::1", "100::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1"),
        *("2002:7f00:1::1", "2002:a00:1::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1"),
        *("2001:0:7f00:1::", "localhost", "", "1.2.3", "2130706433", "0177.0.0.1"),
    ],
)
def test_addresses_that_are_no_part_of_the_public_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("addresses", [["10.0.0.5"], ["93.184.216.34", "10.0.0.5"], ["::1"], []])
async def test_a_name_with_any_private_address_is_refused_before_a_connection(addresses: list[str]) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return addresses

    with pytest.raises(Refused, match="inside a private network"):
        await CheckedBackend(resolve, frozenset()).connect_tcp("course.test", 443)


async def test_the_exception_for_tests_reaches_this_machine_only() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["93.184.216.34"]

    with pytest.raises(Refused):
        await CheckedBackend(resolve, frozenset(("course.test:80",))).connect_tcp("course.test", 80)


async def test_a_private_start_is_a_source_error_that_says_what_to_do(site: LoopbackSite) -> None:
    with pytest.raises(SourceError, match=r"inside\.test leads to an address inside a private") as refusal:
        [page async for page in crawl(SiteSpec("https://inside.test/", delay=0), site.resolve)]
    assert 'kind = "html"' in refusal.value.hint


@pytest.mark.parametrize("url", ["http://course.test/", "ftp://course.test/", "file:///etc/passwd", "course.test", ""])
async def test_only_https_is_crawled(site: LoopbackSite, url: str) -> None:
    with pytest.raises(SourceError, match="no https address"):
        [page async for page in crawl(SiteSpec(url), site.resolve)]


async def test_loopback_over_https_is_refused_unless_a_test_allows_it(site: LoopbackSite) -> None:
    with pytest.raises(SourceError, match="private network"):
        [page async for page in crawl(SiteSpec(f"https://{site.place}/", delay=0), site.resolve)]
    assert site.asked == []


async def test_the_address_that_was_checked_is_the_one_connected_to(site: LoopbackSite) -> None:
    answers = [["127.0.0.1"], ["127.0.0.1"], ["10.0.0.5"]]

    async def rebinding(host: str, port: int) -> list[str]:
        return answers.pop(0)

    async def farewell(request: web.Request) -> web.StreamResponse:
        return web.Response(text="x", content_type="text/html", headers={"Connection": "close"})

    site.pages = {"/": farewell}
    async with Fetcher(frozenset((site.place,)), LIMITS, rebinding, frozenset((site.place,))) as fetcher:
        await fetcher.fetch(site.url())
        await fetcher.fetch(site.url())
        with pytest.raises(Refused):
            await fetcher.fetch(site.url())
    assert site.asked == ["/", "/"]
    assert site.headers[0]["Host"] == site.place


async def test_tls_names_the_host_though_it_connects_to_an_address() -> None:
    hello = asyncio.get_running_loop().create_future()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.read(4096)
        if not hello.done():
            hello.set_result(data)
        writer.close()

    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        place = f"course.test:{server.sockets[0].getsockname()[1]}"
        async with Fetcher(frozenset((place,)), LIMITS, resolve, frozenset((place,))) as fetcher:
            with pytest.raises(FetchFailed):
                await fetcher.fetch(f"https://{place}/")
    assert b"course.test" in await hello


async def test_proxies_of_the_environment_are_not_used(site: LoopbackSite, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setitem(os.environ, name, "http://127.0.0.1:9")
        monkeypatch.setitem(os.environ, name.upper(), "http://127.0.0.1:9")
    site.pages = {"/": page()}
    assert (await crawled(site))[0] == ["index.html"]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("https://10.0.0.1/", "leads to 10.0.0.1, which is not a host of this site"),
        ("https://elsewhere.test/", "leads to elsewhere.test, which is not a host of this site"),
        (
            "https://inside.test/",
            "its robots.txt cannot be read: inside.test leads to an address inside a private network",
        ),
        ("https://user:pw@course.test/", "redirects to something that is no https address"),
        ("file:///etc/passwd", "redirects to something that is no https address"),
        ("/outside.html", "leads out of the part of the site that the source covers"),
        ("/in/private.html", "robots.txt forbids it"),
        ("/in/circle.html", "redirects in a circle"),
        ("/in/1", "redirects more than 5 times"),
    ],
)
async def test_every_redirect_is_checked_like_the_first_address(site: LoopbackSite, target: str, reason: str) -> None:
    site.pages = {
        "/robots.txt": sends("User-agent: *\nDisallow: /in/private.html", "text/plain"),
        "/in/": page("moved.html"),
        "/in/moved.html": redirects(target),
        "/in/circle.html": redirects("/in/moved.html"),
        **{f"/in/{n}": redirects(f"/in/{n + 1}") for n in range(1, 9)},
    }
    paths, skipped = await crawled(site, "/in/", hosts=frozenset(("inside.test",)))
    assert (paths, skipped) == (["index.html"], {"/in/moved.html": reason})
    assert not {"/outside.html", "/in/private.html"} & set(site.asked)


async def test_a_start_that_moved_to_another_host_says_which_to_add(site: LoopbackSite) -> None:
    site.pages = {"/": redirects("https://www.course.test/", 301)}
    with pytest.raises(SourceError, match=r"www\.course\.test, which is not a host") as refusal:
        await crawled(site)
    assert '"www.course.test"' in refusal.value.hint


@pytest.mark.parametrize(("start", "reason"), [("/gone", "HTTP 404"), ("/data.csv", "text/csv, not a page")])
async def test_a_start_that_is_no_page_is_a_source_error(site: LoopbackSite, start: str, reason: str) -> None:
    site.pages = {"/data.csv": sends("a,b", "text/csv")}
    with pytest.raises(SourceError, match=reason) as refusal:
        await crawled(site, start)
    assert "`url`" in refusal.value.hint


def gzipped(body: bytes) -> bytes:
    return gzip.compress(body, 1)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (sends(b"x" * 20_000), "is larger than 0.01 MB"),
        (sends(gzipped(b"x" * 20_000), Content_Encoding="gzip"), "is larger than 0.01 MB"),
        (sends(gzipped(b"whole page")[:-9], Content_Encoding="gzip"), "was cut off"),
        (sends(b"no gzip", Content_Encoding="gzip"), "is packed in a broken way"),
        (sends(b"x", Content_Encoding="br"), "is packed as br, which was not asked for"),
        (sends(b"\x89PNG", "image/png"), "is image/png, not a page"),
        (sends(b"x", ""), "is of no stated type, not a page"),
        (sends(b"x", status=418), "HTTP 418"),
        (sends("<p>" + "<div>" * 1900, "text/html"), None),
    ],
)
async def test_what_is_no_page_of_reasonable_size_is_skipped(site: LoopbackSite, answer: object, reason: str) -> None:
    site.pages = {"/": page("bad", "good.html"), "/bad": answer, "/good.html": page(text="good")}  # type: ignore[dict-item]
    paths, skipped = await crawled(site, max_bytes=10_000)
    assert paths[-1] == "good.html"
    assert skipped == ({"/bad": reason} if reason else {})


async def test_a_gzip_bomb_is_not_unpacked_beyond_the_limit(site: LoopbackSite) -> None:
    site.pages = {"/": page("bomb"), "/bomb": sends(gzipped(bytes(200_000_000)), Content_Encoding="gzip")}
    tracemalloc.start()
    try:
        assert (await crawled(site))[1] == {"/bomb": "is larger than 5 MB"}
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


async def test_a_body_without_end_is_cut_at_the_limit(site: LoopbackSite) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        while True:
            await response.write(b"x" * 4096)

    site.pages = {"/": page("endless"), "/endless": endless}
    assert (await crawled(site))[1] == {"/endless": "is larger than 5 MB"}


@pytest.mark.parametrize("starts_to_answer", [False, True])
async def test_a_server_that_dawdles_is_left_after_the_time_limit(site: LoopbackSite, starts_to_answer: bool) -> None:
    async def dawdle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        if starts_to_answer:
            await response.prepare(request)
            await response.write(b"<p>")
        await asyncio.Event().wait()
        return response

    site.pages = {"/": page("slow", "good.html"), "/slow": dawdle, "/good.html": page(text="good")}
    paths, skipped = await crawled(site, request_seconds=0.2)
    assert (paths, skipped) == (["index.html", "good.html"], {"/slow": "no full answer within 0.2 seconds"})


async def test_the_time_for_the_whole_site_ends_the_crawl_and_says_so(site: LoopbackSite) -> None:
    async def dawdle(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    site.pages = {"/": page("slow", "never.html"), "/slow": dawdle, "/never.html": page(text="never")}
    paths, skipped = await crawled(site, total_seconds=0.5)
    assert paths == ["index.html"]
    assert skipped["/"] == "stopped after 0.5 seconds, the limit of total time; 1 known pages are left out"
    assert "/never.html" not in site.asked


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_failure_that_passes_is_tried_once_more(site: LoopbackSite, status: int) -> None:
    async def stumbles(request: web.Request) -> web.StreamResponse:
        first = site.asked.count("/b.html") == 1
        return web.Response(text=page(text="b"), content_type="text/html", status=status if first else 200)

    site.pages = {"/": page("b.html"), "/b.html": stumbles}
    assert (await crawled(site))[0] == ["index.html", "b.html"]


async def test_a_connection_that_breaks_is_a_skipped_page(site: LoopbackSite) -> None:
    async def breaks(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    site.pages = {"/": page("broken"), "/broken": breaks}
    paths, skipped = await crawled(site)
    assert paths == ["index.html"]
    assert skipped["/broken"].startswith("the connection failed")


async def test_requests_say_who_asks(site: LoopbackSite) -> None:
    site.pages = {"/": page()}
    [_ async for _ in found(site)]
    assert {headers["User-Agent"] for headers in site.headers} == {"EricaBot/0.1 (+course tutor)"}
