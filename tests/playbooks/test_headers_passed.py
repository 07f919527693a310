"""The headers a client adds go on with each of its requests, and with nobody else's."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.playbooks.stage import House, Script, account, live
from tests.playbooks.test_translate import CLAUDE_ANSWER

CLAUDE = account("claude", "anthropic")
ASK = msgspec.json.encode({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]})


def sent(*asked: dict[str, str], accounts: Any = (CLAUDE,)) -> list[dict[str, str]]:
    """Return the headers that one house sends for clients that ask in turn with `asked`."""

    async def story(house: House) -> list[dict[str, str]]:
        for headers in asked:
            await house.ask("anthropic", ASK, headers=headers)
        assert len(house.present.known_requests) <= 1_000
        return [dict(request.headers) for request in house.transport.requests]

    return live(story, accounts=accounts, scripts=lambda _: Script(steps=[CLAUDE_ANSWER]))


def test_each_request_has_the_headers_of_its_own_client() -> None:
    betas = ["one-2025-01-01", "two-2025-01-01", "one-2025-01-01", None]
    found = sent(*({"anthropic-beta": beta} if beta else {} for beta in betas))
    assert [headers.get("anthropic-beta") for headers in found] == betas
    assert found[0] == found[2]


def test_a_version_of_its_own_goes_on() -> None:
    found = sent({"anthropic-version": "2024-01-01"}, {}, {"anthropic-version": "2024-01-01"})
    assert [headers["anthropic-version"] for headers in found] == ["2024-01-01", "2023-06-01", "2024-01-01"]


def test_a_value_that_no_header_may_hold_goes_nowhere() -> None:
    found = sent({"anthropic-beta": "näh"}, {"anthropic-beta": "näh"})
    assert ["anthropic-beta" in headers for headers in found] == [False, False]


def test_names_of_requests_are_never_kept() -> None:
    async def story(house: House) -> list[str]:
        for number in range(3):
            await house.ask("anthropic", ASK, headers={"idempotency-key": f"k{number}"})
        assert not house.present.known_requests
        return [dict(request.headers)["idempotency-key"] for request in house.transport.requests]

    good = Script(steps=[CLAUDE_ANSWER])
    assert live(story, accounts=(CLAUDE,), scripts=lambda _: good) == ["k0", "k1", "k2"]


def test_what_clients_make_up_is_kept_within_bounds() -> None:
    found = sent(*({"anthropic-beta": f"beta-{number}"} for number in range(1_050)))
    assert [headers["anthropic-beta"] for headers in found] == [f"beta-{number}" for number in range(1_050)]
    long = "x" * 2_000

    async def story(house: House) -> int:
        await house.ask("anthropic", ASK, headers={"anthropic-beta": long})
        assert dict(house.transport.requests[0].headers)["anthropic-beta"] == long
        return len(house.present.known_requests)

    assert live(story, accounts=(CLAUDE,), scripts=[Script(steps=[CLAUDE_ANSWER])]) == 0
