"""What is wrong with a configuration: all of it, each with its place, told in one error."""

from __future__ import annotations

from ..errors import ConfigurationError
from ..records import did_you_mean, nearest
from ..settings import shown
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .document import Document
    from .lines import Path

_LONGEST = 120
_LISTED = 40


def legible(text: str) -> str:
    """Return a text that others wrote as it is, or, if it has control characters or no end, as one that has neither."""
    return text if text.isprintable() and len(text) <= _LONGEST else shown(text)


def offered(word: str, known: Iterable[str]) -> str:
    """Return a sentence part that offers the nearest spelling, and lists what is known if that is not too much."""
    names = list(known)
    if len(names) <= _LISTED:
        return did_you_mean(word, names)
    near = nearest(word, names)
    return f"did you mean {near!r}?" if near else f"none of the {len(names)} that there are is spelled like that"


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
