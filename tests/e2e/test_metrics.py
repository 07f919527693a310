"""`/metrics` of a started gateway: who may read it, what stands there, and that no client chooses a label."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.gateway import RunningGateway
from tests.support.redis_server import RedisServer
from tests.upstreams import ScriptedUpstream

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def vendor() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream("openai_chat", keys=["key"]) as vendor:
        yield vendor


def account(vendor: ScriptedUpstream, name: str = "chat", **more: Any) -> dict[str, Any]:
    return {
        "name": name, "preset": "openai", "base_url": vendor.openai_url, "api_key": "key",
        "models": ["gpt-5.5", "*"], "dialects": ["openai_chat"], **more,
    }  # fmt: skip


def token(gateway: RunningGateway) -> dict[str, str]:
    return {"authorization": f"Bearer {(gateway.data / 'local.token').read_text().strip()}"}


def ask(gateway: RunningGateway, model: str, *, stream: bool = False, **headers: str) -> int:
    asked = {"model": model, "stream": stream, "messages": [{"role": "user", "content": "hello"}]}
    sent = {"content-type": "application/json", **headers}
    return gateway.call("POST", "/v1/chat/completions", body=json.dumps(asked).encode(), headers=sent)[0]


def scraped(gateway: RunningGateway, headers: dict[str, str] | None = None) -> Series:
    status, body = gateway.get("/metrics", token(gateway) if headers is None else headers)
    assert status == 200, body
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def total(series: Series, name: str, **labels: str) -> float:
    wanted = set(labels.items())
    return sum(value for (found, of), value in series.items() if found == name and wanted <= of)


def test_what_a_scrape_tells(vendor: ScriptedUpstream) -> None:
    with RunningGateway([account(vendor)]) as gateway:
        assert ask(gateway, "gpt-5.5") == 200
        assert ask(gateway, "gpt-5.5", stream=True) == 200
        assert ask(gateway, "") == 400
        series = scraped(gateway)
        target = {"account": "chat", "preset": "openai", "model": "gpt-5.5"}
        assert total(series, "flowrouter_requests_total", outcome="ok", status="2xx", **target) == 2
        assert total(series, "flowrouter_requests_total", outcome="error", status="4xx") == 1
        assert total(series, "flowrouter_attempts_total", verdict="answered", **target) == 2
        assert total(series, "flowrouter_tokens_total", kind="input", estimated="false", **target) > 0
        assert total(series, "flowrouter_cost_usd_total", **target) > 0
        assert total(series, "flowrouter_charge_usd_total") == total(series, "flowrouter_cost_usd_total")
        assert total(series, "flowrouter_first_token_seconds_count", **target) == 1
        assert total(series, "flowrouter_request_duration_seconds_count", operation="generate") == 3
        assert total(series, "flowrouter_overhead_seconds_bucket", le="+Inf") == 3
        assert total(series, "flowrouter_in_flight", account="chat") == 0
        assert total(series, "flowrouter_store_up") == total(series, "flowrouter_state_up") == 1
        assert total(series, "flowrouter_build_info") == 1
        assert total(series, "process_resident_memory_bytes", worker="0") > 1e6 or os.name != "posix"
        gateway.assert_no_complaints()


def _lasting(series: Series) -> set[tuple[str, frozenset[tuple[str, str]]]]:
    """Return what a scrape told, but for windows of quotas: the vendor's are open for six milliseconds."""
    return {key for key in series if not key[0].startswith("flowrouter_quota_")}


def test_no_client_chooses_a_label(vendor: ScriptedUpstream) -> None:
    """OB1: names that clients make up, wherever they put them, add no series."""
    with RunningGateway([account(vendor)]) as gateway:
        ask(gateway, "gpt-5.5")
        canaries = [f"made-up-{secrets.token_hex(4)}" for _ in range(20)]
        ask(gateway, canaries[0])
        before = scraped(gateway)
        for canary in canaries:
            headers = {"user-agent": canary, "x-session-id": canary, "traceparent": canary}
            assert ask(gateway, canary, **headers) == 200
            gateway.get(f"/v1/models/{canary}")
        after = scraped(gateway)
        assert _lasting(after) == _lasting(before)
        assert total(after, "flowrouter_requests_total", model="other") == 21
        assert total(after, "flowrouter_requests_total", model="gpt-5.5") == 1
        assert not [canary for canary in canaries if canary in str(after.keys())]


def test_what_failed_and_who_stood_in(vendor: ScriptedUpstream) -> None:
    with ScriptedUpstream("openai_chat", keys=["key"]) as second:
        accounts = [account(vendor, "first", api_key="revoked"), account(second, "second", priority=2)]
        with RunningGateway(accounts) as gateway:
            assert ask(gateway, "gpt-5.5") == 200
            series = scraped(gateway)
            assert total(series, "flowrouter_fallbacks_total") == 1
            assert total(series, "flowrouter_attempts_total", account="first", verdict="auth") == 1
            assert total(series, "flowrouter_requests_total", account="second", outcome="ok") == 1
            assert total(series, "flowrouter_cooldowns", account="first", scope="account") == 1


def test_who_may_read(vendor: ScriptedUpstream) -> None:
    with RunningGateway([account(vendor)]) as gateway:
        assert gateway.get("/metrics")[0] == 401
        assert gateway.get("/metrics", {"authorization": "Bearer wrong"})[0] == 401
        assert (
            gateway.call(
                "POST", "/metrics", body=b"{}", headers={**token(gateway), "content-type": "application/json"}
            )[0]
            == 405
        )
        keys = {scope: minted(gateway, scope) for scope in ("metrics", "admin")}
        assert gateway.get("/metrics", {"authorization": f"Bearer {keys['metrics']}"})[0] == 200
        assert gateway.get("/metrics", {"authorization": f"Bearer {keys['admin']}"})[0] == 403
        status, body = gateway.get("/metrics", {**token(gateway), "accept": "application/openmetrics-text"})
        assert status == 200
        assert body.endswith(b"# EOF\n")


def minted(gateway: RunningGateway, scope: str, **more: str) -> str:
    body = json.dumps({"name": scope, "scopes": [scope], **more}).encode()
    headers = {**token(gateway), "content-type": "application/json"}
    status, answer = gateway.call("POST", "/api/keys", body=body, headers=headers)
    assert status == 201, answer
    return str(json.loads(answer)["data"]["token"])


def test_public_and_off(vendor: ScriptedUpstream) -> None:
    with RunningGateway([account(vendor)], settings={"metrics": {"public": True}}) as gateway:
        assert gateway.get("/metrics")[0] == 200
    with RunningGateway([account(vendor)], settings={"metrics": {"enabled": False}}) as gateway:
        assert gateway.get("/metrics", token(gateway))[0] == 404


@pytest.mark.skipif(os.name == "nt", reason="SEVERAL WORKERS need a POSIX system")
@pytest.mark.timeout(120)
def test_any_worker_answers_for_all(vendor: ScriptedUpstream) -> None:
    with RedisServer() as redis:
        settings = {"server": {"workers": 2}, "state": {"redis": redis.url, "prefix": secrets.token_hex(6)}}
        with RunningGateway([account(vendor)], settings=settings) as gateway:
            for _ in range(30):
                assert ask(gateway, "gpt-5.5") == 200
            for _ in range(100):
                series = scraped(gateway)
                workers = {dict(of)["worker"] for name, of in series if name == "flowrouter_build_info"}
                if workers == {"0", "1"} and total(series, "flowrouter_requests_total") == 30:
                    break
                time.sleep(0.2)
            assert workers == {"0", "1"}
            assert total(series, "flowrouter_requests_total") == 30


def test_a_scrapers_own_key(vendor: ScriptedUpstream) -> None:
    """As the guide makes it: it reads the metrics and can spend nothing; a tenant cannot make one."""
    with RunningGateway([account(vendor)]) as gateway:
        made = subprocess.run(
            [
                sys.executable, "-m", "flowrouter.cli.main", "keys", "create", "prometheus",
                "--scopes", "metrics", "--models", "none", "--data", str(gateway.data),
            ],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        bearer = {"authorization": f"Bearer {made.stdout.strip()}"}
        deadline = time.monotonic() + 20
        while gateway.get("/metrics", bearer)[0] != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert ask(gateway, "gpt-5.5", **bearer) in (403, 404)
        tenant = minted(gateway, "admin", owner="tenant")
        body = json.dumps({"name": "spy", "scopes": ["metrics"]}).encode()
        sent = {"authorization": f"Bearer {tenant}", "content-type": "application/json"}
        status, answer = gateway.call("POST", "/api/keys", body=body, headers=sent)
        assert (status, json.loads(answer)["error"]["code"]) == (403, "operator_only")
