"""Calls through a rate limiter: what passes, what is refused and how, what is counted and told."""

from __future__ import annotations

import asyncio
import copy
import functools
import pickle
import threading
from typing import Any

import pytest
from tests.rate_limit.loop_time import LoopTime
from tests.support import Door, Script, run_virtual

from holdfast import deadline, disabled, events, with_rate_limit
from holdfast.errors import ConfigurationError, RateLimitExceededError, RejectedError, UnknownPolicyError
from holdfast.events import watch
from holdfast.rate_limit import (
    RateLimitAdjusted,
    RateLimitAdmitted,
    RateLimiter,
    RateLimiterConfig,
    RateLimitEvent,
    RateLimitQueued,
    RateLimitRejected,
    SlidingWindow,
    TokenBucket,
    create_rate_limiter,
    get_rate_limiter_registry,
    line as rate_limit_line,
)
from holdfast.rate_limit.manager import limiters
from holdfast.rate_limit.places import HELD, WaitingThread
from holdfast.testing import VirtualClock

ONE_A_SECOND = TokenBucket(rate=1, capacity=1)


def test_a_call_passes_at_once_or_waits_for_its_turn(door: Door, clock: VirtualClock) -> None:
    limiter = RateLimiter(TokenBucket(rate=10, capacity=2), clock=clock)
    script = Script(1, 2, ValueError("no"), 4)
    call = limiter.protect(door.function(script))
    assert door.run(call) == 1
    assert door.run(call) == 2
    assert clock.monotonic() == 0
    if door.name == "returns-awaitable":  # it is a plain call that is made in a loop, so it cannot wait
        clock.advance(0.2)
    with pytest.raises(ValueError, match="no"):
        door.run(call)
    assert clock.monotonic() == pytest.approx(0.2 if door.name == "returns-awaitable" else 0.1)
    assert door.run(call) == 4
    assert limiter.metrics.admitted == 4


def test_a_function_keeps_its_looks_and_gets_its_arguments() -> None:
    limiter = RateLimiter(TokenBucket(rate=1000, capacity=1000))

    def function(a: int, /, b: str = "b", *rest: int, c: bool = False, **more: int) -> Any:
        """Its doc."""
        return a, b, rest, c, more

    for cost in (1, 2):
        guarded: Any = limiter.protect(function, cost)
        assert guarded.__name__ == "function"
        assert guarded.__doc__ == "Its doc."
        assert guarded.__wrapped__ is function
        assert guarded(1, "x", 2, 3, c=True, d=4) == (1, "x", (2, 3), True, {"d": 4})
        assert guarded(1) == (1, "b", (), False, {})

    class Service:
        @limiter.protect
        def method(self) -> str:
            return "method"

        @limiter.protect
        @staticmethod
        def static() -> str:
            return "static"

        @classmethod
        @limiter.protect
        def of_class(cls) -> str:
            return cls.__name__

    assert [Service().method(), Service.static(), Service.of_class()] == ["method", "static", "Service"]
    assert limiter.protect(functools.partial(function, 5))()[0] == 5


@pytest.mark.parametrize("what", [int, lambda: (yield), 5])
def test_what_cannot_be_guarded_is_refused_when_decorating(what: Any) -> None:
    limiter = RateLimiter(ONE_A_SECOND)
    with pytest.raises(TypeError, match="rate limiter cannot guard"):
        limiter.protect(what)
    execute: Any = limiter.execute
    with pytest.raises(TypeError, match="rate limiter cannot guard"):
        execute(what)


def test_execute_takes_either_kind_and_a_cost(clock: VirtualClock) -> None:
    limiter = RateLimiter(TokenBucket(rate=1, capacity=10), clock=clock)

    async def operation() -> str:
        return "async"

    assert limiter.execute(lambda: "plain", 3) == "plain"
    assert asyncio.run(limiter.execute(operation, cost=5)) == "async"
    assert limiter.stats.available == 2
    limiter.execute(lambda: None)
    assert limiter.stats.available == 1


def test_what_a_call_costs_may_depend_on_its_arguments(caplog: pytest.LogCaptureFixture, clock: VirtualClock) -> None:
    limiter = RateLimiter(TokenBucket(rate=1, capacity=100), clock=clock)

    @functools.partial(limiter.protect, cost=lambda text: len(text))
    def say(text: str) -> str:
        return text

    @functools.partial(limiter.protect, cost=lambda text: len(text))
    async def say_async(text: str) -> str:
        return text

    assert say("kelp") == "kelp"
    assert asyncio.run(say_async(text="seaweed")) == "seaweed"
    assert limiter.stats.available == 89
    broken: Any = say
    assert broken(5) == 5
    assert limiter.stats.available == 88
    assert "so the call costs 1" in caplog.text
    with pytest.raises(ConfigurationError, match="a call that costs 101 can never be admitted, as no more than 100"):
        say("x" * 101)
    with pytest.raises(ConfigurationError, match="cost must be a whole number of at least 1, not 0"):
        say("")


@pytest.mark.parametrize("cost", [0, -1, 1.5, True, "2", 3])
def test_a_cost_that_can_never_be_admitted_is_an_error_at_once(cost: Any) -> None:
    limiter = RateLimiter(SlidingWindow(limit=2, period=1))
    for ask in (limiter.try_acquire, limiter.acquire, limiter.reserve, lambda it: limiter.execute(int.mro, it)):
        with pytest.raises(ConfigurationError, match="cost"):
            ask(cost)
    with pytest.raises(ConfigurationError, match="cost"):
        limiter.protect(lambda: None, cost)
    with pytest.raises(ConfigurationError, match="cost"):
        asyncio.run(limiter.acquire_async(cost))
    assert limiter.metrics.asked == 0


def test_in_a_thread_whose_loop_runs_a_plain_call_never_waits_and_the_error_names_the_fix(clock: VirtualClock) -> None:
    limiter = RateLimiter(ONE_A_SECOND, name="api", clock=clock)

    async def main() -> None:
        limiter.acquire()
        with pytest.raises(RateLimitExceededError, match="would stop its event loop; make the guarded function `async"):
            limiter.protect(lambda: None)()
        with pytest.raises(RateLimitExceededError, match="asyncio.to_thread") as caught:
            limiter.acquire(timeout=None)
        assert caught.value.retry_after == 1
        await asyncio.to_thread(limiter.acquire)

    asyncio.run(main())
    assert clock.sleeps == [1]


def test_a_rejection_is_one_of_ours_and_can_be_caught_as_such() -> None:
    limiter = RateLimiter(ONE_A_SECOND, name="api", clock=VirtualClock())
    limiter.acquire()
    with pytest.raises(RejectedError) as caught:
        limiter.acquire(timeout=0.5)
    assert caught.value.code == "RATE_LIMIT_EXCEEDED"
    assert str(caught.value) == (
        "rate limiter 'api' refused a call: its turn would come in 1 s, which is more than the 0.5 s that it may wait"
    )


def test_a_reservation_tells_when_and_can_be_given_back(clock: VirtualClock) -> None:
    limiter = RateLimiter(TokenBucket(rate=1, capacity=2), clock=clock)
    first, second, third = limiter.reserve(2), limiter.reserve(), limiter.reserve(2)
    assert [each.delay for each in (first, second, third)] == [0, 1, 3]
    assert [each.at for each in (first, second, third)] == [0, 1, 3]
    assert third.cost == 2
    assert repr(third) == "Reservation('rate-limiter', cost=2, at=3)"
    assert not first.cancel()  # its moment is here
    assert second.cancel()
    assert not second.cancel()
    assert second.at == float("inf")
    assert third.delay == 2
    clock.advance(2)
    assert third.delay == 0
    assert not third.cancel()
    assert limiter.metrics.as_dict() | {"name": ""} == {
        "name": "",
        "admitted": 2,
        "rejected": 0,
        "timed_out": 0,
        "abandoned": 1,
        "queued": 0,
        "available": 0,
    }
    with pytest.raises(RateLimitExceededError):
        limiter.reserve(2, timeout=1.9)


def test_a_reservation_that_was_told_a_moment_counts_from_then_though_it_could_have_been_earlier(
    clock: VirtualClock,
) -> None:
    limiter = RateLimiter(SlidingWindow(limit=2, period=10), clock=clock)
    clock.advance(1)
    limiter.acquire(2)
    ahead, mine = limiter.reserve(2), limiter.reserve()
    assert mine.at == 21
    ahead.cancel()
    clock.advance(10)
    limiter.acquire()  # there is room for one beside it
    assert not limiter.try_acquire()
    clock.advance(9.5)  # 20.5: nothing has left the window of ten seconds before 21
    assert not limiter.try_acquire()
    clock.advance(0.5)
    assert limiter.try_acquire()
    assert not limiter.try_acquire()  # the other one counts since 21 only
    assert not mine.cancel()
    clock.advance(9.9)
    assert not limiter.try_acquire()


def test_a_reservation_that_is_due_early_can_be_given_back_until_its_moment(clock: VirtualClock) -> None:
    limiter = RateLimiter(SlidingWindow(limit=2, period=10), clock=clock)
    limiter.acquire(2)
    ahead, mine, behind = limiter.reserve(2), limiter.reserve(), limiter.reserve()
    ahead.cancel()
    clock.advance(10)
    assert limiter.stats.queued == 2
    assert mine.cancel()
    assert behind.delay == 0
    assert limiter.stats.as_dict() == {"available": 1, "queued": 0}


def test_pausing_lets_nothing_pass_for_so_long(door: Door, clock: VirtualClock) -> None:
    limiter = RateLimiter(TokenBucket(rate=10, capacity=5), clock=clock)
    call = limiter.protect(door.function(Script(1)))
    door.run(call)
    limiter.pause_for(30)
    limiter.pause_for(2)  # the longer one stays
    assert limiter.stats.available == 0
    assert not limiter.try_acquire()
    with pytest.raises(RateLimitExceededError) as caught:
        limiter.acquire(timeout=29)
    assert caught.value.retry_after == 30
    if door.name == "returns-awaitable":
        clock.advance(30)
    assert door.run(call) == 1
    assert clock.monotonic() == 30
    assert not limiter.line.busy
    with pytest.raises(ConfigurationError, match="pause_for: duration must be"):
        limiter.pause_for(-1)


def test_who_waits_and_cannot_pass_in_time_any_more_is_told_so_at_once() -> None:
    limiter = RateLimiter(RateLimiterConfig(limit=ONE_A_SECOND, queue_timeout=5), name="api", clock=LoopTime())
    told: list[tuple[str, float]] = []

    async def call(timeout: float) -> None:
        try:
            await limiter.acquire_async(timeout=timeout)
            told.append(("passed", asyncio.get_running_loop().time()))
        except RateLimitExceededError as error:
            assert "the limit became stricter while it waited" in str(error)
            told.append(("refused", asyncio.get_running_loop().time()))

    async def main() -> None:
        await limiter.acquire_async()
        tasks = [asyncio.create_task(call(timeout)) for timeout in (5, 100)]
        await asyncio.sleep(0.5)
        reserved = limiter.reserve()
        limiter.pause_for(10)
        await asyncio.wait(tasks[:1])
        assert told == [("refused", 0.5)]
        assert reserved.at == 11.5
        await asyncio.wait(tasks)
        assert told[1][0] == "passed"
        assert told[1][1] == pytest.approx(10.5)

    run_virtual(main())
    assert limiter.metrics.timed_out == 1


def test_a_thread_that_cannot_pass_in_time_any_more_is_told_so_at_once() -> None:
    limiter = RateLimiter(TokenBucket(rate=0.05, capacity=2), name="api")
    limiter.acquire(2)
    refused: list[RateLimitExceededError] = []
    reserved = limiter.reserve(2)

    def work() -> None:
        try:
            limiter.acquire(2, timeout=90)
        except RateLimitExceededError as error:
            refused.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while limiter.stats.queued < 2:
        pass
    limiter.update(TokenBucket(rate=0.05, capacity=1))  # what costs 2 can never pass now
    thread.join(30)
    assert len(refused) == 1
    assert reserved.at == float("inf")
    assert not reserved.cancel()
    assert limiter.metrics.timed_out == 2
    assert limiter.stats.queued == 0


def test_a_limit_that_gets_looser_lets_those_pass_earlier_who_wait() -> None:
    limiter = RateLimiter(TokenBucket(rate=0.1, capacity=1), clock=LoopTime())

    async def main() -> None:
        await limiter.acquire_async()
        waiting = asyncio.create_task(limiter.acquire_async())
        await asyncio.sleep(1)
        limiter.update({"rate": 1, "capacity": 1})
        await waiting
        assert asyncio.get_running_loop().time() == pytest.approx(1.9, abs=1e-5)
        limiter.adjust(RateLimiterConfig(limit=SlidingWindow(limit=3, period=1), max_queue=0))
        assert limiter.config == RateLimiterConfig(limit=SlidingWindow(limit=3, period=1), max_queue=0)
        assert limiter.stats.available == 2

    run_virtual(main())
    with pytest.raises(ConfigurationError, match="update: limit must be"):
        limiter.update(5)  # type: ignore[arg-type]


def test_a_turn_that_comes_later_than_foreseen_is_no_reason_to_refuse(clock: VirtualClock) -> None:
    limiter = RateLimiter(TokenBucket(rate=1, capacity=1), clock=clock)
    limiter.acquire()
    ahead, mine = WaitingThread(1), WaitingThread(1)
    limiter.line.enter(ahead, 1)
    limiter.line.enter(mine, 2)
    clock.advance(1.5)
    assert not limiter.line.look(ahead)  # it came late, and so do all that follow
    clock.advance(0.5)
    assert limiter.line.look(mine)
    assert (mine.until, mine.alarm) == (2, 2.5)
    limiter.learn({"RateLimit-Remaining": "10", "RateLimit-Reset": "10"})  # nor is a change that makes it no later
    clock.advance(0.5)
    assert not limiter.line.look(mine)
    assert mine.state == HELD


def test_a_turn_that_slips_beyond_a_deadline_is_a_refusal_that_says_so(clock: VirtualClock) -> None:
    limiter = RateLimiter(TokenBucket(rate=1, capacity=1), clock=clock)
    limiter.acquire()
    ahead = WaitingThread(1)
    limiter.line.enter(ahead, 1)

    class Slow(VirtualClock):
        def sleep(self, duration: float) -> None:
            clock.advance(1.5)
            assert not limiter.line.look(ahead)
            clock.advance(0.5)

    limiter.clock = Slow()
    with (
        deadline(2.25, name="request"),
        pytest.raises(RateLimitExceededError, match=r"later than the deadline 'request' allows, as others took longer"),
    ):
        limiter.acquire()
    assert limiter.metrics.timed_out == 1
    assert limiter.stats.queued == 0


def test_who_can_never_pass_any_more_is_told_no_moment() -> None:
    limiter = RateLimiter(TokenBucket(rate=10, capacity=10), clock=LoopTime())
    heard: list[Any] = []
    limiter.on("rejected", heard.append)

    async def main() -> None:
        await limiter.acquire_async(10)
        waiting = asyncio.create_task(limiter.acquire_async(10))
        await asyncio.sleep(0)
        limiter.update(TokenBucket(rate=10, capacity=2))
        with pytest.raises(RateLimitExceededError, match="would never come, as the limit became stricter") as caught:
            await waiting
        assert caught.value.retry_after is None

    run_virtual(main())
    assert [(event.reason, event.retry_after) for event in heard] == [("timeout", float("inf"))]


@pytest.mark.parametrize("changed_back", [False, True])
def test_a_cost_that_became_too_high_just_now_is_refused(changed_back: bool, clock: VirtualClock) -> None:
    limiter = RateLimiter(TokenBucket(rate=10, capacity=10), clock=clock)
    limiter.acquire(10)
    enter = limiter.line.enter

    def late(place: Any, patience: float) -> Any:
        limiter.update(TokenBucket(rate=10, capacity=2))  # as if by another thread, after the cost was looked at
        try:
            return enter(place, patience)
        finally:
            if changed_back:
                limiter.update(TokenBucket(rate=10, capacity=10))

    limiter.line = Overridden(limiter.line, enter=late)  # type: ignore[assignment]
    error = RateLimitExceededError if changed_back else ConfigurationError
    with pytest.raises(error, match="the limit was just being changed" if changed_back else "can never be admitted"):
        limiter.acquire(10)
    assert limiter.stats.queued == 0
    assert limiter.metrics.rejected == changed_back
    limiter.acquire(1)


class Overridden:
    """Something else, with some of its methods in other words."""

    def __init__(self, what: Any, **methods: Any) -> None:
        self._what = what
        self.__dict__.update(methods)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._what, name)


def test_events_tell_what_happened_and_none_is_made_for_nobody(clock: VirtualClock) -> None:
    limiter = RateLimiter(TokenBucket(rate=1, capacity=2), name="api", clock=clock)
    heard: list[RateLimitEvent] = []
    ends = [limiter.on(name, heard.append) for name in ("admitted", "queued", "rejected", "adjusted")]
    call = limiter.protect(lambda: None)
    call()
    limiter.acquire(2)
    limiter.try_acquire(2)
    with pytest.raises(RateLimitExceededError):
        limiter.acquire(timeout=0.5)
    limiter.pause_for(5)
    assert heard == [
        RateLimitAdmitted(name="api", cost=1, waited=0.0),
        RateLimitQueued(name="api", cost=2, position=1, delay=1.0),
        RateLimitAdmitted(name="api", cost=2, waited=1.0),
        RateLimitRejected(name="api", cost=2, reason="rate", waited=0.0, retry_after=2.0),
        RateLimitRejected(name="api", cost=1, reason="rate", waited=0.0, retry_after=1.0),
        RateLimitAdjusted(name="api", pause=5.0),
    ]
    for end in ends:
        end()
        end()
    clock.advance(10)
    call()
    assert len(heard) == 6


def test_those_who_listen_to_all_guards_are_told_of_waits_and_refusals(clock: VirtualClock) -> None:
    limiter = RateLimiter(TokenBucket(rate=1, capacity=1), clock=clock)
    heard: list[Any] = []
    end = events.subscribe(heard.append, RateLimitEvent)
    try:
        limiter.acquire()
        limiter.acquire()
        limiter.try_acquire()
        limiter.update(limiter.config)
    finally:
        end()
    assert [type(event) for event in heard] == [RateLimitQueued, RateLimitRejected, RateLimitAdjusted]


def test_a_callback_that_raises_is_logged_and_changes_nothing(
    caplog: pytest.LogCaptureFixture, clock: VirtualClock
) -> None:
    def broken(event: Any) -> None:
        raise ValueError("secret")

    limiter = RateLimiter(RateLimiterConfig(limit=ONE_A_SECOND, on_reject=broken), clock=clock)
    for name in ("admitted", "queued", "rejected", "adjusted"):
        limiter.on(name, broken)
    limiter.acquire()
    limiter.acquire()
    assert not limiter.try_acquire()
    limiter.pause_for(1)
    assert limiter.metrics.asked == 3
    assert caplog.text.count("listener") == 6
    assert "secret" not in caplog.text


def test_who_watches_all_failures_is_told_of_refusals(clock: VirtualClock) -> None:
    limiter = RateLimiter(ONE_A_SECOND, name="api", clock=clock)
    seen: list[Any] = []
    end = watch(seen.append)
    try:
        limiter.acquire()
        with pytest.raises(RateLimitExceededError):
            limiter.acquire(timeout=0)
    finally:
        end()
    assert [(event.guard, event.name, event.code) for event in seen] == [("rate limiter", "api", "RATE_LIMIT_EXCEEDED")]


def test_what_limiters_counted_stays_on_the_roll_when_they_are_gone(clock: VirtualClock) -> None:
    name = f"on the roll {len(limiters.totals())}"  # the roll forgets no name, and the test may run again
    limiter = RateLimiter(ONE_A_SECOND, name=name, clock=clock)
    limiter.acquire()
    limiter.try_acquire()
    counted = limiters.totals()[name]
    assert counted == limiter.counts
    del limiter
    assert limiters.totals()[name] == counted


def test_a_listener_that_interrupts_a_wait_leaves_no_place_behind(clock: VirtualClock) -> None:
    limiter = RateLimiter(ONE_A_SECOND, clock=clock)

    def interrupt(event: object) -> None:
        raise KeyboardInterrupt

    limiter.on("queued", interrupt)
    limiter.acquire()
    with pytest.raises(KeyboardInterrupt):
        limiter.acquire()
    with pytest.raises(KeyboardInterrupt):
        limiter.reserve()
    assert limiter.metrics.abandoned == 2
    assert limiter.stats.queued == 0


def test_on_refuses_what_it_does_not_know() -> None:
    limiter = RateLimiter(ONE_A_SECOND)
    with pytest.raises(ConfigurationError, match="there is no event 'admited'; did you mean 'admitted'"):
        limiter.on("admited", print)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="listener must be a function"):
        limiter.on("admitted", None)  # type: ignore[arg-type]


def test_metrics_are_exact_under_thirty_two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    for lock_free in (True, False):
        monkeypatch.setattr(rate_limit_line, "LOCK_FREE", lock_free)
        limiter = RateLimiter(RateLimiterConfig(limit=TokenBucket(rate=1e-6, capacity=20_000), queue_timeout=0))
        passed: list[int] = []
        call = limiter.protect(lambda: 1)

        def work(call: Any = call, passed: list[int] = passed) -> None:
            for _ in range(1000):
                try:
                    passed.append(call())
                except RateLimitExceededError:
                    pass

        threads = [threading.Thread(target=work) for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        metrics = limiter.metrics
        assert metrics.admitted == len(passed) == 20_000
        assert metrics.rejected == 12_000
        assert metrics.asked == 32_000
        assert metrics.as_dict()["available"] == 0


def test_switched_off_everything_passes_and_nothing_is_counted(door: Door, clock: VirtualClock) -> None:
    limiter = RateLimiter(RateLimiterConfig(limit=ONE_A_SECOND, queue_timeout=0), clock=clock)
    call = limiter.protect(door.function(Script(1)))
    costly = limiter.protect(door.function(Script(2)), 1)
    with disabled():
        for _ in range(3):
            assert door.run(call) == 1
            assert door.run(costly) == 2
            assert limiter.try_acquire()
            limiter.acquire()
            asyncio.run(limiter.acquire_async())
            assert limiter.reserve().delay == 0
    assert limiter.metrics.asked == 0
    assert door.run(call) == 1
    with pytest.raises(RateLimitExceededError):
        door.run(call)


def test_a_limiter_cannot_be_copied_and_shows_how_things_stand() -> None:
    limiter = RateLimiter(ONE_A_SECOND, name="api")
    for copier in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="cannot be copied or pickled"):
            copier(limiter)
    assert repr(limiter) == "RateLimiter('api', TokenBucket(rate=1.0, capacity=1), available=1, queued=0)"
    assert limiter.config == RateLimiterConfig(name="api", limit=ONE_A_SECOND)
    assert limiter.config is not limiter.settings


# The decorator.


def test_functions_with_one_name_share_a_limiter_and_others_do_not(door: Door) -> None:
    first, second = Script(1), Script(2)
    limit = TokenBucket(rate=0.001, capacity=2)
    one = with_rate_limit("api", limit, queue_timeout=0)(door.function(first))
    other = with_rate_limit("api")(door.function(second))
    own = with_rate_limit(limit, queue_timeout=0)(door.function(Script(3)))
    assert [door.run(one), door.run(other), door.run(own), door.run(own)] == [1, 2, 3, 3]
    for call in (one, other, own):
        with pytest.raises(RateLimitExceededError):
            door.run(call)
    assert get_rate_limiter_registry().get("api").metrics.admitted == 2


def test_promise_36_one_key_does_not_block_another(door: Door) -> None:
    limited = with_rate_limit("api", {"limit": 1, "period": 1000}, queue_timeout=0, key=lambda user: user, cost=1)
    call = limited(door.function(Script(1)))
    for user in ("ann", "bob", "eve"):
        assert door.run(call, user) == 1
        with pytest.raises(RateLimitExceededError, match=rf"'api\[{user}\]'"):
            door.run(call, user)
    assert set(get_rate_limiter_registry().get_all()) == {"api", "api[ann]", "api[bob]", "api[eve]"}


def test_a_key_finds_the_limit_of_the_name_that_was_set_elsewhere(caplog: pytest.LogCaptureFixture) -> None:
    @with_rate_limit("api", key=lambda user: user.lower())
    def call(user: Any) -> Any:
        return user

    get_rate_limiter_registry().get_or_create("api", limit=TokenBucket(rate=0.001, capacity=1), queue_timeout=0)
    assert call("ann") == "ann"
    with pytest.raises(RateLimitExceededError):
        call("ANN")
    assert call(5) == 5  # a key that raises is logged, and the name's own limiter guards the call
    assert "so the shared rate limiter 'api' guards this call" in caplog.text


def test_a_key_is_not_to_blame_where_no_limit_was_given(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(UnknownPolicyError, match=r"no rate limiter named 'api\[ann\]' and no limit is given"):
        with_rate_limit("api", key=lambda user: user)(lambda user: user)("ann")
    assert not caplog.records


def test_a_name_in_use_with_another_limit_is_refused_with_what_to_do() -> None:
    anything: Any = with_rate_limit
    anything("api", ONE_A_SECOND)
    with pytest.raises(ConfigurationError, match=r"or give the config in one place.*get_rate_limiter_registry\(\)\."):
        anything("api", rate=2, capacity=1)
    with pytest.raises(
        ConfigurationError, match=r"with_rate_limit replaces no rate limiter;.*\(name, config, replace="
    ):
        anything("api", rate=2, capacity=1, replace=True)


def test_a_name_for_which_no_limit_was_given_is_an_error_at_the_call_that_names_the_nearest() -> None:
    @with_rate_limit("serach")
    def call() -> int:
        return 1

    get_rate_limiter_registry().get_or_create("search", limit=ONE_A_SECOND)
    with pytest.raises(UnknownPolicyError, match="no rate limiter named 'serach'.*did you mean 'search'"):
        call()
    get_rate_limiter_registry().get_or_create("serach", limit=ONE_A_SECOND)
    assert call() == 1


def test_the_decorator_takes_a_limiter_a_config_a_limit_or_a_mapping(clock: VirtualClock) -> None:
    limiter = RateLimiter(TokenBucket(rate=1, capacity=10), clock=clock)
    assert with_rate_limit(limiter, cost=4)(lambda: 1)() == 1
    assert limiter.stats.available == 6
    given: list[Any] = [
        RateLimiterConfig(limit=ONE_A_SECOND),
        RateLimiterConfig(name="named", limit=ONE_A_SECOND),
        ONE_A_SECOND,
        SlidingWindow(limit=1, period=1),
        {"rate": 1, "capacity": 1},
    ]
    for each in given:
        assert with_rate_limit(each)(lambda: 1)() == 1
    assert get_rate_limiter_registry().has("named")
    assert with_rate_limit("second", RateLimiterConfig(limit=ONE_A_SECOND))(lambda: 1)() == 1
    assert with_rate_limit("third", limit={"rate": 1, "capacity": 1})(lambda: 1)() == 1
    assert with_rate_limit("fourth", rate=1, capacity=1)(lambda: 1)() == 1
    assert get_rate_limiter_registry().get("fourth").config.limit == ONE_A_SECOND
    assert with_rate_limit(limit=1, period=1)(lambda: 1)() == 1
    assert get_rate_limiter_registry().get_or_create("fifth", limit=2, period=1).config.limit.most == 2


def test_the_decorator_refuses_what_makes_no_limit() -> None:
    anything: Any = with_rate_limit
    with pytest.raises(TypeError, match="with_rate_limit needs a limit: write @with_rate_limit"):
        anything(lambda: None)

    with pytest.raises(ConfigurationError, match="limit must be given|limit must be a TokenBucket"):
        anything()(lambda: None)
    with pytest.raises(ConfigurationError, match="give one limit, not two"):
        anything(ONE_A_SECOND, ONE_A_SECOND)
    with pytest.raises(ConfigurationError, match="give one limit, not two"):
        anything(ONE_A_SECOND, limit=ONE_A_SECOND)
    for fields in ({"limit": ONE_A_SECOND}, {"limit": 1, "period": 1}, {"rate": 1, "capacity": 1}):
        with pytest.raises(ConfigurationError, match="give one limit, not two"):
            anything("name", ONE_A_SECOND, **fields)
    with pytest.raises(ConfigurationError, match="^with_rate_limit: limit must be a TokenBucket, .* not 10$"):
        anything("name", 10)
    with pytest.raises(ConfigurationError, match="a RateLimiter has its config"):
        anything(RateLimiter(ONE_A_SECOND), queue_timeout=1)
    with pytest.raises(ConfigurationError, match="with a key, give a name too"):
        anything(ONE_A_SECOND, key=len)
    with pytest.raises(TypeError, match="with_rate_limit takes a name"):
        anything(5)
    with pytest.raises(ConfigurationError, match="cost"):
        anything(ONE_A_SECOND, cost=2)(lambda: None)
    with pytest.raises(TypeError, match="rate limiter cannot guard the class"):
        anything(ONE_A_SECOND)(int)


@pytest.mark.parametrize("cost", [0, -1, 1.0, True, None, "many"])
def test_a_cost_that_is_none_is_refused_when_decorating(cost: Any) -> None:
    with pytest.raises(ConfigurationError, match="with_rate_limit: cost must be a whole number of at least 1"):
        with_rate_limit("api", ONE_A_SECOND, cost=cost)


def test_an_async_function_cannot_tell_what_a_call_costs() -> None:
    async def cost() -> int:
        return 1

    given: Any = cost
    for decorate in (
        functools.partial(with_rate_limit, "api"),
        functools.partial(RateLimiter(ONE_A_SECOND).protect, len),
    ):
        with pytest.raises(ConfigurationError, match="cost must be a plain function of the call's arguments"):
            decorate(cost=given)


def test_a_limiter_of_ones_own_is_made_in_one_line() -> None:
    limiter = create_rate_limiter("api", {"limit": 3, "period": 1}, queue_timeout=0)
    assert limiter.config == RateLimiterConfig(name="api", limit=SlidingWindow(limit=3, period=1), queue_timeout=0)
    with pytest.raises(ConfigurationError, match="create_rate_limiter: limit must be"):
        create_rate_limiter("api", 5)  # type: ignore[arg-type]


def test_off_nobody_is_asked_what_a_call_costs(door: Door) -> None:
    asked: list[object] = []

    def cost(*_args: object) -> int:
        asked.append(None)
        return 1

    function = RateLimiter(TokenBucket(rate=1, capacity=5)).protect(door.function(Script("fine")), cost)
    with disabled():
        assert door.run(function) == "fine"
    assert not asked
    assert door.run(function) == "fine"
    assert len(asked) == 1
