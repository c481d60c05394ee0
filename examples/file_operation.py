"""A file operation on a network share: one careful retry, and only for what can pass by itself.

Run it: python examples/file_operation.py

A stale handle or a busy file clears in a moment; a missing file or a full disk does not, so those come out at once.
"""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path

from holdfast import with_retry


class Share:
    """A directory whose server has just failed over: the first access finds a stale handle."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.failed_over = False

    @with_retry("conservative")
    def read(self, name: str) -> str:
        if not self.failed_over:
            self.failed_over = True
            raise OSError(errno.ESTALE, "Stale file handle")
        return (self.directory / name).read_text(encoding="utf-8")


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "report.txt").write_text("42 sheets", encoding="utf-8")
        share = Share(Path(directory))
        print(share.read("report.txt"))
        try:
            share.read("missing.txt")
        except FileNotFoundError as error:
            print("not there:", error.__notes__[0])


if __name__ == "__main__":
    main()
