"""The quiet path of each guard takes no more bytecodes and C calls than were kept."""

from __future__ import annotations

import json

import pytest

from .counting import GUARDS, KEPT, VERSION, all_efforts, effort

FIGURES = json.loads(KEPT.read_text(encoding="utf-8"))


def test_counting_counts_what_a_call_does() -> None:
    def once() -> int:
        return 1

    def twice() -> int:
        return len((once(), once()))

    (codes, calls), (more_codes, more_calls) = effort(once), effort(twice)
    assert 0 < codes < more_codes
    assert more_calls == calls + 1


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, list[int]]]:
    return all_efforts()


@pytest.mark.parametrize("guard", GUARDS)
def test_a_guard_takes_no_more_effort_than_it_did(guard: str, found: dict[str, dict[str, list[int]]]) -> None:
    """If it is meant to, `python -m tests.effort.counting --write` keeps the new figures, with each version of Python."""
    # Versions of Python differ by a few bytecodes; for one that is not kept, the most of all has to do.
    versions = [VERSION] if VERSION in FIGURES else list(FIGURES)
    room = 1.0 if VERSION in FIGURES else 1.25
    for door, (codes, calls) in found[guard].items():
        kept = [FIGURES[version][guard][door] for version in versions]
        assert codes <= max(each[0] for each in kept) * room, f"{guard}, {door}: bytecodes"
        assert calls <= max(each[1] for each in kept), f"{guard}, {door}: C calls"
