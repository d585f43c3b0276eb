"""Python in an answer is parsed before a student runs it, and marked where it does not compile."""

import time
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_text import HOSTILE, ODD

from bot.code_check import CodeProblem, check_python, describe_problems, flag_python

WRONG = "x = ("


def block(code: str, language: str = "python", fence: str = "```") -> str:
    return f"Before.\n\n{fence}{language}\n{code}\n{fence}\n\nAfter."


@pytest.mark.parametrize(
    "code",
    [
        "import torch\n\n\ndef f(x: int) -> int:\n    return x[1]",
        "...",
        "def f(x): ...",
        "class Net(nn.Module):\n    ...",
        "    x = 1\n    y = 2",
        "return x",
        "await client.get(url)",
        "async for x in y: print(x)",
        "re.match('\\d', x) is 'a'",
        ">>> x = 1\n>>> x\n1\n>>> def f():\n...     return 2\n...\n>>> f()\n2",
        "In [1]: x = 1\n   ...: y = 2\n\nOut[1]: <a thing>",
        "%matplotlib inline\n!pip install torch\nfiles = !ls\nspeed = %timeit f()\nhelp?\n?help\nif x:\n    %time f()",
        "%%time\nx = 1",
        "%%bash\nfor f in *; do echo $f; done",
        "x = (a\n     % b)",
        "x = a if b \\\n    else c",
        "",
        "x = 1\r\ny = 2\r",
        "match x:\n    case [1, *_]: pass",
    ],
)
def test_what_compiles_is_not_flagged(code: str) -> None:
    assert check_python(block(code)) == ()
    assert flag_python(block(code)) == block(code)
    assert describe_problems(block(code)) == []


@pytest.mark.parametrize(
    ("code", "line", "message"),
    [
        (WRONG, 1, "'(' was never closed"),
        ("x = 1\n\ny = = 2", 3, "invalid syntax"),
        ("if x:\ny = 1", 2, "expected an indented block after 'if' statement on line 1"),
        ("x = 'abc", 1, "unterminated string literal"),
        ("x = “abc”", 1, "invalid character '“'"),
        ("    x = 1\n  y = 2", 1, "unexpected indent"),
        ("x = 1\x00", 1, "null bytes"),
        (">>> x = 1\n1\n>>> y = (", 3, "'(' was never closed"),
        ("%matplotlib inline\nx = (", 2, "'(' was never closed"),
        ("print 'x'", 1, "Missing parentheses in call to 'print'"),
        ("1" * 5000, 1, "Exceeds the limit"),
    ],
)
def test_what_does_not_compile_is_found(code: str, line: int, message: str) -> None:
    (problem,) = check_python(block(code))
    assert (problem.block, problem.line) == (1, line)
    assert message in problem.message


@pytest.mark.parametrize("fence", ["```", "````", "~~~"])
@pytest.mark.parametrize(
    "language",
    [
        *("python", "py", "python3", "Python", " python", "pycon"),
        *("{python}", "{.python .numberLines}", "{code-cell} ipython3"),
    ],
)
def test_python_has_many_names(language: str, fence: str) -> None:
    assert len(check_python(block(WRONG, language, fence))) == 1


@pytest.mark.parametrize("language", ["", "text", "bash", "js", "python2", "pyspark", "pytest", "c++"])
def test_other_languages_are_left_alone(language: str) -> None:
    assert check_python(block(WRONG, language)) == ()


def test_a_flag_stands_below_its_block() -> None:
    text = block(WRONG) + "\n\n" + block("x = 1") + "\n\n" + block("y = 1\nz = (", "py")
    lines = flag_python(text).splitlines()
    assert lines[4] == "```"
    assert lines[5] == "⚠️ This Python does not compile: line 1, '(' was never closed."
    assert lines[-3] == "⚠️ This Python does not compile: line 2, '(' was never closed."
    assert [line for line in lines if not line.startswith("⚠️")] == text.splitlines()


def test_blocks_in_lists_and_quotes_keep_their_place() -> None:
    assert flag_python("1. So:\n   ```python\n   x = (\n   ```\n2. Then") == (
        "1. So:\n   ```python\n   x = (\n   ```\n"
        "   ⚠️ This Python does not compile: line 1, '(' was never closed.\n2. Then"
    )
    assert flag_python("> ```py\n> def f():\n>     x = (\n> ```") == (
        "> ```py\n> def f():\n>     x = (\n> ```\n> ⚠️ This Python does not compile: line 2, '(' was never closed."
    )
    assert check_python("> ```py\n> if x:\n>     y = 1\n> ```\n- ```py\n  if x:\n      y = 1\n  ```") == ()


def test_a_block_that_is_cut_off_is_closed_before_its_flag() -> None:
    assert flag_python("```python\nx = (") == (
        "```python\nx = (\n```\n⚠️ This Python does not compile: line 1, '(' was never closed."
    )
    assert flag_python("```python\nx = 1") == "```python\nx = 1"


def test_fences_inside_a_longer_fence_are_its_text() -> None:
    assert check_python("````markdown\n```python\nx = (\n```\n````") == ()


def test_a_flag_goes_when_the_code_is_mended() -> None:
    flagged = flag_python(block(WRONG))
    assert flag_python(flagged) == flagged
    assert flag_python(flagged.replace(WRONG, "x = 1")) == block("x = 1")


def test_remarks_name_the_block_where_there_are_several() -> None:
    assert describe_problems(block("x = 1\ny = (")) == [
        "⚠️ *The Python code above does not compile: line 2, '(' was never closed.*"
    ]
    assert describe_problems(block("x = 1") + block(WRONG)) == [
        "⚠️ *Python block 2 above does not compile: line 1, '(' was never closed.*"
    ]


def test_messages_do_not_break_the_line_they_are_shown_in() -> None:
    (remark,) = describe_problems(block("def f(a, *): pass"))
    assert remark.count("*") == 2
    assert remark.count("\n") == 0


def test_parsing_warns_nobody() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_python(block("'\\d' is 1")) == ()


DEEP = ["(", "[", "-", "not ", "lambda:", "a.", "1+", "f(", "a[0][", "f'{", "await ", "if x:\n", "*", "x=", "\x00"]


@pytest.mark.parametrize("piece", DEEP)
@pytest.mark.parametrize("characters", [1_000, 19_990, 200_000])
def test_no_nesting_stops_the_check(piece: str, characters: int) -> None:
    code = (piece * characters)[:characters] + "1"
    start = time.process_time()
    problems = check_python(block(code))
    assert time.process_time() - start < 2.0
    assert all(isinstance(problem, CodeProblem) for problem in problems)


def test_huge_blocks_are_not_looked_at() -> None:
    assert check_python(block("x = (\n" * 10_000)) == ()


@settings(max_examples=300, deadline=None, derandomize=True)
@given(ODD, st.sampled_from(["python", "py", "text", ""]))
def test_only_flags_are_added(text: str, language: str) -> None:
    markdown = f"```{language}\n{text}\n```\n{text}"
    flagged = flag_python(markdown)
    assert flag_python(flagged) == flagged
    kept = [line for line in flagged.split("\n") if "⚠️" not in line]
    assert kept[: markdown.count("\n") + 1] == markdown.split("\n")
    assert len(describe_problems(markdown)) == flagged.count("⚠️")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_takes_long(text: str) -> None:
    start = time.process_time()
    flag_python(text)
    flag_python(block(text))
    assert time.process_time() - start < 2.0
