"""What a timeout is set to, and what a manager of timeouts tells of itself."""

from __future__ import annotations

from ..records import Record, did_you_mean
from ..settings import Settings, check_takes, optional_callable, seconds, text
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta
    from typing import Any, Literal, TypeAlias, TypedDict, Unpack

    from ..errors import OperationTimeoutError

    Mode: TypeAlias = Literal["thread", "cooperative"]

    class NamelessTimeoutFields(TypedDict, total=False):
        """All that may be said of a timeout but its name and how long it is."""

        fallback: Any
        on_timeout: Callable[[OperationTimeoutError], object] | None
        mode: Mode

    class TimeoutFields(NamelessTimeoutFields, total=False):
        """All that may be said of a timeout; `TimeoutConfig` tells what each means."""

        name: str
        seconds: float | timedelta


MODES: tuple[Mode, ...] = ("thread", "cooperative")


class TimeoutConfig(Settings):
    """How long a call may take, and what happens when it takes longer. Frozen; `replace()` makes a changed copy.

    * `name`: what it is registered under; a function's own name where it is "".
    * `seconds`: a number or a `timedelta`, more than zero.
    * `fallback`: what the caller gets in place of the error: a value, or a function that is called without arguments
      (for an async function it may be async). Default None: the error is raised.
    * `on_timeout(error)`: told of each call that took too long. One that raises is logged.
    * `mode`: what happens to plain functions. "thread" (the default): the function runs in a worker thread, and its
      caller goes on when the time is up. "cooperative": it stays in the caller's thread, and is not stopped; all that
      is guarded by holdfast in it, and all that asks `current_deadline()`, keeps to the limit.

    >>> TimeoutConfig(name="api.weather", seconds=10).mode
    'thread'

    Raises `ConfigurationError` for whatever cannot work.
    """

    name: str = ""
    seconds: float
    fallback: Any = None
    on_timeout: Callable[[OperationTimeoutError], object] | None = None
    mode: Mode = "thread"

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[TimeoutFields]) -> None: ...

        def replace(self, **changes: Unpack[TimeoutFields]) -> TimeoutConfig:  # type: ignore[override]
            """Return a copy with these fields changed, checked as a new one would be."""

    def _validate(self) -> None:
        mine = self.__dict__
        owner = "TimeoutConfig"
        if self.name != "":
            mine["name"] = text(owner, "name", self.name)
        mine["seconds"] = limit_in_seconds(owner, self.seconds)
        if callable(self.fallback):
            check_takes(owner, "fallback", self.fallback, "()")
        optional_callable(owner, "on_timeout", self.on_timeout, "(error)")
        mine["mode"] = as_mode(owner, "mode", self.mode)


def limit_in_seconds(owner: str, value: Any) -> float:
    """Return a limit in seconds; refuse what is not a number of more than zero, nor a timedelta."""
    return seconds(owner, "seconds", value, zero=False, hint="leave the timeout out for no limit")


def as_mode(owner: str, field: str, value: Any) -> Mode:
    """Return one of the `MODES`; refuse anything else."""
    for mode in MODES:
        if value == mode:
            return mode
    from ..errors import ConfigurationError

    raise ConfigurationError(f"{owner}: {field} cannot be {value!r}; {did_you_mean(value, MODES)}")


class TimeoutMetrics(Record):
    """What a manager of timeouts has seen so far, in all; calls that end in time are not counted.

    `timed_out` calls took too long, `refused` ones were not begun, as no time or no worker was left. `left_behind` are
    now running although nobody waits for them any more, by name, and while there are `max_left_behind` of them no
    further one is begun. `by_name` tells the calls that took too long, of registered names.
    """

    timed_out: int
    refused: int
    left_behind: Mapping[str, int]
    max_left_behind: int
    by_name: Mapping[str, int]
