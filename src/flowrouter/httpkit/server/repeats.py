"""Heads known again by their bytes: most clients send the same one with every request of a connection.

Many write head and body apart, and what is large comes in several reads: what has come of such a request is held
for a moment, and if all of it comes in that time, and no more, it is taken as if it had come in one read.
"""

from __future__ import annotations

import re
from weakref import WeakValueDictionary

from flowrouter.httpkit.server.heads import RequestHead

GUESSES = 3
"""How many heads in a row are remembered, or held, for nothing: a client whose heads all differ, or whose bodies are
slow, is not worth the trouble."""

HELD_SECONDS = 0.05
"""How long a head waits for all of its body: who writes it in pieces writes one behind another."""

_RAW_MAX = 4 * 1024
"""A larger head is not remembered: a connection that idles shall not hold it."""

BODY_MAX = 256 * 1024
"""A larger body is not held: so much is taken in one read anyway, before anybody looks at it."""

_NO_HEAD = RequestHead("", "", b"", b"", "", {}, None, False, False)
_END = b"\r\n\r\n"
_DIGITS_MAX = 18
_DECLARED = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,%d})\r\n" % _DIGITS_MAX, re.IGNORECASE)

Told = tuple[RequestHead, dict[str, str], bytes | None]
"""What a request comes to: its head, its own headers, and its body; None is one that is waited for, with what it lacks."""


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
    exactly that, with exactly so much behind it, need not be taken apart again to mean the same. `held` are the reads
    of one that is not whole, with its `headers` and where its body starts, while so many bytes are `missing`.
    """

    __slots__ = ("guesses", "headers", "held", "missing", "pattern", "patterns", "start")

    def __init__(self, patterns: Patterns) -> None:
        self.patterns = patterns
        self.guesses = GUESSES
        self.start = 0
        self.headers: dict[str, str] | None = None
        self.forget()

    def __bool__(self) -> bool:
        """Return whether a head is known."""
        return self.pattern is not _UNKNOWN

    def told_by(self, data: bytes) -> Told | None:
        """Return what `data` comes to, if it is a request with this head and no more.

        What is not all of it is `held` from then on, until the rest comes or it is `let_go`.
        """
        if self.missing:
            return self._added_to_by(data)
        known = self.pattern
        end = data.find(known.behind, known.at, known.until)
        if end < 0 or not data.startswith(known.before):
            return None
        digits = data[known.at : end]
        start = end + known.size
        if not digits.isdigit():
            return None
        declared = int(digits)
        missing = declared - len(data) + start
        if missing and (missing < 0 or declared > BODY_MAX or not self.guesses):
            return None
        head = known.head
        headers = head.headers
        if digits != known.digits:
            headers = {**headers, "content-length": str(digits, "ascii")}
        if missing:
            self.missing, self.start, self.held, self.headers = missing, start, [data], headers
            return head, headers, None
        self.guesses = GUESSES
        return head, headers, data[start:]

    def _added_to_by(self, data: bytes) -> Told | None:
        """Return what is held comes to with `data`; None if that is more than it lacks."""
        missing = self.missing - len(data)
        if missing < 0:
            return None
        self.held.append(data)
        head = self.pattern.head
        headers = self.headers or head.headers
        if missing:
            self.missing = missing
            return head, headers, None
        first, *rest = self.held
        alone = len(first) == self.start and len(rest) == 1
        body = data if alone else b"".join([memoryview(first)[self.start :], *rest])
        self._drop()
        self.guesses = GUESSES
        return head, headers, body

    def let_go(self) -> bytes:
        """Return what is held of a request, if anything is, which is not waited for any longer."""
        held = b"".join(self.held)
        self._drop()
        return held

    def _drop(self) -> None:
        self.missing, self.held, self.headers = 0, [], None

    def forget(self) -> None:
        """Know no head any more."""
        self._drop()
        self.pattern = _UNKNOWN

    def remember(self, head: RequestHead, raw: bytes, *, most: int) -> tuple[RequestHead, dict[str, str]]:
        """Know `head`, which came as `raw`, again, unless another with its bytes may mean more.

        `most` is how many bytes a head may have. Return the head and its headers, where another connection knows
        the same those.
        """
        guesses = self.guesses
        if not (guesses or self):
            return head, head.headers
        around = _around(head, raw, most)
        known = around == (self.pattern.before, self.pattern.behind)
        if guesses:
            self.guesses = guesses - 1
        if not known:
            self.forget()
        if around is None or not (known or guesses):
            return head, head.headers
        return self._known_by(around, head)

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


__all__ = ["BODY_MAX", "GUESSES", "HELD_SECONDS", "KnownHead", "Pattern", "Patterns", "Told"]
