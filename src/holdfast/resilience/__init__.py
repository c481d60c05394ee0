"""One policy for the whole call: fallback, deadline, retry, circuit breaker, rate limit, bulkhead and timeout."""

from .decorators import with_database_resilience, with_llm_resilience, with_mcp_resilience, with_resilience
from .manager import ResilienceManager, resilience_manager
from .policy import ResiliencePolicy
from .worst_case import WorstCase

__all__ = [
    "ResilienceManager",
    "ResiliencePolicy",
    "WorstCase",
    "resilience_manager",
    "with_database_resilience",
    "with_llm_resilience",
    "with_mcp_resilience",
    "with_resilience",
]
