"""OpenAI's SDK asking for responses: tools offered, called and answered, and the model's thoughts between them."""

import json
from typing import Any

import openai
import pydantic
import pytest

from tests.conformance.cells import ResponsesCell
from tests.conformance.house import ACCOUNTS, House
from tests.conformance.samples import (
    OTHER_RESPONSES_TOOL,
    PNG,
    RESPONSES_TOOL,
    b64,
    response_said,
    response_whole,
    seen,
)

PARIS, ROME = ("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome"})
TIME = ("get_time", {"city": "Rome"})
NAMED = {"type": "function", "name": "get_weather"}
ALLOWED = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "get_time"}]}
BOTH = [OTHER_RESPONSES_TOOL, RESPONSES_TOOL]
CUSTOM: dict[str, Any] = {"type": "custom", "name": "shell"}
NAMESPACE: dict[str, Any] = {
    "type": "namespace",
    "name": "home",
    "description": "",
    "tools": [RESPONSES_TOOL],
}
STATELESS: dict[str, Any] = {"store": False, "include": ["reasoning.encrypted_content"]}
THINK: dict[str, Any] = {"reasoning": {"effort": "medium", "summary": "auto"}}
SIGNERS = {"gemini": "gemini-3.5-flash"}
"""Models whose calls are signed, where the vendor's ordinary thinker does not sign."""

CALLS: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "one": ({"input": "use the tool"}, [PARIS]),
    "two": ({"input": "weather in two cities"}, [PARIS, ROME]),
    "both tools": ({"input": "use both tools", "tools": [RESPONSES_TOOL, OTHER_RESPONSES_TOOL]}, [PARIS, TIME]),
    "with text": ({"input": "use the tool and explain"}, ["I will look that up.", PARIS]),
    "required": ({"input": "hi", "tool_choice": "required"}, [PARIS]),
    "forced": ({"input": "hi", "tool_choice": NAMED, "tools": BOTH}, [PARIS]),
    "allowed": ({"input": "hi", "tool_choice": ALLOWED, "tools": [RESPONSES_TOOL, OTHER_RESPONSES_TOOL]}, [("get_time", {"city": "Paris"})]),
    "none": ({"input": "weather", "tool_choice": "none"}, ["You said: weather"]),
    "auto unused": ({"input": "hi", "tool_choice": "auto"}, ["You said: hi"]),
    "not parallel": ({"input": "two cities", "parallel_tool_calls": False, "tool_choice": "required"}, [PARIS]),
    "no arguments": ({"input": "use the tool", "tools": [{"type": "function", "name": "ping", "parameters": None, "strict": False}]}, [("ping", {})]),
}  # fmt: skip


def signer(cell: ResponsesCell) -> str:
    """Return a model of the cell's vendor whose state must come back."""
    return cell.model(base=SIGNERS.get(cell.account, cell.thinker))


def outputs(made: Any, text: str = "18") -> list[Any]:
    """Return the results of all calls of a response."""
    return [
        {"type": f"{item.type}_output", "call_id": item.call_id, "output": text}
        for item in made.output
        if item.type in ("function_call", "custom_tool_call")
    ]


def final(sdk: openai.OpenAI, **fields: Any) -> Any:
    """Ask by the stream helper."""
    with sdk.responses.stream(**fields) as stream:
        return stream.get_final_response()


@pytest.mark.parametrize("case", CALLS)
def test_calls_whole_and_streamed(
    responses_sdk: openai.OpenAI, responses_cell: ResponsesCell, case: str
) -> None:
    fields, items = CALLS[case]
    fields = {"model": responses_cell.model(), "tools": [RESPONSES_TOOL], **fields}
    raw = responses_sdk.responses.with_raw_response.create(**fields)
    whole = raw.parse()
    if case == "not parallel" and responses_cell.account == "gemini":  # it has no such switch
        items = [PARIS, ROME]
        assert "parallel_tool_calls" in responses_cell.lost(raw.headers)
    assert response_said(whole) == {"items": items, "status": "completed"}
    ids = [item.call_id for item in whole.output if item.type == "function_call"]
    assert len(set(ids)) == len(ids)
    assert all(0 < len(call_id) <= 64 for call_id in ids)
    assert response_whole(final(responses_sdk, **fields)) == response_whole(whole)


def test_the_events_of_parallel_calls(responses_sdk: openai.OpenAI, responses_cell: ResponsesCell) -> None:
    tools: Any = [RESPONSES_TOOL]
    events = list(
        responses_sdk.responses.create(
            model=responses_cell.model(), input="weather in two cities", tools=tools, stream=True
        )
    )
    added = [event for event in events if event.type == "response.output_item.added"]
    assert [event.output_index for event in added] == [0, 1]
    for index, city in ((0, "Paris"), (1, "Rome")):
        deltas = [
            event.delta
            for event in events
            if event.type == "response.function_call_arguments.delta" and event.output_index == index
        ]
        (done,) = [
            event.arguments
            for event in events
            if event.type == "response.function_call_arguments.done" and event.output_index == index
        ]
        assert "".join(deltas) == done
        assert json.loads(done) == {"city": city}
        streamed = responses_cell.account != "gemini"  # its calls come whole
        assert (len(deltas) > 1) is streamed


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_a_stateless_loop(
    responses_sdk: openai.OpenAI, responses_cell: ResponsesCell, streamed: bool
) -> None:
    """All items go back as they came; a vendor that seals its state gets it again, unaltered."""
    history: list[Any] = [{"role": "user", "content": "What is the weather in two cities, in two steps?"}]
    fields: Any = {"model": signer(responses_cell), "tools": [RESPONSES_TOOL], **THINK, **STATELESS}
    make = (lambda **f: final(responses_sdk, **f)) if streamed else responses_sdk.responses.create
    for _ in range(2):
        made = make(input=history, **fields)
        kinds = [item.type for item in made.output]
        assert kinds[-3:] == ["reasoning", "function_call", "function_call"]
        sealed = [item.encrypted_content for item in made.output if item.type == "reasoning"]
        if responses_cell.translated:  # a vendor's state never goes by another's name
            assert all(seal is None or seal.startswith("flr1.") for seal in sealed)
        else:
            assert all(sealed)
        history += [*made.output, *outputs(made)]
    last = make(input=history, **fields)
    assert last.output_text == "get_weather said: 18; get_weather said: 18"
    sent = str(responses_cell.up.last.json)
    seals = {
        "responses": "encrypted_content': 'gAAAA",
        "claude": "'signature': 'Eq",
        "gemini": "thoughtSignature",
    }
    if responses_cell.account in seals:
        assert sent.count(seals[responses_cell.account]) == 2


@pytest.mark.parametrize("dropped", ["encrypted_content", "the whole item"])
def test_state_that_the_client_drops_is_remembered(house: House, dropped: str) -> None:
    """Clients that keep neither the seal nor the item get their state back all the same."""
    for place in ("claude", "gemini"):
        cell = ResponsesCell(house, place)
        history: list[Any] = [{"role": "user", "content": "use the tool"}]
        fields: Any = {"model": signer(cell), "tools": [RESPONSES_TOOL], **THINK, "store": False}
        with cell.client() as sdk:
            made = sdk.responses.create(input=history, **fields)
            items = [item.to_dict() for item in made.output]
            for item in items:
                item.pop("encrypted_content", None)
            kept = [i for i in items if i["type"] != "reasoning" or dropped == "encrypted_content"]
            history += [*kept, *outputs(made)]
            assert sdk.responses.create(input=history, **fields).output_text == "get_weather said: 18"
        sent = str(cell.up.last.json)
        assert cell.pick(claude="'signature': 'Eq", gemini="thoughtSignature") in sent
        assert cell.up.last.bypasses == 0


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_a_loop_by_previous_response_id(
    responses_sdk: openai.OpenAI, responses_cell: ResponsesCell, streamed: bool
) -> None:
    fields: Any = {"model": signer(responses_cell), "tools": [RESPONSES_TOOL], **THINK}
    make = (lambda **f: final(responses_sdk, **f)) if streamed else responses_sdk.responses.create
    first = make(input="use the tool in two steps", instructions="be terse", **fields)
    second = make(input=outputs(first), previous_response_id=first.id, **fields)
    last = make(input=outputs(second, "19"), previous_response_id=second.id, **fields)
    assert last.output_text == "get_weather said: 19"
    assert last.previous_response_id == second.id
    again = make(input="and now?", previous_response_id=last.id, **fields)
    assert again.output_text == "You said: and now?"
    if responses_cell.account not in ("responses", "chat"):
        assert responses_cell.up.last.bypasses == 0
    if not responses_cell.translated:
        assert responses_cell.up.last.json["previous_response_id"] == last.id


def test_custom_tools(responses_sdk: openai.OpenAI, responses_cell: ResponsesCell) -> None:
    """A tool of free text: elsewhere it becomes a function of one string, and a custom call again."""
    fields: Any = {"model": responses_cell.model(), "tools": [CUSTOM]}
    history: list[Any] = [{"role": "user", "content": "use the tool"}]
    made = responses_sdk.responses.create(input=history, **fields)
    said = responses_cell.pick(responses="free text 1", rest="input 1")
    assert response_said(made)["items"] == [("shell", said)]
    assert response_whole(final(responses_sdk, input=history, **fields)) == response_whole(made)
    history += [*[item.to_dict() for item in made.output], *outputs(made, "a.txt")]
    assert responses_sdk.responses.create(input=history, **fields).output_text == "shell said: a.txt"


def test_namespaced_tools(responses_sdk: openai.OpenAI, responses_cell: ResponsesCell) -> None:
    """Elsewhere a namespace is a part of the name, and comes back as one of its own."""
    fields: Any = {"model": responses_cell.model(), "tools": [CUSTOM, NAMESPACE]}
    history: list[Any] = [{"role": "user", "content": "use both tools"}]
    made = responses_sdk.responses.create(input=history, **fields)
    custom, function = made.output
    assert custom.type == "custom_tool_call"
    assert function.type == "function_call"
    assert (function.namespace, function.name) == ("home", "get_weather")
    history += [*[item.to_dict() for item in made.output], *outputs(made)]
    said = responses_sdk.responses.create(input=history, **fields).output_text
    assert said == "shell said: 18; home__get_weather said: 18"


def test_long_names_come_back_as_they_were_given(
    responses_sdk: openai.OpenAI, responses_cell: ResponsesCell
) -> None:
    tools: Any = [{**RESPONSES_TOOL, "name": "mcp__" + "x" * 58 + letter} for letter in "ab"]
    choice: Any = {"type": "function", "name": tools[1]["name"]}
    fields: Any = {"model": responses_cell.model(), "tools": tools, "tool_choice": choice}
    made = responses_sdk.responses.create(input="hi", **fields)
    assert response_said(made)["items"] == [(tools[1]["name"], {"city": "Paris"})]


def test_results_with_images(responses_sdk: openai.OpenAI, responses_cell: ResponsesCell) -> None:
    """Where results are text alone, the image follows them."""
    fields: Any = {"model": responses_cell.model(), "tools": [RESPONSES_TOOL]}
    history: list[Any] = [{"role": "user", "content": "use the tool"}]
    made = responses_sdk.responses.create(input=history, **fields)
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{b64(PNG)}", "detail": "auto"}
    (result,) = outputs(made)
    result["output"] = [{"type": "input_text", "text": "18"}, image]
    history += [*[item.to_dict() for item in made.output], result]
    lines = responses_sdk.responses.create(input=history, **fields).output_text.splitlines()
    assert lines[0].startswith("get_weather said: 18")
    assert seen("image/png", PNG) in lines


class City(pydantic.BaseModel):
    city: str
    people: int


def test_parsed_tool_arguments(responses_sdk: openai.OpenAI, responses_cell: ResponsesCell) -> None:
    tool: Any = openai.pydantic_function_tool(City, name="note_city")
    made = responses_sdk.responses.parse(model=responses_cell.model(), input="use the tool", tools=[tool])
    (call,) = [item for item in made.output if item.type == "function_call"]
    assert call.parsed_arguments == City(city="Paris", people=7)


def test_hosted_tools(house: House) -> None:
    """A tool that the vendor runs exists there alone: elsewhere it is a told loss."""
    for place in ACCOUNTS:
        cell = ResponsesCell(house, place)
        tools: Any = [RESPONSES_TOOL, {"type": "code_interpreter", "container": {"type": "auto"}}]
        with cell.client() as sdk:
            raw = sdk.responses.with_raw_response.create(model=cell.model(), input="hi", tools=tools)
        assert raw.parse().output_text == "You said: hi"
        if cell.translated:
            assert "tools[1]" in cell.lost(raw.headers)
        else:
            assert cell.up.last.json["tools"] == tools


@pytest.mark.parametrize("place", ACCOUNTS)
def test_a_forged_seal(house: House, place: str) -> None:
    """Its own vendor refuses it and is asked again without it; no other vendor ever sees it."""
    cell = ResponsesCell(house, place)
    house.refusals_meant = place == "responses"
    forged = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAAB" + "A" * 80}
    answer = {"type": "message", "role": "assistant", "content": "x"}
    turns: Any = [{"role": "user", "content": "hi"}, forged, answer, {"role": "user", "content": "more"}]
    with cell.client() as sdk:
        made = sdk.responses.create(model=signer(cell), input=turns, store=False)
    assert made.output_text == "You said: more"
    seen = [forged["encrypted_content"] in received.body.decode() for received in cell.up.requests]
    assert seen == ([True, False] if place == "responses" else [False])
