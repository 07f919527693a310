"""Tiers, private prompts and bypass rules of a configuration file, through a running gateway."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

SECRET = "customer 4711-0815"
SETTINGS: dict[str, Any] = {
    "logs": {"level": "info", "access": False},
    "routing": {
        "tiers": {
            "enabled": True,
            "cheap": ["home/small"],
            "standard": ["cloud/big"],
            "strong": ["cloud/big"],
        },
        "intents": [{"name": "customers", "pattern": r"customer \d{4}-\d{4}"}],
        "bypass": {"enabled": True},
        "combos": {"team": {"members": [{"model": "cloud/big"}, {"model": "home/small"}]}},
    },
}


class Classes:
    """A gateway between a cloud and a home, and what each of them was asked."""

    def __init__(self, gateway: RunningGateway, cloud: ScriptedUpstream, home: ScriptedUpstream) -> None:
        self.gateway = gateway
        self.cloud = cloud
        self.home = home

    def ask(self, path: str, body: Any) -> tuple[int, Any, list[str]]:
        """Return status, answer and who was asked."""
        before = len(self.cloud.requests), len(self.home.requests)
        status, told = self.gateway.call("POST", path, body=msgspec.json.encode(body))
        asked = ["cloud"] * (len(self.cloud.requests) - before[0]) + ["home"] * (
            len(self.home.requests) - before[1]
        )
        return status, msgspec.json.decode(told), asked


@pytest.fixture(scope="module")
def classes() -> Iterator[Classes]:
    with (
        ScriptedUpstream(dialect="anthropic", keys=["cloud-key"]) as cloud,
        ScriptedUpstream(dialect="openai_chat", keys=["home-key"]) as home,
    ):
        accounts: list[dict[str, Any]] = [
            {"name": "cloud", "preset": "custom-anthropic", "base_url": cloud.url, "api_key": "cloud-key", "models": ["big"]},
            {"name": "home", "preset": "custom-openai", "base_url": home.openai_url, "api_key": "home-key",
             "models": ["small"], "tags": ["local"]},
        ]  # fmt: skip
        with RunningGateway(accounts, settings=SETTINGS) as gateway:
            yield Classes(gateway, cloud, home)
            gateway.stop()
            gateway.assert_no_complaints()
            assert SECRET not in gateway.log
            assert "customers" in gateway.log


def message(text: str, model: str) -> dict[str, Any]:
    return {"model": model, "max_tokens": 64, "messages": [{"role": "user", "content": text}]}


def test_auto_takes_the_cheap_tier_for_little_and_the_strong_one_for_code(classes: Classes) -> None:
    assert classes.ask("/v1/chat/completions", message("hello", "auto"))[::2] == (200, ["home"])
    assert classes.ask("/v1/messages", message("mend:\n```\nx\n```", "auto"))[::2] == (200, ["cloud"])
    assert classes.ask("/v1/messages", message("hello", "auto:strong"))[::2] == (200, ["cloud"])


def test_a_private_prompt_stays_at_home_or_goes_nowhere(classes: Classes) -> None:
    assert classes.ask("/v1/messages", message("hello", "team"))[::2] == (200, ["cloud"])
    assert classes.ask("/v1/messages", message(SECRET, "team"))[::2] == (200, ["home"])
    status, told, asked = classes.ask("/v1/messages", message(SECRET, "big"))
    assert (status, asked) == (403, [])
    assert "'customers'" in told["error"]["message"]


def test_nobody_counts_the_tokens_of_a_private_prompt_but_the_gateway(classes: Classes) -> None:
    status, told, asked = classes.ask("/v1/messages/count_tokens", message(SECRET, "big"))
    assert (status, asked) == (200, [])
    assert told["input_tokens"] > 0


def test_what_somebody_else_counts_is_what_the_rules_have_read(classes: Classes) -> None:
    body = (
        b'{"model":"big","messages":[{"role":"user","content":"customer 4711-0815"}],'
        b'"messages":[{"role":"user","content":"hello"}]}'
    )
    status, told = classes.gateway.call("POST", "/v1/messages/count_tokens", body=body)
    assert status == 200, told
    sent = classes.cloud.requests[-1]
    assert sent.target.endswith("/count_tokens")
    assert SECRET.encode() not in sent.body


def test_a_warm_up_needs_no_model(classes: Classes) -> None:
    status, told, asked = classes.ask("/v1/messages", message("Warmup", "big"))
    assert (status, asked) == (200, [])
    assert told["content"][0]["text"] == "OK"
    assert (told["usage"]["input_tokens"], told["usage"]["output_tokens"]) == (1, 1)
