"""Where a configuration comes from: a file, which may have to be found, or a mapping; and where in it each value is."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..errors import ConfigurationError
from ..settings import shown
from ..switch import VARIABLE
from ..typed import TYPE_CHECKING
from .wording import legible, named

if TYPE_CHECKING:
    from typing import Any

    from .lines import Path

CONFIG = "HOLDFAST_CONFIG"
FILE = "holdfast.toml"
PROJECT = "pyproject.toml"
_IN_PROJECT = ("tool", "holdfast")
MAPPING = "the mapping"
ENVIRONMENT = "the environment"
_PLACES = (FILE, PROJECT, ENVIRONMENT)  # in which is looked, one after the other
_DEEPEST = 16
_TRIES = 100


class Document:
    """The tables of a configuration, and how to say where in it something is.

    `source` names it. `text` is the file's. `prefix`: the table of the file that `tables` are in. `variables`: the
    environment variables that set values, by the path of the value.
    """

    def __init__(self, source: str, tables: dict[str, Any], text: str = "", prefix: tuple[str, ...] = ()) -> None:
        self.source = source
        self.tables = tables
        self.variables: dict[Path, str] = {}
        self._text = text
        self._prefix = prefix
        self._lines: dict[Path, int] | None = None

    def place(self, path: Path) -> tuple[int, str]:
        """Return the line of what is at a path, 0 if it has none, and as text the file and line, or what it is in."""
        for end in range(len(path), 0, -1):  # a variable may have set the table that it is in
            if path[:end] in self.variables:
                return 0, legible(self.variables[path[:end]])
        if not self._text:
            return 0, legible(self.source)
        if self._lines is None:
            from .lines import lines_of

            self._lines = lines_of(self._text)
        full = (*self._prefix, *path)
        while full and full not in self._lines:  # what is missing would be where its table is
            full = full[:-1]
        line = self._lines.get(full, 1)
        return line, f"{legible(self.source)}:{line}"

    def name(self, path: Path) -> str:
        """Return a path as it is written."""
        return named((*self._prefix, *path))


def find(source: object, variables: Mapping[str, str], found: str) -> tuple[Document, str]:
    """Return the document that `source` is or names, and the place if it was looked for; `found`: where it was last.

    `variables` are those of the environment that are ours, by their names in upper case.
    """
    if isinstance(source, Document):
        return source, ""
    if isinstance(source, Mapping):
        return Document(MAPPING, copied(source)), ""
    if source is None:
        if CONFIG in variables:
            return _file(variables[CONFIG].strip(), f" (from {CONFIG})"), ""
        return _looked_for(variables, found)
    if not isinstance(source, (str, os.PathLike)) or not source:
        raise ConfigurationError(f"load_config: source must be a path, a mapping or None, not {shown(source)}")
    path = os.fspath(source)
    if not isinstance(path, str):
        path = os.fsdecode(path)
    return _file(path), ""


def _looked_for(variables: Mapping[str, str], found: str) -> tuple[Document, str]:
    """Return what is in the first place that has something."""
    # A link that leads nowhere is there as well: it is wrong, and nothing to be passed over.
    if os.path.lexists(FILE):
        return _file(FILE), FILE
    document, place = _project(), PROJECT
    if document is None:
        document, place = Document(ENVIRONMENT, {}), ENVIRONMENT
        if not variables.keys() - {VARIABLE}:
            raise _nowhere()
    if found in _PLACES and _PLACES.index(found) < _PLACES.index(place):
        raise ConfigurationError(
            f"{found}, where the configuration was found before, has none any more; if that is meant, give load_config "
            f"another path, or {{}} for none, before {place} is used"
        )
    return document, place


def _nowhere() -> ConfigurationError:
    """Return the error that says where was looked."""
    here = os.getcwd()  # noqa: PTH109
    return ConfigurationError(
        f"there is no configuration: {CONFIG} is not set, {here} has no {FILE} and no {PROJECT} with [tool.holdfast], "
        "and nothing is set in the environment (HOLDFAST_POLICIES__…); give load_config a path or a mapping"
    )


def copied(thing: Any, path: Path = ()) -> Any:
    """Return tables and arrays that nobody else has, with keys that are plain text; refuse what cannot be such."""
    if len(path) > _DEEPEST:
        raise ConfigurationError(f"{named(path[:4])}… is nested too deeply")
    if isinstance(thing, Mapping):
        table = {}
        for key in _listed(thing, path):
            if not isinstance(key, str):
                raise ConfigurationError(
                    f"{MAPPING}: {named(path) or 'it'} has the key {shown(key)}, and keys must be text"
                )
            try:
                value = thing[key]
            except KeyError:
                continue  # it has just been taken away
            plain = str.__str__(key)
            table[plain] = copied(value, (*path, plain))
        return table
    if isinstance(thing, (list, tuple)):
        return [copied(each, (*path, place)) for place, each in enumerate(list(thing))]
    return str.__str__(thing) if isinstance(thing, str) else thing


def _listed(mapping: Mapping[Any, Any], path: Path) -> list[Any]:
    """Return the keys of a mapping that others may change meanwhile."""
    for _ in range(_TRIES):
        try:
            return list(mapping)
        except RuntimeError:
            continue
    raise ConfigurationError(f"{MAPPING}: {named(path) or 'it'} changes while it is read")


def _project() -> Document | None:
    if not os.path.lexists(PROJECT):
        return None
    text = _text_of(PROJECT)
    tables = _in_project(_parsed(PROJECT, text))
    return None if tables is None else _document(PROJECT, tables, text, _IN_PROJECT)


def _in_project(tables: Any) -> Any:
    for key in _IN_PROJECT:
        tables = tables.get(key) if isinstance(tables, dict) else None
    return tables


def _file(path: str, whence: str = "") -> Document:
    text = _text_of(path, whence)
    if os.path.basename(path) != PROJECT:  # noqa: PTH119  pathlib takes longer to import than all of holdfast
        return document_of(path, text)
    tables = _in_project(_parsed(path, text))
    if tables is None:
        raise ConfigurationError(f"{legible(path)}{whence}: there is no [tool.holdfast] in it, which may be empty")
    return _document(path, tables, text, _IN_PROJECT)


def document_of(source: str, text: str) -> Document:
    """Return the document of a text that is TOML."""
    tables = _parsed(source, text)
    if not text.strip():
        raise ConfigurationError(
            f"{legible(source)}: the file is empty; if it was being written just now, write to another file and put "
            "that in its place with os.replace"
        )
    return _document(source, tables, text, ())


def _document(path: str, tables: Any, text: str, prefix: tuple[str, ...]) -> Document:
    document = Document(path, tables, text, prefix)
    if not isinstance(tables, dict):
        raise ConfigurationError(f"{document.place(())[1]}: {'.'.join(prefix)} must be a table")
    deep = _too_deep(tables)
    if deep:
        raise ConfigurationError(f"{document.place(deep[:1])[1]}: {document.name(deep[:3])}… is nested too deeply")
    return document


def _too_deep(tables: dict[str, Any]) -> Path:
    """Return the path of something that is deeper than anything means something; an empty one if there is nothing."""
    level: list[tuple[Path, Any]] = [((), tables)]
    while level:
        if len(level[0][0]) > _DEEPEST:
            return level[0][0]
        level = [
            ((*path, key), value)
            for path, table in level
            for key, value in (table.items() if isinstance(table, dict) else enumerate(table))
            if isinstance(value, (dict, list))
        ]
    return ()


def _text_of(path: str, whence: str = "") -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            content = file.read()
    except FileNotFoundError:
        hint = "; TOML itself is given as tomllib.loads(text)" if "\n" in path or "=" in path else ""
        if os.path.islink(path):  # noqa: PTH114
            hint = "; there is a link of that name, which leads nowhere"
        raise ConfigurationError(f"there is no file {shown(path)}{whence}{hint}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(f"{legible(path)}{whence} cannot be read: {reason}") from error
    return text_of(path, content)


def text_of(source: str, content: bytes) -> str:
    """Return the bytes of a file as text."""
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            f"{legible(source)}:{line}: the file is not UTF-8, which TOML is; save it as that"
        ) from None


def _parsed(path: str, text: str) -> dict[str, Any]:
    import re
    import tomllib

    try:
        return tomllib.loads(text)
    except ValueError as error:  # tomllib's own is one; a number of too many digits is another
        message = str(error)
        told = re.search(r" \(at line (\d+), column \d+\)$", message)
        line = int(told[1]) if told else text.rstrip("\n").count("\n") + 1 if "(at end of document)" in message else 0
        place = f"{legible(path)}:{line}" if line else legible(path)
        raise ConfigurationError(f"{place}: this is no TOML: {legible(message)}") from None
    except RecursionError:
        raise ConfigurationError(f"{legible(path)}: this is nested too deeply to be read") from None
