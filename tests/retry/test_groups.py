"""Groups of exceptions under a retry: several tasks have failed at once, and what each of them says counts."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support import Door, Script

from holdfast import with_retry
from holdfast.testing import VirtualClock


class BusyError(Exception):
    status_code = 503
    headers = {"Retry-After": "9"}


@pytest.mark.parametrize(
    ("members", "sleeps"),
    [
        ([ConnectionResetError(), TimeoutError()], [1, 2]),
        ([ConnectionResetError(), ValueError()], []),
        ([ExceptionGroup("inner", [TimeoutError()]), ConnectionResetError()], [1, 2]),
        ([ConnectionResetError(), ExceptionGroup("inner", [TimeoutError(), KeyError()])], []),
        ([ConnectionResetError(), BusyError()], [9, 9]),
    ],
    ids=["all may be", "one is a bug", "nested", "a bug nested", "one says when"],
)
def test_promise_16_a_group_is_tried_again_only_if_all_its_members_may_be(
    door: Door, clock: VirtualClock, members: list[Exception], sleeps: list[float]
) -> None:
    group: Any = ExceptionGroup("several tasks", members)
    script = Script(group)
    with pytest.raises(ExceptionGroup) as caught:
        door.run(with_retry(clock=clock)(door.function(script)))
    assert caught.value is group
    assert (clock.sleeps, script.calls) == (sleeps, len(sleeps) + 1)
