"""Each plain call has a thread of its own, and those that hang pile up without a bound.

Documented: "after a timeout the worker keeps running in the background until it returns on its own"
"""

import threading
import time

from interlock import Pipeline


@Pipeline.builder().timeout(0.003).build()
def hang():
    time.sleep(2)


for _ in range(100):
    try:
        hang()
    except Exception:
        pass
threads = threading.active_count() - 1
assert threads < 80, f"100 calls timed out, and there are {threads} more threads"
