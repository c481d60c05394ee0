"""Circuit breaker: how it finds out that the dependency is well again."""

from __future__ import annotations

from ..adapters.base import Adapter
from ..endings import expect
from ..labs import Lab
from ..services import After, Gate
from .base import opened, refused, scenario
from .breakers import interrupt

CROWD = {"sync": 64, "async": 500}


@scenario(
    "circuit breaker",
    expects="When many callers arrive at once at a half-open circuit that takes one probe, one gets through.",
)
def half_open_flood(lab: Lab, library: Adapter) -> None:
    breaker = library.breaker(lab)
    library.one_probe(breaker)
    opened(lab, breaker, lab.service(library.failure))
    lab.wait(0.2)
    gate = Gate(patience=2)
    going = lab.together(breaker.guard(lab.service(gate).function), CROWD[lab.door])
    lab.eventually(lambda: gate.arrived + sum(one.done() for one in going) == len(going), 0.5)
    most = gate.most
    gate.open()
    for one in going:
        one.ending()
    expect(most == 1, f"{most} of {len(going)} callers were let through at once")


@scenario("circuit breaker", expects="A failed probe opens the circuit again at once, and a good one closes it.")
def probes_decide(lab: Lab, library: Adapter) -> None:
    breaker = library.breaker(lab)
    opened(lab, breaker, lab.service(library.failure))
    lab.wait(0.2)
    failing = lab.service(library.failure)
    for _ in range(3):
        lab.call(breaker.guard(failing.function))
    expect(failing.calls == 1, f"{failing.calls} failing calls were let through after the reset time")
    lab.wait(0.2)
    expect(not refused(lab, breaker), "no further probe is let through")
    expect(not refused(lab, breaker), "after a good probe the circuit is not closed")


@scenario(
    "circuit breaker",
    expects="A probe that hangs keeps others out for one more reset time at most.",
)
def hung_probe(lab: Lab, library: Adapter) -> None:
    breaker = library.breaker(lab)
    opened(lab, breaker, lab.service(library.failure))
    lab.wait(0.2)
    gate = Gate()
    probe = lab.start(breaker.guard(lab.service(gate).function))
    lab.until(lambda: gate.arrived, "the probe is under way")
    lab.wait(0.3)
    service = lab.service("fine")
    other = lab.start(breaker.guard(service.function))
    lab.eventually(other.done, 0.5)
    calls, done = service.calls, other.done()
    gate.open()
    probe.ending()
    other.ending()
    expect(calls or done, "while one probe hangs, the next caller hangs, too")
    expect(calls, "while one probe hangs, nobody else is let through, three reset times later")


@scenario(
    "circuit breaker", expects="A probe that is cancelled or interrupted neither closes the circuit nor wedges it."
)
def interrupted_probe(lab: Lab, library: Adapter) -> None:
    breaker = library.breaker(lab)
    opened(lab, breaker, lab.service(library.failure))
    lab.wait(0.2)
    interrupt(lab, breaker.guard)
    lab.wait(0.2)
    failing = lab.service(library.failure)
    for _ in range(3):
        lab.call(breaker.guard(failing.function))
    expect(failing.calls, "no further probe is let through")
    expect(failing.calls == 1, "the circuit is closed")


@scenario("circuit breaker", expects="A success of a call from before the circuit opened does not close it.")
def late_success(lab: Lab, library: Adapter) -> None:
    breaker = library.breaker(lab, reset=60)
    gate = Gate(patience=0.5)
    late = lab.start(breaker.guard(lab.service(gate).function))
    lab.until(lambda: gate.arrived, "the call is under way")
    opened(lab, breaker, lab.service(library.failure))
    gate.open()
    late.ending()
    expect(refused(lab, breaker), "the circuit is closed")


@scenario("circuit breaker", expects="A failure of a call from before the circuit opened does not prolong its time.")
def late_failure(lab: Lab, library: Adapter) -> None:
    breaker = library.breaker(lab, reset=0.5)
    gate = Gate(patience=0.5)
    late = lab.start(breaker.guard(lab.service(After(gate, library.failure)).function))
    lab.until(lambda: gate.arrived, "the call is under way")
    opened(lab, breaker, lab.service(library.failure))
    lab.wait(0.4)
    gate.open()
    late.ending()
    lab.wait(0.25)
    expect(not refused(lab, breaker), "0.65 s after it opened for 0.5 s, the circuit is still open")
