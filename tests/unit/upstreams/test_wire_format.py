"""The exact events of both dialects, member by member, as the vendors document them."""

from typing import Any

from tests.unit.upstreams.plain import ANTHROPIC_TOOL, OPENAI_TOOL, chat, messages, sse
from tests.upstreams import Answer, Call, ScriptedUpstream, Thought, Usage

ANSWER = Answer(
    text="one two",
    thoughts=(Thought(text="hm"),),
    calls=(Call(id="a1", name="get_weather", arguments='{"city":"Paris"}'),),
    usage=Usage(input=7, cache_read=3, output=5, reasoning=1),
)


def test_chat_chunks(up: ScriptedUpstream) -> None:
    up.script([ANSWER])
    asked: Any = {"stream": True, "stream_options": {"include_usage": True}, "tools": [OPENAI_TOOL]}
    response = chat(up, model="any+reasoning", **asked)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    events = [data for _, data in sse(response.body)]
    assert events[-1] == "[DONE]"
    choices = [chunk["choices"] for chunk in events[:-1]]
    call = {
        "index": 0,
        "id": "call_a1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": ""},
    }
    deltas: list[Any] = [
        {"role": "assistant", "content": "", "refusal": None},
        {"reasoning_content": "hm"},
        {"content": "one "},
        {"content": "two"},
        {"tool_calls": [call]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"city":"'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": 'Paris"}'}}]},
        {},
    ]
    finishes = [None] * 7 + ["tool_calls"]
    assert choices == [
        [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
        for delta, finish in zip(deltas, finishes, strict=True)
    ] + [[]]
    assert [chunk["usage"] for chunk in events[:-2]] == [None] * 8
    usage = events[-2]["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (10, 5, 15)
    assert usage["prompt_tokens_details"]["cached_tokens"] == 3
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 1
    common = {(chunk["id"], chunk["created"], chunk["model"], chunk["object"]) for chunk in events[:-1]}
    assert len(common) == 1
    assert all("usage" not in data for _, data in sse(chat(up, stream=True).body) if data != "[DONE]")


def test_anthropic_events(up: ScriptedUpstream) -> None:
    up.script([ANSWER])
    thinking = {"type": "enabled", "budget_tokens": 1024}
    events = sse(messages(up, stream=True, tools=[ANTHROPIC_TOOL], thinking=thinking).body)
    assert all(event == data["type"] for event, data in events)
    opening = events[0][1]["message"]
    assert (opening["content"], opening["stop_reason"], opening["role"]) == ([], None, "assistant")
    counted = {"input_tokens": 7, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 0}
    assert counted.items() <= opening["usage"].items()
    middle = [data for _, data in events[1:-2]]
    signature = middle[3]["delta"]["signature"]
    tool = {
        "type": "tool_use",
        "id": "toolu_01a1",
        "name": "get_weather",
        "input": {},
        "caller": {"type": "direct"},
    }

    def start(index: int, block: Any) -> Any:
        return {"type": "content_block_start", "index": index, "content_block": block}

    def delta(index: int, kind: str, **fields: str) -> Any:
        return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}

    assert middle == [
        start(0, {"type": "thinking", "thinking": "", "signature": ""}),
        {"type": "ping"},
        delta(0, "thinking_delta", thinking="hm"),
        delta(0, "signature_delta", signature=signature),
        {"type": "content_block_stop", "index": 0},
        start(1, {"type": "text", "text": ""}),
        delta(1, "text_delta", text="one "),
        delta(1, "text_delta", text="two"),
        {"type": "content_block_stop", "index": 1},
        start(2, tool),
        delta(2, "input_json_delta", partial_json=""),
        delta(2, "input_json_delta", partial_json='{"city":"'),
        delta(2, "input_json_delta", partial_json='Paris"}'),
        {"type": "content_block_stop", "index": 2},
    ]
    closing, end = events[-2][1], events[-1][1]
    assert closing["delta"]["stop_reason"] == "tool_use"
    assert {**counted, "output_tokens": 5}.items() <= closing["usage"].items()
    assert end == {"type": "message_stop"}
