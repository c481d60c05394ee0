"""The states of a circuit and how it moves between them; pure: it is told the time and every outcome.

    from        to          when
    CLOSED      OPEN        the window holds too many failures, or too many slow calls
    CLOSED      OPEN        forced open
    OPEN        HALF_OPEN   the reset timeout is over and a call, or a look at the state, comes along
    OPEN        CLOSED      forced closed, or reset
    HALF_OPEN   CLOSED      enough probes have succeeded, or forced closed, or reset
    HALF_OPEN   OPEN        one probe has failed, or forced open

Each stay in a state is an object of its own, a phase. The permit that a call is given *is* the phase, or the probe,
that let it in: an outcome whose phase is over moves nothing.
"""

from __future__ import annotations

from itertools import count

from ..typed import TYPE_CHECKING
from .config import CircuitState
from .window import CountWindow, TimeWindow

if TYPE_CHECKING:
    from typing import TypeAlias

    from .config import CircuitBreakerConfig
    from .window import Window

TRANSITIONS: tuple[tuple[CircuitState, CircuitState, str], ...] = (
    (CircuitState.CLOSED, CircuitState.OPEN, "too many failures or slow calls; or forced"),
    (CircuitState.OPEN, CircuitState.HALF_OPEN, "reset timeout is over"),
    (CircuitState.HALF_OPEN, CircuitState.CLOSED, "enough probes succeed; or forced, or reset"),
    (CircuitState.HALF_OPEN, CircuitState.OPEN, "a probe fails; or forced"),
    (CircuitState.OPEN, CircuitState.CLOSED, "forced, or reset"),
)
"""From, to, and when; the documentation's picture is drawn from this."""

_HELD = float("inf")


class Closed:
    """Calls pass. Successes are tallied without a lock, by `next(phase.tally)`, and collected when somebody asks.

    A success may be tallied only until `quiet_until`, when the window has to be turned.
    """

    __slots__ = (
        "_collected",
        "_looks",
        "last_number",
        "last_success",
        "quiet_until",
        "row",
        "since",
        "tally",
        "window",
    )

    state = CircuitState.CLOSED
    label = "CLOSED"

    def __init__(self, config: CircuitBreakerConfig, now: float) -> None:
        self.since = now
        self.row = 0
        self.tally = count()
        self._looks = 0
        self._collected = 0
        self.last_number: int | None = None
        self.last_success: float | None = None
        self.begin_window(config, now)

    def begin_window(self, config: CircuitBreakerConfig, now: float) -> None:
        """Count in a new window, with nothing in it."""
        size = config.window_size
        self.window: Window = TimeWindow(config.failure_window, now) if size is None else CountWindow(size)
        self.quiet_until = self.window.turns

    def uncollected(self) -> int:
        """Return how many successes were tallied and not collected."""
        # Looking at a counter moves it by one, so the looks are counted as well.
        tallied = next(self.tally) - self._looks
        self._looks += 1
        return tallied - self._collected

    def collect(self, now: float) -> int:
        """Move what was tallied into the window, turn it to `now`, and return how many successes that were."""
        new = self.uncollected()
        self._collected += new
        if new:
            self.row = 0
            self.window.add(new, 0, 0)
        self.window.turn(now)
        self.quiet_until = self.window.turns
        return new

    def retire(self, now: float) -> int:
        """Collect for the last time; who draws a number after `last_number` comes too late to be collected."""
        new = self.collect(now)
        self.last_number = self._collected + self._looks - 1
        return new


class Open:
    """Calls are refused until `until`, a moment of the monotonic clock, or infinity if it is held open."""

    __slots__ = ("since", "until")

    state = CircuitState.OPEN
    label = "OPEN"  # formatting a member of an enum takes longer than refusing a call may

    def __init__(self, now: float, timeout: float | None) -> None:
        self.since = now
        self.until = _HELD if timeout is None else now + timeout

    @property
    def held(self) -> bool:
        """Whether only `force_close()` or `reset()` ends it."""
        return self.until == _HELD


class Probe:
    """The permit of one call in a half-open circuit, with a lease: after `expires` its place is given away."""

    __slots__ = ("expires", "phase")

    def __init__(self, phase: HalfOpen, expires: float) -> None:
        self.phase = phase
        self.expires = expires


class HalfOpen:
    """A few probes at a time find out whether the dependency is well again."""

    __slots__ = ("probes", "since", "successes")

    state = CircuitState.HALF_OPEN
    label = "HALF_OPEN"

    def __init__(self, now: float) -> None:
        self.since = now
        self.probes: set[Probe] = set()
        self.successes = 0

    def admit(self, config: CircuitBreakerConfig, now: float, lease: float) -> Probe | None:
        """Return a permit if there is a free place, after probes whose lease is over have lost theirs."""
        if len(self.probes) >= config.half_open_max_calls:
            self.probes = {probe for probe in self.probes if probe.expires > now}
            if len(self.probes) >= config.half_open_max_calls:
                return None
        probe = Probe(self, now + lease)
        self.probes.add(probe)
        return probe


Phase: TypeAlias = Closed | Open | HalfOpen
Permit: TypeAlias = Closed | Probe


class Circuit:
    """The course of one circuit: which phase it is in, and what an outcome does to it."""

    __slots__ = ("config", "phase", "reset_timeout")

    def __init__(self, config: CircuitBreakerConfig, now: float) -> None:
        self.config = config
        self.phase: Phase = Closed(config, now)
        self.reset_timeout = config.reset_timeout

    def adjust(self, config: CircuitBreakerConfig, now: float) -> None:
        """Go by another config from now on, in the same phase; a closed one has been collected just before."""
        before, self.config = self.config, config
        if config.reset_timeout != before.reset_timeout:
            self.reset_timeout = config.reset_timeout
        self.reset_timeout = min(self.reset_timeout, config.longest_reset_timeout)
        windows = [(each.failure_window, each.window_size) for each in (before, config)]
        if isinstance(self.phase, Closed) and windows[0] != windows[1]:
            self.phase.begin_window(config, now)

    def look(self, now: float) -> None:
        """Go on to half-open if the reset timeout is over."""
        phase = self.phase
        if isinstance(phase, Open) and now >= phase.until:
            self.phase = HalfOpen(now)

    def admit(self, now: float) -> Permit | None:
        """Return a permit for a call, or None if it is refused."""
        self.look(now)
        phase = self.phase
        if isinstance(phase, Closed):
            return phase
        if isinstance(phase, HalfOpen):
            lease = self.config.probe_timeout
            return phase.admit(self.config, now, self.reset_timeout if lease is None else lease)
        return None

    def holds(self, permit: Permit | None) -> bool:
        """Whether an outcome under this permit still counts."""
        # A probe that outlived its lease has lost its place, but what it found out is worth as much as ever.
        return (permit.phase if isinstance(permit, Probe) else permit) is self.phase

    def succeeded(self, permit: Permit, now: float, *, slow: bool) -> None:
        """Count a success under a permit that holds; a closed phase has been collected just before."""
        if isinstance(permit, Closed):
            permit.row = 0
            permit.window.add(1, 0, int(slow))
            if self._too_slow(permit.window):
                self.trip(now, None)
            return
        phase = permit.phase
        phase.probes.discard(permit)
        phase.successes += 1
        if phase.successes >= self.config.success_threshold:
            self.close(now)

    def failed(self, permit: Permit, now: float, *, slow: bool, retry_after: float | None) -> None:
        """Count a failure likewise; `retry_after` is what the server asked for, in seconds."""
        if isinstance(permit, Closed):
            permit.row += 1
            permit.window.add(0, 1, int(slow))
            if self._too_many_failures(permit) or self._too_slow(permit.window):
                self.trip(now, retry_after)
            return
        grown = self.reset_timeout * self.config.reset_timeout_multiplier
        self.reset_timeout = min(grown, self.config.longest_reset_timeout)
        self.trip(now, retry_after)

    def abandoned(self, permit: Permit) -> None:
        """Give the place of a call back that says nothing of the dependency."""
        if isinstance(permit, Probe):
            permit.phase.probes.discard(permit)

    def trip(self, now: float, retry_after: float | None) -> None:
        """Open, for the reset timeout or for as long as the server asked, if that is longer and within bounds."""
        asked = min(retry_after or 0.0, self.config.longest_reset_timeout)
        self.phase = Open(now, max(self.reset_timeout, asked))

    def hold_open(self, now: float) -> None:
        """Open until told otherwise."""
        self.phase = Open(now, None)

    def close(self, now: float) -> None:
        """Close, with nothing counted, and with the reset timeout as it was at first."""
        self.phase = Closed(self.config, now)
        self.reset_timeout = self.config.reset_timeout

    def _too_many_failures(self, phase: Closed) -> bool:
        config, window = self.config, phase.window
        if window.failures < config.failure_threshold:
            return False
        total = window.failures + window.successes
        if phase.row >= config.failure_threshold or total < config.fewest_requests:
            return True
        return config.failure_rate_threshold is None or window.failures / total >= config.failure_rate_threshold

    def _too_slow(self, window: Window) -> bool:
        config = self.config
        total = window.failures + window.successes
        rate = config.slow_call_rate_threshold
        return rate is not None and total >= config.fewest_requests and window.slow / total >= rate
