"""The limits themselves: how many are let pass in any window, reckoned without rounding over whatever arrivals."""

from __future__ import annotations

import functools
import math
import random
from fractions import Fraction
from itertools import islice, pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from holdfast.rate_limit import SlidingWindow, TokenBucket
from holdfast.rate_limit.allowance import Allowance
from holdfast.rate_limit.bucket import Bucket
from holdfast.rate_limit.config import as_limit
from holdfast.rate_limit.exact import end_of, gained, passed, time_of
from holdfast.rate_limit.measures import measure
from holdfast.rate_limit.memory import Memory
from holdfast.rate_limit.window import Log, Spans

Admitted = list[tuple[float, int]]

GAPS = st.one_of(
    st.sampled_from([0.0, 0.1, 0.2, 0.25, 0.5, 1.0, 1.0000000000000002, 1 / 3]),
    st.floats(0, 3, allow_subnormal=False),
)
STEPS = st.lists(st.tuples(GAPS, st.integers(1, 4)), max_size=60)
STARTS = st.sampled_from([0.0, 0.1, 1 / 3, 12345.678901234567, 1e7 + 0.1])
RATES = st.sampled_from([0.1, 0.3, 1.0, 3.0, 7.3, 10.0])
PERIODS = st.sampled_from([0.1, 0.3, 1.0, 1.1, 2.5])
BUCKETS = st.sampled_from([None, 1, 2, 3, 10])


def arrivals(limit: Any, start: float, steps: list[tuple[float, int]]) -> Admitted:
    """Ask at each of these moments, and return what was admitted when."""
    measured = measure(limit)
    now = start
    admitted: Admitted = []
    for gap, cost in steps:
        now += gap
        if cost <= limit.most and measured.room(now) >= cost:
            measured.take(now, cost)
            admitted.append((now, cost))
    return admitted


def most_in_a_window(admitted: Admitted, period: float) -> int:
    """The largest sum of costs in any half-open window of that length, in exact arithmetic."""
    return max(
        (
            sum(
                cost for when, cost in admitted if first <= when and Fraction(when) - Fraction(first) < Fraction(period)
            )
            for first, _ in admitted
        ),
        default=0,
    )


def keeps_its_rate(admitted: Admitted, rate: float, capacity: int) -> bool:
    """Whether in no window, between any two admissions, there are more than capacity + rate * window."""
    return all(
        sum(cost for _, cost in admitted[first : last + 1])
        <= capacity + Fraction(rate) * (Fraction(admitted[last][0]) - Fraction(admitted[first][0]))
        for first in range(len(admitted))
        for last in range(first, len(admitted))
    )


@given(RATES, st.integers(1, 6), STARTS, STEPS)
@example(0.1, 1, 0.0, [(0.0, 1), (10.0, 1), (10.0, 1)])
@example(0.3, 1, 0.1, [(0.0, 1), (1 / 0.3, 1), (1 / 0.3, 1)])
def test_promise_35_a_token_bucket_never_admits_more_than_capacity_and_rate_times_window(
    rate: float, capacity: int, start: float, steps: list[tuple[float, int]]
) -> None:
    assert keeps_its_rate(arrivals(TokenBucket(rate=rate, capacity=capacity), start, steps), rate, capacity)


@given(st.integers(1, 6), PERIODS, BUCKETS, STARTS, STEPS)
@example(1, 0.1, None, 0.1, [(0.0, 1), (0.1, 1), (0.1, 1), (0.1, 1)])
@example(1, 1.0, 1, 1 / 3, [(0.0, 1), (1.0, 1)])  # floats say that one second lies between them, and it does not
def test_promise_35_no_window_of_the_length_has_more_than_the_limit(
    limit: int, period: float, buckets: int | None, start: float, steps: list[tuple[float, int]]
) -> None:
    admitted = arrivals(SlidingWindow(limit=limit, period=period, buckets=buckets), start, steps)
    assert most_in_a_window(admitted, period) <= limit


def test_promise_35_there_is_no_double_burst_at_the_edge_of_a_window() -> None:
    for buckets in (None, 1, 10):
        window = measure(SlidingWindow(limit=10, period=1, buckets=buckets))
        window.take(0.99, 10)
        assert window.room(1.01) == 0
        assert window.room(1.98) == 0
        assert window.room(1.99) == 10


@given(st.integers(1, 6), PERIODS, STARTS, STEPS)
def test_the_exact_window_admits_whatever_may_be_admitted(
    limit: int, period: float, start: float, steps: list[tuple[float, int]]
) -> None:
    window, now = Log(limit, period), start
    admitted: Admitted = []
    for gap, cost in steps:
        now += gap
        inside = sum(count for when, count in admitted if Fraction(now) - Fraction(when) < Fraction(period))
        assert window.room(now) == limit - inside
        if cost <= limit - inside:
            window.take(now, cost)
            admitted.append((now, cost))


@given(RATES, st.integers(1, 6), STARTS, STEPS)
def test_the_bucket_admits_whatever_may_be_admitted(
    rate: float, capacity: int, start: float, steps: list[tuple[float, int]]
) -> None:
    bucket, now = Bucket(rate, capacity), start
    level, at = Fraction(capacity), Fraction(start)
    for gap, cost in steps:
        now += gap
        level = min(Fraction(capacity), level + Fraction(rate) * (Fraction(now) - at))
        at = Fraction(now)
        assert bucket.room(now) == level // 1
        if cost <= level:
            bucket.take(now, cost)
            level -= cost


@given(st.integers(1, 6), PERIODS, st.integers(1, 10), STARTS, STEPS)
def test_spans_are_few_and_refuse_for_no_longer_than_one_of_them(
    limit: int, period: float, buckets: int, start: float, steps: list[tuple[float, int]]
) -> None:
    spans, now = Spans(limit, period, buckets), start
    admitted: Admitted = []
    for gap, cost in steps:
        now += gap
        longer = period + period / buckets
        inside = sum(count for when, count in admitted if now - when <= longer * (1 + 1e-9))
        assert spans.room(now) >= limit - inside
        assert len(spans._spans) <= buckets + 2
        if spans.room(now) >= cost:
            spans.take(now, cost)
            admitted.append((now, cost))


LIMITS = st.one_of(
    st.builds(TokenBucket, rate=RATES, capacity=st.integers(1, 6)),
    st.builds(SlidingWindow, limit=st.integers(1, 6), period=PERIODS, buckets=BUCKETS),
)


@given(LIMITS, STARTS, STEPS, st.integers(1, 4))
def test_who_is_told_a_moment_finds_room_then_and_not_before(
    limit: Any, start: float, steps: list[tuple[float, int]], cost: int
) -> None:
    measured, now = measure(limit), start
    for gap, _ in steps:
        now += gap
        if measured.room(now) >= 1:
            measured.take(now, 1)
    cost = min(cost, limit.most)
    at = measured.ready(now, cost)
    assert at is not None
    assert at >= now
    if at > now:
        just_before = now + (at - now) * 0.999999
        assert measured.copy().room(just_before) < cost or just_before == at
    assert measured.room(at) >= cost


@given(LIMITS, STARTS, st.lists(st.floats(0, 0.5), min_size=1, max_size=80), st.integers(0, 6), st.randoms())
def test_moments_that_are_counted_later_count_as_if_at_once(
    limit: Any, start: float, gaps: list[float], before: int, chance: Any
) -> None:
    at_once, later = measure(limit), measure(limit)
    now, noted = start, []
    for each in (at_once, later):
        each.take(now, min(before, limit.most))
    for gap in gaps:
        now += gap
        if at_once.room(now) >= 1:
            at_once.take(now, 1)
            noted.append(now)
    if noted:
        chance.shuffle(noted)
        later.record(noted)
    for ahead in (0.0, 0.1, 0.5, 1.0, 3.0):
        if isinstance(later, Spans):  # which has more of them in one span, perhaps
            assert later.copy().room(now + ahead) <= limit.most
        else:
            assert later.copy().room(now + ahead) == at_once.copy().room(now + ahead)


@given(
    st.lists(st.floats(0, 3e-7), min_size=1, max_size=200),
    st.sampled_from([1e5, 1e6, 1e7, 1e8]),
    st.integers(0, 40),
)
def test_a_bucket_counts_many_moments_in_blocks_as_it_would_count_each(
    gaps: list[float], rate: float, before: int
) -> None:
    times = [1000.0]
    for gap in gaps:
        times.append(times[-1] + gap)
    quick, slow = Bucket(rate, 10_000), Bucket(rate, 10_000)
    quick.take(1000.0, before)
    slow.take(1000.0, before)
    quick.record(times)
    slow._record_each(times)
    for ahead in (0.0, 1e-7, 1e-6, 1e-5):
        assert quick.room(times[-1] + ahead) == slow.room(times[-1] + ahead)


def test_a_bucket_that_is_full_at_the_last_moments_needs_no_look_at_the_others() -> None:
    bucket = Bucket(1e8, 1000)
    bucket.take(1000.0, 1)
    times = [1000.0 + number * 2e-7 for number in range(1, 500)]
    assert bucket._record_in_blocks(times)
    assert bucket.room(times[-1]) == 999


def test_moments_noted_out_of_order_count_as_the_latest_before_them() -> None:
    log = Log(10, 1.0)
    log.record([5.0])
    log.record([4.0, 6.0])
    assert log.room(5.5) == 7
    assert log.room(6.0) == 9
    log.take(5.9, 1)  # as if at 6
    assert log.room(6.9) == 8
    assert log.room(7.0) == 10


def test_what_left_the_window_leaves_the_memory() -> None:
    log = Log(1000, 1.0)
    for number in range(10_000):
        log.take(number * 0.01, 1)
        log.room(number * 0.01)
    assert len(log._times) <= 300


@given(st.data())
def test_a_limit_that_changes_admits_no_more_than_the_looser_one_would(data: st.DataObject) -> None:
    limits = [
        TokenBucket(rate=data.draw(RATES), capacity=data.draw(st.integers(1, 6)))
        for _ in range(data.draw(st.integers(2, 4)))
    ]
    allowance, now = Allowance(limits[0]), data.draw(STARTS)
    admitted: Admitted = []
    for limit in limits:
        allowance.adjust(limit, now)
        for gap, cost in data.draw(st.lists(st.tuples(GAPS, st.integers(1, 4)), max_size=15)):
            now += gap
            if cost <= limit.most and allowance.room(now) >= cost:
                allowance.take(now, cost)
                admitted.append((now, cost))
    assert keeps_its_rate(admitted, max(each.rate for each in limits), max(each.capacity for each in limits))


def test_a_token_on_its_way_survives_that_the_rate_is_changed_again_and_again() -> None:
    bucket = Bucket(1.0, 1)
    bucket.take(0.0, 1)
    for number in range(1, 12):
        bucket.adjust(1.0 + number % 2 * 0.25, 1, number * 0.1)
    assert bucket.room(1.1) == 1
    full = Bucket(1.0, 3)
    full.adjust(2.0, 5, 10.0)
    assert full.room(10.0) == 5
    moved = Bucket(1.0, 3)
    moved.take(0.0, 3)
    moved.adjust(2.0, 3, 1.0)
    assert moved.room(1.0) == 1
    assert moved.room(1.5) == 2


@given(LIMITS, LIMITS, STARTS, STEPS)
def test_a_limit_of_another_kind_takes_over_what_was_counted(
    old: Any, new: Any, start: float, steps: list[tuple[float, int]]
) -> None:
    allowance, now = Allowance(old), start
    for gap, _ in steps:
        now += gap
        if allowance.room(now) > 0:
            allowance.take(now, 1)
    used = old.most - allowance.room(now)
    allowance.adjust(new, now)
    assert allowance.limit == new
    if not isinstance(old, TokenBucket):
        assert allowance.room(now) >= new.most - used
    if isinstance(new, TokenBucket):
        assert allowance.room(now) >= 0  # who comes to a small bucket does not pay a large window's debt for hours
    if used and isinstance(new, TokenBucket) and not isinstance(old, TokenBucket):
        assert allowance.room(now) <= new.most


@given(LIMITS, STARTS, STEPS)
def test_what_is_remembered_of_a_name_is_what_it_had_left(
    limit: Any, start: float, steps: list[tuple[float, int]]
) -> None:
    allowance, now = Allowance(limit), start
    for gap, _ in steps:
        now += gap / 8
        if allowance.room(now) > 0:
            allowance.take(now, 1)
    allowance.hear([(3, now + 0.2, False)], now)
    memory = Memory(10)
    memory.keep("mine", allowance, now)
    again = memory.recall("mine", limit, now) or Allowance(limit)
    for ahead in (0.0, 0.05, 0.1, 0.3, 0.7, 1.0, 2.0, 10.0):
        if isinstance(again.measure, Spans):  # two spans may have become one
            assert again.room(now + ahead) <= allowance.room(now + ahead)
        else:
            assert again.room(now + ahead) == allowance.room(now + ahead)
    memory.keep("mine", allowance, now)
    assert memory.recall("mine", limit, allowance.fresh_at(now)) is None
    assert len(memory) == 0


def test_of_a_large_window_sixteen_parts_are_remembered_each_until_its_last_admission_leaves() -> None:
    limit = SlidingWindow(limit=1000, period=10)
    allowance = Allowance(limit)
    for number in range(800):
        allowance.take(number / 100, 1)
    memory = Memory(10)
    memory.keep("mine", allowance, 8.0)
    again = memory.recall("mine", limit, 8.0)
    assert again is not None
    assert [again.room(at) for at in (8.0, 10.0, 10.48, 10.49, 18.0)] == [200, 200, 200, 250, 1000]


def test_a_memory_that_is_full_forgets_what_went_there_first_and_what_counts_no_more() -> None:
    limit = TokenBucket(rate=1, capacity=1)
    memory = Memory(3)
    for number in range(5):
        allowance = Allowance(limit)
        allowance.take(0.0, 1)
        memory.keep(f"name {number}", allowance, 0.0)
    assert len(memory) == 3
    assert memory.recall("name 0", limit, 0.0) is None
    assert memory.recall("name 2", limit, 0.0) is not None
    memory.keep("late", Allowance(limit, ((0, 9.0, False),)), 5.0)
    assert len(memory) == 1
    memory.forget("late")
    memory.forget("late")
    assert len(memory) == 0


def test_a_name_that_comes_back_with_another_limit_has_used_up_of_it_what_it_had_used() -> None:
    memory = Memory(3)
    allowance = Allowance(SlidingWindow(limit=5, period=10))
    allowance.take(0.0, 4)
    memory.keep("mine", allowance, 1.0)
    again = memory.recall("mine", SlidingWindow(limit=6, period=10), 1.0)
    assert again is not None
    assert again.room(1.0) == 2


@settings(max_examples=300)
@given(STARTS, st.floats(0, 10), st.sampled_from([0.1, 0.3, 1.0, 2.5]), RATES, st.integers(0, 50))
def test_comparisons_are_exact(since: float, gap: float, period: float, rate: float, tokens: int) -> None:
    now = since + gap
    assert passed(since, now, period) == (Fraction(now) - Fraction(since) >= Fraction(period))
    assert gained(rate, since, now) == Fraction(rate) * (Fraction(now) - Fraction(since)) // 1
    assert passed(since, end_of(since, period), period)
    assert gained(rate, since, time_of(rate, since, tokens)) >= tokens
    assert end_of(since, period) - since == pytest.approx(period)
    assert time_of(rate, since, tokens) - since == pytest.approx(tokens / rate)


def test_a_rate_beyond_all_numbers_and_a_time_that_never_comes_break_nothing() -> None:
    assert gained(1e308, 0.0, 1e10) > 10**200
    assert gained(1.0, 0.0, float("inf")) > 10**200
    assert time_of(1e-310, 0.0, 5) == float("inf")
    assert gained(1.0, 5.0, 4.0) == 0


@given(LIMITS, STARTS, st.lists(st.integers(1, 4), min_size=1, max_size=12))
def test_who_stands_behind_others_is_told_when_its_turn_is(limit: Any, start: float, costs: list[int]) -> None:
    costs = [min(cost, limit.most) for cost in costs]
    allowance = Allowance(limit)
    ahead = 0
    told = []
    for number, cost in enumerate(costs):
        told.append(allowance.ready(start, ahead, cost, functools.partial(islice, costs, number)))
        ahead += cost
    now = start
    for cost, moment in zip(costs, told, strict=True):
        ready = allowance.measure.ready(now, cost)
        assert ready is not None
        now = ready
        assert moment == pytest.approx(now)
        allowance.take(now, cost)
    assert all(earlier <= later for earlier, later in pairwise(told))


def test_who_stands_behind_something_that_can_never_pass_is_told_a_moment_all_the_same() -> None:
    allowance = Allowance(SlidingWindow(limit=2, period=1))
    allowance.take(0.0, 2)
    assert allowance.ready(0.0, 5, 1, lambda: [5]) >= 1.0


def test_a_mapping_becomes_the_limit_whose_fields_it_has() -> None:
    assert as_limit("x", {"rate": 10, "capacity": 20}) == TokenBucket(rate=10, capacity=20)
    assert as_limit("x", {"limit": 100, "period": 60}) == SlidingWindow(limit=100, period=60)


def test_a_bucket_that_is_full_to_the_last_bit_or_not_is_counted_exactly() -> None:
    rate, since = 0.3, 0.1
    at = time_of(rate, since, 3)  # the tokens are back just now, which floats alone cannot tell
    for times, left in (([at], 4), ([at - 1e-12, at], 3)):
        bucket = Bucket(rate, 5)
        bucket.take(since, 3)
        bucket.record(times)
        assert bucket.room(at) == left
    early = at
    while gained(rate, since, early) == 3:
        early = math.nextafter(early, 0)
    bucket = Bucket(rate, 5)
    bucket.take(since, 3)
    bucket.record([early])
    assert bucket.room(early) == 5 - 1 - 1  # one of the three is not back by a hair


def test_where_rounding_hides_the_edge_of_the_window_the_log_finds_it() -> None:
    chance = random.Random(35)
    hidden = 0
    for _ in range(10_000):
        period, first = chance.random(), chance.random() * 10
        second = math.nextafter(first, 100)
        now = end_of(first, period)
        log = Log(5, period)
        log.take(first, 1)
        log.take(second, 1)
        exact = sum(Fraction(now) - Fraction(each) < Fraction(period) for each in (first, second))
        assert log.room(now) == 5 - exact
        hidden += exact == 1 and now - period >= second
    assert hidden > 100


def test_a_clock_that_began_far_below_zero_is_as_good_as_any() -> None:
    for start in (-1e9, -1e9 + 0.3, -1e9 - 0.1):
        for rate in (1e-9, 3e-9, 1 / (1e9 + 0.05)):
            at = time_of(rate, start, 1)
            assert gained(rate, start, at) == 1
            assert at - start == pytest.approx(1 / rate)
        end = end_of(start, 1e9 + 0.1)
        assert passed(start, end, 1e9 + 0.1)


def test_a_limit_that_changes_its_kind_goes_on_counting_what_passed_lately() -> None:
    allowance = Allowance(TokenBucket(rate=10, capacity=1))
    for number in range(1000):
        allowance.take(number / 10, 1)  # the bucket is full again each time
    window = SlidingWindow(limit=10, period=1)
    allowance.adjust(window, 99.9)
    assert allowance.room(99.9) == 0
    allowance.adjust(TokenBucket(rate=10, capacity=5), 99.9)
    allowance.adjust(window, 99.9)
    assert allowance.room(99.9) == 0
    assert allowance.room(101.0) == 10
    allowance.adjust(TokenBucket(rate=1000, capacity=1000), 101.0)
    allowance.record([101.0 + number / 1000 for number in range(500)])
    allowance.adjust(window, 102.0)
    assert allowance.room(102.49) <= 0
    assert allowance.room(102.5) == 10
