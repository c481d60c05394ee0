"""Each plain call has a thread of its own, and those that hang pile up without a bound."""

import threading
import time

import backon


@backon.on_exception(backon.constant, ConnectionError, max_tries=1, attempt_timeout=0.003, logger=None)
def hang():
    time.sleep(2)


for _ in range(100):
    try:
        hang()
    except Exception:
        pass
threads = threading.active_count() - 1
assert threads < 80, f"100 calls timed out, and there are {threads} more threads"
