"""Change the decisions one small thing at a time and see whether a test notices.

python -m tests.mutation                          all that pyproject.toml names: half an hour or more; goes on where it stopped
python -m tests.mutation retry.budget timeout     these modules and packages only, anew
python -m tests.mutation --report                 what is known from earlier runs

The exit code is 1 if fewer than 95 % of the mutants are noticed, or if one lives that survivors.toml does not explain.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys

from .results import MUTANTS, ROOT, Module, described, explained, modules

WANTED = 95.0


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for, then report."""
    options = _options(arguments)
    os.chdir(ROOT)
    if not options.report:
        forget_what_is_gone()
        patterns = [f"holdfast.{name}.*" for name in options.modules]
        mutmut = [sys.executable, "-c", "from mutmut.__main__ import cli; cli()"]
        ended = subprocess.run([*mutmut, "run", "--max-children", str(options.at_once), *patterns], check=False)
        if ended.returncode:
            return ended.returncode
    chosen = [module for module in modules() if _is_meant(module, options.modules)]
    return report(chosen, least=options.least, full=not options.modules)


def forget_what_is_gone() -> None:
    """Delete from mutmut's copy what is not in the original any more; it does not do so itself.

    And which test runs what, as it stops at a test that is not there any more.
    """
    (MUTANTS / "mutmut-stats.json").unlink(missing_ok=True)
    for copy in [*MUTANTS.glob("src/**/*.py"), *MUTANTS.glob("tests/**/*.py")]:
        if not (ROOT / copy.relative_to(MUTANTS)).exists():
            for path in (copy, copy.with_suffix(".py.meta"), copy.with_suffix(".py.spans")):
                path.unlink(missing_ok=True)


def report(chosen: list[Module], *, least: float, full: bool) -> int:
    """Print the table and what lives unexplained; return the exit code."""
    print(f"\n{'module':36} {'mutants':>7} {'noticed':>7} {'living':>6} {'':>7}")
    for module in chosen:
        living = module.run - module.noticed
        print(f"{module.name:36} {len(module.outcomes):7} {module.noticed:7} {living:6} {_share(module):>7}")
    run, noticed = sum(module.run for module in chosen), sum(module.noticed for module in chosen)
    left = sum(len(module.outcomes) for module in chosen) - run
    share = 100 * noticed / run if run else 0.0
    print(f"{'all':36} {run + left:7} {noticed:7} {run - noticed:6} {share:6.1f}%")
    if left:
        print(f"{left} of them were not run")
    known = explained()
    living_now = {described(module, mutant) for module in chosen for mutant in module.survivors()}
    unexplained = sorted(living_now - known.keys())
    if unexplained:
        print("\nThese live, and survivors.toml does not say why:")
        print("\n".join(f"    {json.dumps(mutant, ensure_ascii=False)}," for mutant in unexplained))
    if full and not left and (dead := sorted(known.keys() - living_now)):
        print("\nThese are explained in survivors.toml, and live no more:")
        print("\n".join(f"    {mutant}" for mutant in dead))
    return int(share < least or bool(unexplained))


def _share(module: Module) -> str:
    return f"{100 * module.noticed / module.run:.1f}%" if module.run else "-"


def _is_meant(module: Module, names: list[str]) -> bool:
    return not names or any(module.name == name or module.name.startswith(f"{name}.") for name in names)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="such as retry.budget, or retry for all of it")
    parser.add_argument("--report", action="store_true", help="run nothing, tell what is known from earlier runs")
    parser.add_argument("--at-once", type=int, default=2, metavar="N", help="how many are tried at once (default: 2)")
    parser.add_argument(
        "--least", type=float, default=WANTED, metavar="PERCENT", help=f"how many must be noticed (default: {WANTED:g})"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
