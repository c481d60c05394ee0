"""The guarded form of a function: it calls the chain of guards that its policy stands for now."""

from __future__ import annotations

from .._runtime.tailor import Template, tailor
from ..functions import is_async
from ..switch import is_off
from ..timeout.marks import note_leaves_work
from ..typed import TYPE_CHECKING
from .chain import Kept, chain

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .policy import ResiliencePolicy
    from .source import ResilienceSource

_QUIET = Template(
    "resilience",
    "binding, run",
    """
chain = binding.now
if chain is None:
    return AWAIT run(ARGS, KWARGS)
return AWAIT CALL(chain)
""",
)


class _Made:
    """A chain of guards, and what it was made of."""

    __slots__ = ("chain", "policy", "version")

    def __init__(self, policy: ResiliencePolicy, version: int, chain: Callable[..., Any]) -> None:
        self.policy = policy
        self.version = version
        self.chain = chain


def wrap(function: Callable[..., Any], source: ResilienceSource, kept: Kept | None = None) -> Any:
    """Return `function` guarded by the policy of the source, with its looks kept."""
    kept = Kept(function) if kept is None else kept
    made: _Made | None = None

    def find() -> Callable[..., Any]:
        """Return the chain, the one that is there if the policy is the same."""
        nonlocal made
        before, version = made, source.version  # first, so that a change meanwhile is looked after the next time
        if before is not None and before.version == version and before.policy is source.policy():
            return before.chain
        policy = source.settle(is_first=before is None)
        if before is not None and before.policy is policy:
            made = _Made(policy, version, before.chain)
        else:
            made = _Made(policy, version, chain(source.name, policy, function, source.around, kept))
        return made.chain

    binding = source.binding(find)

    def run(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if is_off():
            return function(*args, **kwargs)
        return binding.bind()(*args, **kwargs)

    async def run_async(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if is_off():
            return await function(*args, **kwargs)
        return await binding.bind()(*args, **kwargs)

    if is_async(function):
        return tailor(_QUIET, function, binding=binding, run=run_async)
    wrapper = tailor(_QUIET, function, binding=binding, run=run)
    note_leaves_work(wrapper)  # a policy of the name may have a timeout, or come to have one
    return wrapper
