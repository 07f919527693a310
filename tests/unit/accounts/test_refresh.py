"""One request per token that runs out, whoever notices; in virtual time, over a store that several share."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flowrouter import logs
from flowrouter.accounts.account import Account
from flowrouter.accounts.oauth import RefreshError, Token
from flowrouter.accounts.refresh import Refresher
from flowrouter.clock import SystemClock
from flowrouter.errors import UpstreamError
from flowrouter.gateway.tokens import SharedTokens, StateLock
from flowrouter.storage import MemoryStateStore, StoredLock, StoredSealedBlobs, open_store
from flowrouter.tasks import TaskGroup
from tests.playbooks.stage import EPOCH
from tests.support.access import LIFE, Endpoint, Town, account, live


def key(found: Account | None) -> str | None:
    return None if found is None or found.api_key is None else found.api_key.reveal()


def test_many_who_need_it_ask_once() -> None:
    async def story(town: Town) -> None:
        processes = [town.process() for _ in range(3)]
        found = await asyncio.gather(*(process.ready(account()) for process in processes for _ in range(50)))
        assert {key(each) for each in found} == {"main-access-1"}
        assert town.endpoint.calls == ["main/0"]
        await asyncio.sleep(LIFE + 1)
        found = await asyncio.gather(*(process.ready(account()) for process in processes for _ in range(50)))
        assert {key(each) for each in found} == {"main-access-2"}
        assert town.endpoint.calls == ["main/0", "main/1"], "the rotated refresh token is shown, once"

    live(story)


def test_accounts_do_not_wait_for_each_other() -> None:
    async def story(town: Town) -> None:
        process = town.process()
        began = asyncio.get_running_loop().time()
        found = await asyncio.gather(*(process.ready(account(name)) for name in ("one", "two", "three")))
        assert [key(each) for each in found] == ["one-access-1", "two-access-1", "three-access-1"]
        assert asyncio.get_running_loop().time() - began < 1.5

    live(story)


def test_an_account_with_a_key_is_left_alone() -> None:
    async def story(town: Town) -> None:
        plain = msgspec.structs.replace(account(), oauth=None)
        process = town.process()
        assert await process.ready(plain) is plain
        assert process.present(plain) is plain
        assert await process.replaced(plain) is None
        assert not town.endpoint.calls

    live(story)


def test_renewed_ahead_of_its_end_while_the_old_one_serves() -> None:
    async def story(town: Town) -> None:
        process = town.process()
        await process.ready(account())
        await asyncio.sleep(LIFE - 299)
        assert key(await process.ready(account())) == "main-access-1", "nobody waits"
        await asyncio.sleep(2)
        assert key(process.present(account())) == "main-access-2"
        assert len(town.endpoint.calls) == 2

    live(story)


def test_kept_fresh_without_requests() -> None:
    async def story(town: Town) -> None:
        processes = [town.process(), town.process()]
        chores = [
            asyncio.create_task(process.keep(lambda: [account(), account("off")][:1]))
            for process in processes
        ]
        await asyncio.sleep(3 * LIFE)
        for chore in chores:
            chore.cancel()
        assert len(town.endpoint.calls) == 4, "three renewals ahead of time, and the first token"
        assert {key(process.present(account())) for process in processes} == {"main-access-4"}

    live(story)


def test_another_process_finds_what_is_kept() -> None:
    async def story(town: Town) -> None:
        await town.process().ready(account())
        later = town.process()
        assert key(later.present(account())) is None
        assert key(await later.ready(account())) == "main-access-1"
        assert len(town.endpoint.calls) == 1

    live(story)


def test_a_refused_token_is_replaced_once() -> None:
    async def story(town: Town) -> None:
        first, second = town.process(), town.process()
        held = [await process.ready(account()) for process in (first, second)]
        assert await first.replaced(held[0]) is None, "just got: another would be refused as well"
        await asyncio.sleep(60)
        found = await asyncio.gather(
            *(first.replaced(held[0]) for _ in range(20)), *(second.replaced(held[1]) for _ in range(20))
        )
        assert {key(each) for each in found} == {"main-access-2"}
        assert len(town.endpoint.calls) == 2
        assert key(await first.replaced(held[0])) == "main-access-2", "a late answer to the old one"
        assert len(town.endpoint.calls) == 2

    live(story)


def test_a_lasting_refusal_is_not_asked_again_for_half_an_hour() -> None:
    async def story(town: Town) -> None:
        town.endpoint.fail = [(400, b'{"error":"invalid_grant"}')] * 2
        first, second = town.process(), town.process()
        outcomes = await asyncio.gather(
            *(process.ready(account()) for process in (first, second) for _ in range(30)),
            return_exceptions=True,
        )
        assert all(isinstance(each, RefreshError) and each.lasting for each in outcomes)
        assert len(town.endpoint.calls) == 1
        assert "sign in again" in str(first.present(account()).trouble)
        assert "sign in again" in str(second.present(account()).trouble)
        await asyncio.sleep(1_700)
        for process in (first, second):
            with pytest.raises(RefreshError):
                await process.ready(account())
        assert len(town.endpoint.calls) == 1
        await asyncio.sleep(200)
        with pytest.raises(RefreshError):
            await first.ready(account())
        assert len(town.endpoint.calls) == 2

    live(story)


def test_new_terms_are_tried_at_once() -> None:
    async def story(town: Town) -> None:
        process = town.process()
        town.endpoint.fail = [(400, b'{"error":"invalid_grant"}')]
        with pytest.raises(RefreshError):
            await process.ready(account())
        town.endpoint.calls.clear()
        signed_in = account(scope="again")
        assert process.present(signed_in).trouble is None
        assert key(await process.ready(signed_in)) == "main-access-1"
        assert key(process.present(account())) is None, "the token was got by other terms"

    live(story)


@pytest.mark.parametrize(
    "failure",
    [(503, b""), (200, b"<html>"), UpstreamError("the provider could not be reached", kind="connect")],
    ids=["status", "no token", "no connection"],
)
def test_a_failure_is_tried_again_after_a_minute(failure: Any) -> None:
    async def story(town: Town) -> None:
        process = town.process()
        town.endpoint.fail = [failure]
        with pytest.raises(RefreshError) as caught:
            await process.ready(account())
        assert not caught.value.lasting
        for _ in range(10):
            with pytest.raises(RefreshError):
                await process.ready(account())
        assert process.present(account()).trouble is None
        assert len(town.endpoint.calls) == 1
        await asyncio.sleep(61)
        town.endpoint.calls.clear()
        assert key(await process.ready(account())) == "main-access-1"

    live(story)


def test_a_failure_ahead_of_time_hurts_nobody() -> None:
    async def story(town: Town) -> None:
        process = town.process()
        town.endpoint.rotates = False
        await process.ready(account())
        await asyncio.sleep(LIFE - 290)
        town.endpoint.fail = [(500, b""), (500, b"")]
        for _ in range(12):
            assert key(await process.ready(account())) == "main-access-1"
            await asyncio.sleep(10)
        assert len(town.endpoint.calls) == 3, "the first, and one a minute"
        await asyncio.sleep(15)
        await process.ready(account())
        await asyncio.sleep(2)
        assert key(process.present(account())) == "main-access-4"

    live(story)


def test_who_waits_may_leave() -> None:
    async def story(town: Town) -> None:
        process = town.process()
        waiting = asyncio.create_task(process.ready(account()))
        await asyncio.sleep(0.5)
        waiting.cancel()
        await asyncio.sleep(1)
        assert key(process.present(account())) == "main-access-1", "the token is not lost with the request"
        assert town.place.log == ["saved main-access-1"]

    live(story)


def test_kept_before_it_is_used() -> None:
    async def story(town: Town) -> None:
        process = town.process()
        seen: list[bool] = []
        process.changed = lambda: seen.append("acc_main" in town.place.tokens)
        await process.ready(account())
        assert seen == [True]

    live(story)


def test_without_the_place_nobody_asks() -> None:
    async def story(town: Town) -> None:
        process = town.process()
        town.place.away = True
        with pytest.raises(RefreshError) as caught:
            await process.ready(account())
        assert not caught.value.lasting
        assert not town.endpoint.calls, "a refresh without its lock could void another one's"
        town.place.away = False
        assert key(await process.ready(account())) == "main-access-1"

    live(story)


def test_a_lock_that_is_never_given_back_is_not_waited_for_for_ever() -> None:
    async def story(town: Town) -> None:
        process = town.process()
        town.place.locks["refresh:acc_main"] = "a process that died"
        with pytest.raises(RefreshError, match="another process"):
            await process.ready(account())
        town.place.locks.clear()

    live(story)


def test_a_token_without_a_time_serves_until_it_is_refused() -> None:
    async def story(town: Town) -> None:
        town.endpoint.life = None
        process = town.process()
        held = await process.ready(account())
        await asyncio.sleep(100 * 86_400)
        assert key(await process.ready(account())) == "main-access-1"
        assert key(await process.replaced(held)) == "main-access-2"

    live(story)


async def test_two_processes_on_one_data_folder_ask_once(tmp_path: Path) -> None:
    """Each with a memory of its own, as a server and a command have; the store is all they share."""
    clock, endpoint = SystemClock(), Endpoint()
    endpoint.takes = 0.2
    store = open_store(tmp_path, master_key=None, clock=clock)
    failures: list[BaseException] = []

    def process() -> Refresher:
        state = MemoryStateStore(clock)
        blobs = StoredSealedBlobs(store.place, store.vault, clock=clock)
        return Refresher(
            endpoint, SharedTokens(state, blobs, vault=store.vault),
            locks=(StateLock(state), StoredLock(store.place, clock=clock)), clock=clock,
            tasks=TaskGroup(lambda _, error: failures.append(error)), log=logs.get("test"),
        )  # fmt: skip

    processes = [process(), process(), process()]
    for turn in itertools.count(1):
        found = await asyncio.gather(*(each.ready(account()) for each in processes for _ in range(5)))
        assert {key(each) for each in found} == {f"main-access-{turn}"}
        assert len(endpoint.calls) == turn
        if turn == 3:
            break
        for each in processes:
            each._tokens.clear()
        kept = StoredSealedBlobs(store.place, store.vault, clock=clock)
        token = msgspec.json.decode(await kept.get("local", "oauth_token", "acc_main") or b"", type=Token)
        old = msgspec.structs.replace(token, expires_at=clock.now() - 1)
        await kept.put("local", "oauth_token", "acc_main", value=msgspec.json.encode(old))
    assert b"main-access" not in store.path.read_bytes(), "tokens are sealed"
    assert not failures


async def test_a_lock_of_the_store(tmp_path: Path) -> None:
    class Clock(SystemClock):
        ahead = 0.0

        def now(self) -> float:
            return EPOCH + self.ahead

    clock = Clock()
    store = open_store(tmp_path, master_key=None, clock=clock)
    one, other = StoredLock(store.place, clock=clock), StoredLock(store.place, clock=clock)
    assert await one.take("x", "one", ttl=60)
    assert not await other.take("x", "other", ttl=60)
    assert await other.take("y", "other", ttl=60), "another name"
    await other.leave("x", "other")
    assert not await other.take("x", "other", ttl=60), "only its holder gives it back"
    await one.leave("x", "one")
    assert await other.take("x", "other", ttl=60)
    clock.ahead = 61
    assert await one.take("x", "one", ttl=60), "the holder died"
