"""Pure: finds the Python blocks of an answer that do not compile. Parses and never runs them."""

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"((?:[ \t>]|[-*+][ \t]|\d{1,3}[.)][ \t]){0,40})(`{3,}|~{3,})([^`\n]*)", re.ASCII)
_PYTHON = re.compile(
    r"\s*\{?\s*\.?(?:code(?:-cell|-block)?\b[\s}{.]*)?(?:i?python3?|py3?|pycon)(?![\w+-])", re.IGNORECASE
)
_FLAG = "⚠️ This Python does not compile: "

_LONGEST = 20_000
"""Characters of a block that are parsed; nobody reads more in a chat, and deep nesting costs the parser its stack."""

_DOCTEST = re.compile(r"^\s*>>>", re.MULTILINE)
_PROMPT = re.compile(r"^\s*(?:>>>|\.\.\.)(?: |$)")
_NOTEBOOK_PROMPT = re.compile(r"^(?:In \[\d*\]:|\s*\.\.\.:) ?")
_NOTEBOOK_OUTPUT = re.compile(r"^Out\[\d*\]:")
_CELL_MAGIC = re.compile(r"\s*%%(\w+)")
_CELLS_OF_PYTHON = frozenset({"time", "timeit", "capture", "prun"})
_MAGIC = re.compile(r"^(\s*)(?:%\w|!(?!=)|\?+\w|[\w.]+\?{1,2}\s*$).*")
_ASSIGNED_MAGIC = re.compile(r"^(\s*[\w, ]+=\s*)(?:%\w|!(?!=)).*")


@dataclass(frozen=True, slots=True)
class CodeProblem:
    """A block, counted from 1 among the Python blocks, and the line in it, from 1, that does not compile."""

    block: int
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class _Block:
    """A fenced block: numbers of the lines of its code, and what its lines begin with."""

    first: int
    end: int
    prefix: str
    mark: str
    closed: bool
    python: bool


def check_python(markdown: str) -> tuple[CodeProblem, ...]:
    """Every fenced block that says it is Python and does not compile.

    Prompts of the interpreter and of notebooks, magics and `await` outside of a function are allowed.
    Blocks of more than 20,000 characters are not looked at.
    """
    lines = markdown.split("\n")
    blocks = [block for block in _blocks(lines) if block.python]
    found = (_problem(_code(lines, block), number) for number, block in enumerate(blocks, start=1))
    return tuple(problem for problem in found if problem is not None)


def describe_problems(markdown: str) -> list[str]:
    """One line for each block that does not compile, to be shown below the answer."""
    problems = check_python(markdown)
    if not problems:
        return []
    alone = sum(block.python for block in _blocks(markdown.split("\n"))) == 1
    return [
        f"⚠️ *{'The Python code' if alone else f'Python block {problem.block}'} above does not compile: "
        f"line {problem.line}, {problem.message}.*"
        for problem in problems
    ]


def flag_python(markdown: str) -> str:
    """The text with one line below each Python block that does not compile. Flags from before are renewed."""
    lines = markdown.split("\n")
    out: list[str] = []
    written = number = 0
    for block in _blocks(lines):
        if not block.python:
            continue
        number += 1
        problem = _problem(_code(lines, block), number)
        after = block.end + block.closed
        out += lines[written:after]
        written = after
        if written < len(lines) and lines[written].startswith(block.prefix + _FLAG):
            written += 1
        if problem is not None:
            out += [] if block.closed else [block.prefix + block.mark]
            out.append(f"{block.prefix}{_FLAG}line {problem.line}, {problem.message}.")
    return "\n".join(out + lines[written:])


def _blocks(lines: list[str]) -> Iterator[_Block]:
    number = 0
    while number < len(lines):
        number += 1
        opening = _FENCE.fullmatch(lines[number - 1].rstrip("\r"))
        if opening is None:
            continue
        mark = opening[2]
        closing = re.compile(rf"[ \t>]*{mark}{mark[0]}*[ \t\r]*")
        end = next((n for n in range(number, len(lines)) if closing.fullmatch(lines[n])), len(lines))
        prefix = re.sub(r"[^ \t>]", " ", opening[1])
        yield _Block(number, end, prefix, mark, end < len(lines), bool(_PYTHON.match(opening[3])))
        number = end + 1


def _code(lines: list[str], block: _Block) -> str:
    code = lines[block.first : block.end]
    if ">" in block.prefix:
        depth = block.prefix.count(">")
        code = [re.sub(rf"^[ \t]*(?:>[ \t]?){{0,{depth}}}", "", line) for line in code]
    return textwrap.dedent("\n".join(code))


def _problem(code: str, number: int) -> CodeProblem | None:
    if len(code) > _LONGEST or _parse(code) is None:
        return None
    plain = _plain(code)
    if plain is None or (error := _parse(plain)) is None:
        return None
    line = error.lineno if isinstance(error, SyntaxError) and error.lineno else 1
    return CodeProblem(number, max(1, min(line, plain.count("\n") + 1)), _message(error))


def _parse(code: str) -> Exception | None:
    """Why this is no Python; None if it is, or if it is nested too deeply to tell."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(code, "answer", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        return error
    except (RecursionError, MemoryError):
        return None
    return None


def _message(error: Exception) -> str:
    if not isinstance(error, SyntaxError):
        return "it cannot be parsed"
    message = re.sub(r" \((?:detected at|U\+|answer|<).*\)$", "", (error.msg or "invalid syntax").partition(";")[0])
    # The line is shown as Markdown: "bare *" would end the emphasis.
    message = message.replace("*", "star").replace("`", "backtick")
    return " ".join(message.split())[:120].rstrip(".") or "invalid syntax"


def _plain(code: str) -> str | None:
    """The code without prompts, output and magics, line by line; None if it is a cell of another language."""
    if magic := _CELL_MAGIC.match(code):
        if magic[1] not in _CELLS_OF_PYTHON:
            return None
        code = _CELL_MAGIC.sub("#", code, count=1)
    lines = code.split("\n")
    if _DOCTEST.search(code):
        lines = [_PROMPT.sub("", line) if _PROMPT.match(line) else "" for line in lines]
    lines = ["" if _NOTEBOOK_OUTPUT.match(line) else _NOTEBOOK_PROMPT.sub("", line) for line in lines]
    return "\n".join(_MAGIC.sub(r"\1pass", _ASSIGNED_MAGIC.sub(r"\1None", line)) for line in lines)
