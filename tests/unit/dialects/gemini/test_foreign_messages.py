"""Conversations of other dialects in Gemini's order, judged by the vendor's own rules."""

from __future__ import annotations

import json
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
)
from flowrouter.canonical.request import Request
from flowrouter.dialects.gemini.conversation import OPENING
from flowrouter.dialects.gemini.ids import made_call_id
from flowrouter.dialects.gemini.render_requests import render_request
from flowrouter.dialects.gemini.signing import BYPASS
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


def picture(**source: Any) -> Image:
    return Image(source=Source(**{"kind": "base64", "media_type": "image/png", "data": PNG, **source}))


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
        ("messages[0].content[0].citations", "dropped"),
        ("messages[*].content[*].odd", "dropped"),
        ("messages[*].content[*].cache_control", "dropped"),
    }


@pytest.mark.parametrize(
    ("part", "wire"),
    [
        (picture(), {"inlineData": {"mimeType": "image/png", "data": PNG}}),
        (picture(media_type=None), {"inlineData": {"mimeType": "image/png", "data": PNG}}),
        (picture(media_type="image/jpeg"), {"inlineData": {"mimeType": "image/png", "data": PNG}}),
        (picture(data=f" {PNG[:20]}\n{PNG[20:]} "), {"inlineData": {"mimeType": "image/png", "data": PNG}}),
        (Audio(data="AAAA", format="mp3"), {"inlineData": {"mimeType": "audio/mp3", "data": "AAAA"}}),
        (
            Document(source=Source(kind="base64", media_type="application/pdf", data=PDF)),
            {"inlineData": {"mimeType": "application/pdf", "data": PDF}},
        ),
        (
            Media(source=Source(kind="url", url="https://youtu.be/x")),
            {"fileData": {"fileUri": "https://youtu.be/x"}},
        ),
    ],
    ids=["image", "type by its bytes", "wrong type", "white space", "audio", "pdf", "video"],
)
def test_media(part: Part, wire: dict[str, Any]) -> None:
    assert spoken(say("user", part, "What?"))[0]["parts"][0] == wire


@pytest.mark.parametrize(
    ("part", "capabilities"),
    [
        (picture(kind="file", file_id="file-1", data=None), {}),
        (picture(kind="url", url="https://a.example/x.png", data=None), {"image_url": False}),
        (picture(media_type="image/gif", data="R0lGODlhAQABAAAAACw="), {}),
        (picture(data=""), {}),
        (picture(), {"vision": False}),
        (Audio(data="AAAA", format="wav"), {"audio_in": False}),
        (Document(source=Source(kind="base64", media_type="application/pdf", data="AA")), {"pdf": False}),
        (Opaque(payload={"type": "item_reference", "id": "x"}, origin="openai_responses"), {}),
    ],
    ids=["file id", "address", "gif", "no data", "blind", "deaf", "no files", "reference"],
)
def test_what_must_not_be_lost_is_refused_by_its_place(part: Part, capabilities: dict[str, Any]) -> None:
    request = chat(say("user", "See:", part))
    with pytest.raises(CallerError) as raised:
        render(request, **capabilities)
    assert raised.value.param == "messages[0].content[1]"
    assert rows(render(request, **capabilities, unsupported="drop").losses) == [
        ("messages[0].content[1]", "dropped")
    ]


def test_an_address_goes_to_models_that_open_it() -> None:
    request = chat(
        say("user", picture(kind="url", url="https://a.example/x.webp?y=1", media_type=None, data=None))
    )
    body = json.loads(render_request(request, "m", Capabilities(image_url=True)).body)
    assert body["contents"][0]["parts"] == [
        {"fileData": {"mimeType": "image/webp", "fileUri": "https://a.example/x.webp?y=1"}}
    ]


def test_text_documents_and_search_results_are_text() -> None:
    document = Document(source=Source(kind="text", data="body"), title="Title", context="Context")
    search = Document(
        source=Source(kind="content", url="https://a.example", parts=(Text(text="found"),)), title="Hit"
    )
    contents = spoken(say("user", document, search))
    assert [part["text"] for part in contents[0]["parts"]] == [
        "Title\nContext",
        "body",
        "Hit\nhttps://a.example",
        "found",
    ]


@pytest.mark.parametrize("inside", [True, False])
def test_media_of_a_result(inside: bool) -> None:
    request = chat(
        say("user", "a"),
        say("assistant", call("1"), call("2")),
        say("tool", result("1", "see", picture()), result("2", "x")),
    )
    extensions = frozenset({"functionResponse.parts"} if inside else ())
    rendered = render(request, extensions=extensions)
    parts = json.loads(rendered.body)["contents"][2]["parts"]
    if inside:
        assert parts[0]["functionResponse"]["parts"] == [
            {"inlineData": {"mimeType": "image/png", "data": PNG}}
        ]
        assert rendered.losses == ()
    else:
        assert [next(iter(part)) for part in parts] == ["functionResponse", "functionResponse", "inlineData"]
        assert rows(rendered.losses) == [("messages[2]", "emulated")]


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


def test_reasoning_of_others_is_dropped() -> None:
    alien = Reasoning(text="hm", signature="s", provenance=Provenance(dialect="anthropic"))
    unsigned, sealed = Reasoning(text="plain"), Reasoning(sealed="flr1.x")
    request = chat(say("user", "a"), say("assistant", alien, unsigned, sealed, "b"), say("user", "c"))
    rendered = render(request)
    assert json.loads(rendered.body)["contents"][1]["parts"] == [{"text": "b"}]
    assert {kind for _, kind in rows(rendered.losses)} == {"dropped"}


def unjudged(*messages: Message, **options: Any) -> list[dict[str, Any]]:
    """Return contents with signatures that no vendor made, so that none may judge them."""
    rendered = render_request(chat(*messages), "m", Capabilities(**options))
    contents: list[dict[str, Any]] = json.loads(rendered.body)["contents"]
    return contents


def test_native_signatures_find_the_part_that_bore_them() -> None:
    contents = unjudged(
        say("user", "a"),
        say(
            "assistant",
            Reasoning(text="hm", signature="thought", provenance=NATIVE),
            Reasoning(signature="second", call_id="2", provenance=NATIVE),
            Reasoning(signature="said", provenance=NATIVE),
            "text",
            call("1"),
            call("2"),
        ),
        say("tool", result("1", "x"), result("2", "y")),
        say("assistant", "done", Reasoning(signature="end", provenance=NATIVE)),
        say("user", "b"),
    )
    assert [
        (next(iter(part)), part.get("thought"), part.get("thoughtSignature")) for part in contents[1]["parts"]
    ] == [
        ("text", True, "thought"),
        ("text", None, "said"),
        ("functionCall", None, None),
        ("functionCall", None, "second"),
    ]
    assert contents[3]["parts"] == [{"text": "done"}, {"text": "", "thoughtSignature": "end"}]


def test_a_signature_whose_call_is_gone_goes_on_the_first_unsigned_call() -> None:
    contents = unjudged(
        say("user", "a"),
        say("assistant", Reasoning(signature="s", call_id="gone", provenance=NATIVE), call("1")),
        say("tool", result("1", "x")),
    )
    assert contents[1]["parts"][0]["thoughtSignature"] == "s"


def test_calls_and_their_signature_in_messages_of_their_own_become_one_turn() -> None:
    contents = unjudged(
        say("user", "a"),
        say("assistant", Reasoning(signature="s", call_id="1", provenance=NATIVE)),
        say("assistant", call("1")),
        say("assistant", call("2")),
        say("tool", result("1", "x")),
        say("tool", result("2", "y")),
    )
    assert [part.get("thoughtSignature") for part in contents[1]["parts"]] == ["s", None]
    assert len(contents[2]["parts"]) == 2


def test_unsigned_steps_skip_the_check_where_the_model_has_one() -> None:
    history = (
        say("user", "a"),
        say("assistant", call("1"), call("2")),
        say("tool", result("1", "x"), result("2", "y")),
        say("assistant", "Fine.", call("3")),
        say("tool", result("3", "z")),
    )
    rendered = render(chat(*history), **GEMINI_3)
    contents = json.loads(rendered.body)["contents"]
    signed = [[part.get("thoughtSignature") for part in turn["parts"]] for turn in contents]
    assert signed[1] == [BYPASS, None]
    assert signed[3] == [None, BYPASS]
    assert rows(rendered.losses) == [("messages[*]", "emulated")]
    assert BYPASS not in json.dumps(spoken(*history, model="gemini-2.5-flash", thinking_style="budget"))


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
    for before, after in zip(contents, contents[1:], strict=False):
        kept = [json.dumps(turn) for turn in before[:-1]]
        assert [json.dumps(turn) for turn in after[: len(kept)]] == kept


def test_a_custom_call_in_the_history_carries_its_text() -> None:
    custom = ToolCall(id="1", name="patch", arguments="*** Begin", kind="custom")
    contents = spoken(say("user", "a"), say("assistant", custom), say("tool", result("1", "ok")))
    assert contents[1]["parts"][0]["functionCall"]["args"] == {"input": "*** Begin"}
