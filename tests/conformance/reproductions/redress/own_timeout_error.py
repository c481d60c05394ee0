"""A TimeoutError that the function itself raises at once is reported as if the limit had been exceeded. Only plain functions are concerned."""

from redress import retry

mine = TimeoutError("the database's own")


@retry(max_attempts=1, attempt_timeout_s=5)
def look_up():
    raise mine


try:
    look_up()
except Exception as caught:
    error = caught
assert error is mine, f"the caller got {error!r}"
