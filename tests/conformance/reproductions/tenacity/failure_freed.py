"""The exception that comes out is in a reference cycle: it, and all that its frames hold, stays until a collection."""

import gc
import weakref

from tenacity import retry, stop_after_attempt

kept = []


class NoAnswer(ConnectionError):
    pass


@retry(stop=stop_after_attempt(1), reraise=True)
def look_up():
    error = NoAnswer()
    kept.append(weakref.ref(error))
    try:
        raise error
    finally:
        del error


gc.disable()
for _ in range(20):
    try:
        look_up()
    except ConnectionError:
        pass
left = sum(reference() is not None for reference in kept)
assert left <= 3, f"of 20 exceptions that nobody looks at any more, {left} are still there"
