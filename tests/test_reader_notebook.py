"""Jupyter notebooks: one running page of Markdown and code, tolerant of what Jupyter tolerates."""

import json
from typing import Any

import pytest

from retrieval.errors import UnreadableFile
from retrieval.passage import Document
from retrieval.sources.notebook import read_notebook


def markdown(*lines: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": [f"{line}\n" for line in lines]}


def code(source: str, **extra: Any) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "outputs": [{"text": "LEAKED OUTPUT"}], "metadata": {}, **extra}


def read(*cells: dict[str, Any], path: str = "labs/sgd.ipynb", **metadata: Any) -> Document:
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": [*cells]}
    return read_notebook(path, json.dumps(notebook).encode())


def test_headings_span_cells_and_code_becomes_fences() -> None:
    page = read(
        markdown("# Stochastic gradients"),
        markdown("## Noise", "", "Each batch *differs*."),
        code("%matplotlib inline\nx = [[1, 2]]\n"),
        code("   \n"),
        markdown("## Step size", "", "Halve it."),
        kernelspec={"name": "python3", "language": "python"},
    )
    assert page.title == "Stochastic gradients"
    assert [(section.headings, section.locator.anchor) for section in page.sections] == [
        (("Noise",), "noise"),
        (("Step size",), "step-size"),
    ]
    assert page.sections[0].text == "Each batch *differs*.\n\n```python\n%matplotlib inline\nx = [[1, 2]]\n```"


def test_outputs_and_pasted_pictures_are_left_out() -> None:
    page = read(
        markdown(
            "Look: ![image.png](attachment:image.png) ![](data:image/png;base64,iVBORw0KGgo=)", "<img src='data:x'>"
        ),
        code("print(1)"),
    )
    assert page.sections[0].text == "Look:\n\n```python\nprint(1)\n```"


@pytest.mark.parametrize(
    ("metadata", "source", "fence"),
    [
        ({"kernelspec": {"name": "ir", "language": "R"}}, "x <- 1", "```r"),
        ({"kernelspec": {"name": "julia-1.9"}}, "x = 1", "```julia"),
        ({"language_info": {"name": "python"}}, "%%bash\nls", "```bash"),
        ({}, "x = 1", "```python"),
        ({"kernelspec": None, "language_info": []}, "x = 1", "```python"),
        ({}, 's = """\n```\n"""', "````python"),
    ],
)
def test_the_kernel_names_the_language(metadata: dict[str, Any], source: str, fence: str) -> None:
    text = read(code(source), **metadata).sections[0].text
    assert text.split("\n")[0] == fence
    assert source in text


def test_a_fence_left_open_in_one_cell_does_not_swallow_the_next() -> None:
    page = read(markdown("```python", "x = 1"), markdown("## After", "", "Text."))
    assert page.sections[-1].headings == ("After",)


def test_titles_come_from_metadata_front_matter_or_path() -> None:
    assert read(markdown("Text."), title="Word vectors").title == "Word vectors"
    raw = {"cell_type": "raw", "source": "---\ntitle: From Quarto\n---\n"}
    assert read(raw, markdown("Text.")).title == "From Quarto"
    assert read(markdown("Text."), path="labs/monte-carlo/index.ipynb").title == "Monte carlo"


def test_raw_cells_are_meant_for_converters() -> None:
    page = read(markdown("Text."), {"cell_type": "raw", "source": "\\newcommand{\\x}{y}"})
    assert page.sections[0].text == "Text."


def test_the_old_format_is_read_too() -> None:
    old = {
        "nbformat": 3,
        "worksheets": [
            {
                "cells": [
                    {"cell_type": "heading", "level": 1, "source": ["Old ", "title"]},
                    {"cell_type": "heading", "level": 2, "source": "Part"},
                    {"cell_type": "code", "input": ["print 1"], "language": "python"},
                ]
            }
        ],
    }
    page = read_notebook("old.ipynb", json.dumps(old).encode())
    assert page.title == "Old title"
    assert page.sections[0].headings == ("Part",)
    assert page.sections[0].text == "```python\nprint 1\n```"


def test_half_a_surrogate_pair_is_repaired() -> None:
    page = read_notebook("a.ipynb", rb'{"cells": [{"cell_type": "markdown", "source": "Text \ud83d here"}]}')
    assert page.sections[0].text.encode()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b'{"cells": [\n{"cell_type": ]}', "not a notebook: Expecting value, line 2"),
        (b'{\n<<<<<<< HEAD\n"cells": []}', "unresolved merge conflict, line 2"),
        (b"[1, 2]", "no cells"),
        (b'{"a": 1}', "no cells"),
        (b"[" * 100_000, "too deep"),
        (b'{"cells": ' + b"9" * 5000 + b"}", "too long"),
        (b'{"cells": []}', "empty"),
        (b'{"cells": [3, null, {"cell_type": "code", "source": null}, {"source": [1]}]}', "empty"),
    ],
)
def test_what_is_no_notebook_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        read_notebook("a.ipynb", data)
