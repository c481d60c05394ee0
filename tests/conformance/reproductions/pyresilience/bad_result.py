"""When every result was bad, the caller gets the last one as if it were good.

Documented: "On the last attempt, the result is returned regardless of the predicate."
"""

from pyresilience import RetryConfig, resilient


@resilient(retry=RetryConfig(max_attempts=3, delay=0, retry_on_result=lambda result: result == "bad"))
def look_up():
    return "bad"


try:
    result = look_up()
except Exception:
    result = None
assert result is None, f"after the last attempt the caller got {result!r}"
