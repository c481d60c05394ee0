"""Delays: exact where nothing is drawn, within their bounds where something is, and safe at any size."""

from __future__ import annotations

import math
import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from holdfast import DEFAULT_BACKOFF, BackoffConfig, BackoffStrategy, ConfigurationError, create_backoff
from holdfast.retry.backoff import BACKOFF_TYPES

durations = st.floats(min_value=0, max_value=1e9) | st.integers(min_value=0, max_value=10**9)
shares = st.floats(min_value=0, max_value=1, exclude_max=True)


@st.composite
def configs(draw: st.DrawFn) -> BackoffConfig:
    initial, cap = sorted((draw(durations), draw(durations)))
    return BackoffConfig(
        type=draw(st.sampled_from(BACKOFF_TYPES)),
        initial_delay=initial,
        max_delay=cap,
        multiplier=draw(st.floats(min_value=1, max_value=1e6)),
        jitter_factor=draw(st.floats(min_value=0, max_value=1)),
    )


@pytest.mark.parametrize(
    ("fields", "delays"),
    [
        ({"type": "fixed", "initial_delay": 2}, [2, 2, 2, 2]),
        ({"type": "linear", "initial_delay": 1, "multiplier": 3, "max_delay": 6}, [1, 4, 6, 6]),
        ({"type": "linear"}, [1, 2, 3, 4]),
        ({"type": "exponential", "initial_delay": 0.5, "multiplier": 3, "max_delay": 10}, [0.5, 1.5, 4.5, 10]),
        ({}, [1, 2, 4, 8]),
        ({"type": "exponential", "initial_delay": 0}, [0, 0, 0, 0]),
        ({"type": lambda i: i * 0.25, "max_delay": 0.5, "initial_delay": 0.1}, [0, 0.25, 0.5, 0.5]),
        ({"initial_delay": timedelta(milliseconds=250), "max_delay": timedelta(seconds=1)}, [0.25, 0.5, 1, 1]),
    ],
)
def test_delays_without_jitter_are_exact(fields: dict[str, Any], delays: list[float]) -> None:
    strategy = BackoffStrategy(BackoffConfig(**fields))
    assert [strategy.next_delay(i) for i in range(4)] == delays
    assert strategy.total_delay_for(4) == sum(delays)


def test_decorrelated_jitter_draws_between_the_initial_delay_and_three_times_the_last() -> None:
    config = BackoffConfig(type="decorrelated-jitter", initial_delay=1, max_delay=30)
    highest = BackoffStrategy(config, random=lambda: 1.0)
    assert [highest.next_delay(i) for i in range(5)] == [3, 9, 27, 30, 30]
    lowest = BackoffStrategy(config, random=lambda: 0.0)
    assert [lowest.next_delay(i) for i in range(3)] == [1, 1, 1]
    middle = BackoffStrategy(config, random=lambda: 0.5)
    assert [middle.next_delay(i) for i in range(2)] == [2, 3.5]


def test_decorrelated_jitter_with_a_factor_stays_in_its_range() -> None:
    config = BackoffConfig(type="decorrelated-jitter", initial_delay=1, max_delay=30, jitter_factor=0.5)
    numbers = iter([0.0, 0.0, 1.0, 1.0])
    strategy = BackoffStrategy(config, random=lambda: next(numbers))
    assert strategy.next_delay(0) == 1  # 1 - 50 % would be below the initial delay
    assert strategy.next_delay(1) == 3  # 3 + 50 % would be more than three times the last


def test_full_jitter_draws_between_nothing_and_the_exponential_delay() -> None:
    config = BackoffConfig(type="full-jitter", initial_delay=1, max_delay=5)
    assert config.delays(4) == ((0, 1), (0, 2), (0, 4), (0, 5))


def test_reset_forgets_the_last_delay() -> None:
    strategy = BackoffStrategy(BackoffConfig(type="decorrelated-jitter", max_delay=100), random=lambda: 1.0)
    first = [strategy.next_delay(i) for i in range(3)]
    strategy.reset()
    assert [strategy.next_delay(i) for i in range(3)] == first == [3, 9, 27]


@given(configs(), shares, st.lists(st.integers(min_value=0, max_value=10_000), max_size=20))
def test_a_delay_is_never_negative_never_nan_and_never_above_the_cap(
    config: BackoffConfig, share: float, attempts: list[int]
) -> None:
    strategy = BackoffStrategy(config, random=lambda: share)
    for attempt in [*attempts, 10_000, 10**400]:
        delay = strategy.next_delay(attempt)
        assert 0 <= delay <= config.max_delay
        assert not math.isnan(delay)


@given(configs(), st.integers(min_value=0, max_value=30), st.randoms(use_true_random=False))
def test_delays_lie_within_the_bounds_that_the_config_tells(
    config: BackoffConfig, count: int, chance: random.Random
) -> None:
    strategy = BackoffStrategy(config, random=chance.random)
    bounds = config.delays(count)
    drawn = [strategy.next_delay(i) for i in range(count)]
    for delay, (low, high) in zip(drawn, bounds, strict=True):
        assert low * (1 - 1e-9) <= delay <= high * (1 + 1e-9)
    assert sum(drawn) <= strategy.total_delay_for(count) * (1 + 1e-9)


def test_promise_12_jittered_delays_do_not_bunch_at_the_cap_and_a_thousand_clients_spread() -> None:
    chance = random.Random(7)
    for kind in ("exponential", "decorrelated-jitter", "full-jitter", "linear", "fixed"):
        config = BackoffConfig(type=kind, initial_delay=5, max_delay=10, jitter_factor=0.5)
        delays = []
        for _ in range(1000):
            client = BackoffStrategy(config, random=chance.random)
            delays.append([client.next_delay(i) for i in range(8)][-1])
        assert sum(delay == 10 for delay in delays) < 10, f"{kind} bunches at the cap"
        assert len(set(delays)) > 990
        spread = max(delays) - min(delays)
        assert spread > 2, f"{kind} does not spread"
        tenths = [
            sum(min(delays) + spread * i / 10 <= d < min(delays) + spread * (i + 1) / 10 for d in delays)
            for i in range(10)
        ]
        assert max(tenths) < 450, f"{kind} has most clients at one moment: {tenths}"


def test_promise_12_a_delay_does_not_overflow_at_attempt_10_000() -> None:
    for kind in BACKOFF_TYPES:
        config = BackoffConfig(type=kind, initial_delay=1e-9, max_delay=1e300, multiplier=1e300, jitter_factor=1)
        assert 0 <= BackoffStrategy(config).next_delay(10_000) <= 1e300


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"type": "exponentail"}, "did you mean 'exponential'"),
        ({"type": 3}, "known: "),
        ({"initial_delay": -1}, "initial_delay must be finite and zero or more seconds, not -1"),
        ({"initial_delay": math.nan}, "initial_delay must be finite"),
        ({"max_delay": math.inf}, "max_delay must be finite"),
        ({"max_delay": 10**400}, "max_delay must be finite"),
        ({"initial_delay": True}, "initial_delay must be seconds as a number, or a timedelta, not True"),
        ({"initial_delay": "1"}, "initial_delay must be seconds"),
        ({"initial_delay": 5, "max_delay": 2}, "max_delay must be at least initial_delay"),
        ({"multiplier": 0.5}, "below 1, delays would shrink"),
        ({"multiplier": math.nan}, "multiplier must be a finite number of at least 1"),
        ({"type": "linear", "multiplier": -1}, "multiplier must be a finite number of at least 0"),
        ({"jitter_factor": 20}, "a percentage is written as a fraction: 0.2"),
        ({"jitter_factor": 1.5}, "jitter_factor must be a number from 0 to 1, not 1.5"),
        ({"jitter_factor": -0.1}, "jitter_factor must be a number from 0 to 1"),
        ({"jitter_factor": math.nan}, "jitter_factor must be a number from 0 to 1"),
        ({"jitter_factor": None}, "jitter_factor must be a number from 0 to 1"),
        ({"inital_delay": 1}, "BackoffConfig has no field 'inital_delay'; did you mean 'initial_delay'?"),
    ],
)
def test_promise_11_bad_settings_are_refused_with_the_fix(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match="^BackoffConfig") as caught:
        BackoffConfig(**fields)
    assert says in str(caught.value)


async def slowly(attempt: int) -> float:
    return 1.0


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"multiplier": 0}, "multiplier must be a finite number of at least 1, not 0 (below 1, delays would shrink)"),
        (
            {"type": "full-jitter", "multiplier": 0.9},
            "multiplier must be a finite number of at least 1, not 0.9 (below 1, delays would shrink)",
        ),
        (
            {"type": "linear", "multiplier": -1},
            "multiplier must be a finite number of at least 0, not -1 (for linear back-off: the seconds added each time)",
        ),
        ({"type": slowly}, "type must be a plain function (attempt) -> seconds, not an async one"),
        ({"initial_delay": 5, "max_delay": 2}, "max_delay must be at least initial_delay (5 s), not 2 s"),
    ],
)
def test_a_refusal_is_told_in_full(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        BackoffConfig(**fields)
    assert str(caught.value) == f"BackoffConfig: {says}"


class Spelled(str):
    __slots__ = ()


class Unhashable:
    __hash__ = None  # type: ignore[assignment]

    def __call__(self, attempt: int) -> float:
        return attempt + 90_000.0


def test_a_type_may_be_a_text_of_another_class_and_is_kept_as_plain_text() -> None:
    assert type(BackoffConfig(type=Spelled("linear")).type) is str  # type: ignore[arg-type]


def test_a_function_may_be_any_object_that_can_be_called_and_has_a_day_at_most() -> None:
    grows = Unhashable()
    assert BackoffConfig(type=grows).max_delay == 86_400
    assert create_backoff(grows).next_delay(3) == 86_400
    assert create_backoff(grows, max_delay=100_000).next_delay(3) == 90_003


def test_without_a_type_a_back_off_is_exponential() -> None:
    assert create_backoff().config == BackoffConfig() == BackoffConfig(type="exponential")


@pytest.mark.parametrize("attempt", [-1, 1.5, True, "0", None])
def test_an_attempt_is_counted_from_zero_in_whole_numbers(attempt: Any) -> None:
    with pytest.raises(ConfigurationError, match="whole number from 0 on"):
        BackoffStrategy(BackoffConfig()).next_delay(attempt)


def test_where_chance_comes_from_must_be_a_function() -> None:
    with pytest.raises(ConfigurationError) as caught:
        BackoffStrategy(BackoffConfig(), random=3)  # type: ignore[arg-type]
    assert str(caught.value) == "BackoffStrategy: random must be a function () -> number from 0 to 1 or None, not 3"


def test_a_delay_function_must_give_seconds() -> None:
    with pytest.raises(
        ConfigurationError, match=r"^BackoffConfig: the delay that <function .* returned must be seconds"
    ):
        BackoffStrategy(BackoffConfig(type=lambda _attempt: "soon")).next_delay(0)  # type: ignore[arg-type, return-value]
    strategy = BackoffStrategy(BackoffConfig(type=lambda _attempt: -1.0))
    with pytest.raises(ConfigurationError, match="finite and zero or more"):
        strategy.next_delay(0)


def test_a_default_cap_is_never_below_the_initial_delay() -> None:
    assert BackoffConfig(type="fixed", initial_delay=7).max_delay == 7
    assert BackoffConfig(initial_delay=100).max_delay == 100
    assert create_backoff("linear", initial_delay=50).config.max_delay == 50


def test_create_backoff_starts_from_the_defaults_of_its_type() -> None:
    for kind, config in DEFAULT_BACKOFF.items():
        assert create_backoff(kind).config == config  # type: ignore[arg-type]
    strategy = create_backoff("decorrelated-jitter", max_delay=5)
    assert (strategy.config.max_delay, strategy.config.jitter_factor) == (5, 0.5)
    assert create_backoff("decorrelated-jitter", initial_delay=90).config.jitter_factor == 0.5
    assert create_backoff(lambda i: float(i)).next_delay(3) == 3.0
    with pytest.raises(ConfigurationError, match="did you mean 'linear'"):
        create_backoff("liner")  # type: ignore[arg-type]


def test_the_default_randomness_is_random() -> None:
    strategy = BackoffStrategy(BackoffConfig(type="full-jitter", initial_delay=1, max_delay=1))
    assert len({strategy.next_delay(0) for _ in range(20)}) > 1
