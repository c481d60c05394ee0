"""Retry: how long it waits, and for how long it goes on."""

from __future__ import annotations

import collections

from ..adapters.base import Adapter
from ..endings import expect
from ..labs import Lab
from ..services import Gate
from .base import scenario


class BusyError(ConnectionError):
    """What HTTP clients make of a 429: it says when to come back."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"429 Too Many Requests, Retry-After: {seconds}")
        self.status = self.status_code = 429
        self.headers = {"Retry-After": str(seconds)}
        self.seconds = seconds


def asked(error: BaseException) -> float | None:
    """What users write for libraries that do not read it themselves."""
    return float(error.seconds) if isinstance(error, BusyError) else None


@scenario(
    "retry", expects="A limit of 0.3 s for the whole call holds although the delays are 1 s: no sleep goes beyond it."
)
def total_time_sleeping(lab: Lab, library: Adapter) -> None:
    service = lab.service(library.failure)
    guarded = library.retry(lab, service.function, attempts=10, delay=1.0, total=0.3)
    began = lab.now()
    lab.call(guarded)
    took = lab.now() - began
    expect(took < 0.6, f"the call took {took:.1f} s")


@scenario(
    "retry",
    real_time=True,
    expects="A limit of 0.3 s for the whole call gives the caller control back also while an attempt hangs.",
)
def total_time_hanging(lab: Lab, library: Adapter) -> None:
    gate = Gate(patience=2)
    guarded = library.retry(lab, lab.service(gate).function, attempts=3, total=0.3, cuts=True)
    began = lab.now()
    lab.call(guarded)
    took = lab.now() - began
    gate.open()
    expect(took < 1.5, f"the call took {took:.1f} s")


@scenario("retry", expects="Where a server's Retry-After can be followed, it is never retried earlier than that.")
def retry_after(lab: Lab, library: Adapter) -> None:
    with lab.no_waiting() as naps:
        service = lab.service(BusyError(7), "fine")
        ending = lab.call(library.retry(lab, service.function, attempts=3, told=asked))
    expect(ending.value == "fine", f"the call {ending.shown()}")
    waits = [seconds for _, seconds in naps]
    expect(sum(waits) >= 7, f"told to come back in 7 s, it came after {sum(waits):.2f} s")


@scenario(
    "retry",
    expects="A Retry-After for which the total limit leaves no time ends the call; it is not retried early instead.",
)
def retry_after_too_long(lab: Lab, library: Adapter) -> None:
    service = lab.service(BusyError(2))
    lab.call(library.retry(lab, service.function, attempts=3, total=0.3, told=asked))
    between = [later - earlier for earlier, later in zip(service.moments, service.moments[1:], strict=False)]
    expect(
        all(gap >= 1.9 for gap in between), f"told to come back in 2 s, it came after {min(between, default=0):.2f} s"
    )


@scenario("retry", expects="Jittered delays never exceed their bound, and do not bunch at it.")
def jitter_at_the_bound(lab: Lab, library: Adapter) -> None:
    with lab.no_waiting() as naps:
        service = lab.service(library.failure)
        lab.call(library.retry(lab, service.function, attempts=100, jittered=(1.0, 4.0)))
    delays = [seconds for _, seconds in naps][5:]
    expect(len(delays) >= 90, f"only {len(delays)} delays were seen")
    expect(max(delays) <= 4.0, f"a delay was {max(delays):.2f} s, with a bound of 4 s")
    delay, most = collections.Counter(delays).most_common(1)[0]
    expect(most < len(delays) / 5, f"{most} of {len(delays)} jittered delays were {delay:g} s")


@scenario("retry", expects="Exponential delays with a bound do not overflow, however many attempts are made.")
def no_overflow(lab: Lab, library: Adapter) -> None:
    with lab.no_waiting() as naps:
        service = lab.service(library.failure)
        ending = lab.call(library.retry(lab, service.function, attempts=1200, growing=(0.5, 4.0)))
    expect(service.calls == 1200, f"after {service.calls} attempts the call {ending.shown()}")
    expect(max(seconds for _, seconds in naps) <= 4.0, "a delay exceeds its bound")


@scenario("retry", expects="Two calls at once each have their own growing delays: 1 s, 2 s, 4 s.")
def delays_of_its_own(lab: Lab, library: Adapter) -> None:
    with lab.no_waiting() as naps:
        service = lab.service(library.failure)
        guarded = library.retry(lab, service.function, attempts=4, growing=(1.0, 100.0), exact=True)
        for going in lab.together(guarded, 2):
            going.ending()
    by_caller = collections.defaultdict(list)
    for caller, seconds in naps:
        by_caller[caller].append(seconds)
    seen = list(by_caller.values())
    expect(seen == [[1, 2, 4]] * 2, f"the delays were {' and '.join(map(str, seen))}")
