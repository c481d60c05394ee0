"""Whatever is wrong with a configuration is told with file, line, key, what is allowed and the likely fix; and changes nothing."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock, Mock

import pytest

from holdfast import RETRY_POLICIES, ConfigurationError, get_bulkhead_registry, get_timeout_manager, load_config
from holdfast.resilience import resilience_manager
from holdfast.switch import is_enabled

WRONG = {
    # What is not TOML.
    "a = ": ["holdfast.toml:1: this is no TOML: Invalid value"],
    "\n\n[policies\n": ["holdfast.toml:3: this is no TOML: Expected ']'"],
    "[retry.a]\nmax_attempts = 3\nmax_attempts = 4": ["holdfast.toml:3: this is no TOML: Cannot overwrite a value"],
    "[retry.a]\n[retry.a]": ["holdfast.toml:2: this is no TOML: Cannot declare"],
    'a = """x\n': ["holdfast.toml:1: this is no TOML: Unterminated string"],
    # Tables and keys that there are not.
    "[polices.shop]\ntimeout = 5": [
        "holdfast.toml:1: polices is no part of a configuration; did you mean 'policies'? known: bulkheads, ",
    ],
    "policies = 5": ["holdfast.toml:1: policies must be a table, not 5"],
    "[policies]\nshop = 5": ["holdfast.toml:2: policies.shop must be a table, not 5"],
    '[policies.""]\ntimeout = 5': ["holdfast.toml:1: policies.'' has no name; a name must not be empty"],
    "[policies.shop]\ntimout = 5": [
        "holdfast.toml:2: policies.shop.timout is no key of a policy; did you mean 'timeout'? known: bulkhead, circ",
    ],
    "[policies.'my shop']\nxyz = 5": ["holdfast.toml:2: policies.'my shop'.xyz is no key of a policy; known: "],
    "[policies.shop]\nretry = {\n}": ["holdfast.toml:2: this is no TOML"]
    if sys.version_info < (3, 15)
    else ["holdfast.toml:2: policies.shop"],
    "[policies.shop.retry]\nmax_attemps = 5": [
        "holdfast.toml:2: policies.shop.retry.max_attemps is no key of a retry policy; did you mean 'max_attempts'?",
    ],
    "[retry.slow]\nname = 'x'": ["holdfast.toml:2: retry.slow.name is no key of a retry policy"],
    "[retry.slow]\non_retry = 'x'": [
        "holdfast.toml:2: retry.slow.on_retry cannot be set here: it is a function, so it is given in code",
    ],
    "[retry.slow]\nbudget.ratio = 1": ["holdfast.toml:2: retry.slow.budget cannot be set here: a budget is an object"],
    "[timeouts.a]\nfallback = 1\nseconds = 1": ["holdfast.toml:2: timeouts.a.fallback cannot be set here"],
    # Values of another kind.
    "enabled = 1": ["holdfast.toml:1: enabled must be true or false, not 1"],
    'enabled = "true"': ['holdfast.toml:1: enabled must be true or false, not "true" (without the quotes)'],
    '[policies.shop]\ntimeout = "10"': [
        'holdfast.toml:2: policies.shop.timeout must be seconds as a number, or text such as "500ms", "30s", "1m30s", '
        '"1h", not "10"',
    ],
    "[policies.shop]\ntimeout = true": ['policies.shop.timeout must be seconds as a number, or text such as "500ms"'],
    "[policies.shop]\ntimeout = [1]": ["policies.shop.timeout must be seconds", "not an array"],
    "[policies.shop]\ntimeout = 00:00:05": ["policies.shop.timeout must be seconds", "not datetime.time"],
    "[policies.shop]\nretry = true": [
        "holdfast.toml:2: policies.shop.retry must be a table, a name, or false to leave it out, not true "
        "({} is one with the usual settings)",
    ],
    "[policies.shop]\nrate_limit = true": ["policies.shop.rate_limit must be a table, a name, or false", "not true"],
    "[policies.shop]\nfallback = 5": ["policies.shop.fallback must be text, not 5"],
    "[policies.shop]\npreset = 5": ["policies.shop.preset must be text, not 5"],
    "[retry.slow]\nmax_attempts = '5'": [
        'holdfast.toml:2: retry.slow.max_attempts must be a whole number, not "5" (without the quotes)',
    ],
    "[retry.slow]\nmax_attempts = 'five'": ['retry.slow.max_attempts must be a whole number, not "five"'],
    "[retry.slow]\nmax_attempts = 2.5": ["retry.slow.max_attempts must be a whole number, not 2.5"],
    "[retry.slow]\nbackoff = 5": ['retry.slow.backoff must be a table, or a type such as "full-jitter", not 5'],
    "[retry.slow]\nbackoff_for = 5": ["retry.slow.backoff_for must be a table of back-offs by category"],
    "[retry.slow]\nbackoff_for.TIMEOUT = 'expo'": ['retry.slow.backoff_for.TIMEOUT.type cannot be "expo"'],
    "[retry.slow]\nretryable_codes = 'X'": [
        'retry.slow.retryable_codes must be an array of text, not "X" (write ["X"])',
    ],
    "[retry.slow]\nretryable_codes = [5]": ["retry.slow.retryable_codes must be an array of text, not an array"],
    "[retry.slow]\ntimeout_mode = 'threads'\ntotal_timeout = 5": [
        "retry.slow.timeout_mode cannot be \"threads\"; did you mean 'thread'? known: cooperative, thread",
    ],
    "[retry.slow]\nretry_on = 5": ["retry.slow.retry_on must be an array of exception types by name"],
    "timeouts.weather = [5]": ["holdfast.toml:1: timeouts.weather.seconds must be seconds", "not an array"],
    # Values that a policy refuses.
    "[retry.slow]\nmax_attempts = 0": [
        "holdfast.toml:2: retry.slow.max_attempts must be a whole number of at least 1, not 0 (1 means: no retry)",
    ],
    "[retry.slow]\ntotal_timeout = -1": [
        "holdfast.toml:2: retry.slow.total_timeout must be finite and more than zero seconds, not -1 "
        "(false means: no limit)",
    ],
    "[retry.slow]\nretryable_categories = ['TRANSIEN']": [
        "retry.slow.retryable_categories",
        "did you mean 'TRANSIENT'",
    ],
    "[retry.slow]\nattempt_timeout = 9\ntotal_timeout = 5": [
        "holdfast.toml:2: retry.slow.attempt_timeout (9 s) cannot"
    ],
    "[retry.slow]\nbackoff = {initial_delay = 9}\ntotal_timeout = 5": ["holdfast.toml:1: retry.slow: retry waits 9 s"],
    "[retry.slow]\nretry_on = ['KeyboardInterrupt']": ["retry.slow.retry_on cannot name KeyboardInterrupt: cancell"],
    "[policies.shop.retry.backoff]\n\ninitial_delay = 9\nmax_delay = '1s'": [
        "holdfast.toml:4: policies.shop.retry.backoff.max_delay must be at least initial_delay (9 s), not 1 s",
    ],
    "[policies.shop]\ncircuit_breaker = { failure_threshold = 9, window_size = 5 }": [
        "holdfast.toml:2: policies.shop.circuit_breaker.window_size must be at least failure_threshold (9)",
    ],
    "[bulkheads.db]\nmax_concurrent = 0": ["bulkheads.db.max_concurrent must be a whole number of at least 1, not 0"],
    "[timeouts]\nweather = -1": ["holdfast.toml:2: timeouts.weather.seconds must be finite and more than zero"],
    "[timeouts.weather]\nmode = 'thread'": ["holdfast.toml:1: timeouts.weather: seconds must be given"],
    "[rate_limits.db]": ["holdfast.toml:1: rate_limits.db: give limit and period, or rate and capacity"],
    "[rate_limits.db]\nlimit = 5": ["holdfast.toml:1: rate_limits.db: period must be given"],
    "[rate_limits.db]\nlimit = 5\nperiod = 1\nrate = 2": [
        "holdfast.toml:4: rate_limits.db.rate does not go with limit and period; give limit and period, or rate and cap",
    ],
    "[rate_limits.db]\nrate = 0\ncapacity = 5": ["rate_limits.db.rate must be more than 0 tokens per second, not 0"],
    # Policies that cannot work, or are not there.
    "[policies.shop]": ["holdfast.toml:1: policies.shop: it guards nothing; give", 'or begin with preset = "api"'],
    "[policies.shop]\ntimeout = 9\ntotal_timeout = 5": [
        "holdfast.toml:2: policies.shop.timeout (9 s, for one attempt) can never be reached, as total_timeout (5 s)",
    ],
    "[policies.shop]\npreset = 'api'\ntotal_timeout = 5": [
        "holdfast.toml:3: policies.shop.total_timeout: timeout (30 s, for one attempt) can never be reached",
    ],
    "[policies.shop]\npreset = 'apy'": [
        "holdfast.toml:2: policies.shop.preset cannot be \"apy\"; did you mean 'api'? known: ai, api, critical, ",
    ],
    "[policies.a]\npreset = 'b'\n[policies.b]\npreset = 'c'\n[policies.c]\npreset = 'a'": [
        "holdfast.toml:6: policies.c.preset goes in a circle: a → b → c → a",
    ],
    "[policies.shop]\npreset = 'shop'": ["policies.shop.preset goes in a circle: shop → shop"],
    "[retry.a]\npreset = 'a'": ["retry.a.preset goes in a circle: a → a"],
    "[retry.a]\npreset = 'netwrk'": ["holdfast.toml:2: retry.a.preset cannot be \"netwrk\"; did you mean 'network'?"],
    "[policies.shop]\nretry = 'netwrk'": [
        "holdfast.toml:2: policies.shop.retry cannot be \"netwrk\"; did you mean 'network'?",
        "what code registers must be registered before",
    ],
    "[bulkheads.db]\n[policies.shop]\nbulkhead = 'dbs'": [
        "holdfast.toml:3: policies.shop.bulkhead cannot be \"dbs\"; did you mean 'db'? known: db",
    ],
    "[policies.shop]\nbulkhead = 'db'": [
        'policies.shop.bulkhead cannot be "db"; there is no [bulkheads] in holdfast.toml',
    ],
    "[bulkheads.shop]\nmax_concurrent = 2\n[policies.shop]\nbulkhead = { max_concurrent = 3 }": [
        'holdfast.toml:4: policies.shop.bulkhead sets the bulkhead "shop" otherwise than bulkheads.shop does; '
        'in the policy, write bulkhead = "shop"',
    ],
    "[policies.a]\ncircuit_breaker = { name = 'db' }\n[policies.b.circuit_breaker]\nname = 'db'\nhistory_size = 3": [
        'holdfast.toml:3: policies.b.circuit_breaker sets the circuit breaker "db" otherwise than '
        "policies.a.circuit_breaker does; give one of them a name of its own",
    ],
    # Exception types.
    "[retry.a]\nretry_on = 'ConectionError'": [
        'retry.a.retry_on cannot name "ConectionError": builtins has no ConectionError; did you mean "ConnectionError"?',
        'with its module, as "httpx.ReadTimeout"',
    ],
    "[retry.a]\nretry_on = ['no_such_lib.Error']": [
        'retry.a.retry_on cannot name "no_such_lib.Error": there is no module "no_such_lib" here',
    ],
    "[retry.a]\nretry_on = ['holdfast.BulkheadFulError']": ['did you mean "BulkheadFullError"?'],
    "[retry.a]\nretry_on = ['os.path']": ['cannot name "os.path": os.path is no exception type'],
    "[retry.a]\nretry_on = ['a b.c']": ['must name an exception type with its module, such as "httpx.ReadTimeout"'],
    "[retry.a.backoff_for]\n'sqlite3.Error' = 'fixed'": ["only categories, codes and built-in exceptions can; give it"],
}


@pytest.mark.parametrize("text", WRONG)
def test_a_mistake_is_told_with_its_place_and_fix(text: str) -> None:
    Path("holdfast.toml").write_text(text)
    with pytest.raises(ConfigurationError) as told:
        load_config()
    message = str(told.value)
    assert "problems" not in message, message
    for part in WRONG[text]:
        assert part in message


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines_with_their_number_first() -> None:
    Path("holdfast.toml").write_text(
        """
[policies.shop]
preset = "apy"
timeout = -1
retry = { max_attempts = 0, backof = 1, total_timeout = "x" }
bulkhead = { max_concurrent = 0, max_queue = -1 }

[policies.other]
preset = "shop"     # what is wrong with that one is told there only
timeout = "5 weeks"
[enabled]
"""
    )
    with pytest.raises(ConfigurationError) as told:
        load_config()
    first, *rest = str(told.value).splitlines()
    assert first == "holdfast.toml: 9 problems, so nothing was changed"
    assert [re.match(r"holdfast.toml:(\d+): ([\w.]+)", line).groups() for line in rest] == [  # type: ignore[union-attr]
        ("3", "policies.shop.preset"),
        ("4", "policies.shop.timeout"),
        ("5", "policies.shop.retry.backof"),
        ("5", "policies.shop.retry.total_timeout"),
        ("5", "policies.shop.retry.max_attempts"),
        ("6", "policies.shop.bulkhead.max_concurrent"),
        ("6", "policies.shop.bulkhead.max_queue"),
        ("10", "policies.other.timeout"),
        ("11", "enabled"),
    ]


def test_all_wrong_exception_types_of_a_list_are_told() -> None:
    with pytest.raises(ConfigurationError, match='"FooError".*; it cannot name "BarError"'):
        load_config({"retry": {"a": {"retry_on": ["FooError", "ValueError", "BarError"]}}})


def test_one_mistake_is_not_told_twice_because_of_what_follows_from_it() -> None:
    with pytest.raises(ConfigurationError) as told:
        load_config({"retry": {"a": {"timeout_mode": "thread", "total_timeout": "x"}}}, environ={})
    assert str(told.value).startswith("the mapping: retry.a.total_timeout must be seconds")


@pytest.mark.parametrize("wrong", [*list(WRONG)[5:12], "enabled = 1"])
def test_a_file_with_a_mistake_changes_nothing_at_all(wrong: str) -> None:
    good = "timeouts.a = 1\n[retry.a]\nmax_attempts = 2\n[policies.a]\ntimeout = 5\n[bulkheads.a]\nmax_concurrent = 3\n"
    Path("holdfast.toml").write_text(good)
    load_config()
    before = _state()
    Path("other.toml").write_text(
        "timeouts.b = 1\n" + wrong + "\n[retry.b]\nmax_attempts = 3\n[policies.b]\ntimeout = 5\n[bulkheads.b]\n"
        "[bulkheads.a]\nmax_concurrent = 4"
    )
    with pytest.raises(ConfigurationError):
        load_config("other.toml")
    assert _state() == before
    Path("holdfast.toml").write_text("enabled = false\n" + good.replace("2", "2.5"))
    with pytest.raises(ConfigurationError):
        load_config()
    assert _state() == before
    assert is_enabled()
    Path("holdfast.toml").write_text(good)
    assert set(load_config().unchanged) == {"timeouts.a", "retry.a", "policies.a", "bulkheads.a"}


def _state() -> object:
    bulkheads = {name: bulkhead.config for name, bulkhead in get_bulkhead_registry().get_all().items()}
    timeouts = dict(get_timeout_manager().registered)
    return dict(RETRY_POLICIES), timeouts, dict(resilience_manager.registered), bulkheads


# Files.


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holdfast.toml: the file is empty; if it was being written just now"),
        (b" \n\n", "holdfast.toml: the file is empty"),
        (b"a = 1\nb = '\xff'", "holdfast.toml:2: the file is not UTF-8, which TOML is; save it as that"),
        (b"\xef\xbb\xbf[policies.a]\r\ntimeout = 1\r\ntimout = 2\r\n", "holdfast.toml:3: policies.a.timout is no key"),
        (b"a = " + b"9" * 5000, "holdfast.toml: this is no TOML"),
        (b"a = " + b"[" * 100_000, "holdfast.toml: this is nested too deeply to be read"),
    ],
)
def test_a_file_that_cannot_be_read_as_toml_says_why(content: bytes, told: str) -> None:
    Path("holdfast.toml").write_bytes(content)
    with pytest.raises(ConfigurationError, match=re.escape(told)):
        load_config()


def test_a_file_that_is_not_there_or_cannot_be_opened_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no file 'nowhere.toml'$"):
        load_config("nowhere.toml")
    with pytest.raises(ConfigurationError, match=r"there is no file .*; TOML itself is given as tomllib.loads\(text\)"):
        load_config("[policies.shop]\ntimeout = 5")
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        load_config(tmp_path)
    with pytest.raises(ConfigurationError, match="cannot be read: embedded null byte"):
        load_config("a\0b")


@pytest.mark.parametrize("source", [5, "", ["a.toml"], open])
def test_what_is_no_source_is_refused(source: object) -> None:
    with pytest.raises(ConfigurationError, match="source must be a path, a mapping or None, not"):
        load_config(source)  # type: ignore[arg-type]


def test_what_is_no_manager_is_refused() -> None:
    with pytest.raises(TypeError, match="manager must be a ResilienceManager, not 5"):
        load_config({}, manager=5)  # type: ignore[arg-type]


ODD: list[tuple[Any, str]] = [
    ({5: {}}, "the mapping: it has the key 5, and keys must be text"),
    ({None: {}}, "the mapping: it has the key None, and keys must be text"),
    ({"policies": {b"a": {}}}, "the mapping: policies has the key b'a', and keys must be text"),
    ({"policies": {"a": {7: 8, "timeout": 1}}}, "the mapping: policies.a has the key 7, and keys must be text"),
    ({"retry": {"a": {"backoff_for": {OSError: "fixed"}}}}, "retry.a.backoff_for has the key <class 'OSError'>"),
    ({"policies": dict}, "the mapping: policies must be a table, not <class 'dict'>"),
    ({"policies": {"a": {"timeout": Mock(name="5")}}}, "the mapping: policies.a.timeout must be seconds as a number"),
    ({"policies": MagicMock()}, "the mapping: policies must be a table, not <MagicMock"),
]


@pytest.mark.parametrize(("tables", "message"), ODD, ids=[message for _, message in ODD])
def test_a_mapping_may_be_wrong_in_ways_a_file_cannot(tables: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        load_config(tables, environ={})


def test_what_contains_itself_or_goes_too_deep_is_refused() -> None:
    tables: dict[str, Any] = {}
    tables["policies"] = tables
    with pytest.raises(ConfigurationError, match="policies.policies.policies.policies… is nested too deeply"):
        load_config(tables, environ={})
    array: list[Any] = []
    array.append(array)
    with pytest.raises(ConfigurationError, match=r"policies\[0\]\[0\]\[0\]… is nested too deeply"):
        load_config({"policies": array}, environ={})
    Path("holdfast.toml").write_text(f"\n[policies.x.{'.'.join(['a'] * 2000)}]\nb = 1\n")
    with pytest.raises(ConfigurationError, match=r"^holdfast.toml:2: policies.x.a… is nested too deeply$"):
        load_config()
    Path("holdfast.toml").write_text("a = " + "[" * 30 + "]" * 30)
    with pytest.raises(ConfigurationError, match="is nested too deeply"):
        load_config()


class Flickering(dict[str, Any]):
    """Changed by another thread whenever it is looked at."""

    def __init__(self, times: int, **tables: Any) -> None:
        super().__init__(tables)
        self.times = times

    def __iter__(self) -> Iterator[str]:
        if self.times:
            self.times -= 1
            raise RuntimeError("dictionary changed size during iteration")
        return iter([*self.keys(), "just gone"])


def test_a_mapping_that_is_changed_meanwhile_is_read_again() -> None:
    tables = Flickering(3, policies=Flickering(3, shop={"timeout": 5}))
    assert load_config(tables, environ={}).policies["shop"].timeout == 5
    with pytest.raises(ConfigurationError, match="the mapping: policies changes while it is read"):
        load_config({"policies": Flickering(1000)}, environ={})


def test_text_that_can_do_more_than_text_is_taken_as_text() -> None:
    class Key(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            raise AssertionError("compared")

        __hash__ = str.__hash__

    tables: Any = {"policies": {Key("shop"): {"timeout": Key("5s")}}}
    assert load_config(tables, environ={}).policies["shop"].timeout == 5


@pytest.mark.parametrize("section", ["policies", "retry"])
def test_a_chain_of_presets_has_an_end(section: str) -> None:
    what = {"policies": {"timeout": 1}, "retry": {"max_attempts": 2}}[section]
    chain = {f"p{each}": {"preset": f"p{each + 1}"} for each in range(1500)}
    with pytest.raises(
        ConfigurationError, match=rf"{section}.p49.preset is the 50th in a chain of presets; shorten it"
    ):
        load_config({section: {**chain, "p1500": what}}, environ={})
    load_config({section: {f"p{each}": chain[f"p{each}"] for each in range(40)} | {"p40": what}}, environ={})


HUGE = 10**400
NUMBERS: list[tuple[dict[str, Any], str]] = [
    ({"retry": {"x": {"max_attempts": HUGE}}}, "retry.x.max_attempts must be at most 1,000,000,000, not 1000"),
    ({"rate_limits": {"x": {"limit": 5, "period": 1, "buckets": HUGE}}}, "rate_limits.x.buckets must be at most"),
    ({"rate_limits": {"x": {"rate": HUGE, "capacity": 5}}}, "rate_limits.x.rate must be"),
    ({"circuit_breakers": {"x": {"failure_window": 1e-310}}}, "circuit_breakers.x: its numbers are too large or too s"),
    ({"circuit_breakers": {"x": {"failure_window": 5e-324}}}, "circuit_breakers.x: its numbers are too large or too s"),
    (
        {"policies": {"x": {"circuit_breaker": {"failure_window": 1e-310}}}},
        "policies.x.circuit_breaker: its numbers are too large or too small to be reckoned with",
    ),
    ({"policies": {"x": {"bulkhead": {"max_queue": HUGE}}}}, "policies.x.bulkhead.max_queue must be at most"),
]


@pytest.mark.parametrize(("tables", "message"), NUMBERS, ids=[message for _, message in NUMBERS])
def test_a_number_with_which_no_guard_can_be_made_is_refused_before_anything_is_put(
    tables: dict[str, Any], message: str
) -> None:
    load_config({"timeouts": {"t": 2}}, environ={})
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        load_config({"timeouts": {"t": 3}, **tables}, environ={})
    assert get_timeout_manager().get("t").seconds == 2


def test_what_is_told_has_no_control_characters_and_an_end() -> None:
    escape, long = "\x1b[31m\nforged: all is well", "n" * 100_000
    for text in (escape, long):
        tables: dict[str, Any] = {
            "policies": {text: {"timeot": 1, text: 1}, "a": {"retry": {"retry_on": text}, "preset": text}},
            "circuit_breakers": {"x": {"ignore": f"{text}.Error", "mode": text}},
            text: 1,
        }
        with pytest.raises(ConfigurationError) as told:
            load_config(tables, environ={f"HOLDFAST_POLICIES__{text}__TIMEOT": "1"})
        assert "\x1b" not in str(told.value)
        assert not [line for line in str(told.value).splitlines() if line.startswith("forged") or len(line) > 800]
    Path("holdfast.toml").write_text(f'a = 1\n["{"b" * 5000}"]\n["{"b" * 5000}"]')
    with pytest.raises(ConfigurationError) as told:
        load_config()
    assert len(str(told.value)) < 300


def test_of_many_names_only_the_nearest_is_offered() -> None:
    policies: dict[str, Any] = {f"policy-number-{each}": {"timeout": 1} for each in range(100)}
    with pytest.raises(
        ConfigurationError, match='cannot be "policy-number-7x"; did you mean \'policy-number-7'
    ) as told:
        load_config({"policies": {**policies, "b": {"preset": "policy-number-7x"}}}, environ={})
    assert "known" not in str(told.value)
    with pytest.raises(ConfigurationError, match="none of the 106 that there are is spelled like that"):
        load_config({"policies": {**policies, "b": {"preset": "quux"}}}, environ={})
