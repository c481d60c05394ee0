"""Circuit breaker: calls to a dependency that is down are refused until it is well again."""

from .breaker import CircuitBreaker
from .config import CircuitBreakerConfig, CircuitMetrics, CircuitState
from .events import CircuitCallEnded, CircuitCallRejected, CircuitStateChanged
from .permit import CircuitPermit
from .registry import BreakerRegistry, CircuitHealth, create_circuit_breaker, get_breaker_registry

__all__ = [
    "BreakerRegistry",
    "CircuitBreaker",
    "CircuitBreakerConfig",
    "CircuitCallEnded",
    "CircuitCallRejected",
    "CircuitHealth",
    "CircuitMetrics",
    "CircuitPermit",
    "CircuitState",
    "CircuitStateChanged",
    "create_circuit_breaker",
    "get_breaker_registry",
]
