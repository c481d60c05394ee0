"""A negative delay is accepted; what comes of it is seen at the first failure."""

import stamina

accepted = True
try:

    @stamina.retry(on=ConnectionError, wait_initial=-1, wait_max=-1, wait_jitter=0)
    def look_up():
        return "fine"

except Exception:
    accepted = False
assert not accepted, "wait_initial=-1 is accepted"
