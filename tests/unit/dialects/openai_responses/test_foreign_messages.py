"""Conversations of other dialects as items of `input`."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import (
    Audio,
    Document,
    Image,
    Media,
    Opaque,
    Part,
    Provenance,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
)
from flowrouter.errors import CallerError
from tests.unit.dialects.openai_responses.build import body, lost, render, said, sent, user

PIXEL = Source(kind="base64", media_type="image/png", data="iVBORw0KGgo=")
PDF = Source(kind="base64", media_type="application/pdf", data="JVBERi0=")
GPT = Provenance(dialect="openai_responses", family="gpt")


def call(call_id: str = "call_1", name: str = "find", arguments: str = "{}", **more: Any) -> ToolCall:
    return ToolCall(id=call_id, name=name, arguments=arguments, **more)


def result(*content: Part, call_id: str = "call_1", **more: Any) -> Message:
    return Message(role="tool", parts=(ToolResult(call_id=call_id, content=content, **more),))


def text(words: str) -> dict[str, Any]:
    return {"type": "input_text", "text": words}


def item(role: str, *content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": list(content)}


def test_a_slot_for_system_text_becomes_instructions() -> None:
    parts = (Text(text="Be brief."), Text(text="Be kind."))
    whole = body(system=parts, system_shape="list")
    assert whole["instructions"] == "Be brief.\n\nBe kind."
    assert whole["input"] == [item("user", text("hi"))]


def test_attribution_blocks_stay_behind() -> None:
    parts = (Text(text="x-anthropic-billing-header: cc_version=2;"), Text(text="Be brief."))
    assert body(system=parts)["instructions"] == "Be brief."
    assert lost(system=parts, system_shape="list") == ["system[0]"]


def test_cache_marks_of_system_text_need_an_item() -> None:
    marked = (Text(text="Long.", cache=CacheHint(ttl="1h")), Text(text="Short."))
    plain = body(system=marked)
    assert plain["instructions"] == "Long.\n\nShort."
    able = Capabilities(extensions=frozenset({"prompt_cache_breakpoint"}), system_role="developer")
    whole = body(able, system=marked)
    assert "instructions" not in whole
    point = {"prompt_cache_breakpoint": {"mode": "explicit"}}
    assert whole["input"][0] == item("developer", {**text("Long."), **point}, text("Short."))
    assert lost(able, system=marked) == ["system[0].cache_control.ttl"]


@pytest.mark.parametrize("role", ["system", "developer"], ids=str)
def test_system_messages_keep_their_place(role: Any) -> None:
    items = sent(said("system", "a"), user("b"), said(role, "c"), user("d"), system_role="developer")
    assert [held["role"] for held in items] == ["developer", "user", "developer", "user"]
    assert sent(said("developer", "a"), user("b"))[0]["role"] == "system"


def test_system_text_where_the_target_takes_none() -> None:
    able = Capabilities(mid_system=False)
    turns = (said("system", "a"), user("b"), said("system", "c"), user("d"))
    items = body(able, messages=turns)["input"]
    assert [held["role"] for held in items] == ["system", "user", "user", "user"]
    assert items[2]["content"] == [text("<system-reminder>\nc\n</system-reminder>")]
    assert lost(able, messages=turns) == ["messages[2].content[0]"]
    no_role = body(Capabilities(system_role="user"), messages=turns)
    assert no_role["instructions"] == "a"
    assert [held["role"] for held in no_role["input"]] == ["user", "user", "user"]


def test_a_tool_round() -> None:
    items = sent(user("go"), said("assistant", "Looking.", call()), result(Text(text="22 C")))
    assert items[1:] == [
        {"type": "message", "role": "assistant", "content": "Looking."},
        {"type": "function_call", "call_id": "call_1", "name": "find", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "22 C"},
    ]


def test_order_of_texts_and_calls_is_kept() -> None:
    turn = said("assistant", "a", call("call_1"), "b", call("call_2"))
    items = sent(user("go"), turn, result(call_id="call_2"), result(call_id="call_1"))
    assert [held.get("content", held.get("call_id")) for held in items[1:]] == [
        "a", "call_1", "b", "call_2", "call_1", "call_2",
    ]  # fmt: skip


def test_custom_calls_and_their_results() -> None:
    turns = (
        user("go"),
        said("assistant", call(name="patch", arguments="*** Begin", kind="custom")),
        result(Text(text="ok")),
    )
    native = sent(*turns)
    assert native[1] == {
        "type": "custom_tool_call", "call_id": "call_1", "name": "patch", "input": "*** Begin",
    }  # fmt: skip
    assert native[2]["type"] == "custom_tool_call_output"
    emulated = sent(*turns, custom_tools=False)
    assert emulated[1]["arguments"] == '{"input":"*** Begin"}'
    assert emulated[2]["type"] == "function_call_output"


@pytest.mark.parametrize(
    "call_id", ["toolu_01.A|b/c:d e", "x" * 80, "", "ütf"], ids=["odd", "long", "empty", "letters"]
)
def test_call_ids_fit(call_id: str) -> None:
    first = sent(user("go"), said("assistant", call(call_id)), result(call_id=call_id))
    again = sent(user("go"), said("assistant", call(call_id)), result(call_id=call_id))
    made = first[1]["call_id"]
    assert first == again
    assert 0 < len(made) <= 64
    assert made.replace("_", "").replace("-", "").isascii()
    assert first[2]["call_id"] == made


def test_repeated_ids_are_told_apart() -> None:
    turns = (user("go"), *(2 * (said("assistant", call()), result(Text(text="ok")))))
    items = sent(*turns)
    ids = [held["call_id"] for held in items if held["type"] == "function_call"]
    assert len(set(ids)) == 2
    assert [held["call_id"] for held in items if held["type"] == "function_call_output"] == ids


def test_every_call_is_answered_once() -> None:
    turns = (
        user("go"),
        said("assistant", call("a"), call("b")),
        result(Text(text="1"), call_id="a"),
        result(Text(text="2"), call_id="a"),
        result(Text(text="?"), call_id="nobody"),
        user("on"),
    )
    outputs = [held for held in sent(*turns) if held["type"] == "function_call_output"]
    assert [(held["call_id"], held["output"]) for held in outputs] == [
        ("a", "2"),
        ("b", "Error: [no result]"),
    ]


def test_result_with_a_picture_and_a_file() -> None:
    items = sent(
        user("go"),
        said("assistant", call()),
        result(Text(text="see"), Image(source=PIXEL, detail="low"), Document(source=PDF)),
    )
    assert items[2]["output"] == [
        text("see"),
        {"type": "input_image", "detail": "low", "image_url": "data:image/png;base64,iVBORw0KGgo="},
        {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0=", "filename": "document.pdf"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "output"),
    [
        ((), "Error: "),
        ((Text(text="no such file"),), "Error: no such file"),
        ((Image(source=PIXEL),), ["Error: "]),
    ],
    ids=["empty", "text", "picture"],
)
def test_failed_results_say_so(content: tuple[Part, ...], output: Any) -> None:
    turns = (user("go"), said("assistant", call()), result(*content, is_error=True))
    given = sent(*turns)[2]["output"]
    assert (given if isinstance(given, str) else [given[0]["text"]]) == output
    assert lost(messages=turns) == ["messages[2].content[0].is_error"]


def test_empty_result_and_arguments() -> None:
    items = sent(user("go"), said("assistant", call(arguments="  ")), result())
    assert (items[1]["arguments"], items[2]["output"]) == ("{}", "")


def test_images() -> None:
    url = Image(source=Source(kind="url", url="https://a/b.png"))
    assert sent(user(url))[0]["content"] == [
        {"type": "input_image", "detail": "auto", "image_url": "https://a/b.png"}
    ]
    assert sent(user(url), image_url=False)[0]["content"] == [text("[image omitted: https://a/b.png]")]
    assert sent(user(url), vision=False)[0]["content"] == [
        text("[image omitted: this model takes no images]")
    ]


def test_documents() -> None:
    link = Document(source=Source(kind="url", url="https://a/b.pdf"), title="B")
    assert sent(user(link))[0]["content"] == [
        {"type": "input_file", "filename": "B", "file_url": "https://a/b.pdf"}
    ]
    plain = Document(
        source=Source(kind="text", data="words", media_type="text/plain"), title="T", context="C"
    )
    assert sent(user(plain))[0]["content"] == [text("T\nC"), text("words")]
    inner = Document(source=Source(kind="content", url="https://s", parts=(Text(text="found"),)), title="S")
    assert sent(user(inner))[0]["content"] == [text("S\nhttps://s"), text("found")]
    assert sent(user(Document(source=PDF)), pdf=False)[0]["content"] == [
        text("[document omitted: this model takes no files]")
    ]


@pytest.mark.parametrize(
    "part",
    [
        Image(source=Source(kind="file", file_id="f")),
        Document(source=Source(kind="file", file_id="f")),
        Audio(data="AA==", format="wav"),
        Media(source=Source(kind="url", url="https://a/v.mp4", media_type="video/mp4")),
        Opaque(payload={"type": "compaction"}, origin="anthropic"),
    ],
    ids=["image-id", "file-id", "audio", "video", "compaction"],
)
def test_what_must_not_be_lost_is_refused(part: Part) -> None:
    with pytest.raises(CallerError) as caught:
        render(messages=(user("hear", part),))
    assert caught.value.param == "messages[0].content[1]"
    lenient = Capabilities(unsupported="drop")
    assert body(lenient, messages=(user("hear", part),))["input"] == [item("user", text("hear"))]
    assert lost(lenient, messages=(user("hear", part),)) == ["messages[0].content[1]"]


def test_audio_for_a_model_known_to_take_it() -> None:
    items = sent(user(Audio(data="AA==", format="mp3")), audio_in=True)
    assert items[0]["content"] == [{"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}}]


def test_refusals_stay_refusals_of_the_assistant() -> None:
    items = sent(user("a", Refusal(text="no")), said("assistant", Refusal(text="never")), user("b"))
    assert items[0]["content"] == [text("a"), text("no")]
    assert items[1]["content"] == [{"type": "refusal", "refusal": "never"}]


def test_several_texts_of_the_assistant_stay_apart() -> None:
    items = sent(user("a"), said("assistant", "b", "c"), user("d"))
    assert items[1]["content"] == [
        {"type": "output_text", "text": words, "annotations": []} for words in "bc"
    ]


def test_own_state_comes_back_and_only_that() -> None:
    own = Reasoning(text="sum", signature="gAAA", provenance=GPT)
    foreign = Reasoning(text="hm", signature="sig")
    turns = (user("a"), said("assistant", foreign, own, call()), result(Text(text="ok")))
    items = sent(*turns, family="gpt")
    assert [held["type"] for held in items] == [
        "message",
        "reasoning",
        "function_call",
        "function_call_output",
    ]
    assert items[1] == {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "sum"}],
        "encrypted_content": "gAAA",
    }
    assert lost(Capabilities(family="gpt"), messages=turns) == ["messages[1].content[0]"]
    assert "reasoning" not in [held["type"] for held in sent(*turns, family="o3")]


def test_envelopes_never_leave() -> None:
    sealed = Reasoning(text="x", sealed="flr1.abc")
    assert b"flr1." not in render(messages=(user("a"), said("assistant", sealed, "b"), user("c"))).body


def test_reasoning_goes_with_what_it_led_to() -> None:
    own = Reasoning(signature="gAAA", provenance=GPT)
    picture = Opaque(payload={"type": "image"}, origin="anthropic")
    turns = (user("a"), said("assistant", own, picture), user("b"))
    assert [held["type"] for held in sent(*turns)] == ["message", "message"]
    assert lost(messages=turns) == ["messages[1].content[1]", "messages[1].content[0]"]


def test_last_turn_of_the_assistant() -> None:
    turns = (user("Say it."), said("assistant", "The answer is"))
    assert sent(*turns)[-1]["content"] == "The answer is"
    assert lost(messages=turns) == ["messages"]
    assert lost(Capabilities(prefill=True), messages=turns) == []
    assert sent(*turns, needs_user_last=True)[-1] == item("user", text("Continue."))


def test_nothing_to_answer_is_refused() -> None:
    with pytest.raises(CallerError) as caught:
        render(messages=(user(""),))
    assert caught.value.param == "messages"


def test_names_of_participants_are_told() -> None:
    named = Message(role="user", parts=(Text(text="hi"),), name="ann")
    assert lost(origin="openai_chat", messages=(named,)) == ["messages[0].name"]


def test_unknown_members_are_told_once_per_kind() -> None:
    marked = tuple(user(Text(text="a", extra={"x": 1, "type": "t", "none": None})) for _ in range(2))
    assert lost(messages=marked) == ["messages[*].content[*].x"]
