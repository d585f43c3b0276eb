"""Whatever bytes a page has, they become a document or a reason, in reasonable time."""

import time
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from test_html_reader import read, text

from retrieval.errors import UnreadableFile


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("<p>naïve “x”</p>".encode(), "naïve “x”"),
        ("<p>naïve “x”</p>".encode("cp1252"), "naïve “x”"),
        ("\ufeff<p>naïve</p>".encode("utf-16-le"), "naïve"),
        ("\ufeff<meta charset=koi8-r><p>naïve</p>".encode(), "naïve"),
        ("<meta charset=windows-1251><p>Привет</p>".encode("cp1251"), "Привет"),
        ("<meta charset=iso-8859-1><p>Привет</p>".encode(), "Привет"),
        ('<meta http-equiv=x content="text/html; charset=Shift_JIS"><p>探索</p>'.encode("shift_jis"), "探索"),
        ("<meta charset=utf-7><p>+ADw-b+AD4- é</p>".encode("cp1252"), "+ADw-b+AD4- é"),
        ("<meta charset=base64><p>é</p>".encode("cp1252"), "é"),
    ],
)
def test_the_charset(data: bytes, said: str) -> None:
    assert read(data).sections[0].text == said


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ("", "no text"),
        ("<p> </p><nav>menu</nav><img src=x>", "no text"),
        ("<h1>Only a title</h1>", "no text"),
        ("<div id=root></div><script>draw()</script>", "JavaScript"),
        ("<meta http-equiv=Refresh content='0; url=x'>", "forwards"),
        ("<frameset><frame src=x></frameset>", "frameset"),
        ("%PDF-1.7 and so on", "PDF"),
        (bytes(64), "binary"),
        ("<div>" * 200_000 + "x", "never closed"),
        ("<p>" + "".join(f"<b a={n}>" for n in range(500)) + "</p>" + "<p>x</p>" * 20_000, "never closed"),
    ],
)
def test_a_page_without_text_of_its_own_says_why(html: str | bytes, reason: str) -> None:
    started = time.perf_counter()
    with pytest.raises(UnreadableFile, match=reason):
        read(html)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    "nested",
    [
        *("<div>", "<ul><li>", "<blockquote>", "<b>", "<table><tr><td>", "<dl><dd>", "<pre>", "<code>", "<span><div>"),
        *("<math><mfrac>", "<details>", "<section>", "<figure>"),
    ],
)
def test_deep_nesting_is_flattened(nested: str) -> None:
    assert "deep down" in text(f"{nested * 1500}deep down")


@pytest.mark.parametrize(
    "bit", ["\\(", "$$", "<!--", "<script", "<svg ", "`", "- ", "<b>*", "&", "<td rowspan=99>x", "<a href=#>"]
)
def test_time_grows_with_length_only(bit: str) -> None:
    started = time.perf_counter()
    with suppress(UnreadableFile):
        text("<table><tr><td>x<td>y" + bit * 30_000 + "</table><p>z")
    assert time.perf_counter() - started < 10


PIECES = st.sampled_from(
    [
        *(
            "<p>",
            "</p>",
            "<ul>",
            "<li>",
            "</ul>",
            "<table>",
            "<tr>",
            "<td colspan=9>",
            "</table>",
            "<pre>",
            "<code>",
            "</code>",
        ),
        *(
            "<h1>",
            "<h2 id=a>",
            "</h2>",
            "<main>",
            "<header>",
            "<b>",
            "<em>",
            "</b>",
            "<br>",
            "<dl>",
            "<dt>",
            "<dd>",
            "<math>",
        ),
        *(
            "<msup>",
            "<annotation encoding='application/x-tex'>",
            "</math>",
            "<span class='math inline'>",
            "<span class=katex>",
        ),
        *(
            "<script type='math/tex'>",
            "</script>",
            "\\(",
            "\\)",
            "\\[",
            "$$",
            "x",
            " ",
            "\n",
            "|",
            "`",
            "&#0;",
            "&#1;",
            "&#4;",
        ),
        *(
            "<img alt=abcd>",
            "<form>",
            "<aside>",
            "<svg>",
            "</svg>",
            "<!--",
            "-->",
            "<sup>",
            "2",
            "\x01",
            "\x03",
            "<figure>",
        ),
    ]
)


@given(st.binary(max_size=300) | st.lists(PIECES, max_size=40).map(lambda pieces: "".join(pieces).encode()))
@example(b"<math><mfrac></math>x")
@example(b"\xff\xfe<\xd8")
@example(b"<meta charset=punycode>\xff")
@example("<p>x</p>".encode("utf-16-be"))
def test_arbitrary_bytes_are_a_document_or_unreadable(data: bytes) -> None:
    try:
        document = read(data)
    except UnreadableFile:
        return
    assert document.title
    for section in document.sections:
        assert section.text.strip()
        assert not set("\x00\x01\x02\x03\x04\x05") & set(section.text + document.title + "".join(section.headings))
