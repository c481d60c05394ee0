"""A function that timed out runs on in a pool's thread, and Python waits for that before it ends."""

import subprocess
import sys

CODE = """
import time
import backon

@backon.on_exception(backon.constant, ConnectionError, max_tries=1, attempt_timeout=0.1, logger=None)
def hang():
    time.sleep(4)

try:
    hang()
except Exception:
    pass
"""
try:
    subprocess.run([sys.executable, "-I", "-c", CODE], timeout=3)
    ended = True
except subprocess.TimeoutExpired:
    ended = False
assert ended, "the function timed out after 0.1 s; 3 s later the process has not ended"
