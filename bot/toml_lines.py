"""Pure: on which line of a TOML file a key stands, which `tomllib` does not tell. Expects what `tomllib` accepts."""

import re
import tomllib

Place = tuple[str | int, ...]
"""Keys from the outermost in; an int counts the tables or values of an array from 0."""

_IGNORED = re.compile(r"(?:[\s,]|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|' + r"'''.*?'{3,5}|" + r'"(?:\\.|[^"\\\n])*"|' + r"'[^'\n]*'",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_SCALAR = re.compile(r"[^,\]}\n#]+")


def line_of(text: str, place: Place) -> int:
    """The line, from 1, of a key or, if it is not in the file, of the innermost table around it; else 1."""
    scan = _Scan(text)
    scan.document()
    return next((scan.found[place[:end]] for end in range(len(place), 0, -1) if place[:end] in scan.found), 1)


class _Scan:
    """Walks once through a file and notes where everything begins."""

    def __init__(self, text: str) -> None:
        self.found: dict[Place, int] = {}
        self._text, self._at = text.removeprefix("\ufeff"), 0
        self._tables: dict[Place, int] = {}  # arrays of tables, and the number of their last one

    def document(self) -> None:
        """Headers and what stands below them."""
        table: Place = ()
        while not self._ends(""):
            if self._ends("["):
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Place:
        line = self._line()
        brackets = 2 if self._text.startswith("[[", self._at) else 1
        self._at += brackets
        *outer, name = self._key()
        self._ignore()
        self._at += brackets
        table: Place = ()
        for part in outer:
            table = (*table, part)
            self.found.setdefault(table, line)
            table = self._inside(table)
        table = (*table, name)
        self.found.setdefault(table, line)
        if brackets == 2:
            self._tables[table] = self._tables.get(table, -1) + 1
        table = self._inside(table)
        self.found.setdefault(table, line)
        return table

    def _inside(self, table: Place) -> Place:
        return (*table, self._tables[table]) if table in self._tables else table

    def _pair(self, table: Place) -> None:
        line, keys = self._line(), self._key()
        for end in range(1, len(keys) + 1):
            self.found.setdefault((*table, *keys[:end]), line)
        self._ignore()
        self._at += 1  # the equals sign
        self._value((*table, *keys))

    def _value(self, place: Place) -> None:
        if self._ends("["):
            self._at += 1
            number = 0
            while not self._ends("]"):
                self.found[(*place, number)] = self._line()
                self._value((*place, number))
                number += 1
            self._at += 1
        elif self._ends("{"):
            self._at += 1
            while not self._ends("}"):
                self._pair(place)
            self._at += 1
        else:
            value = _STRING.match(self._text, self._at) or _SCALAR.match(self._text, self._at)
            self._at = value.end() if value else len(self._text)

    def _key(self) -> list[str]:
        """The parts of a dotted key."""
        self._ignore()
        parts: list[str] = []
        while True:
            if bare := _BARE_KEY.match(self._text, self._at):
                parts.append(bare.group())
                self._at = bare.end()
            elif quoted := _STRING.match(self._text, self._at):
                parts.append(tomllib.loads(f"key = {quoted.group()}")["key"])
                self._at = quoted.end()
            if (dot := _DOT.match(self._text, self._at)) is None:
                return parts
            self._at = dot.end()

    def _ends(self, mark: str) -> bool:
        """Whether the mark comes next, or nothing at all."""
        self._ignore()
        return self._at >= len(self._text) or (bool(mark) and self._text[self._at] == mark)

    def _ignore(self) -> None:
        blank = _IGNORED.match(self._text, self._at)
        self._at = blank.end() if blank else self._at

    def _line(self) -> int:
        self._ignore()
        return self._text.count("\n", 0, self._at) + 1
