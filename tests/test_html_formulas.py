"""Formulas and code of a web page come out whole and once, however its generator set them."""

import pytest
from test_html_reader import text

KATEX = (
    '<span class="katex"><span class="katex-mathml"><math{}><semantics><mrow><mi>a</mi></mrow><annotation encoding='
    '"application/x-tex">a_1^2</annotation></semantics></math></span>'
    '<span class="katex-html" aria-hidden="true">a12</span></span>'
)
WIKI = (
    '<span class="mwe-math-element"><span style="display: none;"><math><semantics><mi>a</mi><annotation encoding='
    '"application/x-tex">{\\displaystyle a_1^2}</annotation></semantics></math></span>'
    '<img alt="{\\displaystyle a_1^2}"></span>'
)


@pytest.mark.parametrize(
    "formula",
    [
        *(
            r"\(a_1^2\)",
            r"$a_1^2$",
            r'<span class="math inline">\(a_1^2\)</span>',
            '<span class="math inline">a_1^2</span>',
        ),
        *(r'<span class="math notranslate">\(a_1^2\)</span>', r'<span class="arithmatex">\(a_1^2\)</span>'),
        *(
            '<script type="math/tex">a_1^2</script>',
            KATEX.format(""),
            WIKI,
            r"\(a<em>1^2\)</em>",
            "<d-math>a_1^2</d-math>",
            f'<span class="math inline">{KATEX.format("")}</span>',
        ),
        '<span class=MathJax_Preview>a12</span><span class=MathJax>a12</span><script type="math/tex">a_1^2</script>',
        '<math alttext="a_1^2"><mi>a</mi></math>',
        "<math><msubsup><mi>a</mi><mn>1</mn><mn>2</mn></msubsup></math>",
        '<img class="latex" alt="a_1^2" src="x.png">',
    ],
)
def test_an_inline_formula_survives_once(formula: str) -> None:
    if formula.startswith("<math><"):
        assert text(f"<p>so {formula} holds</p>") == "so $a_{1}^{2}$ holds"
    elif "<em>" in formula:
        assert text(f"<p>so {formula} holds</p>").startswith("so $a_1^2$")
    else:
        assert text(f"<p>so {formula} holds</p>") == "so $a_1^2$ holds"


@pytest.mark.parametrize(
    "formula",
    [
        *(r"\[a < b\]".replace("<", "&lt;"), "$$a &lt; b$$", r'<span class="math display">\[a &lt; b\]</span>'),
        *('<span class="math display">a &lt; b</span>', r'<div class="math">\[a &lt; b\]</div>'),
        *(
            r'<div class="arithmatex">\[a &lt; b\]</div>',
            '<script type="math/tex; mode=display">% <![CDATA[\na < b %]]></script>',
        ),
        f'<span class="katex-display">{KATEX.format(" display=block")}</span>'.replace("a_1^2", "a &lt; b"),
        '<math display="block"><semantics><mi>a</mi><annotation encoding="application/x-tex">a &lt; b</annotation>'
        "</semantics></math>",
    ],
)
def test_a_displayed_formula_stands_alone(formula: str) -> None:
    assert text(f"<p>so {formula} holds</p>") == "so\n\n$$a < b$$\n\nholds"


def test_formulas_that_only_look_like_it_and_code_are_left_alone() -> None:
    assert (
        text(r"<p>open \( bracket, <code>\(x\)</code>, $5 and \\[2pt]</p>")
        == r"open \( bracket, `\(x\)`, $5 and \\[2pt]"
    )
    assert text("<div class=math><p>The <b>maths</b> department</p></div>") == "The **maths** department"
    assert text(f"<div class=math><p>words</p><p>{KATEX.format('')}</p></div>") == "words\n\n$a_1^2$"


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("<pre><code class='language-python'>{}</code></pre>", "python"),
        ("<pre class='sourceCode python'><code class='sourceCode python'>{}</code></pre>", "python"),
        ("<div class='highlight-python3 notranslate'><div class=highlight><pre>{}</pre></div></div>", "python"),
        ("<div class='highlight'><pre><code class='language-cpp' data-lang='cpp'>{}</code></pre></div>", "cpp"),
        ("<div class='language-ruby highlighter-rouge'><div class=highlight><pre>{}</pre></div></div>", "ruby"),
        ("<pre data-language='js'>{}</pre>", "js"),
        ("<div class='highlight-default'><pre>{}</pre></div>", ""),
        ("<pre>{}</pre>", ""),
    ],
)
def test_code_keeps_its_lines_and_language(code: str, language: str) -> None:
    body = "for x in y:<br>    f(x, a &lt; b)\n<span class=token>\n    $z$ \\(q\\) *s*</span>"
    lines = "for x in y:\n    f(x, a < b)\n\n    $z$ \\(q\\) *s*"
    assert text(f"<p>x</p>{code.format(body)}") == f"x\n\n```{language}\n{lines}\n```"


def test_code_with_fences_and_boxes_for_lines() -> None:
    assert text("<pre>a\n```\nb</pre>") == "````\na\n```\nb\n````"
    assert text("<pre><code><div>a</div><div>  b</div></code></pre>") == "```\na\n  b\n```"
    assert text("<p><code>a`b</code> <code>x**2</code></p>") == "`` a`b `` `x**2`"
