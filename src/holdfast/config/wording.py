"""Text that others wrote, in messages: keys, names and paths may have no end, and characters in them that do things."""

from __future__ import annotations

from ..records import did_you_mean, nearest
from ..settings import shown
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .lines import Path

_LONGEST = 120
_LISTED = 40
_LONGEST_KEY = 60


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


def named(path: Path) -> str:
    """Return a path in a document as it is written there."""
    name = ""
    for key in path:
        if isinstance(key, int):
            name += f"[{key}]"
        else:
            is_plain = key.replace("-", "a").replace("_", "a").isalnum() and len(key) <= _LONGEST_KEY
            name += f".{key if is_plain else shown(key)}"
    return name.removeprefix(".")
