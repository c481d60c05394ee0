"""Rate limit: how many get through, and who waits for what."""

from __future__ import annotations

from ..adapters.base import ASYNC, Adapter
from ..endings import NotOfferedError, expect
from ..labs import Lab, TaskLab
from .base import scenario


@scenario(
    "rate limit",
    expects="In no window are more calls than the limit's kind allows: a window's limit, or a bucket's size and its refill.",
)
def no_double_burst(lab: Lab, library: Adapter) -> None:
    period = 0.5
    limiter = library.limiter(lab, limit=10, period=period)
    service = lab.service("fine")
    guarded = limiter.guard(service.function)
    lab.call(guarded)
    lab.wait(0.85 * period)  # a burst here, and one as soon as a clock's window is over
    began = lab.now()
    while service.calls < 35 and lab.now() - began < 3:
        if lab.call(guarded).error is not None:
            lab.wait(0.01)
    # What is seen is when the function runs, a moment after it was admitted: so the windows are a little shorter.
    window = 0.9 * period
    counts = [sum(start <= moment <= start + window for moment in service.moments) for start in service.moments]
    allowed = limiter.most(period)
    expect(
        max(counts) <= allowed,
        f"{max(counts)} calls within {window:g} s, at most {allowed:g} are allowed in {period:g} s",
    )
    expect(service.calls >= 20, f"only {service.calls} calls were let through in {lab.now() - began:.1f} s")


@scenario("rate limit", expects="A wait that cannot succeed in the time that is given for it fails at once.")
def hopeless_wait(lab: Lab, library: Adapter) -> None:
    limiter = library.limiter(lab, limit=1, period=20, patience=0.5)
    guarded = limiter.guard(lab.service("fine").function)
    lab.call(guarded)
    began = lab.now()
    ending = lab.call(guarded)
    took = lab.now() - began
    expect(ending.error is not None, f"the call {ending.shown()}")
    expect(took < 0.4, f"it waited {took:.2f} s for what takes 20 s")


@scenario("rate limit", doors=ASYNC, expects="A caller that is cancelled while it waits gives its place back.")
def place_given_back(lab: Lab, library: Adapter) -> None:
    limiter = library.limiter(lab, limit=1, period=0.4)
    if not limiter.waits:
        raise NotOfferedError
    service = lab.service("fine")
    guarded = limiter.guard(service.function)
    lab.call(guarded)
    began = lab.now()
    second = lab.start(guarded)
    for _ in range(5):
        lab.turn()
    third = lab.start(guarded)
    for _ in range(5):
        lab.turn()
    second.cancel()
    third.ending()
    took = lab.now() - began
    expect(took < 0.7, f"the next caller's turn came after {took:.2f} s instead of 0.4 s")


@scenario("rate limit", doors=ASYNC, expects="A large request is not overtaken by every small one that comes after it.")
def large_not_starved(lab: Lab, library: Adapter) -> None:
    limiter = library.limiter(lab, limit=10, period=0.4)
    if not limiter.waits:
        raise NotOfferedError
    served: list[str] = []
    large = limiter.guard(lab.service(lambda: served.append("large")).function, cost=10)
    small = limiter.guard(lab.service(lambda: served.append("small")).function)
    lab.call(large)
    going = [lab.start(large)]
    for _ in range(5):
        lab.turn()
    going += [lab.start(small) for _ in range(30)]
    for one in going:
        one.ending()
    before = served[1:].index("large")
    expect(before < 30, f"all {before} small requests that came later went first")


@scenario("rate limit", doors=ASYNC, expects="The same limiter works in two event loops, one after the other.")
def limiter_two_loops(lab: Lab, library: Adapter) -> None:
    assert isinstance(lab, TaskLab)
    limiter = library.limiter(lab, limit=2, period=0.1)
    for number in (1, 2):
        guarded = limiter.guard(lab.service("fine").function)
        endings = [going.ending() for going in lab.together(guarded, 4 if limiter.waits else 1)]
        failed = [ending for ending in endings if ending.error is not None]
        expect(not failed, f"in loop no. {number} a call {failed[0].shown() if failed else ''}")
        lab.wait(0.2)
        lab.another_loop()
