"""A receipt is told from the row of its exchange and from what is kept beside it, in every form that stores hold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from flowrouter.canonical.loss import Loss
from flowrouter.canonical.receipt import Receipt
from flowrouter.canonical.receipt_rest import ReceiptRest, TryRest, Unusual
from flowrouter.gateway.receipt_rows import receipt_of
from flowrouter.gateway.records import AttemptRow, RequestRow
from flowrouter.storage.request_rows import (
    COLUMNS,
    columns_of,
    receipt_columns,
    request_columns,
    request_from,
)
from tests.contracts.request_log import request_row

ORDER: dict[type[msgspec.Struct], tuple[str, ...]] = {
    ReceiptRest: ("took", "first", "answered_model", "route", "tries", "unusual"),
    TryRest: ("account", "started", "took", "head", "trial", "paused_ms"),
}
"""As stores have them: add at the end."""

PLAIN = b'[1234.0,null,"m-1",{},[["work",12.0,1200.0,340.0,false,null]],null]'
ATTEMPT = AttemptRow(
    "acc_1", "openai", "m", "openai_chat", "answered", status=200, input_tokens=3, cost_pusd=5
)


def told(row: RequestRow) -> dict[str, Any]:
    text = receipt_of(row)
    assert text is not None
    return json.loads(text)


def row(kept: bytes | None, *, losses: Sequence[Loss] = (), **more: Any) -> RequestRow:
    made = request_row(1, receipt=kept, attempts=(ATTEMPT,), losses=tuple(losses), outcome="ok")
    return msgspec.structs.replace(made, **more)


@pytest.mark.parametrize("kind", ORDER, ids=lambda kind: kind.__name__)
def test_values_stand_where_stores_have_them(kind: type[msgspec.Struct]) -> None:
    assert kind.__struct_fields__[: len(ORDER[kind])] == ORDER[kind]


def test_what_a_store_has_is_told_with_names() -> None:
    shown = told(row(PLAIN.replace(b"{}", b'["model","",[],["work/m"],[]]'), lane="passthrough"))
    assert list(shown) == list(Receipt.__struct_fields__)
    assert (shown["duration_ms"], shown["first_content_ms"], shown["answered_model"]) == (12.34, None, "m-1")
    assert shown["route"]["order"] == ["work/m"]
    (attempt,) = shown["attempts"]
    assert (attempt["account"], attempt["started_ms"], attempt["head_ms"]) == ("work", 0.12, 3.4)
    assert (attempt["verdict"], attempt["usage"]["input"], attempt["cost_usd"]) == (
        "answered",
        3,
        "0.000000000005",
    )
    assert shown["summary"].startswith("all fields passed, bytes unchanged")


def test_it_is_the_same_from_memory_and_from_the_store() -> None:
    kept = row(PLAIN.replace(b"{}", b"null"), lane="translate")
    columns = columns_of([kept])
    stored = dict(zip(COLUMNS, [values[0] for values in request_columns(columns)], strict=True))
    body = receipt_columns(columns)[-1][0]
    assert receipt_of(request_from(stored, receipt=body)) == receipt_of(kept)


def test_losses_of_the_request_stand_before_those_of_the_reply() -> None:
    losses = [Loss(path=name, kind="dropped", reason="r") for name in ("seed", "stop", "logprobs")]
    rest = ReceiptRest(1.0, None, None, unusual=Unusual(lost=2))
    shown = told(
        row(msgspec.json.encode(rest), losses=losses, lane="translate", client_dialect="gemini", attempts=())
    )
    assert [loss["path"] for loss in shown["request_losses"]] == ["seed", "stop"]
    assert [loss["path"] for loss in shown["reply_losses"]] == ["logprobs"]
    assert shown["summary"] == "translated with 3 losses"


@pytest.mark.parametrize(
    ("more", "unusual", "summary"),
    [
        ({"outcome": "cancelled"}, Unusual(), "the client went away before the answer ended"),
        ({"outcome": "partial"}, Unusual(), "the answer was cut off by the provider and ended with an error"),
        ({"outcome": "error", "error_text": "x" * 300}, Unusual(), "no answer: " + "x" * 200),
        ({"outcome": "error", "error_text": None}, Unusual(), "no answer: no answer"),
        ({}, Unusual(bypass="ping"), "answered here without a model, by the bypass rule ping"),
        ({"lane": "translate"}, Unusual(), "translated without loss"),
    ],
    ids=["cancelled", "partial", "error", "unexplained", "bypassed", "translated"],
)
def test_the_summary_says_what_became_of_it(more: dict[str, Any], unusual: Unusual, summary: str) -> None:
    rest = msgspec.json.encode(ReceiptRest(1.0, 1.0, "m", unusual=unusual))
    assert told(row(rest, **more))["summary"] == summary


@pytest.mark.parametrize(
    ("kept", "summary"),
    [
        (b'{"request_id":"req_1","summary":"with names","attempts":[]}', "with names"),
        (b'["req_1",1.5,"gemini","/v1","m",false,"by place","translate",null,[]]', "by place"),
    ],
    ids=["named", "whole"],
)
def test_what_older_versions_kept_whole_is_told_as_it_was(kept: bytes, summary: str) -> None:
    shown = told(row(kept, id="req_other"))
    assert (shown["request_id"], shown["summary"]) == ("req_1", summary)


def test_a_row_without_a_receipt_tells_none() -> None:
    assert receipt_of(row(None)) is None
