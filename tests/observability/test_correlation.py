"""Correlation ids: one id for all that belongs together, in tasks, threads and logs."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, strategies as st
from tests.support import Door, Script

from holdfast import (
    ConfigurationError,
    correlation_id,
    events,
    get_correlation_id,
    journal,
    with_fallback,
    with_retry,
    with_timeout,
)
from holdfast.observability import CorrelationFilter, install_correlation_filter
from holdfast.testing import VirtualClock


def test_there_is_no_id_outside_of_a_block_and_blocks_nest() -> None:
    assert get_correlation_id() is None
    with correlation_id("outer") as outer:
        assert outer == get_correlation_id() == "outer"
        with pytest.raises(KeyError), correlation_id("inner"):
            assert get_correlation_id() == "inner"
            raise KeyError
        assert get_correlation_id() == "outer"
    assert get_correlation_id() is None


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_without_a_value_each_block_has_a_new_id(nothing: str | None) -> None:
    with correlation_id(nothing) as one:
        pass
    with correlation_id(nothing) as other:
        pass
    assert one != other
    assert len(one) == 32
    assert int(one, 16) >= 0


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError, match="value must be a text or None, not a int; write str"):
        correlation_id(42)  # type: ignore[arg-type]


def test_a_block_is_entered_once() -> None:
    block = correlation_id("once")
    with block:
        pass
    with pytest.raises(RuntimeError, match="entered once"):
        block.__enter__()


@given(st.text())
def test_an_id_from_outside_cannot_forge_a_line_of_the_log_and_is_not_long(header: str) -> None:
    with correlation_id(header) as value:
        assert value.isprintable()
        assert 1 <= len(value) <= 128
        if header.isprintable() and header == header.strip() and 0 < len(header) <= 128:
            assert value == header


def test_a_block_that_is_left_in_another_context_harms_nobody() -> None:
    block = correlation_id("elsewhere")
    contextvars.copy_context().run(block.__enter__)
    with correlation_id("mine"):
        block.__exit__(None, None, None)
        assert get_correlation_id() == "mine"


def test_tasks_have_their_own_ids_and_inherit_those_of_who_started_them() -> None:
    async def child() -> str | None:
        await asyncio.sleep(0)
        return get_correlation_id()

    async def request(number: int) -> None:
        with correlation_id(f"request-{number}"):
            assert await asyncio.create_task(child()) == f"request-{number}"
            assert await asyncio.to_thread(get_correlation_id) == f"request-{number}"
            assert get_correlation_id() == f"request-{number}"

    async def main() -> None:
        await asyncio.gather(*(request(number) for number in range(100)))
        assert get_correlation_id() is None

    asyncio.run(main())


def test_a_worker_thread_of_a_timeout_has_the_id_of_its_caller() -> None:
    guarded = with_timeout(30)(lambda: (threading.get_ident(), get_correlation_id()))
    with correlation_id("order-42"):
        thread, seen = guarded()
    assert thread != threading.get_ident()
    assert seen == "order-42"


def test_every_record_of_ours_carries_the_id(door: Door, clock: VirtualClock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "holdfast")
    guarded = with_retry(clock=clock, max_attempts=2)(door.function(Script(ConnectionResetError, 1)))
    with correlation_id("order-42"):
        door.run(guarded)
    door.run(with_retry(clock=clock, max_attempts=2)(door.function(Script(ConnectionResetError, 1))))
    (within, without) = caplog.records
    assert (within.correlation_id, without.correlation_id) == ("order-42", "-")  # type: ignore[attr-defined]
    assert "attempt 1 of 2 failed (ConnectionResetError, CONNECTION_RESET), next in 1 s" in within.getMessage()


def test_a_record_factory_that_sets_the_id_itself_is_obeyed_and_breaks_no_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "holdfast")
    factory = logging.getLogRecordFactory()

    def with_id(*args: object, **kwargs: object) -> logging.LogRecord:
        record = factory(*args, **kwargs)
        record.correlation_id = "theirs"
        return record

    logging.setLogRecordFactory(with_id)
    try:
        journal.logger("retry").info("something")
    finally:
        logging.setLogRecordFactory(factory)
    assert [record.correlation_id for record in caplog.records] == ["theirs"]  # type: ignore[attr-defined]


@pytest.fixture
def shop() -> Iterator[tuple[logging.Logger, list[str]]]:
    lines: list[str] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    logger = logging.getLogger("shop")
    handler = Lines()
    handler.setFormatter(logging.Formatter("[%(correlation_id)s] %(message)s", defaults={"correlation_id": "nobody's"}))
    logger.addHandler(handler)
    yield logger, lines
    logger.removeHandler(handler)


@pytest.mark.parametrize("by_name", [True, False])
def test_formatters_of_others_can_show_the_id_while_the_filter_is_installed(
    shop: tuple[logging.Logger, list[str]], by_name: bool
) -> None:
    logger, lines = shop
    uninstall = install_correlation_filter("shop" if by_name else logger)
    logger.warning("begins")
    with correlation_id("order-42"):
        logging.getLogger("shop.cart").warning("is full")
    uninstall()
    logger.warning("ends")
    assert lines == ["[-] begins", "[order-42] is full", "[nobody's] ends"]


def test_the_filter_can_be_used_like_any_filter() -> None:
    record = logging.makeLogRecord({})
    with correlation_id("order-42"):
        assert CorrelationFilter().filter(record)
    assert CorrelationFilter()(record)
    assert record.correlation_id == "order-42"  # type: ignore[attr-defined]


def test_the_root_logger_is_meant_if_none_is_given_and_what_is_none_is_refused() -> None:
    root = logging.getLogger()
    handler = logging.NullHandler()
    root.addHandler(handler)
    try:
        uninstall = install_correlation_filter()
        assert len(handler.filters) == 1
        uninstall()
        assert not handler.filters
    finally:
        root.removeHandler(handler)
    with pytest.raises(ConfigurationError, match="logger must be a logging.Logger, a name or None"):
        install_correlation_filter(42)  # type: ignore[arg-type]


def test_neither_holdfast_nor_its_observability_imports_logging() -> None:
    code = (
        "import sys, holdfast, holdfast.observability, holdfast.observability.metrics, holdfast.health.status;"
        "print(sorted({'logging', 'datetime', 'json', 're', 'typing', 'contextlib'} & set(sys.modules)))"
    )
    printed = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": "src"}
    )
    assert printed.stdout.strip() == "[]"


def test_blocks_of_generators_that_overlap_leave_no_id_behind() -> None:
    def block(name: str) -> Iterator[None]:
        with correlation_id(name):
            yield

    one, other = block("one"), block("other")
    next(one)
    next(other)
    one.close()  # type: ignore[attr-defined]
    assert get_correlation_id() == "other"
    other.close()  # type: ignore[attr-defined]
    assert get_correlation_id() is None


def test_blocks_that_overlap_for_ever_make_no_endless_chain() -> None:
    before = correlation_id("first")
    before.__enter__()
    for number in range(100):
        block = correlation_id(f"{number}")
        block.__enter__()
        before.__exit__(None, None, None)
        before = block
    length, here = 0, before._here
    while here is not None:
        length, here = length + 1, here.outer
    before.__exit__(None, None, None)
    assert length <= 3
    assert get_correlation_id() is None


def test_what_was_begun_in_a_block_keeps_its_id_when_the_block_is_over() -> None:
    async def later() -> str | None:
        await asyncio.sleep(0)
        return get_correlation_id()

    async def main() -> None:
        with correlation_id("request"):
            task = asyncio.create_task(later())
        assert get_correlation_id() is None
        assert await task == "request"

    asyncio.run(main())


def test_a_block_that_was_never_entered_can_be_left() -> None:
    correlation_id("never").__exit__(None, None, None)
    assert get_correlation_id() is None


# What others do to the log.


class Mute:
    """A callback that raises, and answers no questions."""

    def __call__(self, _event: object) -> None:
        raise ValueError

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError


@pytest.mark.parametrize("where", ["filter", "handler", "factory"])
def test_logging_that_raises_breaks_no_call(door: Door, clock: VirtualClock, where: str) -> None:
    def broken(*_args: object, **_kwargs: object) -> Any:
        raise RuntimeError

    logger, handler, factory = logging.getLogger("holdfast"), logging.NullHandler(), logging.getLogRecordFactory()
    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    if where == "factory":
        logging.setLogRecordFactory(broken)
    elif where == "filter":
        handler.addFilter(broken)
    else:
        handler.handle = broken  # type: ignore[method-assign]
    try:
        guarded = with_retry(clock=clock, max_attempts=2, on_retry=broken)(
            door.function(Script(ConnectionResetError, 1))
        )
        assert door.run(with_fallback(value=2)(guarded)) == 1
        journal.logger("retry").warning("something")
    finally:
        logging.setLogRecordFactory(factory)
        logger.removeHandler(handler)
        logger.setLevel(level)


def test_a_callback_that_raises_and_answers_no_questions_is_logged_by_its_class(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    endings = [events.subscribe(Mute()), events.watch(Mute())]
    assert door.run(with_fallback(value=1, on_fallback=Mute())(door.function(Script(ConnectionResetError)))) == 1
    for end in endings:
        end()
    assert caplog.text.count("Mute raised ValueError") == 3


def test_where_there_is_no_room_to_report_what_is_broken_the_call_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(_room: str) -> None:
        raise RecursionError

    monkeypatch.setattr(journal, "logger", no_room)
    end = events.subscribe(Mute())
    events.emit(events.RetryBudgetRefused(name="f", policy="p", attempt=1))
    end()
