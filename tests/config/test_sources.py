"""Where a configuration is looked for, and what the environment sets in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast import ConfigReport, ConfigurationError, RetryPolicy, load_config, register_retry_policy, set_enabled
from holdfast.config import read_config
from holdfast.retry.presets import registry
from holdfast.switch import is_enabled

SHOP = "[policies.shop]\ntimeout = 5\n"
SHOP_TABLES = {"policies": {"shop": {"timeout": 5}}}


def seconds_of_shop(**environ: str) -> float | None:
    return load_config(environ=environ).policies["shop"].timeout


def test_the_first_of_the_places_that_has_a_configuration_counts(tmp_path: Path) -> None:
    Path("pyproject.toml").write_text("[project]\nname = 'x'\n[tool.holdfast.policies.shop]\ntimeout = 1\n")
    assert seconds_of_shop() == 1
    Path("holdfast.toml").write_text("policies.shop.timeout = 2")
    assert seconds_of_shop() == 2
    other = tmp_path / "other.toml"
    other.write_text("policies.shop.timeout = 3")
    assert seconds_of_shop(HOLDFAST_CONFIG=str(other)) == 3
    assert seconds_of_shop(HOLDFAST_CONFIG="  ") == 2
    assert load_config(other, environ={}).policies["shop"].timeout == 3
    assert load_config(str(other), environ={"HOLDFAST_CONFIG": "x"}).source == str(other)
    assert load_config({"policies": {"shop": {"timeout": 4}}}, environ={}).policies["shop"].timeout == 4


def test_the_environment_of_the_process_is_used_unless_another_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("holdfast.toml").write_text(SHOP)
    monkeypatch.setenv("HOLDFAST_POLICIES__SHOP__TIMEOUT", "6")
    assert load_config().policies["shop"].timeout == 6
    assert load_config(environ={}).policies["shop"].timeout == 5


def test_a_path_may_be_given_in_bytes(tmp_path: Path) -> None:
    class Place:
        def __fspath__(self) -> bytes:
            return b"holdfast.toml"

    Path("holdfast.toml").write_text(SHOP)
    assert load_config(Place(), environ={}).source == "holdfast.toml"  # type: ignore[arg-type]


def test_nothing_anywhere_tells_where_was_looked(tmp_path: Path) -> None:
    expected = (
        f"there is no configuration: HOLDFAST_CONFIG is not set, {re.escape(str(tmp_path))} has no holdfast.toml and "
        r"no pyproject.toml with \[tool.holdfast\], and nothing is set in the environment"
    )
    with pytest.raises(ConfigurationError, match=expected):
        load_config()
    Path("pyproject.toml").write_text("[tool]\nother = 1")
    with pytest.raises(ConfigurationError, match="there is no configuration"):
        load_config()
    Path("pyproject.toml").write_text("tool = 1")
    with pytest.raises(ConfigurationError, match="there is no configuration"):
        load_config(environ={"HOLDFAST_ENABLED": "1"})


def test_the_file_that_a_variable_names_must_be_there() -> None:
    with pytest.raises(ConfigurationError, match=r"there is no file 'x.toml' \(from HOLDFAST_CONFIG\)"):
        load_config(environ={"HOLDFAST_CONFIG": "x.toml"})


def test_a_mistake_in_pyproject_is_told_with_its_whole_name() -> None:
    Path("pyproject.toml").write_text("[project]\n[tool.holdfast]\npolicies.shop.timout = 1\n")
    with pytest.raises(ConfigurationError, match=r"^pyproject.toml:3: tool.holdfast.policies.shop.timout is no key"):
        load_config()
    Path("pyproject.toml").write_text("[tool]\nholdfast = 1\n")
    for source in (None, "pyproject.toml"):
        with pytest.raises(ConfigurationError, match=r"^pyproject.toml:2: tool.holdfast must be a table"):
            load_config(source)
    Path("pyproject.toml").write_text("[tool\n")
    with pytest.raises(ConfigurationError, match=r"^pyproject.toml:1: this is no TOML"):
        load_config()


def test_pyproject_may_be_named_too() -> None:
    Path("pyproject.toml").write_text("[tool.holdfast]\n" + "policies.shop.timeout = 1\n")
    assert load_config("pyproject.toml", environ={}).policies["shop"].timeout == 1
    Path("pyproject.toml").write_text("[tool.holdfast]\n")
    assert load_config("pyproject.toml", environ={}).removed == ("policies.shop",)


# Variables.

FILE = """
[policies.payments-api]
preset = "api"
timeout = 10
retry = { max_attempts = 4, backoff = "full-jitter" }
bulkhead = false
[policies.shop]
retry = "network"
circuit_breaker = "db"
[retry.slow]
max_attempts = 3
[timeouts]
weather = 5
news = { seconds = 5, mode = "cooperative" }
[circuit_breakers.db]
failure_threshold = 3
"""


def loaded(**environ: str) -> ConfigReport:
    Path("holdfast.toml").write_text(FILE)
    return load_config(environ={f"HOLDFAST_{name}": value for name, value in environ.items()})


def test_variables_override_single_values() -> None:
    report = loaded(
        POLICIES__PAYMENTS_API__TIMEOUT="20s",
        POLICIES__PAYMENTS_API__RETRY__MAX_ATTEMPTS="2",
        POLICIES__PAYMENTS_API__RETRY__BACKOFF__MAX_DELAY="1.5",
        POLICIES__PAYMENTS_API__BULKHEAD__MAX_CONCURRENT="3",
        POLICIES__PAYMENTS_API__CIRCUIT_BREAKER="false",
        POLICIES__SHOP__RETRY__MAX_ATTEMPTS="7",
        RETRY__SLOW__RETRYABLE_CODES='["A", "B"]',
        RETRY__SLOW__IDEMPOTENT="false",
        TIMEOUTS__WEATHER__MODE="cooperative",
        TIMEOUTS__NEWS="6",
        PATH="",
    )
    payments, shop = report.policies["payments-api"], report.policies["shop"]
    assert payments.timeout == 20
    assert isinstance(payments.retry, RetryPolicy)
    assert (payments.retry.max_attempts, payments.retry.backoff.max_delay) == (2, 1.5)
    assert payments.retry.backoff.type == "full-jitter"
    assert payments.circuit_breaker is None
    assert payments.bulkhead is not None
    assert payments.bulkhead.max_concurrent == 3
    assert shop.retry == RetryPolicy.network(max_attempts=7)
    assert report.retry_policies["slow"] == RetryPolicy(
        name="slow", max_attempts=3, retryable_codes={"A", "B"}, idempotent=False
    )
    assert (report.timeouts["weather"].seconds, report.timeouts["weather"].mode) == (5, "cooperative")
    assert (report.timeouts["news"].seconds, report.timeouts["news"].mode) == (6, "cooperative")
    assert len(report.variables) == 10


def test_upper_and_lower_case_are_alike() -> None:
    Path("holdfast.toml").write_text(FILE)
    report = load_config(environ={"holdfast_Policies__Payments_Api__Timeout": "7"})
    assert report.policies["payments-api"].timeout == 7


def test_a_whole_table_may_be_set() -> None:
    report = loaded(POLICIES__SHOP__RETRY="{ max_attempts = 2 }", TIMEOUTS__NEWS="{ seconds = 1 }")
    assert report.policies["shop"].retry == RetryPolicy(max_attempts=2)
    assert (report.timeouts["news"].seconds, report.timeouts["news"].mode) == (1, "thread")


def test_the_environment_alone_is_a_configuration() -> None:
    report = load_config(environ={"HOLDFAST_POLICIES__NEW_ONE__PRESET": "api", "HOLDFAST_TIMEOUTS__WEATHER": "5"})
    assert report.source == "the environment"
    assert report.policies["new_one"].timeout == 30
    assert report.timeouts["weather"].seconds == 5
    assert report.variables == ("HOLDFAST_POLICIES__NEW_ONE__PRESET", "HOLDFAST_TIMEOUTS__WEATHER")


def test_a_built_in_policy_is_changed_by_a_variable() -> None:
    report = load_config(environ={"HOLDFAST_RETRY__API_RATE_LIMIT__MAX_ATTEMPTS": "9"})
    assert report.retry_policies == {"api_rate_limit": RetryPolicy.api_rate_limit(max_attempts=9)}


def test_a_name_in_use_is_meant_before_a_new_one() -> None:
    register_retry_policy("very-slow", RetryPolicy())
    try:
        report = load_config(environ={"HOLDFAST_RETRY__VERY_SLOW__MAX_ATTEMPTS": "9"})
        assert list(report.retry_policies) == ["very-slow"]
        load_config({}, environ={})
        assert registry.get("very-slow") == RetryPolicy(name="very-slow")
    finally:
        registry.drop("very-slow")


WRONG = {
    "ENABLE": "HOLDFAST_ENABLE: means nothing; did you mean HOLDFAST_ENABLED?",
    "CONFIGS": "HOLDFAST_CONFIGS: means nothing; did you mean HOLDFAST_CONFIG?",
    "XYZ__A": "HOLDFAST_XYZ__A: means nothing; after HOLDFAST_ there may be ENABLED, POLICIES, RETRY, TIMEOUTS, ",
    "ENABLED__X": "HOLDFAST_ENABLED__X: means nothing; did you mean HOLDFAST_ENABLED?",
    "POLICY__SHOP__TIMEOUT": "HOLDFAST_POLICY__SHOP__TIMEOUT: means nothing; did you mean HOLDFAST_POLICIES__…?",
    "POLICIES": "means nothing; a variable names what it sets: HOLDFAST_POLICIES__NAME__KEY",
    "POLICIES__": "means nothing; a variable names what it sets: HOLDFAST_POLICIES__NAME__KEY",
    "POLICIES__SHOP__TIMEOT": "means nothing; did you mean HOLDFAST_POLICIES__SHOP__TIMEOUT? after "
    "HOLDFAST_POLICIES__SHOP__ there may be PRESET, RETRY, ",
    "POLICIES__SHOP__RETRY__ATTEMPTS": "did you mean HOLDFAST_POLICIES__SHOP__RETRY__MAX_ATTEMPTS?",
    "POLICIES__SHOP__TIMEOUT__X": "means nothing, as HOLDFAST_POLICIES__SHOP__TIMEOUT has no keys",
    "POLICIES__SHOP__RETRY__ON_RETRY": "cannot be set here: it is a function, so it is given in code",
    "POLICIES__SHOP__CIRCUIT_BREAKER__FAILURE_THRESHOLD": 'holdfast.toml says that circuit_breaker is "db"; set '
    "HOLDFAST_CIRCUIT_BREAKERS__DB__… instead",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_variable_that_means_nothing_is_told_with_what_is_near(name: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        loaded(**{name: "5"})
    assert str(told.value).startswith(f"HOLDFAST_{name}: ")
    assert WRONG[name] in str(told.value)


def test_a_value_that_is_wrong_is_told_with_its_variable() -> None:
    with pytest.raises(ConfigurationError) as told:
        loaded(POLICIES__SHOP__RETRY__MAX_ATTEMPTS="many", RETRY__SLOW__MAX_ATTEMPTS="0")
    lines = str(told.value).splitlines()
    assert lines[0].startswith("holdfast.toml: 2 problems")
    assert lines[1].startswith(
        'HOLDFAST_POLICIES__SHOP__RETRY__MAX_ATTEMPTS: policies.shop.retry.max_attempts must be a whole number, not "many"'
    )
    assert lines[2].startswith("HOLDFAST_RETRY__SLOW__MAX_ATTEMPTS: retry.slow.max_attempts must be a whole number of")


def test_a_variable_that_sets_a_table_makes_what_was_set_in_it_of_no_account() -> None:
    with pytest.raises(ConfigurationError) as told:
        loaded(POLICIES__SHOP__RETRY__MAX_ATTEMPTS="2", policies__shop__retry="{ max_attempts = 0 }")
    assert str(told.value).startswith(
        "HOLDFAST_policies__shop__retry: policies.shop.retry.max_attempts must be a whole"
    )


def test_names_that_a_variable_cannot_tell_apart_are_refused() -> None:
    tables: dict[str, Any] = {"retry": {"a-b": {}, "a_b": {}}}
    with pytest.raises(ConfigurationError, match="HOLDFAST_RETRY__A_B__MAX_ATTEMPTS: may mean 'a-b' and 'a_b', which"):
        load_config(tables, environ={"HOLDFAST_RETRY__A_B__MAX_ATTEMPTS": "2"})


@pytest.mark.parametrize("tables", [{"policies": 5}, {"policies": {"shop": 5}}, {"policies": {"shop": {"retry": 5}}}])
def test_where_the_file_is_wrong_a_variable_does_not_make_it_right(tables: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        load_config(tables, environ={"HOLDFAST_POLICIES__SHOP__RETRY__MAX_ATTEMPTS": "2"})


def test_a_value_that_is_no_toml_is_text_and_cannot_smuggle_keys_in() -> None:
    environ = {"HOLDFAST_POLICIES__SHOP__FALLBACK": "1\nother = 2", "HOLDFAST_POLICIES__SHOP__TIMEOUT": "5"}
    with pytest.raises(ConfigurationError, match=r"fallback='1\\nother = 2' is no name of a fallback"):
        load_config(environ=environ)


def test_the_mapping_that_was_given_is_not_changed() -> None:
    given = {"policies": {"shop": {"retry": {"max_attempts": 2}}}}
    load_config(given, environ={"HOLDFAST_POLICIES__SHOP__RETRY__MAX_ATTEMPTS": "3"})
    assert given == {"policies": {"shop": {"retry": {"max_attempts": 2}}}}


# What may not go unnoticed.


def test_a_file_that_was_found_and_is_gone_is_told_and_nothing_falls_silently_away() -> None:
    Path("holdfast.toml").write_text("policies.a.timeout = 1\npolicies.b.timeout = 1")
    environ = {"HOLDFAST_POLICIES__A__TIMEOUT": "3"}
    load_config(environ=environ)
    Path("holdfast.toml").rename("elsewhere.toml")
    gone = (
        "holdfast.toml, where the configuration was found before, has none any more; .* before the environment is used"
    )
    for read in (load_config, read_config):
        with pytest.raises(ConfigurationError, match=gone):
            read(environ=environ)
    Path("pyproject.toml").write_text("[tool.holdfast.policies.c]\ntimeout = 1\n")
    with pytest.raises(ConfigurationError, match=r"^holdfast.toml, .* before pyproject.toml is used"):
        load_config(environ=environ)
    Path("elsewhere.toml").rename("holdfast.toml")
    assert load_config(environ=environ).changed == ()
    load_config({}, environ={})
    Path("holdfast.toml").unlink()
    assert load_config(environ=environ).added == ("policies.c", "policies.a")
    Path("pyproject.toml").write_text("[tool]\n")
    with pytest.raises(ConfigurationError, match=r"^pyproject.toml, where"):
        load_config(environ=environ)
    Path("holdfast.toml").write_text(SHOP)
    assert set(load_config(environ={}).removed) == {"policies.a", "policies.c"}, "a better place is no loss"


@pytest.mark.parametrize("text", ["", "tool = 1", "[tool]\n", "[project]\nname = 'x'\n"])
def test_a_pyproject_that_is_named_must_have_the_table(text: str) -> None:
    Path("pyproject.toml").write_text(text)
    told = r"^pyproject.toml{}: there is no \[tool.holdfast\] in it, which may be empty"
    with pytest.raises(ConfigurationError, match=told.format("")):
        load_config("pyproject.toml", environ={})
    with pytest.raises(ConfigurationError, match=told.format(r" \(from HOLDFAST_CONFIG\)")):
        load_config(environ={"HOLDFAST_CONFIG": "pyproject.toml"})


@pytest.mark.parametrize("name", ["holdfast.toml", "pyproject.toml"])
def test_a_link_that_leads_nowhere_is_not_passed_over(name: str) -> None:
    Path(name).symlink_to("nowhere")
    with pytest.raises(
        ConfigurationError, match=f"there is no file '{name}'; there is a link of that name, which leads"
    ):
        load_config(environ={"HOLDFAST_POLICIES__A__TIMEOUT": "3"})
    Path(name).unlink()
    Path(name).symlink_to(name)
    with pytest.raises(ConfigurationError, match=f"{name} cannot be read: "):
        load_config(environ={"HOLDFAST_POLICIES__A__TIMEOUT": "3"})


# Variables of others, and odd ones.


@pytest.mark.parametrize(
    "name",
    [
        *("PORT", "SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT_80_TCP", "PORT_80_TCP_ADDR"),
        *("POLICIES_PORT", "CONFIG_SERVICE_HOST", "RETRY_PORT_443_TCP_PROTO", "API_KEY", "XYZ", ""),
    ],
)
def test_a_variable_that_cannot_be_ours_is_left_alone(name: str) -> None:
    assert load_config(SHOP_TABLES, environ={f"HOLDFAST_{name}": "tcp://10.0.0.1:80"}).variables == ()
    with pytest.raises(ConfigurationError, match="there is no configuration"):
        load_config(environ={f"HOLDFAST_{name}": "tcp://10.0.0.1:80"})


def test_lower_case_means_the_same_everywhere() -> None:
    Path("other.toml").write_text(SHOP)
    report = load_config(environ={"holdfast_config": "other.toml", "Holdfast_Enabled": "off"})
    assert (report.source, report.enabled, report.variables) == ("other.toml", False, ("Holdfast_Enabled",))


def test_the_same_variable_in_two_cases_is_refused() -> None:
    environ = {"HOLDFAST_POLICIES__A__TIMEOUT": "1", "holdfast_policies__a__timeout": "2"}
    with pytest.raises(
        ConfigurationError,
        match="HOLDFAST_POLICIES__A__TIMEOUT and holdfast_policies__a__timeout are both set, and mean the same",
    ):
        load_config(environ=environ)
    assert load_config(environ={**environ, "holdfast_policies__a__timeout": ""}).policies["a"].timeout == 1


@pytest.mark.parametrize("written", ["False", "FALSE", "false", " false "])
def test_false_may_be_written_as_python_does(written: str) -> None:
    report = load_config(
        {"policies": {"shop": {"timeout": 5, "fallback": "cached"}}},
        environ={"HOLDFAST_POLICIES__SHOP__FALLBACK": written},
    )
    assert report.policies["shop"].fallback is None


def test_a_number_with_zeros_in_front_is_told_as_that() -> None:
    with pytest.raises(ConfigurationError, match=r'not "010" \(without the zeros in front\)'):
        load_config(environ={"HOLDFAST_RETRY__A__MAX_ATTEMPTS": "010"})


def test_a_value_that_is_nested_without_end_is_text() -> None:
    with pytest.raises(ConfigurationError, match=r'policies.shop.retry cannot be "\[\[\['):
        load_config(environ={"HOLDFAST_POLICIES__SHOP__RETRY": "[" * 5000})


def test_what_is_no_environment_is_refused() -> None:
    odd: Any = []
    with pytest.raises(ConfigurationError, match=r"environ must be a mapping of text, not \[\]"):
        load_config({}, environ=odd)
    odd = {"HOLDFAST_POLICIES__A__TIMEOUT": 5, 6: "7"}
    with pytest.raises(
        ConfigurationError, match="HOLDFAST_POLICIES__A__TIMEOUT: what a variable is set to must be text"
    ):
        load_config({}, environ=odd)
    assert load_config({}, environ={"PATH": 5}).variables == ()  # type: ignore[dict-item]  # not ours


class Flickering(dict[str, str]):
    """Changed by another thread whenever it is looked at."""

    times = 3

    def __iter__(self) -> Iterator[str]:
        if self.times:
            self.times -= 1
            raise RuntimeError("dictionary changed size during iteration")
        return iter([*self.keys(), "HOLDFAST_POLICIES__JUST_GONE__TIMEOUT"])


def test_an_environment_that_is_changed_meanwhile_is_read_again() -> None:
    environ = Flickering(HOLDFAST_POLICIES__A__TIMEOUT="5")
    assert load_config(environ=environ).variables == ("HOLDFAST_POLICIES__A__TIMEOUT",)
    environ.times = 1000
    with pytest.raises(ConfigurationError, match="the environment changes while it is read"):
        load_config(environ=environ)


def test_durations_have_each_unit_once_the_longest_first() -> None:
    for written in ("1s1s", "30s1m", "1m1h", "5", "", "s", "1m 30"):
        with pytest.raises(ConfigurationError, match="timeout must be seconds as a number, or text such as"):
            load_config({"policies": {"a": {"timeout": written}}}, environ={})
    for written, seconds in {"1d2h3m4s5ms": 93784.005, " 1.5m 30 s ": 120, "0.5h": 1800}.items():
        assert load_config({"policies": {"a": {"timeout": written}}}, environ={}).policies["a"].timeout == seconds


# The switch.


def test_the_switch_is_set_and_goes_back_when_it_is_not_named_any_more() -> None:
    assert load_config({"enabled": False}, environ={}).enabled is False
    assert not is_enabled()
    assert load_config({}, environ={}).enabled is None
    assert is_enabled()
    set_enabled(False)
    load_config({}, environ={})
    assert not is_enabled(), "who has set it in code is left alone"
    load_config({"enabled": True}, environ={})
    assert is_enabled()


def test_the_variable_of_the_switch_counts_more_than_the_file() -> None:
    assert load_config({"enabled": True}, environ={"HOLDFAST_ENABLED": "off"}).enabled is False
    assert load_config({}, environ={"HOLDFAST_ENABLED": ""}).enabled is None
    with pytest.raises(
        ConfigurationError, match="HOLDFAST_ENABLED: the environment variable HOLDFAST_ENABLED must be one of 1"
    ):
        read_config({}, environ={"HOLDFAST_ENABLED": "maybe"})
