"""The corpus of real libraries' exceptions, judged by their recorded shapes: no such library is needed here."""

from __future__ import annotations

import json

import pytest

from holdfast import ErrorClassifier

from .corpus import HERE, NOW, entries, families
from .shape import revive


@pytest.mark.parametrize("family", families())
def test_each_recorded_exception_gets_its_verdict(family: str) -> None:
    """Category, code, retryable, scope, circuit outcome and waiting time, but for entries left with a reason."""
    classifier = ErrorClassifier(now=lambda: NOW)
    shapes = json.loads((HERE / "shapes" / f"{family}.json").read_text(encoding="utf-8"))
    wrong = []
    for entry in entries(family):
        for row in shapes[entry.name]:
            found = entry.wrong(classifier.classify(revive(row["shape"])))
            if bool(found) != bool(entry.left):
                wrong.append((entry.name, row["version"], found or "right, although the entry says it is left"))
    assert not wrong


@pytest.mark.parametrize("family", families())
def test_each_entry_of_the_corpus_was_recorded_from_real_classes(family: str) -> None:
    shapes = json.loads((HERE / "shapes" / f"{family}.json").read_text(encoding="utf-8"))
    names = [entry.name for entry in entries(family)]
    assert len(set(names)) == len(names)
    assert set(shapes) == set(names)
    assert [name for name, rows in shapes.items() if not rows] == []
