"""Receipts as they are kept, and as people read them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from flowrouter.canonical.receipt import AttemptNote, LeftOut, Receipt, Route, Seam, ToldLoss, with_names

ORDER: dict[type[msgspec.Struct], tuple[str, ...]] = {
    Receipt: (
        *("request_id", "created", "dialect", "endpoint", "asked_model", "stream", "summary", "lane", "route"),
        *("attempts", "fields", "request_losses", "reply_losses", "answered_model", "finish", "seams"),
        *("not_completed", "outcome", "usage", "usage_estimated", "cost_usd", "charge_usd", "overhead_ms"),
        *("first_content_ms", "duration_ms", "waited_ms", "budget", "complete"),
    ),
    Route: ("step", "strategy", "reasons", "order", "left_out"),
    AttemptNote: (
        *("account", "preset", "model", "dialect", "started_ms", "head_ms", "duration_ms", "status", "verdict"),
        *("reason", "usage", "estimated", "cost_usd", "charge_usd", "trial", "paused_ms"),
    ),
}  # fmt: skip
"""As every store has them: add at the end."""

ATTEMPT = AttemptNote("work", "anthropic", "claude", "anthropic", 0.12, status=200, usage={"input": 3})
RECEIPT = Receipt(
    "req_1",
    1_795_404_952.715553,
    "openai_chat",
    "/v1/chat/completions",
    "smart",
    stream=True,
    summary="translated with 1 loss",
    lane="translate",
    route=Route(
        step="combo smart", order=("work/claude",), left_out=(LeftOut(account="a", reason="paused"),)
    ),
    attempts=(ATTEMPT, ATTEMPT),
    request_losses=(ToldLoss(path="seed", kind="dropped", reason="no such field", rule="r"),),
    seams=(Seam(at=3, way="restart", account="a", model="m", reason="reset"),),
    usage={"input": 3, "output": None},
    waited_ms=0.0,
    complete=True,
)


@pytest.mark.parametrize("kind", ORDER, ids=lambda kind: kind.__name__)
def test_values_stand_where_every_store_has_them(kind: type[msgspec.Struct]) -> None:
    assert kind.__struct_fields__[: len(ORDER[kind])] == ORDER[kind]


@pytest.mark.parametrize(
    "receipt",
    [RECEIPT, msgspec.structs.replace(RECEIPT, route=None, attempts=(), seams=(), request_losses=())],
    ids=["all", "refused"],
)
def test_names_come_back(receipt: Receipt) -> None:
    kept = msgspec.json.encode(receipt)
    shown = json.loads(with_names(kept))
    assert shown == spelled(receipt)
    assert list(shown) == list(ORDER[Receipt])
    assert len(kept) < 0.7 * len(with_names(kept))


def test_what_an_older_version_kept_is_as_it_was() -> None:
    assert with_names(b'{"request_id":"req_1","attempts":[]}') == b'{"request_id":"req_1","attempts":[]}'


def spelled(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return {name: spelled(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, tuple | list):
        return [spelled(each) for each in value]
    return value
