"""The gate: are the promised ratios kept, give or take what the same measurement varies by itself?

    python -m tests.benchmarks.gate                  exit code 1 if a promise is broken three times in a row
    python -m tests.benchmarks.gate --noise 10       measures ten times how much each figure varies, and keeps that

A ratio of two medians in interleaved rounds still varies from run to run. How much was measured, on a machine that had other
things to do as well, and is kept in noise.json: for each figure the standard deviation relative to its mean. A figure may
exceed its promise by three of these; one that does is measured again, since a pause of the machine is no change of the code.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path

from tests.support import log_nothing

from .__main__ import BENCHMARKS, SEED
from .report import Result, machine, table

PROMISED = (
    "call",
    "async-call",
    "breaker",
    "async-breaker",
    "bulkhead",
    "async-bulkhead",
    "async-timeout",
    "timeout",
    "stack",
    "async-stack-limited",
    "async-policy",
    "refusal",
    "import",
    "breaker-size",
    "bulkhead-size",
)
KEPT = Path(__file__).with_name("noise.json")
TRIES = 3
LEAST_MARGIN = 0.01
"""No figure is known better than this."""


def figures(result: Result) -> dict[str, float]:
    """The figures that something is promised about, by library."""
    return {row.library: row.measured for row in result.rows if row.promised is not None and row.measured is not None}


def margins() -> dict[str, dict[str, float]]:
    """By how much each figure may exceed its promise: three standard deviations."""
    noise = json.loads(KEPT.read_text(encoding="utf-8"))["deviations"]
    return {
        name: {library: max(LEAST_MARGIN, 3 * deviation) for library, deviation in rows.items()}
        for name, rows in noise.items()
    }


def broken(result: Result, allowed: dict[str, float]) -> list[str]:
    """The promises that are exceeded by more than is allowed, in words."""
    lines = []
    for row in result.rows:
        if row.promised is None or row.absent == "not installed":
            continue
        limit = row.promised * (1 + allowed.get(row.library, LEAST_MARGIN))
        if row.measured is None or row.measured > limit:
            found = row.absent if row.measured is None else f"{row.measured:,.3f}"
            lines.append(
                f"{result.name}: {row.library} promises {row.promised:,g}, at most {limit:,.3f}; it is {found}"
            )
    lines += [f"{result.name}: it does not hold that {fact.text}" for fact in result.facts if not fact.holds]
    return lines


def check(names: list[str], rounds: int) -> int:
    """Measure, again if need be, and report; the exit code is 1 if a promise stays broken."""
    allowed = margins()
    left = []
    for name in names:
        result = BENCHMARKS[name](rounds=rounds, seed=SEED)
        for again in range(1, TRIES):
            if not broken(result, allowed.get(name, {})):
                break
            result = BENCHMARKS[name](rounds=rounds, seed=SEED + again)
        print(f"\n{table(result, 0.0)}", flush=True)
        left += broken(result, allowed.get(name, {}))
    print(*(f"\n{line}" for line in left) if left else ["\nall promises kept"], sep="")
    return 1 if left else 0


def measure_noise(names: list[str], rounds: int, times: int) -> None:
    """Measure each benchmark so many times, and keep how much its figures vary."""
    seen: dict[str, dict[str, list[float]]] = {name: {} for name in names}
    for number in range(times):
        for name in names:
            for library, value in figures(BENCHMARKS[name](rounds=rounds, seed=SEED + number)).items():
                seen[name].setdefault(library, []).append(value)
        print(f"{number + 1} of {times}", flush=True)
    deviations = {
        name: {
            library: round(statistics.stdev(values) / statistics.mean(values), 4) for library, values in rows.items()
        }
        for name, rows in seen.items()
    }
    told = {"machine": machine(), "times": times, "rounds": rounds, "deviations": deviations}
    KEPT.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Check, or measure the noise."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.gate", description="Are the promised ratios kept?"
    )
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="how many rounds (default: 20)")
    parser.add_argument("--noise", type=int, metavar="TIMES", help="measure how much the figures vary, and keep that")
    parser.add_argument("--only", action="append", choices=PROMISED, metavar="NAME", help="only this benchmark")
    options = parser.parse_args(arguments)
    log_nothing()
    names = options.only or list(PROMISED)
    if options.noise:
        measure_noise(names, options.rounds, options.noise)
        return 0
    print(machine())
    return check(names, options.rounds)


if __name__ == "__main__":
    sys.exit(main())
