"""What becomes of a value that a target cannot take: the key's word, else the account's, else `auto`."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flowrouter.accounts.account import Account
from flowrouter.canonical.capabilities import Unsupported
from flowrouter.httpkit.keys import GatewayKey, KeyPolicy, mint
from tests.playbooks.stage import House, Performance, Script, account, live, play
from tests.playbooks.test_passthrough import ANSWER, CHAT
from tests.playbooks.test_refused_fields import ASK, refusal
from tests.playbooks.test_translate import CLAUDE_ANSWER

CLAUDE = account("claude", "anthropic")
GOOGLE = account("google", "gemini", priority=5)
HINT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "seed": 7}
"""`seed` is a hint: by `auto` it is dropped where there is no place for it."""
SOUND = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
MEANING: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": [SOUND]}]}
"""Sound that nobody hears is meaning: by `auto` it is refused."""


def by(policy: Unsupported | None, target: Account) -> Account:
    return msgspec.structs.replace(target, unsupported=policy)


def ask(
    body: Any,
    *scripts: Script,
    accounts: tuple[Account, ...] = (CLAUDE,),
    key: Unsupported | None = None,
    **more: Any,
) -> Performance:
    """Ask with a gateway key whose policy is `key`."""
    row, headers = key_of(key)
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    address = {"headers": headers}
    return play("openai_chat", raw, accounts=accounts, scripts=scripts, keys=[row], address=address, **more)


def ask_in_turn(body: Any, *scripts: Script, keys: tuple[Unsupported | None, ...]) -> list[Performance]:
    """Ask one house the same with each of `keys`."""
    minted = [key_of(key) for key in keys]
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)

    async def story(house: House) -> list[Performance]:
        return [await house.ask("openai_chat", raw, headers=headers) for _, headers in minted]

    return live(story, accounts=(CHAT,), scripts=scripts, keys=[row for row, _ in minted])


def key_of(policy: Unsupported | None) -> tuple[GatewayKey, dict[str, str]]:
    minted = mint()
    row = GatewayKey(
        id=f"k{policy}", name="k", owner_id="local", token_hash=minted.token_hash, shown="flr_",
        policy=KeyPolicy(unsupported=policy),
    )  # fmt: skip
    return row, {"authorization": f"Bearer {minted.token}"}


def told(result: Performance) -> Any:
    return msgspec.json.decode(result.body)["error"]


GOOD = Script(steps=[CLAUDE_ANSWER])


@pytest.mark.parametrize("key, owner", [("refuse", None), (None, "refuse"), ("refuse", "drop")])
def test_refuse_ends_what_auto_would_only_drop(key: Any, owner: Any) -> None:
    result = ask(HINT, accounts=(by(owner, CLAUDE),), key=key)
    assert result.status == 400
    assert told(result)["param"] == "seed"
    assert result.requests == []


@pytest.mark.parametrize("key, owner", [("drop", None), (None, "drop"), ("drop", "refuse")])
def test_drop_lets_go_what_auto_would_refuse(key: Any, owner: Any) -> None:
    result = ask(MEANING, GOOD, accounts=(by(owner, CLAUDE),), key=key)
    assert result.status == 200
    assert b"AAAA" not in result.requests[0].body
    assert any(loss["kind"] == "dropped" for loss in result.receipt["request_losses"])


@pytest.mark.parametrize("key, owner", [(None, None), ("auto", "refuse"), ("auto", "drop"), (None, "auto")])
def test_auto_drops_hints_and_refuses_meaning(key: Any, owner: Any) -> None:
    accounts = (by(owner, CLAUDE),)
    hint = ask(HINT, GOOD, accounts=accounts, key=key)
    assert (hint.status, hint.headers["x-flowrouter-losses"]) == (200, "seed")
    assert ask(MEANING, accounts=accounts, key=key).status == 400


def test_what_one_account_refuses_another_may_take() -> None:
    result = ask(HINT, Script(steps=[ANSWER]), accounts=(by("refuse", CLAUDE), by(None, CHAT)))
    assert result.body == ANSWER
    assert b'"seed":7' in result.requests[0].body


def test_policies_leave_no_trace_for_the_next_caller() -> None:
    assert ask(HINT, key="refuse").status == 400
    assert ask(HINT, GOOD).status == 200


def test_by_refuse_a_field_the_host_is_known_to_refuse_is_not_left_out_behind_its_back() -> None:
    scripts = refusal("temperature"), Script(steps=[ANSWER]), refusal("temperature")
    _, result = ask_in_turn(ASK, *scripts, keys=(None, "refuse"))
    assert (result.status, told(result)["param"]) == (400, "temperature")
    assert b'"temperature":0.2' in result.requests[0].body


def test_by_refuse_a_field_of_our_own_is_still_left_out() -> None:
    body, good = {**msgspec.json.decode(ASK), "stream": True}, Script(steps=[ANSWER])
    first, again = ask_in_turn(body, refusal("stream_options"), good, good, keys=("refuse", "refuse"))
    assert first.status == 200
    assert b"stream_options" not in again.requests[0].body


def test_by_refuse_a_cap_still_goes_under_the_name_the_host_knows() -> None:
    result = ask(ASK, refusal("max_tokens"), Script(steps=[ANSWER]), accounts=(CHAT,), key="refuse")
    assert msgspec.json.decode(result.requests[1].body)["max_completion_tokens"] == 9


def test_embeddings_heed_it_too() -> None:
    body = {"model": "m", "input": "hi", "user": "me"}
    refused = ask(body, accounts=(GOOGLE,), key="refuse", operation="embeddings")
    assert (refused.status, told(refused)["param"]) == (400, "user")
