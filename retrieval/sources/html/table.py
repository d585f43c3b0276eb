"""Reads the grid of an HTML table; knows cells and spans, nothing of what surrounds the table."""

from selectolax.lexbor import LexborNode

from retrieval.sources.html.inline import HEADINGS, Marks, raw_inline, render

_MOST_SPANNED = 60  # columns of a table, and rows or columns that one cell reaches over
_LONGEST_REPEAT = 200  # characters; a longer cell that spans rows is written once


def only_arranges(table: LexborNode) -> bool:
    """Whether a table lays out a page or code listing, so that it is read as what its cells hold."""
    if table.attributes.get("role") in ("presentation", "none"):
        return True
    return len(table.css("table")) > 1 or table.css_first(f"pre, {HEADINGS}") is not None


def read_grid(table: LexborNode, marks: Marks) -> list[list[str]]:
    """The cells' Markdown by row; a cell that spans rows is repeated, as it holds for each of them."""
    rows: list[list[str]] = []
    spanning: dict[int, tuple[int, str]] = {}
    for row in table.css("tr"):
        cells: list[str] = []
        for cell in row.iter():
            if cell.tag not in ("td", "th") or cell.mem_id in marks.noise:
                continue
            _fill(cells, spanning)
            text = render("".join(raw_inline(part, marks) for part in cell.iter(include_text=True)), "cell")
            text = text.removesuffix(";")
            down = _span(cell, "rowspan") - 1
            if down > 0:
                spanning[len(cells)] = (down, text if len(text) <= _LONGEST_REPEAT else "")
            cells += [text, *[""] * (_span(cell, "colspan") - 1)]
            if len(cells) >= _MOST_SPANNED:
                break
        _fill(cells, spanning)
        if any(cells):
            rows.append(cells[:_MOST_SPANNED])
    return rows


def _fill(cells: list[str], spanning: dict[int, tuple[int, str]]) -> None:
    """Put cells that reach down from above at the next places of a row."""
    while len(cells) in spanning:
        left, text = spanning.pop(len(cells))
        if left > 1:
            spanning[len(cells)] = (left - 1, text)
        cells.append(text)


def _span(cell: LexborNode, name: str) -> int:
    value = cell.attributes.get(name) or ""
    return min(max(int(value), 1), _MOST_SPANNED) if value.isascii() and value.isdigit() and len(value) < 5 else 1
