"""A plain function called in a worker thread, under a mark, for as long as the mark allows."""

from __future__ import annotations

from functools import partial

from .. import events
from .._runtime.threads import loop_is_running
from ..errors import WorkerLimitError
from ..typed import TYPE_CHECKING
from .marks import current, left

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final, NoReturn

    from .._runtime.workers import Job, Pace
    from .keeper import Keeper
    from .marks import Mark

_NO_LOOP = {"no running event loop", "There is no current event loop in thread "}  # what asyncio says

LEFT_BEHIND: Final = object()
"""In place of a value: the time is up, and the function goes on without anybody who waits for it."""


def call_in_worker(  # noqa: PLR0917  internal
    name: str,
    mark: Mark,
    keeper: Keeper,
    pace: Pace,
    function: Callable[..., Any],
    args: tuple[Any, ...] = (),
    kwargs: dict[str, Any] | None = None,
) -> Any:
    """Return the value of the function, or `LEFT_BEHIND`; raise what it raises.

    Raises `WorkerLimitError`, before anything is begun, if no worker can be had.
    """
    from .._runtime.workers import Job, NoWorkerError, here

    if mark[2] is not None and mark[2] is here.holder:
        return function(*args, **(kwargs or {}))  # whoever waits for this thread will have gone by then
    ledger = keeper.ledger
    if ledger.is_full():
        _refuse(
            name,
            keeper,
            f"{len(ledger.jobs)} workers are still busy with calls that timed out before, and no more are begun while "
            f"there are {ledger.most}; give what these wait for a timeout of its own",
        )

    def enter(job: Job) -> None:
        current.set((mark[0], mark[1], job.holder, mark[3], 0, None))

    job = Job(name, function, args, kwargs or {}, ledger, enter)
    try:
        in_time = job.run(partial(left, mark), pace)
    except NoWorkerError as none:
        _refuse(name, keeper, f"no thread can be started ({none.__cause__})")
    if not in_time:
        return LEFT_BEHIND
    value, job.value = job.value, None
    error, job.error = job.error, None
    if error is None:
        return value
    _explain(error)
    if events.watchers:
        from ..failures import hand_over

        hand_over(error)
    context = error.__context__
    try:
        raise error
    finally:
        if context is not None:
            error.__context__ = context  # which `raise` has replaced by what the caller is handling
        del error, context


def _refuse(name: str, keeper: Keeper, why: str) -> NoReturn:
    keeper.refused()
    raise WorkerLimitError(f"{name} was not begun: {why}", name=name)


def _explain(error: BaseException) -> None:
    """Say what is behind it if a plain function wanted the event loop of its caller."""
    if isinstance(error, RuntimeError) and _NO_LOOP.intersection(str(error).split("'")) and loop_is_running():
        error.add_note(
            "holdfast: a plain function with a timeout runs in a worker thread, where no event loop is running; make "
            'it `async def`, or give the timeout mode="cooperative"'
        )
