"""What Chat cannot take, by the owner's policy: refused by name, left out and told, or all refused."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Audio, Document, Image, Media, Opaque, Part, Source, Text
from flowrouter.canonical.request import Request, Sampling
from flowrouter.canonical.tools import FunctionTool, HostedTool, ToolChoice
from flowrouter.dialects.openai_chat import CODEC
from flowrouter.errors import CallerError
from flowrouter.wire.json import loads

WEATHER = FunctionTool(name="get_weather", schema={"type": "object", "properties": {}})
BASH = HostedTool(kind="bash_20250124", config={"type": "bash_20250124"}, origin="anthropic", name="bash")
FORCED = ToolChoice(mode="tool", name="bash")
VIDEO = Media(source=Source(kind="base64", media_type="video/mp4", data="AAAA"))


def asking(*parts: Part, **members: Any) -> Request:
    message = Message(role="user", parts=(Text(text="Hi"), *parts))
    return Request(**{"origin": "anthropic", "model": "m", "messages": (message,), **members})


CASES: dict[str, tuple[Request, dict[str, Any], str]] = {
    "video": (asking(VIDEO), {}, "messages[0].content[1]"),
    "audio-of-a-deaf-model": (
        asking(Audio(data="AAAA", format="wav")), {"audio_in": False}, "messages[0].content[1]",
    ),
    "audio-of-another-kind": (asking(Audio(data="AAAA", format="ogg")), {}, "messages[0].content[1]"),
    "image-by-id": (asking(Image(source=Source(kind="file", file_id="f"))), {}, "messages[0].content[1]"),
    "file-by-id": (asking(Document(source=Source(kind="file", file_id="f"))), {}, "messages[0].content[1]"),
    "forced-and-hosted": (asking(tools=(BASH, WEATHER), tool_choice=FORCED), {}, "tool_choice"),
    "only-tool-forced-and-hosted": (asking(tools=(BASH,), tool_choice=FORCED), {}, "tool_choice"),
    "forced-without-tools": (
        asking(tools=(WEATHER,), tool_choice=ToolChoice(mode="required")), {"tools": False}, "tool_choice",
    ),
    "cached-content": (asking(origin="gemini", extra={"cachedContent": "c/1"}), {}, "cachedContent"),
    "earlier-answer": (
        asking(origin="openai_responses", extra={"previous_response_id": "r"}), {}, "previous_response_id",
    ),
    "image-only-answer": (
        asking(origin="gemini", extra={"generationConfig": {"responseModalities": ["IMAGE"]}}), {},
        "generationConfig.responseModalities",
    ),
    "unseen-item": (
        asking(Opaque(payload={"type": "item_reference", "id": "x"}, origin="openai_responses")), {},
        "messages[0].content[1]",
    ),
}  # fmt: skip


def render(request: Request, **capabilities: Any) -> Any:
    return CODEC.render_request(request, "gpt", Capabilities(**capabilities))


@pytest.mark.parametrize(("request_", "limits", "param"), CASES.values(), ids=CASES.keys())
def test_what_changes_the_meaning_is_refused_by_its_name(
    request_: Request, limits: dict[str, Any], param: str
) -> None:
    for unsupported in ("auto", "refuse"):
        with pytest.raises(CallerError) as caught:
            render(request_, **limits, unsupported=unsupported)
        assert (caught.value.param, caught.value.status) == (param, 400)


@pytest.mark.parametrize(("request_", "limits", "param"), CASES.values(), ids=CASES.keys())
def test_by_policy_it_is_left_out_and_told(request_: Request, limits: dict[str, Any], param: str) -> None:
    rendered = render(request_, **limits, unsupported="drop")
    assert (param, "dropped") in [(loss.path, loss.kind) for loss in rendered.losses]
    sent = loads(rendered.body)
    assert sent["messages"] == [{"role": "user", "content": "Hi"}]
    assert "tool_choice" not in sent


def test_by_policy_anything_dropped_refuses() -> None:
    request = asking(sampling=Sampling(top_k=40))
    assert [loss.path for loss in render(request).losses] == ["top_k"]
    with pytest.raises(CallerError, match="top_k cannot be sent on"):
        render(request, unsupported="refuse")
    kept = render(asking(stop=tuple("abcde")), unsupported="refuse")
    assert [loss.kind for loss in kept.losses] == ["changed"]


def test_chats_own_requests_lose_nothing_under_any_policy() -> None:
    request = asking(VIDEO, origin="openai_chat", sampling=Sampling(n=3), extra={"brand_new": 1})
    assert render(request, unsupported="refuse").losses == ()


@pytest.mark.parametrize("unsupported", ["auto", "drop", "refuse"])
def test_what_is_malformed_is_never_a_matter_of_policy(unsupported: str) -> None:
    empty = Request(origin="openai_responses", model="m")
    with pytest.raises(CallerError, match="must hold something") as caught:
        render(empty, unsupported=unsupported)
    assert caught.value.param == "input"
