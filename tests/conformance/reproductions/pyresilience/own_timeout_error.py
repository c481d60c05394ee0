"""A TimeoutError that the function itself raises at once is reported as if the limit had been exceeded."""

from pyresilience import TimeoutConfig, resilient

mine = TimeoutError("the database's own")


@resilient(timeout=TimeoutConfig(seconds=5))
def look_up():
    raise mine


try:
    look_up()
except Exception as caught:
    error = caught
assert error is mine, f"the caller got {error!r}"
