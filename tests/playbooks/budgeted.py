"""What the playbooks of budgets share: a key, its budgets, a caller, and answers of so many tokens."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.httpkit.keys import GatewayKey, KeyPolicy, MintedToken, mint
from flowrouter.settings.budgets import Budget
from flowrouter.settings.prices import ModelPrice
from flowrouter.usage import Prices
from flowrouter.wire.http import HttpRequest
from tests.playbooks.stage import SSE, House, Performance, Script, account, live

MODEL = "m"
CHAT = account("chat", "openai_chat")
SECOND = account("second", "openai_chat", priority=2)
RATES = ModelPrice(input=1, output=10)
PRICES = Prices({MODEL: RATES, "free-*": ModelPrice(input=0, output=0)})
IN, OUT = 10**6, 10**7
"""Pico-USD per token read and written."""


def usd(amount: str, **more: Any) -> Budget:
    return Budget(amount=Decimal(amount), period="day", **more)


def keyed(*budgets: Budget) -> tuple[GatewayKey, MintedToken]:
    minted = mint()
    key = GatewayKey(
        id="k", name="ci", owner_id="local", token_hash=minted.token_hash, shown="flr_",
        policy=KeyPolicy(budgets=budgets),
    )  # fmt: skip
    return key, minted


def request(*, stream: bool = False, model: str = MODEL, **more: Any) -> bytes:
    messages = [{"role": "user", "content": "hi"}]
    return msgspec.json.encode({"model": model, "messages": messages, "stream": stream, **more})


def usage(output: int, prompt: int = 10) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}


def whole(output: int, prompt: int = 10) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": "word"}, "finish_reason": "stop"}
    return msgspec.json.encode(
        {
            "id": "c", "object": "chat.completion", "created": 1, "model": MODEL, "choices": [choice],
            "usage": usage(output, prompt),
        }
    )  # fmt: skip


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    choices = [] if more else [{"index": 0, "delta": delta, "finish_reason": finish}]
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": MODEL, "choices": choices}
    return b"data: " + msgspec.json.encode({**body, **more}) + b"\n\n"


def streamed(words: int, *, pause: float = 0.0) -> Script:
    """Return an answer of about `words` tokens, a hundred a piece."""
    pieces: list[Any] = [chunk({"role": "assistant", "content": ""})]
    for _ in range(words // 100):
        pieces += [chunk({"content": "abc " * 90})] + ([pause] if pause else [])
    pieces += [chunk({}, "stop"), chunk({}, usage=usage(words)), b"data: [DONE]\n\n"]
    return Script(headers=SSE, steps=pieces)


class Caller:
    """Asks with one key, in one house."""

    def __init__(self, house: House, token: MintedToken) -> None:
        self.house = house
        self.headers = {"authorization": f"Bearer {token.token}"}

    async def ask(self, body: bytes, dialect: Dialect = "openai_chat", **more: Any) -> Performance:
        return await self.house.ask(dialect, body, headers=self.headers, **more)

    def settle(self) -> None:
        self.house.book.settle(self.house.log.rows)


def story(told: Any, *budgets: Budget, scripts: Any, accounts: Any = (CHAT,), **options: Any) -> Any:
    key, token = keyed(*budgets)

    async def perform(house: House) -> Any:
        result = await told(Caller(house, token))
        await asyncio.sleep(5)
        for purse in house.budgets.purses.present():
            assert purse.held == 0, "a hold is stuck"
            assert purse.pool <= 0, "what lay idle was not put back"
        assert not await house.state.scan("hold:")
        return result

    return live(perform, accounts=accounts, scripts=scripts, keys=[key], prices=PRICES, **options)


def spent(rows: Any) -> int:
    return sum(row.charge_pusd or 0 for row in rows)


def sent_limit(sent: HttpRequest) -> Any:
    return msgspec.json.decode(sent.body or b"").get("max_tokens")
