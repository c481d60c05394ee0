"""Plain text tables: columns as wide as their longest cell, numbers to the right, nothing that is not text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[str] = ()) -> str:
    """Return the rows under their headings, with a line between; columns whose heading is in `right` end evenly.

    >>> print(table(["name", "calls"], [["threads", "9"], ["tasks", "120"]], right={"calls"}))
    name     calls
    -------  -----
    threads      9
    tasks      120
    """
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    lines = [headings, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if heading in right else cell.ljust(width)
            for heading, cell, width in zip(headings, line, widths, strict=True)
        ).rstrip()
        for line in lines
    )
