"""Heads known again by their bytes: most clients send the same one with every request of a connection."""

from __future__ import annotations

import re

import msgspec

from flowrouter.httpkit.server.heads import RequestHead

GUESSES = 3
"""How many heads in a row are remembered for nothing: a client whose heads all differ is not worth the trouble."""

_RAW_MAX = 4 * 1024
"""A larger head is not remembered: a connection that idles shall not hold it."""

_END = b"\r\n\r\n"
_DIGITS_MAX = 18
_DECLARED = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,%d})\r\n" % _DIGITS_MAX, re.IGNORECASE)


class Repeated(msgspec.Struct, frozen=True, eq=False):
    """A head that the parser took, as bytes: before the digits of its body's length, and behind them.

    Most clients send the same head with every request of a connection, that number apart. What is exactly that,
    with exactly so much behind it, need not be taken apart again to mean the same.
    """

    head: RequestHead
    before: bytes
    behind: bytes
    digits: bytes
    at: int
    until: int
    size: int

    def told_by(self, data: bytes) -> tuple[dict[str, str], bytes] | None:
        """Return headers and body, if `data` is a request with this head, all of it and no more."""
        end = data.find(self.behind, self.at, self.until)
        if end < 0 or not data.startswith(self.before):
            return None
        digits = data[self.at : end]
        start = end + self.size
        if not digits.isdigit() or int(digits) != len(data) - start:
            return None
        headers = self.head.headers
        if digits != self.digits:
            headers = {**headers, "content-length": str(digits, "ascii")}
        return headers, data[start:]


def repeated(head: RequestHead, raw: bytes, *, most: int) -> Repeated | None:
    """Return how `head`, which came as `raw`, is known again; None where another with its bytes may mean more.

    `most` is how many bytes a head may have.
    """
    if len(raw) > min(_RAW_MAX, most) - _DIGITS_MAX:
        return None
    length = _DECLARED.search(raw)
    if length is None or head.fields is not None or head.expects or "transfer-encoding" in head.headers:
        return None
    if length[1] != head.headers.get("content-length", "").encode():
        return None
    # The parser passes over line ends around a request: with some in the read, `raw` is not the head alone.
    if not raw.startswith(head.method.encode()) or raw.find(_END) != len(raw) - len(_END):
        return None
    before, behind = raw[: length.start(1)], raw[length.end(1) :]
    at, size = len(before), len(behind)
    return Repeated(head, before, behind, length[1], at, at + _DIGITS_MAX + size, size)


__all__ = ["GUESSES", "Repeated", "repeated"]
