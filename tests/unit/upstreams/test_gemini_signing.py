"""Thought signatures: where the vendor puts them, and what it says when they do not come back as they were."""

import base64
import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.upstreams.plain import GEMINI_TOOL, Response, generate, sse
from tests.upstreams import ScriptedUpstream

MODEL = "gemini-3.5-flash"
ASK = {"role": "user", "parts": [{"text": "use the tool in three steps"}]}
TWO = {"role": "user", "parts": [{"text": "weather in two cities"}]}
MISSING = "Function call is missing a thought_signature in functionCall parts."
CORRUPTED = "Corrupted thought signature."
BYPASS = "skip_thought_signature_validator"
Parts = list[dict[str, Any]]


def ask(up: ScriptedUpstream, *contents: Any, model: str = MODEL, **fields: Any) -> Response:
    return generate(up, model=model, contents=list(contents), tools=[GEMINI_TOOL], **fields)


def parts_of(response: Response) -> Parts:
    return response.json["candidates"][0]["content"]["parts"]


def said(parts: Parts) -> dict[str, Any]:
    return {"role": "model", "parts": parts}


def answered(parts: Parts) -> dict[str, Any]:
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    results = [{"functionResponse": {"name": call["name"], "response": {"result": "18"}}} for call in calls]
    return {"role": "user", "parts": results}


def walk(up: ScriptedUpstream, question: Any = ASK, *, steps: int = 3, model: str = MODEL) -> list[Any]:
    """Go so many steps and return the whole conversation, ready for the next request."""
    contents = [question]
    for _ in range(steps):
        parts = parts_of(ask(up, *contents, model=model))
        contents += [said(parts), answered(parts)]
    return contents


def test_every_step_is_signed_on_its_first_call(up: ScriptedUpstream) -> None:
    contents = walk(up)
    last = ask(up, *contents)
    assert parts_of(last)[0]["text"] == "get_weather said: 18"
    assert "thoughtSignature" in parts_of(last)[0]
    signatures = {
        content["parts"][0]["thoughtSignature"] for content in contents if content["role"] == "model"
    }
    assert len(signatures) == 3
    up.assert_all_valid()


def test_only_the_first_of_parallel_calls_is_signed(up: ScriptedUpstream) -> None:
    first, second = parts_of(ask(up, TWO))
    assert "thoughtSignature" in first
    assert "thoughtSignature" not in second
    assert first["functionCall"]["id"] != second["functionCall"]["id"]
    streamed = [data for _, data in sse(ask(up, TWO, stream=True).body)]
    assert streamed[0]["candidates"][0]["content"]["parts"] == [first, second]


@pytest.mark.parametrize("step", [1, 3, 5])
def test_a_signature_missing_on_any_step(up: ScriptedUpstream, step: int) -> None:
    contents = walk(up)
    del contents[step]["parts"][0]["thoughtSignature"]
    response = ask(up, *contents)
    assert response.status == 400
    assert response.message.startswith(MISSING)
    assert f"function call `default_api:get_weather` , position {step + 1}." in response.message


def altered(parts: Parts) -> None:
    payload = base64.b64decode(parts[0]["thoughtSignature"])
    parts[0]["thoughtSignature"] = base64.b64encode(payload[:-3] + b"AAA").decode()


def of_other_arguments(parts: Parts) -> None:
    parts[0]["functionCall"]["args"] = {"city": "Elsewhere"}


def on_the_second_call(parts: Parts) -> None:
    parts[1]["thoughtSignature"] = parts[0].pop("thoughtSignature")


def doubled(parts: Parts) -> None:
    parts[1]["thoughtSignature"] = parts[0]["thoughtSignature"]


def calls_swapped(parts: Parts) -> None:
    parts.reverse()


def on_a_text(parts: Parts) -> None:
    parts.insert(0, {"text": "So:", "thoughtSignature": parts[0]["thoughtSignature"]})


def of_another_vendor(parts: Parts) -> None:
    parts[0]["thoughtSignature"] = base64.b64encode(b"EqQBCgIYAhIkM2").decode()


TAMPERINGS: list[tuple[Callable[[Parts], None], str]] = [
    (altered, CORRUPTED),
    (of_other_arguments, CORRUPTED),
    (doubled, CORRUPTED),
    (on_a_text, CORRUPTED),
    (of_another_vendor, CORRUPTED),
    (on_the_second_call, MISSING),
    (calls_swapped, MISSING),
]


@pytest.mark.parametrize(("tamper", "words"), TAMPERINGS, ids=[row[0].__name__ for row in TAMPERINGS])
def test_tampering_is_found_out(up: ScriptedUpstream, tamper: Callable[[Parts], None], words: str) -> None:
    contents = walk(up, TWO, steps=1)
    assert ask(up, *contents).status == 200
    tamper(contents[1]["parts"])
    contents[2] = answered(contents[1]["parts"])
    response = ask(up, *contents)
    assert response.status == 400, response.body
    assert words in response.message


def test_another_family_or_account_is_refused(up: ScriptedUpstream) -> None:
    contents = walk(up, steps=1)
    for fields in ({"model": "gemini-3-pro-preview"}, {"key": "key-2"}):
        response = ask(up, *contents, **fields)
        assert (response.status, response.message) == (400, CORRUPTED)


def test_steps_exchanged(up: ScriptedUpstream) -> None:
    contents = walk(up, steps=2)
    first, second = contents[1]["parts"][0], contents[3]["parts"][0]
    first["thoughtSignature"], second["thoughtSignature"] = (
        second["thoughtSignature"],
        first["thoughtSignature"],
    )
    assert ask(up, *contents).message == CORRUPTED


def test_signatures_are_compared_as_bytes(up: ScriptedUpstream) -> None:
    contents = walk(up, steps=1)
    part = contents[1]["parts"][0]
    urlsafe = part["thoughtSignature"].replace("+", "-").replace("/", "_").rstrip("=")
    part["thought_signature"] = urlsafe
    del part["thoughtSignature"]
    part["functionCall"]["args"] = dict(reversed(part["functionCall"]["args"].items()))
    assert ask(up, *contents).status == 200


@pytest.mark.parametrize(
    "written", [BYPASS, base64.b64encode(BYPASS.encode()).decode()], ids=["plain", "bytes"]
)
def test_the_bypass_is_accepted_and_counted(up: ScriptedUpstream, written: str) -> None:
    contents = walk(up)
    for step in (1, 5):
        contents[step]["parts"][0]["thoughtSignature"] = written
    assert ask(up, *contents).status == 200
    assert up.last.bypasses == 2
    assert ask(up, *walk(up)).status == 200
    assert up.last.bypasses == 0


@pytest.mark.parametrize("beside", [False, True], ids=["a new question", "text beside the results"])
def test_finished_turns_may_lose_their_signatures(up: ScriptedUpstream, beside: bool) -> None:
    contents = walk(up, steps=1)
    altered(contents[1]["parts"])
    if beside:
        contents[2]["parts"].append({"text": "go on"})
    else:
        contents += [said([{"text": "18"}]), {"role": "user", "parts": [{"text": "thanks"}]}]
    response = ask(up, *contents)
    assert response.status == 200, response.body


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-2.5-pro", "any-model"])
def test_older_models_do_not_miss_a_signature(up: ScriptedUpstream, model: str) -> None:
    contents = walk(up, steps=2, model=model)
    assert all("id" not in content["parts"][0].get("functionCall", {}) for content in contents)
    bare = copy.deepcopy(contents)
    signed = [
        content["parts"][0].pop("thoughtSignature", None) for content in bare if content["role"] == "model"
    ]
    assert all(signed) is model.startswith("gemini")
    assert ask(up, *bare, model=model).status == 200
    bare[1]["parts"][0]["thoughtSignature"] = base64.b64encode(b"foreign").decode()
    assert ask(up, *bare, model=model).message == CORRUPTED


def test_a_text_s_signature_holds_for_its_account_and_family(up: ScriptedUpstream) -> None:
    (part,) = parts_of(generate(up, model=MODEL))
    ending = [data for _, data in sse(generate(up, model=MODEL, stream=True).body)][-1]
    signed = {"text": "", "thoughtSignature": part["thoughtSignature"]}
    assert ending["candidates"][0]["content"]["parts"] == [signed]
    contents = [{"role": "user", "parts": [{"text": "hi"}]}, said([part])]
    assert generate(up, model=MODEL, contents=contents).status == 200
    for fields in ({"model": "gemini-3-pro-preview"}, {"key": "key-2"}):
        assert generate(up, contents=contents, **{"model": MODEL, **fields}).message == CORRUPTED


def test_calls_are_signed_though_no_thought_is_shown(up: ScriptedUpstream) -> None:
    level = {"generationConfig": {"thinkingConfig": {"thinkingLevel": "MINIMAL"}}}
    (part,) = parts_of(ask(up, ASK, **level))
    assert "thoughtSignature" in part
    shown = {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}
    thought, part = parts_of(ask(up, ASK, **shown))
    assert thought["thought"] is True
    assert "thoughtSignature" not in thought
    assert "thoughtSignature" in part
