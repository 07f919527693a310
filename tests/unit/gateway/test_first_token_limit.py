"""The first-token limit as a rule: twelve seconds, more for long prompts, slow targets and thinkers."""

from __future__ import annotations

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.canonical.head import Head
from flowrouter.gateway.exchange import Exchange, Inbound
from flowrouter.gateway.first_token import FirstTokenLimits, first_token_limit, text_bytes
from flowrouter.gateway.incoming import may_think_long
from flowrouter.gateway.world import World
from flowrouter.providers import catalog
from flowrouter.routing import Plan, Target
from flowrouter.routing.tree import Policy
from tests.playbooks.stage import account, world

PRESENT = world(account("one", "openai_chat"))
ASK = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'


@pytest.mark.parametrize(
    "tokens, learned, patience, limit",
    [
        (0, None, 12.0, 12.0),
        (20_000, None, 12.0, 22.0),
        (0, 3.0, 12.0, 12.0),
        (0, 10.0, 12.0, 30.0),
        (100_000, 10.0, 12.0, 62.0),
        (10_000, 1.0, 300.0, 305.0),
        (0, 200.0, 300.0, 600.0),
    ],
    ids=["none", "long", "quick", "slow", "long and slow", "thinks", "thinks long"],
)
def test_the_rule(tokens: float, learned: float | None, patience: float, limit: float) -> None:
    assert first_token_limit(tokens, learned, patience=patience) == pytest.approx(limit)


@given(st.floats(0, 1e7), st.none() | st.floats(0, 1e3))
def test_no_target_has_less_than_twelve_seconds(tokens: float, learned: float | None) -> None:
    assert first_token_limit(tokens, learned) >= 12.0


def limit(
    body: bytes, *, learned: float | None = None, present: World = PRESENT, **of: object
) -> float | None:
    inbound = Inbound(
        request_id="r", dialect="openai_chat", operation=of.pop("operation", "generate"), endpoint="/",  # type: ignore[arg-type]
        headers={}, body=body, wall=0.0, started=0.0,
    )  # fmt: skip
    exchange = Exchange(inbound)
    first_token = of.pop("first_token", None)
    exchange.head = Head(**{"model": "m", "stream": True, "length": len(body), **of})  # type: ignore[arg-type]
    target = _target()
    if first_token is not None:
        exchange.plan = Plan(asked="m", step="", policy=Policy(first_token=first_token))  # type: ignore[arg-type]
    return FirstTokenLimits(lambda _, share: learned if share == 0.95 else None).limit(
        exchange, present, target
    )


def _target() -> Target:
    return Target(account_id="one", account="one", preset="custom-openai", model="m", dialect="openai_chat")


def test_a_short_prompt_has_twelve_seconds() -> None:
    assert limit(ASK) == pytest.approx(12.0, abs=0.1)


def test_a_long_prompt_has_the_time_to_be_read() -> None:
    assert limit(b"x" * 72_000) == pytest.approx(12 + 10, abs=0.1)


def test_a_picture_is_not_read_token_by_token() -> None:
    picture = base64.b64encode(bytes(6_000_000))
    as_url = b'{"url":"data:image/png;base64,%b"},"text":"%b"' % (picture, b"x" * 7_200)
    as_data = b'{"source":{"type":"base64","data": "%b"}},"text":"%b"' % (picture, b"x" * 7_200)
    for body in (as_url, as_data, as_url + as_data):
        assert text_bytes(body) < 16_000
        assert limit(body) == pytest.approx(13.0, abs=1.2)


@pytest.mark.parametrize(
    "body",
    [b'"data"' * 20_000, b";base64," * 20_000, b'"data":"' + b"x" * 100_000],
    ids=["names", "marks", "no end"],
)
def test_what_only_looks_like_media_does_no_harm(body: bytes) -> None:
    assert 0 <= text_bytes(body) <= len(body)


def test_what_was_learned_counts_three_times() -> None:
    assert limit(ASK, learned=8.0) == pytest.approx(24.0)


@pytest.mark.parametrize(
    "member", ['"reasoning_effort":"high"', '"thinking":{"type":"enabled"}'], ids=["chat", "anthropic"]
)
def test_who_reasons_has_five_minutes(member: str) -> None:
    assert limit(ASK[:-1] + b"," + member.encode() + b"}") == pytest.approx(300.0, abs=0.1)


@pytest.mark.parametrize(
    "member",
    [
        '"thinking":{"type":"disabled"}',
        '"thinking" : null',
        '"reasoning_effort":"none"',
        '"reasoning":{"effort":"none"}',
        '"thinkingConfig":{"thinkingBudget": 0}',
        '"user":"the \\"thinking\\": kind"',
    ],
    ids=["anthropic", "null", "chat", "responses", "gemini", "only a word"],
)
def test_who_is_told_not_to_reason_has_not(member: str) -> None:
    limited = limit(ASK[:-1] + b"," + member.encode() + b"}")
    assert limited is not None
    assert limited < 13.0


def test_who_is_on_this_machine_has_five_minutes() -> None:
    preset = catalog.packaged().find("local")
    assert preset is not None
    capabilities = PRESENT.capabilities(preset, "m", "openai_chat")
    assert may_think_long(preset, capabilities, ASK)


def test_a_whole_answer_has_the_time_to_be_written() -> None:
    assert limit(ASK, stream=False, max_tokens=500) == pytest.approx(62.0, abs=0.1)
    assert limit(ASK, stream=False, max_tokens=None) is None


def test_vectors_have_no_first_token() -> None:
    assert limit(ASK, operation="embeddings") is None


def test_a_combos_own_limit_goes_before_the_rule() -> None:
    assert limit(ASK, first_token=3.0, learned=100.0) == 3.0
    assert limit(ASK, first_token=3.0, stream=False, max_tokens=100) == 13.0


def test_a_body_of_one_struct_is_not_changed() -> None:
    assert text_bytes(msgspec.json.encode({"a": "b"})) == 9
