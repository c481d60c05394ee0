"""The function runs in another thread without the caller's context: request ids and traces are lost."""

import contextvars

from pyresilience import TimeoutConfig, resilient

USER = contextvars.ContextVar("USER", default="nobody")


@resilient(timeout=TimeoutConfig(seconds=5.0))
def look_up():
    return USER.get()


USER.set("ada")
seen = look_up()
assert seen == "ada", f"the caller set it to 'ada'; the function sees {seen!r}"
