"""What requests cost, as the owner of a started gateway sees it: log, receipt, sums, settings, command."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from decimal import Decimal
from typing import Any

from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream


def ask(gateway: RunningGateway, model: str) -> str:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hello"}]}).encode()
    status, answer = gateway.call("POST", "/v1/chat/completions", body=body)
    assert status == 200, answer
    return model


def api(gateway: RunningGateway, path: str, *, patch: Any = None) -> Any:
    token = (gateway.data / "local.token").read_text().strip()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/merge-patch+json"}
    method, sent = ("GET", None) if patch is None else ("PATCH", json.dumps(patch).encode())
    status, answer = gateway.call(method, path, body=sent, headers=headers)
    assert status == 200, answer
    return json.loads(answer)["data"]


def logged(gateway: RunningGateway, count: int) -> list[dict[str, Any]]:
    """Return the request log, oldest first, once it holds `count` rows."""
    deadline = time.monotonic() + 20
    while len(rows := api(gateway, "/api/requests")) < count:
        assert time.monotonic() < deadline, rows
        time.sleep(0.05)
    return list(reversed(rows))


def test_money_from_the_answer_to_the_sums() -> None:
    with ScriptedUpstream("openai_chat", keys=["key"]) as vendor:
        account = {
            "name": "chat", "preset": "openai", "base_url": vendor.openai_url, "api_key": "key",
            "models": ["*"], "dialects": ["openai_chat"],
        }  # fmt: skip
        settings = {"prices": {"mine-*": {"input": 1_000, "output": 0}}}
        with RunningGateway([account], settings=settings) as gateway:
            asked = [ask(gateway, "gpt-5.5"), ask(gateway, "mine-1"), ask(gateway, "nobody-knows")]
            listed, mine, unknown = logged(gateway, 3)
            assert [row["requested_model"] for row in (listed, mine, unknown)] == asked
            tokens = tokens_of(listed)
            assert Decimal(listed["cost_usd"]) == Decimal(5 * tokens[0] + 30 * tokens[1]) / 10**6
            assert listed["charge_usd"] == listed["cost_usd"]
            assert Decimal(mine["cost_usd"]) == Decimal(1_000 * mine["input_tokens"]) / 10**6
            assert (unknown["cost_pusd"], unknown["cost_usd"], unknown["charge_usd"]) == (None, None, None)
            receipt = json.loads(gateway.get(f"/v1/receipts/{listed['id']}")[1])
            assert receipt["cost_usd"] == receipt["attempts"][0]["cost_usd"] == listed["cost_usd"]

            stored = {"nobody-*": {"input": 2, "output": 2}, "mine-*": {"input": 7, "output": 7}}
            shown = api(gateway, "/api/settings", patch={"prices": stored})
            assert shown["in_force"]["prices"]["mine-*"]["input"] == 1_000, "the file goes before"
            ask(gateway, "nobody-knows")
            now_known = logged(gateway, 4)[-1]
            assert Decimal(now_known["cost_usd"]) == Decimal(2 * sum(tokens_of(now_known))) / 10**6

            (total,) = api(gateway, "/api/usage?group_by=total")
            assert (total["requests"], total["cost_unknown"]) == (4, 1)
            assert total["cost_pusd"] == sum(row["cost_pusd"] or 0 for row in logged(gateway, 4))
            assert total["charge_pusd"] == total["cost_pusd"]
            said = subprocess.run(
                [sys.executable, "-m", "flowrouter.cli.main", "usage", "--by", "model", "--data", str(gateway.data)],
                capture_output=True, text=True, check=True, timeout=60,
            ).stdout  # fmt: skip
            assert "$" in said
            assert "≥" in said, "a sum with an unknown part says so"
            gateway.assert_no_complaints()


def tokens_of(row: dict[str, Any]) -> tuple[int, int]:
    return row["input_tokens"], row["output_tokens"] + (row["reasoning_tokens"] or 0)


def test_a_price_that_is_none_is_refused() -> None:
    with RunningGateway() as gateway:
        token = (gateway.data / "local.token").read_text().strip()
        headers = {"authorization": f"Bearer {token}", "content-type": "application/merge-patch+json"}
        for price in ({"input": -1, "output": 0}, {"input": 1}, {"input": 1, "output": 1, "cached": 1}):
            body = json.dumps({"prices": {"m": price}}).encode()
            status, answer = gateway.call("PATCH", "/api/settings", body=body, headers=headers)
            assert status == 400, answer
            assert "prices" in json.loads(answer)["error"]["param"]
