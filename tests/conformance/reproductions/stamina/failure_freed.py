"""The exception that comes out is in a reference cycle: it, and all that its frames hold, stays until a collection.

Its retry is made of tenacity's, where this comes from.
"""

import gc
import weakref

import stamina

kept = []


class NoAnswer(ConnectionError):
    pass


@stamina.retry(on=ConnectionError, attempts=1)
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
