"""Reading the texts of errors: their beginnings only, in lower case, for phrases that tables list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import read
from ..texts import text_of

if TYPE_CHECKING:
    from ..classification import Classification

_LONGEST = 400


def words_of(error: object) -> str:
    """Return the beginning of an error's message in lower case; "" if it has none to give."""
    return text_of(error, _LONGEST)


def first_words(error: Any, longest: int = 200) -> str:
    """Return the beginning of the error's first argument in lower case, or "" if that is no text.

    For errors whose message says more than it was given: what the server replied, or the errors inside.
    """
    arguments = read(error, "args")
    return lowered(arguments[0], longest) if isinstance(arguments, tuple) and arguments else ""


def lowered(text: Any, longest: int = 200) -> str:
    """Return the beginning of a text in lower case, or "" if it is none."""
    return text[:longest].lower() if isinstance(text, str) else ""


def by_phrase(words: str, meanings: dict[str, Classification]) -> Classification | None:
    """Return the verdict of the first phrase that these lower-case words contain."""
    for phrase, meaning in meanings.items():
        if phrase in words:
            return meaning
    return None


def phrases(rows: dict[tuple[str, ...], Classification]) -> dict[str, Classification]:
    """Spread rows with several phrases over their phrases, each of which becomes the reason."""
    return {phrase: meaning.because(f'text "{phrase}"') for row, meaning in rows.items() for phrase in row}
