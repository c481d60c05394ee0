"""An exception in a callback ends the call, which would have succeeded."""

import backoff

failures = [ConnectionError()]


def count(details):
    raise RuntimeError("a bug in a metrics client")


@backoff.on_exception(backoff.constant, ConnectionError, max_tries=3, interval=0, on_backoff=count, logger=None)
def look_up():
    if failures:
        raise failures.pop()
    return "fine"


try:
    result = look_up()
except Exception as error:
    result = error
assert result == "fine", f"the caller got {result!r}"
