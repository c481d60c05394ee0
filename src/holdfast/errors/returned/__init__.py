"""Failures that are returned: which classes of client libraries tell of them, and which shapes of bare dicts.

A bare dict may be anybody's data. It is looked into only if it has one of the keys in `SHAPES`, and judged only if all
that belongs to such a reply is there, with the right types: `{"error": "name is missing"}`, `{"errors": 3}` or
`{"status": 503}` are nobody's protocol, and so no failures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .batches import BATCH_SHAPES, BATCHES, refused_recipients
from .models import MODEL_SHAPES, MODELS
from .replies import REPLIES, REPLY_SHAPES
from .services import SERVICE_SHAPES, SERVICES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..classification import Classification
    from ..recognition import Table

KNOWN_RESULTS: Table = {**REPLIES, **SERVICES, **BATCHES, **MODELS}
"""By class names, as exceptions are known; all rules are functions, and None says: no failure."""

SHAPES: tuple[tuple[str, Callable[[Any], Classification | None]], ...] = (
    *REPLY_SHAPES,
    *SERVICE_SHAPES,
    *BATCH_SHAPES,
    *MODEL_SHAPES,
)
"""A key that a dict must have for a rule to be asked, and the rule."""

_KEYS = frozenset(key for key, _rule in SHAPES)
_FEW = 64
"""A dict of so many keys is looked through for ours; in a larger one each of ours is looked up."""

_contains = dict.__contains__


def by_shape(value: dict[Any, Any]) -> Classification | None:
    """Judge a bare dict by its shape; None if it is no failure, or not unmistakably one."""
    if len(value) > _FEW or type(value) is not dict or not _KEYS.isdisjoint(value):
        for key, rule in SHAPES:
            if _contains(value, key):
                found = rule(value)
                if found is not None:
                    return found
    return refused_recipients(value)


__all__ = ["KNOWN_RESULTS", "SHAPES", "by_shape", "refused_recipients"]
