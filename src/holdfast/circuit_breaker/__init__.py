"""Circuit breaker: calls to a dependency that is down are refused until it is well again; and the bulkhead."""

from .breaker import CircuitBreaker
from .bulkhead import (
    Bulkhead,
    BulkheadConfig,
    BulkheadMetrics,
    BulkheadPermit,
    BulkheadRegistry,
    BulkheadStats,
    create_bulkhead,
    get_bulkhead_registry,
)
from .config import CircuitBreakerConfig, CircuitMetrics, CircuitState
from .events import CircuitCallEnded, CircuitCallRejected, CircuitStateChanged
from .permit import CircuitPermit
from .registry import BreakerRegistry, CircuitHealth, create_circuit_breaker, get_breaker_registry

__all__ = [
    "BreakerRegistry",
    "Bulkhead",
    "BulkheadConfig",
    "BulkheadMetrics",
    "BulkheadPermit",
    "BulkheadRegistry",
    "BulkheadStats",
    "CircuitBreaker",
    "CircuitBreakerConfig",
    "CircuitCallEnded",
    "CircuitCallRejected",
    "CircuitHealth",
    "CircuitMetrics",
    "CircuitPermit",
    "CircuitState",
    "CircuitStateChanged",
    "create_bulkhead",
    "create_circuit_breaker",
    "get_breaker_registry",
    "get_bulkhead_registry",
]
