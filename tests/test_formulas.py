"""Formulas of an answer: Unicode in the running text, pictures where they stand alone."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.messages import Answer
from bot.rendering.discord_markdown import discord_pieces, discord_text
from bot.rendering.formula_text import inline
from bot.rendering.formulas import LONGEST_DRAWN, Formula, draw, draw_all
from bot.rendering.slack_markdown import slack_pieces

DRAWN = {
    "attention": r"\mathrm{Attention}(Q, K, V) = \mathrm{softmax}\left(\frac{QK^\top}{\sqrt{d_k}}\right)V",
    "elbo": r"\log p_\theta(x) \ge \mathbb{E}_{q_\phi(z \mid x)}\left[\log p_\theta(x \mid z)\right]"
    r" - D_{\mathrm{KL}}\left(q_\phi(z \mid x) \,\|\, p(z)\right)",
    "aligned": r"\begin{aligned} a &= b + c \\ &= d \end{aligned}",
    "align": r"\begin{align*} a &= b + c \\ &= d \end{align*}",
    "cases": r"\mathrm{ReLU}(x) = \begin{cases} x & \text{if } x > 0 \\ 0 & \text{otherwise} \end{cases}",
    "matrix": r"\begin{bmatrix} \cos\theta & -\sin\theta & 0 \\ \sin\theta & \cos\theta & 0 \\ 0 & 0 & 1 \end{bmatrix}",
    "bayes": r"P(H \mid E) = \frac{P(E \mid H)\, P(H)}{P(E)}",
    "argmax": r"\hat{y} = \operatorname*{arg\,max}_{y \in \mathcal{Y}} P(y \mid x)",
    "numbered": r"a = b \tag{1}",
    "two lines": "a = b \\\\\n c = d",
}  # fmt: skip


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        ("x_{t+1}", "xₜ₊₁"),
        ("d_k", "dₖ"),
        (r"x \in \mathbb{R}", "x ∈ ℝ"),
        (r"\frac{QK^\top}{\sqrt{d_k}}", "QKᵀ/√dₖ"),
        (r"\frac{a+b}{c}", "(a+b)/c"),
        (r"\sigma(z)=\frac{1}{1+e^{-z}}", "σ(z) = 1/(1+e⁻ᶻ)"),
        (r"\log p(x)", "log p(x)"),
        (r"n\log n", "n log n"),
        (r"\sum_{i=1}^n x_i", "∑ᵢ₌₁ⁿ xᵢ"),
        (r"\|w\|_2^2", "‖w‖₂²"),
        (r"\frac{\partial L}{\partial h_t}", "∂L/∂hₜ"),
        (r"\alpha - \beta x", "α − βx"),
        (r"a \cdot b", "a · b"),
        (r"P(A \mid B)", "P(A | B)"),
        (r"\hat{y}_i", "ŷᵢ"),
        (r"\mathbf{W}x", "Wx"),
        (r"\text{softmax}(x)", "softmax(x)"),
        (r"\left( x \right)", "( x )"),
        (r"\{1, 2\}", "{1, 2}"),
        (r"90^\circ", "90°"),
        (r"x_1, \dots, x_n", "x₁, …, xₙ"),
        ("f'(x)", "f'(x)"),
    ],
)
def test_inline_formulas_become_unicode(latex, text):
    assert inline(latex).text == text
    assert inline(latex).kind == "prose"


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        ("d_{model}", "d_model"),
        (r"\mathbb{R}^{n \times d}", "ℝ^(n×d)"),
        (r"\pi_\theta(a)", "π_θ(a)"),
        (r"\binom{n}{k}", r"\binom{n}{k}"),
        (r"\begin{cases} a \end{cases}", r"\begin{cases} a \end{cases}"),
        (r"\unknown x", r"\unknown x"),
        (r"\frac{a}{", r"\frac{a}{"),
        ("a_{", "a_{"),
        ("{" * 400, "{" * 400),
    ],
)
def test_what_unicode_cannot_say_in_a_line_is_set_as_code(latex, text):
    assert inline(latex).text == text
    assert inline(latex).kind == "code"


LATEX = st.lists(st.sampled_from([*"abx12 {}^_\\&~$'()[]|+-=\n", "\\frac", "\\sqrt", "\\hat", "\\left"])).map("".join)


@given(LATEX)
@settings(deadline=None)
def test_any_formula_has_a_text(latex):
    assert inline(latex).text or not latex.split()


def pixels(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n")
    return struct.unpack(">II", png[16:24])


@pytest.mark.parametrize("name", DRAWN)
def test_formulas_of_a_course_are_drawn(name):
    png = draw(Formula(DRAWN[name]))
    assert png is not None
    width, height = pixels(png)
    assert 100 < width < 1500
    assert 60 < height < 400


@pytest.mark.parametrize(
    "latex",
    [
        "",
        r"\frac{a}{",
        r"\foo{x} + 1",
        r"\text{损失} = x",
        "a & b",
        r"\href{https://evil.example}{x}",
        r"\includegraphics{/etc/passwd}",
        "x + " * (LONGEST_DRAWN // 4 + 1),
        "x+" * 400,  # wider than anybody can see
        r"\frac{1}{" * 30 + "x" + "}" * 30,  # would take longer than the universe
        r"\left(" * 60 + "x" + r"\right)" * 60,
        r"\sqrt" * 200 + "x",
        "\x00",
        "\ud800",
    ],
)
def test_what_cannot_be_drawn_faithfully_is_not_drawn(latex):
    assert draw(Formula(latex)) is None


async def test_pictures_of_an_answer_are_drawn_together():
    good, bad = Formula("a = b"), Formula(r"\foo")
    pictures = await draw_all([good, bad, good])
    assert set(pictures) == {good, bad}
    assert pixels(pictures[good] or b"")
    assert pictures[bad] is None


async def test_an_answer_does_not_wait_for_ever_for_its_pictures():
    assert await draw_all([Formula("a = waiting")], seconds=0) == {Formula("a = waiting"): None}


# --- where formulas stand ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "markdown",
    [
        "$$\na = \\frac{b}{c}\n$$",
        "$$a = \\frac{b}{c}$$",
        "\\[\na = \\frac{b}{c}\n\\]",
        "\\[ a = \\frac{b}{c} \\]",
        "\\begin{equation}\na = \\frac{b}{c}\n\\end{equation}",
        "$$a = \\frac{b}{c}$$.",
    ],
)
def test_a_formula_that_stands_alone_is_to_be_drawn(markdown):
    (piece,) = discord_pieces(Answer("answered", markdown))
    assert piece.formulas == (Formula("a = \\frac{b}{c}"),)
    assert piece.text == ""


def test_environments_are_formulas_and_keep_their_lines():
    latex = "\\begin{aligned}\na &= b \\\\\n+ c\n\\end{aligned}"
    (piece,) = slack_pieces(Answer("answered", f"So:\n{latex}"))
    assert piece.text == "So:"
    assert piece.formulas == (Formula(latex),)


def test_a_formula_inside_of_a_sentence_is_drawn_only_if_it_does_not_read_well():
    assert discord_text("We know $$E = mc^2$$ already.") == ["We know E = mc² already."]
    pieces = discord_pieces(Answer("answered", "We know $$\\binom{n}{k}$$ already."))
    assert [piece.text for piece in pieces] == ["We know", "already."]
    assert pieces[0].formulas == (Formula("\\binom{n}{k}"),)


def test_formulas_in_a_quote_and_in_a_list_are_drawn_too():
    pieces = discord_pieces(Answer("answered", "> $$\n> a\n> $$\n\n1. one\n   $$\n   b\n   $$\n2. two"))
    assert [formula.latex for piece in pieces for formula in piece.formulas] == ["a", "b"]
    assert [piece.text for piece in pieces] == ["", "1. one", "2. two"]


def test_money_is_no_formula():
    assert discord_text("It costs $5 and then $10.") == ["It costs $5 and then $10."]


def test_dollars_in_code_are_no_formula():
    assert discord_text("`$x$` and\n\n```\n$$\na\n$$\n```") == ["`$x$` and\n\n```\n$$\na\n$$\n```"]


@pytest.mark.parametrize("markdown", ["$$ a", "\\[ a\n\nb \\]", "$$\na\n\nb\n$$", "\\begin{align} a", "$ a$", "\\( a"])
def test_a_formula_that_is_never_closed_is_text(markdown):
    pieces = discord_pieces(Answer("answered", markdown))
    assert not any(piece.formulas for piece in pieces)


def test_more_formulas_than_pictures_stand_as_latex():
    text = "\n\n".join(f"$$\nx_{n}\n$$" for n in range(12))
    pieces = discord_pieces(Answer("answered", text))
    assert sum(len(piece.formulas) for piece in pieces) == 8
    assert sum(piece.text.count("```latex\nx_") for piece in pieces) == 4


def test_a_formula_that_cannot_be_drawn_is_shown_as_latex():
    (piece,) = discord_pieces(Answer("answered", "So:\n\n$$\n\\foo\n$$"))
    assert piece.undrawn(piece.formulas).text == "So:\n```latex\n\\foo\n```"
