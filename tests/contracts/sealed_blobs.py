"""The contract of `SealedBlobs`."""

from __future__ import annotations

import pytest

from flowrouter.gateway.ports import SealedBlobs
from tests.contracts.fakes import START, FakeClock


class SealedBlobsContract:
    """Subclass it and override `blobs`; it must tell time by `clock`."""

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def blobs(self, clock: FakeClock) -> SealedBlobs:
        raise NotImplementedError

    async def test_value_comes_back(self, blobs: SealedBlobs) -> None:
        await blobs.put("local", "reasoning", "1", value=b"first")
        await blobs.put("local", "reasoning", "1", value=b"second \x00\xff")
        assert await blobs.get("local", "reasoning", "1") == b"second \x00\xff"

    async def test_others_see_nothing(self, blobs: SealedBlobs) -> None:
        await blobs.put("a", "reasoning", "1", value=b"secret")
        assert await blobs.get("b", "reasoning", "1") is None
        assert await blobs.get("a", "responses", "1") is None
        assert not await blobs.delete("b", "reasoning", "1")
        assert await blobs.get("a", "reasoning", "1") == b"secret"

    async def test_places_that_look_alike(self, blobs: SealedBlobs) -> None:
        places = [("a/b", "c", "d"), ("a", "b/c", "d"), ("a", "b", "c/d"), ("a%2Fb", "c", "d")]
        for number, place in enumerate(places):
            await blobs.put(*place, value=b"%d" % number)
        assert [await blobs.get(*place) for place in places] == [b"0", b"1", b"2", b"3"]

    async def test_value_expires(self, blobs: SealedBlobs, clock: FakeClock) -> None:
        await blobs.put("a", "k", "1", value=b"x", expires_at_ms=int(START * 1000) + 1_000)
        assert await blobs.get("a", "k", "1") == b"x"
        clock.advance(1.0)
        assert await blobs.get("a", "k", "1") is None
        assert not await blobs.delete("a", "k", "1")

    async def test_delete_tells_what_was_there(self, blobs: SealedBlobs) -> None:
        await blobs.put("a", "k", "1", value=b"x")
        assert await blobs.delete("a", "k", "1")
        assert not await blobs.delete("a", "k", "1")
        assert await blobs.get("a", "k", "1") is None
