"""A negative delay is accepted."""

from hyx.retry import retry

accepted = True
try:

    @retry(backoff=-1)
    async def look_up():
        return "fine"

except Exception:
    accepted = False
assert not accepted, "backoff=-1 is accepted"
