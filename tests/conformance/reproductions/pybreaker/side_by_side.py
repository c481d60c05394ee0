"""Each call is made under the breaker's lock: through one breaker they run one after the other."""

import threading
import time

import pybreaker

breaker = pybreaker.CircuitBreaker()
threads = [threading.Thread(target=breaker.call, args=(time.sleep, 0.2)) for _ in range(8)]
began = time.monotonic()
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
took = time.monotonic() - began
assert took < 0.8, f"eight calls of 0.2 s in eight threads took {took:.1f} s"
