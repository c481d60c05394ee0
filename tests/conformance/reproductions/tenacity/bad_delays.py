"""A negative delay is accepted; what comes of it is seen at the first failure."""

from tenacity import retry, wait_fixed

accepted = True
try:

    @retry(wait=wait_fixed(-1))
    def look_up():
        return "fine"

except Exception:
    accepted = False
assert not accepted, "wait_fixed(-1) is accepted"
