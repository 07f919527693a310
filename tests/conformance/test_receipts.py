"""What the gateway says about its own work: headers with the reply, the receipt after it."""

from typing import Any

import pytest

from tests.conformance.cells import Cell, OpenAICell
from tests.conformance.house import DIALECTS, House


def exchange(cell: Cell, *, stream: bool, **more: Any) -> tuple[Any, dict[str, Any]]:
    """Ask once; return the response's headers and the receipt."""
    status, headers, text = cell.post(stream=stream, **more)
    assert status == 200, text
    return headers, cell.house.receipt(headers["x-request-id"])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_complete_receipt(cell: Cell, stream: bool) -> None:
    headers, receipt = exchange(cell, stream=stream)
    assert headers["x-request-id"] == headers["request-id"] == receipt["request_id"]
    assert headers["x-flowrouter-target"] == f"{cell.place}/{cell.base}"
    assert headers["x-flowrouter-attempts"] == "1"
    assert float(headers["x-flowrouter-overhead-ms"]) >= 0
    assert headers["content-type"].startswith("text/event-stream" if stream else "application/json")
    assert "set-cookie" not in headers
    assert not [name for name in headers if "ratelimit" in name], (
        "limits of our accounts are not the caller's"
    )
    assert receipt["complete"]
    assert receipt["outcome"] == "ok"
    assert receipt["asked_model"] == cell.model()
    assert receipt["answered_model"] == cell.base
    assert receipt["finish"] == "stop"
    assert receipt["lane"] == ("translate" if cell.translated else "passthrough")
    assert receipt["dialect"] == DIALECTS[cell.home]
    (attempt,) = receipt["attempts"]
    assert (attempt["account"], attempt["model"], attempt["verdict"]) == (cell.place, cell.base, "answered")
    counted = {"input": 6, "output": 4, "cache_read": 0}
    assert {name: receipt["usage"][name] or 0 for name in counted} == counted
    assert receipt["usage_estimated"] is False


def test_a_passthrough_receipt_is_one_line(cell: Cell) -> None:
    _, receipt = exchange(cell, stream=False)
    if cell.translated:
        assert receipt["summary"].startswith("translated")
        return
    assert receipt["summary"].startswith("all fields passed, bytes unchanged")
    assert receipt["request_losses"] == receipt["reply_losses"] == []


LOSSY: dict[str, tuple[dict[str, Any], dict[str, set[str]]]] = {
    "openai": (
        {"seed": 7, "logit_bias": {"50256": -100}, "presence_penalty": 0.5, "prediction": {"type": "content", "content": "x"}},
        {"claude": {"seed", "logit_bias", "presence_penalty"}, "responses": {"seed", "logit_bias"}, "gemini": {"logit_bias"}},
    ),
    "responses": (
        {"truncation": "auto", "max_tool_calls": 3, "safety_identifier": "s"},
        {"chat": {"truncation"}, "claude": {"truncation"}, "gemini": {"truncation"}},
    ),
    "anthropic": (
        {"top_k": 5, "context_management": {"edits": [{"type": "clear_thinking_20251015"}]}},
        {"chat": {"context_management"}, "responses": {"context_management"}, "gemini": {"context_management"}},
    ),
    "google": (
        {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]},
        {"chat": {"safetySettings"}, "responses": {"safetySettings"}, "claude": {"safetySettings"}},
    ),
}  # fmt: skip
"""What only the client's own dialect knows, and of it what each other vendor must be told to lack."""


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_losses_are_named_in_header_and_receipt(cell: Cell, stream: bool) -> None:
    fields, expected = LOSSY[cell.name]
    if not cell.translated:
        return
    headers, receipt = exchange(cell, stream=stream, **fields)
    named = {loss["path"] for loss in receipt["request_losses"]}
    assert named >= expected[cell.account]
    assert set(headers["x-flowrouter-losses"].split(",")) == named
    assert all(loss["reason"] and loss["kind"] and loss["rule"] for loss in receipt["request_losses"])


def test_what_a_refusal_of_the_vendor_explains_is_not_lost_in_silence(house: House) -> None:
    """Anthropic explains a refusal in `stop_details`, for which Chat has no place."""
    cell = OpenAICell(house, "claude")
    for stream in (False, True):
        _, receipt = exchange(cell, stream=stream, model=cell.model("refusal"))
        assert "stop_details" in [loss["path"] for loss in receipt["reply_losses"]]


def test_many_losses_fit_into_a_kilobyte(house: House) -> None:
    cell = OpenAICell(house, "claude")
    headers, receipt = exchange(cell, stream=False, **{f"unknown_member_{i:03}": i for i in range(200)})
    assert len(headers["x-flowrouter-losses"]) < 1024
    assert headers["x-flowrouter-losses"].rpartition("+")[2].isdigit()
    assert len({loss["path"] for loss in receipt["request_losses"]}) >= 200


def test_a_receipt_of_nobody(house: House) -> None:
    status, body = house.gateway.get("/v1/receipts/req_000000000000000000000000")
    assert (status, b"receipt_not_found" in body) == (404, True)


def test_a_retry_stands_in_the_receipt(cell: Cell) -> None:
    headers, receipt = exchange(cell, stream=True, model=cell.model("fault-500-once"))
    assert headers["x-flowrouter-attempts"] == "2"
    assert [attempt["verdict"] for attempt in receipt["attempts"]] == ["server", "answered"]
    assert [attempt["status"] for attempt in receipt["attempts"]] == [500, 200]
