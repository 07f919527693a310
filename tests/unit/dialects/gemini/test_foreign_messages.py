"""Conversations of other dialects in Gemini's order, judged by the vendor's own rules."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import (
    Opaque,
    Provenance,
    Refusal,
    Text,
    ToolCall,
)
from flowrouter.canonical.request import Request
from flowrouter.dialects.gemini.conversation import OPENING
from flowrouter.dialects.gemini.ids import made_call_id
from flowrouter.errors import CallerError
from tests.unit.dialects.gemini.build import (
    GEMINI_3,
    WEATHER,
    body_of,
    call,
    chat,
    render,
    result,
    rows,
    say,
)

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjQKJSVFT0YK"
NATIVE = Provenance(dialect="gemini")


def spoken(*messages: Message, **options: Any) -> list[dict[str, Any]]:
    """Return the contents a conversation becomes."""
    contents: list[dict[str, Any]] = body_of(chat(*messages), **options)["contents"]
    return contents


def test_roles_and_merging() -> None:
    contents = spoken(say("user", "a"), say("user", "b"), say("assistant", "c"), say("user", "d"))
    assert [(turn["role"], [part["text"] for part in turn["parts"]]) for turn in contents] == [
        ("user", ["a", "b"]),
        ("model", ["c"]),
        ("user", ["d"]),
    ]


def test_leading_system_and_developer_messages_are_the_instruction() -> None:
    body = body_of(chat(say("system", "a"), say("developer", "b"), say("user", "Hi")))
    assert body["systemInstruction"] == {"parts": [{"text": "a"}, {"text": "b"}]}
    assert len(body["contents"]) == 1


def test_a_later_system_message_leads_the_next_user_turn() -> None:
    request = chat(say("user", "a"), say("assistant", "b"), say("system", "Be brief."), say("user", "c"))
    rendered = render(request)
    contents = json.loads(rendered.body)["contents"]
    assert contents[2]["parts"] == [
        {"text": "<system-reminder>\nBe brief.\n</system-reminder>"},
        {"text": "c"},
    ]
    assert rows(rendered.losses) == [("messages[2]", "emulated")]


def test_a_system_message_behind_results_stands_behind_them() -> None:
    contents = spoken(
        say("user", "a"),
        say("assistant", call("1")),
        say("tool", result("1", "x")),
        say("system", "Note."),
        say("user", "b"),
    )
    assert [next(iter(part)) for part in contents[2]["parts"]] == ["functionResponse", "text", "text"]
    assert "Note." in contents[2]["parts"][1]["text"]


def test_a_final_system_message_is_a_turn_of_its_own() -> None:
    contents = spoken(say("user", "a"), say("assistant", "b"), say("system", "Go on."))
    assert contents[-1]["role"] == "user"


def test_only_system_gets_a_user_turn() -> None:
    rendered = render(chat(say("system", "a")))
    assert json.loads(rendered.body)["contents"] == [{"role": "user", "parts": [{"text": OPENING}]}]
    assert rows(rendered.losses) == [("messages", "emulated")]


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(CallerError) as raised:
        render(Request(origin="openai_chat", model="m"))
    assert raised.value.param == "messages"


@pytest.mark.parametrize("prefill", [None, False], ids=["kept", "hint"])
def test_a_begun_answer(prefill: bool | None) -> None:
    contents = spoken(say("user", "a"), say("assistant", "One, two,"), prefill=prefill)
    assert contents[-1]["role"] == ("user" if prefill is False else "model")
    assert "One, two," in json.dumps(contents)


@pytest.mark.parametrize(
    ("content", "is_error", "response"),
    [
        (("sunny",), None, {"result": "sunny"}),
        (('{"sky": "clear", "t": 1.50}',), None, {"sky": "clear", "t": 1.5}),
        (("[1, 2]",), None, {"result": "[1, 2]"}),
        (("boom",), True, {"error": "boom"}),
        (('{"error": 5}',), True, {"error": 5}),
        ((), None, {"result": ""}),
        (("a", "b"), None, {"result": "a\nb"}),
    ],
    ids=["text", "object", "array", "error", "error object", "empty", "two texts"],
)
def test_results_are_objects(content: tuple[str, ...], is_error: bool | None, response: Any) -> None:
    contents = spoken(
        say("user", "a"), say("assistant", call("1")), say("tool", result("1", *content, is_error=is_error))
    )
    told = contents[2]["parts"][0]["functionResponse"]
    assert (told["id"], told["name"], told["response"]) == ("1", "get_weather", response)


def test_results_out_of_order_missing_and_orphaned() -> None:
    contents = spoken(
        say("user", "a"),
        say("assistant", call("1"), call("2"), call("3")),
        say("tool", result("2", "two")),
        say("tool", result("1", "one")),
        say("tool", result("9", "nobody")),
        say("user", "b"),
    )
    told = [part["functionResponse"] for part in contents[2]["parts"] if "functionResponse" in part]
    assert [(one["id"], one["response"]) for one in told] == [
        ("1", {"result": "one"}),
        ("2", {"result": "two"}),
        ("3", {"error": "[no result]"}),
    ]
    assert "nobody" in json.dumps(contents[2]["parts"])


def test_text_behind_calls_moves_before_them() -> None:
    contents = spoken(
        say("user", "a"), say("assistant", call("1"), "Let me see."), say("tool", result("1", "x"))
    )
    assert [next(iter(part)) for part in contents[1]["parts"]] == ["text", "functionCall"]


@pytest.mark.parametrize(
    ("arguments", "args", "lost"),
    [
        ("", {}, False),
        ("{'city': 'Rome',}", {"city": "Rome"}, True),
        ("[1]", {"value": [1]}, True),
        ("nonsense", {"_raw": "nonsense"}, True),
    ],
    ids=["empty", "single quotes", "array", "no json"],
)
def test_arguments_become_objects(arguments: str, args: Any, lost: bool) -> None:
    request = chat(
        say("user", "a"), say("assistant", call("1", "f", arguments)), say("tool", result("1", "x"))
    )
    rendered = render(request)
    assert json.loads(rendered.body)["contents"][1]["parts"][0]["functionCall"]["args"] == args
    assert bool(rendered.losses) is lost


def test_ids_go_along_but_for_those_we_made() -> None:
    made = made_call_id("reply", 0, "f")
    contents = spoken(
        say("user", "a"),
        say("assistant", call("weird id|x"), call(made)),
        say("tool", result("weird id|x", "1"), result(made, "2")),
    )
    calls = [part["functionCall"].get("id") for part in contents[1]["parts"]]
    answers = [part["functionResponse"].get("id") for part in contents[2]["parts"]]
    assert calls == answers == ["weird id|x", None]


def test_empty_texts_and_other_vendors_attribution_are_left_out() -> None:
    request = chat(
        say("user", "", Text(text="x-anthropic-billing-header: a=1"), "Hi"),
        say("assistant", ""),
        say("user", "b"),
    )
    rendered = render(request)
    assert json.loads(rendered.body)["contents"] == [
        {"role": "user", "parts": [{"text": "Hi"}, {"text": "b"}]}
    ]
    assert rows(rendered.losses) == [("messages[0].content[1]", "dropped")]


def test_a_refusal_in_the_history_is_text() -> None:
    assert spoken(say("user", "a"), say("assistant", Refusal(text="No.")), say("user", "b"))[1]["parts"] == [
        {"text": "No."}
    ]


def test_names_citations_and_cache_marks_are_told_as_lost() -> None:
    request = chat(
        say(
            "user", Text(text="a", cache=CacheHint(), citations=({"url": "x"},), extra={"odd": 1}), name="ada"
        )
    )
    assert set(rows(render(request).losses)) == {
        ("messages[0].name", "dropped"),
        ("messages[0].content[0].annotations", "dropped"),
        ("messages[*].content[*].odd", "dropped"),
        ("messages[*].content[*].cache_control", "dropped"),
    }


def test_opaque_parts_that_have_words_are_told_in_them() -> None:
    run = Opaque(payload={"type": "compaction", "content": "They spoke."}, origin="anthropic")
    dropped = Opaque(payload={"type": "server_tool_use"}, origin="anthropic")
    request = Request(
        origin="anthropic",
        model="m",
        messages=(say("user", "a"), say("assistant", run, dropped, "b"), say("user", "c")),
    )
    rendered = render(request)
    assert "They spoke." in json.loads(rendered.body)["contents"][1]["parts"][0]["text"]
    assert rows(rendered.losses) == [
        ("messages[1].content[0]", "emulated"),
        ("messages[1].content[1]", "dropped"),
    ]


def test_each_turn_begins_with_the_bytes_of_the_turn_before() -> None:
    turns = [
        say("system", "Sys"),
        say("user", "a"),
        say("assistant", call("1")),
        say("tool", result("1", "x")),
        say("assistant", "done"),
        say("user", "b"),
        say("system", "Later."),
        say("user", "c"),
        say("assistant", call("2"), call("3")),
        say("tool", result("2", "x"), result("3", "y")),
        say("assistant", "more"),
        say("user", "d"),
    ]
    ends = [2, 4, 6, 8, 10, 12]
    bodies = [render(chat(*turns[:end], tools=(WEATHER,)), **GEMINI_3).body for end in ends]
    contents = [json.loads(body)["contents"] for body in bodies]
    for before, after in pairwise(contents):
        kept = [json.dumps(turn) for turn in before[:-1]]
        assert [json.dumps(turn) for turn in after[: len(kept)]] == kept


def test_a_custom_call_in_the_history_carries_its_text() -> None:
    custom = ToolCall(id="1", name="patch", arguments="*** Begin", kind="custom")
    contents = spoken(say("user", "a"), say("assistant", custom), say("tool", result("1", "ok")))
    assert contents[1]["parts"][0]["functionCall"]["args"] == {"input": "*** Begin"}
