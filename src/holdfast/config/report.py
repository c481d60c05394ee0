"""What `load_config` tells of what it did, as a record and in words."""

from __future__ import annotations

from ..records import Record
from ..resilience.policy import ResiliencePolicy
from ..typed import TYPE_CHECKING
from .wording import legible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from ..circuit_breaker.bulkhead.config import BulkheadConfig
    from ..circuit_breaker.config import CircuitBreakerConfig
    from ..rate_limit.config import RateLimiterConfig
    from ..retry.policy import RetryPolicy
    from ..timeout.config import TimeoutConfig


class ConfigReport(Record):
    """What is configured now, and what that changed.

    `source` says where it is from. `enabled` is what was set of the switch, None if nothing. Then come the policies and
    configs, each by name, and the `variables` of the environment that were heeded.

    `added`, `changed`, `removed` and `unchanged` name what is new, other, gone and the same since it was last loaded,
    as "policies.payments" or "retry.slow-api".
    """

    source: str
    enabled: bool | None
    policies: Mapping[str, ResiliencePolicy]
    retry_policies: Mapping[str, RetryPolicy]
    timeouts: Mapping[str, TimeoutConfig]
    circuit_breakers: Mapping[str, CircuitBreakerConfig]
    bulkheads: Mapping[str, BulkheadConfig]
    rate_limits: Mapping[str, RateLimiterConfig]
    variables: tuple[str, ...]
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return in words what is configured."""
        return "\n\n".join("\n".join(part) for part in _parts(self) if part)


FIELDS = {
    "policies": "policies",
    "retry": "retry_policies",
    "timeouts": "timeouts",
    "circuit_breakers": "circuit_breakers",
    "bulkheads": "bulkheads",
    "rate_limits": "rate_limits",
}
"""The field of the report for each section of a configuration."""

_WIDTH = 17


def _parts(report: ConfigReport) -> Iterator[list[str]]:
    yield [f"{legible(report.source)} is right.", *(f"{legible(name)} is heeded." for name in report.variables)]
    if report.enabled is not None:
        yield [f"holdfast is switched {'on' if report.enabled else 'off'}"]
    for name, policy in report.policies.items():
        yield [f"policy {legible(name)}", *_indented(policy.describe().splitlines())]
    yield _headed("retry policies", _lines("retry", report.retry_policies))
    yield _headed("timeouts", {name: _timeout(config) for name, config in report.timeouts.items()})
    yield _headed("circuit breakers", _lines("circuit_breaker", report.circuit_breakers))
    yield _headed("bulkheads", _lines("bulkhead", report.bulkheads))
    yield _headed("rate limits", _lines("rate_limit", report.rate_limits))


def _headed(heading: str, told: dict[str, str]) -> list[str]:
    told = {legible(name): each for name, each in told.items()}
    width = max((len(name) + 2 for name in told), default=0)
    lines = [f"{name:<{max(width, _WIDTH)}}{each}" for name, each in told.items()]
    return [heading, *_indented(lines)] if lines else []


def _lines(field: str, configs: Mapping[str, Any]) -> dict[str, str]:
    """Return what a policy says of one of its guards, for each of these."""
    policies = {name: ResiliencePolicy(**{field: config}) for name, config in configs.items()}
    return {name: policy.describe().splitlines()[0].removeprefix(field).lstrip() for name, policy in policies.items()}


def _timeout(config: TimeoutConfig) -> str:
    where = "runs in a worker thread" if config.mode == "thread" else "is not stopped"
    return f"{config.seconds:g} s; a plain function {where}"


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]
