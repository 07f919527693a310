"""Accounts with access tokens on their way through the pipeline: refused, renewed, asked again, or passed over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from flowrouter import logs
from flowrouter.accounts.account import Account
from flowrouter.accounts.refresh import Refresher
from flowrouter.tasks import TaskGroup
from flowrouter.wire.http import HttpRequest
from tests.playbooks.stage import House, Script, VirtualClock, account, live
from tests.playbooks.test_costs import ASK, SECOND, USED, whole
from tests.support.access import Endpoint, Place
from tests.support.access import account as by_oauth

CORP = msgspec.structs.replace(
    account("corp", "openai_chat", priority=1), api_key=None, oauth=by_oauth("corp").oauth
)
OTHER = SECOND
REFUSED = Script(status=401, steps=[b'{"error":{"message":"expired","type":"invalid_request_error"}}'])


def shown(request: HttpRequest) -> str:
    return str(request.header("authorization")).removeprefix("Bearer ")


def told(
    story: Callable[[House, Endpoint], Awaitable[None]],
    takes: Callable[[str], bool],
    *,
    accounts: Sequence[Account] = (CORP, OTHER),
) -> None:
    """Tell `story` to a house whose vendor answers only to the credentials it takes."""
    endpoint = Endpoint()
    place = Place()
    credentials = Refresher(
        endpoint,
        place,
        locks=(place,),
        clock=VirtualClock(),
        tasks=TaskGroup(lambda _, error: None),
        log=logs.get("test"),
    )

    async def with_endpoint(house: House) -> None:
        await story(house, endpoint)

    def vendor(request: HttpRequest) -> Script:
        return Script(steps=[whole(USED)]) if takes(shown(request)) else REFUSED

    live(with_endpoint, accounts=accounts, scripts=vendor, credentials=credentials)


def test_the_token_is_shown_as_a_key_is() -> None:
    async def story(house: House, endpoint: Endpoint) -> None:
        for _ in range(3):
            result = await house.ask("openai_chat", ASK)
            assert result.status == 200
            assert [shown(request) for request in result.requests] == ["corp-access-1"]
        assert len(endpoint.calls) == 1

    told(story, lambda _: True)


def test_a_refused_token_is_renewed_and_the_request_goes_on() -> None:
    withdrawn: set[str] = set()

    async def story(house: House, endpoint: Endpoint) -> None:
        assert (await house.ask("openai_chat", ASK)).status == 200
        withdrawn.add("corp-access-1")
        await asyncio.sleep(60)
        results = await asyncio.gather(*(house.ask("openai_chat", ASK) for _ in range(10)))
        assert all(result.status == 200 for result in results)
        assert len(endpoint.calls) == 2, "one renewal for all of them"
        row = results[0].row
        assert [attempt.outcome for attempt in row.attempts] == ["token_refused", "answered"]
        assert {attempt.account_id for attempt in row.attempts} == {"corp"}

    told(story, lambda token: token not in withdrawn)


def test_a_vendor_that_takes_no_token_is_passed_over() -> None:
    async def story(house: House, endpoint: Endpoint) -> None:
        result = await house.ask("openai_chat", ASK)
        assert result.status == 200
        assert result.asked == ["corp", "second"], "a token just got is not replaced"
        assert [attempt.outcome for attempt in result.row.attempts] == ["auth", "answered"]
        for _ in range(5):
            assert (await house.ask("openai_chat", ASK)).asked == ["second"], "the account pauses"
        assert len(endpoint.calls) == 1

    told(story, lambda token: token == "secret-of-second")


def test_without_a_token_nothing_is_sent_and_another_account_answers() -> None:
    async def story(house: House, endpoint: Endpoint) -> None:
        endpoint.fail = [(400, b'{"error":"invalid_grant"}')]
        result = await house.ask("openai_chat", ASK)
        assert (result.status, result.asked) == (200, ["second"])
        assert [attempt.outcome for attempt in result.row.attempts] == ["auth", "answered"]
        assert result.row.attempts[0].cost_pusd == 0

    told(story, lambda _: True)


def test_the_owner_hears_why() -> None:
    async def story(house: House, endpoint: Endpoint) -> None:
        endpoint.fail = [(400, b'{"error":"invalid_grant"}')]
        result = await house.ask("openai_chat", ASK)
        said = msgspec.json.decode(result.body)["error"]
        assert (result.status, said["code"]) == (502, "upstream_auth")
        assert "'corp' has no access" in said["message"]
        assert "sign in again" in said["message"]
        assert result.headers["x-should-retry"] == "false"

    told(story, lambda _: True, accounts=(CORP,))
