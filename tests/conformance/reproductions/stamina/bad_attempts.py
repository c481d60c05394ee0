"""Zero attempts are accepted, and one is made."""

import stamina

accepted = True
try:

    @stamina.retry(on=ConnectionError, attempts=0)
    def look_up():
        return "fine"

except Exception:
    accepted = False
assert not accepted, "attempts=0 is accepted"
