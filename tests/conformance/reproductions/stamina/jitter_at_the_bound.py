"""Jitter is added before the delay is bounded: from the third retry on, every caller waits for exactly `wait_max`.

Documented: the back-off is min(wait_max, wait_initial * wait_exp_base ** (attempt - 1) + random(0, wait_jitter)).
"""

import time

import stamina

delays = []
time.sleep = delays.append


@stamina.retry(on=ConnectionError, attempts=50, timeout=None, wait_initial=1, wait_max=4, wait_jitter=1)
def look_up():
    raise ConnectionError


try:
    look_up()
except ConnectionError:
    pass
at_bound = delays.count(4.0)
assert at_bound < len(delays) / 5, f"{at_bound} of {len(delays)} jittered delays are exactly 4 s"
