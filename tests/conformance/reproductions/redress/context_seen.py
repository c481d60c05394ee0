"""The function runs in another thread without the caller's context: request ids and traces are lost."""

import contextvars

from redress import retry

USER = contextvars.ContextVar("USER", default="nobody")


@retry(max_attempts=1, attempt_timeout_s=5.0)
def look_up():
    return USER.get()


USER.set("ada")
seen = look_up()
assert seen == "ada", f"the caller set it to 'ada'; the function sees {seen!r}"
