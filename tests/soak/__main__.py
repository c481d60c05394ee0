"""The command line: `python -m tests.soak`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

from tests.support import log_nothing

from . import real, virtual
from .findings import Findings


def main(arguments: list[str] | None = None) -> int:
    """Run for long, and tell what was seen; the exit code is 1 if anything is not as it must be."""
    options = _options(arguments)
    log_nothing()
    holds = True
    told = []
    for findings in options.run(options):
        holds = holds and not findings.failed
        if options.json:
            told.append(findings.json())
        else:
            print(findings.text(), flush=True)
    if options.json:
        print(f"[{', '.join(told)}]")
    return 0 if holds else 1


def _virtual(options: argparse.Namespace) -> Iterable[Findings]:
    for kind in (virtual.threads, virtual.tasks):
        yield kind(seconds=options.seconds, rate=options.rate, seed=options.seed)


def _real(options: argparse.Namespace) -> Iterable[Findings]:
    yield real.real(seconds=options.seconds, seed=options.seed)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    kinds = parser.add_subparsers(required=True, metavar="virtual|real")
    for name, run, seconds, told in (
        ("virtual", _virtual, 600.0, "much traffic through one policy, in virtual time (ten minutes in about one)"),
        ("real", _real, 120.0, "threads, tasks, forks and all, against a server on loopback that misbehaves"),
    ):
        kind = kinds.add_parser(name, help=told, description=told)
        kind.set_defaults(run=run)
        kind.add_argument("--seconds", type=_seconds, default=seconds, help=f"how long (default: {seconds:g})")
        kind.add_argument("--seed", type=int, default=20260101, help="of all chance (default: 20260101)")
        kind.add_argument("--json", action="store_true", help="tell what was found as JSON")
        if name == "virtual":
            kind.add_argument("--rate", type=int, default=200, help="calls in each second, about (default: 200)")
    return parser.parse_args(arguments)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 1 <= seconds <= 1e6:
        raise argparse.ArgumentTypeError(f"{text} seconds are not between 1 and a million")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
