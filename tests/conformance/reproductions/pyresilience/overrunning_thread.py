"""A plain function that timed out runs on, but its permit is given to the next: more run than the bulkhead allows."""

import time

from pyresilience import BulkheadConfig, TimeoutConfig, resilient

inside = most = 0


@resilient(bulkhead=BulkheadConfig(max_concurrent=1), timeout=TimeoutConfig(seconds=0.05))
def look_up():
    global inside, most
    inside += 1
    most = max(most, inside)
    time.sleep(1)
    inside -= 1


for _ in range(3):
    try:
        look_up()
    except Exception:
        pass
assert most == 1, f"with one permit, {most} ran at once"
