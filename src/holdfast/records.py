"""Frozen records: the base class of every config, report and event.

A record is declared like a frozen, keyword-only dataclass and typed like one. The standard `dataclasses` module is not
used because importing it (it pulls in `inspect`, `ast` and `dis`) would cost more than importing all of holdfast.
"""

from __future__ import annotations

from enum import Enum
from types import MappingProxyType

from .typed import TYPE_CHECKING, dataclass_transform

if TYPE_CHECKING:
    import inspect
    from collections.abc import Collection, Iterable, Mapping
    from typing import Any, ClassVar, NoReturn, Self


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that `word` is most likely a misspelling of, or None.

    >>> nearest("agressive", ["default", "aggressive"])
    'aggressive'
    """
    import difflib

    by_folded = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Return a sentence part that offers what was probably meant and lists what is known, if anything is.

    What is meant is what other libraries call so, or else the nearest spelling.
    """
    names = sorted(known)
    if not names:
        return "none is known"
    return f"{likely(word, names) if isinstance(word, str) else ''}known: {', '.join(names)}"


def likely(word: str, names: Collection[str]) -> str:
    """Return a sentence part that offers what was probably meant, or "" if that is anybody's guess."""
    from .dialects import fields_for, note_on

    near = nearest(word, names)
    if near is not None and near.casefold() == word.casefold():
        return f"did you mean {str(near)!r}? "
    if note := note_on(word, names):
        return f"{note}; "
    meant = fields_for(word, names) or ([near] if near else [])
    return f"did you mean {' or '.join(repr(str(each)) for each in meant)}? " if meant else ""


class _SignatureOfFields:
    """Shows a record's fields to `help()` and `inspect.signature`, computed only when asked."""

    def __get__(self, instance: object, owner: type[Record]) -> inspect.Signature:
        import inspect

        return inspect.Signature(
            [
                inspect.Parameter(
                    name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=owner._defaults.get(name, inspect.Parameter.empty),  # noqa: SLF001  part of Record
                )
                for name in owner._fields
            ]
        )


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Record:
    """A frozen bag of named fields, made with keywords only.

    A subclass lists its fields as annotations, with defaults where there are any; names with a leading underscore and
    `ClassVar` are not fields. `_validate` is called once the fields are set and may replace them by normal forms.

    >>> class Point(Record):
    ...     x: float
    ...     y: float = 0.0
    >>> Point(x=1.0)
    Point(x=1.0)
    >>> Point(x=1.0).replace(y=2.0).as_dict()
    {'x': 1.0, 'y': 2.0}

    Raises `TypeError` for an unknown or a missing field, as a call with the wrong arguments does.
    """

    _fields: ClassVar[tuple[str, ...]] = ()
    _defaults: ClassVar[Mapping[str, Any]] = {}
    _error: ClassVar[type[Exception]] = TypeError
    __signature__: ClassVar[Any] = _SignatureOfFields()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = [
            name
            for name, kind in cls.__annotations__.items()
            if not name.startswith("_") and not str(kind).startswith("ClassVar")
        ]
        cls._fields = tuple(dict.fromkeys((*cls._fields, *own)))
        cls._defaults = {**cls._defaults, **{name: cls.__dict__[name] for name in own if name in cls.__dict__}}

    def __init__(self, *places: Any, **given: Any) -> None:
        values = self.__dict__
        values.update(self._defaults)
        values.update(given)
        if places or len(values) != len(self._fields) or not values.keys() >= set(self._fields):
            self._refuse(places, given)
        self._validate()

    def _refuse(self, places: tuple[Any, ...], given: Mapping[str, Any]) -> NoReturn:
        owner = type(self).__name__
        if places:
            is_named = isinstance(places[0], str) or "name" in given
            fields = [name for name in self._fields if is_named or name != "name"]
            meant = [
                name
                for place, name in enumerate(fields)
                if place < len(places) or name in given or name not in self._defaults
            ]
            told = ", ".join(f"{name}=..." for name in meant)
            raise TypeError(f"{owner} takes its fields by keyword: {owner}({told})")
        for name in given:
            if name not in self._fields:
                known = ", ".join(sorted(self._fields))
                offer = self._likely(name, given[name])
                raise self._error(f"{owner} has no field {name!r}; {offer}known: {known}")
        missing = [name for name in self._fields if name not in self.__dict__]
        raise self._error(f"{owner}: {', '.join(missing)} must be given")

    def _likely(self, name: str, value: object) -> str:  # noqa: ARG002  for those that have parts
        """Return a sentence part that offers what was probably meant by giving an unknown field this value."""
        return likely(name, self._fields)

    def _validate(self) -> None:
        """Check the fields and bring them into their normal form; nothing to do unless a subclass says so."""

    def replace(self, **changes: Any) -> Self:
        """Return a copy with these fields changed, checked as a new one would be."""
        return type(self)(**{**self._given(), **changes})

    def _given(self) -> dict[str, Any]:
        """The fields from which an equal record can be made."""
        return dict(self.__dict__)

    __replace__ = replace

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values that `json.dumps` takes: enums by value, callables by name."""
        return {name: plain(getattr(self, name)) for name in self._fields}

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: use .replace({name}=...) to get a changed copy")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        values = (getattr(self, name) for name in self._fields)
        return hash((type(self), *(frozenset(v.items()) if isinstance(v, MappingProxyType) else v for v in values)))

    def __reduce__(self) -> tuple[Any, ...]:
        # A read-only view of a dict cannot be pickled or deep-copied; the dict that it shows can.
        views = tuple(name for name, value in self.__dict__.items() if isinstance(value, MappingProxyType))
        shown = {name: dict(self.__dict__[name]) for name in views}
        return _rebuilt, (type(self), {**self.__dict__, **shown}, views)

    def __repr__(self) -> str:
        told = [
            f"{name}={value!r}"
            for name, value in ((name, getattr(self, name)) for name in self._fields)
            if name not in self._defaults or self._defaults[name] != value
        ]
        return f"{type(self).__name__}({', '.join(told)})"


def _rebuilt(kind: type[Record], values: dict[str, Any], views: tuple[str, ...]) -> Record:
    record = kind.__new__(kind)
    record.__dict__.update(values)
    record.__dict__.update({name: MappingProxyType(values[name]) for name in views})
    return record


def plain(value: Any) -> Any:
    """Return a value made only of what JSON knows: records as dicts, enums by value, sets sorted, callables by name."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, str):
        return value
    if isinstance(value, Record):
        return value.as_dict()
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "items"):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return getattr(value, "__qualname__", None) or repr(value)
