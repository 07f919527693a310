"""One failure, said once: what every dialect's error envelope is rendered from."""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.canonical.dialect import Dialect


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A failure as a caller hears of it.

    `status` is the HTTP status (of the envelope when the stream's own is already 200). `kind` is
    the vendor's error type, kept for its own dialect (`origin`); other dialects derive theirs from
    the status. `code`, `param` and `details` as in OpenAI's and Anthropic's envelopes. `retry`
    answers "should the client try again?" (None: its own rules), `retry_after` in seconds.
    """

    status: int
    message: str
    kind: str | None = None
    code: str | None = None
    param: str | None = None
    details: dict[str, Any] | None = None
    origin: Dialect | None = None
    retry: bool | None = None
    retry_after: float | None = None


__all__ = ["Problem"]
