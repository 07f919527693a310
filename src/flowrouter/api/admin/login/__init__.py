"""Logging in to `/api`: passwords, OpenID Connect, and what holds guessing back.

`routes` answers; `passwords` hashes, `throttle` slows guesses down, `claims` judges what a provider says
about somebody (no I/O), `provider` fetches it, `rows` is this package's part of the route table. What
comes of a login is a session (`flowrouter.api.admin.sessions`).
"""

from __future__ import annotations

__all__: list[str] = []
