"""The breaker and a naive model of it, which keeps every record and recomputes everything, agree at each step."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import settings, strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, precondition, rule

from holdfast import CircuitOpenError
from holdfast.circuit_breaker import CircuitBreaker, CircuitBreakerConfig, CircuitState
from holdfast.circuit_breaker.window import BUCKETS, CountWindow, TimeWindow
from holdfast.testing import VirtualClock

CLOSED, OPEN, HALF_OPEN = CircuitState


class Model:
    """The rules of the documentation, as slowly as can be."""

    def __init__(self, config: CircuitBreakerConfig) -> None:
        self.config = config
        self.now = 0.0
        self.forget()

    def forget(self) -> None:
        self.totals = {"success": 0, "failure": 0, "abandoned": 0, "rejected": 0}
        self.streak: list[str] = []
        self.timeout = self.config.reset_timeout
        self.close()

    def close(self) -> None:
        self.state = CLOSED
        self.phase = object()
        self.records: list[tuple[float, str, bool]] = []
        self.timeout = self.config.reset_timeout

    def open(self, wait: float) -> None:
        self.state = OPEN
        self.phase = object()
        self.until = self.now + wait

    def look(self) -> None:
        if self.state is OPEN and self.now >= self.until:
            self.state = HALF_OPEN
            self.phase = object()
            self.probes: dict[object, float] = {}
            self.recovered = 0

    def admit(self) -> tuple[object, object] | None:
        """Return the phase and the call, or None."""
        self.look()
        call = object()
        if self.state is CLOSED:
            return self.phase, call
        if self.state is HALF_OPEN:
            full = len(self.probes) >= self.config.half_open_max_calls
            if full:
                self.probes = {probe: ends for probe, ends in self.probes.items() if ends > self.now}
            if len(self.probes) < self.config.half_open_max_calls:
                lease = self.config.probe_timeout or self.timeout
                self.probes[call] = self.now + lease
                return self.phase, call
        self.totals["rejected"] += 1
        return None

    def end(self, permit: tuple[object, object], outcome: str, slow: bool) -> None:
        self.look()
        phase, call = permit
        self.totals[outcome] += 1
        if phase is not self.phase:
            return
        if self.state is HALF_OPEN:
            self.probes.pop(call, None)  # its lease may have been over
        if outcome == "abandoned":
            return
        self.streak.append(outcome)
        if self.state is CLOSED:
            self.records.append((self.now, outcome, slow))
            window = self.window()
            if (outcome == "failure" and self.too_many(window)) or self.too_slow(window):
                self.open(self.timeout)
        elif outcome == "failure":
            self.timeout = min(self.timeout * self.config.reset_timeout_multiplier, self.config.longest_reset_timeout)
            self.open(self.timeout)
        else:
            self.recovered += 1
            if self.recovered >= self.config.success_threshold:
                self.close()

    def window(self) -> list[tuple[float, str, bool]]:
        if self.config.window_size is not None:
            return self.records[-self.config.window_size :]
        width = self.config.failure_window / BUCKETS
        oldest = int(self.now // width) - BUCKETS
        return [record for record in self.records if int(record[0] // width) > oldest]

    def too_many(self, window: list[tuple[float, str, bool]]) -> bool:
        failures = sum(outcome == "failure" for _, outcome, _ in window)
        if failures < self.config.failure_threshold:
            return False
        in_a_row = [outcome for _, outcome, _ in self.records[-self.config.failure_threshold :]]
        if in_a_row == ["failure"] * self.config.failure_threshold:
            return True
        rate = self.config.failure_rate_threshold
        return len(window) < self.fewest() or rate is None or failures / len(window) >= rate

    def fewest(self) -> int:
        return min(self.config.minimum_requests, self.config.window_size or self.config.minimum_requests)

    def too_slow(self, window: list[tuple[float, str, bool]]) -> bool:
        rate = self.config.slow_call_rate_threshold
        slow = sum(slow for _, _, slow in window)
        return rate is not None and len(window) >= self.fewest() and slow / len(window) >= rate

    def row(self, outcome: str) -> int:
        row = 0
        for past in reversed(self.streak):
            if past != outcome:
                break
            row += 1
        return row


class Failed(ConnectionError):
    """What the dependency raises."""


class Left(BaseException):
    """What ends a call without saying anything of the dependency."""


durations = st.sampled_from([0.0, 0.5, 2.0, 2.0, 4.0, 10.0, 18.0, 20.0]) | st.floats(min_value=0, max_value=40)


class BreakerAgainstModel(RuleBasedStateMachine):
    calls = Bundle("calls")

    @initialize(
        failure_threshold=st.integers(1, 4),
        success_threshold=st.integers(1, 4),
        minimum_requests=st.integers(1, 8),
        half_open_max_calls=st.integers(1, 3),
        failure_rate_threshold=st.none() | st.floats(0.1, 1),
        window=st.none() | st.integers(4, 8),
        slow=st.booleans(),
        multiplier=st.sampled_from([1.0, 1.5, 3.0]),
        probe_timeout=st.none() | st.floats(1, 20),
    )
    def begin(self, window: int | None, slow: bool, multiplier: float, **fields: Any) -> None:
        config = CircuitBreakerConfig(
            failure_window=20,
            reset_timeout=10,
            reset_timeout_multiplier=multiplier,
            max_reset_timeout=25,
            window_size=window,
            slow_call_duration_threshold=5 if slow else None,
            **fields,
        )
        self.clock = VirtualClock()
        self.breaker = CircuitBreaker(config, clock=self.clock)
        self.model = Model(config)
        self.guarded = self.breaker.protect(self.dependency)
        self.outcome = "success"
        self.takes = 0.0

    def dependency(self) -> str:
        self.clock.advance(self.takes)
        if self.outcome == "failure":
            raise Failed
        if self.outcome == "abandoned":
            raise Left
        return "fine"

    @rule(outcome=st.sampled_from(["success", "success", "failure", "failure", "abandoned"]), takes=durations)
    def call(self, outcome: str, takes: float) -> None:
        self.outcome, self.takes = outcome, takes if takes > 30 else 0.0
        permit = self.model.admit()
        try:
            assert self.guarded() == "fine"
            ended = "success"
        except Failed:
            ended = "failure"
        except Left:
            ended = "abandoned"
        except CircuitOpenError as error:
            ended = "rejected"
            if self.model.state is OPEN and math.isfinite(self.model.until):
                assert error.retry_after == self.model.until - self.model.now
            else:
                assert error.retry_after is None
            assert error.state is self.model.state
        assert (ended == "rejected") is (permit is None)
        if permit is not None:
            self.model.now = self.clock.monotonic()
            slow = self.model.config.slow_call_duration_threshold is not None and self.takes >= 5
            self.model.end(permit, outcome, slow)

    @rule(target=calls)
    def admit(self) -> Any:
        permit = self.model.admit()
        try:
            return permit, self.breaker.acquire(), self.clock.monotonic()
        except CircuitOpenError:
            assert permit is None
            return None

    @rule(call=consumes(calls), outcome=st.sampled_from(["success", "failure", "abandoned"]))
    def end(self, call: Any, outcome: str) -> None:
        if call is None:
            return
        permit, real, began = call
        if outcome == "success":
            real.succeed()
        elif outcome == "failure":
            real.fail(Failed())
        else:
            real.abandon()
        threshold = self.model.config.slow_call_duration_threshold
        slow = threshold is not None and self.clock.monotonic() - began >= threshold
        self.model.end(permit, outcome, slow)

    @rule(duration=durations)
    def pass_time(self, duration: float) -> None:
        self.clock.advance(duration)
        self.model.now = self.clock.monotonic()

    @rule()
    def reset(self) -> None:
        self.breaker.reset()
        self.model.forget()

    @rule()
    def force_close(self) -> None:
        self.breaker.force_close()
        self.model.close()

    @rule(hold=st.booleans())
    def force_open(self, hold: bool) -> None:
        self.breaker.force_open(hold=hold)
        self.model.look()
        if hold or self.model.state is not OPEN or self.model.until != math.inf:
            self.model.open(math.inf if hold else self.model.timeout)

    @precondition(lambda self: hasattr(self, "breaker"))
    @invariant()
    def they_agree(self) -> None:
        metrics, model = self.breaker.metrics, self.model
        totals = model.totals
        assert metrics.successful_requests == totals["success"]
        assert metrics.failed_requests == totals["failure"]
        assert metrics.abandoned_requests == totals["abandoned"]
        assert metrics.rejected_requests == totals["rejected"]
        assert metrics.total_requests == totals["success"] + totals["failure"] + totals["abandoned"]
        assert metrics.consecutive_failures == model.row("failure")
        assert metrics.consecutive_successes == model.row("success")
        if model.state is CLOSED:
            window = model.window()
            failures = sum(outcome == "failure" for _, outcome, _ in window)
            assert metrics.failure_rate == (failures / len(window) if window else None)
        model.look()
        assert self.breaker.state is model.state
        assert self.breaker.get_stats()["reset_timeout"] == model.timeout


TestBreakerAgainstModel = BreakerAgainstModel.TestCase
TestBreakerAgainstModel.settings = settings(max_examples=150, stateful_step_count=40)


class WindowsAgainstModel(RuleBasedStateMachine):
    """Both windows against lists of all outcomes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.time = TimeWindow(30.0, now=0.0)
        self.ring = CountWindow(7)
        self.records: list[tuple[int, str, bool]] = []

    @rule(duration=st.sampled_from([0.0, 1.0, 3.0, 3.0, 6.0, 27.0, 30.0]) | st.floats(min_value=0, max_value=100))
    def pass_time(self, duration: float) -> None:
        self.now += duration
        self.time.turn(self.now)

    @rule(outcome=st.sampled_from(["success", "failure"]), slow=st.booleans())
    def add(self, outcome: str, slow: bool) -> None:
        for window in (self.time, self.ring):
            window.add(int(outcome == "success"), int(outcome == "failure"), int(slow))
        self.records.append((int(self.now // 3.0), outcome, slow))

    @rule(successes=st.integers(1, 20))
    def collect(self, successes: int) -> None:
        for window in (self.time, self.ring):
            window.add(successes, 0, 0)
        self.records += [(int(self.now // 3.0), "success", False)] * successes

    @invariant()
    def they_agree(self) -> None:
        current = int(self.now // 3.0)
        for window, records in (
            (self.time, [record for record in self.records if record[0] > current - BUCKETS]),
            (self.ring, self.records[-7:]),
        ):
            assert window.successes == sum(outcome == "success" for _, outcome, _ in records)
            assert window.failures == sum(outcome == "failure" for _, outcome, _ in records)
            assert window.slow == sum(slow for _, _, slow in records)


TestWindowsAgainstModel = WindowsAgainstModel.TestCase
TestWindowsAgainstModel.settings = settings(max_examples=100, stateful_step_count=30)
