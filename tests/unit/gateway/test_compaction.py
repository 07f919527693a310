"""Summaries of ours in place of a conversation: asked for, sealed, opened for every target."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.dialects import codec
from flowrouter.errors import CallerError
from flowrouter.gateway.compaction import INSTRUCTION, MARK, Compaction
from flowrouter.gateway.envelopes import PREFIX
from flowrouter.wire.json import dumps, loads
from tests.playbooks.stage import OpenSeals

OURS = Compaction(OpenSeals())
USER = {"type": "message", "role": "user", "content": "do it"}
SUMMARY: dict[str, Any] = {
    "id": "resp_9",
    "created_at": 9,
    "output": [{"type": "message", "content": [{"type": "output_text", "text": "we did it"}]}],
    "usage": {"total_tokens": 3},
}


def asked(*items: Any, **members: Any) -> bytes:
    return dumps({"model": "m", "input": list(items), **members})


def compacted(*items: Any) -> list[dict[str, Any]]:
    """Return the compacted conversation of `items`."""
    return loads(OURS.answer(asked(*items), dumps(SUMMARY), owner_id="local", now=1.0))["output"]


def test_the_question_is_the_conversation_and_an_openly_labelled_instruction() -> None:
    body = loads(OURS.request(asked(USER, tools=[{"type": "function"}], store=True, stream=True, user="u")))
    assert body == {
        "model": "m",
        "input": [USER, {"type": "message", "role": "user", "content": INSTRUCTION}],
        "store": False,
        "user": "u",
    }


def test_an_answer_that_only_its_vendor_holds_is_still_named_in_the_question() -> None:
    body = loads(OURS.request(asked(previous_response_id="resp_1"), named=True))
    assert body["previous_response_id"] == "resp_1"
    assert len(body["input"]) == 1


def test_nothing_is_not_compacted() -> None:
    with pytest.raises(CallerError) as caught:
        OURS.request(asked())
    assert caught.value.param == "input"


def test_the_users_own_messages_stay_and_oddities_do_not_break_them() -> None:
    odd = [
        {"role": "user", "content": "easy"},
        {"type": None, "role": "user", "content": "null type"},
        {"type": "function_call", "role": None, "name": "f", "call_id": "c", "arguments": "{}"},
        {"type": "message", "role": "assistant", "content": "no"},
        {"id": "msg_1"},
        {"role": "user", "content": "cut \ud83d"},
    ]
    *kept, item = compacted(*odd)
    assert [message["content"][0]["text"] for message in kept] == ["easy", "null type", "cut \ufffd"]
    assert item["type"] == "compaction"
    assert item["encrypted_content"].startswith(PREFIX)


@pytest.mark.parametrize(
    "summary",
    [
        {**SUMMARY, "created_at": None, "usage": None},
        {**SUMMARY, "id": None},
        {**SUMMARY, "output": [{"type": "reasoning", "content": None}, *SUMMARY["output"]]},
        {
            **SUMMARY,
            "output": [
                {"type": "message", "content": [{"type": "output_text", "text": None}, {"text": "we did it"}]}
            ],
        },
    ],
    ids=["no time or usage", "no id", "reasoning first", "text of null"],
)
def test_an_oddly_written_summary_is_read(summary: dict[str, Any]) -> None:
    body = loads(OURS.answer(asked(USER), dumps(summary), owner_id="local", now=1.0))
    assert [item["type"] for item in body["output"]] == ["message", "compaction"]
    assert isinstance(body["id"], str)
    assert isinstance(body["created_at"], int)


@pytest.mark.parametrize(
    "summary", [b"{}", b'{"output":[]}', b'{"output":5}', b"no"], ids=["0", "1", "2", "3"]
)
def test_no_summary_is_told_as_such(summary: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        OURS.answer(asked(USER), summary, owner_id="local", now=1.0)


@pytest.mark.parametrize("kind", ["compaction", "compaction_summary"])
@pytest.mark.parametrize("target", ["openai_chat", "openai_responses", "anthropic", "gemini"])
def test_our_item_opens_for_every_target(target: Dialect, kind: str) -> None:
    item = {**compacted(USER)[-1], "type": kind}
    request = codec("openai_responses").parse_request(asked(item, USER))
    rendered = codec(target).render_request(OURS.open(request, owner_id="local"), "m", Capabilities())
    text = rendered.body.decode()
    assert loads(dumps(MARK))[:40] in text
    assert "we did it" in text
    assert PREFIX not in text
    assert rendered.losses == ()


def test_our_item_opens_for_its_owner_only() -> None:
    request = codec("openai_responses").parse_request(asked(compacted(USER)[-1], USER))
    with pytest.raises(CallerError) as caught:
        OURS.open(request, owner_id="somebody")
    assert (caught.value.code, caught.value.param) == ("invalid_encrypted_content", "input[0]")


@pytest.mark.parametrize("target", ["openai_chat", "openai_responses", "anthropic", "gemini"])
@pytest.mark.parametrize("kind", ["compaction", "compaction_summary", "context_compaction"])
def test_what_stands_for_a_conversation_is_never_left_out(target: Dialect, kind: str) -> None:
    """An envelope that nobody opened, and another vendor's own state outside its dialect."""
    states = ["flr1.zzzz"] if target == "openai_responses" else ["flr1.zzzz", "gAAAA"]
    for state in states:
        request = codec("openai_responses").parse_request(
            asked({"type": kind, "encrypted_content": state}, USER)
        )
        with pytest.raises(CallerError) as caught:
            codec(target).render_request(request, "m", Capabilities())
        assert caught.value.param == "input[0]"
