"""Reads Jupyter notebooks: Markdown cells as one running page, code cells as fences; outputs are left out.

The file is read as plain JSON, leniently: nbformat's validation would refuse notebooks that Jupyter opens.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from retrieval.errors import UnreadableFile
from retrieval.passage import Document
from retrieval.sources.markdown.blocks import Block, blocks, fenced
from retrieval.sources.markdown.inline import Cleaner
from retrieval.sources.markdown.page import front_matter, page
from retrieval.sources.text import decode, tidy, usable_title

_CELL_LANGUAGE = re.compile(r"%%(bash|sh|html|javascript|js|latex|perl|ruby|R|sql|writefile|markdown|svg)\b")
_PERCENT_LANGUAGES = {"sh": "bash", "js": "javascript", "R": "r", "writefile": ""}


def read_notebook(path: str, data: bytes) -> Document:
    """Read one notebook, of format 3 or 4.

    Raises UnreadableFile when it is no notebook, or has neither text nor code.
    """
    notebook = _parsed(decode(data))
    metadata = _mapping(notebook.get("metadata"))
    cleaner = Cleaner()
    content: list[Block] = []
    declared = usable_title(_string(metadata.get("title")))
    for kind, source in _cells(notebook):
        if kind == "markdown" or (kind == "raw" and not content):
            if not content:
                title, source = front_matter(source)
                declared = title or declared
            # What a raw cell holds below its front matter is meant for a converter, not for a reader.
            content += blocks(source, cleaner) if kind == "markdown" else ()
        elif kind == "code":
            content.append(Block("verbatim", _code(source, _language(metadata))))
    return page(path, declared, [block for block in content if block.text.strip()], cleaner)


def _parsed(text: str) -> dict[str, Any]:
    try:
        notebook = json.loads(text)
    except json.JSONDecodeError as error:
        reason = "an unresolved merge conflict" if "\n<<<<<<< " in f"\n{text}" else error.msg
        raise UnreadableFile(f"not a notebook: {reason}, line {error.lineno}") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableFile("not a notebook: numbers too long or lists too deep") from error
    if not isinstance(notebook, dict) or not ("cells" in notebook or "worksheets" in notebook):
        raise UnreadableFile("not a notebook: it has no cells")
    return notebook


def _cells(notebook: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each cell's kind and source; format 3 keeps cells in worksheets and headings in cells of their own."""
    lists = [notebook.get("cells"), *(_mapping(sheet).get("cells") for sheet in _list(notebook.get("worksheets")))]
    for cell in (_mapping(cell) for cells in lists for cell in _list(cells)):
        kind = _string(cell.get("cell_type"))
        source = cell.get("source", cell.get("input", ""))
        text = "".join(map(_string, source)) if isinstance(source, list) else _string(source)
        if kind == "heading":
            level = cell.get("level")
            kind, text = "markdown", f"{'#' * (level if isinstance(level, int) and 1 <= level <= 6 else 1)} {text}"
        if text.strip():
            yield kind, tidy(text)


def _code(source: str, language: str) -> str:
    cell = source.strip("\n").rstrip()
    if percent := _CELL_LANGUAGE.match(cell):
        language = _PERCENT_LANGUAGES.get(percent[1], percent[1])
    return fenced(cell, language)


def _language(metadata: dict[str, Any]) -> str:
    """The language of the code cells, as a fence names it; Python when nothing says otherwise."""
    kernel, info = _mapping(metadata.get("kernelspec")), _mapping(metadata.get("language_info"))
    name = _string(info.get("name")) or _string(kernel.get("language")) or _string(kernel.get("name")) or "python"
    word = re.match(r"[a-z+#]*", name.lower().strip().removeprefix("i" if name.startswith("ipython") else ""))
    return {"ir": "r", "": "python"}.get(word[0], word[0]) if word else "python"


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
