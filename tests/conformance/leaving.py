"""A process that wants to end while a function that timed out still hangs: `python -m tests.conformance.leaving LIBRARY`."""

from __future__ import annotations

import sys
import time

from .adapters import adapter
from .labs import open_lab


def main(library: str) -> None:
    lab = open_lab("sync")
    guarded = adapter(library).timeout(lab, lambda: time.sleep(30), 0.1)
    lab.call(guarded)
    print("leaving", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
