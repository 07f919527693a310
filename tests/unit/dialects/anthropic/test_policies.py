"""What Anthropic cannot take, by the owner's policy: refused by name, left out and told, or all refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowrouter.canonical.parts import Audio, Document, Image, Media, Opaque, Source
from flowrouter.canonical.request import Request, Sampling
from flowrouter.canonical.tools import HostedTool, ToolChoice
from flowrouter.errors import CallerError
from tests.unit.dialects.anthropic.build import WEATHER, chat, render, rows, say

SEARCH = HostedTool(kind="file_search", config={"type": "file_search"}, origin="openai_responses")
FORCED = ToolChoice(mode="tool", name="file_search")


def base64(media_type: str) -> Source:
    return Source(kind="base64", media_type=media_type, data="AAAA")


CASES: dict[str, tuple[Request, str]] = {
    "several-answers": (chat(sampling=Sampling(n=2)), "n"),
    "audio": (chat(say("user", Audio(data="AAAA", format="wav"), "Hi")), "messages[0].content[0]"),
    "video": (chat(say("user", "Hi", Media(source=base64("video/mp4")))), "messages[0].content[1]"),
    "image-by-id": (
        chat(say("user", "Hi", Image(source=Source(kind="file", file_id="f")))), "messages[0].content[1]",
    ),
    "file-by-id": (
        chat(say("user", "Hi", Document(source=Source(kind="file", file_id="f")))), "messages[0].content[1]",
    ),
    "image-of-another-kind": (chat(say("user", "Hi", Image(source=base64("image/tiff")))), "messages[0].content[1]"),
    "file-of-another-kind": (
        chat(say("user", "Hi", Document(source=base64("application/zip")))), "messages[0].content[1]",
    ),
    "address-of-another-kind": (
        chat(say("user", "Hi", Image(source=Source(kind="url", url="ftp://a")))), "messages[0].content[1]",
    ),
    "audio-only-answer": (chat(extra={"modalities": ["audio"]}), "modalities"),
    "only-tool-forced-and-hosted": (chat(tools=(SEARCH,), tool_choice=FORCED), "tools[0]"),
    "tool-forced-and-hosted": (chat(tools=(WEATHER, SEARCH), tool_choice=FORCED), "tools[1]"),
    "unseen-item": (
        chat(say("user", "Hi", Opaque(payload={"type": "item_reference", "id": "x"}, origin="openai_chat"))),
        "messages[0].content[1]",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("request_", "param"), CASES.values(), ids=CASES.keys())
def test_what_changes_the_meaning_is_refused_by_its_name(request_: Request, param: str) -> None:
    for unsupported in ("auto", "refuse"):
        with pytest.raises(CallerError) as caught:
            render(request_, unsupported=unsupported)
        assert (caught.value.param, caught.value.status) == (param, 400)


@pytest.mark.parametrize(("request_", "param"), CASES.values(), ids=CASES.keys())
def test_by_policy_it_is_left_out_and_told(request_: Request, param: str) -> None:
    """`render` has the scripted vendor judge what is left: it takes it."""
    rendered = render(request_, unsupported="drop")
    assert (param, "dropped") in rows(rendered.losses)
    assert "Hi" in json.dumps(json.loads(rendered.body)["messages"])


def test_by_policy_anything_dropped_refuses() -> None:
    request = chat(sampling=Sampling(seed=1))
    assert rows(render(request).losses) == [("seed", "dropped")]
    with pytest.raises(CallerError, match="seed cannot be sent on") as caught:
        render(request, unsupported="refuse")
    assert caught.value.param == "seed"
    changed = render(chat(sampling=Sampling(temperature=1.5)), unsupported="refuse")
    assert rows(changed.losses) == [("temperature", "changed")]


@pytest.mark.parametrize(
    ("capabilities", "part"),
    [
        ({"vision": False}, Image(source=base64("image/png"))),
        ({"image_url": False}, Image(source=Source(kind="url", url="https://a.example/b.png"))),
        ({"pdf": False}, Document(source=base64("application/pdf"))),
    ],
    ids=["vision", "image-url", "pdf"],
)
def test_the_models_own_limits_follow_the_policy_too(capabilities: dict[str, Any], part: Any) -> None:
    request = chat(say("user", "Hi", part))
    with pytest.raises(CallerError):
        render(request, **capabilities)
    rendered = render(request, **capabilities, unsupported="drop")
    assert rows(rendered.losses) == [("messages[0].content[1]", "dropped")]


def test_a_model_without_tools() -> None:
    request = chat(tools=(WEATHER,), tool_choice=ToolChoice(mode="required"))
    with pytest.raises(CallerError):
        render(request, tools=False)
    rendered = render(request, tools=False, unsupported="drop")
    assert rows(rendered.losses) == [("tools", "dropped"), ("tool_choice", "dropped")]
    assert "tools" not in json.loads(rendered.body)


@pytest.mark.parametrize("unsupported", ["auto", "drop", "refuse"])
def test_what_is_malformed_is_never_a_matter_of_policy(unsupported: str) -> None:
    with pytest.raises(CallerError, match="no tool has the name"):
        render(
            chat(tools=(WEATHER,), tool_choice=ToolChoice(mode="tool", name="nobody")),
            unsupported=unsupported,
        )
    with pytest.raises(CallerError, match="at least one message"):
        render(Request(origin="openai_responses", model="m"), unsupported=unsupported)
