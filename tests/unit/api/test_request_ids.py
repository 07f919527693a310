"""Request ids are random and never handed out twice."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import cast

import pytest

from flowrouter.api import call as module
from flowrouter.api.call import Entry, call_of
from flowrouter.clock import Clock, SystemClock
from flowrouter.httpkit.visit import Visit
from tests.contracts.fakes import FakeClock


def _id(clock: Clock) -> str:
    visit = SimpleNamespace(headers={}, query=b"")
    return call_of(cast("Visit", visit), Entry("/"), clock=clock).request_id


def test_no_id_is_given_twice() -> None:
    clock = SystemClock()
    ids = [_id(clock) for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert all(re.fullmatch(r"req_[0-9a-f]{24}", each) for each in ids)


def test_ids_begin_alike_for_a_moment_and_tell_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ids", type(module._ids)())  # others have not asked it by another clock
    clock = FakeClock()
    begins: list[str] = []
    for _ in range(50):
        clock.advance(1.0)
        of_a_moment = {_id(clock)[:8] for _ in range(10)}
        assert len(of_a_moment) == 1
        begins += of_a_moment
    assert len(set(begins)) > 25, "each moment draws its own"
    assert begins != sorted(begins)
