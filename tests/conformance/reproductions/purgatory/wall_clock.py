"""How long a circuit is open is measured by the wall clock: when that is set back by a day, it is open for a day."""

import time

from purgatory import SyncCircuitBreakerFactory

calls = 0


@SyncCircuitBreakerFactory(default_threshold=1, default_ttl=0.1)("service")
def look_up():
    global calls
    calls += 1
    raise ConnectionError


now = time.time
for _ in range(2):
    try:
        look_up()
    except Exception:
        pass
    time.time = lambda: now() - 86_400  # as after the administrator has set the clock
    time.sleep(0.3)
assert calls == 2, "0.3 s after it opened for 0.1 s, with the clock set back, the circuit is still open"
