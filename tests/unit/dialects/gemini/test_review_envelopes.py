"""Our own envelopes never reach the vendor, wherever a client puts them and however it mangles them."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.parts import Reasoning
from flowrouter.dialects.gemini.parse_requests import parse_request
from flowrouter.dialects.gemini.render_requests import render_request
from flowrouter.wire.json import dumps, loads

WHOLE = b64encode(b"flr1.aaaa-bbb").decode()
CALL = {"functionCall": {"id": "c", "name": "f", "args": {}}}
RESULT = {"functionResponse": {"id": "c", "name": "f", "response": {"result": "x"}}}
USER = {"role": "user", "parts": [{"text": "q"}]}
PICTURE = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}


def sent(body: dict[str, Any]) -> str:
    return render_request(parse_request(dumps(body)), "m", Capabilities()).body.decode()


@pytest.mark.parametrize(
    "envelope",
    [
        WHOLE,
        WHOLE[:-3],
        "ZmxyMS!!!",
        b64encode(b"flr1.aa\xff\xfe").decode(),
        b64encode(b"flr1.aa rest").decode(),
        b64encode(b"flr1.aa flr1.bb").decode().rstrip("="),
    ],
    ids=["whole", "cut", "no base64", "no text", "with something behind", "two without padding"],
)
def test_a_mangled_envelope_is_still_ours(envelope: str) -> None:
    turn = {"role": "model", "parts": [{**CALL, "thoughtSignature": envelope}]}
    body = {"contents": [USER, turn, {"role": "user", "parts": [RESULT]}]}
    assert "ZmxyMS" not in sent(body)
    held = [part for part in parse_request(dumps(body)).messages[1].parts if isinstance(part, Reasoning)]
    assert held
    assert all(part.signature is None and part.sealed and part.call_id == "c" for part in held)


@pytest.mark.parametrize(
    "part",
    [
        {"text": "x"},
        {"text": "x", "thought": True},
        CALL,
        RESULT,
        PICTURE,
        {"fileData": {"fileUri": "https://x/y.png"}},
        {"executableCode": {"code": "1", "language": "PYTHON"}},
        {},
    ],
    ids=["text", "thought", "call", "result", "bytes", "address", "code", "nothing"],
)
@pytest.mark.parametrize("name", ["thoughtSignature", "thought_signature"], ids=["camel", "snake"])
def test_an_envelope_leaves_from_no_part(part: dict[str, Any], name: str) -> None:
    turn = {"role": "model", "parts": [{**part, name: WHOLE}, {"text": "end"}]}
    body = loads(sent({"contents": [USER, turn, USER]}))
    assert "ZmxyMS" not in dumps(body).decode()
    kept = {**part, "parts": []} if not part or part.get("thought") else part
    assert (kept in body["contents"][1]["parts"]) is (kept is part)


def test_nor_from_the_system_instruction() -> None:
    system = {"role": "system", "parts": [{"text": "Brief.", "thoughtSignature": WHOLE}]}
    body = loads(sent({"systemInstruction": system, "contents": [USER]}))
    assert body["systemInstruction"]["parts"] == [{"text": "Brief."}]


def test_parts_behind_a_misplaced_envelope_keep_their_place() -> None:
    turn = {"role": "model", "parts": [{**PICTURE, "thoughtSignature": WHOLE}, {"videoMetadata": {}}]}
    request = parse_request(dumps({"contents": [USER, turn, USER]}))
    rendered = render_request(request, "m", Capabilities())
    assert [loss.path for loss in rendered.losses] == ["contents[1].parts[0]"]
