"""A function that timed out runs on in a pool's thread, and Python waits for that before it ends."""

import subprocess
import sys

CODE = """
import time
from pyresilience import TimeoutConfig, resilient

@resilient(timeout=TimeoutConfig(seconds=0.1))
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
