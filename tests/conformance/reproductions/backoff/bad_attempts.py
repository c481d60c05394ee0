"""Zero tries are accepted, and then there are tries without end."""

import backoff

calls = 0


@backoff.on_exception(backoff.constant, ConnectionError, max_tries=0, interval=0, jitter=None, logger=None)
def look_up():
    global calls
    calls += 1
    if calls == 100:
        raise SystemError("enough")
    raise ConnectionError


try:
    look_up()
except Exception:
    pass
assert calls <= 1, f"max_tries=0 is accepted, and {calls} tries were made until the function gave up itself"
