"""Heads known again by their bytes: most clients send the same one with every request of a connection.

Many write head and body apart, so that a read may end with the head. Such a one is held for a moment: if what comes
next is its body, all of it, the two are taken as if they had come together.
"""

from __future__ import annotations

import re
from weakref import WeakValueDictionary

from flowrouter.httpkit.server.heads import RequestHead

GUESSES = 3
"""How many heads in a row are remembered for nothing: a client whose heads all differ is not worth the trouble."""

HELD_SECONDS = 0.05
"""How long a head waits for its body: who writes the two apart does so at once."""

_RAW_MAX = 4 * 1024
"""A larger head is not remembered: a connection that idles shall not hold it."""

_BODY_MAX = 256 * 1024
"""A larger body hardly comes in one read."""

_NO_HEAD = RequestHead("", "", b"", b"", "", {}, None, False, False)
_END = b"\r\n\r\n"
_DIGITS_MAX = 18
_DECLARED = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,%d})\r\n" % _DIGITS_MAX, re.IGNORECASE)

Told = tuple[RequestHead, dict[str, str], bytes | None]
"""What a request comes to: its head, its own headers, and its body; None is one that is waited for."""


class Pattern:
    """A head as bytes: before the digits of its body's length, and behind them.

    Where nothing is known `behind` is looked for in no bytes at all.
    """

    __slots__ = ("__weakref__", "at", "before", "behind", "digits", "head", "size", "until")

    def __init__(self, head: RequestHead, digits: bytes, around: tuple[bytes, bytes]) -> None:
        self.head, self.digits = head, digits
        self.before, self.behind = around
        self.at, self.size = len(self.before), len(self.behind)
        self.until = self.at + _DIGITS_MAX + self.size


Patterns = WeakValueDictionary[tuple[bytes, bytes], Pattern]
"""What the connections of a process know, while they do: a program opens many, and says the same on all."""

_UNKNOWN = Pattern(_NO_HEAD, b"", (b"", _END))
_UNKNOWN.until = 0


class KnownHead:
    """The last head of a connection, told again by its `pattern`.

    Most clients send the same head with every request of a connection, the length of the body apart. What is
    exactly that, with exactly so much behind it, need not be taken apart again to mean the same. `held` is one that
    came alone, with its `headers`, while so many bytes are `missing`.
    """

    __slots__ = ("guesses", "headers", "held", "missing", "pattern", "patterns")

    def __init__(self, patterns: Patterns) -> None:
        self.patterns = patterns
        self.guesses = GUESSES
        self.held = b""
        self.headers: dict[str, str] | None = None
        self.forget()

    def __bool__(self) -> bool:
        """Return whether a head is known."""
        return self.pattern is not _UNKNOWN

    def told_by(self, data: bytes) -> Told | None:
        """Return what `data` comes to, if it is a request with this head, all of it and no more.

        The head alone is `held` from then on, until its body comes or it is `let_go`.
        """
        if self.missing:
            return self._completed_by(data)
        known = self.pattern
        end = data.find(known.behind, known.at, known.until)
        if end < 0 or not data.startswith(known.before):
            return None
        digits = data[known.at : end]
        start = end + known.size
        if not digits.isdigit():
            return None
        missing = int(digits) - len(data) + start
        if missing and (start < len(data) or missing > _BODY_MAX):
            return None
        head = known.head
        headers = head.headers
        if digits != known.digits:
            headers = {**headers, "content-length": str(digits, "ascii")}
        if missing:
            self.missing, self.held, self.headers = missing, data, headers
            return head, headers, None
        self.guesses = GUESSES
        return head, headers, data[start:]

    def _completed_by(self, body: bytes) -> Told | None:
        """Return what the head that is held comes to with its body; None if this is not it, all of it and no more."""
        if len(body) != self.missing:
            return None
        head = self.pattern.head
        headers = self.headers or head.headers
        self.let_go()
        self.guesses = GUESSES
        return head, headers, body

    def let_go(self) -> bytes:
        """Return the head that is held, if one is, whose body is not waited for any longer."""
        held = self.held
        self.missing, self.held, self.headers = 0, b"", None
        return held

    def forget(self) -> None:
        """Know no head any more."""
        self.let_go()
        self.pattern = _UNKNOWN

    def remember(self, head: RequestHead, raw: bytes, *, most: int) -> tuple[RequestHead, dict[str, str]]:
        """Know `head`, which came as `raw`, again, unless another with its bytes may mean more.

        `most` is how many bytes a head may have. Return the head and its headers, where another connection knows
        the same those.
        """
        self.forget()
        if self.guesses:
            self.guesses -= 1
            around = _around(head, raw, most)
            if around is not None:
                return self._known_by(around, head)
        return head, head.headers

    def _known_by(self, around: tuple[bytes, bytes], head: RequestHead) -> tuple[RequestHead, dict[str, str]]:
        digits = head.headers["content-length"].encode()
        pattern = self.patterns.get(around)
        if pattern is None:
            pattern = self.patterns[around] = Pattern(head, digits, around)
        self.pattern = pattern
        return pattern.head, (pattern.head if digits == pattern.digits else head).headers


def _around(head: RequestHead, raw: bytes, most: int) -> tuple[bytes, bytes] | None:
    """Return what stands before and behind the length in `raw`, None where that does not tell all of `head`."""
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
    return raw[: length.start(1)], raw[length.end(1) :]


__all__ = ["GUESSES", "HELD_SECONDS", "KnownHead", "Pattern", "Patterns", "Told"]
