"""What a Responses body means, in neutral terms, and how it returns as it came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.parts import (
    Audio,
    Document,
    Image,
    Opaque,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
)
from flowrouter.canonical.request import OutputFormat
from flowrouter.dialects.openai_responses.envelope import prepare, skim, skim_counts
from flowrouter.dialects.openai_responses.parse_requests import parse_request
from flowrouter.dialects.openai_responses.render_requests import render_request
from flowrouter.errors import CallerError
from flowrouter.wire.json import dumps, loads
from tests.unit.dialects.openai_responses.build import asked, back, items_of

VECTORS = sorted((Path(__file__).parents[3] / "vectors/openai_responses/requests").glob("*.json"))
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def test_there_are_vectors() -> None:
    assert len(VECTORS) >= 40


@pytest.mark.parametrize("path", VECTORS, ids=[path.stem for path in VECTORS])
def test_vector_returns_as_it_came(path: Path) -> None:
    body = path.read_bytes()
    head = skim(body)
    rendered = render_request(parse_request(body), head.model, Capabilities())
    assert loads(rendered.body) == loads(body)
    assert rendered.losses == ()
    assert not rendered.edits
    assert prepare(body, head, head.model, True) == body
    assert skim_counts(body).text_bytes >= 0


@pytest.mark.parametrize("path", VECTORS, ids=[path.stem for path in VECTORS])
def test_policy_changes_nothing_at_home(path: Path) -> None:
    refusing = Capabilities(unsupported="refuse", vision=False, tools=False, rejects=frozenset({"include"}))
    body = path.read_bytes()
    assert loads(render_request(parse_request(body), skim(body).model, refusing).body) == loads(body)


def test_string_and_items() -> None:
    (message,) = asked(input="Hello").messages
    assert (message.role, message.parts, message.place) == ("user", (Text(text="Hello"),), "input")
    messages = items_of(
        {"role": "developer", "content": "a"}, {"type": "message", "role": "user", "content": []}
    )
    assert [(m.messages[n].role, m.messages[n].place) for m in (messages,) for n in (0, 1)] == [
        ("developer", "input[0]"),
        ("user", "input[1]"),
    ]


def test_instructions_are_the_top_level_slot() -> None:
    request = asked(instructions="Be brief.")
    assert (request.system, request.system_shape) == ((Text(text="Be brief."),), "string")
    assert asked(instructions="").system == ()
    assert asked().system_shape == "absent"


def test_parts() -> None:
    (message,) = items_of(
        {
            "role": "user",
            "content": [
                {
                    "type": "input_text",
                    "text": "a",
                    "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"},
                },
                {"type": "input_image", "image_url": PIXEL, "detail": "high"},
                {"type": "input_image", "image_url": "https://a/b.png"},
                {"type": "input_file", "file_id": "file-1"},
                {"type": "input_file", "file_url": "https://a/b.pdf"},
                {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,aGk="},
                {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
                {"type": "input_image"},
            ],
        }
    ).messages
    text, image, linked, by_id, by_url, plain, audio, odd = message.parts
    hint = CacheHint(ttl="30m", field="prompt_cache_breakpoint", extra={"mode": "explicit"})
    assert text == Text(text="a", cache=hint)
    assert image == Image(
        source=Source(kind="base64", media_type="image/png", data="iVBORw0KGgo="), detail="high"
    )
    assert linked == Image(source=Source(kind="url", url="https://a/b.png"))
    assert by_id == Document(source=Source(kind="file", file_id="file-1"))
    assert by_url == Document(source=Source(kind="url", url="https://a/b.pdf"))
    assert isinstance(plain, Document)
    assert (plain.title, plain.source.kind, plain.source.data) == ("a.txt", "text", "hi")
    assert audio == Audio(data="AA==", format="wav")
    assert odd == Opaque(payload={"type": "input_image"}, origin="openai_responses")


def test_assistant_parts() -> None:
    note = {"type": "url_citation", "url": "https://a", "title": "A", "start_index": 0, "end_index": 1}
    (message,) = items_of(
        {
            "type": "message",
            "role": "assistant",
            "id": "msg_1",
            "content": [
                {"type": "output_text", "text": "a", "annotations": [note]},
                {"type": "refusal", "refusal": "no"},
            ],
        }
    ).messages
    assert message.parts == (Text(text="a", citations=(note,)), Refusal(text="no"))
    assert message.extra == {}


def test_labels_of_items_are_nothing_another_dialect_could_lose() -> None:
    request = items_of(
        {
            "type": "function_call",
            "id": "fc_1",
            "status": "completed",
            "call_id": "c",
            "name": "n",
            "arguments": "{}",
        },
        {"type": "function_call_output", "id": "o", "status": "completed", "call_id": "c", "output": ""},
        {"type": "reasoning", "id": "rs_1", "summary": [{"text": "a"}, {"text": "b"}]},
    )
    for message in request.messages:
        (part,) = message.parts
        assert not isinstance(part, Opaque)
        assert part.extra == {}


def test_sealed_reasoning_is_ours_and_loses_its_made_id() -> None:
    request = items_of(
        {"type": "reasoning", "id": "rs_made", "summary": [], "encrypted_content": "flr1.x"},
        {"type": "message", "role": "assistant", "content": "a"},
    )
    (part,) = request.messages[0].parts
    assert isinstance(part, Reasoning)
    assert part.sealed == "flr1.x"
    rendered = render_request(request, "m", Capabilities())
    assert b"flr1." not in rendered.body
    assert [item["type"] for item in loads(rendered.body)["input"]] == ["message"]
    assert [loss.path for loss in rendered.losses] == ["input[0]"]


@pytest.mark.parametrize(
    ("kind", "role"),
    [
        ("web_search_call", "assistant"),
        ("mcp_list_tools", "assistant"),
        ("mcp_approval_response", "developer"),
        ("local_shell_call_output", "developer"),
        ("compaction", "developer"),
        ("x_new", "developer"),
    ],
    ids=["call", "list", "approval", "output", "compaction", "unknown"],
)
def test_hosted_items_stay_whole(kind: str, role: str) -> None:
    item = {"type": kind, "z": 1, "a": {"c": None}}
    (message,) = items_of(item).messages
    assert message.role == role
    assert message.parts == (Opaque(payload=item, origin="openai_responses"),)


def test_a_hosted_output_does_not_part_a_call_from_its_result() -> None:
    request = items_of(
        {"type": "function_call", "call_id": "c", "name": "n", "arguments": "{}"},
        {"type": "local_shell_call_output", "id": "l", "output": "x"},
        {"type": "function_call_output", "call_id": "c", "output": "ok"},
    )
    assert [message.role for message in request.messages] == ["assistant", "developer", "tool"]


@pytest.mark.parametrize(
    ("value", "mode", "effort", "display"),
    [
        ({"effort": "high", "summary": "detailed"}, "effort", "high", "detailed"),
        ({"effort": "none"}, "off", "none", None),
        ({"summary": "auto"}, "auto", None, "auto"),
        ({"effort": None, "generate_summary": "concise"}, "auto", None, "concise"),
    ],
    ids=["effort", "off", "summary", "older-summary"],
)
def test_reasoning(value: dict[str, Any], mode: str, effort: str | None, display: str | None) -> None:
    control = asked(reasoning=value).reasoning
    assert control is not None
    assert (control.mode, control.effort, control.display, control.raw) == (mode, effort, display, value)


def test_output_form_and_verbosity() -> None:
    schema = {"type": "object", "properties": {}}
    form = {"type": "json_schema", "name": "n", "strict": False, "schema": schema}
    request = asked(text={"format": form, "verbosity": "low"})
    assert request.output == OutputFormat(kind="schema", name="n", strict=False, schema=schema)
    assert (request.verbosity, request.extra) == ("low", {})
    assert asked(text={"format": {"type": "json_object"}}).output == OutputFormat(kind="json")
    assert asked(text={"format": {"type": "grammar"}}).output is None


def test_logprobs_are_asked_for_by_include_or_number() -> None:
    assert asked(include=["message.output_text.logprobs"]).sampling.logprobs is True
    assert asked(top_logprobs=2).sampling.logprobs is True
    assert asked(top_logprobs=0).sampling.logprobs is None


def test_values_that_hold_everywhere_are_no_loss_elsewhere() -> None:
    request = asked(
        store=False, background=False, truncation="disabled", include=["reasoning.encrypted_content"]
    )
    assert request.extra == {}
    assert asked(store=True, truncation="auto").extra == {"store": True, "truncation": "auto"}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": ""}, "model"),
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": ""}, "input"),
        ({"input": 5}, "input"),
        ({"input": ["hi"]}, "input[0]"),
        ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": 5}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": ["x"]}]}, "input[0].content[0]"),
        ({"input": [{"type": "function_call", "call_id": "c"}]}, "input[0].name"),
        ({"input": [{"type": "function_call_output", "output": {}}]}, "input[0].output"),
        ({"input": [{"text": "x"}]}, "input[0].type"),
        ({"instructions": ["x"]}, "instructions"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{"name": "x"}]}, "tools[0].type"),
        ({"tools": [{"type": "namespace", "name": "n", "tools": [{"type": "function"}]}]}, "tools[0].tools[0].name"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_output_tokens": 1.5}, "max_output_tokens"),
        ({"stream": "yes"}, "stream"),
        ({"background": True}, "background"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else "",
)  # fmt: skip
def test_errors_name_the_field(members: dict[str, Any], param: str) -> None:
    with pytest.raises(CallerError) as caught:
        asked(**members)
    assert caught.value.param == param


@pytest.mark.parametrize("name", ["previous_response_id", "conversation", "prompt"], ids=str)
def test_input_may_be_elsewhere(name: str) -> None:
    request = parse_request(dumps({"model": "m", name: "x_1"}))
    assert (request.messages, request.extra) == ((), {name: "x_1"})


def test_absent_null_and_empty_stay_apart() -> None:
    assert back(tools=[], stream=False, reasoning={}, text={}, user=None, include=[]) == {
        "model": "m",
        "input": "hi",
        "tools": [],
        "stream": False,
        "reasoning": {},
        "text": {},
        "user": None,
        "include": [],
    }


def test_custom_calls_and_results() -> None:
    request = items_of(
        {"type": "custom_tool_call", "call_id": "c", "name": "apply_patch", "input": "*** Begin Patch"},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "ok"},
    )
    assert request.messages[0].parts == (
        ToolCall(id="c", name="apply_patch", arguments="*** Begin Patch", kind="custom"),
    )
    assert request.messages[1].role == "tool"
