"""The tables of known libraries: where they stand, when they are imported, and that they know what they say they know."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.errors import known
from holdfast.errors.classification import Classification
from holdfast.errors.recognition import Otherwise

HERE = Path(known.__file__).parent


def in_fresh_interpreter(code: str) -> str:
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{code}"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


@pytest.mark.parametrize("place", known.TABLES)
def test_each_table_is_about_the_packages_it_is_listed_with(place: str) -> None:
    rows = known.table_at(place)
    assert {re.split("[:.]", name)[0] for name in rows} == set(known.TABLES[place].split())
    for rule in rows.values():
        assert callable(rule) or isinstance(rule, (Classification, Otherwise))


@functools.cache
def files_in_use() -> set[str]:
    """The files that the tables are in, and those that they import, and so on."""
    used = {place.partition(".")[0] for place in known.TABLES} | {"__init__", "ourselves"}
    ahead = list(used)
    while ahead:
        for node in ast.walk(ast.parse((HERE / f"{ahead.pop()}.py").read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 1:
                names = [node.module] if node.module else [alias.name for alias in node.names]
                for name in names:
                    if name not in used and (HERE / f"{name}.py").exists():
                        used.add(str(name))
                        ahead.append(str(name))
    return used


@pytest.mark.parametrize("path", sorted(HERE.glob("*.py")), ids=lambda path: path.stem)
def test_each_file_is_used_by_a_table(path: Path) -> None:
    assert path.stem in files_in_use()


def test_the_first_error_imports_no_table_of_a_library_that_is_not_in_use() -> None:
    loaded = in_fresh_interpreter(
        "import holdfast\n"
        "holdfast.get_error_classifier().classify(ValueError())\n"
        "print(*(name for name in sys.modules if name.startswith('holdfast.errors.known.')))"
    )
    assert loaded == "holdfast.errors.known.ourselves"


def test_the_first_error_imports_the_tables_of_libraries_in_use() -> None:
    loaded = in_fresh_interpreter(
        "import types\n"
        "sys.modules['redis'] = types.ModuleType('redis')\n"
        "import holdfast\n"
        "holdfast.get_error_classifier().classify(ValueError())\n"
        "print('holdfast.errors.known.redis' in sys.modules, 'holdfast.errors.known.sql' in sys.modules)"
    )
    assert loaded == "True False"


def test_a_table_that_cannot_be_imported_for_now_is_imported_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the process has no file handle left: the error is unknown then, and known as soon as that has passed."""
    from holdfast import ErrorClassifier

    kind = type("WatchError", (Exception,), {"__module__": "valkey.exceptions", "__qualname__": "WatchError"})
    monkeypatch.setattr(known, "_loaded", {})
    classifier = ErrorClassifier()
    with monkeypatch.context() as broken:
        broken.setitem(sys.modules, "holdfast.errors.known.redis", None)
        assert classifier.classify(kind()).category == "UNKNOWN"
    assert classifier.classify(kind()).category == "TRANSIENT"
