"""The parts that count, each by itself and in plain numbers: what the properties say of all, said of some."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from holdfast.rate_limit import SlidingWindow, TokenBucket
from holdfast.rate_limit.allowance import Allowance
from holdfast.rate_limit.bucket import Bucket, Past
from holdfast.rate_limit.exact import end_of, gained, passed, time_of
from holdfast.rate_limit.measures import Trial, measure
from holdfast.rate_limit.memory import Memory
from holdfast.rate_limit.told import read_headers, read_seconds
from holdfast.rate_limit.window import Log, Spans

# The bucket.


def test_a_bucket_gains_its_tokens_one_by_one() -> None:
    bucket = Bucket(rate=2.0, capacity=5)
    assert [bucket.room(0.0), bucket.ready(0.0, 5)] == [5, 0.0]
    bucket.take(0.0, 5)
    assert [bucket.room(at) for at in (0.0, 0.49, 0.5, 0.99, 1.0, 2.4, 2.5, 9.0)] == [0, 0, 1, 1, 2, 4, 5, 5]
    assert [bucket.ready(0.0, amount) for amount in range(1, 6)] == [0.5, 1.0, 1.5, 2.0, 2.5]
    assert bucket.ready(1.0, 2) == 1.0
    assert bucket.ready(1.0, 3) == 1.5
    bucket.take(1.0, 2)
    assert [bucket.room(at) for at in (1.0, 1.5, 3.5)] == [0, 1, 5]
    bucket.take(10.0, 1)
    assert [bucket.room(at) for at in (10.0, 10.49, 10.5)] == [4, 4, 5]


def test_more_than_a_bucket_holds_is_told_a_moment_as_if_there_were_a_debt() -> None:
    bucket = Bucket(rate=2.0, capacity=5)
    assert bucket.ready(3.0, 7) == 4.0
    bucket.take(3.0, 1)
    assert bucket.ready(3.0, 7) == 4.5


def test_what_a_bucket_tells_of_the_past_is_nothing_once_it_is_full() -> None:
    bucket = Bucket(rate=2.0, capacity=5)
    assert bucket.admissions(0.0) == ()
    bucket.take(1.0, 3)
    bucket.take(1.5, 1)
    assert bucket.admissions(1.5) == ((1.0, 4),)
    assert bucket.admissions(3.0) == ()


def test_a_copy_goes_its_own_way() -> None:
    bucket = Bucket(rate=2.0, capacity=5)
    bucket.take(1.0, 3)
    other = bucket.copy()
    other.take(1.0, 2)
    assert (bucket.room(1.0), other.room(1.0)) == (2, 0)
    assert (other.rate, other.most) == (2.0, 5)


def test_a_debt_that_a_bucket_cannot_hold_is_forgiven() -> None:
    bucket = Bucket(rate=1.0, capacity=10)
    bucket.take(0.0, 9)
    bucket.adjust(1.0, 4, 2.0)
    assert [bucket.room(at) for at in (2.0, 3.0, 6.0, 7.0)] == [0, 1, 4, 4]
    bucket.adjust(1.0, 3, 7.0)
    assert bucket.room(7.0) == 3
    bucket.take(7.0, 3)
    bucket.adjust(1.0, 2, 7.0)
    assert bucket.room(7.0) == 0, "one is forgiven"


@pytest.mark.parametrize(("at", "there", "next_one"), [(0.25, 0, 0.375), (0.75, 1, 0.875), (1.0, 2, 1.25)])
def test_a_token_that_has_half_come_in_comes_in_at_the_new_rate_from_there(
    at: float, there: int, next_one: float
) -> None:
    bucket = Bucket(rate=2.0, capacity=5)
    bucket.take(0.0, 5)
    bucket.adjust(4.0, 5, at)
    assert bucket.room(at) == there
    assert bucket.ready(at, there + 1) == pytest.approx(next_one, abs=1e-12)
    assert bucket.room(next_one - 1e-9) == there


def test_the_same_rate_again_changes_nothing() -> None:
    bucket = Bucket(rate=2.0, capacity=5)
    bucket.take(0.0, 5)
    bucket.adjust(2.0, 6, 0.3)
    assert [bucket.room(at) for at in (0.3, 0.5, 3.0)] == [1, 2, 6]
    bucket.adjust(4.0, 6, 9.0)
    bucket.take(9.0, 6)
    assert [bucket.room(at) for at in (9.0, 9.25, 9.5)] == [0, 1, 2]


@pytest.mark.parametrize("count", [1, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 65, 100])
@pytest.mark.parametrize("gap", [0.01, 0.05, 0.099, 0.1, 0.101, 0.2, 1.0])
def test_moments_recorded_at_once_leave_the_bucket_as_if_each_had_been_taken(count: int, gap: float) -> None:
    times = [1.0 + gap * number for number in range(count)]
    for spent in (0, 3, 20):
        once, each = Bucket(rate=10.0, capacity=50), Bucket(rate=10.0, capacity=50)
        for bucket in (once, each):
            if spent:
                bucket.take(0.95, spent)
        once.record([*reversed(times)])
        for time in times:
            each.take(time, 1)
        last = times[-1]
        ahead = [last + step / 64 for step in range(400)]
        assert [once.room(at) for at in ahead] == [each.room(at) for at in ahead]


def test_moments_recorded_by_a_clock_that_began_far_below_zero_count_as_any_others() -> None:
    bucket = Bucket(rate=10.0, capacity=5)
    bucket.take(-100.0, 3)
    bucket.record([-50.0])
    assert [bucket.room(at) for at in (-50.0, -49.9)] == [4, 5]
    spans = Spans(20, 1.0, 10)
    spans.take(-5.0, 1)
    spans.record([-3.0, -2.5, -2.0])
    assert spans.admissions(-4.5) == [(-5.0, 1), (-3.0, 1), (-2.5, 1), (-2.0, 1)]


def test_a_past_keeps_sixteen_pairs_and_counts_the_older_ones_together_at_their_last_moment() -> None:
    past = Past()
    for number in range(16):
        past.note(float(number), 1)
    assert len(past.admissions) == 16
    past.note(16.0, 1)
    assert past.admissions[:4] == [(1.0, 2), (3.0, 2), (5.0, 2), (7.0, 2)]
    assert past.admissions[4:] == [(float(number), 1) for number in range(8, 17)]
    past = Past()
    past.record([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert past.admissions == [(0.1, 2), (0.3, 2), (0.5, 2)]
    past = Past()
    past.record([0.0, 0.1, 0.2, 0.3, 0.4])
    assert past.admissions == [(0.1, 2), (0.3, 2), (0.4, 1)]


# The windows.


def test_a_log_admits_again_when_the_first_one_has_left_the_window() -> None:
    log = Log(2, 1.0)
    log.take(0.0, 1)
    log.take(0.5, 1)
    assert [log.ready(0.5, amount) for amount in (1, 2, 3)] == [1.0, 1.5, None]
    assert log.admissions(0.5) == [(0.0, 1), (0.5, 1)]
    assert [log.room(at) for at in (0.5, 0.999, 1.0, 1.499, 1.5)] == [0, 0, 1, 1, 2]
    assert log.ready(1.5, 2) == 1.5
    assert log.admissions(1.5) == []


def test_a_log_takes_a_moment_before_the_last_one_for_the_last_one() -> None:
    log = Log(9, 1.0)
    log.take(0.5, 1)
    log.take(0.2, 1)
    assert log.admissions(0.5) == [(0.5, 1), (0.5, 1)]
    log.record([0.7, 0.3, 0.4])
    assert log.admissions(0.7) == [(0.5, 1)] * 4 + [(0.7, 1)]
    log.record([0.9, 0.8])
    assert log.admissions(0.9)[-2:] == [(0.8, 1), (0.9, 1)]


def test_a_copy_of_a_log_has_what_still_counts_and_goes_its_own_way() -> None:
    log = Log(3, 1.0)
    log.take(0.0, 1)
    log.take(0.9, 1)
    assert log.room(1.0) == 2
    other = log.copy()
    assert (other.most, other.period, other.admissions(1.0)) == (3, 1.0, [(0.9, 1)])
    other.take(1.0, 2)
    assert (log.room(1.0), other.room(1.0)) == (2, 0)


def test_spans_leave_with_their_last_admission() -> None:
    spans = Spans(10, 1.0, 10)
    spans.take(0.0, 2)
    spans.take(0.09, 3)
    spans.take(0.1, 1)
    assert spans.admissions(0.1) == [(0.09, 5), (0.1, 1)]
    assert [spans.room(at) for at in (0.1, 1.0, 1.089, 1.09, 1.1)] == [4, 4, 4, 9, 10]
    spans = Spans(10, 1.0, 10)
    spans.take(0.0, 9)
    spans.take(0.5, 1)
    assert [spans.ready(0.5, amount) for amount in (1, 9, 10, 11)] == [1.0, 1.0, 1.5, None]
    assert spans.ready(1.2, 9) == 1.2


def test_spans_take_a_moment_before_the_last_one_for_the_last_one() -> None:
    spans = Spans(10, 1.0, 10)
    spans.take(0.05, 1)
    spans.take(0.02, 1)
    assert spans.admissions(0.05) == [(0.05, 2)]


def test_spans_count_moments_that_are_told_later_each_in_its_span() -> None:
    spans = Spans(20, 1.0, 10)
    spans.record([0.5, 0.0, 0.05])
    assert spans.admissions(0.5) == [(0.05, 2), (0.5, 1)]
    spans.record([0.55, 0.52])
    assert spans.admissions(0.55) == [(0.05, 2), (0.55, 3)]
    spans.record([0.58, 0.62])
    assert spans.admissions(0.62) == [(0.05, 2), (0.58, 4), (0.62, 1)]
    assert spans.room(0.62) == 13


def test_a_moment_at_the_end_of_a_span_begins_the_next_one() -> None:
    spans = Spans(20, 1.0, 8)
    spans.take(0.0, 1)
    spans.record([0.0625, 0.125])
    assert spans.admissions(0.125) == [(0.0625, 2), (0.125, 1)]


def test_a_copy_of_spans_goes_its_own_way() -> None:
    spans = Spans(5, 1.0, 4)
    spans.take(0.0, 2)
    other = spans.copy()
    other.take(0.1, 3)
    assert (spans.room(0.1), other.room(0.1)) == (3, 0)
    assert (other.most, other.period, other.buckets) == (5, 1.0, 4)


# Times and amounts, to the last bit.


def test_a_period_has_passed_when_it_has_and_not_a_bit_earlier() -> None:
    assert passed(1.0, 2.0, 1.0)
    assert not passed(1.0, 1.9999999999999998, 1.0)
    assert not passed(1 / 3, 1 / 3 + 1.0, 1.0), "the sum was rounded down"
    assert end_of(1.0, 1.0) == 2.0
    at = end_of(1 / 3, 1.0)
    assert at > 1 / 3 + 1.0
    assert at == pytest.approx(4 / 3)


def test_tokens_are_whole_and_none_come_in_backwards() -> None:
    assert [gained(4.0, 1.0, at) for at in (0.0, 1.0, 1.24, 1.25, 1.49, 1.5, 3.0)] == [0, 0, 0, 1, 1, 2, 8]
    assert gained(3.0, 0.0, 1 / 3) == 0, "a third is less than a third"
    assert time_of(4.0, 1.0, 3) == 1.75
    assert gained(3.0, 0.0, time_of(3.0, 0.0, 1)) == 1


# What would pass.


def test_a_trial_goes_by_the_words_that_hold_and_counts_down_what_they_leave() -> None:
    bucket = Bucket(rate=1.0, capacity=10)
    trial = Trial(bucket, ((3, 50.0, False), (2, 20.0, False)), 0.0)
    assert (trial.turn(2), trial.turn(3), trial.turn(4)) == (0.0, 20.0, 50.0)
    trial.let(2, 0.0)
    assert (trial.turn(1), trial.turn(2)) == (20.0, 50.0)
    trial.let(1, 20.0)
    assert trial.turn(1) == 50.0
    trial.let(1, 50.0)
    assert trial.turn(9) == 50.0
    assert bucket.room(0.0) == 10, "what it is made of is not touched"


def test_a_trial_tells_of_what_may_never_pass_that_it_may_now() -> None:
    trial = Trial(Log(2, 1.0), (), 5.0)
    assert trial.turn(3) == 5.0
    trial.let(2, 5.0)
    assert trial.turn(1) == 6.0


def test_each_limit_has_what_counts_for_it() -> None:
    bucket = measure(TokenBucket(rate=2, capacity=5))
    log = measure(SlidingWindow(limit=3, period=7))
    spans = measure(SlidingWindow(limit=3, period=7, buckets=4))
    assert isinstance(bucket, Bucket)
    assert (bucket.rate, bucket.most) == (2, 5)
    assert isinstance(log, Log)
    assert (log.most, log.period) == (3, 7)
    assert isinstance(spans, Spans)
    assert (spans.most, spans.period, spans.buckets) == (3, 7, 4)


def test_words_make_a_difference_or_none() -> None:
    allowance = Allowance(TokenBucket(rate=1, capacity=10))
    assert allowance.resume() is False
    assert allowance.hear([(3, 20.0, False)], 0.0) is True
    assert allowance.hear([(5, 10.0, False)], 0.0) is False, "another one lets less pass for longer"
    assert allowance.hear([(3, 20.0, False)], 0.0) is False
    assert allowance.hear([(2, 20.0, False)], 0.0) is True
    assert allowance.words == ((2, 20.0, False),)
    assert allowance.hear([(1, 20.0, False)], 20.0) is True
    assert allowance.room(20.0) == 10, "at its moment a word holds no more"
    assert allowance.hear([(1, 20.0, False)], 20.0) is False
    allowance.hear([(0, 30.0, True)], 20.0)
    allowance.hear([(0, 25.0, False)], 20.0)
    assert allowance.words == ((0, 30.0, True),), "an answer that nothing may pass lifts no doubt"
    allowance.hear([(1, 25.0, False)], 20.0)
    assert allowance.words == ((1, 25.0, False),)
    assert allowance.resume() is True
    assert not allowance.words


def test_words_are_counted_down_and_hold_up_to_their_moment() -> None:
    allowance = Allowance(TokenBucket(rate=1, capacity=10), ((3, 20.0, False), (2, 10.0, False)))
    assert [allowance.room(at) for at in (0.0, 9.9, 10.0, 19.9)] == [2, 2, 3, 3]
    allowance.take(0.0, 1)
    assert allowance.words == ((2, 20.0, False), (1, 10.0, False))
    allowance.record([0.1, 0.2])
    assert allowance.words == ((0, 20.0, False), (-1, 10.0, False))
    assert allowance.fresh_at(0.2) == 20.0
    assert allowance.room(20.0) == 10
    assert not allowance.words


def test_eight_words_are_kept_and_of_more_the_two_that_end_first_are_put_together() -> None:
    allowance = Allowance(TokenBucket(rate=1, capacity=100))
    allowance.hear([(number, 10.0 + number, number == 1) for number in range(9)], 0.0)
    assert len(allowance.words) == 8
    assert allowance.words[0] == (8, 18.0, False)
    assert allowance.words[-1] == (0, 11.0, False)


# What is remembered.

ONE = TokenBucket(rate=1, capacity=1)


def used_up(until: float) -> Allowance:
    allowance = Allowance(ONE)
    allowance.take(until - 1.0, 1)
    return allowance


def test_what_is_put_anew_went_there_last() -> None:
    memory = Memory(2)
    memory.keep("first", used_up(10.0), 9.5)
    memory.keep("second", used_up(10.0), 9.5)
    memory.keep("first", used_up(10.0), 9.5)
    memory.keep("third", used_up(10.0), 9.5)
    assert len(memory) == 2
    assert memory.recall("second", ONE, 9.5) is None
    assert memory.recall("first", ONE, 9.5) is not None


def test_with_each_name_up_to_two_go_that_count_no_more() -> None:
    memory = Memory(9)
    for name in "abc":
        memory.keep(name, used_up(10.0), 9.5)
    memory.keep("still", used_up(30.0), 9.75)
    assert len(memory) == 4
    memory.keep("new", used_up(10.5), 10.0)
    assert len(memory) == 3, "at the very moment two of them went"
    memory.keep("fresh", Allowance(ONE), 10.0)
    assert len(memory) == 2, "the third one; and what is as good as new is not kept"


def test_what_is_recalled_at_its_moment_is_as_good_as_new() -> None:
    memory = Memory(9)
    memory.keep("name", used_up(10.0), 9.5)
    assert memory.recall("name", ONE, 10.0) is None
    memory.keep("name", used_up(10.0), 9.5)
    recalled = memory.recall("name", ONE, 9.9)
    assert recalled is not None
    assert recalled.room(9.9) == 0
    assert memory.recall("name", ONE, 9.9) is None, "it is forgotten here"


# What is told.

WALL = 1_767_225_600.0


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({}, []),
        ({"RateLimit": '"d";r=3;t=60'}, [(3, 60.0)]),
        ({"RateLimit": '"d";r=0;t=60'}, [(0, 60.0)]),
        ({"RateLimit": '"d";r=3;t=0'}, []),
        ({"RateLimit": '"d";r=3;t=0.5'}, [(3, 0.5)]),
        ({"RateLimit": '"d";r=3;t=315359999'}, [(3, 315359999.0)]),
        ({"RateLimit": '"d";r=3;t=315360000'}, []),
        ({"RateLimit": '"d";r=-1;t=60'}, []),
        ({"RateLimit": '"d";r=3'}, []),
        ({"RateLimit": '"d";t=60'}, []),
        ({"RateLimit": "r=3;t=60;r"}, []),
        ({"RateLimit": '"a";r=3;t=60, "b";r=5;t=9'}, [(3, 60.0), (5, 9.0)]),
        ({"RateLimit": "limit=9, remaining=3, reset=60"}, [(3, 60.0)]),
        ({"RateLimit-Remaining": "3", "RateLimit-Reset": "60"}, [(3, 60.0)]),
        ({"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "60"}, [(3, 60.0)]),
        ({"X-Rate-Limit-Remaining": "3", "X-Rate-Limit-Reset": str(WALL + 60)}, [(3, 60.0)]),
        ({"RateLimit-Remaining": "2.9", "RateLimit-Reset": "60"}, [(2, 60.0)]),
        ({"RateLimit-Remaining": "1e300", "RateLimit-Reset": "60"}, [(10**15, 60.0)]),
        ({"RateLimit": ",".join(f"r={number};t=60" for number in range(20))}, [(number, 60.0) for number in range(16)]),
        ({"RateLimit": " " * 1024 + "r=3;t=60"}, []),
    ],
)
def test_what_a_server_has_left_is_read_from_its_headers(headers: dict[str, str], said: list[Any]) -> None:
    assert read_headers(headers, WALL, limited=False)[1] == said


TEN_YEARS = 10 * 365 * 86400.0


@pytest.mark.parametrize("pause", [TEN_YEARS, TEN_YEARS * 2, True, "soon"])
def test_a_pause_that_nobody_can_mean_is_none(pause: Any) -> None:
    assert read_seconds(pause, WALL) is None


def test_a_long_pause_is_one() -> None:
    assert read_seconds(TEN_YEARS - 1, WALL) == TEN_YEARS - 1
    assert read_headers({"Retry-After": "7"}, WALL, limited=False) == (7.0, [])
    assert read_headers({"RateLimit-Reset": "7"}, WALL, limited=False) == (None, [])
    assert read_headers({"RateLimit-Reset": "7"}, WALL, limited=True) == (7.0, [])


def test_a_date_that_no_clock_can_count_to_is_ignored() -> None:
    """The year 1 begins before the first moment that the system's clock knows."""
    assert read_seconds(dt.datetime.min, WALL) is None
