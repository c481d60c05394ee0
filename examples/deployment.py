"""A deployment: many steps that each may hit a busy or restarting machine, so retry hard and say so.

Run it: python examples/deployment.py

`RetryBudget` is shared by all steps: if everything fails, the retries of all of them together stay bounded.
"""

from __future__ import annotations

import random

from holdfast import RetryBudget, RetryPolicy, get_retry_policy, register_retry_policy, with_retry

BUDGET = RetryBudget(ratio=0.5, min_per_second=2)


def report(error: Exception, attempt: int, delay: float) -> None:
    print(f"  attempt {attempt}: {type(error).__name__}, again in {delay:.1f} s")


def deploy_policy() -> RetryPolicy:
    return get_retry_policy("aggressive").replace(name="deployment", budget=BUDGET, on_retry=report)


register_retry_policy(deploy_policy())

CHANCE = random.Random(3)


@with_retry("deployment")
def step(name: str) -> str:
    if CHANCE.random() < 0.4:
        raise ConnectionRefusedError
    return f"{name} done"


def main() -> None:
    for name in ("stop old version", "copy files", "migrate database", "start new version", "check health"):
        print(name)
        print(" ", step(name))


if __name__ == "__main__":
    main()
