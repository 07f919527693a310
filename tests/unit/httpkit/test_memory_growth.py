"""Bodies that turn out larger than they said still count against the memory in flight."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from flowrouter.errors import CallerError
from flowrouter.httpkit.bodies import declared_length, read_body
from flowrouter.httpkit.memory import MemoryGate

MIB = 1024 * 1024


def sends(*pieces: bytes) -> Any:
    waiting = list(pieces)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    return receive


@pytest.mark.parametrize(
    ("headers", "pieces"),
    [
        ({"transfer-encoding": "chunked"}, [b"x" * MIB] * 6),
        ({"content-length": "9000", "content-encoding": "gzip"}, [gzip.compress(b"x" * 6 * MIB)]),
    ],
)
async def test_a_body_that_grows_is_refused_once_others_need_the_memory(
    headers: dict[str, str], pieces: list[bytes]
) -> None:
    gate = MemoryGate(8 * MIB)
    with gate.hold(5 * MIB):
        with pytest.raises(CallerError) as refused, gate.hold(declared_length(headers)) as share:
            await read_body(sends(*pieces), headers, limit=64 * MIB, cover=share.cover)
        assert refused.value.status == 503
        assert refused.value.retry_after
        assert gate.held == 5 * MIB
    with gate.hold(declared_length(headers)) as share:
        assert len(await read_body(sends(*pieces), headers, limit=64 * MIB, cover=share.cover)) == 6 * MIB
        assert gate.held == 6 * MIB
    assert gate.held == 0


async def test_a_request_that_is_alone_may_take_it_all() -> None:
    gate = MemoryGate(2 * MIB)
    with gate.hold(None) as share:
        body = await read_body(sends(*[b"x" * MIB] * 6), {}, limit=64 * MIB, cover=share.cover)
        assert len(body) == 6 * MIB
    assert gate.held == 0


def test_a_refused_share_leaves_nothing_held() -> None:
    gate = MemoryGate(2 * MIB)
    with gate.hold(2 * MIB):
        with pytest.raises(CallerError), gate.hold(1):
            pass
        assert gate.held == 2 * MIB
    assert gate.held == 0
