"""The command line: `python -m tests.schedules`."""

from __future__ import annotations

import argparse
import sys
import time
import zlib

from tests.support import log_nothing

from .broken import BROKEN
from .exploring import Finding, Scenario, explore
from .scenarios import SCENARIOS

_BROKEN = {scenario.name: scenario for scenario in BROKEN}


def main(arguments: list[str] | None = None) -> int:
    """Play schedules of the scenarios that were asked for; the exit code is 1 if there is a finding."""
    options = _options(arguments)
    log_nothing()
    known = SCENARIOS | _BROKEN
    findings = []
    print(f"{'scenario':<30} {'schedules':>9} {'different':>9} {'seconds':>8}  fingerprint")
    for name in options.scenario or SCENARIOS:
        finding = _search(known[name], options.schedules, options.seed)
        if finding is not None:
            findings.append(finding)
    for finding in findings:
        print(f"\n{finding}")
    return 1 if findings else 0


def _search(scenario: Scenario, schedules: int, seed: int) -> Finding | None:
    began = time.monotonic()
    digests: list[int] = []
    found = None
    for digest, found in explore(scenario, schedules, seed):
        digests.append(digest)
        if found is not None:
            break
    fingerprint = zlib.crc32(repr(digests).encode())  # two runs of the same schedules have the same
    told = "FOUND" if found is not None else ""
    taken = time.monotonic() - began
    print(
        f"{scenario.name:<30} {len(digests):>9} {len(set(digests)):>9} {taken:>8.1f}  {fingerprint:08x} {told}",
        flush=True,
    )
    return found


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.schedules", description=__doc__)
    parser.add_argument("--schedules", type=int, default=2000, metavar="N", help="of each scenario (default 2000)")
    parser.add_argument("--seed", type=int, default=0, metavar="X", help="of the first schedule; each next is one more")
    parser.add_argument(
        "--scenario",
        action="append",
        choices=[*SCENARIOS, *_BROKEN],
        metavar="S",
        help=f"only this one, several times if wanted: {', '.join(SCENARIOS)}; or one that is broken on purpose, "
        f"to see it found: {', '.join(_BROKEN)}",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
