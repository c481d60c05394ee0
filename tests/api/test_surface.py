"""The public surface: what it is, that all of it is documented, and that its two doors are alike."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import Any

import pytest

import holdfast

from .surface import KEPT, PACKAGES, members, public, surface

PUBLIC = {f"{package}.{name}": thing for package, name, thing in public()}
CLASSES = {path: thing for path, thing in PUBLIC.items() if inspect.isclass(thing)}


def test_the_public_surface_is_the_one_that_was_kept() -> None:
    """A change that is meant is kept by `python -m tests.api.surface --write`, and told in the changelog."""
    assert surface() == KEPT.read_text(encoding="utf-8")


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_lists_its_names_once_and_has_them(package: str) -> None:
    module = importlib.import_module(package)
    names = list(module.__all__)
    assert len(set(names)) == len(names)
    for name in names:
        assert hasattr(module, name)
        assert name in dir(module)


@pytest.mark.parametrize("path", PUBLIC)
def test_each_public_name_says_where_it_lives_and_can_be_found_there(path: str) -> None:
    thing = PUBLIC[path]
    if not callable(thing) or not hasattr(thing, "__module__"):
        return
    module = thing.__module__
    assert module.startswith("holdfast"), f"{path} says it lives in {module}"
    found: Any = importlib.import_module(module)
    for part in thing.__qualname__.split("."):
        found = getattr(found, part)
    assert found is thing


@pytest.mark.parametrize("path", [path for path, thing in PUBLIC.items() if callable(thing)])
def test_each_public_name_is_documented(path: str) -> None:
    text = inspect.getdoc(PUBLIC[path]) or ""
    assert len(text.split()) >= 3, f"{path} has no docstring"
    assert text.strip().splitlines()[0].rstrip("`")[-1] in ".:", f"the first line of {path} is no sentence"


@pytest.mark.parametrize("path", CLASSES)
def test_each_public_method_is_documented(path: str) -> None:
    for name, member in members(CLASSES[path]).items():
        function = getattr(member, "__func__", member)
        if name.startswith("_") or not (isinstance(member, property) or inspect.isfunction(function)):
            continue
        assert inspect.getdoc(getattr(CLASSES[path], name)), f"{path}.{name} has no docstring"


TWINS = [
    (path, name.removesuffix("_async"), name)
    for path, kind in CLASSES.items()
    for name in members(kind)
    if name.endswith("_async")
]


@pytest.mark.parametrize(("path", "plain", "asynchronous"), TWINS)
def test_the_two_doors_take_the_same_arguments(path: str, plain: str, asynchronous: str) -> None:
    one, other = (inspect.signature(getattr(CLASSES[path], name)) for name in (plain, asynchronous))
    assert list(one.parameters.values()) == list(other.parameters.values())
    # What the one returns, the other returns to await.
    returned, awaited = str(one.return_annotation), str(other.return_annotation)
    function = getattr(CLASSES[path], asynchronous)
    assert inspect.iscoroutinefunction(function) == (returned == awaited)


DOORS = [
    ("__enter__", "__aenter__"),
    ("__exit__", "__aexit__"),
    ("__iter__", "__aiter__"),
    ("__next__", "__anext__"),
]


# There is nothing to wait for when these are entered or left, so a plain `with` serves in async code too.
NOTHING_TO_WAIT_FOR = {"disabled", "BulkheadPermit", "CircuitPermit", "MetricsRegistry"}


@pytest.mark.parametrize("path", [path for path in CLASSES if path.rpartition(".")[2] not in NOTHING_TO_WAIT_FOR])
def test_what_can_be_entered_by_one_door_can_be_entered_by_the_other(path: str) -> None:
    kind = CLASSES[path]
    if getattr(kind, "__module__", "").startswith("holdfast") and not issubclass(
        kind, (str, tuple, dict, BaseException)
    ):
        for plain, asynchronous in DOORS:
            mine = {name for base in kind.__mro__ if base.__module__.startswith("holdfast") for name in vars(base)}
            assert (plain in mine) == (asynchronous in mine), f"{path} has only one of {plain} and {asynchronous}"


def test_every_name_of_the_front_door_is_told_in_the_documents() -> None:
    from pathlib import Path

    root = Path(__file__).parents[2]
    text = "\n".join(path.read_text(encoding="utf-8") for path in [root / "README.md", *(root / "docs").rglob("*.md")])
    words = set(re.findall(r"\w+", text))
    assert sorted(set(holdfast.__all__) - words) == []
