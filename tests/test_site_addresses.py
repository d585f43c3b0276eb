"""One spelling for each page's address, and what robots.txt and sitemaps say."""

import gzip
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.sources.site.links import read_facts
from retrieval.sources.site.robots import read_robots, read_sitemap
from retrieval.sources.site.urls import canonical_url, is_page_like, page_key, page_path

BASE = "https://course.test/ai/index.html"


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("rnn.html#gates", "https://course.test/ai/rnn.html"),
        ("../b/./c/../d", "https://course.test/b/d"),
        ("HTTPS://Course.TEST:443/A", "https://course.test/A"),
        ("http://course.test/old", "https://course.test/old"),
        ("https://course.test:8443/x", "https://course.test:8443/x"),
        ("//other.test", "https://other.test/"),
        ("https://course.test//x", "https://course.test/x"),
        ("/%2e%2e/etc", "https://course.test/etc"),
        ("/a b/ü.html", "https://course.test/a%20b/%C3%BC.html"),
        ("/a%20b", "https://course.test/a%20b"),
        ("/v?b=2&utm_source=x&a=1&fbclid=y", "https://course.test/v?a=1&b=2"),
        ("/v;jsessionid=AB12?x=1", "https://course.test/v?x=1"),
        ("https://bücher.test/", "https://xn--bcher-kva.test/"),
        ("https://[2001:db8::1]/", "https://[2001:db8::1]/"),
        (" \n/x\t", "https://course.test/x"),
    ],
)
def test_an_address_has_one_spelling(reference: str, url: str) -> None:
    assert canonical_url(reference, BASE) == url


@pytest.mark.parametrize(
    "reference",
    [
        *("mailto:a@b.c", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "ftp://course.test/"),
        *("https://user@course.test/", "https://course.test@10.0.0.1/", "http://", "https://[::1", "https://a:b:c/"),
        *("https://course.test:99999/", "https://a b/", "https://course.test\\@10.0.0.1/", "/" + "x" * 2000),
    ],
)
def test_what_is_no_address_of_a_page_is_none(reference: str) -> None:
    assert canonical_url(reference, BASE) is None


def test_plain_http_is_kept_for_named_hosts_only() -> None:
    named = frozenset(("course.test:80", "course.test:8080"))
    assert canonical_url("http://course.test:8080/", "", named) == "http://course.test:8080/"
    assert canonical_url("http://course.test:8081/", "", named) == "https://course.test:8081/"


@given(st.text(max_size=60))
def test_a_canonical_address_is_its_own_canonical_address(reference: str) -> None:
    url = canonical_url(reference, BASE)
    assert url is None or canonical_url(url, BASE) == url


@pytest.mark.parametrize("other", ["/a", "/a/", "/a/index.html", "/a/index.htm"])
def test_addresses_of_one_page_have_one_key(other: str) -> None:
    assert page_key(f"https://course.test{other}") == page_key("https://course.test/a")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://course.test/ai/", "index.html"),
        ("https://course.test/ai/rnn/lstm.html", "rnn/lstm.html"),
        ("https://course.test/ai/rnn/", "rnn/index.html"),
        ("https://course.test/ai/release-v1.2", "release-v1.2/index.html"),
        ("https://course.test/ai/view.php?id=3&x=/y", "view.php?id=3&x=%2Fy.html"),
        ("https://course.test/ai/a%20b%C3%BC.html", "a bü.html"),
        ("https://course.test/ai/a%2F..%2Fb.html", "a%2F..%2Fb.html"),
        ("https://course.test/aix/b.html", "course.test/aix/b.html"),
        ("https://other.test/b.html", "other.test/b.html"),
    ],
)
def test_the_path_of_a_page_is_relative_to_the_start(url: str, path: str) -> None:
    assert page_path(url, "https://course.test/ai/", is_pdf=False) == path


def test_the_path_of_a_pdf_ends_in_pdf() -> None:
    assert page_path("https://course.test/ai/s.pdf", "https://course.test/ai/", is_pdf=True) == "s.pdf"
    assert page_path("https://course.test/ai/get?n=1", "https://course.test/ai/", is_pdf=True) == "get?n=1.pdf"


def test_pictures_and_archives_are_not_asked_for() -> None:
    assert not any(
        map(is_page_like, ("https://a.test/x.PNG", "https://a.test/d/x.tar.gz", "https://a.test/n.ipynb?x=1"))
    )
    assert all(
        map(is_page_like, ("https://a.test/v1.2", "https://a.test/x.pdf", "https://a.test/view.php", "https://a.test/"))
    )


ROBOTS = """
User-agent: other
Disallow: /

User-Agent: *
User-agent: another
Disallow: /private   # not for crawlers
Disallow: /*.php$
Disallow: /a*b*c
Allow: /private/open
Disallow:
Crawl-delay: 3
Sitemap: https://course.test/map.xml
"""


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        *(("/", True), ("/private", False), ("/private/x", False), ("/private/open/x", True)),
        *(("/x.php", False), ("/x.php?y=1", True), ("/a-b-c", False), ("/axbxcx", False), ("/acb", True)),
    ],
)
def test_the_longest_rule_decides(path: str, allowed: bool) -> None:
    assert read_robots(ROBOTS).allows(path) == allowed


def test_rules_for_erica_replace_those_for_everybody() -> None:
    robots = read_robots(ROBOTS + "User-agent: EricaBot/9\nDisallow: /only\nCrawl-delay: 99999")
    assert (robots.allows("/private"), robots.allows("/only"), robots.delay) == (True, False, 10.0)
    assert read_robots(ROBOTS).delay == 3.0
    assert robots.sitemaps == ("https://course.test/map.xml",)


def test_a_tie_is_decided_for_allowing_and_an_error_page_forbids_nothing() -> None:
    assert read_robots("User-agent: *\nAllow: /a\nDisallow: /a").allows("/a")
    assert read_robots("<html><p>Not found: Disallow: /</p></html>").allows("/")


def test_rules_full_of_stars_take_no_time() -> None:
    robots = read_robots("User-agent: *\nDisallow: /" + "*a" * 500 + "b")
    started = time.perf_counter()
    assert robots.allows("/" + "a" * 2000)
    assert time.perf_counter() - started < 0.5


SITEMAP = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e "https://evil.test/">]>
<urlset xmlns:image="i"><url><loc> https://course.test/a?x=1&amp;y=2 </loc><image:loc>https://course.test/i.png</image:loc>
</url><url><loc><![CDATA[https://course.test/b]]></loc></url><url><loc>&e;</loc></url></urlset>"""


def test_a_sitemap_gives_its_pages() -> None:
    pages = (("https://course.test/a?x=1&y=2", "https://course.test/b", "&e;"), False)
    assert read_sitemap(SITEMAP) == pages
    assert read_sitemap(gzip.compress(SITEMAP)) == pages
    assert read_sitemap(b"<sitemapindex><loc>https://course.test/m.xml</loc></sitemapindex>")[1]


@given(st.binary(max_size=200), st.text(max_size=200))
def test_nothing_that_a_site_sends_breaks_the_reading(data: bytes, text: str) -> None:
    for sent in (data, b"\x1f\x8b\x08" + data, text.encode()):
        assert isinstance(read_sitemap(sent), tuple)
    for rules in (text, f"User-agent: *\nDisallow: {text}\nCrawl-delay: {text}"):
        assert read_robots(rules).allows("/x") in (True, False)
    facts = read_facts(
        f'<base href="{text}"><a href="{text}">x</a><meta http-equiv=refresh content="{text}">', BASE, (text,)
    )
    assert facts.indexed in (True, False)


def test_a_page_says_where_it_leads_and_what_it_asks() -> None:
    facts = read_facts(
        """<base href="/b/"><link rel="canonical" href="c.html"><meta name=ROBOTS content="max-snippet:5, NoFollow">
        <a href="x.html#y">x</a><a href="x.html">again</a><a href="#top">top</a>
        <a rel="ugc nofollow" href="ad.html">ad</a>
        <iframe src="slides.pdf"></iframe><script>document.write('<a href="no.html">')</script>""",
        BASE,
        ("unavailable_after: 25 Jun 2030 15:00:00 PST", "otherbot: noindex", "ericabot: noarchive"),
    )
    assert facts.links == ("https://course.test/b/x.html", "https://course.test/b/slides.pdf")
    assert facts.canonical == "https://course.test/b/c.html"
    assert (facts.indexed, facts.followed) == (True, False)
    assert not read_facts("x", BASE, ("EricaBot: noindex",)).indexed
