"""The function runs in another thread without the caller's context: request ids and traces are lost."""

import contextvars

import backon

USER = contextvars.ContextVar("USER", default="nobody")


@backon.on_exception(backon.constant, ConnectionError, max_tries=1, attempt_timeout=5.0, logger=None)
def look_up():
    return USER.get()


USER.set("ada")
seen = look_up()
assert seen == "ada", f"the caller set it to 'ada'; the function sees {seen!r}"
