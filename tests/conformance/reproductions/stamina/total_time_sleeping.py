"""The limit is asked between attempts; a back-off that goes beyond it is slept to its end all the same."""

import time

import stamina


@stamina.retry(on=ConnectionError, attempts=10, timeout=0.3, wait_initial=1, wait_max=1, wait_jitter=0)
def look_up():
    raise ConnectionError


began = time.monotonic()
try:
    look_up()
except ConnectionError:
    pass
took = time.monotonic() - began
assert took < 0.6, f"with timeout=0.3 the call took {took:.1f} s"
