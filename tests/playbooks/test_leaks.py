"""What a provider says in an error must be whole, and hold nothing of ours, before it may pass."""

from __future__ import annotations

import msgspec
import pytest

from flowrouter.accounts.account import Secret
from tests.playbooks.stage import SSE, Script, account, play, reset
from tests.playbooks.test_passthrough import ASK, ASK_STREAM, HEL, ROLE

SECRET = "secret-of-first"
FIRST = msgspec.structs.replace(
    account("first", "openai_chat"), headers=(("x-gate", Secret("pass/of-the-gate")),)
)


@pytest.mark.parametrize("steps", [[], [b""], [b'{"error":{"mess', reset()], [b'"no"'], [b"[]"], [b"{"]])
def test_an_error_that_is_no_json_object_is_told_in_our_words(steps: list[object]) -> None:
    result = play("openai_chat", ASK, accounts=[FIRST], scripts=[Script(status=400, steps=steps)])
    assert result.status == 400
    assert msgspec.json.decode(result.body)["error"]["message"]


@pytest.mark.parametrize("said", [SECRET, "pass/of-the-gate", r"pass\/of-the-gate", r"\u0073ecret-of-first"])
def test_no_secret_of_the_account_passes_in_an_error(said: str) -> None:
    body = b'{"error":{"message":"bad value %s","type":"invalid_request_error"}}' % said.encode()
    result = play("openai_chat", ASK, accounts=[FIRST], scripts=[Script(status=400, steps=[body])])
    shown = result.body + (result.row.error_text or "").encode() + result.receipt_text
    for secret in (said.encode(), SECRET.encode(), b"pass/of-the-gate"):
        assert secret not in shown


def test_no_secret_passes_in_an_error_behind_a_200() -> None:
    body = b'{"error":{"message":"you sent %s","type":"invalid_request_error"}}' % SECRET.encode()
    for ask, script in (
        (ASK, Script(steps=[body])),
        (ASK_STREAM, Script(headers=SSE, steps=[b"data: " + body + b"\n\n"])),
    ):
        result = play("openai_chat", ask, accounts=[FIRST], scripts=[script])
        assert result.status >= 400
        assert SECRET.encode() not in result.body + result.receipt_text
        assert SECRET not in (result.row.error_text or "")


def test_no_secret_passes_in_an_error_behind_content() -> None:
    error = b'data: {"error":{"message":"you sent %s","type":"server_error"}}\n\n' % SECRET.encode()
    result = play(
        "openai_chat", ASK_STREAM, accounts=[FIRST], scripts=[Script(headers=SSE, steps=[ROLE, HEL, error])]
    )
    assert b'"error"' in result.body
    assert SECRET.encode() not in result.body + result.receipt_text


def test_a_model_name_that_is_no_text_is_still_booked() -> None:
    ask = ASK.replace(b'"m"', rb'"m\ud800"')
    result = play("openai_chat", ask, accounts=[FIRST], scripts=[Script(status=400, steps=[b"{}"])])
    assert result.receipt["complete"]
