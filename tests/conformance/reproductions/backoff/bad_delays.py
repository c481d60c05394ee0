"""A negative delay is accepted; what comes of it is seen at the first failure."""

import backoff

accepted = True
try:

    @backoff.on_exception(backoff.constant, ConnectionError, interval=-1, jitter=None)
    def look_up():
        return "fine"

except Exception:
    accepted = False
assert not accepted, "interval=-1 is accepted"
