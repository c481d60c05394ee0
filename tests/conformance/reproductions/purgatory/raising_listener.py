"""An exception in a listener comes out in place of the function's own."""

from purgatory import SyncCircuitBreakerFactory


def listener(name, event_type, event):
    if event_type == "failed":
        raise RuntimeError("a bug in a metrics client")


factory = SyncCircuitBreakerFactory()
factory.add_listener(listener)


@factory("service")
def look_up():
    raise ConnectionError("connection refused")


try:
    look_up()
except Exception as caught:
    error = caught
assert isinstance(error, ConnectionError), f"the caller got {error!r}"
