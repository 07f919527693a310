"""What of a body is for us and never for a vendor, found by its bytes."""

from __future__ import annotations

import pytest

from flowrouter.canonical.dialect import Dialect
from flowrouter.gateway.envelopes import PREFIX, holds_envelopes


@pytest.mark.parametrize(
    ("dialect", "body", "held"),
    [
        ("anthropic", f'{{"signature":"{PREFIX}x"}}', True),
        ("anthropic", f'{{"data":"{PREFIX}x"}}', True),
        ("anthropic", '{"signature":"theirs"}', False),
        ("anthropic", '{"signature":""}', True),
        ("anthropic", '{"signature" :\n ""}', True),
        ("anthropic", '[{"signature":"theirs"},{"signature": "x"},{"signature": ""}]', True),
        ("anthropic", '{"text":"\\"signature\\":\\"\\""}', False),
        ("anthropic", '{"signature"', False),
        ("openai_chat", '{"signature":""}', False),
        ("openai_chat", f'{{"content":"{PREFIX}"}}', True),
        ("gemini", '{"thoughtSignature":"ZmxyMS5B"}', True),
        ("gemini", '{"thoughtSignature":""}', False),
    ],
    ids=[
        "sealed", "sealed data", "signed", "unsigned", "unsigned, spaced", "the last of three", "quoted", "cut off", "no such member",
        "a chat's", "in base64", "empty",
    ],
)  # fmt: skip
def test_what_is_for_us_is_found(dialect: Dialect, body: str, *, held: bool) -> None:
    assert holds_envelopes(body.encode(), dialect) is held
