"""The decorators, each in a module with what it needs, so that none is loaded that is not used."""

from .core import bulkhead, with_circuit_breaker, with_retry, with_timeout

__all__ = ["bulkhead", "with_circuit_breaker", "with_retry", "with_timeout"]
