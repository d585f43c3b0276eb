"""Markdown pages: titles, headings with anchors, links and embeds, and what must come through unharmed."""

import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.errors import UnreadableFile
from retrieval.passage import Document, Section
from retrieval.sources.markdown.outline import slug
from retrieval.sources.markdown.page import read_markdown


def read(text: str, path: str = "lectures/page.md") -> Document:
    return read_markdown(path, textwrap.dedent(text).lstrip("\n").encode())


def only_section(text: str) -> Section:
    (section,) = read(text).sections
    return section


def text_of(text: str) -> str:
    return only_section(text).text


# Titles


def test_front_matter_gives_the_title_and_is_not_text() -> None:
    page = read("---\ntitle: 'Gated cells'\nweight: 3\n---\nA cell keeps a state.\n")
    assert page.title == "Gated cells"
    assert page.sections == (Section((), "A cell keeps a state."),)


def test_broken_front_matter_still_gives_its_title() -> None:
    page = read('---\ntitle: Loss: what it "costs\nweight: [1, 2\n  - : :\n---\nText below.\n')
    assert page.title == 'Loss: what it "costs'
    assert page.sections[0].text == "Text below."


def test_toml_front_matter_gives_the_title() -> None:
    assert read('+++\ntitle = "Policy search"\ndraft = false\n+++\nText.\n').title == "Policy search"


def test_a_ruler_at_the_top_is_no_front_matter() -> None:
    assert "First thought" in text_of("---\nFirst thought, a sentence.\n\n---\n\nSecond thought.\n")


def test_the_first_top_heading_is_the_title_and_no_heading_of_its_sections() -> None:
    page = read("# Gradient *descent*\n\nStep downhill.\n\n## Step size\n\nToo large diverges.\n")
    assert page.title == "Gradient descent"
    assert [section.headings for section in page.sections] == [(), ("Step size",)]
    assert page.sections[0].locator.anchor is None


def test_a_title_said_twice_is_kept_once() -> None:
    page = read("---\ntitle: Entropy\n---\n# Entropy\n\n## Bits\n\nOne coin, one bit.\n")
    assert page.title == "Entropy"
    assert page.sections[0].headings == ("Bits",)


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("lectures/rnn/lstm/_index.md", "Lstm"),
        ("lectures/graph-search/index.md", "Graph search"),
        ("03-markov_chains.md", "Markov chains"),
        ("notes/CNN layers.md", "CNN layers"),
        ("3d_pca.md", "3d pca"),
        ("index.md", "Index"),
    ],
)
def test_without_title_or_heading_the_path_names_the_page(path: str, title: str) -> None:
    assert read("Only a paragraph.", path).title == title


def test_a_late_top_heading_does_not_title_the_page() -> None:
    page = read("## Setup\n\nInstall.\n\n# Appendix\n\nMore.\n", "lectures/inspect_weights.md")
    assert page.title == "Inspect weights"


# Headings and anchors


def test_headings_nest_and_carry_the_anchor_of_their_page() -> None:
    page = read("# T\n\n## The Input Gate!\n\na\n\n### A `gate`, twice\n\nb\n\n## The Input Gate!\n\nc\n")
    assert [(section.headings, section.locator.anchor) for section in page.sections] == [
        (("The Input Gate!",), "the-input-gate"),
        (("The Input Gate!", "A gate, twice"), "a-gate-twice"),
        (("The Input Gate!",), "the-input-gate-1"),
    ]


def test_an_explicit_id_wins_and_is_not_part_of_the_heading() -> None:
    section = only_section("# T\n\n## Chain rule {#sec-chain .unnumbered}\n\nDerivatives multiply.\n")
    assert section.headings == ("Chain rule",)
    assert section.locator.anchor == "sec-chain"


def test_headings_keep_their_formulas_and_lose_their_markup() -> None:
    section = only_section("# T\n\n## **Exploration** with [$\\epsilon_t$-greedy](x.md) <a id='z'></a>\n\nText.\n")
    assert section.headings == ("Exploration with $\\epsilon_t$-greedy",)
    assert section.locator.anchor == "exploration-with-epsilon_t-greedy"


def test_underlined_headings_count_but_a_paragraph_above_a_ruler_does_not() -> None:
    page = read("T\n=\n\nPart\n----\n\nText.\n\nTwo lines of\nprose\n---\n\nMore.\n")
    assert page.title == "T"
    assert [section.headings for section in page.sections] == [("Part",)]
    assert "Two lines of\nprose" in page.sections[0].text


def test_quarto_pages_get_the_anchors_of_pandoc() -> None:
    page = read("# T\n\n## 1. Bias & v2.0\n\nText.\n", "page.qmd")
    assert page.sections[0].locator.anchor == "bias-v2.0"
    assert slug("1. Bias & v2.0") == "1-bias--v20"


def test_a_comment_in_code_is_no_heading() -> None:
    section = only_section("# T\n\n```python\n# not a heading\nx = 1\n```\n")
    assert section.headings == ()
    assert section.text == "```python\n# not a heading\nx = 1\n```"


def test_the_title_of_a_callout_is_no_section() -> None:
    page = read("# T\n\nBefore.\n\n::: {.callout-tip}\n## Remember\n\nShuffle.\n:::\n\n## Next\n\nAfter.\n")
    assert [section.headings for section in page.sections] == [(), ("Next",)]
    assert "Remember\n\nShuffle." in page.sections[0].text


# Links, pictures and other things that a reader of the page does not see


def test_wiki_links_become_their_words_and_are_collected() -> None:
    page = read("See [[Lesson 4#Gates|gates]] and [[Lesson 4#Gates]], then [[Attention]].\n\n![[Proof of EM]]\n")
    assert page.sections[0].text == "See gates and Lesson 4, then Attention."
    assert page.links == ("Lesson 4#Gates", "Attention", "Proof of EM")


def test_a_matrix_in_prose_is_no_wiki_link() -> None:
    page = read("The kernel is [[0, 1, 0]] here.")
    assert page.sections[0].text == "The kernel is [[0, 1, 0]] here."
    assert page.links == ()


def test_embedded_pictures_go_and_captions_stay() -> None:
    text = text_of(
        """
        ![[Pasted image 20240102.png]]
        ![](images/net.png) ![net.png](net.png){width=50%}
        ![An unrolled network with three steps](images/net (1).png "Figure")

        <img src="a.png" alt="Loss over the epochs" width="300"/>

        Text.
        """
    )
    assert text == "An unrolled network with three steps\n\nLoss over the epochs\n\nText."


def test_addresses_of_links_go_and_their_words_stay() -> None:
    text = text_of(
        """
        Read [the *paper*](https://example.org/a_(b).pdf "title"){target=_blank}, [this][ref] or
        <https://example.org/x>.[^1]

        [ref]: https://example.org/ref
        [^1]: A remark worth reading.
        """
    )
    assert text == "Read the *paper*, this or\nhttps://example.org/x.\n\nA remark worth reading."


def test_subscripts_and_citations_in_brackets_are_no_links() -> None:
    assert text_of("The cell a[i][j] of [1][2] and f(x)[left][right].") == (
        "The cell a[i][j] of [1][2] and f(x)[left][right]."
    )


def test_comments_shortcodes_and_tags_go() -> None:
    text = text_of(
        """
        One<!-- todo --> two.<br>
        {{< youtube abc123 >}}{{% toc %}}

        <div class="x">

        Three <sub>i</sub> &amp; <span style="a">four</span> in <pad> and <SOS>.

        </div>
        <!--
        # hidden

        ## also hidden
        -->
        {{< figure src="x.png" caption="A tree of depth two" >}}
        """
    )
    assert text == "One two.\n\nThree _i & four in <pad> and <SOS>.\n\nA tree of depth two"


def test_buttons_and_videos_say_nothing() -> None:
    text = text_of(
        """
        [![Open In Colab](https://colab.example/badge.svg)](https://colab.example/x)

        <iframe width="560" src="https://example.org/embed/1">Your browser</iframe>

        ```{eval-rst}
        .. youtube:: abc123
           :width: 100%
        ```

        Text.
        """
    )
    assert text == "Text."


def test_lines_at_the_top_of_an_obsidian_note_that_hold_only_tags_go() -> None:
    page = read(
        "Date: [[2023-04-13]]\n\nStatus: #notes\n\nTags: #exam[[My course]]\n\n# Graphs\n\nTags: are not noise.\n"
    )
    assert page.title == "Graphs"
    assert page.sections == (Section((), "Tags: are not noise."),)
    assert page.links == ()


# Formulas and code


@pytest.mark.parametrize(
    "untouched",
    [
        "Inline $a_{i} * b_{i}$, $x<y$ and $y>z$, $[[a](b)]$.",
        "Set $\\{ x_1, \\dots \\}$ and `[[not]](a) <b> $5`, ``a ` [b](c)``.",
        "$$\n\\begin{aligned}\na &= b \\\\[2pt]\n\n&- c\n\\end{aligned}\n$$",
        "We get $$\nx\n=\ny\n$$",
        "$$ f = <a, b> [x](y) $$",
        "| a | b |\n|---|---|\n| $\\|x\\|_2$ | `a|b` |",
        "~~~\n<div> [[x]] {{< y >}}\n~~~",
        "- item\n\n  ```r\n  x <- c(1)  # [a](b)\n\n\n  y\n  ```\n- next",
        "> ```\n> <b>\n> ```",
        "Costs 5$ and 6$ today, a \\$ sign.",
    ],
)
def test_formulas_and_code_survive_whole(untouched: str) -> None:
    assert read_markdown("a.md", untouched.encode()).sections[0].text == untouched


def test_formulas_in_other_marks_come_out_between_dollars() -> None:
    assert text_of("Let \\(x_t\\) be \\(not a formula\\).\n\n\\[\n h_t = 1\n\\]\n") == (
        "Let $x_t$ be \\(not a formula\\).\n\n$$\n h_t = 1\n$$"
    )
    assert text_of("\\begin{align}\na &= b\n\\end{align}\n") == "$$\n\\begin{align}\na &= b\n\\end{align}\n$$"


def test_a_formula_is_not_taken_for_an_underlined_heading() -> None:
    page = read("# T\n\n$$\nx\n=\ny\n$$\n\n## Next\n\nText.\n")
    assert page.sections[0].text == "$$\nx\n=\ny\n$$"
    assert page.sections[1].headings == ("Next",)


def test_dollars_that_never_close_do_not_swallow_the_page() -> None:
    page = read("# T\n\n$$\nx = 1\n\n## Next\n\nText with $$y$$.\n")
    assert page.sections[-1].headings == ("Next",)


def test_a_fence_that_never_closes_is_closed() -> None:
    assert text_of("Code:\n\n```python\nx = 1\n# still code\n") == "Code:\n\n```python\nx = 1\n# still code\n```"


def test_a_fence_that_ends_in_a_quotation_is_closed_outside_of_it() -> None:
    assert text_of("``` text\n> 00: load\n> ```\n\n\n") == "``` text\n> 00: load\n```"


def test_a_code_span_in_three_ticks_does_not_look_like_a_fence() -> None:
    assert text_of("Unpack\n```data.zip``` first.") == "Unpack\n`data.zip` first."


def test_admonitions_are_prose_and_code_cells_are_code() -> None:
    text = text_of(
        """
        ```{admonition} Why *two* gates?
        :class: tip

        Because [one](x.md) is not enough: $a_i$.
        ```

        ```{code-cell} ipython3
        :tags: [hide-input]
        print("<b>")
        ```

        ```{r plot, echo=FALSE}
        plot(x)
        ```

        ```{math}
        :label: eq
        a = b
        ```

        :::{note}
        :class: dropdown
        Colons work too.
        :::
        """
    )
    assert text == (
        "Why *two* gates?\n\nBecause one is not enough: $a_i$.\n\n"
        '```python\nprint("<b>")\n```\n\n```r\nplot(x)\n```\n\n$$\na = b\n$$\n\nColons work too.'
    )


def test_code_inside_an_admonition_stays_code() -> None:
    assert text_of("````{note}\nRun:\n```python\nf[0](1)\n```\n````\n") == "Run:\n```python\nf[0](1)\n```"


def test_preformatted_html_and_hugo_highlights_are_code() -> None:
    text = text_of("<pre><code>a &lt; b\n# c</code></pre>\n\n{{< highlight go >}}\n# x\n{{< /highlight >}}\n")
    assert text == "```\na < b\n# c\n```\n\n```go\n# x\n```"


def test_indented_code_gets_a_fence_and_slipped_paragraphs_do_not() -> None:
    text = text_of(
        "Run\n\n    x = f(1)\n    y = x\n\nthen\n\n    this paragraph was indented by mistake (it is prose).\n"
    )
    assert text.startswith("Run\n\n```\nx = f(1)\ny = x\n```\n\nthen")
    assert text.count("```") == 2


def test_the_padding_of_tables_goes() -> None:
    assert text_of("| name      | cost  |\n| --------- | ----: |\n| A         |   two  words |\n") == (
        "| name | cost |\n| --- | ---: |\n| A | two  words |"
    )


# What cannot be read


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \n\n", "empty"),
        ("---\ntitle: Only a title\n---\n", "empty: only titles, no text"),
        ("# Only\n\n## Headings\n\n![[x.png]]\n", "empty: only titles, no text"),
        ("![](a.png)\n", "empty: no text"),
        ("\x00\x01\x02", "binary, not text"),
    ],
)
def test_pages_without_text_say_why(text: str, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        read_markdown("a.md", text.encode())


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=40),
            st.sampled_from(
                ["```", "~~~{note} a", ":::", "# a", "$$", "\\[", "---", "[[a|b]]", "![](", "<!--", "<div>", "> - "]
            ),
        ),
        max_size=25,
    ).map("\n".join)
)
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        page = read_markdown("a.md", text.encode("utf-8", "surrogatepass"))
    except UnreadableFile:
        return
    assert page.title
    assert page.sections
    assert all(section.text.strip() for section in page.sections)


_CODE_LINE = st.text(st.characters(exclude_categories=("C", "Zl", "Zp"), exclude_characters="\x85"), max_size=60)


@settings(max_examples=150, deadline=None)
@given(st.lists(_CODE_LINE, min_size=1, max_size=8).map("\n".join))
def test_no_character_of_fenced_code_is_lost(code: str) -> None:
    fence = "`" * 70 + f"python\n{code}\n" + "`" * 70
    page = read_markdown("a.md", f"# T\n\nBefore.\n\n{fence}\n\nAfter [x](y).\n".encode())
    expected = f"Before.\n\n{fence}\n\nAfter x." if code.strip() else "Before.\n\nAfter x."
    assert page.sections[0].text == expected
