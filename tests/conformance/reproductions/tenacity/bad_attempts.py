"""Zero attempts are accepted, and one is made."""

from tenacity import retry, stop_after_attempt

accepted = True
try:

    @retry(stop=stop_after_attempt(0))
    def look_up():
        return "fine"

except Exception:
    accepted = False
assert not accepted, "stop_after_attempt(0) is accepted"
