"""What makes requests one session, and where a session's pin lies."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.canonical.usage import Usage
from flowrouter.gateway.affinity import carries_sealed, session_header, session_of
from flowrouter.gateway.exchange import Exchange, Inbound, skimmed
from flowrouter.routing.affinity import (
    LONG_CACHE,
    SHORT_CACHE,
    Pin,
    Session,
    cache_life,
    cached_tokens,
    place,
)


def exchange(body: Any, dialect: Any = "openai_chat", **headers: str) -> Exchange:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    inbound = Inbound(
        request_id="req_1",
        dialect=dialect,
        operation="generate",
        endpoint="/",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        body=raw,
        wall=0.0,
        started=0.0,
        model="m" if dialect == "gemini" else None,
    )
    made = Exchange(inbound)
    made.head = skimmed(inbound)
    return made


def said(*turns: str) -> list[dict[str, Any]]:
    roles = ("user", "assistant")
    return [{"role": roles[place % 2], "content": text} for place, text in enumerate(turns)]


BODIES: dict[str, Any] = {
    "openai_chat": lambda system, *turns: {
        "model": "m",
        "messages": [{"role": "system", "content": system}, *said(*turns)],
    },
    "anthropic": lambda system, *turns: {
        "model": "m",
        "max_tokens": 9,
        "system": system,
        "messages": said(*turns),
    },
    "openai_responses": lambda system, *turns: {
        "model": "m",
        "instructions": system,
        "input": [{"type": "message", **turn} for turn in said(*turns)],
    },
    "gemini": lambda system, *turns: {
        "systemInstruction": {"parts": [{"text": system}]},
        "contents": [
            {"role": ("user", "model")[place % 2], "parts": [{"text": text}]}
            for place, text in enumerate(turns)
        ],
    },
}


@pytest.mark.parametrize("dialect", BODIES, ids=str)
def test_a_conversation_is_known_by_its_beginning(dialect: str) -> None:
    make = BODIES[dialect]
    first = session_of(exchange(make("be good", "hello"), dialect))
    assert first is not None
    assert first.kind == "prefix"
    assert session_of(exchange(make("be good", "hello", "hi", "and now?"), dialect)) == first
    assert session_of(exchange(make("be good", "hullo", "hi", "and now?"), dialect)) != first
    assert session_of(exchange(make("be bad", "hello"), dialect)) != first


def test_a_text_as_input_is_a_beginning_too() -> None:
    body = {"model": "m", "input": "hello"}
    assert session_of(exchange(body, "openai_responses")) == session_of(exchange(body, "openai_responses"))


def test_a_long_system_prompt_does_not_hide_who_speaks() -> None:
    make, long = BODIES["anthropic"], "x" * 20_000
    one, other = (session_of(exchange(make(long, text), "anthropic")) for text in ("a", "b"))
    assert one != other


@given(body=st.binary(max_size=200))
def test_whatever_arrives_has_a_session_or_none(body: bytes) -> None:
    made = exchange({"model": "m"})
    made.inbound = msgspec.structs.replace(made.inbound, body=body)
    session_of(made)


def test_the_clients_own_names_win() -> None:
    body = {"model": "m", "prompt_cache_key": "k", "messages": said("hi")}
    assert session_of(exchange(body, x_session_id="s")) == Session(key="s", kind="session")
    assert session_of(exchange(body)) == Session(key="k", kind="cache_key")
    assert session_of(exchange({"model": "m"})) is None


def test_claude_codes_own_header_goes_before_others() -> None:
    headers = {"x-session-id": "other", "x-claude-code-session-id": "claude" * 100}
    assert session_header(headers) == ("claude" * 100)[:128]
    assert session_header({"user-agent": "x"}) is None


@given(
    owners=st.lists(st.text(min_size=1), min_size=2, max_size=2, unique=True),
    group=st.text(min_size=1),
    key=st.text(min_size=1),
)
def test_places_of_owners_groups_and_kinds_differ_and_tell_nothing(
    owners: list[str], group: str, key: str
) -> None:
    session = Session(key=key, kind="session")
    here = place(owners[0], group, session)
    assert here == place(owners[0], group, session)
    assert here != place(owners[1], group, session)
    assert here != place(owners[0], group + "x", session)
    assert here != place(owners[0], group, Session(key=key, kind="cache_key"))
    assert here.startswith("pin:")
    assert len(here) == 36


def test_only_responses_bodies_carry_state_of_one_account() -> None:
    item = {"type": "reasoning", "summary": [], "encrypted_content": "x"}
    assert carries_sealed(exchange({"model": "m", "input": [item]}, "openai_responses"))
    plain = {"model": "m", "input": "hi", "include": ["reasoning.encrypted_content"]}
    assert not carries_sealed(exchange(plain, "openai_responses"))
    assert not carries_sealed(exchange({"model": "m", "messages": [], "x": item}))


@pytest.mark.parametrize(
    ("usage", "before", "life"),
    [
        (Usage(input=1, cache_write=9), None, SHORT_CACHE),
        (Usage(input=1, cache_write=9, cache_write_1h=9), None, LONG_CACHE),
        (Usage(input=1, cache_read=9), LONG_CACHE, LONG_CACHE),
        (Usage(input=1, cache_read=9), None, SHORT_CACHE),
        (Usage(input=1, cache_read=0, cache_write=0), LONG_CACHE, 7.0),
        (None, SHORT_CACHE, 7.0),
    ],
    ids=["written", "for an hour", "read", "read, nothing known", "none", "no usage"],
)
def test_the_life_of_anthropics_cache(usage: Usage | None, before: float | None, life: float) -> None:
    pin = None if before is None else Pin(account="a", target="a:m", used=0.0, life=before)
    assert cache_life(usage, "anthropic", before=pin, default=7.0) == life
    assert cache_life(usage, "openai_chat", before=pin, default=7.0) == 7.0


def test_what_is_in_the_cache() -> None:
    assert cached_tokens(None) == 0
    assert cached_tokens(Usage(input=5, cache_read=100, cache_write=20, cache_write_1h=20)) == 120
    assert Pin(account="a", target="a:m", used=10.0, life=5.0).warm(14.9)
    assert not Pin(account="a", target="a:m", used=10.0, life=5.0).warm(15.0)
