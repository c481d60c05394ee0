"""What a fallback may be set to, what is refused and how the message helps, and fallbacks by name."""

from __future__ import annotations

import asyncio
import copy
import functools
import gc
import json
import pickle
import re
import warnings
from typing import Any

import pytest
from tests.support import Door, Script, run_virtual

from holdfast import (
    ConfigurationError,
    Fallback,
    FallbackConfig,
    Instead,
    LastGood,
    UnknownPolicyError,
    Value,
    get_fallback,
    register_fallback,
    settings,
    unregister_fallback,
    with_fallback,
    with_resilience,
    with_timeout,
)
from holdfast.fallback import FALLBACKS, as_fallback, bind_fallback
from holdfast.fallback.answers import NOTHING
from holdfast.fallback.guard import wrap
from holdfast.fallback.memory import Memory
from holdfast.timeout.marks import leaves_work


def two(a: int, b: int) -> None: ...


def _missing() -> Any:
    raise KeyError


async def asynchronous(error: Exception) -> None: ...


class Odd:
    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "nothing answers; give an answer, a value .* or a last_good"),
        ({"answer": []}, r"nothing in the chain of answers; if \[\] is to be the answer, write Value\(\[\]\), or list"),
        ({"answer": {}}, r"no kind of error in the mapping.*write Value\(\{\}\), or dict"),
        ({"answer": 0}, r"0 cannot answer: give a function.*a value is given as Value\(0\)"),
        ({"answer": ["name"]}, "'name' cannot answer.*a named fallback stands by itself"),
        ({"answer": Odd()}, "a Odd cannot answer"),
        ({"answer": two}, r"two needs 2 arguments, but .* with the error or with nothing; .* Instead\(two\)"),
        ({"answer": functools.partial(two)}, "two needs 2 arguments"),
        ({"answer": lambda error, *, more: 1}, "needs the keyword 'more'.*functools.partial"),
        ({"answer": ValueError}, "ValueError would be returned, not raised"),
        ({"answer": LastGood}, "LastGood is a class; write LastGood"),
        ({"answer": {BaseException: list}}, "cannot answer for BaseException: cancellation and shutdown always pass"),
        ({"answer": {asyncio.CancelledError: list}}, "cannot answer for CancelledError"),
        ({"answer": {1: list}}, "a key of answer must be an exception type, a category or a code, not 1"),
        ({"answer": {"": list}}, "a key of answer must be"),
        ({"answer": {KeyError: 3}}, "3 cannot answer"),
        ({"answer": [LastGood(), {KeyError: LastGood()}]}, "one LastGood is enough.*not 2"),
        ({"answer": LastGood(), "last_good": LastGood()}, "one LastGood is enough"),
        ({"value": list}, r"value=<class 'list'> could be called; give it as the answer.*Value\(…\)"),
        ({"value": lambda: 1}, "could be called"),
        ({"last_good": True}, r"last_good must be a LastGood, not True; write LastGood\("),
        ({"last_good": LastGood}, "last_good must be a LastGood"),
        ({"value": 1, "on": ()}, "on names nothing"),
        ({"value": 1, "on": 7}, "on must be exception types, categories, codes or a function.*not 7"),
        ({"value": 1, "on": (KeyError, "")}, "on must be"),
        ({"value": 1, "on": KeyboardInterrupt}, "cannot answer for KeyboardInterrupt"),
        ({"value": 1, "on": asynchronous}, "on must be a plain function"),
        ({"value": 1, "on_fallback": asynchronous}, "on_fallback must be a plain function"),
        ({"value": 1, "on_fallback": 3}, "on_fallback must be a function"),
        ({"value": 1, "name": ""}, "name must be a text"),
        ({"value": 1, "nmae": "x"}, "did you mean 'name'"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_a_message_that_helps(fields: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        FallbackConfig(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"max_age": 0}, "max_age must be finite and more than zero"),
        ({"max_age": "5"}, "max_age must be seconds"),
        ({"max_age": float("nan")}, "max_age"),
        ({"max_keys": 0}, "max_keys must be a whole number of at least 1"),
        ({"max_keys": True}, "max_keys"),
        ({"refresh_after": -1}, "refresh_after"),
        ({"refresh_after": 300}, r"refresh_after \(300 s\) must be shorter than max_age \(300 s\)"),
        ({"key": 3}, "key must be a function"),
        ({"key": asynchronous}, "key must be a plain function"),
    ],
)
def test_last_good_values_that_cannot_work_are_refused(fields: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        LastGood(**fields)


def test_something_to_await_is_no_value() -> None:
    for make in (Value, lambda thing: FallbackConfig(value=thing)):
        with pytest.raises(ConfigurationError, match="a coroutine, which can be awaited once; give the function"):
            make(asynchronous(KeyError()))

    class Awaits:
        def __await__(self) -> Any: ...

    with pytest.raises(ConfigurationError, match="Awaits"):
        Value(Awaits())


def test_instead_takes_only_what_can_be_called() -> None:
    with pytest.raises(ConfigurationError, match="Instead takes a function, not 3"):
        Instead(3)  # type: ignore[arg-type]


def test_a_fallback_is_made_of_a_config() -> None:
    with pytest.raises(ConfigurationError, match="config must be a FallbackConfig, not 3"):
        Fallback(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", ["search", FallbackConfig(value=1), Fallback(FallbackConfig(value=1))])
def test_what_has_its_settings_takes_no_others(given: Any) -> None:
    if isinstance(given, FallbackConfig):
        assert with_fallback(given, on=KeyError)(_missing)() == 1
        return
    with pytest.raises(ConfigurationError, match="has its settings where it is made"):
        with_fallback(given, on=KeyError)
    with pytest.raises(ConfigurationError, match="has its settings"):
        with_fallback(given, value=3)


def test_configs_are_frozen_compared_by_value_and_can_be_copied() -> None:
    config = FallbackConfig(answer=[LastGood(), Instead(two), Value(3)], on={"external", KeyError}, name="x")
    assert config == config.replace() == copy.deepcopy(config) == pickle.loads(pickle.dumps(config))
    assert config != config.replace(on=None)
    assert hash(Value(1)) == hash(Value(1))
    assert Value(1) != Value(2)
    assert Value(two) != Instead(two)
    assert set(config.on) == {"EXTERNAL", KeyError}
    assert copy.copy(NOTHING) is pickle.loads(pickle.dumps(NOTHING)) is NOTHING
    assert json.loads(json.dumps(config.as_dict()))["name"] == "x"
    assert json.loads(json.dumps(Fallback(config).metrics.as_dict()))["answered"] == 0
    table: dict[Any, Any] = {KeyError: list}
    mapped = FallbackConfig(answer=table)
    table.clear()
    assert mapped.answer == {KeyError: list}
    assert repr(FallbackConfig(value=1)) == "FallbackConfig(value=1)"
    with pytest.raises(AttributeError, match="frozen"):
        config.name = "y"  # type: ignore[misc]


# By name.


def test_a_name_is_bound_at_the_first_call_and_rebound_when_it_is_registered_anew(door: Door) -> None:
    guarded = with_fallback("search")(door.function(Script(ValueError)))
    with pytest.raises(UnknownPolicyError, match="no fallback named 'search'"):
        door.run(guarded)
    first = register_fallback("search", value="first")
    assert door.run(guarded) == "first"
    second = register_fallback("search", lambda: "second", on=ValueError)
    assert door.run(guarded) == "second"
    assert first.metrics == second.metrics
    assert second.metrics.by_kind == {"value": 1, "function": 1}, "what the name has counted goes on"
    assert FALLBACKS["search"] is get_fallback("search") is second
    assert unregister_fallback("search")
    assert not unregister_fallback("search")
    with pytest.raises(UnknownPolicyError):
        door.run(guarded)


def test_a_name_that_is_there_is_bound_at_once_and_shared(door: Door) -> None:
    fallback = register_fallback("search", value="none", last_good=LastGood())
    assert fallback.config == FallbackConfig(name="search", value="none", last_good=LastGood())
    one = with_fallback("search")(door.function(Script("one", ValueError)))
    two_ = with_fallback("search")(door.function(Script(ValueError)))
    assert [door.run(one), door.run(one), door.run(two_)] == ["one", "one", "none"]
    assert get_fallback("search").metrics.by_kind == {"value": 1, "last_good": 1}


def test_last_good_values_stay_when_the_name_is_registered_anew(door: Door) -> None:
    register_fallback("search", last_good=LastGood())
    guarded = with_fallback("search")(door.function(Script("good", ValueError)))
    assert door.run(guarded) == "good"
    register_fallback("search", last_good=LastGood(max_age=60), value="none")
    assert door.run(guarded) == "good"
    register_fallback("search", value="none")
    assert door.run(guarded) == "none"


def test_a_whole_config_or_fallback_can_be_registered() -> None:
    config = FallbackConfig(value=1)
    assert register_fallback("one", config).name == "one"
    fallback = Fallback(config, name="own")
    assert register_fallback("two", fallback) is fallback
    assert register_fallback("two", fallback).metrics.name == "own"
    for given in (config, fallback):
        with pytest.raises(ConfigurationError, match="has its settings; give value to it"):
            register_fallback("one", given, value=3)
    with pytest.raises(ConfigurationError, match="name must be a text"):
        register_fallback("", value=3)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    register_fallback("search", value=1)
    with pytest.raises(UnknownPolicyError, match="did you mean 'search'"):
        get_fallback("serach")


def test_a_plain_function_is_refused_when_its_name_comes_to_stand_for_an_async_fallback() -> None:
    def fetch() -> str:
        raise ValueError

    guarded = with_fallback("search")(fetch)
    register_fallback("search", asynchronous)
    with pytest.raises(TypeError, match="a plain function"):
        guarded()
    with pytest.raises(TypeError, match="a plain function"):
        with_fallback("search")(fetch)
    register_fallback("search", value="fine")
    assert guarded() == "fine"


def test_a_function_that_is_dropped_drops_out_of_the_registry() -> None:
    register_fallback("search", value=1)
    decorate: Any = with_fallback("search")
    guarded = decorate(lambda: 1)
    assert guarded() == 1
    del guarded
    gc.collect()
    register_fallback("search", value=2)


# For whoever has a fallback among their settings.


def test_what_stands_for_a_fallback_elsewhere() -> None:
    config = FallbackConfig(value=1)
    assert as_fallback("ResiliencePolicy", "search") == "search"
    assert as_fallback("ResiliencePolicy", config) is config
    assert as_fallback("ResiliencePolicy", Fallback(config)) is config
    for answer in (list, asynchronous, [list, Value(3)], {KeyError: list}, LastGood(), Value(1), Instead(two)):
        made: Any = as_fallback("ResiliencePolicy", answer)
        assert made == FallbackConfig(answer=answer)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0, r"ResiliencePolicy: fallback must be a function, .*, not 0; a value is given as Value\(0\)"),
        (None, "fallback must be"),
        ("", "ResiliencePolicy: fallback must be a text"),
        ([], "ResiliencePolicy: fallback: there is nothing in the chain"),
        (two, "ResiliencePolicy: fallback: two needs 2 arguments"),
    ],
)
def test_nonsense_in_place_of_a_fallback_is_refused_in_its_owners_name(value: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        as_fallback("ResiliencePolicy", value)


def test_a_binding_of_any_of_these_guards_a_function(door: Door) -> None:
    register_fallback("search", value="named")
    for given, expected in (
        ("search", "named"),
        (FallbackConfig(value="config"), "config"),
        (Fallback(FallbackConfig(value="fallback")), "fallback"),
    ):
        function = door.function(Script(ValueError))
        bound: Any = given
        assert door.run(wrap(bind_fallback(bound, function, name="own"), function)) == expected
        memory = Memory()
        assert door.run(wrap(bind_fallback(bound, function), function, memory)) == expected
    assert bind_fallback(FallbackConfig(value=1), two, name="own").bind().name == "own"


def test_a_fallback_that_leaves_work_behind_is_known_to_do_so() -> None:
    limited = with_timeout(1)(lambda: 1)
    assert not leaves_work(with_fallback(value=1)(two))
    assert leaves_work(with_fallback(limited)(two))
    assert leaves_work(with_fallback(value=1)(limited))
    assert leaves_work(with_fallback("search")(two))


def test_a_decorator_used_bare_is_told_at_its_first_call() -> None:
    @with_fallback
    def load() -> None: ...

    @with_fallback
    async def load_later() -> None: ...

    for function, name in ((load, "load"), (load_later, "load_later"), (with_fallback(list), "list")):
        anything: Any = function
        for args, named in (((), {}), (("x",), {}), ((len, len), {}), ((), {"x": len})):
            with pytest.raises(TypeError) as refused:
                anything(*args, **named)
            assert f"{name} as the fallback" in str(refused.value)
            assert "write @with_fallback(value=...) or @with_fallback(list) above the" in str(refused.value)


def test_what_a_decorator_cannot_guard_is_refused_as_by_any_other() -> None:
    decorator: Any = with_fallback(value=1)
    for function in (3, None, property(lambda self: 1), int):
        with pytest.raises(TypeError, match="fallback cannot guard"):
            decorator(function)
    for args, named in (((), {}), ((len, len), {}), ((), {"function": len})):
        with pytest.raises(TypeError, match=r"what with_fallback\(...\) returns is a decorator: it takes the function"):
            decorator(*args, **named)


# A text is a name.


def test_a_text_with_blanks_is_no_name_wherever_it_is_given() -> None:
    for text in ("sorry, later", " search", "a\tb"):
        write = re.escape(f"with_fallback(value={text!r})")
        with pytest.raises(ConfigurationError, match=f"^with_fallback: .*no name of a fallback.*write {write}$"):
            with_fallback(text)
        write = re.escape(f"fallback=Value({text!r})")
        with pytest.raises(ConfigurationError, match=f"^ResiliencePolicy: fallback=.*write {write}$"):
            as_fallback("ResiliencePolicy", text)
    with pytest.raises(ConfigurationError, match="name must have no blanks in it, not 'sorry now'.* write 'sorry-now'"):
        register_fallback("sorry now", value=1)


def test_a_word_that_names_nothing_may_have_been_meant_as_the_answer(door: Door) -> None:
    function = door.function(Script("fine"))
    with pytest.raises(UnknownPolicyError) as unknown:
        door.run(with_fallback("sorry")(function))
    assert "no fallback named 'sorry'; none is registered yet; to answer with this text" in str(unknown.value)
    assert str(unknown.value).endswith("write with_fallback(value='sorry')")
    register_fallback("search", value=1)
    with pytest.raises(UnknownPolicyError, match=r"known: search; .* write fallback=Value\('sorry'\)$"):
        door.run(with_resilience("shop", retry="none", fallback="sorry")(function))


# Words that are nearly a code.


@pytest.mark.parametrize(
    ("fields", "near"),
    [
        ({"value": 1, "on": "CONNECTION_ERRR"}, "CONNECTION_ERROR"),
        ({"value": 1, "on": (KeyError, "TRANSIENTS")}, "TRANSIENT"),
        ({"value": 1, "on": "connection_reset"}, "CONNECTION_RESET"),
        ({"answer": {"DEADLOK": list}}, "DEADLOCK"),
    ],
)
def test_a_word_that_is_nearly_a_code_is_doubted_once(fields: Any, near: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "_doubted", set())
    with pytest.warns(UserWarning, match=f"FallbackConfig: .* did you mean '{near}'") as caught:
        with_fallback(fields.get("answer"), **{name: given for name, given in fields.items() if name != "answer"})
    assert [warning.filename for warning in caught] == [__file__]
    FallbackConfig(**fields)


@pytest.mark.parametrize("word", ["transient", "DEADLOCK", "PAYMENT_LATE", "WRITE_TIMEOUT", "CONNECTION_LOST"])
def test_categories_codes_and_codes_of_ones_own_are_not_doubted(word: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert FallbackConfig(value=1, on=word).on == (word.upper(),)


def test_names_may_be_given_to_a_decorator() -> None:
    async def fails() -> None:
        raise KeyError

    assert run_virtual(with_fallback(value=1, name="mine")(fails)()) == 1
