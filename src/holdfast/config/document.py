"""Where a configuration comes from: a file, which may have to be found, or a mapping; and where in it each value is."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..errors import ConfigurationError
from ..settings import shown
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from .lines import Path

CONFIG = "HOLDFAST_CONFIG"
FILE = "holdfast.toml"
PROJECT = "pyproject.toml"
_IN_PROJECT = ("tool", "holdfast")
MAPPING = "the mapping"
ENVIRONMENT = "the environment"


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
                return 0, self.variables[path[:end]]
        if not self._text:
            return 0, self.source
        if self._lines is None:
            from .lines import lines_of

            self._lines = lines_of(self._text)
        full = (*self._prefix, *path)
        while full and full not in self._lines:  # what is missing would be where its table is
            full = full[:-1]
        line = self._lines.get(full, 1)
        return line, f"{self.source}:{line}"

    def name(self, path: Path) -> str:
        """Return a path as it is written."""
        name = ""
        for key in (*self._prefix, *path):
            if isinstance(key, int):
                name += f"[{key}]"
            else:
                name += f".{key if key.replace('-', 'a').replace('_', 'a').isalnum() else shown(key)}"
        return name.removeprefix(".")


def find(source: object, environ: Mapping[str, str]) -> Document | None:
    """Return the document that `source` is or names; None if it is None and there is no file to be found."""
    if isinstance(source, Mapping):
        return Document(MAPPING, dict(source))
    if source is None:
        named = environ.get(CONFIG, "").strip()
        if named:
            return _file(named, f" (from {CONFIG})")
        if os.path.exists(FILE):  # noqa: PTH110  pathlib takes longer to import than all of holdfast
            return _file(FILE)
        return _project()
    if not isinstance(source, (str, os.PathLike)) or not source:
        raise ConfigurationError(f"load_config: source must be a path, a mapping or None, not {shown(source)}")
    path = os.fspath(source)
    if not isinstance(path, str):
        path = os.fsdecode(path)
    return _file(path)


def nowhere() -> ConfigurationError:
    """Return the error that says where was looked."""
    here = os.getcwd()  # noqa: PTH109
    return ConfigurationError(
        f"there is no configuration: {CONFIG} is not set, {here} has no {FILE} and no {PROJECT} with [tool.holdfast], "
        "and nothing is set in the environment (HOLDFAST_POLICIES__…); give load_config a path or a mapping"
    )


def _project() -> Document | None:
    if not os.path.exists(PROJECT):  # noqa: PTH110
        return None
    text = _text_of(PROJECT)
    tables: Any = _parsed(PROJECT, text)
    for key in _IN_PROJECT:
        tables = tables.get(key) if isinstance(tables, dict) else None
    return None if tables is None else _document(PROJECT, tables, text, _IN_PROJECT)


def _file(path: str, whence: str = "") -> Document:
    text = _text_of(path, whence)
    tables = _parsed(path, text)
    if not text.strip():
        raise ConfigurationError(
            f"{path}: the file is empty; if it was being written just now, write to another file and put that in its "
            "place with os.replace"
        )
    if os.path.basename(path) == PROJECT:  # noqa: PTH119
        inner = tables.get("tool", {})
        return _document(path, inner.get("holdfast", {}) if isinstance(inner, dict) else {}, text, _IN_PROJECT)
    return _document(path, tables, text, ())


def _document(path: str, tables: Any, text: str, prefix: tuple[str, ...]) -> Document:
    document = Document(path, tables, text, prefix)
    if not isinstance(tables, dict):
        raise ConfigurationError(f"{document.place(())[1]}: {'.'.join(prefix)} must be a table")
    return document


def _text_of(path: str, whence: str = "") -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            content = file.read()
    except FileNotFoundError:
        hint = "; TOML itself is given as tomllib.loads(text)" if "\n" in path or "=" in path else ""
        raise ConfigurationError(f"there is no file {shown(path)}{whence}{hint}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(f"{path}{whence} cannot be read: {reason}") from error
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{path}:{line}: the file is not UTF-8, which TOML is; save it as that") from None


def _parsed(path: str, text: str) -> dict[str, Any]:
    import re
    import tomllib

    try:
        return tomllib.loads(text)
    except ValueError as error:  # tomllib's own is one; a number of too many digits is another
        message = str(error)
        told = re.search(r" \(at line (\d+), column \d+\)$", message)
        line = int(told[1]) if told else text.rstrip("\n").count("\n") + 1 if "(at end of document)" in message else 0
        place = f"{path}:{line}" if line else path
        raise ConfigurationError(f"{place}: this is no TOML: {message}") from None
    except RecursionError:
        raise ConfigurationError(f"{path}: this is nested too deeply to be read") from None
