"""A translation service that allows ten requests in a burst and five per second, and says when it has had enough.

Run it: python examples/rate_limit.py

Twenty pages are translated. The calls wait for their turn in one line; a long page costs two. Half-way the service
answers "429, come back in two seconds", which holds for everybody. A call that could not be made in time is refused at
once. Time is virtual here, so nobody waits for it; leave out the `clock` and it is real.
"""

from __future__ import annotations

from holdfast import RateLimiter, RateLimiterConfig, RateLimitExceededError, TokenBucket
from holdfast.testing import VirtualClock

CLOCK = VirtualClock()
LIMITER = RateLimiter(
    RateLimiterConfig(name="translator", limit=TokenBucket(rate=5, capacity=10), queue_timeout=30), clock=CLOCK
)


def cost(page: str) -> int:
    return 2 if len(page) > 40 else 1


def translate(page: str) -> str:
    return f"{CLOCK.monotonic():5.2f} s  {page[:12]}"


translated = LIMITER.protect(translate, cost)


def main() -> None:
    for number in range(1, 21):
        page = f"page {number:2} " + "kelp " * (number % 4 * 3)
        print(translated(page))
        if number == 12:
            LIMITER.learn({"Retry-After": "2"}, status=429)
            print(f"the service wants a rest: {LIMITER.stats}")
    try:
        LIMITER.acquire(10, timeout=1)
    except RateLimitExceededError as refused:
        print(f"refused at once: ten more would have to wait {refused.retry_after:.1f} s")
    metrics = LIMITER.metrics
    print(f"{metrics.admitted} translated, {metrics.rejected} refused, in {CLOCK.monotonic():.1f} s")


if __name__ == "__main__":
    main()
