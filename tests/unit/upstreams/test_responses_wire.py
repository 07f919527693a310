"""The exact events of Responses, member by member, and the habits of hosts that speak it a little differently."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.upstreams.plain import RESPONSES_TOOL, respond, sse
from tests.upstreams import Answer, Call, ScriptedUpstream, Thought, Usage

Event = dict[str, Any]
ANSWER = Answer(
    text="one two",
    thoughts=(Thought(text="hm so"),),
    calls=(Call(id="a1", name="get_weather", arguments='{"city":"Paris"}'),),
    usage=Usage(input=7, cache_read=3, output=5, reasoning=1),
)
ASKED: dict[str, Any] = {
    "stream": True,
    "tools": [RESPONSES_TOOL],
    "reasoning": {"summary": "auto"},
    "include": ["reasoning.encrypted_content"],
}


def events_of(up: ScriptedUpstream, model: str = "any", **fields: Any) -> list[Event]:
    events = sse(respond(up, model=model, stream=True, **fields).body)
    assert all(event in (None, data["type"]) for event, data in events)
    return [data for _, data in events]


def test_all_events_of_reasoning_text_and_a_call(up: ScriptedUpstream) -> None:
    up.script([ANSWER])
    response = respond(up, **ASKED)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    events = sse(response.body)
    assert [event for event, _ in events] == [data["type"] for _, data in events]
    assert [data.pop("sequence_number") for _, data in events] == list(range(len(events)))
    created, in_progress, *middle, completed = [data for _, data in events]
    final = completed["response"]
    reasoning, message, call = final["output"]
    begun = {**final, "status": "in_progress", "output": [], "usage": None, "completed_at": None}
    assert created == {"type": "response.created", "response": begun}
    assert in_progress == {"type": "response.in_progress", "response": begun}

    def at(item: Event, index: int, name: str, **members: Any) -> Event:
        return {"type": f"response.{name}", "item_id": item["id"], "output_index": index, **members}

    def edge(name: str, index: int, item: Event) -> Event:
        return {"type": f"response.output_item.{name}", "output_index": index, "item": item}

    first_token = middle[0]["item"]["encrypted_content"]
    summary: Event = {"type": "summary_text", "text": "hm so"}
    text: Event = {"type": "output_text", "text": "one two", "annotations": [], "logprobs": []}
    assert first_token != reasoning["encrypted_content"]
    assert middle == [
        edge("added", 0, {"id": reasoning["id"], "type": "reasoning", "summary": [], "encrypted_content": first_token}),
        at(reasoning, 0, "reasoning_summary_part.added", summary_index=0, part={**summary, "text": ""}),
        at(reasoning, 0, "reasoning_summary_text.delta", summary_index=0, delta="hm "),
        at(reasoning, 0, "reasoning_summary_text.delta", summary_index=0, delta="so"),
        at(reasoning, 0, "reasoning_summary_text.done", summary_index=0, text="hm so"),
        at(reasoning, 0, "reasoning_summary_part.done", summary_index=0, part=summary),
        edge("done", 0, reasoning),
        edge("added", 1, {**message, "status": "in_progress", "content": []}),
        at(message, 1, "content_part.added", content_index=0, part={**text, "text": ""}),
        at(message, 1, "output_text.delta", content_index=0, delta="one ", logprobs=[]),
        at(message, 1, "output_text.delta", content_index=0, delta="two", logprobs=[]),
        at(message, 1, "output_text.done", content_index=0, text="one two", logprobs=[]),
        at(message, 1, "content_part.done", content_index=0, part=text),
        edge("done", 1, message),
        edge("added", 2, {**call, "status": "in_progress", "arguments": ""}),
        at(call, 2, "function_call_arguments.delta", delta='{"city":"'),
        at(call, 2, "function_call_arguments.delta", delta='Paris"}'),
        at(call, 2, "function_call_arguments.done", arguments='{"city":"Paris"}'),
        edge("done", 2, call),
    ]  # fmt: skip
    assert (call["call_id"], call["name"], call["status"]) == ("call_a1", "get_weather", "completed")
    assert [item["id"].partition("_")[0] for item in final["output"]] == ["rs", "msg", "fc"]
    assert final["usage"] == {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 1},
        "total_tokens": 15,
    }


def kinds(events: list[Event]) -> list[str]:
    """The event names without repeats and without `response.`."""
    names = [event["type"].removeprefix("response.") for event in events]
    return [name for index, name in enumerate(names) if index == 0 or names[index - 1] != name]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"model": "any+refusal"},
            ["content_part.added", "refusal.delta", "refusal.done", "content_part.done"],
        ),
        (
            {"model": "any+citations"},
            ["output_text.delta", "output_text.annotation.added", "output_text.done"],
        ),
        (
            {"model": "any+reasoning"},
            ["reasoning_text.delta", "reasoning_text.done", "content_part.done", "output_item.done"],
        ),
        (
            {"input": "use the tool", "tools": [{"type": "custom", "name": "shell"}]},
            ["custom_tool_call_input.delta", "custom_tool_call_input.done", "output_item.done"],
        ),
        (
            {"model": "any+web-search", "tools": [{"type": "web_search"}]},
            ["web_search_call.in_progress", "web_search_call.searching", "web_search_call.completed"],
        ),
    ],
    ids=["refusal", "citation", "open reasoning", "custom call", "hosted search"],
)
def test_events_of_other_items(up: ScriptedUpstream, fields: dict[str, Any], expected: list[str]) -> None:
    seen = kinds(events_of(up, **fields))
    start = seen.index(expected[0])
    assert seen[start : start + len(expected)] == expected
    assert seen[-1] == "completed"


def test_an_answer_without_content(up: ScriptedUpstream) -> None:
    assert kinds(events_of(up, "empty")) == ["created", "in_progress", "completed"]


def test_obfuscation_only_on_demand(up: ScriptedUpstream) -> None:
    asked = events_of(up, stream_options={"include_obfuscation": True})
    assert {"obfuscation" in event for event in asked if "delta" in event} == {True}
    assert not any("obfuscation" in event for event in events_of(up))


HABITS: dict[str, Callable[[list[Event]], bool]] = {
    "quirk-no-deltas": lambda events: not any("delta" in event for event in events),
    "quirk-only-final": lambda events: kinds(events) == ["created", "in_progress", "completed"],
    "quirk-empty-final": lambda events: events[-1]["response"]["output"] == [],
    "quirk-unknown-event": lambda events: events[-2]["type"] == "host.progress",
}


@pytest.mark.parametrize("habit", HABITS)
def test_habits(up: ScriptedUpstream, habit: str) -> None:
    plain, odd = events_of(up), events_of(up, f"any+{habit}")
    assert HABITS[habit](odd)
    assert not HABITS[habit](plain)
    assert [event["sequence_number"] for event in odd] == list(range(len(odd)))


def test_spelling_habits(up: ScriptedUpstream) -> None:
    assert b"event:" not in respond(up, model="any+quirk-no-event-lines", stream=True).body
    assert sse(respond(up, model="any+quirk-done", stream=True).body)[-1] == (None, "[DONE]")


# reasoning that comes back

THINK: dict[str, Any] = {
    "model": "gpt-5.2",
    "reasoning": {"summary": "auto"},
    "include": ["reasoning.encrypted_content"],
    "store": False,
    "tools": [RESPONSES_TOOL],
}
ASK = {"role": "user", "content": "use the tool"}


def first_step(up: ScriptedUpstream, **fields: Any) -> list[Event]:
    items = respond(up, input=[ASK], **{**THINK, **fields}).json["output"]
    assert [item["type"] for item in items] == ["reasoning", "function_call"]
    return items


def replay(up: ScriptedUpstream, items: list[Event], *, key: str = "key-1", **fields: Any) -> Any:
    call_id = next(item["call_id"] for item in items if "call_id" in item)
    output = {"type": "function_call_output", "call_id": call_id, "output": "18"}
    return respond(up, key=key, **{**THINK, "input": [ASK, *items, output], **fields})


def test_reasoning_may_come_back_in_the_forms_that_clients_send(up: ScriptedUpstream) -> None:
    items = first_step(up)
    bare = [{name: value for name, value in item.items() if name != "id"} for item in items]
    for form in (items, bare, [{**items[0], "summary": []}, items[1]], items[1:]):
        assert replay(up, form).status == 200
    assert replay(up, items, model="gpt-5.2-20260101").status == 200


def altered(items: list[Event]) -> None:
    token = items[0]["encrypted_content"]
    items[0]["encrypted_content"] = token[:-6] + ("A" if token[-6] != "A" else "B") + token[-5:]


def first_token_only(items: list[Event]) -> None:
    items[0]["encrypted_content"] = "gAAAAAB"


def unsealed(items: list[Event]) -> None:
    del items[0]["encrypted_content"]


def last(items: list[Event]) -> None:
    items.reverse()


@pytest.mark.parametrize(
    ("tamper", "status", "words"),
    [
        (altered, 400, "could not be verified"),
        (first_token_only, 400, "could not be verified"),
        (unsealed, 404, "Items are not persisted"),
        (last, 400, "without its required following item"),
    ],
    ids=["altered", "emptied", "unsealed", "moved"],
)
def test_tampering_is_found_out(
    up: ScriptedUpstream, tamper: Callable[[list[Event]], None], status: int, words: str
) -> None:
    items = first_step(up)
    tamper(items)
    response = replay(up, items)
    assert response.status == status, response.body
    assert words in response.message


def test_another_family_or_account_and_old_reasoning_are_refused(up: ScriptedUpstream) -> None:
    items = first_step(up)
    for fields in ({"model": "gpt-6"}, {"key": "key-2"}, {"model": "gpt-5.2+reasoning-expired"}):
        error = replay(up, items, **fields).json["error"]
        assert error["code"] == "invalid_encrypted_content"


def test_the_token_that_the_stream_shows_first_is_not_the_reasoning(up: ScriptedUpstream) -> None:
    events = events_of(up, input=[ASK], **THINK)
    added = next(event["item"] for event in events if event["type"] == "response.output_item.added")
    final = events[-1]["response"]["output"]
    assert replay(up, final).status == 200
    early = [{**final[0], "encrypted_content": added["encrypted_content"]}, final[1]]
    assert replay(up, early).json["error"]["code"] == "invalid_encrypted_content"


def test_without_include_there_is_no_token(up: ScriptedUpstream) -> None:
    items = first_step(up, include=[])
    assert "encrypted_content" not in items[0]
    assert "encrypted_content" in first_step(up, store=True)[0]


def test_summaries_only_on_demand(up: ScriptedUpstream) -> None:
    assert first_step(up, reasoning={"effort": "low"})[0]["summary"] == []
    assert first_step(up)[0]["summary"][0]["type"] == "summary_text"
