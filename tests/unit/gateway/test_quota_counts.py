"""Our own count of what accounts use: exact, in the right window, over restarts and over several workers."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from flowrouter.gateway.quota_counts import Counts
from flowrouter.settings.quotas import QuotaLimit
from flowrouter.storage import MemoryStateStore
from tests.contracts.fakes import FakeClock
from tests.playbooks.worlds import account as made

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z, a Friday
DAY = 86_400.0


def account(*limits: QuotaLimit) -> Any:
    import msgspec

    return msgspec.structs.replace(made("one", "openai_chat"), quota=limits)


def left(counts: Counts, whose: Any, now: float) -> dict[str, tuple[float | None, float | None]]:
    return {window.name: (window.used, window.resets_at) for window in counts.windows(whose, now)}


@given(
    st.lists(
        st.tuples(st.floats(0, 40 * DAY), st.integers(0, 3), st.integers(0, 10**6), st.integers(0, 10**12)),
        max_size=40,
    )
)
def test_every_use_is_in_its_window_and_none_is_lost(uses: list[tuple[float, int, int, int]]) -> None:
    mine, counts = account(QuotaLimit(window="day", requests=100, tokens=100, usd=Decimal(5))), Counts()
    ordered = sorted(uses)
    for at, requests, tokens, pusd in ordered:
        counts.add(mine, now=NOW + at, requests=requests, tokens=tokens, pusd=pusd)
    end = NOW + (ordered[-1][0] if ordered else 0.0)
    day = end // DAY
    today = [use for use in ordered if (NOW + use[0]) // DAY == day]
    found = {name: used for name, (used, _) in left(counts, mine, end).items()}
    assert found == {
        "own/requests/day": sum(use[1] for use in today),
        "own/tokens/day": sum(use[2] for use in today),
        "own/usd/day": sum(use[3] for use in today) / 1e12,
    }


def test_a_length_begins_with_the_first_request_and_the_next_one_after_its_end() -> None:
    mine, counts = account(QuotaLimit(window="5h", requests=10)), Counts()
    assert left(counts, mine, NOW) == {"own/requests/5h": (0, None)}
    counts.add(mine, now=NOW + 100, requests=1)
    counts.add(mine, now=NOW + 18_099, requests=1)
    assert left(counts, mine, NOW + 18_099) == {"own/requests/5h": (2, NOW + 18_100)}
    assert left(counts, mine, NOW + 18_100) == {"own/requests/5h": (0, None)}
    counts.add(mine, now=NOW + 20_000, requests=1)
    assert left(counts, mine, NOW + 20_000) == {"own/requests/5h": (1, NOW + 38_000)}


def test_days_begin_where_the_owner_is() -> None:
    mine, counts = account(QuotaLimit(window="day", requests=10, zone="Asia/Tokyo")), Counts()
    counts.add(mine, now=NOW, requests=1)
    assert left(counts, mine, NOW) == {"own/requests/day": (1, NOW + 7 * 3600)}  # 17:00 in Tokyo


def test_limits_that_share_a_window_share_its_count() -> None:
    mine = account(QuotaLimit(window="day", requests=10), QuotaLimit(window="day", tokens=99))
    counts = Counts()
    counts.add(mine, now=NOW, requests=1, tokens=7)
    assert [used for used, _ in left(counts, mine, NOW).values()] == [1, 7]


def test_what_was_counted_before_and_after_a_restart_adds_up() -> None:
    mine, before, after = account(QuotaLimit(window="5h", tokens=100)), Counts(), Counts()
    before.add(mine, now=NOW, tokens=30)
    kept = before.kept("one", NOW + 5)
    after.add(mine, now=NOW + 10, tokens=4)  # a request came before what was kept was read
    after.restore("one", kept, now=NOW + 10)
    assert left(after, mine, NOW + 10)["own/tokens/5h"] == (34, NOW + 18_000)
    ((limit, start),) = after.open(mine, NOW + 10)
    after.at_least(
        "one", limit, start, amounts=(0, 33, 0)
    )  # the books hold what the last second did not keep
    assert left(after, mine, NOW + 10)["own/tokens/5h"][0] == 37
    after.at_least("one", limit, start, amounts=(0, 20, 0))
    assert left(after, mine, NOW + 10)["own/tokens/5h"][0] == 37
    assert not Counts().kept("one", NOW)


def test_what_is_past_is_not_restored() -> None:
    mine, before, after = account(QuotaLimit(window="5h", tokens=100)), Counts(), Counts()
    before.add(mine, now=NOW, tokens=30)
    after.restore("one", before.kept("one", NOW), now=NOW + 18_000)
    assert left(after, mine, NOW + 18_000) == {"own/tokens/5h": (0, None)}


def test_several_workers_come_to_one_sum_in_one_window() -> None:
    clock = FakeClock()
    mine, state = account(QuotaLimit(window="5h", requests=1000, tokens=1000)), MemoryStateStore(clock)
    workers, now = [Counts() for _ in range(3)], clock.now()

    async def story() -> None:
        for step in range(5):
            for place, worker in enumerate(workers):
                worker.add(mine, now=now + step + place / 10, requests=1, tokens=place)
            for worker in workers:
                await worker.share(state, now + step)
        for worker in workers:
            await worker.share(state, now + 5)

    asyncio.run(story())
    found = [left(worker, mine, now + 5) for worker in workers]
    assert found[0] == found[1] == found[2]
    assert {name: used for name, (used, _) in found[0].items()} == {
        "own/requests/5h": 15,
        "own/tokens/5h": 15,
    }


def test_accounts_that_are_gone_are_let_go_of() -> None:
    mine, counts = account(QuotaLimit(window="5h", requests=10)), Counts()
    counts.add(mine, now=NOW, requests=1)
    counts.forget(lambda _: False, NOW)
    assert left(counts, mine, NOW) == {"own/requests/5h": (0, None)}
