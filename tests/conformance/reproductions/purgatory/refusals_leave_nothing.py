"""What is raised is the open state itself: its traceback grows with each refusal, and keeps every caller's frames alive."""

import traceback

from purgatory import SyncCircuitBreakerFactory


@SyncCircuitBreakerFactory(default_threshold=1, default_ttl=60)("service")
def look_up():
    raise ConnectionError


entries = []
for _ in range(300):
    try:
        look_up()
    except Exception as error:
        entries.append(len(list(traceback.walk_tb(error.__traceback__))))
assert entries[-1] < 20, f"the first refusal's traceback has {entries[1]} entries, the last one's {entries[-1]}"
