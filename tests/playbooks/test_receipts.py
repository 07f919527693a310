"""What a receipt says of an exchange whose bytes were not only passed on."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flowrouter.storage import MemoryStateStore
from tests.playbooks.stage import SSE, Script, VirtualClock, account, play
from tests.playbooks.test_lanes import RESPONSES_STREAM
from tests.playbooks.test_passthrough import ANSWER, CHAT, HEL, ROLE, WHOLE_STREAM
from tests.playbooks.test_passthrough import ASK_STREAM_USAGE as STREAMED
from tests.playbooks.test_refused_fields import ASK, refusal


def fate(receipt: Any, field: str) -> Any:
    return next(one["fate"] for one in receipt["fields"] if one["field"] == field)


def test_a_passed_body_freed_of_a_field_does_not_claim_that_all_passed() -> None:
    result = play(
        "openai_chat", ASK, accounts=[CHAT], scripts=[refusal("temperature"), Script(steps=[ANSWER])]
    )
    receipt = result.receipt
    assert receipt["lane"] == "passthrough"
    assert not receipt["summary"].startswith("all fields passed")
    assert "temperature" in receipt["summary"]
    assert (fate(receipt, "temperature"), fate(receipt, "top_p")) == ("dropped", "passed")


def test_a_body_passed_whole_is_one_line() -> None:
    result = play("openai_chat", ASK, accounts=[CHAT], scripts=[Script(steps=[ANSWER])])
    assert result.receipt["summary"].startswith("all fields passed, bytes unchanged")
    assert result.receipt["fields"] == []


BROKEN = b'data: {"id":"c1","choices":[{"index":0,\n\n'


@pytest.mark.parametrize("client", ["openai_chat", "anthropic"])
def test_a_frame_that_was_withheld_is_counted_and_told(client: Any) -> None:
    steps = [ROLE, HEL, BROKEN, *WHOLE_STREAM[2:]]
    ask = STREAMED if client == "openai_chat" else STREAMED.replace(b'"stream"', b'"max_tokens":9,"stream"')
    result = play(client, ask, accounts=[CHAT], scripts=[Script(headers=SSE, steps=steps)])
    assert BROKEN not in result.body
    assert result.row.outcome == "ok"
    (loss,) = [loss for loss in result.receipt["reply_losses"] if loss["path"] == "stream"]
    assert "1 event" in loss["reason"]


def test_history_written_out_is_told() -> None:
    state = MemoryStateStore(VirtualClock())
    host = account("host", "openai_responses")
    first = {"model": "m", "input": "hi", "stream": True}
    then = {"model": "m", "input": "more", "previous_response_id": "resp_1"}
    asked: Any = {"accounts": [host], "state": state}
    kept = play(
        "openai_responses",
        msgspec.json.encode(first),
        scripts=[Script(headers=SSE, steps=RESPONSES_STREAM)],
        **asked,
    )
    assert kept.row.outcome == "ok"
    result = play(
        "openai_responses",
        msgspec.json.encode(then),
        **{**asked, "accounts": [CHAT]},
        scripts=[Script(steps=[ANSWER])],
    )
    assert result.row.outcome == "ok", result.body
    assert fate(result.receipt, "previous_response_id") == "emulated"
    assert "previous_response_id" in result.headers["x-flowrouter-losses"]
