"""OpenAI's SDK: tools offered, called, answered, and the model's thoughts between them."""

import json
from typing import Any

import openai
import pytest

from tests.conformance.cells import OpenAICell
from tests.conformance.house import House
from tests.conformance.samples import (
    OPENAI_TOOL,
    OTHER_OPENAI_TOOL,
    PNG,
    completion_said,
    completion_whole,
    replayed,
    streamed_completion,
    user,
)

PARIS, ROME = ("get_weather", '{"city":"Paris"}'), ("get_weather", '{"city":"Rome"}')
FORCED = {"type": "function", "function": {"name": "get_weather"}}
NOT_PARALLEL = {"parallel_tool_calls": False, "tool_choice": "required"}

CALLS: dict[str, tuple[dict[str, Any], list[tuple[str, str]], str | None]] = {
    "one": ({"messages": user("use the tool")}, [PARIS], None),
    "two": ({"messages": user("weather in two cities")}, [PARIS, ROME], None),
    "both tools": ({"messages": user("use both tools"), "tools": [OPENAI_TOOL, OTHER_OPENAI_TOOL]}, [PARIS, ("get_time", '{"city":"Rome"}')], None),
    "with text": ({"messages": user("use the tool and explain")}, [PARIS], "I will look that up."),
    "required": ({"messages": user("hi"), "tool_choice": "required"}, [PARIS], None),
    "forced": ({"messages": user("hi"), "tool_choice": FORCED, "tools": [OTHER_OPENAI_TOOL, OPENAI_TOOL]}, [PARIS], None),
    "none": ({"messages": user("weather"), "tool_choice": "none"}, [], "You said: weather"),
    "auto unused": ({"messages": user("hi"), "tool_choice": "auto"}, [], "You said: hi"),
    "not parallel": ({"messages": user("two cities"), **NOT_PARALLEL}, [PARIS], None),
    "no arguments": ({"messages": user("use the tool"), "tools": [{"type": "function", "function": {"name": "ping"}}]}, [("ping", "{}")], None),
}  # fmt: skip


@pytest.mark.parametrize("case", CALLS)
def test_calls_whole_and_streamed(chat_sdk: openai.OpenAI, chat_cell: OpenAICell, case: str) -> None:
    fields, calls, text = CALLS[case]
    fields = {"model": chat_cell.model(), "tools": [OPENAI_TOOL], **fields}
    raw = chat_sdk.chat.completions.with_raw_response.create(**fields)
    whole = raw.parse()
    if case == "not parallel" and chat_cell.account == "gemini":  # it has no such switch
        calls = [PARIS, ROME]
        assert "parallel_tool_calls" in chat_cell.lost(raw.headers)
    said = completion_said(whole)
    assert said.get("calls", []) == calls
    assert (said["text"], said["finish"]) == (text, "tool_calls" if calls else "stop")
    ids = [call.id for call in whole.choices[0].message.tool_calls or ()]
    assert len(set(ids)) == len(calls)
    assert all(0 < len(call_id) <= 40 for call_id in ids)
    assert completion_whole(streamed_completion(chat_sdk, **fields)) == completion_whole(whole)


def test_the_raw_deltas_of_parallel_calls(chat_sdk: openai.OpenAI, chat_cell: OpenAICell) -> None:
    stream = chat_sdk.chat.completions.create(
        model=chat_cell.model(),
        messages=user("weather in two cities"),
        tools=[_tool(OPENAI_TOOL)],
        stream=True,
    )
    deltas = [d for chunk in stream for c in chunk.choices for d in c.delta.tool_calls or ()]
    assert sorted({delta.index for delta in deltas}) == [0, 1]
    for index, city in ((0, "Paris"), (1, "Rome")):
        own = [delta for delta in deltas if delta.index == index]
        named = [d.function.name for d in own if d.function and d.function.name]
        assert named == ["get_weather"]
        assert len([delta.id for delta in own if delta.id]) == 1
        assert own[0].id
        pieces = [d.function.arguments or "" for d in own if d.function]
        assert json.loads("".join(pieces)) == {"city": city}
        streamed = chat_cell.account != "gemini"  # its calls come whole
        assert (len([piece for piece in pieces if piece]) > 1) is streamed


def _tool(tool: dict[str, Any]) -> Any:
    return tool


def test_a_loop_of_three_steps(chat_sdk: openai.OpenAI, chat_cell: OpenAICell) -> None:
    history: list[Any] = user("use the tool in three steps")
    for step in range(3):
        made = chat_sdk.chat.completions.create(
            model=chat_cell.model(), messages=history, tools=[_tool(OPENAI_TOOL)]
        )
        (call,) = made.choices[0].message.tool_calls or ()
        assert call.type == "function"
        assert json.loads(call.function.arguments) == {"city": ("Paris", "Rome", "Oslo")[step]}
        history.append(replayed(made.choices[0].message))
        history.append({"role": "tool", "tool_call_id": call.id, "content": f"{18 + step} degrees"})
    last = chat_sdk.chat.completions.create(
        model=chat_cell.model(), messages=history, tools=[_tool(OPENAI_TOOL)]
    )
    assert completion_said(last) == {"text": "get_weather said: 20 degrees", "finish": "stop"}


def test_parallel_results_in_any_order(chat_sdk: openai.OpenAI, chat_cell: OpenAICell) -> None:
    """Results come back out of order, with a remark of the user behind them."""
    history: list[Any] = user("weather in two cities")
    fields: Any = {"model": chat_cell.model(), "tools": [OPENAI_TOOL]}
    first = streamed_completion(chat_sdk, messages=history, **fields).choices[0].message
    calls = first.tool_calls or ()
    history.append(replayed(first))
    history += [
        {"role": "tool", "tool_call_id": call.id, "content": str(20 + index)}
        for index, call in reversed(list(enumerate(calls)))
    ]
    history += user("be quick")
    made = chat_sdk.chat.completions.create(messages=history, **fields)
    said = completion_said(made)["text"]
    in_order, as_sent = (
        "get_weather said: 20; get_weather said: 21",
        "get_weather said: 21; get_weather said: 20",
    )
    assert said == chat_cell.pick(chat=as_sent, rest=in_order) + "\nAlso: be quick"


def test_history_that_needs_repair(house: House) -> None:
    """A missing result and tools that are no longer declared: another vendor than the client's would refuse both."""
    cell = OpenAICell(house, "claude")
    call: Any = {"id": "call.1", "type": "function", "function": {"name": "gone.tool", "arguments": ""}}
    history: list[Any] = [*user("hi"), {"role": "assistant", "tool_calls": [call]}, *user("and now?")]
    with cell.client() as sdk:
        raw = sdk.chat.completions.with_raw_response.create(model=cell.model(), messages=history)
    assert raw.parse().choices[0].message.content == "gone_tool_bd65cfe5 failed: [no result]\nAlso: and now?"
    assert house.receipt(raw.headers["x-request-id"])["request_losses"]


def test_names_come_back_as_they_were_given(chat_sdk: openai.OpenAI, chat_cell: OpenAICell) -> None:
    long = "mcp__server__" + "x" * 51
    tool = {
        "type": "function",
        "function": {"name": long, "parameters": OPENAI_TOOL["function"]["parameters"]},
    }
    made = chat_sdk.chat.completions.create(
        model=chat_cell.model(), messages=user("use the tool"), tools=[_tool(tool)]
    )
    assert completion_said(made)["calls"] == [(long, '{"city":"Paris"}')]


def test_custom_tools(chat_sdk: openai.OpenAI, chat_cell: OpenAICell) -> None:
    """A tool of free text: elsewhere it becomes a function of one string, and a custom call again."""
    fields: Any = {"model": chat_cell.model(), "tools": [{"type": "custom", "custom": {"name": "shell"}}]}
    history: list[Any] = user("use the tool")
    message = chat_sdk.chat.completions.create(messages=history, **fields).choices[0].message
    (call,) = message.tool_calls or ()
    assert call.type == "custom"
    said = chat_cell.pick(chat="free text 1", responses="free text 1", rest="input 1")
    assert (call.custom.name, call.custom.input) == ("shell", said)
    history.append(replayed(message))
    history.append({"role": "tool", "tool_call_id": call.id, "content": "done"})
    last = chat_sdk.chat.completions.create(messages=history, **fields)
    assert completion_said(last) == {"text": "shell said: done", "finish": "stop"}


def test_legacy_functions(chat_sdk: openai.OpenAI, chat_cell: OpenAICell) -> None:
    fields: Any = {"model": chat_cell.model(), "functions": [OPENAI_TOOL["function"]]}
    history: list[Any] = user("use the tool")
    first = chat_sdk.chat.completions.create(messages=history, **fields).choices[0]
    assert first.finish_reason == "function_call"
    assert first.message.tool_calls is None
    assert first.message.function_call is not None
    assert (first.message.function_call.name, first.message.function_call.arguments) == PARIS
    chunks = list(chat_sdk.chat.completions.create(messages=history, stream=True, **fields))
    deltas = [c.delta.function_call for chunk in chunks for c in chunk.choices if c.delta.function_call]
    assert "".join(delta.name or "" for delta in deltas) == "get_weather"
    assert json.loads("".join(delta.arguments or "" for delta in deltas)) == {"city": "Paris"}
    history.append(replayed(first.message))
    history.append({"role": "function", "name": "get_weather", "content": "18"})
    last = chat_sdk.chat.completions.create(messages=history, **fields)
    assert completion_said(last) == {"text": "get_weather said: 18", "finish": "stop"}


def test_images_in_results(chat_sdk: openai.OpenAI, chat_cell: OpenAICell) -> None:
    """Chat's results are text alone; parts of text pass everywhere."""
    history: list[Any] = user("use the tool")
    fields: Any = {"model": chat_cell.model(), "tools": [OPENAI_TOOL]}
    first = chat_sdk.chat.completions.create(messages=history, **fields).choices[0].message
    history.append(replayed(first))
    parts = [{"type": "text", "text": "18"}, {"type": "text", "text": f"and {len(PNG)}"}]
    (call,) = first.tool_calls or ()
    history.append({"role": "tool", "tool_call_id": call.id, "content": parts})
    last = chat_sdk.chat.completions.create(messages=history, **fields)
    assert completion_said(last)["text"] == f"get_weather said: 18\nand {len(PNG)}"


# thoughts


def test_thoughts_are_shown(chat_sdk: openai.OpenAI, chat_cell: OpenAICell) -> None:
    effort: Any = {"reasoning_effort": "medium"} if chat_cell.translated else {}
    fields: Any = {
        "model": chat_cell.model(base=chat_cell.thinker),
        "messages": user("hi"),
        **effort,
    }
    whole = chat_sdk.chat.completions.create(**fields)
    said = completion_said(whole)
    shown = None if chat_cell.account == "responses" else "The user says 'hi'. I should answer plainly."
    assert (said["text"], said.get("thought")) == ("You said: hi", shown)  # a summary nobody asked for
    assert whole.usage is not None
    assert whole.usage.completion_tokens_details is not None
    assert whole.usage.completion_tokens_details.reasoning_tokens == 8
    final = streamed_completion(chat_sdk, **fields)
    assert _without_seals(completion_whole(final)) == _without_seals(completion_whole(whole))


def _without_seals(whole: Any) -> Any:
    """Seals are encrypted anew each time; all else must agree."""
    identity, model, choices, usage = whole
    for *_, kept in choices:
        sealed = kept.get("reasoning_signatures")
        kept["reasoning_signatures"] = sealed and [item[:5] for item in sealed]
    return identity, model, choices, usage


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("scenario", ["", "redacted"])
@pytest.mark.parametrize("base", ["claude-haiku-4-5", "claude-opus-5"])
def test_signed_thoughts_ride_along(house: House, base: str, scenario: str, streamed: bool) -> None:
    """A Chat client carries the signed reasoning of another vendor through a loop, sealed; the vendor checks it."""
    cell = OpenAICell(house, "claude")
    history: list[Any] = user("use the tool in three steps")
    fields: Any = {
        "model": cell.model(scenario, base=base), "tools": [OPENAI_TOOL], "reasoning_effort": "high"
    }  # fmt: skip
    with cell.client() as sdk:
        for step in range(4):
            make = (lambda **f: streamed_completion(sdk, **f)) if streamed else sdk.chat.completions.create
            message = make(messages=history, **fields).choices[0].message
            dumped = replayed(message)
            seals = dumped["reasoning_signatures"]
            assert len(seals) == (2 if scenario else 1)
            assert all(seal.startswith("flr1.") for seal in seals)
            assert "The user says" in dumped["reasoning_content"]
            assert bool(message.tool_calls) is (step < 3)
            history.append(dumped)
            history += [
                {"role": "tool", "tool_call_id": call["id"], "content": "18"}
                for call in dumped.get("tool_calls", ())
            ]
    assert message.content == "get_weather said: 18"
    sent = house.claude.last.json
    kinds = [b["type"] for m in sent["messages"] if m["role"] == "assistant" for b in m["content"]]
    assert kinds == (["thinking", *(["redacted_thinking"] if scenario else []), "tool_use"]) * 3
    assert "flr1." not in str(sent), "our envelope must never reach a vendor"


@pytest.mark.parametrize("tampering", ["dropped", "altered"])
def test_thoughts_that_lost_their_seal(house: House, tampering: str) -> None:
    """Dropped seals are remembered; damaged ones stay behind, since the vendor refuses unsigned reasoning."""
    cell = OpenAICell(house, "claude")
    history: list[Any] = user("use the tool")
    fields: Any = {"model": cell.model(), "tools": [OPENAI_TOOL], "reasoning_effort": "high"}
    with cell.client() as sdk:
        message = sdk.chat.completions.create(messages=history, **fields).choices[0].message
        dumped = replayed(message)
        if tampering == "dropped":
            del dumped["reasoning_signatures"]
        else:
            dumped["reasoning_signatures"] = [
                s[:40] + "AAAA" + s[44:] for s in dumped["reasoning_signatures"]
            ]
        history += [dumped, {"role": "tool", "tool_call_id": dumped["tool_calls"][0]["id"], "content": "18"}]
        raw = sdk.chat.completions.with_raw_response.create(messages=history, **fields)
    assert raw.parse().choices[0].message.content == "get_weather said: 18"
    if tampering == "dropped":
        thought = house.claude.last.json["messages"][1]["content"][0]
        assert (thought["type"], bool(thought["signature"])) == ("thinking", True)
        return
    losses = house.receipt(raw.headers["x-request-id"])["request_losses"]
    assert any("reasoning" in loss["path"] or "thinking" in loss["path"] for loss in losses), losses


def test_another_vendor_s_thoughts_are_not_handed_on(house: House) -> None:
    """The same conversation goes on at another vendor: no seal and no signature arrives there."""
    claude = OpenAICell(house, "claude")
    history: list[Any] = user("use the tool")
    fields: Any = {"tools": [OPENAI_TOOL]}
    with claude.client() as sdk:
        message = (
            sdk.chat.completions.create(
                model=claude.model(), messages=history, reasoning_effort="high", **fields
            )
            .choices[0]
            .message
        )
        dumped = replayed(message)
        history += [dumped, {"role": "tool", "tool_call_id": dumped["tool_calls"][0]["id"], "content": "18"}]
        for other in (OpenAICell(house, place) for place in ("chat", "responses", "gemini")):
            made = sdk.chat.completions.create(
                model=other.model(base=other.thinker), messages=history, **fields
            )
            assert made.choices[0].message.content == "get_weather said: 18"
            assert "encrypted_content" not in str(other.up.last.json.get("input"))
            assert "thoughtSignature" not in str(other.up.last.json)
