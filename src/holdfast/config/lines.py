"""On which line of a TOML text each key stands, which `tomllib` does not tell.

The text has been read by `tomllib` already, so it is known to be right, and little has to be looked at: where keys are,
and where values end. A path is made of keys, and of the places of what stands in arrays, counted from 0.
"""

from __future__ import annotations

from bisect import bisect_right

from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from re import Pattern
    from typing import TypeAlias

    Path: TypeAlias = tuple[str | int, ...]


def lines_of(text: str) -> dict[Path, int]:
    r"""Return the line, counted from 1, of each table, key and element; of a table, the first that belongs to it.

    >>> lines_of("[a]\nb.c = 1\n")
    {('a',): 1, ('a', 'b'): 2, ('a', 'b', 'c'): 2}
    """
    return _Reader(text).lines


class _Reader:
    """Goes once through the text."""

    def __init__(self, text: str) -> None:
        import re

        self.lines: dict[Path, int] = {}
        self._text = text
        self._at = 0
        self._breaks = [place for place, letter in enumerate(text) if letter == "\n"]
        self._arrays: dict[Path, int] = {}  # of arrays of tables: the place of the last table
        self._blank = re.compile(r"(?:\s|#[^\n]*)*")
        self._bare = re.compile(r"[^\s.=\]]+")
        self._scalar = re.compile(r"[^,\]}#\n]*")
        self._strings: tuple[tuple[str, Pattern[str]], ...] = (
            # A string in three quotes may end in one or two more, which belong to it.
            ('"""', re.compile(r'"""(?:[^\\]|\\.)*?"""(?!")', re.DOTALL)),
            ("'''", re.compile(r"'''.*?'''(?!')", re.DOTALL)),
            ('"', re.compile(r'"(?:[^"\\]|\\.)*"')),
            ("'", re.compile(r"'[^']*'")),
        )
        table: Path = ()
        while self._next() is not None:
            table = self._statement(table)

    def _next(self) -> str | None:
        """Return the next character that says something; None at the end."""
        self._skip(self._blank)
        return self._text[self._at] if self._at < len(self._text) else None

    def _skip(self, what: Pattern[str]) -> str:
        """Go past what matches here, and return it."""
        found = what.match(self._text, self._at)
        assert found is not None, "tomllib has read it"  # noqa: S101
        self._at = found.end()
        return found.group()

    def _statement(self, table: Path) -> Path:
        """Read one header or one assignment; return the table that the next assignment belongs to."""
        if self._text[self._at] != "[":
            self._assignment(table)
            return table
        array = self._text.startswith("[[", self._at)
        self._at += 2 if array else 1
        line = self._line()
        keys = self._keys()
        self._at += 2 if array else 1
        path: Path = ()
        for key in keys[:-1]:
            path = self._entered((*path, key), line)
        path = (*path, keys[-1])
        if array:
            self._note(path, line)
            self._arrays[path] = self._arrays.get(path, -1) + 1
        return self._entered(path, line)

    def _entered(self, path: Path, line: int) -> Path:
        """Note a table; of an array of tables, the last one."""
        self._note(path, line)
        if path in self._arrays:
            path = (*path, self._arrays[path])
            self._note(path, line)
        return path

    def _assignment(self, table: Path) -> None:
        line = self._line()
        path = table
        for key in self._keys():
            path = (*path, key)
            self._note(path, line)
        self._at += 1  # the equals sign
        self._next()
        self._value(path)

    def _keys(self) -> list[str]:
        """Read a key with all its parts, and what is blank after it."""
        keys = [self._key()]
        while self._next() == ".":
            self._at += 1
            keys.append(self._key())
        return keys

    def _key(self) -> str:
        quote = self._next()
        if quote not in ("'", '"'):
            return self._skip(self._bare)
        quoted = self._skip(self._strings[2 if quote == '"' else 3][1])
        if quote == "'" or "\\" not in quoted:
            return quoted[1:-1]
        import tomllib

        key: str = tomllib.loads(f"key = {quoted}")["key"]
        return key

    def _value(self, path: Path) -> None:
        for quotes, pattern in self._strings:
            if self._text.startswith(quotes, self._at):
                self._skip(pattern)
                return
        opening = self._text[self._at]
        if opening not in "[{":
            self._skip(self._scalar)
            return
        closing = "]" if opening == "[" else "}"
        self._at += 1
        place = 0
        while self._next() != closing:
            if self._text[self._at] == ",":
                self._at += 1
            elif opening == "{":
                self._assignment(path)
            else:
                self._note((*path, place), self._line())
                self._value((*path, place))
                place += 1
        self._at += 1

    def _line(self) -> int:
        return bisect_right(self._breaks, self._at) + 1

    def _note(self, path: Path, line: int) -> None:
        self.lines.setdefault(path, line)
