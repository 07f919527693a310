"""The shape of `[recording]`: whether bodies of requests and answers are kept, how much of them, how long."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from flowrouter.settings.section import Count, Section

RecordingMode = Literal["off", "keys", "errors", "all"]


class Recording(Section, frozen=True):
    """Whether what was said is kept beside the request log: sealed, without credentials, for some days.

    `mode`: `off`; `keys`, requests of keys whose policy says so; `errors`, what did not end well; `all`. A key
    whose policy says no is never recorded, nor is a request that asks not to be. Of each body at most
    `max_bytes` are kept.
    """

    mode: RecordingMode = "off"
    max_bytes: Annotated[int, msgspec.Meta(ge=1_000, le=64_000_000)] = 1_000_000
    days: Count = 7


__all__ = ["Recording", "RecordingMode"]
