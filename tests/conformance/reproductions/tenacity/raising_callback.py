"""An exception in a callback ends the call, which would have succeeded."""

from tenacity import retry, stop_after_attempt

failures = [ConnectionError()]


def count(details):
    raise RuntimeError("a bug in a metrics client")


@retry(stop=stop_after_attempt(3), before_sleep=count)
def look_up():
    if failures:
        raise failures.pop()
    return "fine"


try:
    result = look_up()
except Exception as error:
    result = error
assert result == "fine", f"the caller got {result!r}"
