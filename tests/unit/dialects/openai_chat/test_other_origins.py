"""Requests of Responses and Gemini clients in Chat's terms: items, free-text tools, searches, levels."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Opaque, Part, Reasoning, Text, ToolCall, ToolResult
from flowrouter.canonical.rendered import Rendered
from flowrouter.canonical.request import OutputFormat, ReasoningControl, Request, Sampling
from flowrouter.canonical.response import Choice, Response
from flowrouter.canonical.tools import CustomTool, FunctionTool, HostedTool, ToolChoice
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.dialects.openai_chat import CODEC
from flowrouter.wire.json import dumps, loads

WEATHER = FunctionTool(name="get_weather", schema={"type": "object", "properties": {}})
SEARCHES = Capabilities(hosted=frozenset({"web_search"}))


def item(number: int, role: Any, *parts: Part | str, **members: Any) -> Message:
    held = tuple(Text(text=part) if isinstance(part, str) else part for part in parts)
    return Message(role=role, parts=held, place=f"input[{number}]", **members)


def turn(number: int, role: Any, *parts: Part | str) -> Message:
    held = tuple(Text(text=part) if isinstance(part, str) else part for part in parts)
    return Message(role=role, parts=held, place=f"contents[{number}]")


def render(request: Request, capabilities: Capabilities | None = None) -> Rendered:
    return CODEC.render_request(request, "gpt", capabilities or Capabilities())


def responses(*messages: Message, **members: Any) -> Request:
    turns = messages or (item(0, "user", "Hi"),)
    return Request(origin="openai_responses", model="m", messages=turns, **members)


def gemini(*messages: Message, **members: Any) -> Request:
    turns = messages or (turn(0, "user", "Hi"),)
    return Request(origin="gemini", model="", messages=turns, **members)


def rows(rendered: Rendered) -> list[tuple[str, str]]:
    return [(loss.path, loss.kind) for loss in rendered.losses]


def test_items_become_messages_and_instructions_lead() -> None:
    request = responses(
        item(0, "developer", "Be brief."),
        item(1, "user", "Weather?"),
        item(2, "assistant", Reasoning(text="hm", signature="sig")),
        item(3, "assistant", "Let me look."),
        item(4, "assistant", ToolCall(id="c1", name="get_weather", arguments="{}")),
        item(5, "tool", ToolResult(call_id="c1", content=(Text(text="sun"),), shape="string")),
        item(6, "developer", "In French."),
        item(7, "user", "So?"),
        system=(Text(text="You help."),),
        system_shape="string",
        tools=(WEATHER,),
    )
    rendered = render(request)
    messages = loads(rendered.body)["messages"]
    assert [(message["role"], message["content"]) for message in messages] == [
        ("system", "You help."),
        ("system", "Be brief."),
        ("user", "Weather?"),
        ("assistant", "Let me look."),
        ("tool", "sun"),
        ("system", "In French."),
        ("user", "So?"),
    ]
    assert messages[3]["tool_calls"][0]["id"] == "c1"
    assert rows(rendered) == [("input[2]", "dropped")]


def test_losses_name_the_clients_items_and_turns() -> None:
    orphan = item(1, "tool", ToolResult(call_id="gone", content=(Text(text="r"),)))
    assert rows(render(responses(item(0, "user", "Hi"), orphan))) == [("input[1]", "emulated")]
    signed = Reasoning(signature="s", call_id="c1")
    call = ToolCall(id="c1", name="f", arguments="{}")
    result = ToolResult(call_id="c1", content=(Text(text="r"),))
    rendered = render(
        gemini(turn(0, "user", "Hi"), turn(1, "assistant", signed, call), turn(2, "user", result))
    )
    assert rows(rendered) == [("contents[1].parts[0]", "dropped")]
    assert b'"s"' not in rendered.body


@pytest.mark.parametrize("echo", ["never", "always"])
def test_a_turn_of_nothing_but_reasoning_is_dropped_and_told_once(echo: Any) -> None:
    thought = item(1, "assistant", Reasoning(text="t"))
    request = responses(item(0, "user", "a"), thought, item(2, "user", "b"))
    rendered = render(request, Capabilities(reasoning_echo=echo))
    assert [message["role"] for message in loads(rendered.body)["messages"]] == ["user", "user"]
    assert rows(rendered) == [("input[1]", "dropped")]


def test_a_result_that_settling_made_up_is_told_at_its_call() -> None:
    call = item(1, "assistant", ToolCall(id="c1", name="f", arguments="{}"))
    rendered = render(responses(item(0, "user", "a"), call, item(2, "user", "b")))
    assert {path for path, _ in rows(rendered)} == {"input[1]"}


PATCH = CustomTool(
    name="apply_patch",
    description="Edit files.",
    format={"type": "grammar", "syntax": "lark", "definition": "start: /x+/"},
)


def test_a_grammar_of_responses_goes_in_chats_form_or_in_words() -> None:
    request = responses(tools=(PATCH,), tool_choice=ToolChoice(mode="tool", name="apply_patch", custom=True))
    sent = loads(render(request).body)
    assert sent["tools"][0]["custom"]["format"] == {
        "type": "grammar",
        "grammar": {"syntax": "lark", "definition": "start: /x+/"},
    }
    assert sent["tool_choice"] == {"type": "custom", "custom": {"name": "apply_patch"}}
    rendered = render(request, Capabilities(custom_tools=False))
    sent = loads(rendered.body)
    described = sent["tools"][0]["function"]["parameters"]["properties"]["input"]["description"]
    assert described.endswith("start: /x+/")
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "apply_patch"}}
    assert rendered.edits.custom == {"apply_patch"}
    assert rows(rendered) == [("tools[0]", "emulated")]


SEARCH = HostedTool(
    kind="web_search_20250305",
    config={
        "type": "web_search_20250305",
        "name": "web_search",
        "max_uses": 3,
        "user_location": {"type": "approximate", "city": "Paris"},
    },
    origin="anthropic",
    name="web_search",
)
GOOGLE = HostedTool(
    kind="googleSearch", config={"googleSearch": {}}, origin="gemini", place="tools[0].googleSearch"
)


def test_a_web_search_becomes_the_option_where_the_host_has_it() -> None:
    request = Request(
        origin="anthropic", model="m", messages=(item(0, "user", "Hi"),), tools=(SEARCH, WEATHER)
    )
    rendered = render(request, SEARCHES)
    sent = loads(rendered.body)
    assert sent["web_search_options"] == {
        "user_location": {"type": "approximate", "approximate": {"city": "Paris"}}
    }
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["get_weather"]
    assert rows(rendered) == [("tools[0].max_uses", "dropped"), ("tools[0]", "changed")]
    rendered = render(gemini(tools=(GOOGLE,)), SEARCHES)
    assert loads(rendered.body)["web_search_options"] == {}
    assert "tools" not in loads(rendered.body)


def test_a_web_search_cannot_be_forced_and_elsewhere_is_dropped() -> None:
    choice = ToolChoice(mode="tool", name="web_search")
    for tools in ((SEARCH,), (SEARCH, WEATHER)):
        request = Request(
            origin="anthropic", model="m", messages=(item(0, "user", "Hi"),), tools=tools, tool_choice=choice
        )
        rendered = render(request, SEARCHES)
        assert ("tool_choice", "changed") in rows(rendered)
        assert "tool_choice" not in loads(rendered.body)
    assert rows(render(gemini(tools=(GOOGLE,)))) == [("tools[0].googleSearch", "dropped")]


def test_chats_own_option_is_a_hosted_tool_and_comes_back_as_it_was() -> None:
    options = {"search_context_size": "low", "brand_new": 1}
    whole = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "web_search_options": options}
    request = CODEC.parse_request(dumps(whole))
    tool = request.tools[0]
    assert isinstance(tool, HostedTool)
    assert (tool.purpose, tool.place) == ("web_search", "web_search_options")
    assert loads(CODEC.render_request(request, "m", Capabilities()).body) == whole


@pytest.mark.parametrize(
    ("control", "allowed", "effort"),
    [
        (ReasoningControl(mode="effort", effort="high"), (), "high"),
        (ReasoningControl(mode="budget", budget=512), ("low", "high"), "low"),
        (ReasoningControl(mode="budget", budget=8192), ("low", "high"), "high"),
        (ReasoningControl(mode="auto", budget=-1), (), None),
        (ReasoningControl(mode="off", budget=0), ("none", "low"), "none"),
        (ReasoningControl(mode="off", budget=0), ("minimal", "low"), "minimal"),
    ],
    ids=["level", "budget", "budget-between", "dynamic", "off", "cannot-stop"],
)
def test_levels_and_budgets(control: ReasoningControl, allowed: tuple[str, ...], effort: str | None) -> None:
    rendered = render(gemini(reasoning=control), Capabilities(efforts=allowed, thinking_style="effort"))
    assert loads(rendered.body).get("reasoning_effort") == effort


def test_how_reasoning_is_shown_is_told_as_lost() -> None:
    shown = ReasoningControl(mode="effort", effort="low", display="auto")
    assert rows(render(responses(reasoning=shown))) == [("reasoning.summary", "dropped")]
    openrouter = Capabilities(thinking_style="compat_field", extensions=frozenset({"reasoning"}))
    hidden = ReasoningControl(mode="auto", display="omitted")
    sent = render(gemini(reasoning=hidden), openrouter)
    assert loads(sent.body)["reasoning"] == {"enabled": True, "exclude": True}
    assert rows(sent) == []


def test_settings_of_gemini_keep_its_names() -> None:
    request = gemini(
        sampling=Sampling(top_k=40, seed=0, n=2, top_logprobs=3),
        metadata={"team": "a"},
        service_tier="FLEX",
        extra={"safetySettings": [1], "generationConfig": {"speechConfig": {"a": 1}}},
    )
    rendered = render(request)
    sent = loads(rendered.body)
    assert {name: sent[name] for name in ("seed", "n", "top_logprobs", "logprobs", "service_tier")} == {
        "seed": 0, "n": 2, "top_logprobs": 3, "logprobs": True, "service_tier": "flex",
    }  # fmt: skip
    assert sorted(rows(rendered)) == [
        ("generationConfig.speechConfig", "dropped"),
        ("generationConfig.topK", "dropped"),
        ("labels", "dropped"),
        ("safetySettings", "dropped"),
    ]


def test_what_openais_two_dialects_share_goes_where_the_host_takes_it() -> None:
    request = responses(extra={"store": False, "safety_identifier": "u1", "truncation": "auto"})
    knowing = Capabilities(extensions=frozenset({"store", "safety_identifier"}))
    rendered = render(request, knowing)
    sent = loads(rendered.body)
    assert (sent["store"], sent["safety_identifier"]) == (False, "u1")
    assert rows(rendered) == [("truncation", "dropped")]
    assert len(render(request).losses) == 3


def test_json_mode_needs_the_word_somewhere() -> None:
    """OpenAI answers 400 to `json_object` where no message speaks of JSON."""
    rendered = render(gemini(output=OutputFormat(kind="json")))
    assert loads(rendered.body)["messages"][0] == {"role": "system", "content": "Answer with JSON."}
    assert rows(rendered) == [("generationConfig.responseSchema", "emulated")]
    spoken = render(gemini(turn(0, "user", "Give me json."), output=OutputFormat(kind="json")))
    assert rows(spoken) == []


def test_words_of_parts_only_another_vendor_knows() -> None:
    code = Opaque(payload={"codeExecutionResult": {"output": "2"}}, origin="gemini")
    rendered = render(gemini(turn(0, "user", "Hi"), turn(1, "assistant", code), turn(2, "user", "Sure?")))
    assert loads(rendered.body)["messages"][1]["content"] == "```\n2\n```"
    assert rows(rendered) == [("contents[1].parts[0]", "emulated")]


@pytest.mark.parametrize(
    "citation",
    [
        {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 2},
        {"web": {"uri": "https://a.example", "title": "A"}, "segment": {"startIndex": 0, "endIndex": 2}},
    ],
    ids=["responses", "gemini"],
)
def test_citations_become_annotations(citation: dict[str, Any]) -> None:
    part = Text(text="So", citations=(citation,))
    response = Response(
        origin="openai_responses", id="resp_1", model="m", choices=(Choice(parts=(part,), finish="stop"),)
    )
    body = loads(CODEC.render_response(response, EncodeOptions()).body)
    assert body["choices"][0]["message"]["annotations"] == [
        {
            "type": "url_citation",
            "url_citation": {"start_index": 0, "end_index": 2, "title": "A", "url": "https://a.example"},
        }
    ]


def test_a_sealed_signature_of_a_call_reaches_the_client_and_comes_back() -> None:
    sealed = Reasoning(sealed="flr1.abc", call_id="c1")
    call = ToolCall(id="c1", name="f", arguments="{}")
    whole = Response(
        origin="gemini", id="r", model="g", choices=(Choice(parts=(sealed, call), finish="tool_calls"),)
    )
    message = loads(CODEC.render_response(whole, EncodeOptions()).body)["choices"][0]["message"]
    assert message["reasoning_signatures"] == ["flr1.abc"]
    back = CODEC.parse_request(dumps({"model": "m", "messages": [message]})).messages[0].parts[0]
    assert isinstance(back, Reasoning)
    assert back.sealed == "flr1.abc"
