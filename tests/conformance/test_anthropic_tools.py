"""Anthropic's SDK: tools offered, called, answered, run by the SDK itself, and the thoughts between them."""

import json
from typing import Any

import anthropic
import pytest
from anthropic import beta_async_tool, beta_tool

from tests.conformance.cells import AnthropicCell
from tests.conformance.house import ACCOUNTS, House
from tests.conformance.samples import (
    CLAUDE_TOOL,
    OTHER_CLAUDE_TOOL,
    PNG,
    THINK,
    b64,
    message_said,
    message_whole,
    seen,
    user,
)

PARIS, ROME = ("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome"})
EMPTY = {"name": "ping", "input_schema": {"type": "object"}}

CALLS: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "one": ({"messages": user("use the tool")}, [PARIS]),
    "two": ({"messages": user("weather in two cities")}, [PARIS, ROME]),
    "both tools": ({"messages": user("use both tools"), "tools": [CLAUDE_TOOL, OTHER_CLAUDE_TOOL]}, [PARIS, ("get_time", {"city": "Rome"})]),
    "with text": ({"messages": user("use the tool and explain")}, ["I will look that up.", PARIS]),
    "any": ({"messages": user("hi"), "tool_choice": {"type": "any"}}, [PARIS]),
    "forced": ({"messages": user("hi"), "tool_choice": {"type": "tool", "name": "get_weather"}, "tools": [OTHER_CLAUDE_TOOL, CLAUDE_TOOL]}, [PARIS]),
    "none": ({"messages": user("weather"), "tool_choice": {"type": "none"}}, ["You said: weather"]),
    "auto unused": ({"messages": user("hi"), "tool_choice": {"type": "auto"}}, ["You said: hi"]),
    "not parallel": ({"messages": user("two cities"), "tool_choice": {"type": "any", "disable_parallel_tool_use": True}}, [PARIS]),
    "no input": ({"messages": user("use the tool"), "tools": [EMPTY]}, [("ping", {})]),
}  # fmt: skip


@pytest.mark.parametrize("case", CALLS)
def test_calls_whole_and_streamed(
    claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell, case: str
) -> None:
    fields, blocks = CALLS[case]
    fields = {"model": claude_cell.model(), "max_tokens": 500, "tools": [CLAUDE_TOOL], **fields}
    raw = claude_sdk.messages.with_raw_response.create(**fields)
    whole = raw.parse()
    if case == "not parallel" and claude_cell.account == "gemini":  # it has no such switch
        blocks = [PARIS, ROME]
        assert "tool_choice.disable_parallel_tool_use" in claude_cell.lost(raw.headers)
    called = any(isinstance(block, tuple) for block in blocks)
    assert message_said(whole) == {"blocks": blocks, "stop": "tool_use" if called else "end_turn"}
    ids = [block.id for block in whole.content if block.type == "tool_use"]
    assert len(set(ids)) == len(ids)
    with claude_sdk.messages.stream(**fields) as stream:
        assert message_whole(stream.get_final_message()) == message_whole(whole)


def test_the_raw_events_of_parallel_calls(
    claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell
) -> None:
    events: list[Any] = list(
        claude_sdk.messages.create(
            model=claude_cell.model(),
            max_tokens=500,
            messages=user("weather in two cities"),
            tools=[_tool(CLAUDE_TOOL)],
            stream=True,
        )
    )
    starts = [event for event in events if event.type == "content_block_start"]
    assert [(start.index, start.content_block.type) for start in starts] == [(0, "tool_use"), (1, "tool_use")]
    for index, city in ((0, "Paris"), (1, "Rome")):
        pieces = [
            event.delta.partial_json
            for event in events
            if event.type == "content_block_delta" and event.index == index
        ]
        assert json.loads("".join(pieces)) == {"city": city}
        streamed = claude_cell.account != "gemini"  # its calls come whole
        assert (len([piece for piece in pieces if piece]) > 1) is streamed


def _tool(tool: dict[str, Any]) -> Any:
    return tool


def test_a_loop_of_three_steps(claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell) -> None:
    history: list[Any] = user("use the tool in three steps")
    fields: Any = {"model": claude_cell.model(), "max_tokens": 500, "tools": [CLAUDE_TOOL]}
    for step in range(3):
        with claude_sdk.messages.stream(messages=history, **fields) as stream:
            message = stream.get_final_message()
        (call,) = [block for block in message.content if block.type == "tool_use"]
        assert call.input == {"city": ("Paris", "Rome", "Oslo")[step]}
        history.append({"role": "assistant", "content": message.content})
        history += user([{"type": "tool_result", "tool_use_id": call.id, "content": f"{18 + step} degrees"}])
    last = claude_sdk.messages.create(messages=history, **fields)
    assert message_said(last) == {"blocks": ["get_weather said: 20 degrees"], "stop": "end_turn"}


def test_results_with_images_errors_and_remarks(
    claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell
) -> None:
    """Chat knows neither images in results nor failed ones: the image follows, the failure is told in words."""
    history: list[Any] = user("weather in two cities")
    fields: Any = {"model": claude_cell.model(), "max_tokens": 500, "tools": [CLAUDE_TOOL]}
    first = claude_sdk.messages.create(messages=history, **fields)
    one, two = [block.id for block in first.content if block.type == "tool_use"]
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": b64(PNG)}}
    shown = [{"type": "text", "text": "18 degrees"}, picture]
    content: list[Any] = [
        {"type": "tool_result", "tool_use_id": one, "content": shown},
        {"type": "tool_result", "tool_use_id": two, "content": "no such city", "is_error": True},
        {"type": "text", "text": "be quick"},
    ]
    history += [{"role": "assistant", "content": first.content}, *user(content)]
    (text,) = message_said(claude_sdk.messages.create(messages=history, **fields))["blocks"]
    failed = claude_cell.pick(
        claude="get_weather failed: no such city",
        gemini="get_weather failed: no such city",
        rest="get_weather said: Error: no such city",
    )
    said, aside, *media = text.splitlines()
    assert said == f"get_weather said: 18 degrees; {failed}"
    assert "be quick" in aside or "be quick" in media
    assert seen("image/png", PNG) in media


def test_tools_no_longer_declared(claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell) -> None:
    """History with calls but no tools: the vendor itself refuses it, a Chat vendor does not."""
    call = {"type": "tool_use", "id": "toolu_1", "name": "gone", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "18"}
    history: Any = [*user("hi"), {"role": "assistant", "content": [call]}, *user([result])]
    if claude_cell.account == "claude":
        claude_cell.house.refusals_meant = True
        with pytest.raises(anthropic.BadRequestError, match="must define tools"):
            claude_sdk.messages.create(model=claude_cell.model(), max_tokens=50, messages=history)
        return
    made = claude_sdk.messages.create(model=claude_cell.model(), max_tokens=50, messages=history)
    assert message_said(made)["blocks"] == ["gone said: 18"]


def test_long_names_come_back_as_they_were_given(
    claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell
) -> None:
    """Anthropic takes 128 characters, Chat 64; the two tools differ only at their end."""
    tools: list[Any] = [{**CLAUDE_TOOL, "name": "mcp__" + "x" * 100 + letter} for letter in "ab"]
    fields: Any = {"model": claude_cell.model(), "max_tokens": 500, "tools": tools}
    choice: Any = {"type": "tool", "name": tools[1]["name"]}
    history: list[Any] = user("hi")
    first = claude_sdk.messages.create(messages=history, tool_choice=choice, **fields)
    assert message_said(first)["blocks"] == [(tools[1]["name"], {"city": "Paris"})]
    with claude_sdk.messages.stream(messages=history, tool_choice=choice, **fields) as stream:
        assert message_whole(stream.get_final_message()) == message_whole(first)
    (call,) = [block for block in first.content if block.type == "tool_use"]
    history.append({"role": "assistant", "content": first.content})
    history += user([{"type": "tool_result", "tool_use_id": call.id, "content": "18"}])
    (text,) = message_said(claude_sdk.messages.create(messages=history, **fields))["blocks"]
    assert text.endswith("said: 18")


# the SDK's own runner


def test_the_tool_runner_goes_on_with_whole_histories(
    claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell
) -> None:
    """It first asks for a message thread, is refused, and then sends the whole history; nothing is lost."""
    claude_cell.house.refusals_meant = True  # the vendor without threads refuses them too
    asked: list[str] = []

    @beta_tool
    def get_weather(city: str) -> str:
        """Tell the weather of a city."""
        asked.append(city)
        return f"18 degrees in {city}"

    runner = claude_sdk.beta.messages.tool_runner(
        model=claude_cell.model(),
        max_tokens=2000,
        tools=[get_weather],
        messages=user("What is the weather in two cities?"),
    )
    last = runner.until_done()
    assert asked == ["Paris", "Rome"]
    expected = "get_weather said: 18 degrees in Paris; get_weather said: 18 degrees in Rome"
    assert message_said(last)["blocks"] == [expected]
    answered = [received for received in claude_cell.up.calls if received.status == 200]
    assert len(answered) == 2
    assert "thread" not in answered[-1].json
    sent = answered[-1].json
    turns = sent.get("messages") or sent.get("contents") or sent["input"]
    assert [turn.get("role", turn.get("type")) for turn in turns] == claude_cell.pick(
        claude=["user", "assistant", "user"],
        chat=["user", "assistant", "tool", "tool"],
        responses=["user", *["function_call"] * 2, *["function_call_output"] * 2],
        gemini=["user", "model", "user"],
    )


async def test_the_async_tool_runner_streams(
    async_claude_sdk: anthropic.AsyncAnthropic, claude_cell: AnthropicCell
) -> None:
    claude_cell.house.refusals_meant = True

    @beta_async_tool
    async def get_weather(city: str) -> str:
        """Tell the weather of a city."""
        return f"18 in {city}"

    runner = async_claude_sdk.beta.messages.tool_runner(
        model=claude_cell.model(),
        max_tokens=2000,
        tools=[get_weather],
        messages=user("use the tool"),
        stream=True,
    )
    finals = [await stream.get_final_message() async for stream in runner]
    assert [message_said(final)["blocks"] for final in finals] == [[PARIS], ["get_weather said: 18 in Paris"]]


def test_a_thread_is_never_ignored_in_silence(house: House) -> None:
    """A gateway that kept no thread but went on would lose the conversation."""
    house.refusals_meant = True
    for place in ("direct", *ACCOUNTS):
        cell = AnthropicCell(house, place)
        for thread, code in (
            ({"type": "create"}, "thread_unsupported_request"),
            ({"type": "continue", "previous_message_id": "msg_1"}, "thread_not_found"),
        ):
            body = {"model": cell.model(), "max_tokens": 50, "messages": user("hi"), "thread": thread}
            beta = {"anthropic-beta": "message-threads-2026-08-12", "anthropic-version": "2026-10-21"}
            status, _, text = cell.call("/v1/messages?beta=true", body, **beta)
            assert status == (400 if thread["type"] == "create" else 404)
            assert json.loads(text)["error"]["details"]["error_code"] == code


# thoughts


def thinking(cell: AnthropicCell) -> dict[str, Any]:
    """Return what makes the cell's vendor show its thoughts."""
    return {"model": cell.model(base=cell.thinker), "max_tokens": 4000, "thinking": THINK}


def test_thoughts_are_shown(claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell) -> None:
    fields: Any = {**thinking(claude_cell), "messages": user("hi")}
    whole = claude_sdk.messages.create(**fields)
    thought = ("thinking", "The user says 'hi'. I should answer plainly.")
    assert message_said(whole) == {"blocks": [thought, "You said: hi"], "stop": "end_turn"}
    assert whole.usage.output_tokens == 8 + 3
    assert whole.usage.output_tokens_details is not None
    assert whole.usage.output_tokens_details.thinking_tokens == 8
    with claude_sdk.messages.stream(**fields) as stream:
        assert _without_seals(stream.get_final_message()) == _without_seals(whole)


def _without_seals(message: Any) -> Any:
    """Our seals are encrypted anew each time; all else must agree."""
    identity, model, blocks, *rest = message_whole(message)
    shown = [{**b, "signature": str(b["signature"])[:5]} if "signature" in b else b for b in blocks]
    return identity, model, shown, *rest


def test_thinking_over_a_tool_loop(claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell) -> None:
    """Every block goes back as it came; the vendor that signed it checks it, another does not mind."""
    history: list[Any] = user("use the tool in three steps")
    fields: Any = {**thinking(claude_cell), "tools": [CLAUDE_TOOL]}
    for step in range(4):
        with claude_sdk.messages.stream(messages=history, **fields) as stream:
            message = stream.get_final_message()
        assert message.content[0].type == "thinking"
        signed = message.content[0].signature
        if claude_cell.translated:  # only an envelope of the gateway's own, or nothing, is no vendor's
            assert signed == "" or signed.startswith("flr1.")
        else:
            assert signed
        history.append({"role": "assistant", "content": message.content})
        calls = [block for block in message.content if block.type == "tool_use"]
        assert bool(calls) is (step < 3)
        history += user([{"type": "tool_result", "tool_use_id": c.id, "content": "18"} for c in calls])
    assert message_said(message)["blocks"][-1] == "get_weather said: 18"


@pytest.mark.parametrize("place", ["direct", "claude"])
def test_adaptive_redacted_and_omitted_thoughts(house: House, place: str) -> None:
    cell = AnthropicCell(house, place)
    hidden: Any = {"type": "adaptive", "display": "omitted"}
    with cell.client() as sdk:
        for scenario, how in (("redacted", {"type": "adaptive"}), ("", hidden)):
            history: list[Any] = user("use the tool")
            for _ in range(2):
                made: Any = sdk.messages.create(
                    model=cell.model(scenario, base="claude-opus-5"),
                    max_tokens=4000,
                    thinking=how,
                    tools=[_tool(CLAUDE_TOOL)],
                    messages=history,
                    output_config={"effort": "high"},
                )
                history.append({"role": "assistant", "content": made.content})
                calls = [block for block in made.content if block.type == "tool_use"]
                history += user(
                    [{"type": "tool_result", "tool_use_id": c.id, "content": "18"} for c in calls]
                )
            kinds = [block.type for block in made.content]
            assert kinds == ["thinking", *(["redacted_thinking"] if scenario else []), "text"]


def test_a_forged_signature_is_the_vendor_s_400(
    claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell
) -> None:
    """A vendor that signs refuses a forgery; one that does not never sees the signature."""
    forged = {"type": "thinking", "thinking": "trust me", "signature": "Eq" + "A" * 54}
    answer = {"role": "assistant", "content": [forged, {"type": "text", "text": "x"}]}
    fields: Any = {**thinking(claude_cell), "messages": [*user("hi"), answer, *user("more")]}
    if claude_cell.translated:
        assert message_said(claude_sdk.messages.create(**fields))["blocks"][-1] == "You said: more"
        assert not claude_cell.up.seen(forged["signature"])
        return
    claude_cell.house.refusals_meant = True
    with pytest.raises(anthropic.BadRequestError, match="Invalid `signature`"):
        claude_sdk.messages.create(**fields)


def test_another_vendor_s_thoughts_are_not_handed_on(house: House) -> None:
    """Signed at one vendor, the conversation goes on at another and comes back: nothing is refused."""
    claude = AnthropicCell(house, "claude")
    history: list[Any] = user("use the tool")
    with claude.client() as sdk:
        first = sdk.messages.create(**thinking(claude), messages=history, tools=[_tool(CLAUDE_TOOL)])
        (call,) = [block for block in first.content if block.type == "tool_use"]
        history += [{"role": "assistant", "content": first.content}]
        history += user([{"type": "tool_result", "tool_use_id": call.id, "content": "18"}])
        signature = next(block.signature for block in first.content if block.type == "thinking")
        for other in (AnthropicCell(house, place) for place in ("gemini", "responses", "chat")):
            second = sdk.messages.create(**thinking(other), messages=history, tools=[_tool(CLAUDE_TOOL)])
            assert message_said(second)["blocks"][-1] == "get_weather said: 18"
            assert not other.up.seen(signature)
        history += [{"role": "assistant", "content": second.content}, *user("and now?")]
        third = sdk.messages.create(**thinking(claude), messages=history, tools=[_tool(CLAUDE_TOOL)])
    assert message_said(third)["blocks"][-1] == "You said: and now?"
