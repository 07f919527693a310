"""Requests for a mounted host reach its transport, all others the network."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.upstream.mounts import Mounts
from flowrouter.wire.http import HttpRequest


class Named:
    """A transport that answers with its name."""

    def __init__(self, name: str, journal: list[str]) -> None:
        self._name = name
        self._journal = journal

    async def send(self, request: HttpRequest) -> Any:
        return self._name

    async def close(self) -> None:
        self._journal.append(self._name)


@pytest.mark.parametrize(
    ("url", "answered_by"),
    [
        ("http://own.invalid/v1/messages", "mounted"),
        ("http://own.invalid", "mounted"),
        ("https://api.example/v1/own.invalid/", "network"),
        ("http://own.invalid:81/v1", "network"),
        ("http://own.invalid.example/v1", "network"),
    ],
)
async def test_the_host_decides(url: str, answered_by: str) -> None:
    mounts = Mounts(Named("network", []))
    request = HttpRequest(method="GET", url=url, headers=())
    assert await mounts.send(request) == "network", "nothing is mounted yet"
    mounts.mount("own.invalid", Named("mounted", []))
    assert await mounts.send(request) == answered_by


async def test_the_network_is_closed_last() -> None:
    journal: list[str] = []
    mounts = Mounts(Named("network", journal))
    mounts.mount("a.invalid", Named("a", journal))
    mounts.mount("b.invalid", Named("b", journal))
    await mounts.close()
    assert journal == ["a", "b", "network"]
