"""The command line: `python -m tests.promises`."""

from __future__ import annotations

import argparse
import queue
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .book import Promise, Sabotage, promises, sabotages
from .running import PASSED, Run, copy_to, run_tests, sabotaged


def main(arguments: list[str] | None = None) -> int:
    """Break the promises; the exit code is 1 if a sabotage is not noticed, or does not fit the source any more."""
    options = _options(arguments)
    table = {promise.number: promise for promise in promises()}
    chosen = [each for each in sabotages() if not options.only or each.promise in options.only]
    outdated = [told for each in chosen if (told := _misfit(each))]
    for told in outdated:
        print(told)
    if outdated:
        return 1
    with tempfile.TemporaryDirectory(prefix="promises-") as directory:
        copies: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for number in range(options.jobs):
            place = Path(directory) / str(number)
            place.mkdir()
            copies.put(copy_to(place))
        if not _all_hold([table[number] for number in sorted({each.promise for each in chosen})], copies, options):
            return 1

        def attempt(sabotage: Sabotage) -> Run:
            copy = copies.get()
            try:
                with sabotaged(copy, sabotage):
                    run = run_tests(copy, table[sabotage.promise].tests, options.timeout)
            finally:
                copies.put(copy)
            print(_line(sabotage, run), flush=True)
            if not run.is_caught:
                print(run.output, flush=True)
            return run

        with ThreadPoolExecutor(options.jobs) as threads:
            runs = list(threads.map(attempt, chosen))
    caught = sum(run.is_caught for run in runs)
    print(f"\n{caught} of {len(runs)} sabotages were caught by the tests of the promises that they break")
    return 0 if caught == len(runs) else 1


def _misfit(sabotage: Sabotage) -> str:
    try:
        sabotage.of(sabotage.path.read_text(encoding="utf-8"))
    except LookupError as error:
        return f"OUTDATED  {sabotage.promise:2}  {sabotage.why}: {error}"
    return ""


def _all_hold(chosen: Sequence[Promise], copies: queue.SimpleQueue[Path], options: argparse.Namespace) -> bool:
    """Whether the tests pass while nothing is broken; else their failures would show nothing."""
    copy = copies.get()
    tests = list(dict.fromkeys(test for promise in chosen for test in promise.tests))
    run = run_tests(copy, tests, options.timeout * max(1, len(chosen) / 4))
    copies.put(copy)
    holds = run.code == PASSED
    print(f"{len(tests)} tests of {len(chosen)} promises, nothing broken: {'they pass' if holds else 'THEY FAIL'}")
    if not holds:
        print(run.output)
    return holds


def _line(sabotage: Sabotage, run: Run) -> str:
    by = f"\n              {run.first_failure}" if run.first_failure else ""
    return f"{run.verdict:9} {sabotage.promise:2}  {sabotage.why} ({sabotage.file}, {run.seconds:.1f} s){by}"


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.promises",
        description="Break each promise in a copy of the project and see that the tests that prove it fail.",
    )
    parser.add_argument(
        "--only", type=int, action="append", metavar="NUMBER", help="break only this promise, may be given again"
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=120.0,
        metavar="SECONDS",
        help="after which tests are taken to hang, which counts as noticed (default: 120)",
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="how many to break at a time (default: 2)")
    options = parser.parse_args(arguments)
    known = {promise.number for promise in promises()}
    for number in options.only or ():
        if number not in known:
            parser.error(f"there is no promise {number}; they are numbered from 1 to {max(known)}")
    if options.jobs < 1:
        parser.error("--jobs must be at least 1")
    return options


if __name__ == "__main__":
    sys.exit(main())
