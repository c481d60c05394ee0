"""Plays the scenarios with one library, in a process that may hang: `python -m tests.conformance.worker LIBRARY SKIPPED`.

What it plays and how that went stands on standard output, one JSON object a line.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import sys
import warnings

from . import worldly


def main(library: str, skipped: int) -> None:
    """Play all scenarios but the first so many."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints is none of our answers
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    worldly.take_over()
    from .adapters import adapter
    from .playing import play
    from .scenarios import SCENARIOS

    asked = adapter(library)
    plays = [(scenario, door) for scenario in SCENARIOS.values() for door in scenario.doors_of(asked.patterns)]
    for scenario, door in plays[skipped:]:
        answers.write(json.dumps({"scenario": scenario.name, "door": door}) + "\n")
        answers.write(json.dumps(dataclasses.asdict(play(scenario, asked, door))) + "\n")
    answers.close()
    os._exit(0)  # without waiting for threads that a library has left behind


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
