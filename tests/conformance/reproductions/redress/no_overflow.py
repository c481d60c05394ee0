"""The exponential delay is computed before it is bounded, and overflows."""

import time

from redress import default_classifier, retry
from redress.strategies import equal_jitter

time.sleep = lambda seconds: None
calls = 0


@retry(classifier=default_classifier, strategy=equal_jitter(base_s=0.5, max_s=4), max_attempts=1200)
def look_up():
    global calls
    calls += 1
    raise ConnectionError


try:
    look_up()
except Exception as caught:
    error = caught
assert calls == 1200, f"after {calls} of 1200 attempts the caller got {error!r}"
