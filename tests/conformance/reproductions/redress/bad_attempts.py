"""Zero attempts are accepted, and the function is never called."""

from redress import retry

accepted = True
try:

    @retry(max_attempts=0)
    def look_up():
        return "fine"

except Exception:
    accepted = False
assert not accepted, "max_attempts=0 is accepted"
