"""Headers as text by name: what a request's come to, and an answer's as the lines that leave."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat

_NAME_LENGTH = 64
_NAMES_MAX = 512


class _Names(dict[bytes, str]):
    """Names of headers as text in lower case; those that were met are kept, as far as they are like common ones."""

    def __missing__(self, raw: bytes) -> str:
        name = raw.decode("latin-1").lower()
        if len(raw) <= _NAME_LENGTH:
            if len(self) >= _NAMES_MAX:
                self.clear()
            self[raw] = name
        return name


_names = _Names()
_name_of = _names.__getitem__
_LATIN = repeat("latin-1")


def headers_of(names: Sequence[bytes], values: Sequence[bytes]) -> dict[str, str]:
    """Return the headers by lower-case name; repeated ones are joined as HTTP allows."""
    headers = dict(zip(map(_name_of, names), map(str, values, _LATIN), strict=False))
    if len(headers) < len(names):
        headers.clear()
        for raw, text in zip(names, map(str, values, _LATIN), strict=False):
            name = _name_of(raw)
            headers[name] = f"{headers[name]}, {text}" if name in headers else text
    return headers


def lines_of(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return headers as they leave: each begins with the end of the line before it."""
    return b"".join([b"\r\n%b: %b" % pair for pair in pairs])


def pairs_of(lines: bytes) -> list[tuple[bytes, bytes]]:
    """Return what `lines_of` was given."""
    split = [line.partition(b": ") for line in lines.split(b"\r\n")[1:]]
    return [(name, value) for name, _, value in split]


__all__ = ["headers_of", "lines_of", "pairs_of"]
