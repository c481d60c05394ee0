"""From the tables of a document to policies and configs, with all that is wrong noted on the way."""

from __future__ import annotations

import sys

from ..errors import ConfigurationError
from ..rate_limit.config import SlidingWindow, TokenBucket
from ..resilience.nesting import merged, nested
from ..resilience.policy import ResiliencePolicy
from ..resilience.presets import PRESETS
from ..retry.backoff import BackoffConfig
from ..retry.policy import RetryPolicy
from ..retry.presets import BUILT_IN
from ..timeout.config import TimeoutConfig
from ..typed import TYPE_CHECKING
from .kinds import Kind, refused, told
from .named_types import Wrong, named_type
from .schema import BACKOFF, BULKHEAD, CIRCUIT_BREAKER, POLICY, RATE_LIMIT, RETRY, SECTIONS, SHARED, TIMEOUT, TOP, Table
from .wording import legible, offered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from .document import Document
    from .lines import Path
    from .problems import Problems

_WINDOW = SlidingWindow._fields
_BUCKET = TokenBucket._fields
_LONGEST_CHAIN = 50
_GUARDS: dict[str, Table] = {"circuit_breaker": CIRCUIT_BREAKER, "rate_limit": RATE_LIMIT, "bulkhead": BULKHEAD}


class Builder:
    """Makes what one document says; each policy once, whoever else starts from it.

    `registered`: the retry policies that there are besides.
    """

    def __init__(self, document: Document, problems: Problems, registered: Mapping[str, RetryPolicy]) -> None:
        self._document = document
        self._problems = problems
        self._registered = registered
        self._tables: dict[str, dict[str, Any]] = {}
        self._made: dict[tuple[str, str], Any] = {}
        self._under_way: list[tuple[str, str]] = []
        self.open_fallbacks: set[str] = set()  # policies that do not say what their fallback is

    def build(self) -> dict[str, dict[str, Any]]:
        """Return what is in each section, by name; what is wrong is left out, and noted."""
        tables = self._document.tables
        for key in tables:
            if key not in TOP:
                self._problems.add((key,), f"is no part of a configuration; {offered(key, TOP)}")
        for section in SECTIONS:
            self._tables[section] = self._section(section, tables.get(section, {}))
        made = {
            section: {name: thing for name in names if (thing := self._get(section, name)) is not None}
            for section, names in self._tables.items()
        }
        self._refuse_conflicts(made)
        return made

    def enabled(self) -> bool | None:
        """Return what the document says of the switch; None if nothing."""
        if "enabled" not in self._document.tables:
            return None
        kind: Any = TOP["enabled"]
        try:
            enabled: bool = kind.read(self._document.tables["enabled"])
        except Wrong as wrong:
            self._problems.add(("enabled",), str(wrong))
            return None
        return enabled

    def _section(self, section: str, tables: Any) -> dict[str, Any]:
        if not isinstance(tables, dict):
            self._problems.add((section,), f"must be a table, not {told(tables)}")
            return {}
        right = {}
        for name, table in tables.items():
            if section == "timeouts" and not isinstance(table, dict):
                table = {TIMEOUT.shorthand: table}  # noqa: PLW2901
            if not name.strip():
                self._problems.add((section, name), "has no name; a name must not be empty")
            elif not isinstance(table, dict):
                self._problems.add((section, name), f"must be a table, not {told(table)}")
            else:
                right[name] = table
        return right

    # What may start from another of its kind.

    def _get(self, section: str, name: str) -> Any:
        """Return what a name of the document stands for; None if it is wrong, which has been noted then."""
        key = (section, name)
        if key in self._made:
            return self._made[key]
        if key in self._under_way:
            circle = [each for _, each in self._under_way[self._under_way.index(key) :]]
            way = " → ".join(legible(each) for each in (*circle, name))
            self._problems.add((*self._under_way[-1], "preset"), f"goes in a circle: {way}")
            return None
        if len(self._under_way) == _LONGEST_CHAIN:
            self._problems.add(
                (*self._under_way[-1], "preset"), f"is the {_LONGEST_CHAIN}th in a chain of presets; shorten it"
            )
            return None
        self._under_way.append(key)
        table, path = self._tables[section][name], (section, name)
        made: Any
        if section == "policies":
            made = self._policy(table, path)
        elif section == "retry":
            made = self._named_retry(name, table, path)
        elif section == "timeouts":
            fields, wrong = self._read(TIMEOUT, table, path)
            made = self._make(lambda **fields: TimeoutConfig(name=name, **fields), fields, path, wrong)
        else:
            field = next(each for each, its in SHARED.items() if its == section)
            made = self._guard(field, SECTIONS[section], table, path, None)
            made = None if made is None else made.replace(name=name)
        self._under_way.pop()
        self._made[key] = made
        return made

    def _base(
        self, section: str, table: dict[str, Any], path: Path, built_in: Callable[[str], Any], known: Mapping[str, Any]
    ) -> tuple[Any, set[str]]:
        """Return what a table starts from, and which key is wrong."""
        own = path[-1] if len(path) == 2 else None  # a table in a policy has no name
        asked = table.get("preset")
        if asked is None:
            return (built_in(str(own)) if own is not None else None), set()
        if asked is False:
            return None, set()
        try:
            asked = POLICY.keys["preset"].read(asked)  # type: ignore[union-attr]
        except Wrong as wrong:
            self._problems.add((*path, "preset"), str(wrong))
            return None, {"preset"}
        if asked in self._tables[section] and not (asked == own and asked in known):
            base = self._get(section, asked)
            return base, set() if base is not None else {"preset"}
        if asked in known:
            return known[asked], set()
        offer = offered(asked, {**known, **self._tables[section]})
        self._problems.add((*path, "preset"), f"cannot be {told(asked)}; {offer}")
        return None, {"preset"}

    # Retry.

    def _named_retry(self, name: str, table: dict[str, Any], path: Path) -> RetryPolicy | None:
        policy = self._retry(SECTIONS["retry"], table, path, None, name=name)
        if policy is None or policy.max_attempts == 1:
            return policy
        try:
            ResiliencePolicy(retry=policy)  # it knows what keeps a retry from ever being made
        except ConfigurationError as error:
            self._problems.add(path, f": {_bare(str(error), {})}")
            return None
        return policy

    def _retry(self, kind: Table, table: dict[str, Any], path: Path, there: Any, **own: Any) -> RetryPolicy | None:
        """Make a retry policy; `there`: the one that the table changes, unless it names another."""

        def built_in(name: str) -> RetryPolicy | None:
            return self._registered.get(name) if name in BUILT_IN else None

        base, wrong = self._base("retry", table, path, built_in, self._registered)
        if "preset" not in table and base is None:
            base = there
        fields, more = self._read(kind, table, path, but=("preset", "backoff", "backoff_for"))
        wrong |= more
        if "backoff" in table:
            backoff = self._backoff(table["backoff"], (*path, "backoff"), None if base is None else base.backoff)
            if backoff is None:
                wrong.add("backoff")
            else:
                fields["backoff"] = backoff
        if "backoff_for" in table:
            backoffs = self._backoffs(table["backoff_for"], (*path, "backoff_for"))
            if backoffs is None:
                wrong.add("backoff_for")
            else:
                fields["backoff_for"] = backoffs or None
        make: Callable[..., RetryPolicy] = RetryPolicy if base is None else base.replace
        made: RetryPolicy | None = self._make(lambda **fields: make(**own, **fields), fields, path, wrong)
        return made

    def _backoff(self, table: Any, path: Path, there: BackoffConfig | None) -> BackoffConfig | None:
        if isinstance(table, str):
            table = {BACKOFF.shorthand: table}
        elif not isinstance(table, dict):
            self._problems.add(path, str(refused('a table, or a type such as "full-jitter"', table)))
            return None
        fields, wrong = self._read(BACKOFF, table, path)
        make: Callable[..., BackoffConfig] = BackoffConfig
        if there is not None and fields.get("type", there.type) == there.type:
            make = there.replace
        made: BackoffConfig | None = self._make(make, fields, path, wrong)
        return made

    def _backoffs(self, table: Any, path: Path) -> dict[Any, BackoffConfig] | None:
        if table is False or table is None:
            return {}
        if not isinstance(table, dict):
            self._problems.add(path, str(refused("a table of back-offs by category, code or exception type", table)))
            return None
        made: dict[Any, BackoffConfig | None] = {}
        for key, given in table.items():
            backoff = self._backoff(given, (*path, key), None)
            try:
                made[_kind_of_error(key)] = backoff
            except Wrong as wrong:
                self._problems.add((*path, key), str(wrong))
                backoff = None
            if backoff is None:
                made[key] = None
        return None if None in made.values() else made  # type: ignore[return-value]

    # Guards that are shared by name.

    def _guard(self, field: str, kind: Table, table: dict[str, Any], path: Path, there: Any) -> Any:
        """Make the config of one; `there`: the one that the table changes."""
        fields, wrong = self._read(kind, table, path)
        if field == "rate_limit":
            window, bucket = ([name for name in fields if name in names] for names in (_WINDOW, _BUCKET))
            if window and bucket:
                self._problems.add(
                    (*path, bucket[0]),
                    f"does not go with {' and '.join(window)}; give limit and period, or rate and capacity",
                )
                return None
            if not window and not bucket and there is None and not wrong:
                self._problems.add(path, ": give limit and period, or rate and capacity")
                return None
        if there is None:
            return self._make(lambda **fields: nested(field, fields), fields, path, wrong)
        return self._make(lambda **fields: merged(field, there, fields), fields, path, wrong)

    # Policies.

    def _policy(self, table: dict[str, Any], path: Path) -> ResiliencePolicy | None:
        def preset(name: str) -> ResiliencePolicy | None:
            return ResiliencePolicy(**PRESETS[name]) if name in PRESETS else None

        presets = {each: ResiliencePolicy(**fields) for each, fields in PRESETS.items()}
        base, wrong = self._base("policies", table, path, preset, presets)
        inherited = {} if base is None else {each: getattr(base, each) for each in ResiliencePolicy._fields}
        if "fallback" not in table and (base is None or base.fallback is None):
            start = table.get("preset")
            is_own = start == path[-1] and start in PRESETS
            if is_own or start not in self._tables["policies"] or start in self.open_fallbacks:
                self.open_fallbacks.add(str(path[-1]))
        fields, more = self._read(POLICY, table, path, but=("preset", "retry", *_GUARDS))
        wrong |= more
        for key in ("retry", *_GUARDS):
            if key in table:
                part = self._part(key, table[key], (*path, key), inherited.get(key))
                if part is _WRONG:
                    wrong.add(key)
                else:
                    fields[key] = part
        made: ResiliencePolicy | None = self._make(
            lambda **fields: ResiliencePolicy(**{**inherited, **fields}), fields, path, wrong
        )
        return made

    def _part(self, key: str, given: Any, path: Path, there: Any) -> Any:
        """Return one guard of a policy, None if it is left out, `_WRONG` if it is wrong."""
        if given is False or given is None:
            return None
        section = "retry" if key == "retry" else SHARED[key]
        if isinstance(given, str):
            return self._by_name(section, given, path)
        if not isinstance(given, dict):
            hint = "{} is one with the usual settings" if given is True and key != "rate_limit" else ""
            self._problems.add(path, str(refused("a table, a name, or false to leave it out", given, hint)))
            return _WRONG
        if key == "retry":
            if isinstance(there, str):
                there = self._registered.get(there)
            made: Any = self._retry(RETRY, given, path, there)
        else:
            made = self._guard(key, _GUARDS[key], given, path, there)
        return _WRONG if made is None else made

    def _by_name(self, section: str, name: str, path: Path) -> Any:
        if name in self._tables[section]:
            made = self._get(section, name)
            return _WRONG if made is None else made
        if section == "retry" and name in self._registered:
            return name
        known = {**self._tables[section], **(self._registered if section == "retry" else {})}
        offer = offered(name, known) if known else f"there is no [{section}] in {legible(self._document.source)}"
        late = "; what code registers must be registered before" if section == "retry" else ""
        self._problems.add(path, f"cannot be {told(name)}; {offer}{late}")
        return _WRONG

    def _refuse_conflicts(self, made: Mapping[str, Mapping[str, Any]]) -> None:
        """Two that set up a guard of the same name must agree."""
        first: dict[tuple[str, str], tuple[Any, Path]] = {}
        for field, section in SHARED.items():
            places: list[tuple[str, Any, Path]] = [
                (name, config, (section, name)) for name, config in made[section].items()
            ]
            for name, policy in made["policies"].items():
                config = getattr(policy, field)
                if config is not None:
                    places.append((config.own_name or name, config, ("policies", name, field)))
            for name, config, path in places:
                there, whose = first.setdefault((field, name), (config, path))
                if there.replace(name=name) != config.replace(name=name):
                    what = field.replace("_", " ")
                    fix = (
                        f'in the policy, write {field} = "{name}"'
                        if whose[0] == section
                        else "give one of them a name of its own"
                    )
                    self._problems.add(
                        path, f'sets the {what} "{name}" otherwise than {self._document.name(whose)} does; {fix}'
                    )

    # One table.

    def _read(
        self, kind: Table, table: dict[str, Any], path: Path, but: tuple[str, ...] = ()
    ) -> tuple[dict[str, Any], set[str]]:
        """Return the values of a table as what they become, but for some keys; and the keys that are wrong."""
        fields: dict[str, Any] = {}
        wrong: set[str] = set()
        for key, value in table.items():
            of = kind.keys.get(key)
            if of is None:
                self._problems.add((*path, key), kind.unknown(key))
                wrong.add(key)
            elif key not in but and isinstance(of, Kind):
                try:
                    fields[key] = of.read(value)
                except Wrong as said:
                    self._problems.add((*path, key), str(said))
                    wrong.add(key)
        return fields, wrong

    def _make(self, make: Callable[..., Any], fields: dict[str, Any], path: Path, wrong: set[str]) -> Any:
        """Return what `make` makes of the fields, or None.

        A config refuses one thing at a time; so what it refuses is left out, and it is asked again. `wrong` are keys
        that are left out already: what is said of them, or of what should have been given, may be due to that.
        """
        import re

        fields, wrong = dict(fields), set(wrong)
        while True:
            try:
                made = make(**fields)
            except ConfigurationError as error:
                message = _bare(str(error), fields)
                words = re.findall(r"[a-z_]+", message)
                blamed = next((word for word in words if word in fields), None)
                if wrong.intersection(words) or (blamed is None and wrong):
                    return None
                if blamed is None:
                    self._problems.add(path, f": {message}")
                    return None
                rest = message.removeprefix(blamed)
                said = rest.lstrip() if rest != message and rest[0] in " :" else f": {message}"
                self._problems.add((*path, blamed), said)
                wrong.add(blamed)
                del fields[blamed]
            else:
                return None if wrong else made


_WRONG: Any = object()


def _bare(message: str, fields: Mapping[str, Any]) -> str:
    """Return what a config says without its own name before it, in words that fit a file."""
    owner, colon, rest = message.partition(": ")
    while colon and owner.isidentifier() and owner not in fields:
        message = rest
        owner, colon, rest = message.partition(": ")
    return message.replace("(None ", "(false ").replace("ResiliencePolicy.api()", 'preset = "api"')


def _kind_of_error(key: str) -> Any:
    """Return the category, code or exception type that a key of `backoff_for` stands for."""
    builtin = getattr(sys.modules["builtins"], key, None)
    if "." not in key and not isinstance(builtin, type):
        return key
    kind = named_type(key)
    if key.partition(".")[0] not in ("builtins", "holdfast") and "." in key:
        raise Wrong("cannot stand here: only categories, codes and built-in exceptions can; give it in code")
    return kind
