"""Judge the exceptions of the client libraries that are installed here.

python -m tests.ecosystem check [FAMILY ...]     the corpus, built from the real classes; exit code 1 if it is wrong
python -m tests.ecosystem record [FAMILY ...]    keep the shapes of what could be built, for the ordinary tests
python -m tests.ecosystem unknown MODULE ...     the exception classes of a library that no rule speaks for
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
import warnings
from collections import Counter
from importlib import metadata
from typing import TYPE_CHECKING, Any

from holdfast import ErrorClassifier

from .corpus import HERE, NOW, Entry, entries, families
from .shape import record, revive

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARES = ("category", "retryable", "retry_scope", "trips_circuit")
WANTED = 0.98


def version_of(module: str) -> str:
    distributions = metadata.packages_distributions().get(module.partition(".")[0], [module])
    try:
        return metadata.version(distributions[0])
    except metadata.PackageNotFoundError:
        return "unknown"


def built(chosen: list[str]) -> Iterator[tuple[Entry, BaseException | None, str]]:
    """Each entry with the exception built for it, or with what prevented that."""
    for family in chosen:
        for entry in entries(family):
            try:
                yield entry, entry.make(), ""
            except Exception as problem:
                yield entry, None, f"{type(problem).__name__}: {problem}"


def check(chosen: list[str]) -> int:
    classifier = ErrorClassifier(now=lambda: NOW)
    right: Counter[str] = Counter()
    wrong: list[str] = []
    left: list[str] = []
    missing: Counter[str] = Counter()
    total = 0
    for entry, error, problem in built(chosen):
        if error is None:
            missing[f"{entry.module} ({problem[:100]})"] += 1
            continue
        total += 1
        said = classifier.classify(error)
        found = entry.wrong(said)
        right.update(share for share in SHARES if share not in found)
        if found and entry.left:
            left.append(f"{entry.name}\n    {entry.left}")
        elif found:
            wrong.append(f"{entry.name}\n    {'; '.join(f'{k}: {v}' for k, v in found.items())}  [{said.reason}]")
    for title, lines in (("wrong", wrong), ("left, with the reason", left)):
        if lines:
            print(f"{title}:", *lines, sep="\n  ")
    if missing:
        print("not built here:", *(f"{count:4} {what}" for what, count in missing.items()), sep="\n  ")
    print(f"{total} built", *(f"{share} {right[share] / max(total, 1):.1%}" for share in SHARES), sep=", ")
    return 1 if wrong or any(right[share] < WANTED * total for share in SHARES) else 0


def keep(chosen: list[str]) -> int:
    classifier = ErrorClassifier(now=lambda: NOW)
    problems = 0
    for family in chosen:
        path = HERE / "shapes" / f"{family}.json"
        kept: dict[str, list[dict[str, Any]]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        wanted: dict[str, list[dict[str, Any]]] = {}
        for entry, error, _ in built([family]):
            rows = kept.get(entry.name, [])
            if error is not None:
                version, shape = version_of(entry.module), record(error)
                said, again = classifier.classify(error), classifier.classify(revive(json.loads(json.dumps(shape))))
                if said != again:
                    problems += 1
                    print(f"the copy is judged otherwise: {entry.name}\n    {said}\n    {again}")
                rows = [row for row in rows if row["version"] != version and row["shape"] != shape]
                rows.append({"version": version, "shape": shape})
            wanted[entry.name] = sorted(rows, key=lambda row: str(row["version"]))
        lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(rows)}" for name, rows in wanted.items())
        path.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
        print(f"{family}: {sum(map(len, wanted.values()))} shapes, {sum(not rows for rows in wanted.values())} without")
    return 1 if problems else 0


def unknown(modules: list[str]) -> int:
    classifier = ErrorClassifier(now=lambda: NOW)
    for name in modules:
        seen: dict[type, str] = {}
        for module in _modules(name):
            for kind in list(vars(module).values()):
                if isinstance(kind, type) and issubclass(kind, BaseException) and kind not in seen:
                    if kind.__module__.partition(".")[0] == name.partition(".")[0]:
                        seen[kind] = _verdict_on(kind, classifier)
        for kind, verdict in sorted(seen.items(), key=lambda item: (item[1], item[0].__module__, item[0].__name__)):
            print(
                f"{verdict:60} {kind.__module__}.{kind.__qualname__} < {', '.join(b.__name__ for b in kind.__bases__)}"
            )
    return 0


def _modules(name: str) -> Iterator[Any]:
    root = importlib.import_module(name)
    yield root
    for info in pkgutil.walk_packages(getattr(root, "__path__", []), f"{name}.", onerror=lambda _: None):
        if info.name.rpartition(".")[2] == "__main__" or ".tests" in info.name or "._vendor" in info.name:
            continue
        try:
            yield importlib.import_module(info.name)
        except BaseException:
            continue


def _verdict_on(kind: type[BaseException], classifier: ErrorClassifier) -> str:
    try:
        error = kind.__new__(kind)
    except Exception as problem:
        return f"(cannot be made bare: {problem})"[:60]
    said = classifier.classify(error)
    return f"{said.category} {said.code} {said.retry_scope} {said.circuit_outcome}"


def main() -> int:
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(prog="python -m tests.ecosystem", description="Judge real libraries' exceptions.")
    parser.add_argument("what", choices=("check", "record", "unknown"))
    parser.add_argument("names", nargs="*")
    chosen = parser.parse_args()
    if chosen.what == "unknown":
        return unknown(chosen.names)
    return {"check": check, "record": keep}[chosen.what](chosen.names or families())


if __name__ == "__main__":
    sys.exit(main())
