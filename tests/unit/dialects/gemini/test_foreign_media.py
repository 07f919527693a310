"""Media of other dialects as Gemini takes them, or the refusal that names their place."""

from __future__ import annotations

import json
from typing import Any

import pytest

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
    Source,
    Text,
)
from flowrouter.dialects.gemini.render_requests import render_request
from flowrouter.errors import CallerError
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


def picture(**source: Any) -> Image:
    return Image(source=Source(**{"kind": "base64", "media_type": "image/png", "data": PNG, **source}))


def spoken(*messages: Message, **options: Any) -> list[dict[str, Any]]:
    """Return the contents a conversation becomes."""
    contents: list[dict[str, Any]] = body_of(chat(*messages), **options)["contents"]
    return contents


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


@pytest.mark.parametrize(
    ("options", "inside"),
    [(GEMINI_3, True), ({"extensions": frozenset({"functionResponse.parts"})}, True), ({}, False)],
    ids=["new model", "said so", "older"],
)
def test_media_of_a_result(options: dict[str, Any], inside: bool) -> None:
    request = chat(
        say("user", "a"),
        say("assistant", call("1"), call("2")),
        say("tool", result("1", "see", picture()), result("2", "x")),
    )
    rendered = render(request, **options)
    parts = json.loads(rendered.body)["contents"][2]["parts"]
    if inside:
        assert parts[0]["functionResponse"]["parts"] == [
            {"inlineData": {"mimeType": "image/png", "data": PNG}}
        ]
        assert "messages[2]" not in dict(rows(rendered.losses))
    else:
        assert [next(iter(part)) for part in parts] == ["functionResponse", "functionResponse", "inlineData"]
        assert rows(rendered.losses) == [("messages[2]", "emulated")]
