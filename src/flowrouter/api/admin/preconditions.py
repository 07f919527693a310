"""ETags: what a caller has seen, and refusing a change of what is no longer so (RFC 9110).

A row that is `tagged` answers with an `ETag`. `If-Match` on a change names the version the caller has seen:
another one is refused with 412, none at all with 428 where `admin.require_if_match` asks for one.
`If-None-Match` saves reading again what is known (304), and on a PUT it makes sure that nothing is replaced.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec

from flowrouter.api.admin.call import AdminRoute, Call
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.errors import CallerError

_VERSION_MAX = 18
"""Digits of a version."""


def tag_of(value: Any, *, secret: bytes) -> str:
    """Return the ETag of what `value` says; with `secret` it tells nothing of what it was made of."""
    text = msgspec.json.encode(value, order="deterministic")
    return f'"{hmac.digest(secret, b"etag " + text, hashlib.sha256).hex()[:24]}"'


def version_tag(version: int) -> dict[str, str]:
    """Return the header of a thing that counts its versions."""
    return {"etag": f'"{version}"'}


def expected_version(call: Call, what: str) -> int | None:
    """Return the version that `If-Match` names, None for any; raises `CallerError` (412)."""
    seen = _tags(call.headers, "if-match")
    if seen is None or "*" in seen:
        return None
    given = seen[0].strip('"') if len(seen) == 1 and seen[0].startswith('"') else ""
    if not given.isascii() or not given.isdecimal() or len(given) > _VERSION_MAX:
        raise stale(f"`If-Match: {call.headers['if-match'][:40]}` is no version of the {what}", what)
    return int(given)


def refuse_other(call: Call, present: str | None, what: str) -> None:
    """Raise `CallerError` (412) unless `present`, a thing's ETag (None: there is none), is what the caller expects."""
    seen = _tags(call.headers, "if-match")
    if seen is not None and (present is None or not {"*", present} & set(seen)):
        raise stale(f"the {what} is not, or no longer, what `If-Match` says", what)
    unwanted = _tags(call.headers, "if-none-match")
    if unwanted is not None and present is not None and {"*", present} & set(map(_weak, unwanted)):
        raise stale(f"the {what} is there already", what)


def refuse_unseen(call: Call, row: AdminRoute) -> None:
    """Raise `CallerError` (428) for a change that names no version, where one has to."""
    if not row.tagged or row.method not in ("PUT", "PATCH", "DELETE"):
        return
    named = "if-match" in call.headers or (row.method == "PUT" and "if-none-match" in call.headers)
    if call.deps.config.admin.require_if_match and not named:
        raise refusal(
            "this gateway changes only what the caller has seen (`admin.require_if_match`)",
            status=428,
            code="precondition_required",
            fix="read it first and send its ETag as `If-Match`",
        )


def unchanged(reply: Reply, method: str, headers: Mapping[str, str]) -> Reply | None:
    """Return the 304 for a reader who has what `reply` tells."""
    known, tag = _tags(headers, "if-none-match"), reply.headers.get("etag")
    if method not in ("GET", "HEAD") or known is None or tag is None:
        return None
    if {"*", tag} & set(map(_weak, known)):
        return Reply(status=304, headers={"etag": tag})
    return None


def stale(message: str, what: str) -> CallerError:
    """Return the refusal of a change of something else than the caller has seen."""
    fix = f"read the {what} again and send its ETag"
    return refusal(message, status=412, code="precondition_failed", fix=fix)


def _tags(headers: Mapping[str, str], name: str) -> tuple[str, ...] | None:
    given = headers.get(name)
    return None if given is None else tuple(tag.strip() for tag in given.split(","))


def _weak(tag: str) -> str:
    """Return a tag without the mark of weakness, which does not count for readers."""
    return tag.removeprefix("W/")


__all__ = [
    "expected_version",
    "refuse_other",
    "refuse_unseen",
    "stale",
    "tag_of",
    "unchanged",
    "version_tag",
]
