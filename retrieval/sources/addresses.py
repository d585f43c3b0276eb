"""Where a file of a source is found on the web."""

import csv
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from retrieval.errors import SourceError


def read_table(file: Path) -> dict[str, str]:
    """A tab-separated table with the columns `path` and `url`. Raises SourceError, naming the line."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream, delimiter="\t")
            if rows.fieldnames is None or not {"path", "url"} <= set(rows.fieldnames):
                raise SourceError(f"{file}: the first line must name the columns path and url")
            table = {}
            for row in rows:
                path, url = (row["path"] or "").strip(), (row["url"] or "").strip()
                if not path or not url.startswith(("https://", "http://")):
                    raise SourceError(f"{file}, line {rows.line_num}: expected a path and an http(s) address")
                table[path.removeprefix("./")] = url
            return table
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"cannot read {file}: {error}", "Correct `urls` in the course file.") from error


def address(path: str, table: Mapping[str, str], base_url: str | None, location: Path | None) -> str:
    """The table's URL, else base URL + path, else the file's own `file:` address."""
    if path in table:
        return table[path]
    if base_url is not None:
        return base_url.rstrip("/") + "/" + quote(path)
    return location.as_uri() if location is not None else path
