"""What a client cannot do by itself: scenarios that make no sense for it, and its own limits, each with the reason.

A limit is believed only where the client fails in the same way at its own vendor without a gateway: the run tries
both, and a limit that is none any more fails the test that names it.
"""

from __future__ import annotations

NOT_APPLICABLE: dict[tuple[str, str], str] = {}

LIMITS: dict[tuple[str, str], str] = {}
