"""A TimeoutError that the function itself raises at once is reported as if the limit had been exceeded."""

import backon

mine = TimeoutError("the database's own")


@backon.on_exception(backon.constant, ConnectionError, max_tries=1, attempt_timeout=5, logger=None)
def look_up():
    raise mine


try:
    look_up()
except Exception as caught:
    error = caught
assert error is mine, f"the caller got {error!r}"
