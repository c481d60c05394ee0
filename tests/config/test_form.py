"""What a configuration says is what it comes to: presets, names, durations, exception types, and what is left out."""

from __future__ import annotations

import sys
import tomllib
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from holdfast import (
    RETRY_POLICIES,
    BackoffConfig,
    BulkheadConfig,
    BulkheadFullError,
    CircuitBreakerConfig,
    ConfigReport,
    ConfigurationError,
    RetryPolicy,
    load_config,
)
from holdfast.config import read_config
from holdfast.config.schema import BACKOFF, BULKHEAD, CIRCUIT_BREAKER, POLICY, RATE_LIMIT, RETRY, TIMEOUT, Table
from holdfast.durations import UNITS, duration_in_seconds
from holdfast.rate_limit import SlidingWindow, TokenBucket
from holdfast.resilience import ResiliencePolicy


def read(text: str) -> ConfigReport:
    return read_config(tomllib.loads(text), environ={})


def policy(text: str) -> ResiliencePolicy:
    """The policy "shop" of a configuration."""
    return read(text).policies["shop"]


def test_each_table_becomes_what_it_is_of() -> None:
    report = read(
        """
        enabled = true
        [policies.payments]
        preset = "api"
        timeout = 10
        total_timeout = 45
        retry = { max_attempts = 4, backoff = { type = "exponential", initial_delay = 0.2 } }
        circuit_breaker = { failure_threshold = 3 }
        rate_limit = { limit = 100, period = 60 }
        bulkhead = false
        fallback = "cached-prices"
        [retry.slow-api]
        max_attempts = 6
        [timeouts]
        weather.seconds = 5
        weather.mode = "cooperative"
        news = "1m"
        [circuit_breakers.search]
        [bulkheads.search]
        max_concurrent = 3
        [rate_limits.search]
        rate = 10
        capacity = 20
        """
    )
    assert report.source == "the mapping"
    assert report.enabled is True
    usual = ResiliencePolicy.api().retry
    assert isinstance(usual, RetryPolicy)
    assert report.policies["payments"] == ResiliencePolicy.api(
        timeout=10,
        total_timeout=45,
        retry=usual.replace(max_attempts=4, backoff=usual.backoff.replace(initial_delay=0.2)),
        circuit_breaker={"failure_threshold": 3},
        rate_limit={"limit": 100, "period": 60},
        bulkhead=None,
        fallback="cached-prices",
    )
    assert report.policies["payments"].circuit_breaker == CircuitBreakerConfig(failure_threshold=3, reset_timeout=60)
    assert report.retry_policies == {"slow-api": RetryPolicy(name="slow-api", max_attempts=6)}
    assert {name: (config.seconds, config.mode) for name, config in report.timeouts.items()} == {
        "weather": (5, "cooperative"),
        "news": (60, "thread"),
    }
    assert report.circuit_breakers == {"search": CircuitBreakerConfig(name="search")}
    assert report.bulkheads == {"search": BulkheadConfig(name="search", max_concurrent=3)}
    assert report.rate_limits["search"].limit == TokenBucket(rate=10, capacity=20)


# Presets.


@pytest.mark.parametrize("name", ["api", "ai", "database", "external", "critical"])
def test_a_policy_starts_from_the_preset_that_it_names(name: str) -> None:
    assert policy(f"[policies.shop]\npreset = '{name}'\ntimeout = 7") == getattr(ResiliencePolicy, name)(timeout=7)


def test_a_policy_starts_from_another_of_the_file_wherever_it_stands() -> None:
    report = read(
        """
        [policies.a]
        preset = "b"
        retry = { max_attempts = 7 }
        [policies.b]
        preset = "c"
        bulkhead.max_queue = 0
        [policies.c]
        preset = "external"
        circuit_breaker = false
        """
    )
    assert report.policies["a"] == ResiliencePolicy.external(
        circuit_breaker=None, bulkhead={"max_queue": 0}, retry={"max_attempts": 7}
    )


def test_a_table_under_the_name_of_a_built_in_policy_changes_that_one_unless_it_starts_elsewhere() -> None:
    assert read("policies.api.timeout = 5").policies["api"] == ResiliencePolicy.api(timeout=5)
    assert read("policies.api = {preset = 'api', timeout = 5}").policies["api"] == ResiliencePolicy.api(timeout=5)
    assert read("policies.api = {preset = false, timeout = 5}").policies["api"] == ResiliencePolicy(timeout=5)
    assert read("retry.network.max_attempts = 2").retry_policies["network"] == RetryPolicy.network(max_attempts=2)
    changed = read("policies.api.timeout = 5\npolicies.shop = {preset = 'api', bulkhead = false}").policies["shop"]
    assert changed == ResiliencePolicy.api(timeout=5, bulkhead=None)


def test_a_retry_policy_starts_from_the_preset_that_it_names() -> None:
    report = read(
        """
        retry.slow = { preset = "network", max_attempts = 9 }
        retry.slower = { preset = "slow", backoff.max_delay = 100 }
        policies.shop.retry = { preset = "slower", max_attempts = 2 }
        """
    )
    assert report.retry_policies["slow"] == RetryPolicy.network(name="slow", max_attempts=9)
    assert report.retry_policies["slower"].backoff == BackoffConfig(
        type="full-jitter", initial_delay=0.5, max_delay=100
    )
    assert report.policies["shop"].retry == report.retry_policies["slower"].replace(max_attempts=2)


def test_a_back_off_of_another_type_starts_anew() -> None:
    made = policy("policies.shop.retry = {preset = 'network', backoff.type = 'fixed'}").retry
    assert isinstance(made, RetryPolicy)
    assert made.backoff == BackoffConfig(type="fixed")
    assert read("retry.a.backoff = 'full-jitter'").retry_policies["a"].backoff == BackoffConfig(type="full-jitter")


# Guards by name.


def test_a_retry_policy_is_named_or_written_out() -> None:
    assert policy("policies.shop.retry = 'network'").retry == "network"
    made = policy("policies.shop.retry = 'slow'\nretry.slow.max_attempts = 9").retry
    assert made == RetryPolicy(name="slow", max_attempts=9)
    kept = policy("policies.a.retry = 'network'\npolicies.shop = {preset = 'a', retry.max_attempts = 2}").retry
    assert kept == RetryPolicy.network(max_attempts=2)


def test_a_guard_is_named_or_written_out() -> None:
    text = """
        circuit_breakers.db.failure_threshold = 2
        rate_limits.db = { limit = 5, period = "1s" }
        bulkheads.db.max_concurrent = 3
        [policies.shop]
        circuit_breaker = "db"
        rate_limit = "db"
        bulkhead = "db"
        """
    made = policy(text)
    assert made.circuit_breaker == CircuitBreakerConfig(name="db", failure_threshold=2)
    assert made.bulkhead == BulkheadConfig(name="db", max_concurrent=3)
    assert made.rate_limit is not None
    assert made.rate_limit.name == "db"
    assert made.rate_limit.limit == SlidingWindow(limit=5, period=1)


def test_what_is_named_but_wrong_is_told_once() -> None:
    with pytest.raises(ConfigurationError) as told:
        read(
            "policies.shop = {bulkhead = 'db', retry = 'a'}\nbulkheads.db.max_concurrent = 0\nretry.a.max_attempts = 0"
        )
    assert str(told.value).startswith("the mapping: 2 problems")


def test_guards_of_one_name_that_agree_are_no_conflict() -> None:
    report = read("[bulkheads.shop]\nmax_queue = 1\n[policies.shop]\nbulkhead.max_queue = 1\ncircuit_breaker = {}")
    assert report.policies["shop"].bulkhead == BulkheadConfig(max_queue=1)


def test_false_leaves_a_guard_out_and_an_empty_table_has_the_usual_settings() -> None:
    names = ("retry", "circuit_breaker", "rate_limit", "bulkhead", "timeout", "total_timeout", "fallback")
    for name in names:
        left = "retry" if name == "timeout" else "timeout"
        other = policy(f"policies.shop = {{preset = 'all', {name} = false}}\n" + _ALL)
        assert getattr(other, name) is None
        assert getattr(other, left) is not None
    assert policy("policies.shop.bulkhead = {}").bulkhead == BulkheadConfig()
    assert policy("policies.shop = {preset = 'api', bulkhead = {}}").bulkhead == ResiliencePolicy.api().bulkhead


_ALL = """
[policies.all]
retry = "network"
circuit_breaker = {}
rate_limit = { limit = 1, period = 1 }
bulkhead = {}
timeout = 5
total_timeout = 50
fallback = "x"
"""


def test_none_in_a_mapping_is_false_in_a_file() -> None:
    report = read_config({"policies": {"shop": {"preset": "api", "bulkhead": None, "timeout": None}}}, environ={})
    assert report.policies["shop"] == ResiliencePolicy.api(bulkhead=None, timeout=None)


def test_false_stands_for_no_limit() -> None:
    assert policy("policies.shop.bulkhead.queue_timeout = false").bulkhead == BulkheadConfig(queue_timeout=None)
    assert read("retry.a.max_retry_after = false").retry_policies["a"].max_retry_after is None


def test_a_rate_limit_that_a_preset_has_is_changed_or_given_anew() -> None:
    base = "policies.a.rate_limit = {limit = 5, period = 1}\n"
    changed = policy(base + "policies.shop = {preset = 'a', rate_limit.limit = 9}").rate_limit
    anew = policy(base + "policies.shop = {preset = 'a', rate_limit = {rate = 2, capacity = 3}}").rate_limit
    kept = policy(base + "policies.shop = {preset = 'a', rate_limit.max_queue = 3}").rate_limit
    assert changed is not None
    assert anew is not None
    assert kept is not None
    assert changed.limit == SlidingWindow(limit=9, period=1)
    assert anew.limit == TokenBucket(rate=2, capacity=3)
    assert (kept.limit, kept.max_queue) == (SlidingWindow(limit=5, period=1), 3)


# Durations.


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("500ms", 0.5),
        ("30s", 30),
        ("2m", 120),
        ("1h", 3600),
        ("1d", 86400),
        ("1m30s", 90),
        (" 1h 30m ", 5400),
        ("1.5 s", 1.5),
        ("30", None),
        ("", None),
        ("s", None),
        ("-1s", None),
        ("1s!", None),
        ("1 week", None),
        ("1e3s", None),
        ("١s", None),
    ],
)
def test_durations_are_read_as_they_are_written(written: str, seconds: float | None) -> None:
    assert duration_in_seconds(written) == seconds


@given(st.integers(0, 10_000), st.sampled_from(sorted(UNITS)))
def test_every_number_of_every_unit_is_a_duration(number: int, unit: str) -> None:
    assert duration_in_seconds(f"{number}{unit}") == pytest.approx(number * UNITS[unit])


def test_a_mapping_may_hold_a_timedelta() -> None:
    from datetime import timedelta

    report = read_config({"timeouts": {"a": timedelta(minutes=1)}}, environ={})
    assert report.timeouts["a"].seconds == 60


# Exception types.


def kinds(*names: str) -> Any:
    return read_config({"retry": {"a": {"retry_on": list(names)}}}, environ={}).retry_policies["a"].retry_on


def test_built_in_exceptions_and_ours_are_the_very_types() -> None:
    assert kinds("ConnectionError", "builtins.KeyError", "holdfast.BulkheadFullError") == (
        ConnectionError,
        KeyError,
        BulkheadFullError,
    )
    assert read("retry.a.retry_on = 'OSError'").retry_policies["a"].retry_on == (OSError,)


def test_a_type_whose_module_is_imported_later_is_found_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if name == "late_client" else None)
    (kind,) = kinds("late_client.errors.ReadTimeout")
    assert kind.__qualname__ == "late_client.errors.ReadTimeout"
    assert not isinstance(OSError(), kind)
    package, module = ModuleType("late_client"), ModuleType("late_client.errors")
    package.__path__ = []
    monkeypatch.setitem(sys.modules, "late_client", package)
    assert kinds("late_client.errors.ReadTimeout") == (kind,), "the package is there, but not its module"

    class ReadTimeout(Exception):
        pass

    class Sub(ReadTimeout):
        pass

    package.errors = module  # type: ignore[attr-defined]
    module.ReadTimeout = ReadTimeout  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "late_client.errors", module)
    assert isinstance(ReadTimeout(), kind)
    assert isinstance(Sub(), kind)
    assert issubclass(kind, kind)
    assert not isinstance(OSError(), kind)
    assert kinds("late_client.errors.ReadTimeout") == (kind,), "so a reload finds nothing changed"
    with pytest.raises(ConfigurationError, match=r"late_client.errors has no ReadTimout; did you mean 'ReadTimeout'\?"):
        kinds("late_client.errors.ReadTimout")
    with pytest.raises(ConfigurationError, match="late_client.errors has no Xyz; known: ReadTimeout"):
        kinds("late_client.errors.Xyz")


def test_a_name_that_turns_out_to_be_wrong_matches_nothing_and_is_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    (kind,) = kinds("later_client.Gone")
    monkeypatch.setitem(sys.modules, "later_client", ModuleType("later_client"))
    for _ in range(2):
        assert not isinstance(OSError(), kind)
    assert [record.getMessage() for record in caplog.records] == [
        "the configuration names later_client.Gone, but later_client has no Gone; none is known"
    ]


def test_nothing_is_imported_for_a_name() -> None:
    assert "this" not in sys.modules
    kinds("this.Error")
    assert "this" not in sys.modules


class Runs:
    """Whose attributes are made when they are asked for."""

    @property
    def Error(self) -> object:  # noqa: N802
        raise AssertionError("run")


def test_nothing_of_a_module_or_a_class_is_run_for_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = ModuleType("runs_things")

    def run(name: str) -> object:
        raise AssertionError(name)

    class Lazy(ModuleType):
        def __getattribute__(self, name: str) -> object:
            raise AssertionError(name)

    class Meta(type):
        def __getattribute__(cls, name: str) -> object:
            raise AssertionError(name)

    class Inside(metaclass=Meta):
        Error = type("Error", (Exception,), {})

    class Below(Inside):
        pass

    module.__getattr__, module.client, module.Inside, module.Below = run, Runs(), Inside, Below
    monkeypatch.setitem(sys.modules, "runs_things", module)
    monkeypatch.setitem(sys.modules, "lazy_things", Lazy("lazy_things"))
    kinds("runs_things.Error", "lazy_things.Error", "runs_things.Inside.Error", "runs_things.Below.Error")
    with pytest.raises(ConfigurationError, match="runs_things.client is neither a module nor a class"):
        kinds("runs_things.client.Error")
    with pytest.raises(ConfigurationError, match="runs_things.Inside has no Eror; did you mean 'Error'"):
        kinds("runs_things.Inside.Eror")
    with pytest.raises(ConfigurationError, match="runs_things.client is no exception type"):
        kinds("runs_things.client")


def test_a_type_that_a_lazy_module_hands_on_is_known_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = ModuleType("lazy_client")
    module.__getattr__ = lambda name: name
    monkeypatch.setitem(sys.modules, "lazy_client", module)
    (kind,) = kinds("lazy_client.Failed")
    hidden = type("Failed", (Exception,), {"__module__": "lazy_client._errors"})
    below = type("Worse", (hidden,), {"__module__": "shop"})
    another = type("Failed", (Exception,), {"__module__": "shop"})
    assert isinstance(hidden(), kind)
    assert isinstance(below(), kind)
    assert not isinstance(another(), kind)
    assert issubclass(kind, kind)
    module.Failed = another
    assert isinstance(another(), kind), "once it is there, it is what counts"
    assert not isinstance(hidden(), kind)


@pytest.mark.parametrize(
    "name", ["sys.flags.Foo", "os.name.X", "sys.version_info.X", "sys.modules.Foo", "sys.maxsize.X"]
)
def test_what_is_in_no_module_and_no_class_is_told_as_that(name: str) -> None:
    with pytest.raises(ConfigurationError, match="is neither a module nor a class"):
        kinds(name)


def test_names_that_are_none_are_told_in_short() -> None:
    for name in ("a..b", ".x", "x.", "a b", "", "x" * 1000):
        with pytest.raises(ConfigurationError, match="must name an exception type with its module") as told:
            kinds(name)
        assert len(str(told.value)) < 300
    with pytest.raises(ConfigurationError, match='cannot name "holdfast.nope.X": there is no such exception'):
        kinds("holdfast.nope.X")


@pytest.mark.parametrize("name", ["asyncio.CancelledError", "asyncio.exceptions.CancelledError"])
def test_cancellation_cannot_be_named(name: str) -> None:
    for tables in (f"retry.a.retry_on = '{name}'", f"circuit_breakers.a.ignore = ['{name}']"):
        with pytest.raises(ConfigurationError, match=f'cannot name "{name}": cancellation always passes'):
            read(tables)


def test_what_is_no_plain_exception_is_refused_by_the_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = ModuleType("some_loop")
    module.Cancelled = type("Cancelled", (BaseException,), {})
    monkeypatch.setitem(sys.modules, "some_loop", module)
    with pytest.raises(ConfigurationError, match="retry.a.retry_on cannot name Cancelled"):
        read("retry.a.retry_on = 'some_loop.Cancelled'")


def test_a_module_that_was_made_by_hand_counts_as_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    package, module = ModuleType("hand_made"), ModuleType("hand_made.errors")
    package.__path__ = []
    module.Failed = type("Failed", (Exception,), {})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "hand_made", package)
    (kind,) = kinds("hand_made.errors.Failed")
    monkeypatch.setitem(sys.modules, "hand_made.errors", module)
    assert isinstance(module.Failed(), kind)


def test_a_module_with_many_exceptions_offers_the_nearest_only() -> None:
    with pytest.raises(ConfigurationError, match='builtins has no ConectionError; did you mean "ConnectionError"'):
        kinds("ConectionError")
    with pytest.raises(ConfigurationError, match="builtins has no Xyzzy; look for it in its documentation"):
        kinds("Xyzzy")
    with pytest.raises(ConfigurationError, match='there is no module "holdfst" here; did you mean "holdfast"'):
        kinds("holdfst.BulkheadFullError")


def test_a_stand_in_serves_a_circuit_breaker_too() -> None:
    import sqlite3

    made = policy("policies.shop.circuit_breaker = {ignore = ['sqlite3.Error'], failure_on = ['sqlite3.DataError']}")
    config = made.circuit_breaker
    assert config is not None
    assert isinstance(config.ignore, tuple)
    assert isinstance(sqlite3.OperationalError(), config.ignore)


def test_back_offs_by_kind_of_error() -> None:
    made = read(
        """
        [retry.a.backoff_for]
        external = "fixed"
        EXTERNAL_RATE_LIMITED = { initial_delay = "5s" }
        TimeoutError = "linear"
        "builtins.OSError" = "full-jitter"
        """
    ).retry_policies["a"]
    assert made.backoff_for == {
        "EXTERNAL": BackoffConfig(type="fixed"),
        "EXTERNAL_RATE_LIMITED": BackoffConfig(initial_delay=5),
        TimeoutError: BackoffConfig(type="linear"),
        OSError: BackoffConfig(type="full-jitter"),
    }
    assert read(
        "retry.a = {backoff_for.EXTERNAL = 'fixed'}\nretry.b = {preset = 'a', backoff_for = false}"
    ).retry_policies["b"] == RetryPolicy(name="b")


# The form as a whole.


@pytest.mark.parametrize(
    "table",
    [BACKOFF, RETRY, CIRCUIT_BREAKER, RATE_LIMIT, BULKHEAD, TIMEOUT, POLICY],
    ids=lambda table: table.said.split()[-1],
)
def test_a_table_has_a_key_for_every_field_or_says_that_it_is_given_in_code(table: Table) -> None:
    config = table.config or ResiliencePolicy
    fields = set(config._fields) - ({"name"} if table is TIMEOUT else set())
    if table is RATE_LIMIT:
        fields |= {*SlidingWindow._fields, *TokenBucket._fields}
    assert set(table.keys) - {"preset"} | set(table.in_code) == fields
    assert not set(table.keys) & set(table.in_code)


def as_table(config: Any, keys: Any) -> dict[str, Any]:
    """What a file would say of a config."""
    table = {}
    for key in keys:
        value = getattr(config, key)
        if isinstance(value, frozenset):
            value = sorted(str(each) for each in value)
        elif isinstance(value, tuple):
            value = [kind.__name__ for kind in value]
        elif isinstance(value, BackoffConfig):
            value = as_table(value, BACKOFF.keys)
        table[key] = False if value is None else value
    return table


durations = st.floats(0.01, 1e6, allow_nan=False)
optional = st.none() | durations
backoffs = st.builds(
    BackoffConfig,
    type=st.sampled_from(["fixed", "linear", "exponential", "decorrelated-jitter", "full-jitter"]),
    initial_delay=st.floats(0, 1),
    max_delay=st.floats(1, 1000),
    multiplier=st.floats(1, 5),
    jitter_factor=st.floats(0, 1),
)
retries = st.builds(
    RetryPolicy,
    name=st.just("x"),
    max_attempts=st.integers(1, 50),
    backoff=backoffs,
    retryable_categories=st.sets(st.sampled_from(["TRANSIENT", "EXTERNAL", "RESOURCE"])),
    retryable_codes=st.sets(st.sampled_from(["A", "B"])),
    non_retryable_codes=st.sets(st.sampled_from(["C", "D"])),
    retry_on=st.none() | st.just((ConnectionError, ValueError)),
    attempt_timeout=st.none() | st.floats(1, 100),
    total_timeout=st.none() | st.floats(1000, 2000),
    max_retry_after=optional,
    idempotent=st.booleans(),
)
breakers = st.builds(
    CircuitBreakerConfig,
    failure_threshold=st.integers(1, 9),
    window_size=st.none() | st.integers(9, 99),
    failure_rate_threshold=st.none() | st.floats(0.1, 1),
    slow_call_duration_threshold=optional,
    probe_timeout=optional,
    ignore=st.none() | st.just((KeyError,)),
    mode=st.sampled_from(["normal", "shadow", "disabled"]),
)
bulkheads = st.builds(
    BulkheadConfig, max_concurrent=st.integers(1, 99), max_queue=st.integers(0, 99), queue_timeout=optional
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(retries, breakers, bulkheads, optional)
def test_a_policy_written_out_and_read_again_is_the_same(
    retry: RetryPolicy, breaker: CircuitBreakerConfig, bulkhead: BulkheadConfig, timeout: float | None
) -> None:
    keys = [key for key in RETRY.keys if key not in ("preset", "backoff_for")]
    tables = {
        "retry": as_table(retry, keys),
        "circuit_breaker": as_table(breaker, CIRCUIT_BREAKER.keys),
        "bulkhead": as_table(bulkhead, BULKHEAD.keys),
        "timeout": False if timeout is None else timeout,
    }
    try:
        made = ResiliencePolicy(retry=retry, circuit_breaker=breaker, bulkhead=bulkhead, timeout=timeout)
    except ConfigurationError:
        with pytest.raises(ConfigurationError):
            read_config({"policies": {"shop": tables}}, environ={})
    else:
        assert read_config({"policies": {"shop": tables}}, environ={}).policies["shop"] == made


def test_reading_registers_nothing() -> None:
    from holdfast.resilience import resilience_manager

    before = dict(RETRY_POLICIES)
    read("retry.network.max_attempts = 2\nretry.new.max_attempts = 3\npolicies.shop.timeout = 5\nenabled = false")
    assert dict(RETRY_POLICIES) == before
    assert "shop" not in resilience_manager.registered
    assert load_config({}, environ={}).removed == ()
