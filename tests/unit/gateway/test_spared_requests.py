"""A request that was read is let go once content has left, and read again for the few who ask."""

from __future__ import annotations

import msgspec

from flowrouter.gateway.exchange import READ_AGAIN, Exchange, Inbound, parsed

BODY = b'{"model":"m","temperature":0.5,"messages":[{"role":"user","content":"%b"}]}'


def exchange(words: bytes = b"hi") -> Exchange:
    return Exchange(
        Inbound(
            request_id="req_1",
            dialect="openai_chat",
            operation="generate",
            endpoint="/v1/chat/completions",
            headers={},
            body=BODY % words,
            wall=0.0,
            started=0.0,
        )
    )


def test_it_is_read_again_as_it_was() -> None:
    made = exchange()
    before = parsed(made)
    made.spare()
    assert made.request is None
    assert made.members == before.members
    assert parsed(made) == before


def test_what_its_body_does_not_say_is_kept() -> None:
    made = exchange()
    made.request = msgspec.structs.replace(parsed(made), model="another")
    made.supplemented = True
    made.spare()
    assert parsed(made).model == "another"


def test_a_large_one_is_kept() -> None:
    made = exchange(b"x" * READ_AGAIN)
    before = parsed(made)
    made.spare()
    assert made.request is before


def test_another_body_is_another_request() -> None:
    made = exchange()
    parsed(made)
    made.spare()
    made.carry(BODY % b"something else")
    assert made.members == ()
    made.spare()
    assert made.request is None
