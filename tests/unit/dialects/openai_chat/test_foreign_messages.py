"""Conversations of other dialects as Chat messages, and what is told of what they lost."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import (
    Audio,
    Document,
    Image,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
)
from flowrouter.canonical.request import Request
from flowrouter.dialects.openai_chat import CODEC
from flowrouter.errors import CallerError
from flowrouter.wire.json import loads

PNG = Image(source=Source(kind="base64", media_type="image/png", data="iVBORw0K"))


def user(*parts: Part | str) -> Message:
    return Message(role="user", parts=tuple(Text(text=p) if isinstance(p, str) else p for p in parts))


def assistant(*parts: Part | str) -> Message:
    return Message(role="assistant", parts=tuple(Text(text=p) if isinstance(p, str) else p for p in parts))


def system(text: str) -> Message:
    return Message(role="system", parts=(Text(text=text),))


def call(name: str = "f", call_id: str = "toolu_1", arguments: str = "{}") -> ToolCall:
    return ToolCall(id=call_id, name=name, arguments=arguments)


def rendered(
    *messages: Message, capabilities: Capabilities | None = None, **members: Any
) -> tuple[list[dict[str, Any]], tuple[Loss, ...]]:
    request = Request(origin="anthropic", model="m", messages=messages, **members)
    result = CODEC.render_request(request, "gpt", capabilities or Capabilities())
    return loads(result.body)["messages"], result.losses


def test_system_parts_stay_apart_and_one_alone_is_a_string() -> None:
    parts = (Text(text="a"), Text(text="b"))
    messages, losses = rendered(user("hi"), system=parts)
    assert messages[0] == {
        "role": "system",
        "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
    }
    assert losses == ()
    assert rendered(user("hi"), system=parts[:1])[0][0] == {"role": "system", "content": "a"}


def test_hosts_without_content_lists_get_joined_text() -> None:
    messages, _ = rendered(
        user("hi", "there"),
        system=(Text(text="a"), Text(text="b")),
        capabilities=Capabilities(content_lists=False),
    )
    assert [message["content"] for message in messages] == ["a\n\nb", "hi\n\nthere"]


def test_attribution_blocks_are_dropped_and_told() -> None:
    blocks = (Text(text="x-anthropic-billing-header: cc_version=2"), Text(text="You code."))
    messages, losses = rendered(user("hi"), system=blocks)
    assert messages[0] == {"role": "system", "content": "You code."}
    assert [(loss.path, loss.kind) for loss in losses] == [("system[0]", "dropped")]


@pytest.mark.parametrize("role", ["system", "developer"])
def test_later_system_messages_keep_their_place(role: Any) -> None:
    messages, losses = rendered(
        user("a"), system("b"), user("c"), capabilities=Capabilities(system_role=role)
    )
    assert [(message["role"], message["content"]) for message in messages] == [
        ("user", "a"),
        (role, "b"),
        ("user", "c"),
    ]
    assert losses == ()


def test_later_system_messages_wait_for_the_next_user_turn_where_they_must() -> None:
    messages, losses = rendered(
        user("a"), system("b"), assistant("c"), user("d"), capabilities=Capabilities(mid_system=False)
    )
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert messages[2]["content"] == [
        {"type": "text", "text": "<system-reminder>\nb\n</system-reminder>"},
        {"type": "text", "text": "d"},
    ]
    assert [(loss.path, loss.kind) for loss in losses] == [("messages[1].content[0]", "emulated")]


def test_a_waiting_reminder_is_not_lost_at_the_end() -> None:
    messages, _ = rendered(
        user("a"), assistant("b"), system("c"), capabilities=Capabilities(mid_system=False)
    )
    assert messages[-1] == {"role": "user", "content": "<system-reminder>\nc\n</system-reminder>"}


def test_a_host_without_any_system_role_gets_reminders_only() -> None:
    messages, _ = rendered(user("a"), system=(Text(text="s"),), capabilities=Capabilities(system_role="user"))
    assert messages == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "<system-reminder>\ns\n</system-reminder>"},
                {"type": "text", "text": "a"},
            ],
        }
    ]


def test_results_come_in_call_order_and_missing_ones_are_told_to_the_model() -> None:
    messages, losses = rendered(
        user("go"),
        assistant(call(call_id="a"), call(call_id="b"), call(call_id="c")),
        user(
            ToolResult(call_id="b", content=(Text(text="B"),)),
            ToolResult(call_id="a", content=(Text(text="A"),)),
            "and then?",
        ),
    )
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "tool", "tool", "user"]
    assert [(m["tool_call_id"], m["content"]) for m in messages[2:5]] == [
        ("a", "A"),
        ("b", "B"),
        ("c", "Error: [no result]"),
    ]
    assert messages[5]["content"] == "and then?"
    assert any("has no result" in loss.reason for loss in losses)


def test_an_orphaned_result_becomes_text() -> None:
    messages, _ = rendered(user("go"), user(ToolResult(call_id="z", content=(Text(text="lost"),))))
    assert [message["role"] for message in messages] == ["user", "user"]
    assert "Tool result (z): " in str(messages[1]["content"])


def test_media_of_results_follow_after_all_tool_messages_with_the_user_s_words() -> None:
    messages, losses = rendered(
        assistant(call(call_id="a"), call(call_id="b")),
        user(
            ToolResult(call_id="a", content=(Text(text="shot"), PNG)),
            ToolResult(call_id="b", content=(PNG,)),
            "what is it?",
        ),
    )
    assert [message["role"] for message in messages] == ["assistant", "tool", "tool", "user"]
    assert [message["content"] for message in messages[1:3]] == ["shot", "[see the next message]"]
    kinds = [item["type"] for item in messages[3]["content"]]
    assert kinds == ["text", "image_url", "text", "image_url", "text"]
    assert messages[3]["content"][-1]["text"] == "what is it?"
    assert [loss.path for loss in losses] == ["messages[1].content[0]", "messages[1].content[1]"]


def test_media_and_a_system_message_between_stay_in_order() -> None:
    messages, _ = rendered(
        assistant(call(call_id="a")),
        user(ToolResult(call_id="a", content=(PNG,))),
        system("note"),
        user("go on"),
    )
    assert [message["role"] for message in messages] == ["assistant", "tool", "user", "system", "user"]


def test_errors_are_told_by_a_prefix() -> None:
    messages, losses = rendered(
        assistant(call(call_id="a"), call(call_id="b")),
        user(
            ToolResult(call_id="a", content=(Text(text="boom"),), is_error=True),
            ToolResult(call_id="b", is_error=True),
        ),
    )
    assert [message["content"] for message in messages[1:]] == ["Error: boom", "Error: "]
    assert {loss.kind for loss in losses} == {"emulated"}


def test_text_comes_before_calls_and_arguments_keep_their_text() -> None:
    messages, _ = rendered(
        user("go"),
        assistant("one", call(arguments='{ "a" :1}'), "two"),
        user(ToolResult(call_id="toolu_1", content=(Text(text="x"),))),
    )
    assert messages[1]["content"] == [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    assert messages[1]["tool_calls"][0]["function"]["arguments"] == '{ "a" :1}'


def test_no_arguments_are_an_empty_object() -> None:
    messages, _ = rendered(assistant(call(arguments="")), user(ToolResult(call_id="toolu_1")))
    assert messages[0]["tool_calls"][0]["function"]["arguments"] == "{}"


@pytest.mark.parametrize(
    ("echo", "with_call", "expected"),
    [
        ("never", True, None),
        ("never", False, None),
        ("always", True, "hm"),
        ("always", False, "hm"),
        ("with_tools", True, "hm"),
        ("with_tools", False, None),
    ],
)
def test_reasoning_returns_only_to_hosts_that_want_it(
    echo: Any, with_call: bool, expected: str | None
) -> None:
    parts: tuple[Part | str, ...] = (Reasoning(text="hm"), "ok", *((call(),) if with_call else ()))
    messages, losses = rendered(
        user("go"), assistant(*parts), user("next"), capabilities=Capabilities(reasoning_echo=echo)
    )
    assert messages[1].get("reasoning_content") == expected
    dropped = [loss for loss in losses if loss.path == "messages[1].content[0]"]
    assert bool(dropped) is (expected is None)


def test_a_turn_without_reasoning_still_has_the_member_where_the_host_insists() -> None:
    messages, _ = rendered(
        assistant(call()),
        user(ToolResult(call_id="toolu_1")),
        capabilities=Capabilities(reasoning_echo="with_tools"),
    )
    assert messages[0]["reasoning_content"] == " "


def test_signatures_and_sealed_state_never_reach_a_vendor() -> None:
    messages, _ = rendered(
        user("a"),
        assistant(
            Reasoning(text="t", signature="SECRET-SIG"),
            Reasoning(redacted="SECRET-RED"),
            Reasoning(sealed="flr1.S"),
            "b",
        ),
        user("c"),
        capabilities=Capabilities(reasoning_echo="always"),
    )
    text = str(messages)
    assert "SECRET" not in text
    assert "flr1" not in text
    assert messages[1]["reasoning_content"] == "t"


@pytest.mark.parametrize(
    ("part", "item"),
    [
        (PNG, {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0K"}}),
        (
            Image(source=Source(kind="url", url="https://e.com/a.png"), detail="low"),
            {"type": "image_url", "image_url": {"url": "https://e.com/a.png", "detail": "low"}},
        ),
        (
            Document(source=Source(kind="base64", media_type="application/pdf", data="JVBE"), title="a.pdf"),
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
        ),
        (
            Document(source=Source(kind="base64", media_type="application/pdf", data="JVBE")),
            {
                "type": "file",
                "file": {"filename": "document.pdf", "file_data": "data:application/pdf;base64,JVBE"},
            },
        ),
        (
            Audio(data="UklG", format="wav"),
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
        ),
        (Refusal(text="no"), {"type": "text", "text": "no"}),
    ],
)
def test_media(part: Part, item: dict[str, Any]) -> None:
    messages, losses = rendered(user(part, "x"))
    assert messages[0]["content"][0] == item
    assert losses == ()


def test_documents_without_a_file_form_become_text() -> None:
    text = Document(source=Source(kind="text", media_type="text/plain", data="body"), title="T")
    blocks = Document(source=Source(kind="content", parts=(Text(text="x"), PNG)))
    link = Document(source=Source(kind="url", url="https://e.com/a.pdf"))
    messages, losses = rendered(user(text, blocks, link))
    shown = [item.get("text", item["type"]) for item in messages[0]["content"]]
    assert shown == ["T", "body", "x", "image_url", "[document: https://e.com/a.pdf]"]
    assert [loss.kind for loss in losses] == ["changed", "changed", "emulated"]


def test_what_the_model_cannot_see_leaves_a_note_and_a_loss() -> None:
    pdf = Document(source=Source(kind="base64", media_type="application/pdf", data="JVBE"))
    messages, losses = rendered(user(PNG, pdf), capabilities=Capabilities(vision=False, pdf=False))
    assert all(item["text"].startswith("[") for item in messages[0]["content"])
    assert [loss.kind for loss in losses] == ["emulated", "emulated"]


def test_image_urls_where_the_host_does_not_fetch() -> None:
    image = Image(source=Source(kind="url", url="https://e.com/a.png"))
    messages, _ = rendered(user(image), capabilities=Capabilities(image_url=False))
    assert messages[0]["content"] == "[image omitted: https://e.com/a.png]"


@pytest.mark.parametrize("kind", [Image, Document])
def test_file_ids_of_another_vendor_are_refused_by_name(kind: Any) -> None:
    with pytest.raises(CallerError) as caught:
        rendered(user("a", kind(source=Source(kind="file", file_id="file_1"))))
    assert caught.value.param == "messages[0].content[1]"


@pytest.mark.parametrize(
    ("capabilities", "member"),
    [
        (Capabilities(cache_marks=True), {"cache_control": {"type": "ephemeral", "ttl": "1h"}}),
        (
            Capabilities(extensions=frozenset({"prompt_cache_breakpoint"})),
            {"prompt_cache_breakpoint": {"mode": "explicit", "ttl": "1h"}},
        ),
        (Capabilities(), {}),
    ],
)
def test_cache_marks_where_the_host_understands_them(
    capabilities: Capabilities, member: dict[str, Any]
) -> None:
    marked = Text(text="a", cache=CacheHint(ttl="1h", extra={"scope": "x"}))
    messages, losses = rendered(user(marked, "b"), capabilities=capabilities)
    assert messages[0]["content"][0] == {"type": "text", "text": "a", **member}
    assert bool(losses) is not bool(member)


def test_parts_only_another_dialect_knows_are_dropped_and_told() -> None:
    odd = Opaque(payload={"type": "server_tool_use", "id": "s"}, origin="anthropic")
    messages, losses = rendered(user(odd, "b"))
    assert messages[0]["content"] == "b"
    assert losses == (
        Loss(
            path="messages[0].content[0]",
            kind="dropped",
            reason="only anthropic knows the part server_tool_use",
        ),
    )


def test_unknown_members_are_told_once() -> None:
    messages, losses = rendered(
        user(Text(text="a", extra={"mood": 1, "null": None}), Text(text="b", extra={"mood": 2}))
    )
    assert [item["text"] for item in messages[0]["content"]] == ["a", "b"]
    assert [loss.reason for loss in losses] == ["unknown to openai_chat (2 times)"]


def test_a_conversation_of_nothing_is_refused() -> None:
    with pytest.raises(CallerError) as caught:
        rendered(user(Text(text="")))
    assert caught.value.param == "messages"


def test_a_user_turn_last_where_the_host_wants_it() -> None:
    wanting = Capabilities(needs_user_last=True)
    messages, losses = rendered(user("a"), assistant("b"), capabilities=wanting)
    assert messages[-1]["role"] == "user"
    assert [loss.kind for loss in losses] == ["emulated"]
    assert len(rendered(user("a"), capabilities=wanting)[0]) == 1


def test_ids_fit_the_host_the_same_way_every_time() -> None:
    strict = Capabilities(tool_id="[a-zA-Z0-9]{9}")
    turn = (assistant(call(call_id="toolu_01ABC")), user(ToolResult(call_id="toolu_01ABC")))
    first, _ = rendered(*turn, capabilities=strict)
    second, _ = rendered(*turn, capabilities=strict)
    fitted = first[0]["tool_calls"][0]["id"]
    assert len(fitted) == 9
    assert fitted == first[1]["tool_call_id"] == second[0]["tool_calls"][0]["id"]


def test_long_ids_are_cut_to_the_vendor_s_limit_without_colliding() -> None:
    long = "toolu_" + "x" * 60
    messages, _ = rendered(
        assistant(call(call_id=long + "a"), call(call_id=long + "b")),
        user(ToolResult(call_id=long + "a"), ToolResult(call_id=long + "b")),
    )
    ids = [item["id"] for item in messages[0]["tool_calls"]]
    assert len(set(ids)) == 2
    assert all(len(each) <= 40 for each in ids)
    assert ids == [message["tool_call_id"] for message in messages[1:]]
