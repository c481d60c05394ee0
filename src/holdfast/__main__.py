"""The command line: ``python -m holdfast demo``, ``policies``, ``check`` and ``classify``."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from contextlib import suppress
from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command given by `arguments` (default: those of the process) and return its exit code.

    0: done. 1: the configuration is wrong, the demonstration could not listen on loopback, or nobody reads what is
    printed. 2: wrong usage. 130: interrupted.
    """
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.command is None:
        parser.print_help(sys.stderr)
        return 2
    try:
        code: int = chosen.command(chosen)
        if _is_open(sys.stdout):
            sys.stdout.flush()
    except BrokenPipeError:
        _forget_what_is_buffered()  # as with `| head -1`
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m holdfast", description="Resilience for Python services.")
    parser.add_argument("--version", action="version", version=f"holdfast {_version()}")
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    about = "show what holdfast does for real requests to a misbehaving server on loopback (some nine seconds)"
    demo = commands.add_parser("demo", help=about, description=f"{about.capitalize()}.")
    demo.add_argument("--seed", type=int, default=1, metavar="N", help="which trouble the server makes (default: 1)")
    demo.add_argument("--json", action="store_true", help="print only JSON on standard output; progress goes to stderr")
    demo.set_defaults(command=_demo)

    about = "list the named retry policies"
    policies = commands.add_parser("policies", help=about, description=f"{about.capitalize()}.")
    policies.add_argument("--json", action="store_true", help="print JSON")
    policies.set_defaults(command=_policies)

    about = "check a configuration, and show what each of its policies comes to"
    check = commands.add_parser("check", help=about, description=f"{about.capitalize()}.")
    where = "a TOML file, or - for standard input (default: what HOLDFAST_CONFIG names, else holdfast.toml, else"
    check.add_argument("file", nargs="?", metavar="FILE", help=f"{where} pyproject.toml)")
    what = "a module to import first, as it registers what the configuration names; may be given again"
    check.add_argument("--import", action="append", default=[], dest="modules", metavar="MODULE", help=what)
    check.set_defaults(command=_check)

    about = "say how an exception is judged, by which rule, and what the named policies do after it"
    classify = commands.add_parser("classify", help=about, description=f"{about.capitalize()}.")
    what = "its full name, such as openai.RateLimitError; without one, a traceback is read from standard input"
    classify.add_argument("name", nargs="?", metavar="NAME", help=what)
    classify.add_argument("--message", default="", metavar="TEXT", help="its message")
    classify.add_argument("--status", type=int, metavar="N", help="the HTTP status of the response that it carries")
    classify.add_argument("--code", metavar="TEXT", help="the vendor's code on it, such as insufficient_quota")
    what = "a header of the response that it carries, such as 'Retry-After: 7'; may be given again"
    classify.add_argument("--header", action="append", default=[], dest="headers", metavar="LINE", help=what)
    classify.add_argument("--json", action="store_true", help="print JSON")
    classify.set_defaults(command=_classify)
    return parser


def _version() -> str:
    try:
        return metadata.version("holdfast")
    except metadata.PackageNotFoundError:
        return "(not installed: version unknown)"


def _demo(chosen: argparse.Namespace) -> int:
    from holdfast.demo import Plan, render_json, render_report, run_demo, screen

    logging.getLogger("holdfast").addHandler(logging.NullHandler())  # what happens is shown, it need not be logged
    plan = Plan(seed=chosen.seed)
    try:
        results = run_demo(plan, screen(sys.stderr if chosen.json else sys.stdout))
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"the demonstration cannot run its server on loopback: {error}", file=sys.stderr)
        return 1
    print(render_json(results, plan) if chosen.json else render_report(results, plan))
    return 0


def _policies(chosen: argparse.Namespace) -> int:
    from holdfast import RETRY_POLICIES
    from holdfast.demo.policies import as_json, as_text

    policies = list(RETRY_POLICIES.values())
    print(as_json(policies) if chosen.json else as_text(policies))
    return 0


def _check(chosen: argparse.Namespace) -> int:
    from importlib import import_module

    from holdfast import ConfigurationError
    from holdfast.config import read_config

    for module in chosen.modules:
        try:
            import_module(module)
        except Exception as error:
            return _complain(f"--import {module}: {type(error).__name__}: {error}")
    try:
        report = read_config(_standard_input() if chosen.file == "-" else chosen.file)
    except ConfigurationError as error:
        return _complain(str(error))
    return _show(report.describe())


def _classify(chosen: argparse.Namespace) -> int:
    from holdfast.explain import NamingError, as_json, as_text, exception_in, exception_named, explain

    headers = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in chosen.headers)}
    try:
        if chosen.name is None:
            stream = getattr(sys.stdin, "buffer", None)  # it may be closed
            named = exception_in("" if stream is None else stream.read().decode("utf-8", "replace"))
        else:
            named = exception_named(
                chosen.name, message=chosen.message, status=chosen.status, code=chosen.code, headers=headers
            )
    except NamingError as problem:
        _complain(str(problem))
        return 2
    told = explain(named)
    return _show(as_json(told) if chosen.json else as_text(told))


def _standard_input() -> Any:
    from holdfast.config.document import document_of, text_of

    stream = getattr(sys.stdin, "buffer", None)  # it may be closed
    return document_of("standard input", text_of("standard input", b"" if stream is None else stream.read()))


def _show(text: str) -> int:
    """Print what is right, as far as that can be printed there; return the exit code."""
    if not _is_open(sys.stdout):
        return 0
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        _forget_what_is_buffered()
        return _complain(f"it is right, but that cannot be printed: {error.strerror}")
    return 0


def _complain(text: str) -> int:
    """Print what is wrong, if that can be printed; return the exit code."""
    if _is_open(sys.stderr):
        with suppress(OSError):
            print(text, file=sys.stderr)
    return 1


def _is_open(stream: object) -> bool:
    return stream is not None


def _forget_what_is_buffered() -> None:
    """What is still buffered must not meet the closed pipe or the full disk when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
