"""Reasoning and thought signatures in conversations of other dialects, judged by the vendor's own rules."""

from __future__ import annotations

import json
from typing import Any

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import (
    Provenance,
    Reasoning,
)
from flowrouter.dialects.gemini.render_requests import render_request
from flowrouter.dialects.gemini.signing import BYPASS
from tests.unit.dialects.gemini.build import (
    GEMINI_3,
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


def unjudged(*messages: Message, **options: Any) -> list[dict[str, Any]]:
    """Return contents with signatures that no vendor made, so that none may judge them."""
    rendered = render_request(chat(*messages), "m", Capabilities(**options))
    contents: list[dict[str, Any]] = json.loads(rendered.body)["contents"]
    return contents


def test_reasoning_of_others_is_dropped() -> None:
    alien = Reasoning(text="hm", signature="s", provenance=Provenance(dialect="anthropic"))
    unsigned, sealed = Reasoning(text="plain"), Reasoning(sealed="flr1.x")
    request = chat(say("user", "a"), say("assistant", alien, unsigned, sealed, "b"), say("user", "c"))
    rendered = render(request)
    assert json.loads(rendered.body)["contents"][1]["parts"] == [{"text": "b"}]
    assert {kind for _, kind in rows(rendered.losses)} == {"dropped"}


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
