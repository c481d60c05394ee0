"""Bulkhead: how many run at once, who is next, and what becomes of permits."""

from __future__ import annotations

import random
from typing import Any

from ..adapters.base import ASYNC, SYNC, Adapter, Bulkhead
from ..endings import expect
from ..labs import Going, Lab, TaskLab
from ..services import Gate
from .base import scenario

CROWD = {"sync": 64, "async": 500}


@scenario("bulkhead", expects="Of many callers at once, never more are inside than there are permits, and all get in.")
def never_more(lab: Lab, library: Adapter) -> None:
    gate = Gate(patience=0.002)
    crowd = CROWD[lab.door]
    guarded = library.bulkhead(lab, permits=4, queue=crowd).guard(lab.service(gate).function)
    endings = [going.ending() for going in lab.together(guarded, crowd)]
    failed = [ending for ending in endings if ending.error is not None]
    expect(gate.most <= 4, f"with four permits, {gate.most} were inside")
    expect(not failed, f"{len(failed)} of {crowd} callers were not served: {failed[0].shown() if failed else ''}")


@scenario("bulkhead", expects="Callers that are cancelled or give up at any moment lose no permit, and double none.")
def permits_survive(lab: Lab, library: Adapter) -> None:
    chance = random.Random(20260101)
    bulkhead = library.bulkhead(lab, permits=3, queue=200, patience=5.0 if lab.door == "async" else 0.004)
    guarded = bulkhead.guard(lab.service(Gate(patience=0.003)).function)
    for _ in range(20 if lab.door == "async" else 5):
        going = [lab.start(guarded) for _ in range(20)]
        for one in going if lab.door == "async" else ():
            for _ in range(chance.randrange(3)):
                lab.turn()
            if chance.random() < 0.7:
                one.cancel()
        for one in going:
            one.ending()
    _has_permits(lab, bulkhead, 3)


def _has_permits(lab: Lab, bulkhead: Bulkhead, permits: int) -> None:
    gate = Gate(wanted=permits + 1, patience=3)
    guarded = bulkhead.guard(lab.service(gate).function)
    going = [lab.start(guarded) for _ in range(permits)]
    there = lab.eventually(lambda: gate.arrived == permits)
    more = lab.start(guarded)
    lab.eventually(lambda: gate.arrived > permits, 0.05)
    arrived = gate.arrived
    gate.open()
    for one in (*going, more):
        one.ending()
    expect(there, f"of {permits} permits, {arrived} are left")
    expect(arrived == permits, f"of {permits} permits, {arrived} are there")


@scenario("bulkhead", expects="Callers in the queue are served in the order in which they came.")
def first_come(lab: Lab, library: Adapter) -> None:
    gate = Gate()
    bulkhead = library.bulkhead(lab, permits=1, queue=20)
    holder = lab.start(bulkhead.guard(lab.service(gate).function))
    lab.until(lambda: gate.arrived, "the permit is taken")
    order: list[int] = []
    guarded = bulkhead.guard(lab.service(order.append).function)
    going: list[Going] = []
    for number in range(6):
        going.append(lab.start(guarded, number))
        lab.queued(bulkhead.waiting, number + 1)
    gate.open()
    for one in (holder, *going):
        one.ending()
    expect(order == list(range(6)), f"callers 0 to 5 were served in the order {order}")


@scenario("bulkhead", expects="A caller that comes again and again does not overtake one that waits.")
def no_overtaking(lab: Lab, library: Adapter) -> None:
    bulkhead = library.bulkhead(lab, permits=1, queue=20)
    gate = Gate()
    served: list[str] = []
    first = bulkhead.guard(lab.service(gate).function)
    busy = bulkhead.guard(lab.service(lambda: served.append("busy")).function)
    patient = bulkhead.guard(lab.service(lambda: served.append("patient")).function)

    def again_and_again() -> Any:
        first()
        for _ in range(20):
            busy()

    async def again_and_again_async() -> Any:
        await first()
        for _ in range(20):
            await busy()

    going = [lab.start(again_and_again if lab.door == "sync" else again_and_again_async)]
    lab.until(lambda: gate.arrived, "the permit is taken")
    going.append(lab.start(patient))
    lab.queued(bulkhead.waiting, 1)
    gate.open()
    for one in going:
        one.ending()
    before = served.index("patient")
    expect(before == 0, f"{before} later calls went before the one that waited")


@scenario("bulkhead", doors=ASYNC, expects="The same bulkhead works in two event loops, one after the other.")
def bulkhead_two_loops(lab: Lab, library: Adapter) -> None:
    assert isinstance(lab, TaskLab)
    bulkhead = library.bulkhead(lab, permits=1, queue=20)
    for number in (1, 2):
        gate = Gate(patience=0.01)
        endings = [going.ending() for going in lab.together(bulkhead.guard(lab.service(gate).function), 4)]
        failed = [ending for ending in endings if ending.error is not None]
        expect(not failed, f"in loop no. {number} a call {failed[0].shown() if failed else ''}")
        lab.another_loop()


@scenario(
    "bulkhead",
    "timeout",
    doors=SYNC,
    real_time=True,
    expects="A bulkhead around a timeout keeps the permit of a timed-out thread until that is really done.",
)
def overrunning_thread(lab: Lab, library: Adapter) -> None:
    gate = Gate()
    guarded = library.bulkhead_around_timeout(lab, lab.service(gate).function, permits=1, seconds=0.05)
    for _ in range(3):
        lab.call(guarded)
    most = gate.most
    gate.open()
    lab.until(lambda: not gate.inside, "the threads are done")
    expect(most == 1, f"with one permit, {most} threads are inside")
