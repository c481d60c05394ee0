"""A configuration that is rewritten and loaded again all the time while calls are made: no call fails because of it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdfast import (
    CircuitOpenError,
    ConfigurationError,
    get_breaker_registry,
    get_bulkhead_registry,
    get_rate_limiter_registry,
    load_config,
    with_resilience,
)
from holdfast.resilience import resilience_manager
from holdfast.resilience.settling import Settling

RELOADS = 100


def write(path: Path, text: str) -> None:
    """Put a new file in the place of the old one in one step, as whoever changes a configuration should."""
    new = path.with_name(f"{path.name}.{threading.get_ident()}")
    new.write_text(text)
    new.replace(path)


def form(turn: int, most: int) -> str:
    return f"""
    [policies.shop]
    timeout = {5 + turn % 3}
    timeout_mode = "cooperative"
    retry = {{ max_attempts = {1 + turn % 4} }}
    circuit_breaker = {{ failure_threshold = {5 + turn % 2} }}
    rate_limit = {{ limit = {1_000_000 + turn}, period = 3600 }}
    bulkhead = {{ max_concurrent = {most}, max_queue = {100 + turn % 5} }}
    [policies.down]
    timeout = {5 + turn % 3}
    circuit_breaker = {{ failure_threshold = {5 + turn % 2}, reset_timeout = {3600 + turn % 2} }}
    {"[policies.passing]" if turn % 2 else "[policies.other]"}
    timeout = 5
    """


class Inside:
    """How many calls are inside now, and how many there were at most."""

    def __init__(self) -> None:
        self.now = self.most = self.calls = 0
        self.lock = threading.Lock()

    def enter(self) -> None:
        with self.lock:
            self.now += 1
            self.calls += 1
            self.most = max(self.most, self.now)

    def leave(self) -> None:
        with self.lock:
            self.now -= 1


def together(*functions: Callable[[], None]) -> None:
    """Run them in a thread each; raise what the first one raised."""
    errors: list[BaseException] = []

    def run(function: Callable[[], None]) -> None:
        try:
            function()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=[function]) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_calls_go_on_while_the_file_changes_and_nothing_is_lost(kind: str, tmp_path: Path) -> None:
    path, inside, over = tmp_path / "holdfast.toml", Inside(), threading.Event()
    most = 4
    write(path, form(0, most))
    load_config(path)

    @with_resilience("shop")
    def call() -> str:
        inside.enter()
        time.sleep(0)
        inside.leave()
        return "answer"

    @with_resilience("shop")
    async def call_async() -> str:
        inside.enter()
        await asyncio.sleep(0)
        inside.leave()
        return "answer"

    @with_resilience("down")
    def call_down() -> None:
        raise AssertionError("the circuit is open")

    down = get_breaker_registry().get_or_create("down")
    down.force_open(hold=True)

    def caller() -> None:
        while not over.is_set():
            assert call() == "answer"
            with pytest.raises(CircuitOpenError):
                call_down()

    def async_caller() -> None:
        async def main() -> None:
            while not over.is_set():
                assert await asyncio.gather(*(call_async() for _ in range(4))) == ["answer"] * 4

        asyncio.run(main())

    def reloader() -> None:
        try:
            for turn in range(RELOADS):
                write(path, form(turn, most))
                load_config(path)
        finally:
            over.set()

    together(reloader, *([caller] * 6 if kind == "sync" else [async_caller] * 3))
    assert inside.calls > RELOADS / 10
    assert inside.most <= most
    assert get_breaker_registry().get("down") is down
    assert down.state == "OPEN"
    call()
    shop = resilience_manager.get("shop")
    assert shop.timeout == 5 + (RELOADS - 1) % 3
    room = get_bulkhead_registry().get("shop")
    assert room.config == shop.bulkhead.replace(name="shop")  # type: ignore[union-attr]
    assert room.stats.as_dict() == {"active": 0, "queued": 0, "available": most}
    assert room.metrics.admitted == room.metrics.completed == inside.calls
    assert get_breaker_registry().get("shop").metrics.successful_requests == inside.calls
    limiter = get_rate_limiter_registry().get("shop")
    assert limiter.metrics.admitted == inside.calls
    assert limiter.stats.available == 1_000_000 + RELOADS - 1 - inside.calls


def test_a_bulkhead_that_shrinks_and_grows_never_lets_in_more_than_the_larger_and_ends_as_the_file_says(
    tmp_path: Path,
) -> None:
    path, inside, over = tmp_path / "holdfast.toml", Inside(), threading.Event()
    write(path, form(0, 6))
    load_config(path)

    @with_resilience("shop")
    def call() -> None:
        inside.enter()
        time.sleep(0)
        inside.leave()

    def caller() -> None:
        while not over.is_set():
            call()

    def reloader() -> None:
        try:
            for turn in range(RELOADS):
                write(path, form(turn, 2 + turn % 5))
                load_config(path)
        finally:
            over.set()

    together(reloader, *[caller] * 8)
    assert inside.most <= 6
    write(path, form(0, 3))
    load_config(path)
    together(*[call] * 8)
    assert get_bulkhead_registry().get("shop").stats.as_dict() == {"active": 0, "queued": 0, "available": 3}


def test_what_was_loaded_last_holds_even_if_a_function_is_just_being_bound_to_what_was_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def tables(most: int) -> dict[str, Any]:
        return {"policies": {"shop": {"bulkhead": {"max_concurrent": most}}}}

    begun, loaded = threading.Event(), threading.Event()
    settle: Any = Settling.settle

    def slow(*args: Any, **how: Any) -> Any:
        if threading.current_thread().name == "late" and not begun.is_set():
            begun.set()
            assert loaded.wait(10)
        return settle(*args, **how)

    monkeypatch.setattr(Settling, "settle", slow)
    load_config(tables(1), environ={})
    early, function = with_resilience("shop")(lambda: None), with_resilience("shop")(lambda: None)
    early()
    late = threading.Thread(target=function, name="late")
    late.start()
    assert begun.wait(10)
    load_config(tables(2), environ={})
    early()
    loaded.set()
    late.join()
    assert get_bulkhead_registry().get("shop").config.max_concurrent == 2


def test_several_threads_may_load_at_once_and_what_holds_is_one_of_the_files_as_a_whole(tmp_path: Path) -> None:
    reports: list[Any] = []

    def loader(number: int) -> Callable[[], None]:
        tables = {
            "policies": {f"p{each}": {"timeout": number} for each in range(5)} | {f"own{number}": {"timeout": 1}},
            "retry": {"x": {"max_attempts": number}},
            "timeouts": {"x": number},
            "bulkheads": {"x": {"max_concurrent": number}},
        }

        def load() -> None:
            for _ in range(50):
                reports.append(load_config(tables, environ={}))

        return load

    together(*(loader(number) for number in range(1, 6)))
    seconds = {resilience_manager.get(f"p{each}").timeout for each in range(5)}
    assert len(seconds) == 1
    (number,) = seconds
    own = {name for name in resilience_manager.registered if name.startswith("own")}
    assert own == {f"own{number:g}"}
    assert get_bulkhead_registry().get("x").config.max_concurrent == number
    added = [name for report in reports for name in report.added if name.startswith("policies.own")]
    removed = [name for report in reports for name in report.removed]
    assert len(added) == len(removed) + 1


def test_a_reader_of_a_half_written_file_changes_nothing_or_all(tmp_path: Path) -> None:
    """Not in one step, but as careless writers do it: what is read may be any beginning of the file."""
    path = tmp_path / "holdfast.toml"
    whole = form(0, 4)
    write(path, whole)
    load_config(path)
    before = dict(resilience_manager.registered)
    for end in range(0, whole.index("[policies.down]"), 7):
        path.write_text(whole[:end])
        try:
            load_config(path)
        except ConfigurationError:
            assert dict(resilience_manager.registered) == before
        else:
            assert set(resilience_manager.registered) <= set(before)
            write(path, whole)
            load_config(path)
