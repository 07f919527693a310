"""The embedded model itself: real weights, real answers, through the supervisor."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import pytest

from flowrouter.config import AccountConfig
from flowrouter.errors import ConfigError
from flowrouter.features.local import weights
from flowrouter.features.local.supervisor import LocalModel

TOOL = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
QUESTION = [{"role": "user", "content": "What is the weather in Paris?"}]


@pytest.fixture
async def account() -> AsyncIterator[AccountConfig]:
    try:
        weights.find()
    except ConfigError:
        pytest.skip(
            "THE EMBEDDED MODEL IS NOT INSTALLED: run `make run` once, or install requirements/local.lock"
        )
    model = LocalModel()
    yield await model.start()
    await model.stop()


async def post(account: AccountConfig, path: str, **body: Any) -> tuple[int, str]:
    def call() -> tuple[int, str]:
        request = urllib.request.Request(
            f"{account.base_url}{path}",
            data=json.dumps({"model": weights.MODEL, "max_tokens": 60, **body}).encode(),
            headers={"content-type": "application/json", **account.headers},
        )
        try:
            with urllib.request.urlopen(request, timeout=50) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    return await asyncio.to_thread(call)


async def test_it_answers_streams_and_calls_tools(account: AccountConfig) -> None:
    status, text = await post(account, "/chat/completions", messages=QUESTION)
    assert status == 200
    assert json.loads(text)["model"] == weights.MODEL
    assert json.loads(text)["choices"][0]["message"]["content"]

    status, text = await post(account, "/chat/completions", messages=QUESTION, stream=True)
    assert status == 200
    assert text.rstrip().endswith("data: [DONE]")

    tool = {"type": "function", "function": {"name": "get_weather", "parameters": TOOL}}
    status, text = await post(
        account, "/chat/completions", messages=QUESTION, tools=[tool], tool_choice="required"
    )
    call = json.loads(text)["choices"][0]["message"]["tool_calls"][0]["function"]
    assert call["name"] == "get_weather"
    assert json.loads(call["arguments"])["city"]

    status, text = await post(
        account,
        "/messages",
        messages=QUESTION,
        tools=[{"name": "get_weather", "input_schema": TOOL}],
        tool_choice={"type": "any"},
    )
    assert json.loads(text)["stop_reason"] == "tool_use"


async def test_it_answers_nobody_without_the_key(account: AccountConfig) -> None:
    stranger = AccountConfig(name="stranger", preset="local", base_url=account.base_url)
    status, _ = await post(stranger, "/chat/completions", messages=QUESTION)
    assert status == 401
