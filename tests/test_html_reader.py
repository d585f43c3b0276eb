"""A web page becomes a document: its subject by headings, as Markdown."""

from pathlib import Path

import pytest

from retrieval.passage import Document
from retrieval.sources.html.page import read_html

DATA = Path(__file__).parent / "data"


def read(html: str | bytes, path: str = "lectures/page.html") -> Document:
    return read_html(path, html if isinstance(html, bytes) else html.encode())


def text(html: str) -> str:
    """The Markdown of a page's body."""
    return "\n\n".join(section.text for section in read(f"<main>{html}</main>").sections)


def outline(document: Document) -> list[tuple[tuple[str, ...], str | None]]:
    return [(section.headings, section.locator.anchor) for section in document.sections]


def test_a_quarto_page() -> None:
    document = read((DATA / "html-quarto.html").read_bytes())
    assert document.title == "Backpropagation"
    assert outline(document) == [
        ((), None),
        (("The chain rule",), "chain-rule"),
        (("The chain rule", "In `numpy`"), "in-code"),
    ]
    top, rule, code = (section.text for section in document.sections)
    assert top == (r"Every layer passes on _how much_ the loss changes, $\delta = \frac{\partial L}{\partial z}$.")
    assert rule == (
        "For $L(y(z))$ it reads\n\n$$\n\\begin{aligned}\n\\frac{dL}{dz} &= \\frac{dL}{dy}\\,\\frac{dy}{dz} \\\\\n"
        "&= \\delta\n\\end{aligned}\n$$\n\nand nothing else."
    )
    assert "```python\nimport numpy as np\n\ndef grad(x):\n    return 2 * x\n```\n\n```\n[2. 4.]\n```" in code
    assert code.count("Graph of the forward and backward pass") == 1
    whole = "\n".join((top, rule, code))
    assert not [
        w for w in ("Somebody", "Convolutions", "On this page", "generator", "Copy", "heading", "↩") if w in whole
    ]


def test_a_sphinx_page() -> None:
    document = read((DATA / "html-sphinx.html").read_bytes())
    assert (document.title, outline(document)) == ("Search", [((), None), (("A*",), "a-star")])
    body = document.sections[1].text
    assert body.startswith("$$f(n) = g(n) + h(n)$$\n\nwhere $h$ never overestimates. See heaps.")
    assert "```python\nwhile frontier:\n    expand()\n```" in body
    assert "**heuristic**: A guess of the cost that is left." in body
    assert "**frontier, fringe**: Found, not yet expanded:\n\n- a heap" in body
    assert body.endswith(
        "Costs\n\n| Method | Time |\n| --- | --- |\n| BFS | $\\vert V\\vert + \\vert E\\vert$ |\n| `a\\|b` | 1 \\| 2 |"
    )


@pytest.mark.parametrize(
    "main",
    [
        *("<main>{}</main>", "<div role=main>{}</div>", "<div id=quarto-document-content>{}</div>"),
        *("<article>{}</article>", "<div class='box content'>{}</div>", "{}"),
        "<form id=aspnetForm>{}</form>",
    ],
)
def test_the_main_content_is_found_however_it_is_marked(main: str) -> None:
    content = "<h1>Hidden Markov models</h1><p>A chain of states that nobody sees, and what they emit.</p>"
    page = read(f"<header><a>Course</a></header><nav>Menu</nav>{main.format(content)}<footer>Imprint</footer>")
    assert page.title == "Hidden Markov models"
    assert [s.text for s in page.sections] == ["A chain of states that nobody sees, and what they emit."]


def test_a_teaser_is_not_mistaken_for_the_page() -> None:
    page = read(f"<article>News</article><div><h1>Title</h1><p>{'The long text of the lecture. ' * 9}</p></div>")
    assert "The long text" in page.sections[-1].text


@pytest.mark.parametrize(
    "noise",
    [
        *(
            "<nav>zap</nav>",
            "<aside>zap</aside>",
            "<footer>zap</footer>",
            "<form><input>zap</form>",
            "<style>zap</style>",
        ),
        *("<script>zap</script>", "<!-- zap -->", "<div class='x sidebar'>zap</div>", "<ul class=toc><li>zap</ul>"),
        *(
            "<ol class=breadcrumb><li>zap</ol>",
            "<p hidden>zap</p>",
            "<p style='DISPLAY:none'>zap</p>",
            "<svg>zap</svg>",
        ),
        *("<button>zap</button>", "<div role=navigation>zap</div>", "<span class=sr-only>zap</span>"),
        *("<template>zap</template>", "<noscript>zap</noscript>", "<a class=headerlink href='#x'>zap</a>"),
    ],
)
def test_what_is_not_the_subject_is_left_out(noise: str) -> None:
    assert text(f"<p>before</p>{noise}<p>after</p>") == "before\n\nafter"


def test_footnotes_in_an_aside_and_the_head_of_an_article_stay() -> None:
    page = read(
        "<article><header><h1>Title</h1><p>By somebody</p></header><section><header><h2 id=a>Part</h2>12 May</header>"
        "<p>Body</p></section><aside class=footnotes>A note</aside></article>"
    )
    assert (page.title, outline(page)) == ("Title", [(("Part",), "a")])
    assert page.sections[0].text == "Body\n\nA note"


@pytest.mark.parametrize(
    ("html", "title"),
    [
        ("<title>Site</title><h1>Real <em>title</em> <a href='#x'>¶</a></h1><p>x", "Real title"),
        ("<title>Entropy – My Course</title><p>x", "Entropy"),
        ("<title>Entropy | AI | School</title><p>x", "Entropy | AI"),
        ("<title>Self-attention and co-training</title><p>x", "Self-attention and co-training"),
        ("<h2>First heading</h2><p>x", "First heading"),
        ("<header><h1>The course</h1></header><h1>The lecture</h1><p>x", "The lecture"),
        ("<header><h1>Only here</h1></header><p>x", "Only here"),
        ("<nav><h1>Menu</h1></nav><p>x", "Page"),
    ],
)
def test_the_title(html: str, title: str) -> None:
    assert read(html).title == title


def test_headings_are_paths_and_the_title_is_none_of_them() -> None:
    page = read(
        "<h1>T</h1><p>0</p><h2 id=a>A</h2><p>1</p><h3>B</h3><p>2</p><h2>C</h2><h4 id=d>D</h4><p>3</p>"
        "<h1 id=e>E</h1><p>4</p>"
    )
    assert outline(page) == [((), None), (("A",), "a"), (("A", "B"), "a"), (("C", "D"), "d"), (("E",), "e")]


def test_a_heading_that_repeats_the_page_title_is_the_title_whatever_its_level() -> None:
    page = read(
        "<title>What is search? | Course</title><h2 id=a>What Is Search?</h2><p>1</p><h3 id=b>Cost</h3><p>2</p>"
    )
    assert (page.title, outline(page)) == ("What is search?", [((), "a"), (("Cost",), "b")])


@pytest.mark.parametrize(
    "heading",
    [
        *("<h2 id=here>H</h2>", "<section id=here><h2>H</h2><p>x</p></section>", "<h2><a name=here></a>H</h2>"),
        *(
            "<div id=here class=section><h2>H</h2><p>x</p></div>",
            "<a name=here></a>\n<h2>H</h2>",
            "<h2><span id=here>H</span></h2>",
        ),
        "<section id=here><div class=head><h2>H</h2></div><p>x</p></section>",
    ],
)
def test_an_anchor_is_found_where_generators_put_it(heading: str) -> None:
    assert outline(read(f"<h1 id=top>T</h1>{heading}<p>x</p>"))[-1] == (("H",), "here")


def test_only_the_first_heading_of_a_section_has_its_anchor() -> None:
    page = read("<h1>T</h1><section id=s><h2>A</h2><p>1</p><h2>B</h2><p>2</p></section>")
    assert outline(page) == [(("A",), "s"), (("B",), None)]


def test_words_lists_and_quotes() -> None:
    html = (
        "<p>A <b> bold </b>word, <i class=icon></i><em>more</em>, <a href=x>a link</a>,<br>"
        "x<sub>i</sub> and 10<sup>-3</sup>.</p>"
        "<ul><li>one<ul><li>two<ol start=3><li>x<li>y</ol></ul><li><p>three</p><pre>code</pre></ul>"
        "<blockquote><p>said</p><p>so</p></blockquote><details><summary>More</summary>inside</details>"
    )
    assert text(html) == (
        "A **bold** word, _more_, a link,\nx_i and 10^{-3}.\n\n"
        "- one\n  - two\n    3. x\n    4. y\n- three\n\n  ```\n  code\n  ```\n\n> said\n>\n> so\n\n**More**\n\ninside"
    )


def test_tables() -> None:
    spans = "<table><tr><th rowspan=2>A<th colspan=2>B<tr><td>1<td>2<tr><td>p<br>q<td><ul><li>r<li>s</ul><td>t</table>"
    assert text(spans) == "| A | B |  |\n| --- | --- | --- |\n| A | 1 | 2 |\n| p q | r; s | t |"
    layout = "<table><tr><td><h2 id=x>Part</h2><p>one</p></td><td><table><tr><td>a<td>b</table></td></tr></table>"
    page = read(f"<h1>T</h1>{layout}")
    assert outline(page) == [(("Part",), "x")]
    assert page.sections[0].text == "one\n\n| a | b |\n| --- | --- |"


@pytest.mark.parametrize("alt", ["", "x.png", "image", "Logo"])
def test_images_speak_only_where_they_have_something_to_say(alt: str) -> None:
    assert text(f'<p>a <img alt="{alt}" src=x> b <img alt="A gate of the cell" src=y></p>') == "a b A gate of the cell"
