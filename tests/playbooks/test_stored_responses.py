"""Answers that later requests name: who is asked to go on from them, and with what."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from flowrouter.errors import CallerError
from flowrouter.gateway.stored_responses import COPY_MAX
from flowrouter.storage import MemoryStateStore
from flowrouter.wire.json import dumps, loads
from tests.playbooks.stage import SSE, Performance, Script, VirtualClock, account, play
from tests.support.responses import Shelf, shelf

HOST, OTHER, FOREIGN = (
    account("host", "openai_responses", priority=1),
    account("other", "openai_responses", priority=2),
    account("foreign", "openai_chat", priority=3),
)
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "state-of-host"}
SAID = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "one", "annotations": []}],
}
CHAT = {
    "id": "chatcmpl-9",
    "object": "chat.completion",
    "created": 9,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "two"}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
USER = {"type": "message", "role": "user", "content": "hi"}


@pytest.fixture
def state() -> MemoryStateStore:
    return MemoryStateStore(VirtualClock())


def answer(**members: Any) -> dict[str, Any]:
    """Return an answer of a Responses host."""
    usage = {
        "input_tokens": 1,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 1,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 2,
    }
    base = {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "m"}
    return {**base, "output": [SAID], "usage": usage, **members}


def whole(body: dict[str, Any] | bytes) -> Script:
    return Script(steps=[body if isinstance(body, bytes) else dumps(body)])


def stream(response: dict[str, Any]) -> Script:
    begun = {"type": "response.created", "response": {**response, "output": [], "status": "in_progress"}}
    ended = {"type": "response.completed", "response": response}
    told = b"".join(b"event: %b\ndata: %b\n\n" % (e["type"].encode(), dumps(e)) for e in (begun, ended))
    return Script(headers=dict(SSE), steps=[told])


def ask(
    state: MemoryStateStore, *scripts: Script, accounts: Any = (HOST,), body: bytes = b"", **members: Any
) -> Performance:
    asked = body or dumps({"model": "m", "input": "hi", **members})
    return play("openai_responses", asked, accounts=accounts, scripts=scripts, state=state)


def sent(performance: Performance, number: int = -1) -> dict[str, Any]:
    """Return the body of a request that left."""
    return loads(performance.requests[number].body)


ODD: dict[str, dict[str, Any]] = {
    "created null": {"created_at": None},
    "created text": {"created_at": "2026-11-01"},
    "status null": {"status": None},
    "id null": {"id": None},
    "id number": {"id": 7},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("form", [whole, stream], ids=["whole", "stream"])
def test_an_odd_answer_reaches_its_client_whether_it_can_be_kept_or_not(
    state: MemoryStateStore, odd: dict[str, Any], form: Any
) -> None:
    told = answer(**odd)
    performance = ask(state, form(told), stream=form is stream)
    assert (performance.status, performance.row.outcome) == (200, "ok")
    if form is whole:
        assert performance.body == dumps(told)


def test_lone_surrogates_are_kept_and_told_again(state: MemoryStateStore) -> None:
    broken = dumps(answer()).replace(b'"one"', rb'"one \ud83d"')
    asked = rb'{"model":"m","input":"cut \ud83d"}'
    assert ask(state, whole(broken), body=asked).body == broken
    follow = ask(state, whole(CHAT), accounts=(FOREIGN,), previous_response_id="resp_1")
    messages = sent(follow)["messages"]
    assert [message["content"] for message in messages] == ["cut \ufffd", "one \ufffd", "hi"]


@pytest.mark.parametrize(
    "body",
    [
        rb'{"model":"m","input":"\ud83d x","previous_response_id":"resp_theirs"}',
        rb'{"model":"m","input":"x","store":"no","previous_response_id":"resp_theirs"}',
        rb'{"model":"m","input":"x","background":7,"previous_response_id":"resp_theirs"}',
    ],
    ids=["lone surrogate", "store of another type", "background of another type"],
)
def test_an_id_is_looked_up_however_oddly_the_body_is_written(state: MemoryStateStore, body: bytes) -> None:
    performance = ask(state, body=body)
    assert performance.status == 404
    assert loads(performance.body)["error"]["code"] == "previous_response_not_found"
    assert performance.requests == []


def test_an_id_that_is_no_text_is_refused_by_name(state: MemoryStateStore) -> None:
    performance = ask(state, previous_response_id=5)
    assert performance.status == 400
    assert loads(performance.body)["error"]["param"] == "previous_response_id"


def test_a_follow_up_goes_to_the_account_that_answered(state: MemoryStateStore) -> None:
    ask(state, whole(answer()), accounts=(OTHER,))
    follow = ask(state, whole(answer(id="resp_2")), accounts=(HOST, OTHER), previous_response_id="resp_1")
    assert follow.requests[0].url.startswith("http://other.test/")
    assert sent(follow) == {"model": "m", "input": "hi", "previous_response_id": "resp_1"}


@pytest.mark.parametrize("form", [whole, stream], ids=["whole", "stream"])
def test_elsewhere_the_history_is_written_out(state: MemoryStateStore, form: Any) -> None:
    ask(state, form(answer()), stream=form is stream)
    follow = ask(state, whole(CHAT), accounts=(FOREIGN,), input="more", previous_response_id="resp_1")
    assert follow.status == 200
    assert [(m["role"], m["content"]) for m in sent(follow)["messages"]] == [
        ("user", "hi"),
        ("assistant", "one"),
        ("user", "more"),
    ]


def test_reasoning_state_in_a_written_out_history_goes_to_its_issuer_only(state: MemoryStateStore) -> None:
    ask(state, whole(answer(output=[THOUGHT, SAID])))
    follow = ask(state, whole(answer(id="resp_2")), accounts=(OTHER,), previous_response_id="resp_1")
    assert [item["type"] for item in sent(follow)["input"]] == ["message", "message", "message"]
    # A turn elsewhere in between: the first host does not know the last answer, but its own state.
    ask(state, whole({**CHAT, "id": "chatcmpl-2"}), accounts=(FOREIGN,), previous_response_id="resp_1")
    back = ask(state, whole(answer(id="resp_3")), accounts=(HOST,), previous_response_id="resp_2")
    assert THOUGHT in sent(back)["input"]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, {"message": "gone", "code": "previous_response_not_found", "param": "previous_response_id"}),
        (400, {"message": "no", "type": "invalid_request_error", "param": "previous_response_id"}),
        (404, {"message": "Response with id 'resp_1' not found.", "type": "NotFoundError", "code": 404}),
    ],
    ids=["the vendor's word", "by its member", "an open host's words"],
)
def test_a_host_that_forgot_its_answer_is_told_the_history(
    state: MemoryStateStore, status: int, error: dict[str, Any]
) -> None:
    bare = {**THOUGHT, "id": "rs_2", "encrypted_content": None}
    ask(state, whole(answer(output=[THOUGHT, bare, SAID])))
    refusal = Script(status=status, steps=[dumps({"error": error})])
    follow = ask(state, refusal, whole(answer(id="resp_2")), input="more", previous_response_id="resp_1")
    assert follow.status == 200
    assert "previous_response_id" not in sent(follow)
    assert sent(follow)["input"] == [USER, THOUGHT, SAID, {**USER, "content": "more"}]


def test_another_refusal_is_not_asked_twice(state: MemoryStateStore) -> None:
    ask(state, whole(answer()))
    refusal = Script(status=400, steps=[dumps({"error": {"message": "no", "param": "tools"}})])
    follow = ask(state, refusal, previous_response_id="resp_1")
    assert (follow.status, len(follow.requests)) == (400, 1)


def test_a_host_that_refuses_the_history_too_is_heard(state: MemoryStateStore) -> None:
    ask(state, whole(answer()))
    gone = {"message": "gone", "code": "previous_response_not_found", "param": "previous_response_id"}
    refusal = Script(status=404, steps=[dumps({"error": gone})])
    follow = ask(state, refusal, refusal, previous_response_id="resp_1")
    assert follow.status == 404


def test_a_reference_to_an_item_of_ours_is_written_out(state: MemoryStateStore) -> None:
    """Clients that store refer to what they were told, in tool loops too (Vercel AI SDK)."""
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    said = {"role": "assistant", "content": "so", "tool_calls": [call]}
    choice = {"index": 0, "finish_reason": "tool_calls", "message": said}
    first = ask(state, whole({**CHAT, "choices": [choice]}), accounts=(FOREIGN,))
    references = [{"type": "item_reference", "id": item["id"]} for item in loads(first.body)["output"]]
    assert len(references) == 2
    done = {"type": "function_call_output", "call_id": "call_1", "output": "ok"}
    second = whole({**CHAT, "id": "chatcmpl-10"})
    follow = ask(state, second, accounts=(FOREIGN,), input=[USER, *references, done])
    assert follow.status == 200
    assert [message["role"] for message in sent(follow)["messages"]] == ["user", "assistant", "tool"]
    assert sent(follow)["messages"][1]["tool_calls"] == [call]
    # Elsewhere too; the vendor of the same dialect knows no item of ours.
    follow = ask(state, whole(answer()), accounts=(HOST,), input=[USER, *references, done])
    assert [item["type"] for item in sent(follow)["input"]][1:3] == ["message", "function_call"]


@pytest.mark.parametrize(
    "items",
    [
        [{"type": "item_reference", "id": "msg_of_nobody_0"}],
        [{"type": "item_reference", "id": 5}],
        ["item_reference"],
        [{"type": "item_reference", "id": "msg_1"}, {"type": None, "id": None}],
    ],
    ids=["unknown", "a number", "a string", "the vendor's"],
)
def test_other_references_are_the_vendors_to_judge(state: MemoryStateStore, items: list[Any]) -> None:
    ask(state, whole(answer()))
    follow = ask(state, whole(answer()), input=items)
    assert sent(follow)["input"] == items


def test_references_of_another_owner_lead_nowhere() -> None:
    async def scene(kept: Shelf) -> None:
        kept.vendor = False
        await kept.keep({**answer(id="resp_x"), "output": [{**SAID, "id": "msg_x_0"}]}, owner_id="somebody")
        body = dumps({"model": "m", "input": [{"type": "item_reference", "id": "msg_x_0"}]})
        assert await kept.stored.resolve(body, owner_id="local") == body
        assert await kept.stored.resolve(body, owner_id="somebody") != body

    shelf(scene)


def test_an_input_of_null_is_no_turn(state: MemoryStateStore) -> None:
    ask(state, whole(answer()))
    follow = ask(state, whole(CHAT), accounts=(FOREIGN,), input=None, previous_response_id="resp_1")
    assert [m["role"] for m in sent(follow)["messages"]] == ["user", "assistant"]


def test_a_host_whose_answers_all_have_one_id_ends_no_chain_in_a_circle(state: MemoryStateStore) -> None:
    ask(state, whole(answer()))
    ask(state, whole(answer()), previous_response_id="resp_1")
    follow = ask(state, accounts=(FOREIGN,), previous_response_id="resp_1")
    assert follow.status == 404


def test_the_vendor_knows_an_answer_that_a_stage_or_an_envelope_led_through_the_hub(
    state: MemoryStateStore,
) -> None:
    sealed = {"type": "reasoning", "id": "rs_0", "summary": [], "encrypted_content": "flr1.bm90aGluZw=="}
    ask(state, whole(answer()), input=[USER, sealed, USER])
    follow = ask(state, whole(answer(id="resp_2")), accounts=(HOST,), previous_response_id="resp_1")
    assert sent(follow)["previous_response_id"] == "resp_1"


def test_store_false_and_failures_are_not_kept(state: MemoryStateStore) -> None:
    ask(state, whole(answer()), store=False)
    assert ask(state, previous_response_id="resp_1").status == 404


def test_a_conversation_of_the_vendors_stays_there(state: MemoryStateStore) -> None:
    follow = ask(state, accounts=(FOREIGN,), conversation="conv_1")
    assert follow.status == 400
    assert loads(follow.body)["error"]["param"] == "conversation"


def test_a_missing_link_in_the_middle_is_never_skipped() -> None:
    async def scene(kept: Shelf) -> None:
        await kept.keep(answer(id="resp_1"))
        await kept.keep(answer(id="resp_2"), previous_response_id="resp_1")
        await kept.stored.forget("resp_1", owner_id="local")
        found = await kept.stored.find("resp_2", owner_id="local")
        assert found is not None
        assert await kept.stored.history(found, owner_id="local") is None

    shelf(scene)


def test_deleting_waits_for_the_copy_that_is_being_written() -> None:
    async def scene(kept: Shelf) -> None:
        kept.blobs.slow = 1.0
        await kept.keep(answer())
        assert await kept.stored.forget("resp_1", owner_id="local")
        await asyncio.sleep(5)
        assert kept.blobs.held == {}
        assert await kept.stored.find("resp_1", owner_id="local") is None

    shelf(scene)


def test_owners_whose_names_run_into_ids_see_nothing_of_each_other() -> None:
    async def scene(kept: Shelf) -> None:
        await kept.keep(answer(id="resp_1"), owner_id="team:1")
        assert await kept.stored.find("1:resp_1", owner_id="team") is None
        body = dumps({"model": "m", "input": "x", "previous_response_id": "1:resp_1"})
        with pytest.raises(CallerError) as caught:
            await kept.stored.follow(body, owner_id="team")
        assert caught.value.status == 404

    shelf(scene)


def test_a_turn_is_copied_only_up_to_a_size_its_input_included() -> None:
    async def scene(kept: Shelf) -> None:
        await kept.keep(answer(), input="x" * COPY_MAX)
        found = await kept.stored.find("resp_1", owner_id="local")
        assert found is not None
        assert found.vendor
        assert not found.copied
        assert found.input == b""

    shelf(scene)


def test_a_long_chain_costs_one_look_per_turn() -> None:
    async def scene(kept: Shelf) -> None:
        previous = None
        for number in range(300):
            await kept.keep(answer(id=f"resp_{number}"), previous_response_id=previous)
            previous = f"resp_{number}"
        body = dumps({"model": "m", "input": "x", "previous_response_id": previous})
        follows = await kept.stored.follow(body, owner_id="local")
        assert follows is not None
        items = loads(follows.expanded() or b"{}")["input"]
        assert len(items) == 601

    shelf(scene)


def test_what_is_kept_is_read_back_as_it_was() -> None:
    async def scene(kept: Shelf) -> None:
        await kept.keep(answer())
        found = await kept.stored.find("resp_1", owner_id="local")
        assert found is not None
        assert loads(found.response) == answer()
        assert msgspec.json.decode(found.input) == [USER]

    shelf(scene)
