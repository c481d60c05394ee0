"""The switch that turns every guard into a pass-through: for the process, or for a block of code and what it calls.

A call that is guarded does not ask for it. Whatever a guard needs for its quick path is held by a `Binding`, and while
anything is switched off anywhere, no binding holds anything; so all calls take the slow path, which asks here.
"""

from __future__ import annotations

import os
import threading
from contextvars import ContextVar
from weakref import WeakSet

from .contexts import Span, innermost
from .errors.exceptions import ConfigurationError
from .settings import boolean
from .typed import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Protocol

    class Holder(Protocol):
        """Something that lets guards take their quick path."""

        def name_changed(self) -> None:
            """Let go of what it holds."""
            ...


VARIABLE = "HOLDFAST_ENABLED"
_WORDS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}

_current: ContextVar[_Block | None] = ContextVar("holdfast.disabled", default=None)
_holders: WeakSet[Holder] = WeakSet()
_lock = threading.RLock()  # re-entrant: a finaliser that runs in here may make a guard of its own


def _renew_lock() -> None:
    global _lock  # noqa: PLW0603
    _lock = threading.RLock()  # in a forked child, where whoever holds the old one is not


getattr(os, "register_at_fork", dict)(after_in_child=_renew_lock)  # where there is such a thing as a fork


class _Switch:
    """How things stand: for the process, and how many blocks there are now for which holdfast is off."""

    __slots__ = ("blocks", "enabled")

    def __init__(self, *, enabled: bool) -> None:
        self.enabled = enabled
        self.blocks = 0


def from_environment(value: str | None) -> bool:
    """Return what the value of the variable says, which is None if it is not set."""
    if value is None or not value.strip():
        return True
    try:
        return _WORDS[value.strip().lower()]
    except KeyError:
        raise ConfigurationError(
            f"the environment variable {VARIABLE} must be one of {', '.join(_WORDS)}, or not be set, not {value!r}"
        ) from None


_switch = _Switch(enabled=from_environment(os.environ.get(VARIABLE)))


def all_on() -> bool:
    """Whether holdfast is switched on everywhere, so that calls may take their quick path."""
    return _switch.enabled and not _switch.blocks


def is_off() -> bool:
    """Whether holdfast is switched off for the running code."""
    if not _switch.enabled:
        return True
    if not _switch.blocks:
        return False
    return innermost(_current.get()) is not None


def is_enabled() -> bool:
    """Return whether guards guard, here and now.

    >>> is_enabled()
    True
    """
    return not is_off()


def set_enabled(value: bool) -> None:
    """Turn every guard in the process into a pass-through, or, with True, back into a guard.

    A guard that is off makes one plain call: no attempts, no limits, no queue, no fallback, nothing counted. Of calls
    that are under way, what has begun ends as it began, and what begins from now on is off, such as the limits of the
    next attempt. The environment variable ``HOLDFAST_ENABLED=0`` does the same from the start.

    >>> set_enabled(False)
    >>> is_enabled()
    False
    >>> set_enabled(True)

    Raises `ConfigurationError` for anything but True and False.
    """
    on = boolean("set_enabled", "value", value)
    try:
        _switch.enabled = on
    finally:
        if not on:
            _let_go()


def hold(holder: Holder) -> None:
    """Have `holder` let go whenever something is switched off, for as long as somebody else holds it."""
    with _lock:
        _holders.add(holder)


def _let_go() -> None:
    with _lock:
        holders = tuple(_holders)
    for holder in holders:
        holder.name_changed()


class _Block(Span):
    """What the code in a block sees of it. That is not the block itself, which is to go when nobody holds it."""

    __slots__ = ()

    def close(self) -> None:
        """Its effect is over; once is enough."""
        with _lock:
            if self.is_open:
                self.is_open = False
                _switch.blocks -= 1


class disabled:  # noqa: N801  used as a function is, in a `with` statement
    """Turn every guard into a pass-through in this block and in what is called or begun in it; for tests and repairs.

    Other threads and tasks go on being guarded. When the block is over, so is its effect, also for tasks begun in it.
    Each block is entered once.

    >>> with disabled():
    ...     is_enabled()
    False
    """

    __slots__ = ("_block",)

    def __init__(self) -> None:
        self._block: _Block | None = None

    def __enter__(self) -> None:
        if self._block is not None:
            raise RuntimeError("a disabled() block is entered once; write `with disabled():` for each")
        self._block = block = _Block()
        with _lock:
            _switch.blocks += 1
            block.is_open = True
        _let_go()
        block.enter(_current)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        block = self._block
        if block is not None:
            block.leave(_current)

    def __del__(self) -> None:
        block = getattr(self, "_block", None)
        if block is not None:
            block.close()  # if entering or leaving it was interrupted
