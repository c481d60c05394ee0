"""A plain function that timed out runs on, but its permit is given to the next: more run than the bulkhead allows.

Documented: "Python cannot kill the thread, so the overrunning callable finishes in the background."
"""

import time

from interlock import Pipeline

inside = most = 0


@Pipeline.builder().bulkhead(1).timeout(0.05).build()
def look_up():
    global inside, most
    inside += 1
    most = max(most, inside)
    time.sleep(1)
    inside -= 1


for _ in range(3):
    try:
        look_up()
    except Exception:
        pass
assert most == 1, f"with one permit, {most} ran at once"
