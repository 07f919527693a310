"""What is left of accounts: the next one takes over until the true reset, and what is kept back stays."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from flowrouter import logs
from flowrouter.accounts.account import Account, Secret
from flowrouter.gateway.quota_keeping import QuotaKeeping, Spent
from flowrouter.gateway.quotas import Quotas
from flowrouter.settings.prices import ModelPrice
from flowrouter.settings.quotas import QuotaLimit
from tests.playbooks.scripts import account_of
from tests.playbooks.stage import JSON, House, Script, account, live, world
from tests.playbooks.test_failover import GOOD, error
from tests.playbooks.test_passthrough import ANSWER, ASK
from tests.playbooks.virtual import EPOCH
from tests.support.doubles import MemoryPauses

FIRST = account("first", "openai_chat", priority=1)
SECOND = account("second", "openai_chat", priority=2)
OTHER_MODEL = ASK.replace(b'"m"', b'"n"')


def answer(**headers: str) -> Script:
    return Script(headers={**JSON, **headers}, steps=[ANSWER])


def owned(of: Account, *limits: QuotaLimit, reserve: str = "") -> Account:
    return msgspec.structs.replace(of, quota=limits, reserve=reserve)


def windows(house: House, account_id: str = "first") -> dict[str, tuple[float | None, float | None]]:
    return {window.name: (window.used, window.remaining) for window in house.quotas.windows(account_id)}


class Told:
    """The first account says what stands in `says` with each answer."""

    def __init__(self, **says: str) -> None:
        self.says = says

    def __call__(self, request: Any) -> Script:
        return answer(**self.says) if account_of(request) == "first" else GOOD


def codex(used: int, seconds: float) -> dict[str, str]:
    return {
        "x-codex-primary-used-percent": str(used),
        "x-codex-primary-window-minutes": "300",
        "x-codex-primary-reset-after-seconds": str(seconds),
    }


def test_a_window_that_is_used_up_hands_over_until_its_reset_and_no_longer() -> None:
    told = Told()

    async def story(house: House) -> tuple[list[str], str, str]:
        told.says = codex(100, 7200)
        await house.ask("openai_chat", ASK)
        told.says = codex(3, 18000)
        moved = await house.ask("openai_chat", ASK)
        other = await house.ask("openai_chat", OTHER_MODEL)
        await asyncio.sleep(7190)
        await house.ask("openai_chat", ASK)
        await asyncio.sleep(20)
        await house.ask("openai_chat", ASK)
        return house.asked, str(moved.receipt), str(other.receipt)

    asked, receipt, other = live(story, accounts=[FIRST, SECOND], scripts=told)
    assert asked == ["first", "second", "second", "second", "first"], (
        "the plan's window is the account's, not a model's"
    )
    assert "quota: the 5h's limit is used up" in receipt
    assert "quota: the 5h's limit is used up" in other


def test_a_limit_of_one_model_leaves_the_others() -> None:
    told = Told(
        **{
            "x-ratelimit-limit-tokens-day": "100",
            "x-ratelimit-remaining-tokens-day": "0",
            "x-ratelimit-reset-tokens-day": "3600",
        }
    )

    async def story(house: House) -> list[str]:
        await house.ask("openai_chat", ASK)
        await house.ask("openai_chat", ASK)
        told.says = {}
        await house.ask("openai_chat", OTHER_MODEL)
        return house.asked

    assert live(story, accounts=[FIRST, SECOND], scripts=told) == ["first", "second", "first"]


def test_what_is_kept_back_stays() -> None:
    told, first = Told(), owned(FIRST, reserve="20%")

    async def story(house: House) -> tuple[list[str], str]:
        for used in (70, 79, 80, 85):
            told.says = codex(used, 7200)
            last = await house.ask("openai_chat", ASK)
        return house.asked, str(last.receipt)

    asked, receipt = live(story, accounts=[first, SECOND], scripts=told)
    assert asked == ["first", "first", "first", "second"]
    assert "20% is left, 20% is kept back" in receipt


def test_another_reserve_is_in_force_at_once() -> None:
    told = Told()

    async def story(house: House) -> list[str]:
        told.says = codex(85, 7200)
        await house.ask("openai_chat", ASK)
        house.present = world(owned(FIRST, reserve="20%"), SECOND)
        await house.ask("openai_chat", ASK)
        house.present = world(owned(FIRST, reserve="week:20%"), SECOND)
        await house.ask("openai_chat", ASK)
        return house.asked

    assert live(story, accounts=[FIRST, SECOND], scripts=told) == ["first", "second", "first"]


def test_another_key_has_another_quota() -> None:
    told = Told()

    async def story(house: House) -> list[str]:
        told.says = codex(100, 7200)
        await house.ask("openai_chat", ASK)
        house.present = world(msgspec.structs.replace(FIRST, api_key=Secret("new")), SECOND)
        await house.ask("openai_chat", ASK)
        return house.asked

    assert live(story, accounts=[FIRST, SECOND], scripts=told) == ["first", "first"]


def test_an_account_that_is_resumed_is_asked_at_once() -> None:
    told = Told()

    async def story(house: House) -> tuple[int, list[str]]:
        told.says = codex(100, 7200)
        await house.ask("openai_chat", ASK)
        told.says = {}
        ended = await house.cooldowns.resume("first")
        await house.ask("openai_chat", ASK)
        return ended, house.asked

    assert live(story, accounts=[FIRST, SECOND], scripts=told) == (1, ["first", "first"])


def test_where_nobody_is_left_the_caller_hears_when() -> None:
    told = Told()

    async def story(house: House) -> Any:
        told.says = codex(100, 7200)
        await house.ask("openai_chat", ASK)
        return await house.ask("openai_chat", ASK)

    lost = live(story, accounts=[FIRST], scripts=told)
    assert lost.status == 429
    assert lost.headers["retry-after"] == "7200"
    assert "quota: the 5h's limit is used up" in lost.body.decode()
    assert lost.row.attempts == ()


def test_a_refusal_tells_in_its_body() -> None:
    body = {
        "error": {
            "type": "usage_limit_reached",
            "message": "The usage limit has been reached",
            "resets_in_seconds": 90000,
        }
    }
    no = Script(status=429, headers=JSON, steps=[json.dumps(body).encode()])

    async def story(house: House) -> tuple[list[str], list[float | None]]:
        await house.ask("openai_chat", ASK)
        await asyncio.sleep(40_000)  # the pause of the refusal itself is over long before
        await house.ask("openai_chat", ASK)
        return house.asked, [window.resets_at for window in house.quotas.windows("first")]

    asked, resets = live(story, accounts=[FIRST, SECOND], scripts={"first": no, "second": GOOD})
    assert asked == ["first", "second", "second"]
    assert resets == [EPOCH + 90_000]


def test_requests_are_counted_exactly_however_many_come_at_once() -> None:
    first = owned(FIRST, QuotaLimit(window="5h", requests=10))
    slow = {"first": Script(before=5.0, steps=[ANSWER]), "second": Script(before=5.0, steps=[ANSWER])}

    async def story(house: House) -> tuple[Counter[str], dict[str, Any]]:
        done = await asyncio.gather(*(house.ask("openai_chat", ASK) for _ in range(60)))
        assert {each.status for each in done} == {200}
        return Counter(house.asked), windows(house)

    asked, found = live(story, accounts=[first, SECOND], scripts=slow)
    assert asked == {"first": 10, "second": 50}
    assert found == {"own/requests/5h": (10, 0)}


def test_waiting_in_an_accounts_line_takes_no_more_than_there_is() -> None:
    first = msgspec.structs.replace(owned(FIRST, QuotaLimit(window="5h", requests=3)), max_concurrency=1)

    async def story(house: House) -> tuple[int, list[int]]:
        done = await asyncio.gather(*(house.ask("openai_chat", ASK) for _ in range(6)))
        return len(house.asked), sorted(each.status for each in done)

    asked, statuses = live(story, accounts=[first], scripts={"first": Script(before=1.0, steps=[ANSWER])})
    assert (asked, statuses) == (3, [200, 200, 200, 429, 429, 429])


def test_tokens_and_money_are_counted_as_the_books_have_them() -> None:
    first = owned(FIRST, QuotaLimit(window="day", tokens=1000, usd=Decimal(1)))
    prices = {"m": ModelPrice(input=Decimal(10), output=Decimal(20))}

    async def story(house: House) -> tuple[dict[str, Any], int, int]:
        done = [await house.ask("openai_chat", ASK) for _ in range(3)]
        booked = [attempt for each in done for attempt in each.row.attempts]
        tokens = sum((attempt.input_tokens or 0) + (attempt.output_tokens or 0) for attempt in booked)
        return windows(house), tokens, sum(attempt.cost_pusd or 0 for attempt in booked)

    from flowrouter.usage import Prices

    found, tokens, pusd = live(story, accounts=[first], scripts=[GOOD] * 3, prices=Prices(prices))
    assert tokens > 0
    assert pusd > 0
    assert found["own/tokens/day"][0] == tokens
    assert found["own/usd/day"][0] == pytest.approx(pusd / 1e12)


def test_tokens_of_reasoning_are_tokens_too() -> None:
    first = owned(FIRST, QuotaLimit(window="day", tokens=1000))
    thought = ANSWER.replace(
        b'"completion_tokens":3,"total_tokens":12',
        b'"completion_tokens":45,"completion_tokens_details":{"reasoning_tokens":42},"total_tokens":54',
    )

    async def story(house: House) -> tuple[Any, dict[str, Any]]:
        done = await house.ask("openai_chat", ASK)
        return done.row, windows(house)

    row, found = live(story, accounts=[first], scripts=[Script(steps=[thought])])
    assert (row.input_tokens, row.output_tokens, row.reasoning_tokens) == (9, 3, 42), (
        "the books keep them apart"
    )
    assert found == {"own/tokens/day": (54, 946)}


def test_an_attempt_that_failed_counts_as_a_request() -> None:
    first = owned(FIRST, QuotaLimit(window="5h", requests=10, tokens=10))

    async def story(house: House) -> dict[str, Any]:
        await house.ask("openai_chat", ASK)
        return windows(house)

    found = live(story, accounts=[first, SECOND], scripts={"first": error(503), "second": GOOD})
    assert found == {"own/requests/5h": (1, 9), "own/tokens/5h": (0, 10)}


def test_a_request_that_was_never_sent_does_not_count() -> None:
    first = owned(
        msgspec.structs.replace(account("first", "anthropic", priority=1), unsupported="refuse"),
        QuotaLimit(window="5h", requests=10),
    )
    odd = ASK.replace(b'"m"', b'"m", "logit_bias": {"50256": -100}')

    async def story(house: House) -> tuple[list[str], list[str], dict[str, Any]]:
        done = await house.ask("openai_chat", odd)
        return house.asked, [attempt.outcome for attempt in done.row.attempts], windows(house)

    asked, outcomes, found = live(story, accounts=[first, SECOND], scripts={"second": GOOD})
    assert (asked, outcomes) == (["second"], ["request_fault", "answered"])
    assert found["own/requests/5h"] == (0, 10)


def keeping(house: House, kept: MemoryPauses, spent: Spent | None = None) -> QuotaKeeping:
    class Books:
        def since(self, account_id: str, start_ms: int, *, before_ms: int) -> Spent:
            del account_id, start_ms, before_ms
            return spent or Spent()

    return QuotaKeeping(
        house.quotas,
        state=house.state,
        kept=kept,
        books=Books,
        world=lambda: house.present,
        clock=house.clock,
        log=logs.get("playbook"),
    )


def test_what_is_known_outlasts_a_restart() -> None:
    kept, told, first = MemoryPauses(), Told(), owned(FIRST, QuotaLimit(window="5h", requests=10))

    async def before(house: House) -> None:
        told.says = codex(100, 7200)
        await house.ask("openai_chat", ASK)
        await keeping(house, kept).write()

    async def after(house: House) -> tuple[list[str], dict[str, Any]]:
        await asyncio.sleep(60)
        books = keeping(house, kept, Spent(requests=4))
        await books.load()
        await books.recount()
        await house.ask("openai_chat", ASK)
        return house.asked, windows(house)

    live(before, accounts=[first, SECOND], scripts=told)
    asked, found = live(after, accounts=[first, SECOND], scripts=told)
    assert asked == ["second"]
    assert found["own/requests/5h"][0] == 4, "what the books hold or what was kept, whichever is more"
    told.says = {}
    changed = msgspec.structs.replace(first, api_key=Secret("another"))
    asked, found = live(after, accounts=[changed, SECOND], scripts=told)
    assert asked == ["first"], "what was heard was another key's"
    assert "plan/primary" not in found


def test_what_is_taken_out_of_the_store_is_asked_again() -> None:
    kept, told = MemoryPauses(), Told()

    async def story(house: House) -> list[str]:
        books = keeping(house, kept)
        following = house.tasks.start("quotas", books.follow())
        told.says = codex(100, 7200)
        await house.ask("openai_chat", ASK)
        await asyncio.sleep(3)
        told.says = {}
        assert list(kept.rows) == ["first"]
        kept.rows.clear()  # as `flow-router providers resume` does, another process
        await asyncio.sleep(10)
        await house.ask("openai_chat", ASK)
        following.cancel()
        return house.asked

    assert live(story, accounts=[FIRST, SECOND], scripts=told) == ["first", "first"]


def test_invented_models_do_not_fill_the_memory() -> None:
    says = {
        "x-ratelimit-limit-tokens-day": "100",
        "x-ratelimit-remaining-tokens-day": "99",
        "x-ratelimit-reset-tokens-day": "3600",
    }

    async def story(house: House) -> int:
        for number in range(300):
            await house.ask("openai_chat", ASK.replace(b'"m"', b'"x%d"' % number))
        return len(house.quotas.windows("first"))

    assert live(story, accounts=[FIRST], scripts=Told(**says)) == 200


def test_an_account_that_says_nothing_is_not_written_down() -> None:
    async def story(house: House) -> tuple[Any, set[str]]:
        await house.ask("openai_chat", ASK)
        return house.quotas.windows("first"), house.quotas.changed

    assert live(story, accounts=[FIRST], scripts=[GOOD]) == ((), set())


def test_quotas_know_nothing_of_accounts_that_do_not_exist() -> None:
    async def story(house: House) -> Any:
        quotas: Quotas = house.quotas
        quotas.note("nobody", ())
        return quotas.windows("nobody")

    assert live(story, accounts=[FIRST], scripts=[]) == ()
