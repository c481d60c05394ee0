"""The line of a key is the line on which it stands, however the file is written."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, strategies as st

from holdfast.config.lines import lines_of

Path = tuple[str | int, ...]


class Writer:
    """Writes a random document, and notes where it puts each key."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.text = ""
        self.lines: dict[Path, int] = {}
        self.counter = 0

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def pick(self, *choices: str) -> str:
        choice: str = self.draw(st.sampled_from(choices))
        return choice

    def blank(self, *, lines: bool) -> None:
        choices = ["", "", " ", "\t"]
        self.text += self.pick(*choices, *(["\n", "# = [x]\n", " #'''\n\n"] if lines else []))

    def key(self) -> tuple[str, str]:
        """A key that no other has, as it is and as it is written."""
        self.counter += 1
        name = f"k{self.counter}"
        kind = self.pick("bare", "bare", "literal", "basic", "escaped")
        if kind == "bare":
            return name, name
        if kind == "literal":
            name += self.pick("", ".x", ' "', "#", " = [", "]")
            return name, f"'{name}'"
        if kind == "basic":
            name += self.pick("", ".x", " '", "#", " = {", "é")
            return name, f'"{name}"'
        return name + '"\\A', f'"{name}\\"\\\\\\u0041"'

    def value(self, path: Path, depth: int) -> None:
        kind = self.pick("scalar", "scalar", "string", "lines", "array", "inline")
        if depth > 2 and kind in ("array", "inline"):
            kind = "scalar"
        if kind == "scalar":
            self.text += self.pick("1", "-1_000", "0.5", "inf", "true", "1979-05-27", "1979-05-27 07:32:00", "0xFF")
        elif kind == "string":
            self.text += self.pick('"a # b"', "'a ] b'", '"\\" } \\\\"', "''", '""')
        elif kind == "lines":
            self.text += self.pick(
                "'''\na = 1\n[b]'''",
                '"""\n\\"""\n#\n"""',
                '"""x\\\n  y"""',
                "''''a'''''",
                '""""a"""""',
                '"""\n""\n"""',
                "''''''",
                '""""""',
            )
        elif kind == "array":
            self.text += "["
            self.blank(lines=True)
            for place in range(self.draw(st.integers(0, 3))):
                self.lines[*path, place] = self.line
                self.value((*path, place), depth + 1)
                self.blank(lines=True)
                self.text += ","
                self.blank(lines=True)
            self.text += "]"
        else:
            self.text += "{"
            for place in range(self.draw(st.integers(0, 3))):
                self.text += "," if place else ""
                self.blank(lines=False)
                self.assignment(path, depth + 1)
                self.blank(lines=False)
            self.text += "}"

    def assignment(self, table: Path, depth: int = 0) -> None:
        path, line = table, self.line
        for place in range(self.draw(st.sampled_from([1, 1, 2, 3]))):
            if place:
                self.blank(lines=False)
                self.text += "."
                self.blank(lines=False)
            name, written = self.key()
            self.text += written
            path = (*path, name)
            self.lines[path] = line
        self.blank(lines=False)
        self.text += "="
        self.blank(lines=False)
        self.value(path, depth)

    def document(self) -> None:
        self.blank(lines=True)
        self.assignments(())
        tables: list[tuple[Path, str]] = [((), "")]
        arrays: list[tuple[Path, str, int]] = []
        for _ in range(self.draw(st.integers(0, 4))):
            line = self.line
            if arrays and self.draw(st.booleans()):
                place = self.draw(st.integers(0, len(arrays) - 1))
                path, written, count = arrays[place]
                # Only the last table of the array that was begun last can be gone on with; what was in others is over.
                arrays = [*arrays[:place], (path, written, count + 1)]
                tables = [each for each in tables if each[0][: len(path)] != path]
                self.text += f"[[{written}]]"
                table = (*path, count)
                self.lines[table] = line
            else:
                outer, before = self.draw(st.sampled_from(tables))
                name, key = self.key()
                written = f"{before} . {key}" if before else key
                path = (*outer, name)
                self.lines[path] = line
                if self.draw(st.booleans()):
                    self.text += f"[ {written} ]"
                    table = path
                else:
                    self.text += f"[[{written}]]"
                    arrays.append((path, written, 1))
                    table = (*path, 0)
                    self.lines[table] = line
            tables.append((table, written))
            self.blank(lines=False)
            self.text += self.pick("\n", " # [c]\n", "\n\n")
            self.assignments(table)

    def assignments(self, table: Path) -> None:
        for _ in range(self.draw(st.integers(0, 3))):
            self.blank(lines=True)
            self.assignment(table)
            self.text += self.pick("\n", " # = 1\n", "\n\n\n")


def leaves(thing: Any, path: Path = ()) -> Any:
    """The paths of all that is in a document, tables and arrays too."""
    if path:
        yield path
    inside = thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ()
    for key, value in inside:
        yield from leaves(value, (*path, key))


@given(st.data())
def test_for_whatever_tomllib_finds_in_a_document_the_line_is_the_one_on_which_it_was_written(data: Any) -> None:
    writer = Writer(data.draw)
    writer.document()
    found = set(leaves(tomllib.loads(writer.text)))
    lines = lines_of(writer.text)
    assert found == set(lines), writer.text
    assert {path: lines[path] for path in found} == {path: writer.lines[path] for path in found}, writer.text


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("", (), None),
        ("a = 1", ("a",), 1),
        ("\n\na = 1", ("a",), 3),
        ("[a.b]\n[a]\nc = 1", ("a",), 1),
        ("[a]\nb.c = 1\nb.d = 2", ("a", "b", "d"), 3),
        ("a = [\n  {b = 1},\n\n  {b = 2} ]", ("a", 1, "b"), 4),
        ("[[a]]\n[[a.b]]\nc = 1\n[[a]]\n[[a.b]]\nc = 2", ("a", 1, "b", 0, "c"), 6),
        ('"a.b" = 1\n"c\\u002Ed" = 2', ("c.d",), 2),
        ('a = """\nb = 1\n"""\nb = 2', ("b",), 4),
    ],
)
def test_the_line_is_that_of_the_key(text: str, path: Path, line: int | None) -> None:
    tomllib.loads(text)
    assert lines_of(text).get(path) == line
