"""Pure: Markdown text as a sequence of headings, cleaned prose, and code and formulas that stay as they are.

Understands the dialects of Hugo, Jupyter Book (MyST), Quarto and Obsidian. Knows nothing of sections or files.
"""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from markdown_it.token import Token

from retrieval.sources.markdown.directives import Directive, directive_of
from retrieval.sources.markdown.inline import Cleaner
from retrieval.sources.markdown.parsing import block_parser, without_comments
from retrieval.sources.markdown.remnants import is_hollow
from retrieval.sources.text import LONGEST_HEADING


@dataclass(frozen=True, slots=True)
class Block:
    """A heading (plain text), a piece of prose, or code or a formula verbatim.

    `level` and `anchor` (an id the author set) are those of a heading; `glued` says that no blank line
    stands between this block and the one before it.
    """

    kind: Literal["heading", "prose", "verbatim"]
    text: str
    level: int = 0
    anchor: str | None = None
    glued: bool = False


# Lines that are instructions to the page's renderer.
_NOISE_LINE = re.compile(
    r"\s*(\([\w:.-]+\)=|\+\+\+.*|\{:[^}]*\}|\[\[?_?TOC_?\]?\]|\\(newpage|pagebreak)|-{3,}|\*{3,}|_{3,}|={3,}"
    r"|(\* ){2,}\*|(- ){2,}-|\[[^\]^]+\]:\s+\S.*)\s*",
    re.IGNORECASE,
)
_OPTION_LINE = re.compile(r"\s*:[a-z][\w-]*:(\s.*)?$")
_CALLOUT = re.compile(r"^(\s*(?:>\s*)+)\[![\w-]+\][+-]?\s*", re.MULTILINE)
_ATTRIBUTES = re.compile(r"\s*\{(?=[#.:\-]|[\w-]+=)(?:[^{}]*?#(?P<id>[^\s{}]+))?[^{}]*\}\s*$")
_HIDDEN_ELEMENT = re.compile(r"<(script|style|iframe|svg|video|audio|object)\b[\s\S]*?</\1\s*>", re.IGNORECASE)
_PREFORMATTED = re.compile(r"<pre\b[^>]*>([\s\S]*?)</pre\s*>", re.IGNORECASE)
_CODE_SIGN = re.compile(r"[={}\[\];<>$]|\w\(|^\s*(import|from|def|class|>>>|[%!#])", re.MULTILINE)
# Indented text with longer lines is a paragraph that slipped, not code.
_WORDS_IN_A_LINE_OF_CODE = 10
# Editors align the columns of a table; in a passage that costs more room than the words.
_TABLE_PADDING = re.compile(r"(?<=\|)[ \t]{2,}|[ \t]{2,}(?=\|)")
_TABLE_RULE = re.compile(r"-{4,}(?=:?[ \t]*\|)")
_DEEPEST = 6
# A heading as written, with its links and attributes.
_LONGEST_SOURCE = 800


def blocks(text: str, cleaner: Cleaner, depth: int = 0) -> list[Block]:
    """The blocks of a Markdown text in order; empty ones are left out."""
    text = without_comments(text)
    if not depth:
        cleaner.know_references(text)
    lines = text.split("\n")
    tokens = block_parser().parse(text)
    inside = _container_depths(tokens)
    found: list[Block] = []
    done, last_leaf = 0, ""
    for index, token in enumerate(tokens):
        if token.map is None or not _is_leaf(token):
            continue
        start, end = token.map
        found += _prose(lines[done:start], cleaner, last_leaf)
        follows = start > 0 and bool(lines[start - 1].strip())
        for number, block in enumerate(_leaf(tokens, index, lines[start:end], cleaner, depth)):
            if block.kind == "heading" and inside[index]:
                block = Block("prose", block.text)
            found.append(replace(block, glued=(block.glued if number else follows) and not block.level))
        done, last_leaf = end, token.type
    found += _prose(lines[done:], cleaner, last_leaf)
    return [block for block in found if block.text.strip()]


def _is_leaf(token: Token) -> bool:
    if token.type in ("fence", "display", "colons"):
        return True
    return token.level == 0 and token.type in ("heading_open", "code_block", "html_block")


def _container_depths(tokens: Sequence[Token]) -> list[bool]:
    """For each token, whether it stands inside a `:::` container; never, when the containers do not balance."""
    depth, depths = 0, []
    for token in tokens:
        if token.type == "colons":
            depth += 1 if token.info else -1
        depths.append(depth > 0)
    return depths if depth == 0 else [False] * len(depths)


def _leaf(tokens: Sequence[Token], index: int, lines: list[str], cleaner: Cleaner, depth: int) -> Iterator[Block]:
    token = tokens[index]
    match token.type:
        case "heading_open":
            yield from _heading(token, tokens[index + 1].content, cleaner)
        case "fence":
            yield from _fence(token, lines, cleaner, depth)
        case "display":
            yield Block("verbatim", _display(token, lines))
        case "colons":
            yield Block("prose", cleaner.clean(_container_title(token.info)))
        case "code_block":
            if _is_code(token.content):
                yield Block("verbatim", fenced(token.content.rstrip(), ""))
            else:
                yield from _prose(token.content.split("\n"), cleaner)
        case "html_block":
            yield from _html("\n".join(lines), cleaner)


def _is_code(indented: str) -> bool:
    lines = [line for line in indented.split("\n") if line.strip()]
    return bool(_CODE_SIGN.search(indented)) and len(indented.split()) <= _WORDS_IN_A_LINE_OF_CODE * len(lines)


def _heading(token: Token, content: str, cleaner: Cleaner) -> Iterator[Block]:
    """A heading, or prose where somebody set a whole paragraph as one."""
    is_short = len(content) <= _LONGEST_SOURCE
    attributes = _ATTRIBUTES.search(content) if is_short else None
    plain = cleaner.plain(content[: attributes.start()] if attributes else content) if is_short else ""
    if not is_short or len(plain) > LONGEST_HEADING:
        yield from _prose([content], cleaner)
    elif plain:
        yield Block("heading", plain, int(token.tag[1]), attributes["id"] if attributes else None)


def _prose(lines: list[str], cleaner: Cleaner, below: str = "") -> Iterator[Block]:
    """One block of the paragraphs in `lines`, each cleaned; `below` is the kind of token above them."""
    if below == "colons":
        while lines and _OPTION_LINE.match(lines[0]):
            lines = lines[1:]
    kept = "\n".join("" if _NOISE_LINE.fullmatch(line) else line.rstrip() for line in lines)
    cleaned = []
    for paragraph in re.split(r"\n(?:[ \t]*\n)+", kept):
        text = cleaner.clean(_CALLOUT.sub(r"\1", paragraph)) if paragraph.strip() else ""
        if text.lstrip().startswith("|"):
            text = _TABLE_RULE.sub("---", _TABLE_PADDING.sub(" ", text))
        if text.strip() and not is_hollow(text):
            cleaned.append(re.sub(r"[ \t]*\n(?:[ \t]*\n)*", _line_end, text).strip("\n"))
    if cleaned:
        yield Block(
            "prose", "\n\n".join(cleaned).strip("\n"), glued=below in ("fence", "display") and bool(lines[0].strip())
        )


def _line_end(gap: re.Match[str]) -> str:
    return "\n\n" if gap.group().count("\n") > 1 else "\n"


def _fence(token: Token, lines: list[str], cleaner: Cleaner, depth: int) -> Iterator[Block]:
    directive = directive_of(token.info.strip(), token.content)
    if directive is None or (directive.kind == "prose" and depth >= _DEEPEST):
        if token.content.strip():
            yield Block("verbatim", _closed(token, lines))
    elif directive.kind == "prose":
        yield from _directive_as_prose(directive, cleaner, depth)
    elif directive.kind == "code":
        yield Block("verbatim", fenced(directive.body.rstrip("\n"), directive.title))
    elif directive.kind == "formula" and directive.body.strip():
        yield Block("verbatim", f"$$\n{directive.body.strip()}\n$$")


def _directive_as_prose(directive: Directive, cleaner: Cleaner, depth: int) -> Iterator[Block]:
    if directive.title:
        yield Block("prose", cleaner.clean(directive.title))
    for block in blocks(directive.body, cleaner, depth + 1):
        yield Block("prose", block.text) if block.kind == "heading" else block


def _closed(token: Token, lines: list[str]) -> str:
    """The fence as written; one that the page forgets to close, or closes inside a quotation, is closed."""
    lines = "\n".join(lines).rstrip().split("\n")
    quote = re.match(r"[\s>]*", lines[0])
    closing = (quote[0] if quote else "") + token.markup
    mark = re.escape(token.markup[0])
    if len(lines) > 1 and re.search(rf"(?:^|[\s>]){mark}{{{len(token.markup)},}}$", lines[-1]):
        return "\n".join(lines if ">" in closing or ">" not in lines[-1] else [*lines[:-1], closing])
    return "\n".join([*lines, closing])


def fenced(code: str, language: str) -> str:
    """`code` in a fence that is longer than any run of backticks inside it."""
    longest = max((len(run) for run in re.findall(r"`{3,}", code)), default=2)
    mark = "`" * (longest + 1)
    return f"{mark}{language}\n{code}\n{mark}" if code.strip() else ""


def _display(token: Token, lines: list[str]) -> str:
    """A formula between double dollars, whatever marks the author used."""
    text = "\n".join(lines)
    if token.markup == "environment":
        return f"$$\n{text.strip()}\n$$"
    if token.markup == "bracket":
        head, _, rest = text.partition("\\[")
        inner, _, tail = rest.rpartition("\\]")
        return f"{head}$${inner}$${tail}"
    if token.markup == "highlight":
        return fenced("\n".join(lines[1:-1]), token.info)
    return text


def _container_title(info: str) -> str:
    """What a reader sees of the line that opens a container."""
    if title := re.search(r'title\s*=\s*"([^"]*)"', info):
        return title[1]
    directive = directive_of(info, "")
    if directive is not None:
        return directive.title if directive.kind == "prose" else ""
    return "" if info.startswith("{") else " ".join(info.split()[1:])


def _html(text: str, cleaner: Cleaner) -> Iterator[Block]:
    """A block of HTML as prose; what stands in `<pre>` as code."""
    last = 0
    for code in _PREFORMATTED.finditer(text):
        yield from _html_prose(text[last : code.start()], cleaner)
        plain = html.unescape(re.sub(r"</?[A-Za-z][^<>]*>", "", code[1]))
        yield Block("verbatim", fenced(plain.strip("\n"), ""))
        last = code.end()
    yield from _html_prose(text[last:], cleaner)


def _html_prose(text: str, cleaner: Cleaner) -> Iterator[Block]:
    visible = cleaner.clean(_HIDDEN_ELEMENT.sub("", text))
    stripped = [line.strip() for line in visible.split("\n")]
    kept = [line.removesuffix("|").rstrip() for line in stripped if line.strip("| ") and not is_hollow(line)]
    if kept:
        yield Block("prose", "\n".join(kept))
