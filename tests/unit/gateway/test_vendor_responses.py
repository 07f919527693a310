"""Asking a vendor about an answer it holds: only what belongs to the question goes along."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.config import Timeouts
from flowrouter.gateway.continuation import Kept
from flowrouter.gateway.vendor_responses import VendorResponses
from tests.playbooks.stage import Script, ScriptedTransport, account, world

HOST = account("host", "openai_responses")
KEPT = Kept(id="resp_1", account_id="host", model="m", vendor=True, previous=None, created=1.0)


async def asked(query: dict[str, str]) -> str:
    """Return the address that a question with `query` went to."""
    transport: Any = ScriptedTransport([Script(steps=[b'{"id":"resp_1"}'])])
    answer = await VendorResponses(transport, timeouts=Timeouts()).ask(
        KEPT, world(HOST), method="GET", part="/input_items", query=query
    )
    assert (answer.status, answer.body) == (200, b'{"id":"resp_1"}')
    return transport.requests[0].url


async def test_paging_goes_along() -> None:
    url = await asked({"limit": "2", "order": "asc", "after": "item/1", "include[]": "reasoning"})
    assert url == (
        "http://host.test/v1/responses/resp_1/input_items"
        "?limit=2&order=asc&after=item%2F1&include%5B%5D=reasoning"
    )


@pytest.mark.parametrize("name", ["key", "api_key", "token", "x"])
async def test_no_credential_of_the_caller_goes_along(name: str) -> None:
    assert await asked({name: "flr_canary"}) == "http://host.test/v1/responses/resp_1/input_items"
