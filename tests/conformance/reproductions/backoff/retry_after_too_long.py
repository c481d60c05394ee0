"""With a `max_time`, a longer wait that a server asks for is cut to what is left, and then the call is tried early."""

import time

import backoff

moments = []


@backoff.on_exception(backoff.runtime, ConnectionError, value=lambda error: 2, max_time=0.3, jitter=None, logger=None)
def look_up():
    moments.append(time.monotonic())
    raise ConnectionError("429 Too Many Requests, Retry-After: 2")


try:
    look_up()
except ConnectionError:
    pass
gap = moments[1] - moments[0] if len(moments) > 1 else 2
assert gap >= 2, f"told to come back in 2 s, it came after {gap:.1f} s"
