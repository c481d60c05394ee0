"""The command line: `python -m tests.benchmarks`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from tests.support import log_nothing

from . import (
    breakers,
    bulkheads,
    classification,
    expiries,
    fallbacks,
    growth,
    handover,
    imports,
    leftovers,
    limiters,
    pending,
    policies,
    retries,
    sizes,
    stacks,
    tasks,
    threads,
    timeouts,
)
from .report import Result, broken, machine, table, write_json

SEED = 20260101

BENCHMARKS: dict[str, Callable[..., Result]] = {
    **retries.BENCHMARKS,
    **breakers.BENCHMARKS,
    **bulkheads.BENCHMARKS,
    **limiters.BENCHMARKS,
    **timeouts.BENCHMARKS,
    **fallbacks.BENCHMARKS,
    **expiries.BENCHMARKS,
    **pending.BENCHMARKS,
    **stacks.BENCHMARKS,
    **policies.BENCHMARKS,
    **handover.BENCHMARKS,
    **threads.BENCHMARKS,
    **tasks.BENCHMARKS,
    **sizes.BENCHMARKS,
    **growth.BENCHMARKS,
    **leftovers.BENCHMARKS,
    **imports.BENCHMARKS,
    **classification.BENCHMARKS,
}


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks that were asked for; the exit code is 1 if a promise that is checked is broken."""
    options = _options(arguments)
    log_nothing()
    print(machine())
    results = []
    for name in options.only or BENCHMARKS:
        result = BENCHMARKS[name](rounds=options.rounds, seed=SEED)
        results.append(result)
        print(f"\n{table(result, options.tolerance)}", flush=True)
    if options.json:
        write_json(options.json, results, seed=SEED, tolerance=options.tolerance)
    failures = broken(results, options.tolerance)
    for failure in failures:
        print(f"\n{failure}")
    return 1 if options.check and failures else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Time holdfast beside a bare wrapper and beside other libraries, in interleaved rounds.",
    )
    parser.add_argument(
        "--rounds",
        type=_at_least_two,
        default=50,
        metavar="N",
        help="how many rounds (default: 50; with several threads a fifth of them)",
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=list(BENCHMARKS),
        metavar="NAME",
        help=f"run only this benchmark, may be given again; one of {', '.join(BENCHMARKS)}",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file as well")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a promised ratio is exceeded")
    parser.add_argument(
        "--tolerance",
        type=_share,
        default=0.0,
        metavar="SHARE",
        help="let a ratio exceed its promise by this share, 0.1 for a tenth (default: 0)",
    )
    return parser.parse_args(arguments)


def _at_least_two(text: str) -> int:
    rounds = int(text)
    if rounds < 2:
        raise argparse.ArgumentTypeError(f"{rounds} rounds have no median worth the name, take 2 or more")
    return rounds


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not a share between 0 and 1")
    return share


if __name__ == "__main__":
    sys.exit(main())
