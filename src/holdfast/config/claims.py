"""What configurations have set under which names, and what was there before: so it can be put back, and by nobody else.

A name is claimed by each configuration that says something of it; there may be several, as managers of policies share
what the process has. When the last one lets go of it, what was there before is back.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from ..resilience.source import is_same
from ..typed import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


class Claim:
    """What is known of one name.

    `by`: what each configuration says of it. `before`: what was there before, None if nothing. `put`: what was put
    there; `coming`: what is going to be, be it by a policy; `is_made`: there was nothing; `is_unfinished`: putting it
    was interrupted.
    """

    __slots__ = ("before", "by", "coming", "is_made", "is_unfinished", "put")

    def __init__(self, before: Any) -> None:
        self.before = self.put = self.coming = before
        self.by: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
        self.is_made = self.is_unfinished = False

    def is_ours(self, there: object) -> bool:
        """Whether what is there now is what was put there, and not something that code has set since."""
        return self.is_unfinished or is_same(self.put, there) or is_same(self.coming, there)


class Holder(Protocol):
    """What holds the things of one section by name, and who has set what there."""

    claims: dict[str, Claim]

    def names(self) -> Iterable[str]:
        """All that are there."""
        ...

    def get(self, name: str) -> Any:
        """Return what is there under the name, as it is set; None if there is nothing."""
        ...

    def blended(self, name: str, thing: Any, before: Any) -> Any:
        """Return what is configured with all that only code can say, as what was there before says it."""
        ...

    def put(self, name: str, thing: Any) -> None:
        """Have the name stand for what is set so, with the state that it has."""
        ...

    def drop(self, name: str) -> None:
        """Have the name stand for nothing."""
        ...


_claims: WeakKeyDictionary[Any, dict[str, Claim]] = WeakKeyDictionary()


def claims_on(place: object) -> dict[str, Claim]:
    """Return the claims on names of one place where things are kept by name."""
    return _claims.setdefault(place, {})


def claim(holder: Holder, name: str, by: object, thing: Any) -> None:
    """Note what a configuration says of a name, and, unless that is its own work, what is there now."""
    there, known = holder.get(name), holder.claims.get(name)
    if known is None:
        known = holder.claims[name] = Claim(there)
    elif not known.is_ours(there):
        known.before, known.is_made = there, False
    known.by[by] = thing
    known.coming = holder.blended(name, thing, known.before)


def settle(holder: Holder, name: str, by: object, *, make: bool = True) -> None:
    """Have the name stand for what that configuration says of it; without `make`, only if it stands for something."""
    known, there = holder.claims[name], holder.get(name)
    thing = holder.blended(name, known.by[by], known.before)
    if there is None:
        if not make:
            known.put = known.coming = thing  # should it be made by a policy, it is made like that
            return
        known.is_made = True
    if known.is_unfinished or not is_same(there, thing):
        _put(holder, name, known, thing)
    known.put = known.coming = thing


def release(holder: Holder, name: str, by: object) -> None:
    """A configuration says nothing of the name any more."""
    known, there = holder.claims[name], holder.get(name)
    others = [each for each in known.by if each is not by]
    if there is not None and known.is_ours(there):
        if others:
            settle(holder, name, others[-1])
        elif known.before is not None:
            _put(holder, name, known, known.before)
        elif known.is_made:
            holder.drop(name)
    known.by.pop(by, None)  # last: what was interrupted is done again
    if not others:
        holder.claims.pop(name, None)


def _put(holder: Holder, name: str, known: Claim, thing: Any) -> None:
    known.is_unfinished, known.put, known.coming = True, thing, thing
    holder.put(name, thing)
    known.is_unfinished = False


def without(holder: Holder, by: object) -> dict[str, Any]:
    """Return what there would be by name without that configuration."""
    there = {}
    for name in holder.names():
        thing, known = holder.get(name), holder.claims.get(name)
        if known is not None and by in known.by and known.is_ours(thing):
            others = [said for each, said in list(known.by.items()) if each is not by]
            thing = others[-1] if others else known.before
        if thing is not None:
            there[name] = thing
    return there
