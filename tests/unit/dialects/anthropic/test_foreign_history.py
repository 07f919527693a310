"""Requests of Responses and Gemini clients in Anthropic's terms: items, signatures, searches, efforts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.fold import fold, replay
from flowrouter.canonical.parts import Opaque, Part, Provenance, Reasoning, Text, ToolCall, ToolResult
from flowrouter.canonical.request import ReasoningControl, Request, Sampling
from flowrouter.canonical.response import Choice, Response
from flowrouter.canonical.tools import CustomTool, HostedTool, ToolChoice
from flowrouter.dialects.anthropic import CODEC
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.errors import CallerError
from tests.unit.dialects.anthropic.build import WEATHER, body_of, chat, parse, render, rows, say


def item(number: int, role: Any, *parts: Part | str) -> Any:
    return say(role, *parts, place=f"input[{number}]")


def responses(*messages: Any, **members: Any) -> Request:
    return Request(
        origin="openai_responses", model="asked", messages=messages or (item(0, "user", "Hi"),), **members
    )


def gemini(*messages: Any, **members: Any) -> Request:
    turns = messages or (say("user", "Hi", place="contents[0]"),)
    return Request(origin="gemini", model="", messages=turns, **members)


def call(call_id: str, name: str = "get_weather") -> ToolCall:
    return ToolCall(id=call_id, name=name, arguments='{"city":"Paris"}')


def answer(call_id: str, text: str = "sun") -> ToolResult:
    return ToolResult(call_id=call_id, content=(Text(text=text),), shape="string")


def test_items_become_turns_and_instructions_the_system() -> None:
    request = responses(
        item(0, "developer", "Be brief."),
        item(1, "user", "Weather?"),
        item(2, "assistant", Reasoning(text="hm", signature="sig")),
        item(3, "assistant", "Let me look."),
        item(4, "assistant", call("c1")),
        item(5, "assistant", call("c2")),
        item(6, "tool", answer("c1")),
        item(7, "tool", answer("c2")),
        system=(Text(text="You help."),),
        system_shape="string",
        tools=(WEATHER,),
    )
    rendered = render(request)
    body = json.loads(rendered.body)
    assert [block["text"] for block in body["system"]] == ["You help.", "Be brief."]
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    assert [block["type"] for block in body["messages"][1]["content"]] == ["text", "tool_use", "tool_use"]
    assert rows(rendered.losses) == [("input[2]", "dropped")]


def test_losses_name_the_clients_items_and_turns() -> None:
    broken = ToolCall(id="c 1", name="get_weather", arguments="{'city': 'Paris'}")
    turns = (item(0, "user", "Hi"), item(1, "assistant", broken), item(2, "tool", answer("c 1")))
    rendered = render(responses(*turns, tools=(WEATHER,)))
    assert rows(rendered.losses) == [("input[1].arguments", "changed"), ("input[1].call_id", "changed")]
    late = (
        say("user", "Hi", place="contents[0]"),
        say("assistant", "Hello.", place="contents[1]"),
        say("system", "Be brief.", place="contents[2]"),
        say("user", "Go", place="contents[3]"),
    )
    assert rows(render(gemini(*late)).losses) == [("contents[2]", "emulated")]


def test_a_signature_of_gemini_stays_away_and_is_told_at_its_call() -> None:
    signed = Reasoning(signature="gs", call_id="c1", provenance=Provenance(dialect="gemini"))
    turns = (
        say("user", "Weather?", place="contents[0]"),
        say("assistant", signed, call("c1"), place="contents[1]"),
        say("user", answer("c1"), place="contents[2]"),
    )
    rendered = render(gemini(*turns, tools=(WEATHER,)))
    assert b"gs" not in rendered.body
    assert rows(rendered.losses) == [("contents[1].parts[0]", "dropped")]


def test_a_sealed_signature_of_a_call_reaches_the_client_and_comes_back() -> None:
    sealed = Reasoning(sealed="flr1.abc", call_id="c1")
    whole = Response(
        origin="gemini", id="r", model="g", choices=(Choice(parts=(sealed, call("c1")), finish="tool_calls"),)
    )
    block, use = json.loads(CODEC.render_response(whole, EncodeOptions()).body)["content"]
    assert block == {"type": "thinking", "thinking": "", "signature": "flr1.abc"}
    back = parse(messages=[{"role": "assistant", "content": [block, use]}]).messages[0].parts
    assert isinstance(back[0], Reasoning)
    assert back[0].sealed == "flr1.abc"


def streamed(events: list[Any], *, cut: int | None = None) -> list[dict[str, Any]]:
    """Return the data of the frames for `events`, by a second encoder after `cut` of them."""
    encoder, cursor, out = CODEC.encoder(EncodeOptions()), Cursor(), b""
    for number, event in enumerate(events):
        if number == cut:
            encoder = CODEC.resume(EncodeOptions(), cursor)
        out += encoder.feed(event)
        cursor.apply(event)
    return [json.loads(line[6:]) for line in out.decode().splitlines() if line.startswith("data: ")]


def test_foreign_state_without_words_or_envelope_opens_no_block() -> None:
    """A block of thinking with nothing in it would be kept and sent back by the client."""
    parts = (
        Reasoning(signature="gs", call_id="c1"),
        call("c1"),
        Reasoning(sealed="flr1.x", call_id="c2"),
        call("c2"),
    )
    whole = Response(origin="gemini", id="r", model="g", choices=(Choice(parts=parts, finish="tool_calls"),))
    events = list(replay(whole))
    told = streamed(events)
    starts = [frame for frame in told if frame["type"] == "content_block_start"]
    kinds = [(frame["index"], frame["content_block"]["type"]) for frame in starts]
    assert kinds == [(0, "tool_use"), (1, "thinking"), (2, "tool_use")]
    for cut in range(len(events)):
        assert streamed(events, cut=cut) == told, f"cut before event {cut}: {events[cut]}"


@pytest.mark.parametrize(
    ("control", "capabilities", "thinking", "effort"),
    [
        (ReasoningControl(mode="effort", effort="minimal"), {}, {"type": "enabled", "budget_tokens": 1024}, None),
        (ReasoningControl(mode="budget", budget=4000), {}, {"type": "enabled", "budget_tokens": 4000}, None),
        (ReasoningControl(mode="auto", budget=-1), {}, {"type": "enabled", "budget_tokens": 8192}, None),
        (ReasoningControl(mode="off", budget=0), {}, {"type": "disabled"}, None),
        (
            ReasoningControl(mode="effort", effort="minimal"), {"thinking_style": "adaptive"},
            {"type": "adaptive"}, "low",
        ),
        (
            ReasoningControl(mode="effort", effort="xhigh"),
            {"thinking_style": "adaptive", "efforts": ("low", "medium", "high", "max")},
            {"type": "adaptive"}, "high",
        ),
        (
            ReasoningControl(mode="budget", budget=20_000, display="summarized"), {"thinking_style": "adaptive"},
            {"type": "adaptive", "display": "summarized"}, "high",
        ),
        (ReasoningControl(mode="auto", budget=-1), {"thinking_style": "adaptive"}, {"type": "adaptive"}, None),
        (
            ReasoningControl(mode="off"), {"thinking_style": "adaptive", "can_disable_thinking": False},
            None, "low",
        ),
    ],
    ids=["least", "budget", "dynamic", "off", "least-effort", "xhigh", "budget-as-effort", "auto", "cannot-stop"],
)  # fmt: skip
def test_levels_and_budgets(
    control: ReasoningControl, capabilities: dict[str, Any], thinking: Any, effort: str | None
) -> None:
    body = body_of(gemini(reasoning=control), **capabilities)
    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == effort


def test_settings_of_gemini_keep_its_names() -> None:
    request = gemini(
        sampling=Sampling(top_k=40, seed=1, presence_penalty=0.5, temperature=1.5, n=1),
        metadata={"team": "a"},
        service_tier="FLEX",
        extra={"safetySettings": [{"category": "x"}], "generationConfig": {"speechConfig": {"a": 1}}},
    )
    rendered = render(request)
    assert json.loads(rendered.body)["top_k"] == 40
    assert sorted(rows(rendered.losses)) == [
        ("generationConfig.presencePenalty", "dropped"),
        ("generationConfig.seed", "dropped"),
        ("generationConfig.speechConfig", "dropped"),
        ("generationConfig.temperature", "changed"),
        ("labels", "dropped"),
        ("safetySettings", "dropped"),
        ("serviceTier", "dropped"),
    ]


@pytest.mark.parametrize(
    ("origin", "extra", "param"),
    [
        ("gemini", {"cachedContent": "cachedContents/x"}, "cachedContent"),
        ("openai_responses", {"previous_response_id": "resp_1"}, "previous_response_id"),
        ("openai_responses", {"conversation": {"id": "conv_1"}}, "conversation"),
        ("openai_responses", {"prompt": {"id": "pmpt_1"}}, "prompt"),
    ],
    ids=["cached", "previous", "conversation", "prompt"],
)
def test_content_that_another_vendor_holds_is_refused(
    origin: Dialect, extra: dict[str, Any], param: str
) -> None:
    with pytest.raises(CallerError) as caught:
        render(Request(origin=origin, model="m", extra=extra))
    assert caught.value.param == param


def test_several_candidates_are_refused_by_geminis_name() -> None:
    with pytest.raises(CallerError) as caught:
        render(gemini(sampling=Sampling(n=2)))
    assert caught.value.param == "generationConfig.candidateCount"


def test_an_item_by_reference_is_refused() -> None:
    part = Opaque(payload={"type": "item_reference", "id": "msg_1"}, origin="openai_responses")
    lone = say("user", part, place="input[1]", shape="absent")
    with pytest.raises(CallerError) as caught:
        render(responses(item(0, "user", "Hi"), lone))
    assert caught.value.param == "input[1]"


def test_run_code_is_told_in_words() -> None:
    code = Opaque(payload={"executableCode": {"language": "PYTHON", "code": "1+1"}}, origin="gemini")
    turns = (
        say("user", "Hi", place="contents[0]"),
        say("assistant", code, "Two.", place="contents[1]"),
        say("user", "Sure?", place="contents[2]"),
    )
    rendered = render(gemini(*turns))
    assert json.loads(rendered.body)["messages"][1]["content"][0]["text"] == "```python\n1+1\n```"
    assert rows(rendered.losses) == [("contents[1].parts[0]", "emulated")]


GOOGLE = HostedTool(
    kind="googleSearch", config={"googleSearch": {}}, origin="gemini", place="tools[0].googleSearch"
)
OPENAI = HostedTool(
    kind="web_search",
    config={
        "type": "web_search",
        "filters": {"allowed_domains": ["a.example"]},
        "search_context_size": "low",
        "user_location": {"type": "approximate", "city": "Paris"},
    },
    origin="openai_responses",
)
SEARCHES = {"hosted": frozenset({"web_search"})}


def test_a_web_search_becomes_the_vendors_own_where_it_has_one() -> None:
    rendered = render(gemini(tools=(GOOGLE,)), **SEARCHES)
    assert json.loads(rendered.body)["tools"] == [{"type": "web_search_20250305", "name": "web_search"}]
    assert rows(rendered.losses) == [("tools[0].googleSearch", "changed")]
    rendered = render(responses(tools=(OPENAI, WEATHER), tool_choice=ToolChoice(mode="auto")), **SEARCHES)
    assert json.loads(rendered.body)["tools"][0] == {
        "type": "web_search_20250305",
        "name": "web_search",
        "allowed_domains": ["a.example"],
        "user_location": {"type": "approximate", "city": "Paris"},
    }
    assert ("tools[0].search_context_size", "dropped") in rows(rendered.losses)


def test_a_web_search_can_be_forced_where_the_vendor_has_one() -> None:
    forced = responses(tools=(OPENAI, WEATHER), tool_choice=ToolChoice(mode="tool", name="web_search"))
    assert body_of(forced, **SEARCHES)["tool_choice"] == {"type": "tool", "name": "web_search"}
    with pytest.raises(CallerError) as caught:
        render(forced)
    assert caught.value.param == "tools[0]"


def test_a_web_search_without_its_like_is_dropped_and_one_is_enough() -> None:
    rendered = render(gemini(tools=(GOOGLE, WEATHER)))
    assert rows(rendered.losses) == [("tools[0].googleSearch", "dropped")]
    twice = render(responses(tools=(OPENAI, OPENAI)), **SEARCHES)
    assert len(json.loads(twice.body)["tools"]) == 1
    assert ("tools[1]", "dropped") in rows(twice.losses)


def test_a_custom_tool_of_responses_tells_its_grammar() -> None:
    form = {"type": "grammar", "syntax": "lark", "definition": "start: /x+/"}
    request = responses(tools=(CustomTool(name="apply_patch", description="Edit.", format=form),))
    rendered = render(request)
    tool = json.loads(rendered.body)["tools"][0]
    assert tool["description"] == (
        "Edit.\nThe input must be text that follows this lark grammar:\nstart: /x+/"
    )
    assert rendered.edits.custom == {"apply_patch"}
    assert rows(rendered.losses) == [("tools[0]", "emulated")]


PAGE = {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 2}
CITED = {
    "type": "web_search_result_location",
    "url": "https://a.example",
    "title": "A",
    "cited_text": "",
    "encrypted_index": "",
}


def answered(*citations: dict[str, Any]) -> Response:
    part = Text(text="So it is.", citations=citations)
    return Response(
        origin="openai_responses", id="resp_1", model="g", choices=(Choice(parts=(part,), finish="stop"),)
    )


def test_citations_of_web_pages_reach_the_client_whole_and_streamed() -> None:
    response = answered(PAGE, {"type": "file_citation", "file_id": "f"})
    rendered = CODEC.render_response(response, EncodeOptions())
    assert json.loads(rendered.body)["content"][0]["citations"] == [CITED]
    assert [loss.path for loss in rendered.losses] == ["content.citations"]
    encoder = CODEC.encoder(EncodeOptions())
    told = b"".join(encoder.feed(event) for event in replay(response))
    assert told.count(b'"type":"web_search_result_location"') == 1
    assert [loss.path for loss in encoder.losses] == ["content.citations"]
    assert fold([event for event in replay(response) if not isinstance(event, e.Ping)]) == response


def test_our_own_citations_do_not_return_to_the_vendor() -> None:
    theirs = {**CITED, "encrypted_index": "Eo8B"}
    block = {"type": "text", "text": "So it is.", "citations": [CITED, theirs]}
    request = parse(
        messages=[
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [block]},
            {"role": "user", "content": "Go on."},
        ]
    )
    rendered = render(request)
    assert json.loads(rendered.body)["messages"][1]["content"][0]["citations"] == [theirs]
    assert rows(rendered.losses) == [("messages[1].content[0].citations", "dropped")]


def test_a_system_message_between_two_user_messages_does_not_end_the_tool_loop():
    asked = chat(
        say("user", "Hi"),
        say("assistant", ToolCall(id="a", name="f", arguments="{}")),
        say("tool", ToolResult(call_id="a", content=(Text(text="1"),))),
        say("system", "Be brief."),
        say("user", "Go on."),
        reasoning=ReasoningControl(mode="auto"),
    )
    assert "thinking" not in body_of(asked, mid_system=True)
