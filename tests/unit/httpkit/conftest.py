"""What tests of connections share."""

from __future__ import annotations

import pytest

from flowrouter.httpkit.server.connection import Connection


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Note what the parser gets to see."""
    seen: list[bytes] = []
    parse = Connection._parse  # pyright: ignore[reportPrivateUsage] - whether it is asked is the point

    def noted(self: Connection, data: bytes) -> None:
        seen.append(data)
        parse(self, data)

    monkeypatch.setattr(Connection, "_parse", noted)
    return seen
