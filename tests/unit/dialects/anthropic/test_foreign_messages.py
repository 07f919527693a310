"""The order of turns that Anthropic insists on, from conversations as other clients send them."""

import base64
import json

import pytest

from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.parts import (
    Audio,
    Document,
    Image,
    Opaque,
    Provenance,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
)
from flowrouter.canonical.request import OutputFormat, ReasoningControl, Request
from flowrouter.dialects.anthropic import CODEC
from flowrouter.errors import CallerError
from tests.unit.dialects.anthropic.build import WEATHER, body_of, chat, render, rows, say

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16)).decode()


def call(call_id: str, arguments: str = '{"city":"Rome"}', name: str = "get_weather") -> ToolCall:
    return ToolCall(id=call_id, name=name, arguments=arguments)


def result(call_id: str, text: str = "22 C", **members) -> ToolResult:
    return ToolResult(call_id=call_id, content=(Text(text=text),) if text else (), **members)


def messages(*turns, **members):
    return body_of(chat(*turns, **members))["messages"]


def text(words: str) -> dict:
    return {"type": "text", "text": words}


def test_leading_system_messages_become_the_system_blocks():
    body = body_of(chat(say("system", "One."), say("developer", "Two."), say("user", "Hi")))
    assert body["system"] == [text("One."), text("Two.")]
    assert body["messages"] == [{"role": "user", "content": [text("Hi")]}]


def test_a_later_system_message_stays_in_place_as_a_marked_text():
    turns = (say("user", "Hi"), say("assistant", "Hello."), say("developer", "Be brief."), say("user", "Go"))
    rendered = render(chat(*turns))
    assert json.loads(rendered.body)["messages"][-1] == {
        "role": "user",
        "content": [text("<system-reminder>\nBe brief.\n</system-reminder>"), text("Go")],
    }
    assert rows(rendered.losses) == [("messages[2]", "emulated")]


def test_a_later_system_message_stands_as_such_where_the_model_takes_it():
    turns = (say("user", "Hi"), say("assistant", "Hello."), say("system", "Be brief."), say("user", "Go"))
    rendered = render(chat(*turns), mid_system=True)
    body = json.loads(rendered.body)
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "system", "user"]
    assert rendered.headers == (("anthropic-beta", "mid-conversation-system-2026-04-07"),)
    assert rendered.losses == ()


def test_a_system_message_between_call_and_result_goes_behind_the_result():
    turns = (
        say("user", "Weather?"), say("assistant", call("a")), say("system", "Answer in Italian."),
        say("tool", result("a")), say("user", "Go on"),
    )  # fmt: skip
    last = messages(*turns, tools=(WEATHER,))[-1]
    assert [block["type"] for block in last["content"]] == ["tool_result", "text", "text"]


@pytest.mark.parametrize(
    "turns", [(say("system", "Only this."),), (say("assistant", "Hello!"), say("user", "Hi"))]
)
def test_a_history_that_does_not_start_with_the_user_gets_an_opening(turns):
    rendered = render(chat(*turns))
    first = json.loads(rendered.body)["messages"][0]
    assert first == {"role": "user", "content": [text("Begin.")]}
    assert ("messages", "emulated") in rows(rendered.losses)


def test_turns_of_one_role_are_merged():
    turns = (
        say("user", "A"),
        say("user", "B"),
        say("assistant", "C"),
        say("assistant", "D"),
        say("user", "E"),
    )
    assert messages(*turns) == [
        {"role": "user", "content": [text("A"), text("B")]},
        {"role": "assistant", "content": [text("C"), text("D")]},
        {"role": "user", "content": [text("E")]},
    ]


def test_results_stand_first_and_are_not_mixed_with_what_was_said_before_the_calls():
    turns = (
        say("user", "Rome?"), say("user", "And Oslo?"), say("assistant", "Looking.", call("a"), call("b")),
        say("tool", result("a", "22 C")), say("tool", result("b", "4 C")), say("user", "Which is warmer?"),
    )  # fmt: skip
    got = messages(*turns, tools=(WEATHER,))
    assert [[block["type"] for block in message["content"]] for message in got] == [
        ["text", "text"],
        ["text", "tool_use", "tool_use"],
        ["tool_result", "tool_result", "text"],
    ]


def test_results_out_of_order_doubled_missing_and_orphaned():
    turns = (
        say("user", "Go"), say("assistant", call("a"), call("b"), call("c")),
        say("tool", result("c", "C")), say("tool", result("a", "old")), say("tool", result("a", "A")),
        say("tool", result("nobody", "?")), say("user", "Now?"),
    )  # fmt: skip
    rendered = render(chat(*turns, tools=(WEATHER,)))
    blocks = json.loads(rendered.body)["messages"][-1]["content"]
    results = [block for block in blocks if block["type"] == "tool_result"]
    assert [(block["tool_use_id"], block["content"][0]["text"]) for block in results] == [
        ("a", "A"), ("b", "[no result]"), ("c", "C"),
    ]  # fmt: skip
    assert results[1]["is_error"] is True
    assert {"emulated", "dropped"} <= {kind for _, kind in rows(rendered.losses)}


def test_ids_that_anthropic_refuses_are_changed_in_call_and_result():
    turns = (
        say("user", "Go"),
        say("assistant", call("call|1.x")),
        say("tool", result("call|1.x")),
        say("user", "?"),
    )
    got = messages(*turns, tools=(WEATHER,))
    assert got[1]["content"][0]["id"] == got[2]["content"][0]["tool_use_id"] != "call|1.x"


def test_reasoning_comes_first_and_calls_last():
    mine = Provenance(dialect="anthropic", family="claude")
    turn = say("assistant", call("a"), "Said after.", Reasoning(text="Hm", signature="sig", provenance=mine))
    rendered = CODEC.render_request(
        chat(say("user", "Go"), turn, say("tool", result("a")), tools=(WEATHER,)),
        "m",
        Capabilities(family="claude"),
    )
    blocks = json.loads(rendered.body)["messages"][1]["content"]
    assert [block["type"] for block in blocks] == ["thinking", "text", "tool_use"]
    assert rendered.losses == ()


@pytest.mark.parametrize(
    "part",
    [
        Reasoning(text="unsigned"),
        Reasoning(text="sealed", sealed="flr1.abc"),
        Reasoning(text="foreign", signature="s", provenance=Provenance(dialect="gemini")),
        Reasoning(text="other family", signature="s", provenance=Provenance(dialect="anthropic", family="x")),
        Reasoning(text="from the client", signature="s"),
        Reasoning(redacted="data"),
        Opaque(payload={"type": "thing"}, origin="openai_chat"),
    ],
)
def test_what_this_model_did_not_sign_or_does_not_know_is_dropped(part):
    rendered = render(chat(say("user", "A"), say("assistant", part, "B"), say("user", "C")), family="claude")
    assert json.loads(rendered.body)["messages"][1]["content"] == [text("B")]
    field = "reasoning_content" if isinstance(part, Reasoning) else "content[0]"
    assert rows(rendered.losses) == [(f"messages[1].{field}", "dropped")]


@pytest.mark.parametrize("blank", ["", " ", "\n\t"])
def test_texts_without_a_visible_character_go(blank):
    turns = (say("user", blank, "Hi"), say("assistant", blank), say("user", "There?"))
    assert messages(*turns) == [{"role": "user", "content": [text("Hi"), text("There?")]}]


def test_a_prefilled_answer_stays_and_loses_its_trailing_space():
    rendered = render(chat(say("user", "Hi"), say("assistant", "The answer is ")), prefill=True)
    assert json.loads(rendered.body)["messages"][-1]["content"] == [text("The answer is")]
    assert rows(rendered.losses) == [("messages", "changed")]


@pytest.mark.parametrize(
    ("members", "capabilities"),
    [
        ({}, {"prefill": False}),
        ({}, {"needs_user_last": True}),
        ({"reasoning": ReasoningControl(mode="effort", effort="high")}, {"thinking_style": "manual"}),
        ({"output": OutputFormat(kind="schema", schema={"type": "object"})}, {}),
    ],
)
def test_a_prefilled_answer_becomes_an_instruction_where_it_cannot_stay(members, capabilities):
    rendered = render(chat(say("user", "Hi"), say("assistant", "Sure: "), **members), **capabilities)
    last = json.loads(rendered.body)["messages"][-1]
    assert last["role"] == "user"
    assert last["content"][-1]["text"].endswith("Sure:\n</system-reminder>")
    assert ("messages", "emulated") in rows(rendered.losses)


def test_images_go_as_bytes_or_url_with_the_type_they_really_have():
    whole = Image(source=Source(kind="base64", media_type="IMAGE/JPG", data=f" {PNG}\n"), detail="high")
    linked = Image(source=Source(kind="url", url="https://images.example/a.png"), detail="auto")
    rendered = render(chat(say("user", whole, linked)))
    assert [block["source"] for block in json.loads(rendered.body)["messages"][0]["content"]] == [
        {"type": "base64", "media_type": "image/png", "data": PNG},
        {"type": "url", "url": "https://images.example/a.png"},
    ]
    assert rows(rendered.losses) == [
        ("messages[0].content[0].image_url.detail", "dropped"),
        ("messages[0].content[0].media_type", "changed"),
    ]


@pytest.mark.parametrize(
    "part",
    [
        Image(source=Source(kind="base64", media_type="image/tiff", data="SUkqAA==")),
        Image(source=Source(kind="file", file_id="file-1")),
        Image(source=Source(kind="url", url="file:///etc/passwd")),
        Document(source=Source(kind="file", file_id="file-1")),
        Document(source=Source(kind="base64", media_type="application/zip", data="UEs=")),
        Audio(data="AAAA", format="wav"),
    ],
)
def test_media_nobody_there_can_open_is_refused_by_its_path(part):
    with pytest.raises(CallerError) as caught:
        render(chat(say("user", "Look:", part)))
    assert (caught.value.status, caught.value.param) == (400, "messages[0].content[1]")


def test_media_the_model_cannot_see_is_refused():
    picture = Image(source=Source(kind="base64", media_type="image/png", data=PNG))
    paper = Document(source=Source(kind="url", url="https://files.example/a.pdf"))
    for part, switch in ((picture, "vision"), (paper, "pdf")):
        with pytest.raises(CallerError, match="the model takes no"):
            render(chat(say("user", part)), **{switch: False})


def test_text_files_go_as_plain_text_documents():
    data = base64.b64encode("Grüße".encode()).decode()
    part = Document(source=Source(kind="base64", media_type="text/markdown", data=data), title="notes.md")
    assert messages(say("user", part))[0]["content"] == [
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "Grüße"},
            "title": "notes.md",
        }
    ]


def test_a_tool_result_keeps_images_and_errors_and_may_be_empty():
    picture = Image(source=Source(kind="base64", media_type="image/png", data=PNG))
    shot = ToolResult(call_id="a", content=(Text(text="Here:"), picture), is_error=True)
    turns = (
        say("user", "Go"),
        say("assistant", call("a"), call("b")),
        say("tool", shot),
        say("tool", result("b", "")),
    )
    blocks = messages(*turns, tools=(WEATHER,))[-1]["content"]
    assert [block["type"] for block in blocks[0]["content"]] == ["text", "image"]
    assert blocks[0]["is_error"] is True
    assert "content" not in blocks[1]


@pytest.mark.parametrize(
    ("arguments", "expected", "kinds"),
    [
        ('{"b":1,"a":{"z":0,"y":1.50}}', {"b": 1, "a": {"z": 0, "y": 1.5}}, []),
        ("", {}, []),
        ("[1, 2]", {"value": [1, 2]}, ["changed"]),
        ('{"city": ', {"_raw": '{"city": '}, ["changed"]),
        ("{'city': 'Rome',}", {"city": "Rome"}, ["changed"]),
    ],
)
def test_arguments_are_an_object_whatever_the_model_wrote(arguments, expected, kinds):
    turns = (say("user", "Go"), say("assistant", call("a", arguments)), say("tool", result("a")))
    rendered = render(chat(*turns, tools=(WEATHER,)))
    assert json.loads(rendered.body)["messages"][1]["content"][0]["input"] == expected
    assert [kind for _, kind in rows(rendered.losses)] == kinds


def test_arguments_keep_their_own_text():
    turns = (
        say("user", "Go"),
        say("assistant", call("a", '{"b" : 1.50, "a":1e2}')),
        say("tool", result("a")),
    )
    assert b'"input":{"b" : 1.50, "a":1e2}' in render(chat(*turns, tools=(WEATHER,))).body


def test_refusals_names_and_citations():
    cited = Text(text="B", citations=({"type": "url_citation"},))
    turns = (say("user", "A", name="ann"), say("assistant", Refusal(text="No."), cited), say("user", "C"))
    rendered = render(chat(*turns))
    assert json.loads(rendered.body)["messages"][1]["content"] == [text("No."), text("B")]
    assert rows(rendered.losses) == [
        ("messages[0].name", "dropped"),
        ("messages[1].content[0].annotations", "dropped"),
    ]


def test_unknown_members_are_named_once_per_place():
    turns = [say("user", Text(text="A", extra={"mark": 1, "none": None})) for _ in range(3)]
    rendered = render(chat(*turns, extra={"store": True, "prediction": None}))
    assert [(loss.path, loss.reason) for loss in rendered.losses] == [
        ("store", "unknown to anthropic"),
        ("messages[*].content[*].mark", "unknown to anthropic (3 times)"),
    ]


def test_cache_marks_stay_in_place_up_to_four_with_long_ones_first():
    short, long = CacheHint(ttl="5m"), CacheHint(ttl="1h")
    parts = [
        Text(text=f"t{n}", cache=hint) for n, hint in enumerate((short, long, short, short, long, short))
    ]
    rendered = render(chat(say("user", *parts)))
    marks = [block.get("cache_control") for block in json.loads(rendered.body)["messages"][0]["content"]]
    assert [mark and mark["ttl"] for mark in marks] == [None, None, "5m", "5m", "5m", "5m"]
    place = "messages[*].content[*].cache_control"
    assert rows(rendered.losses) == [(place, "dropped"), (place, "changed")]


def test_an_empty_conversation_is_refused():
    with pytest.raises(CallerError) as caught:
        render(Request(origin="openai_chat", model="m"))
    assert caught.value.param == "messages"


def test_a_final_system_message_behind_an_answer_is_for_the_model_to_answer():
    turns = (say("user", "Hi"), say("assistant", "Hello."), say("system", "Now say bye."))
    rendered = render(chat(*turns), mid_system=True)
    assert json.loads(rendered.body)["messages"][-1] == {
        "role": "user",
        "content": [text("<system-reminder>\nNow say bye.\n</system-reminder>")],
    }
    assert rendered.headers == ()
