"""Request ids are random and never handed out twice."""

from __future__ import annotations

import re

from flowrouter.api.call import Call
from flowrouter.clock import SystemClock


async def _never() -> None:
    raise AssertionError("nothing is read or sent here")


def _id() -> str:
    call = Call({"method": "GET"}, _never, _never, headers={}, path="/", clock=SystemClock())
    return call.request_id


def test_no_id_is_given_twice() -> None:
    ids = [_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert all(re.fullmatch(r"req_[0-9a-f]{24}", each) for each in ids)
