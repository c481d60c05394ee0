"""Circuit breaker: what opens it, what does not, and what callers get."""

from __future__ import annotations

import abc

from .. import worldly
from ..adapters.base import Adapter
from ..endings import expect
from ..labs import Lab
from ..services import Gate
from .base import opened, refused, scenario


@scenario("circuit breaker", expects="Eight calls through a closed circuit run side by side, not one after the other.")
def side_by_side(lab: Lab, library: Adapter) -> None:
    gate = Gate(wanted=8, patience=2)
    guarded = library.breaker(lab).guard(lab.service(gate).function)
    going = lab.together(guarded, 8)
    lab.eventually(lambda: gate.arrived == 8, 2)
    most = gate.most
    gate.open()
    for one in going:
        one.ending()
    expect(most == 8, f"{most} at once")


@scenario(
    "circuit breaker",
    expects="Each failure, also the one that opens the circuit, comes out as the function's own exception.",
)
def failures_come_out(lab: Lab, library: Adapter) -> None:
    breaker = library.breaker(lab)
    service = lab.service(library.failure)
    for number in (1, 2, 3):
        ending = lab.call(breaker.guard(service.function))
        expect(ending.error is service.raised[-1], f"the call that failed as no. {number} of 3 {ending.shown()}")


@scenario(
    "circuit breaker", expects="Calls that are cancelled or interrupted while it is closed do not open the circuit."
)
def interrupts_not_counted(lab: Lab, library: Adapter) -> None:
    breaker = library.breaker(lab)
    for _ in range(5):
        interrupt(lab, breaker.guard)
    expect(not refused(lab, breaker), "after five interrupted calls the circuit is open")


def interrupt(lab: Lab, guard: object) -> None:
    """Make a call, and interrupt it: cancel its task, or as Ctrl-C does."""
    if lab.door == "sync":
        lab.call(guard(lab.service(KeyboardInterrupt()).function))  # type: ignore[operator]
        return
    gate = Gate()
    going = lab.start(guard(lab.service(gate).function))  # type: ignore[operator]
    lab.until(lambda: gate.arrived == 1 or going.done(), "the call is under way")
    going.cancel()
    going.ending()


@scenario("circuit breaker", expects="Failures from before the window are forgotten.")
def old_failures(lab: Lab, library: Adapter) -> None:
    breaker = library.breaker(lab, window=1)
    failing = breaker.guard(lab.service(library.failure).function)
    lab.call(failing)
    lab.call(failing)
    lab.wait(1.4)
    lab.call(failing)
    expect(not refused(lab, breaker), "two failures of long ago and one of now have opened the circuit")


@scenario("circuit breaker", expects="Thousands of successes do not shield a dependency that is dead now.")
def old_successes(lab: Lab, library: Adapter) -> None:
    breaker = library.breaker(lab)
    good = breaker.guard(lab.service("fine").function)
    for _ in range(2000):
        lab.call(good)
    dead = lab.service(library.failure)
    for _ in range(20):
        lab.call(breaker.guard(dead.function))
    expect(dead.calls < 20, "after 20 failures in a row the circuit is still closed")


@scenario("circuit breaker", expects="An error that is to be ignored does not break a row of failures.")
def ignored_in_a_row(lab: Lab, library: Adapter) -> None:
    breaker = library.breaker(lab, ignore=(LookupError,), ignored_in_a_row=True)
    for kind in (library.failure, library.failure, LookupError, library.failure):
        lab.call(breaker.guard(lab.service(kind).function))
    expect(refused(lab, breaker), "failure, failure, ignored, failure: the circuit is still closed")


@scenario("circuit breaker", expects="An error that is to be ignored does not close a half-open circuit.")
def ignored_probe(lab: Lab, library: Adapter) -> None:
    breaker = library.breaker(lab, ignore=(LookupError,), ignored_probe=True)
    opened(lab, breaker, lab.service(library.failure))
    lab.wait(0.2)
    lab.call(breaker.guard(lab.service(LookupError).function))
    failing = lab.service(library.failure)
    for _ in range(2):
        lab.call(breaker.guard(failing.function))
    expect(failing.calls < 2, "after an ignored error the circuit is closed")


class DeclinedError(Exception, metaclass=abc.ABCMeta):
    """An abstract base class, as those of many client libraries are."""


@scenario(
    "circuit breaker",
    expects="Ignoring works with any exception class, also an abstract one, and ignores nothing else.",
)
def ignoring_any_class(lab: Lab, library: Adapter) -> None:
    breaker = library.breaker(lab, ignore=(DeclinedError,))
    for _ in range(5):
        lab.call(breaker.guard(lab.service(DeclinedError).function))
    expect(not refused(lab, breaker), "errors that are to be ignored have opened the circuit")
    opened(lab, breaker, lab.service(library.failure))


@scenario("circuit breaker", expects="A refusal leaves nothing behind, however often it is raised.")
def refusals_leave_nothing(lab: Lab, library: Adapter) -> None:
    breaker = library.breaker(lab, reset=60)
    opened(lab, breaker, lab.service(library.failure))
    guarded = breaker.guard(lab.service("fine").function)

    def length() -> int:
        error = lab.call(guarded).error
        traceback, found = (None if error is None else error.__traceback__), 0
        while traceback is not None:
            traceback, found = traceback.tb_next, found + 1
        return found

    first = length()
    last = [length() for _ in range(300)][-1]
    expect(last <= first + 5, f"the first refusal's traceback has {first} entries, the 300th has {last}")


@scenario(
    "circuit breaker",
    expects="Setting the wall clock a day forward or back neither closes nor prolongs an open circuit.",
)
def wall_clock(lab: Lab, library: Adapter) -> None:
    day = 86_400
    breaker = library.breaker(lab, reset=60)
    opened(lab, breaker, lab.service(library.failure))
    with worldly.wall_clock_moved(day, library.package):
        expect(refused(lab, breaker), "set a day forward: a circuit that was to be open for 60 s lets a call through")
    breaker = library.breaker(lab, reset=0.2)
    opened(lab, breaker, lab.service(library.failure))
    with worldly.wall_clock_moved(-day, library.package):
        lab.wait(0.4)
        expect(not refused(lab, breaker), "set a day back: a circuit that was to be open for 0.2 s is open after 0.4 s")


@scenario("circuit breaker", expects="A listener that raises changes neither what callers get nor the state.")
def raising_listener(lab: Lab, library: Adapter) -> None:
    def listener() -> None:
        raise RuntimeError("a bug in a metrics client")

    breaker = library.breaker(lab, reset=60, listener=listener)
    service = lab.service(library.failure)
    for _ in range(3):
        ending = lab.call(breaker.guard(service.function))
        expect(not isinstance(ending.error, RuntimeError), f"a failed call {ending.shown()}")
    expect(refused(lab, breaker), "the circuit is not open")


@scenario("retry", "circuit breaker", expects="A retry around an open circuit does not wait and ask again.")
def open_circuit_not_hammered(lab: Lab, library: Adapter) -> None:
    with lab.no_waiting() as naps:
        breaker = library.breaker(lab, reset=60)
        opened(lab, breaker, lab.service(library.failure))
        service = lab.service("fine")
        guarded = library.retry_around_breaker(lab, service.function, breaker)
        naps.clear()
        ending = lab.call(guarded)
    expect(not service.calls, "the service was called")
    expect(isinstance(ending.error, Exception), f"the call {ending.shown()}")
    expect(not naps, f"it waited {len(naps)} time(s)")


@scenario(
    "circuit breaker",
    "bulkhead",
    expects="Refusals of a full bulkhead inside do not open the circuit of a healthy service.",
)
def inner_refusals(lab: Lab, library: Adapter) -> None:
    gate = Gate()
    service = lab.service(gate, "fine")
    both, _ = library.breaker_around_bulkhead(lab, service.function, failures=3)
    holder = lab.start(both)
    lab.until(lambda: gate.arrived, "the permit is taken")
    for _ in range(5):
        lab.call(both)
    expect(service.calls == 1, "the bulkhead let more than one in")
    gate.open()
    holder.ending()
    ending = lab.call(both)
    expect(ending.value == "fine", f"after five refusals of the bulkhead a call {ending.shown()}")
