"""What is wrong with a configuration: all of it, each with its place, told in one error."""

from __future__ import annotations

from ..errors import ConfigurationError
from ..typed import TYPE_CHECKING
from .wording import legible

if TYPE_CHECKING:
    from .document import Document
    from .lines import Path


class Problems:
    """Collects what is wrong with one document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._found: list[tuple[int, str]] = []

    def add(self, path: Path, message: str) -> None:
        """Note what is wrong with the value at a path; the message goes on after the path's name."""
        line, place = self._document.place(path)
        gap = "" if message.startswith(":") else " "
        self._found.append((line, f"{place}: {self._document.name(path)}{gap}{message}"))

    def note(self, place: str, message: str) -> None:
        """Note what is wrong with something that is in no document."""
        self._found.append((0, f"{legible(place)}: {message}"))

    def end(self) -> None:
        """Raise `ConfigurationError` if anything is wrong."""
        if self._found:
            raise ConfigurationError(told(self._document.source, [text for _, text in sorted(self._found, key=_line)]))


def _line(found: tuple[int, str]) -> int:
    return found[0]


def told(source: str, problems: list[str]) -> str:
    """Return the text of the error: one problem by itself, several with their number above them."""
    if len(problems) == 1:
        return problems[0]
    return "\n".join([f"{legible(source)}: {len(problems)} problems, so nothing was changed", *problems])
