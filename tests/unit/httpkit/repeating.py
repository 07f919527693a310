"""Requests with the same head, whole or in pieces, and an application that notes what it is asked."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from tests.unit.httpkit.wire import Wire, length, live, piece, request, start, whole_body

POST = "POST /v1/x?a=b HTTP/1.1"
FIELDS = ("Authorization: Bearer k", "X-One: 1")


class Told:
    """Notes what it is asked and answers `yes`."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bytes, list[tuple[bytes, bytes]], bytes]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = await whole_body(receive)
        assert body is not None
        self.asked.append((scope["path"], scope["query_string"], scope["headers"], body))
        await send(start(200, length(3)))
        await send(piece(b"yes"))


def parts(body: bytes, *fields: str) -> tuple[bytes, bytes]:
    """Return a request's head and body."""
    head, blank, rest = request(POST, *(fields or FIELDS), body=body).partition(b"\r\n\r\n")
    return head + blank, rest


def cut(head: bytes, body: bytes, places: Iterable[int]) -> list[bytes]:
    """Return a request in pieces that end at `places` of its body."""
    size = len(body)
    ends = [0, *(len(head) + place % size for place in places), len(head) + size]
    return [(head + body)[begin:end] for begin, end in pairwise(ends)]


def asked_by(*pieces: bytes, apart: bool = False) -> list[Any]:
    """Return what the application hears of pieces on one connection, or of each on one of its own."""
    told = Told()

    async def story() -> None:
        wire = Wire(told)
        for each in pieces:
            wire = Wire(told) if apart else wire
            written = await wire.says(each)
        assert written.endswith(b"yes")

    live(story)
    return told.asked


__all__ = ["FIELDS", "POST", "Told", "asked_by", "cut", "parts"]
