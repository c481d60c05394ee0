"""The command line: `python -m tests.conformance`."""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support import log_nothing

from .adapters import MODULES, version
from .asking import Cell, ask, complaints, scripts, shows
from .matrix import as_json, text, write_markdown


def main(arguments: list[str] | None = None) -> int:
    """Ask the libraries that are installed; the exit code is 1 if something does not fit together."""
    options = _options(arguments)
    log_nothing()
    began = time.monotonic()
    libraries = [library for library in options.only or MODULES if version(library)]
    cells: list[Cell] = []
    for library in libraries:
        print(f"asking {MODULES[library]} {version(library)} ...", file=sys.stderr, flush=True)
        cells += ask(library)
    shown = _shown(libraries)
    print(text(cells, shown))
    if options.json:
        options.json.write_text(as_json(cells, shown) + "\n", encoding="utf-8")
    if options.markdown:
        write_markdown(options.markdown, cells)
    absent = [MODULES[library] for library in options.only or MODULES if not version(library)]
    print(f"\n{len(cells)} cells and {len(shown)} scripts in {time.monotonic() - began:.0f} s.")
    if absent:
        print(f"Not installed, and so not asked: {', '.join(absent)}.")
    wrong = complaints(cells, shown)
    for line in wrong:
        print(f"  {line}")
    return 1 if wrong else 0


def _shown(libraries: list[str]) -> dict[tuple[str, str], str | LookupError]:
    print("running the scripts that show failures ...", file=sys.stderr, flush=True)

    def run(path: Path) -> str | LookupError:
        try:
            return shows(path)
        except LookupError as error:
            return error

    found = scripts(libraries)
    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(run, (path for _, _, path in found)))
    return {(library, scenario): what for (library, scenario, _), what in zip(found, said, strict=True)}


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.conformance",
        description="Ask holdfast and the libraries beside it what users may expect, and show who keeps it.",
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=list(MODULES),
        metavar="NAME",
        help=f"ask only this library, may be given again; one of {', '.join(MODULES)}",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all of it to this file as well")
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write the tables to this file, between its marks if it has them"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
