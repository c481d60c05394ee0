"""What was said of how many may pass until when: by the server with its answers, or by whoever asked for a pause.

Each word holds until its moment, beside all others, so what is said later can only make things stricter. An older
answer that comes late, or one that tells of another limit of the same server, does no harm therefore.
"""

from __future__ import annotations

from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    Word: TypeAlias = tuple[int, float, bool]
    """So many may pass, until that moment; and whether it was said to hold for longer than is believed."""

MOST_KEPT = 8
"""So many words are kept at most; of more, two that end soon are put together, so that neither is exceeded."""


def together(words: Iterable[Word], now: float) -> tuple[Word, ...]:
    """Return those that count: no other one lets as little pass for as long.

    The one that holds longest comes first, and each of the others lets less pass than those before it.
    """
    kept: list[Word] = []
    for word in sorted(words, key=_longest_first):
        left, until, _ = word
        if now < until and (not kept or left < kept[-1][0]):
            kept.append(word)
    while len(kept) > MOST_KEPT:
        (left, _, doubted), (_, until, also) = kept.pop(), kept.pop()
        kept.append((left, until, doubted and also))
    return tuple(kept)


def _longest_first(word: Word) -> tuple[float, int]:
    return -word[1], word[0]
