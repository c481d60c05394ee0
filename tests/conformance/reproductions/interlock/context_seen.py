"""The function runs in another thread without the caller's context: request ids and traces are lost."""

import contextvars

from interlock import Pipeline

USER = contextvars.ContextVar("USER", default="nobody")


@Pipeline.builder().timeout(5.0).build()
def look_up():
    return USER.get()


USER.set("ada")
seen = look_up()
assert seen == "ada", f"the caller set it to 'ada'; the function sees {seen!r}"
