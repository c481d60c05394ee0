"""How long importing takes, each time in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec

from .report import Fact, Result, Row, version_of
from .timing import Timer, interleave

IMPORT_PROMISE = 0.5
"""`import holdfast` takes at most this much of the time of `import asyncio`."""

_YARDSTICK = "asyncio"
_MODULES = ("holdfast", "tenacity", "stamina", "backoff", "backon", "opnieuw", "hyx.retry")

# The interpreters run isolated (-I), so what this one finds along PYTHONPATH is handed over; at the end of the path,
# where it does not slow the search for the standard library down.
_PREPARE = "import sys, time; sys.path += [entry for entry in sys.argv[2:] if entry not in sys.path];"
_TIME_IMPORT = _PREPARE + (
    "began = time.perf_counter_ns(); __import__(sys.argv[1]); print(time.perf_counter_ns() - began)"
)
_ASK_FOR_ASYNCIO = _PREPARE + "__import__(sys.argv[1]); print('asyncio' in sys.modules)"


def measure_imports(*, rounds: int, seed: int) -> Result:
    """Time imports, and look whether holdfast leaves asyncio alone."""
    installed = [module for module in _MODULES if _is_installed(module)]
    timers: dict[str, Timer] = {module: _timer(module) for module in (_YARDSTICK, *installed)}
    for timer in timers.values():
        timer(1)  # compiles to bytecode and fills the disk's cache
    timings = interleave(timers, _YARDSTICK, rounds=rounds, seed=seed, passes=dict.fromkeys(timers, 1), calls=1)
    return Result(
        name="import",
        title="the first import in a fresh interpreter",
        what="import",
        yardstick=f"import {_YARDSTICK}",
        rounds=rounds,
        rows=tuple(
            Row(
                library=module,
                version=version_of(module.partition(".")[0]),
                timing=timings.get(module),
                absent="" if module in timings else "not installed",
                promised=IMPORT_PROMISE if module == "holdfast" else None,
            )
            for module in (_YARDSTICK, *_MODULES)
        ),
        facts=(_leaves_asyncio_alone(),) if "holdfast" in installed else (),
    )


def _is_installed(module: str) -> bool:
    return find_spec(module.partition(".")[0]) is not None


def _timer(module: str) -> Timer:
    return lambda passes: sum(int(_in_fresh_interpreter(_TIME_IMPORT, module)) for _ in range(passes))


def _leaves_asyncio_alone() -> Fact:
    imported = _in_fresh_interpreter(_ASK_FOR_ASYNCIO, "holdfast")
    return Fact("import holdfast does not import asyncio", holds=imported == "False")


def _in_fresh_interpreter(code: str, module: str) -> str:
    command = [sys.executable, "-I", "-c", code, module, *filter(None, sys.path)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout.strip()


BENCHMARKS: dict[str, Callable[..., Result]] = {"import": measure_imports}
