"""An exception in a callback ends the call, which would have succeeded."""

import stamina
from stamina.instrumentation import set_on_retry_hooks

failures = [ConnectionError()]


def count(details):
    raise RuntimeError("a bug in a metrics client")


set_on_retry_hooks([count])


@stamina.retry(on=ConnectionError, attempts=3, wait_initial=0, wait_jitter=0)
def look_up():
    if failures:
        raise failures.pop()
    return "fine"


try:
    result = look_up()
except Exception as error:
    result = error
assert result == "fine", f"the caller got {result!r}"
