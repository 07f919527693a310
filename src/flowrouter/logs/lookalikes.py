"""What a secret looks like in a line of the log, and how a known one may be spelled there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import msgspec

HIDDEN = "***"
"""Stands where a secret was."""

_PIECE = 16 * 1024
_LONGEST_PIECE = 256 * 1024
_CUT = re.compile("[,;]")

# The regular expression below runs only on lines that hold one of these.
_MARKS = (
    "sk-", "flr_", "earer", "asic ", "uthorization", "UTHORIZATION", "key", "KEY", "Key", "AIza", "oken", "ecret",
    "assword", "@", "eyJ", "gsk_", "xai-", "hf_", "AKIA", "pplx-", "nvapi-", "ghp_", "ookie", "_session", "code=",
    "_TOKEN", "_SECRET", "_PASSWORD",
)  # fmt: skip
_SECRET = re.compile(
    r"""
      (?P<scheme> \b(?:bearer|basic)\s+ ) [^\s"',;\\]{8,}
    | (?P<field> (?<![a-z]) (?: (?:proxy-)?authorization | x-goog-api-key | (?:x-)?api[-_]?key | (?<=[?&])key
        | (?:access|refresh|id|auth)[-_]?token | token | (?:client[-_]?)?secret | password | (?<=[?&])code
        | (?:set-)?cookie | flow_router_session | (?-i:(?<![A-Z0-9_])[A-Z][A-Z0-9_]{0,60}_(?:KEY|TOKEN|SECRET|PASSWORD)) ) )
      (?P<between> \\*["']?\s*[:=]\s*\\*["']? ) (?: (?:bearer|basic)\s+ )? [^\s"',;&\\}\])]+
    | (?P<user> ://[^\s/@:"']{0,200}: ) [^\s/"']+ (?=@)
    | \b(?: sk-[A-Za-z0-9_-]{8,} | flr_[0-9a-f]{8,} | AIza[A-Za-z0-9_-]{20,} | gsk_[A-Za-z0-9]{16,}
        | xai-[A-Za-z0-9]{16,} | hf_[A-Za-z0-9]{16,} | AKIA[A-Z0-9]{12,} | (?:pplx-|nvapi-|ghp_)[A-Za-z0-9_-]{16,}
        | eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,} )
    """,
    re.IGNORECASE | re.VERBOSE,
)


def without_lookalikes(text: str) -> str:
    """Return `text` without what looks like a secret."""
    if len(text) <= _PIECE:
        return _short(text)
    return "".join(_short(piece) for piece in _pieces(text))


def _short(text: str) -> str:
    for mark in _MARKS:  # of each line that is written; a generator takes twice as long
        if mark in text:
            return _SECRET.sub(_hidden, text)
    return text


def _pieces(text: str) -> Iterator[str]:
    """Yield `text` in pieces, cut where nothing that looks like a secret goes on.

    One search through a long text would keep every other thread waiting for its end.
    """
    start = 0
    while start < len(text):
        found = _CUT.search(text, start + _PIECE, start + _LONGEST_PIECE)
        end = found.end() if found is not None else start + _LONGEST_PIECE
        yield text[start:end]
        start = end


def _hidden(found: re.Match[str]) -> str:
    kept = (found[name] or "" for name in ("scheme", "field", "between", "user"))
    return "".join(kept) + HIDDEN


def spelled(secret: str) -> set[str]:
    """Return how `secret` may stand in a line: as it is, in JSON, in a URL."""
    return {secret, msgspec.json.encode(secret).decode()[1:-1], quote(secret, safe=""), quote_plus(secret)}


__all__ = ["HIDDEN", "spelled", "without_lookalikes"]
