"""Less than no retries are accepted, and the function is not called at all."""

from hyx.retry import retry

accepted = True
try:

    @retry(attempts=-1)
    async def look_up():
        return "fine"

except Exception:
    accepted = False
assert not accepted, "attempts=-1 is accepted"
