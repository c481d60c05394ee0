"""A negative delay is accepted."""

from redress import retry
from redress.strategies import equal_jitter

accepted = True
try:

    @retry(strategy=equal_jitter(base_s=-1))
    def look_up():
        return "fine"

except Exception:
    accepted = False
assert not accepted, "base_s=-1 is accepted"
