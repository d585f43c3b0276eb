"""A whole web site as a source: which pages are taken, in what order, and what a site may ask for."""

import gzip
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from loopback_site import LoopbackSite, redirects, sends
from loopback_site import site as site  # the fixture

from retrieval.errors import SourceError
from retrieval.sources.html.page import read_html
from retrieval.sources.site.crawler import FetchedPage, SiteSpec, SkippedPage, crawl


async def no_wait(seconds: float) -> None:
    pass


def found(site: LoopbackSite, path: str = "/", **spec: object) -> AsyncIterator[FetchedPage | SkippedPage]:
    settings = {"url": site.url(path), "delay": 0.0, **spec}
    return crawl(SiteSpec(**settings), site.resolve, frozenset((site.place,)), no_wait)  # type: ignore[arg-type]


async def crawled(site: LoopbackSite, path: str = "/", **spec: object) -> tuple[list[str], dict[str, str]]:
    """The paths of the pages, and the reasons for the others by their path."""
    results = [result async for result in found(site, path, **spec)]
    skipped = {r.url.removeprefix(site.url("")): r.reason for r in results if isinstance(r, SkippedPage)}
    return [r.path for r in results if isinstance(r, FetchedPage)], skipped


def page(*links: str, head: str = "", text: str = "") -> str:
    anchors = "".join(f'<a href="{link}">a page</a>' for link in links)
    return f"<html><head>{head}</head><body><h1>Page {text}</h1><p>{text}{anchors}</p></body></html>"


async def test_pages_come_nearest_first_with_their_paths_and_addresses(site: LoopbackSite) -> None:
    site.pages = {
        "/ai/": page("lectures/rnn.html", "search/", text="start"),
        "/ai/lectures/rnn.html": page("lstm.html", text="rnn"),
        "/ai/search/": page("../", text="search"),
        "/ai/lectures/lstm.html": page(text="lstm"),
    }
    results = [result async for result in found(site, "/ai/")]
    assert [r.path for r in results if isinstance(r, FetchedPage)] == [
        "index.html",
        "lectures/rnn.html",
        "search/index.html",
        "lectures/lstm.html",
    ]
    assert results[1].url == site.url("/ai/lectures/rnn.html")


async def test_a_crawled_page_reads_like_a_file(site: LoopbackSite) -> None:
    site.pages["/"] = '<main><h1>Search</h1><h2 id="heap">Heaps</h2><p>A heap keeps the frontier.</p></main>'
    (only,) = [result async for result in found(site)]
    assert isinstance(only, FetchedPage)
    document = read_html(only.path, only.data)
    assert (document.title, document.sections[0].locator.link(only.url)) == ("Search", site.url("/#heap"))


async def test_the_crawl_stays_below_the_start_and_off_other_hosts(site: LoopbackSite) -> None:
    site.pages = {
        "/ai/": page("../other/", "https://elsewhere.test/", "//mirror.test/x", "in.html", "mailto:a@b.c", "x.png"),
        "/ai/in.html": page(text="in"),
    }
    paths, skipped = await crawled(site, "/ai/")
    assert (paths, skipped) == (["index.html", "in.html"], {})
    assert set(site.asked) <= {"/robots.txt", "/ai/", "/ai/in.html", "/ai/sitemap.xml", "/sitemap.xml"}


async def test_patterns_choose_pages_but_the_way_to_them_is_followed(site: LoopbackSite) -> None:
    site.pages = {
        "/": page("weeks.html", "drafts/x.html", text="start"),
        "/weeks.html": page("lectures/a.html", text="weeks"),
        "/lectures/a.html": page(text="a"),
        "/drafts/x.html": page(text="draft"),
    }
    paths, _ = await crawled(site, include=("lectures/**",), exclude=("drafts/**",))
    assert paths == ["lectures/a.html"]
    assert "/drafts/x.html" not in site.asked


async def test_a_sitemap_names_the_pages_and_links_only_add_pdfs(site: LoopbackSite) -> None:
    inner = f"<urlset><url><loc>{site.url('/b.html')}</loc></url></urlset>"
    site.pages = {
        "/robots.txt": sends(f"Sitemap: {site.url('/maps/index.xml')}", "text/plain"),
        "/maps/index.xml": sends(f"<sitemapindex><loc>{site.url('/maps/1.xml.gz')}</loc></sitemapindex>", "text/xml"),
        "/maps/1.xml.gz": sends(gzip.compress(inner.encode()), "application/gzip"),
        "/": page("unlisted.html", text="start"),
        "/b.html": page("slides.pdf", "c.html", text="b"),
        "/slides.pdf": sends(b"%PDF-1.7 slides", "application/pdf"),
    }
    paths, skipped = await crawled(site)
    assert (paths, skipped) == (["index.html", "b.html", "slides.pdf"], {})


@pytest.mark.parametrize(
    "sitemap", ["not a sitemap", "<urlset></urlset>", "<urlset><loc>https://elsewhere.test/</loc>"]
)
async def test_without_a_useful_sitemap_links_show_the_way(site: LoopbackSite, sitemap: str) -> None:
    site.pages = {"/": page("b.html"), "/b.html": page(text="b"), "/sitemap.xml": sends(sitemap, "application/xml")}
    assert (await crawled(site))[0] == ["index.html", "b.html"]


async def test_robots_txt_is_respected_before_anything_is_asked_for(site: LoopbackSite) -> None:
    site.pages = {
        "/robots.txt": sends("User-agent: *\nDisallow: /*/solutions\nAllow: /week/solutions-intro", "text/plain"),
        "/": page("week/solutions", "week/solutions-intro", text="start"),
        "/week/solutions": page(text="secret"),
        "/week/solutions-intro": page(text="intro"),
    }
    paths, skipped = await crawled(site)
    assert paths == ["index.html", "week/solutions-intro/index.html"]
    assert skipped == {"/week/solutions": "robots.txt forbids it"}
    assert site.asked[0] == "/robots.txt"
    assert "/week/solutions" not in site.asked


@pytest.mark.parametrize("rules", ["User-agent: *\nDisallow: /", "User-agent: EricaBot\nDisallow: /"])
async def test_a_site_that_forbids_everything_is_a_source_error(site: LoopbackSite, rules: str) -> None:
    site.pages = {"/": page(), "/robots.txt": sends(rules, "text/plain")}
    with pytest.raises(SourceError, match=r"robots\.txt forbids it") as refusal:
        await crawled(site)
    assert "EricaBot" in refusal.value.hint
    assert "/" not in site.asked


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_a_site_that_cannot_show_its_robots_txt_is_left_alone(site: LoopbackSite, status: int) -> None:
    site.pages = {"/": page(), "/robots.txt": sends("", "text/plain", status)}
    with pytest.raises(SourceError, match=f"robots.txt cannot be read: HTTP {status}"):
        await crawled(site)


@pytest.mark.parametrize("status", [404, 403])
async def test_a_site_without_robots_txt_may_be_crawled(site: LoopbackSite, status: int) -> None:
    site.pages = {"/": page(text="start"), "/robots.txt": sends("", "text/plain", status)}
    assert (await crawled(site))[0] == ["index.html"]


@pytest.mark.parametrize(("wish", "waited"), [("2", 2.0), ("86400", 10.0), ("soon", 0.5)])
async def test_the_pace_is_the_sites_wish_but_never_slower_than_ten_seconds(
    site: LoopbackSite, wish: str, waited: float
) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    site.pages = {"/": page(), "/robots.txt": sends(f"User-agent: *\nCrawl-delay: {wish}", "text/plain")}
    spec = SiteSpec(site.url(), delay=0.5)
    async for _ in crawl(spec, site.resolve, frozenset((site.place,)), pause):
        pass
    assert pauses
    assert pauses[0] == pytest.approx(waited, abs=0.3)


async def test_one_page_is_taken_once_however_it_is_linked(site: LoopbackSite) -> None:
    site.pages = {
        "/": page("a.html", "a.html#x", "/./a.html?utm_source=mail", "A/../a.html", "index.html", "d/", "d/index.html"),
        "/a.html": page("/", text="a"),
        "/d/": page(text="d"),
    }
    assert (await crawled(site))[0] == ["index.html", "a.html", "d/index.html"]
    assert site.asked.count("/a.html") == 1


async def test_pages_by_query_are_kept_apart(site: LoopbackSite) -> None:
    site.pages = {"/": page("v?id=1", "v?id=2"), "/v?id=1": page(text="one"), "/v?id=2": page(text="two")}
    assert (await crawled(site))[0] == ["index.html", "v?id=1.html", "v?id=2.html"]


async def test_a_canonical_address_is_the_pages_address(site: LoopbackSite) -> None:
    canonical = f'<link rel="canonical" href="{site.url("/a.html")}">'
    site.pages = {
        "/": page("a.html?view=print", "b.html?view=print"),
        "/a.html?view=print": page(head=canonical, text="print"),
        "/b.html?view=print": page(head=canonical, text="also"),
        "/a.html": page(head=canonical, text="a"),
    }
    paths, skipped = await crawled(site)
    assert paths == ["index.html", "a.html"]
    assert skipped == {"/b.html?view=print": f"says it is the same page as {site.url('/a.html')}"}


@pytest.mark.parametrize("canonical", ["https://elsewhere.test/a.html", "/gone.html", "http://[", "javascript:x"])
async def test_a_canonical_address_that_leads_nowhere_costs_no_page(site: LoopbackSite, canonical: str) -> None:
    site.pages = {"/": page("a.html"), "/a.html": page(head=f'<link rel=canonical href="{canonical}">', text="a")}
    assert (await crawled(site))[0] == ["index.html", "a.html"]


async def test_noindex_nofollow_and_forwarding_pages(site: LoopbackSite) -> None:
    site.pages = {
        "/": page("hidden.html", "header.html", "deadend.html", "old.html", text="start"),
        "/hidden.html": page("found.html", head='<meta name="robots" content="noindex">'),
        "/found.html": page(text="found"),
        "/header.html": sends(page(text="header"), X_Robots_Tag="noindex, nofollow"),
        "/deadend.html": page("lost.html", head='<meta name="EricaBot" content="nofollow">', text="deadend"),
        "/lost.html": page(text="lost"),
        "/old.html": page(head='<meta http-equiv="refresh" content="0; url=new.html">'),
        "/new.html": page(text="new"),
    }
    paths, skipped = await crawled(site)
    assert paths == ["index.html", "deadend.html", "found.html", "new.html"]
    assert skipped == {"/hidden.html": "asks not to be indexed", "/header.html": "asks not to be indexed"}


async def test_equal_pages_are_taken_once(site: LoopbackSite) -> None:
    site.pages = {"/": page("a.html", "b.html"), "/a.html": page(text="same"), "/b.html": page(text="same")}
    paths, skipped = await crawled(site)
    assert paths == ["index.html", "a.html"]
    assert skipped == {"/b.html": f"has the same content as {site.url('/a.html')}"}


async def test_max_pages_ends_the_crawl_and_says_so(site: LoopbackSite) -> None:
    site.pages = {"/": page(*(f"{n}.html" for n in range(9)))}
    site.pages |= {f"/{n}.html": page(text=str(n)) for n in range(9)}
    paths, skipped = await crawled(site, max_pages=3)
    assert paths == ["index.html", "0.html", "1.html"]
    assert skipped == {"/": "stopped after 3 pages, the limit of max_pages; 7 known pages are left out"}


async def test_a_start_without_its_slash_means_the_folder_it_redirects_to(site: LoopbackSite) -> None:
    site.pages = {"/ai": redirects("/ai/"), "/ai/": page("a.html", "/b.html"), "/ai/a.html": page(text="a")}
    assert (await crawled(site, "/ai"))[0] == ["index.html", "a.html"]


@pytest.mark.parametrize(("encoding", "stated"), [("koi8-r", "KOI8-R"), ("utf-8", "iso-8859-1"), ("utf-8", "nonsense")])
async def test_the_servers_charset_reaches_the_reader_where_it_is_right(
    site: LoopbackSite, encoding: str, stated: str
) -> None:
    site.pages["/"] = sends("<h1>Поиск</h1><p>Куча</p>".encode(encoding), f"text/html; charset={stated}")
    (only,) = [result async for result in found(site)]
    assert isinstance(only, FetchedPage)
    assert read_html(only.path, only.data).title == "Поиск"


async def test_a_consumer_may_stop_early(site: LoopbackSite) -> None:
    site.pages = {"/": page("a.html"), "/a.html": page()}
    async with aclosing(found(site)) as pages:  # type: ignore[type-var]
        async for _ in pages:
            break
    assert "/a.html" not in site.asked
