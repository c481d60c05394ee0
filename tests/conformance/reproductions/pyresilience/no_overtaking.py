"""Plain callers queue at a `threading.Semaphore`, which one that comes again and again takes before those that wait."""

import threading
import time

from pyresilience import BulkheadConfig, resilient

served = []


@resilient(bulkhead=BulkheadConfig(max_concurrent=1, max_wait=5))
def enter(name, seconds):
    served.append(name)
    time.sleep(seconds)


def again_and_again():
    enter("busy", 0.2)
    for _ in range(20):
        enter("busy", 0)


busy = threading.Thread(target=again_and_again)
busy.start()
time.sleep(0.05)
enter("patient", 0)  # it waits for the permit for 0.15 s
busy.join()
before = served.index("patient")
assert before == 1, f"{before - 1} later calls went before the one that waited"
