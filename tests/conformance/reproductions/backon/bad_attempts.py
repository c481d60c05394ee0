"""Zero tries are accepted."""

import backon

accepted = True
try:

    @backon.on_exception(backon.constant, ConnectionError, max_tries=0)
    def look_up():
        return "fine"

except Exception:
    accepted = False
assert not accepted, "max_tries=0 is accepted"
