"""Pure: finds the Python blocks of an answer that do not compile."""

import ast
import re
import textwrap
import warnings
from dataclasses import dataclass

_BLOCK = re.compile(
    r"^[ \t]*(?P<mark>`{3,}|~{3,})[ \t]*\{?\.?(?:python3?|py)\b[^\n]*\n"
    r"(?P<code>.*?)(?:^[ \t]*(?P=mark)[`~]*[ \t]*$|\Z)",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
_PROMPT = re.compile(r"^\s*(?:>>>|\.\.\.)(?: |$)")
_MAGIC = re.compile(r"^(\s*)(?:%|!).*$")
_LONGEST = 50_000


@dataclass(frozen=True, slots=True)
class CodeProblem:
    """A block, counted from 1 among the Python blocks, and the line in it, from 1, that does not compile."""

    block: int
    line: int
    message: str


def check_python(markdown: str) -> tuple[CodeProblem, ...]:
    """Every Python block that does not compile. Doctest prompts and notebook magics are allowed."""
    problems = []
    for number, match in enumerate(_BLOCK.finditer(markdown), start=1):
        if (problem := _compile(match.group("code"), number)) is not None:
            problems.append(problem)
    return tuple(problems)


def describe_problems(markdown: str) -> list[str]:
    """One line for each block that does not compile, to be shown below the answer."""
    problems = check_python(markdown)
    alone = len(_BLOCK.findall(markdown)) == 1
    return [
        f"⚠️ *{'The Python code' if alone else f'Python block {problem.block}'} above does not compile: "
        f"line {problem.line}, {problem.message}.*"
        for problem in problems
    ]


def _compile(code: str, number: int) -> CodeProblem | None:
    if len(code) > _LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(_plain(code))
    except SyntaxError as error:
        return CodeProblem(number, error.lineno or 1, (error.msg or "invalid syntax").split(" (")[0])
    except (ValueError, RecursionError, MemoryError):
        return CodeProblem(number, 1, "cannot be parsed")
    return None


def _plain(code: str) -> str:
    """The code without prompts and output of a doctest, and with magics turned into `pass`."""
    lines = textwrap.dedent(code).splitlines()
    if any(line.lstrip().startswith(">>>") for line in lines):
        lines = [_PROMPT.sub("", line) if _PROMPT.match(line) else "" for line in lines]
    return "\n".join(_MAGIC.sub(r"\1pass", line) for line in lines)
