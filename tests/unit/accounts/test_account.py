"""An account shows what people may see and nothing else."""

from __future__ import annotations

import copy
import pickle
import traceback
from typing import Any

import msgspec
import pytest

from flowrouter.accounts.account import Account, Secret, declared_id, merge, view

CANARY = "sk-canary-0123456789-tail"


def account(name: str = "main", **changes: Any) -> Account:
    values: dict[str, Any] = {"id": f"acc_{name}", "name": name, "preset": "openai", "owner_id": "local"}
    return Account(**(values | changes))


def test_secret_hides() -> None:
    secret = Secret(CANARY)
    shapes = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>40}",
        "{}".format(secret),  # noqa: UP032 another way in
        repr([secret]),
        repr({1: secret}),
    ]
    assert not [shape for shape in shapes if "canary" in shape]
    assert secret.reveal() == CANARY


def test_secret_is_not_serialised() -> None:
    secret = Secret(CANARY)
    for refused in (pickle.dumps, copy.copy, msgspec.json.encode, msgspec.to_builtins):
        with pytest.raises(TypeError) as caught:
            refused(secret)
        assert "canary" not in str(caught.value)


def test_account_with_secret_is_not_serialised() -> None:
    whole = account(api_key=Secret(CANARY), headers=(("x-team", Secret(CANARY)),))
    with pytest.raises(TypeError):
        msgspec.json.encode(whole)
    assert "canary" not in repr(whole)


def test_secret_stays_out_of_tracebacks() -> None:
    with pytest.raises(ValueError) as caught:
        raise ValueError(account(api_key=Secret(CANARY)))
    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_secret_equality() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert not Secret("")


@pytest.mark.parametrize(
    "value,tail", [(CANARY, "tail"), ("short-key", ""), ("12-long-enou", "enou"), ("", "")]
)
def test_tail(value: str, tail: str) -> None:
    assert Secret(value).tail == tail


def test_view_tells_that_there_is_a_key() -> None:
    shown = view(account(api_key=Secret(CANARY), headers=(("x-team", Secret(CANARY)),)))
    assert (shown.has_key, shown.key_tail, shown.header_names) == (True, "tail", ("x-team",))
    assert b"canary" not in msgspec.json.encode(shown)
    assert not view(account()).has_key


def test_declared_account_hides_the_stored_one() -> None:
    declared = (account("b", id=declared_id("b"), source="config", priority=2),)
    stored = (account("b"), account("a", priority=2), account("c"), account("b", id="o", owner_id="other"))
    merged = merge(declared, stored)
    assert [each.id for each in merged] == ["o", "acc_c", "acc_a", "config:b"]
