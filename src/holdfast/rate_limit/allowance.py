"""How much may pass, and when: by our own limit, and by what was said of how many may pass until when.

That is said by the server with its answers, or by whoever asks for a pause. Each such word holds until its moment,
beside all others, so what is said later can only make things stricter. An older answer that comes late, or one that
tells of another limit of the same server, does no harm therefore.
"""

from __future__ import annotations

from ..typed import TYPE_CHECKING
from .bucket import Bucket, Past
from .config import TokenBucket
from .measures import Trial, measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .config import SlidingWindow
    from .measures import Word

_MOST_KEPT = 8
"""So many words are kept at most; of more, two that end soon are put together, so that neither is exceeded."""


class Allowance:
    """What may pass. All methods are told the time, in seconds of one clock that never goes back."""

    __slots__ = ("_past", "limit", "measure", "words")

    def __init__(self, limit: TokenBucket | SlidingWindow, words: tuple[Word, ...] = ()) -> None:
        self.limit = limit
        self.measure = measure(limit)
        self.words = words
        self._past = Past() if isinstance(limit, TokenBucket) else None

    def room(self, now: float) -> int:
        """Return how many may pass now; below zero if more have passed than may."""
        room = self.measure.room(now)
        for left, until, _ in self.words:
            if left < room and now < until:
                room = left
        if self.words and self.words[0][1] <= now:
            self.words = ()  # the first one holds longest
        return room

    def take(self, now: float, amount: int) -> None:
        """Let so many pass now."""
        self.measure.take(now, amount)
        if self._past is not None:
            self._past.note(now, amount)
        if self.words:
            self._count_down(amount)

    def record(self, times: Sequence[float]) -> None:
        """Let one pass at each of these moments."""
        self.measure.record(times)
        if self._past is not None:
            self._past.record(times)
        if self.words:
            self._count_down(len(times))

    def _count_down(self, amount: int) -> None:
        self.words = tuple([(left - amount, until, doubted) for left, until, doubted in self.words])

    def ready(self, now: float, before: int, amount: int, waiting: Callable[[], Iterable[int]]) -> float:
        """Return when so many may pass after `before` others, which are what `waiting` costs, one after the other."""
        total = before + amount
        for left, until, _ in self.words:
            if now < until and total > left:
                break
        else:
            at = self.measure.ready(now, total)
            if at is not None:
                return at
        trial = self.trial(now)
        for cost in waiting():
            trial.let(cost, trial.turn(cost))
        return trial.turn(amount)

    def trial(self, now: float) -> Trial:
        """Return what tells in one go when each of those who wait would pass."""
        return Trial(self.measure, self.words, now)

    def fresh_at(self, now: float) -> float:
        """Return from when on a new one would be just the same, if nothing more passes."""
        return max(self.measure.ready(now, self.limit.most) or now, *[until for _, until, _ in self.words], now)

    def hear(self, words: Iterable[Word], now: float) -> bool:
        """Heed also what was said just now; what was said before still holds. Return whether that makes a difference.

        Only what is doubted, as it was to hold for too long, is dropped when an answer says that some may pass.
        """
        said = tuple(words)
        before = self.words
        if [word for word in said if word[0] > 0 and not word[2]]:
            before = tuple([word for word in before if not word[2]])
        after = _together(before + said, now)
        changed = after != self.words
        self.words = after
        return changed

    def resume(self) -> bool:
        """Heed nothing any more of what was said; return whether that makes a difference."""
        changed = bool(self.words)
        self.words = ()
        return changed

    def adjust(self, limit: TokenBucket | SlidingWindow, now: float) -> None:
        """Follow another limit from now on, and go on counting what was counted.

        Of a bucket no more is missing then than it holds: a debt from a larger limit is forgiven.
        """
        old, past = self.measure, self._past
        if isinstance(old, Bucket) and isinstance(limit, TokenBucket):
            old.adjust(limit.rate, limit.capacity, now)
            self.limit = limit
            return
        new = Allowance(limit)
        most = max(self.limit.most, limit.most)  # of so many or more at one moment, all would leave together
        for time, amount in old.admissions(now) if past is None else past.admissions:
            new.take(time, min(amount, most))
            if isinstance(new.measure, Bucket):
                new.measure.forgive(time)
        self.measure, self._past, self.limit = new.measure, new._past, limit


def _together(words: Iterable[Word], now: float) -> tuple[Word, ...]:
    """Return those that count: no other one lets as little pass for as long.

    The one that holds longest comes first, and each of the others lets less pass than those before it.
    """
    kept: list[Word] = []
    for word in sorted(words, key=_longest_first):
        left, until, _ = word
        if now < until and (not kept or left < kept[-1][0]):
            kept.append(word)
    while len(kept) > _MOST_KEPT:
        (left, _, doubted), (_, until, also) = kept.pop(), kept.pop()
        kept.append((left, until, doubted and also))
    return tuple(kept)


def _longest_first(word: Word) -> tuple[float, int]:
    return -word[1], word[0]
