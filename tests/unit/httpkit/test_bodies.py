"""Request bodies: whole, bounded after every step, and refused in the right words."""

from __future__ import annotations

import asyncio
import gzip
import os
import tracemalloc
import zlib
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.errors import CallerError
from flowrouter.httpkit.bodies import ClientGoneError, declared_length, read_body

MIB = 1024 * 1024


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def zstd_streamed(data: bytes) -> bytes:
    packer = zstandard.ZstdCompressor().compressobj()
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "gzip members": ("gzip", lambda data: gzip.compress(data[:7]) + gzip.compress(data[7:])),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "brotli": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.ZstdCompressor().compress),
    "zstd without size": ("zstd", zstd_streamed),
    "zstd frames": (
        "zstd",
        lambda data: (
            zstandard.ZstdCompressor().compress(data[:7]) + zstandard.ZstdCompressor().compress(data[7:])
        ),
    ),
}
packings = pytest.mark.parametrize("packing", PACKERS)


class Client:
    """A client that sends pieces and counts how many were taken."""

    def __init__(self, *pieces: bytes, leaves: bool = False) -> None:
        self._pieces = list(pieces)
        self._leaves = leaves
        self.taken = 0

    async def receive(self) -> dict[str, Any]:
        if self.taken == len(self._pieces):
            return {"type": "http.disconnect"}
        piece = self._pieces[self.taken]
        self.taken += 1
        more = self._leaves or self.taken < len(self._pieces)
        return {"type": "http.request", "body": piece, "more_body": more}


def read(*pieces: bytes, limit: int = MIB, **headers: str) -> bytes:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return asyncio.run(read_body(Client(*pieces).receive, names, limit=limit))


def refusal(*pieces: bytes, limit: int = MIB, **headers: str) -> CallerError:
    with pytest.raises(CallerError) as caught:
        read(*pieces, limit=limit, **headers)
    return caught.value


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[begin:end] for begin, end in pairwise(edges)]


BODY = b'{"messages":[{"role":"user","content":"' + "héllo ".encode() * 40 + b'"}]}'


def test_plain_body_in_pieces() -> None:
    assert read(b'{"a"', b"", b":1}") == b'{"a":1}'
    assert read(b"") == b""
    assert read(b"x", content_encoding="identity") == b"x"


@packings
def test_packed_body(packing: str) -> None:
    encoding, pack = PACKERS[packing]
    assert read(pack(BODY), content_encoding=encoding) == BODY
    assert read(pack(BODY), content_encoding=encoding.upper()) == BODY


@packings
def test_packed_body_byte_by_byte(packing: str) -> None:
    encoding, pack = PACKERS[packing]
    packed = pack(BODY)
    assert read(*(packed[at : at + 1] for at in range(len(packed))), content_encoding=encoding) == BODY


@given(st.binary(max_size=200), st.lists(st.integers(0, 400), max_size=5), st.sampled_from(sorted(PACKERS)))
def test_any_bytes_cut_anywhere(data: bytes, places: list[int], packing: str) -> None:
    encoding, pack = PACKERS[packing]
    assert read(*cut(pack(data), places), content_encoding=encoding) == data


@packings
def test_incompressible_body_of_the_limits_size(packing: str) -> None:
    encoding, pack = PACKERS[packing]
    data = os.urandom(100_000)
    packed = pack(data)
    assert read(packed, limit=len(packed), content_encoding=encoding) == data


def test_stacked_encodings_come_off_in_reverse() -> None:
    packed = brotli.compress(gzip.compress(zlib.compress(BODY)))
    assert read(*cut(packed, [10, 50]), content_encoding="deflate, gzip,br") == BODY
    assert read(gzip.compress(BODY), content_encoding="identity, gzip, ") == BODY


@packings
def test_truncated(packing: str) -> None:
    encoding, pack = PACKERS[packing]
    packed = pack(BODY)
    for length in (1, len(packed) // 2, len(packed) - 1):
        error = refusal(packed[:length], content_encoding=encoding)
        assert (error.status, error.code) == (400, None)


@packings
def test_damaged(packing: str) -> None:
    encoding, pack = PACKERS[packing]
    packed = pack(BODY)
    for bad in (
        b"{" + packed,
        packed + b"garbage behind it",
        packed[:-4] + b"\x00\x01\x02\x03",
        b'{"plain":"json"}',
    ):
        assert refusal(bad, content_encoding=encoding).status == 400


@given(
    st.binary(min_size=1, max_size=60),
    st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, zstd", "br, br"]),
)
def test_any_bytes_are_a_body_or_a_refusal(data: bytes, encoding: str) -> None:
    status = 200
    try:
        read(data, content_encoding=encoding)
    except CallerError as error:
        status = error.status
    assert status in (200, 400, 413)


@pytest.mark.parametrize("encoding", ["compress", "zip", "gzip;q=1", "gzip deflate", "*", "br, rot13"])
def test_unknown_encoding(encoding: str) -> None:
    client = Client(b"{}")
    with pytest.raises(CallerError) as caught:
        asyncio.run(read_body(client.receive, {"content-encoding": encoding}, limit=MIB))
    assert caught.value.status == 415
    assert client.taken == 0


def test_too_many_encodings() -> None:
    assert refusal(b"{}", content_encoding=", ".join(["gzip"] * 50)).status == 415


def test_declared_length_is_refused_before_reading() -> None:
    client = Client(b"x")
    with pytest.raises(CallerError) as caught:
        asyncio.run(read_body(client.receive, {"content-length": str(MIB + 1)}, limit=MIB))
    assert (caught.value.status, caught.value.code) == (413, "request_too_large")
    assert client.taken == 0
    assert read(b"x", content_length=str(MIB)) == b"x"


@pytest.mark.parametrize("text", ["", "-1", "²", "١", "9" * 5_000, "1e3", "0x10", " 5", "5, 5"])
def test_odd_lengths_are_no_lengths(text: str) -> None:
    assert declared_length({"content-length": text}) is None
    assert read(b"x", content_length=text) == b"x"


def test_undeclared_length_is_bounded_too() -> None:
    client = Client(*[b"x" * 1_000] * 50)
    with pytest.raises(CallerError) as caught:
        asyncio.run(read_body(client.receive, {}, limit=10_000))
    assert caught.value.status == 413
    assert client.taken == 11


BOMB = b"\0" * (64 * MIB)


@pytest.mark.parametrize("packing", ["gzip", "deflate", "raw deflate", "brotli", "zstd", "zstd without size"])
@pytest.mark.parametrize("size", [64 * 1024, 10**9], ids=["pieces", "whole"])
def test_bomb(packing: str, size: int) -> None:
    encoding, pack = PACKERS[packing]
    packed = pack(BOMB)
    pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
    tracemalloc.start()
    try:
        error = refusal(*pieces, limit=MIB, content_encoding=encoding)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (error.status, error.code) == (413, "request_too_large")
    assert peak < 24 * MIB


def test_bomb_in_a_bomb() -> None:
    packed = gzip.compress(gzip.compress(gzip.compress(BOMB * 2)))
    assert refusal(packed, limit=MIB, content_encoding="gzip, gzip, gzip").status == 413


def test_a_step_between_is_bounded_as_well() -> None:
    """What unpacks to much on the way and to nothing at the end must not be held either."""
    members = gzip.compress(gzip.compress(b"") * 200_000)
    assert refusal(members, limit=MIB, content_encoding="gzip, gzip").status == 413


def test_bytes_that_unpack_to_nothing_are_bounded() -> None:
    blocks = raw_deflate(b"")[:-2] + b"\x00\x00\x00\xff\xff" * 1_000
    client = Client(*[gzip.compress(b"") * 50] * 100, leaves=True)
    with pytest.raises(CallerError) as caught:
        asyncio.run(read_body(client.receive, {"content-encoding": "gzip"}, limit=10_000))
    assert caught.value.status == 413
    assert refusal(*[blocks] * 10, limit=10_000, content_encoding="deflate").status in (400, 413)


def test_zstd_window_beyond_the_standard_is_refused() -> None:
    settings = zstandard.ZstdCompressionParameters(window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=settings).compressobj()
    assert refusal(packer.compress(b"abc") + packer.flush(), content_encoding="zstd").status == 400


@pytest.mark.parametrize("encoding", ["", "gzip", "br", "zstd", "deflate"])
def test_no_body_at_all(encoding: str) -> None:
    assert read(b"", content_encoding=encoding) == b""


def test_client_that_leaves() -> None:
    for pieces in ((), (b'{"a":',)):
        with pytest.raises(ClientGoneError):
            asyncio.run(read_body(Client(*pieces, leaves=True).receive, {}, limit=MIB))
