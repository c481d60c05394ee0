"""The guarded form of a function: it calls the chain of guards that its policy stands for now."""

from __future__ import annotations

from .._runtime.tailor import Template, tailor
from ..fallback.answers import gives_awaitables
from ..fallback.memory import Memory
from ..functions import is_async
from ..switch import is_off
from ..timeout.marks import note_leaves_work
from ..typed import TYPE_CHECKING
from .chain import chain

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

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


def wrap(function: Callable[..., Any], source: ResilienceSource) -> Any:
    """Return `function` guarded by the policy of the source, with its looks kept."""
    # The last good values of a function outlive the chain that is made anew when its policy changes.
    memory = Memory(gives_awaitables=gives_awaitables(function) is True)

    def guarded() -> Any:
        return chain(source.name, source.prepare(), function, source.surroundings, memory)

    binding = source.binding(guarded)

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
