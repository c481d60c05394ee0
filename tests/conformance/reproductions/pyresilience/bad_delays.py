"""A negative delay is refused, one that is not a number is accepted."""

from pyresilience import RetryConfig, resilient

accepted = True
try:

    @resilient(retry=RetryConfig(delay=float("nan")))
    def look_up():
        return "fine"

except Exception:
    accepted = False
assert not accepted, "a delay of nan is accepted"
